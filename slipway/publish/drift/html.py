"""A comparison of recent rows with training as one HTML file, which can be handed over: it fetches nothing and has no script."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from slipway.i18n.catalogues import FALLBACK
from slipway.page.html import macros
from slipway.publish.drift.report import (
    ALPHA,
    LARGE,
    LARGE_EFFECT,
    MODERATE,
    SMALL_EFFECT,
    Bar,
    ColumnDrift,
    DriftReport,
    ErrorChange,
)
from slipway.publish.drift.words import Words, by_level

_HTML = macros("publish/drift/report.html")
_STYLE = Path(__file__).with_name("report.css")
_WIDTH, _HEIGHT, _ROW, _LABELS = 900.0, 150.0, 26.0, 220.0
_TEXT = 20.0
"""Height of a line of labels."""
_WIDEST = 28
"""Characters of a category beside its bars."""


@dataclass(frozen=True)
class Box:
    """A rectangle of a chart."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Pair:
    """The rectangles of a bar: training and recently."""

    before: Box
    now: Box


@dataclass(frozen=True)
class Label:
    """A text of a chart."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True)
class Chart:
    """How a column is distributed, in training and recently, drawn and as a table."""

    title: str
    level: str
    remarks: list[str]
    width: float
    height: float
    bars: list[Pair]
    labels: list[Label]
    rows: list[tuple[str, ...]]


def page(report: DriftReport, language: str = FALLBACK) -> str:
    """The whole file.

    Parameters
    ----------
    report : DriftReport
    language : str

    Returns
    -------
    str
    """
    words, columns = Words(language), by_level(report.columns)
    errors = [
        (words.t("drift.estimated"), words.t("drift.estimated_lead"), [_error(words, one) for one in report.estimated]),
        (words.t("drift.measured"), words.t("drift.measured_lead"), [_error(words, one) for one in report.measured]),
    ]
    thresholds = {"alpha": ALPHA, "moderate": MODERATE, "large": LARGE}
    thresholds |= {"small": SMALL_EFFECT, "far": LARGE_EFFECT}
    facts = {
        "drift": report.drift,
        "rule": words.t("drift.rule", count=report.tests, **thresholds),
        "missing": [words.not_compared(one) for one in report.missing],
    }
    return str(
        _HTML.document(
            words,
            facts,
            words.t("drift.title", model=report.model),
            words.summary(report),
            Markup(_STYLE.read_text(encoding="utf-8")),  # noqa: S704
            [*_facts(words, report)],
            [_row(words, one) for one in columns],
            [one for one in errors if one[2]],
            [*_reliability(words, report)],
            [_chart(words, one) for one in columns],
        )
    )


def _facts(words: Words, report: DriftReport) -> Iterator[tuple[str, str]]:
    t = words.t
    rows, scored = t("text.rows", count=report.rows), t("drift.scored", count=report.scored)
    yield t("drift.recent_rows"), t("drift.rows_of", rows=rows, data=report.data, scored=scored)
    yield t("drift.training"), t("text.rows", count=report.training_rows)
    yield t("drift.compared"), report.time
    if report.ignored:
        yield t("drift.ignored"), words.listed(report.ignored)


def _row(words: Words, column: ColumnDrift) -> tuple[str, ...]:
    figures = (column.stability_index, column.kolmogorov_smirnov, column.jensen_shannon)
    return (
        words.title(column),
        words.level(column.worst),
        *map(words.number, column.rows),
        *("" if one is None else words.number(one, 3) for one in figures),
        words.p_value(column.p_value),
        words.t("text.semicolon").join(words.remarks(column)),
    )


def _error(words: Words, change: ErrorChange) -> tuple[str, ...]:
    return words.measure(change.measure), *words.error(change), words.t("drift.worse") if change.worse else ""


def _reliability(words: Words, report: DriftReport) -> Iterator[tuple[str, ...]]:
    for one in report.reliability:
        ends = words.t("text.range", low=words.percent(one.low), high=words.percent(one.high))
        shares = ("" if share is None else words.percent(share) for share in (one.predicted, one.observed))
        yield ends, words.number(one.rows), *shares, words.percent(one.training)


def _chart(words: Words, column: ColumnDrift) -> Chart:
    sums = [max(1, rows) for rows in column.rows]
    shares = [(bar.before / sums[0], bar.now / sums[1]) for bar in column.bars]
    top = max((share for pair in shares for share in pair), default=0.0) or 1.0
    is_ordered = bool(column.bars) and column.bars[0].low is not None
    draw = _histogram if is_ordered else _categories
    bars, labels, height = draw(words, column.bars, [(one / top, other / top) for one, other in shares])
    rows: list[tuple[str, ...]] = [
        (words.bar(bar), words.number(bar.before), words.percent(before), words.number(bar.now), words.percent(now))
        for bar, (before, now) in zip(column.bars, shares, strict=True)
    ]
    return Chart(
        words.title(column), words.level(column.worst), words.remarks(column), _WIDTH, height, bars, labels, rows
    )


def _histogram(
    words: Words, bars: tuple[Bar, ...], shares: list[tuple[float, float]]
) -> tuple[list[Pair], list[Label], float]:
    """Bars of equal width, whatever part of the range they stand for: training's wide and behind the recent one's."""
    step = _WIDTH / len(bars)
    pairs = [
        Pair(
            Box(place * step + 0.1 * step, _HEIGHT * (1 - before), 0.8 * step, _HEIGHT * before),
            Box(place * step + 0.25 * step, _HEIGHT * (1 - now), 0.5 * step, _HEIGHT * now),
        )
        for place, (before, now) in enumerate(shares)
    ]
    below = _HEIGHT + _TEXT - 4
    labels = [Label(0, below, words.edge(bars[0].low)), Label(_WIDTH, below, words.edge(bars[-1].high), "end")]
    if len(bars) > 2:
        middle = len(bars) // 2
        labels.append(Label(middle * step, below, words.edge(bars[middle].low), "middle"))
    return pairs, labels, _HEIGHT + _TEXT


def _categories(
    words: Words, bars: tuple[Bar, ...], shares: list[tuple[float, float]]
) -> tuple[list[Pair], list[Label], float]:
    """A line for each category."""
    room = _WIDTH - _LABELS - 4
    pairs, labels = [], []
    for place, (bar, (before, now)) in enumerate(zip(bars, shares, strict=True)):
        top, name = place * _ROW + 2, words.bar(bar)
        pairs.append(Pair(Box(_LABELS, top, room * before, _ROW - 8), Box(_LABELS, top + 5, room * now, _ROW - 18)))
        labels.append(Label(0, top + _ROW / 2, name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…"))
    return pairs, labels, _ROW * len(bars) + 4
