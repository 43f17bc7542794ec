"""What kind of input a column is, and the column as it is passed to the pipeline."""

import re
import shlex
from typing import Any

import numpy as np
import pandas as pd

from slipway.errors import DataError
from slipway.schema.types import Kind
from slipway.tables.reading import Note, Reading
from slipway.training.usecase import FieldSpec

YES_NO = [
    ("no", "yes"),
    ("n", "y"),
    ("false", "true"),
    ("f", "t"),
    ("0", "1"),
    ("nein", "ja"),
    ("non", "oui"),
    ("no", "sí"),
    ("no", "si"),
    ("否", "是"),
]
DAY_FIRST, MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
DATE_FORMATS = ("%d.%m.%Y", DAY_FIRST, MONTH_FIRST, "%Y/%m/%d")
DATE_LIKE = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", re.ASCII)
CLASS_LIMIT = 10
"""A whole-number target with at most so many different values is a class."""


def is_whole(numbers: pd.Series) -> bool:
    """Whether every number is an integer that fits into 64 bits."""
    return bool(np.all(np.mod(numbers, 1) == 0) and np.all(np.abs(numbers.astype("float64")) < 2**63))


def infer(column: pd.Series, spec: FieldSpec) -> Kind:
    """The kind of a column if its use case does not name one.

    Parameters
    ----------
    column : Series of shape (n_rows,)
    spec : FieldSpec

    Returns
    -------
    Kind
    """
    present = column.dropna()
    if yes_no(present):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(present):
        return "date"
    if pd.api.types.is_numeric_dtype(present):
        return "integer" if is_whole(present) else "number"
    return "date" if dates(present, spec.format)[0] is not None else "category"


def yes_no(present: pd.Series) -> tuple[Any, Any] | None:
    """The two values of a yes/no column, the negative one first; None for any other column."""
    values = list(present.unique())
    if len(values) != 2:
        return None
    texts = {str(python_value(value)).lower(): value for value in values}
    return next(((texts[no], texts[yes]) for no, yes in YES_NO if {no, yes} == set(texts)), None)


def python_value(value: Any) -> Any:
    """A NumPy value as a Python value; floats without a fraction become ints, so that JSON shows them as they are."""
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def dates(present: pd.Series, format: str | None) -> tuple[pd.Series | None, str | None]:
    """A column as days.

    Parameters
    ----------
    present : Series of shape (n_present,)
        The values that are not missing.
    format : str or None
        As in `strptime`; inferred by default.

    Returns
    -------
    days : Series of shape (n_present,), or None
        None unless every value is a date in a single format.
    format : str or None
        None for ISO dates.
    """
    if pd.api.types.is_datetime64_any_dtype(present):
        return present.dt.normalize(), None
    texts = present.astype(str).str.strip()
    if format is None:
        if not texts.map(DATE_LIKE.match).notna().all():
            return None, None
        moments = pd.to_datetime(texts, format="ISO8601", errors="coerce", utc=True)
        if moments.notna().all() and texts.str.contains(r"^\d{4}-\d{2}-\d{2}").all():
            # The day as written, whatever the time zone after it.
            return pd.to_datetime(texts.str[:10], format="%Y-%m-%d", errors="coerce"), None
    for wanted in (format,) if format else DATE_FORMATS:
        try:
            moments = pd.to_datetime(texts, format=wanted, errors="coerce")
        except ValueError:  # not a valid format
            return None, None
        if moments.notna().all():
            return moments.dt.tz_localize(None).dt.normalize(), wanted
    return None, None


def date_notes(name: str, present: pd.Series, spec: FieldSpec, source: str, reading: Reading) -> list[Note]:
    """What was decided when a column was read as days.

    Parameters
    ----------
    name : str
    present : Series of shape (n_present,)
        The values that are not missing.
    spec : FieldSpec
    source : str
        The table, for messages.
    reading : Reading

    Returns
    -------
    list of Note

    Raises
    ------
    DataError
        If day and month are interchangeable, and no format was given.
    """
    format = spec.format or dates(present, None)[1]
    notes = []
    if spec.format is None and format in (DAY_FIRST, MONTH_FIRST):
        notes += _order(name, present.astype(str).str.strip(), format, source, reading)
    late = present[_times(present, format)]
    if len(late):
        hint = f"first {str(late.iloc[0])!r}{reading.line(name, late.iloc[0])}; if the hour matters, put it into a column of its own"
        notes.append(Note("time_dropped", name, {"rows": len(late)}, hint))
    return notes


