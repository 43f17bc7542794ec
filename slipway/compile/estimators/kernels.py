"""Estimators that compare a row with training points: kernel ridge and Gaussian processes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from scipy.linalg import solve_triangular
from sklearn.gaussian_process import GaussianProcessClassifier, kernels
from sklearn.kernel_ridge import KernelRidge
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import above, as_column, normalised, two_classes
from slipway.compile.registry import Classes, classifier, regressor
from slipway.compile.table import const

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kernel:
    """A kernel and its training points, as `sklearn.metrics.pairwise` and libsvm define it."""

    kind: str
    points: Numbers
    gamma: float
    degree: float
    coef0: float

    def weighted(self, matrix: Var, coefficients: Any) -> Var:
        """`K(rows, points) @ coefficients`.

        Parameters
        ----------
        matrix : Var of shape (n, n_features), double
        coefficients : array of shape (n_points,) or (n_points, k)

        Returns
        -------
        Var of shape (n,) or (n, k), double
        """
        if self.kind == "linear":
            return op.matmul(matrix, const(self.points.T @ coefficients))
        return op.matmul(self._values(matrix), const(coefficients))

    def _values(self, matrix: Var) -> Var:
        if self.kind == "rbf":
            return rbf(matrix, self.points, self.gamma)
        # Not multiplied by gamma after: ONNX Runtime would fuse the two and round gamma to float32.
        moved = op.add(op.matmul(matrix, const(self.gamma * self.points.T)), const(self.coef0))
        if self.kind in ("poly", "polynomial"):
            return op.pow(moved, const(self.degree))
        if self.kind == "sigmoid":
            return op.tanh(moved)
        raise CannotCompileError(f"the kernel {self.kind!r}")


def rbf(matrix: Var, points: Numbers, gamma: float) -> Var:
    """`exp(-gamma |x - p|²)`.

    The square is expanded to `|x|² + |p|² - 2xp` after both were shifted to the centre
    of the points, where the terms are not much larger than their sum.

    Parameters
    ----------
    matrix : Var of shape (n, n_features), double
    points : array of shape (n_points, n_features)
    gamma : float

    Returns
    -------
    Var of shape (n, n_points), double
    """
    middle = points.mean(axis=0)
    points = points - middle
    centred = op.sub(matrix, const(middle[None]))
    own = op.mul(op.reduce_sum_square(centred, const([1], "int64")), const(-gamma))
    other = const(-gamma * (points**2).sum(axis=1)[None])
    exponent = op.add(op.gemm(centred, const(2.0 * gamma * points.T), other), own)
    return op.exp(op.min([exponent, const(0.0)]))


@regressor(KernelRidge)
def kernel_ridge(model: Any, matrix: Var) -> Var:
    """`K(X, X_fit_) @ dual_coef_`."""
    if not isinstance(model.kernel, str) or model.kernel_params:
        raise CannotCompileError("KernelRidge with a custom kernel")
    points = np.asarray(model.X_fit_, dtype="float64")
    gamma = model.gamma if model.gamma is not None else 1.0 / points.shape[1]
    own = Kernel(model.kernel, points, float(gamma), float(model.degree), float(model.coef0))
    return own.weighted(matrix, np.ravel(model.dual_coef_))


@classifier(GaussianProcessClassifier)
def gaussian_process(model: Any, matrix: Var) -> Classes:
    """More than two classes are one against the rest: the last largest, as in `OneVsRestClassifier.predict`."""
    if len(model.classes_) == 2:
        latent, share = _latent(model.base_estimator_, matrix)
        return Classes(above(latent, 0.0), two_classes(as_column(share)))
    if model.multi_class != "one_vs_rest":
        raise CannotCompileError(f"GaussianProcessClassifier with multi_class={model.multi_class!r}")
    shares = op.concat([as_column(_latent(one, matrix)[1]) for one in model.base_estimator_.estimators_], axis=1)
    return Classes(op.arg_max(shares, axis=1, keepdims=0, select_last_index=1), normalised(shares))


LAMBDAS = np.array([0.41, 0.4, 0.37, 0.44, 0.39])
COEFFICIENTS = np.array([-1854.8214151, 3516.89893646, 221.29346712, 128.12323805, -2010.49422654])
"""A logistic as a sum of five error functions, after Williams and Barber 1998; see scikit-learn's `_gpc.py`."""


