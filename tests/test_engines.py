"""What `slipway score --engine` makes of what an engine says; the engines themselves are tested by tests/test_clusters.py."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway.errors import GoldenMismatchError, ScoringError
from slipway.inference.predictor import Predictor
from slipway.scoring import engines
from slipway.scoring.engines import driver
from tests.test_score import many_files, people, people_csv, rows_of, said, score

FILES = 4


def batch(*numbers: int) -> pa.RecordBatch:
    return pa.record_batch({"id": numbers})


def made(make, *numbers: int) -> list[tuple[int, ...]]:
    """What a worker says of parts."""
    return [tuple(row.values()) for answer in make([batch(*numbers)]) for row in answer.to_pylist()]


def in_order(make, count, cluster):
    return made(make, *range(count))


@pytest.fixture
def engine(monkeypatch) -> Iterator[SimpleNamespace]:
    """Stands in for Dask: its `run` makes the parts in this process, in any way that a test gives it."""
    stand_in = SimpleNamespace(run=in_order)
    for module in (engines, driver):
        monkeypatch.setattr(module, "load", lambda name: stand_in)
    return stand_in


@pytest.fixture
def inputs(tmp_path) -> Path:
    return many_files(tmp_path / "in", people(30, smoker=["no", "no", "perhaps"] * 10), FILES)


def check_whole(out: Path) -> None:
    assert [row["id"] for row in rows_of_folder(out)] == [i for i in range(30) if i % 3 != 2] * FILES
    assert len(rows_of(Path(f"{out}.faults.csv"))) == 10 * FILES
    assert not Path(f"{out}.parts").exists()


def rows_of_folder(out: Path) -> list[dict[str, object]]:
    return pq.read_table(out).to_pylist()


def test_a_part_that_is_made_twice_and_in_another_order_counts_once(engine, insurance, inputs, tmp_path, capsys):
    engine.run = lambda make, count, cluster: made(make, 3, 1) + made(make, 0, 1, 2, 3)

    assert score(insurance, inputs, "--out", tmp_path / "out.parquet", "--engine", "dask") == 3

    assert "80 rows scored" in capsys.readouterr().out
    check_whole(tmp_path / "out.parquet")


def test_a_worker_that_only_seemed_to_be_lost_changes_nothing_afterwards(engine, insurance, inputs, tmp_path):
    makers = []
    engine.run = lambda make, count, cluster: makers.append(make) or in_order(make, count, cluster)
    assert score(insurance, inputs, "--out", tmp_path / "out.parquet", "--engine", "dask") == 3

    with pytest.raises(ScoringError, match="cannot be written"):
        made(makers[0], 2)

    check_whole(tmp_path / "out.parquet")


def test_a_part_that_an_engine_has_lost_is_named(engine, insurance, inputs, tmp_path, capsys):
    engine.run = lambda make, count, cluster: made(make, 0, 1, 3)

    assert score(insurance, inputs, "--out", tmp_path / "out.parquet", "--engine", "dask") == 1

    assert "000002.rows: the engine did not make it" in said(capsys)
    assert not (tmp_path / "out.parquet").exists()


def test_a_worker_that_sees_another_folder_is_told_from_one_that_has_failed(
    engine, insurance, inputs, tmp_path, capsys
):
    def elsewhere(make, count, cluster):
        answers = in_order(make, count, cluster)
        (tmp_path / "out.parquet.parts/000001.rows").unlink()
        return answers

    engine.run = elsewhere

    assert score(insurance, inputs, "--out", tmp_path / "out.parquet", "--engine", "dask") == 1

    assert "000001.rows: was made by a worker, and is not there" in said(capsys)


def test_a_run_that_an_engine_ended_goes_on_where_it_was(engine, insurance, inputs, tmp_path, capsys):
    def failing(make, count, cluster):
        made(make, 0, 2)
        raise RuntimeError("the cluster is gone\nmore of it")

    out = tmp_path / "out.parquet"
    engine.run = failing
    assert score(insurance, inputs, "--out", out, "--engine", "dask") == 1
    assert "score: --engine dask: the cluster is gone; when that is put right, run the same command" in said(capsys)
    left = []
    engine.run = lambda make, count, cluster: left.append(count) or in_order(make, count, cluster)

    assert score(insurance, inputs, "--out", out, "--engine", "dask") == 3

    assert left == [2]
    check_whole(out)


def test_a_run_that_was_stopped_while_its_parts_were_joined_is_finished(
    engine, insurance, inputs, tmp_path, monkeypatch
):
    out = tmp_path / "out.parquet"
    replace, moved = os.replace, []

    def stopping(source, target):
        if str(target).endswith("part-000002.parquet") and not moved:
            moved.append(target)
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(driver.os, "replace", stopping)
    assert score(insurance, inputs, "--out", out, "--engine", "dask") == 130

    assert score(insurance, inputs, "--out", out, "--engine", "dask") == 3

    check_whole(out)


def test_an_output_is_replaced_as_a_whole_and_a_folder_of_other_files_never(
    engine, insurance, inputs, tmp_path, capsys
):
    out = tmp_path / "out.parquet"
    arguments = [inputs, "--out", out, "--engine", "dask"]
    out.write_text("a file of one machine")
    assert score(insurance, *arguments, "--overwrite") == 3
    check_whole(out)
    capsys.readouterr()

    assert score(insurance, *arguments) == 1
    assert "exists; give another --out, or --overwrite" in said(capsys)
    assert score(insurance, inputs / "000.parquet", *arguments[1:], "--overwrite") == 3
    assert [path.name for path in out.iterdir()] == ["part-000000.parquet"]
    capsys.readouterr()
    (out / "notes.txt").write_text("mine")
    assert score(insurance, *arguments, "--overwrite") == 1
    assert "is a folder of other files" in said(capsys)
    assert (out / "notes.txt").read_text() == "mine"


def test_what_another_run_has_left_there_is_not_run(engine, insurance, inputs, tmp_path, capsys):
    def changed(make, count, cluster):
        with (tmp_path / "out.parquet.parts/order").open("ab") as file:
            file.write(b"more")
        return in_order(make, count, cluster)

    engine.run = changed

    assert score(insurance, inputs, "--out", tmp_path / "out.parquet", "--engine", "dask") == 1

    assert "order: is not what this run has written" in said(capsys)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["in.csv", "--out", "out.parquet", "--engine", "dask"], "in.csv is text; engines read Parquet"),
        (["in", "--out", "out.csv", "--engine", "dask"], "the name must end with .parquet, .pq"),
        (["in", "--out", "out.parquet", "--cluster", "tcp://x:1"], "needs --engine dask, spark or ray"),
        (
            ["in", "--out", "out.parquet", "--engine", "ray", "--cluster", "x:1", "--workers", "2"],
            "needs no --workers: the cluster has its own",
        ),
    ],
    ids=["text", "csv", "local", "workers"],
)
def test_what_is_wrong_is_one_line(arguments, text, engine, insurance, inputs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text(people_csv(3))

    assert score(insurance, *arguments) == 1

    assert text in said(capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "in.csv"]


@pytest.mark.parametrize(("name", "needs"), [("dask", "distributed"), ("spark", "pyspark"), ("ray", "ray")])
def test_an_engine_that_is_not_installed_says_how_to_install_it(name, needs, insurance, inputs, tmp_path, capsys):
    assert score(insurance, inputs, "--out", tmp_path / "out.parquet", "--engine", name) == 1

    error = said(capsys)
    assert f"--engine {name}: " in error and f"pip install 'slipway-ml[score,{name}]'" in error
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_version_that_needs_its_pipeline_is_refused(engine, uncompiled, inputs, tmp_path, capsys):
    assert score(uncompiled, inputs, "--out", tmp_path / "out.parquet", "--engine", "dask") == 1

    assert "is served by its pipeline" in said(capsys)


def test_a_worker_on_which_the_model_says_something_else_makes_nothing(
    engine, insurance, inputs, tmp_path, monkeypatch, capsys
):
    check, asked = Predictor.check_golden, []

    def on_another_machine(predictor, golden):
        asked.append(golden)
        if len(asked) > 1:
            raise GoldenMismatchError(predictor.tag, "the first one")
        check(predictor, golden)

    monkeypatch.setattr(Predictor, "check_golden", on_another_machine)

    assert score(insurance, inputs, "--out", tmp_path / "out.parquet", "--engine", "dask") == 1

    assert "no longer gives the answers" in said(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
