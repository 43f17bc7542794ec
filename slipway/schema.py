"""What a valid input is: the fields a model learnt, and the checks of records and tables.

Nothing else decides this. The API's request model, the fields of the page, the columns of
a CSV and the frame handed to the pipeline all come from here, so they cannot disagree.
Importing this starts neither BentoML nor Gradio nor PyCaret.
"""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from slipway.data import DECIMAL_COMMA, MISSING_CELLS, NUMBER, TextTable
from slipway.errors import RecordsError, nearest
from slipway.usecase import Kind, Task, Text

Value = float | int | str | bool | None
Record = dict[str, Value]
Detail = dict[str, Any]

SHOWN = 80
"""Characters of a faulty value that are repeated in an answer."""

TEXT_LIMIT = 10_000
"""Characters that a text field may have."""

# The problems that a record can have. The page translates them, so they are words of a
# fixed vocabulary; what varies stands in `value` and `expected`.
MISSING_FIELD = "missing field"
UNKNOWN_FIELD = "unknown field"
WRONG_TYPE = "wrong type"
NOT_FINITE = "not a finite number"
UNKNOWN_CATEGORY = "unknown category"
OUT_OF_BOUNDS = "outside the hard bounds"
NULL = "may not be missing"
OUT_OF_RANGE = "outside the range seen in training"
READ_AS_MISSING = "read as not measured"
NO_ANSWER = "the model has no finite answer for this value"

_TYPES: dict[Kind, str] = {
    "number": "a number",
    "integer": "a whole number",
    "date": "a date such as 2024-05-31",
    "text": "a text",
}


class _Fault(Exception):
    def __init__(self, problem: str, expected: Any = None) -> None:
        self.problem = problem
        self.expected = expected


