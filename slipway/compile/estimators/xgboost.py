"""XGBoost: trees that compare float32 numbers, by `<`, and add their leaves in float32.

See `RegTree::GetNext` and the CPU predictor in its source, and doc/tutorials/saving_model.rst
for the JSON.
"""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import above, column, expit, most_probable, two_classes
from slipway.compile.estimators.trees import LESS, Tree, as_float32, total
from slipway.compile.registry import Classes, classifier, regressor

Floats = npt.NDArray[np.float32]

IDENTITY = {"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror"}
EXPONENTIAL = {"count:poisson", "reg:gamma", "reg:tweedie"}


@regressor("xgboost.sklearn.XGBRegressor")
def xgboost_regressor(model: Any, matrix: Var) -> Var:
    learner = _learner(model)
    objective = learner["objective"]["name"]
    base = _base(learner)
    if objective in IDENTITY:
        return column(_sums(learner, matrix, base))
    if objective in EXPONENTIAL:
        return column(op.exp(_sums(learner, matrix, np.log(base))))
    raise CannotCompileError(f"XGBRegressor with the objective {objective!r}")


@classifier("xgboost.sklearn.XGBClassifier")
def xgboost_classifier(model: Any, matrix: Var) -> Classes:
    """The class is derived from the probabilities as XGBoost has them, in float32."""
    learner = _learner(model)
    objective = learner["objective"]["name"]
    base = _base(learner)
    if objective == "binary:logistic":
        share = as_float32(expit(_sums(learner, matrix, -np.log(1 / base - 1))))
        return Classes(above(column(share), 0.5), two_classes(share))
    if objective == "multi:softprob":
        return most_probable(as_float32(op.softmax(_sums(learner, matrix, base), axis=1)))
    raise CannotCompileError(f"XGBClassifier with the objective {objective!r}")


def _learner(model: Any) -> dict[str, Any]:
    booster = model.get_booster()
    best = getattr(model, "best_iteration", None)
    learner = json.loads((booster if best is None else booster[: best + 1]).save_raw("json"))["learner"]
    if learner["gradient_booster"]["name"] != "gbtree" or not np.isnan(model.missing):
        raise CannotCompileError("XGBoost with a booster other than trees, or a missing value other than NaN")
    return learner  # type: ignore[no-any-return]


def _base(learner: dict[str, Any]) -> Floats:
    """The starting value of the sums, of shape (n_outputs,), before the objective turns it into a score."""
    return np.array(json.loads(learner["learner_model_param"]["base_score"]), dtype="float32", ndmin=1)


def _sums(learner: dict[str, Any], matrix: Var, start: Floats) -> Var:
    """The scores (n, n_outputs) as XGBoost adds them, starting with the base score, here a tree with one leaf."""
    model = learner["gradient_booster"]["model"]
    width = int(learner["learner_model_param"]["num_class"]) or 1
    trees = [_leaf(value) for value in np.broadcast_to(start, (width,))] + [_tree(grown) for grown in model["trees"]]
    sums = total(op.cast(matrix, to=np.float32), trees, [*range(width), *model["tree_info"]], width)
    return op.cast(sums, to=np.float64)


def _leaf(value: float) -> Tree:
    none, zero = np.array([-1]), np.zeros(1, dtype="int64")
    return Tree(zero, np.zeros(1), none, none, np.array([value], dtype="float64"), np.zeros(1, dtype=bool))


def _tree(grown: dict[str, Any]) -> Tree:
    if any(grown["split_type"]) or int(grown["tree_param"]["size_leaf_vector"]) > 1:
        raise CannotCompileError("XGBoost with splits by category or several values a leaf")
    # The text holds float32 numbers: only as those are they the thresholds.
    conditions = np.array(grown["split_conditions"], dtype="float32").astype("float64")
    return Tree(
        feature=np.array(grown["split_indices"], dtype="int64"),
        threshold=conditions,
        left=np.array(grown["left_children"], dtype="int64"),
        right=np.array(grown["right_children"], dtype="int64"),
        weights=conditions,
        missing_left=np.array(grown["default_left"], dtype=bool),
        mode=LESS,
    )
