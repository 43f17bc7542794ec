"""Rows with another number of cells than the header, whose cells can be told all the same.

A row may have another separator than the others, or separators in a text that is not quoted. It is cut again only if each
column of numbers, dates or times then gets one, and in one way only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from slipway.tables.dialect import SEPARATORS, Dialect
from slipway.tables.header import value_columns
from slipway.tables.layout import Layout, unique_names
from slipway.tables.patterns import is_gap, is_value
from slipway.tables.quoting import quoted_cells
from slipway.tables.repair import cut
from slipway.tables.rows import Row

_LEAST_VALUES = 2
"""Columns of numbers, dates or times that must agree."""


def mend(table: Layout, texts: Mapping[int, str], dialect: Dialect) -> list[int]:
    """Cut odd rows, and a header, another way where what the columns hold decides how.

    Parameters
    ----------
    table : Layout
        Changed in place.
    texts : mapping of int to str
        Rows with an odd number of cells as they stand in the file, by their line.
    dialect : Dialect

    Returns
    -------
    list of int
        The lines that were cut another way.
    """
    width = len(table.header)
    if not texts or width < 3:
        return []
    mended = _mend_header(table, texts, dialect, width)
    regular = [Row(row, 0) for place, row in enumerate(islice(table.rows, 5000)) if place not in table.ragged]
    values = value_columns(regular, width)
    if len(values) < _LEAST_VALUES:
        return mended
    for place in list(table.ragged):
        text = texts.get(table.lines[place])
        if text is None:
            continue
        ways = {tuple(cells) for cells in _ways(text, dialect, width, values) if _agrees(cells, values)}
        if len(ways) == 1:
            table.rows[place] = list(ways.pop())
            mended.append(table.lines[place])
            del table.ragged[place]
            table.surplus.pop(place, None)
    return mended


def _mend_header(table: Layout, texts: Mapping[int, str], dialect: Dialect, width: int) -> list[int]:
    """Take the line right above the rows for the header, if another separator gives it a name for each column."""
    if table.names is not None or not table.before or not table.lines or table.before[-1].line != table.lines[0] - 1:
        return []
    line = table.before[-1].line
    for mark in SEPARATORS:
        if mark != dialect.separator:
            names = cut(texts.get(line, ""), replace(dialect, separator=mark), width)
            if names and len(set(names)) == width and all(map(str.strip, names)) and not any(map(is_value, names)):
                table.before.pop()
                table.names, table.header_lines = names, [line]
                table.header = unique_names(names, table.renamed)
                return [line]
    return []


def _ways(text: str, dialect: Dialect, width: int, values: set[int]) -> Iterator[list[str]]:
    """The ways to cut a row into the right number of cells."""
    for mark in SEPARATORS:
        if mark not in text:
            continue
        other = replace(dialect, separator=mark, spaced=dialect.spaced and mark == dialect.separator)
        cells = cut(text, other, None)
        if cells is None or len(cells) < width:
            continue
        if len(cells) == width:
            yield cells
        elif mark in (dialect.separator, " "):
            yield from _joined(cells, text, other, width, values)


def _joined(cells: list[str], text: str, dialect: Dialect, width: int, values: set[int]) -> Iterator[list[str]]:
    """Each way in which the surplus cells are parts of one text that is not quoted."""
    flags = next((found or [False] * len(cells) for _, found in quoted_cells([text], dialect, [1])), [])
    more = len(cells) - width + 1
    for column in range(width):
        part = cells[column : column + more]
        if column in values or len(flags) != len(cells) or any(flags[column : column + more]) or not part[-1].strip():
            continue
        yield [*cells[:column], dialect.separator.join(part), *cells[column + more :]]


def _agrees(cells: list[str], values: set[int]) -> bool:
    """Whether each column of values gets one, or a mark for a missing one."""
    held = [cells[column] for column in values]
    return sum(map(is_value, held)) >= _LEAST_VALUES and all(is_value(cell) or is_gap(cell) for cell in held)
