"""An app in another process: requests, answers, what was learnt, and what becomes of both where one end goes away."""

import asyncio
import os
from collections import Counter

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from slipway.service import helper, remote
from slipway.service.helper import SMALL, Helpers, LargeCalls
from slipway.service.observation import Observation, begin, current
from slipway.service.remote import PIECE, Answering, RemoteError, ask, listen, name_of
from tests.calls import in_a_thread, on_a_loop

BODY = os.urandom(3 * PIECE + 7)
gone: list[str] = []


async def answering(scope, receive, send):
    """Answers as its path says."""
    request = Request(scope, receive)
    if scope["path"] == "/bug":
        raise ZeroDivisionError
    if scope["path"] == "/end":
        raise asyncio.CancelledError
    if scope["path"] == "/refuse":
        await Response("too much", 413)(scope, receive, send)
        return
    if scope["path"] == "/slow":
        await request.body()
        while not await request.is_disconnected():
            await asyncio.sleep(0.01)
        gone.append("slow")
        return
    try:
        body = await request.body()
    except ClientDisconnect:
        gone.append("upload")
        raise
    current().asked("file", rows=3)
    current().faults = Counter({("missing", "age"): 2})
    await Response(body, headers={"x-query": scope["query_string"].decode()})(scope, receive, send)


def run(calls):
    """What `calls(name)` gives, which may ask for answers at that name."""

    async def both():
        listening = listen()
        answers = Answering(answering)
        async with await asyncio.start_unix_server(answers.connected, sock=listening):
            return await asyncio.wait_for(calls(name_of(listening)), 20)

    return on_a_loop(both())


def front(name: str):
    """The end that asks, as an app; its observation is noted in the answer's headers by the test client's own means."""

    async def app(scope, receive, send):
        noted = begin()
        await ask(name, scope, receive, send)
        learnt.append(noted)

    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


learnt: list[Observation] = []


def test_an_answer_comes_back_with_what_was_learnt():
    async def calls(name):
        return await front(name).post("/echo?lang=zh", content=BODY)

    answer = run(calls)

    assert answer.status_code == 200 and answer.content == BODY
    assert answer.headers["x-query"] == "lang=zh"
    noted = learnt[-1]
    assert (noted.rows, noted.source, noted.faults) == (3, "file", Counter({("missing", "age"): 2}))


def test_a_body_may_come_in_parts_and_be_refused_before_its_end():
    async def calls(name):
        sent = []

        async def receive():
            await asyncio.sleep(0)
            return {"type": "http.request", "body": BODY, "more_body": True}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/refuse", "query_string": b"", "headers": []}
        begin()
        await ask(name, scope, receive, send)
        return sent

    start, body = run(calls)

    assert start["status"] == 413 and body["body"] == b"too much"


def test_a_bug_is_a_500_and_its_traceback_is_logged_with_the_request(caplog):
    async def calls(name):
        return await front(name).get("/bug")

    assert run(calls).status_code == 500
    assert "/bug of request" in caplog.text and "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(("path", "more"), [("/slow", False), ("/echo", True)], ids=["slow", "upload"])
def test_the_other_end_sees_that_a_client_has_gone(path, more):
    async def calls(name):
        waiting = [{"type": "http.request", "body": b"x", "more_body": more}, {"type": "http.disconnect"}]

        async def receive():
            await asyncio.sleep(0.05)
            return waiting.pop(0)

        async def send(message):
            raise AssertionError(message)

        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
        begin()
        await ask(name, scope, receive, send)

    gone.clear()
    run(calls)

    assert gone == ["upload" if more else "slow"]


def test_a_request_that_is_given_up_is_given_up_at_the_other_end_too():
    async def calls(name):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(front(name).post("/slow", content=b"x"), 0.2)
        await asyncio.sleep(0.2)

    gone.clear()
    run(calls)

    assert gone == ["slow"]


def test_an_answer_that_ends_early_is_an_error():
    async def calls(name):
        with pytest.raises(RemoteError, match="before its answer was complete"):
            await front(name).get("/end")

    run(calls)


def test_nobody_there_is_an_error_and_a_503_that_says_when_to_try_again(monkeypatch):
    monkeypatch.setenv(helper.HELPER, "slipway-nobody-listens-here")

    async def calls():
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(LargeCalls(answering)), base_url="http://test"
        ) as client:
            return [
                await client.post(path, content=content)
                for path, content in (
                    ("/predict_csv", b"x"), ("/explain", b"x"), ("/predict", b"x" * (SMALL + 1)), ("/predict", b"x" * SMALL)
                )
            ]  # fmt: skip

    answers = on_a_loop(calls())

    assert [answer.status_code for answer in answers] == [503, 503, 503, 200]
    assert answers[0].json()["code"] == "overloaded" and answers[0].headers["retry-after"] == "1"


def test_another_user_is_not_listened_to(monkeypatch):
    monkeypatch.setattr(remote, "_user", lambda _: os.getuid() + 1)

    async def calls(name):
        with pytest.raises(RemoteError):
            await front(name).post("/echo", content=b"x")

    run(calls)


@pytest.mark.parametrize("kind", [MemoryError, RuntimeError])
def test_a_helper_without_memory_ends_in_one_line(monkeypatch, caplog, kind):
    """Where the event loop itself finds none, an error that follows from it hides it."""

    async def serve(self):
        try:
            raise MemoryError
        except MemoryError:
            raise kind("cannot schedule new futures") from None

    for name in ("stay_until_killed", "limit_memory"):
        monkeypatch.setattr(helper, name, lambda _: None)
    monkeypatch.setattr("os.nice", lambda _: 0)
    monkeypatch.setattr(Helpers, "_serve", serve)

    in_a_thread(Helpers(None, 300).run)

    assert [record.getMessage() for record in caplog.records] == [
        "a helper ends: it has no memory left (SLIPWAY_MAX_HELPER_MEGABYTES)"
    ]
