"""All that Slipway takes from uvicorn without its documentation promising it. Seen in uvicorn 0.54.0, httptools 0.9.0.

BentoML starts uvicorn without any of its limits, and lets it choose its protocol class: `use_protocol` puts ours in
the place of the one that uvicorn finds by itself. It refuses what two readers of a request could read differently,
has a deadline for every state of a connection, and closes the longest idle connection where there are too many.
What it relies on has a test in tests/test_adapters.py.
"""

import asyncio
import math
import select
import socket
import struct
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any

import httptools
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http import auto, httptools_impl
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from slipway.errors import RequestCode
from slipway.service.admission import OVERLOADED, Load
from slipway.service.connections import Connected, ConnectionLimits, Refusals, State
from slipway.service.requests import RequestError

FRAMING = 8
"""Bytes of chunk sizes and the like for each byte of a body, at most: one-byte chunks have five."""
LEAST_RATE = 1024
"""Bytes of a body per second, at least, once a body has taken longer than it may pause."""
LINGER = 1.0
"""Seconds for which a refused connection is still read from: closed at once, a client might lose the refusal."""


def use_protocol(limits: ConnectionLimits, load: Load, refusals: Refusals) -> None:
    """From now on uvicorn's servers in this process handle their connections with `BoundedProtocol`.

    Parameters
    ----------
    limits : ConnectionLimits
    load : Load
        Told of each request that arrives.
    refusals : Refusals
        Told of each that is refused.
    """
    connected = Connected(limits, load, refusals)
    auto.AutoHTTPProtocol = partial(BoundedProtocol, connected=connected)  # type: ignore[assignment]
    httptools_impl.RequestResponseCycle = OneWrite  # type: ignore[misc]


