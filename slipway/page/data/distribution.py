"""The distributions of the target and of each field."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from slipway.i18n import sentences
from slipway.page import charts
from slipway.page.data.profile_view import ProfileView, date_length
from slipway.page.html import macros
from slipway.page.report import parts
from slipway.schema.fields import Field
from slipway.schema.profile import CategoryCounts, Histogram, TargetClasses, TargetNumbers
from slipway.schema.schema import Target

CATEGORIES = 10
"""Categories that have a line of their own; the others share one."""

_HTML = macros("data/report.html")

Ticks = list[tuple[float, str]]


def of_target(view: ProfileView) -> Markup:
    """The target: a sentence on its distribution, and its chart."""
    target = view.profile.target
    text, drawn = _classes(view, target) if isinstance(target, TargetClasses) else _numbers(view, target)
    return _HTML.target(text, drawn)


def _numbers(view: ProfileView, target: TargetNumbers) -> tuple[str, Markup]:
    low, middle, high = (view.amount(target.percentiles[at]) for at in (10, 50, 90))
    text = view.page.t("data.target_spread", low=low, middle=middle, high=high)
    # The scale reaches further than the rows do.
    filled = [at for at, count in enumerate(target.counts) if count]
    counts, edges = target.counts[filled[0] : filled[-1] + 1], target.edges[filled[0] : filled[-1] + 2]
    names = [
        view.page.t("data.bar", value=f"{view.amount(first)} – {view.amount(last)}", rows=view.page.rows(count))
        for count, (first, last) in zip(counts, pairwise(edges), strict=True)
    ]
    ticks = _ticks(view, edges, edges[0], edges[-1], view.schema.target)
    drawn = charts.histogram(counts, names, ticks, view.page.term(view.page.target, text), view.page.rows(max(counts)))
    return text, _saved(view, view.schema.target.name, edges, counts, drawn)


def _saved(view: ProfileView, name: str, edges: Sequence[Any], counts: Sequence[int], drawn: Markup) -> Markup:
    """A histogram with the ends and rows of its bars."""
    heads = [view.page.t("data.from"), view.page.t("data.to"), view.page.t("data.rows")]
    rows = [(low, high, count) for (low, high), count in zip(pairwise(edges), counts, strict=True)]
    return parts.chart(view.page, f"{name}-rows", heads, rows, drawn, picture=True)


def _classes(view: ProfileView, target: TargetClasses) -> tuple[str, Markup]:
    counts, top = target.counts, max(target.counts)
    names = [view.value(view.schema.target.name, value) for value in view.schema.target.classes]
    text = view.page.t(
        "data.target_classes", value=f"“{names[counts.index(top)]}”", share=view.page.percent(top / sum(counts))
    )
    return text, _bars(view, view.schema.target.name, names, counts, view.page.term(view.page.target, text))


def of_field(view: ProfileView, field: Field) -> tuple[Markup, str]:
    """The chart of one field, and a remark on it, which may be empty."""
    stored = view.profile.fields[field.name]
    if isinstance(stored, CategoryCounts):
        return _categories(view, field, stored), ""
    return _histogram(view, field, stored)


def _categories(view: ProfileView, field: Field, stored: CategoryCounts) -> Markup:
    names = [view.value(field.name, value) for value in stored.values[:CATEGORIES]]
    counts = stored.counts[:CATEGORIES]
    total = sum(stored.counts) + stored.others
    others = len(field.categories) - len(names), total - sum(counts)
    if not names:  # each category is one of fewer than five people
        return _bars(view, field.name, names, counts, view.name(field.name), others)
    share = view.page.percent(counts[0] / total)
    summary = view.page.t("data.often", field=view.name(field.name), value=names[0], share=share)
    return _bars(view, field.name, names, counts, summary, others)


def _bars(
    view: ProfileView,
    saved_as: str,
    names: list[str],
    counts: Sequence[int],
    summary: str,
    others: tuple[int, int] = (0, 0),
) -> Markup:
    """A bar for each of some categories; the number of others, and their rows, are given below."""
    total, top = sum(counts) + others[1], max(counts, default=0)
    rows = [
        charts.Row(name, (view.page.percent(count / total), view.page.whole(count)), (count / top,))
        for name, count in zip(names, counts, strict=True)
    ]
    if others[0]:
        rows.append(
            charts.Row(
                view.page.t("data.others", count=others[0]),
                (view.page.percent(others[1] / total), view.page.whole(others[1])),
            )
        )
    heads = ("", view.page.t("data.spread"), view.page.t("data.share"), view.page.t("data.rows"))
    labels = [row.label for row in rows]
    found = list(zip(labels, [*counts, others[1]], strict=False))
    return parts.chart(
        view.page, f"{saved_as}-rows", ["", view.page.t("data.rows")], found, charts.lines(rows, heads, summary)
    )


def _histogram(view: ProfileView, field: Field, stored: Histogram) -> tuple[Markup, str]:
    edges, counts = stored.edges, stored.counts
    whole = field.kind != "number"
    names = [view.band(field, low, _before(high) if whole else high) for low, high in pairwise(edges)]
    bars = [
        view.page.t("data.bar", value=name, rows=view.page.rows(count))
        for name, count in zip(names, counts, strict=True)
    ]
    most = max(range(len(counts)), key=counts.__getitem__)
    share = view.page.percent(counts[most] / sum(counts))
    summary = view.page.t("data.often", field=view.name(field.name), value=names[most], share=share)
    is_temporal = field.kind in ("date", "datetime", "time")
    tails = [] if is_temporal else _tails(edges)
    if field.kind == "time":
        ticks = _time_ticks(edges)
    else:
        ticks = _date_ticks(edges) if is_temporal else _number_ticks(view, edges, tails, field)
    drawn = charts.histogram(counts, bars, ticks, summary, view.page.rows(counts[most]), tails)
    chart = _saved(view, field.name, edges, counts, drawn)
    notes = [
        view.page.t("data.tail_high" if bar else "data.tail_low", end=view.page.value_text(field, edges[bar or 1]))
        for bar in tails
    ]
    if stored.hours:
        chart += _HTML.caption(view.page.t("data.by_hour")) + _hours(view, field, stored.hours)
    return chart, sentences.joined(notes)


def _hours(view: ProfileView, field: Field, counts: Sequence[int]) -> Markup:
    """The times of dates, by hour of the day."""
    each = 24 // len(counts)
    names = [f"{hour:02d}:00–{hour + each - 1:02d}:59" for hour in range(0, 24, each)]
    bars = [
        view.page.t("data.bar", value=name, rows=view.page.rows(count))
        for name, count in zip(names, counts, strict=True)
    ]
    most = max(range(len(counts)), key=counts.__getitem__)
    share = view.page.percent(counts[most] / sum(counts))
    summary = view.page.t("data.often", field=view.name(field.name), value=names[most], share=share)
    ticks = [(hour / each, f"{hour:02d}:00") for hour in range(0, 25, 6)]
    return charts.histogram(counts, bars, ticks, summary, view.page.rows(counts[most]))


def _before(edge: Any) -> Any:
    """The last integer, or day, before a bar's right edge."""
    if isinstance(edge, str):
        return (dt.date.fromisoformat(edge) - dt.timedelta(days=1)).isoformat()
    return edge - 1


