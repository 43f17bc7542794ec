"""What if: the prediction over the range of one field, with everything else unchanged."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.schema.fields import Field, Record, json_equal
from slipway.schema.schema import Schema
from slipway.tables.dates import minutes, time_text

POINTS = 41
CATEGORIES = 24
"""More are not shown: bars of one's own value and the first others can still be read."""

WIDTH, HEIGHT, EDGE = 520, 190, 6
_HTML = macros("predict/whatif.html")

Amount = Callable[[float], str]


def choosable(schema: Schema) -> list[Field]:
    """The fields that have a range or categories."""
    return [
        field
        for field in schema.fields
        if field.kind != "text" and (field.categories or field.observed_min is not None)
    ]


def values(field: Field, own: Any) -> list[Any]:
    """The values to evaluate, in order, including the record's own if it lies in the training range."""
    if field.categories:
        others = [value for value in field.categories if not json_equal(value, own)]
        kept = {str(value) for value in ([own] if own is not None else []) + others[: CATEGORIES - 1]}
        return [value for value in field.categories if str(value) in kept]
    grid = _moments(field, own) if field.kind == "datetime" else _grid(field)
    if own is not None and grid[0] <= own <= grid[-1]:
        grid.append(own)
    return sorted(set(grid))


def _grid(field: Field) -> list[Any]:
    if field.kind == "date":
        first, last = (dt.date.fromisoformat(str(end)).toordinal() for end in (field.observed_min, field.observed_max))
        return [dt.date.fromordinal(round(day)).isoformat() for day in _between(first, last)]
    if field.kind == "time":
        ends = (_position(field, end) for end in (field.observed_min, field.observed_max))
        return [_moment(field, round(place)) for place in _between(*ends)]
    low, high = float(field.observed_min or 0), float(field.observed_max or 0)
    points = _between(low, high)
    return sorted({round(point) for point in points}) if field.kind == "integer" else points


def _moments(field: Field, own: Any) -> list[Any]:
    """Days at the record's own time of day: else a curve over the year would show the hours."""
    first, last = (dt.datetime.fromisoformat(str(end)) for end in (field.observed_min, field.observed_max))
    time = dt.datetime.fromisoformat(own or str(field.default)).time()
    days = (round(day) for day in _between(first.toordinal(), last.toordinal()))
    moments = (dt.datetime.combine(dt.date.fromordinal(day), time) for day in days)
    return [moment.isoformat() for moment in moments if first <= moment <= last] or [first.isoformat()]


def _between(low: float, high: float) -> list[float]:
    return [low + (high - low) * step / (POINTS - 1) for step in range(POINTS)]


def records(field: Field, record: Record) -> tuple[list[Any], list[Record]]:
    """The values of a field, and the record with each of them."""
    tried = values(field, record[field.name])
    return tried, [record | {field.name: value} for value in tried]


def heading(page: PageContext) -> Markup:
    """The heading above the choice of a field."""
    return _HTML.heading(page)


def render(
    page: PageContext, field: Field, own: Any, asked: list[Any], predictions: list[dict[str, Any]], now: Any
) -> Markup:
    """The curve or the bars; `now` is the predicted class, whose probability is shown."""
    target = page.schema.target
    shown = target.positive if len(target.classes) == 2 else now
    if target.classes:
        results = [prediction["probabilities"][str(shown)] for prediction in predictions]
    else:
        results = [prediction["prediction"] for prediction in predictions]
    amount = page.percent if target.classes else page.number
    what = page.field_label(target)
    if target.classes:
        what = page.term(what, page.class_label(shown))
    drawn = (_bars if field.categories else _curve)(page, field, own, asked, results, amount)
    return _HTML.whatif(what, drawn)


def _bars(page: PageContext, field: Field, own: Any, asked: list[Any], results: list[float], amount: Amount) -> Markup:
    top = max(max(results), 0) or 1.0
    rows = [
        {
            "label": page.value_text(field, value),
            "share": max(result, 0) / top * 100,
            "amount": amount(result),
            "is_own": json_equal(value, own),
        }
        for value, result in zip(asked, results, strict=True)
    ]
    are_all = len(asked) == len(field.categories)
    note = "" if are_all else page.t("page.whatif_part", shown=len(asked), all=len(field.categories))
    return _HTML.bars(rows, note)


def _position(field: Field, value: Any) -> float:
    """A value as a number: days of dates, minutes of what has a time of day."""
    if field.kind == "date":
        return dt.date.fromisoformat(value).toordinal()
    if field.kind == "datetime":
        return (dt.datetime.fromisoformat(value) - dt.datetime.min) / dt.timedelta(minutes=1)
    return minutes(value) if field.kind == "time" else float(value)


def _moment(field: Field, place: float) -> str:
    if field.kind == "time":
        return time_text(place)
    return (dt.datetime.min + dt.timedelta(minutes=place)).isoformat()


def _curve(page: PageContext, field: Field, own: Any, asked: list[Any], results: list[float], amount: Amount) -> Markup:
    places = [_position(field, value) for value in asked]
    low, high = min(results), max(results)
    wide, tall = places[-1] - places[0] or 1.0, high - low or 1.0

    def point(place: float, value: float) -> tuple[float, float]:
        x = EDGE + (place - places[0]) / wide * (WIDTH - 2 * EDGE)
        return x, HEIGHT - EDGE - (value - low) / tall * (HEIGHT - 2 * EDGE)

    ends = [page.value_text(field, value) for value in (asked[0], asked[-1])]
    words = {"low": ends[0], "high": ends[1], "first": amount(results[0]), "last": amount(results[-1])}
    summary = page.t("page.whatif_summary", field=page.text(field.label), **words)
    mark = None
    if own in asked:
        at = asked.index(own)
        x, y = point(places[at], results[at])
        text = f"{page.value_text(field, own)} → {amount(results[at])}"
        mark = {"x": x, "y": y, "left": x / WIDTH * 100, "is_before": x > WIDTH / 2, "text": text}
    points = [point(place, value) for place, value in zip(places, results, strict=True)]
    sides = list(dict.fromkeys((amount(high), amount(low))))
    return _HTML.curve({"width": WIDTH, "height": HEIGHT}, points, mark, sides, ends, summary)
