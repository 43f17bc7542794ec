"""A load generator that is quicker than what it measures: sockets, bytes made beforehand, keep-alive.

Every answer's status is checked while it runs; one body in so many is kept, to be read afterwards.
"""

import asyncio
import gc
import math
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

PATIENCE = 120
PAUSE = 0.05
"""Seconds that a refused connection waits."""
_REFUSED = (b"HTTP/1.1 429 ", b"HTTP/1.1 503 ")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class LoadError(Exception):
    """An answer that is none: another status, no length, or a connection that was closed."""


@dataclass
class Load:
    """What came back: seconds of each answer, seconds in all, and (request, body) of one in `every`.

    With `may_refuse`, a server may also answer 429 or 503; a connection that is refused waits for a moment, as a client would.
    """

    every: int = 50
    may_refuse: bool = False
    refusals: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    sampled: list[tuple[int, bytes]] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def p50(self) -> float:
        """The median answer, in seconds."""
        return statistics.median(self.latencies)

    @property
    def p99(self) -> float:
        """The slowest answer but for one in a hundred, in seconds."""
        return sorted(self.latencies)[math.ceil(0.99 * len(self.latencies)) - 1]


def post(path: str, body: bytes) -> bytes:
    """The bytes of a request."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return f"{head}\r\n\r\n".encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, load: Load, requests: Sequence[bytes], first: int, deadline: float, least: int) -> None:
        self.load, self.requests, self.deadline, self.least = load, requests, deadline, least
        self.sent = first
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        self.answer = bytearray()
        self.wanted = 0
        self.started = time.perf_counter()
        self.transport.write(self.requests[self.sent % len(self.requests)])

    def data_received(self, data: bytes) -> None:
        self.answer += data
        if not self.wanted:
            end = self.answer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self.answer, 0, end)
            self.refused = self.load.may_refuse and self.answer.startswith(_REFUSED)
            if not (self.refused or self.answer.startswith(b"HTTP/1.1 200 ")) or length is None:
                self._fail(f"expected status 200 and a length: {bytes(self.answer[:500])!r}")
                return
            self.body = end + 4
            self.wanted = self.body + int(length[1])
        if len(self.answer) >= self.wanted:
            self._answered()

    def _answered(self) -> None:
        now = time.perf_counter()
        load = self.load
        if self.refused:
            load.refusals += 1
            asyncio.get_running_loop().call_later(PAUSE, self._next, now)
            return
        load.latencies.append(now - self.started)
        if (len(load.latencies) - 1) % load.every == 0:
            load.sampled.append((self.sent % len(self.requests), bytes(self.answer[self.body :])))
        self._next(now)

    def _next(self, now: float) -> None:
        self.sent += 1
        if now < self.deadline or len(self.load.latencies) < self.least:
            self._send()
        else:
            self.done.set_result(None)
            self.transport.close()

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(LoadError(reason))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection was closed ({exc})")


async def _run(load: Load, port: int, requests: Sequence[bytes], connections: int, seconds: float, least: int) -> Load:
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    open_ones = []
    for number in range(connections):
        first = number * len(requests) // connections
        _, connection = await loop.create_connection(
            lambda first=first: _Connection(load, requests, first, started + seconds, least),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        open_ones.append(connection)
    try:
        async with asyncio.timeout(seconds + PATIENCE):
            await asyncio.gather(*(connection.done for connection in open_ones))
    except TimeoutError:
        raise LoadError(f"no answer for {PATIENCE} s") from None
    load.seconds = time.perf_counter() - started
    return load


def ask(port: int, requests: Sequence[bytes]) -> list[bytes]:
    """The body of the answer to each request, one after the other."""
    return [body for _, body in asyncio.run(_run(Load(every=1), port, requests, 1, 0, len(requests))).sampled]


def fire(
    port: int, requests: Sequence[bytes], connections: int, seconds: float, least: int = 1, may_refuse: bool = False
) -> Load:
    """Send requests in turn over so many connections, for so long but at least so many.

    Raises
    ------
    LoadError
        At the first answer that is not as it should be.
    """
    gc.collect()
    gc.disable()  # else our own pauses would count as the server's
    try:
        return asyncio.run(_run(Load(may_refuse=may_refuse), port, requests, connections, seconds, least))
    finally:
        gc.enable()
