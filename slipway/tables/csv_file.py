"""A delimited text file as a table: its encoding, its dialect, and where the table is in it.

The same reader serves training and `POST /predict_csv`, so both understand the same files; a server's bounds are checked
while it reads.
"""

import re

from slipway.errors import CsvError, RequestCode
from slipway.tables.bounds import UNBOUNDED, Bounds
from slipway.tables.cells import HowRead, TextTable, table_of
from slipway.tables.content import Content
from slipway.tables.dialect import detect
from slipway.tables.encoding import Decoded, decode
from slipway.tables.layout import Skipped, lay_out
from slipway.tables.mend import mend
from slipway.tables.plain_rows import lay_out_plain
from slipway.tables.rows import Rows

_WEB_PAGE = re.compile(r"\s*<(!doctype\s+html|html|table)\b", re.IGNORECASE)

_KINDS = {b"PK\x03\x04": "a ZIP or Excel", b"PAR1": "a Parquet", b"%PDF": "a PDF", b"\x89PNG": "a PNG"}

_HEAD = 512 * 1024
"""Characters at the beginning of a text that tell its form."""


def check_rows(table: TextTable, source: str) -> None:
    """Refuse a table without a header, or without rows.

    Raises
    ------
    CsvError
    """
    if not table.header:
        raise CsvError(source, "is empty; expected a header line and rows", RequestCode.EMPTY_FILE)
    if not table.rows:
        problem = f"has a header ({len(table.header)} columns) and no rows"
        raise CsvError(source, problem, RequestCode.NO_ROWS, columns=len(table.header))


def read_text(
    decoded: Decoded, source: str, bounds: Bounds, *, separator: str | None = None, header: bool | None = None
) -> TextTable:
    """The table in a delimited text, which may have no rows, or nothing at all.

    Parameters
    ----------
    decoded : Decoded
    source : str
        The name of the file, for messages.
    bounds : Bounds
        Limits that are checked while reading.
    separator, header : optional
        What is known of the file, and need not be found.

    Returns
    -------
    TextTable

    Raises
    ------
    TableTooLargeError
        As soon as a limit is exceeded.
    """
    head = decoded.head(_HEAD)
    if not head or head.isspace():
        return TextTable([], [], [], {}, separator or ",", read=HowRead(encoding=decoded.encoding))
    if _WEB_PAGE.match(head):  # which exports of some programs are, with a name that ends in .xls
        problem = "is a web page (HTML), not a CSV text; save the table in it as CSV"
        raise CsvError(source, problem, RequestCode.NOT_A_CSV, kind="HTML")
    detected = detect(head, separator)
    first_line = 2 if detected.start else 1
    blocks = decoded.blocks()
    start = next(blocks)
    while len(start) < detected.start:
        start += next(blocks)
    rows = Rows(start, detected.dialect, detected.width, source, bounds, detected.start, first_line, blocks)
    # Training looks closer: at what stands below the table, and at rows that are not as the others.
    plain = None if bounds is UNBOUNDED else lay_out_plain(decoded.text, detected, source, bounds, header)
    table = plain or lay_out(rows, source, bounds, header, one_column=detected.width == 1)
    mended = mend(table, rows.odd, detected.dialect)
    read = HowRead(
        dialect=detected.dialect,
        encoding=decoded.encoding,
        line_end=_line_end(head),
        before=(Skipped(1, head[: detected.start].strip()),) if detected.start else (),
        repaired=tuple(sorted({*rows.repaired, *mended})),
        odd_bytes=decoded.odd_bytes,
        nuls=decoded.nuls,
    )
    # For `quoted`; a server does not ask, and has no memory to spare.
    return table_of(table, read, detected.dialect.separator, decoded if bounds is UNBOUNDED else None)


def _line_end(head: str) -> str:
    """How the first line ends."""
    first = re.search(r"\r\n?|\n", head)
    return first[0] if first else "\n"


def decode_text(data: bytes | Content, source: str, encoding: str | None = None) -> Decoded:
    """The text of a file.

    Parameters
    ----------
    data : bytes or Content
    source : str
        The name of the file, for messages.
    encoding : str, optional
        The encoding, where it is known.

    Returns
    -------
    Decoded

    Raises
    ------
    CsvError
        If it is not text, or not in this encoding.
    """
    content = data if isinstance(data, Content) else Content(data)
    kind = _KINDS.get(content.head[:4])
    if kind:
        problem = f"is {kind} file, not a CSV text; save the table as CSV"
        raise CsvError(source, problem, RequestCode.NOT_A_CSV, kind=kind.partition(" ")[2])
    try:
        found = decode(content, encoding)
    except (UnicodeDecodeError, LookupError) as exc:
        problem = f"is not text in the encoding {encoding} ({exc}); leave `encoding` out, or name another"
        raise CsvError(source, problem, RequestCode.NOT_TEXT) from exc
    if found is None:
        problem = "is not a text table (it has bytes no CSV has); save the table as CSV in UTF-8"
        raise CsvError(source, problem, RequestCode.NOT_TEXT)
    return found