def _order(name: str, texts: pd.Series, format: str, source: str, reading: Reading) -> list[Note]:
    other = MONTH_FIRST if format == DAY_FIRST else DAY_FIRST
    here, there = (pd.to_datetime(texts, format=order, errors="coerce") for order in (format, other))
    if there.notna().all():
        if (here == there).all():
            return []
        one, two = ([*texts[here != there].unique(), ""])[:2]
        cells = " and ".join(f"{cell!r}{reading.line(name, cell)}" for cell in (one, two) if cell)
        day, month = (f"{pd.to_datetime(one, format=order):%-d %B %Y}" for order in (DAY_FIRST, MONTH_FIRST))
        options = [f"`--format {shlex.quote(f'{name}={order}')}`" for order in (DAY_FIRST, MONTH_FIRST)]
        raise DataError(
            source,
            f"{name!r} holds dates that fit day first and month first, {cells}: {one!r} can be {day} or {month}; "
            f"type {options[0]} or {options[1]} (in a use case: `fields: {{{name}: {{format: '{DAY_FIRST}'}}}}`)",
        )
    cell = texts[there.isna()].iloc[0]
    hint = f"{cell!r}{reading.line(name, cell)} fits no other order"
    return [Note("day_first" if format == DAY_FIRST else "month_first", name, hint=hint)]


def _times(present: pd.Series, format: str | None) -> pd.Series:
    """Which values have a time of day."""
    if not pd.api.types.is_datetime64_any_dtype(present):
        texts = present.astype(str).str.strip()
        if format is None:  # ISO: the day as written, whatever the time zone
            return texts.str.extract(r"^.{10}[T ]([\d:.,]*)")[0].str.contains("[1-9]", na=False)
        present = pd.to_datetime(texts, format=format, errors="coerce")
    return present != present.dt.normalize()


def cast(name: str, column: pd.Series, kind: Kind, spec: FieldSpec, source: str) -> tuple[pd.Series, str | None]:
    """A column as it is passed to PyCaret, and the format of its dates.

    Its dtype is the one in which serving will pass it to the pipeline.

    Parameters
    ----------
    name : str
    column : Series of shape (n_rows,)
    kind : Kind
    spec : FieldSpec
    source : str
        The table, for messages.

    Returns
    -------
    column : Series of shape (n_rows,)
    format : str or None

    Raises
    ------
    DataError
        If a value is not of this kind: with the value, and what to do.
    """
    if kind == "date":
        moments, format = dates(column.dropna(), spec.format)
        if moments is None:
            by_format = f" by the format {spec.format!r}" if spec.format else ""
            problem = (
                f"{name!r} cannot be read as dates{by_format}; give their `format:` in the use case, as in '%d/%m/%Y'"
            )
            raise DataError(source, problem)
        return moments.reindex(column.index).astype("datetime64[ns]"), format
    if kind in ("number", "integer"):
        return _numbers(name, column, kind, source), None
    if kind == "text":
        return column.map(lambda value: str(python_value(value)), na_action="ignore").astype(object), None
    if kind == "boolean" and column.nunique() > 2:
        some = ", ".join(repr(python_value(value)) for value in column.dropna().unique()[:5])
        raise DataError(
            source, f"{name!r} has more than two values ({some}), so it is not a boolean; use `kind: category`"
        )
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.map(lambda moment: moment.date().isoformat(), na_action="ignore").astype(object), None
    # Classes keep their values in the table; only the width of a number may change.
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return column, None
    return column.astype("int64" if pd.api.types.is_integer_dtype(column) else "float64"), None


def _numbers(name: str, column: pd.Series, kind: Kind, source: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    present = numbers.dropna()
    wrong = column.dropna()[numbers[column.notna()].isna()]
    if len(wrong):
        problem = f"{name!r} holds {wrong.iloc[0]!r}, which is not a number; use another kind, or `missing:`"
        raise DataError(source, problem)
    if not np.isfinite(present.astype("float64")).all():
        raise DataError(source, f"{name!r} holds an infinite number; remove it, or name it in `missing:`")
    if kind == "integer" and not is_whole(present):
        odd = present[(np.mod(present, 1) != 0) | (np.abs(present) >= 2**63)].iloc[0]
        raise DataError(source, f"{name!r} holds {odd!r}, which is not a whole number of 64 bits; use `kind: number`")
    return numbers.astype("int64" if kind == "integer" and numbers.notna().all() else "float64")
