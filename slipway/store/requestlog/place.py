"""Where a request log is kept, and what can be done with it there: a folder of files, an object store, or a database."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from slipway.store.requestlog.database import DatabaseLog
from slipway.store.requestlog.folder import FolderLog
from slipway.store.requestlog.objects import ObjectLog, is_store
from slipway.store.requestlog.rows import Key, Outcome, Row
from slipway.tables.address import is_address


class RequestLog(Protocol):
    """A place for rows and outcomes. Each process opens its own; several may use one place at once.

    Whatever fails is a `RequestLogError`. Rows may wait for `seconds`, or until there are `largest` bytes of them, before they are
    added; a place that `starts_threads` must not be used by a process that is forked afterwards.
    """

    seconds: float
    largest: int
    starts_threads: bool

    def check(self) -> None:
        """Make what is missing of it, and find out whether it can be written."""

    def append(self, rows: bytes) -> None:
        """Add rows, all of them or none: lines of JSON, as `RowWriter` makes them."""

    def known(self, keys: Collection[Key], name: str) -> set[Key]:
        """Those that are in the log, of requests to models of a name."""

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Add outcomes, all of them or none; they are kept once this returns. A later one takes the place of an earlier one."""

    def delete_before(self, day: dt.date) -> None:
        """Delete what was written before a day, in UTC."""

    def read(self, since: dt.datetime | None = None) -> Iterator[Row]:
        """The rows from a time on, in no certain order."""


def open_log(where: str | Path) -> RequestLog:
    """The request log at a place; nothing is read or made yet.

    Parameters
    ----------
    where : str or Path
        As `SLIPWAY_REQUEST_LOG` has it.

    Returns
    -------
    RequestLog
    """
    if is_store(str(where)):
        return ObjectLog(str(where))
    return DatabaseLog(str(where)) if is_address(str(where)) else FolderLog(Path(where))


def read(where: str | Path, since: dt.datetime | None = None, name: str | None = None) -> Iterator[Row]:
    """The rows of a request log, each with its outcome if there is one.

    Parameters
    ----------
    where : str or Path
        As `SLIPWAY_REQUEST_LOG` has it.
    since : datetime with a time zone, optional
        Rows before it are left out.
    name : str, optional
        Of a model: rows of others are left out.

    Yields
    ------
    Row
        In no certain order. A server writes rows within a second, or in an object store within half a minute; of what it has not written there is nothing here.

    Raises
    ------
    RequestLogError
        If there is no log, or it cannot be read.
    """
    for row in open_log(where).read(since):
        if name is None or row["model"].partition(":")[0] == name:
            yield row
