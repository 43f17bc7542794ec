"""The PyCaret experiment: setup, compare, refine.

PyCaret's `compare_models` reports nothing while it works, so the comparison is done by `slipway.training.comparison`,
one `create_model` at a time: with the same folds, metrics and order, but with progress, durations
and the reason if a model fails. PyCaret is imported only for training.
"""

import inspect
import logging
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.errors import TrainingError, UseCaseError, nearest
from slipway.schema.metrics import AVERAGE, BAG
from slipway.schema.schema import Schema
from slipway.schema.types import Task
from slipway.training._pycaret import taken_name
from slipway.training.budget import Budget
from slipway.training.classifier_metrics import LOG_LOSS, NAMES, use_our_metrics
from slipway.training.comparison import Compared, Progress, Runner, board_row, compare, here, message, with_row, within
from slipway.training.date_setup import clock_features, without_gaps
from slipway.training.experiment import Experiment
from slipway.training.names import setup_names, with_own_names, with_setup_names
from slipway.training.pycaret_experiment import PyCaretExperiment
from slipway.training.refinement import Refiner
from slipway.training.row_order import check_row_order
from slipway.training.schema_inference import InferredDataset
from slipway.training.splits import setup_options
from slipway.training.usecase import TrainingSpec, UseCase

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

OURS = {
    "data": "the use case's `data:`",
    "data_func": "the use case's `data:`",
    "target": "the use case's `target:`",
    "test_data": "the use case's `data:`",
    "custom_pipeline": "Slipway's own step for missing dates",
    "custom_pipeline_position": "Slipway's own step for missing dates",
    **dict.fromkeys(
        ("html", "verbose", "system_log", "log_experiment", "experiment_name", "experiment_custom_tags")
        + ("log_plots", "log_profile", "log_data", "profile", "profile_kwargs"),
        "Slipway's own log and report",
    ),
}
"""`setup()` options that a use case may not give, and what stands in for each."""

METRICS: dict[Task, list[str]] = {
    "regression": ["MAE", "MSE", "RMSE", "R2", "RMSLE", "MAPE"],
    "classification": list(NAMES.values()),
}
"""The metrics under PyCaret's names, in its order; those of classes are measured by `slipway.training.classifier_metrics`."""

LOSSES = frozenset(METRICS["regression"]) - {"R2"} | {LOG_LOSS}
"""Metrics of which less is better."""

DEFAULT_METRIC: dict[Task, str] = {"regression": "RMSE", "classification": LOG_LOSS}
"""What the estimator is chosen by. A mean of R2 over folds depends on how the target varies within each. The log loss rewards probabilities that mean what they say; one without
probabilities has none, and comes last."""


NOT_BY_DEFAULT = ("catboost",)
"""Compared if they are named alone. With its own number of trees CatBoost was chosen once where it was worse on new rows; the bag of `averaging` stops in time."""


@dataclass(frozen=True)
class Trained:
    """The result of the comparison: the experiment, the selected model, and all that were tried.

    `leaderboard` has a row for each model, best first: `id`, `model`, the mean of each metric
    over the folds, and `seconds`. `failed` says why others are missing, and `skipped` names those for which there was no time. `chosen` is the id of
    the model's row, or None if the model was chosen outside of the comparison.
    """

    experiment: Experiment
    model: Any
    metric: str
    leaderboard: "pd.DataFrame"
    failed: dict[str, str] = field(default_factory=dict)
    tuned: bool = False
    chosen: str | None = None
    skipped: tuple[str, ...] = ()


def experiment_class(task: Task) -> Any:
    """PyCaret's experiment class for a task.

    Parameters
    ----------
    task : {"regression", "classification"}

    Returns
    -------
    type

    Raises
    ------
    TrainingError
        If PyCaret is not installed, or is not version 3.
    """
    try:
        import pycaret

        version = str(getattr(pycaret, "__version__", "unknown"))
        if not version.startswith("3."):
            raise TrainingError(
                f"PyCaret {version} is installed, expected pycaret-core 3.5 (which imports as pycaret); "
                "`pip uninstall pycaret`, then `pip install pycaret-core==3.5.0 six`"
            )
        from pycaret.classification import ClassificationExperiment
        from pycaret.regression import RegressionExperiment
    except ImportError as exc:
        raise TrainingError(
            f"PyCaret cannot be imported ({exc}); `pip install 'slipway-ml[train]'`, or `make setup` in a clone"
        ) from exc
    return RegressionExperiment if task == "regression" else ClassificationExperiment


