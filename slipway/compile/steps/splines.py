"""B-splines of numbers: scikit-learn's SplineTransformer, as a polynomial between every two knots."""

from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import SplineTransformer
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import matrix_step
from slipway.compile.steps.search import search
from slipway.compile.table import const, take, width

Floats = npt.NDArray[np.float64]


@matrix_step(SplineTransformer)
def splines(transformer: Any, matrix: Var) -> Var:
    """Every spline of each column; outside of the outermost knots as `extrapolation` says.

    With `extrapolation="error"` the transformer has no answer there, and what the graph says does not matter.
    """
    if transformer.extrapolation == "linear" and transformer.degree < 2 and len(transformer.bsplines_) > 1:
        # Seen in scikit-learn 1.4.2: it counts the degree up with each column, and takes its ends for other knots.
        raise CannotCompileError(
            f"SplineTransformer of several columns with extrapolation='linear' and degree={transformer.degree}"
        )
    made = [_column(transformer, spline, take(matrix, [place])) for place, spline in enumerate(transformer.bsplines_)]
    joined = made[0] if len(made) == 1 else op.concat(made, axis=1)
    if transformer.include_bias:
        return joined
    each = transformer.bsplines_[0].c.shape[1]  # the last one of each column is left out
    return take(joined, [place for place in range(width(joined)) if (place + 1) % each])


def _column(transformer: Any, spline: Any, number: Var) -> Var:
    """The splines of one column, of shape (n, n_splines)."""
    degree = spline.k
    low, high = float(spline.t[degree]), float(spline.t[-degree - 1])
    knots = np.unique(spline.t[degree : len(spline.t) - degree])
    if transformer.extrapolation == "periodic":
        off = op.sub(number, const(low))
        period = const(high - low)
        number = op.add(op.sub(off, op.mul(op.floor(op.div(off, period)), period)), const(low))
    within = number
    if transformer.extrapolation in ("constant", "linear"):
        within = op.clip(number, const(low), const(high))
    values = _between(spline, knots, within)
    if transformer.extrapolation == "linear":
        rising = const(np.asarray(spline(high, nu=1), dtype="float64")[None])
        falling = const(np.asarray(spline(low, nu=1), dtype="float64")[None])
        beyond = op.sub(number, within)
        slope = op.where(op.greater(beyond, const(0.0)), rising, falling)
        values = op.add(values, op.mul(beyond, slope))
    return values


def _between(spline: Any, knots: Floats, number: Var) -> Var:
    """The piece between two knots that a number is in, as a polynomial of its distance from the lower one."""
    starts = knots[:-1]
    powers = [np.asarray(spline(starts, nu=power)) / factorial(power) for power in range(spline.k + 1)]
    piece = op.cast(op.squeeze(search(number, [starts[1:]]), const([1], "int64")), to=np.int64)
    off = op.sub(number, op.unsqueeze(op.gather(const(starts), piece), const([1], "int64")))
    value = op.gather(const(powers[-1]), piece)
    for coefficients in reversed(powers[:-1]):
        value = op.add(op.mul(value, off), op.gather(const(coefficients), piece))
    return value
