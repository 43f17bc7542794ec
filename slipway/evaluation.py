"""How good a model is on rows it has not seen: folds, hold-out, and what each input is worth."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import clone

from slipway.native import NativeEngine
from slipway.parity import Answers
from slipway.schema import Schema
from slipway.training import METRICS

IMPORTANCE_ROWS = 1000
IMPORTANCE_REPEATS = 5


@dataclass(frozen=True)
class Evaluation:
    """Figures of a model fitted on the training part alone.

    `folds` has mean and standard deviation of each metric, `holdout` one value of each.
    `actual` and `predicted` are the hold-out rows' (classes by position), for the plots.
    `importance` is, for each input, how much the error grows on the hold-out when its values
    are shuffled: the mean absolute error in the target's unit; for classes, the probability
    that the right class loses (the share of right answers, without probabilities).
    """

    folds: dict[str, dict[str, float]]
    holdout: dict[str, float]
    actual: npt.NDArray[Any]
    predicted: Answers
    importance: dict[str, float]


def evaluate(experiment: Any, model: Any, schema: Schema) -> Evaluation:
    """Fit a copy of the model on the experiment's training part and measure it.

    A finalised pipeline has seen the hold-out, so its estimator is fitted anew as well.
    """
    estimator = model.steps[-1][1] if hasattr(model, "steps") else model
    fitted = experiment.create_model(clone(estimator), verbose=False)
    table = experiment.pull(pop=True)
    names = [name for name in METRICS[schema.task] if name in table.columns]
    folds = {name: {"mean": float(table.loc["Mean", name]), "sd": float(table.loc["Std", name])} for name in names}
    experiment.predict_model(fitted, verbose=False)
    measured = experiment.pull(pop=True).iloc[0]
    pipeline = copy.deepcopy(experiment.pipeline)
    pipeline.steps.append(("trained_model", fitted))
    engine = NativeEngine(pipeline, schema)
    inputs, actual = experiment.X_test.reset_index(drop=True), experiment.y_test.to_numpy()
    if schema.target.classes:
        actual = np.array([schema.target.classes.index(value) for value in actual.tolist()])
    predicted = engine.predict_frame(inputs)
    return Evaluation(
        folds,
        {name: float(measured[name]) for name in names},
        actual,
        predicted,
        _importance(engine, inputs, actual, schema),
    )


def _importance(
    engine: NativeEngine, inputs: pd.DataFrame, actual: npt.NDArray[Any], schema: Schema
) -> dict[str, float]:
    """Permutation importance. Source: Breiman, Random Forests, Machine Learning 45 (2001), section 10."""
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(inputs))[:IMPORTANCE_ROWS]
    inputs = inputs.iloc[rows].reset_index(drop=True)
    wanted = actual[rows]

    def error(frame: pd.DataFrame) -> float:
        answers = engine.predict_frame(frame)
        if answers.probabilities is not None:
            return float(1 - answers.probabilities[np.arange(len(wanted)), wanted].mean())
        if schema.target.classes:
            return float(np.mean(answers.values != wanted))
        return float(np.mean(np.abs(answers.values - wanted)))

    base = error(inputs)
    growth = {}
    for name in schema.names:
        shuffled = [
            inputs.assign(**{name: inputs[name].iloc[rng.permutation(len(inputs))].reset_index(drop=True)})
            for _ in range(IMPORTANCE_REPEATS)
        ]
        growth[name] = float(np.mean([error(frame) for frame in shuffled])) - base
    return dict(sorted(growth.items(), key=lambda item: -item[1]))
