"""A fitted pipeline, of PyCaret or of scikit-learn alone, as one ONNX graph: raw fields in, the prediction out.

The graph repeats the pipeline step by step, in double. Each step's converter says what it
makes of its columns; their names and order are taken from the fitted step itself, which
transforms a few rows on the way.
"""

import itertools
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import pandas as pd
import spox
import spox.opset.ai.onnx.ml.v4 as ml
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile import estimators, steps  # noqa: F401 (fills the registry)
from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import (
    COLUMN_STEPS,
    MATRIX_STEPS,
    REGRESSORS,
    STEPS,
    TABULATED,
    classification,
    name_of,
    regression,
)
from slipway.compile.steps.target import inverse
from slipway.compile.table import CategoricalColumn, Column, Table, const, split
from slipway.compile.tabulate import tabulate
from slipway.inference.frames import for_pipeline
from slipway.inference.onnx_engine import MISSING_KEY
from slipway.inference.pipeline_engine import classes_of
from slipway.schema import arrays
from slipway.schema.arrays import is_text
from slipway.schema.fields import Field
from slipway.schema.schema import Schema
from slipway.training._pycaret import columns_of, is_for_training_only

OUTPUTS = ("value", "class", "probabilities")
INTERNAL = re.compile(r"[A-Z][A-Za-z]*_\d+_")
"""How spox names the values between inputs and outputs: by operator, number and the operator's own name."""

SAMPLE = 8
"""Rows that are passed through the fitted steps to learn the names of their columns."""


