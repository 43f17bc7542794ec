"""What a server does when its machine fails it: few open files, a clock that jumps, a disk that is full or read-only."""

import os
import re
import shutil
import socket
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from slipway.service.access.callers import Scope
from slipway.service.access.key_file import add_key
from slipway.service.login import passwords
from tests.calls import CSV, GOOD, JSON, refusal, upload
from tests.conftest import ROOT, SLIPWAY, Server, free_port, running, workers_of

pytestmark = pytest.mark.slow

LARGE = CSV + CSV.partition("\n")[2] * 100_000
"""Of 2.8 MB, so that its upload is kept in a temporary file."""


@contextmanager
def served(insurance: str, *before: str, **environment: str) -> Iterator[Server]:
    """A server started by a command that changes what it finds: `bash -c "ulimit …"`, `unshare …`."""
    port = free_port()
    bentoml = SLIPWAY.with_name("bentoml")
    command = [str(bentoml), "serve", "--arg", f"model={insurance}", "--host", "127.0.0.1", "--port", str(port)]
    with running([*before, *command], port, ROOT, os.environ | environment) as server:
        yield server


def predicted(server: Server, **headers: str) -> int:
    return server.post("/predict", content=GOOD, headers=JSON | headers).status_code


def answer(server: Server) -> int:
    """As `predicted`; 0 if there is no answer."""
    try:
        return predicted(server)
    except httpx.HTTPError:
        return 0


def uploaded(server: Server) -> int:
    """The status with which a file is answered; 0 if its connection is closed."""
    try:
        return upload(server, LARGE).status_code
    except httpx.RemoteProtocolError:
        return 0


def needed(missing: str) -> NoReturn:
    """Skip a test, but not in `.ci/run`."""
    (pytest.fail if os.environ.get("SLIPWAY_REQUIRE_NAMESPACES") else pytest.skip)(missing)


def has_failed(server: Server) -> bool:
    log = server.log.read_text(errors="replace")
    return "Traceback" in log or " 500 " in log


# Files


def test_with_few_files_a_server_says_what_it_can_hold_and_goes_on(insurance):
    with served(insurance, "bash", "-c", 'ulimit -n 64; exec "$@"', "bash") as server, ExitStack() as idle:
        for _ in range(120):
            idle.enter_context(socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), timeout=5))
        started = time.monotonic()
        probes = {server.get(path).status_code for path in ("/livez", "/readyz", "/metrics", "/ui/en/")}
        seconds = time.monotonic() - started
        with ThreadPoolExecutor(20) as pool:
            files = Counter(pool.map(lambda _: uploaded(server), range(20)))
        assert predicted(server) == 200

    assert probes == {200} and seconds < 10
    # A client that has sent nothing yet when 18 more have connected is closed, as an idle one.
    assert files.keys() <= {0, 200, 503} and files[200] >= 8
    assert not has_failed(server) and "Too many open files" not in server.log.read_text()
    assert "a worker keeps at most 18 connections, as it may open 64 files (`ulimit -n`)" in server.log.read_text()


# The clock


CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *jump;

