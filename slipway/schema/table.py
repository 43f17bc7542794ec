"""The check of a table: its valid rows as arrays, and what is wrong with each of the others.

Column after column, and each different cell once: only a cell that is not plain, or of which something has to be said, goes through
`Field.read`. A file may have 200,000 rows.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from slipway.errors import Fault, FaultCode, RecordsError, RequestCode, nearest, nearest_name
from slipway.schema import arrays
from slipway.schema.fields import SHOWN, Field, FieldError, Value, truncated
from slipway.schema.schema import Checked, Schema
from slipway.schema.suggestions import suggest_columns
from slipway.tables.cells import TextTable, check_duplicates
from slipway.tables.decimal_marks import decimal_mark
from slipway.tables.numbers import NUMBER, NumberCells

DecimalMarks = dict[str, str | None]
"""Name of a number field → its decimal mark in a file; None where `1.030` can be read in two ways."""

KEPT_CELLS = 100_000
"""Different cells that are remembered from one part of a table to the next."""
_DIGITS = {".": re.compile(r"[0-9.eE+\-\n]*"), ",": re.compile(r"[0-9,+\-\n]*")}
"""No other characters: the numbers among them are those of JSON, which is read in a third of the time."""
_PLAIN = {".": NUMBER, ",": re.compile(r"[+-]?\d+(?:,\d+)?", re.ASCII)}


@dataclass(frozen=True)
class CheckedTable:
    """A table as read by the schema, a `Checked` of its good rows and the faults of the others.

    `good` has the positions of the good rows; `faults` maps the position of each other row
    to its faults. `checked` has columns of shape (len(good),).
    """

    table: TextTable
    good: list[int]
    checked: Checked
    faults: dict[int, list[Fault]]


def check_table(schema: Schema, table: TextTable) -> CheckedTable:
    """Check a table: its valid rows, and what is wrong with each of the others.

    Columns may be in any order, with others in between.

    Parameters
    ----------
    schema : Schema
    table : TextTable

    Returns
    -------
    CheckedTable

    Raises
    ------
    RecordsError
        If columns are missing: all of them are named, with the nearest existing one.
    """
    return TableChecker(schema, table).check(table)


@dataclass(frozen=True)
class ReadColumn:
    """The values of a column, of shape (n_rows,), and the warning or fault of each row that has one."""

    values: npt.NDArray[Any]
    odd: dict[int, tuple[Fault | None, Fault | None]]


class TableChecker:
    """Checks a table part by part, and remembers the cells that it has read.

    Parameters
    ----------
    schema : Schema
    table : TextTable
        The whole one, by which decimal marks are told.
    marks : DecimalMarks, optional
        If they are known, and the table is only a part.

    Raises
    ------
    RecordsError
        As of `check_table`.
    """

    def __init__(self, schema: Schema, table: TextTable, marks: DecimalMarks | None = None) -> None:
        check_header(schema, table)
        marks = decimal_marks(schema.fields, table) if marks is None else marks
        self._columns = [_Column(item, table.decimal_comma, marks.get(item.name, ".")) for item in schema.fields]

    def check(self, table: TextTable) -> CheckedTable:
        """Check a part of the table.

        Parameters
        ----------
        table : TextTable

        Returns
        -------
        CheckedTable
        """
        good, checked, faults = join_columns(self.read(table), len(table.rows), table.ragged)
        return CheckedTable(table, good, checked, faults)

    def read(self, table: TextTable) -> dict[str, ReadColumn]:
        """The columns of a part of the table, each by itself: a value counts although another one of its row is refused.

        Parameters
        ----------
        table : TextTable

        Returns
        -------
        dict of str to ReadColumn
            By the name of the field.
        """
        read = {column.item.name: column.read(table.column(column.item.name)) for column in self._columns}
        if sum(map(len, self._columns)) > KEPT_CELLS:
            for column in self._columns:
                column.clear()
        return read


def join_columns(
    read: Mapping[str, ReadColumn], rows: int, ragged: Mapping[int, Any] = MappingProxyType({})
) -> tuple[list[int], Checked, dict[int, list[Fault]]]:
    """The valid rows of a table by its columns, and the faults of the others.

    Parameters
    ----------
    read : mapping
        By the name of the field.
    rows : int
    ragged : mapping, optional
        What is wrong with the rows that have another number of cells than the header.

    Returns
    -------
    good : list of int
        The positions of the valid rows.
    checked : Checked
        Of them.
    faults : dict
        By the position of each other row.
    """
    found = {row: [Fault(FaultCode.WRONG_CELL_COUNT, value=cells)] for row, cells in ragged.items()}
    warned: dict[int, list[Fault]] = {}
    for one in read.values():
        for row, (warning, fault) in one.odd.items():
            if fault and row not in ragged:
                found.setdefault(row, []).append(fault)
            if warning:
                warned.setdefault(row, []).append(warning)
    faults = {row: found[row] for row in sorted(found)}
    good = [row for row in range(rows) if row not in faults] if faults else list(range(rows))
    columns = {name: one.values[good] if faults else one.values for name, one in read.items()}
    nothing: list[Fault] = []
    warnings = [warned.get(row, nothing) for row in good] if warned else [nothing] * len(good)
    return good, Checked(columns, warnings), faults


def surely_valid(item: Field, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which numbers of a field `Field.check` would accept unchanged and without a warning.

    Parameters
    ----------
    item : Field
        Of numbers, without categories.
    numbers : array of shape (n,)
        NaN is not valid.

    Returns
    -------
    array of shape (n,)
    """
    low = max(bound for bound in (-np.inf, item.minimum, item.observed_min) if isinstance(bound, (int, float)))
    high = min(bound for bound in (np.inf, item.maximum, item.observed_max) if isinstance(bound, (int, float)))
    sure = (numbers >= low) & (numbers <= high) & np.isfinite(numbers)
    if item.kind == "integer":
        sure &= numbers == np.floor(numbers)
    for value in item.missing:
        if isinstance(value, (int, float)):
            sure &= numbers != value
    return np.asarray(sure, dtype=bool)


