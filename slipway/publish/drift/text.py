"""A comparison of recent rows with training as lines for a terminal."""

from collections.abc import Iterator, Sequence

from slipway.publish.comparison_text import number
from slipway.publish.drift.errors import CONFIDENCE
from slipway.publish.drift.report import ALPHA, ColumnDrift, DriftReport, ErrorChange, ShareChange

_HEADS = ("", "column", "rows", "PSI", "KS", "JS", "p", "")
_MARKS = {"none": "", "moderate": "*", "large": "**"}
LEVELS = {"none": "", "moderate": "moved", "large": "moved far"}
_WIDEST = 32
_SMALLEST = 0.0001


def lines(report: DriftReport) -> list[str]:
    """The comparison in words, the columns that have moved most first."""
    found = [
        f"{report.rows:,} rows of {report.data} against the {report.training_rows:,} that {report.model} was trained on; "
        f"{report.scored:,} have a prediction",
        "",
    ]
    found += _table([_HEADS, *map(_row, by_level(report.columns))])
    found += [
        "",
        f"* moved, ** moved far: by more than chance (p < {ALPHA}, corrected by Holm for {report.tests} tests), and by enough",
    ]
    if report.estimated:
        found += ["", "error as the predictions tell it; a changed relation between inputs and target they cannot tell"]
        found += map(_error, report.estimated)
    if report.measured:
        found += ["", "error as the target tells it", *map(_error, report.measured)]
    if report.missing:
        found += ["", "not compared", *(f"  {line}" for line in report.missing)]
    if report.ignored:
        found += ["", f"ignored: {', '.join(report.ignored)}"]
    return [*found, "", summary(report)]


def summary(report: DriftReport) -> str:
    """One sentence: what has moved."""
    moved = [title(one) for one in by_level(report.columns) if one.worst != "none"]
    worse = [f"{one.measure} is worse" for one in (*report.estimated, *report.measured) if one.worse]
    if not report.drift:
        return "no drift"
    return f"drift: {', '.join([*moved, *dict.fromkeys(worse)])}"


def by_level(columns: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    """Those that have moved first, the largest index first."""
    order = {"large": 0, "moderate": 1, "none": 2}
    return sorted(columns, key=lambda one: (order[one.worst], -(one.stability_index or 0.0)))


def title(column: ColumnDrift) -> str:
    """The name of a column, and what it is if it is no field."""
    return column.name if column.of == "field" else f"{column.name} ({column.of})"


def p_text(p_value: float | None) -> str:
    """A p-value as a person reads it."""
    if p_value is None:
        return ""
    return f"{p_value:.4f}" if p_value >= _SMALLEST else f"<{_SMALLEST}"


def share_text(share: ShareChange) -> str:
    """`missing 0.0% → 4.2% (moved)`."""
    level = f" ({LEVELS[share.level]})" if share.level != "none" else ""
    return f"{share.name} {share.before:.1%} → {share.now:.1%}{level}"


def remarks(column: ColumnDrift) -> list[str]:
    """What is to be said of a column beside its distances."""
    found = [share_text(one) for one in column.shares if round(one.before, 3) != round(one.now, 3)]
    if column.unknown:
        found.append("new: " + ", ".join(f"{value!r} ({count:,})" for value, count in column.unknown[:3]))
    if column.refused:
        found.append(", ".join(f"{code} ({count:,})" for code, count in column.refused))
    return found


def _row(column: ColumnDrift) -> tuple[str, ...]:
    name = title(column)
    figures = (column.stability_index, column.kolmogorov_smirnov, column.jensen_shannon)
    return (
        _MARKS[column.worst],
        name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…",
        f"{column.rows[0]:,} → {column.rows[1]:,}",
        *("" if figure is None else f"{figure:.3f}" for figure in figures),
        p_text(column.p_value),
        "; ".join(remarks(column)),
    )


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    for row in rows:
        cells = [
            cell.rjust(width) if 2 <= place <= 6 else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def figure(change: ErrorChange, value: float) -> str:
    """A figure of an error: shares in percent."""
    return f"{value:.1%}" if change.measure in ("accuracy", "interval coverage") else number(value)


def _error(change: ErrorChange) -> str:
    value, low, high, training = (figure(change, of) for of in (change.value, change.low, change.high, change.training))
    worse = "   worse" if change.worse else ""
    return f"  {change.measure:20} {value:>10} ({CONFIDENCE:.0%}: {low} to {high}), in training {training}{worse}"
