"""`slipway score` with objects instead of files: a server that answers as S3 does, started by the tests (moto)."""

import gzip
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from obstore.store import from_url

from slipway.scoring import run, stores
from slipway.scoring.parts import Parts
from tests.conftest import ROOT, SLIPWAY, free_port
from tests.test_score import in_parts, people, people_csv, rows_of, said, score, stop_after, until  # noqa: F401

pytestmark = pytest.mark.stores

OPEN = {"client_options": {"allow_http": True}}


@dataclass
class S3:
    """A server, and what its only user does by hand."""

    port: int
    process: list[subprocess.Popen] = field(default_factory=list)

    def start(self) -> None:
        server = ROOT / ".venv" / "moto" / "bin" / "moto_server"
        assert server.exists(), f"no {server}; `make stores-test` makes it"
        self.process.append(
            subprocess.Popen(
                [str(server), "-H", "127.0.0.1", "-p", str(self.port)],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        until(self.answers, self.process[-1])

    def answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/").status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        self.process[-1].kill()
        self.process[-1].wait()

    def put(self, name: str, content: bytes | Path = b"") -> str:
        """Make an object, or a bucket; its URL."""
        bucket, _, key = name.partition("/")
        if key:
            from_url(f"s3://{bucket}", **OPEN).put(key, content)
        else:
            httpx.put(f"http://127.0.0.1:{self.port}/{bucket}").raise_for_status()
        return f"s3://{name}"

    def get(self, name: str) -> bytes | None:
        bucket, _, key = name.partition("/")
        try:
            return bytes(from_url(f"s3://{bucket}", **OPEN).get(key).bytes())
        except FileNotFoundError:
            return None


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    s3 = S3(free_port())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3.port}")
        for name, value in {"ACCESS_KEY_ID": "me", "SECRET_ACCESS_KEY": "mine", "REGION": "eu-central-1"}.items():
            patch.setenv(f"AWS_{name}", value)
        s3.start()
        yield s3
        s3.stop()


@pytest.fixture
def s3(server, tmp_path, monkeypatch) -> S3:
    """A server with an empty bucket, and a folder of this machine in which commands are given."""
    httpx.post(f"http://127.0.0.1:{server.port}/moto-api/reset").raise_for_status()
    server.put("rows")
    monkeypatch.chdir(tmp_path)
    stores._connected.cache_clear()
    return server


def faulty(count: int) -> pa.Table:
    return people(count, smoker=["no", "no", "perhaps", "yes"] * (count // 4))


FORMS = {
    "parquet": lambda path: pq.write_table(faulty(8_000), path, row_group_size=1_000),
    "arrow": lambda path: pa.feather.write_feather(faulty(8_000), path, chunksize=1_000),
    "csv": lambda path: path.write_text(people_csv(8_000)),
    "csv.gz": lambda path: path.write_bytes(gzip.compress(people_csv(8_000).encode())),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_object_is_scored_as_a_file_is(form, s3, insurance, tmp_path):
    path, out = tmp_path / f"in.{form}", f"out.{form.removesuffix('.gz')}"
    FORMS[form](path)
    code = score(insurance, path, "--out", f"here-{out}")

    assert score(insurance, s3.put(f"rows/in.{form}", path), "--out", f"s3://rows/2024/{out}") == code

    assert s3.get(f"rows/2024/{out}") == Path(f"here-{out}").read_bytes()
    faults = s3.get(f"rows/2024/{out}.faults.csv")
    if code == 3:
        there = Path(f"here-{out}.faults.csv").read_text()
        assert faults.decode() == there.replace(str(path), f"s3://rows/in.{form}")
    else:
        assert faults is None
    assert not [name for name in os.listdir() if name.endswith(".parts")]


def test_folders_and_patterns_are_read_as_those_of_a_disk(s3, insurance, tmp_path):
    for name in ("b/1", "b/2", "a/x/1", "a/_SUCCESS", "a/.hidden/1", "bb/1"):
        pq.write_table(people(2, id=[f"{name}-{i}" for i in range(2)]), tmp_path / "one.parquet")
        s3.put(f"rows/days/{name}" + ("" if "_" in name else ".parquet"), tmp_path / "one.parquet")
    found = {}
    for name in ("days", "days/b/", "days/b*/*.parquet", "days/**/1.parquet", "days/[!a]*", "days/b/?.parquet"):
        assert score(insurance, f"s3://rows/{name}", "--out", "out.csv", "--columns", "id", "--overwrite") == 0
        found[name] = [row["id"].removesuffix("-0") for row in rows_of(Path("out.csv"))][::2]

    assert found == {
        "days": ["a/x/1", "b/1", "b/2", "bb/1"],
        "days/b/": ["b/1", "b/2"],
        "days/b*/*.parquet": ["b/1", "b/2", "bb/1"],
        "days/**/1.parquet": ["a/x/1", "b/1", "bb/1"],
        "days/[!a]*": ["b/1", "b/2", "bb/1"],
        "days/b/?.parquet": ["b/1", "b/2"],
    }


def test_no_more_is_read_than_the_columns_that_are_needed(s3, insurance, tmp_path, monkeypatch):
    wide = people(
        20_000, **{f"other_{i}": [f"{i}-{place * 7919 % 20_011}" for place in range(20_000)] for i in range(8)}
    )
    pq.write_table(wide, tmp_path / "in.parquet", row_group_size=5_000)
    size, read = (tmp_path / "in.parquet").stat().st_size, []
    readinto = stores.Ranges.readinto
    monkeypatch.setattr(stores.Ranges, "readinto", lambda self, buffer: read.append(readinto(self, buffer)) or read[-1])
    s3.put("rows/in.parquet", tmp_path / "in.parquet")

    assert score(insurance, "s3://rows/in.parquet", "--out", "out.csv", "--columns", "id") == 0

    assert sum(read) < size / 2 and len(read) < 20


def test_several_processes_read_and_one_of_them_sends(s3, insurance, tmp_path):
    pq.write_table(faulty(120_000), tmp_path / "in.parquet", row_group_size=30_000)
    pq.write_table(faulty(120_000), tmp_path / "more.parquet", row_group_size=30_000)
    for name in ("in", "more"):
        s3.put(f"rows/days/{name}.parquet", tmp_path / f"{name}.parquet")
    command = [str(SLIPWAY), "score", insurance, "--workers", "2", "--in"]
    here = subprocess.run([*command, "in.parquet", "more.parquet", "--out", "here.parquet"], capture_output=True)

    there = subprocess.run([*command, "s3://rows/days", "--out", "s3://rows/out.parquet"], capture_output=True)

    assert (here.returncode, there.returncode) == (3, 3), there.stderr
    assert s3.get("rows/out.parquet") == Path("here.parquet").read_bytes()


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_stopped_run_goes_on_and_names_what_has_changed(form, s3, insurance, tmp_path, in_parts, monkeypatch, capsys):  # noqa: F811
    FORMS[form](tmp_path / f"in.{form}")
    arguments = [
        s3.put(f"rows/in.{form}", tmp_path / f"in.{form}"),
        "--out",
        f"s3://rows/out.{form}",
        "--parts",
        "kept",
    ]
    Path("kept").mkdir()
    whole = score(insurance, f"in.{form}", "--out", f"here.{form}")
    with monkeypatch.context() as patch:
        stop_after(patch, 4, KeyboardInterrupt())
        assert score(insurance, *arguments) == 130
    assert s3.get(f"rows/out.{form}") is None
    assert os.listdir("kept") == [f"s3_rows_out.{form}.parts"]
    capsys.readouterr()

    pq.write_table(people(7_000), tmp_path / "other.parquet", row_group_size=1_000)
    (tmp_path / "other.csv").write_text(people_csv(7_000))
    s3.put(f"rows/in.{form}", tmp_path / f"other.{form}")
    assert score(insurance, *arguments) == 1
    assert f"s3://rows/in.{form} has changed since" in said(capsys)
    s3.put(f"rows/in.{form}", tmp_path / f"in.{form}")
    made: list[int] = []
    note_parts(monkeypatch, made)
    assert score(insurance, *arguments) == whole

    assert made and min(made) == 4
    assert s3.get(f"rows/out.{form}") == Path(f"here.{form}").read_bytes()
    assert os.listdir("kept") == []


def note_parts(monkeypatch, made: list[int]) -> None:
    """Note which parts are made."""
    make = run.Worker.make
    monkeypatch.setattr(run.Worker, "make", lambda worker, task: made.append(task.index) or make(worker, task))


def test_an_object_that_changes_while_it_is_read_is_named(s3, insurance, tmp_path, in_parts, monkeypatch, capsys):  # noqa: F811
    FORMS["parquet"](tmp_path / "in.parquet")
    url = s3.put("rows/in.parquet", tmp_path / "in.parquet")
    make = run.Worker.make

    def changing(worker, task):
        if task.index == 3:
            pq.write_table(people(8_000), tmp_path / "in.parquet", row_group_size=1_000)
            s3.put("rows/in.parquet", tmp_path / "in.parquet")
        return make(worker, task)

    monkeypatch.setattr(run.Worker, "make", changing)

    assert score(insurance, url, "--out", "out.csv") == 1

    assert "s3://rows/in.parquet: was changed while it was scored" in said(capsys)
    assert not Path("out.csv").exists()


def test_an_output_is_replaced_only_once_all_is_scored(s3, insurance, tmp_path, capsys):
    (tmp_path / "in.csv").write_text(people_csv(50))
    s3.put("rows/out.csv", b"old")
    s3.put("rows/out.csv.faults.csv", b"old")

    assert score(insurance, "in.csv", "--out", "s3://rows/out.csv") == 1
    assert "s3://rows/out.csv: exists; give another --out, or --overwrite" in said(capsys)
    assert s3.get("rows/out.csv") == b"old"
    assert score(insurance, "in.csv", "--out", "s3://rows/out.csv", "--overwrite") == 0

    assert s3.get("rows/out.csv").count(b"\n") == 51
    assert s3.get("rows/out.csv.faults.csv") is None


def test_a_store_that_is_gone_at_the_end_costs_only_the_sending(s3, insurance, tmp_path, monkeypatch, capsys):
    (tmp_path / "in.csv").write_text(people_csv(50))
    monkeypatch.setattr(stores, "_RETRIES", {"max_retries": 1})
    name = Parts.name

    def gone(parts, total):
        s3.stop()
        name(parts, total)

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "name", gone)
        assert score(insurance, "in.csv", "--out", "s3://rows/out.csv") == 1
    s3.start()
    s3.put("rows")
    assert "s3://rows/out.csv" in said(capsys)
    made: list[int] = []
    note_parts(monkeypatch, made)

    assert score(insurance, "in.csv", "--out", "s3://rows/out.csv") == 0

    assert made == [] and s3.get("rows/out.csv").count(b"\n") == 51


class SlowWay:
    """A way to a server on which what is sent there goes slowly, and which knows when it has begun."""

    def __init__(self, port: int, pause: float) -> None:
        self.to, self.pause, self.sent = port, pause, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            here, _ = self.listening.accept()
            there = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self._forward, args=(here, there, True), daemon=True).start()
            threading.Thread(target=self._forward, args=(there, here, False), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if counts and len(data) > 10_000:
                    self.sent += len(data)
                    time.sleep(self.pause)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_an_output_that_is_stopped_on_its_way_does_not_appear(number, s3, insurance, tmp_path):
    wide = people(60_000, note=[f"{place * 7919 % 60_013:0120}" for place in range(60_000)])
    pq.write_table(wide, tmp_path / "in.parquet", row_group_size=30_000)
    way = SlowWay(s3.port, 0.01)
    command = [str(SLIPWAY), "score", insurance, "--in", "in.parquet", "--out", "s3://rows/out.csv", "--workers", "1"]
    s3.put("rows/out.csv", b"old")
    process = subprocess.Popen(
        [*command, "--overwrite"],
        env=os.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{way.port}"},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until(lambda: way.sent > 200_000, process)

    process.send_signal(number)

    _, error = process.communicate(timeout=10)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert error.splitlines()[-1:] == (
        ["score: stopped; run the same command again: it goes on where it was"] if number == signal.SIGINT else []
    )
    assert s3.get("rows/out.csv") == b"old"
    again = subprocess.run([*command, "--overwrite"], capture_output=True, text=True)
    assert (again.returncode, again.stderr) == (0, "")
    assert s3.get("rows/out.csv").count(b"\n") == 60_001


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["s3://other/in.csv", "--out", "out.csv"], "there is no bucket 'other'"),
        (["s3://rows/no.csv", "--out", "out.csv"], "there is no such object or folder in the bucket 'rows'"),
        (["s3://rows/*.tsv", "--out", "out.csv"], "--in s3://rows/*.tsv: there is no file in it"),
        (["s3:///in.csv", "--out", "out.csv"], "names no bucket; expected s3://BUCKET/NAME"),
        (["in.csv", "--out", "s3://other/out.csv"], "there is no bucket 'other'"),
        (["in.csv", "--out", "s3://rows/out.txt"], "the name must end with .csv, .parquet, .pq, .arrow"),
        (["in.csv", "--out", "s3://rows/out.csv", "--parts", "none"], "--parts none: there is no folder"),
        (["in.csv", "--out", "out.csv", "--parts", "."], "--parts .: is for an output in a store"),
        (
            ["in.csv", "--out", "ftp://rows/out.csv"],
            "no store is known by ftp://; expected a path, or a URL with s3://",
        ),
    ],
    ids=str,
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(arguments, text, s3, insurance, tmp_path, capsys):
    (tmp_path / "in.csv").write_text(people_csv(3))

    assert score(insurance, *arguments) == 1

    assert text in said(capsys)
    assert os.listdir() == ["in.csv"]


def test_without_credentials_it_says_so(s3, insurance, monkeypatch, capsys):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    # A machine of Amazon would have an address that gives some.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(stores, "_RETRIES", {"max_retries": 0})

    assert score(insurance, "s3://rows/in.csv", "--out", "out.csv") == 1

    assert "no credentials were found for s3://" in said(capsys)
