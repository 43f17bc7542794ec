"""Estimators that are a weighted sum of their inputs."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn import linear_model
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import by_scores, expit, normalised, soft
from slipway.compile.registry import Classes, classifier, regression, regressor
from slipway.compile.table import const


@regressor(
    linear_model.LinearRegression,
    linear_model.Lasso,
    linear_model.Ridge,
    linear_model.RidgeCV,
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


@regressor(linear_model.RANSACRegressor)
def consensus(model: Any, matrix: Var) -> Var:
    """The estimator that was fitted to the inliers."""
    return regression(model.estimator_, matrix)


@classifier(linear_model.RidgeClassifier)
def ridge(model: Any, matrix: Var) -> Classes:
    return by_scores(_scores(model, matrix), len(model.classes_))


@classifier(linear_model.SGDClassifier)
def gradient_descent(model: Any, matrix: Var) -> Classes:
    if model.loss == "modified_huber":
        raise CannotCompileError("SGDClassifier with loss='modified_huber'")
    n_classes = len(model.classes_)
    scores = _scores(model, matrix)
    return by_scores(scores, n_classes, _one_against_rest(scores, n_classes) if model.loss == "log_loss" else None)


@classifier(linear_model.LogisticRegression)
def logistic(model: Any, matrix: Var) -> Classes:
    """One against the rest, or multinomial: the rule of `LogisticRegression.predict_proba`."""
    n_classes = len(model.classes_)
    scores = _scores(model, matrix)
    multinomial = model.multi_class == "multinomial" or (
        model.multi_class == "auto" and n_classes > 2 and model.solver not in ("liblinear", "newton-cholesky")
    )
    if not multinomial:
        return by_scores(scores, n_classes, _one_against_rest(scores, n_classes))
    # The softmax of -s and s is the logistic function of 2s.
    return by_scores(scores, n_classes, soft(scores if n_classes > 2 else op.add(scores, scores), n_classes))


@classifier(LinearDiscriminantAnalysis)
def discriminant(model: Any, matrix: Var) -> Classes:
    """Every solver results in `coef_` and `intercept_`."""
    n_classes = len(model.classes_)
    scores = _scores(model, matrix)
    return by_scores(scores, n_classes, soft(scores, n_classes))


def weighted(matrix: Var, coefficients: Any, intercept: float) -> Var:
    """A weighted sum of the columns.

    Parameters
    ----------
    matrix : Var of shape (n, n_features), double
    coefficients : array of shape (n_features,)
    intercept : float

    Returns
    -------
    Var of shape (n,), double
    """
    total = op.matmul(matrix, const(coefficients))
    return op.add(total, const(float(intercept)))


def _scores(model: Any, matrix: Var) -> Var:
    """`decision_function`, of shape (n, 1) for two classes, else (n, n_classes)."""
    return op.add(op.matmul(matrix, const(model.coef_.T)), const(np.reshape(model.intercept_, (1, -1))))


def _one_against_rest(scores: Var, n_classes: int) -> Var:
    """As `LinearClassifierMixin._predict_proba_lr`."""
    return soft(scores, 2) if n_classes == 2 else normalised(expit(scores))
