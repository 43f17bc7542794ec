"""`slipway look FILE… --cells OUT`: what is in the cells of files, as comma-separated UTF-8."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from slipway.errors import DataError, SlipwayError
from slipway.tables.source import DataSource

_OTHER_FORMS = (
    ".xlsx",
    ".xlsm",
    ".xlsb",
    ".xls",
    ".ods",
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
    ".pq",
    ".feather",
    ".arrow",
)
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")


def write_all(files: Sequence[str], out: Path, source: DataSource) -> int:
    """Write the cells of each file; the exit code, 1 if one could not be read.

    Parameters
    ----------
    files : sequence of str
    out : Path
        A folder for several files, with one file of the same name for each; for one file it may be a file.
    source : DataSource
        What the options say of the files.
    """
    into_folder = len(files) > 1 or out.is_dir()
    failed = 0
    taken: set[str] = set()
    try:
        (out if into_folder else out.parent).mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise DataError(out, f"cannot be written: {exc.strerror}; give another place with --cells") from exc
    for file in files:
        path = out / _name(file, taken) if into_folder else out
        try:
            content, summary = _cells(replace(source, file=file))
            path.write_bytes(content)
            print(f"{summary} -> {path}", flush=True)
        except SlipwayError as exc:
            failed += 1
            print(f"look: {' '.join(str(exc).split())}", file=sys.stderr, flush=True)
        except OSError as exc:
            raise DataError(path, f"cannot be written: {exc.strerror}; give another place with --cells") from exc
    return int(failed > 0)


def _name(file: str, taken: set[str]) -> str:
    path = Path(file.partition("?")[0])
    name = path.stem if path.suffix.lower() in _PACKED else path.name
    if name != path.name or Path(name).suffix.lower() in _OTHER_FORMS:
        name = name if name.lower().endswith((".csv", ".tsv", ".txt")) else f"{Path(name).stem}.csv"
    name = name or "cells.csv"
    while name in taken:
        name = f"{path.name}.csv" if f"{path.name}.csv" not in taken else f"{name}.csv"
    taken.add(name)
    return name


def _cells(source: DataSource) -> tuple[bytes, str]:
    """The cells of a table as CSV, and one line about them."""
    from slipway.tables.address import is_address
    from slipway.tables.arrow import is_arrow, read_arrow
    from slipway.tables.file_notes import described
    from slipway.tables.files import read_file
    from slipway.tables.readers import locate, opened
    from slipway.tables.sql import read_query
    from slipway.tables.writers import write_cells

    if is_address(source.file):
        frame = read_query(source.file, source.query)
    else:
        path = locate(source)
        with opened(path) as (content, _):
            if not is_arrow(path, content.head):
                table = read_file(content, str(path), options=source.options)
                return write_cells(table), f"{path}: {described(table)}"
            frame = read_arrow(path, content.read())
    content = frame.to_csv(index=False).encode("utf-8", "surrogatepass")
    return content, f"{source.shown}: {len(frame):,} rows, {len(frame.columns):,} columns"
