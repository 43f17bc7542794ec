"""What a valid input is: the fields a model learnt, and the checks of records and tables.

Nothing else decides this. The API's request model, the fields of the page, the columns of
a CSV and the frame handed to the pipeline all come from here, so they cannot disagree.
Importing this starts neither BentoML nor Gradio nor PyCaret.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np

from slipway.errors import ExpectedType, Fault, FaultCode, RecordsError, RequestCode, nearest, nearest_name
from slipway.schema import arrays
from slipway.schema.arrays import Columns
from slipway.schema.fields import SHOWN, Field, FieldError, Record, Value, truncated
from slipway.schema.texts import ModelTexts
from slipway.schema.types import Task, Text
from slipway.tables.cells import TextTable, check_duplicates
from slipway.tables.numbers import NumberCells, decimal_mark

DecimalMarks = dict[str, str | None]
"""Name of a number field → its decimal mark in a file; None where `1.030` can be read in two ways."""

VECTORIZE_FROM = 32
"""From so many records on, columns are looked at first; for fewer, one by one is quicker."""

UNLISTED = Fault(FaultCode.UNKNOWN_FIELD)
"""Stands for a fault that is counted, but not listed any more: a call may have millions."""


API_NAMES = {"observed_min": "low", "observed_max": "high", "std": "spread", "column": ""}
"""What `GET /model/schema` calls attributes that have other names here; nothing for what is nobody else's business."""


def _renamed(stored: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in stored.items() if names.get(key, key)}


@dataclass(frozen=True)
class Target:
    """What is predicted. `classes` are the values as they stand in the data; none for numbers.

    `positive` is the class whose probability a two-class sentence speaks of, and from
    `threshold` on a case counts as one of it; `std` is the standard deviation of a
    number target in training, the yardstick of `equal`.
    """

    name: str
    label: Text
    unit: Text | None = None
    minimum: float | int | None = None
    maximum: float | int | None = None
    decimals: int = 2
    classes: tuple[Any, ...] = ()
    class_labels: dict[str, Text] = field(default_factory=dict)
    positive: Any = None
    threshold: float | None = None
    std: float | None = None

    @property
    def decision_threshold(self) -> float | None:
        """The probability from which a case of two classes is positive; None for numbers and several classes.

        Versions saved before a threshold was stored use 0.5.
        """
        if len(self.classes) != 2:
            return None
        return 0.5 if self.threshold is None else self.threshold


@dataclass(frozen=True)
class Checked:
    """Records that passed the check: a column of shape (n_records,) per field, and each record's warnings."""

    columns: Columns
    warnings: list[list[Fault]]


@dataclass(frozen=True)
class CheckedTable:
    """A CSV as read by the schema, a `Checked` of its good rows and the faults of the others.

    `good` has the positions of the good rows; `faults` maps the position of each other row
    to its faults. `checked` has columns of shape (len(good),).
    """

    table: TextTable
    good: list[int]
    checked: Checked
    faults: dict[int, list[Fault]]


