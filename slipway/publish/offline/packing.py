"""Content and numbers of a page as one text: JSON, then the numbers behind it, compressed, in base64.

Base64 has no `<`, so nothing in it can end the element that it stands in. Whole numbers are kept in the narrowest type that holds
them; of numbers with several bytes, the first bytes of all stand together, then the second ones, which compresses better.
"""

import base64
import gzip
import json
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

TEXT_TYPE = 8
"""How ONNX numbers the type of texts."""
_WHOLE = {"u1": (0, 2**8 - 1), "u2": (0, 2**16 - 1), "i4": (-(2**31), 2**31 - 1)}


class Packer:
    """Collects arrays, and writes them behind what refers to them."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, values: npt.NDArray[Any], type: int) -> dict[str, Any]:
        """Keep an array.

        Parameters
        ----------
        values : array of any shape
            Numbers, booleans or texts.
        type : int
            As ONNX numbers the types of tensors.

        Returns
        -------
        dict
            What stands in the JSON in its place, as `graph.js` reads it.
        """
        shape = list(values.shape)
        if type == TEXT_TYPE:
            return {"type": type, "shape": shape, "texts": [_text(value) for value in values.ravel().tolist()]}
        kind = _kind(values)
        stored = np.ascontiguousarray(values, dtype=np.dtype(kind).newbyteorder("<")).ravel()
        part = stored.view("u1").reshape(len(stored), stored.itemsize).T.tobytes()
        found = {"type": type, "shape": shape, "kind": kind, "start": self._size}
        self._parts.append(part)
        self._size += len(part)
        return found

    def text(self, content: dict[str, Any]) -> str:
        """The whole as a text.

        Parameters
        ----------
        content : dict
            What becomes JSON: without NaN and infinity, which JSON does not have.
        """
        written = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
        whole = struct.pack("<I", len(written)) + written + b"".join(self._parts)
        return base64.b64encode(gzip.compress(whole, mtime=0)).decode("ascii")


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _kind(values: npt.NDArray[Any]) -> str:
    if values.dtype.kind == "f":
        return "f4" if values.dtype.itemsize == 4 else "f8"
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    return next((kind for kind, (least, most) in _WHOLE.items() if least <= low and high <= most), "f8")
