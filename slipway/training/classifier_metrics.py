"""The metrics of a classifier, for the positive class and at the version's threshold. Training only.

PyCaret's own are not used: of two classes that are not called 0 and 1 it averages recall,
precision and F1 over both classes, which makes the recall an accuracy; it writes an AUC of 0
where it could not measure one, and takes no threshold but 0.5. (Seen in pycaret-core 3.5.0.)
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from slipway.inference.decision import decide
from slipway.inference.equality import Answers
from slipway.inference.pipeline_engine import classes_of
from slipway.schema.schema import Target
from slipway.training._pycaret import metrics_of, probability_metric

LOG_LOSS = "Log loss"
NAMES = {
    "logloss": LOG_LOSS,
    "acc": "Accuracy",
    "auc": "AUC",
    "recall": "Recall",
    "precision": "Prec.",
    "f1": "F1",
    "kappa": "Kappa",
    "mcc": "MCC",
}
"""PyCaret's ids and display names, in the order shown; it has no log loss of its own."""

Floats = npt.NDArray[np.float64]


def measure(
    actual: npt.NDArray[np.int64], answers: Answers, target: Target, scores: Floats | None = None
) -> dict[str, float]:
    """All metrics of n rows; NaN where one cannot be measured.

    Recall, precision and F1 are those of the positive class; for more than two classes they are
    means over the classes, weighted by their rows, as is the AUC (one class against the rest).

    Parameters
    ----------
    actual : array of shape (n_rows,)
        Positions in `Target.classes`.
    answers : Answers
        Of an engine; the class is decided here, by the target's threshold.
    target : Target
    scores : array of shape (n_rows,), optional
        For an estimator without probabilities: larger where the positive class is more likely.

    Returns
    -------
    dict of str to float
        By the names in `NAMES`.
    """
    named = decide(answers, target).values
    if len(target.classes) == 2:
        average: dict[str, Any] = {"average": "binary", "pos_label": target.classes.index(target.positive)}
    else:
        average = {"average": "weighted"}
    average["zero_division"] = 0.0
    return {
        LOG_LOSS: log_loss(actual, answers.probabilities),
        "Accuracy": float(metrics.accuracy_score(actual, named)),
        "AUC": _auc(actual, answers.probabilities, target, scores),
        "Recall": float(metrics.recall_score(actual, named, **average)),
        "Prec.": float(metrics.precision_score(actual, named, **average)),
        "F1": float(metrics.f1_score(actual, named, **average)),
        "Kappa": float(metrics.cohen_kappa_score(actual, named)),
        "MCC": float(metrics.matthews_corrcoef(actual, named)),
    }


def log_loss(actual: npt.NDArray[np.int64], probabilities: Floats | None) -> float:
    """Mean of -log of the probability of the true class; a probability of 0 counts as 2e-16.

    Source: Good, Rational decisions, Journal of the Royal Statistical Society B 14 (1952); the
    bound is that of scikit-learn's `log_loss`.

    Parameters
    ----------
    actual : array of shape (n_rows,)
        Positions of the true classes.
    probabilities : array of shape (n_rows, n_classes), or None

    Returns
    -------
    float
        NaN without finite probabilities.
    """
    if probabilities is None or not np.isfinite(probabilities).all():
        return float("nan")
    given = probabilities[np.arange(len(actual)), actual]
    return abs(float(np.log(np.clip(given, np.finfo("float64").eps, 1.0)).mean()))  # not -0.0 where all is certain


def _auc(actual: npt.NDArray[np.int64], probabilities: Floats | None, target: Target, scores: Floats | None) -> float:
    try:
        if len(target.classes) == 2:
            positive = target.classes.index(target.positive)
            given = scores if probabilities is None else probabilities[:, positive]
            return float("nan") if given is None else float(metrics.roc_auc_score(actual == positive, given))
        if probabilities is None:
            return float("nan")
        every = range(len(target.classes))
        return float(
            metrics.roc_auc_score(actual, probabilities, multi_class="ovr", average="weighted", labels=list(every))
        )
    except ValueError:  # only one class among the rows, or probabilities that are not finite
        return float("nan")


