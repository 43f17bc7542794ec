"""Reads a training table from a file or a database into pandas, and says what is wrong with one."""

import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from slipway.errors import DataError, nearest
from slipway.tables.address import is_address
from slipway.tables.arrow import is_arrow, read_arrow
from slipway.tables.cells import TextTable
from slipway.tables.compressed import is_packed
from slipway.tables.content import Content, Progress
from slipway.tables.csv_file import check_rows
from slipway.tables.dialect import SEPARATORS
from slipway.tables.excel import is_workbook
from slipway.tables.file_notes import file_notes
from slipway.tables.files import read_file
from slipway.tables.notes import Reading
from slipway.tables.reading import mask_sentinels, read_cells
from slipway.tables.source import DataSource, ReadingOptions
from slipway.tables.sql import read_query
from slipway.tables.typed_frame import read_frame

NO_OPTIONS = ReadingOptions()
MOST_COLUMNS = 2_000
"""Of a table: with 500 inputs training takes two minutes of a core, and a page has more fields than anybody fills in."""
_MOST_RAGGED = 0.1
"""The share of rows that may be left out for having more or fewer cells than the header."""
_LARGE = 64 * 1024 * 1024
"""Bytes from which it is said how much was read."""
_SAMPLE, _SAMPLE_ROWS = 16 * 1024 * 1024, 200_000
"""Bytes of a text file, and rows of another, that tell how it is read."""


