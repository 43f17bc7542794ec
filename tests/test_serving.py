"""The HTTP contract, spoken to `bentoml serve` processes: what comes back for good calls, and for every bad one."""

import csv
import io
import json
import math
import os
import re
import tempfile
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import bentoml
import httpx
import pytest

from slipway import store
from slipway.predictor import Predictor, draw_records
from tests.conftest import PERSON, Server, serve

PATIENT = {
    "Pregnancies": 2,
    "Glucose": 131,
    "BloodPressure": 70,
    "SkinThickness": 25,
    "Insulin": 100,
    "BMI": 31.5,
    "DiabetesPedigreeFunction": 0.42,
    "Age": 41,
}
HEADER = ",".join(PERSON)
ROW = ",".join(map(str, PERSON.values()))
CSV = f"{HEADER}\n{ROW}\n"
JSON = {"content-type": "application/json"}
GRADIO_FILES = Path(os.environ.get("GRADIO_TEMP_DIR", Path(tempfile.gettempdir()) / "gradio"))


@pytest.fixture(scope="module")
def small_server(insurance: str) -> Iterator[Server]:
    """A server with limits that a test can reach."""
    limits = {"SLIPWAY_MAX_RECORDS": "3", "SLIPWAY_MAX_ROWS": "5", "SLIPWAY_MAX_MEGABYTES": "1"}
    with serve("--arg", f"model={insurance}", **limits) as server:
        yield server


def predict(server: Server, *records: object) -> httpx.Response:
    return server.post("/predict", json={"records": records})


def upload(server: Server, content: str | bytes) -> httpx.Response:
    return server.post("/predict_csv", files={"file": ("people.csv", content, "text/csv")})


def form(server: Server, content: bytes, kind: str = "multipart/form-data; boundary=x") -> httpx.Response:
    return server.post("/predict_csv", content=content, headers={"content-type": kind})


def rows(response: httpx.Response, separator: str = ",") -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    return list(csv.DictReader(io.StringIO(response.text), delimiter=separator))


def refusal(response: httpx.Response, status: int = 400) -> dict:
    """The refusal, after checking that it has the contract's shape."""
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() == {"error", "details"}
    assert body["error"] and isinstance(body["details"], list)
    for detail in body["details"]:
        assert detail.keys() == {"record", "field", "value", "problem", "expected"}
    assert "Traceback" not in response.text and "site-packages" not in response.text
    return body


def fitted(tag: str) -> Predictor:
    return Predictor.load(store.find(tag))


# Answers


def test_insurance_answers_are_the_fitted_pipelines_own_in_the_order_asked(insurance_server, insurance):
    own = fitted(insurance)
    records = draw_records(own.schema, 40, seed=7)

    answered = predict(insurance_server, *records)

    wanted, _ = own.engine.predict(own.schema.frame(records))
    assert answered.status_code == 200, answered.text
    assert answered.json()["model"] == insurance
    assert [one["prediction"] for one in answered.json()["predictions"]] == pytest.approx([max(0, y) for y in wanted])
    assert len(set(wanted)) > 30
    for one in answered.json()["predictions"]:
        assert one.keys() == {"prediction", "interval", "warnings"} and one["warnings"] == []


def test_diabetes_answers_are_the_fitted_pipelines_own_and_probabilities_sum_to_one(diabetes_server, diabetes):
    own = fitted(diabetes)
    records = draw_records(own.schema, 40, seed=7)

    answered = predict(diabetes_server, *records)

    wanted, shares = own.engine.predict(own.schema.frame(records))
    assert answered.status_code == 200, answered.text
    assert answered.json()["model"] == diabetes
    predictions = answered.json()["predictions"]
    assert [one["prediction"] for one in predictions] == wanted and set(wanted) == {0, 1}
    for one, share in zip(predictions, shares, strict=True):
        assert one.keys() == {"prediction", "probabilities", "warnings"}
        assert one["probabilities"] == pytest.approx(share) and one["probabilities"].keys() == {"0", "1"}
        assert math.fsum(one["probabilities"].values()) == pytest.approx(1)
        assert one["prediction"] == int(one["probabilities"]["1"] > 0.5)


