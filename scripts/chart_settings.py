"""Writes what deploy/chart/values.schema.json says of settings, from the class that reads them.

    python scripts/chart_settings.py

tests/test_chart.py fails when the schema is not what this would write.
"""

import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from slipway.service.settings import FILE, SECRET, Settings, variable  # noqa: E402

SCHEMA = ROOT / "deploy" / "chart" / "values.schema.json"

OWN = {"SLIPWAY_WORKERS", "SLIPWAY_IMAGE", "SLIPWAY_METRICS_PORT", "SLIPWAY_ROOT_PATH"}
"""Settings that follow from other values of the chart."""


def _value(expected: str) -> dict[str, Any]:
    """The schema of a setting's value; text may be wrong for the service nevertheless, which then does not start."""
    if number := re.fullmatch(r"a whole number of at least (\d+)", expected):
        return {"type": "integer", "minimum": int(number[1]), "description": expected}
    if re.fullmatch(r"\w+ or \w+", expected):
        return {"enum": expected.split(" or ")}
    return {"type": "string", "description": expected}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def with_settings(text: str) -> str:
    """The schema with its settings as they should be."""
    schema = json.loads(text)
    kinds = {variable(item): item.metadata["kind"] for item in fields(Settings)}
    free = {name: kind for name, kind in kinds.items() if name not in OWN and kind is not FILE}
    schema["properties"]["settings"] = _closed(
        {name: _value(kind.expected) for name, kind in free.items() if kind is not SECRET}
    )
    schema["properties"]["secretSettings"] = _closed(dict.fromkeys(free, {"$ref": "#/definitions/entry"}))
    schema["properties"]["access"]["properties"]["files"] = _closed(
        {name: {"$ref": "#/definitions/file"} for name, kind in kinds.items() if kind is FILE}
    )
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA.write_text(with_settings(SCHEMA.read_text(encoding="utf-8")), encoding="utf-8")
