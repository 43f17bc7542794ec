"""A compiled version as an engine: one ONNX graph from raw fields to the prediction."""

import warnings
from pathlib import Path

import numpy as np
import onnxruntime

from slipway.columns import Columns
from slipway.parity import Answers
from slipway.schema import Schema


class CompiledEngine:
    """Answers with the graph that `slipway.compile` made; safe on any number of threads.

    The graph has one input a field, of shape (n,), and the output `value` (n,), or `class` (n,)
    with the positions in `Target.classes` and, where the estimator has them, `probabilities`
    (n, n_classes).
    """

    name = "onnx"

    def __init__(self, model: bytes, schema: Schema) -> None:
        options = onnxruntime.SessionOptions()
        # Rows are few or come in batches from several calls at once: one thread each, none of
        # them spinning while it waits.
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._inputs = [item.name for item in self._session.get_inputs()]
        self._outputs = [item.name for item in self._session.get_outputs()]
        self._has_classes = bool(schema.target.classes)

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "CompiledEngine":
        """The engine of the graph that was saved to `path`."""
        return cls(path.read_bytes(), schema)

    def predict(self, taken: Columns) -> Answers:
        """Answers to n rows, given as `Schema.columns` makes them."""
        feed = {name: taken[name] for name in self._inputs}
        found = dict(zip(self._outputs, self._session.run(self._outputs, feed), strict=True))
        if self._has_classes:
            return Answers(np.asarray(found["class"]), found.get("probabilities"))
        return Answers(np.asarray(found["value"]))
