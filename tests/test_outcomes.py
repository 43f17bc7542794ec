"""`POST /outcome`: what came true is kept for the records it belongs to, or refused as a whole."""

import json
import shutil

import httpx
import pytest

from slipway.errors import FaultCode, RequestCode
from slipway.service.access.callers import Scope
from slipway.service.access.key_file import add_key
from slipway.store.requestlog import read
from tests.calls import JSON, refusal
from tests.conftest import PATIENT, PERSON, Server, serve
from tests.test_errors import documented, example
from tests.test_request_log import eventually


def tell(server: Server, *outcomes: object, **more: object) -> httpx.Response:
    headers = JSON | more.pop("headers", {})
    return server.post("/outcome", content=json.dumps({"outcomes": outcomes}), headers=headers, **more)


def asked(server: Server, place, request_id: str, *records: object) -> None:
    """Have records predicted, and wait until they are in the log."""
    headers = {"X-Request-ID": request_id}
    server.post("/predict", json={"records": records}, headers=headers).raise_for_status()
    eventually(lambda: sum(row["request_id"] == request_id for row in read(place)), len(records))


def outcomes_of(place, request_id: str) -> dict[int, object]:
    return {row["record"]: row["outcome"] for row in read(place) if row["request_id"] == request_id}


def details(refused: dict) -> list[tuple]:
    return [(one["record"], one["field"], one["code"]) for one in refused["details"]]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("asked") / "log"


@pytest.fixture(scope="module")
def charges(insurance, place):
    """A server of numbers, with a request log of two records."""
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=str(place)) as server:
        asked(server, place, "r-0", PERSON, PERSON)
        yield server


def test_an_outcome_is_joined_to_its_record(charges, place, insurance):
    asked(charges, place, "joined", PERSON, PERSON)

    told = tell(charges, {"request_id": "joined", "record": 1, "outcome": 4321.5})

    assert told.json() == {"model": insurance, "outcomes": 1}
    assert outcomes_of(place, "joined") == {0: None, 1: 4321.5}


def test_a_later_outcome_takes_the_place_of_an_earlier_one(charges, place):
    asked(charges, place, "again", PERSON)

    for outcome in (5, 6, 7.5):
        tell(charges, {"request_id": "again", "record": 0, "outcome": outcome}).raise_for_status()

    assert outcomes_of(place, "again") == {0: 7.5}


def test_outcomes_of_classes_are_classes(diabetes, tmp_path):
    place = tmp_path / "log"
    with serve("--arg", f"model={diabetes}", SLIPWAY_REQUEST_LOG=str(place)) as server:
        asked(server, place, "c", PATIENT)

        refused = refusal(tell(server, {"request_id": "c", "record": 0, "outcome": 2}))
        assert details(refused) == [(0, "outcome", FaultCode.UNKNOWN_CATEGORY)]
        assert refused["details"][0]["expected"] == [0, 1]

        tell(server, {"request_id": "c", "record": 0, "outcome": 1}).raise_for_status()
    assert outcomes_of(place, "c") == {0: 1}


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        (7, (1, None, FaultCode.WRONG_TYPE)),
        ({"request_id": "r-0", "outcome": 1}, (1, "record", FaultCode.MISSING_FIELD)),
        ({"request_id": "r-0", "record": 0, "outcome": 1, "when": 2}, (1, "when", FaultCode.UNKNOWN_FIELD)),
        ({"request_id": 5, "record": 0, "outcome": 1}, (1, "request_id", FaultCode.WRONG_TYPE)),
        ({"request_id": "r-0", "record": -1, "outcome": 1}, (1, "record", FaultCode.OUT_OF_BOUNDS)),
        ({"request_id": "r-0", "record": 0.5, "outcome": 1}, (1, "record", FaultCode.WRONG_TYPE)),
        ({"request_id": "r-0", "record": 0, "outcome": "much"}, (1, "outcome", FaultCode.WRONG_TYPE)),
        ({"request_id": "r-0", "record": 0, "outcome": None}, (1, "outcome", FaultCode.NULL)),
        ({"request_id": "r-0", "record": 0, "outcome": -1}, (1, "outcome", FaultCode.OUT_OF_BOUNDS)),
    ],
    ids=lambda part: str(part)[:60],
)
def test_a_faulty_outcome_is_named_and_none_is_kept(charges, place, item, fault):
    refused = refusal(tell(charges, {"request_id": "r-0", "record": 1, "outcome": 1}, item))

    assert refused["code"] == RequestCode.INVALID_OUTCOMES and details(refused) == [fault]
    assert refused["error"] == example(documented()["Requests"][refused["code"]])
    assert outcomes_of(place, "r-0") == {0: None, 1: None}


