"""What differs between the schemas of two versions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target

FIELD_PARTS = ("kind", "unit", "nullable", "minimum", "maximum", "observed_min", "observed_max", "missing")
TARGET_PARTS = ("name", "unit", "minimum", "maximum", "positive", "decision_threshold")


@dataclass(frozen=True)
class SchemaChange:
    """One difference: `what` of a field is `before` in the first schema and `after` in the second.

    `what` is "added" or "removed" of a whole field, "categories added" or "categories removed", or the name of an attribute of
    `Field` or `Target`. `field` is None for the target and the task.
    """

    field: str | None
    what: str
    before: Any = None
    after: Any = None


def schema_changes(first: Schema, second: Schema) -> list[SchemaChange]:
    """What differs from the first schema to the second; texts and the order of fields do not count."""
    found = [] if first.task == second.task else [SchemaChange(None, "task", first.task, second.task)]
    found += _target(first.target, second.target)
    found += [
        SchemaChange(name, "removed", before=first.by_name[name].kind)
        for name in first.names
        if name not in second.by_name
    ]
    found += [
        SchemaChange(name, "added", after=second.by_name[name].kind)
        for name in second.names
        if name not in first.by_name
    ]
    for name in first.names:
        if name in second.by_name:
            found += _field(first.by_name[name], second.by_name[name])
    return found


def _target(first: Target, second: Target) -> Iterator[SchemaChange]:
    for part in TARGET_PARTS:
        before, after = getattr(first, part), getattr(second, part)
        if before != after:
            yield SchemaChange(None, part, before, after)
    yield from _values(None, "classes", first.classes, second.classes)


def _field(first: Field, second: Field) -> Iterator[SchemaChange]:
    for part in FIELD_PARTS:
        before, after = getattr(first, part), getattr(second, part)
        if before != after:
            yield SchemaChange(first.name, part, before, after)
    yield from _values(first.name, "categories", first.categories, second.categories)


def _values(name: str | None, what: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[SchemaChange]:
    if gone := [value for value in before if value not in after]:
        yield SchemaChange(name, f"{what} removed", before=gone)
    if new := [value for value in after if value not in before]:
        yield SchemaChange(name, f"{what} added", after=new)
