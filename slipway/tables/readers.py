"""Reads a training table from CSV or Parquet into pandas, and says what is wrong with one."""

import hashlib
import importlib.metadata
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from slipway.errors import DataError, nearest
from slipway.tables.cells import TextTable
from slipway.tables.csv_file import parse_csv
from slipway.tables.dialect import SEPARATORS
from slipway.tables.reading import Reading, mask_sentinels, read_cells
from slipway.tables.source import DataSource, ReadingOptions

NO_OPTIONS = ReadingOptions()


def _check_ragged(table: TextTable, source: str) -> None:
    if table.ragged:
        row, first = next(iter(table.ragged.items()))
        more = f" (and {len(table.ragged) - 1} more such lines)" if len(table.ragged) > 1 else ""
        raise DataError(source, f"line {table.lines[row]} has {first}{more}; fix the file or remove them")


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


def _parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except ImportError as exc:
        raise DataError(path, "is Parquet, which needs pyarrow: `pip install 'pyarrow<26'`, or save it as CSV") from exc
    except Exception as exc:  # pyarrow's own errors share no base class with pandas'
        raise DataError(path, _unreadable(path) or f"is not a valid Parquet file: {str(exc).splitlines()[0]}") from exc
    table.columns = [str(name).strip() for name in table.columns]
    doubled = table.columns[table.columns.duplicated()]
    if len(doubled):
        raise DataError(path, f"has the column name {doubled[0]!r} more than once; rename them")
    if not len(table):
        raise DataError(path, f"has {len(table.columns)} columns and no rows")
    # A named index is a column that pandas has set apart.
    table = table.reset_index(drop=set(table.index.names) == {None})
    columns = {}
    for name in table.columns:
        try:
            columns[name] = _plain_column(table[name])
        except (pd.errors.OutOfBoundsDatetime, OverflowError) as exc:
            raise DataError(path, f"{name!r} holds a date outside the years 1678 to 2261: {exc}") from exc
    return pd.DataFrame(columns)


def _unreadable(path: Path) -> str | None:
    """Why pandas would not read a Parquet file that is one: it cannot with a name twice."""
    import pyarrow.parquet

    try:
        names = pyarrow.parquet.read_schema(path).names
    except Exception:  # not Parquet at all, as the caller will say
        return None
    doubled = [name for name, count in Counter(names).items() if count > 1]
    return f"has the column name {doubled[0]!r} more than once; rename them" if doubled else None


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
    """A table as read for training: the frame, where it came from, its SHA-256, and how it was read."""

    frame: pd.DataFrame
    source: str
    sha256: str
    reading: Reading = field(default_factory=Reading)


def read_table(source: DataSource, options: ReadingOptions = NO_OPTIONS) -> Table:
    """The whole table, with typed columns and at least two of them.

    `options` say which cells are missing, which columns are ignored, and which is the target.

    Raises
    ------
    DataError
        If the file is missing, empty, no table, has one row or one column, is not the file
        whose SHA-256 the use case names, or has cells that can be read in two ways.
    """
    path = locate(source)
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise DataError(path, f"cannot be read: {exc.strerror or exc}; give the path of a CSV or Parquet file") from exc
    sha256 = hashlib.sha256(data).hexdigest()
    if source.sha256 and sha256 != source.sha256.lower():
        raise DataError(path, f"has SHA-256 {sha256}, the use case expects {source.sha256}; it is another table")
    if path.suffix.lower() in (".parquet", ".pq") or data[:4] == b"PAR1":
        frame, reading = _parquet(path), Reading()
    else:
        cells = parse_csv(data, str(path))
        _check_ragged(cells, str(path))
        frame, reading = read_cells(cells, str(path), options, source.decimal)
    if len(frame.columns) < 2:
        raise DataError(
            path,
            f"has one column, {frame.columns[0]!r}; expected columns separated by "
            f"{', '.join(SEPARATORS.values())}, one of them the target",
        )
    if len(frame) < 2:
        raise DataError(path, "has 1 row; a model needs at least a few dozen")
    return Table(frame, str(path), sha256, reading)


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
    frame = frame.copy()
    frame[target] = mask_sentinels(frame[target], missing)  # `assign` cannot do it for a column named `self`
    kept = frame[frame[target].notna()].reset_index(drop=True)
    if not len(kept):
        raise DataError(table.source, f"has no value at all in the target column {target!r}")
    if kept[target].nunique() == 1:
        raise DataError(
            table.source,
            f"has the same value {kept[target].iloc[0]!r} in every row of the target {target!r}; "
            "there is nothing to predict",
        )
    return kept, len(frame) - len(kept)
