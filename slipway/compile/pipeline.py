"""A fitted PyCaret pipeline as one ONNX graph: raw fields in, the prediction out.

The graph repeats the pipeline step by step, in double. Each step's converter says what it
makes of its columns; their names and order are read off the fitted step itself, which is
given a few rows on the way.
"""

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

from slipway.columns import is_text
from slipway.compile import estimators, steps  # noqa: F401 (fills the registry)
from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import MATRIX_STEPS, STEPS, TABULATED, classification, name_of, regression
from slipway.compile.steps.target import inverse
from slipway.compile.table import Coded, Column, Table, const, split
from slipway.compile.tabulate import UNKNOWN, tabulate
from slipway.fields import Field
from slipway.schema import Schema

SAMPLE = 8
"""Rows that are sent through the fitted steps to learn the names of their columns."""


def compile_pipeline(pipeline: Any, schema: Schema, rows: pd.DataFrame) -> onnx.ModelProto:
    """The pipeline as one graph.

    Parameters
    ----------
    pipeline : fitted PyCaret 3 pipeline
    schema : Schema
        The raw fields, which become the graph's inputs: float64 (dates in seconds since
        1970), or string for categories that are text, each of shape (n,).
    rows : DataFrame of shape (n_rows, n_fields)
        Some rows as the pipeline takes them; no more than a few are looked at.

    Returns
    -------
    onnx.ModelProto
        With the output `value`, float64 of shape (n,); or for classes `class`, int64 of shape
        (n,) with positions in `schema.target.classes`, and `probabilities`, float64 of shape
        (n, n_classes), where the estimator has them.

    Raises
    ------
    CannotCompileError
        That names the step or estimator for which there is no converter.
    """
    inputs, table = _inputs(schema)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = _preprocess(pipeline, table, rows.head(SAMPLE).reset_index(drop=True))
        final = pipeline.steps[-1][1]
        outputs = (
            _class_outputs(pipeline, schema, classification(final, matrix))
            if schema.target.classes
            else {"value": inverse(pipeline.steps, regression(final, matrix))}
        )
        model = spox.build(inputs, outputs)
    model.producer_name = "slipway"
    onnx.checker.check_model(model)
    return model


def _inputs(schema: Schema) -> tuple[dict[str, Var], Table]:
    """The graph's inputs, and the table that the first step is given."""
    inputs: dict[str, Var] = {}
    columns: dict[str, Column] = {}
    plain: list[str] = []
    for field in schema.fields:
        if field.kind == "text":
            raise CannotCompileError(f"the input {field.name!r} is free text")
        kind = str if is_text(field) else np.float64
        inputs[field.name] = spox.argument(spox.Tensor(kind, ("n",)))
        if field.categories:
            columns[field.name] = _coded(field, inputs[field.name])
        else:
            plain.append(field.name)
    if plain:
        joined = op.concat([inputs[name] for name in plain], axis=0)
        columns |= split(op.transpose(op.reshape(joined, const([len(plain), -1], "int64"))), plain)
    return inputs, Table(columns).select(schema.names)


def _coded(field: Field, column: Var) -> Coded:
    domain = (*field.categories, *([None] if field.nullable else []), UNKNOWN)
    known = list(range(len(domain) - 1))
    if is_text(field):
        keys = ["" if value is None else str(value) for value in domain[:-1]]
        codes = ml.label_encoder(column, keys_strings=keys, values_int64s=known, default_int64=len(known))
        return Coded(codes, domain)
    each = op.unsqueeze(column, const([1], "int64"))
    missing = op.isnan(each)
    same = [op.equal(each, const(np.array(field.categories, dtype="float64")[None]))]
    # The last is always true: the first that is true is the value's position.
    same += [missing] * field.nullable + [op.or_(missing, op.not_(missing))]
    return Coded(op.arg_max(op.cast(op.concat(same, axis=1), to=np.int32), axis=1, keepdims=0), domain)


def _preprocess(pipeline: Any, table: Table, frame: pd.DataFrame) -> Var:
    """The matrix that the pipeline's estimator is given."""
    for name, wrapper in pipeline.steps[:-1]:
        if (
            wrapper in (None, "passthrough")
            or getattr(wrapper, "_train_only", False)
            or hasattr(wrapper, "inverse_transform")
        ):
            continue  # of no effect on the inputs of a prediction
        try:
            columns = _step(wrapper, table, frame)
        except CannotCompileError as exc:
            raise CannotCompileError(f"step {name!r}: {exc}") from exc
        frame = wrapper.transform(frame.copy())
        absent = [column for column in frame.columns if column not in columns]
        if absent:
            raise CannotCompileError(f"step {name!r}: its columns {absent} cannot be told from its inputs")
        table = Table(columns).select(frame.columns)
    return table.matrix()


def _step(wrapper: Any, table: Table, frame: pd.DataFrame) -> dict[str, Column]:
    transformer = wrapper.transformer
    include = [
        name for name in (table.names if wrapper._include is None else wrapper._include) if name in table.columns
    ]
    if not include:
        return table.columns
    others = {name: column for name, column in table.columns.items() if name not in include}
    kind = name_of(type(transformer))
    if kind in STEPS:
        return others | STEPS[kind](transformer, table, include)
    if kind in TABULATED and table.coded(include):
        return others | tabulate(wrapper, table, include, frame)
    if kind in MATRIX_STEPS:
        matrix = MATRIX_STEPS[kind](transformer, table.matrix(include))
        return others | split(matrix, _names_out(transformer, include))
    raise CannotCompileError(f"no converter for {type(transformer).__name__}")


def _names_out(transformer: Any, include: Sequence[str]) -> list[str]:
    """The names that PyCaret gives the columns; see its `TransformerWrapper._prepare_df`."""
    named = hasattr(transformer, "get_feature_names_out")
    return list(transformer.get_feature_names_out()) if named else list(include)


def _class_outputs(pipeline: Any, schema: Schema, classes: Any) -> dict[str, Var]:
    """The estimator's classes as positions in the schema's."""
    encoder = dict(pipeline.steps).get("label_encoding")
    encoded = pipeline.steps[-1][1].classes_
    found = encoder.transformer.inverse_transform(encoded) if encoder is not None else encoded
    positions = [schema.target.classes.index(value) for value in found.tolist()]
    outputs = {"class": op.gather(const(positions, "int64"), classes.label)}
    if classes.probabilities is not None:
        order = np.argsort(positions)
        outputs["probabilities"] = (
            classes.probabilities
            if list(order) == list(range(len(order)))
            else op.gather(classes.probabilities, const(order, "int64"), axis=1)
        )
    return outputs
