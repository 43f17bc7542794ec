"""Statistics over a group of columns: PyCaret's `group_features`."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import step
from slipway.compile.table import Column, Table, const, split, take
from slipway.training import _pycaret

STATISTICS = ("min", "max", "mean", "std", "median", "mode")


@step(_pycaret.GROUP_FEATURES)
def groups(grouper: Any, table: Table, include: list[str]) -> dict[str, Column]:
    columns = dict(table.select(include).columns)
    for name, group in grouper.group_features.items():
        members = [member for member in group if member in columns]
        if members:
            if table.nullable(members):
                raise CannotCompileError(f"the group {name!r} may have missing values, and PyCaret's mode has none")
            columns |= split(_statistics(table.matrix(members), len(members)), [f"{one}({name})" for one in STATISTICS])
        if grouper.drop_groups:
            columns = {one: column for one, column in columns.items() if one not in group}
    return columns


def _statistics(matrix: Var, count: int) -> Var:
    """The six statistics of each row, of shape (n, 6); pandas adds from left to right, and so does Sum."""
    axis = const([1], "int64")
    mean = op.div(_sum(matrix, count), const(float(count)))
    off = op.sub(mean, matrix)
    deviation = op.sqrt(op.div(_sum(op.mul(off, off), count), const(float(count))))
    ordered, _ = op.top_k(matrix, const([count], "int64"), axis=1)
    parts = [op.reduce_min(matrix, axis), op.reduce_max(matrix, axis), mean, deviation, _median(ordered, count)]
    return op.concat([*parts, _mode(matrix)], axis=1)


def _sum(matrix: Var, count: int) -> Var:
    return op.sum(op.split(matrix, num_outputs=count, axis=1))


def _median(ordered: Var, count: int) -> Var:
    upper, lower = (take(ordered, [position]) for position in ((count - 1) // 2, count // 2))
    return upper if count % 2 else op.div(op.add(upper, lower), const(2.0))


def _mode(matrix: Var) -> Var:
    """The smallest of the most frequent values."""
    same = op.equal(op.unsqueeze(matrix, const([2], "int64")), op.unsqueeze(matrix, const([1], "int64")))
    often = op.reduce_sum(op.cast(same, to=np.int64), const([2], "int64"), keepdims=0)
    most = op.equal(often, op.reduce_max(often, const([1], "int64")))
    return op.reduce_min(op.where(most, matrix, const(np.inf)), const([1], "int64"))
