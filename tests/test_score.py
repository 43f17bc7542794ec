"""`slipway score`: the values of `/predict` for files of any length, whole or not at all."""

import csv
import datetime as dt
import gzip
import io
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway import store
from slipway.cli.main import main
from slipway.schema.sampling import draw_records
from slipway.scoring import engines, parquet, run
from slipway.scoring.batches import BatchScorer
from slipway.scoring.parts import Parts
from slipway.scoring.progress import Progress
from slipway.tables import content, delimited
from tests.conftest import PERSON, SLIPWAY, trained

HEADER = "age,sex,bmi,children,smoker,region"


@pytest.fixture(scope="module")
def dated(tmp_path_factory) -> str:
    """A model with a date, a moment, a time of day, a category with gaps, a number with gaps and a boolean."""
    rows = ["day;seen;clock;kind;weight;ok;y"]
    for i in range(120):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=i)
        kind, weight = ("red", "green", "")[i % 3], "" if i % 7 == 0 else f"{i % 13},{i % 4}"
        rows.append(f"{day:%d.%m.%Y};{day}T{i % 24:02}:30:00;{i % 24:02}:15;{kind};{weight};{bool(i % 2)};{i * 3 % 50}")
    path = tmp_path_factory.mktemp("dated") / "dated.csv"
    path.write_text("\n".join(rows))
    return trained("--data", str(path), "--target", "y", "--include", "lr", "--folds", "2", "--name", "dated")


def score(tag: str, *arguments: object) -> int:
    return main(["score", tag, "--in", *map(str, arguments)])


def people(count: int, **changed: list) -> pa.Table:
    columns = {name: [value] * count for name, value in PERSON.items()} | {"id": [*range(count)]}
    columns["age"] = [18 + place % 47 for place in range(count)]
    columns["bmi"] = [16 + place % 370 / 10 for place in range(count)]
    return pa.table(columns | changed)


def people_csv(count: int) -> str:
    rows = (f"{18 + i % 47},male,{16 + i % 370 / 10},0,no,southwest,{i}" for i in range(count))
    return "\n".join([f"{HEADER},id", *rows, ""])


