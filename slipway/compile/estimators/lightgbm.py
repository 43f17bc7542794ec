"""LightGBM: trees that compare doubles, summed in double.

After LightGBM's `Tree::NumericalDecision` (include/LightGBM/tree.h), `GBDT::Predict` and the
`ConvertOutput` of the objectives; `dump_model` writes thresholds and leaves with 17 digits, so
no bit of them is lost.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import column, expit, most_probable, two_classes
from slipway.compile.estimators.trees import Tree, total
from slipway.compile.registry import Classes, classifier, regressor
from slipway.compile.table import const

ZERO = float(np.float32(1e-35))
"""LightGBM's `kZeroThreshold`."""

IDENTITY = {"regression", "regression_l1", "huber", "fair", "quantile", "mape"}
EXPONENTIAL = {"poisson", "gamma", "tweedie"}


@regressor("lightgbm.sklearn.LGBMRegressor")
def lightgbm_regressor(model: Any, matrix: Var) -> Var:
    dump = model.booster_.dump_model()
    scores = column(_scores(dump, matrix))
    objective, options = _objective(dump)
    if objective in EXPONENTIAL:
        return op.exp(scores)
    if objective in IDENTITY and "sqrt" not in options:
        return scores
    raise CannotCompileError(f"LGBMRegressor with the objective {dump['objective']!r}")


@classifier("lightgbm.sklearn.LGBMClassifier")
def lightgbm_classifier(model: Any, matrix: Var) -> Classes:
    """The first class with the largest probability, as in `LGBMClassifier.predict`."""
    dump = model.booster_.dump_model()
    scores = _scores(dump, matrix)
    objective, options = _objective(dump)
    if objective == "binary":
        slope = float(dict(option.split(":") for option in options)["sigmoid"])
        return most_probable(two_classes(expit(op.mul(scores, const(slope)))))
    if objective == "multiclass":
        return most_probable(op.softmax(scores, axis=1))
    if objective == "multiclassova":  # one against the rest, not normalised
        slope = float(dict(option.split(":") for option in options)["sigmoid"])
        return most_probable(expit(op.mul(scores, const(slope))))
    raise CannotCompileError(f"LGBMClassifier with the objective {dump['objective']!r}")


def _objective(dump: dict[str, Any]) -> tuple[str, list[str]]:
    """Name and options, as in "binary sigmoid:1"."""
    name, *options = dump["objective"].split()
    return name, options


def _scores(dump: dict[str, Any], matrix: Var) -> Var:
    """Raw scores, double of shape (n, num_tree_per_iteration)."""
    width = dump["num_tree_per_iteration"]
    trees = [_tree(info) for info in dump["tree_info"]]
    scores = total(matrix, trees, [position % width for position in range(len(trees))], width)
    return op.div(scores, const(float(len(trees) // width))) if dump["average_output"] else scores


def _tree(info: dict[str, Any]) -> Tree:
    nodes = list(_nodes(info["tree_structure"]))
    places = {id(node): place for place, node in enumerate(nodes)}
    inner = ["split_feature" in node for node in nodes]

    def of_inner(key: str, leaf: Any) -> list[Any]:
        return [node[key] if split else leaf for node, split in zip(nodes, inner, strict=True)]

    return Tree(
        feature=np.array(of_inner("split_feature", 0), dtype="int64"),
        threshold=_zeros_together(np.array(of_inner("threshold", 0.0), dtype="float64")),
        left=np.array([places.get(id(child), -1) for child in of_inner("left_child", None)], dtype="int64"),
        right=np.array([places.get(id(child), -1) for child in of_inner("right_child", None)], dtype="int64"),
        weights=np.array([node.get("leaf_value", 0.0) for node in nodes], dtype="float64"),
        missing_left=np.array(
            [split and _missing_left(node) for node, split in zip(nodes, inner, strict=True)], dtype=bool
        ),
    )


def _zeros_together(thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The thresholds moved out of what counts as zero: LightGBM compares values up to `ZERO` as 0."""
    below = np.nextafter(-ZERO, -np.inf)
    return np.where(np.abs(thresholds) <= ZERO, np.where(thresholds < 0.0, below, ZERO), thresholds)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "leaf_coeff" in node:
        raise CannotCompileError("LightGBM with linear_tree=True")
    yield node
    if "split_feature" in node:
        if node["decision_type"] != "<=":
            raise CannotCompileError("LightGBM with a split by category")
        yield from _nodes(node["left_child"])
        yield from _nodes(node["right_child"])


def _missing_left(node: dict[str, Any]) -> bool:
    """Where a missing value goes; without missing values in training it counts as zero."""
    zero_left = bool(node["threshold"] >= 0.0)
    if node["missing_type"] == "Zero" and node["default_left"] != zero_left:
        raise CannotCompileError("LightGBM with zero_as_missing=True")
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else zero_left
