"""Functions of NumPy that a `FunctionTransformer` applies to each number."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.utils import check_array
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.table import const


def _plus_one(number: Var) -> Var:
    return op.add(number, const(1.0))


FUNCTIONS: dict[Any, Callable[[Var], Var]] = {
    None: lambda number: number,
    np.log1p: lambda number: op.log(_plus_one(number)),
    np.expm1: lambda number: op.sub(op.exp(number), const(1.0)),
    np.log: op.log,
    np.log2: lambda number: op.div(op.log(number), const(float(np.log(2.0)))),
    np.log10: lambda number: op.div(op.log(number), const(float(np.log(10.0)))),
    np.exp: op.exp,
    np.exp2: lambda number: op.pow(const(2.0), number),
    np.sqrt: op.sqrt,
    np.square: lambda number: op.mul(number, number),
    np.abs: op.abs,
    np.sign: op.sign,
    np.negative: op.neg,
    np.reciprocal: lambda number: op.div(const(1.0), number),
    np.sin: op.sin,
    np.cos: op.cos,
    np.tanh: op.tanh,
}
"""What is made of each, in double; the result of the same function of one number."""


LOWEST: dict[Any, float] = {np.log1p: 0.0, np.sqrt: 0.0, np.log: np.nan, np.log2: np.nan, np.log10: np.nan}
"""Functions that have no value for negative numbers, with the smallest number to allow; NaN where 0 has none either."""


def function_of(function: Any, arguments: Mapping[str, Any] | None) -> Callable[[Var], Var]:
    """What a function of NumPy makes of numbers.

    Parameters
    ----------
    function : callable or None
        None leaves them as they are.
    arguments : mapping, optional
        Further arguments of the function.

    Returns
    -------
    callable
        From a Var of any shape, double, to one of the same shape.

    Raises
    ------
    CannotCompileError
        If the function is another one, or is given more arguments.
    """
    if isinstance(function, partial) and function.func is check_array:
        return FUNCTIONS[None]  # as scikit-learn's own steps check numbers
    known = function is None or (isinstance(function, np.ufunc) and function in FUNCTIONS)
    if not known or arguments:
        name = getattr(function, "__name__", type(function).__name__)
        raise CannotCompileError(
            f"FunctionTransformer with {name}: only functions of NumPy such as np.log1p have an exact graph"
        )
    return FUNCTIONS[function]
