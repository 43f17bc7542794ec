"""The rows of a table in little memory: column by column, with each different cell kept once where there are few.

As lists of texts, a table takes more than ten times the memory of its file.
"""

import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

FEW = 20_000
"""A column with more different cells than this is kept as one text; wide tables have fewer in each column."""
_FEWEST, _IN_ALL = 1_000, 1_000_000
_BLOCK_ROWS, _BLOCK_CELLS = 20_000, 500_000
"""Rows, and cells, that are put into columns at once."""


@dataclass(frozen=True)
class Joined:
    """Cells as one text: UTF-8, packed, and the length of each in characters."""

    text: bytes
    lengths: NDArray[Any]

    @classmethod
    def of(cls, cells: Sequence[str]) -> "Joined":
        lengths = np.fromiter(map(len, cells), np.int64, len(cells))
        text = "".join(cells).encode("utf-8", "surrogatepass")
        return cls(zlib.compress(text, 1), lengths.astype(_smallest(int(lengths.max()))))

    def cells(self) -> list[str]:
        text, start, found = zlib.decompress(self.text).decode("utf-8", "surrogatepass"), 0, []
        for end in np.cumsum(self.lengths, dtype=np.int64).tolist():
            found.append(text[start:end])
            start = end
        return found


class Column:
    """The cells of a column, in blocks; `texts` has those that are kept once, by their codes."""

    def __init__(self, few: int = FEW) -> None:
        self.parts: list[NDArray[Any] | Joined] = []
        self.few = few
        self._numbers: dict[str, int] | None = {}
        self._texts: NDArray[Any] | None = None

    @property
    def is_few(self) -> bool:
        """Whether it has few different cells, and every part is of codes."""
        return self._numbers is not None

    @property
    def texts(self) -> NDArray[Any]:
        """The different cells, of which a part's codes are positions."""
        if self._texts is None:
            self._texts = np.array([*(self._numbers or {})], dtype=object)
        return self._texts

    @property
    def codes(self) -> list[NDArray[Any]]:
        """The parts that are of codes: all of them where it has few different cells."""
        return [part for part in self.parts if not isinstance(part, Joined)]

    def add(self, cells: Sequence[str]) -> None:
        """Take the cells of the next rows."""
        codes = self._numbers
        if codes is None:
            self.parts.append(Joined.of(cells))
            return
        for cell in dict.fromkeys(cells):
            if cell not in codes:
                codes[cell] = len(codes)
        self.parts.append(np.fromiter(map(codes.__getitem__, cells), _smallest(len(codes)), len(cells)))
        self._texts = None
        if len(codes) > self.few:
            self._texts, self._numbers = self.texts, None

    def cells(self, part: int) -> list[str]:
        """The cells of a block."""
        found = self.parts[part]
        if isinstance(found, Joined):
            return found.cells()
        texts: list[str] = self.texts[found].tolist()
        return texts


