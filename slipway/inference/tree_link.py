"""What stands behind the trees of a graph: from their sums to the prediction."""

import numpy as np

from slipway.inference.forest import Floats, Forest, NoForestError
from slipway.inference.onnx_engine import session
from slipway.inference.onnx_parts import DOUBLE, Graph, Node
from slipway.inference.predictor import Predictor

_SUMS_OF_ALL = {"Add", "Concat", "Identity", "Neg", "Sub", "Sum"}
_SUMS_OF_FIRST = {"Div", "Gather", "MatMul", "ReduceMean", "ReduceSum", "Squeeze", "Unsqueeze"}


class Link:
    """From the sums of the trees to the prediction: the graph behind them, and the target's bounds.

    `is_sum` says whether it only weighs and adds; then `factors`, of shape (n_outputs, n_sums), are the weights.
    """

    def __init__(self, graph: Graph, forest: Forest, predictor: Predictor) -> None:
        self._predictor = predictor
        self._classes = predictor.schema.target.classes
        self._output = "probabilities" if self._classes else "value"
        if self._output not in graph.made_by:
            raise NoForestError("no probabilities")
        nodes = graph.needed([self._output], list(forest.sums))
        if {name for node in nodes for name in node.inputs}.intersection(graph.inputs):
            raise NoForestError("more than trees in the prediction")
        self._sums = forest.sums
        self.width = sum(count for _, count in forest.sums.values())
        self._session = session(graph.part([self._output], forest.sums))
        start = self._run(np.zeros((1, self.width)))
        self.factors = (self._run(np.eye(self.width)) - start).T
        self.is_sum = all(_only_adds(node, graph) for node in nodes) and not self._bounded(forest, start[0])

    def values(self, sums: Floats, position: int | None) -> Floats:
        """The predictions for sums of shape (n, n_sums), for classes the probability of the one at `position`."""
        values = self._run(sums)[:, position or 0]
        return values if self._classes else self._predictor.bounded(values)

    def _run(self, sums: Floats) -> Floats:
        feed, start = {}, 0
        for name, (element, count) in self._sums.items():
            feed[name] = sums[:, start : start + count].astype("float64" if element == DOUBLE else "float32")
            start += count
        (found,) = self._session.run([self._output], feed)
        return np.asarray(found, dtype="float64").reshape(len(sums), -1)

    def _bounded(self, forest: Forest, start: Floats) -> bool:
        """Whether the trees can add up to a number outside the target's bounds."""
        if self._classes:
            return False
        adds = forest.weights * self.factors[0][forest.targets]
        low, high = np.full(forest.trees.max() + 1, np.inf), np.full(forest.trees.max() + 1, -np.inf)
        np.minimum.at(low, forest.trees, adds)
        np.maximum.at(high, forest.trees, adds)
        ends = np.array([start[0] + low.sum(), start[0] + high.sum()])
        return bool((self._predictor.bounded(ends) != ends).any())


def _only_adds(node: Node, graph: Graph) -> bool:
    """Whether an operator's output is a weighted sum of what varies among its inputs, and a constant."""
    varying = [place for place, name in enumerate(node.inputs) if name and graph.constant(name) is None]
    if node.kind == "Constant" or node.kind in _SUMS_OF_ALL:
        return True
    if node.kind == "Cast":
        return bool(node.attributes["to"] == DOUBLE)
    return varying == [0] if node.kind in _SUMS_OF_FIRST else node.kind == "Mul" and len(varying) == 1