__attribute__((constructor)) static void begin(void) {
    jump = mmap(NULL, sizeof *jump, PROT_READ, MAP_SHARED, open(getenv("CLOCK_JUMP"), O_RDONLY), 0);
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    int failed = syscall(SYS_clock_gettime, clock, now);
    if (!failed && jump && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += *jump;
    return failed;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec found;
    if (clock_gettime(CLOCK_REALTIME, &found)) return -1;
    now->tv_sec = found.tv_sec, now->tv_usec = found.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *kept) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (kept) *kept = found.tv_sec;
    return found.tv_sec;
}
"""
"""The time of day with some seconds added, which a file has; other clocks stay, as they do on a machine whose clock is set."""


def jump(offset: Path, days: int) -> None:
    """Let the clock be some days off."""
    with offset.open("r+b" if offset.exists() else "wb") as file:
        file.write(struct.pack("l", days * 86_400))


@pytest.fixture
def jumping(insurance, tmp_path: Path) -> Iterator[tuple[Server, Path]]:
    """A server whose time of day is set by a file. (libfaketime 0.9.10 breaks Python's own waiting.)"""
    library, offset = tmp_path / "clock.so", tmp_path / "offset"
    if not shutil.which("cc"):
        needed("no C compiler, to let a clock jump; `apt-get install gcc libc6-dev`")
    build = ["cc", "-shared", "-fPIC", "-o", str(library), "-x", "c", "-"]
    subprocess.run(build, input=CLOCK, text=True, check=True)
    jump(offset, 0)
    keys, people = tmp_path / "keys.json", tmp_path / "passwords"
    (tmp_path / "key").write_text(add_key(keys, "k", frozenset({Scope.PREDICT})))
    passwords.add(people, "anna", "correct horse")
    settings = {
        "LD_PRELOAD": str(library), "CLOCK_JUMP": str(offset), "SLIPWAY_WORKERS": "2", "SLIPWAY_WORKER_TIMEOUT": "10",
        "SLIPWAY_KEYS_FILE": str(keys), "SLIPWAY_PASSWORD_FILE": str(people), "SLIPWAY_SESSION_MINUTES": "60",
        "SLIPWAY_REQUESTS_PER_MINUTE": "6000",
    }  # fmt: skip
    with served(insurance, **settings) as server:
        yield server, offset


def test_a_clock_that_jumps_a_day_breaks_nothing(jumping, tmp_path):
    server, offset = jumping
    before = {worker.pid for worker in workers_of(server)}
    key = {"authorization": f"Bearer {(tmp_path / 'key').read_text()}"}
    form = {"name": "anna", "password": "correct horse"}
    with httpx.Client(base_url=server.url, timeout=10) as kept, httpx.Client(base_url=server.url, timeout=60) as person:
        assert person.post("/login", data=form).status_code == 303
        logged_in = {}
        for days in (1, -1, 0):
            jump(offset, days)
            until = time.monotonic() + 5
            while time.monotonic() < until:
                # One connection for all calls, which an idle deadline would close.
                assert kept.post("/predict", content=GOOD, headers=JSON | key).status_code == 200
                time.sleep(0.05)
            logged_in[days] = person.get("/login/user").status_code == 200
            assert person.post("/login", data=form).status_code == 303
            assert person.get("/login/user").status_code == 200
            last = server.log.read_text().splitlines()[-1]
            assert last.startswith(str(datetime.now(UTC).date() + timedelta(days=days))), "the clock has not jumped"

    assert {worker.pid for worker in workers_of(server)} == before
    assert "sign of life" not in server.log.read_text() and not has_failed(server)
    # A session of an hour ends by the time of day: it is over a day later, and not a day earlier.
    assert logged_in == {1: False, -1: True, 0: False}


# The disk


def without_own_mounts(script: str) -> tuple[str, ...]:
    """What runs a server where a script has mounted what it likes, for nobody else to see."""
    command = ("unshare", "--map-root-user", "--mount")
    if not shutil.which("unshare") or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        needed("no namespaces for mounts: `unshare --map-root-user --mount true` fails")
    return (*command, "sh", "-c", f'{script}; exec "$@"', "sh")


def counted(server: Server) -> float:
    """The predictions that the metrics have."""
    lines = server.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("slipway_predictions_total{"))


def test_a_full_tmp_costs_large_files_only_and_the_counts_are_there_once_there_is_room(insurance, tmp_path):
    small = without_own_mounts(f"mount -t tmpfs -o size=6m tmpfs {tmp_path}")
    with served(insurance, *small, TMPDIR=str(tmp_path)) as server:
        inside = Path(f"/proc/{server.process.pid}/root{tmp_path}")
        before = counted(server)
        with (inside / "full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
            while full.write(bytes(4096)):
                pass
        refused = [upload(server, LARGE) for _ in range(3)]
        with httpx.Client(base_url=server.url, timeout=60) as client:
            answered = [client.post("/predict", content=GOOD, headers=JSON).status_code for _ in range(200)]
        answered.append(upload(server, CSV).status_code)
        (inside / "full").unlink()
        again = upload(server, LARGE)

        assert {refusal(one, 503)["code"] for one in refused} == {"no_disk_space"}
        assert set(answered) == {200} and again.status_code == 200
        time.sleep(2)
        assert counted(server) == before + 201 + 100_001
        assert not has_failed(server)


def test_a_disk_that_turns_read_only_costs_large_files_only_and_a_killed_worker_is_replaced(insurance):
    with served(insurance, *without_own_mounts("true")) as server:
        inside = ["nsenter", "--preserve-credentials", "--user", "--mount", "--target", str(server.process.pid)]
        for disk in ("/", *(path for path in ("/tmp", "/var/tmp") if os.path.ismount(path))):
            subprocess.run([*inside, "mount", "-o", "remount,bind,ro", disk], check=True)
        refused = upload(server, LARGE)
        answered = [predicted(server), upload(server, CSV).status_code, server.get("/ui/en/").status_code]
        answered.append(server.get("/metrics").status_code)
        (worker,) = workers_of(server)
        worker.kill()
        deadline = time.monotonic() + 30
        while (again := answer(server)) != 200 and time.monotonic() < deadline:
            time.sleep(0.1)

    assert answered == [200] * 4 and again == 200
    assert "temporary files are kept in /dev/shm" in server.log.read_text()
    assert refusal(refused, 503)["code"] == "no_disk_space"
    assert "Read-only file system" in server.log.read_text() and not has_failed(server)


def test_without_any_folder_for_temporary_files_the_start_ends_with_one_line(insurance):
    nowhere = 'for disk in /dev/shm /tmp /var/tmp /; do mountpoint -q "$disk" && mount -o remount,bind,ro "$disk"; done'
    command = [str(SLIPWAY.with_name("bentoml")), "serve", "--arg", f"model={insurance}", "--port", str(free_port())]

    ended = subprocess.run(
        [*without_own_mounts(nowhere), *command], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert ended.returncode == 1
    assert re.fullmatch("slipway: no folder for temporary files can be written to .* TMPDIR\n", ended.stderr), (
        ended.stderr
    )
