"""A comparison of recent rows with training as one HTML file, which can be handed over: it fetches nothing and has no script."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

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
from slipway.publish.drift.text import LEVELS, by_level, figure, p_text, remarks, summary, title

_HTML = macros("publish/drift/report.html")
_STYLE = Path(__file__).with_name("report.css")
_WIDTH, _HEIGHT, _ROW, _LABELS = 900.0, 150.0, 26.0, 220.0
_TEXT = 20.0
"""Height of a line of labels."""
_WIDEST = 28
"""Characters of a category beside its bars."""
_HEADS = ("column", "verdict", "training rows", "recent rows", "PSI", "KS", "JS", "p", "remarks")


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


def page(report: DriftReport) -> str:
    """The whole file.

    Parameters
    ----------
    report : DriftReport

    Returns
    -------
    str
    """
    columns = by_level(report.columns)
    errors = [
        (
            "Estimated error",
            "As inputs and predictions alone tell it. That the relation between inputs and target has changed, they cannot tell.",
            [*map(_error, report.estimated)],
        ),
        ("Measured error", "As the target of the recent rows tells it.", [*map(_error, report.measured)]),
    ]
    thresholds = {"alpha": ALPHA, "moderate": MODERATE, "large": LARGE}
    thresholds |= {"small_effect": SMALL_EFFECT, "large_effect": LARGE_EFFECT}
    facts = {"drift": report.drift, "tests": report.tests, "missing": report.missing, **thresholds}
    return str(
        _HTML.document(
            facts,
            f"Drift of {report.model}",
            summary(report),
            Markup(_STYLE.read_text(encoding="utf-8")),  # noqa: S704
            [*_facts(report)],
            _HEADS,
            [*map(_row, columns)],
            [one for one in errors if one[2]],
            [*_reliability(report)],
            [*map(_chart, columns)],
        )
    )


def _facts(report: DriftReport) -> Iterator[tuple[str, str]]:
    yield "recent rows", f"{report.rows:,} of {report.data}; {report.scored:,} have a prediction"
    yield "training", f"{report.training_rows:,} rows"
    yield "compared", report.time
    if report.ignored:
        yield "ignored", ", ".join(report.ignored)


def _row(column: ColumnDrift) -> tuple[str, ...]:
    figures = (column.stability_index, column.kolmogorov_smirnov, column.jensen_shannon)
    return (
        title(column),
        LEVELS[column.worst],
        *(f"{rows:,}" for rows in column.rows),
        *("" if one is None else f"{one:.3f}" for one in figures),
        p_text(column.p_value),
        "; ".join(remarks(column)),
    )


def _error(change: ErrorChange) -> tuple[str, ...]:
    value, low, high, training = (figure(change, of) for of in (change.value, change.low, change.high, change.training))
    return change.measure, value, f"{low} to {high}", training, "worse" if change.worse else ""


def _reliability(report: DriftReport) -> Iterator[tuple[str, ...]]:
    for one in report.reliability:
        shares = ("" if share is None else f"{share:.1%}" for share in (one.predicted, one.observed))
        yield f"{one.low:.1%} to {one.high:.1%}", f"{one.rows:,}", *shares, f"{one.training:.1%}"


def _chart(column: ColumnDrift) -> Chart:
    sums = [max(1, rows) for rows in column.rows]
    shares = [(bar.before / sums[0], bar.now / sums[1]) for bar in column.bars]
    top = max((share for pair in shares for share in pair), default=0.0) or 1.0
    is_ordered = bool(column.bars) and column.bars[0].low is not None
    draw = _histogram if is_ordered else _categories
    bars, labels, height = draw(column.bars, [(one / top, other / top) for one, other in shares])
    rows: list[tuple[str, ...]] = [
        (_name(bar), f"{bar.before:,}", f"{before:.1%}", f"{bar.now:,}", f"{now:.1%}")
        for bar, (before, now) in zip(column.bars, shares, strict=True)
    ]
    return Chart(title(column), LEVELS[column.worst], remarks(column), _WIDTH, height, bars, labels, rows)


def _histogram(bars: tuple[Bar, ...], shares: list[tuple[float, float]]) -> tuple[list[Pair], list[Label], float]:
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
    labels = [Label(0, below, _edge(bars[0].low)), Label(_WIDTH, below, _edge(bars[-1].high), "end")]
    if len(bars) > 2:
        middle = len(bars) // 2
        labels.append(Label(middle * step, below, _edge(bars[middle].low), "middle"))
    return pairs, labels, _HEIGHT + _TEXT


def _categories(bars: tuple[Bar, ...], shares: list[tuple[float, float]]) -> tuple[list[Pair], list[Label], float]:
    """A line for each category."""
    room = _WIDTH - _LABELS - 4
    pairs, labels = [], []
    for place, (bar, (before, now)) in enumerate(zip(bars, shares, strict=True)):
        top, name = place * _ROW + 2, _name(bar)
        pairs.append(Pair(Box(_LABELS, top, room * before, _ROW - 8), Box(_LABELS, top + 5, room * now, _ROW - 18)))
        labels.append(Label(0, top + _ROW / 2, name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…"))
    return pairs, labels, _ROW * len(bars) + 4


def _name(bar: Bar) -> str:
    if bar.others:
        return "all others"
    return str(bar.value) if bar.low is None else f"{_edge(bar.low)} to {_edge(bar.high)}"


def _edge(edge: float | int | str | None) -> str:
    return f"{edge:,.6g}" if isinstance(edge, (int, float)) else str(edge)
