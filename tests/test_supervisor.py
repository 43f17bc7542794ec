"""The process that looks after the workers: whatever happens to one of them, another answers soon, and nobody notices."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from bench.capacity import SMALL, beside
from bench.load import fire
from bench.overhttp import requests_of
from slipway.service.metric_files import INTERVAL
from slipway.service.metrics_endpoint import NAME
from slipway.store import SUMS
from tests.calls import in_a_thread, refusal
from tests.conftest import PERSON, ROOT, SLIPWAY, Server, free_port, helpers_of, processes_of, serve, workers_of

pytestmark = pytest.mark.slow

CALL = {"json": {"records": [PERSON]}}


def until(condition: Callable[[], bool], seconds: float) -> float:
    """Seconds until the condition holds."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - started


def of_metrics(server: Server) -> list[psutil.Process]:
    return processes_of(server, NAME.__eq__)


def answers(server: Server) -> bool:
    try:
        return httpx.post(server.url + "/predict", timeout=5, verify=False, **CALL).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def server(insurance) -> Iterator[Server]:
    with serve(
        "--arg", f"model={insurance}", from_nothing=True, SLIPWAY_WORKERS="2", SLIPWAY_WORKER_TIMEOUT="8"
    ) as server:
        yield server


def test_killed_workers_are_replaced_and_answer_within_five_seconds(server):
    before = {worker.pid for worker in workers_of(server)}

    for pid in before:
        os.kill(pid, signal.SIGKILL)
    seconds = until(lambda: len(before | {worker.pid for worker in workers_of(server)}) == 4 and answers(server), 30)

    assert seconds < 5
    after = workers_of(server)
    assert len(after) == 2 and not before & {worker.pid for worker in after}
    assert server.log.read_text().count("was ended by SIGKILL; another takes its place") == 2
    until(lambda: server.log.read_text().count(" initialized") == 4, 30)


def test_a_killed_helper_is_replaced_and_who_it_answered_is_told_to_try_again(server):
    before = helpers_of(server)
    assert [helper.nice() for helper in before] == [10, 10]
    used = sum(helper.cpu_times().user for helper in before)
    file = {"file": ("a.csv", ",".join(PERSON) + "\n" + (",".join(map(str, PERSON.values())) + "\n") * 100_000)}
    with ThreadPoolExecutor(1) as pool:
        answered = pool.submit(server.post, "/predict_csv", files=file)
        until(lambda: sum(helper.cpu_times().user for helper in before) > used + 0.1, 60)

        for helper in before:
            helper.kill()
        refused = refusal(answered.result(), 503)
        again = server.post("/predict_csv", files=file)

    assert refused["code"] == "overloaded" and answered.result().headers["retry-after"] == "1"
    assert again.status_code == 200 and again.text.count("\n") == 100_001
    assert len(helpers_of(server)) == 2 and not {*before} & {*helpers_of(server)}
    log = server.log.read_text()
    assert "no answer of a helper" in log and "Traceback" not in log
    assert len(re.findall(r"helper [12] \(process \d+\) was ended by SIGKILL; another takes its place", log)) == 2


def test_single_predictions_hardly_notice_files_and_explanations(server):
    """Below 3 times on a quiet machine (`python -m bench.capacity --beside`); 11 times and more in threads of the worker."""
    port, requests = int(server.url.rpartition(":")[2]), requests_of([PERSON])
    in_a_thread(fire, port, requests, SMALL, 1)

    alone = in_a_thread(fire, port, requests, SMALL, 5)
    with beside(port, "four files and eight explanations"):
        loaded = in_a_thread(fire, port, requests, SMALL, 5, may_refuse=True)

    assert loaded.p99 < 6 * alone.p99


def test_a_stopped_worker_is_found_and_replaced(server):
    stopped, other = workers_of(server)
    # One that has never given a sign of life has longer.
    until(lambda: server.log.read_text().count(" initialized") in (2, 4), 30)
    time.sleep(2)

    os.kill(stopped.pid, signal.SIGSTOP)
    until(lambda: stopped.pid not in {worker.pid for worker in workers_of(server)}, 60)

    assert re.search(rf"\(process {stopped.pid}\) has given no sign of life for ([89]|1\d) s", server.log.read_text())
    until(lambda: len(workers_of(server)) == 2 and answers(server), 10)
    assert other.is_running()


