"""The connections of a worker: their limits, and what is noted of those that are refused before they are a request."""

import asyncio
import logging
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any, Protocol

from slipway.service.admission import Load
from slipway.service.metric_files import MetricFiles
from slipway.service.model_metrics import REFUSED
from slipway.service.observed import REQUEST_ID
from slipway.service.requests import RequestError
from slipway.service.settings import Settings

log = logging.getLogger("bentoml")

OWN_FILES = 40
"""Files that a worker has open by itself: sockets, pipes, libraries, its log."""
SWEEP = 0.5
"""Seconds between two looks at the deadlines."""
LOOKED_AT = 16
"""Connections at most that are looked at to find one that can be closed."""


@dataclass(frozen=True)
class ConnectionLimits:
    """The limits on the connections of one worker.

    Parameters
    ----------
    connections : float
        With more, the one that has waited longest for a request is closed.
    header_bytes : int
        Of the request line and all headers together.
    header_seconds : float
        From the connection, or the first byte of a later request, to the end of its headers.
    pause_seconds : float
        Without a byte of a body, or without one of an answer being taken.
    body_seconds : float
        For a whole body.
    idle_seconds : float
        Between an answer and the next request.
    """

    connections: float = 1000
    header_bytes: int = 64 * 1024
    header_seconds: float = 20
    pause_seconds: float = 20
    body_seconds: float = 300
    idle_seconds: float = 75

    @classmethod
    def of(cls, settings: Settings) -> "ConnectionLimits":
        """Those of the settings; fewer connections where the process may open few files."""
        return cls(
            min(settings.max_connections, most_connections()[0]),
            settings.max_header_kilobytes * 1024,
            settings.header_seconds,
            settings.pause_seconds,
            settings.body_seconds,
            settings.idle_seconds,
        )


def most_connections() -> tuple[float, float]:
    """Three quarters of the files that this process may still open, as a connection is one of them; and how many it may open."""
    try:
        import resource
    except ImportError:  # on Windows
        return math.inf, math.inf
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY:
        return math.inf, math.inf
    return max(8, (most - OWN_FILES) * 3 // 4), most


def announce_connections(settings: Settings) -> None:
    """Say once, at the start, if a worker can keep far fewer connections than the settings have.

    The 1,024 files that a process may usually open are enough for three quarters of the default, which nobody need be told.
    """
    most, files = most_connections()
    if most < settings.max_connections / 2:
        log.warning(
            "a worker keeps at most %d connections, as it may open %d files (`ulimit -n`); SLIPWAY_MAX_CONNECTIONS is %d",
            most,
            files,
            settings.max_connections,
        )


class Refusals:
    """What the connections of one worker are refused, which no middleware ever sees: each is counted, and has an id.

    Parameters
    ----------
    files : MetricFiles
        Of the worker.
    """

    def __init__(self, files: MetricFiles) -> None:
        self._files = files

    def count(self, refused: RequestError, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Count a refusal; the id of its request, from the headers that have come, or a new one."""
        self._files.counts.add(REFUSED, str(refused.status), refused.code.value)
        self._files.write_soon()
        sent = next((value for name, value in headers if name == b"x-request-id"), b"")
        return sent if REQUEST_ID.fullmatch(sent) else os.urandom(10).hex().encode()

    def log(self, refused: RequestError, identity: bytes) -> None:
        """The line of a connection that is closed."""
        fields = {"request_id": identity.decode(), "status": refused.status, "code": refused.code.value}
        log.info(
            "a connection is closed: %(status)d %(code)s request_id=%(request_id)s", fields, extra={"fields": fields}
        )


class State(Enum):
    """What a connection is waiting for."""

    HEAD = "the headers of a request"
    BODY = "the body of a request"
    ANSWER = "the answer"
    IDLE = "another request"
    REFUSED = "its end"


class Connection(Protocol):
    """What handles one of them."""

    transport: asyncio.Transport

    def has_unread(self) -> bool:
        """Whether bytes have come that the event loop has not read yet."""

    def check_deadlines(self, now: float) -> None:
        """Close it if what it waits for has not come in time."""


@dataclass
class Connected:
    """The connections of one worker, and their deadlines."""

    limits: ConnectionLimits
    load: Load
    refusals: Refusals
    # Dictionaries keep their order: the first has waited longest.
    waiting: dict[Connection, None] = field(default_factory=dict)
    # Closed to make room; the event loop has not taken leave of them yet.
    closing: set[Connection] = field(default_factory=set)
    _timer: asyncio.TimerHandle | None = None

    def watch(self, connections: set[Any], loop: asyncio.AbstractEventLoop) -> None:
        """Look at the deadlines of the connections, as long as there are any."""
        if self._timer is None:
            self._timer = loop.call_later(SWEEP, self._sweep, connections, loop)

    def _sweep(self, connections: set[Any], loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for connection in list(connections):
            connection.check_deadlines(now)
        if connections:
            self.watch(connections, loop)

    def make_room(self) -> bool:
        """Close the connection that has waited longest for a request; false if there is none.

        One whose request has come but was not read yet does not wait: where many connect at once, each would be closed
        by those after it.
        """
        for connection in islice(self.waiting, LOOKED_AT):
            if not connection.has_unread():
                del self.waiting[connection]
                self.closing.add(connection)
                connection.transport.close()
                return True
        return False