def compile_pipeline(pipeline: Any, schema: Schema, rows: pd.DataFrame) -> onnx.ModelProto:
    """The pipeline as one graph.

    Parameters
    ----------
    pipeline : fitted pipeline of PyCaret 3 or scikit-learn
    schema : Schema
        The raw fields, which become the graph's inputs, in the same order: float64 (dates in
        seconds since 1970), or string for categories that are text, each of shape (n,). They
        have the fields' names, with "_" appended where the graph uses the name for something else.
        The text that represents a missing one is in the graph's metadata, under `MISSING_KEY` of
        `slipway.inference.onnx_engine`.
    rows : DataFrame of shape (n_rows, n_fields)
        Some rows as the pipeline takes them, by the fields' names; only a few are used.

    Returns
    -------
    onnx.ModelProto
        With the output `value`, float64 of shape (n,); or for classes `class`, int64 of shape
        (n,) with positions in `schema.target.classes`, and `probabilities`, float64 of shape
        (n, n_classes), if the estimator has them.

    Raises
    ------
    CannotCompileError
        With the name of the step or estimator for which there is no converter.
    """
    missing = _missing_text(schema)
    inputs, table = _inputs(schema, missing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = _outputs(pipeline, schema, table, rows)
        model = spox.build(inputs, outputs)
    model.producer_name = "slipway"
    onnx.helper.set_model_props(model, {MISSING_KEY: missing})
    onnx.checker.check_model(model)
    return model


def _outputs(pipeline: Any, schema: Schema, table: Table, rows: pd.DataFrame) -> dict[str, Var]:
    if name_of(type(pipeline)) in REGRESSORS:  # one of scikit-learn alone
        if schema.target.classes:
            return _class_outputs(pipeline, schema, classification(pipeline, table))
        return {"value": regression(pipeline, table)}
    matrix = _preprocess(pipeline, table, for_pipeline(schema, _sample(rows)))
    final = pipeline.steps[-1][1]
    if schema.target.classes:
        return _class_outputs(pipeline, schema, classification(final, matrix))
    return {"value": inverse(pipeline.steps, regression(final, matrix))}


def _missing_text(schema: Schema) -> str:
    """A text that is not a category."""
    known = {str(value) for field in schema.fields for value in field.categories}
    return next(text for count in itertools.count(1) if (text := arrays.MISSING_TEXT * count) not in known)


def _inputs(schema: Schema, missing: str) -> tuple[dict[str, Var], Table]:
    """The graph's inputs, and the table that is passed to the first step."""
    inputs: dict[str, Var] = {}
    columns: dict[str, Column] = {}
    plain: list[Field] = []
    # Not joined and then transposed: ONNX Runtime 1.31 fuses Transpose and MatMul, and multiplies
    # with a vector as if nothing had been transposed.
    each: list[Var] = []
    for field in schema.fields:
        if field.kind == "text":
            raise CannotCompileError(f"the input {field.name!r} is free text, which becomes a column for every word")
        kind = str if is_text(field) else np.float64
        column = spox.argument(spox.Tensor(kind, ("n",)))
        inputs[_free(field.name, schema.names)] = column
        if field.categories:
            columns[field.pipeline_name] = _coded(field, column, missing)
        else:
            plain.append(field)
            each.append(op.unsqueeze(column, const([1], "int64")))
    if plain:
        matrix = each[0] if len(each) == 1 else op.concat(each, axis=1)
        columns |= split(matrix, [field.pipeline_name for field in plain], [field.nullable for field in plain])
    return inputs, Table(columns).select(field.pipeline_name for field in schema.fields)


def _free(name: str, names: Sequence[str]) -> str:
    """A name for a field's input that is neither an output's nor an intermediate value's."""
    if name not in OUTPUTS and not INTERNAL.match(name):
        return name
    while name in OUTPUTS or name in names:
        name += "_"
    return name


def _coded(field: Field, column: Var, missing: str) -> CategoricalColumn:
    domain = (*field.categories, *([None] if field.nullable else []))
    known, other = list(range(len(domain))), len(domain)
    if is_text(field):
        keys = [missing if value is None else str(value) for value in domain]
        return CategoricalColumn(
            ml.label_encoder(column, keys_strings=keys, values_int64s=known, default_int64=other), domain
        )
    numbers = np.array([np.nan if value is None else value for value in domain], dtype="float64")
    codes = ml.label_encoder(
        column, keys_tensor=numbers, values_tensor=np.array(known), default_tensor=np.array([other])
    )
    return CategoricalColumn(codes, domain)


def _sample(rows: pd.DataFrame) -> pd.DataFrame:
    """A few rows, those without missing values first: with many missing dates a step makes no columns from them."""
    gaps = rows.isna().sum(axis=1).to_numpy()
    return rows.iloc[np.argsort(gaps, kind="stable")[:SAMPLE]].reset_index(drop=True)


def _preprocess(pipeline: Any, table: Table, frame: pd.DataFrame) -> Var:
    """The matrix that the pipeline's estimator is given."""
    for name, wrapper in pipeline.steps[:-1]:
        if wrapper in (None, "passthrough") or is_for_training_only(wrapper) or hasattr(wrapper, "inverse_transform"):
            continue  # no effect on the inputs of a prediction
        try:
            columns = _step(wrapper, table, frame)
        except CannotCompileError as exc:
            raise CannotCompileError(f"step {name!r}: {exc}") from exc
        try:
            frame = wrapper.transform(frame.copy())
        except Exception as exc:  # whatever the transformer raises
            raise CannotCompileError(f"step {name!r}: the fitted step itself fails: {exc}") from exc
        absent = [column for column in frame.columns if column not in columns]
        if absent:
            raise CannotCompileError(f"step {name!r}: its columns {absent} cannot be matched with its inputs")
        table = Table(columns).select(frame.columns)
    return table.matrix()


def _step(wrapper: Any, table: Table, frame: pd.DataFrame) -> dict[str, Column]:
    transformer = wrapper.transformer
    given = columns_of(wrapper)
    include = [name for name in (table.names if given is None else given) if name in table.columns]
    if not include:
        return table.columns
    others = {name: column for name, column in table.columns.items() if name not in include}
    kind = name_of(type(transformer))
    if kind in STEPS:
        return others | STEPS[kind](transformer, table, include)
    if kind in TABULATED and table.coded(include):
        return others | tabulate(wrapper, table, include, frame)
    if kind in COLUMN_STEPS:
        return others | _each(wrapper, table, include, frame)
    if kind in MATRIX_STEPS:
        matrix = MATRIX_STEPS[kind](transformer, table.matrix(include))
        names = _names_out(transformer, include)
        return others | split(matrix, names, [table.nullable(include)] * len(names))
    raise CannotCompileError(f"no converter for {type(transformer).__name__}")


def _each(wrapper: Any, table: Table, include: Sequence[str], frame: pd.DataFrame) -> dict[str, Column]:
    """The columns of a step that treats each on its own: categorical ones are tabulated, numeric ones converted."""
    coded = [name for name in include if table.coded([name])]
    plain = [name for name in include if name not in coded]
    columns = tabulate(wrapper, table, coded, frame) if coded else {}
    if plain:
        convert = COLUMN_STEPS[name_of(type(wrapper.transformer))]
        positions = np.array([include.index(name) for name in plain])
        matrix = convert(wrapper.transformer, positions, table.matrix(plain))
        columns |= split(matrix, plain, [table.nullable([name]) for name in plain])
    return columns


def _names_out(transformer: Any, include: Sequence[str]) -> list[str]:
    """The names that PyCaret gives the columns; see its `TransformerWrapper._prepare_df`."""
    named = hasattr(transformer, "get_feature_names_out")
    return list(transformer.get_feature_names_out()) if named else list(include)


def _class_outputs(pipeline: Any, schema: Schema, classes: Any) -> dict[str, Var]:
    """The estimator's classes as positions in the schema's."""
    positions = [schema.target.classes.index(value) for value in classes_of(pipeline)]
    outputs = {"class": op.gather(const(positions, "int64"), classes.label)}
    if classes.probabilities is not None:
        order = np.argsort(positions)
        outputs["probabilities"] = (
            classes.probabilities
            if list(order) == list(range(len(order)))
            else op.gather(classes.probabilities, const(order, "int64"), axis=1)
        )
    return outputs
