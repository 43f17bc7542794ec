"""Content codings of the page's files: Brotli where a browser takes it (over HTTPS and on localhost), else gzip."""

import gzip
import re
from collections.abc import Callable

import brotli
from starlette.datastructures import Headers

CODINGS: dict[str, Callable[[bytes], bytes]] = {
    # Quality 9 takes ten times as long for another hundredth, 11 twenty-five times for another twelfth.
    "br": lambda content: brotli.compress(content, mode=brotli.MODE_TEXT, quality=6),
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "": bytes,
}


def coding(headers: Headers) -> str:
    """The first of `br` and `gzip` that a request's `Accept-Encoding` names and does not rule out; else none, `""`."""
    accepted = headers.get("accept-encoding", "").lower()
    taken = (
        name for name in CODINGS if name and re.search(rf"(^|[, ]){name}\s*(;\s*q=(?!0(\.0*)?\s*(,|$))|,|$)", accepted)
    )
    return next(taken, "")


def compressed(content: bytes, coding: str) -> bytes:
    """The content in one of `CODINGS`."""
    return CODINGS[coding](content)


def header(coding: str) -> dict[str, str]:
    """The header that says which coding an answer has."""
    return {"Content-Encoding": coding} if coding else {}
