"""A record as the part of an address behind `#`, which a browser sends to no server, and back.

`age=40&sex=male`: names and values as a CSV has them. What a form does not know (another
version's field) is passed over; a value that does not fit is replaced and named.
"""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from slipway.fields import Detail, Fault, Record, detail
from slipway.schema import Schema


def fragment(record: Record) -> str:
    """The record as a fragment; what was not measured is left out."""
    return urlencode({name: _cell(value) for name, value in record.items() if value is not None})


def _cell(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def parse(schema: Schema, text: str) -> tuple[Record, list[Detail]] | None:
    """The record that a fragment stands for, and the values that did not fit; None if it names no field.

    A field that is not named has not been measured if it may be so, and its default if not.
    """
    given = dict(parse_qsl(text, keep_blank_values=True))
    if not given.keys() & set(schema.names):
        return None
    record: Record = {}
    faults: list[Detail] = []
    for field in schema.fields:
        cell = given.get(field.name)
        if cell is None:
            record[field.name] = None if field.nullable else field.default
            continue
        try:
            value = cell if field.kind == "text" else field.parse(cell, decimal_comma=False)
            checked, _ = field.check(value)
            # A value that means "missing" stays what it is, and is warned of.
            record[field.name] = value if checked is None else checked
        except Fault as fault:
            faults.append(detail(None, field.name, cell, fault.problem, fault.expected))
            record[field.name] = field.default
    return record, faults
