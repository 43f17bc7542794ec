"""Estimators made of other estimators: voting, stacking, bagging, calibration and the like."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn import ensemble
from sklearn.calibration import CalibratedClassifierCV
from sklearn.isotonic import IsotonicRegression
from sklearn.multiclass import OneVsRestClassifier
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import (
    as_column,
    column,
    expit,
    largest,
    mean,
    most_probable,
    normalised,
    two_classes,
)
from slipway.compile.registry import Classes, classification, classifier, regression, regressor
from slipway.compile.table import const
from slipway.training import _pycaret, _sklearn


@regressor(ensemble.VotingRegressor, _pycaret.TUNABLE_VOTING_REGRESSOR)
def voting_regressor(model: Any, matrix: Var) -> Var:
    return mean([regression(one, matrix) for one in model.estimators_], _weights(model))


@classifier(ensemble.VotingClassifier, _pycaret.TUNABLE_VOTING_CLASSIFIER)
def voting_classifier(model: Any, matrix: Var) -> Classes:
    """The mean of the probabilities, or each estimator's weight for its class."""
    told = [classification(one, matrix) for one in model.estimators_]
    weights = _weights(model)
    if model.voting == "soft":
        return most_probable(mean([_probabilities(each) for each in told], weights))
    votes = [
        op.mul(_chosen(each, one, len(model.classes_)), const(float(weight)))
        for each, one, weight in zip(told, model.estimators_, weights or [1.0] * len(told), strict=True)
    ]
    return Classes(largest(op.sum(votes)))


@regressor(ensemble.BaggingRegressor)
def bagging_regressor(model: Any, matrix: Var) -> Var:
    return mean([regression(one, part) for one, part in _parts(model, matrix)])


@classifier(ensemble.BaggingClassifier)
def bagging_classifier(model: Any, matrix: Var) -> Classes:
    """The mean of the probabilities; of estimators that have none, the share of those that say so."""
    n_classes = len(model.classes_)
    shares, scores = [], []
    for one, part in _parts(model, matrix):
        told = classification(one, part)
        shares.append(
            _chosen(told, one, n_classes)
            if told.probabilities is None
            else _spread(told.probabilities, one.classes_, n_classes)
        )
        scores += [told.scores] if told.scores is not None else []
    classes = most_probable(mean(shares))
    return Classes(classes.label, classes.probabilities, mean(scores) if len(scores) == len(shares) else None)


@regressor(ensemble.StackingRegressor)
def stacking_regressor(model: Any, matrix: Var) -> Var:
    parts = [as_column(regression(one, matrix)) for one in model.estimators_]
    return regression(model.final_estimator_, _stacked(model, parts, matrix))


@classifier(ensemble.StackingClassifier)
def stacking_classifier(model: Any, matrix: Var) -> Classes:
    """`StackingClassifier._concatenate_predictions`, and what the last estimator makes of it."""
    parts = []
    for one, method in zip(model.estimators_, model.stack_method_, strict=True):
        told = classification(one, matrix)
        if method == "predict":
            parts.append(as_column(op.gather(const(one.classes_), told.label)))
        elif method == "decision_function":
            scores = _scores(told)
            parts.append(as_column(scores) if len(one.classes_) == 2 else scores)
        else:
            parts.append(_second(_probabilities(told)) if len(model.classes_) == 2 else _probabilities(told))
    return classification(model.final_estimator_, _stacked(model, parts, matrix))


@classifier(CalibratedClassifierCV)
def calibrated(model: Any, matrix: Var) -> Classes:
    """The mean of the calibrated estimators, one for each fold or one alone."""
    n_classes = len(model.classes_)
    return most_probable(mean([_calibrated(one, matrix, n_classes) for one in model.calibrated_classifiers_]))


@classifier(OneVsRestClassifier)
def one_against_rest(model: Any, matrix: Var) -> Classes:
    """Scores, or else the probabilities; of several classes the last largest, as its `predict` says."""
    told = [classification(one, matrix) for one in model.estimators_]
    scores = [each.scores if each.scores is not None else column(_second(_probabilities(each))) for each in told]
    shares = None
    if all(each.probabilities is not None for each in told):
        shares = op.concat([_second(_probabilities(each)) for each in told], axis=1)
    if len(told) == 1:
        bar = 0.0 if told[0].scores is not None else 0.5
        label = op.cast(op.greater(scores[0], const(bar)), to=np.int64)
        return Classes(label, None if shares is None else normalised(two_classes(shares)), told[0].scores)
    joined = op.concat([as_column(each) for each in scores], axis=1)
    return Classes(
        op.arg_max(joined, axis=1, keepdims=0, select_last_index=1),
        None if shares is None else normalised(shares),
        joined if told[0].scores is not None else None,
    )


