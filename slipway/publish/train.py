"""From a use case to a version in the store, step by step, and what is said of each on standard output."""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slipway.errors import TrainingError, UseCaseError
from slipway.i18n.formats import figure
from slipway.publish import reading, smoke_test
from slipway.schema.metrics import DataOrigin, ExclusionReason
from slipway.schema.report import kept
from slipway.schema.types import Kind
from slipway.scoring.engines import LOCAL, Cluster
from slipway.store import in_use
from slipway.store.artifacts import to_json
from slipway.tables import readers
from slipway.tables.notes import Reading
from slipway.training import cost
from slipway.training.comparison import Runner, here
from slipway.training.profile import with_leaks
from slipway.training.report import report
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.usecase import FieldSpec, UseCase

KIND_OPTIONS: dict[str, Kind] = {
    "numeric_features": "number",
    "categorical_features": "category",
    "date_features": "date",
    "text_features": "text",
}


def check_python() -> None:
    """Refuse a Python on which PyCaret fits wrong models.

    Raises
    ------
    TrainingError
        From 3.13 on: PyCaret 3.5.0 needs pandas 2.2 or later there, whose outer joins sort by index, and puts its
        inputs into another order than its target.
    """
    if sys.version_info >= (3, 13):
        version = ".".join(map(str, sys.version_info[:2]))
        raise TrainingError(
            f"Python {version} can serve models and cannot train them: PyCaret 3.5.0 needs pandas 2.2 or later there, with "
            "which it fits the inputs of one row to the target of another, without a word; train with Python 3.11 or 3.12"
        )


def from_setup(case: UseCase) -> UseCase:
    """What PyCaret's `setup:` says of columns, folds and seed, as the use case's own words.

    So that the schema knows it too: a number that PyCaret is told to take as a category is a
    category on the page and in the API.
    """
    setup = dict(case.setup)
    ignore = (*case.ignore, *(setup.pop("ignore_features", None) or ()))
    fields = dict(case.fields)
    for option, kind in KIND_OPTIONS.items():
        for name in setup.pop(option, None) or ():
            fields[name] = replace(fields.get(name, FieldSpec()), kind=kind)
    training = replace(
        case.training,
        folds=setup.pop("fold", case.training.folds),
        seed=setup.pop("session_id", case.training.seed),
    )
    return replace(case, setup=setup, fields=fields, ignore=ignore, training=training)


def fit(case: UseCase, promote: bool = False, runner: Runner | None = None) -> str:
    """Train as the use case says, report on standard output, and give the saved version's tag.

    With `promote` the version is served whatever it is worth. `runner` tries the estimators; without one it is this process, or several
    of this machine where that takes long.
    """
    check_python()
    if case.training.minutes and runner not in (None, here):
        raise UseCaseError(
            f"{case.training.minutes:g} minutes",
            "one process keeps to them, and several try all estimators at once; leave out `minutes`, or `--engine` and `--workers`",
        )
    in_use(case.name)  # a damaged history is no news for after the training
    started = time.monotonic()
    case = from_setup(case)
    table, learnt, dropped = prepare(case)
    schema, rows = learnt.schema, len(learnt.inputs)
    expected = cost.expected_cost(case, rows, len(schema.fields), len(schema.target.classes))
    if line := cost.warning(expected, rows):
        progress(line)
    progress("importing PyCaret …")
    smoke_test.warm_up()
    # Only now: it takes seconds, and a wrong file name should not.
    from slipway.training.selection import experiment_class, train

    experiment_class(schema.task)  # refuses another PyCaret before anything else imports it
    from slipway.publish.version import save_version

    trained = train(case, learnt, progress, None if case.training.minutes else runner or _processes(expected))
    progress("")
    if trained.failed:
        progress(
            f"{len(trained.failed)} of {len(trained.failed) + len(trained.leaderboard)} estimators could not be fitted, see above"
        )
    if trained.skipped:
        progress(f"skipped, since there were {case.training.minutes:g} minutes: {', '.join(trained.skipped)}")
    progress(trained.leaderboard.to_string(index=False, float_format=figure))
    whole, limit = len(table.frame) - dropped, case.training.limit_rows
    origin = DataOrigin(table.source, table.sha256, dropped, whole if limit and limit < whole else None)
    saved = save_version(
        trained, learnt, origin, case.training.keep_rows, progress, promote, usecase=_kept(case, learnt)
    )
    progress("")
    progress(f"{'':10} {'folds':>12} {'SD':>12} {'hold-out':>12}")
    for name, fold in saved.evaluation.folds.items():
        progress(
            f"{name:10} {figure(fold.mean):>12} {figure(fold.sd):>12} {figure(saved.evaluation.holdout[name]):>12}"
        )
    if saved.threshold is not None:
        positive = learnt.schema.target.positive
        progress(f"classes are named at the threshold {saved.threshold:g}: {positive!r} from that probability on")
    progress("")
    progress(f"chosen by {trained.metric}; {time.monotonic() - started:.0f} s in all")
    for line in saved.outcome.lines:
        progress(line)
    progress(f"saved {saved.tag}")
    return saved.tag


