"""How well a model performs on rows it has not seen: folds, hold-out and permutation importance.

A model that was finalised has seen every row, so what is measured here is a copy that is fitted again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from slipway.errors import TrainingError
from slipway.inference.decision import decide
from slipway.inference.equality import Answers, joined
from slipway.inference.frames import for_pipeline, of_pipeline, with_columns
from slipway.inference.pipeline_engine import NativeEngine, classes_of
from slipway.schema.metrics import FoldScore
from slipway.schema.schema import Schema
from slipway.tables.readers import numpy_column
from slipway.training.classifier_metrics import measure, positive_scores
from slipway.training.experiment import Experiment
from slipway.training.selection import METRICS

IMPORTANCE_ROWS = 1000
IMPORTANCE_REPEATS = 5


@dataclass(frozen=True)
class HeldOut:
    """Answers for rows that the model had not seen.

    `inputs` has shape (n_rows, n_fields), with PyCaret's dtypes. `actual` has shape (n_rows,):
    values of the target, or positions in `Target.classes`.
    """

    inputs: pd.DataFrame
    actual: npt.NDArray[Any]
    answers: Answers


@dataclass(frozen=True)
class Evaluation:
    """Figures of a model fitted on the training part alone; of classes at the threshold of the target.

    `folds` has mean and standard deviation of each metric, `holdout` one value of each;
    `unseen` are the hold-out's rows. `importance` is, for each input, how much the error grows on the hold-out when its values
    are shuffled: the mean absolute error in the target's unit; for classes, the probability
    that the right class loses (the share of right answers, without probabilities).
    """

    folds: dict[str, FoldScore]
    holdout: dict[str, float]
    unseen: HeldOut
    importance: dict[str, float]


@dataclass(frozen=True)
class OutOfFold(HeldOut):
    """Answers of models for the folds that they were not fitted on: all rows, except for time series.

    `scores` are the input of a calibrator: of shape (n_rows,) for two classes and (n_rows,
    n_classes) for more, in the order of the estimator's classes, whose positions in
    `Target.classes` are `order`; None for numbers and for estimators without probabilities.
    """

    scores: npt.NDArray[np.float64] | None
    order: list[int]


def evaluate(experiment: Experiment, model: Any, schema: Schema) -> Evaluation:
    """Fit a copy of the model on the experiment's training part and measure it.

    Parameters
    ----------
    experiment : Experiment
    model : estimator or finalised pipeline
    schema : Schema

    Returns
    -------
    Evaluation
    """
    found = experiment.measured(model, schema)
    pipeline, measured = found.pipeline, found.holdout
    engine = NativeEngine(pipeline, schema)
    inputs, actual = (
        _rows(experiment.X_test, schema),
        numpy_column(experiment.y_test).to_numpy(),
    )
    if schema.target.classes:
        actual = _positions(actual, schema)
    answers = decide(engine.predict_frame(inputs), schema.target)
    if schema.target.classes:
        has_scores = answers.probabilities is None
        asked = for_pipeline(schema, inputs)
        scores = positive_scores(pipeline, asked, schema.target, classes_of(pipeline)) if has_scores else None
        measured = measure(actual, answers, schema.target, scores)
    names = [name for name in METRICS[schema.task] if name in found.folds and name in measured]
    # What a model cannot be measured by is left out: there is no log loss without probabilities.
    names = [name for name in names if np.isfinite([found.folds[name].mean, measured[name]]).all()]
    return Evaluation(
        {name: found.folds[name] for name in names},
        {name: float(measured[name]) for name in names},
        HeldOut(inputs, actual, answers),
        _importance(engine, inputs, actual, schema),
    )


def _rows(inputs: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Rows of an experiment with NumPy's dtypes, as a server has them, and the names of the fields."""
    plain = pd.DataFrame({name: numpy_column(inputs[name]) for name in inputs.columns})
    return of_pipeline(schema, plain.reset_index(drop=True))


