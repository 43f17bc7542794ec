"""The rows of a text, one after the other; a stray quote is text, and spoils one row at most.

Python's csv module reads the rows. Where it fails, or a row has another number of cells than the others, the line is looked at
again (`slipway.tables.repair`), and reading goes on after it.
"""

import csv
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from slipway.errors import RequestCode
from slipway.tables.bounds import CELLS_OF_A_ROW, UNBOUNDED, Bounds
from slipway.tables.dialect import Dialect
from slipway.tables.repair import cut

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_END = re.compile(r"\r\n?|\n")
_ESCAPED_QUOTE, _ESCAPED_BACKSLASH = "\ue0f1", "\ue0f2"
"""Stand for escaped characters while the rows are cut; of the private use area."""
_LINES_OF_A_ROW = 30
"""Lines that are looked at for the end of a row whose quotes are wrong."""
_LONGEST, _MOST_EFFORT, _MOST_KEPT = 20_000, 500_000, 5_000_000
"""Characters: of a row that is looked at, of all of them together, and of odd rows that are kept."""

csv.field_size_limit(2**31 - 1)


class Row(NamedTuple):
    """The cells of a row and the line it begins on."""

    cells: list[str]
    line: int


_row = tuple.__new__
"""Makes a `Row` in half the time; it is done for each row of a file."""


class _RowTooLongError(Exception):
    """Raised in the midst of a row, before it is cut into cells."""


class _Lines:
    """The lines of a text, until those of one row have more than `longest` characters.

    Whoever reads says where a row begins; `returns` tells whether there are carriage returns. (Plain attributes: this runs for every row of a file.)
    """

    def __init__(self, text: str, start: int, line: int, longest: int, returns: bool) -> None:
        self.end = start  # of the lines so far
        self.row_start = start
        self.row_line = line
        self._text = text
        self._longest = longest
        self._returns = returns

    def __iter__(self) -> Iterator[str]:
        text, longest = self._text, self._longest
        # A line may also end with a carriage return alone; to look for that takes three times as long.
        ends: Iterator[int]
        if self._returns:
            ends = (line.end() for line in _LINE.finditer(text, self.end))
        else:
            ends = _line_feeds(text, self.end)
        for end in ends:
            start, self.end = self.end, end
            if end - self.row_start > longest:
                raise _RowTooLongError
            yield text[start:end]


def _line_feeds(text: str, end: int) -> Iterator[int]:
    while end < len(text):
        end = text.find("\n", end) + 1 or len(text)
        yield end


def _without_escapes(blocks: Iterable[str], quote: str) -> Iterator[str]:
    pairs = re.compile(rf"\\([\\{quote}])")
    held = ""
    for block in chain(blocks, [""]):
        text = held + block
        end = len(text.rstrip("\\")) if block else len(text)  # what a backslash at the end escapes is in the next block
        held = text[end:]
        yield pairs.sub(lambda pair: _ESCAPED_BACKSLASH if pair[1] == "\\" else _ESCAPED_QUOTE, text[:end])