def positive_scores(estimator: Any, rows: Any, target: Target, classes: list[Any]) -> Floats | None:
    """The decision function of a two-class estimator, larger where the positive class is more likely.

    Parameters
    ----------
    estimator : fitted estimator or pipeline
    rows : DataFrame of shape (n_rows, n_columns)
        As the estimator takes them.
    target : Target
    classes : list
        The estimator's classes, in its order, with the values in the data.

    Returns
    -------
    array of shape (n_rows,), or None
        None unless there are two classes and a decision function.
    """
    if len(target.classes) != 2 or not hasattr(estimator, "decision_function"):
        return None
    scores = np.ravel(estimator.decision_function(rows)).astype("float64")
    return scores if classes[-1] == target.positive else -scores


def measure_pipeline(pipeline: Any, rows: Any, actual: Any, target: Target) -> dict[str, float]:
    """All metrics of a fitted classifier on n rows, of a fold for instance.

    Parameters
    ----------
    pipeline : fitted pipeline
    rows : DataFrame of shape (n_rows, n_columns)
        As the pipeline takes them.
    actual : array-like of shape (n_rows,)
        The classes, with the values in the data.
    target : Target

    Returns
    -------
    dict of str to float
        As `measure`.
    """
    places = {value: place for place, value in enumerate(target.classes)}
    truth = np.array([places[value] for value in np.asarray(actual).tolist()], dtype="int64")
    classes = classes_of(pipeline)
    if not hasattr(pipeline, "predict_proba"):
        named = np.array([places[value] for value in np.ravel(pipeline.predict(rows)).tolist()], dtype="int64")
        return measure(truth, Answers(named), target, positive_scores(pipeline, rows, target, classes))
    # A fold may lack a class: it was given no probability.
    probabilities = np.zeros((len(truth), len(target.classes)))
    probabilities[:, [places[value] for value in classes]] = pipeline.predict_proba(rows)
    return measure(truth, Answers(probabilities.argmax(axis=1), probabilities), target)


class _Scorers:
    """All metrics of a fitted pipeline on the rows of a fold, computed once for the eight scorers."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._last: tuple[Any, Any, dict[str, float]] | None = None

    def of(self, pipeline: Any, rows: Any, actual: Any) -> dict[str, float]:
        """`rows` are transformed already and `actual` has the values in the data, as when PyCaret scores a fold."""
        if self._last is None or self._last[0] is not pipeline or self._last[1] is not rows:
            self._last = pipeline, rows, measure_pipeline(pipeline, rows, actual, self._target)
        return self._last[2]


class _Scorer:
    """One metric as scikit-learn expects a scorer: greater is better."""

    def __init__(self, name: str, scorers: _Scorers) -> None:
        self._name = name
        self._scorers = scorers

    def __call__(self, pipeline: Any, rows: Any, actual: Any) -> float:
        found = self._scorers.of(pipeline, rows, actual)[self._name]
        return -found if self._name == LOG_LOSS else found


@contextmanager
def use_our_metrics(experiment: Any, target: Target) -> Iterator[None]:
    """Within it a classification experiment's metrics are ours, also in comparing and tuning."""
    if not target.classes:
        yield
        return
    with metrics_of(experiment, lambda own: _containers(own, target)):
        yield


def _containers(own: Any, target: Target) -> dict[str, Any]:
    scorers = _Scorers(target)
    found: dict[str, Any] = {}
    for identifier, name in NAMES.items():
        if identifier in own:
            found[identifier] = copy.copy(own[identifier])
            found[identifier].scorer = _Scorer(name, scorers)
        elif name == LOG_LOSS:
            found[identifier] = probability_metric(identifier, name, metrics.log_loss, _Scorer(name, scorers))
    return found
