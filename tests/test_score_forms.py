"""`slipway score`: Arrow files, reasons, and what stops a run before it reads an object of a store."""

import os
import pickle
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from slipway import store
from slipway.inference.table import predict_table
from slipway.scoring import reasons
from slipway.scoring.parts import Parts
from slipway.tables.cells import TextTable
from slipway.tables.writers import TextForm, TextWriter
from tests.test_score import edge_records, in_parts, people, people_csv, rows_of, said, score, typed  # noqa: F401


def arrow(table: pa.Table, path: Path, **options: object) -> None:
    pa.feather.write_feather(table, path, **options)


# Arrow


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("model", ["insurance", "diabetes"])
def test_arrow_is_read_as_parquet_is(model, compression, request, tmp_path):
    tag = request.getfixturevalue(model)
    table = typed(tag, edge_records(tag, 500))
    pq.write_table(table, tmp_path / "in.parquet")
    arrow(table, tmp_path / "in.arrow", chunksize=190, compression=compression)

    for name in ("parquet", "arrow"):
        assert score(tag, tmp_path / f"in.{name}", "--out", tmp_path / f"{name}.parquet") == 0

    found, wanted = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("arrow", "parquet"))
    assert found.schema.equals(wanted.schema) and found.equals(wanted)


def test_arrow_is_written_with_the_rows_of_parquet(insurance, tmp_path):
    pq.write_table(people(300, smoker=["no", "yes", "perhaps"] * 100), tmp_path / "in.parquet", row_group_size=90)

    for form in ("parquet", "arrow", "feather"):
        assert score(insurance, tmp_path / "in.parquet", "--out", tmp_path / f"out.{form}") == 3

    wanted = pq.read_table(tmp_path / "out.parquet")
    for form in ("arrow", "feather"):
        assert pa.feather.read_table(tmp_path / f"out.{form}").equals(wanted)


def test_faults_of_arrow_have_the_number_of_their_row(insurance, tmp_path, in_parts):  # noqa: F811
    arrow(people(500, smoker=["no"] * 399 + ["perhaps"] + ["no"] * 100), tmp_path / "in.arrow", chunksize=70)

    assert score(insurance, tmp_path / "in.arrow", "--out", tmp_path / "out.csv", "--columns", "id") == 3

    assert [row["row"] for row in rows_of(tmp_path / "out.csv.faults.csv")] == ["400"]
    assert [row["id"] for row in rows_of(tmp_path / "out.csv")] == [str(i) for i in range(500) if i != 399]


def damaged(path: Path) -> None:
    arrow(people(500), path, compression="uncompressed")
    path.write_bytes(path.read_bytes()[:-600])


def stream(path: Path) -> None:
    with pa.ipc.new_stream(path, people(3).schema) as writer:
        writer.write_table(people(3))


ARROWS = {
    "is a damaged Arrow file": damaged,
    "streams of Arrow are not read: write it as a file": stream,
    "is Feather of version 1; write it again with version 2": lambda path: arrow(people(3), path, version=1),
    "in.arrow: columns are missing: 'bmi'": lambda path: arrow(people(3).drop_columns(["bmi"]), path),
    "in.arrow: is not a valid Arrow file": lambda path: path.write_bytes(b"x" * 100),
    "has the type list<item: int64>": lambda path: arrow(people(2, age=[[1], [2]]), path),
}


@pytest.mark.parametrize("text", ARROWS)
def test_an_arrow_file_that_cannot_be_read_is_one_line(text, insurance, tmp_path, capsys):
    ARROWS[text](tmp_path / "in.arrow")

    assert score(insurance, tmp_path / "in.arrow", "--out", tmp_path / "out.csv") == 1

    assert text in said(capsys)
    assert os.listdir(tmp_path) == ["in.arrow"]


# Reasons