@contextmanager
def quiet() -> "Iterator[None]":
    """Suppress the warnings of estimators that do not converge: the leaderboard shows how they performed."""
    import lightgbm

    lightgbm.register_logger(logging.getLogger("lightgbm"))  # else it prints a line for each tree
    logging.getLogger("lightgbm").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_setup(usecase: UseCase, task: Task) -> None:
    """Reject `setup:` options that PyCaret does not have, or that a use case may not set.

    Parameters
    ----------
    usecase : UseCase
    task : {"regression", "classification"}

    Raises
    ------
    UseCaseError
        With the option and what to use instead.
    """
    known = inspect.signature(experiment_class(task).setup).parameters
    where = f"use case {usecase.name}, `setup:`"
    for name in usecase.setup:
        if name in OURS:
            raise UseCaseError(where, f"{name!r} cannot be given here; it comes from {OURS[name]}")
        if name not in known or name == "self":
            raise UseCaseError(where, f"PyCaret's setup() for {task} has no option {name!r}{nearest(str(name), known)}")


def train(
    usecase: UseCase, learnt: InferredDataset, progress: Progress = lambda text: None, runner: Runner | None = None
) -> Trained:
    """Compare PyCaret's estimators on the table, select the best, and refine it where that helps.

    Parameters
    ----------
    usecase : UseCase
        Its training options: estimators, metric, folds, seed, minutes, `setup:`.
    learnt : InferredDataset
        The schema and the rows.
    progress : callable, optional
        Called with a line of text for each model.
    runner : Runner, optional
        What tries the estimators; this process without one.

    Returns
    -------
    Trained

    Raises
    ------
    UseCaseError
        If PyCaret does not have an option, estimator or metric.
    TrainingError
        If PyCaret rejects the table or the options, or no estimator could be fitted.
    """
    schema, spec = learnt.schema, usecase.training
    check_setup(usecase, schema.task)
    experiment = experiment_class(schema.task)()
    started = time.monotonic()
    with quiet():
        _set_up(experiment, usecase, learnt)
        _check_made_names(experiment, schema)
        progress(f"setup: {len(learnt.inputs):,} rows, {len(schema.fields)} inputs, {time.monotonic() - started:.1f} s")
        check_row_order(experiment.pipeline, experiment.X)
        with use_our_metrics(experiment, schema.target):
            metric = _metric(experiment, spec.metric or DEFAULT_METRIC[schema.task], schema.target.classes, usecase)
            ids = _estimators(experiment, usecase)
            budget = Budget(spec.minutes) if spec.minutes else None
            runner = runner or (within(budget) if budget else here)
            found = compare(experiment, ids, metric, schema, progress, runner, budget)
            if found.board.empty:
                raise TrainingError(
                    "no estimator could be fitted: " + "; ".join(f"{name}: {why}" for name, why in found.failed.items())
                )
            refiner = Refiner(experiment, schema, metric, progress, budget)
            return _refined(refiner, found, spec)


def _refined(refiner: Refiner, found: Compared, spec: TrainingSpec) -> Trained:
    """The best of the comparison, tuned and averaged as far as that is asked for and helps."""
    experiment, metric, board = refiner.experiment, refiner.metric, found.board
    chosen, name = str(board["id"].iloc[0]), str(board["model"].iloc[0])
    best, tuned = found.tried[chosen], False
    if refiner.schema.target.classes and not has_probabilities(best.model):
        models = {identifier: tried.model for identifier, tried in found.tried.items()}
        refiner.progress(without_probabilities(name, _next_best(board, models, metric)))
    if spec.tune:
        best, tuned = refiner.tuned(best)
    if spec.averages:
        average, better = refiner.averaged(best, spec.seed)
        if average and better:
            members = f"{len(average.model.voting_.estimators_) - 1} CatBoost models"
            title = f"Average of {'tuned ' if tuned else ''}{name} and {members}"
            board = with_row(experiment, board, board_row(AVERAGE, title, average), metric)
            best, chosen = average, AVERAGE
            bag, better = refiner.bag(average, spec.seed)
            if better:
                board = with_row(experiment, board, board_row(BAG, f"Average of {members}", bag), metric)
                best, chosen, tuned = bag, BAG, False
    return Trained(
        PyCaretExperiment(experiment, best), best.model, metric, board, found.failed, tuned, chosen, (*found.skipped,)
    )


