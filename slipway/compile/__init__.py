"""Compiles a fitted PyCaret pipeline into one ONNX graph, and checks that it gives the same answers.

Nothing here is needed to serve: the graph is run by `slipway.inference.onnx_engine`.
"""

from collections.abc import Callable
from typing import Any

import onnx

from slipway.compile.errors import CannotCompileError
from slipway.compile.parity_check import check_parity, check_reading
from slipway.compile.pipeline import compile_pipeline
from slipway.schema.metrics import Parity
from slipway.training.schema_inference import InferredDataset

__all__ = ["CannotCompileError", "Parity", "check_parity", "check_reading", "compile_and_check", "compile_pipeline"]


def compile_and_check(
    pipeline: Any, learnt: InferredDataset, progress: Callable[[str], None] = lambda text: None
) -> tuple[onnx.ModelProto, Parity]:
    """Compile a fitted pipeline and run the parity check.

    Parameters
    ----------
    pipeline : fitted PyCaret 3 pipeline
    learnt : InferredDataset
        The schema and the training rows.
    progress : callable, optional
        Called with a line of text for each step.

    Returns
    -------
    model : onnx.ModelProto
    parity : Parity
        Rows compared, largest difference, seconds.

    Raises
    ------
    CannotCompileError
        If a step has no converter, or the graph's answers differ from the pipeline's.
    """
    model = compile_pipeline(pipeline, learnt.schema, learnt.inputs)
    return model, check_parity(pipeline, model, learnt, progress)
