"""What was measured of a model: the types of `metrics.json` and `leaderboard.csv`.

They stand below training, which makes them, and below the sentences and pages that show them;
`slipway.store.artifacts` writes and reads them. None stands for what was not measured or, in a
version of an earlier format, not kept.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from slipway.schema.fields import Value

FEW = 10
"""Fewer training cases than this are kept and told as none: a version gives no small group of people away."""

NoteValue = Value | list[str] | dict[str, int]


@dataclass(frozen=True)
class FoldScore:
    """A metric's mean and standard deviation over the folds."""

    mean: float
    sd: float


@dataclass(frozen=True)
class RowCounts:
    """Rows of the training part, of the hold-out, and of the whole table."""

    train: int
    holdout: int
    all: int


@dataclass(frozen=True)
class Split:
    """How hold-out and folds were drawn, where not row by row at random.

    `by` is "copies" (equal rows stay together), "groups" (rows with one value of `column` do; there are so many
    `groups`) or "time" (the rows that are newest by `column` are the hold-out, and each fold is later than what it is
    trained on).
    """

    by: str
    column: str | None = None
    groups: int | None = None


@dataclass(frozen=True)
class DataOrigin:
    """Where the training table came from, and how many of its rows had no target and were dropped.

    `drawn_from` are the rows of which those of the training were drawn at random; None if all were used.
    """

    source: str
    sha256: str = ""
    dropped: int = 0
    drawn_from: int | None = None


@dataclass(frozen=True)
class Parity:
    """What comparing graph and pipeline found: rows, the largest difference in the unit of `TOLERANCE`, seconds."""

    rows: int
    largest: float
    seconds: float


@dataclass(frozen=True)
class Unavailable:
    """Stands in for what could not be had, and says why."""

    reason: str


@dataclass(frozen=True)
class ReadingNote:
    """What was decided in reading a column; `kind` and `values` make a sentence."""

    kind: str
    field: str
    values: dict[str, NoteValue] = dataclasses.field(default_factory=dict)


class ExclusionReason(StrEnum):
    """Why a column of the table is not an input."""

    IGNORED = "ignored"
    EMPTY = "empty"
    ALMOST_EMPTY = "almost_empty"
    CONSTANT = "constant"
    IDENTIFIER = "identifier"
    FREE_TEXT = "free_text"
    MANY_VALUES = "many_values"
    GROUPS = "groups"
    OTHER = "other"  # of versions that hold the reason as an English text


@dataclass(frozen=True)
class LeftOut:
    """Why a column is not an input; the reason and its `values` make a sentence."""

    reason: ExclusionReason
    values: dict[str, NoteValue] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class IntervalFifth:
    """Of a fifth of the predictions, which lie from `low` to `high`: the share covered, and the mean width."""

    low: float
    high: float
    covered: float
    width: float


@dataclass(frozen=True)
class IntervalMetrics:
    """What the interval covers of rows that it was not made from.

    `coverage` is the share that it should cover, `covered` the one that it does, `width` its mean width
    in the target's unit. `by_inputs` says whether it is wider where the inputs are those of larger errors.
    """

    rows: int
    coverage: float
    covered: float
    width: float
    fifths: tuple[IntervalFifth, ...] = ()
    by_inputs: bool = False


@dataclass(frozen=True)
class SetMetrics:
    """What prediction sets hold of rows that they were not made from.

    `coverage` is the share of true classes that should be in the set, `covered` the one that is, `classes` the same of each class (None for one
    without rows); `size` is the mean number of classes in a set, `single` the share of sets of one class.
    """

    coverage: float
    covered: float
    classes: tuple[float | None, ...]
    size: float
    single: float


@dataclass(frozen=True)
class AbstentionMetrics:
    """For what `share` of unseen rows a person would be asked, and the mean error of these and of the others.

    Errors are absolute, in the target's unit; of classes they are the share of wrong ones. None where there are no such rows.
    """

    share: float
    error: float | None
    others: float | None


