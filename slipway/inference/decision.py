"""Which class an answer names: one rule for the API, files, the page, metrics and groups.

An estimator names the most probable class. Of two classes the version's threshold decides
instead: a case is positive if its probability is at least the threshold.
"""

import numpy as np
import numpy.typing as npt

from slipway.inference.equality import Answers
from slipway.schema.schema import Target


def threshold_of(target: Target, has_probabilities: bool) -> float | None:
    """The probability from which a case is positive; None where there are not two classes with probabilities."""
    return target.decision_threshold if has_probabilities else None


def decide(answers: Answers, target: Target) -> Answers:
    """The same answers, of two classes with probabilities naming the class by the target's threshold."""
    threshold = threshold_of(target, answers.probabilities is not None)
    if threshold is None or answers.probabilities is None:
        return answers
    return Answers(_positions(answers.probabilities, target, threshold), answers.probabilities)


def _positions(probabilities: npt.NDArray[np.float64], target: Target, threshold: float) -> npt.NDArray[np.int64]:
    """Positions in `Target.classes` of shape (n_rows,), of probabilities of shape (n_rows, 2)."""
    positive = target.classes.index(target.positive)
    return np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)
