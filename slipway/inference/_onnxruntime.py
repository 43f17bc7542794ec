"""All that Slipway takes from ONNX Runtime without its documentation promising it. Seen in onnxruntime 1.32.0.

What it relies on has a test in tests/test_adapters.py.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy.typing as npt
import onnxruntime

Array = npt.NDArray[Any]


def runner(session: onnxruntime.InferenceSession) -> Callable[[Sequence[str], Mapping[str, Array]], list[Array]]:
    """What `session.run` calls once it has compared all names of inputs and asked for things of other devices.

    For one row of a small graph that takes a third of the time. Every input has to be there.
    """
    run = session._sess.run
    return lambda outputs, inputs: run(outputs, inputs, None)
