"""A compiled version as an engine: one ONNX graph from the raw fields to the prediction.

ONNX Runtime's optimisations are not all exact in double: `session` switches off those that are not.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from slipway.inference._onnxruntime import runner
from slipway.inference.equality import Answers
from slipway.schema import arrays
from slipway.schema.arrays import Columns
from slipway.schema.schema import Schema

BLOCK = 4096
"""Rows evaluated at once."""

FLOAT32_OR_WRONG = ["MatMulScaleFusion", "MatmulTransposeFusion"]
"""Optimisations of ONNX Runtime 1.31 that store a double factor as float32, or multiply with a matrix that was not transposed."""

_MULTIPLIES = (b"MatMul", b"Gemm", b"Linear", b"SVM")
"""Operators that multiply matrices, as a graph names them."""

MISSING_KEY = "missing_text"
"""Metadata key for the text that represents a missing one. Graphs without it were saved
when "" represented both a missing text and the category ""."""


def session(model: bytes) -> onnxruntime.InferenceSession:
    """A graph ready to run, without the optimisations that lose double precision.

    Parameters
    ----------
    model : bytes
        A serialised ONNX model.

    Returns
    -------
    onnxruntime.InferenceSession
        With a single thread per call.
    """
    options = onnxruntime.SessionOptions()
    # Rows are few, or come in batches from several calls at once: one thread per call, which
    # does not spin while it waits.
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"], disabled_optimizers=FLOAT32_OR_WRONG
        )


def missing_text(running: onnxruntime.InferenceSession) -> str:
    """The text that a graph reads as missing, from the graph's metadata."""
    return str(running.get_modelmeta().custom_metadata_map.get(MISSING_KEY, ""))


class CompiledEngine:
    """Predicts with the graph that `slipway.compile` made; safe to use from any number of threads.

    The graph has one input per field, of shape (n,), in the order of the fields. Its outputs are
    `value`, of shape (n,), or `class`, of shape (n,), with positions in `Target.classes`, and
    `probabilities`, of shape (n, n_classes), if the estimator has them.
    """

    name = "onnx"

    def __init__(self, model: bytes, schema: Schema) -> None:
        self.graph = model
        running = session(model)
        # By order, not by name: a field called `value` has another name in the graph.
        self._inputs = dict(zip([item.name for item in running.get_inputs()], schema.names, strict=True))
        self._outputs = [item.name for item in running.get_outputs()]
        self._has_classes = bool(schema.target.classes)
        self._missing = missing_text(running)
        self._run_graph = runner(running)
        # A row that is left over from pairs is multiplied by another kernel, which rounds in another order: a record alone
        # and the last one of an odd number would have other last bits than among others.
        self._in_pairs = any(name in model for name in _MULTIPLIES)
        self._gaps = {field.name for field in schema.fields if field.nullable and arrays.is_text(field)}

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "CompiledEngine":
        """The engine for the graph that was saved to `path`."""
        return cls(path.read_bytes(), schema)

    def predict(self, columns: Columns) -> Answers:
        """Answers for n rows, computed in blocks of `BLOCK` rows.

        Parameters
        ----------
        columns : Columns
            One array of shape (n,) per field, as `Schema.columns` makes them.

        Returns
        -------
        Answers
            Of n rows.
        """
        rows = len(next(iter(columns.values())))
        parts = [self._run(columns, start) for start in range(0, rows, BLOCK)] if rows > BLOCK else [self._run(columns)]
        outputs = parts[0] if len(parts) == 1 else {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        if self._has_classes:
            return Answers(np.asarray(outputs["class"]), outputs.get("probabilities"))
        return Answers(np.asarray(outputs["value"]))

    def _run(self, columns: Columns, start: int = 0) -> dict[str, npt.NDArray[Any]]:
        """The graph's outputs for one block of rows; kernel models need a matrix of rows by training rows."""
        rows = len(next(iter(columns.values()))[start : start + BLOCK])
        found = self._run_graph(self._outputs, self.feed(columns, start))
        return {name: output[:rows] for name, output in zip(self._outputs, found, strict=True)}

    def feed(self, columns: Columns, start: int = 0) -> dict[str, npt.NDArray[Any]]:
        """One block of rows as the graph's inputs by name; an even number, where others would be rounded otherwise."""
        feed = {}
        for name, field in self._inputs.items():
            column = columns[field][start : start + BLOCK]
            if self._in_pairs and len(column) % 2:
                column = column.repeat(2) if len(column) == 1 else np.concatenate((column, column[-1:]))
            feed[name] = arrays.fill(column, self._missing) if field in self._gaps else column
        return feed
