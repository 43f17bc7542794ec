"""How far off a predicted number may be: an interval that contains nine of ten true values.

A conformal interval: its width is taken from the errors on rows that the model had not seen.
Rows are binned by their *prediction*, so that the interval is wide where errors are large, and
each bin's interval is the shortest that contains its share of the errors, so it need not be
symmetric. Where a model of the size of the errors makes better intervals, errors are first divided by
what it expects of their rows (`slipway.training.spread`).

Sources: Vovk, Lindsay, Nouretdinov, Gammerman, On-line Gaussian/Mondrian confidence machines
(2003), for bins; Lei et al., Distribution-Free Predictive Inference for Regression, JASA 113
(2018), for residuals, their (n + 1) rank, and dividing them by their expected size; Gneiting and Raftery,
Strictly Proper Scoring Rules, JASA 102 (2007), for the interval score; Barber et al., Predictive inference with the
jackknife+, Annals of Statistics 49 (2021), for errors out of fold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from slipway.inference.interval import Floats, Interval
from slipway.schema.metrics import IntervalFifth, IntervalMetrics

COVERAGE = 0.9
ROWS_PER_BIN = 50
MOST_BINS = 10
WORTHWHILE = 0.1
"""How much shorter, as a share, an interval with unequal tails must be than one with equal tails.

