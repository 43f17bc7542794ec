"""`POST /predict`: the same answers as the fitted pipeline, and a refusal for every invalid record and body."""

import json
import math
import re
import time

import bentoml
import orjson
import pytest

from slipway.i18n.faults import as_json
from slipway.inference.equality import equal
from slipway.schema.fields import Field
from slipway.schema.sampling import draw_records
from tests.calls import GOOD, JSON, REGIONS, fitted, predict, refusal
from tests.conftest import PATIENT, PERSON

# Answers


def test_insurance_answers_are_the_fitted_pipelines_own_in_the_order_asked(insurance_server, insurance):
    own = fitted(insurance)
    records = draw_records(own.schema, 40, seed=7)

    answered = predict(insurance_server, *records)

    wanted = own.engine.predict(own.schema.columns(records)).values
    assert answered.status_code == 200, answered.text
    assert answered.json()["model"] == insurance
    assert [one["prediction"] for one in answered.json()["predictions"]] == pytest.approx([max(0, y) for y in wanted])
    assert len(set(wanted)) > 30
    for one in answered.json()["predictions"]:
        assert one.keys() == {"prediction", "interval", "support", "abstain", "warnings"} and one["warnings"] == []
        assert 0 <= one["interval"]["low"] <= one["prediction"] <= one["interval"]["high"]
        assert one["interval"]["coverage"] == 0.9


def test_diabetes_answers_are_the_fitted_pipelines_own_and_probabilities_sum_to_one(diabetes_server, diabetes):
    own = fitted(diabetes)
    records = draw_records(own.schema, 40, seed=7)

    answered = predict(diabetes_server, *records)

    wanted = own.predict(own.schema.check_records(records))
    assert answered.status_code == 200, answered.text
    assert answered.json()["model"] == diabetes
    predictions = answered.json()["predictions"]
    assert [one["prediction"] for one in predictions] == [one["prediction"] for one in wanted]
    assert {one["prediction"] for one in predictions} == {0, 1}
    for one, own_answer in zip(predictions, wanted, strict=True):
        assert one.keys() == {
            "prediction",
            "probabilities",
            "threshold",
            "prediction_set",
            "support",
            "abstain",
            "warnings",
        }
        assert equal(one, own_answer, own.schema.target) and one["probabilities"].keys() == {"0", "1"}
        assert math.fsum(one["probabilities"].values()) == pytest.approx(1)
        assert one["threshold"] == 0.3 and one["prediction"] == int(one["probabilities"]["1"] >= 0.3)


def test_a_glucose_of_zero_is_answered_as_not_measured_with_a_warning(diabetes_server):
    zero, null = PATIENT | {"Glucose": 0}, PATIENT | {"Glucose": None}

    first, second, measured = predict(diabetes_server, zero, null, PATIENT).json()["predictions"]

    assert first["probabilities"] == second["probabilities"] != measured["probabilities"]
    warning = {"field": "Glucose", "value": 0, "code": "read_as_missing", "problem": "read as not measured"}
    assert first["warnings"][0] == warning | {"expected": None}
    assert first["warnings"][1:] == second["warnings"] and measured["warnings"] == []


def test_a_value_outside_the_training_range_is_answered_with_a_warning_that_names_the_range(insurance_server):
    answered = predict(insurance_server, PERSON | {"age": 90}).json()["predictions"][0]

    range_seen = {"minimum": 18, "maximum": 64}
    warning = {"field": "age", "value": 90, "code": "out_of_range", "problem": "outside the range seen in training"}
    assert answered["warnings"] == [warning | {"expected": range_seen}]
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
            bentoml.exceptions.InvalidArgument,
            match='"field":"age","value":"x","code":"wrong_type","problem":"wrong type"',
        ):
            client.predict(records=[PERSON | {"age": "x"}])


# Refused records

