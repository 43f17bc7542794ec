"""Steps of a plain scikit-learn pipeline, which pass columns on by their places.

PyCaret's steps say by name what they make of which columns. Those of scikit-learn pass arrays on, so that only the
order of the columns counts: here they are called "0", "1", … after each step.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import COLUMN_STEPS, MATRIX_STEPS, STEPS, TABLE_STEPS, TABULATED, name_of
from slipway.compile.table import CategoricalColumn, Column, Table, split, width
from slipway.compile.tabulate import tabulate


def transformed(transformer: Any, table: Table) -> Table:
    """What a fitted transformer makes of columns.

    Parameters
    ----------
    transformer : fitted transformer, None or "passthrough"
    table : Table
        The columns that it was fitted on, in this order.

    Returns
    -------
    Table
        Columns in the order in which the transformer returns them.

    Raises
    ------
    CannotCompileError
        If there is no exact graph for it.
    """
    if transformer is None or (isinstance(transformer, str) and transformer == "passthrough"):
        return table
    kind, names = name_of(type(transformer)), table.names
    if kind in TABLE_STEPS:
        return TABLE_STEPS[kind](transformer, table)
    if not names:
        return table
    if kind in STEPS:
        return numbered(STEPS[kind](transformer, table, names).values())
    if kind in TABULATED and table.coded(names):
        return numbered(tabulate(_AsFrame(transformer), table, names, _first_values(table)).values())
    if kind in TABULATED:
        raise CannotCompileError(f"{type(transformer).__name__} of numbers that are computed before it")
    if kind in MATRIX_STEPS:
        matrix = MATRIX_STEPS[kind](transformer, table.matrix())
        return numbered(split(matrix, _places(width(matrix)), [table.nullable(names)] * width(matrix)).values())
    if kind in COLUMN_STEPS:
        matrix = COLUMN_STEPS[kind](transformer, np.arange(len(names)), table.matrix())
        return numbered(split(matrix, names, [table.nullable([name]) for name in names]).values())
    raise CannotCompileError(f"no converter for {type(transformer).__name__}")


def numbered(columns: Iterable[Column]) -> Table:
    """Columns that are called by their places."""
    return Table({str(place): column for place, column in enumerate(columns)})


def _places(count: int) -> list[str]:
    return [str(place) for place in range(count)]


class _AsFrame:
    """A transformer that takes a frame of any names and returns a dense one, as `tabulate` needs it."""

    def __init__(self, transformer: Any) -> None:
        self.transformer = transformer

    def transform(self, rows: pd.DataFrame) -> pd.DataFrame:
        names = getattr(self.transformer, "feature_names_in_", None)
        made = self.transformer.transform(rows.to_numpy() if names is None else rows.set_axis(list(names), axis=1))
        dense = made.toarray() if hasattr(made, "toarray") else np.asarray(made)
        return pd.DataFrame({str(place): dense[:, place] for place in range(dense.shape[1])})


def _first_values(table: Table) -> pd.DataFrame:
    """A row of the columns' first values, for their dtypes."""
    domains = {name: column.domain for name, column in table.columns.items() if isinstance(column, CategoricalColumn)}
    return pd.DataFrame({name: pd.Series([domain[0]]) for name, domain in domains.items()})
