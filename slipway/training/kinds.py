"""What kind of input a column is, and the column as it is passed to the pipeline."""

from typing import Any

import numpy as np
import pandas as pd

from slipway.errors import DataError
from slipway.schema.types import Kind
from slipway.tables.numbers import EXACT
from slipway.tables.yes_no import YES_NO
from slipway.training import temporal
from slipway.training.usecase import FieldSpec

CLASS_LIMIT = 10
"""A whole-number target with at most so many different values is a class."""


def is_whole(numbers: pd.Series) -> bool:
    """Whether every number is an integer that fits into 64 bits."""
    return bool(np.all(np.mod(numbers, 1) == 0) and np.all(np.abs(numbers.astype("float64")) < 2**63))


def beyond_doubles(present: pd.Series) -> bool:
    """Whether whole numbers are so large that neighbours would be one value to a pipeline: codes, not numbers."""
    return pd.api.types.is_integer_dtype(present) and bool((present.astype("float64").abs() > EXACT).any())


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
    if beyond_doubles(present):
        return "category"
    if pd.api.types.is_numeric_dtype(present):
        return "integer" if is_whole(present) else "number"
    return temporal.infer_temporal(present, spec.format) or "category"


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
    if kind in ("date", "datetime"):
        return _moments(name, column, kind, spec, source)
    if kind == "time":
        minutes = temporal.minutes_of_day(column)
        if minutes is None:
            raise DataError(source, f"{name!r} cannot be read as times of day, such as 08:30; use `kind: category`")
        return minutes, None
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


def _moments(name: str, column: pd.Series, kind: Kind, spec: FieldSpec, source: str) -> tuple[pd.Series, str | None]:
    moments, format = temporal.moments(column, spec.format)
    if moments is None:
        by_format = f" by the format {spec.format!r}" if spec.format else ""
        problem = f"{name!r} cannot be read as dates{by_format}; give their `format:` in the use case, as in '%d/%m/%Y'"
        raise DataError(source, problem)
    return (moments.dt.normalize() if kind == "date" else moments), spec.format or format


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
