"""XGBoost: trees that compare the float32 of a value with float32 thresholds, by `<`.

XGBoost adds its leaves in float32 and this in double, which differs by about 1e-7; see
`RegTree::GetNext` and `Learner` of its source, and doc/tutorials/saving_model.rst for the JSON.
"""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.parts import above, column, most_probable, two_classes
from slipway.compile.estimators.trees import LESS, Tree, as_float32, total
from slipway.compile.registry import Classes, classifier, regressor
from slipway.compile.table import const

IDENTITY = {"reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror"}
EXPONENTIAL = {"count:poisson", "reg:gamma", "reg:tweedie"}


@regressor("xgboost.sklearn.XGBRegressor")
def xgboost_regressor(model: Any, matrix: Var) -> Var:
    learner = _learner(model)
    objective = learner["objective"]["name"]
    if objective in IDENTITY:
        return column(op.add(_sums(learner, matrix, 1), const(_base(learner))))
    if objective in EXPONENTIAL:
        return column(op.exp(op.add(_sums(learner, matrix, 1), const(np.log(_base(learner))))))
    raise CannotCompileError(f"XGBRegressor with the objective {objective!r}")


@classifier("xgboost.sklearn.XGBClassifier")
def xgboost_classifier(model: Any, matrix: Var) -> Classes:
    """The class is told from the probabilities as XGBoost has them, in float32."""
    learner = _learner(model)
    objective = learner["objective"]["name"]
    if objective == "binary:logistic":
        base = _base(learner)
        scores = op.add(_sums(learner, matrix, 1), const(np.log(base / (1.0 - base))))
        share = as_float32(op.sigmoid(scores))
        return Classes(above(column(share), 0.5), two_classes(share))
    if objective == "multi:softprob":
        scores = op.add(_sums(learner, matrix, len(model.classes_)), const(_base(learner)))
        return most_probable(as_float32(op.softmax(scores, axis=1)))
    raise CannotCompileError(f"XGBClassifier with the objective {objective!r}")


def _learner(model: Any) -> dict[str, Any]:
    booster = model.get_booster()
    best = getattr(model, "best_iteration", None)
    learner = json.loads((booster if best is None else booster[: best + 1]).save_raw("json"))["learner"]
    if learner["gradient_booster"]["name"] != "gbtree" or not np.isnan(model.missing):
        raise CannotCompileError("XGBoost with another booster than trees, or another missing value than NaN")
    return learner  # type: ignore[no-any-return]


def _base(learner: dict[str, Any]) -> npt.NDArray[np.float64]:
    """What the sums start from, of shape (1, n_outputs)."""
    return np.array(json.loads(learner["learner_model_param"]["base_score"]), dtype="float64").reshape(1, -1)


def _sums(learner: dict[str, Any], matrix: Var, width: int) -> Var:
    """Sums of the leaves, double of shape (n, width)."""
    model = learner["gradient_booster"]["model"]
    return total(as_float32(matrix), [_tree(grown) for grown in model["trees"]], model["tree_info"], width)


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
