"""`slipway.save`: the way in from a notebook, for PyCaret's experiments and for pipelines of scikit-learn."""

import warnings
from pathlib import Path
from typing import Any, overload

import pandas as pd

from slipway.errors import TrainingError
from slipway.publish import estimator, experiment
from slipway.publish.version import final_estimator, save_version
from slipway.schema.metrics import DataOrigin
from slipway.training.schema_inference import InferredDataset
from slipway.training.selection import Trained, has_probabilities, without_probabilities
from slipway.training.usecase import UseCase

USAGE = "slipway.save(pipeline, X, y, name), with the X and y that it was fitted on"


@overload
def save(
    experiment: Any,
    name: str,
    model: Any = None,
    *,
    usecase: str | Path | None = None,
    training_rows: bool | None = None,
    promote: bool = False,
) -> str: ...


@overload
def save(
    pipeline: Any,
    X: pd.DataFrame,
    y: Any,
    name: str,
    *,
    usecase: str | Path | None = None,
    training_rows: bool | None = None,
    promote: bool = False,
) -> str: ...


def save(
    *given: Any,
    usecase: str | Path | None = None,
    training_rows: bool | None = None,
    promote: bool = False,
    **named: Any,
) -> str:
    """Save a PyCaret experiment, or a fitted scikit-learn pipeline, as a version that can be served.

    Two ways to call it: `save(experiment, name, model=None)` and `save(pipeline, X, y, name)`.

    Parameters
    ----------
    experiment : RegressionExperiment or ClassificationExperiment
        After `setup()`; the functional API's `setup()` returns one too, and its module
        (`pycaret.regression`) is taken as well.
    name : str
        The model's name in the BentoML store.
    model : estimator or finalised pipeline, optional
        What to serve of an experiment. A finalised pipeline is not fitted again; an estimator is finalised
        first. Without one, the best model of the experiment is taken: the one with the lowest
        out-of-fold log loss for classes, which is measured anew for each, the lowest RMSE for
        numbers. Probabilities of either may be calibrated, see `slipway.training.calibration`.
    pipeline : fitted pipeline, estimator or search of scikit-learn
        Served as it is; of a search the best estimator. Folds and hold-out are drawn from X and y, and measured
        with copies of it that are fitted again.
    X : DataFrame of shape (n_rows, n_columns)
        What the pipeline was fitted on; its columns are the inputs, without those that no step takes.
    y : Series or array of shape (n_rows,)
        The target, called by the name of the series, or "target".
    usecase : path, optional
        A use-case YAML with texts, units and bounds; its data, options and estimators
        do not count here, and of `training:` only `keep_rows` does, for a pipeline `folds` and `seed` too.
    training_rows : bool, optional
        Whether 64 training rows (without target) are kept with the version, for explanations. By default as the use case
        says (`keep_rows`); without one they are drawn, and none is one person's.
    promote : bool, default=False
        Whether it is served even if it is not as good as the version in use; a warning says so if it is not served.

    Returns
    -------
    str
        The tag, `<name>:<version>`.

    Raises
    ------
    TrainingError, UseCaseError, DataError, StoreError
        With what to do; nothing is saved then.
    """
    case, learnt, trained, origin = _learn(given, named, usecase)
    keep_rows = case.training.keep_rows if training_rows is None else training_rows
    if case.task == "classification" and not has_probabilities(trained.model):
        warnings.warn(without_probabilities(type(final_estimator(trained.model)).__name__), stacklevel=2)
    saved = save_version(trained, learnt, origin, keep_rows, promote=promote)
    if not saved.outcome.served:
        warnings.warn("; ".join(saved.outcome.lines), stacklevel=2)
    return saved.tag


def _learn(
    given: tuple[Any, ...], named: dict[str, Any], usecase: str | Path | None
) -> tuple[UseCase, InferredDataset, Trained, DataOrigin]:
    first = given[0] if given else named.get("pipeline", named.get("experiment"))
    if hasattr(first, "fit"):
        arguments = _arguments("pipeline X y name", given, named)
        return *estimator.learn(**arguments, usecase=usecase), DataOrigin("a scikit-learn pipeline")
    arguments = _arguments("experiment name model", given, named)
    return *experiment.learn(**arguments, usecase=usecase), DataOrigin("a PyCaret experiment")


def _arguments(parameters: str, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, as Python would bind them."""
    names = parameters.split()
    bound = dict(zip(names, given, strict=False))
    odd = [name for name in named if name not in names or name in bound]
    absent = [name for name in names if name not in bound and name not in named and name != "model"]
    if "X" in names and (absent or odd or len(given) > len(names)):
        raise TrainingError(f"a {type(bound.get('pipeline')).__name__} is saved by {USAGE}")
    if odd or absent or len(given) > len(names):
        problem = f"unexpected {odd[0]!r}" if odd else f"missing {absent[0]!r}" if absent else "too many arguments"
        raise TypeError(f"save(experiment, name, model=None, *, usecase, training_rows, promote): {problem}")
    return {"model": None} | bound | named if "model" in names else bound | named
