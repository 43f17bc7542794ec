"""Learns a schema from a training table: which columns are inputs, of which kind, how wide.

What the table says, the use case can override. Columns that no person could fill in, or
that tell the model nothing, are left out and named with the reason.
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from slipway.errors import DataError, UseCaseError, nearest
from slipway.i18n import sentences
from slipway.inference.support import Abstention
from slipway.schema.fields import Field
from slipway.schema.metrics import ExclusionReason, LeftOut
from slipway.schema.report import TableReport
from slipway.schema.schema import Schema, Target
from slipway.schema.types import Kind, Task
from slipway.tables.notes import Note, Reading, kind_option
from slipway.tables.numbers import NumberFormat
from slipway.tables.readers import numpy_column
from slipway.tables.reading import mask_sentinels
from slipway.training import classes, codes, decision, exclusion, kinds, temporal
from slipway.training.field_inference import decimals_of, infer_field, sort_key, with_matching_defaults
from slipway.training.kinds import python_value
from slipway.training.labels import readable, with_distinct_labels
from slipway.training.names import check_fitted_names, safe_names
from slipway.training.splits import SplitPlan, plan_split, rows_with_value
from slipway.training.texts import model_texts
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase

UNREADABLE = re.compile(r"[\x00-\x08\x0e-\x1f\ud800-\udfff]")
"""What neither a CSV file nor a graph can have in a name."""


@dataclass(frozen=True)
class InferredDataset:
    """A schema, the typed inputs and target it describes, and why other columns are not in it.

    `frame` has the same rows as the frame had them on which the pipeline was fitted, where that
    was not `inputs`: with the times of day, dtypes and missing values of a notebook's own frame.
    `notes` say what was decided in reading and learning, `report` how each column was read, as it is kept with the
    version; `folds` are those that the rows allow. `abstain` says when a person is to be asked.
    """

    schema: Schema
    inputs: pd.DataFrame
    target: pd.Series
    left_out: dict[str, LeftOut]
    frame: pd.DataFrame | None = None
    notes: tuple[Note, ...] = ()
    folds: int | None = None
    split: SplitPlan | None = None
    report: TableReport | None = None
    abstain: Abstention = Abstention()

    @property
    def fitted_on(self) -> pd.DataFrame:
        """The rows as the pipeline saw them, of shape (n_rows, n_fields)."""
        return (self.inputs if self.frame is None else self.frame)[self.schema.names]


def infer_dataset(
    table: pd.DataFrame,
    usecase: UseCase,
    source: str,
    keep: Iterable[str] = (),
    reading: Reading | None = None,
    *,
    inputs_needed: bool = True,
) -> InferredDataset:
    """The schema of a table's columns for predicting `usecase.target`.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        As read: numbers, booleans, dates or text; every row has a target.
    usecase : UseCase
        Overrides what is inferred.
    source : str
        Where the table came from, for messages.
    keep : iterable of str, optional
        Columns that stay whatever they look like, because a fitted pipeline needs them. All rows stay then.
    reading : Reading, optional
        How a text table was read.
    inputs_needed : bool, default=True
        Whether a table without any input is refused; a report has reasons to give even then.

    Returns
    -------
    InferredDataset

    Raises
    ------
    DataError
        If no input is left, dates can be read in two ways, or fewer than two classes have enough rows.
    UseCaseError
        If the use case names columns that do not exist, or impossible kinds.
    """
    _check_columns_named(table, usecase)
    reading, keep = reading or Reading(), list(keep)
    notes = list(reading.notes)
    task = usecase.task or infer_task(table[usecase.target.column])
    if task == "classification":
        classes.check_classes(table[usecase.target.column], usecase, source, reading)
    table, folds, added = _rows(table, usecase, task, source, bool(keep))
    notes += added
    inputs, fields, left_out, decided = _inputs(table, usecase, source, keep, reading)
    notes += decided
    if inputs_needed and not fields:
        raise _no_inputs(left_out, reading, source)
    _check_names([usecase.target.column, *inputs], source)
    if keep:
        check_fitted_names([usecase.target.column, *inputs], source)
    else:
        inside = safe_names(inputs, usecase.target.column)
        fields = [replace(field, column=inside.get(field.name)) for field in fields]
    target, answers = _target(table[usecase.target.column], task, usecase, source, reading)
    schema = Schema(usecase.name, task, tuple(fields), target, model_texts(usecase, target, fields))
    rules = decision.abstention(usecase, len(target.classes))
    learnt = InferredDataset(schema, pd.DataFrame(inputs), answers, left_out, None, tuple(notes), folds, abstain=rules)
    return learnt if keep or not fields else _with_split(learnt, table, usecase, source)


def _with_split(learnt: InferredDataset, table: pd.DataFrame, usecase: UseCase, source: str) -> InferredDataset:
    """The dataset with the way in which its rows are split, unless at random."""
    time = None
    if usecase.time:
        time = learnt.inputs.get(usecase.time, numpy_column(table[usecase.time]))
        if not pd.api.types.is_numeric_dtype(time) and not pd.api.types.is_datetime64_any_dtype(time):
            spec = usecase.fields.get(usecase.time, FieldSpec())
            time, _ = kinds.cast(usecase.time, time, "date", spec, source)
    plan, notes = plan_split(
        learnt.inputs,
        learnt.target,
        learnt.schema.task,
        groups=numpy_column(table[usecase.groups]) if usecase.groups else None,
        time=time,
        setup=usecase.setup,
        folds=learnt.folds or usecase.training.folds,
        seed=usecase.training.seed,
        source=source,
    )
    return replace(learnt, split=plan, notes=(*learnt.notes, *notes), folds=plan.folds if plan else learnt.folds)


def _rows(
    table: pd.DataFrame, usecase: UseCase, task: Task, source: str, fixed: bool
) -> tuple[pd.DataFrame, int, list[Note]]:
    """The rows to learn from and the folds that they allow; `fixed` rows are those of a fitted experiment."""
    folds = usecase.training.folds
    notes: list[Note] = []
    if (named := usecase.groups or usecase.time) and not fixed:
        table, notes = rows_with_value(table, named, usecase.missing.get(named, ()), source)
    if task == "classification":
        table, folds, added = classes.enough_rows(table, usecase, source, fixed)
        notes = notes + added
    if not fixed:
        folds, added = classes.folds_for_rows(len(table), folds, usecase.target.column)
        notes = notes + added
    return table, folds, notes


def _no_inputs(left_out: dict[str, LeftOut], reading: Reading, source: str) -> DataError:
    hints = {note.column: f" ({note.hint})" for note in reading.notes if note.hint}
    reasons = "; ".join(
        f"{name!r} {sentences.left_out(why, 'en')}{hints.get(name, '')}" for name, why in left_out.items()
    )
    return DataError(source, f"has no column to predict from: {reasons}")


def _inputs(
    table: pd.DataFrame, usecase: UseCase, source: str, keep: list[str], reading: Reading
) -> tuple[dict[str, pd.Series], list[Field], dict[str, LeftOut], list[Note]]:
    """The columns that are inputs, their fields, why others are left out, and what was decided."""
    inputs: dict[str, pd.Series] = {}
    fields: list[Field] = []
    left_out: dict[str, LeftOut] = {}
    notes: list[Note] = []
    for name in table.columns.drop(usecase.target.column):
        spec = usecase.fields.get(name, FieldSpec())
        missing = usecase.missing.get(name, ())
        column = mask_sentinels(numpy_column(table[name]), missing)
        kind, reason, found = _use(name, column, spec, keep, usecase.ignore, name == usecase.groups)
        if reason or kind is None:
            left_out[name] = reason or LeftOut(ExclusionReason.EMPTY)
            continue
        notes += found
        inputs[name], format = kinds.cast(name, column, kind, spec, source)
        missing = (*missing, *(cell for cell in reading.missing.get(name, ()) if cell not in map(str, missing)))
        field = infer_field(name, inputs[name], kind, spec, missing, format, source)
        fields.append(_written(field, reading))
        notes += _decided(name, column, kind, spec, source, reading)
    return inputs, with_distinct_labels(with_matching_defaults(fields, inputs)), left_out, notes


def _written(field: Field, reading: Reading) -> Field:
    """The field with how its numbers are written, where that is not plain in every cell."""
    format = reading.numbers.get(field.name)
    if format is None or field.kind not in ("number", "integer"):
        return field
    own = _own_unit(format) if field.unit is None else {}
    return replace(field, decimal=format.decimal, number_unit=format.unit, **own)


def _own_unit(format: NumberFormat | None) -> dict[str, Any]:
    """The unit that a column's numbers have, and its place, for a use case that names none."""
    return {"unit": {"en": format.unit}, "unit_place": format.place} if format and format.unit else {}


