"""Paths in metrics and the log: what a client makes up leaves nothing behind."""

import re
import time
from types import SimpleNamespace
from urllib.parse import quote

import httpx
import psutil
import pytest

from slipway.errors import Fault, FaultCode
from slipway.page.shell import guard
from slipway.service.metric_files import INTERVAL
from slipway.service.metrics import Counts
from slipway.service.model_metrics import MOST_FIELDS, ModelMetrics
from slipway.service.observation import Observation
from slipway.service.paths import OTHER, logged, route
from slipway.service.proxy import below
from tests.calls import predict, refusal
from tests.conftest import PERSON, serve, settled


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/predict", "/predict"),
        ("/", "/"),
        ("/model/card", "/model/card"),
        ("/ui", "/ui"),
        ("/ui/", "/ui/"),
        ("/ui/zh/", "/ui/zh/"),
        ("/ui/assets/index-1.js", "/ui/assets/*"),
        ("/ui/en/static/img/a/b.svg", "/ui/en/static/*"),
        ("/ui/fr/", OTHER),
        ("/ui/x", OTHER),
        ("/predict/", OTHER),
        ("/predict\n", OTHER),
        ("/livez/x", OTHER),
        ("", OTHER),
        ("*", OTHER),
    ],
)
def test_a_path_is_called_by_its_route(path, named):
    assert route(path) == named


def test_behind_a_path_that_is_passed_on_a_route_is_the_same():
    assert route(below("/app/insurance/predict", "/app/insurance")) == "/predict"
    assert route(below("/app/insurancepredict", "/app/insurance")) == OTHER


def test_all_that_the_page_may_ask_for_is_a_route():
    for start in ("/ui/", "/ui/en/", "/ui/zh/"):
        assert [route(start + path) for path in (*guard.PAGES, guard.RUN)] == [
            start + path for path in (*guard.PAGES, guard.RUN)
        ]


def test_of_an_unknown_path_the_beginning_is_logged():
    assert logged("/model") == "/model"
    assert logged("/moddel") == "/moddel"
    assert logged("/people/jane.doe@example.com") == "/people/jane.doe…"
    assert logged("/a\n[INFO] b") == "/a%0A%5BINFO%5D%20b"


def labels(server) -> tuple[dict[str, int], int]:
    """How many calls of each endpoint were counted, and how long the metrics are."""
    time.sleep(2 * INTERVAL)  # until each worker has written what it counted
    text = server.get("/metrics").text
    found = re.findall(r'request_total\{endpoint="([^"]*)",http_response_code="200".*\} ([\d.e+]+)', text)
    return {name: int(float(count)) for name, count in found}, len(text)


def scraped(server) -> dict[str, float]:
    """The samples of a server with one worker, by name and values of labels."""
    lines = server.get("/metrics").text.splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {re.sub(r'\w+="([^"]*)"', r"\1", name): float(value) for name, value in samples}


