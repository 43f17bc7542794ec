"""What a client may send: limits that are checked while reading, and refusals that name the setting."""

import asyncio
import errno
import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx
import numpy as np
import psutil
import pytest
from starlette.testclient import TestClient

from bench import uploads
from slipway import store
from slipway.errors import Fault, FaultCode, RecordsError, TableTooLargeError
from slipway.inference.equality import Answers
from slipway.inference.table import predict_table
from slipway.schema.fields import Field
from slipway.schema.schema import UNLISTED, Schema, Target
from slipway.service import file_answer
from slipway.service.file_answer import Wanted, answer_file
from slipway.service.limits import Limits
from slipway.service.model import LoadedModel
from slipway.service.requests import RequestError
from slipway.service.routes import make_routes
from slipway.service.settings import Settings
from slipway.tables import files
from slipway.tables.bounds import Bound, Bounds
from slipway.tables.files import read_upload
from slipway.tables.writers import TextWriter
from tests.calls import CSV, HEADER, JSON, ROW, on_a_loop, refusal, rows, upload
from tests.conftest import PERSON, Server, serve

MEGABYTES_25 = 25 * 1024 * 1024
SMALL = Bounds(
    *(Bound(limit, name, "remedy") for name, limit in [("ROWS", 3), ("COLUMNS", 4), ("CELLS", 6), ("CELL", 10)])
)


# Reading


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("a\n" + "1\n" * 4, "at least 4 rows; the limit is 3 (ROWS)", id="rows"),
        pytest.param("a\n1" + "\n" * 5, "at least 4 empty lines; the limit is 3 (ROWS)", id="empty lines"),
        pytest.param("a,b,c\n" + "1,2,3\n" * 3, "at least 9 cells; the limit is 6 (CELLS)", id="cells"),
        pytest.param("a,b,c\n" + "1\n" * 3, "at least 9 cells; the limit is 6 (CELLS)", id="cells that are not there"),
        pytest.param("a,b,c,d,e\n1,2,3,4,5\n", "at least 5 cells on line 1; the limit is 4 (COLUMNS)", id="columns"),
        pytest.param("a\n\n,,,,x\n", "at least 5 cells on line 3; the limit is 4 (COLUMNS)", id="cells of a row"),
        pytest.param("a\n12345678901\n", "at least 11 characters in a cell of line 2; the limit is 10 (CELL)", id="cell"),
        pytest.param('a\n"1234\r\n56789"\n', "at least 11 characters in a cell of line 2", id="cell of two lines"),
        pytest.param("a\n" + "1" * 50, "at least 50 characters in the row that begins on line 2; the limit is 40 (4 × CELL)", id="row"),
        pytest.param('a\n1\n"' + "1\n" * 30, "at least 41 characters in the row that begins on line 3", id="quote never closed"),
        pytest.param('a\n' + '1,"\n",' * 30, "characters in the row that begins on line 2", id="row of many lines"),
        pytest.param("a\r" + "1\r" * 4, "at least 4 rows", id="carriage returns"),
    ],
)  # fmt: skip
def test_a_table_is_read_to_its_first_bound_and_no_further(text, named):
    with pytest.raises(TableTooLargeError) as caught:
        read_upload(text.encode(), bounds=SMALL)

    assert named in str(caught.value) and str(caught.value).endswith(": remedy")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_is_within_its_bounds_is_read_as_without_any(encoding):
    text = 'a,"b\n1"\r\n\n1234567890,ä\r\n"x\ny"\n1,2,3,4\n'.encode(encoding)

    assert read_upload(text, bounds=SMALL) == read_upload(text)
    assert read_upload(text).rows == [["1234567890", "ä"], ["x\ny", ""], ["1", "2"]]


def test_a_table_in_blocks_is_the_table(insurance, monkeypatch):
    served = LoadedModel(store.find(insurance))
    text = f"note,{HEADER}\n" + f"x,{ROW}\ny,{ROW},9\n\nz,{ROW.replace('male', 'robot')}\n" * 5
    table = read_upload(text.encode())
    whole = predict_table(served.predictor, table, TextWriter())

    monkeypatch.setattr("slipway.inference.table.BLOCK_ROWS", 4)

    assert predict_table(served.predictor, table, TextWriter()) == whole
    assert whole.faulty == 10 and whole.content.count(b"line 17:") == 1


def test_a_row_without_a_finite_answer_is_named_by_its_place_in_the_file(insurance, monkeypatch):
    served = LoadedModel(store.find(insurance))
    monkeypatch.setattr("slipway.inference.table.BLOCK_ROWS", 2)

    def none_for_the_first(checked):
        raise RecordsError([Fault(FaultCode.NO_FINITE_PREDICTION, record=0)])

    def first_block(checked):
        return Answers(np.ones(2)) if len(checked.warnings) == 2 else none_for_the_first(checked)

    monkeypatch.setattr(served.predictor, "predict_arrays", first_block)
    text = f"{HEADER}\n{ROW}\n{ROW}\n{ROW.replace('male', 'robot')}\n{ROW}\n"

    with pytest.raises(RecordsError) as caught:
        predict_table(served.predictor, read_upload(text.encode()), TextWriter())

    assert [fault.record for fault in caught.value.details] == [3]