def _positions(actual: npt.NDArray[Any], schema: Schema) -> npt.NDArray[np.int64]:
    return np.array([schema.target.classes.index(value) for value in actual.tolist()], dtype="int64")


def out_of_fold(experiment: Experiment, model: Any, schema: Schema) -> OutOfFold:
    """For each fold, fit the experiment's steps and a copy of the model on the other folds and predict it.

    Parameters
    ----------
    experiment : Experiment
    model : estimator or finalised pipeline
    schema : Schema

    Returns
    -------
    OutOfFold
        Of all rows; for time series, of those in a test fold.

    Raises
    ------
    TrainingError
        If a fold lacks a class.
    Exception
        Whatever the steps raise.
    """
    pipeline = experiment.unfitted(model)
    inputs, target = experiment.X, experiment.y
    rows, answers, scores = [], [], []
    for train, test in experiment.splits():
        # Steps that drop or add rows do so when fitting alone: every row of the fold is answered.
        engine = NativeEngine(clone(pipeline).fit(inputs.iloc[train], target.iloc[train]), schema)
        held_out = _rows(inputs.iloc[test], schema)
        rows.append(test)
        answers.append(decide(engine.predict_frame(held_out), schema.target))
        if engine.order:
            if len(engine.order) < len(schema.target.classes):
                raise TrainingError("a class has so few rows that a fold lacks it")
            scores.append(_scores(engine.pipeline, for_pipeline(schema, held_out)))
    # Repeated folds answer a row several times, which makes them no more rows.
    seen, first = np.unique(np.concatenate(rows), return_index=True)
    found = joined(answers)
    values = found.values[first]
    actual, answered = numpy_column(target).to_numpy()[seen], _rows(inputs.iloc[seen], schema)
    if not schema.target.classes:
        return OutOfFold(answered, actual.astype("float64"), Answers(values), None, [])
    probabilities = found.probabilities[first] if scores and found.probabilities is not None else None
    return OutOfFold(
        answered,
        _positions(actual, schema),
        Answers(values, probabilities),
        np.concatenate(scores)[first] if scores else None,
        engine.order,
    )


def _scores(pipeline: Any, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    """The scores that scikit-learn's calibrators use when they predict."""
    if hasattr(pipeline, "decision_function"):
        return np.asarray(pipeline.decision_function(frame), dtype="float64")
    scores = np.asarray(pipeline.predict_proba(frame), dtype="float64")
    return scores[:, 1] if scores.shape[1] == 2 else scores


def _importance(
    engine: NativeEngine, inputs: pd.DataFrame, actual: npt.NDArray[Any], schema: Schema
) -> dict[str, float]:
    """Permutation importance. Source: Breiman, Random Forests, Machine Learning 45 (2001), section 10."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(inputs))[:IMPORTANCE_ROWS]
    inputs = inputs.iloc[rows].reset_index(drop=True)
    wanted = actual[rows]

    def error(frame: pd.DataFrame) -> float:
        answers, right = engine.predict_frame(frame), np.tile(wanted, len(frame) // len(wanted))
        if answers.probabilities is not None:
            return float(1 - answers.probabilities[np.arange(len(right)), right].mean())
        if schema.target.classes:
            return float(np.mean(answers.values != right))
        return float(np.mean(np.abs(answers.values - right)))

    # At once, as PyCaret's steps take longer to begin than for a thousand rows.
    repeated = inputs.iloc[np.tile(np.arange(len(inputs)), IMPORTANCE_REPEATS)].reset_index(drop=True)
    base = error(inputs)
    growth = {}
    for name in schema.names:
        order = np.concatenate([rng.permutation(len(inputs)) for _ in range(IMPORTANCE_REPEATS)])
        shuffled = inputs[name].iloc[order].reset_index(drop=True)
        growth[name] = error(with_columns(repeated, {name: shuffled})) - base
    return dict(sorted(growth.items(), key=lambda item: -item[1]))
