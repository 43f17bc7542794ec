"""When two answers are equal: one rule for the parity check, golden predictions, API, page and image.

Values must agree within 1e-5 of the larger of the fitted value and the standard deviation of
the training target, probabilities within 1e-5, and classes exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.schema.schema import Target

TOLERANCE = 1e-5

Prediction = dict[str, Any]


@dataclass(frozen=True)
class Answers:
    """What an engine returns for n rows.

    `values` has shape (n,): float64 values of the target, or for classes int64 positions in
    `Target.classes`. `probabilities` has shape (n, n_classes), in the order of the classes; it is
    None for numbers, and for estimators without probabilities.
    """

    values: npt.NDArray[Any]
    probabilities: npt.NDArray[np.float64] | None = None

    @classmethod
    def of(cls, predictions: list[Prediction], target: Target) -> "Answers":
        """The answers that a list of predictions represents.

        Parameters
        ----------
        predictions : list of n predictions
            As the API returns them.
        target : Target
            Gives the order of the classes.

        Returns
        -------
        Answers
            Of n rows.
        """
        given = [prediction["prediction"] for prediction in predictions]
        if not target.classes:
            return cls(np.array(given, dtype="float64"))
        values = np.array([target.classes.index(value) for value in given], dtype="int64")
        if any(prediction["probabilities"] is None for prediction in predictions):
            return cls(values)
        keys = [str(value) for value in target.classes]
        scores = [[prediction["probabilities"][key] for key in keys] for prediction in predictions]
        return cls(values, np.array(scores, dtype="float64").reshape(len(predictions), len(keys)))


def joined(parts: Sequence[Answers]) -> Answers:
    """Answers to some rows after each other, as one."""
    scores = [part.probabilities for part in parts if part.probabilities is not None]
    return Answers(np.concatenate([part.values for part in parts]), np.concatenate(scores) if scores else None)


def difference(ours: Answers, fitted: Answers, target: Target) -> npt.NDArray[np.float64]:
    """How far each of n answers is from the fitted pipeline's.

    Parameters
    ----------
    ours, fitted : Answers
        Of the same n rows.
    target : Target
        Its standard deviation sets the scale of a difference between numbers.

    Returns
    -------
    array of shape (n,)
        In the unit of `TOLERANCE`. Infinity where the classes differ, or where only one side has
        an answer at all.
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
    """Whether two predictions are equal.

    Parameters
    ----------
    answer, wanted : dict
        Predictions as the API returns them.
    target : Target

    Returns
    -------
    bool
    """
    off = difference(Answers.of([answer], target), Answers.of([wanted], target), target)
    return bool(off[0] <= TOLERANCE)
