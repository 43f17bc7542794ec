"""A running server takes the version that is promoted, and goes back; no request is lost, and each answer names its version."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psutil
import pytest

from slipway import store
from slipway.store.requestlog import read
from tests.conftest import PERSON, ROOT, Server, helpers_of, serve, trained, workers_of
from tests.test_supervisor import until

pytestmark = pytest.mark.slow

NAME = "switched"
CALL = {"json": {"records": [PERSON]}}


@pytest.fixture(scope="module")
def tags() -> tuple[str, str]:
    """Two versions of one name; the first one is promoted."""
    first, second = (trained("insurance", "--include", one, "--folds", "2", "--name", NAME) for one in ("dt", "gbr"))
    if store.in_use(NAME) != first.partition(":")[2]:
        store.promote(first, "a test")
    return first, second


@contextmanager
def promoted(tag: str) -> Iterator[None]:
    """While inside, this version is in use."""
    store.promote(tag, "a test")
    try:
        yield
    finally:
        store.roll_back(NAME, "the test is over")


@pytest.fixture
def server(tags, tmp_path) -> Iterator[Server]:
    settings = {"SLIPWAY_WORKERS": "2", "SLIPWAY_POLL_SECONDS": "1", "SLIPWAY_REQUEST_LOG": str(tmp_path / "log")}
    with serve("--arg", f"model={NAME}", from_nothing=True, **settings) as server:
        assert served(server) == tags[0]
        yield server


def served(server: Server) -> str:
    return str(server.post("/predict", **CALL).json()["model"])


def is_alone(server: Server, tag: str) -> bool:
    """Whether a version is served, and nothing is left of the one before."""
    return served(server) == tag and len(workers_of(server)) == 2 == len(helpers_of(server))


class Callers:
    """Call a server again and again from several threads, with connections that are kept and new ones, while inside."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.models: list[str] = []
        self.by_id: dict[str, str] = {}
        self.answers: dict[str, set[float]] = {}
        self.faults: list[str] = []
        self._ended = threading.Event()

    def __enter__(self) -> "Callers":
        self._pool = ThreadPoolExecutor(6)
        self._running = [self._pool.submit(self._call, number) for number in range(6)]
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown()
        for one in self._running:
            one.result()

    def _call(self, number: int) -> None:
        client = httpx.Client(base_url=self.server.url, verify=False, timeout=60)
        while not self._ended.is_set():
            if number % 3 == 0:
                client.close()
                client = httpx.Client(base_url=self.server.url, verify=False, timeout=60)
            try:
                answer = client.get("/ui/en/") if number == 5 else client.post("/predict", **CALL)
            except httpx.HTTPError as exc:
                self.faults.append(repr(exc))
                continue
            if answer.status_code != 200:
                self.faults.append(f"{answer.status_code} {answer.text[:200]}")
            elif number != 5:
                content = answer.json()
                self.models.append(content["model"])
                self.by_id[answer.headers["x-request-id"]] = content["model"]
                self.answers.setdefault(content["model"], set()).add(content["predictions"][0]["prediction"])


def test_another_version_is_served_and_the_one_before_again_and_no_call_fails(server, tags, tmp_path):
    first, second = tags
    with Callers(server) as callers:
        with promoted(second):
            until(lambda: is_alone(server, second), 60)
        until(lambda: is_alone(server, first), 60)

    assert callers.faults == []
    assert {*callers.models} == {first, second}
    assert {tag: len(answers) for tag, answers in callers.answers.items()} == {first: 1, second: 1}
    assert callers.answers[first] != callers.answers[second]
    until(
        lambda: callers.by_id.items() <= {row["request_id"]: row["model"] for row in read(tmp_path / "log")}.items(), 10
    )
    log = server.log.read_text()
    assert f"{second} is served now; workers of {first} finish what they answer" in log
    assert f"{first} is served now; workers of {second} finish what they answer" in log
    assert "Traceback" not in log and "takes its place" not in log and " ERROR" not in log


def test_ten_thousand_calls_while_versions_are_switched(server, tags):
    first, second = tags
    switches = 0
    with Callers(server) as callers:
        while len(callers.models) < 10_000:
            with promoted(second):
                until(lambda: is_alone(server, second), 120)
            until(lambda: is_alone(server, first), 120)
            switches += 2

    assert callers.faults == []
    assert Counter(callers.models).keys() == {first, second} and switches >= 2


