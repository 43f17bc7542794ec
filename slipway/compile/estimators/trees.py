"""Decision trees and their ensembles, each as one TreeEnsemble node in double.

Every ensemble compares in its own number type: scikit-learn's trees compare the float32 of
a value with a double threshold, so the matrix goes through float32 and the thresholds stay
as they are. Sums are computed in double, in the order of the trees.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.ml.v5 as ml
import spox.opset.ai.onnx.v20 as op
from sklearn import ensemble, tree
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import column, expit, most_probable, two_classes
from slipway.compile.registry import Classes, classifier, regressor
from slipway.compile.table import const
from slipway.training import _sklearn

LESS_OR_EQUAL, LESS = 0, 1


@dataclass(frozen=True)
class Tree:
    """One tree as arrays over its nodes, the root first; a leaf has no `left` (-1).

    A row goes left where `value <= threshold` (or `<`, by `mode`), and, if the value is missing,
    where `missing_left` is true. `weights` are what a leaf adds, of shape (n_nodes,).
    """

    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]
    missing_left: npt.NDArray[np.bool_]
    mode: int = LESS_OR_EQUAL


def total(matrix: Var, trees: Sequence[Tree], targets: Sequence[int], n_targets: int) -> Var:
    """Sums of the leaves that each row reaches.

    Parameters
    ----------
    matrix : Var of shape (n, n_features)
        Its number type is the one in which the trees compare and add.
    trees : sequence of Tree
    targets : sequence of int, of length len(trees)
        The column to which each tree adds.
    n_targets : int

    Returns
    -------
    Var of shape (n, n_targets)
    """
    nodes = _Nodes()
    for one, target in zip(trees, targets, strict=True):
        nodes.add(one, target)
    return nodes.ensemble(matrix, n_targets)


class _Nodes:
    """The attributes of a TreeEnsemble node, filled tree by tree."""

    def __init__(self) -> None:
        self.inner: dict[str, list[Any]] = {
            key: [] for key in ("feature", "split", "mode", "true", "false", "true_leaf", "false_leaf", "missing")
        }
        self.weights: list[float] = []
        self.targets: list[int] = []
        self.roots: list[int] = []

    def add(self, one: Tree, target: int) -> None:
        inner = np.flatnonzero(one.left >= 0)
        leaves = np.flatnonzero(one.left < 0)
        place = np.empty(len(one.left), dtype="int64")
        place[inner] = len(self.inner["feature"]) + np.arange(len(inner))
        place[leaves] = len(self.weights) + np.arange(len(leaves))
        self.weights += one.weights[leaves].tolist()
        self.targets += [target] * len(leaves)
        self.roots.append(len(self.inner["feature"]))
        if not len(inner):  # a tree that is one leaf still needs a node to start from
            inner = np.zeros(1, dtype="int64")
            left = right = np.zeros(1, dtype="int64")
        else:
            left, right = one.left[inner], one.right[inner]
        for key, values in (
            ("feature", one.feature[inner].clip(0)),
            ("split", one.threshold[inner]),
            ("mode", np.full(len(inner), one.mode)),
            ("true", place[left]),
            ("false", place[right]),
            ("true_leaf", (one.left[left] < 0).astype("int64")),
            ("false_leaf", (one.left[right] < 0).astype("int64")),
            ("missing", one.missing_left[inner].astype("int64")),
        ):
            self.inner[key] += values.tolist()

    def ensemble(self, matrix: Var, n_targets: int) -> Var:
        dtype = matrix.unwrap_tensor().dtype
        return ml.tree_ensemble(
            matrix,
            aggregate_function=1,
            post_transform=0,
            n_targets=n_targets,
            tree_roots=self.roots,
            nodes_featureids=self.inner["feature"],
            nodes_splits=np.array(self.inner["split"], dtype=dtype),
            nodes_modes=np.array(self.inner["mode"], dtype="uint8"),
            nodes_truenodeids=self.inner["true"],
            nodes_falsenodeids=self.inner["false"],
            nodes_trueleafs=self.inner["true_leaf"],
            nodes_falseleafs=self.inner["false_leaf"],
            nodes_missing_value_tracks_true=self.inner["missing"],
            leaf_weights=np.array(self.weights, dtype=dtype),
            leaf_targetids=self.targets,
        )


def as_float32(matrix: Var) -> Var:
    """The matrix rounded to float32, as scikit-learn's trees see it, and double again."""
    return op.cast(op.cast(matrix, to=np.float32), to=np.float64)


