"""What is above the tabs: logo, title, summary, and links to the page in other languages; and below them, the footer."""

from pathlib import Path

import gradio as gr

from slipway.page.context import PageContext
from slipway.page.html import macros

_HTML = macros("shell/head.html")
SCRIPT = Path(__file__).with_name("head.js").read_text(encoding="utf-8")


def build(page: PageContext) -> None:
    """The head, inside the current Gradio context."""
    gr.HTML(_HTML.head(page), js_on_load=SCRIPT, apply_default_css=False)


def build_foot(page: PageContext) -> None:
    """The use case's sentence below the tabs, if it has one."""
    if text := page.text(page.schema.texts.appearance.footer):
        gr.HTML(_HTML.foot(text), apply_default_css=False)
