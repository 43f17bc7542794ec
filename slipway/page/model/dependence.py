"""Partial dependence: the average prediction as one input changes, a picture for each, all on one scale.

Categories have a line each and a mark at their average; of more than two classes they have a table.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from slipway.i18n import sentences
from slipway.page import charts
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.report import parts
from slipway.schema.fields import Field
from slipway.schema.figures import Dependence, FieldDependence
from slipway.schema.profile import CategoryCounts, Histogram
from slipway.tables.dates import minutes

FIRST = 4
"""Inputs whose pictures are shown at once."""
WIDTH, HEIGHT, TOP, SHARES, BELOW = 380, 210, 10, 30, 24
"""A picture's size, and the heights of what is in it: above the curve, of the shares of rows, and of the axis."""
_HTML = macros("model/dependence.html")

Means = Sequence[Sequence[float]]


def render(page: PageContext) -> Markup | str:
    """The pictures, most important first; empty for a version without figures, and of one from before a sentence."""
    if page.figures is None:
        return ""
    found = page.figures.dependence
    if found is None:
        probabilities = not page.schema.target.classes or page.figures.reliability is not None
        return Markup.escape(page.t("model.dependence_none")) if probabilities else ""
    view = _View(page, found)
    drawn = [view.picture(item) for item in found.fields]
    first = FIRST if len(drawn) > FIRST + 2 else len(drawn)
    what = page.t("model.dependence_what_class" if found.classes else "model.dependence_what", what=view.what)
    lead = sentences.joined([what, page.t("model.dependence_lead", rows=found.rows)])
    labels = [page.class_label(value) for value in found.classes]
    return _HTML.dependence(page, lead, page.t("model.dependence_not"), labels, drawn[:first], drawn[first:])