@pytest.mark.parametrize(
    "key", [("r-none", 0), ("r-0", 2), ("r-0\x00", 0), ("\ud800", 0)], ids=["request", "record", "nul", "surrogate"]
)
def test_an_outcome_of_a_record_that_nobody_asked_is_a_404(charges, place, key):
    known = {"request_id": "r-0", "record": 1, "outcome": 1}

    body = [known, {"request_id": key[0], "record": key[1], "outcome": 1}]
    refused = refusal(tell(charges, *body), 404)

    assert refused["code"] == RequestCode.UNKNOWN_REQUESTS
    assert details(refused) == [(1, "request_id", FaultCode.UNKNOWN_REQUEST)]
    assert refused["error"] == example(documented()["Requests"][refused["code"]])
    assert outcomes_of(place, "r-0") == {0: None, 1: None}


@pytest.mark.parametrize("outcomes", [[], {}, None, "x"], ids=str)
def test_what_is_no_list_of_outcomes_is_refused(charges, outcomes):
    assert refusal(charges.post("/outcome", json={"outcomes": outcomes}))["code"] == RequestCode.UNEXPECTED_BODY


def test_a_request_of_another_model_is_unknown(diabetes, charges, place):
    with serve("--arg", f"model={diabetes}", SLIPWAY_REQUEST_LOG=str(place)) as server:
        assert refusal(tell(server, {"request_id": "r-0", "record": 0, "outcome": 1}), 404)


def test_a_log_that_is_gone_is_a_503(insurance, tmp_path):
    place = tmp_path / "log"
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=str(place)) as server:
        asked(server, place, "r", PERSON)
        shutil.rmtree(place)

        response = tell(server, {"request_id": "r", "record": 0, "outcome": 1})

        refused = refusal(response, 503)
        assert refused["code"] == RequestCode.REQUEST_LOG_FAILED and response.headers["Retry-After"] == "5"
        assert refused["error"] == example(documented()["Requests"][refused["code"]])


def test_telling_needs_a_key_that_may_predict(insurance, tmp_path):
    keys, place = tmp_path / "keys.json", tmp_path / "log"
    predicting, operating = (add_key(keys, scope, frozenset({Scope(scope)})) for scope in ("predict", "operate"))
    item = {"request_id": "none", "record": 0, "outcome": 1}
    with serve("--arg", f"model={insurance}", SLIPWAY_REQUEST_LOG=str(place), SLIPWAY_KEYS_FILE=str(keys)) as server:
        statuses = [
            tell(server, item, headers=headers).status_code
            for headers in ({}, *({"X-API-Key": key} for key in (operating, predicting)))
        ]

    assert statuses == [401, 403, 404]


def test_the_call_is_described_where_there_is_a_log(charges, insurance_server):
    described = charges.get("/docs.json").json()["paths"]["/outcome"]["post"]

    item = described["requestBody"]["content"]["application/json"]["schema"]["properties"]["outcomes"]["items"]
    assert item["required"] == ["request_id", "record", "outcome"]
    assert "/outcome" not in insurance_server.get("/docs.json").json()["paths"]
