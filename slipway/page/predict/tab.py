"""The predict tab: the form, the answer beside it; below, why it is so and what would change it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from slipway.errors import Fault, RecordsError
from slipway.i18n.formats import class_label
from slipway.i18n.texts import translate
from slipway.page import LIVE
from slipway.page.context import Page
from slipway.page.predict import answer, form, link, live, reasons, threshold
from slipway.schema.fields import Record
from slipway.service.requests import RequestError

PARTS = Path(__file__).parent
COMPARED, TOOLS = ((PARTS / name).read_text(encoding="utf-8") for name in ("compare.js", "tools.js"))
FRAGMENT = "() => location.hash.slice(1)"
# The fields as the browser has them come along as text, and go back with the answer: it says for which values it is.
FIELDS = "(...values) => [...values.slice(0, -1), JSON.stringify(values.slice(0, {count}))]"
HOLDS = "(...values) => {{ window.slipLive.holds({count}, {keys}, values); }}"


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
        """What an answer depends on: the fields, then the threshold if there is one."""
        return [*self.fields, *([self.slider] if self.slider else [])]

    @property
    def answered(self) -> list[gr.components.Component]:
        """What an answer writes."""
        return [self.panel, *(item.fault for item in self.inputs)]


def build(blocks: gr.Blocks, page: Page) -> None:
    """The tab's content and events, inside the current Gradio context."""
    with gr.Row():
        with gr.Column(scale=3, elem_classes="slip-form"):
            examples = _examples(page)
            inputs = _fields(page)
            reset = gr.Button(page.t("reset"), size="sm", elem_classes="slip-reset")
        with gr.Column(scale=2, elem_classes="slip-side", min_width=300):
            replaced = gr.HTML("", apply_default_css=False, elem_classes="slip-replaced")
            panel = gr.HTML(_first(page), apply_default_css=False, elem_id="live-answer")
            gr.HTML(_tools(page), js_on_load=TOOLS, apply_default_css=False)
    below = reasons.build(page)
    slider, counts = _threshold(page) if page.thresholds else (None, None)
    gr.HTML(_compared(page), js_on_load=COMPARED, apply_default_css=False)
    tab = _Tab(inputs, panel, replaced, below, slider, counts, gr.Textbox(visible=False))
    _wire(blocks, page, tab, [*examples, (reset, page.schema.defaults)])


def _examples(page: Page) -> list[tuple[gr.Button, Record]]:
    """The buttons of the use case's examples, with their records."""
    found = page.schema.texts["examples"]
    if not found:
        return []
    with gr.Row(elem_classes="slip-examples"):
        gr.HTML(f'<span class="slip-small">{escape(page.t("examples"))}</span>', apply_default_css=False)
        return [(gr.Button(translate(one["label"], page.language), size="sm"), one["values"]) for one in found]


def _fields(page: Page) -> list[form.Input]:
    fields = page.schema.fields
    inputs = []
    for start in range(0, len(fields), 2):
        with gr.Row():
            inputs += [form.build(field, page.language) for field in fields[start : start + 2]]
    return inputs


def _tools(page: Page) -> str:
    """Link, print and comparison; the browser does them from what the panel shows."""
    texts = {
        key: page.t(key)
        for key in ("link_copied", "link_shown", "compare_added", "compare_full", "mend", "wait", "unanswered")
    }
    buttons = "".join(
        f'<button type="button" data-tool="{name}">{escape(page.t(name))}</button>'
        for name in ("link", "print", "compare")
    )
    return f'<div class="slip-tools"{_data_attributes(texts)}>{buttons}<span role="status"></span></div>'


def _compared(page: Page) -> str:
    texts = {
        key: page.t(f"compare_{key}") for key in ("title", "note", "now", "remove", "open", "answer", "differs", "case")
    }
    return f'<section class="slip-compare"{_data_attributes(texts)} hidden></section>'


def _data_attributes(texts: dict[str, str]) -> str:
    """Texts as attributes, for a script to read from `dataset`."""
    return "".join(f' data-{key.replace("_", "-")}="{escape(text)}"' for key, text in texts.items())


def _counted(page: Page, chosen: float) -> str:
    html = threshold.render(page.schema, page.thresholds or {}, chosen, page.language)
    return live.panel(page, "counts", html, threshold=chosen)


