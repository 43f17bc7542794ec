"""The answer panel, as HTML: a sentence, its interval or probabilities, warnings, the disclaimer."""

from fractions import Fraction
from html import escape
from typing import Any

from slipway import texts
from slipway.schema import Schema
from slipway.texts import PAGE, said


def figure(value: float, decimals: int) -> str:
    """A number with so many decimals, thousands with commas."""
    rounded = round(value, decimals)
    return f"{rounded + 0.0:,.{decimals}f}"  # + 0.0 turns a rounded -0.0 into 0.0


def percent(share: float) -> str:
    """A probability; one more digit where whole per cents would say none or all."""
    return f"{share * 100:.0f} %" if 0.01 <= share <= 0.99 else f"{share * 100:.1f} %"


def class_label(schema: Schema, value: Any, language: str) -> str:
    """A class as the use case calls it."""
    return said(schema.target.class_labels.get(str(value)), language) or str(value)


def sentence(schema: Schema, prediction: dict[str, Any], language: str) -> str:
    """The answer as one sentence: the use case's, or one made from the target's name."""
    target = schema.target
    words = {"target": said(target.label, language), "probability": "", "prediction": ""}
    if target.classes:
        words["prediction"] = class_label(schema, prediction["prediction"], language)
        scores = prediction["probabilities"]
        if scores:
            of = target.positive if len(target.classes) == 2 and schema.texts["answer"] else prediction["prediction"]
            words["probability"] = percent(scores[str(of)])
        template = schema.texts["answer"] if scores else None
        default = PAGE["answer_class" if scores else "answer_bare_class"]
    else:
        words["prediction"] = figure(prediction["prediction"], target.decimals)
        template, default = schema.texts["answer"], PAGE["answer_number"]
        if template is None and target.unit:
            words["prediction"] += f" {said(target.unit, language)}"
    return said(template or default, language).format(**words)


def interval(schema: Schema, prediction: dict[str, Any], language: str) -> str:
    """Where similar cases lie, as a sentence; empty for classes and for a model that cannot tell."""
    found, target = prediction.get("interval"), schema.target
    if not found:
        return ""
    share = Fraction(found["coverage"]).limit_denominator(100)
    low, high = (figure(found[end], target.decimals) for end in ("low", "high"))
    unit = f" {said(target.unit, language)}" if target.unit else ""
    return said(PAGE["interval"], language).format(
        part=share.numerator, whole=share.denominator, low=low, high=high, unit=unit
    )


def band(schema: Schema, prediction: dict[str, Any], language: str) -> str:
    """The sentence of the band in which the positive class's probability lies."""
    scores = prediction.get("probabilities")
    if not scores or len(schema.target.classes) != 2:
        return ""
    score = scores[str(schema.target.positive)]
    bands = schema.texts["bands"]
    return said(next((b["text"] for b in bands if score < b["below"] or b is bands[-1]), None), language)


def render(schema: Schema, answer: dict[str, Any], language: str, example: bool) -> str:
    """The panel for one prediction; `example` heads it as one that nobody has changed."""
    prediction = answer["predictions"][0]
    heading = said(PAGE["heading_example" if example else "heading_answer"], language)
    parts = [
        f'<p class="slip-kicker">{escape(heading)}</p>',
        f'<p class="slip-sentence">{escape(sentence(schema, prediction, language))}</p>',
    ]
    if text := interval(schema, prediction, language):
        parts.append(f'<p class="slip-interval">{escape(text)}</p>')
    if text := band(schema, prediction, language):
        parts.append(f'<p class="slip-band">{escape(text)}</p>')
    if prediction.get("probabilities"):
        parts.append(_bars(schema, prediction, language))
    if prediction["warnings"]:
        labels = {field.name: said(field.label, language) for field in schema.fields}
        items = "".join(
            f"<li>{escape(texts.problem(warning, labels[warning['field']], language))}</li>"
            for warning in prediction["warnings"]
        )
        parts.append(
            f'<div class="slip-warnings"><p>{escape(said(PAGE["warnings"], language))}</p><ul>{items}</ul></div>'
        )
    return _panel(parts, schema, answer["model"], language)


def render_faults(schema: Schema, tag: str, language: str) -> str:
    """The panel while fields have faults: no figure that could be taken for an answer."""
    parts = [
        f'<p class="slip-kicker">{escape(said(PAGE["heading_faults"], language))}</p>',
        f'<p class="slip-sentence slip-muted">{escape(said(PAGE["mend"], language))}</p>',
    ]
    return _panel(parts, schema, tag, language)


def _bars(schema: Schema, prediction: dict[str, Any], language: str) -> str:
    rows = []
    for value in schema.target.classes:
        share = prediction["probabilities"][str(value)]
        chosen = " slip-chosen" if value == prediction["prediction"] else ""
        rows.append(
            f'<div class="slip-bar{chosen}"><span>{escape(class_label(schema, value, language))}</span>'
            f'<span class="slip-track"><span style="width:{share * 100:.1f}%"></span></span>'
            f"<span>{percent(share)}</span></div>"
        )
    title = f"{said(PAGE['probabilities'], language)}: {said(schema.target.label, language)}"
    return f'<div class="slip-bars"><p>{escape(title)}</p>{"".join(rows)}</div>'


def _panel(parts: list[str], schema: Schema, tag: str, language: str) -> str:
    if disclaimer := said(schema.texts["disclaimer"], language):
        parts.append(f'<p class="slip-small">{escape(disclaimer)}</p>')
    parts.append(f'<p class="slip-small">{escape(said(PAGE["model"], language))} <code>{escape(tag)}</code></p>')
    return f'<section class="slip-answer" aria-live="polite">{"".join(parts)}</section>'
