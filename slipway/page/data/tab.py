"""The data tab: what the model learnt from, based on the version's `profile.json`, which contains no rows."""

from collections.abc import Sequence

import gradio as gr
from markupsafe import Markup

from slipway.i18n import sentences
from slipway.page import LIVE, charts
from slipway.page.context import PageContext
from slipway.page.data import alerts, distribution, reading, relation
from slipway.page.data.profile_view import ProfileView
from slipway.page.html import macros
from slipway.page.report import parts
from slipway.page.report.parts import Part
from slipway.schema.fields import Field
from slipway.schema.profile import CategoryCounts
from slipway.schema.types import LEAST_PEOPLE

SHOWN = 40
"""Fields that are drawn; of more, those that go most with the target."""
OPEN = 6
"""Fields that are drawn at once, the most important ones; the others are folded."""
MATRIX = 20
"""Up to so many fields a table of all pairs can be read; of more, the strongest pairs are listed."""
SMALL = 8
"""A table of so many fields is not folded."""
PAIRS = 15
STRENGTHS = {0.5: "data.related_strongly", 0.3: "data.related_moderately", 0.1: "data.related_weakly"}
"""From which association on, and in which words: large, medium and small. Source: Cohen, Statistical power analysis for the behavioral sciences (1988), chapter 3."""
_HTML = macros("data/report.html")


def build(tab: gr.Tab, page: PageContext) -> None:
    """The tab's content, made when it is opened; inside the current Gradio context."""
    panel = gr.HTML(parts.loading(page), js_on_load=parts.SCRIPT, apply_default_css=False)
    tab.select(lambda: render(page), None, panel, **LIVE)


def render(page: PageContext) -> Markup:
    """The tab's content, as HTML; for a version older than profiles, a sentence that says so."""
    read = Part("reading", page.t("read.heading"), reading.render(page), "slip-reading")
    if page.profile is None:
        return parts.report(page, "data", page.t("data.none"), [read])
    view = ProfileView(page, page.profile)
    inputs = page.t("data.lead_fields", count=len(view.fields))
    lead = page.t("data.lead", rows=page.rows(view.rows), fields=inputs, target=view.target_unit)
    target = page.t("data.target", target=view.target_unit)
    found = [
        Part("alerts", page.t("data.alerts"), alerts.render(view), "slip-alerts"),
        Part("target", target, distribution.of_target(view), "slip-target"),
        Part("fields", page.t("data.fields"), _fields(view), "slip-profiles"),
        Part("associations", page.t("data.associations"), _associations(view), "slip-together"),
    ]
    return parts.report(page, "data", lead, [*found, read])


def _fields(view: ProfileView) -> Markup:
    """Most important first: by what the model loses without them, and where that was not measured by their relation to the target."""
    measured = view.page.metrics.importance
    order = sorted(
        view.schema.fields, key=lambda field: (-measured.get(field.name, 0.0), -view.strength.get(field.name, 0.0))
    )
    notes = [view.page.t("data.fields_order"), relation.note(view)]
    if len(order) > SHOWN:
        strongest = sorted(view.strength, key=lambda name: -view.strength[name])[:SHOWN]
        order = [field for field in order if field.name in strongest]
        notes[0] = view.page.t("data.fields_most", shown=SHOWN, count=len(view.fields), target=view.page.target)
    drawn = [_field(view, field) for field in order]
    first = OPEN if len(drawn) > OPEN + 2 else len(drawn)  # one or two would take as much room folded
    return _HTML.fields(view.page, notes, drawn[:first], drawn[first:])


def _field(view: ProfileView, field: Field) -> tuple[str, list[str], Markup]:
    """A field's label, facts and charts."""
    spread, relation_ = distribution.of_field(view, field), relation.of_field(view, field)
    return view.page.field_label(field), _facts(view, field), _HTML.figures(*spread, *relation_)


def _facts(view: ProfileView, field: Field) -> list[str]:
    """A field's kind, range, missing values, and relation to the target."""
    stored = view.profile.fields[field.name]
    facts = [view.page.t("data.length") if field.kind == "text" else view.page.t(f"kinds.{field.kind}")]
    if isinstance(stored, CategoryCounts):
        count = len(field.categories)
        if stored.values:
            facts.append(view.page.t("data.values", count=count, value=f"“{view.value(field.name, stored.values[0])}”"))
        else:
            facts.append(view.page.t("data.values_rare", count=count, rows=LEAST_PEOPLE))
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
        words = view.page.t(_related(strength))
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
    lead = view.page.t("data.associations_lead")
    if len(names) <= SMALL:
        return _HTML.associations(lead, _matrix(view, labels, matrix), "")
    table = ""
    if len(names) - 1 <= MATRIX:
        table = parts.fold(view.page.t("data.all_pairs"), _matrix(view, labels, matrix))
    return _HTML.associations(
        sentences.joined([lead, view.page.t("data.pairs")]), _strongest(view, labels, matrix), table
    )


def _matrix(view: ProfileView, labels: list[str], matrix: Sequence[Sequence[float]]) -> Markup:
    rows = [
        (f"{at + 1} {label}", [(view.page.decimal(value, 2), value) for value in matrix[at][:at]])
        for at, label in enumerate(labels)
    ]
    heads = [(str(at + 1), label) for at, label in enumerate(labels[:-1])]
    drawn = charts.tinted(view.page.t("data.associations"), heads, rows)
    found = [(label, *line) for label, line in zip(labels, matrix, strict=True)]
    return parts.chart(view.page, "associations", ["", *labels], found, drawn)


def _strongest(view: ProfileView, labels: list[str], matrix: Sequence[Sequence[float]]) -> Markup:
    pairs = sorted((-matrix[one][other], other, one) for one in range(len(labels)) for other in range(one))[:PAIRS]
    rows = [
        charts.Row(f"{labels[one]} – {labels[other]}", (view.page.decimal(-value, 2),), (-value,))
        for value, one, other in pairs
    ]
    summary = view.page.t("text.comma").join(f"{row.label} {row.figures[0]}" for row in rows[:3])
    drawn = charts.lines(rows, ("", "", ""), f"{view.page.t('data.pairs')} {summary}")
    found = [(labels[one], labels[other], -value) for value, one, other in pairs]
    return parts.chart(view.page, "pairs", ["", "", view.page.t("data.associations")], found, drawn)
