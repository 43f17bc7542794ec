"""A table as a workbook. Numbers and dates are cells of their kind; text never runs as a formula."""

import datetime as dt
import io
import re
from collections.abc import Sequence

import numpy as np

from slipway.tables.numbers import NUMBER
from slipway.tables.writers import Column

_CODE = re.compile(r"[+-]?0\d|.*\d{16}")
"""What a number cell would not hold: leading zeros, and more digits than a double has."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?", re.ASCII)
_LONGEST = 32_767
"""Characters that a cell may have."""


class ExcelWriter:
    """Writes a workbook of one sheet. XlsxWriter keeps the rows in a temporary file until the end."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    extension = "xlsx"
    defused = 0

    def __init__(self, sheet: str | None = None) -> None:
        import xlsxwriter  # only now: most files are none

        self._out = io.BytesIO()
        self._book = xlsxwriter.Workbook(self._out, {"constant_memory": True})
        self._sheet = self._book.add_worksheet(sheet)
        self._formats = {
            10: self._book.add_format({"num_format": "yyyy-mm-dd"}),
            19: self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        }
        self._row = 0
        self._cells = 0

    def begin(self, header: Sequence[str]) -> None:
        for column, name in enumerate(header):
            self._sheet.write_string(0, column, name[:_LONGEST])
        self._row = 1

    def add(self, rows: Sequence[Sequence[str]], columns: Sequence[Column]) -> int:
        added = zip(*(column.tolist() if isinstance(column, np.ndarray) else column for column in columns), strict=True)
        for row, more in zip(rows, added, strict=True):
            for column, cell in enumerate((*row, *more)):
                self._write(column, cell)
            self._cells += len(row) + len(more)
            self._row += 1
        return 10 * self._cells  # about; a workbook is packed at its end

    def finish(self) -> bytes:
        self._book.close()
        return self._out.getvalue()

    def _write(self, column: int, cell: str | float) -> None:
        if isinstance(cell, float):
            if cell == cell:
                self._sheet.write_number(self._row, column, cell)
        elif NUMBER.fullmatch(cell) and not _CODE.match(cell):
            self._sheet.write_number(self._row, column, float(cell))
        elif _DATE.fullmatch(cell) and (moment := _moment(cell)):
            self._sheet.write_datetime(self._row, column, moment, self._formats[len(cell)])
        elif cell:
            self._sheet.write_string(self._row, column, cell[:_LONGEST])


def _moment(cell: str) -> dt.datetime | None:
    """The moment of a cell; None before 1900, which a workbook cannot hold."""
    try:
        moment = dt.datetime.fromisoformat(cell)
    except ValueError:
        return None
    return moment if moment.year >= 1900 else None
