"""What a valid input is: the fields a model learnt, and the check of records. `slipway.schema.table` checks tables.

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

from slipway.errors import ExpectedType, Fault, FaultCode, RecordsError, nearest
from slipway.schema import arrays
from slipway.schema.arrays import Columns
from slipway.schema.fields import SHOWN, Field, FieldError, Record, truncated
from slipway.schema.texts import ModelTexts
from slipway.schema.types import Task, Text
from slipway.tables.numbers import Mark, UnitPlace

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
    number target in training, the yardstick of `equal`. `costs`, of shape (n_classes, n_classes), are those of taking a case
    of the first class for one of the second: of two classes `threshold` follows from them, of more they decide. Where its numbers were not plain in every cell, `decimal` is
    their decimal mark; their unit stands at `unit_place`.
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
    costs: tuple[tuple[float, ...], ...] = ()
    std: float | None = None
    decimal: Mark | None = None
    unit_place: UnitPlace = "after_spaced"

    @property
    def decision_threshold(self) -> float | None:
        """The probability from which a case of two classes is positive; None for numbers and several classes.

        Versions saved before a threshold was stored use 0.5.
        """
        if len(self.classes) != 2:
            return None
        return 0.5 if self.threshold is None else self.threshold

    @property
    def cost_pair(self) -> tuple[float, float] | None:
        """Of two classes with costs: that of a missed positive case, and that of a false alarm."""
        if len(self.classes) != 2 or not self.costs:
            return None
        positive = self.classes.index(self.positive)
        return self.costs[positive][1 - positive], self.costs[1 - positive][positive]


@dataclass(frozen=True)
class Checked:
    """Records that passed the check: a column of shape (n_records,) per field, and each record's warnings."""

    columns: Columns
    warnings: list[list[Fault]]


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
        """A record of medians, and of categories that are frequent together."""
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
        """One record: the use case's first example, or else the defaults."""
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
