"""Below the answer: why it is so, and what would be if one field were another."""

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from slipway.fields import Record
from slipway.http import Refused
from slipway.page import form, whatif, why
from slipway.serving import Served
from slipway.texts import PAGE, said


@dataclass(frozen=True)
class Reasons:
    """The choice of a field, and the two panels. `choice` is None if there is nothing to choose."""

    why: gr.HTML
    whatif: gr.HTML
    choice: gr.Dropdown | None

    @property
    def inputs(self) -> list[gr.Dropdown]:
        """What an event reads besides the fields."""
        return [self.choice] if self.choice else []

    @property
    def panels(self) -> list[gr.HTML]:
        """What an event writes."""
        return [self.why, self.whatif]


def build(served: Served, language: str) -> Reasons:
    """The panels, inside the current Gradio context."""
    schema = served.schema
    fields = whatif.choosable(schema) if _has_figures(served) else []
    with gr.Row(elem_classes="slip-reasons"):
        with gr.Column(min_width=300):
            explained = gr.HTML(apply_default_css=False)
        with gr.Column(min_width=300, elem_classes="slip-box" if fields else ""):
            choice = None
            if fields:
                gr.HTML(f"<h2>{escape(said(PAGE['whatif'], language))}</h2>", apply_default_css=False)
                importance = served.version.read_json("metrics.json")["importance"]
                with gr.Column(elem_classes="slip-field"):
                    choice = gr.Dropdown(
                        [(form.label(field, language), field.name) for field in fields],
                        value=max(fields, key=lambda field: importance.get(field.name, 0)).name,
                        label=said(PAGE["whatif_field"], language),
                    )
            curve = gr.HTML(apply_default_css=False)
    return Reasons(explained, curve, choice)


def _has_figures(served: Served) -> bool:
    """An estimator that names a class and no probability has nothing that could move."""
    if not served.schema.target.classes:
        return True
    (answered,) = served.predictor.answer([served.schema.example()])["predictions"]
    return bool(answered["probabilities"])


async def answer(served: Served, record: Record, chosen: str | None, language: str) -> list[str]:
    """Both panels for one checked record; empty where the model has nothing to say."""
    return [await _why(served, record, language), await _whatif(served, record, chosen, language)]


async def _why(served: Served, record: Record, language: str) -> str:
    try:
        return why.render(served.schema, await served.explain(record), language)
    except Refused:
        return ""


async def _whatif(served: Served, record: Record, chosen: str | None, language: str) -> str:
    schema = served.schema
    field = next((field for field in whatif.choosable(schema) if field.name == chosen), None)
    if field is None:
        return ""
    asked, records = whatif.records(field, record)
    try:
        answered: list[dict[str, Any]] = (await served.answer([record, *records]))["predictions"]
    except Refused:
        return ""
    own, *others = answered
    if schema.target.classes and not own["probabilities"]:
        return ""
    return whatif.render(schema, field, record[field.name], asked, others, own["prediction"], language)
