"""What evaluating and saving a model use of the experiment that it comes from, whichever kind of experiment that is.

`slipway.training.pycaret_experiment` has it from PyCaret, `slipway.training.pipeline_experiment` for a pipeline that was
fitted with scikit-learn alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.schema.metrics import FoldScore
from slipway.schema.schema import Schema

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Measured:
    """A model fitted on the training part, and how good it is.

    `folds` has mean and standard deviation of each metric over the folds of the training part. `holdout` has the metrics
    of a number on the hold-out, and nothing for classes, which `slipway.training.evaluation` measures.
    """

    pipeline: Any
    folds: dict[str, FoldScore]
    holdout: dict[str, float] = field(default_factory=dict)


class Experiment(Protocol):
    """Rows, how they are split, and how a model is fitted on some of them."""

    @property
    def X(self) -> pd.DataFrame:
        """All inputs, of shape (n_rows, n_columns)."""

    @property
    def y(self) -> pd.Series:
        """All targets, of shape (n_rows,)."""

    @property
    def X_train(self) -> pd.DataFrame:
        """The inputs of the training part, with their index in `X`."""

    @property
    def X_test(self) -> pd.DataFrame:
        """The inputs of the hold-out, with their index in `X`."""

    @property
    def y_test(self) -> pd.Series:
        """The targets of the hold-out."""

    def splits(self) -> Iterator[tuple[Positions, Positions]]:
        """For each fold of all rows, the positions to fit on and those to predict."""

    def unfitted(self, model: Any) -> Any:
        """A pipeline of the experiment's steps and the model, to be cloned and fitted."""

    def measured(self, model: Any, schema: Schema) -> Measured:
        """A copy of the model, fitted and measured on the training part."""

    def finalised(self, model: Any) -> Any:
        """The pipeline to serve, fitted on all rows."""


def last_step(model: Any) -> Any:
    """The estimator of a pipeline; an estimator is returned as it is."""
    return model.steps[-1][1] if hasattr(model, "steps") else model
