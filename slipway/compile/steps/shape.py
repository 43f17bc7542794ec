"""Steps that change the shape of each column's distribution: PyCaret's `transformation`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import PowerTransformer, QuantileTransformer
from spox import Var

from slipway.compile.registry import Positions, column_step
from slipway.compile.steps import normal
from slipway.compile.steps.scale import standard
from slipway.compile.steps.search import search
from slipway.compile.table import const
from slipway.training import _sklearn

Floats = npt.NDArray[np.float64]

EPSILON = np.spacing(1.0)
"""How near to 0 or 2 scikit-learn takes the exponent of Yeo-Johnson for a logarithm."""


@column_step(PowerTransformer)
def power(transformer: Any, positions: Positions, matrix: Var) -> Var:
    """`((|x| + 1) ** p - 1) / p` with the sign of x, p being lambda, below zero 2 - lambda.

    Yeo, I.-K. and Johnson, R. A. (2000). A new family of power transformations to improve
    normality or symmetry. Biometrika 87, 954-959.
    """
    if transformer.method == "box-cox":
        shaped = _box_cox(np.asarray(transformer.lambdas_, dtype="float64")[None, positions], matrix)
        return standard(_sklearn.scaler_of(transformer), positions, shaped) if transformer.standardize else shaped
    above = np.asarray(transformer.lambdas_, dtype="float64")[None, positions]
    above, below = (np.where(np.abs(one) < EPSILON, 0.0, one) for one in (above, 2 - above))
    positive = op.greater_or_equal(matrix, const(0.0))
    exponent = op.where(positive, const(above), const(below))
    grown = op.add(op.abs(matrix), const(1.0))
    shaped = op.div(op.sub(op.pow(grown, exponent), const(1.0)), op.where(positive, const(above), const(-below)))
    if not np.all(above * below):
        logarithm = op.mul(op.log(grown), op.sign(matrix))
        shaped = op.where(op.equal(exponent, const(0.0)), logarithm, shaped)
    return standard(_sklearn.scaler_of(transformer), positions, shaped) if transformer.standardize else shaped


def _box_cox(exponents: Floats, matrix: Var) -> Var:
    """`(x ** p - 1) / p`, the logarithm where p is 0. scikit-learn takes positive numbers alone.

    Box, G. E. P. and Cox, D. R. (1964). An analysis of transformations. Journal of the Royal Statistical Society B 26.
    """
    logarithmic = exponents == 0
    divisor = np.where(logarithmic, 1.0, exponents)
    grown = op.div(op.sub(op.pow(matrix, const(exponents)), const(1.0)), const(divisor))
    return op.where(const(logarithmic, "bool"), op.log(matrix), grown) if logarithmic.any() else grown


@column_step(QuantileTransformer)
def quantile(transformer: Any, positions: Positions, matrix: Var) -> Var:
    """The number's share among the quantiles or, for a normal output, the normal quantile of that share.

    scikit-learn interpolates from the quantile below and from the one above and takes the
    mean, which matters where quantiles repeat; both are `(x - anchor) * slope + share`.
    """
    is_normal = transformer.output_distribution == "normal"
    tables = [_pieces(transformer.quantiles_[:, one], transformer.references_, is_normal) for one in positions]
    starts = np.cumsum([0] + [len(edges) + 1 for edges, _ in tables[:-1]])
    position = op.add(search(matrix, [edges for edges, _ in tables]), const(starts[None]))
    pieces = op.cast(position, to=np.int64)
    lines = np.concatenate([lines for _, lines in tables])
    anchor, slope, share = (op.gather(const(lines[:, part]), pieces) for part in range(3))
    off = op.sub(op.unsqueeze(matrix, const([2], "int64")), anchor)
    both = op.add(op.mul(off, slope), share)
    shares = op.reduce_mean(both, const([2], "int64"), keepdims=0)
    if not is_normal:
        return shares
    # Clipping the shares is clipping the values, and keeps infinity out.
    least = _sklearn.BOUNDS - EPSILON
    return normal.ppf(op.clip(shares, const(least), const(1 - least)))


def _pieces(quantiles: Any, references: Any, is_normal: bool) -> tuple[Floats, Floats]:
    """The edges of the pieces of a column, and the line on each.

    Every quantile is a piece of its own: its share is the mean of its first and its last place
    among equals. So are both ends, which scikit-learn treats separately for a normal output.

    Returns
    -------
    edges : array of shape (n_pieces - 1,)
    lines : array of shape (n_pieces, 3, 2)
        Anchor, slope and share, from below and from above.
    """
    quantiles = np.asarray(quantiles, dtype="float64")
    different, first = np.unique(quantiles, return_index=True)
    last = np.append(first[1:], len(quantiles)) - 1
    low, high = _ends(different, is_normal)
    edges = np.unique(np.concatenate([different, np.nextafter(different, np.inf), [low, high]]))
    lines = np.zeros((len(edges) + 1, 3, 2))
    for piece, start in enumerate(edges, 1):
        below = np.searchsorted(different, start, side="right") - 1
        above = np.searchsorted(different, start, side="left")
        if start < low:
            continue
        if start >= high:
            lines[piece, 2] = 1.0
        elif below == above:
            lines[piece, 2] = references[last[below]], references[first[above]]
        else:
            shares = np.array([references[last[below]], references[first[above]]])
            ends = different[[below, above]]
            lines[piece] = ends, [(shares[1] - shares[0]) / (ends[1] - ends[0])] * 2, shares
    return edges, lines


def _ends(different: Floats, is_normal: bool) -> tuple[float, float]:
    """The first number at which the share is above 0, and the first at which it is 1."""
    lowest, highest = float(different[0]), float(different[-1])
    if not is_normal:
        return float(np.nextafter(lowest, np.inf)), highest
    return (
        _first(lambda x: not x - _sklearn.BOUNDS < lowest, lowest),
        _first(lambda x: x + _sklearn.BOUNDS > highest, highest),
    )


def _first(holds: Callable[[float], bool], near: float) -> float:
    """The smallest double near `near` from which a condition holds, by bisecting the doubles themselves."""
    reach = 2 * _sklearn.BOUNDS + 4 * np.spacing(abs(near))
    low, high = _rank(near - reach), _rank(near + reach)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(_double(middle)) else (middle, high)
    return _double(high)


def _rank(number: float) -> int:
    """The place of a double among all doubles, 0 for zero."""
    bits = int(np.float64(abs(number)).view("int64"))
    return bits if number >= 0 else -bits


def _double(rank: int) -> float:
    number = float(np.int64(abs(rank)).view("float64"))
    return number if rank >= 0 else -number