def test_a_glucose_of_zero_is_answered_as_not_measured_with_a_warning(diabetes_server):
    zero, null = PATIENT | {"Glucose": 0}, PATIENT | {"Glucose": None}

    first, second, measured = predict(diabetes_server, zero, null, PATIENT).json()["predictions"]

    assert first["probabilities"] == second["probabilities"] != measured["probabilities"]
    assert first["warnings"] == [{"field": "Glucose", "value": 0, "problem": "read as not measured", "expected": None}]
    assert second["warnings"] == measured["warnings"] == []


def test_a_value_outside_the_training_range_is_answered_with_a_warning_that_names_the_range(insurance_server):
    answered = predict(insurance_server, PERSON | {"age": 90}).json()["predictions"][0]

    range_seen = {"minimum": 18, "maximum": 64}
    problem = "outside the range seen in training"
    assert answered["warnings"] == [{"field": "age", "value": 90, "problem": problem, "expected": range_seen}]
    assert answered["prediction"] > 0


def test_a_whole_number_may_be_written_with_a_point_and_keys_in_any_order(insurance_server):
    turned = dict(reversed((PERSON | {"age": 40.0, "bmi": 25}).items()))

    first, second = predict(insurance_server, PERSON, turned).json()["predictions"]

    assert first == second


def test_bentomls_own_client_gets_what_the_raw_call_gets(insurance_server):
    with bentoml.SyncHTTPClient(insurance_server.url) as client:
        answered = client.predict(records=[PERSON])

    assert answered == predict(insurance_server, PERSON).json()


def test_bentomls_own_client_raises_on_a_bad_record_with_its_faults(insurance_server):
    with bentoml.SyncHTTPClient(insurance_server.url) as client:
        with pytest.raises(
            bentoml.exceptions.InvalidArgument, match='"field":"age","value":"x","problem":"wrong type"'
        ):
            client.predict(records=[PERSON | {"age": "x"}])


# Refused records

NUMBER, WHOLE = "a number", "a whole number"
REGIONS = ["northeast", "northwest", "southeast", "southwest"]
AGES, BMIS = {"minimum": 0, "maximum": 120}, {"minimum": 10, "maximum": 100}
UNKNOWN = "one of age, sex, bmi, children, smoker, region"


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        pytest.param({"bmi": "44"}, [("bmi", "44", "wrong type", NUMBER)], id="number as text"),
        pytest.param({"bmi": True}, [("bmi", True, "wrong type", NUMBER)], id="true for a number"),
        pytest.param({"age": 2.5}, [("age", 2.5, "wrong type", WHOLE)], id="2.5 for a whole number"),
        pytest.param({"smoker": 1}, [("smoker", 1, "wrong type", ["no", "yes"])], id="number for a category"),
        pytest.param({"region": "moon"}, [("region", "moon", "unknown category", REGIONS)], id="unknown category"),
        pytest.param({"smoker": "Yes"}, [("smoker", "Yes", "unknown category", ["no", "yes"])], id="other case"),
        pytest.param({"age": None}, [("age", None, "may not be missing", WHOLE)], id="null"),
        pytest.param({"age": -1}, [("age", -1, "outside the hard bounds", AGES)], id="below the bounds"),
        pytest.param({"bmi": 100.5}, [("bmi", 100.5, "outside the hard bounds", BMIS)], id="above the bounds"),
        pytest.param({"age": {"a": 1}}, [("age", "an object", "wrong type", WHOLE)], id="object"),
        pytest.param({"age": [40]}, [("age", "a list", "wrong type", WHOLE)], id="list"),
        pytest.param({"salary": 3}, [("salary", 3, "unknown field", UNKNOWN)], id="unknown field"),
        pytest.param({"agee": 3}, [("agee", 3, "unknown field", f"{UNKNOWN}; did you mean 'age'?")], id="misspelt"),
        pytest.param(
            {"age": 10**4000},
            [("age", "a whole number of 13288 bits", "not a finite number", WHOLE)],
            id="4,001 digits",
        ),
        pytest.param(
            {"age": "x", "region": "moon", "bmi": 0},
            [
                ("age", "x", "wrong type", WHOLE),
                ("bmi", 0, "outside the hard bounds", BMIS),
                ("region", "moon", "unknown category", REGIONS),
            ],
            id="three at once",
        ),
    ],
)
def test_a_faulty_record_is_refused_with_every_fault(insurance_server, changed, faults):
    response = predict(insurance_server, PERSON, PERSON | changed)

    details = refusal(response)["details"]
    found = [(item["field"], item["value"], item["problem"], item["expected"]) for item in details]
    assert found == faults
    assert {item["record"] for item in details} == {1}


