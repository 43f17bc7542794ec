"""One field of a schema, learnt from the values of its column."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from slipway.errors import DataError, UseCaseError
from slipway.schema.fields import Field
from slipway.schema.types import Kind
from slipway.tables.dates import time_text
from slipway.training import kinds
from slipway.training.kinds import python_value
from slipway.training.labels import readable
from slipway.training.usecase import FieldSpec

BOUND_FACTOR = 1000
"""How many times its range or size in training a number may lie outside that range before it
is refused, where the use case gives no bounds: far enough for any real value, near enough for
the pipeline's float32 to hold it."""


MIN_ROWS = 10
"""Rows at least that the categories of a default record have in common: what it says is of several, never of a single one."""


def infer_field(
    name: str,
    column: pd.Series,
    kind: Kind,
    spec: FieldSpec,
    missing: tuple[Any, ...],
    format: str | None,
    source: str,
) -> Field:
    """What a column's values say of its field: its range or categories, its bounds and its default.

    Parameters
    ----------
    name : str
    column : Series of shape (n_rows,)
        As `kinds.cast` made it.
    kind : Kind
    spec : FieldSpec
        What the use case says of the field.
    missing : tuple
        The values that mean "not measured".
    format : str or None
        How its dates are written.
    source : str
        The table, for messages.

    Returns
    -------
    Field

    Raises
    ------
    DataError
        If the column has no value.
    UseCaseError
        If the bounds of the use case exclude the median.
    """
    present = column.dropna()
    if present.empty:
        raise DataError(source, f"{name!r} has no value at all; leave it out (`ignore:`)")
    common = _common(name, column, kind, spec, missing)
    if kind in ("boolean", "category"):
        pair = kinds.yes_no(present) if kind == "boolean" else None
        values = [python_value(value) for value in pair or sorted(present.unique(), key=sort_key)]
        return Field(**common, categories=tuple(values), default=python_value(present.mode().iloc[0]))
    if kind == "text":
        return Field(**common, default="")
    if kind in ("date", "datetime", "time"):
        ends = (present.min(), present.max(), present.quantile(0.5, "lower"))
        low, high, default = (_as_text(kind, end) for end in ends)
        return Field(**common, observed_min=low, observed_max=high, default=default, format=format)
    return _number_field(common, present, kind, spec, source)


def _common(name: str, column: pd.Series, kind: Kind, spec: FieldSpec, missing: tuple[Any, ...]) -> dict[str, Any]:
    """What fields of every kind have."""
    return {
        "name": name,
        "kind": kind,
        "dtype": str(column.dtype),
        "label": spec.label or {"en": readable(name)},
        # Who may say "not measured" by a value may say it by null.
        "nullable": bool(column.isna().any() or missing),
        "unit": spec.unit,
        "help": spec.help,
        "missing": tuple(missing),
        "category_labels": spec.categories,
        "private": spec.private,
        "changeable": _changeable(name, kind, spec),
        "monotone": _monotone(name, kind, spec),
        "group": spec.group,
    }


def _monotone(name: str, kind: Kind, spec: FieldSpec) -> Literal["up", "down"] | None:
    if spec.monotone and kind not in ("number", "integer"):
        problem = f"`monotone` is for numbers; it is read as {kind}: leave it out"
        raise UseCaseError(f"the field {name!r}", problem)
    return spec.monotone


def _changeable(name: str, kind: Kind, spec: FieldSpec) -> Literal["any", "up", "down"] | None:
    if not spec.changeable:
        return None
    if kind in ("date", "datetime", "time", "text"):
        problem = f"`changeable` is for numbers and categories; it is read as {kind}: leave it out"
        raise UseCaseError(f"the field {name!r}", problem)
    if spec.changeable is True:
        return "any"
    if kind not in ("number", "integer"):
        problem = f"`changeable: {spec.changeable}` is for numbers; it is read as {kind}: write `changeable: true`"
        raise UseCaseError(f"the field {name!r}", problem)
    return spec.changeable


def with_matching_defaults(fields: Sequence[Field], inputs: Mapping[str, pd.Series]) -> list[Field]:
    """The fields with categories as defaults that occur together, as a country does with its continent.

    From the input with the fewest categories to that with the most, each default is the most frequent one of
    the rows that have the defaults before it, as long as those are `MIN_ROWS` or more.

    Parameters
    ----------
    fields : sequence of Field
    inputs : mapping of str to Series of shape (n_rows,)
        The columns by the names of the fields.

    Returns
    -------
    list of Field
        In the given order.
    """
    defaults: dict[str, Any] = {}
    rows = np.arange(len(next(iter(inputs.values()), ())))
    for field in sorted((one for one in fields if one.categories), key=lambda one: len(one.categories)):
        column = inputs[field.name].iloc[rows]
        if column.isna().all():
            continue
        value = column.mode().iloc[0]
        same = np.flatnonzero(column == value)
        defaults[field.name] = python_value(value)
        if len(same) >= MIN_ROWS:
            rows = rows[same]
    return [replace(field, default=defaults.get(field.name, field.default)) for field in fields]


def _as_text(kind: Kind, value: Any) -> str:
    """A date or time of day as records have it."""
    if kind == "time":
        return time_text(value)
    return str(value.date().isoformat() if kind == "date" else value.to_pydatetime(warn=False).isoformat())


def _number_field(common: dict[str, Any], present: pd.Series, kind: Kind, spec: FieldSpec, source: str) -> Field:
    low, high = python_value(present.min()), python_value(present.max())
    decimals = 0 if kind == "integer" else decimals_of(present)
    median = round(float(present.median()), decimals)
    reach = BOUND_FACTOR * max(high - low, abs(high), abs(low), 1)
    minimum = spec.minimum if spec.minimum is not None else math.floor(low - reach)
    maximum = spec.maximum if spec.maximum is not None else math.ceil(high + reach)
    if not minimum <= median <= maximum:
        raise UseCaseError(
            f"the field {common['name']!r}",
            f"`minimum` to `maximum`, {minimum:g} to {maximum:g}, excludes its median in {source}, {median:g}; widen it",
        )
    if kind == "integer":
        whole: dict[str, Any] = {
            "observed_min": int(low),
            "observed_max": int(high),
            "minimum": math.ceil(minimum),
            "maximum": math.floor(maximum),
        }
        return Field(**common, **whole, default=int(median))
    ends: dict[str, Any] = {
        "observed_min": float(low),
        "observed_max": float(high),
        "minimum": float(minimum),
        "maximum": float(maximum),
    }
    return Field(**common, **ends, decimals=decimals, default=median)


def sort_key(value: Any) -> tuple[bool, Any]:
    """Puts numbers before texts."""
    return isinstance(value, str), value


def decimals_of(present: pd.Series) -> int:
    """How many decimals the values have, at most 6."""
    sample = present.iloc[:1000]
    return next((places for places in range(6) if np.allclose(sample, sample.round(places), rtol=0, atol=1e-9)), 6)
