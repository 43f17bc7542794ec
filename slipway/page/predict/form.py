"""The fields of the form: from the schema to Gradio's components, and back to a record."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import gradio as gr

from slipway.errors import Fault, FaultCode
from slipway.page.context import PageContext
from slipway.page.predict import typed
from slipway.page.predict.sections import Section, sections
from slipway.schema.fields import Field, Record

RADIO_LIMIT = 4
"""With more categories than this a drop-down is easier to read."""
TICK = "~"
"""What the name of a "not measured" checkbox has after the name of its field."""
NO_HELP = gr.InputHTMLAttributes(autocomplete="off", autocapitalize="off", autocorrect="off", spellcheck=False)


@dataclass(frozen=True)
class Input:
    """One field on the page: its component, its "not measured" checkbox if it has one, its fault."""

    field: Field
    value: gr.components.Component
    tick: gr.Checkbox | None
    fault: gr.HTML

    @property
    def components(self) -> list[gr.components.Component]:
        """The inputs of an event for this field."""
        return [self.value] if self.tick is None else [self.value, self.tick]


def _hint(page: PageContext, field: Field) -> str:
    hints = [page.text(field.help)]
    if field.observed_min is not None and field.observed_max is not None:
        low, high = page.value_text(field, field.observed_min), page.value_text(field, field.observed_max)
        hints.append(page.t("page.range", low=low, high=high))
    return " · ".join(filter(None, hints))


def build(page: PageContext) -> list[Input]:
    """The form, inside the current Gradio context.

    Parameters
    ----------
    page : PageContext

    Returns
    -------
    list of Input
        In the order of the schema's fields.
    """
    parts = sections(page.schema.fields, page.metrics.importance)
    inputs: dict[str, Input] = {}
    for part in parts:
        with _section(page, part, len(parts)), gr.Column(elem_classes="slip-fields"):
            inputs |= {field.name: _input(page, field) for field in part.fields}
    return [inputs[name] for name in page.schema.names]


def _section(page: PageContext, part: Section, count: int) -> AbstractContextManager[Any]:
    """Where the fields of a section are put: the form itself, below a heading, or in what can be folded."""
    if count == 1:
        return nullcontext()
    if part.title:
        title = page.text(part.title)
    elif part.is_folded:
        title = page.t("page.more_inputs", count=len(part.fields))
    else:
        return nullcontext()
    accordion: AbstractContextManager[Any] = gr.Accordion(title, open=not part.is_folded, elem_classes="slip-section")
    return accordion


def _input(page: PageContext, field: Field) -> Input:
    """The components of one field, inside the current Gradio context."""
    common: dict[str, Any] = {"label": page.field_label(field), "info": _hint(page, field) or None}
    with gr.Column(elem_classes="slip-field", elem_id=page.field_id(field.name), min_width=0):
        value = _component(page, field, to_component(page, field, field.default), common)
        tick = gr.Checkbox(False, label=page.t("text.not_measured"), container=False) if field.nullable else None
        held = typed.read(page, field, value.value) if typed.is_typed(field) else None
        fault = gr.HTML(typed.below(page, field, held, ""), elem_classes="slip-fault")
    return Input(field, value, tick, fault)


def _component(page: PageContext, field: Field, value: Any, common: dict[str, Any]) -> gr.components.Component:
    if field.categories:
        # Values are texts for Gradio, which cannot tell 1 from true.
        choices = [(page.value_text(field, category), str(category)) for category in field.categories]
        kind = gr.Radio if len(field.categories) <= RADIO_LIMIT else gr.Dropdown
        return kind(choices, value=value, **common)
    if typed.is_typed(field):
        return gr.Textbox(value, max_lines=1, elem_classes="slip-typed", html_attributes=NO_HELP, **common)
    return gr.Textbox(value, lines=2, **common)


def to_component(page: PageContext, field: Field, value: Any) -> Any:
    """A record's value as the component expects it."""
    if typed.is_typed(field):
        return typed.shown(page, field, value)
    return str(value) if field.categories and value is not None else value


def values(page: PageContext, record: Record) -> list[Any]:
    """A record as the components expect it.

    Parameters
    ----------
    page : PageContext
    record : Record

    Returns
    -------
    list
        In the order of `Input.components`.
    """
    values: list[Any] = []
    for field in page.schema.fields:
        value = record[field.name]
        values.append(to_component(page, field, field.default if value is None else value))
        if field.nullable:
            values.append(value is None)
    return values


def names(page: PageContext) -> list[str]:
    """The names by which a browser keeps what the components hold, in the order of `Input.components`."""
    fields = page.schema.fields
    return [name for field in fields for name in ([field.name] + [f"{field.name}{TICK}"] * field.nullable)]


def kept(page: PageContext, text: str) -> dict[str, Any]:
    """What the components held before the page was loaded again, by `names`; empty if `text` is anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and found.keys() & set(page.schema.names) else {}


def restored(page: PageContext, kept: Mapping[str, Any]) -> list[Any]:
    """What the components held, as they expect it: of a field that another version has not, or has otherwise, the default."""
    values: list[Any] = []
    for field in page.schema.fields:
        value = kept.get(field.name)
        fits = value in list(map(str, field.categories)) if field.categories else isinstance(value, str)
        is_empty = value in ("", None) and field.name in kept
        values.append(value if fits or is_empty else to_component(page, field, field.default))
        if field.nullable:
            values.append(kept.get(f"{field.name}{TICK}") is True)
    return values


@dataclass(frozen=True)
class Content:
    """What the components hold: a record, the faults that only a form can have, and what was typed into its boxes."""

    record: Record
    faults: list[Fault]
    boxes: dict[str, typed.Typed]


def content(page: PageContext, values: Sequence[Any]) -> Content:
    """What the components hold.

    Parameters
    ----------
    page : PageContext
    values : sequence
        In the order of `Input.components`.

    Returns
    -------
    Content
    """
    remaining = iter(values)
    record: Record = {}
    own_faults: list[Fault] = []
    boxes: dict[str, typed.Typed] = {}
    for field in page.schema.fields:
        value = next(remaining)
        ticked = next(remaining) if field.nullable else False
        if field.categories:
            value = {str(category): category for category in field.categories}.get(value, value)
        if typed.is_typed(field):
            boxes[field.name] = typed.read(page, field, value)
            value = boxes[field.name].value
        if value == "" and field.kind != "text" and "" not in field.categories:
            value = None
        if value is None and not ticked:
            own_faults.append(Fault(FaultCode.NULL, field.name))
        record[field.name] = None if ticked else value
    return Content(record, own_faults, boxes)
