"""Rows on both sides of every split of the trees in a graph.

A node is reached only by some rows. So for each node, a training row that reaches it is
chosen, and the value that the node compares is moved to the nearest numbers on both sides of
the threshold: directly where the tree uses a raw field, and otherwise by bisecting the way from
that row to one on the other side until the tree's feature has the wanted value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from slipway.inference.onnx_engine import missing_text, session
from slipway.schema.arrays import Columns, fill
from slipway.schema.schema import Schema
from slipway.schema.types import Kind

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LIMIT = 100_000
"""The largest number of nodes of a graph for which rows are made; every distinct split of a feature comes first."""
STEPS = 56
DAY = 86_400.0
"""Seconds."""


@dataclass(frozen=True)
class Ensemble:
    """A TreeEnsemble node of a graph: its attributes as arrays of shape (n_nodes,), and the matrix it splits."""

    matrix: str
    single: bool
    feature: Ints
    split: Floats
    strict: npt.NDArray[np.bool_]
    true: Ints
    false: Ints
    true_leaf: npt.NDArray[np.bool_]
    false_leaf: npt.NDArray[np.bool_]
    missing_true: npt.NDArray[np.bool_]
    roots: Ints

    def goes_true(self, values: Floats, nodes: Ints) -> npt.NDArray[np.bool_]:
        """Whether each value takes the true branch of its node.

        Parameters
        ----------
        values : array of shape (k,)
        nodes : array of int, of shape (k,)

        Returns
        -------
        array of bool, of shape (k,)
        """
        seen = values.astype("float32").astype("float64") if self.single else values
        with np.errstate(invalid="ignore"):
            less = np.where(self.strict[nodes], seen < self.split[nodes], seen <= self.split[nodes])
        return np.where(np.isnan(seen), self.missing_true[nodes], less)

    def sides(self) -> tuple[Floats, Floats]:
        """For each node the nearest numbers on both sides of its split, in the type in which it compares."""
        with np.errstate(over="ignore"):
            if not self.single:
                low = np.where(self.strict, np.nextafter(self.split, -np.inf), self.split)
                return low, np.nextafter(low, np.inf)
            low = self.split.astype("float32")
            above = low.astype("float64") > self.split
            low = np.where(above | (self.strict & (low == self.split)), np.nextafter(low, np.float32(-np.inf)), low)
            return low.astype("float64"), np.nextafter(low, np.float32(np.inf)).astype("float64")


Moved = tuple[Ints, Columns]
"""Positions of training rows, and the columns in which they are changed, of as many rows."""


def tree_splits(model: onnx.ModelProto, trained: Columns, schema: Schema) -> Iterator[Moved]:
    """Rows around the splits of every tree, derived from the training rows.

    Parameters
    ----------
    model : onnx.ModelProto
    trained : Columns
        The training rows, each column of shape (n_rows,).
    schema : Schema
        Says which columns are numbers and may move, and which are dates and move by whole days or seconds.

    Yields
    ------
    Moved
        Positions of training rows, and their new values in some columns.
    """
    # By order: a field called `value` has another name in the graph.
    fields = dict(zip([item.name for item in model.graph.input], schema.names, strict=True))
    found = [*ensembles(model)]
    for ensemble in found:
        around = _Around(ensemble, _Features(model, ensemble.matrix, fields), trained, schema)
        yield from around.rows(LIMIT // len(found))


def ensembles(model: onnx.ModelProto) -> Iterator[Ensemble]:
    """The tree ensembles of a graph.

    Parameters
    ----------
    model : onnx.ModelProto

    Yields
    ------
    Ensemble
    """
    made_by = {output: node for node in model.graph.node for output in node.output}
    for node in model.graph.node:
        if node.op_type != "TreeEnsemble":
            continue
        given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        count = len(given["nodes_featureids"])
        matrix, single = _before_float32(node.input[0], made_by)
        missing = given.get("nodes_missing_value_tracks_true") or [0] * count
        yield Ensemble(
            matrix,
            single,
            np.array(given["nodes_featureids"], dtype="int64"),
            numpy_helper.to_array(given["nodes_splits"]).astype("float64"),
            numpy_helper.to_array(given["nodes_modes"]) == 1,
            np.array(given["nodes_truenodeids"], dtype="int64"),
            np.array(given["nodes_falsenodeids"], dtype="int64"),
            np.array(given["nodes_trueleafs"], dtype=bool),
            np.array(given["nodes_falseleafs"], dtype=bool),
            np.array(missing, dtype=bool),
            np.array(given["tree_roots"], dtype="int64"),
        )


def _before_float32(name: str, made_by: dict[str, onnx.NodeProto]) -> tuple[str, bool]:
    """The double tensor behind `name`, and whether it went through float32 on the way."""
    single = False
    while (node := made_by.get(name)) is not None and node.op_type == "Cast":
        single |= helper.get_attribute_value(node.attribute[0]) == onnx.TensorProto.FLOAT
        name = node.input[0]
    return name, single


class _Features:
    """The matrix that trees split, as a function of raw columns: the graph up to that tensor."""

    def __init__(self, model: onnx.ModelProto, tensor: str, fields: dict[str, str]) -> None:
        head = onnx.ModelProto()
        head.CopyFrom(model)
        del head.graph.output[:]
        head.graph.output.append(helper.make_tensor_value_info(tensor, onnx.TensorProto.DOUBLE, None))
        _drop_unused(head.graph)
        self._session = session(head.SerializeToString())
        self._inputs = {item.name: fields[item.name] for item in self._session.get_inputs()}
        self._missing = missing_text(self._session)

    def __call__(self, rows: Columns) -> Floats:
        """The matrix of n rows, of shape (n, n_features)."""
        feed = {name: fill(rows[field], self._missing) for name, field in self._inputs.items()}
        matrix: Floats = self._session.run(None, feed)[0]
        return matrix


def _drop_unused(graph: onnx.GraphProto) -> None:
    wanted = {item.name for item in graph.output}
    kept = []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    for items in (graph.initializer, graph.input):
        used = [item for item in items if item.name in wanted]
        del items[:]
        items.extend(used)


def _reached(ensemble: Ensemble, matrix: Floats) -> tuple[Ints, Ints]:
    """Each node that some row reaches, and the first row that reaches it."""
    first = np.full(len(ensemble.feature), -1, dtype="int64")
    for root in ensemble.roots:
        rows = np.arange(len(matrix))
        nodes = np.full(len(matrix), root)
        while len(rows):
            visited, position = np.unique(nodes, return_index=True)
            first[visited] = rows[position]
            goes = ensemble.goes_true(matrix[rows, ensemble.feature[nodes]], nodes)
            leaf = np.where(goes, ensemble.true_leaf[nodes], ensemble.false_leaf[nodes])
            nodes = np.where(goes, ensemble.true[nodes], ensemble.false[nodes])[~leaf]
            rows = rows[~leaf]
    reached = np.flatnonzero(first >= 0)
    return reached, first[reached]


def _spread(ensemble: Ensemble, nodes: Ints, rows: Ints, limit: int) -> tuple[Ints, Ints]:
    """At most `limit` nodes, or as many as there are distinct splits of a feature, which come first."""
    if len(nodes) <= limit:
        return nodes, rows
    pairs = np.stack([ensemble.feature[nodes].astype("float64"), ensemble.split[nodes]], axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    others = np.setdiff1d(np.arange(len(nodes)), first)
    chosen = np.concatenate([first, np.random.default_rng(4).permutation(others)])[: max(limit, len(first))]
    return nodes[chosen], rows[chosen]


def _raw_fields(matrix: Floats, numbers: Columns) -> dict[int, str]:
    """Which features are an unchanged raw number, wherever it is not missing."""
    raw = {}
    for feature in range(matrix.shape[1]):
        for name, column in numbers.items():
            there = ~np.isnan(column)
            if there.any() and np.array_equal(matrix[there, feature], column[there]):
                raw[feature] = name
    return raw


def _of_kind(schema: Schema, *kinds: Kind) -> list[str]:
    return [field.name for field in schema.fields if field.kind in kinds]


class _Around:
    """Rows around the splits of one ensemble."""

    def __init__(self, ensemble: Ensemble, features: _Features, trained: Columns, schema: Schema) -> None:
        self.ensemble = ensemble
        self.features = features
        self.trained = trained
        self.matrix = features(trained)
        self.numbers = _of_kind(schema, "number", "integer", "time")
        self.units = dict.fromkeys(_of_kind(schema, "date"), DAY) | dict.fromkeys(_of_kind(schema, "datetime"), 1.0)

    def rows(self, limit: int) -> Iterator[Moved]:
        """The rows with the feature of each node moved to both sides of its split, for about `limit` nodes."""
        nodes, rows = _spread(self.ensemble, *_reached(self.ensemble, self.matrix), limit)
        raw = _raw_fields(self.matrix, {name: self.trained[name] for name in self.numbers})
        sides = self.ensemble.sides()
        bisected = []
        for feature in np.unique(self.ensemble.feature[nodes]):
            here = self.ensemble.feature[nodes] == feature
            if feature not in raw:
                bisected.append(np.flatnonzero(here))
                continue
            for side in sides:
                yield rows[here], {raw[feature]: side[nodes[here]]}
        if bisected and (self.numbers or self.units):
            here = np.concatenate(bisected)
            for side in sides:
                yield self._on_the_way(self.ensemble.feature[nodes[here]], rows[here], side[nodes[here]])

    def _on_the_way(self, feature: Ints, rows: Ints, wanted: Floats) -> Moved:
        """Rows between two training rows whose feature is `wanted`, for features that depend on several fields.

        Only numbers and dates move; categories stay those of the row that reaches the node. Where the way
        does not cross the split (between a category's 0 and 1, for instance), there is nothing to add.
        """
        here = self.matrix[rows, feature]
        # From each row towards the training row whose feature is farthest on the other side.
        smallest, largest = np.nanargmin(self.matrix, axis=0), np.nanargmax(self.matrix, axis=0)
        towards = np.where(here > wanted, smallest[feature], largest[feature])
        start = {name: column[rows] for name, column in self.trained.items()}
        way = {name: self.trained[name][towards] - start[name] for name in (*self.numbers, *self.units)}
        low, high = np.zeros(len(rows)), np.ones(len(rows))

        def at(share: Floats) -> Columns:
            moved = {name: start[name] + share * np.nan_to_num(length) for name, length in way.items()}
            return start | moved | {name: np.floor(moved[name] / unit) * unit for name, unit in self.units.items()}

        def value(share: Floats) -> Floats:
            values: Floats = self.features(at(share))[np.arange(len(rows)), feature]
            return values

        rising = here < wanted
        crossing = np.where(rising, value(high) >= wanted, value(high) <= wanted)
        for _ in range(STEPS):
            middle = (low + high) / 2
            seen = value(middle)
            before = np.where(rising, seen < wanted, seen > wanted)
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        moved = at(high)
        return rows[crossing], {name: moved[name][crossing] for name in way}