def by_predict_csv(tag: str, text: str) -> list[dict[str, object]]:
    """What `/predict_csv` answers with reasons."""
    version = store.find(tag)
    predictor = store.load_predictor(version)
    header, *rows = [line.split(",") for line in text.splitlines()]
    table = TextTable(header, rows, range(2, 2 + len(rows)), {}, ",")
    writer = TextWriter(TextForm())
    explainer = store.load_explainer(version, predictor)
    content = predict_table(predictor, table, writer, explainer.shares).content
    path = Path("answer.csv")
    path.write_bytes(content)
    return rows_of(path)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_reasons_have_the_names_and_values_of_predict_csv(form, insurance, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = people_csv(7)
    Path("in.csv").write_text(text)
    pq.write_table(people(7), "in.parquet")
    wanted = by_predict_csv(insurance, text)

    assert score(insurance, f"in.{form}", "--out", "out.csv", "--columns", "id", "--reasons") == 0
    assert score(insurance, f"in.{form}", "--out", "out.parquet", "--columns", "id", "--reasons", "2") == 0

    names = [name for name in wanted[0] if name == "base" or name.startswith("contribution_")]
    assert len(names) == 7
    found = rows_of(Path("out.csv"))
    assert [*found[0]] == ["id", "prediction", "low", "high", *names, "codes", "warnings"]
    assert [[float(row[name]) for name in names] for row in found] == [
        [float(row[name]) for name in names] for row in wanted
    ]
    for few, row in zip(rows_of(Path("out.parquet")), wanted, strict=True):
        values = {name: float(row[name]) for name in names[1:]}
        largest = sorted(values, key=lambda name: -abs(values[name]))[:2]
        assert {name: few[name] for name in names[1:]} == {
            name: values[name] if name in largest else None for name in values
        }
        assert few["base"] == float(row["base"])


def test_a_long_run_with_reasons_says_how_long_it_will_take(insurance, tmp_path, monkeypatch, capsys):
    pq.write_table(people(20), tmp_path / "in.parquet")
    arguments = [tmp_path / "in.parquet", "--out", tmp_path / "out.csv", "--reasons", "--workers", "2"]
    assert score(insurance, *arguments) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(reasons.Reasons, "seconds", lambda *_: 500.0)

    assert score(insurance, *arguments, "--overwrite") == 0

    assert said(capsys) == "reasons take about 500,000.0 ms a row: 1 h 23 min for 20 rows with 2 processes\n"


def test_a_model_without_probabilities_has_no_reasons(bare, tmp_path, capsys):
    pq.write_table(typed(bare, edge_records(bare, 3)), tmp_path / "in.parquet")

    assert score(bare, tmp_path / "in.parquet", "--out", tmp_path / "out.csv", "--reasons") == 1

    assert "the estimator gives classes without probabilities" in said(capsys)
    assert os.listdir(tmp_path) == ["in.parquet"]


def test_reasons_that_are_no_number_are_refused(insurance, tmp_path, capsys):
    with pytest.raises(SystemExit):
        score(insurance, tmp_path, "--out", tmp_path / "out.csv", "--reasons", "0")

    assert "'0' is not a number of reasons; expected 1 or more" in capsys.readouterr().err


# What a run that was killed leaves


def test_what_a_killed_run_had_begun_takes_no_room_from_the_next(tmp_path):
    parts = Parts(tmp_path / "out.csv")
    with parts.opened({}):
        parts.finish_part(0, 1, tmp_path, [])
        (parts.folder / "whole.0123.partial").write_bytes(b"half of it")

    with parts.opened({}):
        assert sorted(path.name for path in parts.folder.iterdir()) == ["000000.json", "lock", "manifest.json"]


def test_no_text_goes_through_the_pipe_to_the_workers(insurance, tmp_path, monkeypatch):
    """A worker that is killed while it reads from the pipe would stop the run for ever, in some releases of Python."""
    (tmp_path / "in.csv").write_text(people_csv(120_000))
    sizes, submit = [], ProcessPoolExecutor.submit

    def measured(pool, make, *arguments):
        sizes.append(len(pickle.dumps(arguments)))
        return submit(pool, make, *arguments)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", measured)

    assert score(insurance, tmp_path / "in.csv", "--out", tmp_path / "out.csv", "--workers", "2") == 0

    assert sizes and max(sizes) < 4_096
    assert len(rows_of(tmp_path / "out.csv")) == 120_000


# Stores, without a server


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["s3n://rows/in.csv", "--out", "out.csv"], "no store is known by s3n://; did you mean 's3'?"),
        (["in.csv", "--out", "hdfs://rows/out.csv"], "expected a path, or a URL with s3://, gs://, abfs://"),
        (["in.csv", "--out", "s3:///out.csv"], "names no bucket; expected s3://BUCKET/NAME"),
        (["in.csv", "--out", "out.csv", "--parts", "."], "--parts .: is for an output in a store"),
        (["in.csv", "--out", "s3://rows/out.parquet", "--engine", "dask"], "--engine dask"),
    ],
    ids=str,
)
def test_a_url_that_names_no_object_is_one_line(arguments, text, insurance, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text(people_csv(3))

    assert score(insurance, *arguments) == 1

    assert text in said(capsys)
    assert os.listdir() == ["in.csv"]


def test_without_obstore_a_url_says_what_to_install(insurance, tmp_path, monkeypatch, capsys):
    for name in ("obstore", "obstore.store"):
        monkeypatch.setitem(sys.modules, name, None)

    assert score(insurance, "gs://rows/in.csv", "--out", tmp_path / "out.csv") == 1

    assert "gs://rows/in.csv: needs obstore: `pip install 'slipway-ml[score,stores]'`" in said(capsys)
