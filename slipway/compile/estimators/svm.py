"""Support vector machines, after scikit-learn's libsvm (svm.cpp) and `sklearn.svm._base`."""

from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from sklearn.svm import SVC, SVR
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.kernels import Kernel
from slipway.compile.estimators.ops import above, column, expit, largest
from slipway.compile.registry import Classes, classifier, regressor
from slipway.compile.table import const
from slipway.training import _sklearn

LEAST = 1e-7
"""libsvm keeps the probabilities of pairs this far from 0 and 1."""


@regressor(SVR)
def support_regressor(model: Any, matrix: Var) -> Var:
    sums = _kernel(model).weighted(matrix, np.ravel(model.dual_coef_))
    return op.add(sums, const(float(model.intercept_[0])))


@classifier(SVC)
def support_classifier(model: Any, matrix: Var) -> Classes:
    """The class that wins the most pairs, as `svm_predict` says: its probability need not be the largest."""
    if model.break_ties or model.decision_function_shape != "ovr":
        raise CannotCompileError("SVC with break_ties=True or decision_function_shape='ovo'")
    n_classes = len(model.classes_)
    pairs = list(combinations(range(n_classes), 2))
    coefficients = np.column_stack([_pair_coefficients(model, *pair) for pair in pairs])
    intercepts = _sign(model) * model.intercept_[None]
    margins = op.add(_kernel(model).weighted(matrix, coefficients), const(intercepts))
    probabilities = _probabilities(model, margins, pairs) if model.probability else None
    if n_classes == 2:
        # A margin above zero is for the first class.
        label = op.sub(const(1, "int64"), above(column(margins), 0.0))
        return Classes(label, probabilities, op.neg(column(margins)))
    first, second = _sides(pairs, n_classes)
    for_first = op.cast(op.greater(margins, const(0.0)), to=np.float64)
    return Classes(largest(_votes(for_first, first, second)), probabilities, _scores(margins, first, second))


def _kernel(model: Any) -> Kernel:
    if not isinstance(model.kernel, str):
        raise CannotCompileError(f"{type(model).__name__} with a kernel of one's own")
    return Kernel(
        model.kernel,
        model.support_vectors_,
        _sklearn.kernel_coefficient(model),
        float(model.degree),
        float(model.coef0),
    )


def _pair_coefficients(model: Any, first: int, second: int) -> npt.NDArray[np.float64]:
    """What each support vector weighs in the margin of a pair of classes, of shape (n_SV,)."""
    ends = np.cumsum(model.n_support_)
    weights = np.zeros(ends[-1])
    for own, row in ((first, second - 1), (second, first)):
        place = slice(ends[own] - model.n_support_[own], ends[own])
        weights[place] = _sign(model) * model.dual_coef_[row, place]
    return weights


def _sign(model: Any) -> float:
    """scikit-learn turns the signs of libsvm's coefficients round, of two classes alone."""
    return -1.0 if len(model.classes_) == 2 else 1.0


def _sides(pairs: list[tuple[int, int]], n_classes: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Which class is the first, and which the second of each pair: ones of shape (n_pairs, n_classes)."""
    eye = np.eye(n_classes)
    return eye[[pair[0] for pair in pairs]], eye[[pair[1] for pair in pairs]]


def _votes(for_first: Var, first: Any, second: Any) -> Var:
    """Won pairs of each class (n, n_classes), from 1 where the first of a pair wins, else 0."""
    return op.add(op.matmul(for_first, const(first - second)), const(second.sum(axis=0)[None]))


def _scores(margins: Var, first: Any, second: Any) -> Var:
    """`sklearn.utils.multiclass._ovr_decision_function`: votes, and confidence between them."""
    for_first = op.cast(op.greater_or_equal(margins, const(0.0)), to=np.float64)
    confidence = op.matmul(margins, const(first - second))
    bounded = op.div(confidence, op.mul(op.add(op.abs(confidence), const(1.0)), const(3.0)))
    return op.add(_votes(for_first, first, second), bounded)


def _probabilities(model: Any, margins: Var, pairs: list[tuple[int, int]]) -> Var:
    """`svm_predict_probability`: Platt's sigmoid for each pair, then the pairs are coupled."""
    n_classes = len(model.classes_)
    slope, start = const(-model.probA_[None]), const(-model.probB_[None])
    wins = op.clip(expit(op.add(op.mul(margins, slope), start)), const(LEAST), const(1.0 - LEAST))
    losses = op.sub(const(1.0), wins)
    # r[i, j] is the probability of i against j.
    places = {pair: place for place, pair in enumerate(pairs)}
    places |= {(j, i): len(pairs) + place for place, (i, j) in enumerate(pairs)}
    zero = 2 * len(pairs)
    order = [places.get((i, j), zero) for i in range(n_classes) for j in range(n_classes)]
    nothing = op.mul(op.slice(wins, const([0], "int64"), const([1], "int64"), const([1], "int64")), const(0.0))
    flat = op.gather(op.concat([wins, losses, nothing], axis=1), const(order, "int64"), axis=1)
    return _coupled(op.reshape(flat, const([-1, n_classes, n_classes], "int64")), n_classes)


def _coupled(r: Var, n_classes: int) -> Var:
    """The probabilities (n, n_classes) nearest to those of the pairs, r of shape (n, n_classes, n_classes).

    Second method of Wu, Lin and Weng 2004 as in libsvm's `multiclass_probability`, whose
    stopping rule is coarse: what it gives is repeated step by step, not what it tends to.
    """
    flipped = op.transpose(r, perm=[0, 2, 1])
    diagonal = op.reduce_sum_square(flipped, const([2], "int64"))
    eye = const(np.eye(n_classes)[None])
    q = op.sub(op.mul(eye, diagonal), op.mul(r, flipped))
    own = op.squeeze(diagonal, const([2], "int64"))
    start = op.add(op.mul(own, const(0.0)), const(1.0 / n_classes))

    def step(_iteration: Var, _go: Var, p: Var) -> list[Var]:
        qp = column_of(op.matmul(q, op.unsqueeze(p, const([2], "int64"))))
        pqp = op.reduce_sum(op.mul(p, qp), const([1], "int64"))
        error = op.reduce_max(op.abs(op.sub(qp, pqp)), const([1], "int64"))
        done = op.less(error, const(0.005 / n_classes))
        better = _sweep(q, own, p, qp, pqp, n_classes)
        go = op.reshape(op.reduce_min(op.cast(done, to=np.int32), keepdims=0), const([1], "int64"))
        return [op.equal(go, const([0], "int32")), op.where(done, p, better)]

    def column_of(batch: Var) -> Var:
        return op.squeeze(batch, const([2], "int64"))

    return op.loop(const([max(100, n_classes)], "int64"), const([True], "bool"), [start], body=step)[0]


def _sweep(q: Var, own: Var, p: Var, qp: Var, pqp: Var, n_classes: int) -> Var:
    """One round of libsvm's updates, class after class."""
    for t in range(n_classes):
        at = const([t], "int64")
        slope, weight = op.gather(qp, at, axis=1), op.gather(own, at, axis=1)
        change = op.div(op.sub(pqp, slope), weight)
        scale = op.add(change, const(1.0))
        pqp = op.div(
            op.div(op.add(pqp, op.mul(change, op.add(op.mul(change, weight), op.add(slope, slope)))), scale), scale
        )
        row = op.gather(q, const(t, "int64"), axis=1)
        qp = op.div(op.add(qp, op.mul(change, row)), scale)
        p = op.div(op.add(p, op.mul(change, const(np.eye(n_classes)[t][None]))), scale)
    return p
