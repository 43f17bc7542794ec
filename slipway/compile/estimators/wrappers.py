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
from slipway.compile.registry import Classes, Given, as_matrix, classification, classifier, regression, regressor
from slipway.compile.table import const
from slipway.training import _pycaret, _sklearn


@regressor(ensemble.VotingRegressor, _pycaret.TUNABLE_VOTING_REGRESSOR, tables=True)
def voting_regressor(model: Any, given: Given) -> Var:
    return mean([regression(one, given) for one in model.estimators_], _weights(model))


@classifier(ensemble.VotingClassifier, _pycaret.TUNABLE_VOTING_CLASSIFIER, tables=True)
def voting_classifier(model: Any, given: Given) -> Classes:
    """The mean of the probabilities, or each estimator's weight for its class."""
    answers = [classification(one, given) for one in model.estimators_]
    weights = _weights(model)
    if model.voting == "soft":
        return most_probable(mean([_probabilities(each) for each in answers], weights))
    votes = [
        op.mul(_chosen(each, one, len(model.classes_)), const(float(weight)))
        for each, one, weight in zip(answers, model.estimators_, weights or [1.0] * len(answers), strict=True)
    ]
    return Classes(largest(op.sum(votes)))


@regressor(ensemble.BaggingRegressor)
def bagging_regressor(model: Any, matrix: Var) -> Var:
    return mean([regression(one, part) for one, part in _parts(model, matrix)])


@classifier(ensemble.BaggingClassifier)
def bagging_classifier(model: Any, matrix: Var) -> Classes:
    """The mean of the probabilities; for estimators without them, the share that chose the class."""
    n_classes = len(model.classes_)
    shares, scores = [], []
    for one, part in _parts(model, matrix):
        answer = classification(one, part)
        shares.append(
            _chosen(answer, one, n_classes)
            if answer.probabilities is None
            else _spread(answer.probabilities, one.classes_, n_classes)
        )
        scores += [answer.scores] if answer.scores is not None else []
    classes = most_probable(mean(shares))
    return Classes(classes.label, classes.probabilities, mean(scores) if len(scores) == len(shares) else None)


@regressor(ensemble.StackingRegressor, tables=True)
def stacking_regressor(model: Any, given: Given) -> Var:
    parts = [as_column(regression(one, given)) for one in model.estimators_]
    return regression(model.final_estimator_, _stacked(model, parts, given))


@classifier(ensemble.StackingClassifier, tables=True)
def stacking_classifier(model: Any, given: Given) -> Classes:
    """`StackingClassifier._concatenate_predictions`, then the final estimator."""
    parts = []
    for one, method in zip(model.estimators_, model.stack_method_, strict=True):
        answer = classification(one, given)
        if method == "predict":
            parts.append(as_column(op.gather(const(one.classes_), answer.label)))
        elif method == "decision_function":
            scores = _scores(answer)
            parts.append(as_column(scores) if len(one.classes_) == 2 else scores)
        else:
            parts.append(_second(_probabilities(answer)) if len(model.classes_) == 2 else _probabilities(answer))
    return classification(model.final_estimator_, _stacked(model, parts, given))


@classifier(CalibratedClassifierCV, tables=True)
def calibrated(model: Any, given: Given) -> Classes:
    """The mean of the calibrated estimators, of which there is one per fold, or one alone."""
    n_classes = len(model.classes_)
    return most_probable(mean([_calibrated(one, given, n_classes) for one in model.calibrated_classifiers_]))


@classifier(OneVsRestClassifier, tables=True)
def one_against_rest(model: Any, given: Given) -> Classes:
    """Scores, or else the probabilities; for several classes the last largest, as in its `predict`."""
    answers = [classification(one, given) for one in model.estimators_]
    scores = [each.scores if each.scores is not None else column(_second(_probabilities(each))) for each in answers]
    shares = None
    if all(each.probabilities is not None for each in answers):
        shares = op.concat([_second(_probabilities(each)) for each in answers], axis=1)
    if len(answers) == 1:
        bar = 0.0 if answers[0].scores is not None else 0.5
        label = op.cast(op.greater(scores[0], const(bar)), to=np.int64)
        return Classes(label, None if shares is None else normalised(two_classes(shares)), answers[0].scores)
    joined = op.concat([as_column(each) for each in scores], axis=1)
    return Classes(
        op.arg_max(joined, axis=1, keepdims=0, select_last_index=1),
        None if shares is None else normalised(shares),
        joined if answers[0].scores is not None else None,
    )


