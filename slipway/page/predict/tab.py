"""The predict tab: the form with the answer beside it; below, the reasons and what would change it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from markupsafe import Markup

from slipway.errors import Fault, RecordsError
from slipway.page import LIVE, _gradio
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.predict import answer, form, link, live, reasons, threshold, typed
from slipway.schema.fields import Record
from slipway.service.model import LoadedModel
from slipway.service.observation import current, tally
from slipway.service.requests import RequestError

PARTS = Path(__file__).parent
COMPARED, TOOLS = ((PARTS / name).read_text(encoding="utf-8") for name in ("compare.js", "tools.js"))
_HTML = macros("predict/tab.html")
START = "() => window.slipKept.start()"
# The fields as the browser has them come along as text, and go back with the answer: it says for which values it is.
FIELDS = "(...values) => [...values.slice(0, -1), JSON.stringify(values.slice(0, {count}))]"
HOLDS = "(...values) => {{ window.slipLive.holds({names}, {keys}, values); }}"


@dataclass(frozen=True)
class _Tab:
    """The components of the tab that events read and write."""

    inputs: list[form.Input]
    panel: gr.HTML
    replaced: gr.HTML
    below: reasons.Reasons
    slider: gr.Slider | None
    counts: gr.HTML | None
    sent: gr.Textbox

    @property
    def fields(self) -> list[gr.components.Component]:
        return [component for item in self.inputs for component in item.components]

    @property
    def read(self) -> list[gr.components.Component]:
        """The inputs of an answer: the fields, then the threshold if there is one."""
        return [*self.fields, *([self.slider] if self.slider else [])]

    @property
    def answered(self) -> list[gr.components.Component]:
        """The outputs of an answer."""
        return [self.panel, *(item.fault for item in self.inputs), *([self.counts] if self.counts else [])]


def build(blocks: gr.Blocks, page: PageContext, served: LoadedModel) -> None:
    """The tab's content and events, inside the current Gradio context."""
    with gr.Row(elem_classes="slip-predict"):
        with gr.Column(scale=3, elem_classes="slip-left", min_width=300):
            with gr.Column(elem_classes="slip-form"):
                examples = _examples(page)
                inputs = form.build(page)
                reset = gr.Button(page.t("page.reset"), size="sm", elem_classes="slip-reset")
            below = reasons.build(page, served)
        with gr.Column(scale=2, elem_classes="slip-side", min_width=300):
            replaced = gr.HTML("", apply_default_css=False, elem_classes="slip-replaced")
            panel = gr.HTML(_first(page, served), apply_default_css=False, elem_id="live-answer")
            slider, counts = _threshold(page) if threshold.measured(page) else (None, None)
            gr.HTML(_tools(page), js_on_load=TOOLS, apply_default_css=False)
    gr.HTML(_compared(page), js_on_load=COMPARED, apply_default_css=False)
    tab = _Tab(inputs, panel, replaced, below, slider, counts, gr.Textbox(visible=False))
    _wire(blocks, page, served, tab, [*examples, (reset, page.schema.defaults)])


def _examples(page: PageContext) -> list[tuple[gr.Button, Record]]:
    """The buttons of the use case's examples, with their records."""
    examples = page.schema.texts.examples
    if not examples:
        return []
    with gr.Row(elem_classes="slip-examples"):
        gr.HTML(_HTML.examples(page), apply_default_css=False)
        return [(gr.Button(page.text(one.label), size="sm"), one.values) for one in examples]


def _tools(page: PageContext) -> Markup:
    """Link, print and comparison, with the texts of their script."""
    texts = {
        "link_copied": page.t("page.link_copied"),
        "link_shown": page.t("page.link_shown"),
        "link_here": page.t("page.link_here"),
        "compare_added": page.t("page.compare_added"),
        "compare_full": page.t("page.compare_full"),
        "correct": page.t("page.correct"),
        "wait": page.t("page.wait"),
        "unanswered": page.t("page.unanswered"),
    }
    return _HTML.tools(page, texts)


def _compared(page: PageContext) -> Markup:
    texts = {
        "title": page.t("page.compare_title"),
        "note": page.t("page.compare_note"),
        "now": page.t("page.compare_now"),
        "remove": page.t("page.compare_remove"),
        "open": page.t("page.compare_open"),
        "answer": page.t("page.compare_answer"),
        "differs": page.t("page.compare_differs"),
        "case": page.t("page.compare_case"),
    }
    return _HTML.compared(texts)


def _counted(page: PageContext, chosen: float) -> str:
    measured = threshold.measured(page)
    html = threshold.render(page, measured, chosen) if measured else ""
    return live.panel(page, "counts", html, threshold=chosen)


def _threshold(page: PageContext) -> tuple[gr.Slider, gr.HTML]:
    with gr.Column(elem_classes="slip-box slip-threshold", elem_id="threshold"):
        gr.HTML(threshold.heading(page), apply_default_css=False)
        positive = page.class_label(page.schema.target.positive)
        slider = gr.Slider(
            *threshold.ends(page.schema),
            threshold.own(page),
            step=threshold.STEP,
            label=page.t("page.threshold_label", label=positive),
        )
        counts = gr.HTML(_counted(page, threshold.own(page) or 0.0), apply_default_css=False, elem_id="live-counts")
    return slider, counts


