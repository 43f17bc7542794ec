"""From the PyCaret experiment of a notebook to a trained model, which `slipway.publish.version` saves."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import clone

from slipway.errors import TrainingError
from slipway.inference import frames
from slipway.publish.notebook import check_carried, plain_table
from slipway.publish.version import prediction_errors
from slipway.schema.report import kept
from slipway.schema.schema import Schema
from slipway.schema.types import Kind
from slipway.tables.readers import Table
from slipway.training import _pycaret
from slipway.training.classifier_metrics import LOG_LOSS, use_our_metrics
from slipway.training.experiment import last_step
from slipway.training.kinds import infer
from slipway.training.profile import with_leaks
from slipway.training.pycaret_experiment import PyCaretExperiment
from slipway.training.report import report
from slipway.training.row_order import check_row_order
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.selection import (
    DEFAULT_METRIC,
    LOSSES,
    METRICS,
    Trained,
    quiet,
)
from slipway.training.usecase import FieldSpec, TargetSpec, TrainingSpec, UseCase, check_name, read


def learn(
    experiment: Any, name: str, model: Any, usecase: str | Path | None
) -> tuple[UseCase, InferredDataset, Trained]:
    """The use case, what the experiment's table says, and the model with what is needed to measure it.

    Parameters
    ----------
    experiment : RegressionExperiment or ClassificationExperiment, or the functional API's module
    name : str
        The model's name in the store.
    model : estimator or finalised pipeline, optional
        The best of the experiment by default.
    usecase : path, optional

    Returns
    -------
    usecase : UseCase
    learnt : InferredDataset
    trained : Trained

    Raises
    ------
    TrainingError, DataError, UseCaseError
        With what to do.
    """
    experiment = _current(experiment)
    case, learnt = _learnt(experiment, name, model, usecase)
    if model is not None:
        learnt = _own_threshold(learnt, model, case.target)
    with quiet():
        trained = _given(experiment, model, learnt) if model is not None else _best(experiment, learnt)
    return case, _own_threshold(learnt, trained.model, case.target), trained


def _learnt(experiment: Any, name: str, model: Any, usecase: str | Path | None) -> tuple[UseCase, InferredDataset]:
    """The use case, and what the experiment's table says, with the report on how it was read."""
    source = f"the data of the experiment {name!r}"
    check_carried(experiment.dataset, source)
    with quiet():
        for pipeline in (experiment.pipeline, model) if hasattr(model, "steps") else (experiment.pipeline,):
            check_row_order(pipeline, experiment.X)
    table = plain_table(experiment.dataset)  # PyCaret narrows numbers to float32
    case = _case(experiment, name, table, usecase)
    learnt = with_leaks(replace(infer_dataset(table, case, source, keep=table.columns), frame=table))
    learnt = replace(learnt, report=kept(report(Table(table, source, ""), learnt, case)))
    _check_dates(experiment, learnt.schema)
    return case, learnt


def _case(experiment: Any, name: str, table: pd.DataFrame, usecase: str | Path | None) -> UseCase:
    """The use case with what the experiment has settled already."""
    case = read(usecase) if usecase else UseCase(name)
    target = str(experiment.target_param)
    return UseCase(
        **{**vars(case), "name": check_name(name, "save()"), "task": _task(experiment), "ignore": (), "setup": {}}
        | {"target": TargetSpec(**vars(case.target) | {"column": target})}
        | {"fields": _kinds(experiment, case, table)}
        | {"training": TrainingSpec(folds=2, seed=int(experiment.seed), keep_rows=case.training.keep_rows)}
    )


def _current(experiment: Any) -> Any:
    """The experiment itself, from an object or from the functional API's module."""
    if hasattr(experiment, "get_current_experiment"):
        experiment = experiment.get_current_experiment()
    elif hasattr(experiment, "functional"):
        experiment = experiment.functional.get_current_experiment()
    kind = type(experiment).__name__
    if kind not in ("RegressionExperiment", "ClassificationExperiment"):
        raise TrainingError(
            f"{kind} is no PyCaret experiment that can be served; expected a RegressionExperiment or a "
            "ClassificationExperiment after setup()"
        )
    if not _pycaret.has_data(experiment):
        raise TrainingError("the experiment has no data yet; call its setup() first")
    return experiment


def _check_dates(experiment: Any, schema: Schema) -> None:
    """Refuse dates with gaps of which PyCaret's steps, asked for one record, do not make the columns of training."""
    whole = schema.columns([schema.defaults])
    for field in [field for field in schema.fields if field.kind in ("date", "datetime") and field.nullable]:
        gap = schema.columns([schema.defaults | {field.name: None}])
        with quiet(), prediction_errors():
            made = [list(experiment.pipeline.transform(frames.frame(schema, taken)).columns) for taken in (whole, gap)]
        if made[0] != made[1]:
            raise TrainingError(
                f"{field.name!r} has missing dates, of which PyCaret makes other columns than of a date, so that such a "
                f"record has no prediction; fill them before setup(), as in table[{field.name!r}].fillna(table"
                f"[{field.name!r}].median()), or leave the column out"
            )


