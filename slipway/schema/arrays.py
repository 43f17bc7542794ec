"""Checked values as arrays: one per field, as the compiled graph takes them and frames are made from them.

Numbers, booleans, dates (seconds since 1970) and times of day (minutes since midnight) are float64 with NaN for missing; text is
an object array of `str` with None for missing, because "" may be a category. Records are rows,
but a model needs columns.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.schema.fields import Field, Value
from slipway.tables.dates import minutes

Columns = dict[str, npt.NDArray[Any]]
"""Name of each field → array of shape (n_rows,)."""

MISSING_TEXT = "\uffff"
"""Stands for a missing text in graphs and files, which have no None: Unicode keeps it for a program's own use."""


_TEXT_TYPES = frozenset((str, type(None)))


def is_text(field: Field) -> bool:
    """Whether a field's column is text; otherwise it is float64."""
    return field.is_text


def array(field: Field, values: Sequence[Value]) -> npt.NDArray[Any]:
    """The column of a field.

    Parameters
    ----------
    field : Field
    values : sequence of n checked values

    Returns
    -------
    array of shape (n,)
        float64, or object for text.
    """
    if is_text(field):
        found = np.empty(len(values), dtype=object)
        plain = _TEXT_TYPES.issuperset(map(type, values))
        found[:] = values if plain else [None if value is None else str(value) for value in values]
        return found
    if field.kind == "time":
        return np.array([float("nan") if value is None else minutes(str(value)) for value in values], dtype="float64")
    if field.kind in ("date", "datetime"):
        return np.array([_seconds(value) for value in values], dtype="float64")
    return np.array(values, dtype="float64")


def fill(column: npt.NDArray[Any], text: str) -> npt.NDArray[Any]:
    """A text column with the missing values replaced; any other column is returned as it is.

    Parameters
    ----------
    column : array of shape (n,)
    text : str

    Returns
    -------
    array of shape (n,)
    """
    if column.dtype != object or not (gaps := missing(column)).any():
        return column
    filled = column.copy()
    filled[gaps] = text
    return filled


def missing(column: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Where a text column has no value, of shape (n,)."""
    return np.asarray(column == np.array(None), dtype=bool)


def _seconds(day: Any) -> float:
    return float("nan") if day is None else datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def prefilter(field: Field, values: Sequence[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """A column of raw values at once, and which rows need the full check.

    A row that does not need it has neither a fault nor a warning: `Field.check` would accept it unchanged.

    Parameters
    ----------
    field : Field
    values : sequence of n JSON values

    Returns
    -------
    column : array of shape (n,)
    needs_full_check : array of bool, of shape (n,)
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