def _first(page: PageContext, served: LoadedModel) -> Markup:
    """The panel that is part of the page, so that its first view needs no second call."""
    record = page.schema.defaults
    fields = json.dumps(form.values(page, record), ensure_ascii=False)
    try:
        answered = served.predictor.answer([record])
    except RecordsError:
        return answer.render_faults(page, fields, threshold.own(page))
    return answer.render(page, answered, record, answer.heading(record, [record]), fields, threshold.own(page))


def _wire(
    blocks: gr.Blocks,
    page: PageContext,
    served: LoadedModel,
    tab: _Tab,
    starts: Sequence[tuple[gr.Button, Record]],
) -> None:
    """Every change asks for an answer; an example, reset or a link fills the fields, which is a change.

    One event alone writes the panel: of two, each in order for itself, the answer to an older form could come last.
    And one event alone asks the server at a change, which the reasons follow: where a change asks twice, and comes while both
    are under way, Gradio 6.31 asks for each again whenever the other one is answered, and never ends.
    """
    schema = page.schema

    async def changed(*values: Any) -> list[str]:
        held = form.content(page, values)
        heading = answer.heading(held.record, [start for _, start in starts])
        threshold_chosen = values[-2] if tab.slider else None
        answered = await _answer(page, served, held, heading, str(values[-1]), threshold_chosen)
        return answered if threshold_chosen is None else [*answered, _counted(page, threshold_chosen)]

    async def reasoned(*values: Any) -> list[Any]:
        held = form.content(page, values)
        chosen = values[len(tab.fields) : -1]
        if held.faults or schema.check_record(held.record)[2]:
            return reasons.nothing(page, str(values[-1]), chosen)
        return await reasons.answer(page, served, held.record, str(values[-1]), chosen)

    async def opened(start: str | None) -> list[Any]:
        if kept := form.kept(page, start or ""):
            moved_to = [threshold.valid(schema, kept.get("threshold"))] if tab.slider else []
            return [*form.restored(page, kept), *moved_to, ""]
        linked = link.parse(schema, start or "")
        if linked is None:  # what is typed meanwhile stays
            return [gr.skip() for _ in (*tab.read, tab.replaced)]
        moved_to = [threshold.own(page) if linked.threshold is None else linked.threshold] if tab.slider else []
        return [*form.values(page, linked.record), *moved_to, answer.render_replaced(page, linked.replaced)]

    changes = [component.change for component in tab.fields]
    slid = [tab.slider.change] if tab.slider else []
    chosen = [choice.change for choice in tab.below.choices]
    keys = ["threshold"] * len(slid) + list(reasons.CHOICES[: len(chosen)])
    holds = HOLDS.format(names=json.dumps(form.names(page), ensure_ascii=False), keys=json.dumps(keys))
    # First, since Gradio goes on to the next event of a change only when this one is answered.
    gr.on([*changes, *slid, *chosen], None, [*tab.read, *tab.below.choices], None, js=holds, **LIVE)
    fields = FIELDS.format(count=len(tab.fields))
    asked = [*tab.fields, *tab.below.choices, tab.sent]
    answering = gr.on([*changes, *slid], changed, [*tab.read, tab.sent], tab.answered, js=fields, **LIVE)
    reasoning = gr.on([*chosen, blocks.load], reasoned, asked, tab.below.panels, js=fields, **LIVE)
    _gradio.ask_after(blocks, answering, reasoning)
    blocks.load(opened, gr.Textbox(visible=False), [*tab.read, tab.replaced], js=START, **LIVE)
    for button, record in starts:

        async def started(record: Record = record) -> list[Any]:
            return [*form.values(page, record), ""]

        button.click(started, None, [*tab.fields, tab.replaced], **LIVE)


async def _answer(
    page: PageContext,
    served: LoadedModel,
    held: form.Content,
    heading: str,
    fields: str,
    chosen: float | None,
) -> list[str]:
    """The answer panel, and what stands below each field: the same check and prediction as `/predict`.

    `fields` is what the form held, as JSON.
    """
    details: list[Fault] = []
    panel = None
    if held.faults:
        details = held.faults + page.schema.check_record(held.record)[2]
    else:
        try:
            answered = await served.answer([held.record])
            current().asked("page", 1, 1)
            current().warned([prediction["warnings"] for prediction in answered["predictions"]])
            panel = answer.render(page, answered, held.record, heading, fields, chosen)
        except RequestError as refused:
            details = refused.details
    if details:
        current().asked("page", 1)
        current().faults = tally(details)
    by_field = {
        fault.field: page.field_problem(page.schema.by_name[fault.field or ""], fault) for fault in reversed(details)
    }
    below = [
        typed.below(page, field, held.boxes.get(field.name), by_field.get(field.name, ""))
        for field in page.schema.fields
    ]
    return [panel or answer.render_faults(page, fields, chosen), *below]
