"""The data tab: what the model learnt from, based on the version's `profile.json`, which contains no rows."""

from collections.abc import Sequence

import gradio as gr
from markupsafe import Markup

from slipway.page import LIVE, charts
from slipway.page.context import PageContext
from slipway.page.data import alerts, distribution, reading, relation
from slipway.page.data.profile_view import ProfileView
from slipway.page.html import macros
from slipway.schema.fields import Field
from slipway.schema.profile import CategoryCounts

SHOWN = 40
"""Fields that are drawn; of more, those that go most with the target."""
MATRIX = 20
"""Up to so many fields a table of all pairs can be read; of more, the strongest pairs are listed."""
PAIRS = 15
STRENGTHS = {0.5: "data.related_strongly", 0.3: "data.related_moderately", 0.1: "data.related_weakly"}
"""From which association on, and in which words: large, medium and small. Source: Cohen, Statistical power analysis for the behavioral sciences (1988), chapter 3."""
_HTML = macros("data/report.html")


def build(tab: gr.Tab, page: PageContext) -> None:
    """The tab's content, made when it is opened; inside the current Gradio context."""
    panel = gr.HTML(apply_default_css=False)
    tab.select(lambda: render(page), None, panel, **LIVE)


def render(page: PageContext) -> Markup:
    """The tab's content, as HTML; for a version older than profiles, a sentence that says so."""
    if page.profile is None:
        return _HTML.no_profile(page, reading.render(page))
    view = ProfileView(page, page.profile)
    parts = alerts.render(view), distribution.of_target(view), _fields(view), _associations(view)
    return _HTML.report(view, *parts, reading.render(page))


def _fields(view: ProfileView) -> Markup:
    fields = view.schema.fields
    notes = [relation.note(view)]
    if len(fields) > SHOWN:
        strongest = sorted(view.strength, key=lambda name: -view.strength[name])[:SHOWN]
        fields = tuple(field for field in fields if field.name in strongest)
        most = view.page.t("data.fields_most", shown=SHOWN, count=len(view.fields), target=view.page.target)
        notes.insert(0, most)
    return _HTML.fields(view.page, notes, [_field(view, field) for field in fields])


def _field(view: ProfileView, field: Field) -> Markup:
    label = view.page.field_label(field)
    spread, relation_ = distribution.of_field(view, field), relation.of_field(view, field)
    return _HTML.field(label, _facts(view, field), *spread, *relation_)


def _facts(view: ProfileView, field: Field) -> list[str]:
    """A field's kind, range, missing values, and relation to the target."""
    stored = view.profile.fields[field.name]
    facts = [view.page.t("data.length") if field.kind == "text" else view.page.t(f"kinds.{field.kind}")]
    if isinstance(stored, CategoryCounts):
        most = f"“{view.value(field.name, stored.values[0])}”"
        facts.append(view.page.t("data.values", count=len(field.categories), value=most))
    elif field.kind != "text":
        low, high, middle = (
            view.page.value_text(field, end) for end in (field.observed_min, field.observed_max, field.default)
        )
        facts.append(view.page.t("data.range", low=low, high=high, middle=middle))
    missing = stored.missing
    share = view.page.percent(missing / view.rows)
    facts.append(
        view.page.t("data.missing", share=share, rows=view.page.rows(missing))
        if missing
        else view.page.t("data.complete")
    )
    if field.name in view.strength:
        strength = view.strength[field.name]
        words = view.page.t(_related(strength), target=view.page.target)
        facts.append(f"{words} ({view.page.decimal(strength, 2)})")
    return facts


def _related(strength: float) -> str:
    """The key of the text that says how strongly a field and the target are related."""
    return next((key for least, key in STRENGTHS.items() if strength >= least), "data.related_hardly")


def _associations(view: ProfileView) -> Markup | str:
    names, matrix = view.profile.associations.names, view.profile.associations.matrix
    if len(names) < 2:
        return ""
    labels = [view.name(name) for name in names]
    lead = [view.page.t("data.associations_lead")]
    if len(names) - 1 <= MATRIX:
        rows = [
            (f"{at + 1} {label}", [(view.page.decimal(value, 2), value) for value in matrix[at][:at]])
            for at, label in enumerate(labels)
        ]
        heads = [(str(at + 1), label) for at, label in enumerate(labels[:-1])]
        body = charts.tinted(view.page.t("data.associations"), heads, rows)
    else:
        lead.append(view.page.t("data.pairs"))
        body = _strongest(view, labels, matrix)
    return _HTML.associations(view.page, " ".join(lead), body)


def _strongest(view: ProfileView, labels: list[str], matrix: Sequence[Sequence[float]]) -> Markup:
    pairs = sorted((-matrix[one][other], other, one) for one in range(len(labels)) for other in range(one))[:PAIRS]
    rows = [
        charts.Row(f"{labels[one]} – {labels[other]}", (view.page.decimal(-value, 2),), (-value,))
        for value, one, other in pairs
    ]
    summary = view.page.t("text.comma").join(f"{row.label} {row.figures[0]}" for row in rows[:3])
    return charts.lines(rows, ("", "", ""), f"{view.page.t('data.pairs')} {summary}")
