"""When two answers are the same: the one rule for the gate, golden rows, API, page and image.

Values within 1e-5 of the larger of the fitted value and the standard deviation of the
training target, probabilities within 1e-5, and the same class always.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.schema.schema import Target

TOLERANCE = 1e-5

Prediction = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """What an engine says of n rows.

    `values` has shape (n,): float64 values of the target, or for classes the positions in
    `Target.classes`. `probabilities` has shape (n, n_classes), in the order of the classes;
    None for numbers, and for estimators that have none.
    """

    values: npt.NDArray[Any]
    probabilities: npt.NDArray[np.float64] | None = None

    @classmethod
    def of(cls, predictions: list[Prediction], target: Target) -> "Answers":
        """The answers that a list of predictions, as the API gives them, stands for."""
        given = [prediction["prediction"] for prediction in predictions]
        if not target.classes:
            return cls(np.array(given, dtype="float64"))
        values = np.array([target.classes.index(value) for value in given], dtype="int64")
        if any(prediction["probabilities"] is None for prediction in predictions):
            return cls(values)
        keys = [str(value) for value in target.classes]
        scores = [[prediction["probabilities"][key] for key in keys] for prediction in predictions]
        return cls(values, np.array(scores, dtype="float64").reshape(len(predictions), len(keys)))


def difference(ours: Answers, fitted: Answers, target: Target) -> npt.NDArray[np.float64]:
    """How far each of n answers is off, in the unit of `TOLERANCE`, of shape (n,).

    Infinity where the class is another, or where only one side has an answer at all.
    """
    if not target.classes:
        floor = np.maximum(np.abs(fitted.values), target.std or 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            off = np.abs(ours.values - fitted.values) / floor
        off = np.where(ours.values == fitted.values, 0.0, off)
        return np.where(np.isnan(off), np.where(np.isnan(ours.values) & np.isnan(fitted.values), 0.0, np.inf), off)
    off = np.zeros(len(fitted.values))
    if ours.probabilities is not None and fitted.probabilities is not None:
        off = np.nan_to_num(np.abs(ours.probabilities - fitted.probabilities), nan=np.inf).max(axis=1, initial=0.0)
    elif (ours.probabilities is None) != (fitted.probabilities is None):
        off += np.inf
    return np.where(ours.values == fitted.values, off, np.inf)


def equal(answer: Prediction, wanted: Prediction, target: Target) -> bool:
    """Whether two predictions, as the API gives them, are the same."""
    off = difference(Answers.of([answer], target), Answers.of([wanted], target), target)
    return bool(off[0] <= TOLERANCE)
