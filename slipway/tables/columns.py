"""What the cells of a column are (numbers, yes and no, dates, codes or text), and which of them are missing.

Each column is looked at twice: first alone, then with what the other columns of the file have shown.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np
import pandas as pd

from slipway.tables import dates
from slipway.tables.evidence import OTHERS, Cells
from slipway.tables.missing import MISSING_CELLS, is_marker
from slipway.tables.numbers import CODE, EXACT, NUMBER, NumberCells, taken_apart
from slipway.tables.yes_no import spelling, yes_no

STRAY_SHARE = 0.05
"""Share of the rows that may hold something else in a column that is numbers all the same."""
STRAYS, NUMBERS = 3, 20
"""At most so many different cells may be something else, beside at least so many different numbers."""
_SHARES = ("%", "‰")
_NOTHING = "\0nothing\0"
"""Stands for a missing value among texts, where an empty text is a value."""


@dataclass(frozen=True)
class TextColumn:
    """The stripped cells of a column, and what a use case says of it.

    `declared` are the cells that it calls missing (none at all if that is empty), `kind` the kind it names.
    `has_points` says that a point in a number can only be a decimal mark.
    """

    name: str
    cells: Cells
    declared: tuple[str, ...] | None = None
    kind: str | None = None
    is_target: bool = False
    has_points: bool = False

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each cell occurs, in the order of the file, without empty ones; of many, samples."""
        return self.cells.counts(self.declared or ())

    @property
    def has_empty(self) -> bool:
        """Whether a cell is empty."""
        return self.cells.has_empty

    @cached_property
    def _all_plain(self) -> bool:
        """Whether all are plain numbers, as in most columns: then much need not be looked at."""
        return all(map(NUMBER.fullmatch, self.counts))

    @cached_property
    def markers(self) -> list[str]:
        """The cells that may stand for "nothing here", besides those that are declared so."""
        if self.declared == () or self._all_plain:
            return []
        return [cell for cell in self.counts if cell not in self._declared_marks and is_marker(cell)]

    @cached_property
    def _declared_marks(self) -> frozenset[str]:
        # Numbers that stand for missing are seen to when kinds are known.
        return frozenset(cell for cell in self.declared or () if taken_apart(cell) is None)

    @cached_property
    def values(self) -> Counter[str]:
        """The cells that are neither empty nor declared missing nor possible markers, and how often they occur."""
        out = self._declared_marks.union(self.markers)
        return Counter({cell: rows for cell, rows in self.counts.items() if cell not in out}) if out else self.counts

    @cached_property
    def numbers(self) -> NumberCells:
        """The values as numbers."""
        return NumberCells(self.values, self.has_points)

    @cached_property
    def unit(self) -> str:
        """The unit that most of its numbers have."""
        if self.numbers.is_plain:
            return ""
        rows: Counter[str] = Counter()
        for cell, number in self.numbers.numbers.items():
            if number.unit or number.point != "0":  # zero needs no unit
                rows[number.unit] += self.values[cell]
        return max(rows, key=rows.__getitem__, default="")

    @cached_property
    def odd(self) -> list[str]:
        """The values that are no numbers of its unit."""
        return [] if self.numbers.is_plain else [cell for cell in self.values if self._is_odd(cell)]

    def _is_odd(self, cell: str) -> bool:
        number = self.numbers.numbers.get(cell) or taken_apart(cell)
        if number is None or number.unit not in ("", self.unit):
            return True
        return self.unit in _SHARES and not number.unit and float(number.point or 1) != 0

    @cached_property
    def different(self) -> tuple[int, int]:
        """How many different values there are, and how many of them are odd."""
        if self.cells.is_few or not self.odd or len(self.odd) == len(self.values):
            return len(self.values), len(self.odd)
        every = np.unique(np.fromiter(map(hash, self._failing(lambda cell: False)), np.int64))
        numbers = np.unique(np.fromiter(map(hash, self._failing(self._is_odd)), np.int64))
        return len(every), len(every) - len(numbers)

    def _failing(self, check: Callable[[str], object]) -> Iterator[str]:
        """The values of which a check is not true; some of them again."""
        out = self._declared_marks.union(self.markers)
        return (cell for cell in self.cells.failing(check) if cell not in out)

    @cached_property
    def strays(self) -> list[str]:
        """The odd values, if they are so few that the column is numbers all the same."""
        few = self.kind in (None, "number", "integer") and not self.is_target and 0 < len(self.odd) <= STRAYS
        if not few or len(self.values) - len(self.odd) < NUMBERS:
            return []
        rows = sum(self.values[cell] for cell in self.odd)
        return self.odd if rows <= STRAY_SHARE * self.values.total() and not self._as_codes else []

    @cached_property
    def is_numeric(self) -> bool:
        """Whether its values are numbers of one unit, but for strays."""
        return bool(self.values) and len(self.odd) == len(self.strays) and self.kind != "text" and not self.codes

    @property
    def codes(self) -> str | None:
        """Why its numbers are codes whose text counts: "zeros", "mixed", "long", or None if they are not."""
        return None if self.kind in ("number", "integer") or self.odd and not self.strays else self._as_codes

    @cached_property
    def _as_codes(self) -> str | None:
        if any(map(CODE.fullmatch, self.values)):
            return "zeros"
        if all(map(str.isdigit, self.values)) and self.values:
            longest = max(map(len, self.values))
            if longest > 15 and max(map(int, self.values)) > EXACT:
                return "long"
            return None
        exponents = [cell for cell in self.values if "e" in cell or "E" in cell]
        marked = [cell.lower().split("e") for cell in exponents]
        # 1E2 beside 100; but 1e+05 beside 100 is how R writes numbers.
        if exponents and all(len(parts) == 2 and all(map(str.isdigit, parts)) for parts in marked):
            others = [cell for cell in self.values if cell.isdigit()]
            is_mix = len(others) + len(exponents) == len(self.values)
            return "mixed" if is_mix and set(others) - {"0"} else None
        return None

    @cached_property
    def is_temporal(self) -> bool:
        """Whether its values are dates or times of day."""
        if self.is_numeric:
            return False
        if self.cells.is_few:
            return dates.learn(self.values) is not None or dates.is_time(self.values)
        times = dates.is_time(self.values) and next(self._failing(dates.time_of_day), None) is None
        return times or self._are_dates()

    def _are_dates(self) -> bool:
        """Whether many different values are dates: those of a format that some of them have, or of one that the others allow."""
        seen = dict.fromkeys(self.values)
        while (learnt := dates.learn(seen)) is not None:
            others = [*islice(self._failing(learnt.format.moment), OTHERS)]
            if not others:
                return True
            if seen.keys() >= set(others):
                return False
            seen |= dict.fromkeys(others)
        return False


