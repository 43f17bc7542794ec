"""What several estimators end in."""

import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.registry import Classes
from slipway.compile.table import const


def column(matrix: Var) -> Var:
    """A matrix of shape (n, 1) as (n,)."""
    return op.squeeze(matrix, const([1], "int64"))


def two_classes(share: Var) -> Var:
    """The probabilities (n, 2) of two classes, from that of the second, of shape (n, 1)."""
    return op.concat([op.sub(const(1.0), share), share], axis=1)


def most_probable(probabilities: Var) -> Classes:
    """The first class of the largest probability."""
    return Classes(op.arg_max(probabilities, axis=1, keepdims=0), probabilities)
