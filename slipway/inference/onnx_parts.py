"""The nodes of an ONNX graph, and parts of it as graphs of their own; no server has the `onnx` package.

A part keeps the bytes of the nodes that it needs; only what it takes and gives is written. What is read of the format is in
onnx.proto3 of the ONNX repository, and how its bytes are laid out in "Encoding" of the Protocol Buffers documentation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

FLOAT, DOUBLE = 1, 11
"""How ONNX numbers these types of a tensor's elements."""
_TYPES = {1: "float32", 2: "uint8", 6: "int32", 7: "int64", 9: "bool", 11: "float64"}
_GRAPH = 7  # of a model
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12  # of a graph
_NAME, _INTEGER, _TEXT, _TENSOR, _INTEGERS = 1, 3, 4, 5, 8  # of an attribute
_DIMS, _TYPE, _TENSOR_NAME, _RAW = 1, 2, 8, 9  # of a tensor


@dataclass(frozen=True)
class Tensor:
    """A constant: its shape, and its values where they are numbers."""

    shape: tuple[int, ...]
    values: npt.NDArray[Any] | None


@dataclass(frozen=True)
class Node:
    """A node: what it does, from what to what. `content` are its bytes."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    content: bytes

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """By name: int, bytes, `Tensor`, or an array of int."""
        return dict(_attribute(value) for number, value in _fields(self.content) if number == 5)


class Graph:
    """A graph as it was saved.

    Parameters
    ----------
    model : bytes
        A serialised ONNX model.
    """

    def __init__(self, model: bytes) -> None:
        self._around = [(number, value) for number, value in _fields(model) if number != _GRAPH]
        content = [item for number, value in _fields(model) if number == _GRAPH for item in _fields(value)]
        self.nodes = [_node(value) for number, value in content if number == _NODE]
        self._inputs = {_named(value, _NAME): value for number, value in content if number == _INPUT}
        self._initializers = {_named(value, _TENSOR_NAME): value for number, value in content if number == _INITIALIZER}
        self.made_by = {output: node for node in self.nodes for output in node.outputs}

    @property
    def inputs(self) -> list[str]:
        """The names of its inputs, in order."""
        return list(self._inputs)

    def constant(self, name: str) -> Tensor | None:
        """A value that is the same for all rows; None if it is not known to be."""
        if name in self._initializers:
            return _tensor(self._initializers[name])
        node = self.made_by.get(name)
        value = node.attributes.get("value") if node and node.kind == "Constant" else None
        return value if isinstance(value, Tensor) else None

    def needed(self, outputs: Sequence[str], given: Sequence[str] = ()) -> list[Node]:
        """The nodes that make `outputs` from `given` and the graph's inputs, in order."""
        wanted, found = set(outputs) - set(given), []
        for node in reversed(self.nodes):
            if wanted.intersection(node.outputs):
                found.append(node)
                wanted.update(set(node.inputs) - set(given))
        return found[::-1]

    def part(self, outputs: Sequence[str], given: Mapping[str, tuple[int, int]] | None = None) -> bytes:
        """The graph that makes some of its values.

        Parameters
        ----------
        outputs : sequence of str
        given : mapping of str to (int, int), optional
            Values that become inputs, with type and number of columns; in place of what makes them.

        Returns
        -------
        bytes
            A serialised ONNX model. Of the graph's inputs it has those that it needs.
        """
        given = given or {}
        nodes = self.needed(outputs, list(given))
        used = {name for node in nodes for name in node.inputs}
        content = [_written(_NODE, node.content) for node in nodes]
        content += [_written(2, b"part")]
        content += [_written(_INITIALIZER, value) for name, value in self._initializers.items() if name in used]
        content += [_written(_INPUT, value) for name, value in self._inputs.items() if name in used]
        content += [_written(_INPUT, _matrix(name, *shape)) for name, shape in given.items()]
        content += [_written(_OUTPUT, _written(_NAME, name.encode())) for name in outputs]
        around = [_written(number, value) for number, value in self._around]
        return b"".join([*around, _written(_GRAPH, b"".join(content))])