def missing_markers(column: TextColumn, quoted: Mapping[str, bool] | None, gaps: "Gaps") -> tuple[list[str], str]:
    """Which of a column's markers are missing, and what decided that.

    Parameters
    ----------
    column : TextColumn
    quoted : mapping of str to bool, optional
        Of each cell whether it stands in quotes, where texts do and missing values do not.
    gaps : Gaps
        What the number columns of the file have for missing values.

    Returns
    -------
    markers : list of str
    why : str
        "numbers", "quotes", "file", or "convention".
    """
    if not column.markers:
        return [], "convention"
    if column.is_numeric or column.is_temporal:
        return column.markers, "numbers"
    if quoted is not None:
        return [cell for cell in column.markers if not quoted.get(cell, True)], "quotes"
    if gaps.markers or gaps.empty:
        return [cell for cell in column.markers if cell in gaps.markers], "file"
    return [cell for cell in column.markers if cell in MISSING_CELLS], "convention"


@dataclass(frozen=True)
class Gaps:
    """What stands for missing values in the columns of numbers and dates: markers, or empty cells."""

    markers: frozenset[str] = field(default_factory=frozenset)
    empty: bool = False

    @classmethod
    def of(cls, columns: Iterable[TextColumn]) -> "Gaps":
        """Those of the columns that are numbers or dates beyond doubt."""
        sure = [column for column in columns if (column.markers or column.has_empty) and column.values]
        sure = [column for column in sure if column.is_numeric or column.is_temporal]
        markers = frozenset(cell for column in sure for cell in column.markers)
        return cls(markers, any(column.has_empty for column in sure))


def typed(
    cells: Cells,
    out: Collection[str],
    numbers: Mapping[str, str] | None,
    plain: Callable[[str], str | None] = str,
) -> pd.Series:
    """Cells as numbers, booleans, or text.

    Parameters
    ----------
    cells : Cells
        Of n rows.
    out : collection of str
        Those that are missing; an empty one is if it is among them.
    numbers : mapping of str to str, or None
        Those that are numbers, as Python writes them; None if they are not numbers.
    plain : callable
        How Python writes a number that is not among them.

    Returns
    -------
    Series of shape (n,)
        Of dtype int64, float64, bool, object, or `string` for many different texts.
    """
    if numbers is not None:
        return _numbers(cells, out, numbers, plain)
    if not cells.is_few:
        return _texts(cells, out)
    texts = {cell: rows for cell, rows in cells.every().items() if cell not in out}
    pair = yes_no(texts)
    if pair == ("false", "true"):
        whole = len(texts) == len(cells.every())
        flags = cells.array(lambda cell: None if cell in out else cell.lower() == "true", object)
        return pd.Series(flags.astype(bool) if whole else flags)
    spelt = spelling(texts) if pair else {}
    return pd.Series(cells.array(lambda cell: None if cell in out else spelt.get(cell, cell), object))


def _texts(cells: Cells, out: Collection[str]) -> pd.Series:
    """Many different texts, as one of Arrow's arrays where there is pyarrow: an object for each takes three times as much."""
    try:
        import pyarrow as pa

        parts = [pa.array([None if cell in out else cell for cell in part], pa.string()) for part in cells.parts()]
        return pd.Series(pd.arrays.ArrowStringArray(pa.chunked_array(parts)))
    except (ImportError, UnicodeEncodeError):
        return pd.Series(cells.array(lambda cell: None if cell in out else cell, object))


def _numbers(
    cells: Cells, out: Collection[str], numbers: Mapping[str, str], plain: Callable[[str], str | None]
) -> pd.Series:
    def written(cell: str) -> str:
        return numbers.get(cell) or plain(cell) or ""

    whole = not any("." in text or len(text) > 18 for text in numbers.values())
    if whole and all(text.lstrip("+-").isdigit() for text in numbers.values()) and not cells.has_any(out):
        return pd.Series(cells.array(lambda cell: int(written(cell)), np.int64))
    gap = float("nan")
    return pd.Series(cells.array(lambda cell: gap if cell in out else float(written(cell)), np.float64))


def plain_numbers(cells: Sequence[str | None]) -> pd.Series:
    """Cells as numbers if all are numbers as Python writes them and none is a code, else as `typed` has them."""
    present = {cell for cell in cells if cell is not None}
    numeric = bool(present) and all(map(NUMBER.fullmatch, present)) and TextColumn("", Cells([*present])).codes is None
    every = Cells([_NOTHING if cell is None else cell for cell in cells])
    return typed(every, {_NOTHING}, {cell: cell for cell in present} if numeric else None)
