"""`slipway score --engine`: Dask, Spark and Ray on real clusters of two workers, one of which is killed in the middle.

Each engine has an environment of its own: that of Spark has what a server needs, and nothing that trains. `make engines-test` makes them.
"""

import datetime as dt
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT, free_port
from tests.test_score import many_files, people, score, until

pytestmark = pytest.mark.engines

COMMAND = "import sys; from slipway.cli.main import main; sys.exit(main())"
ENGINES = ["dask", "spark", "ray"]
ENVIRONMENT = {
    # The scripts of Spark look for it with the first `python3` on the path.
    "SPARK_HOME": str(next((ROOT / ".venv" / "spark" / "lib").glob("*/site-packages/pyspark"), "")),
    "SPARK_LOCAL_IP": "127.0.0.1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": str(ROOT),
}
FILES = 40
WAIT = 300
"""Seconds in which a cluster has begun; a busy machine takes half of them for Spark's."""


KILLS = int(os.environ.get("SLIPWAY_KILLS", "20"))
"""How often each engine loses a worker, or a run, at a random moment."""


@dataclass
class Cluster:
    """A cluster of two workers, each with one core. `start` makes another worker, which has joined it."""

    engine: str
    address: str
    workers: list[subprocess.Popen]
    start: Callable[[], subprocess.Popen]

    def lose(self, rng: random.Random) -> None:
        """Kill a worker, and have another one."""
        # Ray's first one is the head of the cluster.
        place = 1 if self.engine == "ray" else rng.randrange(2)
        end(self.workers[place])
        self.workers[place] = self.start()


def python(engine: str) -> Path:
    path = ROOT / ".venv" / engine / "bin" / "python"
    assert path.exists(), f"no {path}; `make engines-test` makes it"
    return path


def command(engine: str, tag: str, *arguments: object) -> list[str]:
    return [str(python(engine)), "-c", COMMAND, "score", tag, *map(str, arguments), "--engine", engine]


def scored(engine: str, tag: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(engine, tag, *arguments), env=os.environ | ENVIRONMENT, capture_output=True, text=True, timeout=2 * WAIT
    )


