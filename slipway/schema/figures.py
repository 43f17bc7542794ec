"""What answers to unseen rows show: the types of `figures.json`, which the Model tab draws.

They are counts, shares and quantiles of many rows: no row of the training table can be read from
them. Training makes them, see `slipway.training.diagnostics` and `slipway.training.subgroups`.
"""

from dataclasses import dataclass
from typing import Literal

from slipway.schema.fields import Value
from slipway.schema.metrics import ReliabilityBin

Measure = Literal["mae", "bias", "covered", "brier", "accuracy", "recall"]
MEASURES: tuple[Measure, ...] = ("mae", "bias", "covered", "brier", "accuracy", "recall")


@dataclass(frozen=True)
class PredictionQuantiles:
    """Quantiles of the true values, in the target's unit, where predictions lie from `low` to `high`."""

    low: float
    high: float
    rows: int
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float


@dataclass(frozen=True)
class RocCurve:
    """Points (false positive rate, true positive rate), with `positive` as the positive class."""

    positive: Value
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ReliabilityCurves:
    """Predicted against observed shares, of the probabilities served and of those before calibration."""

    served: tuple[ReliabilityBin, ...]
    uncalibrated: tuple[ReliabilityBin, ...] | None = None


@dataclass(frozen=True)
class Group:
    """Rows that have something in common, and how good the answers to them are.

    Which rows: those with the category `value`; with a number or date from `low` to `high`, both
    included for whole numbers and dates; with one of `others` rarer categories; those where the field
    is `missing`; or, with none of these, all. A measure is None of too few rows. Numbers have `mae`
    and `bias` (mean of predicted minus true), both in the target's unit, and `covered`, a share;
    classes `brier` and `accuracy`, two of them `recall`. `worse` names the measures in which the
    group is clearly worse than all others.
    """

    rows: int
    value: Value = None
    low: float | int | str | None = None
    high: float | int | str | None = None
    others: int | None = None
    missing: bool = False
    mae: float | None = None
    bias: float | None = None
    covered: float | None = None
    brier: float | None = None
    accuracy: float | None = None
    recall: float | None = None
    worse: tuple[Measure, ...] = ()

    def measure(self, name: Measure) -> float | None:
        """One of the measures by its name."""
        found: float | None = getattr(self, name)
        return found


@dataclass(frozen=True)
class FieldGroups:
    """The groups of one field."""

    field: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Groups:
    """How good the answers are for all rows, and for the groups of each field, most important first."""

    whole: Group
    fields: tuple[FieldGroups, ...]


@dataclass(frozen=True)
class FieldDependence:
    """The average prediction as one field takes each of some `values`; None stands for a missing value.

    `means` has a line for a number, or one for each of `Dependence.classes`, and in it a figure for each value: in the
    target's unit, or a probability.
    """

    field: str
    values: tuple[Value, ...]
    means: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Dependence:
    """The partial dependence of predictions on each field, most important first, over a sample of `rows` training rows.

    `means` are the average predictions of the sample as it is: one for a number, or one for each of `classes`.
    """

    rows: int
    means: tuple[float, ...]
    classes: tuple[Value, ...]
    fields: tuple[FieldDependence, ...]


@dataclass(frozen=True)
class Figures:
    """What `figures.json` holds.

    `out_of_fold` says whether the `rows` are all of the table, each answered by a model fitted without
    its fold; else they are the hold-out. Numbers have `prediction_quantiles`; classes have `confusion`
    (counts by true class, then by predicted class) and, with probabilities, `roc` and `reliability`.
    `dependence` is of the served model, not of unseen rows; None where it has no finite answers, or no probabilities.
    """

    rows: int
    out_of_fold: bool
    groups: Groups
    prediction_quantiles: tuple[PredictionQuantiles, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    roc: tuple[RocCurve, ...] = ()
    reliability: ReliabilityCurves | None = None
    dependence: Dependence | None = None
