"""Below the answer: the reasons for it, and how it changes with one field."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from slipway.page.context import PageContext
from slipway.page.predict import live, whatif, why
from slipway.schema.fields import Record
from slipway.service.model import LoadedModel
from slipway.service.observation import current
from slipway.service.requests import RequestError


@dataclass(frozen=True)
class Reasons:
    """The choice of a field, and the two panels. `choice` is None if there is nothing to choose."""

    why: gr.HTML
    whatif: gr.HTML
    choice: gr.Dropdown | None

    @property
    def inputs(self) -> list[gr.Dropdown]:
        """The inputs of an event besides the fields."""
        return [self.choice] if self.choice else []

    @property
    def panels(self) -> list[gr.HTML]:
        """The outputs of an event."""
        return [self.why, self.whatif]


def build(page: PageContext, served: LoadedModel) -> Reasons:
    """The panels, inside the current Gradio context."""
    # An estimator that names a class and no probability has nothing that could be moved.
    has_figures = not page.schema.target.classes or served.has_probabilities
    fields = whatif.choosable(page.schema) if has_figures else []
    with gr.Row(elem_classes="slip-reasons"):
        with gr.Column(min_width=300):
            explained = gr.HTML(apply_default_css=False, elem_id="live-why")
        with gr.Column(min_width=300, elem_classes="slip-box" if fields else ""):
            choice = None
            if fields:
                gr.HTML(whatif.heading(page), apply_default_css=False)
                worth = page.metrics.importance
                with gr.Column(elem_classes="slip-field"):
                    choice = gr.Dropdown(
                        [(page.field_label(field), field.name) for field in fields],
                        value=max(fields, key=lambda field: worth.get(field.name, 0)).name,
                        label=page.t("page.whatif_field"),
                    )
            curve = gr.HTML(apply_default_css=False, elem_id="live-whatif")
    return Reasons(explained, curve, choice)


async def answer(page: PageContext, served: LoadedModel, record: Record, fields: str, chosen: str | None) -> list[str]:
    """Both panels for one checked record, which the form held as `fields` (JSON); empty where the model has nothing to say."""
    explained, curve = await _why(page, served, record), await _whatif(page, served, record, chosen)
    return [
        live.panel(page, "why", explained, fields, page.t("page.why")),
        live.panel(page, "whatif", curve, fields, choice=chosen),
    ]


async def _why(page: PageContext, served: LoadedModel, record: Record) -> str:
    try:
        explained = await served.explain(record)
        current().asked("page", rows=0, explanations=1)
        return why.render(page, explained)
    except RequestError:
        return ""


async def _whatif(page: PageContext, served: LoadedModel, record: Record, chosen: str | None) -> str:
    field = next((field for field in whatif.choosable(page.schema) if field.name == chosen), None)
    if field is None:
        return ""
    asked, records = whatif.records(field, record)
    try:
        answered: list[dict[str, Any]] = (await served.answer([record, *records]))["predictions"]
    except RequestError:
        return ""
    own, *others = answered
    if page.schema.target.classes and not own["probabilities"]:
        return ""
    return whatif.render(page, field, record[field.name], asked, others, own["prediction"])
