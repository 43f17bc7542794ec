"""A comparison of recent rows with training as lines for a terminal, in one language."""

from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

from slipway.i18n.catalogues import FALLBACK
from slipway.i18n.formats import format_share
from slipway.publish.drift.errors import CONFIDENCE
from slipway.publish.drift.report import ALPHA, ColumnDrift, DriftReport, ErrorChange
from slipway.publish.drift.words import Words, by_level

_MARKS = {"none": "", "moderate": "*", "large": "**"}
_WIDEST = 32
_MEASURE, _FIGURE = 20, 10
"""Cells of a terminal for the name of a measure, and its figure."""


def lines(report: DriftReport, language: str = FALLBACK) -> list[str]:
    """The comparison in words, the columns that have moved most first."""
    words = Words(language)
    t = words.t
    heads = ("", t("drift.column"), t("drift.rows"), "PSI", "KS", "JS", "p", "")
    rows, scored = t("text.rows", count=report.rows), t("drift.scored", count=report.scored)
    found = [
        t("drift.lead", rows=rows, data=report.data, training=report.training_rows, model=report.model, scored=scored)
    ]
    found += ["", *_table([heads, *(_row(words, one) for one in by_level(report.columns))])]
    found += ["", t("drift.marks", alpha=ALPHA, count=report.tests)]
    if report.estimated:
        found += ["", t("drift.estimated_as"), *(_error(words, one) for one in report.estimated)]
    if report.measured:
        found += ["", t("drift.measured_as"), *(_error(words, one) for one in report.measured)]
    if report.missing:
        found += ["", t("drift.not_compared"), *(f"  {words.not_compared(one)}" for one in report.missing)]
    if report.ignored:
        found += ["", t("text.term", term=t("drift.ignored"), value=words.listed(report.ignored))]
    return [*found, "", words.summary(report)]


def _row(words: Words, column: ColumnDrift) -> tuple[str, ...]:
    name = words.title(column)
    figures = (column.stability_index, column.kolmogorov_smirnov, column.jensen_shannon)
    return (
        _MARKS[column.worst],
        name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…",
        " → ".join(map(words.number, column.rows)),
        *("" if figure is None else words.number(figure, 3) for figure in figures),
        words.p_value(column.p_value),
        words.t("text.semicolon").join(words.remarks(column)),
    )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(_width(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = [
            _filled(cell, width, at_right=2 <= place <= 6)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def _error(words: Words, change: ErrorChange) -> str:
    value, interval, training = words.error(change)
    confidence = format_share(CONFIDENCE, 0, words.language)
    rest = words.t("drift.error", confidence=confidence, interval=interval, training=training)
    worse = f"   {words.t('drift.worse')}" if change.worse else ""
    return (
        f"  {_filled(words.measure(change.measure), _MEASURE)} {_filled(value, _FIGURE, at_right=True)} {rest}{worse}"
    )


def _width(text: str) -> int:
    """Cells of a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _filled(text: str, width: int, at_right: bool = False) -> str:
    blanks = " " * (width - _width(text))
    return f"{blanks}{text}" if at_right else f"{text}{blanks}"
