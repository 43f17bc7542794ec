"""The rows of a file as a table: its header, its rows, and what stands above, below and between.

Nothing is dropped without its line: what does not belong to the table is listed with where it stands.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple, cast

from slipway.errors import RequestCode
from slipway.tables.bounds import UNBOUNDED, Bounds
from slipway.tables.compact import CompactRows
from slipway.tables.header import LOOKED_AT, Head, find_head, is_header, value_columns
from slipway.tables.patterns import is_value
from slipway.tables.rows import Row

HEAD_ROWS, HEAD_CELLS = 200, 1_000_000
"""Rows that are looked at before the header is decided."""
_FOOTER_ROWS, _GAPS = 40, 50
"""Rows at the end, and empty lines, that are looked at for what is not part of the table."""
_SHOWN = 80


class RaggedRow(NamedTuple):
    """A row with more or fewer cells than the header: how many each has, and the first ones left over."""

    cells: int
    columns: int
    left_over: str

    def __str__(self) -> str:
        rest = f" (left over: {self.left_over})" if self.left_over else ""
        return f"{self.cells} cells, the header has {self.columns}{rest}"


class Skipped(NamedTuple):
    """A line of the file that is not part of the table, and how it begins."""

    line: int
    text: str


@dataclass
class Layout:
    """A table in a file.

    `names` are the names as they stand in the file (several lines of them joined by spaces), None if there are none;
    `header` has a name for each column, each different. `plain` are the rows in place of `rows` where a reader keeps them in another form. `surplus` has the cells that a row has too many, `widths` how many it has in all, where it is not one for each column.
    """

    names: list[str] | None = None
    header: list[str] = field(default_factory=list)
    header_lines: list[int] = field(default_factory=list)
    rows: list[list[str]] | CompactRows = field(default_factory=list)
    lines: "array[int]" = field(default_factory=lambda: array("q"))
    ragged: dict[int, RaggedRow] = field(default_factory=dict)
    surplus: dict[int, list[str]] = field(default_factory=dict)
    before: list[Skipped] = field(default_factory=list)
    after: list[Skipped] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    widths: dict[int, int] = field(default_factory=dict)
    plain: Sequence[list[str]] | None = None


def lay_out(
    rows: Iterable[Row], source: str, bounds: Bounds, header: bool | None = None, *, one_column: bool = False
) -> Layout:
    """The table among the rows of a file.

    Parameters
    ----------
    rows : iterable of Row
        In the order of the file, the empty ones too.
    source : str
        The name of the file, for messages.
    bounds : Bounds
    header : bool, optional
        Whether the table has a header; decided by its cells if not given.
    one_column : bool, default=False
        Whether the file has one column: there a row of one empty cell (`""`) is a row, and only one without any cell is not.

    Returns
    -------
    Layout
        Without rows or header, if the file has none.

    Raises
    ------
    TableTooLargeError
        As soon as a limit is exceeded.
    """
    filled = _Filled(rows, source, bounds, one_column)
    first = list(filled.first())
    head = find_head(first, filled.gaps)
    if header is not None:
        head = Head(head.start, max(1, head.lines) if header else 0, head.width)
    table = Layout(before=[_skipped(row) for row in first[: head.start]])
    _name_columns(table, first[head.start :], head)
    if bounds is UNBOUNDED:
        table.rows = CompactRows(len(table.header))  # for training: a server's tables are small
    _add_rows(table, first[head.start + head.lines :], source, bounds)
    _add_rows(table, filled, source, bounds)
    if bounds is not UNBOUNDED:
        return table  # a server answers every row that it was sent, if only with what is wrong with it
    gaps = {position - head.start - head.lines for position in filled.gaps}
    _drop_repeated_headers(table)
    _drop_next_table(table, gaps)
    _drop_second_table(table, gaps)
    _drop_footer(table, gaps)
    return table


def lay_out_part(
    rows: Iterable[Row], header: Sequence[str], source: str, bounds: Bounds, *, one_column: bool = False
) -> Layout:
    """A later part of a table whose header is known.

    Parameters
    ----------
    rows : iterable of Row
        The empty ones too.
    header : sequence of str
    source, bounds, one_column
        As of `lay_out`.

    Returns
    -------
    Layout
    """
    table = Layout(header=[*header])
    _add_rows(table, (row for row in rows if _is_filled(row.cells, one_column)), source, bounds)
    return table


def _is_filled(cells: Sequence[str], one_column: bool) -> bool:
    return bool(cells) and (one_column or any(cell and not cell.isspace() for cell in cells))


def _skipped(row: Row) -> Skipped:
    return Skipped(row.line, " ".join(filter(None, map(str.strip, row.cells)))[:_SHOWN])


class _Filled:
    """The rows that are not empty, in order; `gaps` has the positions of those that come after an empty one."""

    def __init__(self, rows: Iterable[Row], source: str, bounds: Bounds, one_column: bool) -> None:
        self.gaps: set[int] = set()
        self._rows = iter(rows)
        self._source = source
        self._bounds = bounds
        self._one_column = one_column
        self._position = 0
        self._empty = 0

    def __iter__(self) -> Iterator[Row]:
        most, position = self._bounds.rows.limit, self._position
        for row in self._rows:
            for cell in row[0]:
                if cell and not cell.isspace():
                    position += 1
                    self._position = position  # the next reader of the same rows goes on from here
                    yield row
                    break
            else:
                if self._one_column and row[0] and position:
                    position += 1
                    self._position = position
                    yield row
                    continue
                self._empty += 1
                if position and len(self.gaps) < most:
                    self.gaps.add(position)
                if self._empty > most:
                    raise self._bounds.rows.passed(self._source, self._empty, "empty lines", RequestCode.TOO_MANY_ROWS)

    def first(self) -> Iterator[Row]:
        """So many rows that the header can be told."""
        rows = cells = 0
        for row in self:
            yield row
            rows, cells = rows + 1, cells + len(row.cells)
            if rows >= HEAD_ROWS or cells > HEAD_CELLS or rows > self._bounds.rows.limit + HEAD_ROWS:
                return


def _name_columns(table: Layout, rows: Sequence[Row], head: Head) -> None:
    lines, below = rows[: head.lines], rows[head.lines :]
    table.header_lines = [row.line for row in lines]
    if not lines:
        table.header = [f"Column {position + 1}" for position in range(head.width)]
        return
    width = max(len(row.cells) for row in lines)
    cells = [[cell.strip() for cell in row.cells] + [""] * (width - len(row.cells)) for row in lines]
    table.names = [" ".join(filter(None, column)) for column in zip(*cells, strict=True)]
    _fit(table.names, cells, below, head.width)
    spread = [_spread(line) for line in cells[:-1]] + cells[-1:]
    parts = [list(dict.fromkeys(filter(None, column))) for column in zip(*spread, strict=True)]
    names = [" ".join(column) for column in parts]
    table.header = unique_names(names, table.renamed)


def _fit(names: list[str], cells: list[list[str]], below: Sequence[Row], width: int) -> None:
    """A header with another number of cells than the rows, where they tell what is wrong with it."""
    regular = [row.cells for row in below if len(row.cells) == width]
    if len(regular) * 2 <= len(below) or not regular:
        return
    if len(names) > width and names.count("") == len(names) - width:
        for position in reversed([place for place, name in enumerate(names) if not name]):
            for line in (names, *cells):
                del line[position]
    elif len(names) == width - 1:
        at_end = not any(row[-1].strip() for row in regular)
        if at_end or _are_row_names([row[0] for row in regular]):
            for line in (names, *cells):
                line.insert(len(line) if at_end else 0, "")


def _are_row_names(cells: Sequence[str]) -> bool:
    """Whether cells look like the names of rows that R writes without a name of the column: 1, 2, 3 … or different texts."""
    if len(cells) < 2 or len(set(cells)) < len(cells):
        return False
    return [cell.strip() for cell in cells] == [str(number + 1) for number in range(len(cells))] or not any(
        map(is_value, cells)
    )


def _spread(cells: Sequence[str]) -> list[str]:
    """Names of an upper line of the header, each for all columns up to the next."""
    last, found = "", []
    for cell in cells:
        last = cell or last
        found.append(last)
    return found


def unique_names(names: Sequence[str], renamed: dict[str, str]) -> list[str]:
    """A different name for each column; `renamed` gets the new ones with what stands in the file.

    Parameters
    ----------
    names : sequence of str
    renamed : dict
        Changed in place.

    Returns
    -------
    list of str
    """
    taken, found = set(filter(None, names)), []
    seen: set[str] = set()
    for position, name in enumerate(names):
        new, count = name or f"Unnamed: {position}", 1
        while new in seen or (new != name and new in taken):
            new, count = f"{name or f'Unnamed: {position}'}.{count}", count + 1
        if new != name:
            renamed[new] = name
        seen.add(new)
        found.append(new)
    return found


def _add_rows(table: Layout, rows: Iterable[Row], source: str, bounds: Bounds) -> None:
    """Every row with as many cells as the header; those that had more or fewer are noted."""
    width, found, lines = len(table.header), table.rows, table.lines
    most_rows = min(bounds.rows.limit, bounds.cells.limit // max(1, width))
    add_row, add_line = found.append, lines.append
    for cells, line in rows:
        if len(found) == most_rows:
            if most_rows == bounds.rows.limit:
                raise bounds.rows.passed(source, len(found) + 1, "rows", RequestCode.TOO_MANY_ROWS)
            raise bounds.cells.passed(source, (len(found) + 1) * width, "cells", RequestCode.TOO_MANY_CELLS)
        if len(cells) != width:
            table.widths[len(found)] = len(cells)
            rest = cells[width:]
            if len(cells) < width or any(map(str.strip, rest)):
                left_over = ", ".join(repr(cell[:40]) for cell in rest[:3])
                table.ragged[len(found)] = RaggedRow(len(cells), width, left_over)
                if rest:
                    table.surplus[len(found)] = rest
            cells = (cells + [""] * (width - len(cells)))[:width]
        add_row(cells)
        add_line(line)


def _drop_repeated_headers(table: Layout) -> None:
    """The header once more among the rows: what follows is the next part of the table, or the same rows again."""
    if not table.names or len(table.names) < 2 or len(table.header_lines) > 1:
        return
    names = table.names
    rows = _compact(table)
    repeated = [place for place in rows.places(0, names[0]) if [*map(str.strip, rows[place])] == names]
    if not repeated:
        return
    first = repeated[0]
    after = len(rows) - first - 1
    same = sum(row == again for row, again in zip(islice(rows, first), islice(rows, first + 1, None), strict=False))
    if after and same >= 0.9 * after:
        _drop(table, range(first, len(table.rows)))
    else:
        _drop(table, repeated)


def _drop_second_table(table: Layout, gaps: set[int]) -> None:
    """Rows at the end that all have another number of cells, after a header of their own or an empty line."""
    if len(table.widths) < 2 or len(table.header) < 2:
        return
    width = Counter(table.widths.values()).most_common(1)[0][0]
    start = next(place for place, found in table.widths.items() if found == width)
    rows = len(table.rows) - start
    same = sum(found == width for place, found in table.widths.items() if place >= start)
    if rows < 2 or start == 0 or width < 2 or same < 0.9 * rows:
        return
    own = [Row([*table.rows[place], *table.surplus.get(place, [])], 0) for place in range(start, len(table.rows))]
    # What was cut off the ends of rows were empty cells.
    own = [Row((row.cells + [""] * width)[:width], 0) for row in own]
    values = value_columns(own[1:], width)
    names = [own[0].cells[column] for column in values]
    above = (Row(row, 0) for place, row in enumerate(islice(table.rows, start)) if place not in table.widths)
    held = value_columns([*islice(above, LOOKED_AT)], len(table.header))
    others = not any(is_value(row.cells[column]) for row in own for column in held if column < width)
    if (names and not any(map(is_value, names))) or (rows > 2 and (start in gaps or (held and others))):
        _drop(table, range(start, len(table.rows)))


def _drop_next_table(table: Layout, gaps: set[int]) -> None:
    """Another table after an empty line, perhaps with a title: texts again where this one has values."""
    width = len(table.header)
    if table.names is None or width < 2:
        return
    for gap in sorted(gap for gap in gaps if 0 < gap < len(table.rows) - 1)[:_GAPS]:
        below = [Row(row, 0) for row in table.rows[gap : gap + 50]]
        title = int(_filled(below[0].cells) == 1)
        if len(below) > title + 1 and _filled(below[title].cells) > 1 and is_header(below, title, width):
            _drop(table, range(gap, len(table.rows)))
            return


def _drop_footer(table: Layout, gaps: set[int]) -> None:
    """Lines below the table: one cell in a row of several, after an empty line or as a sentence."""
    width, end = len(table.header), len(table.rows)
    if width < 2 or end < 2:
        return
    for gap in sorted(gap for gap in gaps if max(end // 2, end - _FOOTER_ROWS) < gap < end):
        if all(place in table.widths or _filled(table.rows[place]) <= 1 for place in range(gap, end)):
            _drop(table, range(gap, end))
            return
    start = end
    while start > max(0, end - _FOOTER_ROWS) and _filled(table.rows[start - 1]) <= 1 and start - 1 not in table.surplus:
        start -= 1
    usual = sum(map(_filled, islice(table.rows, 50))) / min(50, end)
    if start == 0 or usual < 1.5:
        return
    for place in range(start, end):
        text = "".join(table.rows[place]).strip()
        if (len(text.split()) > 1 and not is_value(text)) or not any(map(str.isalnum, text)):
            _drop(table, range(place, end))
            return


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _compact(table: Layout) -> CompactRows:
    """The rows of a table for training; of others none are left out."""
    return cast(CompactRows, table.rows)


def _drop(table: Layout, places: Iterable[int]) -> None:
    """Take rows out of the table; they are listed with what stands after it."""
    gone = set(places)
    for place in sorted(gone):
        cells = [*table.rows[place], *table.surplus.get(place, [])]
        table.after.append(_skipped(Row(cells, table.lines[place])))
    kept = [place for place in range(len(table.rows)) if place not in gone]
    new = {place: position for position, place in enumerate(kept)}
    table.rows = _compact(table).without(gone)
    table.lines = array("q", [table.lines[place] for place in kept])
    for of in (table.ragged, table.surplus, table.widths):
        found = {new[place]: value for place, value in of.items() if place in new}
        of.clear()
        of.update(found)  # type: ignore[arg-type]
