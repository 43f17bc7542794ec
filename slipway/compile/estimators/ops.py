"""What several estimators end in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.registry import Classes
from slipway.compile.table import const


def column(matrix: Var) -> Var:
    """A matrix of shape (n, 1) as (n,)."""
    return op.squeeze(matrix, const([1], "int64"))


def as_column(values: Var) -> Var:
    """Values of shape (n,) as (n, 1)."""
    return op.unsqueeze(values, const([1], "int64"))


def repeated(row: Any, matrix: Var) -> Var:
    """The same row of numbers, of shape (k,), for every row of the matrix: (n, k)."""
    rows = op.shape(matrix, start=0, end=1)
    return op.expand(const(row), op.concat([rows, const([len(row)], "int64")], axis=0))


def two_classes(share: Var) -> Var:
    """The probabilities (n, 2) of two classes, from that of the second, of shape (n, 1)."""
    return op.concat([op.sub(const(1.0), share), share], axis=1)


def expit(scores: Var) -> Var:
    """1 / (1 + e^-x), as precise far below zero as `scipy.special.expit` is.

    ONNX Runtime's Sigmoid is 1 - sigmoid(-x) there: 0 below -37, and of several such shares normalised nothing is left.
    """
    return op.div(const(1.0), op.add(const(1.0), op.exp(op.neg(scores))))


def largest(scores: Var) -> Var:
    """The position of the first largest score of each row, int64 of shape (n,)."""
    return op.arg_max(scores, axis=1, keepdims=0)


def most_probable(probabilities: Var) -> Classes:
    """The first class of the largest probability."""
    return Classes(largest(probabilities), probabilities)


def above(values: Var, bar: float) -> Var:
    """1 where a value of shape (n,) is above the bar, else 0."""
    return op.cast(op.greater(values, const(bar)), to=np.int64)


def by_scores(scores: Var, n_classes: int, probabilities: Var | None = None) -> Classes:
    """As `LinearClassifierMixin.predict`: of two classes the second, if the score (n, 1) is above zero.

    Of more the first of the largest score (n, n_classes).
    """
    if n_classes == 2:
        return Classes(above(column(scores), 0.0), probabilities, column(scores))
    return Classes(largest(scores), probabilities, scores)


def soft(scores: Var, n_classes: int) -> Var:
    """Probabilities (n, n_classes): logistic in the score (n, 1) of two classes, else the softmax."""
    return two_classes(expit(scores)) if n_classes == 2 else op.softmax(scores, axis=1)


def normalised(shares: Var) -> Var:
    """Each row divided by its sum."""
    return op.div(shares, op.reduce_sum(shares, const([1], "int64")))


def mean(parts: Sequence[Var], weights: Any = None) -> Var:
    """The weighted mean of several results of the same shape, as `np.average` makes it."""
    if weights is None:
        return op.div(op.sum(parts), const(float(len(parts))))
    last = const([-1], "int64")
    stacked = op.concat([op.unsqueeze(part, last) for part in parts], axis=-1)
    total = op.reduce_sum(op.mul(stacked, const(weights)), last, keepdims=0)
    return op.div(total, const(float(np.sum(weights))))
