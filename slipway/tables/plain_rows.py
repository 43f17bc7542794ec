"""A text in which every line is a row of as many cells as the others and no cell is quoted: kept as its lines.

Most files are such texts. They are cut at once, and what is added to a row is added to its line. Where
there is any doubt a text is not plain, and `slipway.tables.rows` reads it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import repeat
from typing import overload

from slipway.tables.bounds import Bounds
from slipway.tables.dialect import Detected, Dialect
from slipway.tables.layout import HEAD_CELLS, HEAD_ROWS, Layout, lay_out
from slipway.tables.rows import Row


class PlainRows(Sequence[list[str]]):
    """Rows as lines, each of which has `width` cells between separators; a row is cut when it is asked for."""

    def __init__(self, lines: Sequence[str], separator: str, width: int) -> None:
        self.lines = lines
        self.separator = separator
        self.width = width

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[list[str]]:
        return map(str.split, self.lines, repeat(self.separator))

    @overload
    def __getitem__(self, place: int) -> list[str]: ...
    @overload
    def __getitem__(self, place: slice) -> "PlainRows": ...
    def __getitem__(self, place: int | slice) -> "list[str] | PlainRows":
        if isinstance(place, slice):
            return PlainRows(self.lines[place], self.separator, self.width)
        return self.lines[place].split(self.separator)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    @cached_property
    def _cells(self) -> list[str]:
        return self.separator.join(self.lines).split(self.separator)

    def column(self, position: int) -> list[str]:
        """The cells of a column. All rows are cut at the first call: take a part of a long table."""
        return self._cells[position :: self.width]


def lay_out_plain(text: str, detected: Detected, source: str, bounds: Bounds, header: bool | None) -> Layout | None:
    """The table of a plain text.

    Parameters
    ----------
    text : str
    detected : Detected
    source, bounds, header
        As of `slipway.tables.layout.lay_out`.

    Returns
    -------
    Layout or None
        What `lay_out` makes of the rows of the text; None if it is not plain, or has more than the bounds allow.
    """
    lines = _plain_lines(text, detected, bounds)
    if lines is None:
        return None
    separator, first_line = detected.dialect.separator, 2 if detected.start else 1
    width = lines[0].count(separator) + 1
    if width * HEAD_ROWS > HEAD_CELLS or width > bounds.columns.limit:
        return None
    first = [Row(line.split(separator), first_line + place) for place, line in enumerate(lines[:HEAD_ROWS])]
    table = lay_out(first, source, bounds, header)
    skipped = len(first) - len(table.rows)
    rows = len(lines) - skipped
    if len(table.header) != width or rows > min(bounds.rows.limit, bounds.cells.limit // width):
        return None
    table.rows.clear()
    table.plain = PlainRows(lines[skipped:], separator, width)
    table.lines = list(range(first_line + skipped, first_line + len(lines)))
    return table


def _plain_lines(text: str, detected: Detected, bounds: Bounds) -> list[str] | None:
    dialect = detected.dialect
    if _has_other_marks(text, dialect) or text.count("\n") > bounds.rows.limit + HEAD_ROWS:
        return None
    body = text[detected.start :] if detected.start else text
    if "\r" in body:
        ends = body.count("\r\n")
        if body.count("\r") != ends or body.count("\n") != ends:
            return None
        body = body.replace("\r\n", "\n")
    lines = body.removesuffix("\n").split("\n")
    if len(set(map(str.count, lines, repeat(dialect.separator)))) != 1 or max(map(len, lines)) > bounds.cell.limit:
        return None
    # An empty row is not one, and what is left out has to be counted.
    blank = re.compile(rf"\n[{re.escape(dialect.separator)}\s]*\n")
    return None if blank.search(f"\n{lines[0]}\n") or blank.search(body) or _is_blank(lines[-1], dialect) else lines


def _has_other_marks(text: str, dialect: Dialect) -> bool:
    """Whether something other than separators and line ends may have a meaning."""
    quote = dialect.quote or '"'
    return dialect.spaced or dialect.backslash or quote in text or '"' in text


def _is_blank(line: str, dialect: Dialect) -> bool:
    return not line.replace(dialect.separator, "").strip()
