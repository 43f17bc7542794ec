"""Steps that fill in missing values; where nothing can be missing they do nothing."""

from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.preprocessing import FunctionTransformer

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import step
from slipway.compile.steps.functions import function_of
from slipway.compile.table import CategoricalColumn, Column, NumericColumn, Table, const, is_missing, split, take
from slipway.training import _pycaret


@step(SimpleImputer)
def simple_imputer(imputer: Any, table: Table, include: list[str]) -> dict[str, Column]:
    """Every strategy results in one value per column."""
    if not is_missing(imputer.missing_values):
        raise CannotCompileError("SimpleImputer with missing_values")
    columns = dict(table.select(include).columns)
    given = dict(columns)
    gaps = {name: fill for name, fill in zip(include, imputer.statistics_, strict=True) if columns[name].nullable}
    if any(is_missing(fill) for fill in gaps.values()):
        raise CannotCompileError("a column without any value in training")
    plain = []
    for name, fill in gaps.items():
        column = columns[name]
        if isinstance(column, CategoricalColumn):
            filled = tuple(fill if is_missing(value) else value for value in column.domain)
            columns[name] = CategoricalColumn(column.codes, filled)
        else:
            plain.append(name)
    complete = columns | _filled(table, include, {name: gaps[name] for name in plain})
    if not imputer.add_indicator:
        return complete
    marked = [include[place] for place in imputer.indicator_.features_]
    return complete | {f"missing {name}": _is_missing(given[name]) for name in marked}


def _is_missing(column: Column) -> Column:
    """1 where a value is missing, else 0."""
    if isinstance(column, CategoricalColumn):
        return CategoricalColumn(column.codes, tuple(float(is_missing(value)) for value in column.domain))
    number = take(column.matrix, [column.position])
    return NumericColumn(op.cast(op.isnan(number), to=np.float64), 0, False)


@step(FunctionTransformer)
def function(transformer: Any, table: Table, include: list[str]) -> dict[str, Column]:
    """A function of NumPy for each number, or `DataFrame.fillna` with a number or a moment for each of some columns.

    `slipway.training.selection` fills in missing dates with the latter.
    """
    if transformer.func is None:
        return table.select(include).columns
    if transformer.func is not pd.DataFrame.fillna:
        convert = function_of(transformer.func, transformer.kw_args)
        made = convert(table.matrix(include))
        return dict(split(made, include, [table.nullable([name]) for name in include]))
    fills = (transformer.kw_args or {}).get("value")
    if not isinstance(fills, dict) or len(transformer.kw_args) > 1:
        raise CannotCompileError("DataFrame.fillna with other arguments than a value for each column")
    numbers = {
        name: fill.timestamp() if isinstance(fill, pd.Timestamp) else float(fill)
        for name, fill in fills.items()
        if name in include and table.nullable([name])
    }
    coded = [name for name in numbers if table.coded([name])]
    if coded:
        raise CannotCompileError(f"DataFrame.fillna of the categories {', '.join(coded)}")
    return table.select(include).columns | _filled(table, include, numbers)


def _filled(table: Table, include: list[str], fills: dict[str, float]) -> dict[str, Column]:
    """The numeric columns of `include`, with missing values replaced by a number where one is given."""
    if not fills:
        return {}
    # Columns without a fill value are included, so that the columns stay parts of one matrix.
    names = [name for name in include if isinstance(table.columns[name], NumericColumn)]
    matrix = table.matrix(names)
    row = np.array([[fills.get(name, np.nan) for name in names]], dtype="float64")
    nullable = [name not in fills and table.nullable([name]) for name in names]
    return dict(split(op.where(op.isnan(matrix), const(row), matrix), names, nullable))


@step(_pycaret.DROP_IMPUTER)
def drop_imputer(imputer: Any, table: Table, include: list[str]) -> dict[str, Column]:
    return _untouched(
        table, include, imputer.columns, "rows with missing values are dropped, so they have no prediction"
    )


@step(KNNImputer)
def knn_imputer(imputer: Any, table: Table, include: list[str]) -> dict[str, Column]:
    return _untouched(
        table, include, include, "among equally near neighbours KNNImputer uses whichever NumPy's partition puts first"
    )


def _untouched(table: Table, include: list[str], names: list[str], reason: str) -> dict[str, Column]:
    if table.nullable(name for name in names if name in table.columns):
        raise CannotCompileError(reason)
    return table.select(include).columns
