"""From counts to a verdict on each column: distances, tests, and their correction for how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from slipway.publish.drift.counts import FieldCounts
from slipway.publish.drift.distances import (
    chi_squared,
    holm,
    jensen_shannon,
    kolmogorov_smirnov,
    share_difference,
    stability_index,
    tenths,
)
from slipway.publish.drift.report import (
    ALPHA,
    LARGE,
    LARGE_EFFECT,
    MODERATE,
    SMALL_EFFECT,
    Bar,
    ColumnDrift,
    Level,
    ShareChange,
    ShareName,
)
from slipway.schema.profile import CategoryCounts, Histogram

LISTED = 10
"""New categories that are named."""


@dataclass(frozen=True)
class Compared:
    """A column before it is judged: its bars in training and recently, in an order if `is_ordered`.

    `shares` are (name, (rows with it, rows) in training, the same recently).
    """

    column: ColumnDrift
    is_ordered: bool
    shares: tuple[tuple[ShareName, tuple[int, int], tuple[int, int]], ...] = ()


def of_field(counts: FieldCounts, rows: int) -> Compared:
    """A field as it was counted.

    Parameters
    ----------
    counts : FieldCounts
    rows : int
        Of training.

    Returns
    -------
    Compared
    """
    before, now = counts.before, counts.counts.tolist()
    unknown, refused = counts.unknown.total(), counts.refused.total()
    shares: list[tuple[ShareName, tuple[int, int], tuple[int, int]]] = []
    if counts.rows and rows:
        shares = [
            ("missing", (before.missing, rows), (counts.missing, counts.rows)),
            ("refused", (0, rows), (refused, counts.rows)),
        ]
        if isinstance(before, CategoryCounts):
            shares.append(("unknown category", (0, rows), (unknown, counts.rows)))
        elif counts.item.kind != "text":
            shares.append(("outside the training range", (0, rows), (counts.out_of_range, counts.rows)))
    column = column_of(counts.item.name, "field", bars_of(before, now))
    column = replace(
        column, unknown=tuple(counts.unknown.most_common(LISTED)), refused=tuple(sorted(counts.refused.items()))
    )
    return Compared(column, isinstance(before, Histogram), tuple(shares))


def bars_of(before: Histogram | CategoryCounts, now: Sequence[int]) -> tuple[Bar, ...]:
    """The bars of training with recent rows beside them.

    Parameters
    ----------
    before : Histogram or CategoryCounts
    now : sequence of n_bars ints
        For categories with one more at the end, of those that are not listed.

    Returns
    -------
    tuple of Bar
    """
    if isinstance(before, Histogram):
        ends = zip(before.edges, islice(before.edges, 1, None), before.counts, now, strict=False)
        return tuple(Bar(rows, recent, low=low, high=high) for low, high, rows, recent in ends)
    listed = tuple(
        Bar(rows, recent, value=value) for value, rows, recent in zip(before.values, before.counts, now, strict=False)
    )
    return (*listed, Bar(before.others, now[-1], others=True)) if before.others or now[-1] else listed


def column_of(name: str, of: str, bars: tuple[Bar, ...]) -> ColumnDrift:
    """A column of which nothing is known but its bars."""
    rows = sum(bar.before for bar in bars), sum(bar.now for bar in bars)
    return ColumnDrift(name, of, rows, None, None, None, None, None, "none", (), bars)  # type: ignore[arg-type]


def judged(compared: Sequence[Compared]) -> tuple[tuple[ColumnDrift, ...], int]:
    """All columns with their distances and levels, and how many tests there were.

    Parameters
    ----------
    compared : sequence of Compared

    Returns
    -------
    columns : tuple of ColumnDrift
    tests : int
    """
    columns = [_distances(one) for one in compared]
    p_values = [column.p_value for column in columns if column.p_value is not None]
    p_values += [share.p_value for column in columns for share in column.shares]
    corrected = iter(holm(p_values))
    columns = [
        column if column.p_value is None else _with_level(replace(column, p_value=next(corrected)))
        for column in columns
    ]
    found = []
    for column in columns:
        shares = (replace(share, p_value=next(corrected)) for share in column.shares)
        found.append(replace(column, shares=tuple(replace(share, level=_level_of_share(share)) for share in shares)))
    return tuple(found), len(p_values)


def _distances(one: Compared) -> ColumnDrift:
    """A column with its distances and uncorrected p-values."""
    shares = []
    for name, before, now in one.shares:
        effect, p_value = share_difference(before, now)
        shares.append(ShareChange(name, before[0] / before[1], now[0] / now[1], now[1], effect, p_value, "none"))
    column = replace(one.column, shares=tuple(shares))
    if not all(column.rows) or len(column.bars) < 2:
        return column
    training, recent = (np.array(cells, dtype="int64") for cells in _cells(column.bars))
    if not one.is_ordered:
        return replace(
            column,
            stability_index=stability_index(training, recent),
            jensen_shannon=jensen_shannon(training, recent),
            test="χ²",
            p_value=chi_squared(training, recent),
        )
    starts = tenths(training)
    largest, p_value = kolmogorov_smirnov(training, recent)
    return replace(
        column,
        stability_index=stability_index(np.add.reduceat(training, starts), np.add.reduceat(recent, starts)),
        kolmogorov_smirnov=largest,
        jensen_shannon=jensen_shannon(training, recent),
        test="Kolmogorov–Smirnov",
        p_value=p_value,
    )


def _cells(bars: Sequence[Bar]) -> tuple[list[int], list[int]]:
    return [bar.before for bar in bars], [bar.now for bar in bars]


def _with_level(column: ColumnDrift) -> ColumnDrift:
    index = column.stability_index or 0.0
    level: Level = "large" if index >= LARGE else "moderate" if index >= MODERATE else "none"
    return replace(column, level=level if (column.p_value or 0.0) < ALPHA else "none")


def _level_of_share(share: ShareChange) -> Level:
    if share.p_value >= ALPHA or abs(share.effect) < SMALL_EFFECT:
        return "none"
    return "large" if abs(share.effect) >= LARGE_EFFECT else "moderate"