def shown(value: Any) -> Any:
    """`value` as an answer may repeat it: short, and something JSON can say."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, int):
        return f"a whole number of {value.bit_length()} bits"
    text = value if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"
    # A lone surrogate is legal in JSON and cannot be written as UTF-8.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same in JSON, which tells 1 from true where Python does not."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _among(value: Any, values: Sequence[Any]) -> bool:
    return any(_same(value, other) for other in values)


@dataclass(frozen=True)
class Field:
    """One input, as training saw it.

    `minimum` and `maximum` are the hard bounds: outside them a value is refused. `low` and
    `high` are the range seen in training: outside it a value is answered with a warning.
    Dates are ISO texts throughout. `categories` holds the values as they stand in the data;
    a boolean has two, the negative one first. `missing` holds the values that mean "not
    measured", `format` how dates are written in a CSV if not as ISO has it. `dtype` is the
    pandas dtype that the pipeline was fitted with.
    """

    name: str
    kind: Kind
    dtype: str
    label: Text
    default: Value
    nullable: bool = False
    unit: Text | None = None
    help: Text | None = None
    minimum: float | None = None
    maximum: float | None = None
    low: float | str | None = None
    high: float | str | None = None
    decimals: int = 0
    categories: tuple[Any, ...] = ()
    category_labels: dict[str, Text] = field(default_factory=dict)
    missing: tuple[Any, ...] = ()
    format: str | None = None

    def check(self, value: Any) -> tuple[Value, Detail | None]:
        """The value as the pipeline takes it, and a warning if there is cause for one.

        Raises `_Fault` for what JSON may hold and this field may not.
        """
        if value is None:
            if not self.nullable:
                raise _Fault(NULL, self.expected)
            return None, None
        if _among(value, self.missing):
            return None, {"field": self.name, "value": shown(value), "problem": READ_AS_MISSING, "expected": None}
        checked = self._checkers[self.kind](self, value)
        return checked, self._warning(checked)

    def parse(self, cell: str, decimal_comma: bool) -> Any:
        """The JSON value that a CSV cell stands for; a cell that is none stays text."""
        cell = cell.strip()
        by_text = {str(value): value for value in (*self.missing, *self.categories)}
        if cell in by_text:
            return by_text[cell]
        if cell in MISSING_CELLS:
            return None
        if self.kind == "boolean":
            lower = {text.lower(): value for text, value in by_text.items()}
            if cell.lower() in lower:
                return lower[cell.lower()]
        if self.kind == "date" and self.format:
            try:
                return dt.datetime.strptime(cell, self.format).date().isoformat()
            except ValueError:
                return cell
        number = cell.replace(",", ".") if decimal_comma and DECIMAL_COMMA.fullmatch(cell) else cell
        if self.kind in ("date", "text") or not NUMBER.fullmatch(number):
            return cell
        # pandas writes 1.0 for a whole number where a column has gaps, and a person 1.50 for 1.5.
        known = (value for value in by_text.values() if _same(value, float(number)))
        return next(known, float(number) if not self.categories else cell)

    @property
    def expected(self) -> Any:
        """What `expected` says of this field in a fault."""
        return list(self.categories) if self.categories else _TYPES[self.kind]

    def _number(self, value: Any) -> float | int:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _Fault(WRONG_TYPE, self.expected)
        try:
            number = float(value)
        except OverflowError:
            raise _Fault(NOT_FINITE, self.expected) from None
        if not math.isfinite(number):
            raise _Fault(NOT_FINITE, self.expected)
        if self.kind == "integer" and not number.is_integer():
            raise _Fault(WRONG_TYPE, self.expected)
        too_low = self.minimum is not None and number < self.minimum
        too_high = self.maximum is not None and number > self.maximum
        if too_low or too_high:
            raise _Fault(OUT_OF_BOUNDS, {"minimum": self.minimum, "maximum": self.maximum})
        return int(number) if self.kind == "integer" else number

    def _category(self, value: Any) -> Value:
        for category in self.categories:
            if _same(category, value):
                return category  # type: ignore[no-any-return]
        kinds = {type(category) for category in self.categories}
        raise _Fault(UNKNOWN_CATEGORY if type(value) in kinds else WRONG_TYPE, self.expected)

    def _date(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _Fault(WRONG_TYPE, self.expected)
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            raise _Fault(WRONG_TYPE, self.expected) from None
        if not 1678 <= moment.year <= 2261:  # what pandas' nanoseconds can hold
            raise _Fault(OUT_OF_BOUNDS, {"minimum": "1678-01-01", "maximum": "2261-12-31"})
        return moment.date().isoformat()

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _Fault(WRONG_TYPE, self.expected)
        if len(value) > TEXT_LIMIT:
            raise _Fault(OUT_OF_BOUNDS, f"at most {TEXT_LIMIT:,} characters")
        return value

    _checkers = {
        "number": _number,
        "integer": _number,
        "boolean": _category,
        "category": _category,
        "date": _date,
        "text": _text,
    }

    def _warning(self, value: Any) -> Detail | None:
        if self.low is None or self.high is None or self.low <= value <= self.high:
            return None
        seen = {"minimum": self.low, "maximum": self.high}
        return {"field": self.name, "value": value, "problem": OUT_OF_RANGE, "expected": seen}

    def json_schema(self) -> dict[str, Any]:
        """This field in the API's description: type, bounds, values, an example."""
        unit = f" ({self.unit['en']})" if self.unit else ""
        description = " ".join(filter(None, [f"{self.label['en']}{unit}.", (self.help or {}).get("en")]))
        if self.low is not None:
            description += f" Seen in training: {self.low} to {self.high}."
        if self.nullable:
            description += " `null` means not measured."
        schema: dict[str, Any] = {"title": self.name, "description": description}
        if self.categories:
            schema["enum"] = [*self.categories, *([None] if self.nullable else [])]
        else:
            schema["type"] = {"number": "number", "integer": "integer"}.get(self.kind, "string")
            if self.kind == "date":
                schema["format"] = "date"
        if self.nullable:
            schema["nullable"] = True
        schema |= {key: bound for key in ("minimum", "maximum") if (bound := getattr(self, key)) is not None}
        return schema | {"example": self.default}


