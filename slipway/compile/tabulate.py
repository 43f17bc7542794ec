"""What a fitted step makes of each value that a category can have."""

from typing import Any

import numpy as np
import pandas as pd

from slipway.compile.errors import CannotCompileError
from slipway.compile.table import Coded, Column, Table

UNKNOWN = "\x00 a value that training has not seen"
"""Stands in a domain for every value that is not in it."""


def tabulate(wrapper: Any, table: Table, include: list[str], frame: pd.DataFrame) -> dict[str, Column]:
    """The columns a step makes of coded columns, by asking the step for every value of each.

    Parameters
    ----------
    wrapper : PyCaret's TransformerWrapper
    frame : DataFrame
        Some rows as they reach this step; the other columns are taken from its first.

    Raises
    ------
    CannotCompileError
        If an output hangs on more than one input, so that a table a column does not do.
    """
    domains = {name: table.columns[name].domain for name in include}  # type: ignore[union-attr]
    others = frame.drop(columns=include).head(1)
    first = {name: domain[0] for name, domain in domains.items()}
    asked = [first]
    starts = {}
    for name, domain in domains.items():
        starts[name] = len(asked)
        asked += [first | {name: value} for value in domain]
    rows = others.loc[others.index.repeat(len(asked))].reset_index(drop=True)
    for name in include:
        rows[name] = _column([row[name] for row in asked], frame[name].dtype)
    made = wrapper.transform(rows[list(frame.columns)])
    columns: dict[str, Column] = {}
    for name in [name for name in made.columns if name not in others.columns]:
        values = made[name].tolist()
        moving = [c for c in include if not _constant(values[starts[c] : starts[c] + len(domains[c])], values[0])]
        if len(moving) > 1:
            raise CannotCompileError(f"{name!r} hangs on several inputs: {', '.join(moving)}")
        source = moving[0] if moving else include[0]
        start = starts[source]
        codes = table.columns[source].codes  # type: ignore[union-attr]
        columns[name] = Coded(codes, tuple(values[start : start + len(domains[source])]))
    return columns


def _column(values: list[Any], dtype: Any) -> pd.Series:
    """The values as a column of the dtype that the step is used to, as far as it can hold them."""
    missing = [np.nan if value is None else value for value in values]
    if dtype == "object":
        return pd.Series(missing, dtype=object)
    known = [value for value in missing if not isinstance(value, str)]
    # A number that is in no training row, or for a boolean one of its two values.
    other: Any = known[0] if dtype == "bool" else max(map(float, known)) + 1
    return pd.Series([other if isinstance(value, str) else value for value in missing]).astype(
        "float64" if np.isnan(np.array(known, dtype="float64")).any() and dtype != "bool" else dtype
    )


def _constant(values: list[Any], value: Any) -> bool:
    return all(one == value or (one != one and value != value) for one in values)
