"""How sure a model may be: its interval or its calibration, and the figures for both, from out-of-fold answers.

Nothing here can make a training fail: what cannot be had is left out, and the card says why.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.calibration import Calibration, calibrated, choose, may_calibrate
from slipway.evaluation import OutOfFold, out_of_fold
from slipway.schema import Schema, Target
from slipway.uncertainty import Interval, fit_interval, measure_interval

TOO_FEW_ROWS = "too few rows"
NO_PROBABILITIES = "the estimator has no probabilities"
OWN_CHOICE = "the probabilities were calibrated, or a threshold chosen, before"

Curve = tuple[str, npt.NDArray[np.bool_], npt.NDArray[np.float64]]
"""A name, whether each case came true, and the probability it was given."""


@dataclass(frozen=True)
class Certainty:
    """The pipeline to serve, calibrated where that helps, and how sure its answers are.

    `figures` is what `metrics.json` says of it: `interval` for numbers, `calibration` for
    classes; in place of figures, `reason` says why there are none. `curves` are for the
    reliability plot.
    """

    pipeline: Any
    interval: Interval | None
    figures: dict[str, Any]
    curves: list[Curve]


def certainty(experiment: Any, model: Any, pipeline: Any, schema: Schema) -> Certainty:
    """Fit the model once more on each fold, and see what its answers to the other rows are worth.

    Parameters
    ----------
    experiment, model
        PyCaret's experiment, and the model chosen in it or a finalised pipeline.
    pipeline
        The finalised pipeline that is to be served.
    """
    classes = schema.target.classes
    key = "calibration" if classes else "interval"
    estimator = pipeline.steps[-1][1]
    if classes and not hasattr(estimator, "predict_proba"):
        return Certainty(pipeline, None, {key: {"method": None, "reason": NO_PROBABILITIES}}, [])
    try:
        found = out_of_fold(experiment, model, schema)
        return _classes(found, pipeline, schema.target) if classes else _numbers(found, pipeline, schema.target)
    except Exception as exc:  # PyCaret's steps raise anything, and the model itself is sound
        reason = f"{type(exc).__name__}: {exc}"[:200]
        return Certainty(pipeline, None, {key: ({"method": None} if classes else {}) | {"reason": reason}}, [])


def _numbers(found: OutOfFold, pipeline: Any, target: Target) -> Certainty:
    low, high = target.minimum, target.maximum
    # As they are served: inside the hard bounds.
    predicted = np.clip(found.answers.values, -np.inf if low is None else low, np.inf if high is None else high)
    measured = measure_interval(predicted, found.actual, low, high)
    interval = fit_interval(predicted, found.actual) if measured else None
    return Certainty(pipeline, interval, {"interval": measured or {"reason": TOO_FEW_ROWS}}, [])


def _classes(found: OutOfFold, pipeline: Any, target: Target) -> Certainty:
    raw = found.answers.probabilities
    if raw is None or found.scores is None:
        return Certainty(pipeline, None, {"calibration": {"method": None, "reason": NO_PROBABILITIES}}, [])
    order = found.order
    own, actual = raw[:, order], np.argsort(order)[found.actual]
    calibration = choose(found.scores, own, actual)
    reason = {}
    if calibration.method and not may_calibrate(pipeline.steps[-1][1]):
        calibration = Calibration(None, [], calibration.before, calibration.before, own)
        reason = {"reason": OWN_CHOICE}
    after = calibration.probabilities
    figures = {
        "method": calibration.method,
        "rows": len(actual),
        "brier": {"before": calibration.before, "after": calibration.after},
        "changed": float(np.mean(own.argmax(axis=1) != after.argmax(axis=1))),
        **reason,
    }
    position = order.index(target.classes.index(target.positive)) if len(order) == 2 else None
    curves = [_curve("before calibration" if calibration.method else "as served", own, actual, position)]
    if calibration.method:
        pipeline = calibrated(pipeline, calibration)
        curves.append(_curve("after calibration, as served", after, actual, position))
    return Certainty(pipeline, None, {"calibration": figures}, curves)


def _curve(
    name: str, probabilities: npt.NDArray[np.float64], actual: npt.NDArray[np.int64], position: int | None
) -> Curve:
    """The positive class's probabilities; of more than two classes, those of all together."""
    came_true = np.eye(probabilities.shape[1], dtype=bool)[actual]
    if position is None:
        return name, came_true.ravel(), probabilities.ravel()
    return name, came_true[:, position], probabilities[:, position]