def _matrix(name: str, element: int, columns: int) -> bytes:
    """An input of shape (n, columns)."""
    shape = _written(1, _written(2, b"n")) + _written(1, _written(1, columns))
    tensor = _written(1, element) + _written(2, shape)
    return _written(_NAME, name.encode()) + _written(2, _written(1, tensor))


def _node(content: bytes) -> Node:
    parts: dict[int, list[str]] = {1: [], 2: [], 4: []}
    for number, value in _fields(content):
        if number in parts:
            parts[number].append(value.decode())
    return Node("".join(parts[4]), tuple(parts[1]), tuple(parts[2]), content)


def _attribute(content: bytes) -> tuple[str, Any]:
    name, value = "", None
    for number, item in _fields(content, until=_INTEGERS):
        if number == _NAME:
            name = item.decode()
        elif number in (_INTEGER, _TEXT):
            value = item
        elif number == _TENSOR:
            value = _tensor(item)
        elif number == _INTEGERS:
            value = item
    return name, value


def _tensor(content: bytes) -> Tensor:
    shape: list[int] = []
    kind, raw = 0, None
    for number, value in _fields(content):
        if number == _DIMS:
            shape += _varints(value).tolist() if isinstance(value, bytes) else [value]
        elif number == _TYPE:
            kind = value
        elif number == _RAW:
            raw = value
    values = None
    if raw is not None and kind in _TYPES:
        values = np.frombuffer(raw, dtype=np.dtype(_TYPES[kind]).newbyteorder("<")).reshape(shape)
    return Tensor(tuple(shape), values)


def _named(content: bytes, number: int) -> str:
    return str(next(value for found, value in _fields(content) if found == number).decode())


def _fields(content: bytes, until: int = 0) -> Iterator[tuple[int, Any]]:
    """The fields of a message by number: int, or bytes.

    Integers of the field `until` are read all at once, as an array: there may be a hundred thousand of them.
    """
    place = 0
    while place < len(content):
        key, after = _varint(content, place)
        number, wire = key >> 3, key & 7
        if number == until:
            yield number, _many(content[place:], key)
            return
        if wire == 0:
            value, place = _varint(content, after)
            yield number, value
            continue
        if wire == 2:
            size, after = _varint(content, after)
        else:
            size = {1: 8, 5: 4}[wire]
        place = after + size
        yield number, content[after:place]


def _many(content: bytes, key: int) -> npt.NDArray[np.int64]:
    """Integers of one field from the start of `content`: packed, or each with the key before it."""
    if key & 7 == 2:
        size, start = _varint(content, 1)
        return _varints(content[start : start + size])
    found = _varints(content)
    others = np.flatnonzero(found[::2] != key)
    return found[1::2][: others[0] if len(others) else None]


def _varints(content: bytes) -> npt.NDArray[np.int64]:
    """Integers one behind the other, in groups of seven bits, the lowest first."""
    groups = np.frombuffer(content, dtype="uint8")
    ends = np.flatnonzero(groups < 128)
    groups = groups[: ends[-1] + 1] if len(ends) else groups[:0]
    starts = np.concatenate([[0], ends[:-1] + 1])
    shift = 7 * (np.arange(len(groups)) - np.repeat(starts, ends - starts + 1))
    parts = (groups & 127).astype("uint64") << shift.astype("uint64")
    return np.bitwise_or.reduceat(parts, starts).astype("int64") if len(ends) else np.empty(0, dtype="int64")


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        group = content[place]
        place += 1
        value |= (group & 127) << shift
        if group < 128:
            return value - (1 << 64 if value >> 63 else 0), place
        shift += 7


def _written(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _as_varint(number << 3) + _as_varint(value)
    return _as_varint(number << 3 | 2) + _as_varint(len(value)) + value


def _as_varint(value: int) -> bytes:
    value %= 1 << 64
    groups = bytearray()
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])