@classifier(_pycaret.THRESHOLD_CLASSIFIER)
def threshold(model: Any, matrix: Var) -> Classes:
    """The second of two classes from its own probability on; PyCaret answers 0 and 1, whatever the classes."""
    told = classification(model.classifier_, matrix)
    if told.probabilities is None:
        return told
    if list(model.classes_) != [0, 1]:
        raise CannotCompileError(f"a probability threshold for classes other than 0 and 1: {list(model.classes_)}")
    reached = op.greater_or_equal(column(_second(told.probabilities)), const(float(model.probability_threshold)))
    return Classes(op.cast(reached, to=np.int64), told.probabilities, told.scores)


def _weights(voting: Any) -> list[float] | None:
    """The weight of each of `estimators_`, which has none of those that were dropped; None where all weigh the same."""
    if voting.weights is None:
        return None
    return [weight for (_, one), weight in zip(voting.estimators, voting.weights, strict=True) if one != "drop"]


def _probabilities(told: Classes) -> Var:
    if told.probabilities is None:
        raise CannotCompileError("an estimator without probabilities, where they are needed")
    return told.probabilities


def _scores(told: Classes) -> Var:
    if told.scores is None:
        raise CannotCompileError("an estimator without a known decision_function, where it is needed")
    return told.scores


def _second(probabilities: Var) -> Var:
    """The probability of the second class, of shape (n, 1)."""
    return op.gather(probabilities, const([1], "int64"), axis=1)


def _chosen(told: Classes, model: Any, n_classes: int) -> Var:
    """1 for the class that an estimator says, of shape (n, n_classes)."""
    ones = np.eye(n_classes)[np.asarray(model.classes_, dtype="int64")]
    return op.gather(const(ones), told.label)


def _spread(shares: Var, found: Any, n_classes: int) -> Var:
    """The probabilities of some classes among those of all; the others have none."""
    if len(found) == n_classes:
        return shares
    return op.matmul(shares, const(np.eye(n_classes)[np.asarray(found, dtype="int64")]))


def _parts(model: Any, matrix: Var) -> list[tuple[Any, Var]]:
    """Each estimator with its own columns."""
    every = list(range(model.n_features_in_))
    return [
        (one, matrix if list(features) == every else op.gather(matrix, const(features, "int64"), axis=1))
        for one, features in zip(model.estimators_, model.estimators_features_, strict=True)
    ]


def _stacked(model: Any, parts: Sequence[Var], matrix: Var) -> Var:
    return op.concat([*parts, matrix] if model.passthrough else list(parts), axis=1)


def _calibrated(model: Any, matrix: Var, n_classes: int) -> Var:
    """`_CalibratedClassifier.predict_proba`: one calibrator a class, of two classes one for the second."""
    told = classification(model.estimator, matrix)
    if n_classes == 2:
        values = told.scores if told.scores is not None else column(_second(_probabilities(told)))
        return two_classes(as_column(_calibrator(model.calibrators[0], values)))
    values = told.scores if told.scores is not None else _probabilities(told)
    columns = op.split(values, num_outputs=len(model.calibrators), axis=1)
    shares = op.concat(
        [as_column(_calibrator(one, column(each))) for one, each in zip(model.calibrators, columns, strict=True)],
        axis=1,
    )
    found = np.searchsorted(model.classes, model.estimator.classes_)
    shares = _spread(shares, found, n_classes)
    total = op.reduce_sum(shares, const([1], "int64"))
    return op.where(op.equal(total, const(0.0)), const(1.0 / n_classes), op.div(shares, total))


def _calibrator(model: Any, values: Var) -> Var:
    if _sklearn.is_sigmoid(model):
        return expit(op.neg(op.add(op.mul(values, const(float(model.a_))), const(float(model.b_)))))
    if isinstance(model, IsotonicRegression):
        return isotonic(model, values)
    raise CannotCompileError(f"calibration by {type(model).__name__}")


def isotonic(model: Any, values: Var) -> Var:
    """`np.interp` between the thresholds, and level outside of them, of shape (n,)."""
    x = np.asarray(model.X_thresholds_, dtype="float64")
    y = np.asarray(model.y_thresholds_, dtype="float64")
    slopes = np.append(np.diff(y) / np.diff(x), 0.0)
    values = op.clip(values, const(float(x[0])), const(float(x[-1])))
    passed = op.cast(op.greater_or_equal(as_column(values), const(x[None, 1:])), to=np.int64)
    place = op.reduce_sum(passed, const([1], "int64"), keepdims=0)
    along = op.mul(op.sub(values, op.gather(const(x), place)), op.gather(const(slopes), place))
    return op.add(along, op.gather(const(y), place))
