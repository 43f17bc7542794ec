"""The fields of the form: from the schema to Gradio's components, and back to a record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from slipway.errors import Fault, FaultCode
from slipway.page.context import PageContext
from slipway.schema.fields import Field, Record
from slipway.schema.schema import Schema

RADIO_LIMIT = 4
"""With more categories than this a drop-down is easier to read."""


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


def build(page: PageContext, field: Field) -> Input:
    """The components of one field, inside the current Gradio context."""
    common: dict[str, Any] = {"label": page.field_label(field), "info": _hint(page, field) or None}
    with gr.Column(elem_classes="slip-field", min_width=200):
        value = _component(page, field, to_component(field, field.default), common)
        tick = gr.Checkbox(False, label=page.t("text.not_measured"), container=False) if field.nullable else None
        fault = gr.HTML("", elem_classes="slip-fault")
    return Input(field, value, tick, fault)


def _component(page: PageContext, field: Field, value: Any, common: dict[str, Any]) -> gr.components.Component:
    if field.categories:
        # Values are texts for Gradio, which cannot tell 1 from true.
        choices = [(page.value_text(field, category), str(category)) for category in field.categories]
        kind = gr.Radio if len(field.categories) <= RADIO_LIMIT else gr.Dropdown
        return kind(choices, value=value, **common)
    if field.kind in ("number", "integer"):
        # The bounds are checked by the schema, which names the field; Gradio's own check would show a toast.
        return gr.Number(value, step=10.0**-field.decimals if field.decimals else 1, **common)
    if field.kind in ("date", "datetime"):
        return gr.DateTime(value, include_time=field.kind == "datetime", type="string", **common)
    return gr.Textbox(value, lines=1 if field.kind == "time" else 2, **common)


def to_component(field: Field, value: Any) -> Any:
    """A record's value as the component expects it."""
    if field.kind == "datetime" and value is not None:
        return str(value).partition(".")[0].replace("T", " ")  # as Gradio writes it
    return str(value) if field.categories and value is not None else value


def values(schema: Schema, record: Record) -> list[Any]:
    """A record as the components expect it.

    Parameters
    ----------
    schema : Schema
    record : Record

    Returns
    -------
    list
        In the order of `Input.components`.
    """
    values: list[Any] = []
    for field in schema.fields:
        value = record[field.name]
        values.append(to_component(field, field.default if value is None else value))
        if field.nullable:
            values.append(value is None)
    return values


def record(schema: Schema, values: Sequence[Any]) -> tuple[Record, list[Fault]]:
    """The content of the components as a record.

    Parameters
    ----------
    schema : Schema
    values : sequence
        In the order of `Input.components`.

    Returns
    -------
    record : Record
    faults : list of Fault
        Only those that a form can have.
    """
    remaining = iter(values)
    record: Record = {}
    own_faults: list[Fault] = []
    for field in schema.fields:
        value = next(remaining)
        ticked = next(remaining) if field.nullable else False
        if field.categories:
            value = {str(category): category for category in field.categories}.get(value, value)
        if field.kind == "datetime" and isinstance(value, str):
            value = value.replace(" ", "T", 1)
        if value == "" and field.kind != "text" and "" not in field.categories:
            value = None
        if value is None and not ticked:
            own_faults.append(Fault(FaultCode.NULL, field.name))
        record[field.name] = None if ticked else value
    return record, own_faults
