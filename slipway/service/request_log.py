"""The rows of the request log on their way: from the event loop of a worker, through a queue, to where they are kept.

No request waits for it, or fails because of it. What does not fit into the queue while a disk is full or a database is away is dropped, and counted.
"""

import asyncio
import datetime as dt
import logging
import os
import pickle
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Event, Thread

from slipway.errors import RequestLogError
from slipway.service.settings import Settings
from slipway.store.requestlog import RequestLog, open_log

log = logging.getLogger("bentoml")

INTERVAL = 0.5
"""Seconds until a row is written, at most, unless its place says that it may wait longer; a thread that was woken for each request would take processor time from it."""
QUEUE_BYTES = 32 * 1024 * 1024
"""Of rows that wait, in each worker."""
CLOSE_SECONDS = 3.0
"""For what waits when a worker stops; it ends soon after its last answer (`worker.LAST`)."""
FORGET_EVERY = 3600.0
"""Seconds between two looks for what is too old."""

Count = Callable[[int, int], None]
"""Told of rows that were written, and of rows that were dropped."""


def check_request_log(settings: Settings) -> None:
    """Find out whether the request log can be written, and delete what is too old.

    Raises
    ------
    RequestLogError
        If it cannot.
    """
    if settings.request_log:
        found, first_day = open_log(settings.request_log), _first_day(settings.request_log_days)
        if found.starts_threads and hasattr(os, "fork"):
            _in_a_child(partial(_prepare, found, first_day))
        else:
            _prepare(found, first_day)


def _prepare(request_log: RequestLog, first_day: dt.date) -> None:
    request_log.check()
    request_log.delete_before(first_day)


def _in_a_child(do: Callable[[], None]) -> None:
    """Do something in a process that ends with it: the workers are forks of this one, which must not have its threads."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            do()
        except BaseException as exc:
            os.write(writer, pickle.dumps(exc if isinstance(exc, RequestLogError) else RuntimeError(repr(exc))))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        failed = file.read()
    os.waitpid(child, 0)
    if failed:
        raise pickle.loads(failed)  # noqa: S301 (this process wrote it)


def _first_day(days: int) -> dt.date:
    """The first day that is kept."""
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days)


class LogQueue:
    """Takes rows on the event loop, and writes them on a thread.

    Parameters
    ----------
    request_log : RequestLog
    days : int
        That rows are kept.
    count : callable
        Called on the event loop.
    """

    def __init__(self, request_log: RequestLog, days: int, count: Count) -> None:
        self._log = request_log
        self._days = days
        self._count = count
        self._waiting: deque[bytes] = deque()
        # Of bytes and rows: those that were put are counted by the event loop, those that were taken by the thread.
        self._put = [0, 0]
        self._taken = [0, 0]
        self._closing = Event()
        self._thread: Thread | None = None
        self._is_full = self._failed = False

    def put(self, rows: bytes) -> None:
        """Have rows written soon. To be called on the event loop."""
        number = rows.count(b"\n")
        if self._put[0] - self._taken[0] + len(rows) > QUEUE_BYTES:
            if not self._is_full:
                log.error(
                    "the request log is behind: rows are dropped, and counted in slipway_request_log_dropped_total"
                )
            self._is_full = True
            self._count(0, number)
            return
        self._is_full = False
        self._waiting.append(rows)
        self._put = [self._put[0] + len(rows), self._put[1] + number]
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = Thread(target=self._run, name="request-log", daemon=True)
            self._thread.start()

    async def close(self) -> None:
        """Write what waits; what cannot be written in a few seconds is dropped, and counted."""
        if self._thread is None:
            return
        self._closing.set()
        await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
        if lost := self._put[1] - self._taken[1]:
            log.error("%d rows of the request log could not be written before the end", lost)
            self._count(0, lost)

    def _run(self) -> None:
        forgotten = written = time.monotonic()
        rows = b""
        while not self._closing.wait(INTERVAL):
            if not self._put[0] > self._taken[0]:
                written = time.monotonic()
            if time.monotonic() - written >= self._log.seconds or self._is_much():
                rows = self._write(rows)
                written = time.monotonic()
            if time.monotonic() - forgotten > FORGET_EVERY:
                forgotten = time.monotonic()
                self._forget()
        while rows or self._waiting:
            rows = self._write(rows)
            if rows:  # it fails: another try would, too
                return

    def _is_much(self) -> bool:
        return self._put[0] - self._taken[0] >= self._log.largest

    def _write(self, rows: bytes) -> bytes:
        """Write what was left and what waits; returns what could not be written."""
        rows += b"".join([self._waiting.popleft() for _ in range(len(self._waiting))])
        if not rows:
            return rows
        try:
            self._log.append(rows)
        except RequestLogError as exc:
            if not self._failed:
                log.error("%s; rows wait, as many as fit", exc)
            self._failed = True
            return rows
        if self._failed:
            log.info("the request log can be written again")
        self._failed = False
        number = rows.count(b"\n")
        self._taken = [self._taken[0] + len(rows), self._taken[1] + number]
        with suppress(RuntimeError):  # the loop has ended before this was written
            self._loop.call_soon_threadsafe(self._count, number, 0)
        return b""

    def _forget(self) -> None:
        try:
            self._log.delete_before(_first_day(self._days))
        except RequestLogError as exc:
            log.error("rows that are too old cannot be deleted: %s", exc)
