"""A table as text, in the form in which one came: its separator, quotes, decimal mark, encoding and line ends.

Cells go out as they came in. What is added to them is text, or numbers.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import orjson

from slipway.tables.cells import TextTable
from slipway.tables.numbers import NUMBER
from slipway.tables.plain_rows import PlainRows

Column = Sequence[str] | npt.NDArray[np.float64]
"""The cells of a column, or its numbers with NaN for an empty cell."""

_RUNS = frozenset("=+-@\t\r")
"""What a spreadsheet takes for the beginning of a formula."""
_IN_NUMBERS = frozenset("0123456789.-+e")
_MARKED = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
"""Encodings with a byte order mark, as those in which each part of a text can be encoded by itself."""


class TableWriter(Protocol):
    """Takes a header and blocks of rows, and makes a file of them."""

    @property
    def media_type(self) -> str:
        """The media type of the file."""

    @property
    def extension(self) -> str:
        """How the file's name ends."""

    @property
    def escaped(self) -> int:
        """Rows in which a cell would have run as a formula."""

    def begin(self, header: Sequence[str]) -> None:
        """The names of all columns."""

    def add(self, rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> int:
        """Rows, and the columns that are added to them, each of len(rows); the bytes written so far."""

    def finish(self) -> bytes:
        """The file."""


@dataclass(frozen=True)
class TextForm:
    """How a table is written as text.

    With `for_spreadsheets`, a cell that a spreadsheet would run as a formula gets a `'` before it.
    """

    separator: str = ","
    quote: str = '"'
    backslash: bool = False
    encoding: str = "utf-8"
    line_end: str = "\n"
    decimal: str = "."
    for_spreadsheets: bool = False


def form_of(table: TextTable, decimal: str = ".", for_spreadsheets: bool = False) -> TextForm:
    """The form of a text file that was read; that of a table that was none is comma-separated UTF-8.

    Parameters
    ----------
    table : TextTable
    decimal : "," or "."
        The decimal mark of its numbers.
    for_spreadsheets : bool, default=False

    Returns
    -------
    TextForm
    """
    dialect = table.read.dialect
    if dialect is None:
        return TextForm(for_spreadsheets=for_spreadsheets)
    return TextForm(
        table.separator,
        dialect.quote or '"',
        dialect.backslash,
        table.read.encoding,
        table.read.line_end,
        decimal,
        for_spreadsheets,
    )


class TextWriter:
    """Writes delimited text. Any reader gets every cell back unchanged.

    An encoding that lacks a letter of what was added is replaced by UTF-8 with a byte order mark; `encoding` says so.
    """

    extension = "csv"

    def __init__(self, form: TextForm = TextForm()) -> None:
        self.form = form
        self.encoding = _MARKED.get(form.encoding, form.encoding)
        self.escaped = 0
        # A spreadsheet takes UTF-8 without a mark for the encoding of its country.
        self._has_mark = form.encoding in _MARKED or (form.for_spreadsheets and form.encoding == "utf-8")
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def media_type(self) -> str:
        return f"text/csv; charset={self.encoding}"

    def begin(self, header: Sequence[str]) -> None:
        self._write(_lines([self._safe(header)], self.form), "\ufeff" if self._has_mark else "")

    def add(self, rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> int:
        parts = [self._given(rows), *self._added(columns)]
        self._write(map(self.form.separator.join, zip(*parts, strict=True)) if rows else [])
        return self._size

    def finish(self) -> bytes:
        return b"".join(self._parts)

    def _given(self, rows: Sequence[Sequence[str]]) -> Iterable[str]:
        """The first part of each line: the row as it stands in the file, if it can be."""
        form = self.form
        if not isinstance(rows, PlainRows) or (rows.separator, form.quote, form.backslash) != (
            form.separator,
            '"',
            False,
        ):
            return self._part(map(self._safe, rows) if form.for_spreadsheets else rows)
        if not form.for_spreadsheets:
            return rows.lines
        may_run = re.compile(rf"(?:^|{re.escape(rows.separator)})[{re.escape(''.join(_RUNS))}]").search
        join = rows.separator.join
        return [join(self._safe(line.split(rows.separator))) if may_run(line) else line for line in rows.lines]

    def _added(self, columns: Sequence[Column]) -> Iterator[Iterable[str]]:
        """The other parts of each line: columns of a kind that stand side by side are one."""
        for _, group in groupby(columns, key=type):
            alike = list(group)
            yield self._numbers(alike) if isinstance(alike[0], np.ndarray) else self._texts(alike)

    def _numbers(self, columns: Sequence[Column]) -> Iterable[str]:
        form = self.form
        texts = number_texts(np.column_stack(columns))
        if form.separator in _IN_NUMBERS or form.separator == form.decimal:
            return self._part(text.replace(".", form.decimal).split(",") for text in texts)
        if (form.separator, form.decimal) == (",", "."):
            return texts
        return "\n".join(texts).translate(str.maketrans(",.", form.separator + form.decimal)).split("\n")

    def _texts(self, columns: Sequence[Column]) -> Iterable[str]:
        if not any(map(any, columns)):
            return [self.form.separator * (len(columns) - 1)] * len(columns[0])
        rows = list(zip(*columns, strict=True))
        different = list(set(rows))
        return map(dict(zip(different, self._part(different), strict=True)).__getitem__, rows)

    def _part(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Cells of each row as a part of its line: an empty one is quoted only if it is the whole line."""
        return [line[:-1] for line in _lines(([*row, ""] for row in rows), self.form)]

    def _safe(self, cells: Sequence[str]) -> Sequence[str]:
        if not self.form.for_spreadsheets or not any(cell[:1] in _RUNS for cell in cells if cell):
            return cells
        safe = [f"'{cell}" if _runs(cell) else cell for cell in cells]
        self.escaped += safe != list(cells)
        return safe

    def _write(self, lines: Iterable[str], before: str = "") -> None:
        text = before + _ended(lines, self.form)
        try:
            part = text.encode(self.encoding, "strict" if self.encoding != "utf-8" else "replace")
        except UnicodeEncodeError:
            so_far = b"".join(self._parts).decode(self.encoding).removeprefix("\ufeff")
            self.encoding = "utf-8"
            self._parts = [f"\ufeff{so_far}".encode("utf-8", "replace")]
            self._size = len(self._parts[0])
            part = text.encode("utf-8", "replace")
        self._parts.append(part)
        self._size += len(part)


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
    form = TextForm(separator)
    return _ended(_lines(rows, form), form).encode("utf-8", "replace")


def write_cells(table: TextTable) -> bytes:
    """The cells as they were read, as comma-separated UTF-8: the names as in the file, and rows with all of their cells.

    Parameters
    ----------
    table : TextTable

    Returns
    -------
    bytes
        Without a first line of names if the file has none.
    """
    names = [] if table.read.names is None else [list(table.read.names)]
    rows = [
        [*row[: table.ragged[place].cells], *table.surplus.get(place, [])] if place in table.ragged else row
        for place, row in enumerate(table.rows)
    ]
    return write_rows([*names, *rows], ",")


def _lines(rows: Iterable[Sequence[str]], form: TextForm) -> Iterator[str]:
    """Each row as a line, without its end."""
    options: dict[str, Any] = {"delimiter": form.separator, "quotechar": form.quote}
    if form.backslash:
        options |= {"doublequote": False, "escapechar": "\\"}
    lines: list[str] = []
    # Python 3.11 quotes a carriage return only where a row ends with it.
    csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n", **options).writerows(rows)
    return (line[:-2] for line in lines)


def _ended(lines: Iterable[str], form: TextForm) -> str:
    return form.line_end.join([*lines, ""])


def _runs(cell: str) -> bool:
    return cell[:1] in _RUNS and bool(cell) and not NUMBER.fullmatch(cell.strip().replace(",", ".", 1))


def number_texts(numbers: npt.NDArray[np.float64]) -> list[str]:
    """The numbers of each row as Python writes them, between commas; much quicker than `repr` for each.

    Parameters
    ----------
    numbers : array of shape (n_rows, n_columns)
        NaN is an empty text.

    Returns
    -------
    list of n_rows str
    """
    if not len(numbers):
        return []
    texts = orjson.dumps(np.ascontiguousarray(numbers), option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].decode()
    return (texts.replace("null", "") if np.isnan(numbers).any() else texts).split("],[")
