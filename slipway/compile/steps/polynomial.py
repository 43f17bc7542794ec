"""Products of columns: PyCaret's `polynomial_features`."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import PolynomialFeatures
from spox import Var

from slipway.compile.registry import matrix_step
from slipway.compile.table import const, take, width

NARROW = 32
"""Up to so many columns ONNX Runtime multiplies faster than it gathers."""

Factors = tuple[int, ...]
"""The columns that are multiplied, ascending, a column once for each of its powers."""


@matrix_step(PolynomialFeatures)
def polynomial(features: Any, matrix: Var) -> Var:
    """Each product is a column times the product of the others, as scikit-learn multiplies."""
    wanted = [_factors(powers) for powers in features.powers_]
    made: dict[Factors, int] = {}
    parts: list[Var] = []
    if () in wanted:
        parts.append(op.pow(take(matrix, [0]), const(0.0)))  # one, even where a number is missing
        made[()] = 0
    level: dict[Factors, int] = {(column,): column for column in range(features.n_features_in_)}
    products = matrix
    while True:
        made |= {factors: len(made) + place for place, factors in enumerate(level)}
        parts.append(products)
        longer = sorted({factors[start:] for factors in wanted for start in range(len(factors))} - set(made))
        size = len(next(iter(level))) + 1
        following = [factors for factors in longer if len(factors) == size]
        if not following:
            break
        heads = _picked(matrix, [factors[0] for factors in following])
        products = op.mul(heads, _picked(products, [level[factors[1:]] for factors in following]))
        level = {factors: place for place, factors in enumerate(following)}
    joined = parts[0] if len(parts) == 1 else op.concat(parts, axis=1)
    return take(joined, [made[factors] for factors in wanted])


def _picked(matrix: Var, positions: list[int]) -> Var:
    """Columns of a matrix; for a narrow one, by a product with zeros and ones, which is four times as fast.

    scikit-learn rejects NaN here, which the zeros would spread.
    """
    if width(matrix) > NARROW:
        return take(matrix, positions)
    return op.matmul(matrix, const(np.eye(width(matrix))[:, positions]))


def _factors(powers: Any) -> Factors:
    return tuple(np.repeat(np.arange(len(powers)), powers).tolist())