def fitted_tree(estimator: Any, output: int = 0, weights: npt.NDArray[np.float64] | None = None) -> Tree:
    """A fitted scikit-learn tree.

    Parameters
    ----------
    estimator : fitted tree
    output : int, default=0
        The class whose probability a leaf adds; 0 for a regressor.
    weights : array of shape (n_nodes,), optional
        What the leaves add instead.

    Returns
    -------
    Tree
    """
    grown = estimator.tree_
    return Tree(
        grown.feature.astype("int64"),
        grown.threshold.astype("float64"),
        grown.children_left.astype("int64"),
        grown.children_right.astype("int64"),
        (grown.value[:, 0, output] if weights is None else weights).astype("float64"),
        grown.missing_go_to_left.astype(bool),
    )


@regressor(tree.DecisionTreeRegressor, tree.ExtraTreeRegressor)
def tree_regressor(model: Any, matrix: Var) -> Var:
    return column(total(as_float32(matrix), [fitted_tree(model)], [0], 1))


@regressor(ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor)
def forest_regressor(model: Any, matrix: Var) -> Var:
    trees = [fitted_tree(one) for one in model.estimators_]
    return op.div(column(total(as_float32(matrix), trees, [0] * len(trees), 1)), const(float(len(trees))))


@classifier(tree.DecisionTreeClassifier, tree.ExtraTreeClassifier)
def tree_classifier(model: Any, matrix: Var) -> Classes:
    return _voted(matrix, [model], len(model.classes_))


@classifier(ensemble.RandomForestClassifier, ensemble.ExtraTreesClassifier)
def forest_classifier(model: Any, matrix: Var) -> Classes:
    return _voted(matrix, model.estimators_, len(model.classes_))


def _voted(matrix: Var, models: Sequence[Any], n_classes: int) -> Classes:
    """The mean of the trees' probabilities; whole votes are summed before they are divided, so ties stay ties."""
    if n_classes == 2:
        trees = [fitted_tree(one, 1) for one in models]
        share = op.div(total(as_float32(matrix), trees, [0] * len(trees), 1), const(float(len(trees))))
        return most_probable(two_classes(share))
    pairs: Iterable[tuple[Any, int]] = [(one, output) for one in models for output in range(n_classes)]
    trees = [fitted_tree(one, output) for one, output in pairs]
    votes = total(as_float32(matrix), trees, list(range(n_classes)) * len(models), n_classes)
    return most_probable(op.div(votes, const(float(len(models)))))


@regressor(ensemble.GradientBoostingRegressor)
def boosted_regressor(model: Any, matrix: Var) -> Var:
    return op.add(column(_boosted(model, matrix)), const(_start(model)[0]))


@classifier(ensemble.GradientBoostingClassifier)
def boosted_classifier(model: Any, matrix: Var) -> Classes:
    scores = op.add(_boosted(model, matrix), const(_start(model)))
    if len(model.classes_) > 2:
        return Classes(op.arg_max(scores, axis=1, keepdims=0), op.softmax(scores, axis=1), scores)
    label = op.cast(op.greater_or_equal(column(scores), const(0.0)), to=np.int64)
    # The exponential loss has half the logarithm of the odds for a score.
    odds = scores if model.loss == "log_loss" else op.add(scores, scores)
    return Classes(label, two_classes(expit(odds)), column(scores))


def _boosted(model: Any, matrix: Var) -> Var:
    stages = model.estimators_  # of shape (n_stages, n_outputs)
    trees = [fitted_tree(one) for stage in stages for one in stage]
    return op.mul(
        total(as_float32(matrix), trees, list(range(stages.shape[1])) * len(stages), stages.shape[1]),
        const(float(model.learning_rate)),
    )


def _start(model: Any) -> npt.NDArray[np.float64]:
    """The starting value of boosting, taken from the model itself: the same for every row unless `init` was given."""
    if model.init is not None and model.init != "zero":
        raise CannotCompileError(f"{type(model).__name__} with init={model.init!r}")
    return _sklearn.boosting_start(model)
