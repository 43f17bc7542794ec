"""The target for each part of a field's range: boxes of a number, shares of classes."""

from collections.abc import Sequence

from markupsafe import Markup

from slipway.page import charts
from slipway.page.data.distribution import CATEGORIES
from slipway.page.data.profile_view import ProfileView
from slipway.page.report import parts
from slipway.schema.fields import Field
from slipway.schema.profile import Part
from slipway.schema.types import LEAST_PEOPLE

CLASSES = 8
"""Classes that have a column of their own: the most frequent ones."""
NOTHING = "–"

Entries = Sequence[Part]


def note(view: ProfileView) -> str:
    """How to read the charts."""
    classes = view.schema.target.classes
    if not classes:
        return view.page.t("data.box_note", rows=LEAST_PEOPLE)
    if len(classes) > 2:
        return view.page.t("data.class_note", rows=LEAST_PEOPLE)
    return view.page.t("data.share_note", rows=LEAST_PEOPLE, share=view.page.percent(_overall(view)))


def of_field(view: ProfileView, field: Field) -> tuple[str, Markup | str]:
    """A sentence that says what the chart of one field shows, and the chart; either may be empty."""
    entries: Entries = view.profile.fields[field.name].relation
    if field.categories:
        missing = [entry for entry in entries if entry.missing]
        entries = [entry for entry in entries if not entry.missing][:CATEGORIES] + missing
    if not entries:  # each category is one of fewer than five people
        return "", ""
    labels = [
        view.value(field.name, entry.value) if entry.low is None else view.band(field, entry.low, entry.high)
        for entry in entries
    ]
    title = view.page.t("data.by", target=view.page.target, field=view.name(field.name))
    if len(view.schema.target.classes) > 2:
        return "", _saved(view, field, labels, entries, _shares_of_all(view, title, labels, entries))
    text = _extremes(view, labels, entries)
    chart = (_shares if view.schema.target.classes else _boxes)(view, f"{title}. {text}", labels, entries)
    return text, _saved(view, field, labels, entries, chart)


def _saved(view: ProfileView, field: Field, labels: list[str], entries: Entries, drawn: Markup) -> Markup:
    """The chart with the figures of each part: percentiles, or shares of classes."""
    target = view.schema.target
    figures = [view.value(target.name, value) for value in target.classes] or [f"{at}%" for at in (5, 25, 50, 75, 95)]
    heads = [view.name(field.name), view.page.t("data.rows"), *figures]
    rows = [
        (label, entry.rows, *(entry.box or entry.shares or [None] * len(figures)))
        for label, entry in zip(labels, entries, strict=True)
    ]
    return parts.chart(view.page, f"{field.name}-{target.name}", heads, rows, drawn)


def _boxes(view: ProfileView, summary: str, labels: list[str], entries: Entries) -> Markup:
    axis = view.axis
    rows = []
    for label, entry in zip(labels, entries, strict=True):
        box = entry.box or ()
        ends = tuple((value - axis[0]) / (axis[-1] - axis[0]) for value in box)
        rows.append(charts.Row(label, (view.amount(box[2]) if box else NOTHING, view.page.whole(entry.rows)), ends))
    heads = ("", view.target_unit, view.page.t("data.median"), view.page.t("data.rows"))
    return charts.lines(rows, heads, summary, view.page.axis(axis, view.schema.target.decimal))


def _shares(view: ProfileView, summary: str, labels: list[str], entries: Entries) -> Markup:
    positive = view.schema.target.positive
    rows = []
    for label, entry in zip(labels, entries, strict=True):
        share = _measure(view, entry)
        ends = () if share is None else (share,)
        rows.append(
            charts.Row(
                label, (NOTHING if share is None else view.page.percent(share), view.page.whole(entry.rows)), ends
            )
        )
    name = view.page.term(view.page.target, view.value(view.schema.target.name, positive))
    heads = ("", name, view.page.t("data.share"), view.page.t("data.rows"))
    return charts.lines(rows, heads, summary, [view.page.share(share, 0) for share in (0, 0.5, 1)], _overall(view))


def _shares_of_all(view: ProfileView, title: str, labels: list[str], entries: Entries) -> Markup:
    counts, classes = view.profile.target.counts, view.schema.target.classes
    shown = sorted(sorted(range(len(counts)), key=lambda at: -counts[at])[:CLASSES])
    names = [view.value(view.schema.target.name, classes[at]) for at in shown]
    rows = []
    for label, entry in zip(labels, entries, strict=True):
        shares = entry.shares
        cells = [
            (view.page.percent(shares[at]) if shares[at] else view.page.share(0, 0), shares[at])
            if shares
            else (NOTHING, 0.0)
            for at in shown
        ]
        rows.append((label, [*cells, (view.page.whole(entry.rows), 0.0)]))
    return charts.tinted(title, [(name, name) for name in (*names, view.page.t("data.rows"))], rows)


def _overall(view: ProfileView) -> float:
    """The share of the positive class among all rows."""
    target = view.schema.target
    return float(view.profile.target.counts[target.classes.index(target.positive)] / view.rows)


def _measure(view: ProfileView, entry: Part) -> float | None:
    """The median of an entry, or its share of the positive class; None if it has too few rows."""
    if entry.box:
        return entry.box[2]
    if entry.shares:
        return entry.shares[view.schema.target.classes.index(view.schema.target.positive)]
    return None


def _extremes(view: ProfileView, labels: list[str], entries: Entries) -> str:
    """Where the target is lowest and highest, in words; empty if there are not two parts to compare."""
    known = [
        (value, label)
        for label, entry in zip(labels, entries, strict=True)
        if not entry.missing and (value := _measure(view, entry)) is not None
    ]
    if len(known) < 2:
        return ""
    (least, lowest), (most, highest) = min(known), max(known)
    shown = view.page.percent if view.schema.target.classes else view.amount
    if shown(least) == shown(most):
        return view.page.t("data.throughout", value=shown(most))
    key = "data.shares" if view.schema.target.classes else "data.medians"
    return view.page.t(key, least=shown(least), lowest=lowest, most=shown(most), highest=highest)
