"""The HTML document around a page, as it leaves the server: Gradio's, with our language, title and link preview.

Gradio's own says that every page is in English and called Gradio, and shows a picture from another host to anybody
who is sent a link. It is rewritten as text, once: all its addresses are relative, so it is the same wherever a server
runs and whatever a proxy leaves of the path.
"""

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path

import gradio as gr

from slipway.page import _gradio
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.shell import appearance
from slipway.page.shell.compression import compressed
from slipway.service.security_headers import document_policy

SCRIPTS = [
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in (
        "address.js",
        "copies.js",
        "kept.js",
        "live.js",
        "online.js",
        "controls.js",
        "typed.js",
        "answer.js",
        "axes.js",
        "places.js",
    )
]
FUNCTIONS = Path(__file__).with_name("functions.js").read_text(encoding="utf-8")
_HTML = macros("shell/document.html")
_COMMENTS = re.compile(r"^ *//.*\n", re.MULTILINE)
"""Lines that a browser does not need: a tenth of the scripts when compressed."""
PRINT, FORCED = (Path(__file__).with_name(name) for name in ("print.css", "forced.css"))


class Document:
    """The document of one page in one language."""

    def __init__(self, blocks: gr.Blocks, page: PageContext) -> None:
        self.edition = _edition(blocks, page.version.tag)
        self._tag = page.catalogue.tag
        self._head = _head(blocks, page, self.edition)
        self.sent = lru_cache(maxsize=3)(self._sent)

    def rewritten(self, html: str) -> str:
        """Gradio's document with our language, title and preview.

        Everything up to the first script is Gradio's template and contains no text of ours that could look like a tag.
        """
        return _gradio.with_head(html, self._tag, self._head)

    def _sent(self, html: bytes, coding: str) -> tuple[bytes, dict[str, str]]:
        text = self.rewritten(html.decode("utf-8"))
        return compressed(text.encode("utf-8"), coding), document_policy(text)


def _edition(blocks: gr.Blocks, tag: str) -> str:
    """Distinguishes pages whose events or answers are incompatible; the same in every worker."""
    described = json.dumps([tag, *_gradio.parts(blocks)], sort_keys=True, default=str)
    return hashlib.sha256(described.encode()).hexdigest()[:16]


def _functions(blocks: gr.Blocks) -> str:
    """The script that has the functions of the page, so that none is made of a text."""
    known = [f"{name}: {function}" for name, function in _gradio.name_functions(blocks).items()]
    return FUNCTIONS.replace("/* known */", ",\n".join(known))


def _head(blocks: gr.Blocks, page: PageContext, edition: str) -> str:
    head = _HTML.head(
        page,
        locale=page.catalogue.territory,
        texts=json.dumps({"edition": edition, "texts": page.catalogue.section("online")}, ensure_ascii=False),
        files=_gradio.needed(_gradio.kinds_shown(blocks)),
        theme=_gradio.theme_address(blocks),
        print_style=PRINT.read_text(encoding="utf-8"),
        forced_style=FORCED.read_text(encoding="utf-8"),
        own_style=appearance.style(page.schema.texts.appearance),
        scripts=[_COMMENTS.sub("", script) for script in (_functions(blocks), *SCRIPTS)],
    )
    return str(head)  # `Markup` would escape what it is put beside
