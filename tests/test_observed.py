"""What every request leaves behind: its id, its counts and its line in the log."""

import json
import logging
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from slipway.errors import Fault, FaultCode
from slipway.service import metric_files
from slipway.service.metric_files import MetricFiles, Sums, open_folder
from slipway.service.metrics import Counts, Metric
from slipway.service.observation import current
from slipway.service.observed import ObservedRequests
from slipway.service.settings import Settings

COUNTED = Metric("counter", "slipway_x_total", "X")
SET = Metric("gauge", "slipway_g", "G", mode="livesum")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(metric_files.FOLDER, str(tmp_path))
    return tmp_path


@pytest.fixture
def logged():
    """What is logged, as texts."""

    class Kept(logging.Handler):
        def emit(self, record):
            texts.append(self.format(record))

    texts, handler = [], Kept()
    log = logging.getLogger("bentoml")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield texts
    log.removeHandler(handler)
    log.setLevel(level)


async def app(scope, receive, send):
    if scope["path"] == "/docs":
        raise ValueError("a bug")
    if scope["path"] == "/app/ui/":
        current().expected = True
        await PlainTextResponse("it is being built", 503)(scope, receive, send)
        return
    if scope["path"] == "/predict":
        scope["state"]["caller"] = SimpleNamespace(name="Jane\nDoe")
        current().asked("json", 2, 2)
        current().refused("invalid_records", [Fault(FaultCode.NULL, "age")])
    await PlainTextResponse("fine")(scope, receive, send)


@pytest.fixture
def client(folder):
    return observed()


def observed(**settings) -> TestClient:
    schema = SimpleNamespace(names=["age"], task="regression")
    version = SimpleNamespace(tag="m:v", name="m", version="v", engine="onnx", schema=lambda: schema)
    middleware = ObservedRequests(app, MetricFiles(Counts()), version, Settings(root_path="/app", **settings))
    return TestClient(middleware, raise_server_exceptions=False)


def values(folder) -> dict[str, float]:
    return {
        sample.name + "".join(sorted(sample.labels.values())): sample.value
        for family in Sums(folder).collect()
        for sample in family.samples
    }


def test_an_expected_5xx_is_no_error_of_the_log(client, caplog):
    caplog.set_level(logging.INFO, "bentoml")
    client.get("/app/ui/")
    client.get("/docs")

    levels = {record.getMessage().split()[1]: record.levelname for record in caplog.records if record.name == "bentoml"}
    assert levels["/ui/"] == "INFO" and levels["/docs"] == "ERROR"


@pytest.mark.parametrize("sent", ["abc", "4bf92f3577b34da6a3ce929d0e0e4736", "a.b:c/d_e-f+g=@1", "x" * 128])
def test_the_id_of_a_request_is_returned(client, sent):
    assert client.get("/model", headers={"X-Request-ID": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, 'a"b', "a\tb", "é".encode(), "<script>"])
def test_instead_of_an_id_that_is_none_another_is_made(client, sent):
    first, second = (client.get("/model", headers={"X-Request-ID": sent}).headers["x-request-id"] for _ in range(2))

    assert re.fullmatch("[0-9a-f]{20}", first) and first != second != sent


def test_a_bug_is_answered_with_the_id_and_logged_with_it(client, logged):
    response = client.get("/docs", headers={"X-Request-ID": "abc"})

    assert (response.status_code, response.headers["x-request-id"]) == (500, "abc")
    assert "request abc failed" in logged[0] and "ValueError: a bug" in logged[0]


def test_requests_are_counted_by_route_and_status(client, folder):
    for path in ("/app/model", "/model", "/docs", "/people/jane"):
        client.get(path)
    client.app._files.write()

    counted = values(folder)
    totals = {name: value for name, value in counted.items() if "request_total" in name and value}
    assert sorted(totals.values()) == [1, 1, 2]
    assert counted["slipway_request_duration_seconds_count/model"] == 2
    assert counted["slipway_request_duration_seconds_countother"] == 1
    assert not [value for name, value in counted.items() if "in_progress" in name and value]


def test_a_request_leaves_one_line(client, logged):
    client.post("/predict?key=secret", content=b"12345", headers={"X-Request-ID": "abc"})
    client.get("/people/jane.doe@example.com", headers={"X-Request-ID": "d"})

    assert [re.sub(r"[\d.]+ ms", "1 ms", line) for line in logged] == [
        "POST /predict 200 1 ms request_id=abc caller=Jane%0ADoe model=m:v rows=2 faults=1 code=invalid_records "
        "bytes_in=5 bytes_out=4",
        "GET /people/jane.doe… 200 1 ms request_id=d bytes_in=0 bytes_out=4",
    ]


