"""An experiment of PyCaret as `slipway.training.experiment` describes one."""

import copy
from collections.abc import Iterator
from typing import Any

import pandas as pd
from sklearn.base import clone

from slipway.schema.metrics import FoldScore
from slipway.schema.schema import Schema
from slipway.training.averaging import with_plain_average
from slipway.training.classifier_metrics import use_our_metrics
from slipway.training.comparison import Tried, measured
from slipway.training.experiment import Measured, Positions, last_step


class PyCaretExperiment:
    """A RegressionExperiment or ClassificationExperiment after `setup()`.

    `chosen` is the estimator that its comparison has fitted and measured already.
    """

    def __init__(self, experiment: Any, chosen: Tried | None = None) -> None:
        self._experiment = experiment
        self._chosen = chosen

    @property
    def X(self) -> pd.DataFrame:
        return self._experiment.X

    @property
    def y(self) -> pd.Series:
        return self._experiment.y

    @property
    def X_train(self) -> pd.DataFrame:
        return self._experiment.X_train

    @property
    def X_test(self) -> pd.DataFrame:
        return self._experiment.X_test

    @property
    def y_test(self) -> pd.Series:
        return self._experiment.y_test

    def splits(self) -> Iterator[tuple[Positions, Positions]]:
        """By the experiment's own fold generator."""
        inputs, groups = self._experiment.X, self._experiment.get_config("fold_groups_param")
        grouped = None if groups is None else groups.loc[inputs.index]
        yield from self._experiment.fold_generator.split(inputs, self._experiment.y, grouped)

    def unfitted(self, model: Any) -> Any:
        """The experiment's steps, with the model's last one."""
        return self._with(last_step(model))

    def measured(self, model: Any, schema: Schema) -> Measured:
        """A finalised pipeline has seen the hold-out, so its estimator is fitted again as well."""
        experiment, known = self._experiment, self._chosen
        with use_our_metrics(experiment, schema.target):
            if known is None or known.model is not model:
                known = measured(experiment, clone(last_step(model)))
        fitted = known.model
        folds = {name: FoldScore(float(mean), float(known.sds[name])) for name, mean in known.means.items()}
        holdout: dict[str, float] = {}
        if not schema.target.classes:
            experiment.predict_model(fitted, verbose=False)
            scores = experiment.pull(pop=True).iloc[0]
            holdout = {name: float(scores[name]) for name in folds if name in scores}
        return Measured(self._with(fitted), folds, holdout)

    def finalised(self, model: Any) -> Any:
        return model if hasattr(model, "steps") else with_plain_average(self._experiment.finalize_model(model))

    def _with(self, estimator: Any) -> Any:
        pipeline = copy.deepcopy(self._experiment.pipeline)
        pipeline.steps.append(("trained_model", estimator))
        return pipeline