@dataclass(frozen=True)
class Schema:
    """The fields of a model, in the order of its pipeline, its target, and its texts.

    `empty_is_missing` is true of versions that were saved when their pipelines were given "" and
    a missing text as one value.
    """

    name: str
    task: Task
    fields: tuple[Field, ...]
    target: Target
    texts: ModelTexts = field(default_factory=ModelTexts)
    empty_is_missing: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the fields, in order."""
        return [field.name for field in self.fields]

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by their names."""
        return {field.name: field for field in self.fields}

    @property
    def defaults(self) -> Record:
        """A record of medians and most frequent values."""
        return {field.name: field.default for field in self.fields}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    def to_json(self) -> dict[str, Any]:
        """This schema as `GET /model/schema` answers it: its keys are a contract, whatever the attributes are called."""
        answer = asdict(self)
        answer["fields"] = [_renamed(field, API_NAMES) for field in answer["fields"]]
        answer["target"] = _renamed(answer["target"], API_NAMES)
        return answer

    def example(self) -> Record:
        """One record: the use case's first example, or else medians and most frequent values."""
        return self.defaults | (self.texts.examples[0].values if self.texts.examples else {})

    def json_schema(self) -> dict[str, Any]:
        """One record, as the API's description has it."""
        return {
            "type": "object",
            "title": f"{self.name} record",
            "properties": {field.name: field.json_schema() for field in self.fields},
            "required": self.names,
            "additionalProperties": False,
            "example": self.example(),
        }

    def check_record(self, record: Any, position: int = 0) -> tuple[Record, list[Fault], list[Fault]]:
        """Check one record.

        Parameters
        ----------
        record : JSON value
            As a client sends it.
        position : int, default=0
            Its position among the records, which the faults name.

        Returns
        -------
        values : Record
            Only meaningful if there are no faults.
        warnings, faults : lists of Fault
        """
        if not isinstance(record, dict):
            return {}, [], [Fault(FaultCode.WRONG_TYPE, None, truncated(record), ExpectedType.RECORD, position)]
        values: Record = {}
        warnings: list[Fault] = []
        faults: list[Fault] = []
        for item in self.fields:
            if item.name not in record:
                faults.append(Fault(FaultCode.MISSING_FIELD, item.name, None, item.expected, position))
                continue
            try:
                values[item.name], warning = item.check(record[item.name])
            except FieldError as exc:
                faults.append(exc.fault(item.name, record[item.name], position))
            else:
                if warning:
                    warnings.append(warning)
        for name in [name for name in record if name not in self._known]:
            # Only what will be listed is worth its memory, and a look for the nearest name.
            if len(faults) >= RecordsError.listed:
                faults.append(UNLISTED)
                continue
            listed = position < RecordsError.listed
            known = f"one of {', '.join(self.names)}{nearest(name[:SHOWN], self.names)}" if listed else None
            faults.append(Fault(FaultCode.UNKNOWN_FIELD, truncated(name), truncated(record[name]), known, position))
        return values, warnings, faults

    def check_records(self, records: Sequence[Any]) -> Checked:
        """Check records, and return them as the pipeline takes them.

        Parameters
        ----------
        records : sequence of JSON values
            As a client sends them.

        Returns
        -------
        Checked
            Of len(records) records.

        Raises
        ------
        RecordsError
            With every fault of every record.
        """
        columns: Columns | None = None
        needs_full_check: Sequence[int] = range(len(records))
        if len(records) >= VECTORIZE_FROM:
            columns, needs_full_check = self._prefilter(records)
        warnings: list[list[Fault]] = [[] for _ in records]
        values: list[Record] = []
        faults: list[Fault] = []
        for position in needs_full_check:
            value, warnings[position], found = self.check_record(records[position], position)
            values.append(value)
            faults += found if len(faults) < RecordsError.listed else [UNLISTED] * len(found)
        if faults:
            raise RecordsError(faults)
        fully_checked = self.columns(values)
        if columns is None:
            return Checked(fully_checked, warnings)
        for name, column in columns.items():
            column[needs_full_check] = fully_checked[name]
        return Checked(columns, warnings)

    def _prefilter(self, records: Sequence[Any]) -> tuple[Columns, list[int]]:
        """Columns of shape (n_records,) at once, and the positions of the records that need a full check."""
        sound = [isinstance(record, dict) and record.keys() == self._known for record in records]
        if not all(sound):
            stand_in = {item.name: item.default for item in self.fields}
            records = [record if good else stand_in for record, good in zip(records, sound, strict=True)]
        needs_full_check = ~np.array(sound, dtype=bool)
        columns: Columns = {}
        for item in self.fields:
            columns[item.name], unsure = arrays.prefilter(item, list(map(itemgetter(item.name), records)))
            needs_full_check |= unsure
        return columns, np.flatnonzero(needs_full_check).tolist()

    def check_table(self, table: TextTable, marks: DecimalMarks | None = None) -> CheckedTable:
        """Check a CSV: its valid rows, and what is wrong with each of the others.

        Columns may be in any order, with others in between.

        Parameters
        ----------
        table : TextTable
        marks : DecimalMarks, optional
            Those of the whole file, if the table is a part of one.

        Returns
        -------
        CheckedTable

        Raises
        ------
        RecordsError
            If columns are missing: all of them are named, with the nearest existing one.
        """
        self._check_header(table)
        # Column after column, each different cell once: a file may have 200,000 rows.
        marks = self.decimal_marks(table) if marks is None else marks
        read = [
            _Cells(item, table.decimal_comma, marks.get(item.name, ".")).read(table.column(item.name))
            for item in self.fields
        ]
        found = {row: [Fault(FaultCode.WRONG_CELL_COUNT, value=ragged)] for row, ragged in table.ragged.items()}
        for _, _, faulty in read:
            for row, fault in faulty.items():
                if row not in table.ragged:
                    found.setdefault(row, []).append(fault)
        faults = {row: found[row] for row in sorted(found)}
        good = [row for row in range(len(table.rows)) if row not in faults]
        columns = {
            item.name: arrays.array(item, [values[row] for row in good] if faults else values)
            for item, (values, _, _) in zip(self.fields, read, strict=True)
        }
        warnings: list[list[Fault]] = [[] for _ in table.rows]
        for _, warned, _ in read:
            for row, warning in warned.items():
                warnings[row].append(warning)
        return CheckedTable(table, good, Checked(columns, [warnings[row] for row in good]), faults)

    def _check_header(self, table: TextTable) -> None:
        check_duplicates(table, self._known)
        absent = [name for name in self.names if name not in table.header]
        if not absent:
            return
        extra = [name[:SHOWN] for name in table.header[:1000] if name not in self._known]
        near = {name: nearest(name, extra) for name in absent}
        details = [
            Fault(FaultCode.MISSING_COLUMN, name, nearest_name(name, extra), f"a column named {name!r}{near[name]}")
            for name in absent
        ]
        missing = ", ".join(map(repr, absent))
        found = ", ".join(repr(truncated(name)) for name in table.header[:20])
        hints = "; ".join(filter(None, (near[name].removeprefix("; ") for name in absent[:5])))
        text = f"columns are missing: {missing}; the file has {found}" + (f"; {hints}" if hints else "")
        raise RecordsError(details, text, RequestCode.MISSING_COLUMNS, columns=missing)

    def decimal_marks(self, table: TextTable) -> DecimalMarks:
        """The decimal mark by which `1.030` is to be read in each number column of a whole file.

        Columns that are missing are ignored.

        Parameters
        ----------
        table : TextTable

        Returns
        -------
        DecimalMarks
            None for a column where both readings are possible.
        """
        return _decimal_marks([item for item in self.fields if item.name in table.header], table)

    def columns(self, values: Sequence[Record]) -> Columns:
        """Checked values as columns.

        Parameters
        ----------
        values : sequence of n checked records

        Returns
        -------
        Columns
            One array of shape (n,) per field.
        """
        return {item.name: arrays.array(item, [record[item.name] for record in values]) for item in self.fields}


