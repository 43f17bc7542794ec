"""The way back from a transformed target: PyCaret's `transform_target`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import name_of
from slipway.compile.steps import normal
from slipway.compile.steps.functions import function_of
from slipway.compile.steps.shape import EPSILON
from slipway.compile.table import const
from slipway.training import _pycaret, _sklearn


def inverse(steps: Sequence[tuple[str, Any]], value: Var) -> Var:
    """Undo PyCaret's `transform_target`.

    Parameters
    ----------
    steps : sequence of (name, step)
        Of the fitted pipeline.
    value : Var of shape (n,), double
        The estimator's prediction.

    Returns
    -------
    Var of shape (n,), double
        In the target's own unit.

    Raises
    ------
    CannotCompileError
        If the transformation has no converter.
    """
    for name, wrapper in reversed(steps[:-1]):
        if not hasattr(wrapper, "inverse_transform"):
            continue
        transformer = wrapper.transformer
        estimator = transformer.estimator if name_of(type(transformer)) == _pycaret.TARGET_TRANSFORMER else transformer
        try:
            value = untransformed(estimator, value)
        except CannotCompileError as exc:
            raise CannotCompileError(f"step {name!r}: {exc}") from exc
    return value


def untransformed(transformer: Any, value: Var) -> Var:
    """What `inverse_transform` of a fitted transformer of the target makes of predictions.

    Parameters
    ----------
    transformer : fitted transformer
    value : Var of shape (n,), double

    Returns
    -------
    Var of shape (n,), double

    Raises
    ------
    CannotCompileError
        If the transformation has no converter.
    """
    kind = type(transformer)
    if kind is PowerTransformer:
        return _power(transformer, value)
    if kind is QuantileTransformer:
        return _quantile(transformer, value)
    if kind is FunctionTransformer:
        return function_of(transformer.inverse_func, transformer.inv_kw_args)(value)
    if kind is StandardScaler:
        value = op.mul(value, const(float(transformer.scale_[0]))) if transformer.with_std else value
        return op.add(value, const(float(transformer.mean_[0]))) if transformer.with_mean else value
    if kind is MinMaxScaler and not transformer.clip:
        return op.div(op.sub(value, const(float(transformer.min_[0]))), const(float(transformer.scale_[0])))
    raise CannotCompileError(f"no converter back from {kind.__name__}")


def _power(transformer: Any, value: Var) -> Var:
    """Yeo-Johnson backwards: `(p |x| + 1) ** (1 / p) - 1` with the sign of x, below zero with 2 - lambda for p."""
    if transformer.standardize:
        scaler = _sklearn.scaler_of(transformer)
        value = op.add(op.mul(value, const(float(scaler.scale_[0]))), const(float(scaler.mean_[0])))
    above = float(transformer.lambdas_[0])
    if transformer.method == "box-cox":
        return _grown_back(value, above)
    positive = op.greater_or_equal(value, const(0.0))
    size = op.abs(value)
    back = op.where(positive, _grown(size, above), _grown(size, 2 - above))
    return op.mul(op.sub(back, const(1.0)), op.where(positive, const(1.0), const(-1.0)))


def _grown_back(value: Var, exponent: float) -> Var:
    """Box-Cox backwards: `(p x + 1) ** (1 / p)`."""
    if exponent == 0:
        return op.exp(value)
    return op.pow(op.add(op.mul(value, const(exponent)), const(1.0)), const(1 / exponent))


def _grown(size: Var, exponent: float) -> Var:
    if abs(exponent) < EPSILON:
        return op.exp(size)
    return op.pow(op.add(op.mul(size, const(exponent)), const(1.0)), const(1 / exponent))


def _quantile(transformer: Any, value: Var) -> Var:
    """The quantile for a share of the normal distribution, or for the value itself, interpolated linearly."""
    quantiles = np.asarray(transformer.quantiles_[:, 0], dtype="float64")
    references = np.asarray(transformer.references_, dtype="float64")
    share = normal.cdf(value) if transformer.output_distribution == "normal" else value
    # What scikit-learn takes for an end is one.
    share = op.where(op.less(share, const(_sklearn.BOUNDS)), const(0.0), share)
    share = op.where(op.greater(share, const(1 - _sklearn.BOUNDS)), const(1.0), share)
    last = len(quantiles) - 2
    place = op.cast(op.clip(op.mul(share, const(last + 1.0)), const(0.0), const(float(last))), to=np.int64)
    start, reference, slope = (
        op.gather(const(values), place)
        for values in (quantiles[:-1], references[:-1], np.diff(quantiles) / np.diff(references))
    )
    return op.add(op.mul(op.sub(share, reference), slope), start)