def end(process: subprocess.Popen) -> None:
    """Kill a process and all that it has started."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]
    except psutil.NoSuchProcess:
        family = []
    for one in family:
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def dask_commands(port: int, folder: Path) -> tuple[str, list[str], list[str]]:
    dask, address = str(python("dask").with_name("dask")), f"tcp://127.0.0.1:{port}"
    worker = [dask, "worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    scheduler = [dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"]
    return address, scheduler, [*worker, "--local-directory", str(folder)]


def spark_commands(port: int, folder: Path) -> tuple[str, list[str], list[str]]:
    spark, address = [str(python("spark").with_name("spark-class"))], f"spark://127.0.0.1:{port}"
    host, deploy = ["--host", "127.0.0.1", "--webui-port", "0"], "org.apache.spark.deploy"
    worker = [*spark, f"{deploy}.worker.Worker", *host, "--cores", "1", "--memory", "2g", "-d", str(folder), address]
    return address, [*spark, f"{deploy}.master.Master", *host, "--port", str(port)], worker


def ray_commands(port: int, folder: Path) -> tuple[str, list[str], list[str]]:
    start = [
        str(python("ray").with_name("ray")),
        "start",
        "--block",
        "--num-cpus",
        "1",
        "--node-ip-address",
        "127.0.0.1",
    ]
    start += ["--object-store-memory", "100000000", "--disable-usage-stats"]
    head = [*start, "--head", "--port", str(port), "--include-dashboard", "false"]
    return f"127.0.0.1:{port}", head, [*start, "--address", f"127.0.0.1:{port}"]


COMMANDS = {"dask": dask_commands, "spark": spark_commands, "ray": ray_commands}


def joined(engine: str, log: Path) -> bool:
    """Whether a worker says that its cluster has it."""
    said = {"dask": "Registered to", "spark": "Successfully registered with master", "ray": "Ray runtime started"}
    return said[engine] in log.read_text(encoding="utf-8", errors="replace")


@contextmanager
def running_cluster(engine: str, folder: Path) -> Iterator[Cluster]:
    """A cluster of two workers, whose logs and files are in a folder."""
    port = free_port()
    address, head, worker = COMMANDS[engine](port, folder / "work")
    started: list[subprocess.Popen] = []

    def start(line: list[str], is_worker: bool = True) -> subprocess.Popen:
        log = folder / f"{len(started)}.log"
        with log.open("w") as file:
            started.append(subprocess.Popen(line, env=os.environ | ENVIRONMENT, stdout=file, stderr=file))
        if is_worker:
            until(lambda: joined(engine, log), started[-1], WAIT)
        else:
            until(lambda: any(one.laddr.port == port for one in psutil.net_connections("tcp")), started[-1], WAIT)
        return started[-1]

    try:
        # Ray's head is a node that works, too.
        first = start(head, engine == "ray")
        workers = [first if engine == "ray" else start(worker), start(worker)]
        yield Cluster(engine, address, workers, lambda: start(worker))
    finally:
        for process in reversed(started):
            end(process)


@pytest.fixture(scope="module", params=ENGINES)
def cluster(request, tmp_path_factory) -> Iterator[Cluster]:
    with running_cluster(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """Many parts, with columns that an engine would give other types, and faulty rows."""
    count = 12_000
    others = {
        "day": [dt.date(2024, 1, 1 + place % 31) for place in range(count)],
        "clock": pa.array([dt.time(place % 24) for place in range(count)], pa.time64("us")),
        "unsigned": pa.array([None if place % 5 else 2**64 - 1 for place in range(count)], pa.uint64()),
        "moment": pa.array([place for place in range(count)], pa.timestamp("ns", "Europe/Berlin")),
    }
    table = people(count, smoker=["no", "no", "perhaps"] * (count // 3), **others)
    return many_files(tmp_path_factory.mktemp("engines") / "in", table, FILES)


@pytest.fixture(scope="module")
def here(insurance, inputs) -> Path:
    """What this machine alone makes of them."""
    out = inputs.parent / "here.parquet"
    assert score(insurance, inputs, "--out", out) == 3
    return out


def check_same(out: Path, here: Path) -> None:
    found, wanted = pq.read_table(out), pq.read_table(here)
    assert found.schema.equals(wanted.schema) and found.equals(wanted)
    assert Path(f"{out}.faults.csv").read_bytes() == Path(f"{here}.faults.csv").read_bytes()
    assert sorted(path.name for path in out.iterdir()) == [f"part-{number:06}.parquet" for number in range(FILES)]
    assert not Path(f"{out}.parts").exists()


def test_the_values_are_those_of_this_machine_to_the_last_bit(cluster, insurance, inputs, here, tmp_path):
    out = tmp_path / "out.parquet"

    ran = scored(cluster.engine, insurance, "--in", inputs, "--out", out, "--cluster", cluster.address)

    assert ran.returncode == 3, ran.stderr
    assert f"320,000 rows scored by {insurance}; 160,000 faulty rows are in {out}.faults.csv" in ran.stdout
    check_same(out, here)


def test_what_a_worker_cannot_read_is_one_line_and_nothing_is_written(cluster, insurance, tmp_path):
    folder = many_files(tmp_path / "in", people(12_000), 3)
    damaged = bytearray((folder / "000.parquet").read_bytes())
    damaged[4:2_000] = b"\xff" * 1_996
    (folder / "001.parquet").unlink()
    (folder / "001.parquet").write_bytes(damaged)

    ran = scored(
        cluster.engine, insurance, "--in", folder, "--out", tmp_path / "out.parquet", "--cluster", cluster.address
    )

    assert ran.returncode == 1
    last = [line for line in ran.stderr.splitlines() if line.startswith("score: ")]
    assert len(last) == 1 and f"{folder / '001.parquet'}: is a damaged Parquet file" in last[0], ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.kills
def test_what_is_lost_at_random_moments_loses_nothing_and_repeats_nothing(cluster, insurance, tmp_path):
    few = many_files(tmp_path / "in", people(3_000, smoker=["no", "no", "perhaps"] * 1_000), FILES)
    out, here, errors = tmp_path / "out.parquet", tmp_path / "here.parquet", tmp_path / "errors"
    assert score(insurance, few, "--out", here) == 3
    line = command(cluster.engine, insurance, "--in", few, "--out", out, "--cluster", cluster.address)

    def begin() -> subprocess.Popen:
        with errors.open("w") as file:
            return subprocess.Popen(line, env=os.environ | ENVIRONMENT, stdout=file, stderr=file)

    def finish(process: subprocess.Popen) -> float:
        began = time.monotonic()
        # One that was killed at its very end has left all of the output, and nothing else.
        if process.poll() is None or Path(f"{out}.parts").exists() or not out.exists():
            assert process.wait(2 * WAIT) == 3, errors.read_text()
        check_same(out, here)
        shutil.rmtree(out)
        Path(f"{out}.faults.csv").unlink()
        return time.monotonic() - began

    seconds, rng, lost = finish(begin()), random.Random(14), 0
    while lost < 2 * KILLS:
        process = begin()
        try:
            process.wait(rng.uniform(0, seconds))
        except subprocess.TimeoutExpired:
            lost += 1
            if lost % 2:
                cluster.lose(rng)
            else:
                end(process)
                if Path(f"{out}.parts").exists() or not out.exists():
                    process = begin()
        print(f"{cluster.engine}: {lost} of {2 * KILLS} runs disturbed, {finish(process):.0f} s to the end", flush=True)


def test_a_killed_worker_loses_nothing_and_repeats_nothing(cluster, insurance, inputs, here, tmp_path):
    out, errors = tmp_path / "out.parquet", tmp_path / "errors"
    line = command(cluster.engine, insurance, "--in", inputs, "--out", out, "--cluster", cluster.address)
    with errors.open("w") as file:
        process = subprocess.Popen(line, env=os.environ | ENVIRONMENT, stdout=file, stderr=file)
    parts = Path(f"{out}.parts")
    try:
        until(lambda: len([*parts.glob("0*.json")]) >= 4, process, WAIT)
        end(cluster.workers[-1])
        made = len([*parts.glob("0*.json")])

        code = process.wait(2 * WAIT)
    finally:
        end(process)

    assert made < FILES - 2
    assert code == 3, errors.read_text()
    check_same(out, here)


@pytest.mark.parametrize("engine", ENGINES)
def test_without_an_address_two_workers_are_started_here(engine, insurance, tmp_path):
    inputs, out = many_files(tmp_path / "in", people(100), 3), tmp_path / "out.parquet"

    ran = scored(engine, insurance, "--in", inputs, "--out", out, "--workers", "2")

    assert ran.returncode == 0, ran.stderr
    assert pq.read_table(out)["id"].to_pylist() == [*range(100)] * 3