def _set_up(experiment: Any, usecase: UseCase, learnt: InferredDataset) -> None:
    """PyCaret's `setup()` with the rows and what the use case says."""
    import pandas as pd

    schema = learnt.schema
    names = setup_names(schema)
    texts = [f.pipeline_name for f in schema.fields if f.kind == "text"]
    categorical = [
        f.pipeline_name for f in schema.fields if f.kind == "category" or f.dtype == "object" and f.kind != "text"
    ]
    options: dict[str, Any] = {
        "session_id": usecase.training.seed,
        "fold": learnt.folds or usecase.training.folds,
        "categorical_features": categorical or None,
        "text_features": texts or None,
        # One process: on tables of this size the workers of joblib start slower than they compute.
        "n_jobs": 1,
        "memory": False,
        **without_gaps(schema),
        **clock_features(learnt),
        **with_setup_names(usecase.setup, names),
    }
    target = names[schema.target.name]
    rows = pd.concat([learnt.inputs.rename(columns=names), learnt.target.rename(target)], axis=1)
    if plan := learnt.split:
        rows = rows.iloc[plan.order]
        options |= {"test_data": rows.iloc[-plan.holdout :], **setup_options(plan, schema.task, usecase.training.seed)}
        rows = rows.iloc[: -plan.holdout]
    try:
        experiment.setup(
            data=rows,
            target=target,
            html=False,
            verbose=False,
            system_log=False,
            **options,
        )
    except Exception as exc:  # PyCaret raises whatever its steps raise
        raise _refused(exc, schema) from exc


def has_probabilities(model: Any) -> bool:
    """Whether a fitted classifier, or a pipeline that ends in one, gives probabilities."""
    return hasattr(model, "predict_proba")


def without_probabilities(name: str, better: str = "") -> str:
    """A line on what is lost with an estimator that only predicts classes, and what to do about it.

    Parameters
    ----------
    name : str
        Of the estimator.
    better : str, optional
        The best estimator with probabilities, if there is one.

    Returns
    -------
    str
    """
    return (
        f"{name} gives no probabilities: its answers name a class and nothing else, without a threshold, calibration "
        f"or a reason why{better or '; choose an estimator that has them'}"
    )


def _next_best(leaderboard: "pd.DataFrame", models: dict[str, Any], metric: str) -> str:
    for _, row in leaderboard.iterrows():
        if has_probabilities(models[row["id"]]):
            return (
                f"; of those that give probabilities {row['model']} is best ({metric} {row[metric]:.4f}): "
                f"--include {row['id']} takes it; without --metric the log loss decides, which needs probabilities"
            )
    return ""


def _refused(exc: Exception, schema: Schema) -> TrainingError:
    """The error of PyCaret's setup(), in words that say what to do about it."""
    taken = taken_name(exc)
    if taken:
        return TrainingError(
            f"the column {taken!r} has the name that PyCaret gives a column it makes of "
            f"{_sources(taken, schema)}; rename one of them in the table"
        )
    return TrainingError(f"PyCaret's setup() refused the table or its options: {message(exc, schema)}")


def _check_made_names(experiment: Any, schema: Schema) -> None:
    """Reject a table from which PyCaret makes two columns with the same name: no graph can distinguish them."""
    made = experiment.pipeline.transform(experiment.X_train.head(1)).columns
    doubled = made[made.duplicated()]
    if len(doubled):
        name = str(doubled[0])
        raise TrainingError(
            f"PyCaret makes two columns of the name {with_own_names(name, schema)!r}, of {_sources(name, schema)}; "
            "rename one of them in the table, or the category that makes it"
        )


def _sources(made: str, schema: Schema) -> str:
    """The inputs from which a column with this name may be made: PyCaret appends `_` and the value to the name."""
    sources = [field.name for field in schema.fields if made.startswith(f"{field.pipeline_name}_")]
    return " and ".join(map(repr, sources)) or "another column"


def _metric(experiment: Any, name: str, classes: tuple[Any, ...], usecase: UseCase) -> str:
    """PyCaret's display name of a metric, given by that, its id or its name."""
    metrics = experiment.get_metrics()
    for identifier, row in metrics.iterrows():
        if name.lower() in {str(identifier).lower(), row["Name"].lower(), row["Display Name"].lower()}:
            if len(classes) > 2 and not row.get("Multiclass", True):
                raise UseCaseError(
                    f"use case {usecase.name}", f"the metric {name!r} needs two classes, there are {len(classes)}"
                )
            return str(row["Display Name"])
    known = list(metrics["Display Name"])
    raise UseCaseError(
        f"use case {usecase.name}", f"unknown metric {name!r}{nearest(name, known)}; known are {', '.join(known)}"
    )


def _estimators(experiment: Any, usecase: UseCase) -> dict[str, str]:
    """Ids and names of the estimators to compare; without a choice, PyCaret's `turbo` set."""
    models = experiment.models()
    chosen, excluded = usecase.training.include, usecase.training.exclude or ()
    for name in (*(chosen or ()), *excluded):
        if name not in models.index:
            raise UseCaseError(
                f"use case {usecase.name}",
                f"unknown estimator {name!r}{nearest(name, models.index)}; known are {', '.join(models.index)}",
            )
    quick = [name for name in models.index[models["Turbo"]] if name not in (*excluded, *NOT_BY_DEFAULT)]
    ids = list(dict.fromkeys(chosen)) if chosen else quick
    return {identifier: str(models.loc[identifier, "Name"]) for identifier in ids}
