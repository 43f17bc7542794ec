"""Small graph operations that several estimators share."""

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
    """The same row for every row of a matrix.

    Parameters
    ----------
    row : array of shape (k,)
    matrix : Var of shape (n, any)

    Returns
    -------
    Var of shape (n, k), double
    """
    rows = op.shape(matrix, start=0, end=1)
    return op.expand(const(row), op.concat([rows, const([len(row)], "int64")], axis=0))


def two_classes(share: Var) -> Var:
    """The probabilities of two classes.

    Parameters
    ----------
    share : Var of shape (n, 1), double
        The probability of the second class.

    Returns
    -------
    Var of shape (n, 2), double
    """
    return op.concat([op.sub(const(1.0), share), share], axis=1)


def expit(scores: Var) -> Var:
    """1 / (1 + e^-x), as precise far below zero as `scipy.special.expit`.

    ONNX Runtime's Sigmoid is 1 - sigmoid(-x) there, which is 0 below -37: nothing would be left of
    several such shares to normalise.

    Parameters
    ----------
    scores : Var of any shape, double

    Returns
    -------
    Var of the same shape
    """
    return op.div(const(1.0), op.add(const(1.0), op.exp(op.neg(scores))))


def largest(scores: Var) -> Var:
    """The position of the first largest score of each row, int64 of shape (n,)."""
    return op.arg_max(scores, axis=1, keepdims=0)


def most_probable(probabilities: Var) -> Classes:
    """The first class with the largest probability.

    Parameters
    ----------
    probabilities : Var of shape (n, n_classes), double

    Returns
    -------
    Classes
    """
    return Classes(largest(probabilities), probabilities)


def above(values: Var, bar: float) -> Var:
    """Whether values are above a bar.

    Parameters
    ----------
    values : Var of shape (n,), double
    bar : float

    Returns
    -------
    Var of shape (n,), int64
        1 where a value is above the bar, else 0.
    """
    return op.cast(op.greater(values, const(bar)), to=np.int64)


def by_scores(scores: Var, n_classes: int, probabilities: Var | None = None) -> Classes:
    """The class as in `LinearClassifierMixin.predict`.

    Parameters
    ----------
    scores : Var, double
        Of shape (n, 1) for two classes: the second is chosen above zero. Of shape (n, n_classes)
        for more: the first with the largest score is chosen.
    n_classes : int
    probabilities : Var of shape (n, n_classes), optional

    Returns
    -------
    Classes
    """
    if n_classes == 2:
        return Classes(above(column(scores), 0.0), probabilities, column(scores))
    return Classes(largest(scores), probabilities, scores)


def soft(scores: Var, n_classes: int) -> Var:
    """Probabilities from scores: the logistic function for two classes, the softmax for more.

    Parameters
    ----------
    scores : Var, double
        Of shape (n, 1) for two classes, (n, n_classes) for more.
    n_classes : int

    Returns
    -------
    Var of shape (n, n_classes), double
    """
    return two_classes(expit(scores)) if n_classes == 2 else op.softmax(scores, axis=1)


def normalised(shares: Var) -> Var:
    """Each row divided by its sum."""
    return op.div(shares, op.reduce_sum(shares, const([1], "int64")))


def mean(parts: Sequence[Var], weights: Any = None) -> Var:
    """The weighted mean of several results, as in `np.average`.

    Parameters
    ----------
    parts : sequence of Vars of the same shape
    weights : array of shape (len(parts),), optional
        Equal weights by default.

    Returns
    -------
    Var of the same shape
    """
    if weights is None:
        return op.div(op.sum(parts), const(float(len(parts))))
    last = const([-1], "int64")
    stacked = op.concat([op.unsqueeze(part, last) for part in parts], axis=-1)
    total = op.reduce_sum(op.mul(stacked, const(weights)), last, keepdims=0)
    return op.div(total, const(float(np.sum(weights))))