def _processes(expected: cost.Cost) -> Runner:
    """This process, or several where comparing takes long."""
    from joblib import cpu_count  # which knows the limit of a container

    from slipway.publish.engines import on

    count = cost.processes(expected, cpu_count())
    if count == 1:
        return here
    progress(f"comparing estimators in {count} processes")
    return on(Cluster(LOCAL, workers=count))


def _kept(case: UseCase, learnt: InferredDataset) -> dict[str, Any]:
    """What a version keeps of its use case, as JSON: without the place of its table, and with the kinds that were inferred."""
    fields, missing = {}, dict(case.missing)
    for item in learnt.schema.fields:
        spec = case.fields.get(item.name, FieldSpec())
        fields[item.name] = replace(spec, kind=item.kind, format=spec.format or item.format)
        if item.missing:
            missing.setdefault(item.name, item.missing)
    out = {name for name, left in learnt.left_out.items() if left.reason is not ExclusionReason.GROUPS}
    known = {name: marks for name, marks in missing.items() if name not in out}
    found: dict[str, Any] = to_json(
        replace(case, data=None, task=learnt.schema.task, fields=fields, missing=known, ignore=())
    )
    return found


def read(
    case: UseCase, *, inputs_needed: bool = True, sample: bool = False, told: Callable[[str], None] | None = None
) -> tuple[readers.Table, InferredDataset, int]:
    """The table that a use case names, what is learnt from it, and the rows dropped for lack of a target."""
    if case.data is None:
        raise UseCaseError(f"use case {case.name}", "has no `data:`; name the table there, or with --data FILE")
    table = readers.read_table(case.data, case.reading, sample, told)
    target = case.target.column
    rows, dropped = readers.drop_missing_targets(table, target, case.missing.get(target, ()))
    if case.training.limit_rows and case.training.limit_rows < len(rows):
        rows = rows.sample(case.training.limit_rows, random_state=case.training.seed).reset_index(drop=True)
    learnt = infer_dataset(rows, case, table.source, reading=table.reading, inputs_needed=inputs_needed)
    return table, with_leaks(learnt), dropped


def rows_read(table: readers.Table) -> str:
    """How many rows a table has, and if it is the beginning of a larger one, how to have all of it read."""
    rows = f"{len(table.frame):,} rows"
    if table.share is None:
        return f"the first {rows} (`--all` reads every one)"
    if table.share == 1:
        return rows
    size = len(table.frame) / table.share
    about = f"{size / 1e6:.1f} million" if size >= 1e6 else f"{round(size, -3):,.0f}"
    return f"the first {rows} of about {about} (`--all` reads every one)"


def prepare(
    case: UseCase, *, sample: bool = False, told: Callable[[str], None] | None = None
) -> tuple[readers.Table, InferredDataset, int]:
    """As `read`; says on standard output what was read and decided, and to `told` how far the reading is."""
    table, learnt, dropped = read(case, sample=sample, told=told or progress)
    found = report(table, learnt, case)
    progress(
        f"{case.name}: {rows_read(table)} from {table.source}"
        + (f", {dropped:,} without target dropped" if dropped else "")
    )
    inferred = "" if case.task else f" (inferred from {learnt.target.nunique():,} different values; --task overrides)"
    positive = learnt.schema.target.positive
    sides = (
        f"; positive is {positive!r} (`positive:` in a use case changes it)"
        if len(learnt.schema.target.classes) == 2
        else ""
    )
    progress(f"task: {learnt.schema.task} of {case.target.column!r}{inferred}{sides}")
    for line in reading.lines(found, learnt.notes):
        progress(line)
    # The file's cells were for telling lines; training needs the memory.
    return replace(table, reading=Reading()), replace(learnt, report=kept(found)), dropped


def progress(text: str) -> None:
    print(text, flush=True)
