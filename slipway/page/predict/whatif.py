"""What if: the prediction over the range of one field, with everything else unchanged."""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from slipway.page.charts import scale
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.predict import typed
from slipway.schema.fields import Field, Record, json_equal
from slipway.schema.schema import Schema
from slipway.tables.dates import minutes, time_text

POINTS = 41
CATEGORIES = 500
"""More are not evaluated at every change of the form; it is said that they are not shown."""
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
    return field.spaced(POINTS)


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


def nothing(page: PageContext) -> Markup:
    """In place of the drawing while there is no answer that could change."""
    return _HTML.nothing(page)


@dataclass(frozen=True)
class Results:
    """What was predicted for each value: the number, or the probability of a class, and how it is written."""

    values: list[float]
    what: str
    amount: Amount


def results(page: PageContext, predictions: Sequence[dict[str, Any]], now: Any) -> Results:
    """The figure of each prediction that is drawn; `now` is the predicted class, whose probability it is of several."""
    target = page.schema.target
    if not target.classes:
        return Results([one["prediction"] for one in predictions], page.field_label(target), page.number)
    shown = target.positive if len(target.classes) == 2 else now
    shares = [one["probabilities"][str(shown)] for one in predictions]
    return Results(shares, page.term(page.field_label(target), page.class_label(shown)), page.percent)


def render(
    page: PageContext, field: Field, own: Any, asked: list[Any], predictions: list[dict[str, Any]], now: Any
) -> Markup:
    """The curve or the bars; `now` is the predicted class, whose probability is shown."""
    found = results(page, predictions, now)
    drawn = (_bars if field.categories else _curve)(page, field, own, asked, found)
    return _HTML.whatif(found.what, drawn)


def _bars(page: PageContext, field: Field, own: Any, asked: list[Any], found: Results) -> Markup:
    """A bar for each category, the largest result first."""
    low, high = min(0.0, *found.values), max(0.0, *found.values)
    rows = [
        {
            "label": page.value_text(field, value),
            "share": (result - low) / ((high - low) or 1.0) * 100,
            "amount": found.amount(result),
            "is_own": json_equal(value, own),
        }
        for result, value in sorted(zip(found.values, asked, strict=True), key=lambda pair: -pair[0])
    ]
    are_all = len(asked) == len(field.categories)
    note = "" if are_all else page.t("page.whatif_part", shown=len(asked), all=len(field.categories))
    return _HTML.bars(rows, page.field_label(field), note)


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


def _curve(page: PageContext, field: Field, own: Any, asked: list[Any], found: Results) -> Markup:
    places = [_position(field, value) for value in asked]
    rises = scale(min(found.values), max(found.values))
    low, high = rises[0], rises[-1]

    def left(place: float) -> float:
        return (place - places[0]) / (places[-1] - places[0] or 1.0) * 100

    def top(value: float) -> float:
        return (high - value) / (high - low) * 100

    points = [
        [
            round(left(place), 2),
            round(top(value), 2),
            page.value_text(field, one),
            found.amount(value),
            box(page, field, one),
        ]
        for place, value, one in zip(places, found.values, asked, strict=True)
    ]
    axes = {
        "x": [(left(place), text) for place, text in _ticks(page, field, asked, places)],
        "y": list(zip(map(top, rises), _axis(page, rises), strict=True)),
    }
    at = asked.index(own) if own in asked else None
    return _HTML.curve(page, field, points, at, axes, _summary(page, field, points, found))


def _axis(page: PageContext, values: list[float]) -> list[str]:
    """The numbers of the axis of results."""
    if not page.schema.target.classes:
        return page.axis(values, page.schema.target.decimal)
    decimals = max(0, -math.floor(math.log10(values[1] - values[0]) + 1e-9) - 2)
    return [page.share(value, decimals) for value in values]


def box(page: PageContext, field: Field, value: Any) -> str:
    """A value as the form has it."""
    return str(typed.shown(page, field, value)) if typed.is_typed(field) else str(value)


def _ticks(page: PageContext, field: Field, asked: list[Any], places: list[float]) -> list[tuple[float, str]]:
    """Round numbers, or of days and times both ends and the middle, with their positions."""
    if field.kind in ("number", "integer"):
        least = 1.0 if field.kind == "integer" else 0.0
        round_ones = [tick for tick in scale(places[0], places[-1], 5) if places[0] <= tick <= places[-1]]
        return [(tick, page.value_text(field, tick)) for tick in round_ones if not least or tick.is_integer()]
    chosen = sorted({0, len(asked) // 2, len(asked) - 1})
    if field.kind == "time":
        return [(places[at], page.value_text(field, asked[at])) for at in chosen]
    # All moments of a curve are at one time of day.
    return [(places[at], page.short_day(dt.datetime.fromisoformat(asked[at]).date())) for at in chosen]


def _summary(page: PageContext, field: Field, points: list[list[Any]], found: Results) -> str:
    """Both ends of the curve in words, and its peak and lowest point if they lie between."""
    (_, _, low, first, _), (_, _, high, last, _) = points[0], points[-1]
    parts = [page.t("page.whatif_summary", field=page.text(field.label), low=low, high=high, first=first, last=last)]
    for key, best in (("page.whatif_highest", max(found.values)), ("page.whatif_lowest", min(found.values))):
        at = found.values.index(best)
        if found.amount(best) not in (first, last):
            parts.append(page.t(key, amount=points[at][3], value=points[at][2]))
    return page.t("text.semicolon").join(parts)
