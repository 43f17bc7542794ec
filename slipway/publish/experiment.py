"""From a PyCaret experiment to a version in the store: what `train.py` and a notebook share."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.base import clone

from slipway import store
from slipway.compile import CannotCompileError, check_reading, compile_and_check
from slipway.errors import SlipwayError, TrainingError, first_line
from slipway.inference import frames, pipeline_engine
from slipway.inference.decision import threshold_of
from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.predictor import Engine, Predictor
from slipway.publish import card, smoke_test
from slipway.publish.notebook import check_carried
from slipway.schema.arrays import MISSING_TEXT
from slipway.schema.sampling import draw_records
from slipway.schema.schema import Schema
from slipway.schema.types import Kind
from slipway.tables.readers import numpy_column
from slipway.training import _pycaret
from slipway.training.classifier_metrics import LOG_LOSS, use_our_metrics
from slipway.training.diagnostics import figures
from slipway.training.evaluation import Evaluation, evaluate, last_step
from slipway.training.kinds import infer
from slipway.training.profile import profile, with_leaks
from slipway.training.row_order import check_row_order
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.selection import DEFAULT_METRIC, METRICS, Trained, has_probabilities, quiet, without_probabilities
from slipway.training.uncertainty import estimate_uncertainty
from slipway.training.usecase import FieldSpec, TargetSpec, TrainingSpec, UseCase, check_name, read

BACKGROUND_ROWS = 64


@dataclass(frozen=True)
class Saved:
    """What a saved version says of itself: its tag and its figures; of two classes with their threshold."""

    tag: str
    evaluation: Evaluation
    threshold: float | None


def save(
    experiment: Any,
    name: str,
    model: Any = None,
    *,
    usecase: str | Path | None = None,
    training_rows: bool = True,
) -> str:
    """Save a PyCaret experiment as a version that can be served: the way in from a notebook.

    Parameters
    ----------
    experiment : RegressionExperiment or ClassificationExperiment
        After `setup()`; the functional API's `setup()` returns one too, and its module
        (`pycaret.regression`) is taken as well.
    name : str
        The model's name in the BentoML store.
    model : estimator or finalised pipeline, optional
        What to serve. A finalised pipeline is not fitted again; an estimator is finalised
        first. Without one, the best model of the experiment is taken: the one with the lowest
        out-of-fold log loss for classes, which is measured anew for each, the highest R2 for
        numbers. Probabilities of either may be calibrated, see `slipway.training.calibration`.
    usecase : path, optional
        A use-case YAML with texts, units and bounds; its data, options and estimators
        do not count here.
    training_rows : bool, default=True
        Whether up to 64 training rows (without target) may be kept with the version, for
        explanations; else they are drawn from the schema.

    Returns
    -------
    str
        The tag, `<name>:<version>`.

    Raises
    ------
    TrainingError, UseCaseError, DataError, StoreError
        With what to do; nothing is saved then.
    """
    experiment = _current(experiment)
    task = _task(experiment)
    source = f"the data of the experiment {name!r}"
    check_carried(experiment.dataset, source)
    with quiet():
        for pipeline in (experiment.pipeline, model) if hasattr(model, "steps") else (experiment.pipeline,):
            check_row_order(pipeline, experiment.X)
    table = _original(experiment)
    target = str(experiment.target_param)
    case = read(usecase) if usecase else UseCase(name)
    case = UseCase(
        **{**vars(case), "name": check_name(name, "save()"), "task": task, "ignore": (), "setup": {}}
        | {"target": TargetSpec(**vars(case.target) | {"column": target})}
        | {"fields": _kinds(experiment, case, table)}
        | {"training": TrainingSpec(folds=2, seed=int(experiment.seed))}
    )
    learnt = with_leaks(replace(infer_dataset(table, case, source, keep=table.columns), frame=table))
    _check_dates(experiment, learnt.schema)
    if model is not None:
        learnt = _own_threshold(learnt, model, case.target)
    with quiet():
        trained = _given(experiment, model, learnt) if model is not None else _best(experiment, learnt)
    if task == "classification" and not has_probabilities(trained.model):
        warnings.warn(without_probabilities(type(_final(trained.model)).__name__), stacklevel=2)
    learnt = _own_threshold(learnt, trained.model, case.target)
    return save_version(trained, learnt, data={"source": "a PyCaret experiment"}, training_rows=training_rows).tag


def save_version(
    trained: Trained,
    learnt: InferredDataset,
    data: dict[str, Any],
    training_rows: bool = True,
    progress: Callable[[str], None] = lambda text: None,
) -> Saved:
    """Evaluate and finalise the model, and save it with all that is known of it.

    `data` says where the table came from: `source`, `sha256`, `dropped`.
    """
    experiment, schema = trained.experiment, learnt.schema
    smoke_test.warm_up()
    with quiet():
        progress("evaluating on folds and hold-out …")
        with _predicting():
            evaluation = evaluate(experiment, trained.model, schema)
            finalised = hasattr(trained.model, "steps")
            pipeline = trained.model if finalised else experiment.finalize_model(trained.model)
    estimator = type(_final(pipeline)).__name__
    progress("errors out of fold …")
    with quiet():
        sure = estimate_uncertainty(experiment, trained.model, pipeline, schema)
    pipeline = sure.pipeline
    found = figures(
        sure.held_out or evaluation.unseen,
        schema,
        out_of_fold=sure.held_out is not None,
        inside=sure.covered,
        before=sure.uncalibrated,
        first=list(evaluation.importance),
    )
    graph, compiled = _compile(pipeline, learnt, progress)
    threshold = threshold_of(schema.target, evaluation.unseen.answers.probabilities is not None)
    tried = list(trained.leaderboard["id"])
    # A model without probabilities has no log loss to be listed by.
    listed = trained.metric if trained.metric in evaluation.folds else next(iter(evaluation.folds))
    metrics = {
        "metric": trained.metric,
        "estimator": estimator,
        "chosen": trained.chosen or (estimator if estimator in tried else None),
        "folds": evaluation.folds,
        "holdout": evaluation.holdout,
        "importance": evaluation.importance,
        "rows": {"train": len(experiment.X_train), "holdout": len(experiment.X_test), "all": len(learnt.inputs)},
        "threshold": threshold,
        "left_out": learnt.left_out,
        "reading": [note.to_json() for note in learnt.notes],
        "failed": trained.failed,
        "tuned": trained.tuned,
        "compiled": compiled,
        "data": data,
        "kept_rows": training_rows,
        **sure.figures,
        **found.metrics,
    }

    def write(tag: str, folder: Path, pipeline_folder: Path) -> dict[str, Any]:
        packages = pipeline_engine.save(pipeline, pipeline_folder / store.PIPELINE)
        predictor = Predictor(tag, schema, _engine(graph, pipeline_folder / store.PIPELINE, schema), sure.interval)
        if graph is not None:
            (folder / store.GRAPH).write_bytes(graph)
        _write_json(folder / "schema.json", schema.to_json())
        if sure.interval:
            _write_json(folder / store.INTERVAL, sure.interval.to_json())
        with quiet(), _predicting():
            golden = predictor.golden()
        _write_json(folder / "golden.json", golden)
        _write_json(folder / "metrics.json", metrics)
        _write_json(folder / "profile.json", profile(learnt))
        _write_json(folder / "figures.json", found.plots)
        trained.leaderboard.to_csv(folder / "leaderboard.csv", index=False)
        _background(learnt, training_rows).to_csv(folder / "background.csv", index=False)
        for language, file in (("en", "card.md"), ("zh", "card.zh.md")):
            text = card.card(tag, schema, metrics, found.plots, trained.leaderboard, packages, language)
            (folder / file).write_text(text, encoding="utf-8")
        return {
            "target": schema.target.name,
            "metric": listed,
            "score": evaluation.folds[listed]["mean"],
            "data_sha256": data.get("sha256", ""),
            "packages": packages,
        }

    labels = {"task": schema.task, "estimator": estimator, "engine": "native" if graph is None else "onnx"}

    def check(models: Path, tag: str) -> None:
        progress("starting it once, as a server does …")
        smoke_test.check(models, tag, progress)

    return Saved(store.save(schema.name, write, labels, check), evaluation, threshold)


def _compile(
    pipeline: Any, learnt: InferredDataset, progress: Callable[[str], None]
) -> tuple[bytes | None, dict[str, Any]]:
    """The graph if there is one that answers as the pipeline does, and what the gate found, or why there is none."""
    progress("compiling …")
    try:
        with quiet():
            model, parity = compile_and_check(pipeline, learnt, progress)
    except CannotCompileError as exc:
        reason = " ".join(str(exc).split())
    except Exception as exc:  # a pipeline that surprises a converter can still be served by itself
        reason = f"the compiler failed ({type(exc).__name__}: {first_line(str(exc))})"
    else:
        progress(f"compiled: equal on {parity.rows:,} rows, {parity.seconds:.1f} s")
        return model.SerializeToString(), parity.to_json()
    with quiet(), _predicting():
        check_reading(pipeline, learnt)
    progress(f"not compiled, to be served by its pipeline: {reason}")
    return None, {"reason": reason}


def _engine(graph: bytes | None, pipeline: Path, schema: Schema) -> Engine:
    """What will serve, loaded from what is saved."""
    return pipeline_engine.NativeEngine.load(pipeline, schema) if graph is None else CompiledEngine(graph, schema)


@contextmanager
def _predicting() -> Iterator[None]:
    """Turns what PyCaret's steps raise, which is anything, into a `TrainingError`."""
    try:
        yield
    except SlipwayError:
        raise
    except Exception as exc:
        raise TrainingError(
            f"the model was fitted and cannot predict new rows ({type(exc).__name__}: {first_line(str(exc))}); "
            "one of PyCaret's steps does not handle this table: leave out options of `setup:`"
        ) from exc


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False), encoding="utf-8")


