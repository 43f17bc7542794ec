"""The exported page: scripts, style and content in one HTML file, whose policy forbids it every request."""

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from slipway.errors import SlipwayError
from slipway.i18n.catalogues import FALLBACK, ISOLATE, catalogue, languages, translate
from slipway.page.html import macros
from slipway.publish.offline.content import content
from slipway.publish.offline.graph import UnsupportedGraphError
from slipway.store import Version

LARGEST = 2_000_000
"""Bytes that a page may have: more is too much for an attachment, and for a browser that evaluates it as one types."""

_PARTS = Path(__file__).parent
_SCRIPTS = "tensors graph operators texts reading prediction shapley dom form answer reasons main".split()
_HTML = macros("publish/offline/page.html")


class ExportError(SlipwayError):
    """A version cannot be exported as one page; the text says why, and what to do."""

    def __init__(self, tag: str, problem: str) -> None:
        super().__init__(f"{tag} cannot be exported as one HTML page: {problem}")


def document(version: Version, with_rows: bool = True) -> bytes:
    """The page of a version.

    Parameters
    ----------
    version : Version
    with_rows : bool, default=True
        Whether the page has the rows that explanations compare with, and so explanations.

    Returns
    -------
    bytes
        An HTML document in UTF-8, of at most `LARGEST` bytes.

    Raises
    ------
    ExportError
        If the version is not compiled, its graph has something that the page cannot evaluate, or it is too large.
    """
    if version.engine != "onnx":
        raise ExportError(
            version.tag,
            "it could not be compiled and is served by its pipeline, which needs Python; `slipway serve` it",
        )
    try:
        packed = content(version, with_rows)
    except UnsupportedGraphError as exc:
        raise ExportError(
            version.tag,
            f"{exc}, which the page does not evaluate; train another estimator (`--include`), or `slipway serve` it",
        ) from exc
    page = _written(version, packed)
    if len(page) > LARGEST:
        raise ExportError(
            version.tag,
            f"the page would have {len(page):,} bytes, and at most {LARGEST:,} are possible; "
            "train a smaller estimator (`--include`), or `slipway serve` it",
        )
    return page


def _written(version: Version, packed: str) -> bytes:
    style = _text("page.css")
    script = "\n".join(
        ['(() => {\n"use strict";', ISOLATE, *(_text(f"scripts/{name}.js") for name in _SCRIPTS), "})();"]
    )
    title = translate(version.schema().texts.title, FALLBACK) or version.tag
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {_hash(style)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    notes = [
        {
            "language": catalogue(language).tag,
            "script": catalogue(language).text("offline.needs_script"),
            "old": catalogue(language).text("offline.too_old"),
        }
        for language in languages()
    ]
    parts = (Markup(one) for one in (style, script, packed))  # noqa: S704
    return str(_HTML.document(title, version.tag, catalogue(FALLBACK).tag, policy, *parts, notes)).encode("utf-8")


def _text(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a policy allows an element with this content and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}'"
