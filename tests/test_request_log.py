"""The request log: what a server was asked and answered, kept beside the requests, private, bounded, and deleted in time."""

import asyncio
import datetime as dt
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import time
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from slipway import store
from slipway.errors import RequestLogError
from slipway.service import request_log
from slipway.service.request_log import LogQueue
from slipway.store.requestlog import Outcome, RowWriter, folder, open_log, read
from tests.calls import on_a_loop, predict
from tests.conftest import PERSON, ROOT, SLIPWAY, free_port, serve, trained
from tests.postgresql import PASSWORD, running_postgresql
from tests.s3 import BUCKET, running_s3

TODAY = dt.datetime.now(dt.UTC).date()


def metric(server, name: str) -> int:
    (line,) = [line for line in server.get("/metrics").text.splitlines() if line.startswith(f"{name} ")]
    return int(float(line.split()[1]))


def eventually(found, wanted) -> None:
    """Wait until a function returns what is wanted."""
    deadline = time.monotonic() + 20
    while found() != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found() == wanted


def line(request_id: str = "r", record: int = 0, **more: object) -> bytes:
    """A row as it is kept."""
    row = {"request_id": request_id, "record": record, "model": "insurance:a", "time": dt.datetime.now(dt.UTC)}
    return orjson.dumps(row | {"source": "json", "inputs": {}, "answer": {}} | more) + b"\n"


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder that is checked, as a start leaves it."""
    open_log(tmp_path / "log").check()
    return tmp_path / "log"


# What a server keeps


@pytest.fixture(scope="module")
def logged(insurance, tmp_path_factory):
    """A server with a request log, and the folder."""
    place = tmp_path_factory.mktemp("asked") / "log"
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=str(place)) as server:
        yield server, place


def test_each_record_is_kept_with_its_answer(logged, insurance):
    server, place = logged
    records = [PERSON, PERSON | {"age": 90}]

    answered = server.post("/predict", json={"records": records}, headers={"X-Request-ID": "two"}).json()

    eventually(lambda: len([row for row in read(place) if row["request_id"] == "two"]), 2)
    rows = sorted((row for row in read(place) if row["request_id"] == "two"), key=lambda row: row["record"])
    assert [row["inputs"] for row in rows] == records and [row["record"] for row in rows] == [0, 1]
    assert [row["answer"] for row in rows] == [
        {**answer, "warnings": [warning["code"] for warning in answer["warnings"]]}
        for answer in answered["predictions"]
    ]
    assert rows[1]["answer"]["warnings"] == ["out_of_range"]
    assert {row["model"] for row in rows} == {insurance} and {row["source"] for row in rows} == {"json"}
    assert all(abs(dt.datetime.now(dt.UTC) - row["time"]) < dt.timedelta(minutes=1) for row in rows)
    assert {row["outcome"] for row in rows} == {None}


def test_records_that_a_helper_answers_are_kept_too(logged):
    server, place = logged
    before = metric(server, "slipway_request_log_rows_total")

    server.post("/predict", json={"records": [PERSON] * 900}, headers={"X-Request-ID": "many"}).raise_for_status()

    eventually(lambda: sum(row["request_id"] == "many" for row in read(place)), 900)
    eventually(lambda: metric(server, "slipway_request_log_rows_total"), before + 900)
    assert metric(server, "slipway_request_log_dropped_total") == 0


def test_nobody_else_may_read_it(logged):
    server, place = logged
    predict(server, PERSON).raise_for_status()
    eventually(lambda: bool(list(place.iterdir())), True)

    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}


def test_what_waits_is_written_when_the_server_is_stopped(insurance, tmp_path):
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=str(tmp_path / "log")) as server:
        for _ in range(20):
            predict(server, PERSON).raise_for_status()

    assert len(list(read(tmp_path / "log"))) == 20


def test_a_folder_that_goes_away_fails_no_request_and_rows_wait_for_it(insurance, tmp_path):
    place = tmp_path / "log"
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=str(place)) as server:
        shutil.rmtree(place)
        predict(server, PERSON).raise_for_status()
        eventually(lambda: "rows wait, as many as fit" in server.log.read_text(), True)

        place.mkdir(0o700)

        eventually(lambda: len(list(read(place))), 1)
        assert "the request log can be written again" in server.log.read_text()


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda place: None, "there is no folder .*; make it, or take another"),
        (lambda place: (place.parent.mkdir(), place.write_text("")), "File exists; expected a folder"),
        (
            lambda place: (place.mkdir(parents=True), place.chmod(0o755)),
            "it has the mode 0755, .* expected 0700: `chmod 700` it",
        ),
    ],
    ids=["no folder above", "a file", "open to others"],
)
def test_a_place_that_cannot_be_used_is_one_line(tmp_path, make, problem):
    place = tmp_path / "above" / "log"
    make(place)

    with pytest.raises(RequestLogError, match=f"the request log {place} cannot be used: {problem}") as caught:
        open_log(place).check()

    assert "\n" not in str(caught.value)


def test_a_place_that_cannot_be_used_stops_the_start(insurance, tmp_path):
    place = tmp_path / "above" / "log"

    ended = subprocess.run(
        [SLIPWAY, "serve", insurance, "--port", str(free_port())],
        env=os.environ | {"SLIPWAY_REQUEST_LOG": str(place)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert ended.returncode == 1
    assert ended.stderr.strip().splitlines()[-1].startswith(f"slipway: the request log {place} cannot be used: ")


# A database


@pytest.fixture(scope="module")
def postgresql():
    with running_postgresql() as address:
        yield address


@pytest.fixture(scope="module")
def s3():
    with running_s3():
        yield f"s3://{BUCKET}/log"


@pytest.fixture(params=["folder", "sqlite", "postgresql", pytest.param("s3", marks=pytest.mark.stores)])
def anywhere(request, tmp_path):
    """A place of each kind, checked and empty."""
    if request.param in ("postgresql", "s3"):
        place = request.getfixturevalue(request.param)
    else:
        place = str(tmp_path / "log") if request.param == "folder" else f"sqlite:///{tmp_path / 'log.db'}"
    log = open_log(place)
    log.check()
    yield place
    log.delete_before(TODAY + dt.timedelta(days=2))


def test_every_place_keeps_rows_and_outcomes_alike(anywhere):
    log, other = open_log(anywhere), open_log(anywhere)
    time = dt.datetime.now(dt.UTC)
    parts = {"inputs": {"age": 40, "city": 'Köln "a"', "none": None}, "answer": {"prediction": 1.5, "warnings": ["x"]}}
    log.append(line("a", 0, time=time, **parts) + line("a", 1) + line("b"))
    other.append(line("c", model="houses:a"))

    known = log.known({("a", 1), ("a", 2), ("b", 0), ("c", 0), ("d", 0)}, "insurance")
    other.add_outcomes([Outcome("a", 1, 3.5), Outcome("b", 0, "no")])
    other.add_outcomes([Outcome("b", 0, "yes"), Outcome("b", 0, "no"), Outcome("b", 0, "yes")])

    rows = {(row["request_id"], row["record"]): row for row in read(anywhere)}
    assert known == {("a", 1), ("b", 0)} and len(rows) == 4
    assert rows["a", 0] == {
        **{"request_id": "a", "record": 0, "model": "insurance:a", "time": time, "source": "json", "outcome": None},
        **parts,
    }
    assert [rows[key]["outcome"] for key in (("a", 1), ("b", 0), ("c", 0))] == [3.5, "yes", None]
    assert {row["request_id"] for row in read(anywhere, name="houses")} == {"c"}


def test_every_place_reads_from_a_time_on_and_forgets_days(anywhere):
    start = dt.datetime.now(dt.UTC)
    log = open_log(anywhere)
    log.append(line("old", time=start - dt.timedelta(seconds=5)) + line("new", time=start + dt.timedelta(seconds=5)))
    log.add_outcomes([Outcome("new", 0, 1)])
    local = dt.timezone(dt.timedelta(hours=5))

    assert [row["request_id"] for row in read(anywhere, since=start.astimezone(local))] == ["new"]

    log.delete_before(TODAY)
    assert len(list(read(anywhere))) == 2
    log.delete_before(TODAY + dt.timedelta(days=2))
    assert not list(read(anywhere)) and not log.known({("new", 0)}, "insurance")


def test_a_server_keeps_requests_and_outcomes_in_postgresql(insurance, postgresql):
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=postgresql) as server:
        records = [PERSON] * 700
        server.post("/predict", json={"records": records}, headers={"X-Request-ID": "p"}).raise_for_status()
        eventually(lambda: metric(server, "slipway_request_log_rows_total"), 700)
        told = [{"request_id": "p", "record": record, "outcome": record} for record in range(700)]
        server.post("/outcome", json={"outcomes": told}).raise_for_status()
        predict(server, PERSON).raise_for_status()
        assert PASSWORD not in server.log.read_text()

    rows = list(read(postgresql, name="insurance"))
    assert len(rows) == 701 and {row["outcome"] for row in rows if row["request_id"] == "p"} == set(range(700))


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        (f"postgresql://me:{PASSWORD}@127.0.0.1:9/db", "onnection refused|Can't create a connection"),
        (f"nothing://me:{PASSWORD}@host/db", "is of a database that SQLAlchemy does not know"),
        (f"oracle://me:{PASSWORD}@127.0.0.1/db", "needs a driver for oracle: `pip install 'oracledb'`"),
        ("sqlite:////no/such/folder/log.db", "No such file or directory"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_without_its_password(address, problem):
    with pytest.raises(RequestLogError, match=problem) as caught:
        open_log(address).check()

    assert PASSWORD not in str(caught.value) and "\n" not in str(caught.value)


def test_the_file_of_sqlite_is_private(tmp_path):
    path = tmp_path / "log.db"
    open_log(f"sqlite:///{path}").check()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    path.chmod(0o644)
    with pytest.raises(RequestLogError, match="others may read .*`chmod 600` it"):
        open_log(f"sqlite:///{path}").check()


def test_a_database_that_is_away_loses_no_rows_until_the_queue_is_full(tmp_path):
    path = tmp_path / "log.db"
    place = f"sqlite:///{path}"
    open_log(place).check()

    async def work(queue: LogQueue) -> None:
        path.rename(tmp_path / "away")
        path.mkdir()
        queue.put(line() * 7)
        await asyncio.sleep(3 * request_log.INTERVAL)
        path.rmdir()
        (tmp_path / "away").rename(path)
        await queue.close()

    with queue_to(place) as (queue, counted):
        on_a_loop(work(queue))

    assert counted == [7, 0] and len(list(read(place))) == 7


def test_a_database_that_is_locked_fails_no_request(insurance, tmp_path):
    path = tmp_path / "log.db"
    place = f"sqlite:///{path}"
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=place) as server:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(3):
                predict(server, PERSON).raise_for_status()
            eventually(lambda: "database is locked; rows wait" in server.log.read_text(), True)
            other.execute("COMMIT")

        eventually(lambda: metric(server, "slipway_request_log_rows_total"), 3)
        assert metric(server, "slipway_request_log_dropped_total") == 0
    assert len(list(read(place))) == 3


# What is in a row


@pytest.mark.parametrize("private", [(), ("age", "region")])
def test_private_fields_are_left_out(insurance, private):
    schema = store.find(insurance).schema()
    schema = replace(schema, fields=tuple(replace(one, private=one.name in private) for one in schema.fields))

    (row,) = RowWriter(insurance, schema).rows("r", [PERSON], [{"prediction": 1.5, "warnings": []}]).splitlines()

    assert orjson.loads(row)["inputs"].keys() == PERSON.keys() - set(private)


def test_a_field_that_the_use_case_calls_private_is_in_no_file(tmp_path):
    table = "age,postcode,cost\n" + "\n".join(f"{20 + i % 40},{50000 + i * 7},{i % 40 * 3}.5" for i in range(120))
    (tmp_path / "people.csv").write_text(table)
    case = tmp_path / "people.yaml"
    case.write_text(
        f"name: people\ndata: {{file: {tmp_path / 'people.csv'}}}\ntarget: {{column: cost}}\n"
        "fields: {postcode: {kind: number, private: true}}\ntraining: {include: [lr], folds: 2}\n"
    )
    place = tmp_path / "log"
    with serve("--arg", f"model={trained(str(case))}", SLIPWAY_REQUEST_LOG=str(place)) as server:
        predict(server, {"age": 30, "postcode": 50413}).raise_for_status()
        eventually(lambda: len(list(read(place))), 1)

    (path,) = place.iterdir()
    assert b'"inputs":{"age":30}' in path.read_bytes() and b"50413" not in path.read_bytes()


def test_free_text_is_left_out(uncompiled):
    schema = store.find(uncompiled).schema()

    row = RowWriter(uncompiled, schema).rows(
        "r", [{"stars": 3, "note": "by Jane"}], [{"prediction": 1, "warnings": []}]
    )

    assert orjson.loads(row)["inputs"] == {"stars": 3}


def test_a_whole_number_of_more_than_64_bits_is_kept_as_the_model_was_given_it(insurance):
    rows = RowWriter(insurance, store.find(insurance).schema())

    row = rows.rows("r", [PERSON | {"age": 10**25}], [{"prediction": 1, "warnings": []}])

    assert orjson.loads(row)["inputs"] == PERSON | {"age": 1e25}


# The queue


@contextmanager
def queue_to(place: Path | str, days: int = 30):
    """A queue, and what it has counted: rows that were written, and rows that were dropped."""
    counted = [0, 0]

    def count(written: int, dropped: int) -> None:
        counted[:] = counted[0] + written, counted[1] + dropped

    yield LogQueue(open_log(place), days, count), counted


def test_what_does_not_fit_is_dropped_and_counted(place, monkeypatch):
    monkeypatch.setattr(request_log, "QUEUE_BYTES", 10 * len(line()))

    async def work(queue: LogQueue) -> None:
        shutil.rmtree(place)
        queue.put(line() * 8)
        await asyncio.sleep(2 * request_log.INTERVAL)
        queue.put(line() * 3)  # there is no room for all of them
        queue.put(line() * 2)
        place.mkdir(0o700)
        await queue.close()

    with queue_to(place) as (queue, counted):
        on_a_loop(work(queue))

    assert counted == [10, 3] and len(list(read(place))) == 10


def test_what_cannot_be_written_before_the_end_is_counted(place):
    async def work(queue: LogQueue) -> None:
        shutil.rmtree(place)
        queue.put(line() * 7)
        await queue.close()

    with queue_to(place) as (queue, counted):
        on_a_loop(work(queue))

    assert counted == [0, 7]


def test_rows_that_are_too_old_are_deleted_meanwhile(place, monkeypatch):
    monkeypatch.setattr(request_log, "FORGET_EVERY", 0)
    today = dt.datetime.now(dt.UTC).date()  # not that of the import, which may have been before midnight
    old, young = (place / f"requests-{today - dt.timedelta(days)}T000000-{'0' * 16}.jsonl" for days in (8, 7))
    for path in (old, young):
        path.write_bytes(line())

    async def work(queue: LogQueue) -> None:
        queue.put(line())
        await asyncio.sleep(3 * request_log.INTERVAL)
        await queue.close()

    with queue_to(place, days=7) as (queue, _):
        on_a_loop(work(queue))

    assert young.exists() and not old.exists()


# The files


def test_a_full_disk_leaves_no_half_rows(place):
    log = open_log(place)
    log.append(line("first"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(line("first")) + 50, limits[1]))
    try:
        with pytest.raises(RequestLogError, match="File too large"):
            log.append(line("second"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    log.append(line("third"))

    assert [row["request_id"] for row in read(place)] == ["first", "third"]


def test_a_file_that_is_large_enough_or_of_yesterday_is_followed_by_another(place, monkeypatch):
    log = open_log(place)
    log.append(line())
    log.append(line())
    assert len(list(place.iterdir())) == 1

    monkeypatch.setattr(folder, "FILE_BYTES", len(line()))
    log.append(line())
    assert len(list(place.iterdir())) == 2

    monkeypatch.setattr(folder, "FILE_BYTES", 10**6)
    monkeypatch.setattr(folder, "now", lambda: dt.datetime.now(dt.UTC) + dt.timedelta(1))
    log.append(line())
    assert len(list(place.iterdir())) == 3 and len(list(read(place))) == 4


def test_the_reader_takes_rows_from_a_time_on_and_of_one_model(place):
    start = dt.datetime.now(dt.UTC)
    times = [start - dt.timedelta(days=2), start - dt.timedelta(seconds=1), start + dt.timedelta(seconds=1)]
    open_log(place).append(
        b"".join(line(str(i), time=at) for i, at in enumerate(times)) + line("other", model="houses:a", time=times[2])
    )

    found = list(read(place, since=start))

    assert [row["request_id"] for row in found] == ["2", "other"] and found[0]["time"] == times[2]
    assert [row["request_id"] for row in read(place, start, "insurance")] == ["2"]


def test_a_row_that_is_still_being_written_is_not_read_and_what_is_none_is_named(place):
    path = place / f"requests-{TODAY}T000000-{'0' * 16}.jsonl"
    path.write_bytes(line("whole") + line("half")[:20])
    assert [row["request_id"] for row in read(place)] == ["whole"]

    path.write_bytes(line("whole") + b"{}\n")
    with pytest.raises(RequestLogError, match=f"line 2 of {path.name} is not a row of a request log"):
        list(read(place))


def test_a_log_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(RequestLogError, match="No such file or directory; expected a folder that can be read"):
        list(read(tmp_path / "none"))
