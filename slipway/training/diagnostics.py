"""What answers to unseen rows show: the figures that the Model and Predict tabs draw.

They are counts, shares and quantiles of many rows, rounded where they are values of the
target: no row of the training table can be read from them. Training only.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, roc_curve

from slipway.schema.figures import Figures, PredictionQuantiles, ReliabilityCurves, RocCurve
from slipway.schema.metrics import ReliabilityBin, ThresholdCounts
from slipway.schema.schema import Schema
from slipway.training.conformal import usable
from slipway.training.evaluation import HeldOut
from slipway.training.subgroups import digits_of, groups

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

BOXES = 10
ROWS_PER_BOX = 20
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
ROC_POINTS = 101
THRESHOLDS = 101
BINS = 10
ROWS_PER_BIN = 50
BY_CHANCE = 2.0
"""Standard errors that chance puts between a predicted probability and the share that came true."""
CLOSE = 0.1
"""How far the two may be apart, where rows are so few that chance alone could be further."""


@dataclass(frozen=True)
class Diagnostics:
    """`figures` is what the Model tab draws; `reliability` and `thresholds`, of two classes, the Predict tab."""

    figures: Figures
    reliability: tuple[ReliabilityBin, ...] = ()
    thresholds: ThresholdCounts | None = None


def diagnose(
    unseen: HeldOut,
    schema: Schema,
    *,
    out_of_fold: bool,
    covered: Floats | None = None,
    uncalibrated: Floats | None = None,
    first: list[str] | None = None,
) -> Diagnostics:
    """All figures of answers to unseen rows.

    Parameters
    ----------
    out_of_fold : bool
        Whether the rows are all of the table, each answered by a model fitted without its fold;
        else they are the hold-out.
    covered, uncalibrated
        As in `UncertaintyResult`.
    first : names
        The fields in the order in which they count; groups are made of the first ones.
    """
    target, answers = schema.target, unseen.answers
    figures = Figures(len(unseen.actual), out_of_fold, groups(unseen, schema, covered, first or schema.names))
    if not target.classes:
        quantiles = prediction_quantiles(answers.values, unseen.actual)
        return Diagnostics(replace(figures, prediction_quantiles=quantiles))
    positions = range(len(target.classes))
    counts = confusion_matrix(unseen.actual, answers.values, labels=positions).tolist()
    figures = replace(figures, confusion=tuple(map(tuple, counts)))
    served = answers.probabilities
    if served is None or not np.isfinite(served).all():
        return Diagnostics(figures)
    two = len(positions) == 2
    shown = [target.classes.index(target.positive)] if two else list(positions)
    curves = tuple(
        RocCurve(target.classes[position], roc(unseen.actual == position, served[:, position])) for position in shown
    )
    came_true, given = _cases(unseen.actual, served, shown)
    bins = reliability(came_true, given)
    before = None if uncalibrated is None else reliability(*_cases(unseen.actual, uncalibrated, shown))
    figures = replace(figures, roc=curves, reliability=ReliabilityCurves(bins, before))
    return Diagnostics(figures, bins, thresholds(came_true, given)) if two else Diagnostics(figures)


def _cases(actual: Positions, probabilities: Floats, shown: list[int]) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Whether each case came true, and the probability it was given: of the classes shown, all together."""
    return (actual[:, None] == np.array(shown)).ravel(), probabilities[:, shown].ravel()


def bins(values: Floats, most: int, least: int) -> list[Positions]:
    """Positions of the values, in ascending bins of about equally many; equal values stay together.

    There are at most `most` bins, with at least `least` values each, or one of all.
    """
    order = np.argsort(values, kind="stable")
    ascending = values[order]
    count = max(1, min(most, len(values) // least))
    starts = [0]
    for number in range(1, count):
        start = int(np.searchsorted(ascending, ascending[number * len(values) // count], side="left"))
        if min(start - starts[-1], len(values) - start) >= least:
            starts.append(start)
    return np.split(order, starts[1:])


def reliability(came_true: npt.NDArray[np.bool_], given: Floats) -> tuple[ReliabilityBin, ...]:
    """Predicted probabilities against the shares that came true, in bins that touch and reach from 0 to 1.

    Parameters
    ----------
    came_true, given : arrays of shape (n_cases,)
        Whether each case came true, and the probability it was given.
    """
    parts = bins(given, BINS, ROWS_PER_BIN)
    edges = [(given[one].max() + given[other].min()) / 2 for one, other in zip(parts, parts[1:], strict=False)]
    found = []
    for rows, low, high in zip(parts, [0.0, *edges], [*edges, 1.0], strict=True):
        predicted, observed = given[rows].mean(), came_true[rows].mean()
        chance = np.sqrt((given[rows] * (1 - given[rows])).sum().clip(0)) / len(rows)
        off = abs(observed - predicted)
        found.append(
            ReliabilityBin(
                low=float(low),
                high=float(high),
                predicted=float(predicted),
                observed=float(observed),
                rows=len(rows),
                passed=bool(len(rows) >= ROWS_PER_BIN and off <= min(CLOSE, BY_CHANCE * chance)),
            )
        )
    return tuple(found)


def thresholds(came_true: npt.NDArray[np.bool_], given: Floats) -> ThresholdCounts:
    """How many positives and negatives each threshold from 0.00 to 1.00 would call positive."""
    steps = np.arange(THRESHOLDS) / (THRESHOLDS - 1)
    positives, negatives = np.sort(given[came_true]), np.sort(given[~came_true])
    return ThresholdCounts(
        positives=len(positives),
        negatives=len(negatives),
        true_positives=tuple((len(positives) - np.searchsorted(positives, steps, side="left")).tolist()),
        false_positives=tuple((len(negatives) - np.searchsorted(negatives, steps, side="left")).tolist()),
    )


def roc(came_true: npt.NDArray[np.bool_], given: Floats) -> tuple[tuple[float, float], ...]:
    """The ROC curve as points (false positive rate, true positive rate): at most 101, evenly along the curve."""
    if came_true.all() or not came_true.any():
        return ()
    alarms, found, _ = roc_curve(came_true, given)
    if len(alarms) > ROC_POINTS:
        length = alarms + found
        places = np.linspace(0, 2, ROC_POINTS)
        alarms, found = np.interp(places, length, alarms), np.interp(places, length, found)
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in zip(alarms, found, strict=True))


def prediction_quantiles(predicted: Floats, actual: Floats) -> tuple[PredictionQuantiles, ...]:
    """Where the true values lie for each tenth of the predictions; fewer parts where rows are few.

    The quantiles are given to three digits of the true values' range, so that no single one can be read.
    """
    finite = usable(predicted, actual)
    predicted, actual = predicted[finite], actual[finite]
    if len(actual) < ROWS_PER_BOX:
        return ()
    digits = digits_of(float(np.ptp(actual)))
    found = []
    for rows in bins(predicted, BOXES, ROWS_PER_BOX):
        quantiles = np.quantile(actual[rows], SHARES)
        ends = {"low": predicted[rows].min(), "high": predicted[rows].max()}
        shares = {f"p{round(share * 100)}": value for share, value in zip(SHARES, quantiles, strict=True)}
        rounded = {name: round(float(value), digits) for name, value in (ends | shares).items()}
        found.append(PredictionQuantiles(rows=len(rows), **rounded))
    return tuple(found)
