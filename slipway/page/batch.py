"""The batch tab: the browser posts the file to `/predict_csv` and offers the answer as a download.

Gradio's own upload would leave the file on the server's disk, and on one replica's only.
"""

import json
from html import escape
from pathlib import Path

import gradio as gr

from slipway.schema import Schema
from slipway.texts import PAGE, said

SCRIPT = Path(__file__).with_name("batch.js").read_text(encoding="utf-8")


def build(schema: Schema, language: str) -> None:
    """The tab's content, inside the current Gradio context."""

    def t(key: str) -> str:
        return escape(said(PAGE[key], language))

    names = ", ".join(f"<code>{escape(name)}</code>" for name in schema.names)
    messages = {key.removeprefix("batch_"): said(PAGE[key], language) for key in PAGE if key.startswith("batch_")}
    # In an attribute, so that a column's name can neither end a script nor be run as one.
    data = escape(json.dumps({"texts": messages, "columns": schema.names, "example": schema.example()}))
    gr.HTML(
        f"""<section class="slip-batch" data-batch="{data}">
<p>{t("batch_lead")}</p>
<label class="slip-drop" tabindex="0"><input type="file" accept=".csv,.tsv,.txt,text/csv"><span>{t("batch_choose")}</span></label>
<p class="slip-small">{t("batch_needs")}: {names}. <a href="#" class="slip-template" download="template.csv">{t("batch_template")}</a></p>
<div class="slip-batch-result" aria-live="polite"></div>
</section>""",
        js_on_load=SCRIPT,
        apply_default_css=False,
    )