def _background(learnt: InferredDataset, training_rows: bool) -> pd.DataFrame:
    if training_rows:
        rows = learnt.inputs.sample(min(BACKGROUND_ROWS, len(learnt.inputs)), random_state=0)
    else:
        rows = pd.DataFrame(draw_records(learnt.schema, BACKGROUND_ROWS, seed=1))
    for field in learnt.schema.fields:
        if field.kind == "text" or "" in field.categories:
            # An empty cell of the file is then that text, and what is missing needs another.
            rows[field.name] = rows[field.name].where(rows[field.name].notna(), MISSING_TEXT)
    return rows


def _final(pipeline: Any) -> Any:
    """The estimator inside a pipeline and PyCaret's wrappers."""
    estimator = last_step(pipeline)
    for wrapped in ("regressor_", "classifier_"):
        estimator = getattr(estimator, wrapped, estimator)
    return estimator


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


def _original(experiment: Any) -> pd.DataFrame:
    """The experiment's table with the values that went in: PyCaret narrows numbers to float32."""

    def widened(column: pd.Series) -> pd.Series:
        column = numpy_column(column)
        if column.dtype == "float32":
            # The shortest text of a float32 is the number that was there: 33.6, not 33.599998.
            return column.map(lambda value: float(str(value)))
        if isinstance(column.dtype, pd.CategoricalDtype):
            return column.astype(object).where(column.notna(), None)
        return column

    table = experiment.dataset.reset_index(drop=True)
    return pd.DataFrame({name: widened(table[name]) for name in table.columns})


