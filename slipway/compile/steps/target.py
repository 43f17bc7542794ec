"""The way back from a transformed target."""

from collections.abc import Sequence
from typing import Any

from spox import Var

from slipway.compile.errors import CannotCompileError


def inverse(steps: Sequence[tuple[str, Any]], value: Var) -> Var:
    """The values in the target's own unit, undoing PyCaret's `transform_target`."""
    for name, wrapper in reversed(steps[:-1]):
        if hasattr(wrapper, "inverse_transform"):
            raise CannotCompileError(f"step {name!r}: no converter for {type(wrapper.transformer).__name__}")
    return value
