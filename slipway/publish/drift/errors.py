"""How good the predictions for recent rows are: as they alone tell it, and as the target does where it is known.

Sources: Guillory et al., Predicting with confidence on unseen distributions, ICCV (2021), for the mean confidence of calibrated
classes as an estimate of the accuracy; Wilson, Probable inference, the law of succession, and statistical inference, JASA 22
(1927), and Student (1908) for the intervals. The error of a number is what a model of the errors out of fold expects of the
recent rows, see `slipway.training.expected_errors`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, norm, t

from slipway.publish.drift.counts import CellCounts
from slipway.publish.drift.report import ErrorChange, Measure, ProbabilityBin
from slipway.schema.arrays import Columns
from slipway.schema.expected_errors import ErrorEstimate, ExpectedErrors
from slipway.schema.figures import Figures
from slipway.schema.metrics import ReliabilityBin
from slipway.schema.schema import Schema, Target
from slipway.training.calibration import losses as brier_losses

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

CONFIDENCE = 0.95
WORTHWHILE = 0.1
"""The share by which the error must have grown."""
_MARGIN = float(norm.ppf((1 + CONFIDENCE) / 2))


@dataclass
class _Mean:
    """The mean of values that come in parts, and how sure it is."""

    rows: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, values: Floats) -> None:
        self.rows += len(values)
        self.total += float(values.sum())
        self.squares += float(np.square(values).sum())

    def change(self, measure: Measure, training: float) -> ErrorChange:
        mean = self.total / self.rows
        margin = 0.0
        if self.rows > 1:
            variance = max(0.0, self.squares - self.rows * mean * mean) / (self.rows - 1)
            margin = float(t.ppf((1 + CONFIDENCE) / 2, self.rows - 1)) * sqrt(variance / self.rows)
        return _change(measure, mean, mean - margin, mean + margin, training, self.rows)


@dataclass
class _Share:
    """The share of rows of which something is true, and how sure it is."""

    rows: int = 0
    true: int = 0

    def add(self, values: npt.NDArray[np.bool_]) -> None:
        self.rows += len(values)
        self.true += int(values.sum())

    def change(self, measure: Measure, training: float) -> ErrorChange:
        ends = binomtest(self.true, self.rows).proportion_ci(CONFIDENCE, "wilson")
        return _change(measure, self.true / self.rows, float(ends.low), float(ends.high), training, self.rows)


def _change(measure: Measure, value: float, low: float, high: float, training: float, rows: int) -> ErrorChange:
    if measure in ("accuracy", "interval coverage"):
        worse = training > high and training - value >= WORTHWHILE * (1 - training)
    else:
        worse = measure != "bias" and training < low and value >= (1 + WORTHWHILE) * training
    return ErrorChange(measure, value, low, high, training, rows, worse)


class NumberErrors:
    """The errors of predicted numbers.

    Parameters
    ----------
    schema : Schema
    figures : Figures
        Of training.
    expected : ExpectedErrors, optional
        Without them nothing is estimated.
    """

    def __init__(self, schema: Schema, figures: Figures, expected: ExpectedErrors | None) -> None:
        self._whole = figures.groups.whole
        self._estimates = expected.estimates if expected else ()
        terms = expected.terms if expected else ()
        self._cells = [(term.field, CellCounts(term, schema.by_name.get(term.field or ""))) for term in terms]
        self._absolute, self._bias, self._covered = _Mean(), _Mean(), _Share()

    def add(self, columns: Columns, predictions: Sequence[npt.NDArray[np.float64]]) -> None:
        """Count a part: its checked columns, and its predictions as of `prediction_columns`, each array of shape (n_rows,)."""
        for name, cells in self._cells:
            cells.add(predictions[0] if name is None else columns[name])

    def add_actual(self, predictions: Sequence[npt.NDArray[np.float64]], actual: Floats) -> None:
        """Measure the rows of a part whose target is known, each array of shape (n_rows,)."""
        off = predictions[0] - actual
        self._absolute.add(np.abs(off))
        self._bias.add(off)
        if len(predictions) == 3:
            self._covered.add((actual >= predictions[1]) & (actual <= predictions[2]))

    def estimated(self) -> list[ErrorChange]:
        """What the inputs and predictions alone tell."""
        if not self._cells or not (rows := self._cells[0][1].rows):
            return []
        shares = np.concatenate([[1.0], *(cells.counts / rows for _, cells in self._cells)])
        return [_expected(one, shares, rows) for one in self._estimates]

    def measured(self) -> list[ErrorChange]:
        """What the target tells."""
        whole, found = self._whole, []
        if self._absolute.rows and whole.mae is not None and whole.bias is not None:
            found = [self._absolute.change("mean absolute error", whole.mae), self._bias.change("bias", whole.bias)]
        if self._covered.rows and whole.covered is not None:
            found.append(self._covered.change("interval coverage", whole.covered))
        return found

    def reliability(self) -> list[ProbabilityBin]:
        """Numbers have no probabilities."""
        return []


def _expected(estimate: ErrorEstimate, shares: Floats, rows: int) -> ErrorChange:
    """The mean over the recent rows; it is unsure by the rows that it was learnt from, and the truth by how many recent ones there are."""
    most = 1.0 if estimate.measure == "interval coverage" else np.inf
    value, *without = np.clip(np.array(estimate.effects) @ shares, 0.0, most).tolist()
    of_training = sum((one - value) ** 2 for one in without) * (len(without) - 1) / len(without)
    # Errors that are larger vary more.
    spread = sqrt(value * (1 - value)) if most == 1.0 else estimate.sd * value / estimate.mean if estimate.mean else 0.0
    margin = _MARGIN * sqrt(of_training + spread**2 / rows)
    low, high = max(0.0, value - margin), min(most, value + margin)
    return _change(estimate.measure, value, low, float(high), estimate.mean, rows)


class ClassErrors:
    """The errors of predicted classes.

    Parameters
    ----------
    figures : Figures
        Of training.
    target : Target
    """

    def __init__(self, figures: Figures, target: Target) -> None:
        self._figures = figures
        self._target = target
        self._rows = 0
        self._confidence = self._variance = 0.0
        self._right, self._brier = _Share(), _Mean()
        self._bins: tuple[ReliabilityBin, ...] = figures.reliability.served if figures.reliability else ()
        self._sums = np.zeros((3, len(self._bins)))
        """Of each bin: cases, their probabilities, how many came true."""

    def add(self, columns: Columns, predictions: Sequence[npt.NDArray[np.float64]]) -> None:
        """Count the predictions of a part, as of `prediction_columns`; the columns tell nothing more."""
        scores = self._scores(predictions)
        of_class = scores[np.arange(len(scores)), predictions[0].astype("int64")]
        if np.isfinite(of_class).all():
            self._rows += len(of_class)
            self._confidence += float(of_class.sum())
            self._variance += float((of_class * (1 - of_class)).sum())

    def _scores(self, predictions: Sequence[npt.NDArray[np.float64]]) -> Floats:
        return np.column_stack(predictions[1 : len(self._target.classes) + 1])

    def add_actual(self, predictions: Sequence[npt.NDArray[np.float64]], actual: Floats) -> None:
        """Measure the rows of a part whose class is known, by its position; each array of shape (n_rows,)."""
        positions = actual.astype("int64")
        self._right.add(predictions[0] == positions)
        scores = self._scores(predictions)
        if not np.isfinite(scores).all():
            return
        self._brier.add(brier_losses(scores, positions))
        if self._bins:
            two = scores.shape[1] == 2
            shown = [self._target.classes.index(self._target.positive)] if two else list(range(scores.shape[1]))
            given, true = scores[:, shown].ravel(), (positions[:, None] == np.array(shown)).ravel()
            places = np.searchsorted([one.low for one in self._bins[1:]], given, side="right")
            for row, weights in enumerate((None, given, true.astype("float64"))):
                self._sums[row] += np.bincount(places, weights, len(self._bins))

    def estimated(self) -> list[ErrorChange]:
        """What the probabilities alone tell: each is the chance that its class is right."""
        training = self._figures.groups.whole.accuracy
        if not self._rows or training is None:
            return []
        value, variance = self._confidence / self._rows, self._variance / self._rows
        # Chance of which recent rows come true, and of the rows that the probabilities were checked on.
        margin = _MARGIN * sqrt(variance / self._rows + variance / self._figures.rows)
        return [_change("accuracy", value, max(0.0, value - margin), min(1.0, value + margin), training, self._rows)]

    def measured(self) -> list[ErrorChange]:
        """What the target tells."""
        whole, found = self._figures.groups.whole, []
        if self._right.rows and whole.accuracy is not None:
            found.append(self._right.change("accuracy", whole.accuracy))
        if self._brier.rows and whole.brier is not None:
            found.append(self._brier.change("Brier score", whole.brier))
        return found

    def reliability(self) -> list[ProbabilityBin]:
        """Predicted and observed shares in training's bins of the probability, where the target is known."""
        if not self._sums[0].any():
            return []
        found = []
        for one, (rows, given, true) in zip(self._bins, self._sums.T.tolist(), strict=True):
            predicted, observed = (given / rows, true / rows) if rows else (None, None)
            found.append(ProbabilityBin(one.low, one.high, int(rows), predicted, observed, one.observed))
        return found
