"""Steps that replace a number by its bin: the bin's number, or a column for each bin."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.preprocessing import KBinsDiscretizer
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import Positions, column_step, matrix_step
from slipway.compile.steps.search import search
from slipway.compile.table import const, take, width


@column_step(KBinsDiscretizer)
def bins(discretizer: Any, positions: Positions, matrix: Var) -> Var:
    """A bin ends just before its upper edge; the outermost two have no end."""
    if discretizer.encode != "ordinal":
        raise CannotCompileError(f"KBinsDiscretizer with encode={discretizer.encode!r}")
    return _bins(discretizer, positions, matrix)


@matrix_step(KBinsDiscretizer)
def encoded_bins(discretizer: Any, matrix: Var) -> Var:
    """The number of the bin, or a column for each bin."""
    numbers = _bins(discretizer, np.arange(width(matrix)), matrix)
    if discretizer.encode == "ordinal":
        return numbers
    counts = discretizer.n_bins_
    each = take(numbers, np.repeat(np.arange(len(counts)), counts))
    wanted = np.concatenate([np.arange(count) for count in counts])
    return op.cast(op.equal(each, const(wanted[None])), to=np.float64)


def _bins(discretizer: Any, positions: Positions, matrix: Var) -> Var:
    return search(matrix, [np.asarray(discretizer.bin_edges_[one][1:-1], dtype="float64") for one in positions])
