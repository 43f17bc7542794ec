"""Writes docs/usecase.md and slipway/training/samples/usecase.schema.json from the classes that a use case is checked by.

    python scripts/usecase_reference.py

tests/test_usecase_reference.py fails when either is not what this would write.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from pydantic.fields import FieldInfo  # noqa: E402

from slipway.tables.source import DataSource  # noqa: E402
from slipway.tables.yaml_file import Expected, Shape  # noqa: E402
from slipway.training.usecase import Band, CardSpec, Example, FieldSpec, TargetSpec, TrainingSpec, UseCase  # noqa: E402
from slipway.training.usecase.appearance import PageSpec  # noqa: E402
from slipway.training.usecase.file import adapter  # noqa: E402
from slipway.training.usecase.values import BY_LANGUAGE, LocalizedText  # noqa: E402

PAGE = ROOT / "docs" / "usecase.md"
SCHEMA = ROOT / "slipway" / "training" / "samples" / "usecase.schema.json"
SECTIONS = (
    ("The file", UseCase),
    ("`data`", DataSource),
    ("`target`", TargetSpec),
    ("`fields`: each column", FieldSpec),
    ("`training`", TrainingSpec),
    ("`bands`: each of them", Band),
    ("`examples`: each of them", Example),
    ("`page`", PageSpec),
    ("`card`", CardSpec),
)
EXAMPLE = """\
# yaml-language-server: $schema=usecase.schema.json
name: houses
title: {en: House prices, zh: 房价}
data: houses.csv
target:
  column: price
  unit: US dollars
  minimum: 0
fields:
  rooms: {label: Rooms, minimum: 1, maximum: 50}
  sold: {format: "%d/%m/%Y"}
missing:
  rooms: [0, -1]
ignore: [listing_id]
training: {metric: MAE, folds: 5}
setup: {normalize: true}
answer: "Expected price: {prediction} US dollars"
examples:
  - label: A small house
    values: {rooms: 3, sold: 01/06/2024, garden: no}
"""
HEAD = f"""\
# The use-case file

<!-- Written by `python scripts/usecase_reference.py`; change slipway/training/usecase/models.py instead. -->

A use case says what a table cannot: labels and units, bounds, values that mean "not measured", the sentence of a
prediction, how to train. `slipway train path/to/houses.yaml` trains from it; one in `slipway/training/samples/` is also trained by
its name, with `make train MODEL=insurance`. Only `target` is required:

```yaml
{EXAMPLE}```

- **Plain values** are read as in YAML 1.2: only `true` and `false` are booleans, so `no`, `yes` and `2024-05-31` are
  texts, as in the table. A number with a leading zero, such as `010`, is a text, too.
- **A text** for people is one text in English, or one for each language: `{BY_LANGUAGE}`.
- **A key without a value**, such as `training:` with nothing under it, has its default.
- **A mistake** is one line with the file, the line, the key and what was expected; an unknown key is named with the
  nearest known one. A duplicate key is refused.
- **An editor** with a YAML language server completes the keys and marks mistakes as you type, if the first line names
  the schema by its path: `# yaml-language-server: $schema=usecase.schema.json`. It is
  [slipway/training/samples/usecase.schema.json](../slipway/training/samples/usecase.schema.json).
"""


def metadata(annotation: Any) -> Iterator[Any]:
    """Everything that `Annotated` says of a value, the outermost first."""
    if annotation is LocalizedText:
        yield Expected("a text")
        return
    own = getattr(annotation, "__metadata__", ())
    yield from own
    for part in (annotation.__origin__,) if own else get_args(annotation):
        yield from metadata(part)


def value(annotation: Any) -> str:
    """What may stand for a key, in words."""
    parts = list(metadata(annotation))
    text = next((item.text for item in parts if isinstance(item, (Expected, Shape))), "a value")
    bounds = [
        bound.ge for item in parts if isinstance(item, FieldInfo) for bound in item.metadata if hasattr(bound, "ge")
    ]
    return f"{text}, at least {bounds[0]}" if bounds else text


def default(item: "Field[Any]") -> str:
    """A default as YAML has it; an empty one is not worth a word."""
    if item.default is MISSING or item.default in (None, "", ()):
        return ""
    return f"`{json.dumps(item.default)}`"


def rows(model: Any) -> Iterator[str]:
    hints = get_type_hints(model, include_extras=True)
    for item in fields(model):
        described = next(
            part.description for part in metadata(hints[item.name]) if isinstance(part, FieldInfo) and part.description
        )
        yield f"| `{item.name}` | {value(hints[item.name])} | {default(item)} | {described} |".replace("|  |", "| |")


def page() -> str:
    """docs/usecase.md."""
    parts = [HEAD]
    for title, model in SECTIONS:
        table = "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows(model)])
        parts.append(f"## {title}\n\n{model.__doc__}\n\n{table}\n")
    return "\n".join(parts)


def schema() -> str:
    """slipway/training/samples/usecase.schema.json."""
    content = adapter().json_schema()
    content = {"$schema": "https://json-schema.org/draft/2020-12/schema", **content}
    for model in (content, *content["$defs"].values()):
        for name, item in model.get("properties", {}).items():
            item.pop("title", None)
            if item.get("default", 0) is None:
                del item["default"]
            if isinstance(item.get("additionalProperties"), dict):
                item["additionalProperties"] = nullable(item["additionalProperties"])
            if name not in model.get("required", ()):
                model["properties"][name] = nullable(item)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def nullable(item: dict[str, Any]) -> dict[str, Any]:
    """A key without a value has its default, so every optional key may be null."""
    if not item.keys() - {"description"} or {"type": "null"} in item.get("anyOf", ()):
        return item
    about = {key: item.pop(key) for key in ("description", "default") if key in item}
    return {"anyOf": [item, {"type": "null"}], **about}


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
