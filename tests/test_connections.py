"""What becomes of a connection where there are as many as a worker keeps, and every one of them has a request."""

import asyncio
import socket

import pytest
import uvicorn
from uvicorn.server import ServerState

from slipway.service._uvicorn import BoundedProtocol
from slipway.service.admission import Load
from slipway.service.connections import Connected, ConnectionLimits
from slipway.service.requests import RequestError
from tests.calls import on_a_loop

MOST = 4


class Transport(asyncio.Transport):
    def __init__(self, sent: bytes = b"") -> None:
        ours, self.client = socket.socketpair()
        super().__init__({"socket": ours})
        self.client.sendall(sent)
        self.written = b""
        self.aborted = self.closed = False

    def write(self, data) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class Refusals:
    def __init__(self) -> None:
        self.counted: list[RequestError] = []

    def count(self, refused, headers) -> bytes:
        self.counted.append(refused)
        return b"an-id"

    def log(self, refused, identity) -> None:
        pass


@pytest.fixture
def connected() -> Connected:
    return Connected(ConnectionLimits(connections=MOST), Load(10), Refusals())


def connections(connected: Connected, count: int, busy: bool, unread: int = 0) -> list[Transport]:
    """So many connections, each of which comes when the ones before have a request, or wait for one.

    The requests of the last ones have come, but were not read yet.
    """

    async def connect() -> list[Transport]:
        config = uvicorn.Config(lambda *_: None, log_config=None)
        config.load()
        state = ServerState()
        transports = [
            *(Transport() for _ in range(count - unread)),
            *(Transport(b"GET /livez HTTP/1.1\r\n") for _ in range(unread)),
        ]
        for transport in transports:
            protocol = BoundedProtocol(config=config, server_state=state, app_state={}, connected=connected)
            protocol.connection_made(transport)
            if busy:
                connected.waiting.clear()
        return transports

    return on_a_loop(connect())


def test_one_too_many_is_refused_and_further_ones_are_dropped_and_each_is_counted(connected):
    transports = connections(connected, MOST + 3, busy=True)

    kept, refused, dropped = transports[:MOST], transports[MOST], transports[MOST + 1 :]
    assert not any(one.written or one.closed or one.aborted for one in kept)
    assert refused.written.startswith(b"HTTP/1.1 503 ") and refused.closed
    assert all(one.aborted and not one.written for one in dropped)
    assert [refusal.status for refusal in connected.refusals.counted] == [503] * 3


def test_the_one_that_has_waited_longest_makes_room(connected):
    first, *others = connections(connected, MOST + 1, busy=False)

    assert first.closed and not any(one.closed or one.written or one.aborted for one in others)
    assert connected.refusals.counted == []


def test_one_whose_request_has_come_but_was_not_read_is_not_closed_for_others(connected):
    transports = connections(connected, 2 * MOST + 2, busy=False, unread=MOST + 2)

    idle, kept, refused, dropped = transports[:MOST], transports[MOST:-2], transports[-2], transports[-1]
    assert all(one.closed and not one.written for one in idle)
    assert not any(one.written or one.closed or one.aborted for one in kept)
    assert refused.written.startswith(b"HTTP/1.1 503 ") and dropped.aborted
