"""A table as a workbook. Numbers and dates are cells of their kind; text never runs as a formula.

XlsxWriter makes the workbook with an empty sheet; the rows are put into it here, column by column, which takes a sixth of the time.
"""

import datetime as dt
import io
import math
import re
import zipfile
from collections.abc import Sequence
from itertools import repeat
from xml.sax.saxutils import escape

import numpy as np

from slipway.tables.numbers import NUMBER
from slipway.tables.plain_rows import PlainRows
from slipway.tables.writers import Column, number_texts

_CODE = re.compile(r"[+-]?0\d|.*\d{16}")
"""What a number cell would not hold: leading zeros, and more digits than a double has."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?", re.ASCII)
_LONGEST, _MOST_COLUMNS = 32_767, 16_384
"""Characters that a cell may have, and columns of a sheet."""
_ESCAPED = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9a-fA-F]{4}_)")
"""Characters that XML cannot have, and what would be read as one of them."""
_SHEET = "xl/worksheets/sheet1.xml"
_KEPT = 100_000


class ExcelWriter:
    """Writes a workbook of one sheet, which is packed as it comes."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    extension = "xlsx"
    escaped = 0

    def __init__(self, sheet: str | None = None) -> None:
        self._out = io.BytesIO()
        self._file = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        with zipfile.ZipFile(_empty_workbook(sheet)) as empty:
            for name in empty.namelist():
                if name != _SHEET:
                    self._file.writestr(name, empty.read(name))
            text = empty.read(_SHEET).decode()
        start, _, rest = text.partition("<sheetData>")
        self._end = f"</sheetData>{rest.partition('</sheetData>')[2]}"
        self._sheet = self._file.open(_SHEET, "w")
        # How large the sheet is need not be said, and is not known yet.
        self._sheet.write(re.sub("<dimension[^>]*>", "", f"{start}<sheetData>").encode())
        self._cells = _Cells(re.findall(r' s="\d+"', rest))
        self._letters: list[str] = []
        self._row = 0

    def begin(self, header: Sequence[str]) -> None:
        from xlsxwriter.utility import xl_col_to_name

        self._letters = [xl_col_to_name(column) for column in range(min(len(header), _MOST_COLUMNS))]
        self._write([[_text(name)] for name in header])

    def add(self, rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> int:
        width = len(self._letters) - len(columns)
        given = map(rows.column, range(width)) if isinstance(rows, PlainRows) else zip(*rows, strict=True)
        if rows:
            self._write([self._column(column) for column in (*given, *columns)])
        return self._out.tell()

    def finish(self) -> bytes:
        self._sheet.write(self._end.encode())
        self._sheet.close()
        self._file.close()
        return self._out.getvalue()

    def _column(self, column: Column | tuple[str, ...]) -> list[str]:
        """What follows the address in each cell of a column; "" for no cell."""
        if isinstance(column, np.ndarray):
            return [text and f"><v>{text}</v></c>" for text in number_texts(column[:, None])]
        return list(map(self._cells.__getitem__, column))

    def _write(self, columns: Sequence[Sequence[str]]) -> None:
        rows = list(map(str, range(self._row + 1, self._row + 1 + len(columns[0]))))
        self._row += len(rows)
        parts = [
            [cell and f'<c r="{letter}{row}"{cell}' for row, cell in zip(rows, column, strict=True)]
            for letter, column in zip(self._letters, columns, strict=False)
        ]
        starts = [f'<row r="{row}">' for row in rows]
        text = "".join(map("".join, zip(starts, *parts, repeat("</row>"), strict=False)))
        self._sheet.write(text.encode("utf-8", "replace"))


def _empty_workbook(sheet: str | None) -> io.BytesIO:
    """A workbook with two cells, which show how dates and moments are formatted."""
    import xlsxwriter  # only now: most files are none
    from xlsxwriter.exceptions import XlsxInputError, XlsxWriterException

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        try:
            page = book.add_worksheet(sheet)
        except (XlsxWriterException, XlsxInputError):  # a name that another program allows
            page = book.add_worksheet("Sheet1")
        for column, form in enumerate(("yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss")):
            page.write_number(0, column, 1, book.add_format({"num_format": form}))
    out.seek(0)
    return out


class _Cells(dict[str, str]):
    """What follows the address of a cell, by its text; each different one is looked at once."""

    def __init__(self, styles: Sequence[str]) -> None:
        super().__init__()
        self._date, self._moment = styles

    def __missing__(self, cell: str) -> str:
        if len(self) > _KEPT:
            self.clear()
        found = self[cell] = self._made(cell)
        return found

    def _made(self, cell: str) -> str:
        if NUMBER.fullmatch(cell) and not _CODE.match(cell) and math.isfinite(number := float(cell)):
            return f"><v>{number!r}</v></c>"
        if _DATE.fullmatch(cell) and (day := _serial(cell)) is not None:
            return f"{self._date if len(cell) == 10 else self._moment}><v>{day!r}</v></c>"
        return _text(cell)


def _text(cell: str) -> str:
    if not cell:
        return ""
    text = escape(_ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", cell[:_LONGEST]))
    space = ' xml:space="preserve"' if cell != cell.strip() or "\n" in cell else ""
    return f' t="inlineStr"><is><t{space}>{text}</t></is></c>'


def _serial(cell: str) -> float | None:
    """The moment of a cell in days, as a workbook counts them; None before 1900, which it cannot hold."""
    try:
        moment = dt.datetime.fromisoformat(cell)
    except ValueError:
        return None
    days = (moment - dt.datetime(1899, 12, 31)) / dt.timedelta(days=1)
    # For a workbook 1900 was a leap year.
    return None if moment.year < 1900 else days + (days >= 60)