@dataclass(frozen=True)
class Target:
    """What is predicted. `classes` are the values as they stand in the data; none for numbers.

    `positive` is the class whose probability a two-class sentence speaks of; `spread` the
    standard deviation of a number target in training, the yardstick of `equal`.
    """

    name: str
    label: Text
    unit: Text | None = None
    minimum: float | None = None
    maximum: float | None = None
    decimals: int = 2
    classes: tuple[Any, ...] = ()
    class_labels: dict[str, Text] = field(default_factory=dict)
    positive: Any = None
    spread: float | None = None


@dataclass(frozen=True)
class Checked:
    """Records that passed: values as the pipeline takes them, and each record's warnings."""

    values: list[Record]
    warnings: list[list[Detail]]


@dataclass(frozen=True)
class CheckedTable:
    """A CSV as read by the schema, a `Checked` of its good rows and the faults of the others.

    `good` has the positions of the good rows; `faults` maps the position of each other row
    to its details.
    """

    table: TextTable
    good: list[int]
    checked: Checked
    faults: dict[int, list[Detail]]


@dataclass(frozen=True)
class Schema:
    """The fields of a model, in the order of its pipeline, its target, and its texts.

    `texts` holds what the page says: title, summary, answer, bands, disclaimer, examples.
    """

    name: str
    task: Task
    fields: tuple[Field, ...]
    target: Target
    texts: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The names of the fields, in order."""
        return [field.name for field in self.fields]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.names)

    def to_json(self) -> dict[str, Any]:
        """This schema as `schema.json` holds it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Schema":
        """The schema that `to_json` gave."""
        fields = []
        for item in stored["fields"]:
            given: dict[str, Any] = item | {key: tuple(item[key]) for key in ("categories", "missing")}
            fields.append(Field(**given))
        target = Target(**stored["target"] | {"classes": tuple(stored["target"]["classes"])})
        return cls(stored["name"], stored["task"], tuple(fields), target, stored["texts"])

    def example(self) -> Record:
        """One record: the use case's first example, else medians and most frequent values."""
        examples = self.texts.get("examples") or []
        defaults = {field.name: field.default for field in self.fields}
        return defaults | (examples[0]["values"] if examples else {})

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

    def check_record(self, record: Any, position: int = 0) -> tuple[Record, list[Detail], list[Detail]]:
        """Values, warnings and faults of one record; the values count only without faults."""
        if not isinstance(record, dict):
            detail = {"record": position, "field": None, "value": shown(record), "problem": WRONG_TYPE}
            return {}, [], [detail | {"expected": "an object with the fields of the model"}]
        values: Record = {}
        warnings: list[Detail] = []
        faults: list[Detail] = []
        for item in self.fields:
            if item.name not in record:
                faults.append(_detail(position, item.name, None, MISSING_FIELD, item.expected))
                continue
            try:
                values[item.name], warning = item.check(record[item.name])
            except _Fault as fault:
                faults.append(_detail(position, item.name, record[item.name], fault.problem, fault.expected))
            else:
                if warning:
                    warnings.append(warning)
        for name in [name for name in record if name not in self._known]:
            # Only for what will be listed is the nearest name worth looking for.
            listed = max(position, len(faults)) < RecordsError.listed
            expected = f"one of {', '.join(self.names)}{nearest(name[:SHOWN], self.names)}" if listed else None
            faults.append(_detail(position, shown(name), record[name], UNKNOWN_FIELD, expected))
        return values, warnings, faults

    def check_records(self, records: Sequence[Any]) -> Checked:
        """The records as the pipeline takes them, if every one is without fault.

        Raises
        ------
        RecordsError
            With every fault of every record.
        """
        values, warnings, faults = [], [], []
        for position, record in enumerate(records):
            value, warned, found = self.check_record(record, position)
            values.append(value)
            warnings.append(warned)
            faults += found
        if faults:
            raise RecordsError(faults)
        return Checked(values, warnings)

    def check_table(self, table: TextTable) -> CheckedTable:
        """A CSV read by this schema: its good rows, and what is wrong with each of the others.

        Columns may stand in any order, and others may stand between them.

        Raises
        ------
        RecordsError
            If columns are missing: all of them are named, with the nearest that is there.
        """
        absent = [name for name in self.names if name not in table.header]
        if absent:
            extra = [name[:SHOWN] for name in table.header[:1000] if name not in self._known]
            details = [
                _detail(None, name, None, "missing column", f"a column named {name!r}{nearest(name, extra)}")
                for name in absent
            ]
            found = ", ".join(repr(shown(name)) for name in table.header[:20])
            raise RecordsError(details, f"columns are missing: {', '.join(map(repr, absent))}; the file has {found}")
        columns = [_column_reader(item, table.decimal_comma) for item in self.fields]
        cells = [table.column(name) for name in self.names]
        good, values, warnings, faults = [], [], [], {}
        for row in range(len(table.rows)):
            read = [reader(column[row]) for reader, column in zip(columns, cells, strict=True)]
            problems = [{"problem": table.ragged[row]}] if row in table.ragged else [r[2] for r in read if r[2]]
            if problems:
                faults[row] = [{"record": row, "line": table.lines[row]} | problem for problem in problems]
            else:
                good.append(row)
                values.append({name: r[0] for name, r in zip(self.names, read, strict=True)})
                warnings.append([r[1] for r in read if r[1]])
        return CheckedTable(table, good, Checked(values, warnings), faults)

    def frame(self, values: Sequence[Record]) -> pd.DataFrame:
        """The frame that the pipeline is given, of shape (len(values), len(fields)).

        The index is 0, 1, 2, …: a repeated index makes PyCaret's transformers join a frame
        with itself.
        """
        columns = {item.name: [record[item.name] for record in values] for item in self.fields}
        return pd.DataFrame({item.name: to_dtype(columns[item.name], item.dtype) for item in self.fields})


