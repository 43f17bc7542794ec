"""`POST /predict` is answered before BentoML parses it: the same bodies take both ways and the answers are compared."""

import json

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from slipway import store
from slipway.schema.sampling import draw_records
from slipway.service import app as service_app
from slipway.service.admission import Load
from slipway.service.app import make_service
from slipway.service.metric_files import MetricFiles
from slipway.service.metrics import Counts
from slipway.service.model import LoadedModel
from slipway.service.predict import PredictEndpoint
from slipway.service.settings import Settings
from tests.calls import GOOD, JSON
from tests.conftest import PERSON
from tests.test_predict import BAD_BODIES, FAULTY

ACCEPTED = {
    "one": GOOD,
    "keys in another order": json.dumps({"records": [dict(reversed(PERSON.items()))]}),
    "a whole number with a point": GOOD.replace("40", "40.0"),
    "outside the training range": GOOD.replace("40", "90"),
    "indented": json.dumps(json.loads(GOOD), indent=2),
}


@pytest.fixture(scope="module")
def both_ways(insurance):
    """Two clients of one version: as it is served, and without what lies in front of BentoML's app."""
    served = LoadedModel(store.find(insurance))
    with pytest.MonkeyPatch.context() as patch:
        chain = service_app.in_front(served, Settings(), Load(64), MetricFiles(Counts()))
        assert any(entry.cls is PredictEndpoint for entry in chain)
        patch.setattr(service_app, "in_front", lambda *_: [])
        app = make_service(served, Starlette(), Settings()).to_asgi()
    quick = app
    for entry in reversed(chain):
        quick = entry.cls(quick, *entry.args, **entry.kwargs)
    with TestClient(app) as bentoml_way:
        yield TestClient(quick), bentoml_way


def post(client, content):
    return client.post("/predict", content=content, headers=JSON)


@pytest.mark.parametrize("content", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_an_accepted_body_is_answered_alike(both_ways, content):
    quick, slow = (post(client, content) for client in both_ways)

    assert quick.status_code == slow.status_code == 200
    assert quick.json() == slow.json() and len(quick.json()["predictions"]) == 1


def test_many_records_are_answered_alike_and_as_one_by_one(both_ways, insurance):
    records = draw_records(LoadedModel(store.find(insurance)).schema, 100, seed=11)

    quick, slow = (post(client, json.dumps({"records": records})).json() for client in both_ways)

    assert quick == slow
    alone = [post(both_ways[0], json.dumps({"records": [record]})).json()["predictions"][0] for record in records]
    assert [one["prediction"] for one in alone] == pytest.approx([one["prediction"] for one in quick["predictions"]])


@pytest.mark.parametrize("changed", [case.values[0] for case in FAULTY], ids=[case.id for case in FAULTY])
def test_a_faulty_record_is_refused_alike(both_ways, changed):
    content = json.dumps({"records": [PERSON, PERSON | changed]})

    quick, slow = (post(client, content) for client in both_ways)

    assert quick.status_code == slow.status_code == 400
    assert quick.json() == slow.json() and quick.json()["details"]


# What BentoML's parser lets through, or reads otherwise, and ours refuses.
STRICTER = {"NaN", "Infinity", "-Infinity", "extra key", "doubled field", "doubled key"}


@pytest.mark.parametrize(("name", "content"), [pytest.param(c.id, c.values[0], id=c.id) for c in BAD_BODIES])
def test_a_bad_body_is_refused_by_both_but_for_what_bentomls_parser_lets_through(both_ways, name, content):
    quick, slow = (post(client, content) for client in both_ways)

    assert quick.status_code == 400
    refused_alike = slow.status_code == 400 and slow.json() == quick.json()
    by_bentoml = 400 <= slow.status_code < 500 and "details" not in slow.json()  # in its own words
    assert (not refused_alike and not by_bentoml) == (name in STRICTER), slow.text[:300]
