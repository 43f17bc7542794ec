"""A line with a stray quote, cut into the number of cells that the other rows have.

A quote may be text: `5" pipe`, one at the start of a cell that is never closed, one inside a quoted cell that is not doubled. Of all
ways to cut a line, the one with the right number of cells is taken that takes the fewest quotes for text.
"""

import re
from collections.abc import Iterator
from itertools import islice

from slipway.tables.dialect import Dialect

_STRAY, _LONE, _INSIDE = 3.0, 1.0, 0.25
"""What it costs to take a quote for text: at the start of a cell, alone inside a quoted cell, inside a plain cell."""
_MOST_SEPARATORS, _CLOSINGS = 120, 12
"""Lines with more are cut at the first quotes that may close a cell, or at every separator."""


def cut(line: str, dialect: Dialect, width: int | None, thorough: bool = True) -> list[str] | None:
    """The cells of a line without its line end.

    Parameters
    ----------
    line : str
    dialect : Dialect
    width : int, optional
        How many cells there must be; without it, the ways of cutting are compared by their quotes alone.
    thorough : bool, default=True
        Whether every way is tried; the time goes with the square of the number of separators.

    Returns
    -------
    list of str or None
        None if the line cannot be cut so.
    """
    separators = line.count(dialect.separator)
    if width is not None and separators < width - 1:
        return None
    if dialect.quote and not dialect.spaced and line.count(dialect.quote) == 1:  # it closes nothing
        return line.split(dialect.separator) if width in (None, separators + 1) else None
    cells = _first_closings(line, dialect)
    if cells is not None and width in (None, len(cells)):
        return cells
    if not thorough or separators > _MOST_SEPARATORS:
        return line.split(dialect.separator) if width in (None, separators + 1) else None
    ways = _Ways(line, dialect)
    counts = [width] if width is not None else range(1, separators + 2)
    found = [way for count in counts if (way := ways.best(0, count)) is not None]
    return list(min(found)[1]) if found else None


def _closing(dialect: Dialect) -> re.Pattern[str]:
    """A quote that may end a cell: a separator follows, perhaps after spaces."""
    spaces = "" if dialect.separator == " " else " *"
    return re.compile(rf"{dialect.quote}{spaces}(?={re.escape(dialect.separator)}|$)")


def _first_closings(line: str, dialect: Dialect) -> list[str] | None:
    """The cells of a line where a quoted one ends at the first quote before a separator; None if one never ends."""
    cells, quote, separator = [], dialect.quote or "\0", dialect.separator
    closing, at = _closing(dialect), 0
    while True:
        while dialect.spaced and line.startswith(" ", at):
            at += 1
        if line.startswith(quote, at):
            close = closing.search(line, at + 1)
            if close is None:
                return None
            cells.append(line[at + 1 : close.start()].replace(quote * 2, quote))
            at = close.end()
        else:
            end = line.find(separator, at)
            end = len(line) if end < 0 else end
            cells.append(line[at:end])
            at = end
        if at >= len(line):
            return cells
        at += len(separator)


class _Ways:
    """The ways to cut one line, by where a cell begins and how many are still to come."""

    def __init__(self, line: str, dialect: Dialect) -> None:
        self._line = line
        self._separator = dialect.separator
        self._quote = dialect.quote or ""
        self._spaced = dialect.spaced
        self._closing = _closing(dialect)
        self._known: dict[tuple[int, int], tuple[float, tuple[str, ...]] | None] = {}

    def best(self, start: int, count: int) -> tuple[float, tuple[str, ...]] | None:
        """The cheapest way to cut the rest of the line into so many cells, and what it costs."""
        if (start, count) not in self._known:
            self._known[start, count] = self._best(start, count)
        return self._known[start, count]

    def _best(self, start: int, count: int) -> tuple[float, tuple[str, ...]] | None:
        best: tuple[float, tuple[str, ...]] | None = None
        for cost, end, cell in self._cells(start):
            last = end >= len(self._line)
            if last != (count == 1):
                continue
            rest = (0.0, ()) if last else self.best(end + len(self._separator), count - 1)
            if rest is not None and (best is None or cost + rest[0] < best[0]):
                best = cost + rest[0], (cell, *rest[1])
        return best

    def _cells(self, start: int) -> Iterator[tuple[float, int, str]]:
        """What may begin here: cost, where it ends, and its text."""
        line, quote = self._line, self._quote
        begin = start
        if self._spaced:
            while line.startswith(" ", begin):
                begin += 1
        end = line.find(self._separator, begin)
        end = len(line) if end < 0 else end
        plain = line[begin:end]
        quoted = bool(quote) and line.startswith(quote, begin)
        yield (_STRAY if quoted else _INSIDE * (bool(quote) and quote in plain)), end, plain
        if not quoted:
            return
        for close in islice(self._closing.finditer(line, begin + 1), _CLOSINGS):
            inner = line[begin + 1 : close.start()]
            yield _LONE * self._lone(inner), close.end(), inner.replace(quote * 2, quote)

    def _lone(self, inner: str) -> int:
        return sum(len(run) % 2 for run in re.findall(f"{self._quote}+", inner))
