"""A request is given up after its time, with a refusal in our shape; what is in time is as it was."""

import asyncio
import re

import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.testclient import TestClient

from slipway.errors import RequestCode
from slipway.i18n import faults
from slipway.service.deadline import Deadline
from slipway.service.settings import Settings
from tests.calls import on_a_loop, refusal
from tests.conftest import ROOT


async def app(scope, receive, send):
    async def pieces():
        yield b"one "
        await asyncio.sleep(1.2)
        yield b"two"

    if scope["path"] == "/never":
        await asyncio.sleep(60)
    elif scope["path"] == "/own":
        raise TimeoutError("of a socket")
    elif scope["path"] == "/late":
        await StreamingResponse(pieces())(scope, receive, send)
        return
    await PlainTextResponse("in time")(scope, receive, send)


@pytest.fixture(scope="module")
def client():
    return TestClient(Deadline(app, seconds=1))


def test_a_request_without_an_answer_is_given_up_after_its_time(client):
    refused = refusal(client.get("/never"), 503)

    assert refused["code"] == "too_slow" and "within 1 s" in refused["error"]
    assert "1 秒" in client.get("/never?lang=zh").json()["error"]


def test_each_request_has_its_own_time():
    async def run():
        deadline, ended = Deadline(app, seconds=1), []

        async def ask(path: str, after: float) -> None:
            await asyncio.sleep(after)
            began = asyncio.get_running_loop().time()
            sent = []

            async def send(message):
                sent.append(message)

            await deadline({"type": "http", "path": path, "method": "GET", "query_string": b""}, None, send)
            ended.append((path, sent[0]["status"], round(asyncio.get_running_loop().time() - began, 1)))

        await asyncio.gather(ask("/never", 0), ask("/", 0.1), ask("/never", 0.5))
        return ended

    ended = on_a_loop(run())

    assert ended[0] == ("/", 200, 0.0)
    assert ended[1][:2] == ("/never", 503) and 1.0 <= ended[1][2] < 1.4
    assert ended[2][:2] == ("/never", 503) and 1.0 <= ended[2][2] < 1.4


def test_a_request_that_somebody_else_ends_is_not_answered():
    async def run():
        deadline = Deadline(app, seconds=30)
        task = asyncio.ensure_future(deadline({"type": "http", "path": "/never", "query_string": b""}, None, None))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        on_a_loop(run())


def test_an_answer_in_time_is_passed_on(client):
    assert client.get("/").text == "in time"


def test_a_time_out_within_the_request_is_no_deadline(client):
    with pytest.raises(TimeoutError, match="of a socket"):
        client.get("/own")


def test_an_answer_that_has_begun_may_take_longer(client):
    assert client.get("/late").text == "one two"


def test_the_documentation_shows_its_text():
    section = re.search(
        r"### `too_slow`\n\n.*?\n\n    (.*?)\n", (ROOT / "docs" / "errors.md").read_text(encoding="utf-8"), re.S
    )

    assert section and section[1] == faults.refusal(RequestCode.TOO_SLOW, {"limit": Settings().max_seconds})
