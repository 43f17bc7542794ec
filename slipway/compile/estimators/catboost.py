"""CatBoost: oblivious trees, which use the same split at every node of a level.

They compare the float32 of a value with a border, by `>`, and add in double; see
catboost/libs/model/cpu/evaluator.h and docs/en/concepts/json-model.md in its source.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import by_scores, column, soft
from slipway.compile.estimators.trees import Tree, as_float32, total
from slipway.compile.registry import Classes, classifier, regressor
from slipway.compile.table import const

IDENTITY = {"RMSE", "MAE", "Quantile", "Huber", "MAPE", "Expectile", "Lq"}


@regressor("catboost.core.CatBoostRegressor")
def catboost_regressor(model: Any, matrix: Var) -> Var:
    _check_loss(model, IDENTITY)
    return column(_scores(model, matrix, 1))


@classifier("catboost.core.CatBoostClassifier")
def catboost_classifier(model: Any, matrix: Var) -> Classes:
    _check_loss(model, {"Logloss", "CrossEntropy", "MultiClass"})
    n_classes = len(model.classes_)
    scores = _scores(model, matrix, n_classes if n_classes > 2 else 1)
    answer = by_scores(scores, n_classes)
    return Classes(answer.label, soft(scores, n_classes))


def _check_loss(model: Any, known: set[str]) -> None:
    loss = model.get_all_params()["loss_function"]
    if loss.split(":")[0] not in known:
        raise CannotCompileError(f"{type(model).__name__} with loss_function={loss!r}")


def _scores(model: Any, matrix: Var, width: int) -> Var:
    """`RawFormulaVal`, double of shape (n, width)."""
    dump = _dump(model)
    if "oblivious_trees" not in dump:
        raise CannotCompileError("CatBoost with a grow_policy other than SymmetricTree")
    missing_left = [each["nan_value_treatment"] != "AsTrue" for each in dump["features_info"]["float_features"]]
    trees = [_tree(grown, missing_left, place, width) for grown in dump["oblivious_trees"] for place in range(width)]
    scale, bias = dump["scale_and_bias"]
    sums = total(as_float32(matrix), trees, list(range(width)) * len(dump["oblivious_trees"]), width)
    return op.add(op.mul(sums, const(float(scale))), const([bias]))


def _dump(model: Any) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save_model(str(path), format="json")
        return json.loads(path.read_text())  # type: ignore[no-any-return]


def _tree(grown: dict[str, Any], missing_left: list[bool], place: int, width: int) -> Tree:
    """The tree as a heap: node i has the children 2i + 1 (not above the border) and 2i + 2."""
    splits = grown["splits"]
    if any(split["split_type"] != "FloatFeature" for split in splits):
        raise CannotCompileError("CatBoost with categorical features")
    depth = len(splits)
    levels = np.repeat(np.arange(depth + 1), 2 ** np.arange(depth + 1))
    nodes = np.arange(len(levels))
    inner = levels < depth
    asked = [splits[level] if level < depth else {"float_feature_index": 0, "border": 0.0} for level in levels]
    feature = np.array([split["float_feature_index"] for split in asked], dtype="int64")
    # The branch at level i is bit i of a leaf's number; on the way down the highest comes first.
    leaves = np.zeros(2**depth, dtype="int64")
    for level in range(depth):
        leaves |= ((np.arange(2**depth) >> (depth - 1 - level)) & 1) << level
    values = np.array(grown["leaf_values"], dtype="float64").reshape(-1, width)[leaves, place]
    return Tree(
        feature=feature,
        threshold=np.array([split["border"] for split in asked], dtype="float32").astype("float64"),
        left=np.where(inner, 2 * nodes + 1, -1),
        right=np.where(inner, 2 * nodes + 2, -1),
        weights=np.concatenate([np.zeros(inner.sum()), values]),
        missing_left=np.array(missing_left, dtype=bool)[feature],
    )
