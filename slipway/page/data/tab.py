"""The data tab: what the model learnt from, made from the version's `profile.json`, which holds no row of it."""

from html import escape

import gradio as gr

from slipway.i18n.formats import field_label, percent, value_text
from slipway.i18n.texts import DATA, KINDS, translate
from slipway.page import LIVE, charts
from slipway.page.data import alerts, distribution, relation
from slipway.page.data.summaries import Summaries
from slipway.schema.fields import Field
from slipway.store import Version

SHOWN = 40
"""Fields that are drawn; of more, those that go most with the target."""
MATRIX = 20
"""Up to so many fields a table of all pairs can be read; of more, the strongest pairs are listed."""
PAIRS = 15
STRENGTHS = (0.1, 0.3, 0.5)
"""Small, medium and large. Source: Cohen, Statistical power analysis for the behavioral sciences (1988), chapter 3."""


def build(tab: gr.Tab, version: Version, language: str) -> None:
    """The tab's content, made when it is opened; inside the current Gradio context."""
    panel = gr.HTML(apply_default_css=False)
    tab.select(lambda: render(version, language), None, panel, **LIVE)


def render(version: Version, language: str) -> str:
    """The tab's content, as HTML; for a version of before there was a profile, a sentence that says so."""
    profile = version.find_json("profile.json")
    if profile is None:
        return f'<section class="slip-report"><p>{escape(translate(DATA["none"], language))}</p></section>'
    found = Summaries(version.schema(), profile, language)
    lead = found.t("lead", rows=f"{found.rows:,}", fields=len(found.fields), target=found.target_unit)
    parts = [alerts.render(found), distribution.of_target(found), _fields(found), _together(found)]
    return f'<section class="slip-report"><p class="slip-lead">{escape(lead)}</p>{"".join(parts)}</section>'


def _fields(found: Summaries) -> str:
    fields = found.schema.fields
    notes = [relation.note(found)]
    if len(fields) > SHOWN:
        strongest = sorted(found.strength, key=lambda name: -found.strength[name])[:SHOWN]
        fields = tuple(field for field in fields if field.name in strongest)
        notes.insert(0, found.t("fields_most", shown=SHOWN, count=len(found.fields), target=found.target))
    articles = "".join(_field(found, field) for field in fields)
    lead = "".join(f"<p>{escape(text)}</p>" for text in notes)
    return f'<div class="slip-fields"><h2>{escape(found.t("fields"))}</h2>{lead}{articles}</div>'


def _field(found: Summaries, field: Field) -> str:
    label = escape(field_label(field, found.language))
    facts = "".join(f"<li>{escape(text)}</li>" for text in _facts(found, field))
    return (
        f'<article><header><h3 title="{label}">{label}</h3><ul>{facts}</ul></header>'
        f"<figure>{distribution.of_field(found, field)}</figure>"
        f'<figure class="slip-relation">{relation.render(found, field)}</figure></article>'
    )


def _facts(found: Summaries, field: Field) -> list[str]:
    """What a field is, its range, its gaps, and how it goes with the target."""
    stored = found.profile["fields"][field.name]
    facts = [found.t("length") if field.kind == "text" else translate(KINDS[field.kind], found.language)]
    if field.categories:
        most = f"“{found.value(field.name, stored['values'][0])}”"
        facts.append(found.t("values", count=len(field.categories), value=most))
    elif field.kind != "text":
        low, high, middle = (value_text(field, end, found.language) for end in (field.low, field.high, field.default))
        facts.append(found.t("range", low=low, high=high, middle=middle))
    missing = stored["missing"]
    share = percent(missing / found.rows)
    facts.append(found.t("missing", share=share, count=f"{missing:,}") if missing else found.t("complete"))
    if field.name in found.strength:
        strength = found.strength[field.name]
        words = found.t(f"goes_{sum(strength >= least for least in STRENGTHS)}", target=found.target)
        facts.append(f"{words} ({strength:.2f})")
    return facts


def _together(found: Summaries) -> str:
    names, matrix = found.profile["associations"]["names"], found.profile["associations"]["matrix"]
    if len(names) < 2:
        return ""
    labels = [found.name(name) for name in names]
    lead = [found.t("together_lead")]
    if len(names) - 1 <= MATRIX:
        rows = [
            (f"{at + 1} {label}", [(f"{value:.2f}", value) for value in matrix[at][:at]])
            for at, label in enumerate(labels)
        ]
        heads = [(str(at + 1), label) for at, label in enumerate(labels[:-1])]
        body = charts.tinted(found.t("together"), heads, rows)
    else:
        lead.append(found.t("pairs"))
        body = _strongest(found, labels, matrix)
    text = escape(" ".join(lead))
    return f'<div class="slip-together"><h2>{escape(found.t("together"))}</h2><p>{text}</p>{body}</div>'


def _strongest(found: Summaries, labels: list[str], matrix: list[list[float]]) -> str:
    pairs = sorted((-matrix[one][other], other, one) for one in range(len(labels)) for other in range(one))[:PAIRS]
    rows = [
        charts.Row(f"{labels[one]} – {labels[other]}", (f"{-value:.2f}",), (-value,)) for value, one, other in pairs
    ]
    summary = ", ".join(f"{row.label} {row.figures[0]}" for row in rows[:3])
    return charts.lines(rows, ("", "", ""), f"{found.t('pairs')} {summary}")
