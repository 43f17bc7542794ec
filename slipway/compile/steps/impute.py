"""Steps that put a value where none was measured; where nothing can be missing they do nothing."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from pycaret.internal.preprocess.transformers import DropImputer
from sklearn.impute import KNNImputer, SimpleImputer

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import step
from slipway.compile.table import Coded, Column, Plain, Table, const, is_missing, split


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
        if isinstance(column, Coded):
            filled = tuple(fill if is_missing(value) else value for value in column.domain)
            columns[name] = Coded(column.codes, filled)
        else:
            plain.append(name)
    if plain:
        # What is not missing comes along, so that the columns stay parts of one matrix.
        numbers = [name for name in include if isinstance(columns[name], Plain)]
        fills = np.array([gaps.get(name, np.nan) for name in numbers], dtype="float64")
        matrix = table.matrix(numbers)
        filled_matrix = op.where(op.isnan(matrix), const(fills[None]), matrix)
        columns |= split(filled_matrix, numbers, [False] * len(numbers))
    return columns


@step(DropImputer)
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
