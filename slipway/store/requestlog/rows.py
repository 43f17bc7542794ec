"""A row of the request log: one record of a request, and its answer.

A row is one line of JSON wherever it is kept; it is made once, by the process that answers. Private fields and free text are never in it.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import orjson

from slipway.schema.schema import Schema

Key = tuple[str, int]
"""A request id, and the number of a record within the request, from 0."""


class Row(TypedDict):
    """A row as `read` gives it.

    `inputs` are the values as they were sent, by field, without private fields and free text; `answer` is that of `/predict`, but that
    `warnings` are codes. `outcome` is what came true, None if nobody has told.
    """

    request_id: str
    record: int
    model: str
    time: dt.datetime
    source: Literal["json"]
    inputs: dict[str, Any]
    answer: dict[str, Any]
    outcome: Any


@dataclass(frozen=True)
class Outcome:
    """What came true of a record."""

    request_id: str
    record: int
    outcome: Any

    @property
    def key(self) -> Key:
        """What it is joined by."""
        return self.request_id, self.record


def now() -> dt.datetime:
    """The time, in UTC."""
    return dt.datetime.now(dt.UTC)


class RowWriter:
    """Makes the rows of one version.

    Parameters
    ----------
    tag : str
        Of the version.
    schema : Schema
    """

    def __init__(self, tag: str, schema: Schema) -> None:
        self._tag = tag
        kept = [field.name for field in schema.fields if not field.private and field.kind != "text"]
        self._kept = None if len(kept) == len(schema.fields) else kept

    def rows(self, request_id: str, records: Sequence[Any], predictions: Sequence[Mapping[str, Any]]) -> bytes:
        """The rows of a request that was answered, each a line of JSON.

        Parameters
        ----------
        request_id : str
        records : sequence of n dicts
            As they were sent.
        predictions : sequence of n dicts
            As `Predictor.predict` returns them.

        Returns
        -------
        bytes
            n lines.
        """
        time, kept = now(), self._kept
        lines = []
        for position, (record, prediction) in enumerate(zip(records, predictions, strict=True)):
            row = {
                "request_id": request_id,
                "record": position,
                "model": self._tag,
                "time": time,
                "source": "json",
                "inputs": record if kept is None else {name: record[name] for name in kept},
                "answer": {**prediction, "warnings": [warning.code for warning in prediction["warnings"]]},
            }
            lines.append(_line(row))
        return b"".join(lines)


def _line(row: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError:  # a whole number of more than 64 bits, which the model was given as a float
        inputs = {name: _shortened(value) for name, value in row["inputs"].items()}
        return orjson.dumps(row | {"inputs": inputs}, option=orjson.OPT_APPEND_NEWLINE)


def _shortened(value: Any) -> Any:
    return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value
