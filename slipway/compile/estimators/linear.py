"""Estimators that are a weighted sum of their inputs."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn import linear_model
from spox import Var

from slipway.compile.registry import regressor
from slipway.compile.table import const


@regressor(
    linear_model.LinearRegression,
    linear_model.Lasso,
    linear_model.Ridge,
    linear_model.ElasticNet,
    linear_model.Lars,
    linear_model.LassoLars,
    linear_model.OrthogonalMatchingPursuit,
    linear_model.BayesianRidge,
    linear_model.ARDRegression,
    linear_model.PassiveAggressiveRegressor,
    linear_model.TheilSenRegressor,
    linear_model.HuberRegressor,
)
def linear(model: Any, matrix: Var) -> Var:
    """`X @ coef_ + intercept_`."""
    return weighted(matrix, np.ravel(model.coef_), np.ravel(model.intercept_)[0])


def weighted(matrix: Var, coefficients: Any, intercept: float) -> Var:
    """A weighted sum of the columns, of shape (n,)."""
    total = op.matmul(matrix, const(np.asarray(coefficients, dtype="float64")))
    return op.add(total, const(float(intercept)))
