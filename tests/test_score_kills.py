"""`slipway score` disturbed at random moments: nothing lost, nothing twice, and an output that is there is whole."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.csv
import pytest

from tests.conftest import ROOT
from tests.prepared import Prepared, score
from tests.test_machine_faults import without_own_mounts
from tests.test_score import many_files, people, same, until

pytestmark = pytest.mark.slow

TIMES = int(os.environ.get("SLIPWAY_KILLS", "4")) // 2
"""Of each disturbance, for each form."""
FAULTY, STOPPED = 3, 130
FILES, FEW, MANY = 40, 750, 3_000
"""Files, and rows of each; with fewer, a run has one process."""
WAIT = 120

Harm = Callable[["Run"], bool]
"""Does something to a run, if it has not ended; whether it has."""


class Run:
    """A run of `slipway score`, from its beginning to its end."""

    def __init__(self, tag: str, inputs: Path, out: Path, workers: int, *options: str) -> None:
        self.out, self.workers = out, workers
        self.log = out.with_suffix(".log")
        self.log.unlink(missing_ok=True)
        arguments = [tag, "--in", str(inputs), "--out", str(out), "--workers", str(workers), *options]
        self._process = Prepared(arguments, ROOT, os.environ, self.log, score)

    def wait(self) -> int:
        return self._process.wait(WAIT)

    def has_ended(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def processes(self) -> list[psutil.Process]:
        """Those that make its parts."""
        try:
            found = psutil.Process(self._process.pid).children()
            return [one for one in found if "spawn_main" in " ".join(one.cmdline())]
        except psutil.NoSuchProcess:
            return []

    def send(self, number: int) -> None:
        os.kill(self._process.pid, number)


def killed(run: Run) -> bool:
    run.send(signal.SIGKILL)
    return run.wait() == -signal.SIGKILL


def interrupted(run: Run) -> bool:
    run.send(signal.SIGINT)
    code = run.wait()
    # Where Python is just cleaning up after an object, it prints the interrupt, and the run goes on.
    assert code == FAULTY or (code == STOPPED and "Traceback" not in run.log.read_text()), run.log.read_text()
    return code == STOPPED


def robbed(run: Run) -> bool:
    """Without one of its workers."""
    until(lambda: len(run.processes()) == run.workers or run.has_ended(0))
    workers = run.processes()
    if not workers:
        return False
    random.choice(workers).kill()
    code = run.wait()
    if code == 1:
        said = [
            line for line in run.log.read_text().splitlines() if "rows scored" not in line
        ]  # a slow run says how far it is
        assert len(said) == 1 and "a worker was killed" in said[0], run.log.read_text()
    until(lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers))
    return code == 1


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> dict[tuple[str, int], Path]:
    """The same rows, one in three of them faulty, in many files and in one of text; for one process, and for two."""
    found = {}
    for workers, rows in ((1, FEW), (2, MANY)):
        folder = tmp_path_factory.mktemp("kills")
        table = people(rows, smoker=["no", "no", "perhaps"] * (rows // 3))
        found["parquet", workers] = many_files(folder / "in", table, FILES)
        found["csv", workers] = folder / "in.csv"
        pa.csv.write_csv(pa.concat_tables([table] * FILES), folder / "in.csv")
    return found


def undisturbed(tag: str, inputs: Path, folder: Path, workers: int) -> tuple[Path, float]:
    """What a run writes that is let be, and how many seconds it takes."""
    whole = folder / f"whole.{'csv' if inputs.suffix else 'parquet'}"
    began = time.monotonic()
    assert Run(tag, inputs, whole, workers, "--overwrite").wait() == FAULTY, whole.with_suffix(".log").read_text()
    return whole, time.monotonic() - began


def disturbed(tag: str, inputs: Path, folder: Path, workers: int, harm: Harm, seed: int) -> None:
    """Disturb runs of one command until it has been done often enough, and compare each output that they make."""
    undisturbed(tag, inputs, folder, workers)  # the first one imports more
    whole, seconds = undisturbed(tag, inputs, folder, workers)
    out, rng, harmed = folder / f"out{whole.suffix}", random.Random(seed), 0
    parts = Path(f"{out}.parts")
    while harmed < TIMES or parts.exists() or out.exists():
        run = Run(tag, inputs, out, workers)
        if harmed >= TIMES:
            assert run.wait() == FAULTY, run.log.read_text()
        elif not run.has_ended(rng.uniform(0, seconds)):
            harmed += harm(run)
        if out.exists():
            same(out, whole)
        if out.exists() and not parts.exists():
            out.unlink()
            Path(f"{out}.faults.csv").unlink()


@pytest.mark.parametrize("form", ["parquet", "csv"])
@pytest.mark.parametrize(
    ("harm", "workers"), [(killed, 1), (interrupted, 1), (robbed, 2)], ids=["kill", "Ctrl-C", "worker"]
)
def test_whatever_stops_a_run_loses_nothing_and_repeats_nothing(harm, workers, form, insurance, inputs, tmp_path):
    disturbed(insurance, inputs[form, workers], tmp_path, workers, harm, 14)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_disk_that_fills_loses_nothing_and_repeats_nothing(form, insurance, inputs, tmp_path):
    whole, _ = undisturbed(insurance, inputs[form, 1], tmp_path, 1)
    disk = tmp_path / "disk"
    disk.mkdir()
    small = without_own_mounts(f"mount -t tmpfs -o size=64m tmpfs {disk}")
    command = [insurance, str(inputs[form, 1]), str(disk / f"out{whole.suffix}"), str(whole), str(TIMES), "14"]

    ran = subprocess.run(
        [*small, sys.executable, "-m", "tests.full_disk", *command], cwd=ROOT, capture_output=True, text=True
    )

    assert ran.returncode == 0, ran.stderr
    assert f"{TIMES} times full" in ran.stdout
