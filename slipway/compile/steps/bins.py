"""Steps that replace a number by the number of its bin."""

from typing import Any

import numpy as np
from sklearn.preprocessing import KBinsDiscretizer
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import Positions, column_step
from slipway.compile.steps.search import search


@column_step(KBinsDiscretizer)
def bins(discretizer: Any, positions: Positions, matrix: Var) -> Var:
    """A bin ends just before its upper edge; the outermost two have no end."""
    if discretizer.encode != "ordinal":
        raise CannotCompileError(f"KBinsDiscretizer with encode={discretizer.encode!r}")
    return search(matrix, [np.asarray(discretizer.bin_edges_[one][1:-1], dtype="float64") for one in positions])
