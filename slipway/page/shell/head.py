"""What is above the tabs: title, summary, and the way to the page in the other language."""

from pathlib import Path

import gradio as gr

from slipway.i18n.texts import LANGUAGES
from slipway.page.context import PageContext
from slipway.page.html import macros

_HTML = macros("shell/head.html")
SCRIPT = Path(__file__).with_name("head.js").read_text(encoding="utf-8")


def build(page: PageContext) -> None:
    """The head, inside the current Gradio context."""
    other = LANGUAGES[1 - LANGUAGES.index(page.language)]
    gr.HTML(_HTML.head(page, other), js_on_load=SCRIPT, apply_default_css=False)
