"""Writes the list of settings in docs/operations.md from the class that reads them.

    python scripts/settings_reference.py

tests/test_settings.py fails when the page is not what this would write.
"""

import sys
from collections.abc import Iterator
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from scripts.marked import with_part  # noqa: E402
from slipway.service.settings import Settings, variable  # noqa: E402

PAGE = ROOT / "docs" / "operations.md"


def _default(value: Any) -> str:
    """A default as a variable would have it; one that stands for nothing is not worth a word."""
    if value is None or value == "" or value == ():
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{','.join(map(str, value)) if isinstance(value, tuple) else value}`"


def _lines() -> Iterator[str]:
    for section, items in groupby(fields(Settings), key=lambda item: item.metadata["section"]):
        yield f"\n### {section}\n"
        yield "| variable | value | default | |"
        yield "|---|---|---|---|"
        for item in items:
            kind, description = item.metadata["kind"], item.metadata["description"]
            row = f"| `{variable(item)}` | {kind.expected} | {_default(item.default)} | {description} |"
            yield row.replace("|  |", "| |")


def with_settings(text: str) -> str:
    """The page with the list of settings as it should be."""
    return with_part(text, "settings", _lines())


if __name__ == "__main__":
    PAGE.write_text(with_settings(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
