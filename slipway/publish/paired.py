"""Two models on the same rows: each row's loss under both, and how sure the difference of the means is."""

import math
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


@dataclass(frozen=True)
class Evidence:
    """Whether it is known which of two models is better, although somebody looks again and again.

    `low` and `high` are the ends of an interval that holds the difference at every look, with a probability of 95 %. It `suffices` once they have the same
    sign; `needed` are the rows from which it would, if difference and spread stay as they are. None if that is beyond `MOST_NEEDED`.
    """

    loss: Loss
    rows: int
    low: float
    high: float
    suffices: bool
    needed: int | None


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


LEAST_ROWS = 30
"""From so many on, a mean is near enough to normal."""
NARROWEST = 500
"""Rows at which the interval is narrowest, as compared with Student's at the same number of rows."""
MOST_NEEDED = 10**9


def evidence(loss: Loss, first: Floats, second: Floats) -> Evidence | None:
    """How sure the difference of two models' mean losses is, for somebody who looks at it whenever more rows have come.

    Student's interval is right for a number of rows that was fixed before: who looks each day and stops as soon as it excludes zero
    is wrong far more often than 5 in 100 times. This is a confidence sequence, which is right at all looks together. Source: Waudby-Smith, Arbour,
    Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence sequences, Annals of Statistics
    52 (2024), theorem 2.2.

    Parameters
    ----------
    loss : str
        Its name.
    first, second : array of shape (n_rows,)
        Of the same rows.

    Returns
    -------
    Evidence or None
        None of fewer than `LEAST_ROWS` rows.
    """
    off, rows = second - first, len(first)
    if rows < LEAST_ROWS:
        return None
    mean, spread = float(off.mean()), float(off.std(ddof=1))
    margin = spread * _width(rows)
    suffices = abs(mean) > margin
    return Evidence(loss, rows, mean - margin, mean + margin, suffices, _needed(rows, abs(mean), spread))


def _width(rows: int) -> float:
    """Half the width of the interval, in standard deviations."""
    alpha = 1 - CONFIDENCE
    spent = -2 * math.log(alpha)
    scaled = rows * (spent + math.log(spent + 1)) / NARROWEST  # n ρ², with the ρ that is best at `NARROWEST` rows
    return math.sqrt(2 * (scaled + 1) / (rows * scaled) * math.log(math.sqrt(scaled + 1) / alpha))


def _needed(rows: int, mean: float, spread: float) -> int | None:
    """The least number of rows, not below the present one, at which the interval would exclude zero."""
    if spread * _width(rows) < mean or not spread:
        return rows if mean else None
    if spread * _width(MOST_NEEDED) >= mean:
        return None
    low, high = rows, MOST_NEEDED
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if spread * _width(middle) < mean else (middle, high)
    return high
