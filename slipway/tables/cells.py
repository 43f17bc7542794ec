"""A CSV file as text cells, and what is wrong with one that is none.

Cells stay text here, because what "0" or "yes" means is for the schema to say; the same
reader serves training and `POST /predict_csv`, so both understand the same files.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from types import SimpleNamespace
from typing import NamedTuple

from slipway.errors import CsvError, RequestCode, TableTooLargeError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_START = re.compile(r"\S")
_HEAD_LINES, _HEAD_CHARACTERS = 50, 256 * 1024
"""What of a file decides which separator it has."""

CELLS_OF_A_ROW = 4
"""A row may have as many characters as so many of the longest cells, so that no row is read that is far too long."""

csv.field_size_limit(64 * 1024 * 1024)


@dataclass(frozen=True)
class Bound:
    """A limit on some part of a file, the setting that defines it, and what to do about more."""

    limit: int
    setting: str
    remedy: str
    when: str = ""

    def passed(
        self, source: str, found: int, what: str, code: RequestCode, line: int | None = None
    ) -> TableTooLargeError:
        """The error for a file that has more of it: `found` at least."""
        limit = f"{self.when}the limit is {self.limit:,} ({self.setting})"
        problem = f"has at least {found:,} {what}; {limit}: {self.remedy}"
        return TableTooLargeError(source, problem, code, found=found, limit=self.limit, line=line)


@dataclass(frozen=True)
class Bounds:
    """What a file of a stranger may have: checked while it is read, since what was read is in memory already.

    `cells` counts those that a row lacks, too; `cell` is in characters.
    """

    rows: Bound
    columns: Bound
    cells: Bound
    cell: Bound


_NONE = Bound(2**48, "", "")
UNBOUNDED = Bounds(_NONE, _NONE, _NONE, _NONE)


class RaggedRow(NamedTuple):
    """A row with more or fewer cells than the header: how many each has, and the first ones left over."""

    cells: int
    columns: int
    left_over: str

    def __str__(self) -> str:
        rest = f" (left over: {self.left_over})" if self.left_over else ""
        return f"{self.cells} cells, the header has {self.columns}{rest}"


@dataclass(frozen=True)
class TextTable:
    """A CSV file as text: every row has as many cells as the header.

    `lines` has the line of each row in the file; `ragged` has the rows (by position)
    that had more or fewer cells than the header.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    ragged: dict[int, RaggedRow]
    separator: str

    @property
    def decimal_comma(self) -> bool:
        """Whether `12,5` can be a number: not where the comma separates cells."""
        return self.separator != ","

    def column(self, name: str) -> list[str]:
        """The cells of a column, in the order of the rows."""
        position = self.header.index(name)
        return [row[position] for row in self.rows]

    def blocks(self, size: int) -> Iterator["TextTable"]:
        """The same table in pieces.

        Parameters
        ----------
        size : int
            The largest number of rows in a piece.

        Yields
        ------
        TextTable
            In order.
        """
        for start in range(0, len(self.rows), size):
            part = slice(start, start + size)
            ragged = {row - start: found for row, found in self.ragged.items() if start <= row < start + size}
            yield TextTable(self.header, self.rows[part], self.lines[part], ragged, self.separator)