def _column_reader(item: Field, decimal_comma: bool) -> Callable[[str], tuple[Value, Detail | None, Detail | None]]:
    """Value, warning and fault of a cell; each different cell of a column is read once."""
    known: dict[str, tuple[Value, Detail | None, Detail | None]] = {}

    def read(cell: str) -> tuple[Value, Detail | None, Detail | None]:
        if cell not in known:
            parsed = item.parse(cell, decimal_comma)
            try:
                known[cell] = (*item.check(parsed), None)
            except _Fault as fault:
                problem = {"value": shown(cell), "problem": fault.problem, "expected": fault.expected}
                known[cell] = None, None, {"field": item.name} | problem
        return known[cell]

    return read


def _detail(record: int | None, name: Any, value: Any, problem: str, expected: Any) -> Detail:
    return {"record": record, "field": name, "value": shown(value), "problem": problem, "expected": expected}


def to_dtype(values: Sequence[Any], dtype: str) -> pd.Series:
    """A column of the dtype that the pipeline was fitted with; `None` becomes its missing value."""
    column = pd.Series(list(values), dtype=object)
    if dtype.startswith("datetime64"):
        return pd.to_datetime(column).astype("datetime64[ns]")
    if dtype == "object":
        return column.where(column.notna(), float("nan"))
    return column.astype("float64" if column.isna().any() and dtype != "bool" else dtype)


def words(detail: Detail) -> str:
    """A fault or warning as one English sentence, for CSV cells and command lines."""
    expected = detail.get("expected")
    if isinstance(expected, dict):
        low, high = expected.get("minimum"), expected.get("maximum")
        expected = (
            f"{low} to {high}" if None not in (low, high) else f"at least {low}" if high is None else f"at most {high}"
        )
    elif isinstance(expected, list):
        expected = ", ".join(map(str, expected[:20]))
    value = "" if detail.get("value") in (None, "") else f" {detail['value']!r}"
    start = f"{detail['field']}:{value} " if detail.get("field") is not None else ""
    return f"{start}{detail['problem']}" + (f", expected {expected}" if expected else "")
