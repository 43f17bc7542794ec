"""AdaBoost, over trees or any other estimator."""

from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from sklearn import ensemble, tree
from spox import Var

from slipway.compile.estimators.ops import as_column, by_scores, column, soft
from slipway.compile.estimators.trees import Tree, as_float32, fitted_tree, total
from slipway.compile.registry import Classes, classification, classifier, regression, regressor
from slipway.compile.table import const

Numbers = npt.NDArray[np.float64]


@regressor(ensemble.AdaBoostRegressor)
def adaboost_regressor(model: Any, matrix: Var) -> Var:
    """The weighted median of the estimators, as `AdaBoostRegressor._get_median_predict` finds it."""
    models = model.estimators_
    if all(type(one) is tree.DecisionTreeRegressor for one in models):
        trees = [fitted_tree(one) for one in models]
        predictions = total(as_float32(matrix), trees, list(range(len(trees))), len(trees))
    else:
        predictions = op.concat([as_column(regression(one, matrix)) for one in models], axis=1)
    ascending, order = op.top_k(predictions, const([len(models)], "int64"), largest=0)
    weights = op.cumsum(op.gather(const(model.estimator_weights_[: len(models)]), order), const(1, "int64"))
    half = op.mul(op.gather(weights, const([len(models) - 1], "int64"), axis=1), const(0.5))
    reached = op.cast(op.greater_or_equal(weights, half), to=np.int32)
    return column(op.gather_elements(ascending, op.arg_max(reached, axis=1), axis=1))


@classifier(ensemble.AdaBoostClassifier)
def adaboost_classifier(model: Any, matrix: Var) -> Classes:
    """`AdaBoostClassifier.decision_function`, and probabilities after Zhu et al. 2009, equation 15."""
    n_classes = len(model.classes_)
    models, weights = model.estimators_, model.estimator_weights_
    if all(type(one) is tree.DecisionTreeClassifier for one in models):
        scores = _tree_scores(model, matrix)
    else:
        scores = op.sum([_votes(model, one, weight, matrix) for one, weight in zip(models, weights, strict=False)])
    scores = op.div(scores, const(float(weights.sum())))
    if n_classes > 2:
        return by_scores(scores, n_classes, soft(op.div(scores, const(float(n_classes - 1))), n_classes))
    against, for_second = op.split(scores, num_outputs=2, axis=1)
    difference = op.sub(for_second, against)
    return by_scores(difference, n_classes, soft(difference, n_classes))


def _tree_scores(model: Any, matrix: Var) -> Var:
    """Scores (n, n_classes) of trees: what each leaf adds is known in advance."""
    n_classes = len(model.classes_)
    trees: list[Tree] = []
    targets: list[int] = []
    for one, weight in zip(model.estimators_, model.estimator_weights_, strict=False):
        added = _added(model, one.tree_.value[:, 0, :], weight)
        trees += [fitted_tree(one, weights=added[:, place]) for place in range(n_classes)]
        targets += range(n_classes)
    return total(as_float32(matrix), trees, targets, n_classes)


def _added(model: Any, shares: Numbers, weight: float) -> Numbers:
    """What probabilities of shape (n, n_classes) add to the scores, of the same shape."""
    n_classes = shares.shape[1]
    if model.algorithm == "SAMME":
        won = shares.argmax(axis=1)[:, None] == np.arange(n_classes)
        return np.where(won, weight, -1.0 / (n_classes - 1) * weight)
    logs = np.log(shares.clip(np.finfo(shares.dtype).eps, None))
    added: Numbers = (n_classes - 1) * (logs - (1.0 / n_classes) * logs.sum(axis=1)[:, None])
    return added


def _votes(model: Any, one: Any, weight: float, matrix: Var) -> Var:
    """The same as `_added` for an estimator that is not a tree, in the graph."""
    n_classes = len(model.classes_)
    classes = classification(one, matrix)
    if model.algorithm == "SAMME" or classes.probabilities is None:
        won = op.equal(as_column(classes.label), const(np.arange(n_classes)[None], "int64"))
        return op.where(won, const(float(weight)), const(-1.0 / (n_classes - 1) * float(weight)))
    logs = op.log(op.max([classes.probabilities, const(float(np.finfo("float64").eps))]))
    centred = op.sub(logs, op.mul(op.reduce_sum(logs, const([1], "int64")), const(1.0 / n_classes)))
    return op.mul(centred, const(float(n_classes - 1)))
