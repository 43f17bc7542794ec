"""The compiled graph as `graph.js` evaluates it; or why it cannot: an operator, a type or an attribute that it does not have.

What is accepted here is what `slipway.compile` writes and a few lines of JavaScript can repeat: no loops and no graphs within.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from slipway.errors import SlipwayError
from slipway.publish.offline.packing import TEXT_TYPE, Packer

OPERATORS = frozenset(
    "Abs Add And ArgMax BitwiseOr Cast Clip Concat CumSum Div Equal Exp Expand Floor Gather GatherElements Gemm Greater "
    "GreaterOrEqual Identity IsNaN LabelEncoder Less LessOrEqual Log MatMul Max Min Mod Mul Neg Not Or Pow ReduceMax ReduceMean "
    "ReduceMin ReduceSum ReduceSumSquare Relu Reshape Round Shape Sign Slice Softmax Split Sqrt Squeeze Sub Sum Tanh TopK Transpose "
    "TreeEnsemble Unsqueeze Where".split()
)
"""Those of `scripts/operators.js`."""
TYPES = frozenset((1, 2, 6, 7, TEXT_TYPE, 9, 11))
"""float32, uint8, int32, int64, texts, booleans and float64, as ONNX numbers them."""
_ONLY: dict[str, dict[str, Any]] = {
    "TreeEnsemble": {"aggregate_function": 1, "post_transform": 0},
    "Reshape": {"allowzero": 0},
    "ReduceSum": {"noop_with_empty_axes": 0},
    "TopK": {"sorted": 1},
}
"""The only value of an attribute that is evaluated."""
_MODES = 6
"""Comparisons that an ensemble of trees may make: all but `BRANCH_MEMBER`."""
_EXACT = 2**53
"""Up to here a double holds every whole number."""


class UnsupportedGraphError(SlipwayError):
    """A graph that the page's evaluator cannot repeat; the text says what it has that is not evaluated."""


def portable(model: onnx.ModelProto, packer: Packer) -> dict[str, Any]:
    """A graph as JSON, its constants in `packer`.

    Parameters
    ----------
    model : onnx.ModelProto
        As `slipway.compile` made it: one input of shape (n,) for each field.
    packer : Packer

    Returns
    -------
    dict
        `inputs`, `outputs`, `constants` and `nodes`, whose values are numbered.

    Raises
    ------
    UnsupportedGraphError
        With the first operator, type or attribute that is not evaluated.
    """
    graph = model.graph
    places: dict[str, int] = {}

    def place(name: str) -> int | None:
        return places.setdefault(name, len(places)) if name else None

    constants = [[place(one.name), _packed(packer, one)] for one in graph.initializer]
    nodes = []
    for node in graph.node:
        if node.op_type == "Constant":
            constants.append([place(node.output[0]), _packed(packer, _constant(node))])
            continue
        _check(node)
        nodes.append(
            {
                "op": node.op_type,
                "in": [place(name) for name in node.input],
                "out": [place(name) for name in node.output],
                "at": dict(_attributes(node, packer)),
            }
        )
    return {
        "inputs": [place(one.name) for one in graph.input],
        "outputs": [[one.name, place(one.name)] for one in graph.output],
        "constants": constants,
        "nodes": nodes,
    }


def _check(node: onnx.NodeProto) -> None:
    if node.op_type not in OPERATORS:
        raise UnsupportedGraphError(f"its graph has the operator {node.op_type}")
    allowed = _ONLY.get(node.op_type, {})
    for attribute in node.attribute:
        value = onnx.helper.get_attribute_value(attribute)
        if attribute.name in allowed and value != allowed[attribute.name]:
            raise UnsupportedGraphError(f"its graph has the operator {node.op_type} with {attribute.name}={value!r}")


def _constant(node: onnx.NodeProto) -> onnx.TensorProto:
    (attribute,) = node.attribute
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return value
    kind = {"value_float": "float32", "value_floats": "float32", "value_int": "int64", "value_ints": "int64"}
    dtype = kind.get(attribute.name, object)
    return numpy_helper.from_array(np.array(value, dtype=dtype))


def _packed(packer: Packer, tensor: onnx.TensorProto) -> dict[str, Any]:
    if tensor.data_type not in TYPES:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        raise UnsupportedGraphError(f"its graph has numbers of the type {kind}")
    values = numpy_helper.to_array(tensor)
    if values.dtype.kind in "iu" and values.size and np.abs(values).max() > _EXACT:
        raise UnsupportedGraphError("its graph has whole numbers above 2**53")
    return packer.add(values, tensor.data_type)


def _attributes(node: onnx.NodeProto, packer: Packer) -> Iterator[tuple[str, Any]]:
    """The attributes by name: numbers and texts as they are, tensors and lists as arrays."""
    given = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    if node.op_type == "LabelEncoder":
        yield from _encoder(given, packer)
        return
    for name, value in given.items():
        if isinstance(value, onnx.TensorProto):
            if name == "nodes_modes" and numpy_helper.to_array(value).max(initial=0) >= _MODES:
                raise UnsupportedGraphError("its graph has trees that split by sets of values")
            yield name, _packed(packer, value)
        elif isinstance(value, (list, tuple)):
            yield name, packer.add(np.array(value, dtype="int64"), onnx.TensorProto.INT64)
        elif isinstance(value, int):
            if name == "to" and value not in TYPES - {TEXT_TYPE}:
                raise UnsupportedGraphError(f"its graph casts to the type {onnx.TensorProto.DataType.Name(value)}")
            yield name, value
        elif isinstance(value, float) and np.isfinite(value):
            yield name, value
        else:
            raise UnsupportedGraphError(f"its graph has the operator {node.op_type} with {name}={value!r}")


def _encoder(given: dict[str, Any], packer: Packer) -> Iterator[tuple[str, Any]]:
    """`keys`, `values` and `otherwise` of a LabelEncoder, whatever their types."""
    for part in ("keys", "values"):
        name = next(name for name in given if name.startswith(f"{part}_"))
        yield part, _packed(packer, _tensor(name, given[name]))
    default = next((name for name in given if name.startswith("default_")), None)
    if default is None:
        raise UnsupportedGraphError("its graph has the operator LabelEncoder without a default")
    yield "otherwise", _packed(packer, _tensor(default, given[default]))


def _tensor(name: str, value: Any) -> onnx.TensorProto:
    if isinstance(value, onnx.TensorProto):
        return value
    if name.endswith(("strings", "string")):
        texts = [value] if isinstance(value, bytes) else list(value)
        return onnx.helper.make_tensor(name, onnx.TensorProto.STRING, [len(texts)], texts)
    return numpy_helper.from_array(np.array(value, dtype="float32" if "float" in name else "int64"))
