"""A CSV file as text cells, and what is wrong with one that is none.

Cells stay text here, because what "0" or "yes" means is for the schema to say; the same
reader serves training and `POST /predict_csv`, so both understand the same files.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from slipway.errors import DataError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
MISSING_CELLS = frozenset({"", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null"})
"""Cells that mean "nothing here". `None` and `?` are left to a use case's `missing:`,
since both occur as real categories."""

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?", re.ASCII)
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(?:(?:\.\d{3}){2,}|(?:\.\d{3})+,\d+|(?:,\d{3}){2,}|(?:,\d{3})+\.\d+)", re.ASCII)
"""Numbers whose thousands are separated beyond doubt: `1.234,5`, `1,234,567`."""
OPEN = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
"""`1.030` and `1,030`: about one, or about a thousand."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")

csv.field_size_limit(64 * 1024 * 1024)


@dataclass(frozen=True)
class TextTable:
    """A CSV file as text: every row has as many cells as the header.

    `lines` has the line of each row in the file; `ragged` says, for the rows (by position)
    that had more or fewer cells than the header, what was wrong.
    """

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    ragged: dict[int, str]
    separator: str

    @property
    def decimal_comma(self) -> bool:
        """Whether `12,5` can be a number: not where the comma separates cells."""
        return self.separator != ","

    def column(self, name: str) -> list[str]:
        """The cells of one column, in the order of the rows."""
        position = self.header.index(name)
        return [row[position] for row in self.rows]


def _decode(data: bytes, source: str) -> str:
    if data[:4] in (b"PK\x03\x04", b"PAR1", b"%PDF", b"\x89PNG"):
        kind = {b"PK": "a ZIP or Excel", b"PA": "a Parquet", b"%P": "a PDF", b"\x89P": "a PNG"}[data[:2]]
        raise DataError(source, f"is {kind} file, not a CSV text; save the table as CSV")
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
    raise DataError(source, "is not a text table (it has bytes no CSV has); save the table as CSV in UTF-8")


def _separator(text: str) -> str:
    """The separator that cuts the first lines into most columns, most evenly."""
    head = "".join(text.lstrip().splitlines(keepends=True)[:50])

    def evenness(separator: str) -> tuple[int, int]:
        try:
            rows = [row for row in csv.reader(io.StringIO(head), delimiter=separator) if row]
        except csv.Error:
            return 0, 0
        width, count = Counter(map(len, rows)).most_common(1)[0]
        return (count if width > 1 else 0), min(len(rows[0]), width)

    return max(SEPARATORS, key=evenness)


def parse_csv(data: bytes, source: str = "the file") -> TextTable:
    """The cells of a CSV file, separated by comma, semicolon or tab.

    UTF-8 (with or without a byte order mark), UTF-16 and Latin-1 are recognised. Empty
    lines are passed over; an unnamed column is called `Unnamed: <position>`, as pandas
    does.

    Raises
    ------
    DataError
        If the file is empty, is no text, has no rows, or has a column name twice.
    """
    text = _decode(data, source)
    if not text.strip():
        raise DataError(source, "is empty; expected a header line and rows")
    separator = _separator(text)
    # Strict: else a quote that is never closed swallows the rest of the file without a word.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    ragged: dict[int, str] = {}
    header: list[str] = []
    start = 1
    try:
        named = next(row for row in reader if any(cell.strip() for cell in row))
        header = [name.strip() or f"Unnamed: {i}" for i, name in enumerate(named)]
        start = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                if len(row) != len(header):
                    ragged[len(rows)] = _ragged(row, header)
                    row = (row + [""] * len(header))[: len(header)]
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as exc:
        raise DataError(source, f"the row that begins on line {start} is no CSV: {exc}") from exc
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        times = Counter(header)[doubled[0]]
        raise DataError(source, f"has the column name {doubled[0][:80]!r} {times} times; rename them")
    if not rows:
        raise DataError(source, f"has a header ({len(header)} columns) and no rows")
    return TextTable(header, rows, lines, ragged, separator)


def _ragged(row: list[str], header: list[str]) -> str:
    surplus = row[len(header) :]
    rest = f" (left over: {', '.join(repr(cell[:40]) for cell in surplus[:3])})" if surplus else ""
    return f"{len(row)} cells, the header has {len(header)}{rest}"


def is_number(cell: str) -> bool:
    """Whether a cell is a number with any decimal mark, thousands separated or not."""
    return bool(NUMBER.fullmatch(cell) or DECIMAL_COMMA.fullmatch(cell) or GROUPED.fullmatch(cell))


def decimal_mark(number: str) -> str | None:
    """The decimal mark that a number must have; None if it has no mark, or both readings fit."""
    marks = number.count(".") + number.count(",")
    if marks > 1:  # the first separates thousands
        return "," if "." in number[:5] else "."
    return None if not marks or OPEN.fullmatch(number) else "." if "." in number else ","


def column_mark(cells: Collection[str], declared: str | None, elsewhere: Collection[str]) -> str | None:
    """The decimal mark by which `1.030` or `1,030` among the numbers of a column is to be read.

    What the column's own cells show comes first, then what was declared, then the decimal
    marks of other columns. None where that leaves both readings possible.
    """
    doubtful = {mark for cell in cells if OPEN.fullmatch(cell) for mark in ".," if mark in cell}
    if not doubtful:
        return declared or "."
    own = {mark for cell in cells if (mark := decimal_mark(cell))}
    if len(own) == 1 and (own == doubtful or any(map(GROUPED.fullmatch, cells))):
        return own.pop()
    agreed = doubtful == set(elsewhere) and len(doubtful) == 1 and not own
    return declared or (doubtful.pop() if agreed else None)


def plain_number(cell: str, decimal: str) -> str:
    """A number as Python writes it, if the cell is one; `decimal` decides where both readings fit."""
    is_open = OPEN.fullmatch(cell)
    if not is_open and (NUMBER.fullmatch(cell) or DECIMAL_COMMA.fullmatch(cell)):
        return cell.replace(",", ".")
    if not is_open and not GROUPED.fullmatch(cell):
        return cell
    mark = decimal_mark(cell) or decimal
    return cell.replace("." if mark == "," else ",", "").replace(mark, ".")


def two_readings(cell: str) -> tuple[str, str]:
    """The readings of a cell such as `1.030`, of which neither is certain: 1.03 and 1030."""
    return f"{float(cell.replace(',', '.')):g}", cell.replace(".", "").replace(",", "").removeprefix("+")