@pytest.mark.parametrize("cell", ["a\rb", "c\nd", "\r", '"', '"e"', ' f "', "'g", "h\r\ni", "j,k", "", "ü"])
def test_a_cell_is_returned_unchanged_for_every_reader(insurance_server, cell):
    quoted = cell.replace('"', '""')

    response = upload(insurance_server, f'note,{HEADER}\n"{quoted}",{ROW}\nlast,{ROW}\n')

    assert [row["note"] for row in rows(response)] == [cell, "last"]
    assert read_upload(response.content).column("note") == [cell, "last"]


# Memory


@pytest.fixture(scope="module")
def fresh_server(insurance: str) -> Iterator[Server]:
    """One worker with the limits that it has by default.

    But for time: beside other tests, four workbooks at the low priority of a helper can take more than its five minutes.
    """
    with serve("--arg", f"model={insurance}", from_nothing=True, SLIPWAY_MAX_SECONDS="1800") as server:
        yield server


def repeated(text: str) -> bytes:
    return (text * (MEGABYTES_25 // len(text)))[: MEGABYTES_25 - 100_000].encode()


@pytest.mark.parametrize(
    ("content", "setting"),
    [
        pytest.param(lambda: f"{HEADER}\n".encode() + repeated("1\n"), "SLIPWAY_MAX_ROWS", id="13 million rows"),
        pytest.param(lambda: f"{HEADER}\n".encode() + repeated("\n"), "SLIPWAY_MAX_ROWS", id="25 million empty lines"),
        pytest.param(lambda: repeated(",") + b"\n1\n", "SLIPWAY_MAX_CELL_CHARACTERS", id="25 million columns"),
        pytest.param(lambda: f"{HEADER}\n".encode() + repeated(","), "SLIPWAY_MAX_CELL_CHARACTERS", id="25 million cells"),
        pytest.param(lambda: f'{HEADER}\n"'.encode() + repeated("a\n"), "SLIPWAY_MAX_CELL_CHARACTERS", id="one cell"),
        pytest.param(lambda: repeated(",".join(["ab"] * 30) + "\n") + "😀".encode(), "SLIPWAY_MAX_CELLS", id="8 million cells"),
        pytest.param(lambda: ",".join(f"c{i}" for i in range(9000)).encode() + b"\n" + repeated("1\n"), "SLIPWAY_MAX_CELLS", id="ragged rows"),
        pytest.param(lambda: b"[[]" + repeated(",[]") + b"]", "SLIPWAY_MAX_ROWS", id="8 million lists"),
        pytest.param(lambda: b"[[1]" + repeated(",[1]") + b"]", "SLIPWAY_MAX_ROWS", id="6 million lists of a number"),
        pytest.param(lambda: b'{"a": [1' + repeated(",1") + b"]}", "SLIPWAY_MAX_CELLS", id="13 million numbers in a list"),
        pytest.param(lambda: gzip.compress(b"[{}" + 30_000_000 * b",{}" + b"]", 1), "SLIPWAY_MAX_ROWS", id="30 million objects, packed"),
    ],
)  # fmt: skip
def test_the_worst_files_take_little_memory_and_are_413_that_names_the_setting(fresh_server, content, setting):
    data = content()
    before = peak(fresh_server, reset=True)

    response = upload(fresh_server, data)

    assert f"({setting})" in re.sub(r"[45] × ", "", refusal(response, 413)["error"])
    assert peak(fresh_server) - before < 600


def peak(server: Server, reset: bool = False) -> float:
    """The most memory that each process of a server had since the last reset, together in MB."""
    found = 0.0
    for process in psutil.Process(server.process.pid).children():
        if reset:
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")
        status = Path(f"/proc/{process.pid}/status").read_text()
        found += int(status.partition("VmHWM:")[2].split()[0]) / 1000
    return found


def test_a_workbook_with_a_cell_far_from_its_table_is_refused_before_it_fills_the_memory(fresh_server):
    data = uploads.workbook(2, 6, far='<row r="300000"><c r="BZ300000"><v>1</v></c></row>')
    before = peak(fresh_server, reset=True)

    response = upload(fresh_server, data)

    assert "at least 23,400,000 cells" in refusal(response, 413)["error"]
    assert peak(fresh_server) - before < 100


def test_what_needs_more_memory_than_a_helper_may_have_is_a_503_and_the_next_file_is_answered(insurance):
    large = uploads.FILES["200,000 rows of 25 different cells, packed"]()
    with (
        serve("--arg", f"model={insurance}", SLIPWAY_MAX_HELPER_MEGABYTES="300") as server,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = [*pool.map(lambda _: upload(server, large), range(2))]
        after = upload(server, CSV)
        log = server.log.read_text()

    assert {refusal(answer, 503)["code"] for answer in answers} <= {"no_memory", "overloaded"}
    assert after.status_code == 200
    assert "Traceback" not in log


def test_workbooks_at_once_that_need_more_memory_than_a_helper_may_have_do_not_end_it(insurance):
    """What reads a workbook ends the process where it finds no memory."""
    large = uploads.workbook(60_000, 25)
    with (
        serve("--arg", f"model={insurance}", SLIPWAY_MAX_HELPER_MEGABYTES="300") as server,
        ThreadPoolExecutor(2) as pool,
    ):
        answers = [*pool.map(lambda _: upload(server, large), range(2))]
        log = server.log.read_text()

    assert {answer.json()["code"] for answer in answers} <= {"no_memory", "missing_columns"}
    assert "was ended by" not in log


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["200,000 rows of 25 different cells, packed", "JSON: 180,000 records", "workbook: 100 MB of texts"]
)
def test_four_uploads_at_once_stay_within_the_memory_of_our_manifest(fresh_server, name):
    """One file of each kind; `python -m bench.uploads` sends all that are known."""
    with uploads.Memory(fresh_server) as memory, ThreadPoolExecutor(uploads.AT_ONCE) as pool:
        port, body = int(fresh_server.url.rpartition(":")[2]), uploads.FILES[name]()
        answers = [*pool.map(lambda _: uploads.send(port, "/predict_csv", body), range(uploads.AT_ONCE))]

    assert {status for status, *_ in answers} <= {200, 400, 413}, answers
    assert memory.in_all * 1e6 / 2**20 < uploads.MOST_IN_ALL


@pytest.mark.parametrize(("path", "start"), [("/predict", '{"records": [{"a": ['), ("/explain", '{"record": {"a": [')])
def test_a_body_of_more_values_than_the_limit_is_413_that_names_it(insurance_server, path, start):
    response = insurance_server.post(path, content=start + "1," * 500_000 + "1]}]}", headers=JSON)

    assert "(SLIPWAY_MAX_RECORDS)" in refusal(response, 413)["error"]


def test_faults_that_are_not_listed_are_counted(insurance):
    schema = store.find(insurance).schema()
    many = PERSON | {f"k{i}": 1 for i in range(5000)}

    _, _, faults = schema.check_record(many)
    with pytest.raises(RecordsError, match="10,000 faults") as caught:
        schema.check_records([many, many])

    assert len(faults) == 5000 and sum(fault is UNLISTED for fault in faults) == 4900
    assert [fault.field for fault in caught.value.details] == [f"k{i}" for i in range(100)]


def test_an_answer_that_is_longer_than_its_limit_is_413_that_names_it(insurance):
    served = LoadedModel(store.find(insurance), Settings(max_answer_megabytes=1))

    with pytest.raises(RequestError, match=r"the answer has at least .* bytes; the limit is 1,048,576 \(SLIPWAY_MAX_ANSWER_MEG") as caught:  # fmt: skip
        on_a_loop(answer_file(served, (CSV + "x,x,x,x,x,x\n" * 5000).encode(), Wanted(), Event()))

    assert (caught.value.status, caught.value.code) == (413, "result_too_large")


# Many at once, and no room


def test_a_worker_reads_two_files_at_a_time(insurance, monkeypatch):
    served = LoadedModel(store.find(insurance))
    running, most = [], []

    def read(data, bounds):
        running.append(data)
        most.append(len(running))
        found = files.read_upload(data, bounds)
        Event().wait(0.2)
        running.pop()
        return found

    monkeypatch.setattr(file_answer, "read_upload", read)
    app = make_routes(served, None)

    async def call(client):
        return await client.post("/predict_csv", files={"file": ("a.csv", CSV)})

    async def calls():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=60) as client:
            return await asyncio.gather(*(call(client) for _ in range(6)))

    assert {response.status_code for response in on_a_loop(calls())} == {200}
    assert max(most) == 2


class Full(tempfile.SpooledTemporaryFile):
    """A temporary file on a disk that is full."""

    def rollover(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_that_finds_no_room_on_the_disk_is_a_503(insurance, monkeypatch):
    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", Full)
    client = TestClient(make_routes(LoadedModel(store.find(insurance)), None))

    small = client.post("/predict_csv", files={"file": ("a.csv", CSV)})
    large = client.post("/predict_csv", files={"file": ("a.csv", CSV + f"{ROW}\n" * 60_000)})

    assert small.status_code == 200
    refused = refusal(large, 503)
    assert "no room for the file" in refused["error"] and refused["code"] == "no_disk_space"


def test_records_are_not_refused_for_commas_in_categories():
    many = ", ".join("abcdefghijkl" * 5)
    field = Field("tags", "category", "object", {"en": "tags"}, many, categories=(many, "a"))
    schema = Schema("m", "regression", (field,), Target("y", {"en": "y"}))

    body = json.dumps({"records": [{"tags": many}] * 10_000})

    assert sum(map(body.count, ",[{")) <= Limits(Settings()).values(schema)
