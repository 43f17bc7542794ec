"""One input of a model, and the check of one value: what is refused, what is warned of.

Faults and warnings are `Fault` objects with a code; `slipway.i18n.faults` makes texts of them.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from slipway.errors import ExpectedType, Fault, FaultCode, WarningCode
from slipway.schema.matching import match_category
from slipway.schema.types import Kind, Text
from slipway.tables.dates import DateFormat, time_of_day
from slipway.tables.missing import MISSING_CELLS
from slipway.tables.numbers import NUMBER, Mark, NumberFormat, UnitPlace, taken_apart, two_readings

Value = float | int | str | bool | None
Record = dict[str, Value]

SHOWN = 80
"""Characters of a faulty value that are repeated in an answer."""

LISTED = 100
"""Categories that a fault lists: an answer may have 100 faults."""

TEXT_LIMIT = 10_000
"""Characters that a text field may have."""

_TYPES: dict[Kind, ExpectedType] = {
    "number": ExpectedType.NUMBER,
    "integer": ExpectedType.WHOLE_NUMBER,
    "date": ExpectedType.DATE,
    "datetime": ExpectedType.DATETIME,
    "time": ExpectedType.TIME,
    "text": ExpectedType.TEXT,
}


_LEAP_YEAR = r"(16(8[048]|9[26])|(1[789]|21)(0[48]|[2468][048]|[13579][26])|20([02468][048]|[13579][26])|22(0[48]|[24][048]|[135][26]|60))"
_DATE = (
    r"((16(7[89]|[89][0-9])|1[7-9][0-9][0-9]|2[01][0-9][0-9]|22[0-5][0-9]|226[01])-"
    r"((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    rf"|{_LEAP_YEAR}-02-29)"
)
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"
_PATTERNS: dict[Kind, str] = {"date": f"^{_DATE}$", "datetime": f"^{_DATE}T{_TIME}$", "time": f"^{_TIME}$"}
"""How dates and times are described; other forms of ISO 8601 are read, too."""


class FieldError(Exception):
    """A value that a field does not accept: why, and what it expected."""

    def __init__(self, code: FaultCode, expected: Any = None) -> None:
        self.code = code
        self.expected = expected

    def fault(self, name: str, value: Any, record: int | None = None) -> Fault:
        """The fault of the field with this name, whose value is shortened."""
        return Fault(self.code, name, truncated(value), self.expected, record)


def truncated(value: Any) -> Any:
    """A value as an answer may repeat it: short, and representable in JSON."""
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


def json_equal(one: Any, other: Any) -> bool:
    """Whether two values are equal in JSON, which distinguishes 1 from true where Python does not."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _among(value: Any, values: Sequence[Any]) -> bool:
    return any(json_equal(value, other) for other in values)


