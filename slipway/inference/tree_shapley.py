"""Shapley values of the fields where a graph ends in trees, from their leaves instead of mixed rows.

A leaf is reached by a mixture if each field on the way to it has the value, the record's or the background row's, that leads
there. So a leaf counts for a pair of both if no field of either blocks it; what it adds is then shared between the fields whose
value of the record alone leads there, which gain, and those of the background row alone, which lose.

Where the prediction is a weighted sum of the leaves this is a formula, for any number of fields. Where it is another function
of sums (a probability from a score, a number within bounds), the sums of every subset of fields follow from the leaves, and the
graph behind the trees is evaluated for these; up to `EXACT_FIELDS` fields.

Source: S. M. Lundberg et al., From local explanations to global understanding with explainable AI for trees, Nature Machine
Intelligence 2, 2020 (interventional TreeSHAP); the weights are those of Shapley's formula for the orders in which all fields of
one set come before all of another.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.inference.forest import Floats, Forest, Masks, NoForestError, Positions
from slipway.inference.onnx_engine import CompiledEngine, session
from slipway.inference.onnx_parts import Graph
from slipway.inference.predictor import Predictor
from slipway.inference.shapley_methods import EXACT_FIELDS
from slipway.inference.tree_games import Formula, Subsets
from slipway.inference.tree_link import Link
from slipway.schema.arrays import Columns

LARGEST = 64 * 1024 * 1024
"""Bytes that may be kept about the background: one to eight for each leaf and background row."""

_HIDDEN = {"If", "Loop", "Scan"}
"""Operators with graphs of their own, which use values that are not named as inputs."""
_BLOCK_CELLS = 2**16


class TreeShapley:
    """Contributions to the predictions of a compiled version, for each background row.

    Parameters
    ----------
    predictor : Predictor
    background : Columns

    Raises
    ------
    NoForestError
        If the graph is of another kind, or too large; or if it has no finite answers for the background.
    """

    def __init__(self, predictor: Predictor, background: Columns) -> None:
        engine = predictor.engine
        if not isinstance(engine, CompiledEngine):
            raise NoForestError("not compiled")
        self._engine, self._predictor = engine, predictor
        graph = Graph(engine.graph)
        nodes = [node for node in graph.nodes if node.kind == "TreeEnsemble"]
        if not nodes or any(node.kind in _HIDDEN for node in graph.nodes):
            raise NoForestError("no trees, or others beside them")
        self.forest = Forest(graph, nodes)
        size = len(next(iter(background.values())))
        if size * len(self.forest.weights) * self.forest.dtype.itemsize > LARGEST:
            raise NoForestError("too many leaves")
        self._count = len(self.forest.fields)
        self._link = Link(graph, self.forest, predictor)
        if not self._link.is_sum and self._count > EXACT_FIELDS:
            raise NoForestError("more fields than all subsets can be made of")
        self._before = session(graph.part(self.forest.matrices))
        self._needs = {item.name for item in self._before.get_inputs()}
        self._theirs = self.forest.blocked(self._matrices(background))
        self._bases = _bases(predictor, background)
        self._formula = Formula(self._count, self.forest.dtype)
        self._subsets = None if self._link.is_sum else Subsets(self._count, size)
        self._own_weights: dict[int | None, Floats] = {}

    @property
    def cells(self) -> int:
        """Leaves times background rows."""
        return int(self._theirs.size)

    @property
    def leaves(self) -> int:
        """The leaves of all trees."""
        return int(self._theirs.shape[1])

    def base(self, position: int | None) -> float:
        """The mean prediction of the background, for classes the probability of the one at `position`."""
        return float(self._bases[position or 0])

    def contributions(self, columns: Columns, position: int | None) -> Floats | None:
        """The contribution of each field of one record, compared with each background row.

        Parameters
        ----------
        columns : Columns
            Of one row.
        position : int, optional
            Of the class whose probability is explained.

        Returns
        -------
        array of shape (n_background, n_fields), or None
            None where the model has no finite answer to a mixture of both.
        """
        (own,) = self.forest.blocked(self._matrices(columns))
        row, leaf, theirs = self._reached(own)
        size = len(self._theirs)
        if self._subsets is not None:
            shares = self._by_subsets(row, leaf, theirs, own, position)
        else:
            shares = self._formula.shares(row, leaf, theirs, own, self._weights(position)[leaf], size)
        if not np.isfinite(shares).all():
            return None
        found = np.zeros((size, len(columns)))
        found[:, self.forest.fields] = shares
        return found

    def _by_subsets(self, row: Positions, leaf: Positions, theirs: Masks, own: Masks, position: int | None) -> Floats:
        assert self._subsets is not None  # noqa: S101
        kept = [self.forest.targets[leaf] == target for target in range(self._link.width)]
        weights = self.forest.weights[leaf]
        sums = [self._subsets.sums(row[one], theirs[one], own[leaf[one]], weights[one]) for one in kept]
        values = self._link.values(np.stack(sums, axis=-1).reshape(-1, len(sums)), position)
        return self._subsets.shares(values.reshape(len(self._theirs), -1))

    def _reached(self, own: Masks) -> tuple[Positions, Positions, Masks]:
        """The pairs of a background row and a leaf that some mixture reaches, and the fields that keep the background row from it."""
        rows, leaves = self._theirs.shape
        height = max(1, _BLOCK_CELLS // leaves)
        found = []
        blocked, all_free = np.empty((height, leaves), dtype=own.dtype), np.empty((height, leaves), dtype=bool)
        for start in range(0, rows, height):
            some_rows = self._theirs[start : start + height]
            both = np.bitwise_and(some_rows, own, out=blocked[: len(some_rows)])
            free = np.equal(both, 0, out=all_free[: len(some_rows)])
            found.append(np.flatnonzero(free) + start * leaves)
        flat = np.concatenate(found)
        firsts = np.arange(rows) * leaves
        counts = np.diff(np.append(np.searchsorted(flat, firsts), len(flat)))
        row = np.repeat(np.arange(rows), counts)
        return row, flat - row * leaves, self._theirs.ravel()[flat]

    def _weights(self, position: int | None) -> Floats:
        """What each leaf adds to the prediction."""
        if position not in self._own_weights:
            factors = self._link.factors[position or 0]
            self._own_weights[position] = self.forest.weights * factors[self.forest.targets]
        return self._own_weights[position]

    def _matrices(self, columns: Columns) -> list[npt.NDArray[Any]]:
        rows = len(next(iter(columns.values())))
        feed = {name: value for name, value in self._engine.feed(columns).items() if name in self._needs}
        return [matrix[:rows] for matrix in self._before.run(self.forest.matrices, feed)]


def _bases(predictor: Predictor, background: Columns) -> Sequence[float]:
    answers = predictor.engine.predict(background)
    if answers.probabilities is None:
        found = predictor.bounded(np.asarray(answers.values, dtype="float64"))[:, None]
    else:
        found = answers.probabilities
    if not np.isfinite(found).all():
        raise NoForestError("no finite answer to the background")
    return found.mean(axis=0).tolist()  # type: ignore[no-any-return]