Looking for the shortest costs coverage: of 100 errors that are in truth symmetric, some
window always seems shorter, and covers 88.5 % where 90 % was meant.
"""
PARTS = 10
HUGE = 1e300


def fit_interval(
    predicted: Floats, actual: Floats, coverage: float = COVERAGE, scale: Floats | None = None
) -> Interval | None:
    """The interval for the errors on unseen rows.

    Fewer bins have more rows each and so a narrower interval; there are as few as cover all parts
    of the predicted range equally well.

    Parameters
    ----------
    predicted : array of shape (n_rows,)
        Predictions for rows that the model had not seen, in the target's unit.
    actual : array of shape (n_rows,)
        Their true values.
    coverage : float, default=0.9
        The share of true values that the interval should contain.
    scale : array of shape (n_rows,), optional
        What errors are divided by; the interval's ends are then multiples of it.

    Returns
    -------
    Interval or None
        None if there are too few rows.
    """
    finite = usable(predicted, actual)
    predicted, errors = predicted[finite], actual[finite] - predicted[finite]
    if scale is not None:
        errors = errors / scale[finite]
    if not _enough(len(errors), coverage):
        return None
    order = np.argsort(predicted, kind="stable")
    predicted, errors = predicted[order], errors[order]
    most = min(MOST_BINS, max(1, len(errors) // ROWS_PER_BIN))
    parts = np.array_split(np.arange(len(errors)), most)
    for count in range(min(2, most), most + 1):
        found = _binned(predicted, errors, count, coverage)
        low, high = found.around(predicted)
        inside = (predicted + errors >= low) & (predicted + errors <= high)
        # Two standard errors below is what chance does to a share of so few rows.
        if all(inside[part].mean() >= coverage - 2 * sqrt(coverage * (1 - coverage) / len(part)) for part in parts):
            break
    return found


def usable(predicted: Floats, actual: Floats) -> npt.NDArray[np.bool_]:
    """Which rows have a finite answer; no other is ever returned.

    The bound is far below the largest double, so that sums stay finite.

    Parameters
    ----------
    predicted, actual : arrays of shape (n_rows,)

    Returns
    -------
    array of bool, of shape (n_rows,)
    """
    return np.asarray((np.abs(predicted) < HUGE) & (np.abs(actual) < HUGE))


def rank_of(rows: int, coverage: float) -> int:
    """How many ranks apart the ends must be for a new error to lie between them with `coverage`.

    Among n errors, a new one is equally likely to fall into each of the n + 1 gaps.
    """
    return ceil(round(coverage * (rows + 1), 9))  # 0.9 * 30 is above 27 in doubles


def _enough(rows: int, coverage: float) -> bool:
    return rank_of(rows, coverage) < rows


def _binned(predicted: Floats, errors: Floats, count: int, coverage: float) -> Interval:
    """The interval with at most `count` bins; `predicted` is ascending."""
    edges: list[float] = []
    start, starts = 0, [0]
    for edge in np.quantile(predicted, np.arange(1, count) / count):
        # A tree predicts few different values: then a bin may have too few rows, and joins the next.
        position = int(np.searchsorted(predicted, edge, side="left"))
        if all(
            rows >= ROWS_PER_BIN // 2 and _enough(rows, coverage)
            for rows in (position - start, len(predicted) - position)
        ):
            edges.append(float(edge))
            starts.append(start := position)
    ends = [_shortest(part, coverage) for part in np.split(errors, starts[1:])]
    return Interval(coverage, tuple(edges), tuple(low for low, _ in ends), tuple(high for _, high in ends))


def _shortest(errors: Floats, coverage: float) -> tuple[float, float]:
    """The ends of the shortest run of errors that is long enough; zero is always inside."""
    errors = np.sort(errors)
    rank = rank_of(len(errors), coverage)
    widths = errors[rank:] - errors[:-rank]
    equal_tails, first = (len(widths) - 1) // 2, int(np.argmin(widths))
    if widths[first] >= (1 - WORTHWHILE) * widths[equal_tails]:
        first = equal_tails
    return min(0.0, float(errors[first])), max(0.0, float(errors[first + rank]))


def parts_of(rows: int) -> npt.NDArray[np.int64]:
    """The tenth, drawn at random, that each of n rows is in: of shape (n,)."""
    return np.random.default_rng(0).permutation(rows) % PARTS


Scales = Callable[[int], Floats]
"""For a tenth of the rows: by what the errors of all rows are divided, as models say that have not seen it."""


@dataclass(frozen=True)
class Measured:
    """What the interval covers of rows that it was not made from.

    `covered`, of shape (n_rows,), is 1 where the true value lies in the interval, 0 where not, NaN for
    rows without a finite answer. `scores`, of the rows with one, are interval scores: the width, and
    2 / (1 - coverage) times how far outside the true value lies; the smaller, the better.
    """

    metrics: IntervalMetrics
    covered: Floats
    scores: Floats


def measure_interval(
    predicted: Floats,
    actual: Floats,
    minimum: float | None = None,
    maximum: float | None = None,
    scales: Scales | None = None,
) -> Measured | None:
    """The coverage of intervals on rows that they were not fitted on.

    Each tenth of the rows, drawn at random, is judged by the interval fitted on the others.

    Parameters
    ----------
    predicted, actual : arrays of shape (n_rows,)
        Of rows that the model had not seen, in the target's unit.
    minimum, maximum : float, optional
        The target's hard bounds.
    scales : Scales, optional
        Of the rows with a finite answer.

    Returns
    -------
    Measured or None
        None if there are too few rows.
    """
    finite = usable(predicted, actual)
    predicted, actual = predicted[finite], actual[finite]
    low, high = np.zeros(len(predicted)), np.zeros(len(predicted))
    part = parts_of(len(predicted))
    for number in range(PARTS):
        rows = part == number
        scale = np.ones(len(predicted)) if scales is None else scales(number)
        found = fit_interval(predicted[~rows], actual[~rows], scale=scale[~rows])
        if found is None:
            return None
        low[rows], high[rows] = found.around(predicted[rows], minimum, maximum, scale[rows])
    covered, width = (actual >= low) & (actual <= high), high - low
    outside = np.maximum(low - actual, 0.0) + np.maximum(actual - high, 0.0)
    fifths = np.array_split(np.argsort(predicted, kind="stable"), 5)
    metrics = IntervalMetrics(
        rows=len(predicted),
        coverage=COVERAGE,
        covered=float(covered.mean()),
        width=float(width.mean()),
        fifths=tuple(
            IntervalFifth(
                low=float(predicted[rows].min()),
                high=float(predicted[rows].max()),
                covered=float(covered[rows].mean()),
                width=float(width[rows].mean()),
            )
            for rows in fifths
        ),
        by_inputs=scales is not None,
    )
    every = np.full(len(finite), np.nan)
    every[finite] = covered
    return Measured(metrics, every, width + 2 / (1 - COVERAGE) * outside)
