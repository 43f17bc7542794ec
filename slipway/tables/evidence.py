"""What the cells of a column have to say, without all of them being in memory.

A column with few different cells is judged by each of them. One with many is judged by samples: some cells of each shape of
number (`1.204,50` and `5.608,90` have one shape, since only zeros tell digits apart), the first of the cells that are no
numbers, and every one that may stand for a missing value. No decision depends on more than that, but for dates, which are
checked in each cell, and counts, which are counted.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.tables.compact import Column, compact_column
from slipway.tables.missing import LONGEST, is_marker
from slipway.tables.numbers import taken_apart

SAMPLES, FEW_SHAPES, LEAST_SAMPLES = 20, 50, 5
"""Cells of a shape of number that are kept; of the first shapes more, so that at least as many different ones are known."""
OTHERS = 32
"""Cells that are kept of those that are no numbers."""
_SHAPES = str.maketrans("23456789", "11111111")
_LONG = 16
"""Digits of the numbers of which some are beyond 2^53: the largest is a sample, too."""
_KNOWN = 100_000
"""Shapes of texts that are remembered as no number."""


class Cells:
    """The stripped cells of a column.

    Parameters
    ----------
    column : Column or sequence of str
    """

    def __init__(self, column: Column | Sequence[str]) -> None:
        self._column = column if isinstance(column, Column) else compact_column(column)
        self.rows = sum(map(_rows, self._column.parts))
        self.is_few = self._column.is_few

    def parts(self) -> Iterator[list[str]]:
        """All cells, in blocks."""
        if self.is_few:
            texts = np.array([text.strip() for text in self._column.texts], dtype=object)
            for part in self._column.codes:
                yield texts[part].tolist()
        else:
            for place in range(len(self._column.parts)):
                yield [*map(str.strip, self._column.cells(place))]

    @cached_property
    def _distinct(self) -> tuple[dict[str, int], NDArray[Any], NDArray[Any]]:
        """Of a column with few: a number for each cell, and how often and where first each occurs."""
        numbers: dict[str, int] = {}
        for text in self._column.texts:
            numbers.setdefault(text.strip(), len(numbers))
        counts, firsts, start = np.zeros(len(numbers), np.int64), np.full(len(numbers), self.rows), 0
        numbered = np.array([numbers[text.strip()] for text in self._column.texts], np.int64)
        for part in self._column.codes:
            found = numbered[part]
            counts += np.bincount(found, minlength=len(numbers))
            first = np.full(len(numbers), self.rows)
            first[found[::-1]] = np.arange(start + len(found) - 1, start - 1, -1)
            np.minimum(firsts, first, out=firsts)
            start += len(found)
        return numbers, counts, firsts

    def counts(self, kept: Collection[str] = ()) -> Counter[str]:
        """How often each cell occurs, in the order of the file, without empty ones; of a column with many, the samples.

        Parameters
        ----------
        kept : collection of str
            Cells that are counted whatever they look like.
        """
        if not self.is_few:
            return _Samples(frozenset(kept)).of(self.parts())
        return Counter({cell: rows for cell, rows in self.every().items() if cell})

    def every(self) -> dict[str, int]:
        """How often each cell occurs, the empty one too; of a column with few."""
        numbers, counts, _ = self._distinct
        return {cell: int(rows) for cell, rows in zip(numbers, counts, strict=True)}

    def has_any(self, among: Collection[str]) -> bool:
        """Whether a cell is one of these."""
        if self.is_few:
            return any(cell in self._distinct[0] for cell in among)
        return any(not among.isdisjoint(cells) for among in [{*among}] for cells in self.parts())

    @cached_property
    def has_empty(self) -> bool:
        """Whether a cell is empty."""
        return self.has_any({""})

    def count(self, cell: str) -> int:
        """In how many rows a cell is."""
        if self.is_few:
            numbers, counts, _ = self._distinct
            return int(counts[numbers[cell]]) if cell in numbers else 0
        return sum(cells.count(cell) for cells in self.parts())

    def first(self, cell: str) -> int | None:
        """The first row that has a cell."""
        if self.is_few:
            numbers, _, firsts = self._distinct
            return int(firsts[numbers[cell]]) if cell in numbers else None
        start = 0
        for cells in self.parts():
            if cell in cells:
                return start + cells.index(cell)
            start += len(cells)
        return None

    def places(self, among: Collection[str]) -> NDArray[Any]:
        """The rows whose cell is one of these."""
        if self.is_few:
            wanted = np.array([text.strip() in among for text in self._column.texts], bool)
            flags = [wanted[part] for part in self._column.codes]
        else:
            flags = [np.fromiter((cell in among for cell in cells), bool, len(cells)) for cells in self.parts()]
        return np.flatnonzero(np.concatenate(flags)) if flags else np.empty(0, np.int64)

    def all(self, check: Callable[[str], Any]) -> bool:
        """Whether a check is true of each cell that is not empty."""
        return next(self.failing(check), None) is None

    def failing(self, check: Callable[[str], Any]) -> Iterator[str]:
        """The cells that are not empty of which a check is not true, in the order of the file; some of them again."""
        for cells in [list(self._distinct[0])] if self.is_few else self.parts():
            for cell in dict.fromkeys(cells):
                if cell and not check(cell):
                    yield cell

    def array(self, value: Callable[[str], Any], dtype: Any) -> NDArray[Any]:
        """What stands for each cell.

        Parameters
        ----------
        value : callable
            Called once for each different cell if these are few.
        dtype
            Of the array.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        found, start = np.empty(self.rows, dtype), 0
        if self.is_few:
            texts = [text.strip() for text in self._column.texts]
            values = np.empty(len(texts), dtype)
            values[:] = [value(text) for text in texts]
            for part in self._column.codes:
                found[start : start + len(part)] = values[part]
                start += len(part)
            return found
        for cells in self.parts():
            found[start : start + len(cells)] = [*map(value, cells)]
            start += len(cells)
        return found


