"""Which reader a file needs, by what is in it rather than by its name."""

from dataclasses import replace

from slipway.errors import CsvError, RequestCode
from slipway.tables.bounds import UNBOUNDED, Bounds
from slipway.tables.cells import TextTable
from slipway.tables.compressed import unpack
from slipway.tables.content import Content
from slipway.tables.csv_file import check_rows, decode_text, read_text
from slipway.tables.excel import is_workbook, read_workbook
from slipway.tables.json_table import looks_like_json, read_json
from slipway.tables.source import FileOptions

NO_OPTIONS = FileOptions()
_HEAD = 4096
"""Characters that tell whether a text is JSON."""


def read_file(
    data: bytes | Content, source: str = "the file", bounds: Bounds = UNBOUNDED, options: FileOptions = NO_OPTIONS
) -> TextTable:
    """The table in a file: delimited text, a workbook or JSON, packed or not.

    Parameters
    ----------
    data : bytes or Content
    source : str
        The name of the file, for messages.
    bounds : Bounds
        Limits that are checked while reading; none by default, as for training.
    options : FileOptions

    Returns
    -------
    TextTable
        It may have no rows, or nothing at all.

    Raises
    ------
    CsvError
        If it is none of these, or cannot be read.
    TableTooLargeError
        As soon as a limit is exceeded.
    """
    content, compression = unpack(data if isinstance(data, Content) else Content(data), source, bounds)
    if is_workbook(content.head):
        table = read_workbook(content.read(), source, bounds, sheet=options.sheet, header=options.header)
    elif options.sheet is not None:
        problem = f"has no sheets, but `sheet` is {options.sheet!r}; leave it out"
        raise CsvError(source, problem, RequestCode.NOT_A_CSV, kind="CSV")
    else:
        table = _read_text(content, source, bounds, options)
    return replace(table, read=replace(table.read, compression=compression)) if compression else table


def read_upload(data: bytes, bounds: Bounds = UNBOUNDED) -> TextTable:
    """The table in a file that a client sent, which has at least one row.

    Parameters
    ----------
    data : bytes
    bounds : Bounds

    Returns
    -------
    TextTable

    Raises
    ------
    CsvError, TableTooLargeError
        As of `read_file`, and for a file without a header or without rows.
    """
    table = read_file(data, bounds=bounds)
    check_rows(table, "the file")
    return table


def _read_text(content: Content, source: str, bounds: Bounds, options: FileOptions) -> TextTable:
    decoded = decode_text(content, source, options.encoding)
    head = decoded.head(_HEAD)
    name = source.lower().removesuffix(".gz")
    if looks_like_json(head):
        try:
            return read_json(decoded.text, source, bounds, decoded.encoding)
        except CsvError:
            if name.endswith((".csv", ".tsv", ".txt")):
                pass  # a cell that begins with a brace
            else:
                raise
    elif name.endswith((".json", ".jsonl", ".ndjson")) and head.strip():
        return read_json(decoded.text, source, bounds, decoded.encoding)
    return read_text(decoded, source, bounds, separator=options.separator, header=options.header)