def _tails(edges: Sequence[Any]) -> list[int]:
    """The outermost bars, if they cover more than the others."""
    widths = [high - low for low, high in pairwise(edges)]
    usual = sorted(widths)[len(widths) // 2]
    return [bar for bar in sorted({0, len(widths) - 1}) if widths[bar] > 1.5 * usual]


def _number_ticks(view: ProfileView, edges: Sequence[Any], tails: list[int], field: Field) -> Ticks:
    if field.kind != "number" and not tails and all(high - low == 1 for low, high in pairwise(edges)):
        every = 1 if len(edges) <= 13 else 5
        return [(bar + 0.5, view.page.value(edge)) for bar, edge in enumerate(edges[:-1]) if edge % every == 0]
    low = edges[1] if 0 in tails else edges[0]
    high = edges[-2] if len(edges) - 2 in tails else edges[-1]
    return _ticks(view, edges, low, high, field)


def _ticks(view: ProfileView, edges: Sequence[Any], low: float, high: float, item: Field | Target) -> Ticks:
    """Round numbers from `low` to `high`, and their positions among the bars."""
    inside = [value for value in charts.scale(low, high, 5) if low <= value <= high]
    return list(zip(charts.places(edges, inside), view.page.axis(inside, item.decimal), strict=True))


def _time_ticks(edges: Sequence[Any]) -> Ticks:
    """Full hours if there are any, at most six."""
    hours = [at for at, edge in enumerate(edges) if edge % 60 == 0]
    kept = hours if len(hours) > 1 else list(range(len(edges)))
    every = next(step for step in (1, 2, 3, 4, 6, 12) if len(kept) / step <= 6)
    return [(float(at), f"{edges[at] // 60:02d}:{edges[at] % 60:02d}") for at in kept[::every]]


def _date_ticks(edges: Sequence[Any]) -> Ticks:
    """The beginnings of years if there are any, otherwise at most four dates."""
    years = [at for at, edge in enumerate(edges) if edge.endswith("-01-01")]
    kept, length = (years, 4) if len(years) > 1 else (list(range(len(edges))), date_length(edges))
    every = -(-len(kept) // (6 if length == 4 else 3))
    return [(float(at), edges[at][:length]) for at in kept[::every]]
