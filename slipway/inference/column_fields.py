"""Which of a graph's inputs each column of a matrix depends on, found from the operators between them.

What an operator makes of columns is known for those that take each row and column on its own, that join columns, or that choose
some. Of all others, each output counts as depending on everything that goes in.
"""

from dataclasses import dataclass

from slipway.inference.onnx_parts import Graph, Node, Tensor

ELEMENTWISE = frozenset(
    "Abs Add And BitwiseOr Cast Ceil Clip Cos Div Equal Erf Exp Floor Greater GreaterOrEqual Identity IsInf IsNaN LabelEncoder Less "
    "LessOrEqual Log Max Min Mod Mul Neg Not Or Pow Reciprocal Relu Round Sigmoid Sign Sin Sqrt Sub Sum Tanh Where Xor".split()
)
"""Operators whose output has a value for each place of their inputs, which depends on the values at this place alone."""


@dataclass(frozen=True)
class _Known:
    """A value of shape (n,) or (n, k), by `rank`: for each column the inputs that it depends on, one bit for each."""

    rank: int
    columns: tuple[int, ...]


_Mixed = int
"""The inputs that a value of another shape, or of an unknown one, depends on."""


class ColumnFields:
    """Follows the columns of a graph's values.

    Parameters
    ----------
    graph : Graph
        Its inputs have shape (n,).
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._found: dict[str, _Known | _Mixed] = {
            name: _Known(1, (1 << place,)) for place, name in enumerate(graph.inputs)
        }
        for node in graph.nodes:
            made = self._made(node)
            self._found.update(dict.fromkeys(node.outputs, made))

    def of(self, name: str) -> tuple[int, ...] | None:
        """The inputs of each column of a matrix, bit i standing for input i; None if its columns could not be followed."""
        found = self._found.get(name)
        return found.columns if isinstance(found, _Known) and found.rank == 2 else None

    def _made(self, node: Node) -> _Known | _Mixed:
        known = None
        given = [self._found.get(name, 0) for name in node.inputs if name]
        if not any(isinstance(one, int) and one for one in given):
            if node.kind in ELEMENTWISE:
                known = self._elementwise(node)
            elif node.kind == "Concat":
                known = self._concat(node)
            elif node.kind == "Gather":
                known = self._gather(node)
            elif node.kind in ("Squeeze", "Unsqueeze"):
                known = self._reshaped(node)
        return _union(given) if known is None else known

    def _column(self, name: str) -> _Known | None:
        found = self._found.get(name)
        return found if isinstance(found, _Known) else None

    def _elementwise(self, node: Node) -> _Known | None:
        parts = [part for name in node.inputs if (part := self._column(name))]
        constants = [self._graph.constant(name) for name in node.inputs if name and self._column(name) is None]
        if not parts or None in constants or len({part.rank for part in parts}) > 1:
            return None
        rank = parts[0].rank
        widths = [len(part.columns) for part in parts] + [_width(one) for one in constants if one is not None]
        width = max(widths)
        if set(widths) - {1, width} or (rank == 1 and width > 1):
            return None
        columns = [0] * width
        for part in parts:
            each = part.columns * width if len(part.columns) == 1 else part.columns
            columns = [one | other for one, other in zip(columns, each, strict=True)]
        return _Known(rank, tuple(columns))

    def _concat(self, node: Node) -> _Known | None:
        parts = [self._column(name) for name in node.inputs]
        if node.attributes.get("axis") not in (1, -1) or any(part is None or part.rank != 2 for part in parts):
            return None
        return _Known(2, tuple(bits for part in parts if part for bits in part.columns))

    def _gather(self, node: Node) -> _Known | None:
        """Chosen columns of a matrix, or the rows of a table at the places of a column."""
        axis, (values, places) = node.attributes.get("axis", 0), node.inputs
        matrix, codes = self._column(values), self._column(places)
        table, chosen = self._graph.constant(values), self._graph.constant(places)
        if matrix and matrix.rank == 2 and axis in (1, -1) and chosen is not None and chosen.values is not None:
            if len(chosen.shape) != 1:
                return None
            return _Known(2, tuple(matrix.columns[place] for place in chosen.values.tolist()))
        if codes and codes.rank == 1 and axis == 0 and table is not None and len(table.shape) in (1, 2):
            return _Known(len(table.shape), codes.columns * (table.shape[1] if len(table.shape) == 2 else 1))
        return None

    def _reshaped(self, node: Node) -> _Known | None:
        """One column with or without its second axis."""
        one = self._column(node.inputs[0])
        axes = self._graph.constant(node.inputs[1]) if len(node.inputs) > 1 else None
        if one is None or len(one.columns) != 1 or axes is None or axes.values is None:
            return None
        before, after = (1, 2) if node.kind == "Unsqueeze" else (2, 1)
        return _Known(after, one.columns) if one.rank == before and axes.values.tolist() in ([1], [-1]) else None


def _width(constant: Tensor) -> int:
    """The columns over which a constant is spread; 0, which fits none, if it differs between rows."""
    if any(size != 1 for size in constant.shape[:-1]) or len(constant.shape) > 2:
        return 0
    return constant.shape[-1] if constant.shape else 1


def _union(given: list[_Known | _Mixed]) -> _Mixed:
    bits = 0
    for one in given:
        for part in one.columns if isinstance(one, _Known) else (one,):
            bits |= part
    return bits
