"""The HTML document around a page, as it leaves the server: Gradio's, with our language, title and link preview.

Gradio's own says that every page is English and called Gradio, and shows a picture from another host to whoever a
link is sent to. It is rewritten as text, once: it names no address but relative ones, so it is the same wherever a server
stands and whatever a proxy leaves of the path.
"""

import gzip
import hashlib
import json
import re
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from slipway.i18n.texts import ONLINE, translate
from slipway.page.shell import assets
from slipway.schema.schema import Schema
from slipway.store import Version

SCRIPTS = [
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("address.js", "live.js", "online.js", "controls.js")
]
PRINT = Path(__file__).with_name("print.css")
TAGS = {"en": "en", "zh": "zh-CN"}
_OTHERS = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')
_ROOT = re.compile(r'"root": ?"([^"]*)"')
_MANIFEST = re.compile(r'\s*<link rel="manifest" href="/[^>]*>')


class Document:
    """The document of one page in one language."""

    def __init__(self, page: gr.Blocks, version: Version, language: str) -> None:
        self.edition = _edition(page, version)
        self._language = language
        self._head = _head(page, version.schema(), language, self.edition)
        self.compressed = lru_cache(maxsize=2)(self._compressed)

    def rewritten(self, html: str) -> str:
        """Gradio's document with what is said of it here.

        Everything up to the first script is Gradio's template and holds no text of ours that could look like a tag.
        """
        top, script, rest = html.partition("<script>")
        top = _OTHERS.sub("", top).replace('lang="en"', f'lang="{TAGS[self._language]}"', 1)
        top = re.sub(r"(<base [^>]*>)", lambda found: found[1] + self._head, top, count=1)
        if root := _ROOT.search(rest):
            # Gradio's script and its own line in the document resolve "." against the document's address.
            rest = rest.replace(f'"{root[1]}"', '"."')
        return top + script + _MANIFEST.sub("", rest, count=1)

    def _compressed(self, html: bytes, zipped: bool) -> bytes:
        content = self.rewritten(html.decode("utf-8")).encode("utf-8")
        return gzip.compress(content, 6, mtime=0) if zipped else content


def _edition(page: gr.Blocks, version: Version) -> str:
    """What tells apart two pages whose events or answers do not fit each other; the same in every worker."""
    config: dict[str, Any] = page.config
    parts = [(component["id"], component["type"]) for component in config["components"]]
    found = json.dumps([version.tag, parts, config["dependencies"], config["layout"]], sort_keys=True, default=str)
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
    shown = {one["type"] for one in page.config["components"] if one["props"].get("visible") is not False}
    found = [
        f'<link rel="modulepreload" href="assets/{name}">'
        if name.endswith(".js")
        else f'<link rel="preload" as="style" crossorigin href="assets/{name}">'
        for name in assets.needed(shown)
    ]
    return [*found, f'<link rel="preload" as="style" href="theme.css?v={page.theme_hash}">']
