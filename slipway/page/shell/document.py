"""The HTML document around a page, as it leaves the server: Gradio's, with our language, title and link preview.

Gradio's own says that every page is in English and called Gradio, and shows a picture from another host to anybody
who is sent a link. It is rewritten as text, once: all its addresses are relative, so it is the same wherever a server
runs and whatever a proxy leaves of the path.
"""

import gzip
import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.shell import assets

SCRIPTS = [
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("address.js", "live.js", "online.js", "controls.js")
]
_HTML = macros("shell/document.html")
PRINT = Path(__file__).with_name("print.css")
_OTHERS = re.compile(r'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')
_ROOT = re.compile(r'"root": ?"([^"]*)"')
_MANIFEST = re.compile(r'\s*<link rel="manifest" href="/[^>]*>')


class Document:
    """The document of one page in one language."""

    def __init__(self, blocks: gr.Blocks, page: PageContext) -> None:
        self.edition = _edition(blocks, page.version.tag)
        self._tag = page.catalogue.tag
        self._head = _head(blocks, page, self.edition)
        self.compressed = lru_cache(maxsize=2)(self._compressed)

    def rewritten(self, html: str) -> str:
        """Gradio's document with our language, title and preview.

        Everything up to the first script is Gradio's template and contains no text of ours that could look like a tag.
        """
        top, script, rest = html.partition("<script>")
        top = _OTHERS.sub("", top).replace('lang="en"', f'lang="{self._tag}"', 1)
        top = re.sub(r"(<base [^>]*>)", lambda found: found[1] + self._head, top, count=1)
        if root := _ROOT.search(rest):
            # Gradio's script and its own line in the document resolve "." against the document's address.
            rest = rest.replace(f'"{root[1]}"', '"."')
        return top + script + _MANIFEST.sub("", rest, count=1)

    def _compressed(self, html: bytes, zipped: bool) -> bytes:
        content = self.rewritten(html.decode("utf-8")).encode("utf-8")
        return gzip.compress(content, 6, mtime=0) if zipped else content


def _edition(blocks: gr.Blocks, tag: str) -> str:
    """Distinguishes pages whose events or answers are incompatible; the same in every worker."""
    config: dict[str, Any] = blocks.config
    parts = [(component["id"], component["type"]) for component in config["components"]]
    found = json.dumps([tag, parts, config["dependencies"], config["layout"]], sort_keys=True, default=str)
    return hashlib.sha256(found.encode()).hexdigest()[:16]


def _head(blocks: gr.Blocks, page: PageContext, edition: str) -> str:
    shown = {one["type"] for one in blocks.config["components"] if one["props"].get("visible") is not False}
    head = _HTML.head(
        page,
        locale=page.catalogue.territory,
        texts=json.dumps({"edition": edition, "texts": page.catalogue.section("online")}, ensure_ascii=False),
        files=assets.needed(shown),
        theme=f"theme.css?v={blocks.theme_hash}",
        print_style=PRINT.read_text(encoding="utf-8"),
        scripts=SCRIPTS,
    )
    return str(head)  # `Markup` would escape what it is put beside
