"""What `OneWrite` writes of an answer, and with how many calls of its transport."""

import asyncio
from collections import deque
from types import SimpleNamespace

import pytest

from slipway.service._uvicorn import OneWrite
from tests.calls import on_a_loop

LENGTH = (b"content-length", b"5")


class Transport:
    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def writelines(self, parts) -> None:
        self.writes.append(b"".join(parts))

    def close(self) -> None:
        self.closed = True


def answered(*messages: dict, method: str = "POST", keep_alive: bool = True) -> tuple[OneWrite, Transport]:
    """A cycle and its transport after an app has sent these messages."""

    async def run():
        transport = Transport()
        cycle = OneWrite(
            scope={"method": method}, transport=transport, flow=SimpleNamespace(write_paused=False), logger=None,
            access_logger=None, access_log=False, default_headers=[(b"date", b"today")], message_event=asyncio.Event(),
            expect_100_continue=False, keep_alive=keep_alive, on_response=deque().clear,
        )  # fmt: skip
        for message in messages:
            await cycle.send(message)
        return cycle, transport

    return on_a_loop(run())


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes = b"", more: bool = False) -> dict:
    return {"type": "http.response.body", "body": content, "more_body": more}


def test_head_and_body_are_one_write():
    cycle, transport = answered(start(LENGTH, (b"X-Own", b"1")), body(b"hello"))

    assert transport.writes == [b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 5\r\nx-own: 1\r\n\r\nhello"]
    assert cycle.response_complete and not transport.closed


def test_the_head_waits_for_the_body():
    cycle, transport = answered(start(LENGTH))

    assert transport.writes == [] and cycle.response_started


def test_further_parts_of_a_body_are_written_as_they_come():
    _, transport = answered(start(LENGTH), body(b"he", more=True), body(b"llo"))

    assert len(transport.writes) == 2 and transport.writes[1] == b"llo"


def test_a_body_of_unknown_length_is_chunked():
    _, transport = answered(start(), body(b"hello", more=True), body())

    assert transport.writes[0].endswith(b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
    assert transport.writes[1] == b"0\r\n\r\n"


@pytest.mark.parametrize(("status", "method"), [(200, "HEAD"), (204, "POST"), (304, "GET")])
def test_an_answer_without_a_body_is_its_head(status, method):
    headers = [LENGTH] if method == "HEAD" else []
    cycle, transport = answered(start(*headers, status=status), body(b"hello" if headers else b""), method=method)

    assert len(transport.writes) == 1 and transport.writes[0].endswith(b"\r\n\r\n")
    assert cycle.response_complete


@pytest.mark.parametrize("headers", [[(b"connection", b"close")], [(b"connection", b"Keep-Alive, Close")], []])
def test_a_connection_that_ends_says_so_once(headers):
    _, transport = answered(start(LENGTH, *headers), body(b"hello"), keep_alive=bool(headers))

    assert transport.writes[0].count(b"connection: close\r\n") == 1 and transport.closed


@pytest.mark.parametrize("content", [b"hell", b"hello!"])
def test_a_body_of_another_length_than_announced_is_an_error(content):
    with pytest.raises(RuntimeError, match="content-length"):
        answered(start(LENGTH), body(content))


@pytest.mark.parametrize("header", [(b"x-own", b"a\r\nset-cookie: b"), (b"x own", b"a"), (b"x-own", b"\x00")])
def test_a_header_that_would_become_two_is_an_error(header):
    with pytest.raises(RuntimeError, match="no header"):
        answered(start(header), body())


@pytest.mark.parametrize("messages", [[body(b"hello")], [start(LENGTH), start(LENGTH)], [start(), body(), body()]])
def test_what_is_not_the_turn_of_an_answer_is_an_error(messages):
    with pytest.raises(RuntimeError, match="not the turn"):
        answered(*messages)
