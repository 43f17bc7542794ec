"""From a trained model to a version in the store: the one place that knows the order of the steps."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from slipway import store
from slipway.compile import CannotCompileError, check_reading, compile_and_check
from slipway.errors import RecordsError, SlipwayError, TrainingError, first_line
from slipway.i18n.catalogues import languages
from slipway.inference import frames, pipeline_engine
from slipway.inference.decision import threshold_of
from slipway.inference.interval import Interval
from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.predictor import Predictor
from slipway.inference.shapley import Explainer
from slipway.inference.support import Support
from slipway.publish import card, provenance, smoke_test
from slipway.publish.promotion import Outcome, held_out_rows, settle
from slipway.schema.expected_errors import ExpectedErrors
from slipway.schema.figures import Dependence, Figures
from slipway.schema.metrics import (
    DataOrigin,
    Leaderboard,
    LeaderboardRow,
    Metrics,
    MonotoneCheck,
    Parity,
    ReadingNote,
    RowCounts,
    SupportMetrics,
    Unavailable,
)
from slipway.schema.profile import Profile
from slipway.schema.provenance import Provenance
from slipway.schema.report import TableReport
from slipway.schema.schema import Checked, Schema
from slipway.store import artifacts
from slipway.training._sklearn import rows_in_model
from slipway.training.background import BACKGROUND_ROWS, draw_background, thin
from slipway.training.dependence import partial_dependence
from slipway.training.diagnostics import Diagnostics, diagnose
from slipway.training.evaluation import Evaluation, evaluate
from slipway.training.expected_errors import expected_errors
from slipway.training.experiment import last_step
from slipway.training.monotone import check_monotone
from slipway.training.names import with_own_names
from slipway.training.profile import profile
from slipway.training.schema_inference import InferredDataset
from slipway.training.selection import Trained, quiet
from slipway.training.support import learn_support
from slipway.training.uncertainty import UncertaintyResult, estimate_uncertainty
from slipway.training.weak_groups import weak_groups

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Saved:
    """A saved version: its tag, how good it is, of two classes its threshold, and whether its name means it now."""

    tag: str
    evaluation: Evaluation
    threshold: float | None
    outcome: Outcome


@dataclass(frozen=True)
class _Content:
    """What goes into the version; `graph` is None where its pipeline serves it, `listed` the metric to list it by."""

    schema: Schema
    pipeline: Any
    graph: bytes | None
    interval: Interval | None
    support: Support
    metrics: Metrics
    figures: Figures
    profile: Profile
    errors: ExpectedErrors | None
    reading: TableReport | None
    leaderboard: Leaderboard
    usecase: Mapping[str, Any] | None
    provenance: Provenance
    background: Callable[[Predictor], pd.DataFrame]
    dependence: Callable[[Predictor], Dependence | None]
    listed: str


def save_version(
    trained: Trained,
    learnt: InferredDataset,
    data: DataOrigin,
    training_rows: bool = False,
    progress: Progress = lambda text: None,
    promote: bool = False,
    usecase: Mapping[str, Any] | None = None,
) -> Saved:
    """Evaluate and finalise the model, save it with all that is known of it, and serve it if it is good enough.

    With `promote` it is served in any case, see `slipway.publish.promotion`. `usecase` is kept for `slipway retrain`.

    Raises
    ------
    TrainingError, StoreError
        With what to do; nothing is saved then.
    """
    experiment, schema = trained.experiment, learnt.schema
    smoke_test.warm_up()
    progress("evaluating on folds and hold-out …")
    with quiet(), prediction_errors():
        evaluation = evaluate(experiment, trained.model, schema)
        pipeline = experiment.finalised(trained.model)
    estimator = type(final_estimator(pipeline)).__name__
    progress("errors out of fold …")
    with quiet():
        sure = estimate_uncertainty(experiment, trained.model, pipeline, schema)
    found = _diagnosed(sure, evaluation, schema)
    graph, compiled = _compile(sure.pipeline, learnt, progress)
    support, trust = learn_support(sure.held_out, schema, list(evaluation.importance), sure.interval, learnt.abstain)
    metrics = _metrics(trained, learnt, data, estimator, evaluation, sure, found, compiled, training_rows, trust)
    content = _Content(
        schema=schema,
        pipeline=sure.pipeline,
        graph=graph,
        interval=sure.interval and replace(sure.interval, weak=weak_groups(found.figures.groups, schema)),
        support=support,
        metrics=metrics,
        figures=found.figures,
        profile=profile(learnt),
        errors=_errors(sure, schema),
        reading=learnt.report,
        leaderboard=_leaderboard(trained.leaderboard),
        usecase=usecase,
        provenance=provenance.collect(),
        background=partial(background, learnt, evaluation.importance, training_rows),
        dependence=partial(partial_dependence, learnt, evaluation.importance),
        # A model without probabilities has no log loss to be listed by.
        listed=trained.metric if trained.metric in evaluation.folds else next(iter(evaluation.folds)),
    )

    def check(models: Path, tag: str) -> None:
        progress("starting it once, as a server does …")
        smoke_test.check(models, tag, progress)

    held_out = held_out_rows(experiment, evaluation, sure, schema)
    before = store.in_use(schema.name)
    tag = store.save(schema.name, partial(_write, content), check)
    return Saved(tag, evaluation, metrics.threshold, settle(tag, before, schema, held_out, content.listed, promote))


def _diagnosed(sure: UncertaintyResult, evaluation: Evaluation, schema: Schema) -> Diagnostics:
    return diagnose(
        sure.held_out or evaluation.unseen,
        schema,
        out_of_fold=sure.held_out is not None,
        covered=sure.covered,
        uncalibrated=sure.uncalibrated,
        first=list(evaluation.importance),
    )


def _errors(sure: UncertaintyResult, schema: Schema) -> ExpectedErrors | None:
    """Of numbers, the errors out of fold by prediction and inputs."""
    if schema.target.classes or sure.held_out is None:
        return None
    return expected_errors(sure.held_out, schema, sure.covered)


def _metrics(
    trained: Trained,
    learnt: InferredDataset,
    data: DataOrigin,
    estimator: str,
    evaluation: Evaluation,
    sure: UncertaintyResult,
    found: Diagnostics,
    compiled: Parity | Unavailable,
    training_rows: bool,
    trust: SupportMetrics | None,
) -> Metrics:
    experiment, tried = trained.experiment, list(trained.leaderboard["id"])
    return Metrics(
        metric=trained.metric,
        estimator=estimator,
        chosen=trained.chosen or (estimator if estimator in tried else None),
        folds=evaluation.folds,
        holdout=evaluation.holdout,
        importance=evaluation.importance,
        rows=RowCounts(len(experiment.X_train), len(experiment.X_test), len(learnt.inputs)),
        threshold=threshold_of(learnt.schema.target, evaluation.unseen.answers.probabilities is not None),
        left_out=learnt.left_out,
        reading=tuple(ReadingNote(note.kind, note.column, note.values) for note in learnt.notes),
        failed=trained.failed,
        skipped=trained.skipped,
        tuned=trained.tuned,
        compiled=compiled,
        data=data,
        training_rows_kept=training_rows,
        rows_in_model=rows_in_model(sure.pipeline),
        interval=sure.interval_metrics,
        calibration=sure.calibration,
        reliability=found.reliability,
        thresholds=found.thresholds,
        split=learnt.split.split if learnt.split else None,
        monotone=_monotone(sure.pipeline, learnt),
        support=trust,
    )


def _monotone(pipeline: Any, learnt: InferredDataset) -> tuple[MonotoneCheck, ...]:
    with quiet(), prediction_errors():
        return check_monotone(pipeline, learnt.schema, learnt.inputs)


def _write(content: _Content, tag: str, folder: Path, pipeline_folder: Path) -> store.Summary:
    """Put all files of the version into its two folders."""
    schema, metrics, graph = content.schema, content.metrics, content.graph
    packages = pipeline_engine.save(content.pipeline, pipeline_folder / store.PIPELINE)
    if graph is None:
        engine = pipeline_engine.NativeEngine.load(pipeline_folder / store.PIPELINE, schema)
        predictor = Predictor(tag, schema, engine, content.interval, content.support)
    else:
        (folder / store.GRAPH).write_bytes(graph)
        predictor = Predictor(tag, schema, CompiledEngine(graph, schema), content.interval, content.support)
    artifacts.SCHEMA.write(folder, schema)
    if content.interval:
        artifacts.INTERVAL.write(folder, content.interval)
    artifacts.SUPPORT.write(folder, content.support)
    with quiet(), prediction_errors():
        artifacts.GOLDEN.write(folder, predictor.golden())
        figures = replace(content.figures, dependence=content.dependence(predictor))
    artifacts.METRICS.write(folder, metrics)
    artifacts.PROFILE.write(folder, content.profile)
    if content.errors:
        artifacts.ERRORS.write(folder, content.errors)
    if content.reading:
        artifacts.READING.write(folder, content.reading)
    artifacts.FIGURES.write(folder, figures)
    if content.usecase:
        artifacts.write_usecase(folder, content.usecase)
    artifacts.PROVENANCE.write(folder, content.provenance)
    artifacts.write_leaderboard(folder, content.leaderboard)
    with quiet(), prediction_errors():
        store.write_background(folder, content.background(predictor), schema.fields)
    cards = {
        language: card.card(
            tag,
            schema,
            metrics,
            figures,
            content.leaderboard,
            packages,
            language,
            content.reading,
            content.provenance,
        )
        for language in languages()
    }
    artifacts.write_cards(folder, cards)
    return store.Summary(
        task=schema.task,
        estimator=metrics.estimator,
        engine="native" if graph is None else "onnx",
        target=schema.target.name,
        metric=content.listed,
        score=metrics.folds[content.listed].mean,
        packages=packages,
        data_sha256=metrics.data.sha256,
    )


def _compile(pipeline: Any, learnt: InferredDataset, progress: Progress) -> tuple[bytes | None, Parity | Unavailable]:
    """The graph if there is one that answers as the pipeline does, and what the gate found, or why there is none."""
    progress("compiling …")
    try:
        with quiet():
            model, parity = compile_and_check(pipeline, learnt, progress)
    except CannotCompileError as exc:
        reason = with_own_names(" ".join(str(exc).split()), learnt.schema)
    except Exception as exc:  # a pipeline that surprises a converter can still be served by itself
        reason = f"the compiler failed ({type(exc).__name__}: {with_own_names(first_line(str(exc)), learnt.schema)})"
    else:
        progress(f"compiled: equal on {parity.rows:,} rows, {parity.seconds:.1f} s")
        return model.SerializeToString(), parity
    with quiet(), prediction_errors():
        check_reading(pipeline, learnt)
    progress(f"not compiled, to be served by its pipeline: {reason}")
    return None, Unavailable(reason)


@contextmanager
def prediction_errors() -> Iterator[None]:
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


def _leaderboard(board: pd.DataFrame) -> Leaderboard:
    """The comparison's table; PyCaret leaves NaN where a model has no such metric."""
    metrics = [name for name in board.columns if name not in ("id", "model", "seconds")]
    return tuple(
        LeaderboardRow(
            id=str(row["id"]),
            model=str(row["model"]),
            scores={name: None if pd.isna(row[name]) else float(row[name]) for name in metrics},
            seconds=float(row["seconds"]) if "seconds" in board.columns else None,
        )
        for _, row in board.iterrows()
    )


