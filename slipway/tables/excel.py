"""Workbooks: .xlsx, .xlsm, .xlsb, .xls and .ods, read by python-calamine.

A cell keeps its meaning: a date is written as 2024-05-31, a time of day as 14:30, a number without the form that the
sheet shows it in.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

import numpy as np

from slipway.errors import CsvError, RequestCode, nearest
from slipway.tables.bounds import Bounds
from slipway.tables.cells import HowRead, TextTable, table_of
from slipway.tables.layout import lay_out
from slipway.tables.rows import Row

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
"""The part of an encrypted workbook that holds the rest."""
_MOST_CELLS = 200_000_000
"""Cells of a sheet, empty ones too: calamine holds them all. One cell in the last corner of a sheet makes 17 billion."""
_LOCKED = "is encrypted; save it without a password (in Excel: File, Info, Protect Workbook)"
_ABOVE = 1000
"""Rows that may stand above a table; as many as a table may have may be empty."""
_MOST_BYTES = 4 * 1024**3
_CHUNK = 1024 * 1024
_BYTES_OF_CELL, _BYTES_OF_PLACE, _BYTES_OF_BYTE = 80, 32, 8
"""Memory that calamine takes while it reads a sheet, at most: for a cell (40 in a list that doubles), for a place in its grid, and
where cells are not counted before, for a byte of what holds them."""
_UNCOUNTED = re.compile(r"content\.xml|xl/worksheets/.*\.bin")
"""The parts of .ods and .xlsb that hold cells."""
_reading = Lock()
_PLACE = re.compile(rb'<(?:\w+:)?c [^>]*?r="([A-Z]{1,3})(\d{1,7})"')


def is_workbook(data: bytes) -> bool:
    """Whether a file is a workbook, by its first bytes; an archive that is none was unpacked before."""
    return data.startswith((_OLE, b"PK\x03\x04"))


def read_workbook(
    data: bytes, source: str, bounds: Bounds, *, sheet: str | int | None = None, header: bool | None = None
) -> TextTable:
    """The table in a sheet of a workbook.

    Parameters
    ----------
    data : bytes
    source : str
        The name of the file, for messages.
    bounds : Bounds
    sheet : str or int, optional
        Its name, or its number from 1 on; the first with a table if not given.
    header : bool, optional
        Whether the table has a header; decided by its cells if not given.

    Returns
    -------
    TextTable
        Its lines are the rows of the sheet.

    Raises
    ------
    CsvError
        If it is encrypted or damaged, has no such sheet, or no table at all.
    TableTooLargeError
        As soon as a limit is exceeded.
    """
    book, memory = _opened(data, source, bounds)
    names = list(book.sheet_names)
    if not names:
        raise _refused(source, "has no sheets")
    wanted = [_chosen(names, sheet, source)] if sheet is not None else names
    best: TextTable | None = None
    for name in wanted:
        # One is read at a time, until nothing is left of it but its table: two would not find the memory that either does.
        with _reading:
            page = _sheet(book, name, source, memory)
            found = lay_out(_rows(page), source, bounds, header, one_column=_width(page) == 1)
            read = HowRead("excel", sheet=name, others=tuple(other for other in names if other != name))
            table = table_of(found, read, "\t")
            del page, found
        if table.rows and len(table.header) > 1:
            return table
        best = table if best is None or len(best.header) < len(table.header) else best
    if best is None or not best.header:
        held = f"the sheet {wanted[0]!r} is empty" if len(wanted) == 1 else f"all {len(wanted)} sheets are empty"
        raise CsvError(source, f"has no table: {held}", RequestCode.EMPTY_FILE)
    return best


def _opened(data: bytes, source: str, bounds: Bounds) -> tuple[Any, int]:
    """A workbook, and the bytes of memory that reading a sheet of it may take."""
    import python_calamine as calamine  # only now: most files are no workbook

    if data.startswith(_OLE) and _ENCRYPTED in data:
        raise _locked(source)
    memory = _check_size(data, source, bounds)
    try:
        return calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)), memory
    except calamine.PasswordError as exc:
        raise _locked(source) from exc
    except (calamine.CalamineError, OSError, ValueError) as exc:
        raise _refused(source, f"is not a workbook that can be read ({_short(exc)}); save the table as CSV") from exc


def _sheet(book: Any, name: str, source: str, memory: int) -> Any:
    """A sheet that has been read; None for one of charts.

    Only if the memory is there: where calamine finds none, it ends the process.
    """
    import python_calamine as calamine

    np.empty(memory, np.uint8)
    try:
        return book.get_sheet_by_name(name)
    except calamine.WorksheetNotFound:
        return None
    except (calamine.CalamineError, ValueError) as exc:
        raise _refused(source, f"has a sheet {name!r} that cannot be read: {_short(exc)}") from exc


def _refused(source: str, problem: str) -> CsvError:
    return CsvError(source, problem, RequestCode.UNREADABLE_FILE, kind="Excel")


def _locked(source: str) -> CsvError:
    return CsvError(source, _LOCKED, RequestCode.ENCRYPTED_FILE, kind="Excel")


def _short(exc: Exception) -> str:
    return (str(exc).splitlines() or [type(exc).__name__])[0][:200]


def _chosen(names: Sequence[str], sheet: str | int, source: str) -> str:
    if str(sheet) in names:
        return str(sheet)
    if str(sheet).isdecimal() and 1 <= int(sheet) <= len(names):
        return names[int(sheet) - 1]
    near = nearest(str(sheet), names)
    raise _refused(source, f"has no sheet {sheet!r}{near}; it has {', '.join(map(repr, names[:20]))}")


def _check_size(data: bytes, source: str, bounds: Bounds) -> int:
    """Refuse a workbook that would not fit into memory, before anything holds it; the bytes that a sheet may take to be read."""
    if not data.startswith(b"PK"):
        return _BYTES_OF_BYTE * len(data)
    total, memory, most = 0, 0, min(_MOST_BYTES, bounds.unpacked.limit)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                last_row, last_column, counted = 0, 0, 0
                is_sheet = info.filename.lower().startswith("xl/worksheets/")
                with archive.open(info) as part:
                    tail = b""
                    while chunk := part.read(_CHUNK):
                        total += len(chunk)
                        if total > most:
                            raise _refused(source, f"unpacks to more than {most:,} bytes; save the table as CSV")
                        if is_sheet:
                            counted += chunk.count(b"<c") + chunk.count(b":c ")
                            text = tail + chunk
                            last_row, last_column = _extent(text, last_row, last_column)
                            tail = text[-200:]
                        if last_row > 2 * bounds.rows.limit + _ABOVE:
                            raise bounds.rows.passed(source, last_row, "rows", RequestCode.TOO_MANY_ROWS)
                        if (cells := last_row * last_column) > 2 * bounds.cells.limit:
                            what = "cells, most of them empty"
                            raise bounds.cells.passed(source, cells, what, RequestCode.TOO_MANY_CELLS)
                        if cells > _MOST_CELLS:
                            what = f"has a sheet of {last_row:,} rows and {last_column:,} columns, most of them empty"
                            raise _refused(source, f"{what}; delete what is far from the table, or save it as CSV")
                needed = _BYTES_OF_CELL * counted + _BYTES_OF_PLACE * max(counted, last_row * last_column)
                if _UNCOUNTED.fullmatch(info.filename.lower()):
                    needed = _BYTES_OF_BYTE * info.file_size
                memory = max(memory, needed)
    except (zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError, NotImplementedError) as exc:
        raise _refused(source, f"is not a workbook that can be read ({_short(exc)}); save the table as CSV") from exc
    return total + memory


def _extent(text: bytes, rows: int, columns: int) -> tuple[int, int]:
    """The last row and column that a part of a sheet names."""
    places = set(_PLACE.findall(text))
    if places:
        letters = max({letters for letters, _ in places}, key=lambda name: (len(name), name))
        number = 0
        for letter in letters:
            number = number * 26 + letter - 64
        rows, columns = max(rows, max(int(row) for _, row in places)), max(columns, number)
    return rows, columns


def _width(sheet: Any) -> int:
    """The columns of a sheet, with the empty ones before its first cell."""
    return sheet.start[1] + sheet.width if sheet and sheet.start else 0


def _rows(sheet: Any) -> Iterator[Row]:
    """The rows of a sheet as text; the moments of a column are dates if all of them are midnight."""
    if not _width(sheet):
        return
    first = sheet.start[1]
    with_time = [False] * sheet.width
    for row in sheet.iter_rows():
        for column, cell in enumerate(row):
            if isinstance(cell, dt.datetime) and cell.time() != dt.time(0):
                with_time[column] = True
    for line, row in enumerate(sheet.iter_rows(), 1):
        yield Row([""] * first + [_text(cell, timed) for cell, timed in zip(row, with_time, strict=True)], line)


def _text(cell: Any, with_time: bool) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S") if with_time else cell.strftime("%Y-%m-%d")
    if isinstance(cell, dt.date):
        return f"{cell.isoformat()} 00:00:00" if with_time else cell.isoformat()
    if isinstance(cell, dt.time):
        return cell.strftime("%H:%M:%S" if cell.second else "%H:%M")
    if isinstance(cell, dt.timedelta):
        seconds = int(cell.total_seconds())
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return "" if cell is None else str(cell)
