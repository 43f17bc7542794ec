"""Estimators that are a weighted sum of their inputs."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn import linear_model
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.parts import above, column, largest, normalised, two_classes
from slipway.compile.registry import Classes, classifier, regression, regressor
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


@regressor(linear_model.RANSACRegressor)
def consensus(model: Any, matrix: Var) -> Var:
    """The estimator that was fitted to the inliers."""
    return regression(model.estimator_, matrix)


@classifier(linear_model.RidgeClassifier)
def ridge(model: Any, matrix: Var) -> Classes:
    return by_scores(_scores(model, matrix))


@classifier(linear_model.SGDClassifier)
def gradient_descent(model: Any, matrix: Var) -> Classes:
    if model.loss == "modified_huber":
        raise CannotCompileError("SGDClassifier with loss='modified_huber'")
    scores = _scores(model, matrix)
    return by_scores(scores, _one_against_rest(scores) if model.loss == "log_loss" else None)


@classifier(linear_model.LogisticRegression)
def logistic(model: Any, matrix: Var) -> Classes:
    """One against the rest, or multinomial: the rule is that of `LogisticRegression.predict_proba`."""
    scores = _scores(model, matrix)
    multinomial = model.multi_class == "multinomial" or (
        model.multi_class == "auto" and len(model.classes_) > 2 and model.solver not in ("liblinear", "newton-cholesky")
    )
    if not multinomial:
        return by_scores(scores, _one_against_rest(scores))
    if len(model.classes_) > 2:
        return by_scores(scores, op.softmax(scores, axis=1))
    return by_scores(scores, two_classes(op.sigmoid(op.add(scores, scores))))


@classifier(LinearDiscriminantAnalysis)
def discriminant(model: Any, matrix: Var) -> Classes:
    """Every solver ends in `coef_` and `intercept_`."""
    scores = _scores(model, matrix)
    return by_scores(
        scores, two_classes(op.sigmoid(scores)) if len(model.classes_) == 2 else op.softmax(scores, axis=1)
    )


def weighted(matrix: Var, coefficients: Any, intercept: float) -> Var:
    """A weighted sum of the columns, of shape (n,)."""
    total = op.matmul(matrix, const(coefficients))
    return op.add(total, const(float(intercept)))


def by_scores(scores: Var, probabilities: Var | None = None) -> Classes:
    """As `LinearClassifierMixin.predict`: a score (n, 1) above zero, or the first largest of (n, n_classes)."""
    shape = scores.unwrap_tensor().shape
    if shape is not None and shape[1] == 1:
        return Classes(above(column(scores), 0.0), probabilities, column(scores))
    return Classes(largest(scores), probabilities, scores)


def _scores(model: Any, matrix: Var) -> Var:
    """`decision_function`, of shape (n, 1) for two classes, else (n, n_classes)."""
    return op.add(op.matmul(matrix, const(model.coef_.T)), const(np.reshape(model.intercept_, (1, -1))))


def _one_against_rest(scores: Var) -> Var:
    """As `LinearClassifierMixin._predict_proba_lr`."""
    shape = scores.unwrap_tensor().shape
    shares = op.sigmoid(scores)
    return two_classes(shares) if shape is not None and shape[1] == 1 else normalised(shares)
