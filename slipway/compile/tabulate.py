"""What a fitted step makes of each value that a category can have."""

from typing import Any

import numpy as np
import pandas as pd
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.table import CategoricalColumn, Column, Table


def tabulate(wrapper: Any, table: Table, include: list[str], frame: pd.DataFrame) -> dict[str, Column]:
    """The columns that a step makes of categorical columns, found by transforming every value of each.

    Columns with the same codes are parts of one value (one-hot columns of a category, for
    instance) and are transformed together.

    Parameters
    ----------
    wrapper : PyCaret's TransformerWrapper
    table : Table
    include : list of str
        The categorical columns that the step is given.
    frame : DataFrame of shape (n_rows, n_columns)
        Some rows as they reach this step; the other columns get the values of the first row.

    Returns
    -------
    dict of str to Column

    Raises
    ------
    CannotCompileError
        If the step rejects a value, or if an output depends on the codes of more than one input,
        so that one table per column is not enough.
    """
    given = {name: column for name in include if isinstance(column := table.columns[name], CategoricalColumn)}
    sizes = {column.codes: len(column.domain) for column in given.values()}
    others = frame.drop(columns=include)
    made = _ask(wrapper, frame, {name: _asked(column, sizes) for name, column in given.items()})
    starts = dict(zip(sizes, np.cumsum([1, *sizes.values()]).tolist(), strict=False))
    columns: dict[str, Column] = {}
    for name in [name for name in made.columns if name not in others.columns]:
        values = made[name].tolist()
        answers = {codes: tuple(values[start : start + sizes[codes]]) for codes, start in starts.items()}
        moving = [codes for codes, outputs in answers.items() if not _constant(outputs, values[0])]
        if len(moving) > 1:
            inputs = [item for item, column in given.items() if column.codes in moving]
            raise CannotCompileError(f"{name!r} depends on several inputs: {', '.join(inputs)}")
        source = moving[0] if moving else next(iter(sizes))
        columns[name] = CategoricalColumn(source, answers[source])
    return columns


def _asked(column: CategoricalColumn, sizes: dict[Var, int]) -> list[Any]:
    """The column over all rows to transform: its first value, except where its own codes run through the domain."""
    first = column.domain[0]
    asked = [first]
    for codes, size in sizes.items():
        asked += column.domain if codes is column.codes else [first] * size
    return asked


def _ask(wrapper: Any, frame: pd.DataFrame, asked: dict[str, list[Any]]) -> pd.DataFrame:
    count = len(next(iter(asked.values())))
    rows = frame.iloc[[0] * count].reset_index(drop=True)
    for name, values in asked.items():
        rows[name] = _column(values, frame[name].dtype)
    try:
        return wrapper.transform(rows)
    except Exception as exc:  # whatever the transformer raises
        raise CannotCompileError(
            f"{type(wrapper.transformer).__name__} does not accept every category that the schema allows: {exc}"
        ) from exc


def _column(values: list[Any], dtype: Any) -> pd.Series:
    """The values as a column of the dtype that the step expects, as far as it can hold them."""
    missing = [np.nan if value is None else value for value in values]
    if dtype == "object" or any(isinstance(value, str) for value in missing):
        return pd.Series(missing, dtype=object)
    column = pd.Series(missing)
    if column.isna().any() or dtype == "category":
        return column
    cast = column.astype(dtype)
    return cast if cast.eq(column).all() else column


def _constant(values: tuple[Any, ...], value: Any) -> bool:
    return all(one == value or (one != one and value != value) for one in values)
