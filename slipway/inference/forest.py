"""The trees of a compiled graph as arrays: for a row, which fields keep it from each leaf."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.inference.column_fields import ColumnFields
from slipway.inference.onnx_parts import DOUBLE, FLOAT, Graph, Node, Tensor

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Masks = npt.NDArray[Any]
"""Sets of fields, as unsigned integers with a bit for each."""

SUM, NO_TRANSFORM = 1, 0
LESS = 1
"""How a TreeEnsemble numbers what it does; nodes that compare otherwise than by `<=` (0) and `<` are not read."""
_BLOCK_CELLS = 2**20


class NoForestError(Exception):
    """The graph has something else than trees that each split one field's columns."""


@dataclass(frozen=True)
class _Level:
    """The nodes of all trees that are equally far from their roots.

    `nodes` is their slice of what is compared. Of their children, first all on the true side, then all on the false one,
    `inner` are the next level's nodes and `leaves` end there.
    """

    nodes: slice
    bits: Masks
    inner: Positions
    leaves: Positions


class _Ensemble:
    """One TreeEnsemble node. Leaves that are close in a tree are close in the order of leaves, tree by tree."""

    def __init__(self, node: Node, columns: tuple[int, ...], bits: dict[int, int], dtype: npt.DTypeLike) -> None:
        given = node.attributes
        split, modes = _values(given["nodes_splits"]), _values(given["nodes_modes"])
        plain = given.get("aggregate_function", SUM) == SUM and given.get("post_transform", 0) == NO_TRANSFORM
        if not plain or not np.isin(modes, (0, LESS)).all():
            raise NoForestError("trees that add or compare in another way")
        feature = given["nodes_featureids"]
        missing = given.get("nodes_missing_value_tracks_true", np.zeros(len(feature), dtype="int64")).astype(bool)
        children = np.stack([given["nodes_truenodeids"], given["nodes_falsenodeids"]])
        is_leaf = np.stack([given["nodes_trueleafs"], given["nodes_falseleafs"]]).astype(bool)
        # A tree that is one leaf has a node with this leaf on both sides: it compares nothing.
        lone = is_leaf.all(axis=0) & (children[0] == children[1])
        bit = np.array([bits[columns[place]] for place in feature.tolist()], dtype=dtype)
        bit[lone] = 0
        order, leaves, trees, ways = [], [], [], []
        self.levels: list[_Level] = []
        nodes, tree, start = given["tree_roots"], np.arange(len(given["tree_roots"])), 0
        way, step = np.zeros(len(nodes)), 0.5
        while len(nodes):
            child, ends, of_tree = children[:, nodes].ravel(), is_leaf[:, nodes].ravel(), np.tile(tree, 2)
            kept = ends & ~np.concatenate([np.zeros(len(nodes), dtype=bool), lone[nodes]])
            inner, final = np.flatnonzero(~ends), np.flatnonzero(kept)
            self.levels.append(_Level(slice(start, start + len(nodes)), bit[nodes], inner, final))
            order.append(nodes)
            leaves.append(child[final])
            trees.append(of_tree[final])
            way = np.concatenate([way, way + step])  # a number that grows from the left of a tree to its right
            ways.append(way[final])
            start += len(nodes)
            nodes, tree, way, step = child[inner], of_tree[inner], way[inner], step / 2
        self._order = np.lexsort((np.concatenate(ways), np.concatenate(trees)))
        ordered, at = np.concatenate(order), np.concatenate(leaves)[self._order]
        self._feature, self._split, self._missing = feature[ordered], split[ordered], missing[ordered]
        self._strict = modes[ordered] == LESS
        self._dtype = dtype
        self.trees: Positions = np.concatenate(trees)[self._order]
        self.weights = _values(given["leaf_weights"]).astype("float64")[at]
        self.targets: Positions = given["leaf_targetids"][at]

    def blocked(self, matrix: npt.NDArray[Any]) -> Masks:
        """For each row and leaf the fields whose values do not lead there, of shape (n_rows, n_leaves)."""
        goes_true = self._goes_true(matrix)
        masks: Masks = np.zeros((len(matrix), len(self.levels[0].bits)), dtype=self._dtype)
        found = []
        for level in self.levels:
            from_false = goes_true[:, level.nodes] * level.bits
            sides = np.concatenate([masks | (from_false ^ level.bits), masks | from_false], axis=1)
            found.append(sides[:, level.leaves])
            masks = sides[:, level.inner]
        ordered: Masks = np.concatenate(found, axis=1)[:, self._order]
        return ordered

    def _goes_true(self, matrix: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        values = matrix[:, self._feature]
        with np.errstate(invalid="ignore"):
            found: npt.NDArray[np.bool_] = values < self._split if self._strict.all() else values <= self._split
            if self._strict.any() and not self._strict.all():
                found &= (values < self._split) | ~self._strict
        if np.isnan(matrix).any():
            found |= np.isnan(values) & self._missing
        return found


class Forest:
    """All tree ensembles of a graph.

    Parameters
    ----------
    graph : Graph
    nodes : list of Node
        Its TreeEnsemble nodes.

    Attributes
    ----------
    fields : array of int
        The fields that trees split, as places among the graph's inputs; bit i of a mask stands for fields[i].
    matrices : list of str
        What the trees split.
    sums : dict of str to (int, int)
        What the trees add up to: type and number of columns.
    weights, targets, trees : arrays of shape (n_leaves,)
        What each leaf adds, to which sum, and the tree it is of.

    Raises
    ------
    NoForestError
        If a column that is split depends on several fields, or cannot be followed; or if there are more than 63 fields.
    """

    def __init__(self, graph: Graph, nodes: list[Node]) -> None:
        followed = ColumnFields(graph)
        columns = [followed.of(node.inputs[0]) or () for node in nodes]
        split: set[int] = set()
        for node, each in zip(nodes, columns, strict=True):
            used = set(node.attributes["nodes_featureids"].tolist())
            if max(used) >= len(each):
                raise NoForestError("columns that cannot be followed")
            split |= {each[place] for place in used}
        if any(bits & (bits - 1) for bits in split):
            raise NoForestError("a column of several fields")
        fields = split - {0}
        if len(fields) > 63:
            raise NoForestError("more than 63 fields")
        # A column of no field is the same for every row: who does not get past it gets nowhere, whatever is mixed.
        bits = {field: 1 << place for place, field in enumerate(sorted(fields))} | {0: 1 << len(fields)}
        size = next(size for size in (8, 16, 32, 64) if len(fields | split) <= size)
        self.dtype = np.dtype(f"uint{size}")
        self.fields = np.array([field.bit_length() - 1 for field in sorted(fields)], dtype="int64")
        self._ensembles = [_Ensemble(node, each, bits, self.dtype) for node, each in zip(nodes, columns, strict=True)]
        named = [node.inputs[0] for node in nodes]
        self.matrices = list(dict.fromkeys(named))
        self._places = [self.matrices.index(name) for name in named]
        counts = [int(node.attributes["n_targets"]) for node in nodes]
        types = [FLOAT if one.attributes["leaf_weights"].values.dtype == "float32" else DOUBLE for one in nodes]
        self.sums = {node.outputs[0]: shape for node, shape in zip(nodes, zip(types, counts, strict=True), strict=True)}
        firsts = np.cumsum([0, *counts[:-1]])
        self.weights = np.concatenate([one.weights for one in self._ensembles])
        self.targets = np.concatenate([one.targets + first for one, first in zip(self._ensembles, firsts, strict=True)])
        trees = np.cumsum([0, *(int(one.trees.max()) + 1 for one in self._ensembles[:-1])])
        self.trees = np.concatenate([one.trees + first for one, first in zip(self._ensembles, trees, strict=True)])

    def blocked(self, matrices: list[npt.NDArray[Any]]) -> Masks:
        """For each row and leaf the fields whose values do not lead there.

        Parameters
        ----------
        matrices : list of arrays of shape (n_rows, n_columns)
            The values of `self.matrices`.

        Returns
        -------
        array of unsigned int, of shape (n_rows, n_leaves)
        """
        rows = len(matrices[0])
        height = max(1, _BLOCK_CELLS // len(self.weights))
        found = np.empty((rows, len(self.weights)), dtype=self.dtype)
        for start in range(0, rows, height):
            rows_of = [matrices[place][start : start + height] for place in self._places]
            parts = [one.blocked(matrix) for one, matrix in zip(self._ensembles, rows_of, strict=True)]
            found[start : start + height] = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        return found


def _values(tensor: Tensor) -> npt.NDArray[Any]:
    if tensor.values is None:
        raise NoForestError("numbers of another type")
    return tensor.values
