"""A compiled version as an engine: one ONNX graph from raw fields to the prediction."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from slipway.inference.equality import Answers
from slipway.schema import arrays
from slipway.schema.arrays import Columns
from slipway.schema.schema import Schema

BLOCK = 4096
"""Rows that are answered at once."""

FLOAT32_OR_WRONG = ["MatMulScaleFusion", "MatmulTransposeFusion"]
"""Optimisations of ONNX Runtime 1.31 that keep a double factor as float32, or multiply a transposed matrix as if it were not."""

MISSING_KEY = "missing_text"
"""Key of a graph's metadata: the text that stands for a missing one. Graphs without it were saved
when "" stood for both, a missing text and the category ""."""


def session(model: bytes) -> onnxruntime.InferenceSession:
    """A graph ready to run, with the optimisations that keep doubles double."""
    options = onnxruntime.SessionOptions()
    # Rows are few or come in batches from several calls at once: one thread each, none of
    # them spinning while it waits.
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], disabled_optimizers=FLOAT32_OR_WRONG
        )


def missing_text(running: onnxruntime.InferenceSession) -> str:
    """The text that a graph takes for a missing one."""
    return str(running.get_modelmeta().custom_metadata_map.get(MISSING_KEY, ""))


class CompiledEngine:
    """Answers with the graph that `slipway.compile` made; safe on any number of threads.

    The graph has one input a field, of shape (n,), in the order of the fields, and the output `value` (n,), or `class` (n,)
    with the positions in `Target.classes` and, where the estimator has them, `probabilities`
    (n, n_classes).
    """

    name = "onnx"

    def __init__(self, model: bytes, schema: Schema) -> None:
        self._session = session(model)
        # By their order, not their names: a field called `value` has another name in the graph.
        self._inputs = dict(zip([item.name for item in self._session.get_inputs()], schema.names, strict=True))
        self._outputs = [item.name for item in self._session.get_outputs()]
        self._has_classes = bool(schema.target.classes)
        self._missing = missing_text(self._session)
        self._gaps = {field.name for field in schema.fields if field.nullable and arrays.is_text(field)}

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "CompiledEngine":
        """The engine of the graph that was saved to `path`."""
        return cls(path.read_bytes(), schema)

    def predict(self, taken: Columns) -> Answers:
        """Answers to n rows, given as `Schema.columns` makes them."""
        rows = len(next(iter(taken.values())))
        parts = [self._run(taken, start) for start in range(0, rows, BLOCK)] if rows > BLOCK else [self._run(taken)]
        found = parts[0] if len(parts) == 1 else {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        if self._has_classes:
            return Answers(np.asarray(found["class"]), found.get("probabilities"))
        return Answers(np.asarray(found["value"]))

    def _run(self, taken: Columns, start: int = 0) -> dict[str, npt.NDArray[Any]]:
        """The graph's outputs for a block of rows: kernels make a matrix of rows and training rows."""
        feed = {}
        for name, field in self._inputs.items():
            column = taken[field][start : start + BLOCK]
            feed[name] = arrays.fill(column, self._missing) if field in self._gaps else column
        return dict(zip(self._outputs, self._session.run(self._outputs, feed), strict=True))