NUMBER, WHOLE = "a number", "a whole number"
AGES, BMIS = {"minimum": 0, "maximum": 120}, {"minimum": 10, "maximum": 100}
UNKNOWN = "one of age, sex, bmi, children, smoker, region"
CODES = {
    "wrong type": "wrong_type",
    "unknown category": "unknown_category",
    "must not be missing": "null",
    "must be between 0 and 120": "out_of_bounds",
    "must be between 10 and 100": "out_of_bounds",
    "unknown field": "unknown_field",
    "not a finite number": "not_finite",
}


FAULTY = [
    pytest.param({"bmi": "44"}, [("bmi", "44", "wrong type", NUMBER)], id="number as text"),
    pytest.param({"bmi": True}, [("bmi", True, "wrong type", NUMBER)], id="true for a number"),
    pytest.param({"age": 2.5}, [("age", 2.5, "wrong type", WHOLE)], id="2.5 for a whole number"),
    pytest.param({"smoker": 1}, [("smoker", 1, "wrong type", ["no", "yes"])], id="number for a category"),
    pytest.param({"region": "moon"}, [("region", "moon", "unknown category", REGIONS)], id="unknown category"),
    pytest.param({"smoker": "Yes"}, [("smoker", "Yes", "unknown category", ["no", "yes"])], id="other case"),
    pytest.param({"age": None}, [("age", None, "must not be missing", WHOLE)], id="null"),
    pytest.param({"age": -1}, [("age", -1, "must be between 0 and 120", AGES)], id="below the bounds"),
    pytest.param({"bmi": 100.5}, [("bmi", 100.5, "must be between 10 and 100", BMIS)], id="above the bounds"),
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
            ("bmi", 0, "must be between 10 and 100", BMIS),
            ("region", "moon", "unknown category", REGIONS),
        ],
        id="three at once",
    ),
]


@pytest.mark.parametrize(("changed", "faults"), FAULTY)
def test_a_faulty_record_is_refused_with_every_fault(insurance_server, changed, faults):
    response = predict(insurance_server, PERSON, PERSON | changed)

    details = refusal(response)["details"]
    found = [(item["field"], item["value"], item["problem"], item["expected"]) for item in details]
    assert found == faults
    assert [item["code"] for item in details] == [CODES[problem] for _, _, problem, _ in faults]
    assert {item["record"] for item in details} == {1}


def test_a_field_left_out_is_a_fault_even_where_null_is_allowed(diabetes_server):
    record = {name: value for name, value in PATIENT.items() if name not in ("Glucose", "Age")}

    details = refusal(predict(diabetes_server, record))["details"]

    assert [(item["field"], item["code"], item["problem"]) for item in details] == [
        ("Glucose", "missing_field", "missing field"),
        ("Age", "missing_field", "missing field"),
    ]


def test_records_that_are_not_objects_are_each_named(insurance_server):
    details = refusal(predict(insurance_server, 1, "a", None, [], PERSON))["details"]

    assert [(item["record"], item["value"]) for item in details] == [(0, 1), (1, "a"), (2, None), (3, "a list")]


def test_of_more_than_100_faults_100_are_listed_and_all_are_counted(insurance_server):
    body = refusal(predict(insurance_server, *[PERSON | {"age": "x"}] * 150))

    assert body["error"].startswith("150 faults") and "first 100" in body["error"]
    assert [item["record"] for item in body["details"]] == list(range(100))


# Refused bodies


