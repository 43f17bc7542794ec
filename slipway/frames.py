"""Columns as the pandas frame that a fitted pipeline is given, and a training frame as columns.

A compiled version is served without pandas; this module is for training, for the gate and for
what is served by its pipeline.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway import columns
from slipway.columns import Columns
from slipway.fields import Field
from slipway.schema import Schema


def frame(schema: Schema, taken: Columns) -> pd.DataFrame:
    """The frame that a fitted pipeline is given, of shape (n_rows, len(schema.fields)).

    The index is 0, 1, 2, …: a repeated index makes PyCaret's transformers join a frame
    with itself.
    """
    return pd.DataFrame({field.name: series(field, taken[field.name]) for field in schema.fields})


def from_series(field: Field, values: pd.Series) -> npt.NDArray[Any]:
    """A training column, as `learn` typed it, as serving would be given it."""
    if field.kind == "date":
        days = values.to_numpy("datetime64[s]")
        return np.where(np.isnat(days), np.nan, days.astype("int64").astype("float64"))
    return columns.array(
        field, [None if missing else value for value, missing in zip(values, values.isna(), strict=True)]
    )


def series(field: Field, column: npt.NDArray[Any]) -> pd.Series:
    """The column in the pandas dtype that the pipeline was fitted with."""
    if field.kind == "date":
        return pd.Series(pd.to_datetime(column, unit="s")).astype("datetime64[ns]")
    if field.kind == "text":
        return pd.Series(column, dtype=object).replace({"": np.nan} if field.nullable else {})
    if not field.categories:
        whole = not field.dtype.startswith("int") or bool((column == np.floor(column)).all())
        return pd.Series(column).astype(field.dtype if whole and not np.isnan(column).any() else "float64")
    text = columns.is_text(field)
    known = {str(value) if text else float(value): value for value in field.categories}
    found = pd.Series([known.get(value, np.nan) for value in column.tolist()], dtype=object)
    if field.dtype == "object":
        return found
    return found.astype("float64" if found.isna().any() and field.dtype != "bool" else field.dtype)
