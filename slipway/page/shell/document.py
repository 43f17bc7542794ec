"""The HTML document around a page, as it leaves the server: Gradio's, with our language, title and link preview.

Gradio's own says that every page is English and called Gradio, and shows a picture from another host to whoever a
link is sent to. It is rewritten as text, once: it names no address but relative ones, so it is the same wherever a server
stands and whatever a proxy leaves of the path.
"""

import gzip
import hashlib
import json
from functools import lru_cache
from html import escape
from pathlib import Path

import gradio as gr

from slipway.i18n.texts import ONLINE, translate
from slipway.page import _gradio
from slipway.schema.schema import Schema
from slipway.store import Version

SCRIPTS = [
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("address.js", "live.js", "online.js", "controls.js")
]
PRINT = Path(__file__).with_name("print.css")
TAGS = {"en": "en", "zh": "zh-CN"}


class Document:
    """The document of one page in one language."""

    def __init__(self, page: gr.Blocks, version: Version, language: str) -> None:
        self.edition = _edition(page, version)
        self._language = language
        self._head = _head(page, version.schema(), language, self.edition)
        self.compressed = lru_cache(maxsize=2)(self._compressed)

    def rewritten(self, html: str) -> str:
        """Gradio's document with what is said of it here."""
        return _gradio.with_head(html, TAGS[self._language], self._head)

    def _compressed(self, html: bytes, zipped: bool) -> bytes:
        content = self.rewritten(html.decode("utf-8")).encode("utf-8")
        return gzip.compress(content, 6, mtime=0) if zipped else content


def _edition(page: gr.Blocks, version: Version) -> str:
    """What tells apart two pages whose events or answers do not fit each other; the same in every worker."""
    found = json.dumps([version.tag, *_gradio.parts(page)], sort_keys=True, default=str)
    return hashlib.sha256(found.encode()).hexdigest()[:16]


def _head(page: gr.Blocks, schema: Schema, language: str, edition: str) -> str:
    title, summary = (translate(schema.texts[key], language) for key in ("title", "summary"))
    texts = {"edition": edition} | {key: translate(text, language) for key, text in ONLINE.items()}
    lines = [
        f"<title>{escape(title)}</title>",
        *(
            f'<meta {kind} content="{escape(text)}">'
            for kind, text in {
                'name="description"': summary,
                'property="og:type"': "website",
                'property="og:title"': title,
                'property="og:description"': summary,
                'property="og:locale"': {"en": "en_US", "zh": "zh_CN"}[language],
                'name="slipway-page"': json.dumps(texts, ensure_ascii=False),
            }.items()
        ),
        '<link rel="icon" type="image/svg+xml" href="favicon.ico">',
        *_preloads(page),
        f'<style media="print">{PRINT.read_text(encoding="utf-8")}</style>',
        *(f"<script>{script}</script>" for script in SCRIPTS),
    ]
    return "\n".join(["", *lines])


def _preloads(page: gr.Blocks) -> list[str]:
    found = [
        f'<link rel="modulepreload" href="assets/{name}">'
        if name.endswith(".js")
        else f'<link rel="preload" as="style" crossorigin href="assets/{name}">'
        for name in _gradio.needed(_gradio.kinds_shown(page))
    ]
    return [*found, f'<link rel="preload" as="style" href="{_gradio.theme_address(page)}">']