def _threshold(page: Page) -> tuple[gr.Slider, gr.HTML]:
    with gr.Column(elem_classes="slip-box slip-threshold"):
        gr.HTML(f"<h2>{escape(page.t('threshold'))}</h2>", apply_default_css=False)
        positive = class_label(page.schema, page.schema.target.positive, page.language)
        slider = gr.Slider(
            threshold.LOWEST,
            threshold.HIGHEST,
            page.threshold,
            step=threshold.STEP,
            label=page.t("threshold_label", label=positive),
        )
        counts = gr.HTML(_counted(page, page.threshold or 0.0), apply_default_css=False, elem_id="live-counts")
    return slider, counts


def _first(page: Page) -> str:
    """The panel that the page comes with, so that its first view waits for no second call."""
    record = page.schema.defaults
    fields = json.dumps(form.values(page.schema, record), ensure_ascii=False)
    try:
        answered = page.served.predictor.answer([record])
    except RecordsError:
        return answer.render_faults(page, fields, page.threshold)
    return answer.render(page, answered, record, "heading_example", fields, page.threshold)


def _wire(blocks: gr.Blocks, page: Page, tab: _Tab, starts: Sequence[tuple[gr.Button, Record]]) -> None:
    """Every change asks for an answer; an example, reset or a link fills the fields, which is a change.

    One event alone writes the panel: of two, each in order for itself, the answer to an older form could come last.
    The reasons take longer than the answer and are asked for beside it.
    """
    schema = page.schema

    async def changed(*values: Any) -> list[str]:
        record, faults = form.record(schema, values)
        heading = "heading_example" if any(record == start for _, start in starts) else "heading_answer"
        return await _answer(page, record, faults, heading, str(values[-1]), values[-2] if tab.slider else None)

    async def reasoned(*values: Any) -> list[str]:
        record, faults = form.record(schema, values)
        if faults or schema.check_record(record)[2]:
            return ["", ""]
        chosen = values[len(tab.fields)] if tab.below.choice else None
        return await reasons.answer(page, record, str(values[-1]), chosen)

    async def moved(chosen: float) -> str:
        return _counted(page, chosen)

    async def opened(fragment: str | None) -> list[Any]:
        found = link.parse(schema, fragment or "")
        if found is None:  # what is typed meanwhile stays
            return [gr.skip() for _ in (*tab.read, tab.replaced)]
        threshold = [found.threshold or page.threshold] if tab.slider else []
        return [*form.values(schema, found.record), *threshold, answer.render_replaced(page, found.replaced)]

    changes = [component.change for component in tab.fields]
    slid = [tab.slider.change] if tab.slider else []
    chosen = [choice.change for choice in tab.below.inputs]
    keys = ["threshold"] * len(slid) + ["choice"] * len(chosen)
    holds = HOLDS.format(count=len(tab.fields), keys=json.dumps(keys))
    # First, since Gradio goes on to the next event of a change only when this one is answered.
    gr.on([*changes, *slid, *chosen], None, [*tab.read, *tab.below.inputs], None, js=holds, **LIVE)
    fields = FIELDS.format(count=len(tab.fields))
    gr.on([*changes, *slid], changed, [*tab.read, tab.sent], tab.answered, js=fields, **LIVE)
    asked = [*tab.fields, *tab.below.inputs, tab.sent]
    gr.on([*changes, *chosen, blocks.load], reasoned, asked, tab.below.panels, js=fields, **LIVE)
    if tab.slider:
        tab.slider.change(moved, tab.slider, tab.counts, **LIVE)
    blocks.load(opened, gr.Textbox(visible=False), [*tab.read, tab.replaced], js=FRAGMENT, **LIVE)
    for button, record in starts:

        async def started(record: Record = record) -> list[Any]:
            return [*form.values(schema, record), ""]

        button.click(started, None, [*tab.fields, tab.replaced], **LIVE)


async def _answer(
    page: Page,
    record: Record,
    faults: list[Fault],
    heading: str,
    fields: str,
    chosen: float | None,
) -> list[str]:
    """The answer panel, and the text under each field: the same check and prediction as `/predict`.

    `faults` are those that only a form can have, `fields` is what it held, as JSON.
    """
    schema = page.schema
    if faults:
        details = faults + schema.check_record(record)[2]
    else:
        try:
            answered = await page.served.answer([record])
            return [answer.render(page, answered, record, heading, fields, chosen), *[""] * len(schema.fields)]
        except RequestError as refused:
            details = refused.details
    found = {fault.field: fault for fault in reversed(details)}
    texts = [
        f'<p role="alert">{escape(form.fault_text(field, found[field.name], page.language))}</p>'
        if field.name in found
        else ""
        for field in schema.fields
    ]
    return [answer.render_faults(page, fields, chosen), *texts]