def _check_dates(experiment: Any, schema: Schema) -> None:
    """Refuse dates with gaps of which PyCaret's steps, asked for one record, do not make the columns of training."""
    whole = schema.columns([schema.defaults])
    for field in [field for field in schema.fields if field.kind == "date" and field.nullable]:
        gap = schema.columns([schema.defaults | {field.name: None}])
        with quiet(), _predicting():
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
        if pd.api.types.is_numeric_dtype(table[name]) or infer(table[name], FieldSpec()) == "date"
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
        return Trained(
            experiment, experiment.automl(optimize=metric), metric, _leaderboard(tried, METRICS["regression"])
        )
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
    return Trained(experiment, best, metric, board, chosen=type(best).__name__)


def _given(experiment: Any, model: Any, learnt: InferredDataset) -> Trained:
    """A model that somebody else chose, beside those that PyCaret has measured."""
    comparable = _comparable(learnt.schema)
    return Trained(experiment, model, comparable[0], _leaderboard(_pycaret.tried(experiment), comparable))


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
    lower_is_better = names[0] in (LOG_LOSS, "MAE", "MSE", "RMSE", "RMSLE", "MAPE")
    return board.sort_values(names[0], ascending=lower_is_better, kind="stable", ignore_index=True)


def _own_threshold(learnt: InferredDataset, model: Any, spec: TargetSpec) -> InferredDataset:
    """What was learnt, with the threshold of PyCaret's `probability_threshold=`, where the use case has none.

    PyCaret's is for the second class.
    """
    target = learnt.schema.target
    given = getattr(last_step(model), "probability_threshold", None)
    if given is None or spec.threshold is not None or len(target.classes) != 2:
        return learnt
    is_second = target.positive == sorted(target.classes)[-1]
    target = replace(target, threshold=float(given if is_second else 1 - given))
    return replace(learnt, schema=replace(learnt.schema, target=target))


def _task(experiment: Any) -> Any:
    return "regression" if type(experiment).__name__.startswith("Regression") else "classification"
