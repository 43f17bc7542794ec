"""Learns a schema from a training table: which columns are inputs, of which kind, how wide.

What the table says, the use case can override. Columns that no person could fill in, or
that tell the model nothing, are left out and named with the reason.
"""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from slipway.errors import DataError, UseCaseError, nearest
from slipway.schema import Field, Schema, Target
from slipway.usecase import FieldSpec, Kind, Task, Text, UseCase

YES_NO = [("no", "yes"), ("n", "y"), ("false", "true"), ("f", "t"), ("0", "1"), ("否", "是")]
DATE_FORMATS = ("ISO8601", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d")
IDENTIFIER = re.compile(r"(^|[\W_])(id|uuid|guid|index|key|no|nr|number|rownames|unnamed.*)$", re.I)
CLASS_LIMIT = 10
"""A whole-number target with at most so many different values is a class."""
CATEGORY_LIMIT = 100
"""A text column with more different values than this is free text to us."""
REACH = 1000
"""How many times its range or size in training a number may lie outside that range before it
is refused, where the use case gives no bounds: far enough for any real value, near enough for
the pipeline's float32 to hold it."""


@dataclass(frozen=True)
class Learnt:
    """A schema, the typed inputs and target it describes, and why other columns are not in it."""

    schema: Schema
    inputs: pd.DataFrame
    target: pd.Series
    left_out: dict[str, str]


def learn(table: pd.DataFrame, usecase: UseCase, source: str, keep: Iterable[str] = ()) -> Learnt:
    """The schema of a table's columns for predicting `usecase.target`.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
        As read: numbers, booleans, dates or text; every row has a target.
    source : str
        Where the table came from, for errors.
    keep : names
        Columns that stay whatever they look like: a fitted pipeline needs them.

    Raises
    ------
    DataError
        If no input is left, or a class has fewer rows than there are folds.
    UseCaseError
        If the use case speaks of columns that are not there, or of impossible kinds.
    """
    _check_columns_named(table, usecase)
    inputs: dict[str, pd.Series] = {}
    fields: list[Field] = []
    left_out: dict[str, str] = {}
    for name in table.columns.drop(usecase.target.column):
        spec = usecase.fields.get(name, FieldSpec())
        column = _without_missing_values(table[name], usecase.missing.get(name, ()))
        reason = "the use case ignores it" if name in usecase.ignore else None
        reason = reason or (None if name in keep else _why_not(name, column, spec))
        if reason:
            left_out[name] = reason
            continue
        kind = spec.kind or _kind(column, spec)
        inputs[name] = _typed(name, column, kind, spec, source)
        fields.append(_field(name, inputs[name], kind, spec, usecase.missing.get(name, ()), column))
    if not fields:
        reasons = "; ".join(f"{name!r} {reason}" for name, reason in left_out.items())
        raise DataError(source, f"has no column to predict from: {reasons}")
    _check_names(fields, source)
    task = usecase.task or infer_task(table[usecase.target.column])
    target, answers = _target(table[usecase.target.column], task, usecase, source)
    schema = Schema(usecase.name, task, tuple(fields), target, _texts(usecase, target, fields))
    return Learnt(schema, pd.DataFrame(inputs), answers, left_out)


def infer_task(target: pd.Series) -> Task:
    """Regression for numbers with many different values, classification for all else."""
    if pd.api.types.is_bool_dtype(target) or not pd.api.types.is_numeric_dtype(target):
        return "classification"
    values = target.dropna().unique()
    whole = bool(np.all(np.mod(values, 1) == 0))
    return "classification" if whole and len(values) <= CLASS_LIMIT else "regression"


def _check_columns_named(table: pd.DataFrame, usecase: UseCase) -> None:
    inputs = list(table.columns.drop(usecase.target.column))
    named = [("fields", list(usecase.fields)), ("missing", list(usecase.missing)), ("ignore", list(usecase.ignore))]
    for part, names in named:
        for name in names:
            if name not in inputs:
                problem = f"`{part}` names {name!r}, which is no input column{nearest(name, inputs)}"
                raise UseCaseError(f"use case {usecase.name}", problem)


def _check_names(fields: list[Field], source: str) -> None:
    # PyCaret strips these from column names, and then two columns may share one.
    cleaned: dict[str, str] = {}
    for field in fields:
        clean = re.sub(r"[\]\[,{}\":]+", "", field.name)
        if clean in cleaned or not clean:
            other = f" and {cleaned[clean]!r} differ only in" if clean in cleaned else " has nothing but"
            raise DataError(
                source, f"{field.name!r}{other} brackets, commas, quotes or colons, which PyCaret drops; rename it"
            )
        cleaned[clean] = field.name


def _without_missing_values(column: pd.Series, missing: tuple[Any, ...]) -> pd.Series:
    return column.mask(column.isin(missing)) if missing else column


def _why_not(name: str, column: pd.Series, spec: FieldSpec) -> str | None:
    present = column.dropna()
    different = present.nunique()
    if different == 0:
        return "has no value at all"
    if different == 1:
        return f"is {present.iloc[0]!r} in every row"
    if spec.kind is not None:
        return None
    if pd.api.types.is_integer_dtype(present) and different == len(column) > CLASS_LIMIT:
        steps = present.diff().dropna()
        if IDENTIFIER.search(name) or steps.nunique() == 1:
            return "is an identifier: different in every row"
    if present.dtype == object and _dates(present, spec) is None:
        if different == len(present) > CLASS_LIMIT:
            return "is an identifier or free text: different in every row"
        if different > max(CATEGORY_LIMIT, len(column) // 20):
            return f"is free text: {different:,} different values"
    return None


def _kind(column: pd.Series, spec: FieldSpec) -> Kind:
    present = column.dropna()
    if _yes_no(present):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(present):
        return "date"
    if pd.api.types.is_numeric_dtype(present):
        return "integer" if bool(np.all(np.mod(present, 1) == 0)) else "number"
    return "date" if _dates(present, spec) is not None else "category"


def _yes_no(present: pd.Series) -> tuple[Any, Any] | None:
    """The two values of a yes/no column, the negative one first."""
    values = list(present.unique())
    if len(values) != 2:
        return None
    texts = {_as_text(value).lower(): value for value in values}
    return next(((texts[no], texts[yes]) for no, yes in YES_NO if {no, yes} == set(texts)), None)


def _as_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _dates(present: pd.Series, spec: FieldSpec) -> pd.Series | None:
    """The column as dates, if every value is one in a single format."""
    if pd.api.types.is_datetime64_any_dtype(present):
        return present
    texts = present.astype(str).str.strip()
    if spec.format is None and not texts.str.contains(r"^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}").all():
        return None
    for format in (spec.format,) if spec.format else DATE_FORMATS:
        dates = pd.to_datetime(texts, format=format, errors="coerce")
        if dates.notna().all():
            return dates.dt.tz_localize(None)
    return None


def _typed(name: str, column: pd.Series, kind: Kind, spec: FieldSpec, source: str) -> pd.Series:
    """The column as PyCaret is given it: the dtype is what serving will give the pipeline."""
    present = column.dropna()
    if kind == "date":
        dates = _dates(present, spec)
        if dates is None:
            raise DataError(
                source, f"{name!r} cannot be read as dates; give their `format:` in the use case, as in '%d/%m/%Y'"
            )
        return dates.reindex(column.index).astype("datetime64[ns]")
    if kind in ("number", "integer"):
        numbers = pd.to_numeric(column, errors="coerce")
        wrong = present[numbers[present.index].isna()]
        if len(wrong):
            raise DataError(
                source, f"{name!r} holds {wrong.iloc[0]!r}, which is no number; use another kind, or `missing:`"
            )
        if not np.isfinite(numbers.dropna()).all():
            raise DataError(source, f"{name!r} holds an infinite number; remove it, or name it in `missing:`")
        whole = kind == "integer" and numbers.notna().all()
        if kind == "integer" and not bool(np.all(np.mod(numbers.dropna(), 1) == 0)):
            raise DataError(
                source,
                f"{name!r} holds {numbers.dropna()[np.mod(numbers.dropna(), 1) != 0].iloc[0]!r}, which is no whole number",
            )
        return numbers.astype("int64" if whole else "float64")
    # Classes stay as they stand in the table; only the width of a number is ours to choose.
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return column
    return column.astype("int64" if pd.api.types.is_integer_dtype(column) else "float64")


def _field(name: str, typed: pd.Series, kind: Kind, spec: FieldSpec, missing: tuple[Any, ...], raw: pd.Series) -> Field:
    present = typed.dropna()
    common: dict[str, Any] = {
        "name": name,
        "kind": kind,
        "dtype": str(typed.dtype),
        "label": spec.label or {"en": name},
        "nullable": bool(typed.isna().any()),
        "unit": spec.unit,
        "help": spec.help,
        "missing": tuple(missing),
        "category_labels": spec.categories,
    }
    if kind in ("boolean", "category"):
        pair = _yes_no(raw.dropna()) if kind == "boolean" else None
        values = [_plain(value) for value in pair or sorted(raw.dropna().unique(), key=_sort_key)]
        default = _plain(raw.dropna().mode().iloc[0])
        return Field(**common, categories=tuple(values), default=default)
    if kind == "text":
        return Field(**common, default="")
    if kind == "date":
        low, high = present.min().date().isoformat(), present.max().date().isoformat()
        return Field(**common, low=low, high=high, default=present.quantile(0.5, "lower").date().isoformat())
    low, high = float(present.min()), float(present.max())
    decimals = 0 if kind == "integer" else _decimals(present)
    median = round(float(present.median()), decimals)
    reach = REACH * max(high - low, abs(high), abs(low), 1.0)
    return Field(
        **common,
        low=_tidy(low, kind),
        high=_tidy(high, kind),
        decimals=decimals,
        default=int(round(median)) if kind == "integer" else median,
        minimum=_tidy(spec.minimum if spec.minimum is not None else float(np.floor(low - reach)), kind),
        maximum=_tidy(spec.maximum if spec.maximum is not None else float(np.ceil(high + reach)), kind),
    )


def _sort_key(value: Any) -> tuple[bool, Any]:
    return isinstance(value, str), value


def _plain(value: Any) -> Any:
    """A numpy value as Python's own, whole floats as whole numbers, so that JSON shows it as it stands."""
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _tidy(bound: float, kind: Kind) -> float:
    return int(bound) if kind == "integer" else float(bound)


def _decimals(present: pd.Series) -> int:
    """How many decimals the values have, at most 6."""
    sample = present.iloc[:1000]
    return next((places for places in range(6) if np.allclose(sample, sample.round(places), rtol=0, atol=1e-9)), 6)


def _target(column: pd.Series, task: Task, usecase: UseCase, source: str) -> tuple[Target, pd.Series]:
    spec = usecase.target
    common: dict[str, Any] = {
        "name": spec.column,
        "label": spec.label or {"en": spec.column},
        "unit": spec.unit,
        "class_labels": spec.classes,
    }
    if task == "regression":
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.isna().any():
            wrong = column[numbers.isna()].iloc[0]
            raise DataError(
                source, f"the target {spec.column!r} holds {wrong!r}, which is no number; use --task classification"
            )
        decimals = spec.decimals if spec.decimals is not None else min(_decimals(numbers), 2)
        return Target(
            **common, minimum=spec.minimum, maximum=spec.maximum, decimals=decimals, spread=float(numbers.std())
        ), numbers.astype("float64")
    counts = column.value_counts()
    folds = usecase.training.folds
    if len(counts) > max(50, len(column) // 10):
        raise DataError(
            source,
            f"the target {spec.column!r} has {len(counts):,} different values, too many for classes; use --task regression",
        )
    if counts.min() < folds:
        rare = ", ".join(f"{_plain(value)!r} ({count} rows)" for value, count in counts[counts < folds].items())
        raise DataError(
            source,
            f"too few rows of the target {spec.column!r} for {folds} folds: {rare}; "
            f"join or remove such classes, or use fewer folds (--folds {max(2, counts.min())})",
        )
    pair = _yes_no(column)
    classes = tuple(_plain(value) for value in pair or sorted(column.unique(), key=_sort_key))
    positive = spec.positive if spec.positive is not None else classes[-1]
    if positive not in classes:
        raise UseCaseError(
            f"use case {usecase.name}", f"`positive` is {positive!r}, the target's classes are {list(classes)}"
        )
    answers = column if not pd.api.types.is_float_dtype(column) else column.astype("int64")
    return Target(**common, classes=classes, positive=positive), answers


def _texts(usecase: UseCase, target: Target, fields: list[Field]) -> dict[str, Any]:
    examples = [asdict(example) for example in usecase.examples]
    draft = Schema(usecase.name, "regression", tuple(fields), target)
    defaults = {field.name: field.default for field in fields}
    for example in examples:
        _, _, faults = draft.check_record(defaults | example["values"])
        if faults:
            first = faults[0]
            raise UseCaseError(
                f"use case {usecase.name}",
                f"the example {example['label']['en']!r} is no valid record: {first['field']} {first['problem']}, "
                f"expected {first['expected']}",
            )
        example["values"] = defaults | example["values"]
    title: Text = usecase.title or {"en": f"{target.label['en']} from {len(fields)} inputs"}
    return {
        "title": title,
        "summary": usecase.summary,
        "answer": usecase.answer,
        "bands": [asdict(band) for band in usecase.bands],
        "disclaimer": usecase.disclaimer,
        "examples": examples,
    }