def test_the_length_of_a_body_that_does_not_say_it_is_counted(logged):
    async def reading(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("fine")(scope, receive, send)

    client = observed()
    client.app.app = reading
    client.post("/predict", content=iter([b"123", b"45"]))

    assert " bytes_in=5 " in logged[0]


def test_the_log_can_be_json(folder):
    code = (
        "import logging; from slipway.service.logs import use_log_format; from slipway.store import _bentoml\n"
        "from bentoml._internal.log import configure_server_logging\n"
        "configure_server_logging(); use_log_format('json'); log = logging.getLogger('bentoml')\n"
        "log.info('a %s', 'line\\n2', extra={'fields': {'rows': 3}})\n"
        "configure_server_logging()\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: log.exception('failed')\n"
        "logging.getLogger('circus').warning('of another')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    first, second, third, *_ = map(json.loads, done.stdout.splitlines())
    assert (first["level"], first["message"], first["rows"]) == ("info", "a line\n2", 3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first["time"])
    assert second["level"] == "error" and "ZeroDivisionError" in second["traceback"]
    assert third["message"] == "of another"


def test_a_line_of_the_log_as_text(folder):
    code = (
        "import logging; from slipway.service.logs import use_log_format\n"
        "from bentoml._internal.log import configure_server_logging, server_context\n"
        "server_context.service_type, server_context.worker_index = 'entry_service', 1\n"
        "use_log_format('text'); configure_server_logging(); log = logging.getLogger('bentoml')\n"
        "log.info('a %s', 'line')\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: log.exception('failed')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    first, second, *traceback = done.stdout.splitlines()
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}"
    assert re.fullmatch(time + r" \[INFO\] \[entry_service:1\] a line", first)
    assert re.fullmatch(time + r" \[ERROR\] \[entry_service:1\] failed", second)
    assert traceback[0].startswith("Traceback") and traceback[-1] == "ZeroDivisionError: division by zero"


def test_what_ended_workers_have_counted_stays_and_what_they_had_in_work_goes(folder):
    ended = max(psutil.pids()) + 4000
    for pid in (ended, ended + 1, os.getppid()):
        counts = Counts()
        counts.add(COUNTED, amount=2)
        counts.set(SET, value=1)
        files = MetricFiles(counts)
        files.folder = folder
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "getpid", lambda pid=pid: pid)
            files.write()
    assert values(folder) == {"slipway_x_total": 6, "slipway_g": 1}

    for _ in range(2):  # a worker starts, and another
        MetricFiles(Counts()).open()
        assert values(folder) == {"slipway_x_total": 6, "slipway_g": 1}

    assert sorted(path.name for path in folder.glob("*.db")) == sorted(
        ["counter_ended.db", f"counter_{os.getppid()}.db", f"gauge_livesum_{os.getppid()}.db"]
    )


def test_the_folder_of_a_server_that_was_killed_is_removed(tmp_path, monkeypatch):
    monkeypatch.delenv(metric_files.FOLDER, raising=False)
    monkeypatch.setattr(metric_files.tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"slipway-metrics-{max(psutil.pids()) + 4000}-abc"
    used = tmp_path / f"slipway-metrics-{os.getppid()}-abc"
    left.mkdir()
    used.mkdir()

    made = open_folder()

    assert made.parent == tmp_path and os.environ[metric_files.FOLDER] == str(made)
    assert sorted(tmp_path.iterdir()) == sorted([made, used])
    monkeypatch.delenv(metric_files.FOLDER)


def test_without_room_the_counts_go_on_and_are_written_once_there_is_room(folder, logged, monkeypatch):
    counts = Counts()
    counts.add(COUNTED)
    files = MetricFiles(counts)
    files.open()
    files.write()

    with monkeypatch.context() as full:
        full.setattr(metric_files.Path, "write_bytes", no_space)
        for _ in range(3):
            counts.add(COUNTED)
            files.write()
        assert values(folder) == {"slipway_x_total": 1}
    files.write()

    assert values(folder) == {"slipway_x_total": 4}
    assert len(logged) == 1 and "No space left on device" in logged[0]


def no_space(*_):
    raise OSError(28, "No space left on device")
