"""Nearest neighbours."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import as_column, largest, normalised
from slipway.compile.registry import Classes, classifier, regressor
from slipway.compile.table import const
from slipway.training import _sklearn


@regressor(KNeighborsRegressor)
def neighbors_regressor(model: Any, matrix: Var) -> Var:
    """The weighted mean of the neighbours' targets."""
    weights, nearest = _neighbors(model, matrix)
    targets = op.gather(const(_sklearn.training_targets(model)), nearest)
    return op.reduce_sum(op.mul(normalised(weights), targets), const([1], "int64"), keepdims=0)


@classifier(KNeighborsClassifier)
def neighbors_classifier(model: Any, matrix: Var) -> Classes:
    """Each neighbour votes with its weight; the first class of the most votes."""
    weights, nearest = _neighbors(model, matrix)
    belongs = np.eye(len(model.classes_))[_sklearn.training_targets(model)]
    votes = op.squeeze(
        op.matmul(op.unsqueeze(weights, const([1], "int64")), op.gather(const(belongs), nearest)), const([1], "int64")
    )
    return Classes(largest(votes), normalised(votes))


def _neighbors(model: Any, matrix: Var) -> tuple[Var, Var]:
    """Weights and positions of the neighbours, both (n, n_neighbors).

    Of neighbours that are equally far the first rows of training are taken; a k-d tree takes
    those that it meets first, which need not be the same.
    """
    power = _power(model)
    points = const(_sklearn.training_rows(model).T)
    count = const([model.n_neighbors], "int64")

    def search(row: Var) -> list[Var]:
        # One feature after the other, as the trees of scikit-learn add: what is equally far
        # for them has to be so here, and that is a matter of the last bit.
        away = op.sub(points, as_column(row))
        size = op.mul(away, away) if power == 2 else op.abs(away)
        return list(op.top_k(op.reduce_sum(size, const([0], "int64"), keepdims=0), count, largest=0))

    # Row by row: all the differences of a batch at once would take n * n_points * n_features numbers.
    distances, nearest = op.scan([matrix], body=search, num_scan_inputs=1)
    if model.weights == "uniform":
        return op.add(op.mul(distances, const(0.0)), const(1.0)), nearest
    if model.weights != "distance":
        raise CannotCompileError(f"{type(model).__name__} with weights={model.weights!r}")
    return _by_distance(op.sqrt(distances) if power == 2 else distances), nearest


def _by_distance(distances: Var) -> Var:
    """One over the distance; a row that training has seen goes by its equals alone (`_get_weights`)."""
    same = op.equal(distances, const(0.0))
    any_same = op.cast(op.reduce_max(op.cast(same, to=np.int32), const([1], "int64")), to=np.bool_)
    return op.where(any_same, op.cast(same, to=np.float64), op.div(const(1.0), distances))


def _power(model: Any) -> int:
    """The power of the Minkowski metric, 1 or 2."""
    power = {"euclidean": 2, "manhattan": 1, "minkowski": model.p}.get(model.metric)
    if power not in (1, 2):
        raise CannotCompileError(f"{type(model).__name__} with metric={model.metric!r} and p={model.p}")
    return int(power)
