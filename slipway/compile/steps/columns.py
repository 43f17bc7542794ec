"""Steps of scikit-learn that choose, join and drop columns: ColumnTransformer, FeatureUnion, Pipeline and selections."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn import feature_selection
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from slipway.compile.errors import CannotCompileError
from slipway.compile.plain import numbered, transformed
from slipway.compile.registry import table_step
from slipway.compile.table import Column, Table, const, split

IMBLEARN_PIPELINE = "imblearn.pipeline.Pipeline"


@table_step(ColumnTransformer)
def column_transformer(transformer: Any, table: Table) -> Table:
    """Each part's columns, one after the other, as `ColumnTransformer` stacks them."""
    parts = []
    for name, inner, chosen in transformer.transformers_:
        if isinstance(inner, str) and inner == "drop":
            continue
        part = table.select(_names(transformer, chosen, table))
        if part.names:
            parts.append(_weighted(transformed(inner, part), name, transformer.transformer_weights))
    return _joined(parts)


@table_step(FeatureUnion)
def union(transformer: Any, table: Table) -> Table:
    parts = [
        _weighted(transformed(inner, table), name, transformer.transformer_weights)
        for name, inner in transformer.transformer_list
        if not (isinstance(inner, str) and inner == "drop")
    ]
    return _joined(parts)


@table_step(Pipeline, IMBLEARN_PIPELINE)
def pipeline(steps: Any, table: Table) -> Table:
    """One step after the other; steps that sample rows do nothing to those of a prediction."""
    for name, step in steps.steps:
        if hasattr(step, "fit_resample"):
            continue
        try:
            table = transformed(step, table)
        except CannotCompileError as exc:
            raise CannotCompileError(f"step {name!r}: {exc}") from exc
    return table


@table_step(
    feature_selection.GenericUnivariateSelect,
    feature_selection.RFE,
    feature_selection.RFECV,
    feature_selection.SelectFdr,
    feature_selection.SelectFpr,
    feature_selection.SelectFromModel,
    feature_selection.SelectFwe,
    feature_selection.SelectKBest,
    feature_selection.SelectPercentile,
    feature_selection.SequentialFeatureSelector,
    feature_selection.VarianceThreshold,
)
def selection(selector: Any, table: Table) -> Table:
    names = table.names
    return numbered(table.columns[names[place]] for place in selector.get_support(indices=True))


def _names(transformer: Any, chosen: Any, table: Table) -> list[str]:
    """The names in the table of the columns that a part of a `ColumnTransformer` is given."""
    known = list(getattr(transformer, "feature_names_in_", ()))
    every = np.arange(transformer.n_features_in_)
    if isinstance(chosen, str):
        places = [known.index(chosen)]
    elif isinstance(chosen, slice):
        places = every[_by_place(chosen, known)].tolist()
    else:
        listed = np.asarray(list(chosen) if not np.isscalar(chosen) else [chosen])
        if listed.dtype.kind in "biu":
            places = every[listed].tolist()
        else:
            places = [known.index(name) for name in listed.tolist()]
    if len(table.names) == len(every):
        return [table.names[place] for place in places]
    return [known[place] for place in places]  # raw fields, without those that no part takes


def _by_place(chosen: slice, known: Sequence[str]) -> slice:
    """A slice by places; one by names includes its end."""
    start = known.index(chosen.start) if isinstance(chosen.start, str) else chosen.start
    stop = known.index(chosen.stop) + 1 if isinstance(chosen.stop, str) else chosen.stop
    return slice(start, stop, chosen.step)


def _weighted(table: Table, name: str, weights: Mapping[str, float] | None) -> Table:
    weight = (weights or {}).get(name)
    if weight is None:
        return table
    names = table.names
    matrix = op.mul(table.matrix(), const(float(weight)))
    return Table(split(matrix, names, [table.nullable([one]) for one in names]))


def _joined(parts: Sequence[Table]) -> Table:
    columns: list[Column] = [column for part in parts for column in part.columns.values()]
    return numbered(columns)
