"""A pipeline that was fitted with scikit-learn alone, as `slipway.training.experiment` describes an experiment.

It has no hold-out and no folds of its own: what is measured are copies of it, fitted again on parts of the rows that are
drawn here. The pipeline that is served is the one that was given.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from slipway.errors import SlipwayError, TrainingError, first_line
from slipway.inference.pipeline_engine import NativeEngine
from slipway.schema.metrics import FoldScore
from slipway.schema.schema import Schema
from slipway.training import regression_metrics
from slipway.training.classes import TRAINED
from slipway.training.classifier_metrics import measure_pipeline
from slipway.training.experiment import Measured, Positions


class PipelineExperiment:
    """A fitted pipeline and the rows that it was fitted on.

    Parameters
    ----------
    inputs : DataFrame of shape (n_rows, n_columns)
        As the pipeline takes them, rows counted from 0.
    target : Series of shape (n_rows,)
    classes : bool
        Whether the target is a class: folds and hold-out then have the same shares of each.
    folds : int
    seed : int
        Of the draws of folds and hold-out.
    """

    def __init__(self, inputs: pd.DataFrame, target: pd.Series, classes: bool, folds: int, seed: int) -> None:
        self.X, self.y = inputs, target
        rows = np.arange(len(target))
        train, test = train_test_split(
            rows, train_size=TRAINED, random_state=seed, stratify=target.to_numpy() if classes else None
        )
        self._train = train
        self.X_train, self.X_test = inputs.iloc[train], inputs.iloc[test]
        self.y_train, self.y_test = target.iloc[train], target.iloc[test]
        self._folds = (StratifiedKFold if classes else KFold)(folds, shuffle=True, random_state=seed)
        self._measured: Measured | None = None

    def splits(self) -> Iterator[tuple[Positions, Positions]]:
        """Folds of all rows."""
        yield from self._folds.split(self.X, self.y)

    def unfitted(self, model: Any) -> Any:
        return clone(model)

    def finalised(self, model: Any) -> Any:
        return model

    def measured(self, model: Any, schema: Schema) -> Measured:
        """On folds of the training part; once, since a model is measured for the leaderboard and for itself.

        Raises
        ------
        TrainingError
            If a copy of the pipeline cannot be fitted again.
        """
        if self._measured is None:
            try:
                self._measured = self._measure(model, schema)
            except SlipwayError:
                raise
            except Exception as exc:  # a pipeline may hold anything, and what it holds may raise anything
                raise TrainingError(
                    f"the pipeline cannot be measured: a copy of it cannot be fitted again on a part of the rows "
                    f"({type(exc).__name__}: {first_line(str(exc))})"
                ) from exc
        return self._measured

    def _measure(self, model: Any, schema: Schema) -> Measured:
        scores = []
        for train, test in self._folds.split(self.X_train, self.y_train):
            fitted = clone(model).fit(self.X_train.iloc[train], self.y_train.iloc[train])
            scores.append(_scores(fitted, self.X_train.iloc[test], self.y_train.iloc[test], schema))
        table = pd.DataFrame(scores)
        folds = {name: FoldScore(float(table[name].mean()), float(table[name].std(ddof=0))) for name in table.columns}
        fitted = clone(model).fit(self.X_train, self.y_train)
        holdout = {} if schema.target.classes else _scores(fitted, self.X_test, self.y_test, schema)
        return Measured(fitted, folds, holdout)


def _scores(fitted: Any, inputs: pd.DataFrame, target: pd.Series, schema: Schema) -> dict[str, float]:
    if schema.target.classes:
        return measure_pipeline(fitted, inputs, target, schema.target)
    predicted = NativeEngine(fitted, schema).predict_frame(inputs).values
    return regression_metrics.measure(target.to_numpy("float64"), predicted)