class _Samples:
    """The cells of a column with many different ones by which it is judged, and how many rows they stand for."""

    def __init__(self, kept: frozenset[str]) -> None:
        self._kept = kept
        self._counts: Counter[str] = Counter()
        self._shapes: dict[str, list[str]] = {}  # of numbers, with their samples
        self._no_numbers: set[str] = set()
        self._others: list[str] = []
        self._largest = ""

    def of(self, parts: Iterator[list[str]]) -> Counter[str]:
        for cells in parts:
            shapes = self._shapes_of(cells)
            looked_at = set()
            for shape, rows in Counter(shapes).items():
                if (
                    self._is_number(shape)
                    and len(self._shapes.setdefault(shape, [])) >= self._most()
                    and not _is_long(shape)
                ):
                    self._counts[self._shapes[shape][-1]] += rows
                elif shape:
                    looked_at.add(shape)
            if looked_at:
                for cell, shape in zip(cells, shapes, strict=True):
                    if shape in looked_at:
                        self._look_at(cell, shape)
        return self._counts

    def _most(self) -> int:
        return SAMPLES if len(self._shapes) <= FEW_SHAPES else LEAST_SAMPLES

    @staticmethod
    def _shapes_of(cells: list[str]) -> list[str]:
        shapes = "\0".join(cells).translate(_SHAPES).split("\0")
        return shapes if len(shapes) == len(cells) else [cell.translate(_SHAPES) for cell in cells]

    def _is_number(self, shape: str) -> bool:
        if shape in self._shapes:
            return True
        if not ("1" in shape or "0" in shape) or shape in self._no_numbers:
            return False
        if taken_apart(shape) is not None:
            return True
        if len(self._no_numbers) < _KNOWN:
            self._no_numbers.add(shape)
        return False

    def _look_at(self, cell: str, shape: str) -> None:
        counts = self._counts
        if cell in counts:
            counts[cell] += 1
        elif cell in self._kept or len(cell) <= LONGEST and is_marker(cell):
            counts[cell] = 1
        elif (samples := self._shapes.get(shape)) is not None:
            if len(samples) < self._most() or _is_long(cell) and cell > self._largest:
                self._largest = max(self._largest, cell) if _is_long(cell) else self._largest
                samples.append(cell)
                counts[cell] = 1
            else:
                counts[samples[-1]] += 1
        elif len(self._others) < OTHERS:
            self._others.append(cell)
            counts[cell] = 1
        else:
            counts[self._others[-1]] += 1


def _is_long(cell: str) -> bool:
    return len(cell) == _LONG and cell.isdigit()


def _rows(part: Any) -> int:
    return len(part) if isinstance(part, np.ndarray) else len(part.lengths)
