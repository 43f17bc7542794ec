"""What is refused because there is too much of it: requests in work, long ones, those of one caller; and the order of the others."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from slipway.errors import RequestCode
from slipway.i18n import faults
from slipway.service import admission
from slipway.service.admission import AT_A_TIME, CALLERS, Admission, Load, RateLimit
from slipway.service.allowed_hosts import AllowedHosts
from slipway.service.app import in_front
from slipway.service.paths import PROBES
from slipway.service.requests import RequestError
from slipway.service.security_headers import Cors
from slipway.service.settings import Settings
from tests.calls import CSV, GOOD, JSON, on_a_loop, refusal, upload
from tests.conftest import serve
from tests.test_errors import documented, example


def scope(path: str = "/predict", method: str = "POST", client: str = "10.0.0.1", caller: object = None) -> dict:
    return {
        "type": "http", "path": path, "method": method, "query_string": b"", "headers": [], "client": (client, 1),
        "state": {"caller": caller},
    }  # fmt: skip


async def call(app, request: dict, *messages: dict) -> tuple[int, dict[bytes, bytes], bytes]:
    """The answer of an ASGI app to a request whose body comes in these messages."""
    waiting = list(messages) or [{"type": "http.request", "body": b""}]
    sent = []

    async def receive():
        return waiting.pop(0)

    async def send(message):
        sent.append(message)

    await app(request, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def held(release: asyncio.Event):
    """An app that reads the body, and answers once it is told to."""

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return app


# One at a time, and not too many


def test_more_requests_than_may_be_in_work_are_not_admitted_until_one_is_answered():
    async def run():
        loop, load, release = asyncio.get_running_loop(), Load(2), asyncio.Event()
        app = Admission(held(release), load, 16)
        started = []

        def arrive(path="/predict"):
            return load.arrive(path, lambda: started.append(path), loop)

        admitted = [arrive() for _ in range(3)] + [arrive(path) for path in sorted(PROBES)]
        for _ in started:
            load.entered()
        tasks = [asyncio.create_task(call(app, scope())) for _ in range(2)]
        await asyncio.sleep(0)
        while_working = arrive()
        release.set()
        await asyncio.gather(*tasks)
        return admitted, while_working, arrive()

    assert on_a_loop(run()) == ([True, True, False, True, True, True, True], False, True)


def test_a_body_that_is_still_arriving_takes_no_place_and_one_that_breaks_off_leaves_none():
    async def run():
        loop, load, release = asyncio.get_running_loop(), Load(1), asyncio.Event()
        app = Admission(held(release), load, 16)
        parts = asyncio.Queue()

        async def send(message):
            pass

        task = asyncio.create_task(app(scope(), parts.get, send))
        parts.put_nowait({"type": "http.request", "body": b"{", "more_body": True})
        await asyncio.sleep(0.01)
        while_reading = load.arrive("/predict", load.entered, loop)
        parts.put_nowait({"type": "http.disconnect"})
        await asyncio.sleep(0.01)
        once_read = load.arrive("/predict", load.entered, loop)
        task.cancel()
        await asyncio.wait({task})
        return while_reading, once_read, load.arrive("/predict", load.entered, loop)

    assert on_a_loop(run()) == (True, False, True)


def test_the_loop_begins_a_few_at_a_time_and_a_probe_before_those_that_wait():
    async def run():
        loop, load, started = asyncio.get_running_loop(), Load(100), []
        for number in range(10):
            load.arrive("/predict", lambda number=number: started.append(number), loop)
        load.arrive("/livez", lambda: started.append("probe"), loop)
        found = [list(started)]
        for _ in range(3):
            await asyncio.sleep(0)
            found.append(list(started))
        return found

    found = on_a_loop(run())

    assert found[0] == [0, 1, 2, 3, "probe"] and AT_A_TIME == 4
    assert found[-1] == [0, 1, 2, 3, "probe", *range(4, 10)]
    assert [len(part) for part in found] == [5, 9, 11, 11]


@pytest.mark.parametrize("path", ["/predict_csv", "/explain"])
def test_of_calls_that_take_long_fewer_are_taken(path):
    async def run():
        release = asyncio.Event()
        app = Admission(held(release), Load(64), 2)
        tasks = [asyncio.create_task(call(app, scope(path))) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await call(app, scope(path))
        others = asyncio.create_task(call(app, scope("/predict")))
        release.set()
        return (
            refused,
            [answer[0] for answer in await asyncio.gather(*tasks, others)],
            (await call(app, scope(path)))[0],
        )

    (status, headers, body), others, later = on_a_loop(run())

    assert (status, headers[b"retry-after"], others, later) == (503, b"1", [200, 200, 200], 200)
    assert json.loads(body)["code"] == "overloaded"


# Of one caller


def limited(limit: int) -> RateLimit:
    release = asyncio.Event()
    release.set()
    return RateLimit(held(release), limit)


def test_a_caller_may_use_a_minutes_requests_at_once_and_gets_them_back_one_by_one(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(admission, "time", SimpleNamespace(monotonic=lambda: clock.now))
    app = limited(6)

    async def run():
        found = []
        for seconds in (0, 0, 0, 0, 0, 0, 0, 4, 6, 0, 60):
            clock.now += seconds
            status, headers, _ = await call(app, scope())
            found.append((status, int(headers.get(b"retry-after", 0))))
        return found

    assert on_a_loop(run()) == [(200, 0)] * 6 + [(429, 10), (429, 6), (200, 0), (429, 10), (200, 0)]


def test_callers_are_told_apart_by_key_then_by_address_and_only_posts_count():
    app = limited(1)
    ann, bob = SimpleNamespace(name="ann"), SimpleNamespace(name="bob")
    requests = [
        scope(client="10.0.0.1"), scope(client="10.0.0.1"), scope(client="10.0.0.2"), scope(caller=ann), scope(caller=bob),
        scope(caller=ann, client="10.0.0.9"), scope(method="GET"), scope("/livez", "GET"),
    ]  # fmt: skip

    async def run():
        return [(await call(app, request))[0] for request in requests]

    assert on_a_loop(run()) == [200, 429, 200, 200, 200, 429, 200, 200]


def test_only_so_many_callers_are_remembered():
    app = limited(1)

    for number in range(CALLERS + 50):
        app._wait(str(number), 0.0)

    assert len(app._restored) == CALLERS


def test_requests_do_not_pass_what_nothing_is_set_for():
    def passed(settings: Settings) -> set[type]:
        return {middleware.cls for middleware in in_front(SimpleNamespace(version=None), settings, Load(1), None)}

    asked_for = Settings(
        requests_per_minute=5, allowed_hosts=("ml.example.org",), cors_origins=("https://example.org",)
    )
    left_out = {RateLimit, AllowedHosts, Cors}
    assert not passed(Settings()) & left_out
    assert passed(asked_for) - passed(Settings()) == left_out


# In a server


def test_a_server_with_too_much_in_work_refuses_within_50_ms_and_answers_its_probes(insurance):
    settings = {"SLIPWAY_MAX_REQUESTS": "3", "SLIPWAY_REQUESTS_PER_MINUTE": "40"}
    with serve("--arg", f"model={insurance}", **settings) as server, ThreadPoolExecutor(8) as pool:
        long = CSV + CSV.partition("\n")[2] * 100_000
        files = [pool.submit(upload, server, long) for _ in range(3)]
        deadline = time.monotonic() + 30
        while (refused := server.post("/predict", content=GOOD, headers=JSON)).status_code != 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        probes = {server.get(path).status_code for path in ("/livez", "/readyz", "/metrics")}
        assert {future.result().status_code for future in files} == {200}
        for _ in range(80):
            limited = server.post("/predict", content=GOOD, headers=JSON)

    assert refusal(refused, 503)["code"] == "overloaded" and refused.headers["retry-after"] == "1"
    assert probes == {200}
    assert refusal(limited, 429)["code"] == "too_many_requests" and int(limited.headers["retry-after"]) in (1, 2)


def test_refusals_are_those_of_the_page():
    values = {
        RequestCode.OVERLOADED: {"retry_after": 1},
        RequestCode.TOO_MANY_REQUESTS: {"limit": 60, "retry_after": 1},
        RequestCode.INVALID_HTTP: {"reason": "Transfer-Encoding can't be present with Content-Length"},
        RequestCode.HEADERS_TOO_LARGE: {"limit": 65536},
        RequestCode.REQUEST_TIMEOUT: {"part": "headers", "seconds": 20},
    }
    for code, given in values.items():
        assert faults.refusal(code, given) == example(documented()["Requests"][code])
        retry = RequestError(503, code, **given).response().headers.get("retry-after")
        assert retry == ("1" if "retry_after" in given else None)