@dataclass(frozen=True)
class SupportMetrics:
    """How well a version can tell what an answer rests on, from `rows` rows that the model had not seen.

    Cases are called similar by `fields`; `cases` are like the median row. `false_alarms` is the share of unseen rows whose combination of
    inputs is called unusual, `detected` that of rows whose inputs come from different cases.
    """

    rows: int
    fields: tuple[str, ...] = ()
    cases: float | None = None
    false_alarms: float | None = None
    detected: float | None = None
    sets: SetMetrics | None = None
    abstention: AbstentionMetrics | None = None


@dataclass(frozen=True)
class BrierScores:
    """The Brier score of the estimator's own probabilities and of those that are served."""

    uncalibrated: float
    served: float


@dataclass(frozen=True)
class CalibrationMetrics:
    """How the probabilities were calibrated, and what that gained.

    `method` is "sigmoid", "isotonic" or None; `changed` is the share of rows whose class calibrating
    changed. `reason` says why there is no method where that was not for the scores to decide, and then
    there may be no scores.
    """

    method: str | None = None
    rows: int | None = None
    brier: BrierScores | None = None
    changed: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class ReliabilityBin:
    """Cases with a predicted probability from `low` to `high`.

    `predicted` is their mean probability, `observed` the share that came true; `passed` says whether
    the two agree as far as chance lets one tell.
    """

    low: float
    high: float
    predicted: float
    observed: float
    rows: int
    passed: bool


@dataclass(frozen=True)
class ThresholdCounts:
    """Cases at or above each threshold from 0.00 to 1.00, in steps of 0.01: the positive ones and the others.

    `positives` and `negatives` count all cases.
    """

    positives: int
    negatives: int
    true_positives: tuple[int, ...]
    false_positives: tuple[int, ...]


@dataclass(frozen=True)
class MonotoneCheck:
    """Whether predictions go up, or down, with a field, as the use case expects.

    Of `rows` rows that were given values over the whole range of the field, `violated` is the share of those for which the prediction
    somewhere goes the other way; `largest` is how far at most, in the target's unit or as a probability.
    """

    field: str
    direction: Literal["up", "down"]
    rows: int
    violated: float
    largest: float


@dataclass(frozen=True)
class Metrics:
    """What `metrics.json` holds.

    `metric` is what the estimator was chosen by and `chosen` its row in the leaderboard, None where
    somebody else chose. `folds` and `holdout` have the same metrics. `importance` is, for each input,
    how much the error grows when it is shuffled, most important first. `left_out` and `failed` map
    columns and estimators to reasons. `training_rows_kept` says whether the background is of training
    rows, and `rows_in_model` names the parts of the model that hold some, such as a nearest-neighbours estimator. `split` is None where rows were split at random. `monotone` has a check for each field whose direction the use case expects. `skipped` are estimators for which there was no time. `averaged` is true of versions whose metrics of two classes are averages over both, as
    PyCaret's are.
    """

    metric: str
    estimator: str
    folds: dict[str, FoldScore]
    holdout: dict[str, float]
    importance: dict[str, float]
    rows: RowCounts
    data: DataOrigin
    compiled: Parity | Unavailable
    chosen: str | None = None
    threshold: float | None = None
    left_out: dict[str, LeftOut] = dataclasses.field(default_factory=dict)
    reading: tuple[ReadingNote, ...] = ()
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    tuned: bool = False
    training_rows_kept: bool | None = None
    rows_in_model: tuple[str, ...] | None = None
    interval: IntervalMetrics | Unavailable | None = None
    calibration: CalibrationMetrics | None = None
    reliability: tuple[ReliabilityBin, ...] = ()
    thresholds: ThresholdCounts | None = None
    averaged: bool = False
    split: Split | None = None
    monotone: tuple[MonotoneCheck, ...] = ()
    support: SupportMetrics | None = None
    skipped: tuple[str, ...] = ()


AVERAGE, BAG = "average", "bag"
"""The leaderboard's ids of the best estimator averaged with a bag of CatBoost models, and of the bag alone."""


@dataclass(frozen=True)
class LeaderboardRow:
    """A model that was tried. `scores` maps metrics to their means over the folds, None where there is none."""

    id: str
    model: str
    scores: dict[str, float | None]
    seconds: float | None = None


Leaderboard = tuple[LeaderboardRow, ...]
"""The models that were tried, best first."""
