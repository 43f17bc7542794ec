"""`POST /predict_csv`, the limits of both calls, and what is answered in the meantime."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

import httpx
import pandas as pd
import pytest
from starlette.requests import ClientDisconnect

from slipway import store
from slipway.service.file_answer import Wanted, answer_file
from slipway.service.model import LoadedModel
from slipway.service.requests import RequestError, run_until_disconnect
from slipway.service.settings import Settings
from tests.calls import CSV, GOOD, HEADER, JSON, ROW, form, on_a_loop, predict, refusal, rows, upload
from tests.conftest import PATIENT, PERSON, Server, serve


@pytest.fixture(scope="module")
def small_server(insurance: str) -> Iterator[Server]:
    """A server with limits that a test can reach."""
    limits = {
        "SLIPWAY_MAX_RECORDS": "3",
        "SLIPWAY_MAX_ROWS": "5",
        "SLIPWAY_MAX_MEGABYTES": "1",
        "SLIPWAY_MAX_REASONS": "2",
    }
    with serve("--arg", f"model={insurance}", **limits) as server:
        yield server


# CSV


def test_a_csv_comes_back_with_the_answers_of_predict_in_its_order_and_its_other_columns_untouched(insurance_server):
    people = [PERSON | {"age": age} for age in (50, 20, 35)]
    lines = [f'no. {i},no,southwest,{p["age"]},male,25.0,0," a, ""b"" "' for i, p in enumerate(people)]
    text = "\n".join(["name,smoker,region,age,sex,bmi,children,Note", *lines])

    response = upload(insurance_server, text)

    found, answers = rows(response), predict(insurance_server, *people).json()["predictions"]
    assert [float(row["prediction"]) for row in found] == [one["prediction"] for one in answers]
    for end in ("low", "high"):
        assert [float(row[end]) for row in found] == [one["interval"][end] for one in answers]
    assert list(found[0])[:8] == ["name", "smoker", "region", "age", "sex", "bmi", "children", "Note"]
    assert list(found[0])[-3:] == ["codes", "warnings", "problems"]
    assert [(row["name"], row["Note"], row["problems"]) for row in found] == [
        (f"no. {i}", ' a, "b" ', "") for i in range(3)
    ]
    assert response.headers["content-type"] == "text/csv; charset=utf-8"


def test_a_csv_of_patients_gets_probabilities_and_reads_zeros_and_gaps_as_not_measured(diabetes_server):
    header = ",".join(PATIENT)
    text = f"{header}\n2,131,70,25,100,31.5,0.42,41\n2,0,70,25,100,31.5,0.42,41\n2,,70,25,100,31.5,0.42,41\n"

    found = rows(upload(diabetes_server, text))

    answers = predict(diabetes_server, PATIENT, PATIENT | {"Glucose": None}).json()["predictions"]
    ones = [float(row["probability_1"]) for row in found]
    assert ones == [answers[i]["probabilities"]["1"] for i in (0, 1, 1)]
    assert [float(row["probability_0"]) + one for row, one in zip(found, ones, strict=True)] == pytest.approx([1] * 3)
    few = "ask a person: too few training cases are like this one, expected at least 10"  # without the most important field
    assert [row["warnings"] for row in found] == ["", f"Glucose: 0 read as not measured; {few}", few]
    assert [row["codes"] for row in found] == ["", "read_as_missing; few_similar_cases", "few_similar_cases"]


def test_a_file_is_decided_by_another_threshold_where_it_is_asked_for(diabetes_server):
    text = f"{','.join(PATIENT)}\n{','.join(map(str, PATIENT.values()))}\n"
    (own,) = rows(upload(diabetes_server, text))
    probability = float(own["probability_1"])
    above, below = (
        rows(upload(diabetes_server, text, threshold=str(one)))[0] for one in (probability + 1e-6, probability)
    )

    assert own["threshold"] == "0.3" and float(below["threshold"]) == probability
    assert (above["prediction"], below["prediction"]) == ("0", "1")
    assert above["probability_1"] == below["probability_1"] == own["probability_1"]


@pytest.mark.parametrize(
    ("fixture", "threshold", "said"),
    [
        ("diabetes_server", "30", "`threshold` is '30'; expected a probability from 0 to 1"),
        ("diabetes_server", "half", "`threshold` is 'half'; expected a probability from 0 to 1"),
        ("diabetes_server", "nan", "`threshold` is 'nan'; expected a probability from 0 to 1"),
        ("insurance_server", "0.3", "`threshold` is '0.3', and this model decides by none"),
    ],
)
def test_a_threshold_that_cannot_decide_is_refused(request, fixture, threshold, said):
    response = upload(request.getfixturevalue(fixture), CSV, threshold=threshold)

    assert refusal(response, 400)["error"].startswith(said)


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        pytest.param(CSV.replace(",", ";").replace("25.0", "25,0"), ";", id="semicolon and decimal comma"),
        pytest.param(CSV.replace(",", "\t"), "\t", id="tab"),
        pytest.param(CSV.replace(",", "|"), "|", id="bar"),
        pytest.param(CSV.encode("utf-16"), ",", id="UTF-16"),
        pytest.param(CSV.encode("utf-8-sig"), ",", id="byte order mark"),
        pytest.param(CSV.replace("\n", "\r\n"), ",", id="CRLF"),
        pytest.param(CSV.rstrip(), ",", id="no last line break"),
    ],
)
def test_a_csv_as_programs_write_it_is_read(insurance_server, content, separator):
    response = upload(insurance_server, content)

    found = rows(response, separator)
    assert [float(row["prediction"].replace(",", ".")) for row in found] == [
        predict(insurance_server, PERSON).json()["predictions"][0]["prediction"]
    ]
    assert list(found[0])[0] == "age"


def test_faulty_and_ragged_rows_stay_in_their_place_and_say_their_line(insurance_server):
    text = f"{HEADER}\n{ROW}\n\nx,male,5,0,no,moon\n{ROW}\n{ROW},9\n40,male\n{ROW}\n"

    response = upload(insurance_server, text)

    found = rows(response)
    assert [bool(row["prediction"]) for row in found] == [True, False, True, False, False, True]
    assert [row["problems"].partition(":")[0] for row in found] == ["", "line 4", "", "line 6", "line 7", ""]
    for part in ("age: 'x' wrong type", "bmi: '5' must be between 10 and 100", "region: 'moon' unknown category"):
        assert part in found[1]["problems"]
    assert "7 cells, the header has 6" in found[3]["problems"]
    codes = ["", "wrong_type; out_of_bounds; unknown_category", "", "wrong_cell_count", "wrong_cell_count", ""]
    assert [row["codes"] for row in found] == codes
    assert (response.headers["x-rows"], response.headers["x-faulty-rows"]) == ("6", "3")


def test_an_uploaded_column_called_prediction_is_kept_beside_ours(insurance_server):
    found = rows(upload(insurance_server, f"prediction,{HEADER},problems\nmine,{ROW},none\n"))

    assert (found[0]["prediction"], found[0]["problems"]) == ("mine", "none")
    assert float(found[0]["prediction.1"]) > 0 and found[0]["problems.1"] == ""


def test_missing_columns_are_all_named_with_the_nearest(insurance_server):
    body = refusal(upload(insurance_server, CSV.replace("age", "Ages").replace("region", "regoin")))

    assert [item["field"] for item in body["details"]] == ["age", "region"]
    assert "did you mean 'Ages'?" in body["error"] and "did you mean 'regoin'?" in body["error"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param(CSV.replace(",", "·"), "columns are missing", id="unknown separator"),
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n\n", "is empty", id="blank"),
        pytest.param(HEADER + "\n", "no rows", id="only a header"),
        pytest.param(bytes(range(256)) * 50, "not a text table", id="binary"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG", id="picture"),
        pytest.param(f"{HEADER},age\n{ROW},1\n", "'age' 2 times", id="doubled column"),
        pytest.param("x" * 1_000_000 + "\n1\n", "columns are missing", id="column name of 1 MB"),
    ],
)
def test_a_file_that_does_not_fit_the_schema_is_refused(insurance_server, content, named):
    response = upload(insurance_server, content)

    assert named in refusal(response)["error"]
    assert len(response.content) < 10_000


FILE = ("a.csv", CSV)


@pytest.mark.parametrize(
    ("files", "named"),
    [
        pytest.param({"csv": FILE}, "`file`", id="other field"),
        pytest.param({"file": (None, "http://127.0.0.1:1/people.csv")}, "`file`", id="an address in place of the file"),
        pytest.param({"file": (None, CSV)}, "`file`", id="text in place of the file"),
        pytest.param([("file", FILE), ("file", FILE)], "Too many files", id="two files"),
        pytest.param([("file", FILE), ("other", FILE)], "Too many files", id="a second file"),
        pytest.param([("file", FILE), *[("x", (None, "y"))] * 20], "Too many fields", id="many fields"),
    ],
)
def test_a_form_without_just_the_file_is_refused(insurance_server, files, named):
    assert named in refusal(insurance_server.post("/predict_csv", files=files))["error"]


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(b"nothing of the kind", "multipart/form-data; boundary=x", id="malformed"),
        pytest.param(PART, "multipart/form-data", id="no boundary"),
        pytest.param(PART, "multipart/form-data; boundary=", id="empty boundary"),
        pytest.param(PART + b"\r\n" + CSV.encode(), "multipart/form-data; boundary=x", id="cut short"),
        pytest.param(b"--x\r\n\r\na\r\n--x--\r\n", "multipart/form-data; boundary=x", id="part without a name"),
        pytest.param(
            PART + b"X-A: b\r\n" * 5_000 + b"\r\na\r\n--x--", "multipart/form-data; boundary=x", id="5,000 headers"
        ),
        pytest.param(b"", "multipart/form-data; boundary=x", id="empty"),
    ],
)
def test_a_malformed_form_is_refused(insurance_server, content, kind):
    assert "`file`" in refusal(form(insurance_server, content, kind))["error"]


@pytest.mark.parametrize("kind", ["text/csv", "application/json", "application/x-www-form-urlencoded"])
def test_a_csv_that_comes_in_no_form_is_refused_with_415(insurance_server, kind):
    assert "multipart/form-data" in refusal(form(insurance_server, CSV.encode(), kind), 415)["error"]


# Reasons


def explained(server: Server, content: str, reasons: str = "true") -> httpx.Response:
    files = {"file": ("people.csv", content, "text/csv")}
    return httpx.post(f"{server.url}/predict_csv", files=files, data={"reasons": reasons}, timeout=60)


def test_a_csv_with_reasons_has_what_explain_says_of_each_good_row(insurance_server):
    text = f"base,{HEADER}\nmine,{ROW}\nmine,{ROW.replace('male', 'robot')}\nmine,{ROW.replace('no', 'yes')}\n"

    found = rows(explained(insurance_server, text))

    for row, person in ((found[0], PERSON), (found[2], PERSON | {"smoker": "yes"})):
        told = insurance_server.post("/explain", json={"record": person}).json()
        assert float(row["base.1"]) == told["base"] and row["base"] == "mine"
        shares = {one["field"]: one["contribution"] for one in told["contributions"]}
        assert {name: float(row[f"contribution_{name}"]) for name in PERSON} == shares
        assert float(row["prediction"]) == told["prediction"]
    assert {found[1][f"contribution_{name}"] for name in PERSON} == {""} and "robot" in found[1]["problems"]
    assert rows(explained(insurance_server, text, "false")) == rows(upload(insurance_server, text))


@pytest.mark.parametrize("reasons", ["yes", "", "True"])
def test_reasons_are_true_or_false(insurance_server, reasons):
    assert "expected true or false" in refusal(explained(insurance_server, CSV, reasons))["error"]


def test_other_calls_are_answered_while_reasons_are_looked_for(insurance_server):
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(explained, insurance_server, CSV + f"{ROW}\n" * 499)
        probes = 0
        while not slow.done():
            assert insurance_server.get("/livez").status_code == 200
            probes += not slow.done()

    assert len(rows(slow.result())) == 500 and probes > 1


def test_nobody_waits_for_reasons_any_more_once_the_client_hung_up():
    class Gone:
        async def is_disconnected(self) -> bool:
            return True

    told = []

    async def work(unwanted: Event) -> None:
        told.append(await asyncio.to_thread(unwanted.wait, 30))

    async def listen() -> None:
        with pytest.raises(ClientDisconnect):
            await run_until_disconnect(Gone(), work)
        while not told:
            await asyncio.sleep(0.01)

    on_a_loop(asyncio.wait_for(listen(), 60))

    assert told == [True]


def test_reasons_that_nobody_waits_for_are_looked_for_no_further(insurance):
    served, unwanted = LoadedModel(store.find(insurance)), Event()
    asked = []

    def shares(checked):
        for row in range(len(checked.warnings)):
            asked.append(row)
            unwanted.set()
            yield None

    served.__dict__["_explaining"] = SimpleNamespace(shares=shares, is_fast=True)
    on_a_loop(answer_file(served, (CSV + f"{ROW}\n" * 9).encode(), Wanted(reasons=True), unwanted))

    assert asked == [0]


# Limits


def test_records_up_to_the_limit_are_answered_and_one_more_is_413_that_names_it(small_server):
    assert len(predict(small_server, *[PERSON] * 3).json()["predictions"]) == 3

    response = predict(small_server, *[PERSON] * 4)

    assert "4 records in one call; the limit is 3 (SLIPWAY_MAX_RECORDS)" in refusal(response, 413)["error"]


def test_rows_up_to_the_limit_are_answered_and_one_more_is_413_that_names_it(small_server):
    assert len(rows(upload(small_server, CSV + f"{ROW}\n" * 4))) == 5

    response = upload(small_server, CSV + f"{ROW}\n" * 5)

    assert "6 rows; the limit is 5 (SLIPWAY_MAX_ROWS)" in refusal(response, 413)["error"]


def test_reasons_that_take_thousands_of_predictions_have_a_fortieth_of_the_limit(insurance, diabetes):
    settings = Settings(max_reasons=80)
    trees, linear = (LoadedModel(store.find(tag), settings) for tag in (insurance, diabetes))
    assert (trees.most_reasons, linear.most_reasons) == (80, 2)
    content = pd.DataFrame([PATIENT] * 3).to_csv(index=False).encode()

    with pytest.raises(RequestError, match=r"with reasons the limit is 2 \(SLIPWAY_MAX_REASONS / 40\)"):
        on_a_loop(answer_file(linear, content, Wanted(reasons=True), Event()))


def test_rows_with_reasons_have_a_limit_of_their_own(small_server):
    assert float(rows(explained(small_server, CSV + f"{ROW}\n"))[1]["base"]) > 0

    response = explained(small_server, CSV + f"{ROW}\n" * 2)

    assert "3 rows; with reasons the limit is 2 (SLIPWAY_MAX_REASONS)" in refusal(response, 413)["error"]


@pytest.mark.parametrize("chunked", [False, True], ids=["length known", "chunked"])
@pytest.mark.parametrize("path", ["/predict", "/predict_csv"])
def test_more_bytes_than_the_limit_are_413_that_names_it(small_server, path, chunked):
    over = 1024 * 1024 + 100_000
    form = PART + b"\r\n" + b"x" * over + b"\r\n--x--\r\n"
    content, kind = (
        (b" " * over, JSON["content-type"]) if path == "/predict" else (form, "multipart/form-data; boundary=x")
    )
    sent = iter([content[: over // 2], content[over // 2 :]]) if chunked else content

    response = small_server.post(path, content=sent, headers={"content-type": kind})

    assert "1 MB" in refusal(response, 413)["error"]


def test_a_chunked_body_is_answered(small_server):
    chunks = (GOOD[i : i + 7].encode() for i in range(0, len(GOOD), 7))

    response = small_server.post("/predict", content=chunks, headers=JSON)

    assert response.json() == predict(small_server, PERSON).json()


# Probes


def test_probes_and_predictions_are_answered_while_a_big_csv_is_predicted(insurance_server):
    with ThreadPoolExecutor(2) as pool:
        big = pool.submit(upload, insurance_server, CSV + f"{ROW}\n" * 60_000)
        single = pool.submit(predict, insurance_server, PERSON)
        probes = 0
        while not big.done():
            assert insurance_server.get("/livez").status_code == 200
            probes += not big.done()

    assert len(rows(big.result())) == 60_001
    assert single.result().status_code == 200
    assert probes > 1


def test_a_body_of_many_tiny_records_is_refused(insurance_server):
    body = '{"records":[' + ",".join(["[]"] * 8_000_000) + "]}"

    refusal(insurance_server.post("/predict", content=body, headers=JSON), 413)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_the_probes_answer(insurance_server, path):
    assert insurance_server.get(path).status_code == 200


def test_the_metrics_count_our_own_predictions(insurance_server):
    predict(insurance_server, PERSON)

    lines = insurance_server.get("/metrics").text.splitlines()

    counted = [line for line in lines if "request_total" in line and 'endpoint="/predict"' in line and '"200"' in line]
    assert counted and float(counted[0].split()[-1]) >= 1
