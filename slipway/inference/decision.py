"""Which class is predicted: one rule for the API, files, the page, metrics and subgroups.

An estimator predicts the most probable class. For two classes the version's threshold decides
instead: a case is positive if its probability is at least the threshold.
"""

import numpy as np
import numpy.typing as npt

from slipway.inference.equality import Answers
from slipway.schema.schema import Target


def threshold_of(target: Target, has_probabilities: bool) -> float | None:
    """The probability from which a case is positive.

    Parameters
    ----------
    target : Target
    has_probabilities : bool
        Whether the estimator gives probabilities.

    Returns
    -------
    float or None
        Between 0 and 1; None unless there are exactly two classes, with probabilities.
    """
    return target.decision_threshold if has_probabilities else None


def decide(answers: Answers, target: Target) -> Answers:
    """The same answers, with the class decided by the target's threshold.

    Parameters
    ----------
    answers : Answers
        Of n rows, as an engine returns them.
    target : Target
        Gives the classes, the positive one and the threshold.

    Returns
    -------
    Answers
        Unchanged for numbers, for more than two classes and without probabilities.
    """
    threshold = threshold_of(target, answers.probabilities is not None)
    if threshold is None or answers.probabilities is None:
        return answers
    return Answers(_positions(answers.probabilities, target, threshold), answers.probabilities)


def _positions(probabilities: npt.NDArray[np.float64], target: Target, threshold: float) -> npt.NDArray[np.int64]:
    """Positions in `Target.classes`, of shape (n_rows,), from probabilities of shape (n_rows, 2)."""
    positive = target.classes.index(target.positive)
    return np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)
