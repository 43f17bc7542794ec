"""Estimators that are a weighted sum of their inputs."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn import linear_model
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.svm import LinearSVC, LinearSVR
from spox import Var

from slipway.compile.estimators.ops import by_scores, expit, normalised, soft, two_classes
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
    linear_model.ElasticNetCV,
    linear_model.LarsCV,
    linear_model.LassoCV,
    linear_model.LassoLarsCV,
    linear_model.LassoLarsIC,
    linear_model.OrthogonalMatchingPursuitCV,
    linear_model.QuantileRegressor,
    linear_model.SGDRegressor,
    LinearSVR,
)
def linear(model: Any, matrix: Var) -> Var:
    """`X @ coef_ + intercept_`."""
    return weighted(matrix, np.ravel(model.coef_), np.ravel(model.intercept_)[0])


@regressor(linear_model.PoissonRegressor, linear_model.GammaRegressor)
def log_linear(model: Any, matrix: Var) -> Var:
    """Generalised linear models with a logarithmic link."""
    return op.exp(linear(model, matrix))


@regressor(linear_model.TweedieRegressor)
def tweedie(model: Any, matrix: Var) -> Var:
    """With `link="auto"` the link is logarithmic for a power above 0."""
    is_log = model.link == "log" or (model.link == "auto" and model.power > 0)
    return log_linear(model, matrix) if is_log else linear(model, matrix)


@regressor(linear_model.RANSACRegressor)
def consensus(model: Any, matrix: Var) -> Var:
    """The estimator that was fitted to the inliers."""
    return regression(model.estimator_, matrix)


@classifier(
    linear_model.RidgeClassifier,
    linear_model.RidgeClassifierCV,
    linear_model.PassiveAggressiveClassifier,
    linear_model.Perceptron,
    LinearSVC,
)
def ridge(model: Any, matrix: Var) -> Classes:
    return by_scores(_scores(model, matrix), len(model.classes_))


@classifier(linear_model.SGDClassifier)
def gradient_descent(model: Any, matrix: Var) -> Classes:
    n_classes = len(model.classes_)
    scores = _scores(model, matrix)
    if model.loss == "modified_huber":
        return by_scores(scores, n_classes, _clipped(scores, n_classes))
    return by_scores(scores, n_classes, _one_against_rest(scores, n_classes) if model.loss == "log_loss" else None)


@classifier(linear_model.LogisticRegression, linear_model.LogisticRegressionCV)
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


def _clipped(scores: Var, n_classes: int) -> Var:
    """As `SGDClassifier.predict_proba` for the modified Huber loss; all the same where no class has a share."""
    shares = op.div(op.add(op.clip(scores, const(-1.0), const(1.0)), const(1.0)), const(2.0))
    if n_classes == 2:
        return two_classes(shares)
    total = op.reduce_sum(shares, const([1], "int64"))
    return op.where(op.equal(total, const(0.0)), const(1.0 / n_classes), op.div(shares, total))


def _one_against_rest(scores: Var, n_classes: int) -> Var:
    """As `LinearClassifierMixin._predict_proba_lr`."""
    return soft(scores, 2) if n_classes == 2 else normalised(expit(scores))