def gained(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """What our counters have gained."""
    ours = {name: value for name, value in after.items() if re.match(r"slipway_\w+_total", name)}
    return {name: value - before.get(name, 0) for name, value in ours.items() if value != before.get(name, 0)}


CALLS = {
    "a prediction": (
        lambda server: predict(server, PERSON, PERSON | {"age": 90}),
        {
            "slipway_predictions_total{json}": 2,
            "slipway_rows_total{json}": 2,
            "slipway_warnings_total{out_of_range}": 1,
        },
    ),
    "faulty records": (
        lambda server: predict(server, PERSON | {"smoker": "male", "made up": 1}, PERSON | {"age": None}, 7),
        {
            "slipway_rows_total{json}": 3,
            "slipway_faults_total{unknown_category,smoker}": 1,
            "slipway_faults_total{unknown_field,other}": 1,
            "slipway_faults_total{null,age}": 1,
            "slipway_faults_total{wrong_type,}": 1,
            "slipway_requests_refused_total{invalid_records,400}": 1,
        },
    ),
    "more faults than are listed": (
        lambda server: predict(server, *[PERSON | {"age": None}] * 300),
        {
            "slipway_rows_total{json}": 300,
            "slipway_faults_total{null,age}": 100,
            "slipway_requests_refused_total{invalid_records,400}": 1,
        },
    ),
    "no JSON": (
        lambda server: server.post("/predict", content="{", headers={"content-type": "application/json"}),
        {"slipway_requests_refused_total{invalid_json,400}": 1},
    ),
    "a file": (
        lambda server: server.post(
            "/predict_csv", files={"file": table(PERSON, PERSON | {"smoker": "male"}, PERSON | {"bmi": 99})}
        ),
        {
            "slipway_predictions_total{file}": 2,
            "slipway_rows_total{file}": 3,
            "slipway_faults_total{unknown_category,smoker}": 1,
            "slipway_warnings_total{out_of_range}": 1,
        },
    ),
    "a file with reasons": (
        lambda server: server.post("/predict_csv", files={"file": table(PERSON)}, data={"reasons": "true"}),
        {
            "slipway_predictions_total{file}": 1,
            "slipway_rows_total{file}": 1,
            "slipway_explanations_total{file}": 1,
        },
    ),
    "an explanation": (
        lambda server: server.post("/explain", json={"record": PERSON}),
        {"slipway_explanations_total{json}": 1},
    ),
    "no such route": (lambda server: server.get("/nix"), {"slipway_requests_refused_total{not_found,404}": 1}),
}


def table(*records: dict) -> str:
    rows = [",".join(PERSON), *(",".join(map(str, record.values())) for record in records)]
    return "\n".join(rows)


@pytest.mark.parametrize(("call", "expected"), CALLS.values(), ids=CALLS)
def test_a_call_is_counted(insurance_server, call, expected):
    before = scraped(insurance_server)

    call(insurance_server)

    assert gained(before, scraped(insurance_server)) == expected


@pytest.mark.browser
def test_what_is_typed_into_the_page_is_counted(open_page, insurance_server):
    page = open_page(insurance_server)
    settled(page)
    before = scraped(insurance_server)

    page.get_by_label("Age (years)").fill("41")
    page.locator(".slip-kicker", has_text="For the values shown").wait_for()
    settled(page)

    found = gained(before, scraped(insurance_server))
    assert found.pop("slipway_explanations_total{page}") >= 1
    assert found == {"slipway_predictions_total{page}": 1, "slipway_rows_total{page}": 1}


def test_the_metrics_say_what_is_served_and_since_when(insurance_server, insurance):
    samples = scraped(insurance_server)

    info = next(name for name in samples if name.startswith("slipway_model_info"))
    name, version = insurance.split(":")
    assert f"onnx,{name}," in info and f",regression,{version}" in info and samples[info] == 1
    assert samples["slipway_workers"] == samples["slipway_workers_expected"] == 1
    started = psutil.Process(insurance_server.process.pid).create_time()
    assert started < samples["slipway_start_time_seconds"] <= samples["slipway_last_worker_start_time_seconds"]
    assert samples["slipway_last_worker_start_time_seconds"] < time.time()


def test_metrics_of_a_model_with_many_fields_are_bounded():
    schema = SimpleNamespace(names=[f"f{i}" for i in range(2000)], task="regression")
    version = SimpleNamespace(name="wide", version="v", engine="onnx")
    counts = Counts()
    metrics = ModelMetrics(counts, version, schema, 1)
    before = len(counts.values)

    for i in range(3000):
        metrics.begin()
        noted = Observation()
        noted.refused("invalid_records", [Fault(FaultCode.NULL, f"f{i}"), Fault(FaultCode.UNKNOWN_FIELD, f"x{i}")])
        metrics.count(noted)

    assert len(counts.values) - before == MOST_FIELDS + 4


@pytest.fixture(scope="module")
def fresh_server(insurance):
    """A server of its own: one that starts later empties the folder where those before it keep their metrics."""
    with serve("--arg", f"model={insurance}", SLIPWAY_WORKERS="2") as server:
        yield server


@pytest.mark.slow
def test_random_paths_leave_metrics_and_memory_where_they_were(fresh_server):
    forms = [
        "/{}",
        "/ui/{}",
        "/ui/assets/{}",
        "/ui/en/static/{}",
        "/model/{}",
        "/predict/{}",
        "/metrics{}",
        "/ui/zh/{}",
    ]
    methods = ["GET", "POST", "HEAD", "DELETE", "INVENTED"]
    workers = psutil.Process(fresh_server.process.pid).children(recursive=True)
    with httpx.Client(base_url=fresh_server.url, timeout=60) as client:

        def ask(numbers: range) -> None:
            for number in numbers:
                path = forms[number % len(forms)].format(f"x{number:050}")
                assert client.request(methods[number % len(methods)], path).status_code in (400, 404, 405)

        ask(range(100))
        client.get("/model")
        predict(fresh_server, PERSON)
        labels(fresh_server)
        before, length = labels(fresh_server)
        memory = sum(worker.memory_info().rss for worker in workers)
        ask(range(100, 5100))
        predict(fresh_server, PERSON)
        client.get("/model")
        after, longer = labels(fresh_server)

    assert after["/model"] == before["/model"] + 1
    assert set(after) == set(before) >= {"/predict", "/metrics"}
    assert longer - length < 200  # longer numbers
    assert sum(worker.memory_info().rss for worker in workers) - memory < 20e6
    assert "x" + "0" * 20 not in fresh_server.log.read_text()


@pytest.mark.parametrize("folder", ["static", "svelte", "assets"])
@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 2000, "%2E%2E%2Findex.html", quote("\0"), "img"])
def test_a_file_that_the_page_has_not_is_404(insurance_server, folder, name):
    refusal(insurance_server.get(f"/ui/{folder}/{name}"), 404)


def test_a_file_that_gradio_serves_itself_is_still_there(insurance_server):
    assert insurance_server.get("/ui/static/img/api-logo.svg").status_code == 200


def test_a_page_call_that_is_not_utf_8_is_refused(insurance_server):
    call = '{"fn_index": 0, "data": ["\\ud800"], "session_hash": "x"}'

    refusal(insurance_server.post("/ui/gradio_api/run/predict", content=call))