def test_a_hang_up_does_nothing(server):
    before = {worker.pid for worker in workers_of(server)}

    for pid in (server.process.pid, *before):
        os.kill(pid, signal.SIGHUP)
    until(lambda: "SIGHUP: nothing is read again" in server.log.read_text(), 5)
    time.sleep(1)

    assert {worker.pid for worker in workers_of(server)} == before and answers(server)
    assert "Traceback" not in server.log.read_text()


def test_nobody_can_command_the_supervisor_through_a_port(server):
    """circus opens two, which any process of the machine may use."""
    processes = [psutil.Process(server.process.pid), *workers_of(server), *helpers_of(server)]

    listening = {one.laddr.port for process in processes for one in process.net_connections() if one.status == "LISTEN"}
    assert listening == {int(server.url.rpartition(":")[2])}


def test_the_metrics_count_the_calls_of_every_worker(server):
    def count() -> float:
        lines = server.get("/metrics").text.splitlines()
        found = [line for line in lines if "request_total{" in line and 'endpoint="/predict"' in line]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    time.sleep(2 * INTERVAL)  # until the calls of the test before have been written
    before = count()
    for _ in range(40):
        with httpx.Client(base_url=server.url, verify=False) as client:
            assert client.post("/predict", **CALL).status_code == 200

    until(lambda: count() == before + 40, 10)  # what another worker has counted is seen a second later


@contextmanager
def taken(port: int) -> Iterator[None]:
    """Somebody else listens on a port that is about to become free."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        def bound() -> bool:
            with suppress(OSError):
                other.bind(("127.0.0.1", port))
                return True
            return False

        until(bound, 10)
        other.listen()
        yield


def test_metrics_with_a_port_of_their_own_come_from_a_process_that_is_replaced_and_no_thread(insurance):
    port = free_port()
    with serve("--arg", f"model={insurance}", SLIPWAY_METRICS_PORT=str(port)) as server:

        def metrics() -> bool:
            try:
                return "slipway_workers 1.0" in httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
            except httpx.HTTPError:
                return False

        until(metrics, 60)
        # A fork while another thread holds a lock would have nobody to release it.
        assert psutil.Process(server.process.pid).num_threads() == 1
        (worker,), (beside,) = workers_of(server), of_metrics(server)
        os.kill(beside.pid, signal.SIGTERM)  # which it does not know: metrics are there to the end
        worker.kill()
        until(lambda: worker not in workers_of(server) and answers(server), 60)
        until(metrics, 60)
        supervisor = psutil.Process(server.process.pid)
        supervisor.suspend()  # until another has taken the port
        beside.kill()
        with taken(port):
            supervisor.resume()
            until(
                lambda: f"no metrics on port {port} of 127.0.0.1: Address already in use" in server.log.read_text(), 60
            )
        until(lambda: beside not in of_metrics(server) and metrics(), 60)
        log = server.log.read_text()
        assert log.count("metrics 1 (process ") == 1 and "Traceback" not in log
        children = psutil.Process(server.process.pid).children()

    assert server.process.returncode == 0
    assert not [child for child in children if child.is_running()]


def second_version(tag: str, home: Path) -> str:
    """A store with a version, and a copy of it that is another."""
    name, _, version = tag.partition(":")
    other = version[:-4] + "zzzz"
    for entry in (name, f"{name}-pipeline"):
        folder = home / "models" / entry
        shutil.copytree(Path(os.environ["BENTOML_HOME"]) / "models" / entry / version, folder / version)
        shutil.copytree(folder / version, folder / other)
        about, sums = folder / other / "model.yaml", folder / other / SUMS
        before = hashlib.sha256(about.read_bytes()).hexdigest()
        about.write_text(about.read_text().replace(version, other))
        sums.write_text(sums.read_text().replace(before, hashlib.sha256(about.read_bytes()).hexdigest()))
        (folder / "latest").write_text(version)
    return f"{name}:{other}"


def test_a_worker_that_starts_again_serves_what_the_others_do_whatever_was_promoted(uncompiled, tmp_path):
    """A version that is not compiled is served by workers that are no forks: they import the service anew."""
    other = second_version(uncompiled, tmp_path)
    # Else the server itself switches to what was promoted, if this takes half a minute.
    with serve("--arg", "model=reviews", BENTOML_HOME=str(tmp_path), SLIPWAY_POLL_SECONDS="0") as server:

        def model() -> str | None:
            with suppress(httpx.HTTPError):
                return server.post("/predict", json={"records": [{"stars": 4, "note": "good"}]}).json()["model"]
            return None

        assert model() == uncompiled
        command = [SLIPWAY, "promote", other, "--why", "a test"]
        subprocess.run(command, env=os.environ | {"BENTOML_HOME": str(tmp_path)}, check=True, capture_output=True)
        (worker,) = workers_of(server)
        worker.kill()
        until(lambda: worker not in workers_of(server), 30)
        until(lambda: model() is not None, 120)

        assert model() == uncompiled


def test_workers_end_when_their_supervisor_is_killed(insurance):
    with serve("--arg", f"model={insurance}") as server:
        (worker,), (helper,) = workers_of(server), helpers_of(server)

        server.process.kill()

        worker.wait(15)
        helper.wait(15)


@contextmanager
def callers(url: str, counts: Counter) -> Iterator[None]:
    """Four that call without a pause until the server stops: one connection for all calls of each."""

    def call() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while True:
                try:
                    counts[client.post("/predict", **CALL).status_code] += 1
                except httpx.ConnectError:  # nobody listens any more
                    return
                except httpx.HTTPError as exc:
                    counts[type(exc).__name__] += 1

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(60)


def test_a_stop_under_load_answers_every_call_that_was_accepted(insurance):
    counts: Counter = Counter()
    with serve("--arg", f"model={insurance}", SLIPWAY_WORKERS="2") as server, callers(server.url, counts):
        time.sleep(2)
        server.process.terminate()

    assert server.process.returncode == 0
    assert counts.pop(200) > 10
    assert not counts


HANGS = """
import asyncio, sys
import uvicorn
from slipway.service.worker import drain_before_stop

