"""`slipway train --engine` and `--workers`: what is made of what workers find. tests/test_training_clusters.py has Dask and Ray themselves."""

import os
import re
import signal
import time
from contextlib import suppress
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import psutil
import pytest

from slipway import store
from slipway.cli.engines import runner
from slipway.cli.main import build_parser, main
from slipway.cli.train import resolve
from slipway.errors import TrainingError
from slipway.publish import engines
from slipway.publish.engines import local, trial
from slipway.publish.train import prepare
from slipway.scoring.engines import Cluster
from slipway.training import comparison, cost, selection
from tests.conftest import trained

FEW = ("insurance", "--include", "lr,knn,dt", "--folds", "2", "--limit-rows", "12")
"""Folds of so few rows that k nearest neighbours have no five: an estimator that fails."""


def without_times(lines: list[str]) -> list[str]:
    return [re.sub(r"\d+\.\d s|\(\d+ s in all\)", "", line) for line in lines]


@pytest.fixture(scope="module")
def learnt():
    """A use case, and what its table says."""
    case = resolve(build_parser().parse_args(["train", *FEW]))
    return case, prepare(case)[1]


@pytest.fixture(scope="module")
def alone(learnt):
    """What this process alone finds, and what it says."""
    lines: list[str] = []
    return selection.train(*learnt, lines.append), lines


@pytest.fixture
def engine(monkeypatch) -> SimpleNamespace:
    """Stands in for Dask: its `run` tries in this process, in any way that a test gives it."""
    stand_in = SimpleNamespace(run=lambda trial, packed, ids, cluster: (trial(packed, one) for one in ids))
    monkeypatch.setattr(engines, "_load", lambda name: stand_in)
    return stand_in


def test_workers_find_what_this_process_finds_and_it_is_said_alike(engine, learnt, alone):
    lines: list[str] = []

    found = selection.train(*learnt, lines.append, engines.on(Cluster("dask")))

    wanted, said = alone
    assert without_times(lines) == without_times(said)
    assert found.failed == wanted.failed and list(found.failed) == ["knn"]
    assert any("failed: Expected n_neighbors <= n_samples_fit" in line for line in lines)
    assert found.leaderboard.drop(columns="seconds").equals(wanted.leaderboard.drop(columns="seconds"))
    assert (found.chosen, str(found.model)) == (wanted.chosen, str(wanted.model))
    rows = wanted.experiment._experiment.X_train_transformed
    assert np.array_equal(found.model.predict(rows), wanted.model.predict(rows))


def test_an_estimator_whose_workers_are_lost_has_failed_and_the_others_are_compared(engine, learnt):
    def run(trial, packed, ids, cluster):
        return ("each worker that tried it was lost" if one == "dt" else trial(packed, one) for one in ids)

    engine.run = run

    found = selection.train(*learnt, runner=engines.on(Cluster("dask")))

    assert found.failed["dt"] == "each worker that tried it was lost" and found.chosen == "lr"


def test_a_worker_with_other_packages_ends_the_training(engine, learnt, monkeypatch):
    own = trial.packages()

    def run(trial_run, packed, ids, cluster):
        monkeypatch.setattr(trial, "packages", lambda: own | {"scikit-learn": "0.1"})
        return (trial_run(packed, one) for one in ids)

    engine.run = run

    with pytest.raises(TrainingError, match=r"a worker has scikit-learn 0\.1 instead of 1\.\S+; install the same"):
        selection.train(*learnt, runner=engines.on(Cluster("dask")))


def test_an_engine_that_fails_says_why_in_one_line(engine, learnt):
    def run(trial, packed, ids, cluster):
        raise RuntimeError("\nthe cluster is gone\nmore of it")
        yield

    engine.run = run

    with pytest.raises(TrainingError, match="^--engine dask: the cluster is gone; put that right, or train without"):
        selection.train(*learnt, runner=engines.on(Cluster("dask")))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--cluster", "tcp://x:1"], "--cluster tcp://x:1: needs --engine dask or ray"),
        (["--engine", "ray", "--cluster", "x:1", "--workers", "2"], "needs no --workers: the cluster has its own"),
        (
            ["--engine", "dask"],
            "--engine dask: distributed is not installed; `pip install 'slipway-ml[train,score,dask]'`",
        ),
        (["--engine", "ray"], "--engine ray: ray is not installed; `pip install 'slipway-ml[train,score,ray]'`"),
    ],
    ids=["local", "workers", "dask", "ray"],
)
@pytest.mark.parametrize("command", [["train", "insurance"], ["retrain", "{tag}", "--data", "none.csv"]])
def test_options_that_cannot_be_are_one_line_before_anything_is_read(insurance, command, options, text, capsys):
    assert main([part.format(tag=insurance) for part in command] + options) == 1

    error = capsys.readouterr().err
    assert text in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "wanted"), [([], None), (["--workers", "1"], comparison.here)], ids=["as long as it takes", "one"]
)
def test_without_an_engine_it_depends_on_how_long_it_takes_or_is_this_process(options, wanted):
    assert runner(build_parser().parse_args(["train", "insurance", *options])) is wanted


@pytest.mark.parametrize(
    ("found", "count"),
    [
        (cost.Cost(comparing=59, averaging=900, bytes=1e8), 1),
        (cost.Cost(comparing=61, averaging=0, bytes=1e8), 8),
        (cost.Cost(comparing=9000, averaging=0, bytes=3e9), 2),
        (cost.Cost(comparing=9000, averaging=0, bytes=3e10), 1),
    ],
    ids=["short", "long", "little memory", "none"],
)
def test_a_comparison_has_processes_where_it_is_long_and_there_is_memory(found, count):
    assert cost.processes(found, 8) == count


def killed_elsewhere(home: bytes, identifier: str) -> bytes:
    if os.getpid() != int(home):
        os.kill(os.getpid(), signal.SIGKILL)
    return identifier.encode()


def test_what_killed_processes_leave_is_tried_by_this_one(caplog):
    own = str(os.getpid()).encode()

    answers = [*local.run(killed_elsewhere, own, ["lr", "dt", "rf"], Cluster("local", workers=2))]

    assert answers == [b"lr", b"dt", b"rf"]
    assert "was killed, as for lack of memory; those left are tried one by one" in caplog.text


@pytest.mark.slow
def test_processes_of_this_machine_find_what_one_finds_and_end(learnt, alone, monkeypatch, capsys):
    """From the command on: a comparison that is taken for a long one. The processes import PyCaret, which takes a while."""
    monkeypatch.setattr(cost, "WORTHWHILE", 0.0)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    tag = trained(*FEW, "--name", "in-processes")
    wanted, said = alone

    printed = capsys.readouterr().out.splitlines()
    board = pd.read_csv(store.find(tag).path / "leaderboard.csv")

    assert "comparing estimators in 2 processes" in printed
    assert set(without_times(said)[1:]) <= set(without_times(printed))
    assert board.drop(columns="seconds").equals(wanted.leaderboard.drop(columns="seconds"))
    until = time.monotonic() + 30
    while trying() and time.monotonic() < until:
        time.sleep(0.2)
    assert not trying()


def trying() -> list[int]:
    """The processes that joblib has started here; one that has ended is none, though it may not be collected yet."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "popen_loky" in " ".join(child.cmdline()):
                found.append(child.pid)
    return found
