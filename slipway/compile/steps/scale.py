"""Steps that shift and scale each column by itself."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from spox import Var

from slipway.compile.registry import Positions, column_step
from slipway.compile.table import const


@column_step(StandardScaler)
def standard(scaler: Any, positions: Positions, matrix: Var) -> Var:
    shifted = op.sub(matrix, _row(scaler.mean_, positions)) if scaler.with_mean else matrix
    return op.div(shifted, _row(scaler.scale_, positions)) if scaler.with_std else shifted


@column_step(MinMaxScaler)
def min_max(scaler: Any, positions: Positions, matrix: Var) -> Var:
    scaled = op.add(op.mul(matrix, _row(scaler.scale_, positions)), _row(scaler.min_, positions))
    return op.clip(scaled, *map(const, scaler.feature_range)) if scaler.clip else scaled


@column_step(MaxAbsScaler)
def max_abs(scaler: Any, positions: Positions, matrix: Var) -> Var:
    return op.div(matrix, _row(scaler.scale_, positions))


@column_step(RobustScaler)
def robust(scaler: Any, positions: Positions, matrix: Var) -> Var:
    shifted = op.sub(matrix, _row(scaler.center_, positions)) if scaler.with_centering else matrix
    return op.div(shifted, _row(scaler.scale_, positions)) if scaler.with_scaling else shifted


def _row(values: Any, positions: Positions) -> Var:
    return const(np.asarray(values)[None, positions])