@lru_cache(256)
def _line(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """The name of a header in small letters, and its line; most answers have the same ones."""
    if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
        raise RuntimeError(f"no header that can be sent: {name[:100]!r}: {value[:100]!r}")
    return name.lower(), b"%b: %b\r\n" % (name.lower(), value)


class OneWrite(RequestResponseCycle):
    """uvicorn's cycle, but for what it writes: the head of an answer goes out together with the first part of its body.

    That is what ASGI asks for, and a prediction takes one call of the system instead of two, which are a tenth of its time.
    """

    _head = b""

    async def send(self, message: Message) -> None:  # type: ignore[override]
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if not self.response_started and kind == "http.response.start":
            self._head = self._begun(message["status"], message.get("headers", ()))
        elif self.response_started and not self.response_complete and kind == "http.response.body":
            self._write(message.get("body", b""), message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind!r} is sent, which is not the turn of an answer")

    def _begun(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        self.response_started = True
        self.waiting_for_100_continue = False
        lines = [STATUS_LINE[status]]
        for header in (*self.default_headers, *headers):
            name, line = _line(*header)
            lines.append(line)
            if name == b"content-length" and self.chunked_encoding is None:
                self.chunked_encoding, self.expected_content_length = False, int(header[1])
            elif name == b"transfer-encoding" and header[1].lower() == b"chunked":
                self.chunked_encoding, self.expected_content_length = True, 0
            elif name == b"connection" and b"close" in header[1].lower():
                self.keep_alive = False
                lines.pop()  # it is added below
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in (204, 304):
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def _write(self, body: bytes, more: bool) -> None:
        parts, self._head = ([self._head] if self._head else []), b""
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
        elif self.chunked_encoding:
            parts += [b"%x\r\n" % len(body), body, b"\r\n"] if body else []
            parts += [] if more else [b"0\r\n\r\n"]
        else:
            self.expected_content_length -= len(body)
            parts.append(body)
        if self.expected_content_length < 0 or (self.expected_content_length and not more):
            raise RuntimeError(f"an answer is {self.expected_content_length} bytes shorter than its content-length")
        self.transport.writelines(parts)
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines, bounds, and without what HTTP/1.1 forbids."""

    def __init__(self, *arguments: Any, connected: Connected, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.connected = connected
        self.limits = connected.limits
        self.state = State.HEAD
        self._since = 0.0  # the state began
        self._progress = 0.0  # the last byte of a body came
        self._received = 0  # bytes of this request
        self._body = 0  # those of its body
        self._unsent = 0  # bytes of answers
        self._taken = 0.0  # the client took the last of them

    # Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(State.HEAD)
        self.connected.watch(self.connections, self.loop)
        kept = len(self.connections) - len(self.connected.closing)
        if kept <= self.limits.connections:
            return
        del self.connected.waiting[self]
        if self.connected.make_room():
            self.connected.waiting[self] = None
        elif kept <= 1.25 * self.limits.connections:
            self._refuse(OVERLOADED)
        else:
            self.connected.refusals.count(OVERLOADED, ())
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.connected.waiting.pop(self, None)
        self.connected.closing.discard(self)
        super().connection_lost(exc)

    def has_unread(self) -> bool:
        """Whether bytes have come that the event loop has not read yet; never on Windows."""
        connection = self.transport.get_extra_info("socket")
        if connection is None or not hasattr(select, "poll"):
            return False
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _wait(self, state: State) -> None:
        """The next thing to come is a request."""
        self.state = state
        self._since = self._progress = self.loop.time()
        self._received = self._body = 0
        self.headers = []  # those of the last request are not the next one's
        self.connected.waiting[self] = None

    def check_deadlines(self, now: float) -> None:
        """Refuse, or close, the connection if what it waits for has not come in time."""
        limits = self.limits
        if self._is_stuck(now):
            self._drop()
        elif self.state is State.HEAD and now - self._since > limits.header_seconds:
            if self._received:
                self._refuse(_late("headers", limits.header_seconds))
            else:
                self.transport.close()
        elif self.state is State.BODY:
            self._check_body(now)
        elif self.state is State.IDLE and now - self._since > limits.idle_seconds:
            self.transport.close()
        elif self.state is State.REFUSED and now - self._since > LINGER:
            self.transport.close()

    def _drop(self) -> None:
        """End the connection with what is still to be sent, which the kernel would keep as well."""
        if connection := self.transport.get_extra_info("socket"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def _check_body(self, now: float) -> None:
        if self.flow.read_paused:  # it is our turn: the time does not count
            self._since += now - self._progress
            self._progress = now
            return
        seconds = now - self._since
        slow = seconds > self.limits.pause_seconds and self._body < LEAST_RATE * (seconds - self.limits.pause_seconds)
        if slow or now - self._progress > self.limits.pause_seconds or seconds > self.limits.body_seconds:
            self._refuse(_late("body", min(seconds, self.limits.body_seconds)))

    def _is_stuck(self, now: float) -> bool:
        """Whether a client has not taken anything of its answer for too long."""
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent or not unsent:
            self._unsent, self._taken = unsent, now
        return now - self._taken > self.limits.pause_seconds

    # Requests

    def data_received(self, data: bytes) -> None:
        if self.state is State.REFUSED:
            return
        if self.state is State.IDLE:
            self.state = State.HEAD
            self._since = self.loop.time()
        self._received += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as exc:
            self._refuse(_refusal(exc))
            return
        too_many = self._received > self.limits.header_bytes + FRAMING * self._body
        if too_many and self.state in (State.HEAD, State.BODY):
            self._refuse(self._too_large())

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as exc:
                # To another protocol than the refused ones. It is answered as if it had not been asked for.
                data = data[exc.args[0] :]

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.state is State.HEAD:  # else it comes after the body, and would be taken for one of the head
            super().on_header(name, value)

    def on_message_begin(self) -> None:
        if self.state is not State.HEAD:  # the next request came together with the last one
            self.state = State.HEAD
            self._since = self.loop.time()
            self._received = 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._check_head()
        self.state = State.BODY
        self._since = self._progress = self.loop.time()
        self.connected.waiting.pop(self, None)
        super().on_headers_complete()

    def _check_head(self) -> None:
        """Refuse what HTTP/1.1 forbids although the parser lets it through, and what nothing here speaks."""
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise _invalid(f"HTTP/{version} is not spoken here; send HTTP/1.1")
        hosts = 0
        size = len(self.url)
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding" and (value.strip().lower() != b"chunked" or version != "1.1"):
                raise _invalid("its Transfer-Encoding is not `chunked`, or it is HTTP/1.0")
        if size > self.limits.header_bytes:
            raise self._too_large()
        if hosts > 1 or (not hosts and version == "1.1"):
            raise _invalid(f"it has {hosts} Host headers; expected one")
        if self.parser.should_upgrade() and (self.parser.get_method() == b"CONNECT" or self._asks_for_websocket()):
            raise _invalid("nothing here takes CONNECT or a WebSocket")

    def _asks_for_websocket(self) -> bool:
        return any(name == b"upgrade" and b"websocket" in value.lower() for name, value in self.headers)

    def _should_upgrade(self) -> bool:
        return False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        load = self.connected.load

        async def entered(scope: Scope, receive: Receive, send: Send) -> None:
            load.entered()
            await app(scope, receive, send)

        start = partial(super()._start_asgi_task, cycle, entered)  # type: ignore[arg-type]
        if load.arrive(cycle.scope["path"], start, self.loop):
            return
        # Many are refused while the worker has no time: without what others pass on their way.
        identity = self.connected.refusals.count(OVERLOADED, cycle.scope["headers"])
        self._write(OVERLOADED, identity, close=False)
        cycle.response_started = cycle.response_complete = True
        self.on_response_complete()

    def on_body(self, body: bytes) -> None:
        self._progress = self.loop.time()
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._received = self._body = 0
        if self.cycle.response_complete:  # before its body had come
            self._wait(State.IDLE)
        else:
            self.state = State.ANSWER

    def on_response_complete(self) -> None:
        # As uvicorn does it, without a timer for each request.
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.state is State.ANSWER:
            self._wait(State.IDLE)

    # Refusals

    def _too_large(self) -> RequestError:
        return RequestError(431, RequestCode.HEADERS_TOO_LARGE, limit=self.limits.header_bytes)

    def _refuse(self, refused: RequestError) -> None:
        """Answer in the contract's shape what never becomes a request, and close the connection."""
        identity = self.connected.refusals.count(refused, self.headers)
        self.connected.refusals.log(refused, identity)
        before, self.state = self.state, State.REFUSED
        self._since = self.loop.time()
        self.connected.waiting.pop(self, None)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if before is not State.BODY:  # an earlier request has come completely: it is answered, and nothing else
                cycle.keep_alive = False
                self._since = math.inf
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started or self.pipeline:
                self.transport.close()
                return
        self._send(refused, identity)

    def _write(self, refused: RequestError, identity: bytes, close: bool) -> None:
        response = refused.response()
        more = [(b"x-request-id", identity), *([(b"connection", b"close")] if close else [])]
        headers = [*self.server_state.default_headers, *response.raw_headers, *more]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[refused.status] + lines + b"\r\n" + bytes(response.body))

    def _send(self, refused: RequestError, identity: bytes) -> None:
        self.flow.resume_reading()
        self._write(refused, identity, close=True)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()


def _invalid(reason: str) -> RequestError:
    return RequestError(400, RequestCode.INVALID_HTTP, reason=reason)


def _late(part: str, seconds: float) -> RequestError:
    return RequestError(408, RequestCode.REQUEST_TIMEOUT, part=part, seconds=round(seconds))


def _refusal(exc: httptools.HttpParserError) -> RequestError:
    """What the parser's error comes to; one that we raised in a callback is its context."""
    if isinstance(exc.__context__, RequestError):
        return exc.__context__
    if isinstance(exc, httptools.HttpParserCallbackError):
        return _invalid("its address cannot be read")
    return _invalid(str(exc))
