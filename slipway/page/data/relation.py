"""What the target is for each part of a field's range: boxes of a number, shares of classes."""

from html import escape
from typing import Any

from slipway.i18n.formats import percent
from slipway.page import charts
from slipway.page.data.distribution import CATEGORIES
from slipway.page.data.summaries import UNITS, Summaries
from slipway.schema.fields import Field

CLASSES = 8
"""Classes that have a column of their own: the most frequent ones."""
LEAST_ROWS = 5
"""Of fewer rows the profile holds no summary."""
NOTHING = "–"

Entries = list[dict[str, Any]]


def note(found: Summaries) -> str:
    """How the charts are read, in words."""
    classes = found.schema.target.classes
    if not classes:
        return found.t("box_note", rows=LEAST_ROWS)
    if len(classes) > 2:
        return found.t("class_note", rows=LEAST_ROWS)
    return found.t("share_note", rows=LEAST_ROWS, share=percent(_overall(found)))


def render(found: Summaries, field: Field) -> str:
    """The chart of one field, as HTML, under a sentence that says what it shows."""
    entries: Entries = found.profile["fields"][field.name]["relation"]
    if field.categories:
        missing = [entry for entry in entries if entry["value"] is None]
        entries = [entry for entry in entries if entry["value"] is not None][:CATEGORIES] + missing
    labels = [
        found.value(field.name, entry["value"]) if "value" in entry else found.band(field, entry["low"], entry["high"])
        for entry in entries
    ]
    title = found.t("by", target=found.target, field=found.name(field.name))
    if len(found.schema.target.classes) > 2:
        return _shares_of_all(found, title, labels, entries)
    text = _extremes(found, labels, entries)
    chart = (_shares if found.schema.target.classes else _boxes)(found, f"{title}. {text}", labels, entries)
    return (f"<figcaption>{escape(text)}</figcaption>" if text else "") + chart


def _boxes(found: Summaries, summary: str, labels: list[str], entries: Entries) -> str:
    axis = found.axis
    rows = []
    for label, entry in zip(labels, entries, strict=True):
        box = entry.get("box", [])
        ends = tuple((value - axis[0]) / (axis[-1] - axis[0]) for value in box)
        rows.append(charts.Row(label, (found.amount(box[2]) if box else NOTHING, f"{entry['rows']:,}"), ends))
    heads = ("", found.target_unit, found.t("middle"), found.t("rows"))
    return charts.lines(rows, heads, summary, charts.numbers(axis, UNITS[found.language]))


def _shares(found: Summaries, summary: str, labels: list[str], entries: Entries) -> str:
    positive = found.schema.target.positive
    rows = []
    for label, entry in zip(labels, entries, strict=True):
        share = _measure(found, entry)
        ends = () if share is None else (share,)
        rows.append(charts.Row(label, (NOTHING if share is None else percent(share), f"{entry['rows']:,}"), ends))
    name = f"{found.target}: {found.value(found.schema.target.name, positive)}"
    heads = ("", name, found.t("share"), found.t("rows"))
    return charts.lines(rows, heads, summary, ("0%", "50%", "100%"), _overall(found))


def _shares_of_all(found: Summaries, title: str, labels: list[str], entries: Entries) -> str:
    counts, classes = found.profile["target"]["counts"], found.schema.target.classes
    shown = sorted(sorted(range(len(counts)), key=lambda at: -counts[at])[:CLASSES])
    names = [found.value(found.schema.target.name, classes[at]) for at in shown]
    rows = []
    for label, entry in zip(labels, entries, strict=True):
        shares = entry.get("shares")
        cells = [
            (percent(shares[at]) if shares[at] else "0%", shares[at]) if shares else (NOTHING, 0.0) for at in shown
        ]
        rows.append((label, [*cells, (f"{entry['rows']:,}", 0.0)]))
    return charts.tinted(title, [(name, name) for name in (*names, found.t("rows"))], rows)


def _overall(found: Summaries) -> float:
    """The share of the positive class among all rows."""
    target = found.schema.target
    return float(found.profile["target"]["counts"][target.classes.index(target.positive)] / found.rows)


def _measure(found: Summaries, entry: dict[str, Any]) -> float | None:
    """The middle value of an entry, or its share of the positive class; None of too few rows."""
    if "box" in entry:
        return float(entry["box"][2])
    if "shares" in entry:
        return float(entry["shares"][found.schema.target.classes.index(found.schema.target.positive)])
    return None


def _extremes(found: Summaries, labels: list[str], entries: Entries) -> str:
    """Where the target is least and most, in words; empty if there are no two to compare."""
    known = [
        (value, label)
        for label, entry in zip(labels, entries, strict=True)
        if entry.get("value", "") is not None and (value := _measure(found, entry)) is not None
    ]
    if len(known) < 2:
        return ""
    (least, lowest), (most, highest) = min(known), max(known)
    shown = percent if found.schema.target.classes else found.amount
    if shown(least) == shown(most):
        return found.t("throughout", value=shown(most))
    key = "shares" if found.schema.target.classes else "middles"
    return found.t(key, least=shown(least), lowest=lowest, most=shown(most), highest=highest)