def _use(
    name: str, column: pd.Series, spec: FieldSpec, keep: Sequence[str], ignore: Sequence[str], grouping: bool
) -> tuple[Kind | None, LeftOut | None, list[Note]]:
    """The kind of an input or why it is left out, and a note if its whole numbers are taken for codes."""
    if name in ignore:
        return None, LeftOut(ExclusionReason.IGNORED), []
    if grouping and spec.kind is None:
        return None, LeftOut(ExclusionReason.GROUPS), []
    if name in keep:
        return spec.kind or kinds.infer(column, spec), None, []
    if left := exclusion.without_information(column, spec.kind is not None):
        return None, left, []
    if spec.kind:
        return spec.kind, None, []
    kind, notes = kinds.infer(column, spec), []
    if kind == "integer" and (why := codes.evidence(name, column.dropna())):
        kind = "category"
        asked = shlex.quote(f"{name}=number")
        hint = f"if they count or measure something, type `--kind {asked}` (in a use case: `fields: {{{name}: {{kind: number}}}}`)"
        notes = [Note(f"codes_by_{why}", name, {"different": int(column.nunique())}, hint)]
    return kind, exclusion.without_meaning(name, column, kind), notes


def infer_inputs(
    table: pd.DataFrame, usecase: UseCase, source: str, keep: Iterable[str] = (), reading: Reading | None = None
) -> InferredDataset:
    """What `infer_dataset` says of the inputs, where no column is the target: the dataset's own is made up."""
    target = "target"
    while target in table.columns:
        target += "_"
    rows = pd.concat([table, pd.Series(np.linspace(0.0, 1.0, len(table)), name=target)], axis=1)
    case = replace(usecase, target=TargetSpec(target), task="regression")
    learnt = infer_dataset(rows, case, source, keep, reading, inputs_needed=False)
    return replace(learnt, notes=tuple(note for note in learnt.notes if note.column != target))


