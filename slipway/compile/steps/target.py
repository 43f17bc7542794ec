"""The way back from a transformed target: PyCaret's `transform_target`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import PowerTransformer, QuantileTransformer
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import name_of
from slipway.compile.steps import normal
from slipway.compile.steps.shape import EPSILON, check_yeo_johnson
from slipway.compile.table import const
from slipway.training import _pycaret, _sklearn


def inverse(steps: Sequence[tuple[str, Any]], value: Var) -> Var:
    """The values in the target's own unit, of shape (n,), undoing PyCaret's `transform_target`."""
    for name, wrapper in reversed(steps[:-1]):
        if not hasattr(wrapper, "inverse_transform"):
            continue
        transformer = wrapper.transformer
        estimator = transformer.estimator if name_of(type(transformer)) == _pycaret.TARGET_TRANSFORMER else transformer
        if type(estimator) is PowerTransformer:
            value = _power(estimator, value)
        elif type(estimator) is QuantileTransformer:
            value = _quantile(estimator, value)
        else:
            raise CannotCompileError(f"step {name!r}: no converter for {type(estimator).__name__}")
    return value


def _power(transformer: Any, value: Var) -> Var:
    """Yeo-Johnson backwards: `(p |x| + 1) ** (1 / p) - 1` with the sign of x, below zero with 2 - lambda for p."""
    check_yeo_johnson(transformer)
    if transformer.standardize:
        scaler = _sklearn.scaler_of(transformer)
        value = op.add(op.mul(value, const(float(scaler.scale_[0]))), const(float(scaler.mean_[0])))
    above = float(transformer.lambdas_[0])
    positive = op.greater_or_equal(value, const(0.0))
    size = op.abs(value)
    back = op.where(positive, _grown(size, above), _grown(size, 2 - above))
    return op.mul(op.sub(back, const(1.0)), op.where(positive, const(1.0), const(-1.0)))


def _grown(size: Var, exponent: float) -> Var:
    if abs(exponent) < EPSILON:
        return op.exp(size)
    return op.pow(op.add(op.mul(size, const(exponent)), const(1.0)), const(1 / exponent))


def _quantile(transformer: Any, value: Var) -> Var:
    """The quantile at the share of the normal distribution, or at the value itself, between two by a line."""
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