def _latent(model: Any, matrix: Var) -> tuple[Var, Var]:
    """Mean of the latent function and probability of the second class, both of shape (n,).

    Laplace's approximation, algorithm 3.2 of Rasmussen and Williams 2006. The triangular
    system is solved once: its matrix is the root of one with no eigenvalue below 1.
    """
    likeness = _covariance(model.kernel_, matrix, model.X_train_)
    mean = op.matmul(likeness, const(model.y_train_ - model.pi_))
    solved = solve_triangular(model.L_, np.diag(model.W_sr_), lower=True)
    explained = op.reduce_sum_square(op.matmul(likeness, const(solved.T)), const([1], "int64"))
    # The covariances known here are stationary: each row's own is the same.
    own = float(model.kernel_.diag(model.X_train_[:1])[0])
    variance = op.sub(const(own), explained)
    alpha = op.div(const(1.0), op.mul(const(2.0), variance))
    gamma = op.mul(as_column(mean), const(LAMBDAS[None]))
    inner = op.mul(gamma, op.sqrt(op.div(alpha, op.add(alpha, const(LAMBDAS[None] ** 2)))))
    # sqrt(pi / alpha) / (2 sqrt(2 pi variance)) is a half.
    return mean, op.add(op.matmul(erf(inner), const(0.5 * COEFFICIENTS)), const(0.5 * COEFFICIENTS.sum()))


def _covariance(kind: Any, matrix: Var, points: Numbers) -> Var:
    if isinstance(kind, kernels.Product | kernels.Sum):
        join = op.mul if isinstance(kind, kernels.Product) else op.add
        return join(_covariance(kind.k1, matrix, points), _covariance(kind.k2, matrix, points))
    if type(kind) is kernels.ConstantKernel:
        return const([[kind.constant_value]])
    if type(kind) is kernels.RBF:
        scale = np.broadcast_to(np.asarray(kind.length_scale, dtype="float64"), points.shape[1:])
        return rbf(op.div(matrix, const(scale[None])), points / scale, 0.5)
    raise CannotCompileError(f"a Gaussian process with {kind}")


# Error function of ONNX Runtime is float32 alone. Rational approximations, after Cephes
# (Moshier, ndtr.c), which SciPy uses too: relative error below 4e-16.
_T = [9.60497373987051638749, 90.0260197203842689217, 2232.00534594684319226, 7003.32514112805075473,
      55592.3013010394962768]  # fmt: skip
_U = [1.0, 33.5617141647503099647, 521.357949780152679795, 4594.32382970980127987, 22629.0000613890934246,
      49267.3942608635921086]  # fmt: skip
_P = [2.46196981473530512524e-10, 0.564189564831068821977, 7.46321056442269912687, 48.6371970985681366614,
      196.520832956077098242, 526.445194995477358631, 934.528527171957607540, 1027.55188689515710272,
      557.535335369399327526]  # fmt: skip
_Q = [1.0, 13.2281951154744992508, 86.7072140885989742329, 354.937778887819891062, 975.708501743205489753,
      1823.90916687909736289, 2246.33760818710981792, 1656.66309194161350182, 557.535340817727675546]  # fmt: skip


def erf(values: Var) -> Var:
    """The error function, of any shape, to about 1e-16."""
    squares = op.mul(values, values)
    small = op.mul(values, _ratio(squares, _T, _U))
    size = op.min([op.abs(values), const(8.0)])
    rest = op.mul(op.exp(op.neg(op.mul(size, size))), _ratio(size, _P, _Q))
    large = op.mul(op.sign(values), op.sub(const(1.0), rest))
    return op.where(op.less(op.abs(values), const(1.0)), small, large)


def _ratio(values: Var, over: list[float], under: list[float]) -> Var:
    """Two polynomials, the highest power first, one divided by the other; no coefficient is below zero."""
    powers = op.pow(op.unsqueeze(values, const([-1], "int64")), const(np.arange(len(under))[::-1]))
    width = len(under)
    padded = np.array([0.0] * (width - len(over)) + over)
    return op.div(op.matmul(powers, const(padded)), op.matmul(powers, const(under)))