def rows_of(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return list(csv.DictReader(io.StringIO(path.read_text(), newline="")))


def said(capsys) -> str:
    """The one line of an error."""
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def edge_records(tag: str, count: int) -> list[dict[str, object]]:
    """Valid records: drawn ones, then the bounds of each field, what is not measured, and each category."""
    schema = store.find(tag).schema()
    records = draw_records(schema, count, 3)
    for field in schema.fields:
        values = [field.observed_min, field.observed_max, *field.categories, *([None] if field.nullable else [])]
        records += [schema.defaults | {field.name: value} for value in values if value is not None or field.nullable]
        if field.kind == "number" and field.minimum is None:
            records.append(schema.defaults | {field.name: float(field.observed_max) * 1.1})
    return records


def typed(tag: str, records: list[dict[str, object]]) -> pa.Table:
    """Records as a table whose columns have the types of their values."""
    read = {"date": dt.date.fromisoformat, "datetime": dt.datetime.fromisoformat, "time": dt.time.fromisoformat}
    columns = {}
    for field in store.find(tag).schema().fields:
        values = [record[field.name] for record in records]
        if field.kind in read:
            values = [None if value is None else read[field.kind](value) for value in values]
        column = pa.array(values)
        columns[field.name] = column.dictionary_encode() if pa.types.is_string(column.type) else column
    return pa.table(columns)


def expected(tag: str, records: list[dict[str, object]]) -> list[dict[str, object]]:
    """What `/predict` answers, by the columns of a file."""
    answers = store.load_predictor(store.find(tag)).answer(records)["predictions"]
    found = []
    for answer in answers:
        ends = answer.get("interval") or {}
        scores = answer.get("probabilities") or {}
        found.append(
            {"prediction": answer["prediction"]}
            | {name: ends[name] for name in ("low", "high") if name in ends}
            | {f"probability_{key}": value for key, value in scores.items()}
            | ({"threshold": answer["threshold"]} if "threshold" in answer else {})
            | {"codes": "; ".join(warning.code for warning in answer["warnings"])}
        )
    return found


def as_text(value: object) -> str:
    return "" if value is None else str(value)


@pytest.mark.parametrize("model", ["insurance", "diabetes", "dated"])
@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_the_values_are_those_of_predict_to_the_last_bit(model, form, request, tmp_path):
    tag = request.getfixturevalue(model)
    records = edge_records(tag, 5_000)
    if form == "parquet":
        pq.write_table(typed(tag, records), tmp_path / "in.parquet", row_group_size=1_900)
    else:
        fields = store.find(tag).schema().fields
        times = {field.name: field.format for field in fields if field.kind == "date" and field.format}
        with (tmp_path / "in.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(records[0])
            for record in records:
                cells = {
                    name: dt.date.fromisoformat(value).strftime(times[name]) if name in times and value else value
                    for name, value in record.items()
                }
                writer.writerow([as_text(cell) for cell in cells.values()])

    code = score(tag, tmp_path / f"in.{form}", "--out", tmp_path / "out.parquet")

    assert code == 0
    found = rows_of(tmp_path / "out.parquet")
    wanted = expected(tag, records)
    assert [{name: row[name] for name in wanted[0]} | {"codes": row["codes"] or ""} for row in found] == wanted
    alone = [answer for record in records[-40:] for answer in expected(tag, [record])]
    assert wanted[-40:] == alone


def test_a_file_of_text_has_the_same_digits(insurance, tmp_path):
    pq.write_table(people(3_000), tmp_path / "in.parquet")
    (tmp_path / "in.csv").write_text(people_csv(3_000))

    for form in ("parquet", "csv"):
        assert score(insurance, tmp_path / f"in.{form}", "--out", tmp_path / f"{form}.csv", "--columns", "id") == 0
        assert score(insurance, tmp_path / f"in.{form}", "--out", tmp_path / f"{form}.parquet", "--columns", "id") == 0

    numbers = [row["prediction"] for row in rows_of(tmp_path / "parquet.parquet")]
    for name in ("parquet.csv", "csv.csv", "csv.parquet"):
        assert [float(row["prediction"]) for row in rows_of(tmp_path / name)] == numbers
    assert [*rows_of(tmp_path / "csv.csv")[0]] == ["id", "prediction", "low", "high", "codes", "warnings"]


def test_faulty_rows_stand_beside_the_output_with_what_is_wrong(insurance, tmp_path, capsys):
    table = people(6, smoker=["no", "male", "yes", None, "no", "no"], bmi=[20.0, 30.0, -1.0, 20.0, 55.0, 20.0])
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=2)
    lines = people_csv(3).splitlines()
    (tmp_path / "in.csv").write_text("\n".join([*lines[:2], "", lines[2].replace("no", "male"), "1,2", lines[3]]))

    codes = [
        score(insurance, tmp_path / f"in.{form}", "--out", tmp_path / f"{form}.csv") for form in ("parquet", "csv")
    ]

    assert codes == [3, 3]
    last = capsys.readouterr().out.splitlines()
    assert "3 rows scored" in last[0] and f"3 faulty rows are in {tmp_path}/parquet.csv.faults.csv" in last[0]
    assert [row["id"] for row in rows_of(tmp_path / "parquet.csv")] == ["0", "4", "5"]
    assert [row["codes"] for row in rows_of(tmp_path / "parquet.csv")] == ["", "out_of_range", ""]
    faults = rows_of(tmp_path / "parquet.csv.faults.csv")
    assert [(row["row"], row["code"], row["field"], row["value"]) for row in faults] == [
        ("2", "unknown_category", "smoker", "male"),
        ("3", "out_of_bounds", "bmi", "-1.0"),
        ("4", "null", "smoker", ""),
    ]
    assert faults[0]["file"] == str(tmp_path / "in.parquet") and "smoker" in faults[0]["problem"]
    assert [row["id"] for row in rows_of(tmp_path / "csv.csv")] == ["0", "2"]
    faults = rows_of(tmp_path / "csv.csv.faults.csv")
    assert [(row["row"], row["code"]) for row in faults] == [("4", "unknown_category"), ("5", "wrong_cell_count")]


def test_a_row_without_a_finite_prediction_is_a_faulty_row(insurance, monkeypatch):
    predictor = store.load_predictor(store.find(insurance))
    predict = predictor.engine.predict

    def with_gaps(columns):
        answers = predict(columns)
        return replace(answers, values=np.where(columns["bmi"] == 54, np.inf, answers.values))

    monkeypatch.setattr(predictor.engine, "predict", with_gaps)

    (batch,) = people(4, bmi=[20.0, 54.0, -1.0, 30.0]).to_batches()
    scored, faulty = BatchScorer(predictor, ["id"]).score(batch)

    assert scored.column("id").to_pylist() == [0, 3]
    assert [(cell.row, cell.code) for cell in faulty] == [(2, "no_finite_prediction"), (3, "out_of_bounds")]


FORMS = {
    "semicolons": lambda text: text.replace(",", ";").encode(),
    "decimal commas": lambda text: text.replace(",", "\t").replace(".", ",").encode(),
    "utf-16": lambda text: text.encode("utf-16"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "crlf": lambda text: text.replace("\n", "\r\n").encode(),
    "quotes": lambda text: text.replace("southwest", '"southwest"').encode(),
    "title": lambda text: f"People of 2024\n\n{text}".encode(),
    "spelling": lambda text: text.replace("age,", "Age ,", 1).encode(),
    "sep": lambda text: f"sep=;\n{text.replace(',', ';')}".encode(),
    "blank lines": lambda text: text.replace("\n", "\n\n").encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_text_in_every_form_is_read_in_parts_as_in_one(form, insurance, tmp_path, monkeypatch):
    (tmp_path / "plain.csv").write_text(people_csv(700))
    (tmp_path / "in.csv").write_bytes(FORMS[form](people_csv(700)))
    assert score(insurance, tmp_path / "plain.csv", "--out", tmp_path / "whole.csv") == 0
    monkeypatch.setattr(content, "BLOCK", 1_501)
    monkeypatch.setattr(delimited, "_PART_ROWS", 90)

    assert score(insurance, tmp_path / "in.csv", "--out", tmp_path / "out.csv", "--workers", "1") == 0

    ours = ("prediction", "low", "high", "codes", "id")
    whole, found = ([[row[name] for name in ours] for row in rows_of(tmp_path / n)] for n in ("whole.csv", "out.csv"))
    assert found == whole


def test_folders_and_patterns_are_read_in_order_and_the_output_in_it_is_no_input(insurance, tmp_path):
    for day in ("b", "a"):
        (tmp_path / day).mkdir()
        pq.write_table(people(3, id=[f"{day}{i}" for i in range(3)]), tmp_path / day / "1.parquet")
    (tmp_path / "_SUCCESS").write_text("")

    for _ in range(2):
        code = score(insurance, tmp_path, tmp_path / "b/*.parquet", "--out", tmp_path / "out.parquet", "--overwrite")

        assert code == 0
        assert [row["id"] for row in rows_of(tmp_path / "out.parquet")] == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_batches_are_what_an_engine_needs(insurance):
    scorer = BatchScorer(store.load_predictor(store.find(insurance)), ["id"])

    (batch,) = people(5, smoker=["no", "no", "perhaps", "no", "no"]).to_batches()
    scored, faulty = scorer.score(batch)

    assert scored.column("id").to_pylist() == [0, 1, 3, 4]
    assert scored.schema.names == ["id", "prediction", "low", "high", "codes", "warnings"]
    assert [(cell.row, cell.code) for cell in faulty] == [(3, "unknown_category")]


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.uint64(), pa.float32(), pa.decimal128(6, 2), pa.string(), pa.dictionary(pa.int32(), pa.string())],
    ids=str,
)
def test_numbers_of_every_type_are_the_same_numbers(kind, insurance):
    scorer = BatchScorer(store.load_predictor(store.find(insurance)), [])
    plain = people(5, age=[18, 30, 40, 50, 64])
    other = plain.set_column(plain.schema.get_field_index("age"), "age", plain["age"].cast(pa.string()).cast(kind))

    numbers, same = (scorer.score(table.combine_chunks().to_batches()[0])[0] for table in (plain, other))

    assert same["prediction"] == numbers["prediction"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["missing.parquet", "--out", "out.csv"], "there is no such file or folder"),
        (["in.parque", "--out", "out.csv"], "did you mean 'in.parquet'?"),
        (["*.tsv", "--out", "out.csv"], "there is no file in it"),
        (["in.parquet", "--out", "out.xlsx"], "the name must end with .csv, .parquet, .pq"),
        (["in.parquet", "--out", "none/out.csv"], "there is no folder"),
        (["in.parquet", "--out", "there.csv"], "exists; give another --out, or --overwrite"),
        (["in.parquet", "--out", "out.csv", "--columns", "idd"], "did you mean 'id'?"),
        (["lacking.csv", "--out", "out.csv"], "lacking.csv: columns are missing: 'bmi'"),
        (["in.parquet", "other.parquet", "--out", "out.csv"], "other.parquet: has a column 'more'"),
        (["in.parquet", "types.parquet", "--out", "out.csv"], "types.parquet: its column 'id' has the type string"),
        (["in.parquet", "in.csv", "--out", "out.csv"], "in.csv: is text"),
        (["damaged.parquet", "--out", "out.csv"], "damaged.parquet: is not a valid Parquet file"),
        (["empty.csv", "--out", "out.csv"], "empty.csv: is empty"),
        (["book.json", "--out", "out.csv"], "book.json: is JSON"),
    ],
    ids=str,
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(arguments, text, insurance, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pq.write_table(people(3), "in.parquet")
    pq.write_table(people(3, more=[1, 2, 3]), "other.parquet")
    pq.write_table(people(3, id=["a", "b", "c"]), "types.parquet")
    Path("in.csv").write_text(people_csv(3))
    Path("there.csv").write_text("mine")
    Path("lacking.csv").write_text("age,sex,children,smoker,region\n1,male,0,no,southwest\n")
    Path("damaged.parquet").write_bytes(b"PAR1" + b"x" * 100)
    Path("empty.csv").write_text("")
    Path("book.json").write_text('[{"a": 1}]')
    before = sorted(tmp_path.iterdir())

    assert score(insurance, *arguments) == 1

    assert text in said(capsys)
    assert sorted(tmp_path.iterdir()) == before
    assert Path("there.csv").read_text() == "mine"


def test_a_model_that_is_not_there_is_one_line(insurance, tmp_path, capsys):
    assert score("insurence", tmp_path, "--out", tmp_path / "out.csv") == 1

    assert "no model 'insurence'" in said(capsys)


def test_without_pyarrow_csv_works_and_parquet_says_what_to_install(insurance, tmp_path):
    (tmp_path / "in.csv").write_text(people_csv(3))
    hidden = (
        "import sys; sys.modules['pyarrow'] = None; from slipway.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [str(SLIPWAY.with_name("python")), "-c", hidden, "score", insurance, "--in", str(tmp_path / "in.csv")]

    text = subprocess.run([*command, "--out", str(tmp_path / "out.csv")], capture_output=True, text=True)
    typed = subprocess.run([*command, "--out", str(tmp_path / "out.parquet")], capture_output=True, text=True)

    assert (text.returncode, text.stderr) == (0, "")
    assert typed.returncode == 1 and "pip install 'slipway-ml[score]'" in typed.stderr


@pytest.fixture
def in_parts(monkeypatch):
    """Small parts, made here."""
    monkeypatch.setattr(parquet, "PART_ROWS", 100)
    monkeypatch.setattr(content, "BLOCK", 4_000)
    monkeypatch.setattr(engines, "cores", lambda: 1)


def stop_after(monkeypatch, count: int, error: BaseException) -> None:
    """Let a run fail when so many parts are done."""
    make, made = run.Worker.make, []

    def stopping(worker, task):
        if len(made) == count:
            raise error
        made.append(task.index)
        return make(worker, task)

    monkeypatch.setattr(run.Worker, "make", stopping)


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_stopped_run_goes_on_where_it_was(form, insurance, tmp_path, in_parts, monkeypatch, capsys):
    pq.write_table(people(1_000), tmp_path / "in.parquet", row_group_size=100)
    (tmp_path / "in.csv").write_text(people_csv(1_000))
    arguments = [tmp_path / f"in.{form}", "--out", tmp_path / f"out.{form}"]
    assert score(insurance, tmp_path / f"in.{form}", "--out", tmp_path / f"whole.{form}") == 0
    with monkeypatch.context() as patch:
        stop_after(patch, 4, KeyboardInterrupt())
        assert score(insurance, *arguments) == 130
    assert "run the same command again" in capsys.readouterr().err
    assert not (tmp_path / f"out.{form}").exists()
    with monkeypatch.context() as patch:
        stop_after(patch, 6, AssertionError("a part was made again"))
        assert score(insurance, *arguments) == 0

    assert (tmp_path / f"out.{form}").read_bytes() == (tmp_path / f"whole.{form}").read_bytes()
    assert not (tmp_path / f"out.{form}.parts").exists()


def test_parts_of_another_run_are_named_not_mixed(insurance, diabetes, tmp_path, in_parts, monkeypatch, capsys):
    pq.write_table(people(1_000), tmp_path / "in.parquet", row_group_size=100)
    arguments = [tmp_path / "in.parquet", "--out", tmp_path / "out.csv"]
    with monkeypatch.context() as patch:
        stop_after(patch, 4, KeyboardInterrupt())
        score(insurance, *arguments)
    capsys.readouterr()

    assert score(insurance, *arguments, "--columns", "id") == 1
    assert "another list of columns: None then, ['id'] now" in said(capsys)
    pq.write_table(people(1_001), tmp_path / "in.parquet", row_group_size=100)
    assert score(insurance, *arguments) == 1
    assert "in.parquet has changed since" in said(capsys)


@pytest.mark.parametrize("left", ["all", "finished.json"])
def test_a_run_that_was_stopped_while_it_gave_its_output_the_name_is_finished(left, insurance, tmp_path, monkeypatch):
    pq.write_table(people(10, smoker=["no", "perhaps"] * 5), tmp_path / "in.parquet")
    arguments = [tmp_path / "in.parquet", "--out", tmp_path / "out.csv"]
    parts = tmp_path / "out.csv.parts"
    with monkeypatch.context() as patch:
        patch.setattr(Parts, "name", lambda parts, total: (_ for _ in ()).throw(KeyboardInterrupt))
        assert score(insurance, *arguments) == 130
    if left != "all":  # named already, and on the way to be removed
        (parts / "whole").rename(tmp_path / "out.csv")
        (parts / "whole.faults").rename(tmp_path / "out.csv.faults.csv")
        for path in parts.iterdir():
            if path.name not in ("finished.json", "manifest.json"):
                path.unlink()

    assert score(insurance, *arguments) == 3

    assert len(rows_of(tmp_path / "out.csv")) == len(rows_of(tmp_path / "out.csv.faults.csv")) == 5
    assert not parts.exists()


def test_an_output_is_replaced_only_once_all_is_scored(insurance, tmp_path, in_parts, monkeypatch):
    pq.write_table(people(300), tmp_path / "in.parquet", row_group_size=100)
    out = tmp_path / "out.csv"
    out.write_text("old")
    (tmp_path / "out.csv.faults.csv").write_text("old")
    with monkeypatch.context() as patch:
        stop_after(patch, 2, KeyboardInterrupt())
        score(insurance, tmp_path / "in.parquet", "--out", out, "--overwrite")
    assert out.read_text() == "old"

    assert score(insurance, tmp_path / "in.parquet", "--out", out, "--overwrite") == 0

    assert len(rows_of(out)) == 300
    assert not (tmp_path / "out.csv.faults.csv").exists()


def many_files(folder: Path, table: pa.Table, count: int) -> Path:
    """A folder with the same file under many names: each is a part of its own."""
    folder.mkdir()
    pq.write_table(table, folder / "000.parquet")
    for number in range(1, count):
        os.link(folder / "000.parquet", folder / f"{number:03}.parquet")
    return folder


def same(out: Path, whole: Path) -> None:
    for name in ("", ".faults.csv"):
        assert Path(f"{out}{name}").read_bytes() == Path(f"{whole}{name}").read_bytes()


@pytest.mark.slow
def test_kills_of_two_workers_lose_nothing_and_repeat_nothing(insurance, tmp_path):
    rng = random.Random(1)
    inputs = many_files(tmp_path / "in", people(12_000, smoker=["no", "no", "perhaps"] * 4_000), 40)
    command = [str(SLIPWAY), "score", insurance, "--in", str(inputs), "--workers", "2", "--overwrite", "--out"]
    whole, out = tmp_path / "whole.parquet", tmp_path / "out.parquet"
    began = time.monotonic()
    assert subprocess.run([*command, str(whole)], capture_output=True).returncode == 3
    most = time.monotonic() - began
    parts, killed = Path(f"{out}.parts"), 0
    while killed < 2:
        process = subprocess.Popen([*command, str(out)], stdout=subprocess.DEVNULL)
        try:
            if killed % 2:  # the start takes half of the time of so short a run
                process.wait(rng.uniform(0, most))
            else:
                had = len([*parts.glob("0*.json")])
                until(lambda: process.poll() is not None or len([*parts.glob("0*.json")]) > had)  # noqa: B023
                process.wait(rng.uniform(0, most / 3))
            same(out, whole)
            out.unlink()  # it was quicker than the kill: begin again
            Path(f"{out}.faults.csv").unlink()
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
    assert subprocess.run([*command, str(out)], capture_output=True).returncode == 3
    same(out, whole)
    assert not [path.name for path in tmp_path.iterdir() if "parts" in path.name]


def children(process: subprocess.Popen) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [*map(int, path.read_text().split())] if path.exists() else []


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def until(is_so: Callable[[], bool], process: subprocess.Popen | None = None, seconds: float = 60) -> None:
    """Wait for something, while a process runs."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it took too long"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def begun(command: list[str], parts: Path, heeds: bool = True) -> tuple[subprocess.Popen, list[int]]:
    """A run that has made some part, and its workers with what looks after them; it heeds Ctrl-C, wherever the tests run."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL if heeds else signal.SIG_IGN),
    )
    until(lambda: len(children(process)) == 3 and any(parts.glob("0*.json")), process)
    return process, children(process)


def test_workers_end_with_the_run_and_a_lost_worker_is_said(insurance, tmp_path):
    inputs, out = many_files(tmp_path / "in", people(20_000), 60), tmp_path / "out.csv"
    command = [str(SLIPWAY), "score", insurance, "--in", str(inputs), "--out", str(out), "--workers", "2"]
    parts = tmp_path / "out.csv.parts"

    process, workers = begun(command, parts)
    process.kill()
    until(lambda: not any(map(is_running, workers)))
    process.communicate()

    process, workers = begun(command, parts)
    os.kill(workers[-1], signal.SIGKILL)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a worker was killed" in error and "goes on where it was" in error

    process, workers = begun(command, parts)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.splitlines()[-1] == "score: stopped; run the same command again: it goes on where it was"
    assert not out.exists()
    until(lambda: not any(map(is_running, workers)))

    process, _ = begun(command, parts, heeds=False)  # as in the background of a script
    for _ in range(100):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 0 and out.exists(), error


def test_a_second_run_of_the_same_output_is_refused(insurance, tmp_path, capsys):
    pq.write_table(people(10), tmp_path / "in.parquet")
    with Parts(tmp_path / "out.csv").opened({}):
        assert score(insurance, tmp_path / "in.parquet", "--out", tmp_path / "out.csv") == 1

    assert "another run is writing it" in said(capsys)


@pytest.mark.parametrize("form", ["csv", pytest.param("parquet", marks=pytest.mark.slow)])
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(form, insurance, tmp_path):
    pq.write_table(people(40_000), tmp_path / "in.parquet", row_group_size=5_000)
    out = tmp_path / f"out.{form}"
    command = f"{SLIPWAY} score {insurance} --in {tmp_path}/in.parquet --out {out} --workers 1"

    full = subprocess.run(["bash", "-c", f"ulimit -f 150; exec {command}"], capture_output=True, text=True)

    assert full.returncode == 1
    assert full.stderr.count("\n") == 1 and "there is no space left to write it" in full.stderr
    assert not out.exists()
    assert not [*tmp_path.rglob("*.partial")]
    again = subprocess.run(command.split(), capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert len(rows_of(out)) == 40_000


def test_progress_says_rows_a_second_and_the_time_left(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    progress = Progress(1_000, stream)

    for _ in range(12):
        now[0] += 1
        progress.add(50, 50)
    progress.end()

    assert stream.getvalue() == "500 rows scored, 50%, 50 rows/s, 0:10 left\n"


def test_memory_does_not_grow_with_the_rows(insurance, tmp_path, monkeypatch):
    """What is held is parts: no more of them are read than are being scored."""
    (tmp_path / "in.csv").write_text(people_csv(20_000))
    monkeypatch.setattr(content, "BLOCK", 10_000)
    monkeypatch.setattr(engines, "cores", lambda: 1)
    alive, most = [0], [0]
    part_of = delimited.TextPart.__init__

    def counted(part, *arguments, **named):
        part_of(part, *arguments, **named)
        alive[0] += 1
        most[0] = max(most[0], alive[0])

    monkeypatch.setattr(delimited.TextPart, "__init__", counted)
    monkeypatch.setattr(delimited.TextPart, "__del__", lambda part: alive.__setitem__(0, alive[0] - 1), raising=False)

    assert score(insurance, tmp_path / "in.csv", "--out", tmp_path / "out.csv") == 0

    assert most[0] <= 4
