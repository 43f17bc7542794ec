"""Two models on the same rows: each row's loss under both, and how sure the difference of the means is."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from slipway.inference.equality import Answers
from slipway.schema.schema import Target
from slipway.training.calibration import losses as brier_losses

Floats = npt.NDArray[np.float64]
Loss = Literal["absolute error", "squared error", "log loss", "Brier score", "wrong classes"]

CONFIDENCE = 0.95
SMALLEST = 1e-15
"""No probability counts as less, so that one certain error does not make the whole mean infinite."""


@dataclass(frozen=True)
class Difference:
    """Mean losses of two models on the same rows; `difference` is the second's less the first's, and negative if the second is better.

    `low` and `high` are the ends of its 95 % confidence interval; None of fewer than two rows.
    """

    loss: Loss
    rows: int
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None


def losses(answers: Answers, actual: npt.NDArray[np.generic], target: Target) -> dict[Loss, Floats]:
    """Each row's losses by their names, each of shape (n_rows,).

    Parameters
    ----------
    answers : Answers
        Of n rows.
    actual : array of shape (n_rows,)
        Values of the target, or positions in its classes.
    target : Target

    Returns
    -------
    dict of str to array
        Without probabilities, classes have neither log loss nor Brier score.
    """
    if not target.classes:
        off = np.asarray(answers.values - actual.astype("float64"), dtype="float64")
        return {"absolute error": np.abs(off), "squared error": np.square(off)}
    positions = actual.astype("int64")
    wrong: dict[Loss, Floats] = {"wrong classes": (answers.values != positions).astype("float64")}
    if answers.probabilities is None:
        return wrong
    of_true = answers.probabilities[np.arange(len(positions)), positions]
    wrong["log loss"] = np.asarray(-np.log(np.maximum(of_true, SMALLEST)))
    wrong["Brier score"] = brier_losses(answers.probabilities, positions)
    return wrong


def paired_difference(loss: Loss, first: Floats, second: Floats) -> Difference:
    """The difference of two models' mean losses, with its confidence interval.

    Paired, since what makes a row hard makes it so for both: the interval is Student's, of the mean of the rows'
    differences. Source: Student, The probable error of a mean, Biometrika 6 (1908); for models on one test set
    Dietterich, Approximate statistical tests for comparing supervised classification learning algorithms, Neural
    Computation 10 (1998). It says nothing of other training sets.

    Parameters
    ----------
    loss : str
        Its name.
    first, second : array of shape (n_rows,)
        Of the same rows.

    Returns
    -------
    Difference
    """
    off, rows = second - first, len(first)
    mean = float(off.mean())
    low = high = None
    if rows > 1:
        margin = float(t.ppf((1 + CONFIDENCE) / 2, rows - 1) * off.std(ddof=1) / np.sqrt(rows))
        low, high = mean - margin, mean + margin
    return Difference(loss, rows, float(first.mean()), float(second.mean()), mean, low, high)
