"""The evaluator of exported pages: each operator, and the graphs of the estimators, compared with ONNX Runtime."""

import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from slipway.publish import offline
from slipway.publish.offline.graph import OPERATORS, UnsupportedGraphError, portable
from slipway.publish.offline.packing import Packer
from tests.test_compile_estimators import CLASSIFIERS, REGRESSORS, compiled, of_pycaret, strangers, table

pytestmark = pytest.mark.browser

SCRIPTS = Path(offline.__file__).parent / "scripts"
RUN = """async ([text, given]) => {
  const { graph } = await unpacked(text);
  const number = (one) => (typeof one === "string" && ["NaN", "Infinity", "-Infinity"].includes(one) ? Number(one) : one);
  const inputs = given.map(({ type, shape, data }) => {
    const values = type === STRING ? data : data.map(number);
    return { type, shape, data: type === STRING ? values : ARRAYS[type].from(values) };
  });
  const found = evaluate(graph, inputs);
  return Object.fromEntries(Object.entries(found).map(([name, one]) => [name, { shape: one.shape, data: Array.from(one.data, String) }]));
}"""
NAN = float("nan")
ROWS = np.array([[1.5, -2.5, NAN], [0.0, 3.0, 2.5], [-0.5, 1e-9, 7.0], [2.0, 2.0, -1.0]])
SOUND = np.array([[1.5, -2.5, 4.0], [0.5, 3.0, 2.5]])
WHOLE = np.array([[7, -7, 3], [2, 5, 0]], dtype="int64")


@pytest.fixture(scope="module")
def evaluator(browser):
    """A page with the evaluator's scripts alone; what it makes of a graph and inputs, as texts of numbers."""
    page = browser.new_page()
    page.set_content("<title>evaluator</title>")
    for name in ("tensors", "graph", "operators"):
        page.add_script_tag(content=(SCRIPTS / f"{name}.js").read_text(encoding="utf-8"))

    def evaluator(model: onnx.ModelProto, inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
        packer = Packer()
        text = packer.text({"graph": portable(model, packer)})
        given = [
            {
                "type": one.type.tensor_type.elem_type,
                "shape": list(values.shape),
                "data": [
                    str(value) if value != value or value in (np.inf, -np.inf) else value
                    for value in values.ravel().tolist()
                ],
            }
            for one, values in zip(model.graph.input, inputs, strict=True)
        ]
        for one in given:
            one["data"] = [
                {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(value, value) for value in one["data"]
            ]
        found = page.evaluate(RUN, [text, given])
        return {name: _array(one) for name, one in found.items()}

    yield evaluator
    page.close()


def _array(one: dict) -> np.ndarray:
    numbers = [float(value.replace("Infinity", "inf")) for value in one["data"]]
    return np.array(numbers).reshape(one["shape"])


def graph_of(nodes, inputs: list[np.ndarray], domain: str = "", version: int = 20) -> onnx.ModelProto:
    """A graph with `nodes`, whose inputs are `x0`, `x1` … and whose output is `y`."""
    given = [
        helper.make_tensor_value_info(
            f"x{place}",
            TensorProto.STRING if values.dtype == object else helper.np_dtype_to_tensor_dtype(values.dtype),
            list(values.shape),
        )
        for place, values in enumerate(inputs)
    ]
    graph = helper.make_graph(nodes, "test", given, [helper.make_empty_tensor_value_info("y")])
    sets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 5)]
    return helper.make_model(graph, opset_imports=sets, ir_version=10)


def one(kind: str, *inputs: np.ndarray, **attributes):
    """A graph of one operator, and its inputs."""
    names = [f"x{place}" if values is not None else "" for place, values in enumerate(inputs)]
    domain = "ai.onnx.ml" if kind in ("LabelEncoder", "TreeEnsemble") else ""
    node = helper.make_node(kind, names, ["y"], domain=domain, **attributes)
    return kind, [node], [values for values in inputs if values is not None]


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype="int64")