def test_a_field_left_out_is_a_fault_even_where_null_is_allowed(diabetes_server):
    record = {name: value for name, value in PATIENT.items() if name not in ("Glucose", "Age")}

    details = refusal(predict(diabetes_server, record))["details"]

    assert [(item["field"], item["problem"]) for item in details] == [
        ("Glucose", "missing field"),
        ("Age", "missing field"),
    ]


def test_records_that_are_no_objects_are_each_named(insurance_server):
    details = refusal(predict(insurance_server, 1, "a", None, [], PERSON))["details"]

    assert [(item["record"], item["value"]) for item in details] == [(0, 1), (1, "a"), (2, None), (3, "a list")]


def test_of_more_than_100_faults_100_are_listed_and_all_are_counted(insurance_server):
    body = refusal(predict(insurance_server, *[PERSON | {"age": "x"}] * 150))

    assert body["error"].startswith("150 faults") and "first 100" in body["error"]
    assert [item["record"] for item in body["details"]] == list(range(100))


# Refused bodies

GOOD = json.dumps({"records": [PERSON]})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param(GOOD.replace("25.0", "NaN"), "NaN", id="NaN"),
        pytest.param(GOOD.replace("25.0", "Infinity"), "Infinity", id="Infinity"),
        pytest.param(GOOD.replace("25.0", "-Infinity"), "Infinity", id="-Infinity"),
        pytest.param(GOOD.replace("25.0", "1e400"), "1 fault", id="1e400"),
        pytest.param(GOOD.replace("25.0", "1" * 6000), "digits", id="number of 6,000 digits"),
        pytest.param(json.dumps({"records": [PERSON | {"sex": "x" * 10_000_000}]}), "1 fault", id="text of 10 MB"),
        pytest.param("records", "no JSON", id="no JSON"),
        pytest.param(GOOD[:-1], "no JSON", id="cut short"),
        pytest.param("", "no JSON", id="empty body"),
        pytest.param("[]", "expected", id="list"),
        pytest.param("null", "expected", id="null"),
        pytest.param("3", "expected", id="number"),
        pytest.param("{}", "expected", id="no key"),
        pytest.param('{"records": []}', "is empty", id="no records"),
        pytest.param('{"records": "x"}', "is no list", id="records a text"),
        pytest.param('{"records": 3}', "is no list", id="records a number"),
        pytest.param('{"records": null}', "is no list", id="records null"),
        pytest.param(json.dumps({"records": PERSON}), "is no list", id="records an object"),
        pytest.param(json.dumps({"records": [PERSON], "model": "x"}), "'model'", id="extra key"),
        pytest.param(GOOD.replace('"age": 40', '"age": 40, "age": 41'), "twice", id="doubled field"),
        pytest.param('{"records": [], "records": []}', "twice", id="doubled key"),
        pytest.param(GOOD.encode().replace(b"male", b"m\xffle"), "utf-8", id="bad UTF-8"),
        pytest.param(GOOD.encode("utf-16"), "UTF-8", id="UTF-16"),
        pytest.param(GOOD.encode("utf-32-le"), "UTF-8", id="UTF-32"),
        pytest.param("[" * 100_000, "nested too deeply", id="nested 100,000 deep"),
        pytest.param('{"records":' * 100_000, "nested too deeply", id="objects 100,000 deep"),
        pytest.param(GOOD.replace("25.0", r'"\ud800"'), "1 fault", id="lone surrogate as a value"),
        pytest.param(GOOD.replace('"age"', r'"\ud800"'), "2 faults", id="lone surrogate as a field"),
        pytest.param(r'{"\udfff": []}', "expected", id="lone surrogate as a key"),
        pytest.param(b"\x80\x04K\x01.", "no JSON", id="pickle"),
    ],
)
def test_a_body_that_is_no_good_json_is_refused(insurance_server, content, named):
    response = insurance_server.post("/predict", content=content, headers=JSON)

    assert named.lower() in refusal(response)["error"].lower()
    assert len(response.content) < 5_000


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/json",
        "application/vnd.bentoml+pickle",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        None,
    ],
)
def test_any_other_content_type_is_refused_with_415(insurance_server, kind):
    headers = {} if kind is None else {"content-type": kind}

    response = insurance_server.post("/predict", content=GOOD, headers=headers)

    assert "application/json" in refusal(response, 415)["error"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json_however_the_content_type_spells_it(insurance_server, kind):
    response = insurance_server.post("/predict", content=GOOD, headers={"content-type": kind})

    assert response.json() == predict(insurance_server, PERSON).json()


@pytest.mark.parametrize("path", ["/predict", "/model", "/livez"])
def test_bytes_that_are_no_utf8_in_a_content_type_are_answered_whole(insurance_server, path):
    headers = {"content-type": b"application/json; x=\xff"}

    response = insurance_server.post(path, content=GOOD, headers=headers)

    assert response.status_code in (200, 400, 405, 415)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(json.dumps({"x" * 1_000_000: 1}), id="key"),
        pytest.param(json.dumps({"records": [PERSON | {"x" * 1_000_000: 1}]}), id="field"),
    ],
)
def test_a_name_of_1_MB_is_not_sent_back(insurance_server, content):
    response = insurance_server.post("/predict", content=content, headers=JSON)

    refusal(response)
    assert len(response.content) < 5_000