def _decode(data: bytes, source: str) -> str:
    if data[:4] in (b"PK\x03\x04", b"PAR1", b"%PDF", b"\x89PNG"):
        kind = {b"PK": "a ZIP or Excel", b"PA": "a Parquet", b"%P": "a PDF", b"\x89P": "a PNG"}[data[:2]]
        raise CsvError(
            source,
            f"is {kind} file, not a CSV text; save the table as CSV",
            RequestCode.NOT_A_CSV,
            kind=kind.partition(" ")[2],
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif data[1:200:2].count(0) > 50 or (0 < len(data) < 400 and data[1::2].count(0) > len(data) // 3):
        encodings = ["utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not _CONTROL.search(text):
            return text
        break
    raise CsvError(
        source, "is not a text table (it has bytes no CSV has); save the table as CSV in UTF-8", RequestCode.NOT_TEXT
    )


def _separator(text: str) -> str:
    """The separator that cuts the first lines into most columns, most evenly."""
    begin = _START.search(text)
    start = begin.start() if begin else 0
    head = text[start : start + _HEAD_CHARACTERS + 1]
    lines = [line[0] for line in islice(_LINE.finditer(head), _HEAD_LINES)]
    if len(head) > _HEAD_CHARACTERS and 1 < len(lines) < _HEAD_LINES:
        lines.pop()  # it is cut off

    def evenness(separator: str) -> tuple[int, int]:
        try:
            rows = [row for row in csv.reader(lines, delimiter=separator) if row]
        except csv.Error:
            return 0, 0
        width, count = Counter(map(len, rows)).most_common(1)[0]
        return (count if width > 1 else 0), min(len(rows[0]), width)

    return max(SEPARATORS, key=evenness)


class _RowTooLongError(Exception):
    """Raised in the midst of a row, before it is cut into cells."""


class _Lines:
    """The lines of a text, until those of one row have more than `longest` characters.

    Whoever reads says where a row begins. (Plain attributes: this runs for every row of a file.)
    """

    def __init__(self, text: str, longest: int) -> None:
        self.end = 0  # of the lines so far
        self.row_start = 0
        self.row_line = 1
        self._text = text
        self._longest = longest

    def __iter__(self) -> Iterator[str]:
        text, longest = self._text, self._longest
        # A line may also end with a carriage return alone; to look for that takes three times as long.
        ends = (line.end() for line in _LINE.finditer(text)) if "\r" in text else _line_feeds(text)
        for end in ends:
            start, self.end = self.end, end
            if end - self.row_start > longest:
                raise _RowTooLongError
            yield text[start:end]


def _line_feeds(text: str) -> Iterator[int]:
    end = 0
    while end < len(text):
        end = text.find("\n", end) + 1 or len(text)
        yield end


def parse_csv(data: bytes, source: str = "the file", bounds: Bounds = UNBOUNDED) -> TextTable:
    """The cells of a CSV file, separated by comma, semicolon or tab.

    UTF-8 (with or without a byte order mark), UTF-16 and Latin-1 are recognised. Empty
    lines are ignored; an unnamed column is called `Unnamed: <position>`, as in pandas.

    Parameters
    ----------
    data : bytes
    source : str
        The name of the file, for messages.
    bounds : Bounds
        Limits that are checked while reading; none by default, as for training.

    Returns
    -------
    TextTable

    Raises
    ------
    TableTooLargeError
        As soon as a limit is exceeded.
    CsvError
        If the file is empty, is not text, has no rows, or has a duplicate column name.
    """
    text = _decode(data, source)
    if not text or text.isspace():
        raise CsvError(source, "is empty; expected a header line and rows", RequestCode.EMPTY_FILE)
    table = TextTable([], [], [], {}, _separator(text))
    lines = _Lines(text, CELLS_OF_A_ROW * bounds.cell.limit)
    try:
        _read(lines, table, source, bounds)
    except csv.Error as exc:
        problem = f"is not valid CSV in the row that begins on line {lines.row_line}: {exc}"
        raise CsvError(source, problem, RequestCode.INVALID_CSV, line=lines.row_line) from exc
    except _RowTooLongError:
        setting = f"{CELLS_OF_A_ROW} × {bounds.cell.setting}"
        bound = replace(bounds.cell, limit=CELLS_OF_A_ROW * bounds.cell.limit, setting=setting)
        what = f"characters in the row that begins on line {lines.row_line}"
        raise bound.passed(
            source, lines.end - lines.row_start, what, RequestCode.CELL_TOO_LONG, lines.row_line
        ) from None
    doubled = [name for name, count in Counter(table.header).items() if count > 1]
    if doubled:
        times = Counter(table.header)[doubled[0]]
        problem = f"has the column name {doubled[0][:80]!r} {times} times; rename them"
        raise CsvError(source, problem, RequestCode.DUPLICATE_COLUMN, column=doubled[0][:80], times=times)
    if not table.rows:
        problem = f"has a header ({len(table.header)} columns) and no rows"
        raise CsvError(source, problem, RequestCode.NO_ROWS, columns=len(table.header))
    return table


def _read(lines: _Lines, table: TextTable, source: str, bounds: Bounds) -> None:
    """Fills the table with the lines."""
    # Strict: else a quote that is never closed swallows the rest of the file without a word.
    reader = csv.reader(lines, delimiter=table.separator, strict=True)
    header, rows, numbers, empty = table.header, table.rows, table.lines, 0
    most_columns, longest, most_rows = bounds.columns.limit, bounds.cell.limit, bounds.rows.limit
    for row in reader:
        if not any(cell.strip() for cell in row):
            empty += 1
            if empty > bounds.rows.limit:
                raise bounds.rows.passed(source, empty, "empty lines", RequestCode.TOO_MANY_ROWS)
        elif len(row) > most_columns:
            what = f"cells on line {lines.row_line}"
            raise bounds.columns.passed(source, len(row), what, RequestCode.TOO_MANY_COLUMNS, lines.row_line)
        elif lines.end - lines.row_start > longest and (length := max(map(len, row))) > longest:
            what = f"characters in a cell of line {lines.row_line}"
            raise bounds.cell.passed(source, length, what, RequestCode.CELL_TOO_LONG, lines.row_line)
        elif not header:
            header += [name.strip() or f"Unnamed: {i}" for i, name in enumerate(row)]
            most_rows = min(most_rows, bounds.cells.limit // len(header))
        elif len(rows) == bounds.rows.limit:
            raise bounds.rows.passed(source, len(rows) + 1, "rows", RequestCode.TOO_MANY_ROWS)
        elif len(rows) == most_rows:
            found = (len(rows) + 1) * len(header)
            raise bounds.cells.passed(source, found, "cells", RequestCode.TOO_MANY_CELLS)
        else:
            if len(row) != len(header):
                table.ragged[len(rows)] = _ragged(row, header)
                row = (row + [""] * len(header))[: len(header)]
            rows.append(row)
            numbers.append(lines.row_line)
        lines.row_start, lines.row_line = lines.end, reader.line_num + 1


def _ragged(row: list[str], header: list[str]) -> RaggedRow:
    left_over = ", ".join(repr(cell[:40]) for cell in row[len(header) :][:3])
    return RaggedRow(len(row), len(header), left_over)


def write_rows(rows: Sequence[Sequence[str]], separator: str) -> bytes:
    """Rows as UTF-8 CSV with a line feed after each; any reader gets every cell back unchanged.

    Parameters
    ----------
    rows : sequence of sequences of str
    separator : str

    Returns
    -------
    bytes
    """
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    text = out.getvalue()
    if "\r" in text:  # Python 3.11 quotes it only where a row ends with it
        lines: list[str] = []
        csv.writer(SimpleNamespace(write=lines.append), delimiter=separator, lineterminator="\r\n").writerows(rows)
        text = "".join(f"{line[:-2]}\n" for line in lines)
    return text.encode("utf-8", "replace")
