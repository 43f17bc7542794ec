"""Columns as the pandas frame that a fitted pipeline is given, and a user's frame as records.

A compiled version is served without pandas: this module is for training, for the parity check
and for versions that are served by their pipeline.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.schema import arrays
from slipway.schema.arrays import Columns
from slipway.schema.fields import Field, Record
from slipway.schema.schema import Schema
from slipway.tables.dates import minutes, time_text


def frame(schema: Schema, columns: Columns) -> pd.DataFrame:
    """The frame that a fitted pipeline is given.

    The index is 0, 1, 2, …: a repeated index makes PyCaret's transformers join a frame with itself.

    Parameters
    ----------
    schema : Schema
    columns : Columns
        One array of shape (n_rows,) per field, as `Schema.columns` makes them.

    Returns
    -------
    DataFrame of shape (n_rows, n_fields)
        With the dtypes that the pipeline was fitted with.
    """
    if schema.empty_is_missing:
        columns = {field.name: _as_one(field, columns[field.name]) for field in schema.fields}
    return pd.DataFrame({field.name: series(field, columns[field.name]) for field in schema.fields})


def for_pipeline(schema: Schema, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame of fields with the names that their columns have in the pipeline.

    Parameters
    ----------
    schema : Schema
    frame : DataFrame of shape (n_rows, n_fields)

    Returns
    -------
    DataFrame of the same shape
    """
    names = {field.name: field.pipeline_name for field in schema.fields if field.column}
    return frame.rename(columns=names) if names else frame


def of_pipeline(schema: Schema, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as the pipeline takes it, with the names of the fields.

    Parameters
    ----------
    schema : Schema
    frame : DataFrame of shape (n_rows, n_fields)

    Returns
    -------
    DataFrame of the same shape
    """
    names = {field.pipeline_name: field.name for field in schema.fields if field.column}
    return frame.rename(columns=names) if names else frame


def _as_one(field: Field, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A text column with "" and missing as one value: the category "" if there is one, else missing."""
    if field.kind == "text" and field.nullable:
        return np.array([text or None for text in column], dtype=object)
    return arrays.fill(column, "")


def records(frame: pd.DataFrame, times: Collection[str] = ()) -> list[Record]:
    """The rows of a user's frame as a client would send them in JSON, whatever dtypes the frame has.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    times : collection of str, optional
        The columns whose numbers are times of day, in minutes since midnight.

    Returns
    -------
    list of n_rows dicts
        By column name; missing values are None, dates are ISO texts.
    """
    texts = {name: frame[name].map(time_text, na_action="ignore") for name in times}
    values = [[_in_json(value) for value in _objects(texts.get(name, frame[name]))] for name in frame.columns]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*values, strict=True)]


def _objects(column: pd.Series) -> list[Any]:
    return column.astype(object).where(column.notna(), None).tolist()  # type: ignore[no-any-return]


def _in_json(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else str(value)


def of_records(schema: Schema, given: Sequence[Record]) -> pd.DataFrame:
    """Records as a user's frame would hold them, made without the arrays that serving makes of them.

    Parameters
    ----------
    schema : Schema
    given : sequence of n_rows records
        Each has every field; dates are ISO texts.

    Returns
    -------
    DataFrame of shape (n_rows, n_fields)
    """
    columns = {}
    for field in schema.fields:
        column = pd.Series([record[field.name] for record in given])
        if field.kind in ("date", "datetime"):
            columns[field.name] = pd.to_datetime(column, format="ISO8601").astype("datetime64[ns]")
        elif field.kind == "time":
            columns[field.name] = column.map(minutes, na_action="ignore").astype("float64")
        elif column.dtype == object:
            columns[field.name] = with_nan(column)
        else:
            columns[field.name] = column if column.isna().any() else column.astype(field.dtype)
    return pd.DataFrame(columns)


def of_person(frame: pd.DataFrame) -> pd.DataFrame:
    """A user's frame as the pipeline is given it: rows counted from 0, missing values in objects as NaN.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)

    Returns
    -------
    DataFrame of the same shape
        A copy; `frame` is not changed.
    """
    frame = frame.reset_index(drop=True)
    return with_columns(frame, {name: with_nan(frame[name]) for name in frame.columns if frame[name].dtype == object})


def with_columns(frame: pd.DataFrame, columns: Mapping[str, pd.Series]) -> pd.DataFrame:
    """A copy of the frame with some columns replaced; `assign` cannot do this for a column named `self`.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    columns : mapping of str to Series of shape (n_rows,)

    Returns
    -------
    DataFrame
    """
    changed = frame.copy()
    for name, column in columns.items():
        changed[name] = column
    return changed


def with_nan(values: pd.Series) -> pd.Series:
    """Missing values as PyCaret's imputers know them: they would treat None as one more category.

    Parameters
    ----------
    values : Series of shape (n_rows,)

    Returns
    -------
    Series of shape (n_rows,)
    """
    return values.where(values.notna(), np.nan)


def series(field: Field, column: npt.NDArray[Any]) -> pd.Series:
    """A column in the pandas dtype that the pipeline was fitted with.

    Parameters
    ----------
    field : Field
    column : array of shape (n_rows,)
        Values as `Schema.columns` makes them; dates are seconds since 1970.

    Returns
    -------
    Series of shape (n_rows,)
    """
    if field.kind in ("date", "datetime"):
        return pd.Series(pd.to_datetime(column, unit="s")).astype("datetime64[ns]")
    if field.kind == "text":
        return with_nan(pd.Series(column, dtype=object))
    if not field.categories:
        whole = not field.dtype.startswith("int") or bool((column == np.floor(column)).all())
        return pd.Series(column).astype(field.dtype if whole and not np.isnan(column).any() else "float64")
    text = arrays.is_text(field)
    known = {str(value) if text else float(value): value for value in field.categories}
    values = pd.Series([known.get(value, np.nan) for value in column.tolist()], dtype=object)
    if field.dtype == "object":
        return values
    return values.astype("float64" if values.isna().any() and field.dtype != "bool" else field.dtype)
