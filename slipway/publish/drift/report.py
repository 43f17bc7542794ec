"""What a comparison of recent rows with a version's training found: the types of its JSON, and when something counts as drift."""

from dataclasses import dataclass
from typing import Literal

from slipway.schema.fields import Value
from slipway.schema.profile import Edge

FORMAT = 1
"""Of the JSON; it grows when a key gets another meaning or goes."""
ALPHA = 0.01
"""The chance of a false alarm, of all tests together."""
MODERATE, LARGE = 0.1, 0.25
"""Stability indices from which a distribution has moved, and has moved far."""
SMALL_EFFECT, LARGE_EFFECT = 0.2, 0.5
"""Cohen's h from which a share has changed: 0.2 is 1 % where there was none, or 60 % after 50 %."""

Level = Literal["none", "moderate", "large"]
ShareName = Literal["missing", "unknown category", "refused", "outside the training range"]
MissingReason = Literal[
    "log_lacks_fields", "no_distribution", "no_errors_kept", "no_probabilities", "not_calibrated", "no_target"
]
Measure = Literal["accuracy", "mean absolute error", "bias", "Brier score", "interval coverage"]


@dataclass(frozen=True)
class Bar:
    """Rows with a value from `low` to `high`, or with the category `value`, or with all `others`; in training and recently."""

    before: int
    now: int
    low: Edge | None = None
    high: Edge | None = None
    value: Value = None
    others: bool = False


@dataclass(frozen=True)
class ShareChange:
    """How many rows have a property, of all, in training and recently; `effect` is Cohen's h, `p_value` is corrected."""

    name: ShareName
    before: float
    now: float
    rows: int
    effect: float
    p_value: float
    level: Level


@dataclass(frozen=True)
class ColumnDrift:
    """A field, the predictions or the target, in training and recently.

    `rows` are those with a value that the model accepts, (training, recent). `stability_index` is of at most ten groups of bars,
    `kolmogorov_smirnov` and `jensen_shannon` of all of them; None where a value is missing in all rows, and for categories.
    `p_value` is corrected for all tests. `unknown` are the most frequent new categories, `refused` counts other values that the
    model does not accept by the code of the fault.
    """

    name: str
    of: Literal["field", "prediction", "target"]
    rows: tuple[int, int]
    stability_index: float | None
    kolmogorov_smirnov: float | None
    jensen_shannon: float | None
    test: str | None
    p_value: float | None
    level: Level
    shares: tuple[ShareChange, ...]
    bars: tuple[Bar, ...]
    unknown: tuple[tuple[Value, int], ...] = ()
    refused: tuple[tuple[str, int], ...] = ()

    @property
    def worst(self) -> Level:
        """The level of the distribution or of a share, whichever is larger."""
        levels = [self.level, *(share.level for share in self.shares)]
        return "large" if "large" in levels else "moderate" if "moderate" in levels else "none"


@dataclass(frozen=True)
class ErrorChange:
    """A measure of the error on recent rows, with its 95 % confidence interval, beside that of training on rows it had not seen.

    `worse` is whether training's lies outside the interval, on the good side, and by at least a tenth.
    """

    measure: Measure
    value: float
    low: float
    high: float
    training: float
    rows: int
    worse: bool


@dataclass(frozen=True)
class ProbabilityBin:
    """Recent cases with a probability from `low` to `high`: its mean, the share that came true, and training's share."""

    low: float
    high: float
    rows: int
    predicted: float | None
    observed: float | None
    training: float


@dataclass(frozen=True)
class NotCompared:
    """What could not be compared, and why; `names` are fields that a log lacks, or the target, `bins` those of the probability."""

    reason: MissingReason
    names: tuple[str, ...] = ()
    bins: int = 0


@dataclass(frozen=True)
class DriftReport:
    """Recent rows against the training of a version.

    `time` is when they were compared, in UTC; `rows` were given, `scored` of them have a prediction. `estimated` is the error as predictions alone tell it, `measured` as
    the target does. `missing` says what could not be compared, and why.
    """

    model: str
    data: str
    time: str
    training_rows: int
    rows: int
    scored: int
    tests: int
    drift: bool
    columns: tuple[ColumnDrift, ...]
    ignored: tuple[str, ...]
    estimated: tuple[ErrorChange, ...]
    measured: tuple[ErrorChange, ...]
    reliability: tuple[ProbabilityBin, ...]
    missing: tuple[NotCompared, ...]
