"""Compiles a fitted PyCaret pipeline into one ONNX graph, and proves that it answers the same."""

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
    """The graph of a fitted pipeline, and what the gate found.

    Raises
    ------
    CannotCompileError
        If a step has no converter, or the graph does not answer as the pipeline does.
    """
    model = compile_pipeline(pipeline, learnt.schema, learnt.inputs)
    return model, check_parity(pipeline, model, learnt, progress)
