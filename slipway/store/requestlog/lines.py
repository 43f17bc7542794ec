"""The files of a request log, in a folder or in an object store: their names, and the lines of JSON in them.

`requests-<time>-<random>.jsonl` holds rows, `outcomes-…` what came true. The time is that of the file's beginning in UTC; a file holds what was
written on one day, so that whole files are deleted.
"""

import datetime as dt
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import orjson

from slipway.errors import RequestLogError
from slipway.store.requestlog.rows import Key, Outcome, Row, now

Kind = Literal["requests", "outcomes"]
KINDS: tuple[Kind, Kind] = ("requests", "outcomes")

_NAME = re.compile(r"(requests|outcomes)-(\d{4}-\d{2}-\d{2})T\d{6}-[0-9a-f]{16}\.jsonl", re.ASCII)
_HEAD = re.compile(rb'\{"request_id":"([^"]+)","record":(\d+),"model":"([^":]+):')
"""Of a row: whom it is about, without parsing it. In a text the quotes would have backslashes."""


def new_name(kind: Kind) -> str:
    """The name of a file that is begun now."""
    return f"{kind}-{now():%Y-%m-%dT%H%M%S}-{secrets.token_hex(8)}.jsonl"


def of_kind(names: Iterable[str], kind: Kind) -> list[str]:
    """The names of files of a kind, the oldest first."""
    return sorted(name for name in names if (found := _NAME.fullmatch(name)) and found[1] == kind)


def day_of(name: str) -> dt.date:
    """When a file was begun."""
    return dt.date.fromisoformat(name.split("-", 1)[1][:10])


def find_keys(contents: Iterable[bytes], keys: Collection[Key], model: str) -> set[Key]:
    """Those of some keys that files have, of requests to models of a name; no more files are read than are needed."""
    wanted = {(request_id.encode(), b"%d" % record): (request_id, record) for request_id, record in keys}
    name, found = model.encode(), set[Key]()
    for content in contents:
        for request_id, record, of in _HEAD.findall(content):
            if of == name and (key := wanted.get((request_id, record))):
                found.add(key)
        if len(found) == len(wanted):
            break
    return found


def outcome_lines(outcomes: Sequence[Outcome]) -> bytes:
    """Outcomes of now, each a line."""
    time = now()
    lines = [
        orjson.dumps({"request_id": one.request_id, "record": one.record, "time": time, "outcome": one.outcome})
        for one in outcomes
    ]
    return b"".join(line + b"\n" for line in lines)


def parsed(where: str | Path, name: str, number: int, line: bytes) -> dict[str, Any]:
    """What is in a line.

    Raises
    ------
    RequestLogError
        If it is none of a request log.
    """
    try:
        row: dict[str, Any] = orjson.loads(line)
        row["request_id"], row["record"], row["time"]
    except (ValueError, TypeError, KeyError) as exc:
        raise RequestLogError(
            where, f"line {number} of {name} is not a row of a request log; remove the line, or the file"
        ) from exc
    return row


def joined(
    rows: Iterable[dict[str, Any]], outcomes: Iterable[dict[str, Any]], since: dt.datetime | None
) -> Iterator[Row]:
    """Rows from a time on, each with its last outcome. Outcomes from before a time are of rows from before it."""
    told: dict[Key, tuple[str, Any]] = {}
    for one in outcomes:
        key = (one["request_id"], one["record"])
        if key not in told or one["time"] >= told[key][0]:
            told[key] = one["time"], one["outcome"]
    for row in rows:
        time = dt.datetime.fromisoformat(row["time"])
        if since is None or time >= since:
            _, outcome = told.get((row["request_id"], row["record"]), (None, None))
            yield cast(Row, row | {"time": time, "outcome": outcome})
