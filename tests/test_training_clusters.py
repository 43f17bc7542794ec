"""`slipway train --engine` on real clusters of Dask and Ray with two workers, one of which is killed: the result is that of one process.

The environments are those of tests/test_clusters.py, which `make engines-test` makes.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from slipway import store
from tests.conftest import trained
from tests.test_clusters import COMMAND, ENVIRONMENT, WAIT, end, python, running_cluster, until
from tests.test_training_engines import without_times

pytestmark = pytest.mark.engines

ENGINES = ["dask", "ray"]
OPTIONS = ("insurance", "--include", "lr,rf,gbr,dt", "--folds", "3", "--limit-rows", "900")


@pytest.fixture(scope="module")
def alone() -> str:
    """The tag of the version that this process alone makes."""
    return trained(*OPTIONS, "--name", "alone")


@pytest.fixture(scope="module", params=ENGINES)
def cluster(request, tmp_path_factory):
    with running_cluster(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


def started(engine: str, name: str, log: Path, *options: str) -> subprocess.Popen[str]:
    line = [str(python(engine)), "-c", COMMAND, "train", *OPTIONS, "--name", name, "--engine", engine, *options]
    with log.open("w") as file:
        return subprocess.Popen(line, env=os.environ | ENVIRONMENT, stdout=file, stderr=subprocess.STDOUT, text=True)


def check_same(name: str, log: Path, alone: str) -> None:
    """The leaderboard to the last digit, the figures, the model's values, and what was said of each estimator."""
    wanted, found = store.find(alone), store.find(name)
    boards = [pd.read_csv(version.path / "leaderboard.csv").drop(columns="seconds") for version in (wanted, found)]
    assert boards[0].equals(boards[1])
    assert wanted.metrics().folds == found.metrics().folds and wanted.metrics().holdout == found.metrics().holdout
    records = wanted.golden().records
    answers = [store.load_predictor(version).answer(records)["predictions"] for version in (wanted, found)]
    assert answers[0] == answers[1]
    metric = wanted.metrics().metric
    said = [
        line for line in without_times(log.read_text().splitlines()) if line.startswith(("[", f"        {metric} "))
    ]
    assert [line[: line.index(" …")] for line in said[::2]] == [
        "[ 1/4] Linear Regression",
        "[ 2/4] Random Forest Regressor",
        "[ 3/4] Gradient Boosting Regressor",
        "[ 4/4] Decision Tree Regressor",
    ]
    values = dict(zip(boards[0]["model"], boards[0][metric], strict=True))
    shown = [f"{metric} {values[line[7:-2]]:.4f}" for line in said[::2]]
    assert [line.split(",")[0].strip() for line in said[1::2]] == shown


def computed(worker: subprocess.Popen) -> float:
    """How many seconds of a processor a worker and its processes have taken."""
    seconds = 0.0
    for one in [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            seconds += sum(one.cpu_times()[:2])
    return seconds


def test_a_worker_that_is_killed_changes_nothing(cluster, alone, tmp_path):
    log, name = tmp_path / "log", f"on-{cluster.engine}"
    lost = cluster.workers[-1]
    process = started(cluster.engine, name, log, "--cluster", cluster.address)
    try:
        until(lambda: "[ 1/4]" in log.read_text(), process, WAIT)
        # It is in its first estimator then: a worker takes longer than that to import PyCaret, however busy the machine is.
        idle = computed(lost)
        until(lambda: computed(lost) > idle + 2, process, WAIT)
        end(lost)
        assert "[ 4/4]" not in log.read_text()

        code = process.wait(2 * WAIT)
    finally:
        end(process)

    assert code == 0, log.read_text()
    check_same(name, log, alone)


@pytest.mark.parametrize("engine", ENGINES)
def test_without_an_address_two_workers_are_started_here(engine, alone, tmp_path):
    log, name = tmp_path / "log", f"here-{engine}"
    process = started(engine, name, log, "--workers", "2")
    try:
        code = process.wait(2 * WAIT)
    finally:
        end(process)

    assert code == 0, log.read_text()
    check_same(name, log, alone)