def test_a_quarter_million_unknown_fields_are_refused_within_seconds(insurance_server):
    record = PERSON | {f"field_number_{i}": 1 for i in range(50)}
    start = time.monotonic()

    body = refusal(predict(insurance_server, *[record] * 5_000))

    assert body["error"].startswith("250,000 faults")
    assert time.monotonic() - start < 4


def test_a_line_break_in_a_path_forges_no_line_of_the_log(insurance_server):
    insurance_server.get("/x%0aFORGED")

    deadline = time.monotonic() + 10
    while "FORGED" not in (log := insurance_server.log.read_text(errors="replace")) and time.monotonic() < deadline:
        time.sleep(0.1)  # the line is written after the answer
    assert not re.search("^FORGED", log, re.MULTILINE)


# CSV


def test_a_csv_comes_back_with_the_answers_of_predict_in_its_order_and_its_other_columns_untouched(insurance_server):
    people = [PERSON | {"age": age} for age in (50, 20, 35)]
    lines = [f'no. {i},no,southwest,{p["age"]},male,25.0,0," a, ""b"" "' for i, p in enumerate(people)]
    text = "\n".join(["name,smoker,region,age,sex,bmi,children,Note", *lines])

    response = upload(insurance_server, text)

    found, answers = rows(response), predict(insurance_server, *people).json()["predictions"]
    assert [float(row["prediction"]) for row in found] == [one["prediction"] for one in answers]
    assert list(found[0])[:8] == ["name", "smoker", "region", "age", "sex", "bmi", "children", "Note"]
    assert list(found[0])[-2:] == ["warnings", "problems"]
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
    assert [row["warnings"] for row in found] == ["", "Glucose: 0 read as not measured", ""]


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        pytest.param(CSV.replace(",", ";").replace("25.0", "25,0"), ";", id="semicolon and decimal comma"),
        pytest.param(CSV.replace(",", "\t"), "\t", id="tab"),
        pytest.param(CSV.encode("utf-16"), ",", id="UTF-16"),
        pytest.param(CSV.encode("utf-8-sig"), ",", id="byte order mark"),
        pytest.param(CSV.replace("\n", "\r\n"), ",", id="CRLF"),
        pytest.param(CSV.rstrip(), ",", id="no last line break"),
    ],
)
def test_a_csv_as_programs_write_it_is_read(insurance_server, content, separator):
    response = upload(insurance_server, content)

    found = rows(response, separator)
    assert [float(row["prediction"]) for row in found] == [
        predict(insurance_server, PERSON).json()["predictions"][0]["prediction"]
    ]
    assert list(found[0])[0] == "age"


