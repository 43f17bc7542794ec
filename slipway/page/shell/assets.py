"""The files of Gradio's front end, served from memory.

Gradio compresses a file anew for every request and lets browsers ask for it on every visit. Here a file is
compressed once and kept by browsers for good, since its name holds the hash of its content. (Gradio also names the
next files only when the last ones have run, which takes four rounds of requests before anything is to be seen: so
the document names at once what those rounds would ask for, see `slipway.page._gradio.needed`.)
"""

from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response

from slipway.page import _gradio
from slipway.page.shell.compression import coding, compressed, header

TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
FOR_GOOD = "public, max-age=31536000, immutable"


def response(path: str, headers: Headers) -> Response | None:
    """The response to `GET assets/<name>`; None if there is no such file, or none that a page loads."""
    file = _gradio.assets().get(path.removeprefix("assets/")) if path.startswith("assets/") else None
    if file is None or file.suffix not in TYPES:
        return None
    taken = coding(headers)
    found = {"Cache-Control": FOR_GOOD, "Vary": "Accept-Encoding", **header(taken)}
    return Response(_content(file, taken), headers=found, media_type=TYPES[file.suffix])


@cache
def _content(file: Path, coding: str) -> bytes:
    return compressed(file.read_bytes(), coding)
