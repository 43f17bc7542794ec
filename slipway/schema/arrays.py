"""Checked values as arrays: one a field, as the compiled graph takes them and a frame is made of.

Numbers, booleans and dates (seconds since 1970) are float64 with NaN for missing; text is
an object array of `str` with None for missing: "" may be a category, and another one. Records
come one by one, a model wants columns.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.schema.fields import Field, Value

Columns = dict[str, npt.NDArray[Any]]
"""Name of each field → array of shape (n_rows,)."""

MISSING_TEXT = "\uffff"
"""Stands for a missing text in graphs and files, which have no None: Unicode keeps it for a program's own use."""


def is_text(field: Field) -> bool:
    """Whether a field's column is text; else it is float64."""
    if not field.categories:
        return field.kind == "text"
    return not all(isinstance(value, (bool, int, float)) and abs(value) < 2**53 for value in field.categories)


def array(field: Field, values: Sequence[Value]) -> npt.NDArray[Any]:
    """Checked values of one field as its column, of shape (len(values),)."""
    if is_text(field):
        found = np.empty(len(values), dtype=object)
        plain = set(map(type, values)) <= {str, type(None)}
        found[:] = values if plain else [None if value is None else str(value) for value in values]
        return found
    if field.kind == "date":
        return np.array([_seconds(value) for value in values], dtype="float64")
    return np.array(values, dtype="float64")


def fill(column: npt.NDArray[Any], text: str) -> npt.NDArray[Any]:
    """A text column with `text` in place of what is missing; any other column as it is."""
    if column.dtype != object or not (gaps := missing(column)).any():
        return column
    filled = column.copy()
    filled[gaps] = text
    return filled


def missing(column: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a text column has no value."""
    return np.asarray(column == np.array(None), dtype=bool)


def _seconds(day: Any) -> float:
    return float("nan") if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def prefilter(field: Field, values: Sequence[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """A column of raw values at once, and which rows need a full check.

    The other rows have neither fault nor warning: `Field.check` would return their values unchanged.

    Parameters
    ----------
    field : Field
    values : sequence of shape (n_rows,)
        Anything that JSON can hold.

    Returns
    -------
    column : array of shape (n_rows,)
    needs_full_check : bool array of shape (n_rows,)
    """
    if field.categories:
        return _prefilter_categories(field, values)
    if field.kind in ("number", "integer"):
        return _prefilter_numbers(field, values)
    return array(field, [None] * len(values)), np.ones(len(values), dtype=bool)


def _prefilter_numbers(field: Field, values: Sequence[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    allowed = {int, float, type(None)} if field.nullable else {int, float}
    needs_full_check = np.zeros(len(values), dtype=bool)
    if not set(map(type, values)) <= allowed:
        needs_full_check = np.array([type(value) not in allowed for value in values])
        values = [0.0 if odd else value for value, odd in zip(values, needs_full_check, strict=True)]
    try:
        found = np.array(values, dtype="float64")
    except OverflowError:  # a whole number that no float holds
        return np.zeros(len(values)), np.ones(len(values), dtype=bool)
    inside = (found >= field.observed_min) & (found <= field.observed_max)
    if field.kind == "integer":
        inside &= found == np.floor(found)
    for value in field.missing:
        inside &= found != value
    if field.nullable:
        inside |= np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    return found, needs_full_check | ~inside


def _prefilter_categories(field: Field, values: Sequence[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    # Among bools, ints and floats Python's sets find a 1 where true was meant.
    types = {type(category) for category in field.categories}
    known = set(field.categories) - set(field.missing)
    if field.nullable:
        known.add(None)
        types.add(type(None))
    one_type = len(types - {type(None)}) == 1
    if one_type and set(map(type, values)) <= types and set(values) <= known:
        return array(field, values), np.zeros(len(values), dtype=bool)
    good = np.array([one_type and type(value) in types and value in known for value in values], dtype=bool)
    kept = [value if sound else field.categories[0] for value, sound in zip(values, good, strict=True)]
    return array(field, kept), ~good
