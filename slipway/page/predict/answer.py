"""The answer panel, as HTML: a sentence, its interval or probabilities, warnings, the disclaimer."""

from collections.abc import Sequence
from fractions import Fraction
from html import escape
from typing import Any

from slipway.errors import Fault
from slipway.i18n import faults
from slipway.i18n.formats import class_label, field_label, format_number, percent, unit_after, value_text
from slipway.i18n.texts import PAGE, translate
from slipway.page.context import Page
from slipway.page.predict import link, live, outcome_scale, threshold
from slipway.schema.fields import Record
from slipway.schema.schema import Schema


def sentence(schema: Schema, prediction: dict[str, Any], language: str) -> str:
    """The answer as one sentence: the use case's, or one made from the target's name."""
    target = schema.target
    words = {"target": translate(target.label, language), "probability": "", "prediction": ""}
    if target.classes:
        words["prediction"] = class_label(schema, prediction["prediction"], language)
        scores = prediction["probabilities"]
        if scores:
            of = target.positive if len(target.classes) == 2 and schema.texts["answer"] else prediction["prediction"]
            words["probability"] = percent(scores[str(of)])
        template = schema.texts["answer"] if scores else None
        default = PAGE["answer_class" if scores else "answer_bare_class"]
        # By a threshold the class may be named that is not the most likely.
        if scores and scores[str(prediction["prediction"])] < max(scores.values()):
            default = PAGE["answer_less_likely_class"]
    else:
        words["prediction"] = format_number(prediction["prediction"], target.decimals)
        template, default = schema.texts["answer"], PAGE["answer_number"]
        if template is None:
            words["prediction"] += unit_after(target, language)
    return translate(template or default, language).format(**words)


def interval(schema: Schema, prediction: dict[str, Any], language: str) -> str:
    """Where similar cases lie, as a sentence; empty for classes and for a model that cannot tell."""
    found, target = prediction.get("interval"), schema.target
    if not found:
        return ""
    share = Fraction(found["coverage"]).limit_denominator(100)
    low, high = (format_number(found[end], target.decimals) for end in ("low", "high"))
    unit = unit_after(target, language)
    return translate(PAGE["interval"], language).format(
        part=share.numerator, whole=share.denominator, low=low, high=high, unit=unit
    )


def band(schema: Schema, prediction: dict[str, Any], language: str) -> str:
    """The sentence of the band in which the positive class's probability lies."""
    scores = prediction.get("probabilities")
    if not scores or len(schema.target.classes) != 2:
        return ""
    score = scores[str(schema.target.positive)]
    bands = schema.texts["bands"]
    return translate(next((b["text"] for b in bands if score < b["below"] or b is bands[-1]), None), language)


def render(
    page: Page,
    answer: dict[str, Any],
    record: Record,
    heading: str,
    fields: str,
    chosen: float | None = None,
) -> str:
    """The panel for one prediction.

    `heading` is a key of the texts, `fields` what the form held, as JSON, `chosen` the threshold of two classes. The
    record is in it as well, for print, link and comparison.
    """
    schema, language = page.schema, page.language
    prediction = answer["predictions"][0]
    if chosen is not None:  # the slider may stand elsewhere than the version's threshold
        prediction = prediction | {"prediction": threshold.counted_as(schema, prediction, chosen)}
    parts = [
        _kicker(page, heading),
        f'<p class="slip-sentence">{escape(sentence(schema, prediction, language))}</p>',
    ]
    if chosen is not None:
        parts.append(f'<p class="slip-verdict">{escape(threshold.verdict(schema, prediction, chosen, language))}</p>')
    if text := interval(schema, prediction, language):
        parts.append(f'<p class="slip-interval">{escape(text)}</p>')
    if page.outcomes:
        parts.append(outcome_scale.scale(schema, prediction, page.outcomes, language))
    if text := band(schema, prediction, language):
        parts.append(f'<p class="slip-band">{escape(text)}</p>')
    if page.bins:
        parts.append(outcome_scale.of_a_hundred(schema, prediction, page.bins, language))
    if prediction.get("probabilities"):
        parts.append(_bars(page, prediction))
    warned = [faults.form_text(one, _label(page, one), language) for one in prediction["warnings"]]
    parts.append(_notes(page, "warnings", warned))
    parts.append(_printed(page, record))
    moved = chosen if chosen != page.threshold else None
    carried = (
        live.marks("answer", fields, threshold=chosen) + f' data-fragment="{escape(link.fragment(record, moved))}"'
    )
    return _panel(parts, page, answer["model"], carried)


def render_faults(page: Page, fields: str, chosen: float | None = None) -> str:
    """The panel while fields have faults: no figure that could be taken for an answer."""
    parts = [
        _kicker(page, "heading_faults"),
        f'<p class="slip-sentence slip-muted">{escape(page.t("mend"))}</p>',
    ]
    return _panel(parts, page, page.served.version.tag, live.marks("answer", fields, threshold=chosen))


def _kicker(page: Page, heading: str) -> str:
    """The line above the answer: for which values it is. The browser shows the other one while that is not so."""
    spans = (("fresh", heading), ("stale", "heading_old"))
    found = "".join(f'<span class="slip-{name}">{escape(page.t(key))}</span>' for name, key in spans)
    return f'<p class="slip-kicker">{found}</p>'


def render_replaced(page: Page, replaced: Sequence[Fault]) -> str:
    """What of a link did not fit, and was replaced; empty if all did."""
    lines = [f"{_label(page, one)}: {faults.form_text(one, _label(page, one), page.language)}" for one in replaced]
    return _notes(page, "replaced", lines)


def _label(page: Page, fault: Fault) -> str:
    if fault.field == link.THRESHOLD:
        return page.t("threshold_name")
    return translate(page.schema.by_name[fault.field or ""].label, page.language)


def _notes(page: Page, heading: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<div class="slip-warnings"><p>{escape(page.t(heading))}</p><ul>{items}</ul></div>'


def _bars(page: Page, prediction: dict[str, Any]) -> str:
    schema, language = page.schema, page.language
    rows = []
    for value in schema.target.classes:
        share = prediction["probabilities"][str(value)]
        mark = " slip-chosen" if value == prediction["prediction"] else ""
        rows.append(
            f'<div class="slip-bar{mark}"><span>{escape(class_label(schema, value, language))}</span>'
            f'<span class="slip-track"><span style="width:{share * 100:.1f}%"></span></span>'
            f"<span>{percent(share)}</span></div>"
        )
    title = f"{page.t('probabilities')}: {translate(schema.target.label, language)}"
    return f'<div class="slip-bars"><p>{escape(title)}</p>{"".join(rows)}</div>'


def _printed(page: Page, record: Record) -> str:
    """The inputs as a table, which paper and comparison show and the screen does not."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(field_label(field, page.language))}</th>"
        f"<td>{escape(value_text(field, record[field.name], page.language))}</td></tr>"
        for field in page.schema.fields
    )
    return f'<table class="slip-inputs"><caption>{escape(page.t("inputs"))}</caption><tbody>{rows}</tbody></table>'


def _panel(parts: list[str], page: Page, tag: str, carried: str) -> str:
    if disclaimer := translate(page.schema.texts["disclaimer"], page.language):
        parts.append(f'<p class="slip-small">{escape(disclaimer)}</p>')
    parts.append(f'<p class="slip-small">{escape(page.t("model"))} <code>{escape(tag)}</code></p>')
    parts.append(live.instead(page, page.t("heading_none")))
    return f'<section class="slip-answer" aria-live="polite"{carried}>{"".join(parts)}</section>'
