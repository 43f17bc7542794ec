"""A delimited text file of any length, part by part: its form is told once, by its beginning.

The parts are the same whenever the file is read again, and each can be read without those before it.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from slipway.errors import CsvError, RequestCode
from slipway.tables.bounds import Bound, Bounds
from slipway.tables.cells import HowRead, TextTable
from slipway.tables.compressed import unpack
from slipway.tables.content import Content
from slipway.tables.csv_file import decode_text
from slipway.tables.dialect import Dialect, detect
from slipway.tables.encoding import Decoded
from slipway.tables.excel import is_workbook
from slipway.tables.json_table import looks_like_json
from slipway.tables.layout import HEAD_ROWS, lay_out, lay_out_part
from slipway.tables.plain_rows import plain_part
from slipway.tables.rows import Row, Rows

_HEAD = 512 * 1024
"""Characters at the beginning of a text that tell its form."""
_JSON_HEAD = 4096
_PART_ROWS, _PART_CELLS = 50_000, 1_000_000
"""Rows, and cells, of a part that had to be cut into cells to find its end."""
_LINE_END = re.compile(r"\r\n?|\n")
_NO_BOUND = Bound(2**48, "", "")
_BOUNDS = Bounds(
    _NO_BOUND,
    Bound(100_000, "of one row", "leave out columns that the model does not use"),
    _NO_BOUND,
    Bound(1_000_000, "of one cell", "shorten it; is a quote never closed?"),
)
"""A file may have any number of rows. One row has to fit into memory."""


@dataclass(frozen=True)
class TextForm:
    """What the beginning of a file tells of all its rows.

    `is_plain` says that no quote is in the file: a line is a row. `first_line` is the first line below the header.
    """

    source: str
    header: list[str]
    read: HowRead
    dialect: Dialect
    width: int
    is_plain: bool
    first_line: int

    def table(self, rows: Sequence[list[str]] = (), lines: Sequence[int] = ()) -> TextTable:
        """A table with these names and some rows."""
        return TextTable(self.header, rows, lines, {}, self.dialect.separator, read=self.read)


@dataclass(frozen=True)
class TextPart:
    """Some rows of a file: the text of whole lines, the first of which is `line`, or the rows themselves."""

    size: int
    line: int = 0
    text: str = ""
    rows: tuple[Row, ...] = ()

    def table(self, form: TextForm) -> TextTable:
        """These rows as a table.

        Parameters
        ----------
        form : TextForm
            Of the file.

        Returns
        -------
        TextTable
        """
        width = len(form.header)
        if self.text and form.width == width:
            plain = plain_part(self.text, form.dialect, width, _BOUNDS)
            if plain is not None:
                return form.table(plain, range(self.line, self.line + len(plain)))
        rows: Sequence[Row] | Rows = self.rows
        if self.text:
            rows = Rows(self.text, form.dialect, form.width, form.source, _BOUNDS, 0, self.line)
        found = lay_out_part(rows, form.header, form.source, _BOUNDS, one_column=form.width == 1)
        return replace(form.table([*found.rows], array("q", found.lines)), ragged=found.ragged)


class DelimitedFile:
    """A file of delimited text, packed or not.

    Parameters
    ----------
    content : Content
    source : str
        The name of the file, for messages.

    Raises
    ------
    CsvError
        If it is none, or has no header.
    """

    def __init__(self, content: Content, source: str) -> None:
        content, compression = unpack(content, source, _BOUNDS)
        self._content = content
        self._decoded = _decoded(content, source)
        self.length = self._decoded.length
        """Characters of the text."""
        self.form = self._form(source, compression)

    def _form(self, source: str, compression: str | None) -> TextForm:
        head = self._decoded.head(_HEAD)
        if not head or head.isspace():
            raise CsvError(source, "is empty; expected a header line and rows", RequestCode.EMPTY_FILE)
        detected = detect(head)
        self._start = detected.start
        rows = self._rows(detected.dialect, detected.width, source)
        first = [row for _, row in zip(range(HEAD_ROWS), rows, strict=False)]
        found = lay_out(first, source, _BOUNDS, one_column=detected.width == 1)
        read = HowRead(
            dialect=detected.dialect,
            encoding=self._decoded.encoding,
            compression=compression,
            renamed=found.renamed,
            names=None if found.names is None else tuple(found.names),
        )
        last = max([*found.header_lines, *(row.line for row in found.before), 1 if detected.start else 0])
        first_line = found.lines[0] if found.lines else last + 1
        quotes = {'"', detected.dialect.quote or '"'}
        is_plain = not detected.dialect.backslash and not self._has(quotes, first_line)
        return TextForm(source, found.header, read, detected.dialect, detected.width, is_plain, first_line)

    def _has(self, marks: set[str], first_line: int) -> bool:
        """Whether one of these characters is below the header, which many write in quotes."""
        for place, block in enumerate(self._decoded.blocks()):
            text = block if place else _without_lines(block, first_line - 1)
            if any(mark in text for mark in marks):
                return True
        return False

    def _rows(self, dialect: Dialect, width: int, source: str) -> Rows:
        blocks = self._decoded.blocks()
        start = next(blocks, "")
        while len(start) < self._start and (more := next(blocks, "")):
            start += more
        return Rows(start, dialect, width, source, _BOUNDS, self._start, 2 if self._start else 1, blocks)

    def parts(self) -> Iterator[TextPart]:
        """The rows of the file below its header, in order.

        Yields
        ------
        TextPart
            Of a few megabytes.
        """
        form = self.form
        yield from self._plain_parts() if form.is_plain else self._cut_parts(form)

    def _plain_parts(self) -> Iterator[TextPart]:
        """Each block of the text up to its last line end."""
        line, skipped, held = 1, self.form.first_line - 1, ""
        for block in chain(self._decoded.blocks(), [None]):
            text = held + (block or "")
            end = len(text) if block is None else _last_line_end(text)
            held, text = text[end:], text[:end]
            lines = _count_lines(text)
            if skipped:
                taken = min(skipped, lines)
                text = _without_lines(text, taken)
                line, skipped, lines = line + taken, skipped - taken, lines - taken
            if text:
                yield TextPart(len(text), line, text)
            line += lines

    def _cut_parts(self, form: TextForm) -> Iterator[TextPart]:
        most = min(_PART_ROWS, max(1, _PART_CELLS // max(1, form.width)))
        rows: list[Row] = []
        size = 0
        for row in self._rows(form.dialect, form.width, form.source):
            if row.line < form.first_line:
                continue
            rows.append(row)
            size += sum(map(len, row.cells)) + len(row.cells)
            if len(rows) >= most:
                yield TextPart(size, rows=tuple(rows))
                rows, size = [], 0
        if rows:
            yield TextPart(size, rows=tuple(rows))


def _decoded(content: Content, source: str) -> Decoded:
    if is_workbook(content.head):
        problem = "is a workbook, which is read as a whole; save it as CSV or Parquet"
        raise CsvError(source, problem, RequestCode.NOT_A_CSV, kind="an Excel")
    decoded = decode_text(content, source)
    if looks_like_json(decoded.head(_JSON_HEAD)) and not source.lower().endswith((".csv", ".tsv", ".txt")):
        problem = "is JSON, which is read as a whole; save it as CSV or Parquet"
        raise CsvError(source, problem, RequestCode.NOT_A_CSV, kind="a JSON")
    return decoded


def _last_line_end(text: str) -> int:
    """Where the last whole line ends; a carriage return at the end may be followed by a line feed."""
    return text.rfind("\n") + 1 or text.rfind("\r", 0, len(text) - 1) + 1


def _count_lines(text: str) -> int:
    ends = len(_LINE_END.findall(text)) if "\r" in text else text.count("\n")
    return ends + (bool(text) and text[-1] not in "\r\n")


def _without_lines(text: str, count: int) -> str:
    end = 0
    for _ in range(count):
        found = _LINE_END.search(text, end)
        if found is None:
            return ""
        end = found.end()
    return text[end:]