def _decided(name: str, column: pd.Series, kind: Kind, spec: FieldSpec, source: str, reading: Reading) -> list[Note]:
    """What was decided in taking a column for its kind."""
    present = column.dropna()
    if kind in ("date", "datetime"):
        return temporal.notes(name, present, kind, spec, source, reading)
    if kind == "category" and spec.kind is None and kinds.beyond_doubles(present):
        first = present[present.abs() > 2**53].iloc[0]
        hint = f"first {first}; if these are numbers, {kind_option(name, 'number')}"
        return [Note("long_codes", name, {"cells": [str(first)]}, hint)]
    return []


def infer_task(target: pd.Series) -> Task:
    """Regression for numbers with many different values, classification for everything else."""
    if pd.api.types.is_bool_dtype(target) or not pd.api.types.is_numeric_dtype(target):
        return "classification"
    values = target.dropna().drop_duplicates()
    few = len(values) <= kinds.CLASS_LIMIT
    return "classification" if few and np.isfinite(values).all() and kinds.is_whole(values) else "regression"


def _check_columns_named(table: pd.DataFrame, usecase: UseCase) -> None:
    if usecase.groups and usecase.time:
        problem = (
            "`groups` and `time` both say how rows are split, which no folds can do at once; leave one of them out"
        )
        raise UseCaseError(f"use case {usecase.name}", problem)
    inputs = list(table.columns.drop(usecase.target.column))
    splits = [(part, [name]) for part in ("groups", "time") if (name := getattr(usecase, part))]
    named = [
        *splits,
        ("fields", list(usecase.fields)),
        ("missing", list(usecase.missing)),
        ("ignore", list(usecase.ignore)),
    ]
    for part, names in named:
        for name in names:
            if name not in inputs:
                if part == "missing" and name == usecase.target.column:
                    continue
                what = "the target" if name == usecase.target.column else "no input column"
                problem = f"`{part}` names {name!r}, which is {what}{nearest(name, inputs)}"
                raise UseCaseError(f"use case {usecase.name}", problem)


def _check_names(names: list[str], source: str) -> None:
    for name in names:
        if name != name.strip() or UNREADABLE.search(name):
            problem = (
                "begins or ends with a space" if name != name.strip() else "has a character that is not valid text"
            )
            raise DataError(source, f"the column name {name!r} {problem}; rename it")


def _target(column: pd.Series, task: Task, usecase: UseCase, source: str, reading: Reading) -> tuple[Target, pd.Series]:
    spec = usecase.target
    written = reading.numbers.get(spec.column) if task == "regression" else None
    common: dict[str, Any] = {
        "name": spec.column,
        "label": spec.label or {"en": readable(spec.column)},
        "class_labels": spec.classes,
        **({"unit": spec.unit} if spec.unit else _own_unit(written)),
        **({"decimal": written.decimal} if written else {}),
    }
    count = column.nunique() if task == "classification" else 0
    decision.check(spec, count, usecase)
    if count > 2 and (expected := [name for name, field in usecase.fields.items() if field.monotone]):
        problem = (
            f"`monotone` of {expected[0]!r} is for numbers and two classes; the target {spec.column!r} has {count}"
        )
        raise UseCaseError(f"use case {usecase.name}", f"{problem}: leave it out")
    if task == "regression":
        numbers = classes.check_numbers(column, source, reading)
        decimals = spec.decimals if spec.decimals is not None else min(decimals_of(numbers), 2)
        return Target(
            **common, minimum=spec.minimum, maximum=spec.maximum, decimals=decimals, std=float(numbers.std())
        ), numbers
    pair = kinds.yes_no(column)
    values = tuple(python_value(value) for value in pair or sorted(column.unique(), key=sort_key))
    wanted = values[-1] if spec.positive is None else spec.positive
    positive = next((value for value in values if value == wanted or str(value) == str(wanted)), None)
    if positive is None:
        raise UseCaseError(
            f"use case {usecase.name}", f"`positive` is {wanted!r}, the target's classes are {list(values)}"
        )
    whole = pd.api.types.is_float_dtype(column) and kinds.is_whole(column)
    costs = decision.costs(spec, values, positive, usecase)
    threshold = decision.threshold(spec) if len(values) == 2 else None
    target = Target(**common, classes=values, positive=positive, threshold=threshold, costs=costs)
    return target, column.astype("int64") if whole else column
