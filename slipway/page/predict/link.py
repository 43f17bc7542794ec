"""A record as the part of an address after `#`, which a browser sends to no server, and back.

`age=40&sex=male`: names and values as in a CSV. A field that the form does not know (of another
version) is ignored; a value that is not valid is replaced and named.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from slipway.errors import Fault, FaultCode
from slipway.page.predict.threshold import ends
from slipway.schema.fields import FieldError, Record, truncated
from slipway.schema.schema import Schema

THRESHOLD = "~threshold"
"""The name of the threshold beside those of the fields."""


@dataclass(frozen=True)
class Linked:
    """The content of a fragment, and those of its values that were not valid and were replaced.

    `threshold` is None if the fragment has none.
    """

    record: Record
    threshold: float | None
    replaced: list[Fault]


def fragment(record: Record, threshold: float | None = None) -> str:
    """The record as a fragment; what was not measured is left out."""
    named = record if threshold is None else record | {THRESHOLD: threshold}
    return urlencode({name: _cell(value) for name, value in named.items() if value is not None})


def _cell(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def parse(schema: Schema, text: str) -> Linked | None:
    """The content of a fragment; None if it names no field.

    A field that is not named is not measured, or has its default if it cannot be missing.

    Parameters
    ----------
    schema : Schema
    text : str
        The part of the address after `#`.

    Returns
    -------
    Linked or None
    """
    given = dict(parse_qsl(text, keep_blank_values=True))
    if not given.keys() & set(schema.names):
        return None
    record: Record = {}
    faults: list[Fault] = []
    for field in schema.fields:
        cell = given.get(field.name)
        if cell is None:
            record[field.name] = None if field.nullable else field.default
            continue
        try:
            # What is missing is left out of a link, so that a text in it is that text, even "". Dates are those of
            # ISO 8601 in a link, as in JSON, however the column writes them.
            as_it_is = field.kind in ("text", "date", "datetime", "time") or cell in field.categories
            value = cell if as_it_is else field.parse(cell, decimal_comma=False)
            checked, _ = field.check(value)
            # A value that means "missing" stays what it is, and is warned of.
            record[field.name] = value if checked is None else checked
        except FieldError as exc:
            faults.append(exc.fault(field.name, cell))
            record[field.name] = field.default
    threshold = None
    if THRESHOLD in given:
        try:
            threshold = _threshold(given[THRESHOLD], schema)
        except ValueError:
            expected = dict(zip(("minimum", "maximum"), ends(schema), strict=True))
            faults.append(Fault(FaultCode.OUT_OF_BOUNDS, THRESHOLD, truncated(given[THRESHOLD]), expected))
    return Linked(record, threshold, faults)


def _threshold(cell: str, schema: Schema) -> float:
    lowest, highest = ends(schema)
    if not lowest <= (number := float(cell)) <= highest:
        raise ValueError(cell)
    return number