async def app(scope, receive, send):
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
        print("started", flush=True)
    await asyncio.sleep(600)

drain_before_stop()
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def test_a_worker_that_has_answered_everything_ends_whatever_waits():
    worker = subprocess.Popen([sys.executable, "-c", HANGS, str(free_port())], stdout=subprocess.PIPE, text=True)
    with worker:
        assert worker.stdout.readline() == "started\n"

        worker.terminate()

        assert worker.wait(30) == 0


# What a worker says, without a server


class Watcher:
    """Stands for circus's, of which the supervisor reads how a worker is started."""

    def __init__(self, code: str, workers: int = 1) -> None:
        self.args = ["-c", code]
        self.numprocesses = workers
        self.working_dir = str(ROOT)
        self.env = dict(os.environ)


def supervised(code: str, workers: int = 1) -> subprocess.CompletedProcess[str]:
    """A supervisor whose workers run the code, until it ends by itself."""
    program = (
        "from tests.test_supervisor import Watcher; from slipway.service.supervisor import Supervisor; import sys;"
        "from slipway.service.generation import Generation; generation = Generation('a:1', forks=False);"
        f"Supervisor([Watcher(sys.argv[1], {workers})], [], generation=generation, timeout=3).start()"
    )
    return subprocess.run(
        [sys.executable, "-c", program, code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


def test_workers_that_cannot_start_end_the_server_with_one_line():
    ended = supervised(
        "from slipway.service.worker import starting\nfrom slipway.errors import SlipwayError\n"
        "with starting(): raise SlipwayError('it is damaged')",
        workers=2,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", "slipway: it is damaged\n")


def test_workers_that_end_without_a_word_do_not_start_for_ever():
    ended = supervised("raise SystemExit(7)")

    assert ended.returncode == 1
    assert (
        ended.stderr.splitlines()[-1] == "slipway: 3 workers in a row could not start; the last ended with exit code 7"
    )
