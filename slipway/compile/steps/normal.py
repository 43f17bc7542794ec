"""The normal distribution and its inverse in double, using only operators that ONNX Runtime has in double."""

import math

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from scipy.special import eval_hermitenorm, ndtr
from spox import Var

from slipway.compile.table import const

REACH = 5.5
"""Where `cdf` ends: beyond it the distribution is below 2e-8 or above 1 - 2e-8."""
STEPS = 16
DEGREE = 9

# Wichura, M. J. (1988). Algorithm AS 241: The percentage points of the normal distribution.
# Applied Statistics 37, 477-484: PPND16, relative error about 1e-16. Numerator and denominator
# near the middle, then the same in the tails; the powers go up.
AS241 = np.array(
    [
        [
            3.3871328727963666080e0,
            1.3314166789178437745e2,
            1.9715909503065514427e3,
            1.3731693765509461125e4,
            4.5921953931549871457e4,
            6.7265770927008700853e4,
            3.3430575583588128105e4,
            2.5090809287301226727e3,
        ],
        [
            1.0,
            4.2313330701600911252e1,
            6.8718700749205790830e2,
            5.3941960214247511077e3,
            2.1213794301586595867e4,
            3.9307895800092710610e4,
            2.8729085735721942674e4,
            5.2264952788528545610e3,
        ],
        [
            1.42343711074968357734e0,
            4.63033784615654529590e0,
            5.76949722146069140550e0,
            3.64784832476320460504e0,
            1.27045825245236838258e0,
            2.41780725177450611770e-1,
            2.27238449892691845833e-2,
            7.74545014278341407640e-4,
        ],
        [
            1.0,
            2.05319162663775882187e0,
            1.67638483018380384940e0,
            6.89767334985100004550e-1,
            1.48103976427480074590e-1,
            1.51986665636164571966e-2,
            5.47593808499534494600e-4,
            1.05075007164441684324e-9,
        ],
    ]
)


def ppf(share: Var) -> Var:
    """The quantile function of the normal distribution.

    The polynomials of AS 241 have no negative term here, so their powers can be summed in any order.

    Parameters
    ----------
    share : Var of any shape, double
        From 1e-11 to 1 - 1e-11.

    Returns
    -------
    Var of the same shape
    """
    share = op.unsqueeze(share, const([-1], "int64"))
    middle = op.sub(share, const(0.5))
    tail = op.min([share, op.sub(const(1.0), share)])
    central = op.greater_or_equal(tail, const(0.075))
    at = op.where(
        central,
        op.sub(const(0.180625), op.mul(middle, middle)),
        op.sub(op.sqrt(op.neg(op.log(tail))), const(1.6)),
    )
    sums = op.matmul(op.pow(at, const(np.arange(8))), const(AS241.T))
    above, below, tail_above, tail_below = op.split(sums, num_outputs=4, axis=-1)
    ratio = op.div(op.where(central, above, tail_above), op.where(central, below, tail_below))
    return op.squeeze(op.mul(op.where(central, middle, op.sign(middle)), ratio), const([-1], "int64"))


def cdf(value: Var) -> Var:
    """The share of the normal distribution below a value.

    Taylor's series around the nearest of 177 points: its derivatives are Hermite polynomials
    times the density, and what is left out is below 1e-17.

    Parameters
    ----------
    value : Var of any shape, double
        Clipped to ±`REACH`.

    Returns
    -------
    Var of the same shape
    """
    bounded = op.clip(value, const(-REACH), const(REACH))
    nearest = op.round(op.mul(bounded, const(float(STEPS))))
    points = op.cast(op.add(nearest, const(REACH * STEPS)), to=np.int64)
    off = op.sub(bounded, op.div(nearest, const(float(STEPS))))
    powers = op.pow(op.unsqueeze(off, const([-1], "int64")), const(np.arange(DEGREE + 1)))
    terms = op.mul(powers, op.gather(const(_taylor()), points))
    return op.reduce_sum(terms, const([-1], "int64"), keepdims=0)


def _taylor() -> npt.NDArray[np.float64]:
    """Coefficients of the series around each point, of shape (n_points, DEGREE + 1)."""
    points = np.arange(-REACH * STEPS, REACH * STEPS + 1) / STEPS
    density = np.exp(-(points**2) / 2) / np.sqrt(2 * np.pi)
    terms = [ndtr(points)]
    for order in range(1, DEGREE + 1):
        sign = -1 if order % 2 == 0 else 1
        terms.append(sign * eval_hermitenorm(order - 1, points) * density / math.factorial(order))
    return np.stack(terms, axis=1)