def test_what_a_worker_is_answering_is_answered_by_the_version_that_began(server, tags):
    first, second = tags
    rows = ",".join(PERSON) + "\n" + (",".join(map(str, PERSON.values())) + "\n") * 100_000
    used = sum(helper.cpu_times().user for helper in helpers_of(server))
    before = {*workers_of(server), *helpers_of(server)}
    with ThreadPoolExecutor(1) as pool:
        long = pool.submit(server.post, "/predict_csv", files={"file": ("a.csv", rows)})
        until(lambda: sum(helper.cpu_times().user for helper in helpers_of(server)) > used + 0.1, 60)
        for process in before:
            process.suspend()  # until the others serve
        with promoted(second):
            until(lambda: "is served now" in server.log.read_text(), 120)
            for process in before:
                process.resume()
            answer = long.result()
            until(lambda: is_alone(server, second), 60)

    assert answer.status_code == 200 and answer.text.count("\n") == 100_001
    assert not before & {*workers_of(server), *helpers_of(server)}


def test_a_version_that_was_damaged_is_not_served_and_the_log_says_so_once(server, tags):
    first, second = tags
    schema = store.open_version(second).path / "schema.json"
    content = schema.read_bytes()
    with promoted(second):
        schema.write_bytes(content + b" ")
        try:
            until(lambda: f"{first} is served as before" in server.log.read_text(), 60)
            time.sleep(3)
        finally:
            schema.write_bytes(content)
        assert server.log.read_text().count(f"{first} is served as before") == 1
        assert served(server) == first

        os.kill(server.process.pid, signal.SIGHUP)  # it is mended
        until(lambda: is_alone(server, second), 60)


def test_a_server_of_one_version_stays_with_it(tags):
    first, second = tags
    with serve("--arg", f"model={first}", SLIPWAY_POLL_SECONDS="1") as server, promoted(second):
        time.sleep(3)

        assert served(server) == first


def test_without_polling_a_server_looks_when_it_is_told_to(tags):
    first, second = tags
    with serve("--arg", f"model={NAME}", SLIPWAY_POLL_SECONDS="0") as server, promoted(second):
        time.sleep(2)
        assert served(server) == first

        os.kill(server.process.pid, signal.SIGHUP)
        until(lambda: served(server) == second, 60)

    assert "SIGHUP: looking which version is promoted" in server.log.read_text()


TWO_SERVICES = f"""
from bentoml._internal.utils.args import set_arguments
from uvicorn.protocols.http import auto

set_arguments({{"model": "{NAME}"}})
from slipway.page import server
from slipway.service.admission import Admission

first = server.Slipway
_, second = server.made(server._served.version)
app = first.to_asgi()
while not isinstance(app, Admission):
    app = app.app
assert auto.AutoHTTPProtocol.keywords["connected"].load is app._load
"""


def test_a_worker_of_the_version_before_counts_its_own_requests_though_another_was_made_meanwhile(tags):
    made = subprocess.run([sys.executable, "-c", TWO_SERVICES], cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert made.returncode == 0, made.stderr


SUPERVISOR = """
from slipway.service.generation import Generation
from slipway.service.supervisor import Supervisor
from tests.test_supervisor import Watcher

lives = '''
import os, time
pipe = int(os.environ["SLIPWAY_SUPERVISOR"].partition(":")[2])
while True:
    os.write(pipe, f"{os.getpid()} {os.linesep}".encode())
    time.sleep(0.1)
'''


class Failing(Generation):
    def begin(self):
        raise SystemExit("it cannot")


class Once:
    interval = 1.0
    looked = 0

    def look(self, serving, again=False):
        self.looked += 1
        return Failing("a:2", forks=False) if self.looked == 1 else None


generation = Generation("a:1", forks=False)
Supervisor([Watcher(lives, 2)], [], generation=generation, timeout=5, successors=Once()).start()
"""


def test_workers_of_another_version_that_cannot_start_change_nothing():
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        until(lambda: len(psutil.Process(supervisor.pid).children()) == 2, 30)
        before = {*psutil.Process(supervisor.pid).children()}
        time.sleep(4)
        after = {*psutil.Process(supervisor.pid).children()}
    finally:
        supervisor.terminate()
        said, _ = supervisor.communicate(timeout=30)

    assert before == after
    assert re.search(r"a:2 cannot be served \(worker [12] ended with exit code 1\); a:1 is served as before", said)
