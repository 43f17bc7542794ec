"""PyCaret's iterative imputation: each gap is predicted from the other columns, in rounds."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import regression, step
from slipway.compile.table import Column, Table, const, split, take
from slipway.training import _pycaret


@step(_pycaret.ITERATIVE_IMPUTER)
def iterative_imputer(imputer: Any, table: Table, include: list[str]) -> dict[str, Column]:
    """Means first, then every prediction of every round in the order of the fit; what was measured stays."""
    # Names as the fitted step gives them: with categories PyCaret puts the old ones back.
    names = include if imputer.mappings_ else list(imputer.get_feature_names_out())
    if not table.nullable(include):
        return dict(zip(names, table.select(include).columns.values(), strict=True))
    if imputer.categorical_indices:
        raise CannotCompileError(
            "iterative imputation among categories: PyCaret shifts their columns by one before it predicts from them"
        )
    if imputer.sample_posterior or np.isfinite([imputer.min_value, imputer.max_value]).any():
        raise CannotCompileError("IterativeImputer with sample_posterior, min_value or max_value")
    matrix = table.matrix(include)
    missing = op.isnan(matrix)
    means = imputer.initial_imputer_.named_transformers_["num_imputer"].statistics_
    filled = op.where(missing, const(np.asarray(means)[None]), matrix)
    gaps: dict[int, Var] = {}
    for one in imputer.imputation_sequence_:
        if one.feat_idx not in gaps:
            here = np.arange(len(include))[None] == one.feat_idx
            gaps[one.feat_idx] = op.and_(missing, const(here, "bool"))
        predicted = regression(one.estimator, take(filled, one.neighbor_feat_idx))
        filled = op.where(gaps[one.feat_idx], op.unsqueeze(predicted, const([1], "int64")), filled)
    return split(filled, names, [False] * len(names))