@dataclass
class Rows:
    """The rows of a text from `start` on; `width` is how many cells most of them have.

    `text` is the beginning, and `more` has the rest in blocks, of which no more is in memory than the rows need that are cut.
    `repaired` has the lines on which a quote was taken for text; `odd` the text of the rows with another number of cells.
    """

    text: str
    dialect: Dialect
    width: int
    source: str
    bounds: Bounds
    start: int = 0
    line: int = 1
    more: Iterable[str] = ()
    repaired: list[int] = field(default_factory=list)
    odd: dict[int, str] = field(default_factory=dict)
    _keeps_odd: bool = False
    _kept: int = 0
    _effort: int = 0
    _length: int = 0
    _limit: int = 0
    _is_short: bool = True

    def __post_init__(self) -> None:
        self._keeps_odd = self.bounds is UNBOUNDED  # a server refuses odd rows, and has no memory to spare

    def __iter__(self) -> Iterator[Row]:
        """Every row, the empty ones too.

        Raises
        ------
        TableTooLargeError
            For a row or cell that is too long, or too many cells in a row.
        """
        escaped, quote = self.dialect.backslash, self.dialect.quote or ""
        self._blocks = iter(self.more)
        if escaped:
            self._blocks = _without_escapes(chain([self.text], self._blocks), quote)
            self.text = next(self._blocks, "")
        if self.bounds is UNBOUNDED and not escaped:
            yield from self._rows()
            return
        most, longest = self.bounds.columns.limit, self.bounds.cell.limit
        for row in self._rows():
            if len(row.cells) > most:
                what = f"cells on line {row.line}"
                raise self.bounds.columns.passed(
                    self.source, len(row.cells), what, RequestCode.TOO_MANY_COLUMNS, row.line
                )
            if self._length > longest and (length := max(map(len, row.cells))) > longest:
                what = f"characters in a cell of line {row.line}"
                raise self.bounds.cell.passed(self.source, length, what, RequestCode.CELL_TOO_LONG, row.line)
            if escaped:
                cells = [cell.replace(_ESCAPED_QUOTE, quote).replace(_ESCAPED_BACKSLASH, "\\") for cell in row.cells]
                row = Row(cells, row.line)
            yield row

    def _rows(self) -> Iterator[Row]:
        start, line, options = self.start, self.line, self.dialect.reader_options()
        while (start := self._taken(start)) < len(self.text):
            lines = _Lines(self.text, start, line, CELLS_OF_A_ROW * self.bounds.cell.limit, "\r" in self.text)
            reader = csv.reader(lines, **options)  # type: ignore[arg-type]
            first, width, limit = line, self.width, self._limit
            again = None
            try:
                for cells in reader:
                    end, next_line = lines.end, first + reader.line_num
                    if end > limit:
                        break
                    if len(cells) != width or next_line - lines.row_line > 1:
                        again = self._looked_at(lines.row_start, end, cells, next_line - lines.row_line)
                        if again is not None:
                            break
                        if self._keeps_odd and len(cells) != width:
                            self._keep_odd(lines.row_line, lines.row_start, end)
                    self._length = end - lines.row_start
                    yield _row(Row, (cells, lines.row_line))
                    lines.row_start, lines.row_line = end, next_line
                else:
                    return
            except csv.Error:
                again = self._any_cut(lines.row_start) if lines.end <= limit else None
            except _RowTooLongError:
                again = self._looked_at(lines.row_start, lines.end, [], 2) if lines.end <= limit else None
                if again is None and lines.end <= limit:
                    raise self._too_long(lines) from None
            if again is None:  # how the row goes on is in a block that is not there yet
                start, line, self._is_short = lines.row_start, lines.row_line, True
                continue
            cells, start = again
            if len(cells) != self.width and self._keeps_odd:
                self._keep_odd(lines.row_line, lines.row_start, start)
            self.repaired.append(lines.row_line)
            self._length = start - lines.row_start
            yield Row(cells, lines.row_line)
            line = lines.row_line + len(_END.findall(self.text, lines.row_start, start))

    def _taken(self, start: int) -> int:
        """Take in more of the text unless the row that begins at `start` is in it for sure; where it begins then."""
        if not self._is_short and start <= self._limit:
            return start
        parts = [self.text[start:]]
        length, least, is_last = len(parts[0]), 2 * len(parts[0]) or 1, False
        while length < least and not is_last:
            block = next(self._blocks, None)
            is_last = block is None
            parts.append(block or "")
            length += len(parts[-1])
        self.text = "".join(parts)
        # What a row is looked at for does not reach further.
        self._limit = sys.maxsize if is_last else length - _LONGEST - 2
        self._is_short = False
        return 0

    def _looked_at(self, start: int, end: int, cells: list[str], lines: int) -> tuple[list[str], int] | None:
        """A better way to cut the row that was read between `start` and `end`, and where it ends; None if there is none."""
        takes_in_rows = lines > 1 and self._takes_in_rows(start, end)
        if len(cells) == self.width:
            return self._right_cut(start, 1) if takes_in_rows else None
        if takes_in_rows:
            return self._any_cut(start)
        if any(map(self._holds_an_edge, cells)):
            found = self._right_cut(start, 1) or self._right_cut(start, _LINES_OF_A_ROW)
            return found if found and not any(map(self._holds_an_edge, found[0])) else None
        return None

    def _holds_an_edge(self, cell: str) -> bool:
        """Whether a cell looks like two: a quote inside it should have been doubled, and was not."""
        quote, separator = self.dialect.quote or "\0", self.dialect.separator
        return f"{quote}{separator}" in cell or f"{separator}{quote}" in cell

    def _takes_in_rows(self, start: int, end: int) -> bool:
        """Whether a row of several lines has lines in it that would each make a row: then its quote was a stray one."""
        lines = self.text[start : min(end, start + _LONGEST)].splitlines()
        between = lines[1:-1] if len(lines) > 2 else lines[1:]
        if self.width < 2 or not between or (self.width == 2 and len(between) < 3):
            return False
        full = sum(line.count(self.dialect.separator) == self.width - 1 for line in between)
        return full >= 0.8 * len(between) and (len(lines) > 2 or self.width > 2)

    def _right_cut(self, start: int, lines: int) -> tuple[list[str], int] | None:
        """The row that begins here, with as many cells as it should have; in the fewest lines."""
        end = start
        for _ in range(lines if self._effort < _MOST_EFFORT else 1):
            if end >= len(self.text):
                return None
            body, end = self._line_end(end)
            if body - start > _LONGEST:
                return None
            cells = cut(self.text[start:body], self.dialect, self.width, self._thorough(body - start))
            if cells is not None:
                return cells, end
        return None

    def _keep_odd(self, line: int, start: int, end: int) -> None:
        self.odd[line] = self.text[start:end].rstrip("\r\n")
        self._kept += end - start
        self._keeps_odd = self._kept < _MOST_KEPT

    def _any_cut(self, start: int) -> tuple[list[str], int]:
        """The row that begins here, in any number of cells if it has to be."""
        found = self._right_cut(start, 1) or self._right_cut(start, _LINES_OF_A_ROW)
        if found is not None:
            return found
        body, end = self._line_end(start)
        return cut(self.text[start:body], self.dialect, None, self._thorough(body - start)) or [], end

    def _thorough(self, length: int) -> bool:
        """Whether there is time to try every way of cutting a line: a file of nothing but stray quotes must not take hours."""
        self._effort += length
        return self._effort < _MOST_EFFORT

    def _line_end(self, start: int) -> tuple[int, int]:
        """Where the line that holds `start` ends, without and with its line end."""
        found = _END.search(self.text, start)
        return (found.start(), found.end()) if found else (len(self.text), len(self.text))

    def _too_long(self, lines: _Lines) -> Exception:
        bound = self.bounds.cell
        longest = CELLS_OF_A_ROW * bound.limit
        bound = replace(bound, limit=longest, setting=f"{CELLS_OF_A_ROW} × {bound.setting}")
        what = f"characters in the row that begins on line {lines.row_line}"
        found = lines.end - lines.row_start
        return bound.passed(self.source, found, what, RequestCode.CELL_TOO_LONG, lines.row_line)
