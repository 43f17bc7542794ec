"""Steps that shift and scale each column on its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from spox import Var

from slipway.compile.registry import Positions, column_step
from slipway.compile.table import const, take

Row = npt.NDArray[np.float64]


@column_step(StandardScaler)
def standard(scaler: Any, positions: Positions, matrix: Var) -> Var:
    shifted = op.sub(matrix, const(_row(scaler.mean_, positions))) if scaler.with_mean else matrix
    return _scaled(op.div, shifted, _row(scaler.scale_, positions)) if scaler.with_std else shifted


@column_step(MinMaxScaler)
def min_max(scaler: Any, positions: Positions, matrix: Var) -> Var:
    scaled = op.add(_scaled(op.mul, matrix, _row(scaler.scale_, positions)), const(_row(scaler.min_, positions)))
    return op.clip(scaled, *map(const, scaler.feature_range)) if scaler.clip else scaled


@column_step(MaxAbsScaler)
def max_abs(scaler: Any, positions: Positions, matrix: Var) -> Var:
    return _scaled(op.div, matrix, _row(scaler.scale_, positions))


@column_step(RobustScaler)
def robust(scaler: Any, positions: Positions, matrix: Var) -> Var:
    shifted = op.sub(matrix, const(_row(scaler.center_, positions))) if scaler.with_centering else matrix
    return _scaled(op.div, shifted, _row(scaler.scale_, positions)) if scaler.with_scaling else shifted


def _row(values: Any, positions: Positions) -> Row:
    return np.asarray(values, dtype="float64")[None, positions]


def _scaled(operator: Callable[[Var, Var], Var], matrix: Var, factors: Row) -> Var:
    """The columns multiplied or divided, each by its factor.

    ONNX Runtime 1.31 fuses a single factor with an adjacent MatMul and rounds it to float32,
    so there are always two.
    """
    if factors.size > 1:
        return operator(matrix, const(factors))
    return take(operator(matrix, const(np.repeat(factors, 2, axis=1))), [0])
