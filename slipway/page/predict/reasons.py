"""Below the answer: why it is so, and what would be if one field were another."""

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from slipway.i18n.formats import field_label
from slipway.page.context import Page
from slipway.page.predict import live, whatif, why
from slipway.schema.fields import Record
from slipway.service.requests import RequestError


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


def build(page: Page) -> Reasons:
    """The panels, inside the current Gradio context."""
    fields = whatif.choosable(page.schema) if page.has_figures else []
    with gr.Row(elem_classes="slip-reasons"):
        with gr.Column(min_width=300):
            explained = gr.HTML(apply_default_css=False, elem_id="live-why")
        with gr.Column(min_width=300, elem_classes="slip-box" if fields else ""):
            choice = None
            if fields:
                gr.HTML(f"<h2>{escape(page.t('whatif'))}</h2>", apply_default_css=False)
                with gr.Column(elem_classes="slip-field"):
                    choice = gr.Dropdown(
                        [(field_label(field, page.language), field.name) for field in fields],
                        value=max(fields, key=lambda field: page.importance.get(field.name, 0)).name,
                        label=page.t("whatif_field"),
                    )
            curve = gr.HTML(apply_default_css=False, elem_id="live-whatif")
    return Reasons(explained, curve, choice)


async def answer(page: Page, record: Record, fields: str, chosen: str | None) -> list[str]:
    """Both panels for one checked record, which the form held as `fields` (JSON); empty where the model has nothing to say."""
    return [
        live.panel(page, "why", await _why(page, record), fields, page.t("why")),
        live.panel(page, "whatif", await _whatif(page, record, chosen), fields, choice=chosen),
    ]


async def _why(page: Page, record: Record) -> str:
    try:
        return why.render(page.schema, await page.served.explain(record), page.language)
    except RequestError:
        return ""


async def _whatif(page: Page, record: Record, chosen: str | None) -> str:
    schema = page.schema
    field = next((field for field in whatif.choosable(schema) if field.name == chosen), None)
    if field is None:
        return ""
    asked, records = whatif.records(field, record)
    try:
        answered: list[dict[str, Any]] = (await page.served.answer([record, *records]))["predictions"]
    except RequestError:
        return ""
    own, *others = answered
    if schema.target.classes and not own["probabilities"]:
        return ""
    return whatif.render(schema, field, record[field.name], asked, others, own["prediction"], page.language)
