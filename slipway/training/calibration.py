"""Probabilities that mean what they say: of rows given 70 %, seven of ten belong to the class.

A calibrator turns an estimator's scores into probabilities. It is learnt from the scores of
rows that the model had not seen, and kept only where the Brier score of rows that neither
model nor calibrator had seen is lower. It is scikit-learn's own, around the fitted estimator,
so that pickle, engine and compiler find nothing of ours. Training only: serving does not import this.

Sources: Platt, Probabilistic outputs for support vector machines (1999), for the sigmoid; Zadrozny
and Elkan, Transforming classifier scores into accurate multiclass probability estimates, KDD
(2002), for isotonic regression and one class against the rest; Brier, Verification of forecasts
expressed in terms of probability, Monthly Weather Review 78 (1950).
"""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold

Floats = npt.NDArray[np.float64]

METHODS = ("sigmoid", "isotonic")
FOLDS = 5
WORTHWHILE = 0.01
"""By how much, as a share, the Brier score must fall; and by more than its standard error."""
STEPS = 25
"""Steps of isotonic regression in one standard deviation of the scores.

Between two scores that are next to each other it may rise steeply, and would make a visible
difference of the rounding errors by which a compiled graph differs from the pipeline.
"""


@dataclass(frozen=True)
class Calibration:
    """What calibrating out-of-fold scores gains, and the calibrators if it gains enough.

    `method` is "sigmoid", "isotonic" or None; `fitted` is scikit-learn's calibrated classifier, of
    a stand-in for the estimator, and None without a method. `uncalibrated` and `served` are Brier
    scores, the same without a method. `probabilities`, of shape (n_rows, n_classes), are calibrated
    without the row itself, and the estimator's own without a method.
    """

    method: str | None
    fitted: Any
    uncalibrated: float
    served: float
    probabilities: Floats

    @property
    def calibrators(self) -> list[Any]:
        """One for each class, for two classes one for the second; none without a method."""
        return self.fitted.calibrators if self.fitted else []


class _KnownScores(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Stands in for a fitted classifier whose scores are known: answers the scores it is asked about."""

    def __init__(self, n_classes: int) -> None:
        self.n_classes = n_classes
        self.classes_ = np.arange(n_classes)

    def fit(self, scores: Floats, actual: Any) -> "_KnownScores":
        """What scikit-learn wants every estimator to have, and does not call of one that is fitted."""
        raise AssertionError("its scores are known")

    def decision_function(self, scores: Floats) -> Floats:
        return scores


def losses(probabilities: Floats, actual: npt.NDArray[np.int64]) -> Floats:
    """Each row's part of the Brier score.

    The squared errors of the probabilities, summed over the classes; of two classes only one
    counts, as usual.

    Parameters
    ----------
    probabilities : array of shape (n_rows, n_classes)
    actual : array of shape (n_rows,)
        Positions of the true classes.

    Returns
    -------
    array of shape (n_rows,)
        From 0 to 1 for two classes, from 0 to 2 for more.
    """
    wrong = np.square(probabilities - np.eye(probabilities.shape[1])[actual]).sum(axis=1)
    return np.asarray(wrong / 2 if probabilities.shape[1] == 2 else wrong)


def choose(scores: Floats, probabilities: Floats, actual: npt.NDArray[np.int64]) -> Calibration:
    """The calibration with the lowest Brier score, or none if the probabilities are as good without.

    Parameters
    ----------
    scores : array of shape (n_rows, n_classes), for two classes (n_rows,)
        Out-of-fold values of `decision_function`, or the probabilities of estimators without one.
    probabilities : array of shape (n_rows, n_classes)
        Out-of-fold probabilities of the estimator.
    actual : array of shape (n_rows,)
        Positions of the true classes, in the estimator's order, like the columns.

    Returns
    -------
    Calibration
        With `method` None if calibration does not help.
    """
    before = losses(probabilities, actual)
    none = Calibration(None, None, float(before.mean()), float(before.mean()), probabilities)
    folds = min(FOLDS, int(np.bincount(actual, minlength=probabilities.shape[1]).min()))
    if folds < 2 or not np.isfinite(scores).all():
        return none
    tried = []
    for method in METHODS:
        after = np.empty_like(probabilities)
        for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(scores, actual):
            found = _fit(scores[train], actual[train], probabilities.shape[1], method)
            after[test] = found.predict_proba(scores[test])
        fitted = _fit(scores, actual, probabilities.shape[1], method)
        # A falling sigmoid would turn the model's order upside down: it has learnt chance.
        if all(getattr(calibrator, "a_", -1.0) < 0 for calibrator in fitted.calibrators):
            tried.append(Calibration(method, fitted, none.uncalibrated, float(losses(after, actual).mean()), after))
    best = min(tried, key=lambda found: found.served, default=none)
    gain = before - losses(best.probabilities, actual)
    enough = gain.mean() >= max(WORTHWHILE * none.uncalibrated, gain.std(ddof=1) / np.sqrt(len(gain)))
    return best if enough and best.method else none


def _fit(scores: Floats, actual: npt.NDArray[np.int64], classes: int, method: str) -> Any:
    columns = scores.reshape(len(scores), -1)
    if method == "isotonic":
        spread = columns.std(axis=0)
        step = np.where(spread > 0, spread, 1.0) / STEPS
        columns = np.round(columns / step) * step
    prefit = CalibratedClassifierCV(_KnownScores(classes), method=method, cv="prefit").fit(columns, actual)
    return prefit.calibrated_classifiers_[0]


def calibrated(pipeline: Any, calibration: Calibration) -> Any:
    """A copy of the fitted pipeline whose last step returns calibrated probabilities.

    Parameters
    ----------
    pipeline : fitted PyCaret pipeline
    calibration : Calibration
        With a method.

    Returns
    -------
    fitted PyCaret pipeline
        `pipeline` is not changed.
    """
    *steps, (name, estimator) = pipeline.steps
    last = CalibratedClassifierCV(estimator, method=calibration.method, cv="prefit")
    last.classes_ = estimator.classes_
    of_scores = copy.copy(calibration.fitted)
    of_scores.estimator, of_scores.classes = estimator, estimator.classes_
    last.calibrated_classifiers_ = [of_scores]
    for learnt in ("n_features_in_", "feature_names_in_"):
        if hasattr(estimator, learnt):
            setattr(last, learnt, getattr(estimator, learnt))
    copied = copy.copy(pipeline)
    copied.steps = [*steps, (name, last)]
    return copied


def may_calibrate(estimator: Any) -> bool:
    """Whether the probabilities of this estimator may be changed.

    A threshold that somebody chose belongs to the uncalibrated probabilities, and a model that is
    calibrated already needs no other calibration.
    """
    return type(estimator).__name__ not in ("CustomProbabilityThresholdClassifier", "CalibratedClassifierCV")
