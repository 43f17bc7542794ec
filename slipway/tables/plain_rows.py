"""A text in which every line is a row of as many cells as the others: most files are such texts, and are cut at once.

Without quotes the rows are kept as their lines, and what is added to a row is added to its line. Where there is any doubt,
`slipway.tables.rows` reads the text.
"""

import csv
import re
from array import array
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
    """The table of a text in which every line is a row, and every row has as many cells.

    Parameters
    ----------
    text : str
    detected : Detected
    source, bounds, header
        As of `slipway.tables.layout.lay_out`.

    Returns
    -------
    Layout or None
        What `lay_out` makes of the rows of the text; None if there is any doubt, or more than the bounds allow.
    """
    lines = _lines(text, detected, bounds)
    if lines is None:
        return None
    dialect = detected.dialect
    is_plain = '"' not in text and (dialect.quote or '"') not in text
    rows = _plain_rows(lines, dialect) if is_plain else _quoted_rows(lines, detected)
    if rows is None or len(rows[0]) * HEAD_ROWS > HEAD_CELLS or len(rows[0]) > bounds.columns.limit:
        return None
    first_line, width = 2 if detected.start else 1, len(rows[0])
    first = [Row(cells, first_line + place) for place, cells in enumerate(rows[:HEAD_ROWS])]
    table = lay_out(first, source, bounds, header, one_column=detected.width == 1)
    skipped = len(first) - len(table.rows)
    if len(table.header) != width or len(rows) - skipped > min(bounds.rows.limit, bounds.cells.limit // width):
        return None
    table.rows = []
    table.plain = rows[skipped:]
    table.lines = array("q", range(first_line + skipped, first_line + len(lines)))
    return table


def plain_part(text: str, dialect: Dialect, width: int, bounds: Bounds) -> PlainRows | None:
    """The rows of a part of a text without quotes.

    Parameters
    ----------
    text : str
    dialect : Dialect
    width : int
        How many cells each row must have.
    bounds : Bounds

    Returns
    -------
    PlainRows or None
        None if there is any doubt.
    """
    lines = _lines(text, Detected(dialect, width), bounds)
    rows = None if lines is None else _plain_rows(lines, dialect)
    return rows if rows is not None and rows.width == width else None


def _lines(text: str, detected: Detected, bounds: Bounds) -> list[str] | None:
    """The lines of a text, if they are as many, as long and as full as is allowed, and all end alike."""
    dialect = detected.dialect
    count = text.count("\n")
    if dialect.spaced or dialect.backslash or count > bounds.rows.limit + HEAD_ROWS:
        return None
    if text.count(dialect.separator) + count > bounds.cells.limit:
        return None
    body = text[detected.start :] if detected.start else text
    if "\r" in body:
        ends = body.count("\r\n")
        if body.count("\r") != ends or body.count("\n") != ends:
            return None
        body = body.replace("\r\n", "\n")
    lines = body.removesuffix("\n").split("\n")
    return lines if max(map(len, lines)) <= bounds.cell.limit else None


def _plain_rows(lines: list[str], dialect: Dialect) -> PlainRows | None:
    separator = dialect.separator
    if len(set(map(str.count, lines, repeat(separator)))) != 1:
        return None
    # An empty row is none, and has to be counted.
    blank = re.search(rf"\n[{re.escape(separator)}\s]*\n", "\n".join(["", *lines, ""]))
    return None if blank else PlainRows(lines, separator, lines[0].count(separator) + 1)


def _quoted_rows(lines: list[str], detected: Detected) -> list[list[str]] | None:
    try:
        rows = list(csv.reader(lines, **detected.dialect.reader_options()))  # type: ignore[arg-type]
    except csv.Error:
        return None
    # A row of another width, or of several lines, may have a stray quote.
    if len(rows) != len(lines) or set(map(len, rows)) != {detected.width}:
        return None
    return rows if all(map(str.strip, map("".join, rows))) else None
