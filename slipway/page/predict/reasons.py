"""Below the answer: the reasons for it, how it changes with one field, and what would have to change for another."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from slipway.inference.counterfactual import changeable
from slipway.page.context import PageContext
from slipway.page.predict import changes, live, whatif, whatif_map, why
from slipway.schema.fields import Field, Record
from slipway.service.model import LoadedModel
from slipway.service.observation import current
from slipway.service.requests import RequestError

CHOICES = ("choice", "second")
"""What a browser calls the choices of "what if"."""
DRAGGED = Path(__file__).with_name("whatif.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Reasons:
    """The panels, and the choices of what changes in "what if": of a field, and of a second one.

    `changes` is None if there is nothing that could be changed.
    """

    why: gr.HTML
    whatif: gr.HTML
    choices: list[gr.Dropdown]
    changes: gr.HTML | None

    @property
    def panels(self) -> list[gr.HTML]:
        """The outputs of an event."""
        return [self.why, self.whatif, *([self.changes] if self.changes else [])]


def build(page: PageContext, served: LoadedModel) -> Reasons:
    """The panels, inside the current Gradio context."""
    # An estimator that names a class and no probability has nothing that could be moved.
    has_figures = not page.schema.target.classes or served.has_probabilities
    fields = whatif.choosable(page.schema) if has_figures else []
    with gr.Column(elem_classes="slip-reasons"):
        explained = gr.HTML(apply_default_css=False, elem_id="live-why")
        with gr.Column(elem_classes="slip-box" if fields else ""):
            choices = _choices(page, fields) if fields else []
            curve = gr.HTML(apply_default_css=False, elem_id="live-whatif")
        changed = gr.HTML(apply_default_css=False, elem_id="live-changes") if changeable(page.schema) else None
    return Reasons(explained, curve, choices, changed)


def nothing(page: PageContext, fields: str, chosen: Sequence[str]) -> list[Markup | str]:
    """The panels while fields have faults."""
    panels = [live.panel(page, "why", why.nothing(page), fields, page.t("page.why"))]
    panels.append(live.panel(page, "whatif", whatif.nothing(page), fields, **_read(chosen)) if chosen else "")
    return [*panels, ""] if changeable(page.schema) else panels


def _read(chosen: Sequence[str]) -> dict[str, Any]:
    """The choices that a panel was made for."""
    return dict(zip(CHOICES, chosen, strict=False))


async def answer(
    page: PageContext, served: LoadedModel, record: Record, fields: str, chosen: Sequence[str]
) -> list[Markup | str]:
    """The panels for one checked record, which the form held as `fields` (JSON); empty where the model has nothing to say."""
    explained, curve = await _why(page, served, record), await _whatif(page, served, record, chosen)
    panels = [
        live.panel(page, "why", explained, fields, page.t("page.why")),
        live.panel(page, "whatif", curve, fields, **_read(chosen)),
    ]
    if changeable(page.schema):
        panels.append(live.panel(page, "changes", await _changes(page, served, record), fields, page.t("page.changes")))
    return panels


async def _why(page: PageContext, served: LoadedModel, record: Record) -> str:
    try:
        explained = await served.explain(record)
        current().asked("page", rows=0, explanations=1)
        return why.render(page, explained)
    except RequestError:
        return ""


async def _changes(page: PageContext, served: LoadedModel, record: Record) -> str:
    try:
        (now,) = (await served.answer([record]))["predictions"]
        answers = [(words, await served.counterfactual(record, wanted)) for words, wanted in changes.goals(page, now)]
    except RequestError:
        return ""
    return changes.render(page, answers)


async def _whatif(page: PageContext, served: LoadedModel, record: Record, chosen: Sequence[str]) -> str:
    by_name = {field.name: field for field in whatif.choosable(page.schema)}
    fields = [by_name[name] for name in dict.fromkeys(chosen) if name in by_name]
    if not fields:
        return ""
    one, *others = fields
    if others:
        pair = one, others[0]
        across, down, records = whatif_map.records(pair, record)
    else:
        asked, records = whatif.records(one, record)
    try:
        answered: list[dict[str, Any]] = (await served.answer([record, *records]))["predictions"]
    except RequestError:
        return ""
    own, *found = answered
    if page.schema.target.classes and not own["probabilities"]:
        return ""
    if others:
        return whatif_map.render(page, pair, record, across, down, found, own["prediction"])
    return whatif.render(page, one, record[one.name], asked, found, own["prediction"])


def _choices(page: PageContext, fields: list[Field]) -> list[gr.Dropdown]:
    """The heading, and below it the choice of the input that changes, at first the most important one, and of a second one."""
    gr.HTML(whatif.heading(page), js_on_load=DRAGGED, apply_default_css=False)
    worth = page.metrics.importance
    every = [(page.field_label(field), field.name) for field in fields]
    most = max(fields, key=lambda field: worth.get(field.name, 0)).name
    with gr.Column(elem_classes="slip-fields slip-choices"):
        with gr.Column(elem_classes="slip-field", min_width=0):
            choices = [gr.Dropdown(every, value=most, label=page.t("page.whatif_field"))]
        if len(fields) > 1:
            none = (page.t("page.whatif_none"), "")
            with gr.Column(elem_classes="slip-field", min_width=0):
                choices.append(gr.Dropdown([none, *every], value="", label=page.t("page.whatif_second")))
    return choices
