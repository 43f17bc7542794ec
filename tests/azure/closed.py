"""What of a body is no property of a container app or of its sign-in, or has another type, by the models of the installed `az`.

Nobody has asked Azure what it does with an unknown property; here each is a fault, since dropping it would be one as well.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

Json = dict[str, Any]
_KINDS = {"str": str, "iso-8601": str, "bool": bool, "int": int, "float": (int, float)}


def known(az: Path) -> Json:
    """The models, by name, and the version of the interface that they are of; see models.py."""
    command = [az.with_name("python"), ROOT / "tests" / "azure" / "models.py"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def faults(models: Json, kind: str | Json, body: Any, at: str = "") -> Iterator[str]:
    """A line for each place of a body that is not as the model `kind` has it; null stands for "not said"."""
    if body is None:
        return
    if isinstance(kind, str) and kind[0] in "[{":
        if not isinstance(body, list if kind[0] == "[" else dict):
            yield f"{at}: found {body!r}; expected {kind}"
            return
        for key, value in enumerate(body) if isinstance(body, list) else body.items():
            yield from faults(models, kind[1:-1], value, f"{at}[{key}]")
    elif kind == "int" and isinstance(body, str) and body.isdigit():
        return  # `az containerapp ingress traffic set` sends a weight so
    elif isinstance(kind, str) and kind in _KINDS:
        if not isinstance(body, _KINDS[kind]) or (isinstance(body, bool) and kind != "bool"):
            yield f"{at}: found {body!r}; expected {kind}"
    elif not isinstance(body, dict):
        yield f"{at}: found {body!r}; expected properties"
    else:
        properties = models[kind] if isinstance(kind, str) else kind
        for key, value in body.items():
            if key in properties:
                yield from faults(models, properties[key], value, f"{at}.{key}")
            else:
                yield f"{at}.{key}: no such property"