class CompactRows(Sequence[list[str]]):
    """Rows of as many cells each, which are lists again as soon as they are asked for.

    Rows can be added at the end, replaced, and left out.
    """

    def __init__(self, width: int) -> None:
        few = max(_FEWEST, min(FEW, _IN_ALL // max(1, width)))
        self._columns = [Column(few) for _ in range(width)]
        self._ends: list[int] = []  # of the blocks
        self._pending: list[list[str]] = []
        self._size = max(1, min(_BLOCK_ROWS, _BLOCK_CELLS // max(1, width)))
        self._places: NDArray[Any] | None = None  # of the rows that are left, once some were left out
        self._replaced: dict[int, list[str]] = {}
        self._last: tuple[int, list[list[str]]] = (-1, [])

    def append(self, cells: list[str]) -> None:
        """Add a row."""
        self._pending.append(cells)
        if len(self._pending) >= self._size:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            for column, cells in zip(self._columns, zip(*self._pending, strict=True), strict=True):
                column.add(cells)
            self._ends.append(self._stored + len(self._pending))
            self._pending = []

    @property
    def _stored(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __len__(self) -> int:
        return self._stored + len(self._pending) if self._places is None else len(self._places)

    @overload
    def __getitem__(self, place: int) -> list[str]: ...
    @overload
    def __getitem__(self, place: slice) -> list[list[str]]: ...
    def __getitem__(self, place: int | slice) -> list[str] | list[list[str]]:
        if isinstance(place, slice):
            return [self[one] for one in range(len(self))[place]]
        place = range(len(self))[place]
        place = place if self._places is None else int(self._places[place])
        if place in self._replaced:
            return self._replaced[place]
        if place >= self._stored:
            return self._pending[place - self._stored]
        block = bisect_right(self._ends, place)
        if self._last[0] != block:
            self._last = (block, self._block(block))
        return self._last[1][place - self._start(block)]

    def _start(self, block: int) -> int:
        return self._ends[block - 1] if block else 0

    def _block(self, block: int) -> list[list[str]]:
        return [*map(list, zip(*(column.cells(block) for column in self._columns), strict=True))]

    def __setitem__(self, place: int, cells: list[str]) -> None:
        self._replaced[place if self._places is None else int(self._places[place])] = cells

    def __iter__(self) -> Iterator[list[str]]:
        self._flush()
        for block in range(len(self._ends)):
            yield from self._kept(block, self._with_replaced(block, self._block(block)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(row == again for row, again in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr([*self])

    def _with_replaced(self, block: int, rows: list[list[str]]) -> list[list[str]]:
        start = self._start(block)
        for place, cells in self._replaced.items():
            if 0 <= place - start < len(rows):
                rows[place - start] = cells
        return rows

    def _kept(self, block: int, cells: list[Any]) -> list[Any]:
        """Those of a block that are not left out."""
        if self._places is None:
            return cells
        start, end = self._start(block), self._ends[block]
        first, last = np.searchsorted(self._places, (start, end))
        return [cells[place] for place in (self._places[first:last] - start).tolist()]

    def without(self, places: Collection[int]) -> "CompactRows":
        """The same rows but those at certain places; the cells are shared."""
        self._flush()
        every = np.arange(len(self)) if self._places is None else self._places
        other = CompactRows(0)
        other.__dict__ |= self.__dict__ | {"_places": np.delete(every, sorted(places)), "_last": (-1, [])}
        return other

    def column(self, position: int) -> Iterator[list[str]]:
        """The cells of a column, in blocks."""
        self._flush()
        column = self._columns[position]
        for block in range(len(self._ends)):
            cells, start = column.cells(block), self._start(block)
            for place, row in self._replaced.items():
                if 0 <= place - start < len(cells):
                    cells[place - start] = row[position]
            yield self._kept(block, cells)

    def places(self, position: int, cell: str) -> list[int]:
        """The rows that have a cell in a column, but for spaces at its ends."""
        self._flush()
        column, found, start = self._columns[position], list[int](), 0
        if column.is_few and not self._replaced and not any(text.strip() == cell for text in column.texts):
            return []
        for cells in self.column(position):
            found += [start + place for place, one in enumerate(cells) if one.strip() == cell]
            start += len(cells)
        return found

    def compact(self, position: int) -> Column:
        """A column that has exactly the cells of these rows; it is the rows' own where none was replaced or left out."""
        self._flush()
        if self._places is None and not self._replaced:
            return self._columns[position]
        column = Column(self._columns[position].few)
        for cells in self.column(position):
            if cells:
                column.add(cells)
        return column


def compact_column(cells: Sequence[str]) -> Column:
    """Cells that are at hand, as a column."""
    column = Column()
    for start in range(0, len(cells), _BLOCK_ROWS):
        column.add(cells[start : start + _BLOCK_ROWS])
    return column


def flat(parts: Iterator[list[str]]) -> list[str]:
    """The cells of all parts in one list."""
    return [*chain.from_iterable(parts)]


def _smallest(most: int) -> type[np.unsignedinteger[Any]]:
    """The smallest type of numbers that holds so large ones."""
    return np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.uint32
