"""The about tab: the model card, and the plots of the version's folder."""

import base64
from html import escape

import gradio as gr

from slipway.store import Version
from slipway.texts import PLOTS, said


def build(version: Version, language: str) -> None:
    """The tab's content, inside the current Gradio context."""
    card = "card.zh.md" if language == "zh" else "card.md"
    gr.Markdown((version.path / card).read_text(encoding="utf-8"), elem_classes="slip-card")
    figures = []
    for name, caption in PLOTS.items():
        path = version.path / "plots" / f"{name}.svg"
        if path.exists():
            # As an image nothing inside the SVG can run, whatever a column is called.
            data = base64.b64encode(path.read_bytes()).decode()
            text = escape(said(caption, language))
            figures.append(
                f'<figure><img src="data:image/svg+xml;base64,{data}" alt="{text}"><figcaption>{text}</figcaption></figure>'
            )
    gr.HTML(f'<div class="slip-plots">{"".join(figures)}</div>', apply_default_css=False)
