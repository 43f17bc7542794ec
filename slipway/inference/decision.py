"""Which class is predicted: one rule for the API, files, the page, metrics and subgroups.

For two classes the version's threshold decides: a case is positive if its probability is at least the threshold. For more, the
class with the lowest expected cost is predicted, or without costs the most probable, as an estimator does.

Source: Elkan, The foundations of cost-sensitive learning, IJCAI (2001).
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
    """The same answers, with the class decided by the target's threshold or costs.

    Parameters
    ----------
    answers : Answers
        Of n rows, as an engine returns them.
    target : Target
        Gives the classes, the positive one, the threshold and the costs.

    Returns
    -------
    Answers
        Unchanged for numbers, without probabilities, and for more than two classes without costs.
    """
    probabilities = answers.probabilities
    if probabilities is None:
        return answers
    if (threshold := threshold_of(target, has_probabilities=True)) is not None:
        return Answers(_from_threshold(probabilities, target, threshold), probabilities)
    return Answers(_cheapest(probabilities, target), probabilities) if target.costs else answers


def _from_threshold(probabilities: npt.NDArray[np.float64], target: Target, threshold: float) -> npt.NDArray[np.int64]:
    """Positions in `Target.classes`, of shape (n_rows,), from probabilities of shape (n_rows, 2)."""
    positive = target.classes.index(target.positive)
    return np.where(probabilities[:, positive] >= threshold, positive, 1 - positive)


def _cheapest(probabilities: npt.NDArray[np.float64], target: Target) -> npt.NDArray[np.int64]:
    """Positions of the classes with the lowest expected cost, of shape (n_rows,); of equal ones the first.

    Class by class instead of a matrix product, whose last bits depend on how many rows there are.
    """
    expected = np.zeros_like(probabilities)
    for position, costs in enumerate(target.costs):
        expected += probabilities[:, position, None] * np.array(costs)
    return np.asarray(expected.argmin(axis=1))
