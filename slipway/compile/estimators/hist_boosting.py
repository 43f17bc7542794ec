"""Gradient boosting over histograms, with missing values and splits by category.

A split by category becomes a column of its own that says to which side a category goes: its values are looked up by the
category's code, so that the trees compare numbers alone. So does a split between missing values and all others.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import column, expit, most_probable, two_classes
from slipway.compile.estimators.trees import Tree, total
from slipway.compile.plain import transformed
from slipway.compile.registry import Classes, Given, as_matrix, as_table, classifier, regressor
from slipway.compile.table import const, take, width
from slipway.training import _sklearn

CODES = 256
"""The codes that a category can have; one more row of the tables stands for a missing one."""
LOG_LINK = ("poisson", "gamma")

Row = npt.NDArray[np.float64]


@regressor(HistGradientBoostingRegressor, tables=True)
def hist_regressor(model: Any, given: Given) -> Var:
    value = column(_scores(model, given))
    return op.exp(value) if model.loss in LOG_LINK else value


@classifier(HistGradientBoostingClassifier, tables=True)
def hist_classifier(model: Any, given: Given) -> Classes:
    scores = _scores(model, given)
    if len(model.classes_) == 2:
        answer = most_probable(two_classes(expit(scores)))
        return Classes(answer.label, answer.probabilities, column(scores))
    answer = most_probable(op.softmax(scores, axis=1))
    return Classes(answer.label, answer.probabilities, scores)


@dataclass
class _Sides:
    """Columns that say to which side a row goes: 0 to the left and 1 to the right, for each code of one feature.

    `places` has the column of each split, by feature and sides; new ones come after the `first` features.
    """

    first: int
    places: dict[tuple[int, bytes], int] = field(default_factory=dict)

    def column_of(self, feature: int, sides: Row) -> int:
        """The column for a split of the feature; `sides` has shape (CODES + 1,), the last for a missing value."""
        return self.places.setdefault((feature, sides.tobytes()), self.first + len(self.places))

    def added_to(self, matrix: Var, categorical: npt.NDArray[np.bool_]) -> Var:
        """The matrix with these columns after its own."""
        features = sorted({feature for feature, _ in self.places})
        made, order = [matrix], list(range(self.first))
        for feature in features:
            mine = [(sides, place) for (one, sides), place in self.places.items() if one == feature]
            table = np.stack([np.frombuffer(sides) for sides, _ in mine], axis=1)
            number = take(matrix, [feature])
            known = number if categorical[feature] else op.mul(number, const(0.0))
            code = op.where(op.isnan(known), const(float(CODES)), known)
            made.append(op.gather(const(table), op.cast(op.squeeze(code, const([1], "int64")), to=np.int64)))
            order += [place for _, place in mine]
        return take(op.concat(made, axis=1), np.argsort(order)) if len(made) > 1 else matrix


def _scores(model: Any, given: Given) -> Var:
    """Raw scores, double of shape (n, n_trees_per_iteration)."""
    parts = _sklearn.hist_boosting(model)
    if parts.preprocessor is not None:
        given = transformed(parts.preprocessor, as_table(given))
    matrix = as_matrix(given)
    sides = _Sides(width(matrix))
    count = model.n_trees_per_iteration_
    trees = [_tree(nodes, bitsets, sides) for stage in parts.trees for nodes, bitsets in stage]
    scores = total(sides.added_to(matrix, parts.categorical), trees, list(range(count)) * len(parts.trees), count)
    return op.add(scores, const(parts.start))


def _tree(nodes: Any, bitsets: npt.NDArray[np.uint32], sides: _Sides) -> Tree:
    leaf = nodes["is_leaf"].astype(bool)
    feature = nodes["feature_idx"].astype("int64")
    threshold = nodes["num_threshold"].astype("float64")
    missing_left = nodes["missing_go_to_left"].astype(bool)
    by_category = nodes["is_categorical"].astype(bool) & ~leaf
    for node in np.flatnonzero(by_category | (~leaf & np.isinf(threshold))):
        to_left = np.ones(CODES, dtype=bool)
        if by_category[node]:
            to_left = np.unpackbits(bitsets[nodes["bitset_idx"][node]].view("uint8"), bitorder="little").astype(bool)
        right = (~np.append(to_left, missing_left[node])).astype("float64")
        feature[node] = sides.column_of(int(feature[node]), right)
        threshold[node] = 0.5
        missing_left[node] = False
    if np.isneginf(threshold[~leaf]).any():
        raise CannotCompileError("a split of HistGradientBoosting at minus infinity")
    return Tree(
        feature=np.where(leaf, 0, feature),
        threshold=np.where(leaf, 0.0, threshold),
        left=np.where(leaf, -1, nodes["left"].astype("int64")),
        right=np.where(leaf, -1, nodes["right"].astype("int64")),
        weights=np.where(leaf, nodes["value"], 0.0).astype("float64"),
        missing_left=missing_left & ~leaf,
    )
