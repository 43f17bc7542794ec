"""A column of the training table as numbers or as positions in its categories."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.schema.fields import Field
from slipway.schema.schema import Target
from slipway.training.kinds import python_value

Numbers = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Rows = npt.NDArray[np.bool_]

WIDEST = 1e150
"""Larger numbers are taken for this one: their squares would be infinite."""


@dataclass(frozen=True)
class Column:
    """A field, or the target. `values` and `present` have shape (n_rows,).

    `values` are numbers (NaN where missing), days since 1970 for dates (with or without a time of day), minutes since
    midnight for times and lengths for free texts;
    for a column with `categories`, positions in them (-1 where missing). `hours` are the hours of dates with a time of day,
    where those are not missing.
    """

    name: str
    kind: str
    values: npt.NDArray[Any]
    categories: tuple[Any, ...] = ()
    hours: Codes | None = None

    @property
    def present(self) -> Rows:
        """The rows in which it is not missing, of shape (n_rows,)."""
        return np.asarray(self.values >= 0 if self.categories else ~np.isnan(self.values))

    @property
    def whole(self) -> bool:
        """Whether only whole numbers (days, characters) occur."""
        return self.kind != "number"

    @property
    def counts(self) -> Codes:
        """Rows of each category."""
        return np.bincount(self.values[self.present], minlength=len(self.categories))

    def value(self, number: float) -> float | int | str:
        """A number as it is stored in JSON: dates become ISO texts."""
        if self.kind == "date":
            return str(np.datetime64(int(number), "D"))
        return int(number) if self.whole else short(number)


def of_field(field: Field, column: pd.Series) -> Column:
    """The column of a field.

    Parameters
    ----------
    field : Field
    column : Series of shape (n_rows,)
        As `infer_dataset` cast it.

    Returns
    -------
    Column
    """
    if field.categories:
        return Column(field.name, field.kind, _positions(column, field.categories), field.categories)
    if field.kind in ("date", "datetime"):
        days = column.to_numpy("datetime64[D]")
        numbers = np.where(np.isnat(days), np.nan, days.astype("float64"))
        hours = column.dropna().dt.hour.to_numpy("int64") if field.kind == "datetime" else None
        return Column(field.name, "date", numbers, hours=hours)
    if field.kind == "text":
        return Column(field.name, field.kind, column.str.len().to_numpy("float64"))
    return Column(field.name, field.kind, np.clip(column.to_numpy("float64"), -WIDEST, WIDEST))


def of_target(target: Target, column: pd.Series) -> Column:
    """The column of the target, in which nothing is missing.

    Parameters
    ----------
    target : Target
    column : Series of shape (n_rows,)

    Returns
    -------
    Column
    """
    if target.classes:
        return Column(target.name, "category", _positions(column, target.classes), target.classes)
    numbers = np.clip(column.to_numpy("float64"), -WIDEST, WIDEST)
    return Column(target.name, "integer" if np.all(np.mod(numbers, 1) == 0) else "number", numbers)


def _positions(column: pd.Series, categories: Sequence[Any]) -> Codes:
    """The position of each value among the categories, -1 for missing ones."""
    position = {value: at for at, value in enumerate(categories)}
    codes, values = pd.factorize(column)
    # A missing value's code is -1, which is the last of these.
    found: Codes = np.array([*(position[python_value(value)] for value in values), -1], dtype="int64")[codes]
    return found


def short(number: float) -> float:
    """A number without the noise of binary fractions: 0.3, not 0.30000000000000004."""
    return float(f"{number:.10g}")