def _decimal_marks(fields: Sequence[Field], table: TextTable) -> DecimalMarks:
    if not table.decimal_comma and not any(item.decimal for item in fields):
        return {}
    numbers = {
        item.name: NumberCells(set(map(str.strip, table.column(item.name))))
        for item in fields
        if item.kind in ("number", "integer")
    }
    if not any(column.open for column in numbers.values()):
        return {}
    commas = any(column.with_commas for column in numbers.values())

    def mark(item: Field) -> str | None:
        # A comma-separated file without any other comma is not the one that training was told of.
        told = item.decimal if table.decimal_comma or commas or item.decimal == "." else None
        others = set().union(*(column.marks for name, column in numbers.items() if name != item.name))
        # Where no number has a comma, nothing speaks against the point.
        return decimal_mark(numbers[item.name], told, others if commas or item.decimal else ".")

    return {item.name: mark(item) for item in fields if item.name in numbers}


class _Cells(dict[str, tuple[Value, Fault | None, Fault | None]]):
    """Value, warning and fault of the cells of a field; each different cell is read once."""

    def __init__(self, item: Field, decimal_comma: bool, mark: str | None) -> None:
        super().__init__()
        self._item = item
        self._decimal_comma = decimal_comma
        self._mark = mark

    def __missing__(self, cell: str) -> tuple[Value, Fault | None, Fault | None]:
        try:
            self[cell] = (*self._item.read(cell, self._decimal_comma, self._mark), None)
        except FieldError as exc:
            self[cell] = None, None, exc.fault(self._item.name, cell)
        return self[cell]

    def read(self, cells: Sequence[str]) -> tuple[list[Value], dict[int, Fault], dict[int, Fault]]:
        """The value of each cell, and by their positions what is warned of and what is faulty."""
        found = list(map(self.__getitem__, cells))
        odd = {cell for cell, (_, warning, fault) in self.items() if warning or fault}
        closer = [position for position, cell in enumerate(cells) if cell in odd] if odd else []
        warned = {position: warning for position in closer if (warning := found[position][1])}
        faulty = {position: fault for position in closer if (fault := found[position][2])}
        return [value for value, _, _ in found], warned, faulty
