"""Compile a saved pipeline of PyCaret 3 or scikit-learn, without a use case or an experiment, into an ONNX graph.

The raw fields are inferred from the rows, and the graph is compared with the pipeline on them; a
target column among them sets the scale of what counts as equal. A pickle runs code when it is read:
compile only what you trust.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import onnx
import pandas as pd

from slipway.compile import Parity, compile_and_check
from slipway.compile.fields_of import columns_used
from slipway.compile.registry import REGRESSORS, TABULATED, name_of
from slipway.errors import DataError, SlipwayError, first_line, nearest
from slipway.inference.frames import with_columns
from slipway.inference.pipeline_engine import classes_of
from slipway.schema.schema import Target
from slipway.tables.readers import read_table
from slipway.tables.source import DataSource
from slipway.training._pycaret import columns_of
from slipway.training.schema_inference import InferredDataset, infer_inputs
from slipway.training.temporal import infer_temporal
from slipway.training.usecase import FieldSpec, UseCase


def compile_saved(
    pipeline: str, rows: DataSource, formats: dict[str, str], progress: Callable[[str], None] = lambda text: None
) -> tuple[onnx.ModelProto, Parity]:
    """The graph of a saved pipeline, and what the gate found.

    Parameters
    ----------
    pipeline : str
        What PyCaret's `save_model()` wrote, or a pickle of a finalised pipeline or of one of scikit-learn.
    rows : DataSource
        A table with rows as it was fitted on.
    formats : dict
        How dates are written, by column.

    Raises
    ------
    SlipwayError
        With why it cannot be compiled.
    """
    try:
        fitted = _load(pipeline)
        return compile_and_check(fitted, _learnt(fitted, rows, formats), progress)
    except SlipwayError:
        raise
    except Exception as exc:  # a pickle may hold anything, and what it holds may raise anything
        raise SlipwayError(
            f"{pipeline} with the rows of {rows.file} cannot be compiled ({type(exc).__name__}: {first_line(str(exc))}); "
            "expected a pipeline that PyCaret 3.5 or scikit-learn has fitted on a DataFrame, and rows as it was fitted on"
        ) from exc


def write(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph to a file, whole or not at all.

    Raises
    ------
    SlipwayError
        If it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(model.SerializeToString())
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as exc:
        raise SlipwayError(f"{path} cannot be written: {exc.strerror or exc}") from exc


def _load(path: str) -> Any:
    try:
        pipeline = joblib.load(path)
    except Exception as exc:  # a file that is no pickle raises anything
        raise SlipwayError(
            f"{path} cannot be read as a pipeline ({type(exc).__name__}: {first_line(str(exc))}); expected a PyCaret pickle"
        ) from exc
    if not hasattr(pipeline, "steps"):
        raise SlipwayError(
            f"{path} holds a {type(pipeline).__name__}, no pipeline; save it with save_model() as a whole"
        )
    return pipeline


def _learnt(pipeline: Any, rows: DataSource, formats: dict[str, str]) -> InferredDataset:
    """The pipeline's raw fields, inferred from rows; `formats` of dates, by column."""
    read = read_table(rows)
    table, source = read.frame, read.source
    target = next((w.target_name_ for _, w in pipeline.steps[:-1] if getattr(w, "target_name_", None)), None)
    names = [name for name in _wanted(pipeline) if name != target]
    absent = [name for name in names if name not in table.columns]
    if absent:
        near = nearest(absent[0], list(table.columns))
        raise DataError(source, f"has no column {absent[0]!r}{near}; the pipeline was fitted on {', '.join(names)}")
    fields = _kinds(pipeline, table[names])
    fields |= {name: replace(fields.get(name, FieldSpec()), format=format) for name, format in formats.items()}
    learnt = infer_inputs(table[names], UseCase("pipeline", fields=fields), source, keep=names, reading=read.reading)
    known = table[target] if target in table.columns else None
    learnt = replace(learnt, frame=_with_hours(learnt, table))
    return replace(learnt, schema=replace(learnt.schema, target=_target(pipeline, learnt, known)))


def _with_hours(learnt: InferredDataset, table: pd.DataFrame) -> pd.DataFrame:
    """The inputs with the table's times of day: a pipeline may have been fitted on them."""
    moments = {
        field.name: pd.to_datetime(table[field.name], format=field.format or "ISO8601", errors="coerce")
        for field in learnt.schema.fields
        if field.kind in ("date", "datetime")
    }
    plain = {name: column for name, column in moments.items() if column.dtype == "datetime64[ns]"}
    return with_columns(learnt.inputs, plain)


def _wanted(pipeline: Any) -> list[str]:
    if name_of(type(pipeline)) in REGRESSORS:  # one of scikit-learn alone
        known = [str(name) for name in pipeline.feature_names_in_]
        used = columns_used(pipeline, known).used
        return [name for name in known if name in used]
    for _, wrapper in pipeline.steps[:-1]:
        if getattr(wrapper, "feature_names_in_", None) is not None:
            return list(wrapper.feature_names_in_)
    return list(pipeline.steps[-1][1].feature_names_in_)


def _kinds(pipeline: Any, inputs: pd.DataFrame) -> dict[str, FieldSpec]:
    """Columns that the pipeline treats as categories or dates, whatever they look like."""
    kinds: dict[str, FieldSpec] = {}
    if name_of(type(pipeline)) in REGRESSORS:
        encoded = columns_used(pipeline, list(pipeline.feature_names_in_)).encoded
        return {name: FieldSpec(kind="category") for name in inputs.columns if name in encoded}
    for name, wrapper in pipeline.steps[:-1]:
        for column in columns_of(wrapper) or ():
            if name == "date_feature_extractor":
                kinds[column] = FieldSpec(kind=infer_temporal(inputs[column].dropna(), None) or "date")
            elif name.endswith("encoding") and name_of(type(wrapper.transformer)) in TABULATED and column in inputs:
                kinds[column] = FieldSpec(kind="category")
    return kinds


def _target(pipeline: Any, learnt: InferredDataset, known: pd.Series | None) -> Target:
    if hasattr(pipeline.steps[-1][1], "classes_"):
        return Target("class", {"en": "class"}, classes=tuple(classes_of(pipeline)))
    values = pipeline.predict(learnt.inputs) if known is None else known
    return Target("value", {"en": "value"}, std=float(np.std(np.asarray(values, dtype="float64"), ddof=1)))