def trees(dtype: str):
    """Two trees that compare and add in this type; the second is one leaf."""
    return one(
        "TreeEnsemble",
        np.array([[0.1, NAN], [0.3, 1.0], [0.2, -1.0]], dtype=dtype),
        aggregate_function=1,
        post_transform=0,
        n_targets=2,
        tree_roots=[0, 2],
        nodes_featureids=[0, 1, 0],
        nodes_splits=numpy_helper.from_array(np.array([0.2, 0.0, 0.0], dtype=dtype)),
        nodes_modes=numpy_helper.from_array(np.array([0, 1, 0], dtype="uint8")),
        nodes_truenodeids=[1, 0, 3],
        nodes_falsenodeids=[2, 1, 3],
        nodes_trueleafs=[0, 1, 1],
        nodes_falseleafs=[1, 1, 1],
        nodes_missing_value_tracks_true=[0, 1, 0],
        leaf_weights=numpy_helper.from_array(np.array([0.1, 0.7, -0.3, 1e-9], dtype=dtype)),
        leaf_targetids=[0, 1, 0, 1],
    )


FLOATS = ROWS.astype("float32")
CASES = [
    *(one(kind, ROWS) for kind in ("Abs", "Exp", "Floor", "Neg", "Sign", "Tanh", "IsNaN", "Identity", "Round", "Relu")),
    *(one(kind, np.abs(ROWS)) for kind in ("Log", "Sqrt")),
    *(one(kind, ROWS, ROWS[:1]) for kind in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Sum")),
    *(one(kind, FLOATS, FLOATS[1:2]) for kind in ("Add", "Mul", "Div")),
    *(one(kind, ROWS, ROWS[:, :1]) for kind in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal")),
    *(one(kind, ROWS > 0, ROWS[:1] > 0) for kind in ("And", "Or")),
    one("Not", ROWS > 0),
    one("Pow", np.array([1.0, 2.0, -2.0, 0.0]), np.array([NAN, 0.5, 3.0, 0.0])),
    one("Div", WHOLE, ints(2, 2, 2)),
    one("Mod", WHOLE, ints(3, 3, 3)),
    one("Mod", np.array([5.5, -5.5]), np.array([3.0]), fmod=1),
    one("BitwiseOr", WHOLE, ints(3, 3, 3)),
    one("Cast", SOUND, to=TensorProto.FLOAT),
    one("Cast", SOUND, to=TensorProto.INT64),
    one("Cast", SOUND, to=TensorProto.BOOL),
    one("Cast", WHOLE, to=TensorProto.DOUBLE),
    one("Clip", SOUND, np.array(-1.0), np.array(2.0)),
    one("Where", ROWS > 0, ROWS, np.array([[9.0]])),
    one("Concat", ROWS, ROWS[:, :2], axis=1),
    one("Concat", ROWS, ROWS[:1], axis=0),
    one("CumSum", SOUND, np.array(1, dtype="int64")),
    one("CumSum", SOUND, np.array(1, dtype="int64"), exclusive=1, reverse=1),
    one("Expand", SOUND[:1], ints(3, 3)),
    one("Gather", ROWS, ints(2, 0, -1), axis=1),
    one("Gather", ROWS, np.array([[0, 3]], dtype="int64"), axis=0),
    one("GatherElements", SOUND, np.array([[2], [0]], dtype="int64"), axis=1),
    one("Gemm", SOUND, SOUND, np.array([[1.0, 2.0]]), transB=1, alpha=0.5, beta=2.0),
    one("MatMul", SOUND, SOUND.T.copy()),
    one("MatMul", np.stack([SOUND, SOUND * 2]), SOUND.T.copy()[None]),
    one("MatMul", SOUND, np.array([1.0, 2.0, 3.0])),
    *(one(kind, SOUND, ints(1)) for kind in ("ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean", "ReduceSumSquare")),
    *(one(kind, np.stack([SOUND, SOUND]), ints(0), keepdims=0) for kind in ("ReduceSum", "ReduceMax")),
    one("ReduceSum", SOUND, keepdims=0),
    one("ArgMax", np.array([[1.0, 3.0, 3.0], [2.0, 1.0, 0.0]]), axis=1, keepdims=0),
    one("ArgMax", SOUND, axis=0),
    one("ArgMax", np.array([[1.0, 3.0, 3.0], [2.0, 1.0, 0.0]]), axis=1, select_last_index=1),
    one("Softmax", np.array([[1.0, 2.0, 700.0], [0.0, -1.0, 0.5]]), axis=1),
    one("Softmax", SOUND, axis=0),
    one("TopK", SOUND, ints(2), axis=1, largest=0),
    one("TopK", np.array([[2.0, 2.0, 1.0]]), ints(2), axis=1),
    one("Reshape", SOUND, ints(-1, 2)),
    one("Shape", SOUND, start=0, end=1),
    one("Slice", ROWS, ints(0), ints(2), ints(1)),
    one("Slice", ROWS, ints(-1), ints(-9), ints(1), ints(-1)),
    one("Squeeze", ROWS[:, :1], ints(1)),
    one("Unsqueeze", SOUND, ints(0, 3)),
    one("Transpose", np.stack([SOUND, SOUND * 2, SOUND]), perm=[2, 0, 1]),
    one("Transpose", SOUND),
    trees("float64"),
    trees("float32"),
    one(
        "LabelEncoder",
        np.array(["a", "</script>", "ב", "?"], dtype=object),
        keys_strings=["a", "</script>", "ב"],
        values_int64s=[0, 1, 2],
        default_int64=3,
    ),
    one(
        "LabelEncoder",
        np.array([1.0, NAN, 2.5, 8.0]),
        keys_tensor=numpy_helper.from_array(np.array([1.0, NAN, 2.5])),
        values_tensor=numpy_helper.from_array(ints(0, 1, 2)),
        default_tensor=numpy_helper.from_array(ints(3)),
    ),
]


def same(found: np.ndarray, wanted: np.ndarray) -> bool:
    return found.shape == wanted.shape and np.allclose(
        found, wanted.astype("float64"), rtol=1e-13, atol=1e-14, equal_nan=True
    )


@pytest.mark.parametrize(
    ("kind", "nodes", "inputs"), CASES, ids=[f"{place}-{case[0]}" for place, case in enumerate(CASES)]
)
def test_each_operator_gives_what_onnx_runtime_gives(evaluator, kind, nodes, inputs):
    nodes[0].output[:] = ["y", "z"] if kind == "TopK" else ["y"]
    model = graph_of(nodes, inputs)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    wanted = session.run(["y"], {f"x{place}": values for place, values in enumerate(inputs)})[0]

    assert same(evaluator(model, inputs)["y"], wanted)


def test_split_gives_its_parts(evaluator):
    nodes = [helper.make_node("Split", ["x0"], ["a", "y"], axis=1, num_outputs=2)]

    assert same(evaluator(graph_of(nodes, [ROWS]), [ROWS])["y"], ROWS[:, 2:])


def test_every_operator_of_the_page_is_tested_and_none_is_only_promised():
    text = (SCRIPTS / "operators.js").read_text(encoding="utf-8")
    written = set(re.findall(r"^  (\w+):", text[text.index("const OPERATORS") :], re.MULTILINE))

    assert written == OPERATORS == {case[0] for case in CASES} | {"Split"}


@pytest.mark.parametrize(
    ("nodes", "named"),
    [
        ([helper.make_node("Erf", ["x0"], ["y"])], "operator Erf"),
        ([helper.make_node("TopK", ["x0", "x0"], ["y", "z"], sorted=0)], "TopK with sorted=0"),
        ([helper.make_node("Cast", ["x0"], ["y"], to=TensorProto.FLOAT16)], "casts to the type FLOAT16"),
    ],
)
def test_what_the_page_does_not_evaluate_is_named(nodes, named):
    with pytest.raises(UnsupportedGraphError, match=named):
        portable(graph_of(nodes, [SOUND]), Packer())


NOT_HELD = {("regression", "knn"), ("classification", "knn"), ("classification", "rbfsvm")}
"""Estimators whose graphs have loops; of the support vector machine with more than two classes."""


@pytest.mark.parametrize(
    ("task", "name"),
    [
        *(("regression", name) for name in REGRESSORS),
        *(("classification", name) for name in CLASSIFIERS),
    ],
)
def test_the_graph_of_an_estimator_gives_what_onnx_runtime_gives(evaluator, task, name):
    rows = strangers()[:60]
    model = of_pycaret(task, name).fit(*table(0 if task == "regression" else 3))
    session = compiled(model)
    graph = onnx.load_from_string(session._model_bytes)
    if (task, name) in NOT_HELD:
        with pytest.raises(UnsupportedGraphError, match="operator"):
            portable(graph, Packer())
        return
    names = [output.name for output in session.get_outputs()]
    wanted = dict(zip(names, session.run(None, {"inputs": rows}), strict=True))

    found = evaluator(graph, [rows])

    for name, values in wanted.items():
        assert np.allclose(found[name], values, rtol=1e-9, atol=1e-9, equal_nan=True), name