def background(
    learnt: InferredDataset, importance: dict[str, float], training_rows: bool, predictor: Predictor
) -> pd.DataFrame:
    """The rows that explanations compare a record with, of shape (at most 64, n_fields).

    They are of training, or else drawn; of the latter there are fewer where trees have so many leaves that 64 would take too long.
    """
    if training_rows:
        return learnt.inputs.sample(min(BACKGROUND_ROWS, len(learnt.inputs)), random_state=0)
    pool = draw_background(learnt, importance)
    times = [field.name for field in learnt.schema.fields if field.kind == "time"]
    columns = learnt.schema.columns(frames.records(pool, times))
    try:
        answers = predictor.predict_arrays(Checked(columns, [[] for _ in range(len(pool))]))
    except RecordsError:
        answers = None
    explainer = Explainer(predictor, {name: column[:1] for name, column in columns.items()})
    return thin(pool, learnt, importance, answers, explainer.rows_in_time(BACKGROUND_ROWS))


def final_estimator(pipeline: Any) -> Any:
    """The estimator inside a pipeline and wrappers, such as PyCaret's or one that transforms the target."""
    estimator = last_step(pipeline)
    for wrapped in ("regressor_", "classifier_", "best_estimator_"):
        estimator = last_step(getattr(estimator, wrapped, estimator))
    return estimator