def _kinds(experiment: Any, case: UseCase, table: pd.DataFrame) -> dict[str, FieldSpec]:
    """The use case's fields, with the kinds that PyCaret gave the columns where it differs from the table."""
    given = _pycaret.kinds_given(experiment)
    kinds: dict[str, Kind] = {name: "text" for name in given["Text"]}
    # Numbers and texts that look like dates, too, are categories where PyCaret took them so.
    kinds |= {
        name: "category"
        for name in given["Categorical"]
        if pd.api.types.is_numeric_dtype(table[name]) or infer(table[name], FieldSpec()) in ("date", "datetime", "time")
    }
    fields = {name: spec for name, spec in case.fields.items() if name in table.columns}
    return fields | {
        name: FieldSpec(**vars(fields.get(name, FieldSpec())) | {"kind": kind}) for name, kind in kinds.items()
    }


def _best(experiment: Any, learnt: InferredDataset) -> Trained:
    """The best of the models that the experiment has tried."""
    target, metric = learnt.schema.target, DEFAULT_METRIC[learnt.schema.task]
    tried = _pycaret.tried(experiment)
    if not tried:
        raise TrainingError(
            "the experiment has no model to take the best of; "
            "call its compare_models() or create_model() first, or give the model"
        )
    if not target.classes:
        board = _leaderboard(tried, _comparable(learnt.schema))
        return Trained(PyCaretExperiment(experiment), experiment.automl(optimize=metric), metric, board)
    scored = []
    with use_our_metrics(experiment, target):
        for entry in tried:
            with suppress(Exception):  # one that cannot be fitted again is no reason to leave the others
                experiment.create_model(clone(entry["model"]), verbose=False)
                scored.append(entry | {"scores": experiment.pull(pop=True)})
    if not scored:
        raise TrainingError("none of the experiment's models can be fitted again to be compared; give the model")
    # Stable, and NaN last: without probabilities there is no log loss.
    order = pd.Series([entry["scores"].loc["Mean", metric] for entry in scored]).sort_values(kind="stable").index
    best = scored[order[0]]["model"]
    board = _leaderboard([scored[place] for place in order], METRICS["classification"])
    return Trained(PyCaretExperiment(experiment), best, metric, board, chosen=type(best).__name__)


def _given(experiment: Any, model: Any, learnt: InferredDataset) -> Trained:
    """A model that somebody else chose, beside those that PyCaret has measured."""
    comparable = _comparable(learnt.schema)
    return Trained(
        PyCaretExperiment(experiment), model, comparable[0], _leaderboard(_pycaret.tried(experiment), comparable)
    )


def _comparable(schema: Schema) -> list[str]:
    """PyCaret's own metrics that mean here what ours of the same name do, the one to sort by first.

    PyCaret's are for the threshold 0.5 and, of two classes, for the second one where they are called
    0 and 1; else averages over both.
    """
    target = schema.target
    names = [name for name in METRICS[schema.task] if name != LOG_LOSS]
    if not target.classes:
        return [DEFAULT_METRIC["regression"], *(name for name in names if name != DEFAULT_METRIC["regression"])]
    if len(target.classes) > 2:
        return names
    if target.decision_threshold != 0.5:
        return ["AUC"]
    if target.classes == (0, 1) and not isinstance(target.classes[0], bool) and target.positive == 1:
        return names
    return [name for name in names if name not in ("Recall", "Prec.", "F1")]


def _leaderboard(tried: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    """Models with the means of these metrics over the folds; the best by the first one come first."""
    rows = [
        {"id": type(entry["model"]).__name__, "model": type(entry["model"]).__name__, **entry["scores"].loc["Mean"]}
        for entry in tried
    ]
    board = pd.DataFrame(rows, columns=["id", "model", *names]).drop_duplicates()
    return board.sort_values(names[0], ascending=names[0] in LOSSES, kind="stable", ignore_index=True)


def _own_threshold(learnt: InferredDataset, model: Any, spec: TargetSpec) -> InferredDataset:
    """What was learnt, with the threshold of PyCaret's `probability_threshold=`, where the use case has none.

    PyCaret's is for the second class.
    """
    target = learnt.schema.target
    given = getattr(last_step(model), "probability_threshold", None)
    if given is None or spec.threshold is not None or target.costs or len(target.classes) != 2:
        return learnt
    is_second = target.positive == sorted(target.classes)[-1]
    target = replace(target, threshold=float(given if is_second else 1 - given))
    return replace(learnt, schema=replace(learnt.schema, target=target))


def _task(experiment: Any) -> Any:
    return "regression" if type(experiment).__name__.startswith("Regression") else "classification"
