"""A table whose cells are text, and how it was read.

Cells stay text here, because what "0" or "yes" means is for the schema to say.
"""

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from slipway.errors import CsvError, RequestCode
from slipway.tables.compact import Column, CompactRows, compact_column, flat
from slipway.tables.dialect import Dialect
from slipway.tables.encoding import Decoded
from slipway.tables.json_cells import JsonForm
from slipway.tables.layout import Layout, RaggedRow, Skipped
from slipway.tables.plain_rows import PlainRows
from slipway.tables.quoting import quoted_cells

_CELLS_OF_A_BLOCK = 1_000_000
"""Cells that are cut at once."""


@dataclass(frozen=True)
class HowRead:
    """How a file was read as a table, for people.

    `kind` is what kind of file it is; `before` and `after` are the lines that are not part of the table; `names` are those of the file, None if it has none;
    `renamed` maps a new name of a column to the one in the file; `repaired` are lines on which a quote was taken for text;
    `line_end` is how its first line ends; `sheet` is the sheet of a workbook or the key of a JSON object that holds the table, `others` those that were not read;
    `json` is how the table stands in JSON.
    """

    kind: Literal["text", "excel", "json"] = "text"
    dialect: Dialect | None = None
    encoding: str = "utf-8"
    compression: str | None = None
    before: tuple[Skipped, ...] = ()
    after: tuple[Skipped, ...] = ()
    names: tuple[str, ...] | None = None
    header_lines: tuple[int, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)
    repaired: tuple[int, ...] = ()
    line_end: str = "\n"
    odd_bytes: int = 0
    nuls: int = 0
    sheet: str | None = None
    others: tuple[str, ...] = ()
    json: JsonForm | None = None


@dataclass(frozen=True)
class TextTable:
    """A file as text: every row has as many cells as the header.

    `rows` are `PlainRows` if the lines of the file are its rows, as they stand. `lines` has the line of each row in the file; `ragged` has the rows (by position) that had more or fewer cells than the
    header, and `surplus` the cells that they had too many; `read` says how the file was read.
    """

    header: list[str]
    rows: Sequence[list[str]]
    lines: Sequence[int]
    ragged: dict[int, RaggedRow]
    separator: str
    surplus: dict[int, list[str]] = field(default_factory=dict, compare=False)
    read: HowRead = field(default=HowRead(), compare=False)
    text: Decoded | None = field(default=None, compare=False, repr=False)

    @property
    def decimal_comma(self) -> bool:
        """Whether `12,5` can be a number: not where the comma separates cells."""
        return self.separator != ","

    def renamed(self, names: Mapping[str, str]) -> "TextTable":
        """The same rows under other column names, by those in the file."""
        return replace(self, header=[names.get(name, name) for name in self.header])

    def column(self, name: str) -> list[str]:
        """The cells of a column, in the order of the rows."""
        position = self.header.index(name)
        if isinstance(self.rows, CompactRows):
            return flat(self.rows.column(position))
        if isinstance(self.rows, PlainRows):
            return self.rows.column(position)
        return [row[position] for row in self.rows]

    def different_cells(self, names: Collection[str]) -> dict[str, set[str]]:
        """The different cells of columns, without spaces at the ends; the rows are cut in parts.

        Parameters
        ----------
        names : collection of str

        Returns
        -------
        dict
            By the name of the column.
        """
        found: dict[str, set[str]] = {name: set() for name in names}
        if names:
            for block in self.blocks(_CELLS_OF_A_BLOCK):
                for name, cells in found.items():
                    cells.update(map(str.strip, set(block.column(name))))
        return found

    def compact(self, name: str) -> Column:
        """The same cells in little memory."""
        if isinstance(self.rows, CompactRows):
            return self.rows.compact(self.header.index(name))
        return compact_column(self.column(name))

    def quoted(self, name: str, rows: NDArray[Any]) -> Iterator[int]:
        """The rows whose cell in a column stands in quotes in the file: `"NA"` rather than `NA`.

        The file is looked at once more, as far as it is asked for.

        Parameters
        ----------
        name : str
            Of the column.
        rows : ndarray of int
            Positions of those that are looked at, in ascending order.

        Yields
        ------
        int
            The position of a row; none where the file has no quotes, or is not a text file.
        """
        dialect, position = self.read.dialect, self.header.index(name)
        if self.text is None or dialect is None or dialect.quote is None:
            return
        places = rows[~np.isin(rows, [*self.ragged])] if self.ragged else rows
        lines = np.array(self.lines, np.int64)[places]
        for line, flags in quoted_cells(self.text.blocks(), dialect, map(int, lines), position + 1):
            if len(flags) > position and flags[position]:
                yield int(places[np.searchsorted(lines, line)])

    def without_ragged(self) -> "TextTable":
        """The same table without the rows that had more or fewer cells than the header."""
        if not self.ragged:
            return self
        kept = [place for place in range(len(self.rows)) if place not in self.ragged]
        lines = array("q", [self.lines[place] for place in kept])
        rows = (
            self.rows.without(self.ragged)
            if isinstance(self.rows, CompactRows)
            else [self.rows[place] for place in kept]
        )
        return replace(self, rows=rows, lines=lines, ragged={}, surplus={})

    def blocks(self, size: int) -> Iterator["TextTable"]:
        """The same table in pieces.

        Parameters
        ----------
        size : int
            The largest number of rows in a piece; rows of very many cells come in smaller ones.

        Yields
        ------
        TextTable
            In order.
        """
        size = min(size, max(1, _CELLS_OF_A_BLOCK // max(1, len(self.header))))
        for start in range(0, len(self.rows), size):
            part = slice(start, start + size)
            ragged = {row - start: found for row, found in self.ragged.items() if start <= row < start + size}
            yield TextTable(self.header, self.rows[part], self.lines[part], ragged, self.separator, read=self.read)


def table_of(layout: Layout, read: HowRead, separator: str, text: Decoded | None = None) -> TextTable:
    """The table that was found in a file.

    Parameters
    ----------
    layout : Layout
    read : HowRead
        What is known of the file beside its layout.
    separator : str
    text : Decoded, optional
        The file, for whoever asks which cells were quoted.

    Returns
    -------
    TextTable
    """
    read = replace(
        read,
        before=(*read.before, *layout.before),
        after=tuple(layout.after),
        names=None if layout.names is None else tuple(layout.names),
        header_lines=tuple(layout.header_lines),
        renamed=layout.renamed,
    )
    rows = layout.rows if layout.plain is None else layout.plain
    return TextTable(layout.header, rows, layout.lines, layout.ragged, separator, layout.surplus, read, text)


def check_duplicates(table: TextTable, names: Collection[str]) -> None:
    """Refuse a table that has one of these names more than once: which of the columns is meant is not known.

    Raises
    ------
    CsvError
    """
    doubled = [name for name in table.read.renamed.values() if name in names]
    if doubled:
        times = 1 + doubled.count(doubled[0])
        problem = f"has the column name {doubled[0][:80]!r} {times} times; rename them"
        raise CsvError("the file", problem, RequestCode.DUPLICATE_COLUMN, column=doubled[0][:80], times=times)
