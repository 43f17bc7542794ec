"""What if: the prediction over the range of one field, everything else as it was entered."""

import datetime as dt
from html import escape
from typing import Any

from slipway.i18n.formats import class_label, field_label, format_number, percent, value_text
from slipway.i18n.texts import PAGE, translate
from slipway.schema.fields import Field, Record, json_equal
from slipway.schema.schema import Schema

POINTS = 41
CATEGORIES = 24
"""More are not shown: bars of one's own value and the first others can still be read."""

WIDTH, HEIGHT, EDGE = 520, 190, 6


def choosable(schema: Schema) -> list[Field]:
    """The fields that have a range or categories."""
    return [field for field in schema.fields if field.kind != "text" and (field.categories or field.low is not None)]


def values(field: Field, own: Any) -> list[Any]:
    """The values to ask for, in order; one's own is among them if it lies in the training range."""
    if field.categories:
        others = [value for value in field.categories if not json_equal(value, own)]
        kept = {str(value) for value in ([own] if own is not None else []) + others[: CATEGORIES - 1]}
        return [value for value in field.categories if str(value) in kept]
    grid = _grid(field)
    if own is not None and grid[0] <= own <= grid[-1]:
        grid.append(own)
    return sorted(set(grid))


def _grid(field: Field) -> list[Any]:
    if field.kind == "date":
        first, last = (dt.date.fromisoformat(str(end)).toordinal() for end in (field.low, field.high))
        return [dt.date.fromordinal(round(day)).isoformat() for day in _between(first, last)]
    low, high = float(field.low or 0), float(field.high or 0)
    points = _between(low, high)
    return sorted({round(point) for point in points}) if field.kind == "integer" else points


def _between(low: float, high: float) -> list[float]:
    return [low + (high - low) * step / (POINTS - 1) for step in range(POINTS)]


def records(field: Field, record: Record) -> tuple[list[Any], list[Record]]:
    """The values of a field, and the record with each of them."""
    found = values(field, record[field.name])
    return found, [record | {field.name: value} for value in found]


def render(
    schema: Schema, field: Field, own: Any, asked: list[Any], predictions: list[dict[str, Any]], now: Any, language: str
) -> str:
    """The curve or the bars; `now` is the class that is predicted today, whose probability is shown."""
    target = schema.target
    shown = target.positive if len(target.classes) == 2 else now
    if target.classes:
        found = [prediction["probabilities"][str(shown)] for prediction in predictions]
    else:
        found = [prediction["prediction"] for prediction in predictions]

    def amount(value: float) -> str:
        return percent(value) if target.classes else format_number(value, target.decimals)

    what = field_label(target, language)
    if target.classes:
        what += f": {class_label(schema, shown, language)}"
    caption = f'<p class="slip-small">{escape(what)}</p>'
    if field.categories:
        return caption + _bars(field, own, asked, found, amount, language)
    return caption + _curve(field, own, asked, found, amount, language)


def _bars(field: Field, own: Any, asked: list[Any], found: list[float], amount: Any, language: str) -> str:
    top = max(max(found), 0) or 1.0
    rows = []
    for value, result in zip(asked, found, strict=True):
        chosen = " slip-chosen" if json_equal(value, own) else ""
        rows.append(
            f'<div class="slip-bar{chosen}"><span>{escape(value_text(field, value, language))}</span>'
            f'<span class="slip-track" aria-hidden="true"><span style="width:{max(result, 0) / top * 100:.1f}%"></span></span>'
            f"<span>{escape(amount(result))}</span></div>"
        )
    part = translate(PAGE["whatif_part"], language).format(shown=len(asked), all=len(field.categories))
    note = f'<p class="slip-small">{escape(part)}</p>' if len(asked) < len(field.categories) else ""
    return f'<div class="slip-bars slip-whatif">{"".join(rows)}</div>{note}'


def _position(field: Field, value: Any) -> float:
    return dt.date.fromisoformat(value).toordinal() if field.kind == "date" else float(value)


def _curve(field: Field, own: Any, asked: list[Any], found: list[float], amount: Any, language: str) -> str:
    places = [_position(field, value) for value in asked]
    low, high = min(found), max(found)
    wide, tall = places[-1] - places[0] or 1.0, high - low or 1.0

    def x(place: float) -> float:
        return EDGE + (place - places[0]) / wide * (WIDTH - 2 * EDGE)

    def y(value: float) -> float:
        return HEIGHT - EDGE - (value - low) / tall * (HEIGHT - 2 * EDGE)

    line = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in zip(places, found, strict=True))
    ends = [value_text(field, value, language) for value in (asked[0], asked[-1])]
    summary = translate(PAGE["whatif_summary"], language).format(
        field=translate(field.label, language),
        low=ends[0],
        high=ends[1],
        first=amount(found[0]),
        last=amount(found[-1]),
    )
    marks = label = ""
    if own in asked:
        at = asked.index(own)
        across, up = x(places[at]), y(found[at])
        marks = (
            f'<line x1="{across:.1f}" x2="{across:.1f}" y1="0" y2="{HEIGHT}" class="slip-now"/>'
            f'<circle cx="{across:.1f}" cy="{up:.1f}" r="5"/>'
        )
        side = " slip-before" if across > WIDTH / 2 else ""
        text = f"{value_text(field, own, language)} → {amount(found[at])}"
        label = f'<span class="slip-now-text{side}" style="left:{across / WIDTH * 100:.1f}%">{escape(text)}</span>'
    sides = "".join(f"<span>{escape(text)}</span>" for text in dict.fromkeys((amount(high), amount(low))))
    below = "".join(f"<span>{escape(text)}</span>" for text in ends)
    # Words stand beside the drawing, which is drawn smaller on a phone, and they must not be.
    return (
        f'<div class="slip-curve" role="img" aria-label="{escape(summary)}"><div class="slip-curve-y">{sides}</div>'
        f'<div class="slip-curve-plot">{label}<svg viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<line x1="0" x2="{WIDTH}" y1="{HEIGHT}" y2="{HEIGHT}" class="slip-axis"/>'
        f'<polyline points="{line}"/>{marks}</svg></div><div class="slip-curve-x">{below}</div></div>'
        f'<p class="slip-small">{escape(summary)}</p>'
    )