@classifier(_pycaret.THRESHOLD_CLASSIFIER, tables=True)
def threshold(model: Any, given: Given) -> Classes:
    """The second of two classes, if its probability reaches the threshold.

    PyCaret's wrapper returns 0 and 1, whatever the classes.
    """
    answer = classification(model.classifier_, given)
    if answer.probabilities is None:
        return answer
    if list(model.classes_) != [0, 1]:
        raise CannotCompileError(f"a probability threshold for classes other than 0 and 1: {list(model.classes_)}")
    reached = op.greater_or_equal(column(_second(answer.probabilities)), const(float(model.probability_threshold)))
    return Classes(op.cast(reached, to=np.int64), answer.probabilities, answer.scores)


def _weights(voting: Any) -> list[float] | None:
    """The weight of each of `estimators_`, which has none of those that were dropped; None where all weigh the same."""
    if voting.weights is None:
        return None
    return [weight for (_, one), weight in zip(voting.estimators, voting.weights, strict=True) if one != "drop"]


def _probabilities(answer: Classes) -> Var:
    if answer.probabilities is None:
        raise CannotCompileError("an estimator without probabilities, where they are needed")
    return answer.probabilities


def _scores(answer: Classes) -> Var:
    if answer.scores is None:
        raise CannotCompileError("an estimator without a known decision_function, where it is needed")
    return answer.scores


def _second(probabilities: Var) -> Var:
    """The probability of the second class, of shape (n, 1)."""
    return op.gather(probabilities, const([1], "int64"), axis=1)


def _chosen(answer: Classes, model: Any, n_classes: int) -> Var:
    """1 for the class that an estimator chose, of shape (n, n_classes)."""
    ones = np.eye(n_classes)[np.asarray(model.classes_, dtype="int64")]
    return op.gather(const(ones), answer.label)


def _spread(shares: Var, known: Any, n_classes: int) -> Var:
    """The probabilities of some classes among those of all; the others get 0."""
    if len(known) == n_classes:
        return shares
    return op.matmul(shares, const(np.eye(n_classes)[np.asarray(known, dtype="int64")]))


def _parts(model: Any, matrix: Var) -> list[tuple[Any, Var]]:
    """Each estimator with its own columns."""
    every = list(range(model.n_features_in_))
    return [
        (one, matrix if list(features) == every else op.gather(matrix, const(features, "int64"), axis=1))
        for one, features in zip(model.estimators_, model.estimators_features_, strict=True)
    ]


def _stacked(model: Any, parts: Sequence[Var], given: Given) -> Var:
    return op.concat([*parts, as_matrix(given)] if model.passthrough else list(parts), axis=1)


def _calibrated(model: Any, given: Given, n_classes: int) -> Var:
    """`_CalibratedClassifier.predict_proba`: one calibrator per class, for two classes only one, for the second."""
    answer = classification(model.estimator, given)
    if n_classes == 2:
        values = answer.scores if answer.scores is not None else column(_second(_probabilities(answer)))
        return two_classes(as_column(_calibrator(model.calibrators[0], values)))
    values = answer.scores if answer.scores is not None else _probabilities(answer)
    columns = op.split(values, num_outputs=len(model.calibrators), axis=1)
    shares = op.concat(
        [as_column(_calibrator(one, column(each))) for one, each in zip(model.calibrators, columns, strict=True)],
        axis=1,
    )
    known = np.searchsorted(model.classes, model.estimator.classes_)
    shares = _spread(shares, known, n_classes)
    total = op.reduce_sum(shares, const([1], "int64"))
    return op.where(op.equal(total, const(0.0)), const(1.0 / n_classes), op.div(shares, total))


def _calibrator(model: Any, values: Var) -> Var:
    if _sklearn.is_sigmoid(model):
        return expit(op.neg(op.add(op.mul(values, const(float(model.a_))), const(float(model.b_)))))
    if isinstance(model, IsotonicRegression):
        return isotonic(model, values)
    raise CannotCompileError(f"calibration by {type(model).__name__}")


def isotonic(model: Any, values: Var) -> Var:
    """`np.interp` between the thresholds, and constant outside of them.

    Parameters
    ----------
    model : fitted IsotonicRegression
    values : Var of shape (n,), double

    Returns
    -------
    Var of shape (n,), double
    """
    x = np.asarray(model.X_thresholds_, dtype="float64")
    y = np.asarray(model.y_thresholds_, dtype="float64")
    slopes = np.append(np.diff(y) / np.diff(x), 0.0)
    values = op.clip(values, const(float(x[0])), const(float(x[-1])))
    passed = op.cast(op.greater_or_equal(as_column(values), const(x[None, 1:])), to=np.int64)
    place = op.reduce_sum(passed, const([1], "int64"), keepdims=0)
    along = op.mul(op.sub(values, op.gather(const(x), place)), op.gather(const(slopes), place))
    return op.add(along, op.gather(const(y), place))
