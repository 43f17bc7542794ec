"""The request log in an object store: a server that answers as S3 does, started by the tests (moto).

What every place does alike is in tests/test_request_log.py.
"""

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from slipway import store
from slipway.cli.main import main
from slipway.errors import RequestLogError
from slipway.publish.drift.measure import drift_of_log
from slipway.service import request_log
from slipway.store.requestlog import Outcome, open_log, read
from slipway.store.requestlog.objects import ObjectLog
from tests.calls import on_a_loop, predict
from tests.conftest import PERSON, ROOT, SLIPWAY, free_port, serve
from tests.s3 import BUCKET, S3, running_s3
from tests.test_drift_log import logged
from tests.test_request_log import line, metric, queue_to

pytestmark = pytest.mark.stores


@pytest.fixture(scope="module")
def server():
    with running_s3() as found:
        yield found


@pytest.fixture
def place(server: S3, request) -> str:
    """A prefix of its own, as a start leaves it."""
    place = f"s3://{BUCKET}/{request.node.name}"
    open_log(place).check()
    return place


def until(found, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not found() and time.monotonic() < deadline:
        time.sleep(0.3)
    assert found()


def objects(place: str) -> list[str]:
    return open_log(place)._names("requests")


def test_a_server_keeps_what_it_was_asked_and_takes_what_came_true(server, place, insurance, capsys):
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=place, **server.environment) as running:
        for age in range(30, 34):
            predict(running, PERSON | {"age": age}).raise_for_status()
        told = {"outcomes": [{"request_id": "mine", "record": 0, "outcome": 7012.5}]}
        running.post("/predict", json={"records": [PERSON]}, headers={"X-Request-ID": "mine"}).raise_for_status()
        until(lambda: metric(running, "slipway_request_log_rows_total") == 5)
        assert len(objects(place)) <= 2  # and not one for each half second
        running.post("/outcome", json=told).raise_for_status()
        predict(running, PERSON).raise_for_status()

    rows = list(read(place, name="insurance"))
    assert len(rows) == 6  # what waited was written at the end
    assert [row["outcome"] for row in rows if row["request_id"] == "mine"] == [7012.5]
    assert main(["drift", insurance, "--log", place]) in (0, 4)
    assert f"6 rows of {place} against" in capsys.readouterr().out


def test_a_store_and_a_folder_of_the_same_rows_give_the_same_drift(place, insurance, tmp_path):
    folder, _ = logged(insurance, tmp_path, 200)
    version, log = store.open_version(insurance), open_log(place)
    for path in (tmp_path / "log").glob("requests-*"):
        log.append(path.read_bytes())
    log.add_outcomes([Outcome(row["request_id"], row["record"], row["outcome"]) for row in read(folder)])

    wanted = drift_of_log(version, folder)

    assert replace(drift_of_log(version, place), data=folder, time=wanted.time) == wanted


def test_rows_wait_for_a_store_that_is_away_and_those_that_do_not_fit_are_counted(server, place, monkeypatch):
    monkeypatch.setattr(ObjectLog, "seconds", 0.0)
    monkeypatch.setattr(request_log, "QUEUE_BYTES", 10 * len(line()))
    monkeypatch.setattr(request_log, "CLOSE_SECONDS", 60.0)
    server.stop()

    async def work(queue) -> None:
        queue.put(line() * 8)
        await asyncio.sleep(2)
        queue.put(line() * 3)  # there is no room for all of them
        queue.put(line() * 2)
        await asyncio.to_thread(server.start)
        await asyncio.sleep(15)
        await queue.close()

    with queue_to(place) as (queue, counted):
        on_a_loop(work(queue))

    assert counted == [10, 3] and len(list(read(place))) == 10


def test_rows_of_some_time_are_one_object(place, monkeypatch):
    monkeypatch.setattr(ObjectLog, "seconds", 3.0)
    monkeypatch.setattr(ObjectLog, "largest", 20 * len(line()))

    async def work(queue) -> None:
        for _ in range(5):
            queue.put(line())
            await asyncio.sleep(0.3)
        assert objects(place) == []
        queue.put(line() * 20)  # much is written at once
        await asyncio.sleep(1.3)
        assert len(objects(place)) == 1
        queue.put(line())
        await queue.close()

    with queue_to(place) as (queue, counted):
        on_a_loop(work(queue))

    assert counted == [26, 0] and len(objects(place)) == 2


def test_what_is_not_of_a_log_is_named_or_left_alone(place):
    log = open_log(place)
    log._store.put("notes.txt", b"mine")
    log._store.put("requests-2026-01-01T000000-0123456789abcdef.jsonl", b'{"request_id":"r"}\n')

    with pytest.raises(RequestLogError, match="line 1 of requests-2026-01-01T000000-.* is not a row"):
        list(read(place))

    log.delete_before(request_log._first_day(0))
    assert list(read(place)) == [] and bytes(log._store.get("notes.txt").bytes()) == b"mine"


@pytest.mark.parametrize(
    ("where", "environment", "problem"),
    [
        (
            "s3://nowhere/log",
            {},
            "there is no such bucket (NoSuchBucket: The specified bucket does not exist); make it",
        ),
        (
            f"s3://{BUCKET}/log",
            {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"},
            "expected a store that can be reached",
        ),
    ],
    ids=["no bucket", "away"],
)
def test_a_store_that_cannot_be_used_stops_the_start(server, insurance, where, environment, problem):
    ended = subprocess.run(
        [SLIPWAY, "serve", insurance, "--port", str(free_port())],
        env=os.environ | server.environment | environment | {"SLIPWAY_REQUEST_LOG": where},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    last = ended.stderr.strip().splitlines()[-1]
    assert ended.returncode == 1
    assert last.startswith(f"slipway: the request log {where} cannot be used: ") and problem in last


def test_without_obstore_it_is_said_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore.store", None)

    with pytest.raises(RequestLogError, match=r"needs obstore: `pip install 'slipway-ml\[stores\]'`"):
        open_log("s3://rows/log").check()
