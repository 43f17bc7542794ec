"""How certain a model is: its interval or its calibration, and their metrics, from out-of-fold answers.

Nothing here can make training fail: what cannot be computed is left out, and the card says why.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.inference.decision import decide
from slipway.inference.equality import Answers
from slipway.inference.interval import Interval
from slipway.schema.metrics import BrierScores, CalibrationMetrics, IntervalMetrics, Unavailable
from slipway.schema.schema import Schema, Target
from slipway.training.calibration import Calibration, calibrated, choose, may_calibrate
from slipway.training.conformal import fit_interval, measure_interval, usable
from slipway.training.evaluation import HeldOut, OutOfFold, out_of_fold
from slipway.training.experiment import Experiment
from slipway.training.spread import interval_by_inputs

TOO_FEW_ROWS = "too few rows"
NO_PROBABILITIES = "the estimator has no probabilities"
OWN_CHOICE = "the probabilities were calibrated, or a threshold chosen, before"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UncertaintyResult:
    """The pipeline to serve, calibrated where that helps, and how sure its answers are.

    Numbers have `interval_metrics` and, where rows are enough, an `interval`; classes have
    `calibration`. `held_out` are the out-of-fold answers as they are served: inside the hard bounds, or
    calibrated without the row itself; None where there are none. `covered` (see `Measured`) says which
    of them the interval covers; `uncalibrated`, of shape (n_rows, n_classes), are probabilities before
    calibration, where there is one.
    """

    pipeline: Any
    interval: Interval | None = None
    interval_metrics: IntervalMetrics | Unavailable | None = None
    calibration: CalibrationMetrics | None = None
    held_out: HeldOut | None = None
    covered: Floats | None = None
    uncalibrated: Floats | None = None


def estimate_uncertainty(experiment: Experiment, model: Any, pipeline: Any, schema: Schema) -> UncertaintyResult:
    """Fit the model again on each fold, and measure its answers for the other rows.

    Parameters
    ----------
    experiment : Experiment
    model : estimator or finalised pipeline
        Chosen in the experiment.
    pipeline : fitted pipeline
        The one that is to be served.
    schema : Schema

    Returns
    -------
    UncertaintyResult
        Errors of the steps do not propagate: they become the reason in the result.
    """
    classes = schema.target.classes
    estimator = pipeline.steps[-1][1]
    if classes and not hasattr(estimator, "predict_proba"):
        return UncertaintyResult(pipeline, calibration=CalibrationMetrics(reason=NO_PROBABILITIES))
    try:
        found = out_of_fold(experiment, model, schema)
        return _classes(found, pipeline, schema.target) if classes else _numbers(found, pipeline, schema)
    except Exception as exc:  # PyCaret's steps raise anything, and the model itself is sound
        reason = f"{type(exc).__name__}: {exc}"[:200]
        if classes:
            return UncertaintyResult(pipeline, calibration=CalibrationMetrics(reason=reason))
        return UncertaintyResult(pipeline, interval_metrics=Unavailable(reason))


def _numbers(found: OutOfFold, pipeline: Any, schema: Schema) -> UncertaintyResult:
    low, high = schema.target.minimum, schema.target.maximum
    # As they are served: inside the hard bounds.
    predicted = np.clip(found.answers.values, -np.inf if low is None else low, np.inf if high is None else high)
    unseen = HeldOut(found.inputs, found.actual, Answers(predicted))
    measured = measure_interval(predicted, found.actual, low, high)
    if measured is None:
        return UncertaintyResult(pipeline, interval_metrics=Unavailable(TOO_FEW_ROWS), held_out=unseen)
    interval, covered = fit_interval(predicted, found.actual), measured.covered
    finite = usable(predicted, found.actual)
    if better := interval_by_inputs(
        measured, predicted[finite], found.actual[finite], found.inputs[finite].reset_index(drop=True), schema
    ):
        interval, measured = better
        covered[finite] = measured.covered
    return UncertaintyResult(pipeline, interval, measured.metrics, held_out=unseen, covered=covered)


def _classes(found: OutOfFold, pipeline: Any, target: Target) -> UncertaintyResult:
    raw = found.answers.probabilities
    if raw is None or found.scores is None:
        return UncertaintyResult(pipeline, calibration=CalibrationMetrics(reason=NO_PROBABILITIES), held_out=found)
    order = found.order
    own, actual = raw[:, order], np.argsort(order)[found.actual]
    calibration = choose(found.scores, own, actual)
    reason = None
    if calibration.method and not may_calibrate(pipeline.steps[-1][1]):
        calibration = Calibration(None, None, calibration.uncalibrated, calibration.uncalibrated, own)
        reason = OWN_CHOICE
    after = calibration.probabilities
    served = decide(Answers(np.array(order)[after.argmax(axis=1)], after[:, np.argsort(order)]), target)
    metrics = CalibrationMetrics(
        method=calibration.method,
        rows=len(actual),
        brier=BrierScores(calibration.uncalibrated, calibration.served),
        changed=float(np.mean(found.answers.values != served.values)),
        reason=reason,
    )
    if not calibration.method:
        return UncertaintyResult(pipeline, calibration=metrics, held_out=found)
    unseen = HeldOut(found.inputs, found.actual, served)
    return UncertaintyResult(calibrated(pipeline, calibration), calibration=metrics, held_out=unseen, uncalibrated=raw)
