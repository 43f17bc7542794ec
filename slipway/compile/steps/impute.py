"""Steps that put a number where none was measured."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.impute import SimpleImputer
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import matrix_step
from slipway.compile.table import const


@matrix_step(SimpleImputer)
def simple_imputer(imputer: Any, matrix: Var) -> Var:
    """Every strategy ends in one number a column."""
    fill = np.asarray(imputer.statistics_, dtype="float64")
    if np.isnan(fill).any() or imputer.add_indicator:
        raise CannotCompileError("a column without any value, or a column that says what was missing")
    return op.where(op.isnan(matrix), const(fill[None]), matrix)
