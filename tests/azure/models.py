"""Prints the properties that a container app and its sign-in may have, as `az` knows them, as JSON.

Of each model its properties by the name that is sent, with their types. Run with the interpreter that has azure-cli.
"""

import json
import re

import azure.cli.command_modules.containerapp._sdk_models as models
from azure.cli.command_modules.containerapp._clients import CURRENT_API_VERSION

ROOTS = ("ContainerApp", "AuthConfig")


def properties(name: str) -> dict[str, object]:
    """Of one model; what is nested by a dot in a name is nested here."""
    found: dict[str, object] = {}
    for one in getattr(models, name)._attribute_map.values():
        *path, last = one["key"].split(".")
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = one["type"]
    return found


def main() -> None:
    """Print the models that are reached from ROOTS, and the version of the interface that they are of."""
    known: dict[str, object] = {}
    todo = list(ROOTS)
    while todo:
        name = todo.pop()
        if name not in known and hasattr(models, name):
            known[name] = properties(name)
            todo += re.findall(r"\b[A-Z]\w+", json.dumps(known[name]))
    print(json.dumps({"version": CURRENT_API_VERSION, "models": known}))


if __name__ == "__main__":
    main()
