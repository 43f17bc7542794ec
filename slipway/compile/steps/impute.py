"""Steps that put a value where none was measured; where nothing can be missing they do nothing."""

from typing import Any

import numpy as np
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.preprocessing import FunctionTransformer

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import step
from slipway.compile.table import CategoricalColumn, Column, NumericColumn, Table, const, is_missing, split
from slipway.training import _pycaret


@step(SimpleImputer)
def simple_imputer(imputer: Any, table: Table, include: list[str]) -> dict[str, Column]:
    """Every strategy ends in one value a column."""
    if imputer.add_indicator or not is_missing(imputer.missing_values):
        raise CannotCompileError("SimpleImputer with add_indicator or missing_values")
    columns = dict(table.select(include).columns)
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
    return columns | _filled(table, include, {name: gaps[name] for name in plain})


@step(FunctionTransformer)
def fillna(transformer: Any, table: Table, include: list[str]) -> dict[str, Column]:
    """`DataFrame.fillna` with a number or a moment for each of some columns: what `slipway.training.selection` does to dates."""
    fills = (transformer.kw_args or {}).get("value")
    if transformer.func is not pd.DataFrame.fillna or not isinstance(fills, dict) or len(transformer.kw_args) > 1:
        raise CannotCompileError("no converter for a FunctionTransformer but of DataFrame.fillna")
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
    """The plain columns of `include` with a number in place of each missing value, where there is one."""
    if not fills:
        return {}
    # What is not filled comes along, so that the columns stay parts of one matrix.
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
        table, include, include, "of equally near neighbours KNNImputer takes whichever NumPy's partition puts first"
    )


def _untouched(table: Table, include: list[str], names: list[str], reason: str) -> dict[str, Column]:
    if table.nullable(name for name in names if name in table.columns):
        raise CannotCompileError(reason)
    return table.select(include).columns