class _Column:
    """Reads the cells of a field; each different one once."""

    def __init__(self, item: Field, decimal_comma: bool, mark: str | None) -> None:
        self.item = item
        self._decimal_comma = decimal_comma
        self._mark = mark
        self._known: dict[str, Any] = {}
        self._odd: dict[str, tuple[Fault | None, Fault | None]] = {}
        self._dtype = object if arrays.is_text(item) else np.float64
        self._plain_mark = self._numbers_have()

    def __len__(self) -> int:
        return len(self._known)

    def clear(self) -> None:
        """Forget the cells that were read."""
        self._known.clear()
        self._odd.clear()

    def read(self, cells: Sequence[str]) -> ReadColumn:
        """The cells of some rows as an array, and what is to be said of them."""
        if self._plain_mark is None:
            return ReadColumn(self._array(cells), self._said(cells, range(len(cells))))
        values, unsure = self._numbers(cells, self._plain_mark)
        if not len(unsure):
            return ReadColumn(values, {})
        rows = unsure.tolist()
        few = [cells[row] for row in rows]
        values[unsure] = self._array(few)
        return ReadColumn(values, self._said(few, rows))

    def _array(self, cells: Sequence[str]) -> npt.NDArray[Any]:
        different = set(cells)
        if new := different - self._known.keys():
            self._read(list(new))
        return np.fromiter(map(self._known.__getitem__, cells), self._dtype, len(cells))

    def _said(self, cells: Sequence[str], rows: Sequence[int]) -> dict[int, tuple[Fault | None, Fault | None]]:
        odd = self._odd
        if not odd:
            return {}
        return {row: odd[cell] for row, cell in zip(rows, cells, strict=True) if cell in odd}

    def _read(self, cells: Sequence[str]) -> None:
        values: list[Value] = []
        for cell in cells:
            warning = fault = None
            try:
                value, warning = self.item.read(cell, self._decimal_comma, self._mark)
            except FieldError as exc:
                value, fault = None, exc.fault(self.item.name, cell)
            if warning or fault:
                self._odd[cell] = warning, fault
            values.append(value)
        self._known.update(zip(cells, arrays.array(self.item, values).tolist(), strict=True))

    def _numbers_have(self) -> str | None:
        """The decimal mark with which plain numbers are read at once; None for what is no number."""
        item, mark = self.item, self._mark
        texts = [value for value in item.missing if not isinstance(value, (int, float))]
        if item.kind not in ("number", "integer") or item.categories or any(map(NUMBER.fullmatch, map(str, texts))):
            return None
        return mark if self._decimal_comma or item.decimal else "."

    def _numbers(self, cells: Sequence[str], mark: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
        """The numbers, and the positions of the cells that are none or need a closer look: as in `arrays.prefilter`."""
        numbers = _plain_numbers(cells, mark)
        sure = surely_valid(self.item, numbers)
        if self.item.kind == "integer":
            numbers += 0.0  # a whole number has no -0
        return numbers, np.flatnonzero(~sure)


def _plain_numbers(cells: Sequence[str], mark: str) -> npt.NDArray[np.float64]:
    """Cells as Python reads them as numbers; NaN for what is not a plain number."""
    text = "\n".join(cells)
    # JSON has no -0 that is whole.
    if _DIGITS[mark].fullmatch(text) and "-0" not in text:
        numbers = _json_numbers(text, mark)
        if not numbers:
            numbers = _json_numbers("\n".join([cell or "null" for cell in cells]), mark)
        if len(numbers) == len(cells):
            return np.array(numbers, np.float64)
    fits = _PLAIN[mark].fullmatch
    stripped = map(str.strip, cells)
    return np.array([float(cell.replace(",", ".")) if fits(cell) else np.nan for cell in stripped], np.float64)


def _json_numbers(text: str, mark: str) -> list[float | None]:
    """Numbers on lines; none at all if one of them is not written as in JSON."""
    if mark == ",":
        text = text.replace(",", ".")
    try:
        return orjson.loads("[" + text.replace("\n", ",") + "]")  # type: ignore[no-any-return]
    except orjson.JSONDecodeError:
        return []


def check_header(schema: Schema, table: TextTable) -> None:
    """Refuse a table that lacks columns, or has one of them twice.

    Parameters
    ----------
    schema : Schema
    table : TextTable
        Its rows do not matter.

    Raises
    ------
    RecordsError, CsvError
    """
    check_duplicates(table, schema.by_name.keys())
    absent = [name for name in schema.names if name not in table.header]
    if not absent:
        return
    extra = [name[:SHOWN] for name in table.header[:1000] if name not in schema.by_name]
    near = {name: nearest(name, extra) for name in absent}
    details = [
        Fault(FaultCode.MISSING_COLUMN, name, nearest_name(name, extra), f"a column named {name!r}{near[name]}")
        for name in absent
    ]
    missing = ", ".join(map(repr, absent))
    found = ", ".join(repr(truncated(name)) for name in table.header[:20])
    hints = "; ".join(filter(None, (near[name].removeprefix("; ") for name in absent[:5])))
    text = f"columns are missing: {missing}; the file has {found}" + (f"; {hints}" if hints else "")
    header = [truncated(name) for name in table.header[:1000]]
    lacking = [item for item in schema.fields if item.name in absent]
    suggestions = [one.as_json() for one in suggest_columns(lacking, table, schema.names)]
    raise RecordsError(
        details, text, RequestCode.MISSING_COLUMNS, columns=missing, header=header, suggestions=suggestions
    )


def decimal_marks(fields: Sequence[Field], table: TextTable) -> DecimalMarks:
    """The decimal mark by which `1.030` is to be read in each number column of a whole file.

    Parameters
    ----------
    fields : sequence of Field
        Those that are not in the table are ignored.
    table : TextTable

    Returns
    -------
    DecimalMarks
        None for a column where both readings are possible.
    """
    names = undecided_marks(fields, table)
    return marks_of_cells(fields, table.decimal_comma, table.different_cells(names))


def undecided_marks(fields: Sequence[Field], table: TextTable) -> list[str]:
    """The number columns whose cells tell their decimal marks; none where numbers cannot have a comma.

    Parameters
    ----------
    fields, table
        As of `decimal_marks`.

    Returns
    -------
    list of str
    """
    fields = [item for item in fields if item.name in table.header]
    if not table.decimal_comma and not any(item.decimal for item in fields):
        return []
    return [item.name for item in fields if item.kind in ("number", "integer")]


def marks_of_cells(fields: Sequence[Field], decimal_comma: bool, cells: Mapping[str, Collection[str]]) -> DecimalMarks:
    """As `decimal_marks`, of the different cells of each such column.

    Parameters
    ----------
    fields : sequence of Field
    decimal_comma : bool
        Whether `12,5` can be a number.
    cells : mapping of str to collection of str
        Of the columns that `undecided_marks` names.

    Returns
    -------
    DecimalMarks
    """
    numbers = {name: NumberCells(of) for name, of in cells.items()}
    if not any(column.open for column in numbers.values()):
        # Any mark would do; the one that they have lets them be read at once.
        return {name: "," for name, column in numbers.items() if column.marks == {","}}
    commas = any(column.with_commas for column in numbers.values())

    def mark(item: Field) -> str | None:
        # A comma-separated file without any other comma is not the one that training was told of.
        told = item.decimal if decimal_comma or commas or item.decimal == "." else None
        others = set().union(*(column.marks for name, column in numbers.items() if name != item.name))
        # Where no number has a comma, nothing speaks against the point.
        return decimal_mark(numbers[item.name], told, others if commas or item.decimal else ".")

    return {item.name: mark(item) for item in fields if item.name in numbers}
