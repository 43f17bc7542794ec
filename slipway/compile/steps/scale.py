"""Steps that shift and scale each column by itself."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from spox import Var

from slipway.compile.registry import matrix_step
from slipway.compile.table import const


@matrix_step(StandardScaler)
def standard(scaler: Any, matrix: Var) -> Var:
    shifted = op.sub(matrix, _row(scaler.mean_)) if scaler.with_mean else matrix
    return op.div(shifted, _row(scaler.scale_)) if scaler.with_std else shifted


@matrix_step(MinMaxScaler)
def min_max(scaler: Any, matrix: Var) -> Var:
    scaled = op.add(op.mul(matrix, _row(scaler.scale_)), _row(scaler.min_))
    return op.clip(scaled, *map(const, scaler.feature_range)) if scaler.clip else scaled


@matrix_step(MaxAbsScaler)
def max_abs(scaler: Any, matrix: Var) -> Var:
    return op.div(matrix, _row(scaler.scale_))


@matrix_step(RobustScaler)
def robust(scaler: Any, matrix: Var) -> Var:
    shifted = op.sub(matrix, _row(scaler.center_)) if scaler.with_centering else matrix
    return op.div(shifted, _row(scaler.scale_)) if scaler.with_scaling else shifted


def _row(values: Any) -> Var:
    return const(np.asarray(values, dtype="float64")[None])
