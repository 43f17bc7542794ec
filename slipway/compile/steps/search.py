"""Which interval a number lies in: one tree per column, in one node of the graph."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from spox import Var

from slipway.compile.estimators.trees import LESS, Tree, total


def search(matrix: Var, edges: Sequence[npt.NDArray[np.float64]]) -> Var:
    """How many of a column's edges are less than or equal to a number.

    As `np.searchsorted(edges, value, side="right")`, for each of k columns with its own edges.

    Parameters
    ----------
    matrix : Var of shape (n, k), double
        The result for a missing value is arbitrary.
    edges : sequence of k arrays
        Ascending.

    Returns
    -------
    Var of shape (n, k), double
    """
    return total(matrix, [_tree(column, one) for column, one in enumerate(edges)], range(len(edges)), len(edges))


def _tree(column: int, edges: npt.NDArray[np.float64]) -> Tree:
    """A balanced tree whose leaf i holds the numbers from edge i - 1 up to, and without, edge i."""
    count = len(edges)
    threshold = np.zeros(2 * count + 1)
    left, right = np.full((2, 2 * count + 1), -1)
    weights = np.zeros(2 * count + 1)
    made = 0

    def grow(low: int, high: int) -> int:
        nonlocal made
        here, made = made, made + 1
        if low == high:
            weights[here] = low
        else:
            middle = (low + high) // 2
            threshold[here] = edges[middle]
            left[here], right[here] = grow(low, middle), grow(middle + 1, high)
        return here

    grow(0, count)
    features = np.full(2 * count + 1, column)
    return Tree(features, threshold, left, right, weights, np.zeros(2 * count + 1, dtype=bool), LESS)