@dataclass(frozen=True)
class _View:
    """The figures, and the scale that all pictures share."""

    page: PageContext
    found: Dependence

    @property
    def what(self) -> str:
        """What is averaged: a number with its unit, or the probability of a class."""
        label = self.page.field_label(self.page.schema.target)
        if len(self.found.classes) == 1:
            return self.page.term(label, self.page.class_label(self.found.classes[0]))
        return label

    @cached_property
    def scale(self) -> list[float]:
        """Round numbers that hold every average."""
        all_means = [mean for item in self.found.fields for line in item.means for mean in line]
        return charts.scale(min(all_means), max(all_means), 4)

    @cached_property
    def ticks(self) -> list[str]:
        if not self.found.classes:
            return self.page.axis(self.scale, self.page.schema.target.decimal)
        digits = 0 if all(round(one * 100, 6).is_integer() for one in self.scale) else 1
        return [self.page.share(one, digits) for one in self.scale]

    def amount(self, mean: float) -> str:
        """An average prediction."""
        if self.found.classes:
            return self.page.percent(mean)
        return self.page.number(mean)

    def share(self, mean: float) -> float:
        """Where an average lies on the scale, from 0 to 1."""
        return (mean - self.scale[0]) / (self.scale[-1] - self.scale[0])

    def picture(self, item: FieldDependence) -> tuple[str, str, Markup]:
        """A field's label, what the picture shows in words, and the picture."""
        page, field = self.page, self.page.schema.by_name[item.field]
        texts = [page.value_text(field, value) for value in item.values]
        says = [self._says(texts, item.means)]
        summary = page.term(page.text(field.label), says[0])
        if field.categories:
            drawn = self._categories(field, item, texts, summary)
            more = len(field.categories) - sum(value is not None for value in item.values)
            says += [page.t("model.dependence_others", count=more)] if more else []
        else:
            drawn = self._curve(field, item, texts, summary)
            if item.values[-1] is None:
                missing = page.t("text.comma").join(self.amount(line[-1]) for line in item.means)
                says.append(page.t("model.dependence_missing", missing=texts[-1], value=missing))
        heads = [
            page.text(field.label),
            *(map(page.class_label, self.found.classes) if self.found.classes else [self.what]),
        ]
        rows = list(zip(texts if field.categories else item.values, *item.means, strict=True))
        chart = parts.chart(page, f"{field.name}-dependence", heads, rows, drawn, picture=not field.categories)
        return page.field_label(field), sentences.joined(says), chart

    def _says(self, texts: Sequence[str], means: Means) -> str:
        """Where the average is lowest and highest; of several classes nothing."""
        if len(means) > 1:
            return ""
        line = means[0]
        low, high = (at(range(len(line)), key=line.__getitem__) for at in (min, max))
        if self.amount(line[low]) == self.amount(line[high]):
            return self.page.t("model.dependence_flat", value=self.amount(line[low]))
        words = {"least": self.amount(line[low]), "lowest": texts[low]}
        return self.page.t("model.dependence_ends", **words, most=self.amount(line[high]), highest=texts[high])

    def _categories(self, field: Field, item: FieldDependence, texts: Sequence[str], summary: str) -> Markup:
        shares = [self._share_of(field, value) for value in item.values]
        rows_head = self.page.t("model.dependence_rows")
        if len(item.means) > 1:
            names = [self.page.class_label(value) for value in self.found.classes]
            table = [
                (text, [*((self.page.percent(mean), mean) for mean in means), (share, 0.0)])
                for text, share, *means in zip(texts, shares, *item.means, strict=True)
            ]
            return charts.tinted(summary, [(name, name) for name in (*names, rows_head)], table)
        rows = [
            charts.Row(text, (self.amount(mean), share), (self.share(mean),) * 5)
            for text, share, mean in zip(texts, shares, item.means[0], strict=True)
        ]
        heads = ("", "", self.page.t("model.dependence_average"), rows_head)
        return charts.lines(rows, heads, summary, self.ticks, self.share(self.found.means[0]))

    def _share_of(self, field: Field, value: Any) -> str:
        """The share of training rows with a category; a dash where it is of too few rows to be kept."""
        profile = self.page.profile
        stored = profile.fields[field.name] if profile else None
        if profile is None or not isinstance(stored, CategoryCounts):
            return "–"
        counts = dict(zip(map(str, stored.values), stored.counts, strict=True))
        count = stored.missing if value is None else counts.get(str(value))
        return "–" if count is None else self.page.percent(count / profile.rows)

    def _curve(self, field: Field, item: FieldDependence, texts: Sequence[str], summary: str) -> Markup:
        known = [at for at, value in enumerate(item.values) if value is not None]
        places = [_place(field, item.values[at]) for at in known]
        left = 12 + charts.LETTER * max(map(len, self.ticks))
        size = {"width": WIDTH, "height": HEIGHT, "left": left, "right": WIDTH - 8, "base": HEIGHT - BELOW}
        wide = places[-1] - places[0] or 1.0

        def x(place: float) -> float:
            return left + (place - places[0]) / wide * (WIDTH - 8 - left)

        def y(mean: float) -> float:
            low = HEIGHT - BELOW - SHARES
            return low - self.share(mean) * (low - TOP)

        lines = [[(x(place), y(line[at])) for at, place in zip(known, places, strict=True)] for line in item.means]
        points = [
            (x(place), y(line[at]), self.page.term(texts[at], self.amount(line[at])))
            for line in item.means
            for at, place in zip(known, places, strict=True)
        ]
        ticks = [(y(value), text) for value, text in zip(self.scale, self.ticks, strict=True)]
        average = y(self.found.means[0]) if len(self.found.means) == 1 else None
        labels = charts.fitting([(x(place), text) for place, text in self._labels(field, item, places)], left, WIDTH)
        bars = [(x(low), x(high) - x(low), share * (SHARES - 6)) for low, high, share in self._bars(field, places)]
        return _HTML.curve(size, summary, ticks, labels, average, lines, points, bars)

    def _labels(self, field: Field, item: FieldDependence, places: Sequence[float]) -> list[tuple[float, str]]:
        """Round numbers along the axis, or the first and the last date or time."""
        if field.kind in ("number", "integer") and places[0] < places[-1]:
            inside = [value for value in charts.scale(places[0], places[-1], 4) if places[0] <= value <= places[-1]]
            return list(zip(inside, self.page.axis(inside, field.decimal), strict=True))
        known = [value for value in item.values if value is not None]
        ends = {places[0]: known[0], places[-1]: known[-1]}
        return [(place, self.page.value_text(field, value)) for place, value in ends.items()]

    def _bars(self, field: Field, places: Sequence[float]) -> list[tuple[float, float, float]]:
        """The rows of training along the axis: both ends of each bar, and its height as a share of the highest, by rows to a step."""
        stored = self.page.profile.fields.get(field.name) if self.page.profile else None
        if not isinstance(stored, Histogram):
            return []
        # A whole number stands in the middle of its bar: at its left edge, the bar of the last one would be beyond the axis.
        shift = 0.5 if field.kind in ("integer", "date") else 0
        edges = [float(edge) if field.kind == "time" else _place(field, edge) - shift for edge in stored.edges]
        parts_ = [
            (max(low, places[0]), min(high, places[-1]), count / (high - low))
            for (low, high), count in zip(pairwise(edges), stored.counts, strict=True)
            if high > places[0] and low < places[-1]
        ]
        top = max((dense for *_, dense in parts_), default=0.0)
        return [(low, high, dense / top) for low, high, dense in parts_] if top else []


def _place(field: Field, value: Any) -> float:
    """A value as a number: days of dates, minutes of times."""
    if field.kind in ("date", "datetime"):
        return (dt.datetime.fromisoformat(str(value)) - dt.datetime.min) / dt.timedelta(days=1)
    return minutes(value) if field.kind == "time" else float(value)