def test_faulty_and_ragged_rows_stay_in_their_place_and_say_their_line(insurance_server):
    text = f"{HEADER}\n{ROW}\n\nx,male,5,0,no,moon\n{ROW}\n{ROW},9\n40,male\n{ROW}\n"

    response = upload(insurance_server, text)

    found = rows(response)
    assert [bool(row["prediction"]) for row in found] == [True, False, True, False, False, True]
    assert [row["problems"].partition(":")[0] for row in found] == ["", "line 4", "", "line 6", "line 7", ""]
    for part in ("age: 'x' wrong type", "bmi: '5' outside the hard bounds", "region: 'moon' unknown category"):
        assert part in found[1]["problems"]
    assert "7 cells, the header has 6" in found[3]["problems"]
    assert (response.headers["x-rows"], response.headers["x-faulty-rows"]) == ("6", "3")


def test_an_uploaded_column_called_prediction_is_kept_beside_ours(insurance_server):
    found = rows(upload(insurance_server, f"prediction,{HEADER},problems\nmine,{ROW},none\n"))

    assert (found[0]["prediction"], found[0]["problems"]) == ("mine", "none")
    assert float(found[0]["prediction.1"]) > 0 and found[0]["problems.1"] == ""


def test_missing_columns_are_all_named_with_the_nearest(insurance_server):
    body = refusal(upload(insurance_server, CSV.replace("age", "Age").replace("region", "regoin")))

    assert [item["field"] for item in body["details"]] == ["age", "region"]
    assert "did you mean 'Age'?" in body["error"] and "did you mean 'regoin'?" in body["error"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param(CSV.replace(",", "|"), "columns are missing", id="wrong separator"),
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n\n", "is empty", id="blank"),
        pytest.param(HEADER + "\n", "no rows", id="only a header"),
        pytest.param(bytes(range(256)) * 50, "not a text table", id="binary"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG", id="picture"),
        pytest.param(f"{HEADER},age\n{ROW},1\n", "'age' 2 times", id="doubled column"),
        pytest.param("x" * 1_000_000 + "\n1\n", "columns are missing", id="column name of 1 MB"),
        pytest.param(f'{HEADER},note\n{ROW},"a\n{ROW},b\n{ROW},c\n', "line 2", id="quote never closed"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(insurance_server, content, named):
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


# Limits


def test_records_up_to_the_limit_are_answered_and_one_more_is_413_that_names_it(small_server):
    assert len(predict(small_server, *[PERSON] * 3).json()["predictions"]) == 3

    response = predict(small_server, *[PERSON] * 4)

    assert "4 records in one call; the limit is 3 (SLIPWAY_MAX_RECORDS)" in refusal(response, 413)["error"]


def test_rows_up_to_the_limit_are_answered_and_one_more_is_413_that_names_it(small_server):
    assert len(rows(upload(small_server, CSV + f"{ROW}\n" * 4))) == 5

    response = upload(small_server, CSV + f"{ROW}\n" * 5)

    assert "6 rows; the limit is 5 (SLIPWAY_MAX_ROWS)" in refusal(response, 413)["error"]


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


def slowest_probe(server: Server, *running: Future) -> float:
    """The longest wait, in seconds, for `/livez` until all of `running` are done."""
    waits = [0.0]
    while not all(future.done() for future in running):
        start = time.monotonic()
        assert server.get("/livez").status_code == 200
        waits.append(time.monotonic() - start)
        time.sleep(0.05)
    return max(waits)


def test_probes_and_predictions_are_answered_while_a_big_csv_is_predicted(insurance_server):
    with ThreadPoolExecutor(2) as pool:
        big = pool.submit(upload, insurance_server, CSV + f"{ROW}\n" * 60_000)
        single = pool.submit(predict, insurance_server, PERSON)

        slowest = slowest_probe(insurance_server, big, single)

    assert len(rows(big.result())) == 60_001
    assert single.result().status_code == 200
    assert slowest < 3


def test_probes_are_answered_while_a_body_of_many_tiny_records_is_refused(insurance_server):
    body = '{"records":[' + ",".join(["[]"] * 8_000_000) + "]}"
    with ThreadPoolExecutor(1) as pool:
        many = pool.submit(insurance_server.post, "/predict", content=body, headers=JSON)

        slowest = slowest_probe(insurance_server, many)

    refusal(many.result(), 413)
    assert slowest < 2


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_the_probes_answer(insurance_server, path):
    assert insurance_server.get(path).status_code == 200


def test_the_metrics_count_our_own_predictions(insurance_server):
    predict(insurance_server, PERSON)

    lines = insurance_server.get("/metrics").text.splitlines()

    counted = [line for line in lines if "request_total" in line and 'endpoint="/predict"' in line and '"200"' in line]
    assert counted and float(counted[0].split()[-1]) >= 1


# Pages and descriptions


def test_the_root_leads_a_browser_to_the_page_and_tells_others_where_things_are(insurance_server, insurance):
    browser = insurance_server.get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    program = insurance_server.get("/", headers={"accept": "*/*"})

    assert (browser.status_code, browser.headers["location"]) == (307, "ui/")
    assert program.json() == {"model": insurance, "page": "ui/", "docs": "docs", "api": "docs.json"}


@pytest.mark.parametrize(
    ("path", "accepted", "title"),
    [
        ("/ui/", "en-GB,en;q=0.9", "Hospital charges"),
        ("/ui/", "zh-CN,zh;q=0.9,en;q=0.8", "住院费用"),
        ("/ui/", "fr;q=0.9,zh;q=0.5,en;q=0.4", "住院费用"),
        ("/ui/", "fr", "Hospital charges"),
        ("/ui/", ";q=,,\xff;q=9", "Hospital charges"),
        ("/ui/zh/", "en", "住院费用"),
        ("/ui/en/", "zh", "Hospital charges"),
    ],
)
def test_the_page_is_in_the_browsers_language_and_has_an_address_in_each(insurance_server, path, accepted, title):
    response = insurance_server.get(path, headers={"accept-language": accepted.encode("latin-1")})

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert f'"title":"{title}"' in response.text


def test_caches_are_told_that_the_page_depends_on_the_language(insurance_server):
    assert "accept-language" in insurance_server.get("/ui/").headers.get("vary", "").lower()


def test_the_page_is_found_without_its_last_slash(insurance_server):
    found = {
        path: insurance_server.get(path, follow_redirects=True).status_code for path in ("/ui", "/ui/zh", "/ui/en")
    }

    assert found == {"/ui": 200, "/ui/zh": 200, "/ui/en": 200}


def test_the_docs_page_names_no_other_host_and_its_files_are_there(insurance_server):
    page = insurance_server.get("/docs").text

    assert not re.search(r"(https?:)?//\w", page)
    for file in re.findall(r'(?:src|href)="\./([^"]+)"', page) + ["docs.json"]:
        assert insurance_server.get(f"/{file}").status_code == 200, file


def test_the_api_description_has_the_models_own_fields_and_every_reference_resolves(diabetes_server):
    document = diabetes_server.get("/docs.json").json()

    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    row = body["properties"]["records"]["items"]
    assert list(row["properties"]) == row["required"] == list(PATIENT)
    assert row["additionalProperties"] is False
    glucose, age = row["properties"]["Glucose"], row["properties"]["Age"]
    assert (glucose["type"], glucose["minimum"], glucose["maximum"], glucose["nullable"]) == ("integer", 20, 600, True)
    assert (age["minimum"], age["maximum"], age.get("nullable", False)) == (0, 120, False)
    assert predict(diabetes_server, row["example"]).status_code == 200
    assert {"/predict", "/predict_csv", "/model", "/model/schema", "/model/card", "/livez"} <= document["paths"].keys()
    assert document["openapi"].startswith("3.") and document["info"].keys() >= {"title", "version"}
    for path in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        node = document
        for key in path.split("/"):
            node = node[key]
    assert "http://" not in json.dumps(document) and "https://" not in json.dumps(document)


def test_the_api_description_names_the_categories(insurance_server):
    document = insurance_server.get("/docs.json").json()

    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["records"]["items"]["properties"]["region"]["enum"] == REGIONS


def test_the_model_says_what_it_is(diabetes_server, diabetes):
    model, schema = diabetes_server.get("/model").json(), diabetes_server.get("/model/schema").json()

    assert (model["model"], model["task"], model["target"]) == (diabetes, "classification", "Outcome")
    assert (model["estimator"], model["engine"], model["rows"]["all"]) == ("LinearDiscriminantAnalysis", "native", 768)
    assert 0.7 < model["holdout"]["AUC"] < 1 and 0.7 < model["folds"]["AUC"]["mean"] < 1
    assert [field["name"] for field in schema["fields"]] == list(PATIENT)
    assert schema["target"]["classes"] == [0, 1]


@pytest.mark.parametrize(
    ("query", "title"), [("", "# Hospital charges"), ("?lang=zh", "# 住院费用"), ("?lang=fr", "# Hospital charges")]
)
def test_the_card_is_there_in_both_languages(insurance_server, query, title):
    response = insurance_server.get(f"/model/card{query}")

    assert response.headers["content-type"] == "text/markdown; charset=utf-8"
    assert response.text.splitlines()[0] == title


# Whatever else is sent

OURS = [
    "/",
    "/predict",
    "/predict_csv",
    "/model",
    "/model/schema",
    "/model/card",
    "/docs",
    "/docs.json",
    "/ui/",
    "/livez",
]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
def test_other_methods_are_no_500(insurance_server, method):
    answered = {path: httpx.request(method, insurance_server.url + path, timeout=60).status_code for path in OURS}

    assert all(status in (200, 204, 307, 405) for status in answered.values()), answered
    assert {answered["/predict"], answered["/predict_csv"]} == {405}


@pytest.mark.parametrize(
    "path",
    ["//predict", "/PREDICT", "/predict%00", "/nope", "/ui/nope", "/ui/%2e%2e/model", "/%2e%2e/%2e%2e/etc/passwd"]
    + ["/static_content/%2e%2e/%2e%2e/x", "/ui/assets/%2e%2e/%2e%2e/x", "/ui/gradio_api/file=/etc/passwd"]
    + ["/ui/gradio_api/file=service.py", "/ui/gradio_api/proxy=http://127.0.0.1:1/"],
)
def test_odd_paths_lead_nowhere(insurance_server, path):
    response = insurance_server.get(path)

    assert response.status_code in (400, 403, 404)
    assert "root:" not in response.text and "Traceback" not in response.text


@pytest.mark.parametrize("host", ["[::::", "a b", "x:99999999", "\\"])
@pytest.mark.parametrize("header", ["host", "x-forwarded-host", "x-gradio-server"])
def test_a_bad_host_in_a_header_is_no_500(insurance_server, header, host):
    answered = [insurance_server.get(path, headers={header: host}).status_code for path in ("/", "/ui/", "/docs")]

    assert max(answered) < 500, answered


def run(server: Server, **body: object) -> httpx.Response:
    """A call to Gradio's own API, as the page makes it when a field changes."""
    return server.post("/ui/gradio_api/run/predict", json={"fn_index": 0, "session_hash": "x"} | body)


def test_the_pages_own_api_copies_no_file_of_the_server_to_where_it_can_be_fetched(insurance_server, tmp_path):
    secret = tmp_path / f"{uuid.uuid4()}.txt"
    secret.write_text("a secret of the server")
    file = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}

    run(insurance_server, data=[file] * len(PERSON))

    copies = list(GRADIO_FILES.rglob(secret.name))
    fetched = [insurance_server.get(f"/ui/gradio_api/file={copy}").text for copy in copies]
    for copy in copies:
        copy.unlink()
    assert fetched == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": []}, id="no values"),
        pytest.param({"data": ["x"] * 6}, id="wrong values"),
        pytest.param({"data": [40, "alien", 25, 0, "no", "southwest"]}, id="unknown category"),
        pytest.param({"data": [40, "male", 25, 0, "no", {"a": [1]}]}, id="object"),
        pytest.param({"data": [40, "male", 25, 0, "no", "southwest"], "fn_index": 99}, id="no such function"),
        pytest.param(
            {"data": [{"path": "http://127.0.0.1:1/", "meta": {"_type": "gradio.FileData"}}] * 6}, id="an address"
        ),
    ],
)
def test_what_the_page_would_not_send_to_its_own_api_is_no_500(insurance_server, body):
    response = run(insurance_server, **body)

    assert response.status_code < 500, response.text[:300]
    assert "object at 0x" not in response.text and "failed validation" not in response.text


def test_the_page_takes_no_uploads_but_through_predict_csv(insurance_server):
    response = insurance_server.post("/ui/gradio_api/upload", files={"files": ("a.html", b"<script>1</script>")})

    for path in response.json() if response.status_code == 200 else ():
        Path(path).unlink()
    assert response.status_code in (403, 404, 405, 413)