def _plain_column(column: pd.Series) -> pd.Series:
    """A Parquet column as the plain kind the schema knows: numbers, booleans, dates, text."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype if column.notna().all() else object)
    present = column.dropna()
    if pd.api.types.is_bool_dtype(column.dtype) or (len(present) and all(isinstance(v, bool) for v in present)):
        return column.astype(bool) if column.notna().all() else column.astype(object).where(column.notna(), None)
    if pd.api.types.is_integer_dtype(column.dtype):
        fits = column.notna().all() and not (present > 2**63 - 1).any()
        return column.astype("int64") if fits else column.astype("float64")
    if pd.api.types.is_float_dtype(column.dtype):
        return column.astype("float64")
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return column.dt.tz_localize(None).astype("datetime64[ns]")
    if len(present) and all(isinstance(value, Decimal) for value in present):
        return column.astype("float64")
    if len(present) and all(isinstance(value, date) for value in present):
        return pd.to_datetime(column).astype("datetime64[ns]")
    missing = [value is None or value is pd.NA or (isinstance(value, float) and value != value) for value in column]
    return pd.Series([None if gap else str(value) for value, gap in zip(column, missing, strict=True)], dtype=object)


def numpy_column(column: pd.Series) -> pd.Series:
    """A column of a nullable or Arrow type, or with a time zone (or categories of such), with a NumPy dtype.

    Parameters
    ----------
    column : Series of shape (n_rows,)

    Returns
    -------
    Series of shape (n_rows,)
        Any other column is returned unchanged.
    """
    inner = column.cat.categories.dtype if isinstance(column.dtype, pd.CategoricalDtype) else column.dtype
    known = isinstance(inner, (pd.StringDtype, pd.ArrowDtype, pd.DatetimeTZDtype)) or hasattr(inner, "numpy_dtype")
    if not known:
        return column
    plain = _plain_column(column)
    return plain.set_axis(column.index).rename(column.name)


def _plain_frame(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """A table that had types already, with those the schema knows."""
    _check_columns([*map(str, frame.columns)], source)
    columns = {}
    for name in frame.columns:
        try:
            columns[name] = _plain_column(frame[name])
        except (pd.errors.OutOfBoundsDatetime, OverflowError) as exc:
            raise DataError(source, f"{name!r} holds a date outside the years 1678 to 2261: {exc}") from exc
    return pd.DataFrame(columns)


def locate(source: DataSource) -> Path:
    """The path of the table, inside its package if it is part of one."""
    if source.package is None:
        return Path(source.file)
    try:
        return Path(str(importlib.metadata.distribution(source.package).locate_file(source.file)))
    except importlib.metadata.PackageNotFoundError as exc:
        raise DataError(
            source.file,
            f"comes with the package {source.package!r}, which is not installed; "
            "`pip install 'slipway-ml[train]'` has it",
        ) from exc


@dataclass(frozen=True)
class Table:
    """A table as read for training: the frame, where it came from, its SHA-256, and how it was read.

    `share` is what part of the file was read: 1 but for the beginning of a large one, None where that is not known.
    """

    frame: pd.DataFrame
    source: str
    sha256: str
    reading: Reading = field(default_factory=Reading)
    share: float | None = 1.0


def read_table(
    source: DataSource,
    options: ReadingOptions = NO_OPTIONS,
    sample: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Table:
    """The whole table, with typed columns and at least two of them.

    Parameters
    ----------
    source : DataSource
        A file of delimited text, Excel, JSON, Parquet, Feather or Arrow, packed or not, or a database with a query.
    options : ReadingOptions
        Which cells are missing, which columns are ignored, and which is the target.
    sample : bool, default=False
        Whether the beginning of a large file will do.
    progress : callable, optional
        Is told now and then how much of a large file was read.

    Returns
    -------
    Table

    Raises
    ------
    DataError
        If the file is missing, empty, no table, has one row or one column, is not the file
        whose SHA-256 the use case names, or has cells that can be read in two ways.
    """
    if is_address(source.file):
        table = _from_database(source, options)
    else:
        table = _from_file(source, options, sample, progress)
    if len(table.frame.columns) < 2:
        raise DataError(
            table.source,
            f"has one column, {table.frame.columns[0]!r}; expected columns separated by "
            f"{', '.join(SEPARATORS.values())}, one of them the target",
        )
    if len(table.frame) < 2:
        raise DataError(table.source, "has 1 row; a model needs at least a few dozen")
    return table


def _from_database(source: DataSource, options: ReadingOptions) -> Table:
    frame = read_query(source.file, source.query)
    sha256 = hashlib.sha256(frame.to_csv(index=False).encode("utf-8", "surrogatepass")).hexdigest()
    _check_sha256(source, sha256, source.shown)
    plain, reading = read_frame(_plain_frame(frame, source.shown), source.shown, options, source.decimal)
    return Table(plain, source.shown, sha256, reading)


def _from_file(
    source: DataSource, options: ReadingOptions, sample: bool, progress: Callable[[str], None] | None
) -> Table:
    path = locate(source)
    if source.query:
        raise DataError(path, "is a file, and has no query; `query` is for the address of a database")
    with opened(path, _SAMPLE if sample else None) as (content, share):
        sha256 = content.sha256()
        _check_sha256(source, sha256, str(path))
        if is_arrow(path, content.head):
            frame = _plain_frame(read_arrow(path, content.read(), _SAMPLE_ROWS if sample else None), str(path))
            is_part = sample and len(frame) == _SAMPLE_ROWS
            plain, reading = read_frame(frame, str(path), options, source.decimal)
            return Table(plain, str(path), sha256, reading, None if is_part else 1.0)
        if content.size > _LARGE:
            content.read_so_far = Progress(progress, str(path), content.size)
        cells = read_file(content, str(path), options=source.options)
        check_rows(cells, str(path))
        _check_columns(cells.header, str(path))
        _check_ragged(cells, str(path))
        notes = file_notes(cells)
        frame, reading = read_cells(cells.without_ragged(), str(path), options, source.decimal)
        return Table(frame, str(path), sha256, replace(reading, notes=(*notes, *reading.notes)), share)


def _check_sha256(source: DataSource, sha256: str, shown: str) -> None:
    if source.sha256 and sha256 != source.sha256.lower():
        raise DataError(shown, f"has SHA-256 {sha256}, the use case expects {source.sha256}; it is another table")


def _check_columns(names: Sequence[str], source: str) -> None:
    if len(names) > MOST_COLUMNS:
        raise DataError(
            source,
            f"has {len(names):,} columns, {names[0]!r} to {names[-1]!r}; a model can be made of up to {MOST_COLUMNS:,}. Write a table of "
            "those that may tell something about the target",
        )


def _check_ragged(table: TextTable, source: str) -> None:
    """Refuse a table of which so many rows would be left out that something else must be wrong with it."""
    if len(table.ragged) > len(table.rows) * _MOST_RAGGED:
        row, first = next(iter(table.ragged.items()))
        more = f" (and {len(table.ragged) - 1} more such lines)" if len(table.ragged) > 1 else ""
        raise DataError(source, f"line {table.lines[row]} has {first}{more}; fix the file or remove them")


@contextmanager
def opened(path: Path, most: int | None = None) -> Iterator[tuple[Content, float]]:
    """The content of a file, or its first lines if it has more than `most` bytes and is text, and what share of it that is.

    Raises
    ------
    DataError
        If it cannot be read, or changes meanwhile.
    """
    before = None
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            content = Content(file, before.st_size)
            if most is None or before.st_size <= most or not _is_plain_text(path, content.head):
                yield content, 1.0
            else:
                data = content.open().read(most)
                data = data[: max(data.rfind(b"\n"), data.rfind(b"\r")) + 1] or data
                yield Content(data), len(data) / before.st_size
    except OSError as exc:
        _check_unchanged(path, before)
        problem = (
            f"cannot be read: {exc.strerror or exc}; give the path of a table, such as a CSV, Excel or Parquet file"
        )
        raise DataError(path, problem) from exc
    except Exception:
        _check_unchanged(path, before)  # else it says of a file that is being written that it is damaged
        raise
    _check_unchanged(path, before)


def _check_unchanged(path: Path, before: os.stat_result | None) -> None:
    after = path.stat() if before else None
    if before and after and (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise DataError(path, "was changed while it was read; try again when nothing writes to it")


def _is_plain_text(path: Path, head: bytes) -> bool:
    return not is_arrow(path, head) and not is_packed(head) and not is_workbook(head) and b"\0" not in head


def drop_missing_targets(table: Table, target: str, missing: tuple[Any, ...] = ()) -> tuple[pd.DataFrame, int]:
    """The rows that have a target.

    Parameters
    ----------
    table : Table
    target : str
        The name of the column.
    missing : tuple, optional
        The values that mean "missing".

    Returns
    -------
    frame : DataFrame of shape (n_kept, n_columns)
    dropped : int
        The number of rows without a target.

    Raises
    ------
    DataError
        If there is no such column, or it is empty or has the same value in every row.
    """
    frame = table.frame
    if target not in frame.columns:
        hint = nearest(target, frame.columns) or f"; its columns are {', '.join(map(repr, frame.columns[:20]))}"
        raise DataError(table.source, f"has no column {target!r} to predict{hint}")
    frame = frame.copy(deep=False)
    frame[target] = mask_sentinels(numpy_column(frame[target]), missing)  # `assign` cannot do it for one named `self`
    there = frame[target].notna()
    kept = frame if there.all() else frame[there].reset_index(drop=True)
    if not len(kept):
        raise DataError(table.source, f"has no value at all in the target column {target!r}")
    if kept[target].nunique() == 1:
        raise DataError(
            table.source,
            f"has the same value {kept[target].iloc[0]!r} in every row of the target {target!r}; "
            "there is nothing to predict",
        )
    return kept, len(frame) - len(kept)
