"""What the cells of a column are (numbers, yes and no, dates, codes or text), and which of them are missing.

Each column is looked at twice: first alone, then with what the other columns of the file have shown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from slipway.tables import dates
from slipway.tables.missing import MISSING_CELLS, is_marker
from slipway.tables.numbers import CODE, EXACT, NUMBER, NumberCells, taken_apart
from slipway.tables.yes_no import spelling, yes_no

STRAY_SHARE = 0.05
"""Share of the rows that may hold something else in a column that is numbers all the same."""
STRAYS, NUMBERS = 3, 20
"""At most so many different cells may be something else, beside at least so many different numbers."""
_SHARES = ("%", "‰")


@dataclass(frozen=True)
class TextColumn:
    """The stripped cells of a column, and what a use case says of it.

    `declared` are the cells that it calls missing (none at all if that is empty), `kind` the kind it names.
    `has_points` says that a point in a number can only be a decimal mark.
    """

    name: str
    cells: list[str]
    declared: tuple[str, ...] | None = None
    kind: str | None = None
    is_target: bool = False
    has_points: bool = False

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each cell occurs, in the order of the file, without empty ones."""
        found = Counter(self.cells)
        del found[""]
        return found

    @cached_property
    def has_empty(self) -> bool:
        """Whether a cell is empty."""
        return len(self.cells) > self.counts.total()

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
        if self.numbers.is_plain:
            return []
        numbers, unit = self.numbers.numbers, self.unit
        return [
            cell
            for cell in self.values
            if cell not in numbers
            or numbers[cell].unit not in ("", unit)
            or (unit in _SHARES and not numbers[cell].unit and float(numbers[cell].point or 1) != 0)
        ]

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
        return not self.is_numeric and (dates.learn(self.values) is not None or dates.is_time(self.values))


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


def typed(cells: Sequence[str | None], numbers: Mapping[str, str] | None) -> pd.Series:
    """Cells as numbers, booleans, or text.

    Parameters
    ----------
    cells : sequence of n (str or None)
        None where missing.
    numbers : mapping of str to str, or None
        Each of them as Python writes it; None if they are not numbers.

    Returns
    -------
    Series of shape (n,)
    """
    if numbers is not None:
        return _numbers(cells, numbers)
    texts = dict.fromkeys(cells)
    texts.pop(None, None)
    pair = yes_no([cell for cell in texts if cell is not None])
    if pair == ("false", "true"):
        flags = [None if cell is None else cell.lower() == "true" for cell in cells]
        return pd.Series(flags, dtype=object if None in flags else bool)
    if pair:
        spelt = spelling(Counter(cell for cell in cells if cell is not None))
        return pd.Series([None if cell is None else spelt[cell] for cell in cells], dtype=object)
    return pd.Series(list(cells), dtype=object)


def _numbers(cells: Sequence[str | None], numbers: Mapping[str, str]) -> pd.Series:
    whole = None not in cells and not any("." in text or len(text) > 18 for text in numbers.values())
    if whole and all(text.lstrip("+-").isdigit() for text in numbers.values()):
        integers = {cell: int(text) for cell, text in numbers.items()}
        return pd.Series(np.array([integers[cell] for cell in cells], dtype="int64"))  # type: ignore[index]
    floats: dict[str | None, float] = {cell: float(text) for cell, text in numbers.items()}
    floats[None] = float("nan")
    return pd.Series(np.array([floats[cell] for cell in cells], dtype="float64"))


def plain_numbers(cells: Sequence[str | None]) -> pd.Series:
    """Cells as numbers if all are numbers as Python writes them and none is a code, else as `typed` has them."""
    present = {cell for cell in cells if cell is not None}
    numeric = bool(present) and all(map(NUMBER.fullmatch, present)) and TextColumn("", list(present)).codes is None
    return typed(cells, {cell: cell for cell in present} if numeric else None)
