"""The check of columns that have types already: each value as if `/predict` had been sent it.

A text that a record may not have there is read as a cell of a text file, as training does. Each different value is checked once,
and numbers are compared with their bounds at once.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from slipway.errors import Fault
from slipway.schema import arrays
from slipway.schema.fields import Field, FieldError, Value
from slipway.schema.schema import Checked, Schema
from slipway.schema.table import KEPT_CELLS, ReadColumn, join_columns, surely_valid

_Entry = tuple[Value, Fault | None, Fault | None]


def is_known_type(kind: pa.DataType) -> bool:
    """Whether values of a type can be checked: numbers, texts, booleans, dates and times.

    Parameters
    ----------
    kind : pyarrow.DataType

    Returns
    -------
    bool
    """
    if pa.types.is_dictionary(kind):
        return is_known_type(kind.value_type)
    tests = (
        *(pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null),
        *(pa.types.is_string, pa.types.is_large_string, pa.types.is_date, pa.types.is_time, pa.types.is_timestamp),
    )
    return any(test(kind) for test in tests)


class ArrowChecker:
    """Checks record batches, and remembers the values that it has checked.

    Parameters
    ----------
    schema : Schema
    matched : mapping, optional
        The field of each column whose name is spelt otherwise.
    """

    def __init__(self, schema: Schema, matched: Mapping[str, str] = {}) -> None:
        column_of = {field: column for column, field in matched.items()}
        self._columns = {column_of.get(item.name, item.name): _Column(item) for item in schema.fields}

    def check(self, batch: pa.RecordBatch) -> tuple[list[int], Checked, dict[int, list[Fault]]]:
        """The valid rows of a batch, and the faults of the others.

        Parameters
        ----------
        batch : pyarrow.RecordBatch
            Has a column for each field; others do not matter.

        Returns
        -------
        good, checked, faults
            As of `join_columns`.
        """
        return join_columns(self.read(batch), batch.num_rows)

    def read(self, batch: pa.RecordBatch) -> dict[str, ReadColumn]:
        """The columns of a batch, each by itself, as of `TableChecker.read`."""
        return {column.item.name: column.read(batch.column(name)) for name, column in self._columns.items()}

    def read_records(self, records: Sequence[Mapping[str, Any]]) -> dict[str, ReadColumn]:
        """The columns of records of JSON, each by itself; a value that a record does not have is missing.

        Parameters
        ----------
        records : sequence of n mappings

        Returns
        -------
        dict
            By the name of the field, of n rows.
        """
        return {
            column.item.name: column.read_values([record.get(name) for record in records])
            for name, column in self._columns.items()
        }


class _Column:
    def __init__(self, item: Field) -> None:
        self.item = item
        self._known: dict[tuple[type, Any], _Entry] = {}
        self._is_number = item.kind in ("number", "integer") and not item.categories

    def read(self, column: pa.Array) -> ReadColumn:
        """The values of some rows as an array, and what is to be said of them."""
        column = _local(column)
        if not self._is_number or not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
            return self._different(column)
        numbers = np.array(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
        sure = surely_valid(self.item, numbers)
        if self.item.kind == "integer":
            numbers += 0.0  # a whole number has no -0
        if self.item.nullable:
            sure |= np.isnan(numbers)
        unsure = np.flatnonzero(~sure)
        if not len(unsure):
            return ReadColumn(numbers, {})
        few = self._different(column.take(pa.array(unsure)))
        numbers[unsure] = few.values
        rows = unsure.tolist()
        return ReadColumn(numbers, {rows[place]: said for place, said in few.odd.items()})

    def read_values(self, values: Sequence[Any]) -> ReadColumn:
        """Values of JSON as an array, and what is to be said of them."""
        entries = [self._entry(value) for value in values]
        taken: npt.NDArray[Any] = arrays.array(self.item, [value for value, _, _ in entries])
        return ReadColumn(taken, {row: entry[1:] for row, entry in enumerate(entries) if any(entry[1:])})

    def _different(self, column: pa.Array) -> ReadColumn:
        """Every value looked up among the different ones."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        codes = column.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False)
        values = [_in_json(value) for value in column.dictionary.to_pylist()]
        used = np.zeros(len(values) + 1, bool)
        used[codes] = True  # the last one is for rows without a value
        nothing: _Entry = (None, None, None)
        entries = [
            self._entry(value) if is_used else nothing
            for value, is_used in zip([*values, None], used.tolist(), strict=True)
        ]
        taken: npt.NDArray[Any] = arrays.array(self.item, [entry[0] for entry in entries])[codes]
        odd = np.fromiter((entry[1] or entry[2] for entry in entries), object, len(entries)).astype(bool)
        if not odd.any():
            return ReadColumn(taken, {})
        rows = np.flatnonzero(odd[codes])
        said = {row: entries[code][1:] for row, code in zip(rows.tolist(), codes[rows].tolist(), strict=True)}
        return ReadColumn(taken, said)

    def _entry(self, value: Any) -> _Entry:
        key = type(value), value
        if (entry := self._known.get(key)) is None:
            if len(self._known) >= KEPT_CELLS:
                self._known.clear()
            entry = self._known[key] = self._checked(value)
        return entry

    def _checked(self, value: Any) -> _Entry:
        try:
            return (*self._accepted(value), None)
        except FieldError as exc:
            return None, None, exc.fault(self.item.name, value)

    def _accepted(self, value: Any) -> tuple[Value, Fault | None]:
        try:
            return self.item.check(value)
        except FieldError:
            if not isinstance(value, str):
                raise
            return self.item.read(value, bool(self.item.decimal), self.item.decimal or ".")


def _local(column: pa.Array) -> pa.Array:
    """A column whose values Python has: times as they stand on the clock, and no finer than a microsecond."""
    if not pa.types.is_timestamp(column.type):
        return column.cast(pa.time64("us"), safe=False) if column.type == pa.time64("ns") else column
    if column.type.tz is not None:
        column = pc.local_timestamp(column)
    return column.cast(pa.timestamp("us"), safe=False) if column.type.unit == "ns" else column


def _in_json(value: Any) -> Any:
    """A value as a client would send it in JSON, where NaN is null."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else value