BAD_BODIES = [
    pytest.param(GOOD.replace("25.0", "NaN"), "NaN", id="NaN"),
    pytest.param(GOOD.replace("25.0", "Infinity"), "Infinity", id="Infinity"),
    pytest.param(GOOD.replace("25.0", "-Infinity"), "Infinity", id="-Infinity"),
    pytest.param(GOOD.replace("25.0", "1e400"), "1 fault", id="1e400"),
    pytest.param(GOOD.replace("25.0", "1" * 6000), "digits", id="number of 6,000 digits"),
    pytest.param(json.dumps({"records": [PERSON | {"sex": "x" * 10_000_000}]}), "1 fault", id="text of 10 MB"),
    pytest.param("records", "not valid JSON", id="no JSON"),
    pytest.param(GOOD[:-1], "not valid JSON", id="cut short"),
    pytest.param("", "not valid JSON", id="empty body"),
    pytest.param("[]", "expected", id="list"),
    pytest.param("null", "expected", id="null"),
    pytest.param("3", "expected", id="number"),
    pytest.param("{}", "expected", id="no key"),
    pytest.param('{"records": []}', "is empty", id="no records"),
    pytest.param('{"records": "x"}', "is not a list", id="records a text"),
    pytest.param('{"records": 3}', "is not a list", id="records a number"),
    pytest.param('{"records": null}', "is not a list", id="records null"),
    pytest.param(json.dumps({"records": PERSON}), "is not a list", id="records an object"),
    pytest.param(json.dumps({"records": [PERSON], "model": "x"}), "'model'", id="extra key"),
    pytest.param(GOOD.replace('"age": 40', '"age": 40, "age": 41'), "duplicate key", id="doubled field"),
    pytest.param('{"records": [], "records": []}', "duplicate key", id="doubled key"),
    pytest.param(GOOD.encode().replace(b"male", b"m\xffle"), "utf-8", id="bad UTF-8"),
    pytest.param(GOOD.encode("utf-16"), "UTF-8", id="UTF-16"),
    pytest.param(GOOD.encode("utf-32-le"), "UTF-8", id="UTF-32"),
    pytest.param("[" * 100_000, "nested too deeply", id="nested 100,000 deep"),
    pytest.param('{"records":' * 100_000, "nested too deeply", id="objects 100,000 deep"),
    pytest.param(GOOD.replace("25.0", r'"\ud800"'), "1 fault", id="lone surrogate as a value"),
    pytest.param(GOOD.replace('"age"', r'"\ud800"'), "2 faults", id="lone surrogate as a field"),
    pytest.param(r'{"\udfff": []}', "expected", id="lone surrogate as a key"),
    pytest.param(b"\x80\x04K\x01.", "not valid JSON", id="pickle"),
]


@pytest.mark.parametrize(("content", "named"), BAD_BODIES)
def test_a_body_that_is_not_valid_json_is_refused(insurance_server, content, named):
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
def test_a_content_type_that_is_not_utf8_gets_a_complete_answer(insurance_server, path):
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


def test_a_quarter_million_unknown_fields_are_counted_and_the_first_hundred_listed(insurance_server):
    record = PERSON | {f"field_number_{i}": 1 for i in range(50)}

    body = refusal(predict(insurance_server, *[record] * 5_000))

    assert body["error"].startswith("250,000 faults")
    assert len(body["details"]) == 100 and all(detail["expected"] for detail in body["details"])


def test_a_line_break_in_a_path_forges_no_line_of_the_log(insurance_server):
    insurance_server.get("/x%0aFORGED")

    deadline = time.monotonic() + 10
    while "FORGED" not in (log := insurance_server.log.read_text(errors="replace")) and time.monotonic() < deadline:
        time.sleep(0.1)  # the line is written after the answer
    assert not re.search("^FORGED", log, re.MULTILINE)


def test_a_whole_number_beyond_64_bits_is_answered_with_a_warning_in_words():
    field = Field("x", "integer", "int64", {"en": "X"}, 1, minimum=0, maximum=10**30, observed_min=0, observed_max=9)

    warnings = [field.check(value)[1] for value in (2**53 - 1, 2**64, 10**29)]

    assert [warning.value for warning in warnings] == [
        2**53 - 1,
        "a whole number of 65 bits",
        "a whole number of 97 bits",
    ]
    assert all(orjson.dumps(as_json(warning)) for warning in warnings)
