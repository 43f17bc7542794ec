"""A request log in an object store: what waited is one object of JSON lines, named as the files of a folder are.

`requests-<time>-<random>.jsonl` holds rows, `outcomes-…` what came true; the time is that of writing, in UTC. An object is there as a whole or not at all
and never changes, so that a copy of them all is a request log in a folder. obstore reads and writes them (docs/decisions/object-stores.md).
"""

import datetime as dt
import re
import secrets
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from slipway.errors import RequestLogError
from slipway.store.requestlog.lines import (
    KINDS,
    Kind,
    day_of,
    find_keys,
    joined,
    new_name,
    of_kind,
    outcome_lines,
    parsed,
)
from slipway.store.requestlog.rows import Key, Outcome, Row

_URL = re.compile(r"(s3a?|gs|gcs|abfss?)://([^/]+)/*(.*)", re.I | re.S)
_TOGETHER = 16
"""Objects that are read at once: each is small, and waited for."""
_RETRIES: dict[str, Any] = {"max_retries": 2, "retry_timeout": dt.timedelta(seconds=10)}
_OPTIONS = {"allow_http": True, "connect_timeout": "3s", "timeout": "20s"}
"""Only an endpoint that somebody has set begins with http://."""


def is_store(where: str) -> bool:
    """Whether a place is in an object store."""
    return _URL.fullmatch(where) is not None


class ObjectLog:
    """A request log in an object store.

    Parameters
    ----------
    url : str
        As fsspec has it: `s3://bucket/prefix`. Keys, region and endpoint are those of the variables that the store's own tools read.
    """

    seconds, largest = 30.0, 8 * 1024 * 1024
    """An object for every half second of a busy day would be dear to write and slow to read."""
    starts_threads = True
    """obstore has threads, which a fork of the process lacks: its first call there would never return."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _store(self) -> Any:
        try:
            from obstore.store import from_url
        except ImportError as exc:
            raise RequestLogError(
                self._url, "an object store needs obstore: `pip install 'slipway-ml[stores]'`"
            ) from exc
        return from_url(self._url, client_options=_OPTIONS, retry_config=_RETRIES)

    @contextmanager
    def _used(self) -> Iterator[Any]:
        """The store; whatever it has to say is an error of the request log, in one line."""
        try:
            yield self._store
        except RequestLogError:
            raise
        except Exception as exc:  # obstore has an exception of its own for each answer of a store
            raise RequestLogError(self._url, _problem(exc)) from exc

    def check(self) -> None:
        """Write an object, read it and delete it.

        Raises
        ------
        RequestLogError
            If one of that is not possible.
        """
        name = f"check-{secrets.token_hex(8)}"
        with self._used() as store:
            store.put(name, b"")
            next(iter(store.list(chunk_size=1)), None)
            store.get(name).bytes()
            store.delete(name)

    def append(self, rows: bytes) -> None:
        """Add rows as one object.

        Raises
        ------
        RequestLogError
            If it cannot be written.
        """
        self._put("requests", rows)

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Add outcomes as one object, which is in the store once this returns.

        Raises
        ------
        RequestLogError
            If it cannot be written.
        """
        self._put("outcomes", outcome_lines(outcomes))

    def _put(self, kind: Kind, lines: bytes) -> None:
        with self._used() as store:
            store.put(new_name(kind), lines)

    def known(self, keys: Collection[Key], name: str) -> set[Key]:
        """Those that are in the log, of requests to models of a name: reads the objects, the newest first, until all are found.

        Raises
        ------
        RequestLogError
            If an object cannot be read.
        """
        newest_first = [*reversed(self._names("requests"))]
        return find_keys((content for _, content in self._contents(newest_first)), keys, name)

    def delete_before(self, day: dt.date) -> None:
        """Delete the objects of earlier days.

        Raises
        ------
        RequestLogError
            If one cannot be deleted.
        """
        old = [name for kind in KINDS for name in self._names(kind) if day_of(name) < day]
        if old:
            with self._used() as store:
                store.delete(old)

    def read(self, since: dt.datetime | None = None) -> Iterator[Row]:
        """The rows from a time on, in no certain order; outcomes are kept in memory meanwhile.

        Raises
        ------
        RequestLogError
            If the store cannot be read, or an object is not of a request log.
        """
        return joined(self._entries("requests", since), self._entries("outcomes", since), since)

    def _entries(self, kind: Kind, since: dt.datetime | None) -> Iterator[dict[str, Any]]:
        first = since.astimezone(dt.UTC).date() if since else dt.date.min
        for name, content in self._contents([name for name in self._names(kind) if day_of(name) >= first]):
            for number, line in enumerate(content.splitlines(), 1):
                yield parsed(self._url, name, number, line)

    def _names(self, kind: Kind) -> list[str]:
        """The objects of a kind, the oldest first."""
        with self._used() as store:
            return of_kind((meta["path"] for chunk in store.list() for meta in chunk), kind)

    def _contents(self, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Objects with what is in them, some at once; the order is kept."""
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for start in range(0, len(names), _TOGETHER):
                some = names[start : start + _TOGETHER]
                yield from zip(some, pool.map(self._content, some), strict=True)

    def _content(self, name: str) -> bytes:
        with self._used() as store:
            try:
                return bytes(store.get(name).bytes())
            except FileNotFoundError:  # it was too old meanwhile
                return b""


def _problem(exc: Exception) -> str:
    """What went wrong, without the store's XML, and what to do."""
    text, kind = str(exc), type(exc).__name__
    code = re.search(r"<Code>(\w+)</Code>\s*(?:<Message>([^<]*)</Message>)?", text)
    line = ": ".join(filter(None, code.groups())) if code else next(iter(text.splitlines()), kind)
    if "NoSuchBucket" in text or "ContainerNotFound" in text:
        return f"there is no such bucket ({line}); make it, or name another"
    if kind in ("PermissionDeniedError", "UnauthenticatedError"):
        return f"the credentials do not allow it ({line}); they have to allow to list, read, write and delete objects"
    return f"{line[:300]}; expected a store that can be reached, with the variables of its own tools (AWS_… for s3://)"
