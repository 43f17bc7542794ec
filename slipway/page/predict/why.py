"""Why: what each field added to one prediction, from the training average to the answer, largest first."""

from html import escape
from typing import Any

from slipway.i18n.formats import amount, class_label, format_number, percent, value_text
from slipway.i18n.texts import PAGE, translate
from slipway.schema.schema import Schema

SMALL = 0.01
"""Contributions below this share of the largest stand together as one."""
MOST = 12
"""Nor are more than these named: `/explain` has them all."""


def render(schema: Schema, explained: dict[str, Any], language: str) -> str:
    """The waterfall for what `Explainer.explain` answers, as HTML."""
    steps = _steps(schema, explained, language)
    ends = [explained["base"]]
    for _, share in steps:
        ends.append(ends[-1] + share)
    low, span = min(ends), max(ends) - min(ends) or 1.0
    rows = "".join(
        _row(label, _signed(schema, share), (min(start, end) - low) / span, abs(share) / span, share >= 0)
        for (label, share), start, end in zip(steps, ends, ends[1:], strict=False)
    )
    words = {
        "base": _amount(schema, explained["base"], language),
        "prediction": _amount(schema, explained["prediction"], language),
        "class": class_label(schema, explained["class"], language) if "class" in explained else "",
    }
    lead = translate(PAGE["why_class" if "class" in explained else "why_number"], language).format(**words)
    return (
        f'<section class="slip-box"><h2>{escape(translate(PAGE["why"], language))}</h2><p>{escape(lead)}</p>'
        f'<ol class="slip-falls">{rows}</ol><p class="slip-small">{escape(translate(PAGE["why_note"], language))}</p></section>'
    )


def _steps(schema: Schema, explained: dict[str, Any], language: str) -> list[tuple[str, float]]:
    """Label and contribution of each field, largest first; what is tiny, or beyond `MOST`, is summed at the end."""
    found = sorted(explained["contributions"], key=lambda one: -abs(one["contribution"]))
    least = SMALL * abs(found[0]["contribution"])
    kept = [one for one in found if abs(one["contribution"]) > least][:MOST]
    if len(kept) == len(found) - 1:  # one alone can as well be named
        kept = found
    steps = []
    for one in kept:
        field = schema.by_name[one["field"]]
        value = value_text(field, one["value"], language)
        steps.append((f"{translate(field.label, language)}: {value}", one["contribution"]))
    rest = found[len(kept) :]
    if rest:
        text = translate(PAGE["why_rest"], language).format(count=len(rest))
        steps.append((text, sum(one["contribution"] for one in rest)))
    return steps


def _amount(schema: Schema, value: float, language: str) -> str:
    return percent(value) if schema.target.classes else amount(schema.target, value, language)


def _signed(schema: Schema, value: float) -> str:
    text = f"{abs(value) * 100:.1f}" if schema.target.classes else format_number(abs(value), schema.target.decimals)
    return f"{'+' if value >= 0 else '−'}{text}"


def _row(label: str, amount: str, left: float, width: float, up: bool) -> str:
    return (
        f"<li><span>{escape(label)}</span><span class='slip-fall' aria-hidden='true'>"
        f"<span class='{'slip-up' if up else 'slip-down'}' style='left:{left * 100:.2f}%;width:{max(width * 100, 0.4):.2f}%'></span>"
        f"</span><span>{escape(amount)}</span></li>"
    )