@dataclass(frozen=True)
class Field:
    """One input, as training saw it.

    `minimum` and `maximum` are the hard bounds: outside them a value is refused. `observed_min` and
    `observed_max` are the range seen in training: outside it a value is answered with a warning.
    Dates are ISO texts throughout. `categories` holds the values as they stand in the data;
    a boolean has two, the negative one first. `missing` holds the values that mean "not
    measured", `format` how dates are written in a CSV if not as ISO has it. Where its numbers were not plain in
    every cell, `decimal` is their decimal mark and `number_unit` the unit beside them, such as `$` or `%`, which
    stands at `unit_place`.
    `dtype` is the pandas dtype that the pipeline was fitted with, and `column` the name that its column has
    there, where PyCaret could not be given `name`. A `private` value, and any free text, is kept in no request log.
    `changeable` says in which direction it could be another one: "any", of numbers also "up" or "down"; None if it is as it is.
    `monotone` is the direction in which predictions are expected to move with it. `group` is the heading under which the page has it.
    """

    name: str
    kind: Kind
    dtype: str
    label: Text
    default: Value
    nullable: bool = False
    unit: Text | None = None
    help: Text | None = None
    minimum: float | int | None = None
    maximum: float | int | None = None
    observed_min: float | int | str | None = None
    observed_max: float | int | str | None = None
    decimals: int = 0
    categories: tuple[Any, ...] = ()
    category_labels: dict[str, Text] = field(default_factory=dict)
    missing: tuple[Any, ...] = ()
    format: str | None = None
    decimal: Mark | None = None
    number_unit: str = ""
    unit_place: UnitPlace = "after_spaced"
    column: str | None = None
    private: bool = False
    changeable: Literal["any", "up", "down"] | None = None
    monotone: Literal["up", "down"] | None = None
    group: Text | None = None

    @property
    def pipeline_name(self) -> str:
        """The name of the column that the fitted pipeline is given."""
        return self.name if self.column is None else self.column

    def spaced(self, count: int) -> list[float]:
        """Values of a number, evenly over the range of training.

        Parameters
        ----------
        count : int
            How many at most: whole numbers may be fewer.

        Returns
        -------
        list of float, or of int for whole numbers
            Ascending.
        """
        low, high = float(self.observed_min or 0), float(self.observed_max or 0)
        points = [low + (high - low) * step / (count - 1) for step in range(count)]
        return sorted({round(point) for point in points}) if self.kind == "integer" else points

    @cached_property
    def is_text(self) -> bool:
        """Whether the field's column is text; otherwise it is float64."""
        if not self.categories:
            return self.kind == "text"
        return not all(isinstance(value, (bool, int, float)) and abs(value) < 2**53 for value in self.categories)

    @cached_property
    def _category_of(self) -> dict[tuple[bool, Any], Value]:
        """The categories by themselves, as JSON compares them: 1 is 1.0, and is not true."""
        return {(isinstance(category, bool), category): category for category in reversed(self.categories)}

    def check(self, value: Any) -> tuple[Value, Fault | None]:
        """The value as the pipeline needs it.

        Parameters
        ----------
        value : JSON value
            As a client sends it.

        Returns
        -------
        value : Value
        warning : Fault or None
            If the value was accepted, but a reader should know something about it.

        Raises
        ------
        FieldError
            If the field does not accept the value.
        """
        if value is None:
            if not self.nullable:
                raise FieldError(FaultCode.NULL, self.expected)
            return None, None
        if self.missing and _among(value, self.missing):
            return None, Fault(WarningCode.READ_AS_MISSING, self.name, truncated(value))
        checked = self._checkers[self.kind](self, value)
        return checked, self._warning(checked)

    def read(self, cell: str, decimal_comma: bool, mark: str | None = ".") -> tuple[Value, Fault | None]:
        """The value of a CSV cell as the pipeline needs it, and a warning as of `check`.

        A category may be written in another letter case there: "Yes" for "yes", which is a warning.

        Parameters
        ----------
        cell : str
        decimal_comma, mark
            As of `parse`.

        Returns
        -------
        value : Value
        warning : Fault or None

        Raises
        ------
        FieldError
            If the field does not accept the value.
        """
        value = self.parse(cell, decimal_comma, mark)
        if self.kind == "category" and isinstance(value, str) and value not in self.categories:
            meant = match_category(value, filter(_is_text, self.categories))
            if meant is not None:
                return meant, Fault(WarningCode.OTHER_SPELLING, self.name, truncated(value), meant)
        return self.check(value)

    def parse(self, cell: str, decimal_comma: bool, mark: str | None = ".") -> Any:
        """The JSON value that a CSV cell represents; a cell that represents none stays text.

        Parameters
        ----------
        cell : str
        decimal_comma : bool
            Whether `12,5` can be a number: not where commas separate the cells.
        mark : str, optional
            The decimal mark of a number such as `1.030`; None if both readings are possible.

        Returns
        -------
        JSON value

        Raises
        ------
        FieldError
            For a number that can be read in two ways, if `mark` is None.
        """
        cell = cell.strip()
        by_text = {str(value): value for value in (*self.missing, *self.categories)}
        if self.nullable:
            by_text.pop("", None)  # An empty cell says nothing; only JSON can tell the category "".
        if cell in by_text:
            return by_text[cell]
        if cell in MISSING_CELLS:
            return None
        if self.kind == "boolean":
            lower = {text.lower(): value for text, value in by_text.items()}
            if cell.lower() in lower:
                return lower[cell.lower()]
        if self.kind in ("date", "datetime"):
            moment = DateFormat(self.format).moment(cell)
            if moment is None:
                return cell
            return (moment.date() if self.kind == "date" else moment).isoformat()
        if self.kind in ("text", "time"):
            return cell
        number = self._plain(cell, decimal_comma, mark)
        if number is None:
            return cell
        # pandas writes 1.0 for a whole number where a column has gaps, and a person 1.50 for 1.5.
        known = (value for value in by_text.values() if json_equal(value, float(number)))
        return next(known, float(number) if not self.categories else cell)

    def _plain(self, cell: str, decimal_comma: bool, mark: str | None) -> str | None:
        """A number as Python writes it; None if the cell is none."""
        if NUMBER.fullmatch(cell) and not decimal_comma and not self.decimal:
            return cell
        found = taken_apart(cell)
        if found is None:
            return None
        if not decimal_comma and not self.decimal and found.mark is None and "," in cell:
            return None
        if mark is None and found.is_open:
            raise FieldError(FaultCode.AMBIGUOUS_NUMBER, list(two_readings(cell)))
        return NumberFormat(self.decimal or ".", self.number_unit).plain(cell, "," if mark == "," else ".")

    @property
    def expected(self) -> Any:
        """The `expected` of this field in a fault; of more than 100 categories, the first ones and "…"."""
        if not self.categories:
            return _TYPES[self.kind]
        return [*self.categories[:LISTED], *(["…"] if len(self.categories) > LISTED else [])]

    def _number(self, value: Any) -> float | int:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise FieldError(FaultCode.WRONG_TYPE, self.expected)
        try:
            number = float(value)
        except OverflowError:
            raise FieldError(FaultCode.NOT_FINITE, self.expected) from None
        if not math.isfinite(number):
            raise FieldError(FaultCode.NOT_FINITE, self.expected)
        if self.kind == "integer" and not number.is_integer():
            raise FieldError(FaultCode.WRONG_TYPE, self.expected)
        too_low = self.minimum is not None and number < self.minimum
        too_high = self.maximum is not None and number > self.maximum
        if too_low or too_high:
            raise FieldError(FaultCode.OUT_OF_BOUNDS, {"minimum": self.minimum, "maximum": self.maximum})
        return int(number) if self.kind == "integer" else number

    def _category(self, value: Any) -> Value:
        if isinstance(value, (str, int, float)) and (isinstance(value, bool), value) in self._category_of:
            return self._category_of[isinstance(value, bool), value]
        kinds = {type(category) for category in self.categories}
        raise FieldError(FaultCode.UNKNOWN_CATEGORY if type(value) in kinds else FaultCode.WRONG_TYPE, self.expected)

    def _date(self, value: Any) -> str:
        return self._moment(value).date().isoformat()

    def _datetime(self, value: Any) -> str:
        # Local time is kept as it stands, whatever the zone after it.
        return self._moment(value).replace(tzinfo=None).isoformat()

    def _time(self, value: Any) -> str:
        time = time_of_day(value.strip()) if isinstance(value, str) else None
        if time is None:
            raise FieldError(FaultCode.WRONG_TYPE, self.expected)
        return time

    def _moment(self, value: Any) -> dt.datetime:
        if not isinstance(value, str):
            raise FieldError(FaultCode.WRONG_TYPE, self.expected)
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            raise FieldError(FaultCode.WRONG_TYPE, self.expected) from None
        if not 1678 <= moment.year <= 2261:  # what pandas' nanoseconds can hold
            raise FieldError(FaultCode.OUT_OF_BOUNDS, {"minimum": "1678-01-01", "maximum": "2261-12-31"})
        return moment

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise FieldError(FaultCode.WRONG_TYPE, self.expected)
        if len(value) > TEXT_LIMIT:
            raise FieldError(FaultCode.TEXT_TOO_LONG, f"at most {TEXT_LIMIT:,} characters")
        return value

    _checkers = {
        "number": _number,
        "integer": _number,
        "boolean": _category,
        "category": _category,
        "date": _date,
        "datetime": _datetime,
        "time": _time,
        "text": _text,
    }

    def _warning(self, value: Any) -> Fault | None:
        if self.observed_min is None or self.observed_max is None or self.observed_min <= value <= self.observed_max:
            return None
        seen = {"minimum": self.observed_min, "maximum": self.observed_max}
        return Fault(WarningCode.OUT_OF_RANGE, self.name, truncated(value), seen)

    def json_schema(self) -> dict[str, Any]:
        """This field in the API's description: type, bounds, values, an example."""
        unit = f" ({self.unit['en']})" if self.unit else ""
        description = " ".join(filter(None, [f"{self.label['en']}{unit}.", (self.help or {}).get("en")]))
        if self.observed_min is not None:
            description += f" Seen in training: {self.observed_min} to {self.observed_max}."
        if self.nullable:
            description += " `null` means not measured."
        schema: dict[str, Any] = {"title": self.name, "description": description}
        return schema | self._accepted() | {"example": self.default}

    def _accepted(self) -> dict[str, Any]:
        """The values that a record may have."""
        if self.categories:
            values = [*self.categories, *(value for value in self.missing if not _among(value, self.categories))]
            return {"enum": [*values, None], "nullable": True} if self.nullable else {"enum": values}
        accepted: dict[str, Any] = {"type": {"number": "number", "integer": "integer"}.get(self.kind, "string")}
        accepted |= {key: bound for key in ("minimum", "maximum") if (bound := getattr(self, key)) is not None}
        if self.kind in _PATTERNS:
            accepted["pattern"] = _PATTERNS[self.kind]
        if self.kind == "date":
            accepted["format"] = "date"  # the other two of RFC 3339 would need a time zone
        if self.kind == "text":
            accepted["maxLength"] = TEXT_LIMIT
        if self.missing:
            accepted = {"anyOf": [accepted, {"enum": list(self.missing)}]}
        return accepted | {"nullable": True} if self.nullable else accepted
