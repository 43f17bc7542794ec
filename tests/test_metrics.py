"""Paths in metrics and the log: what a client makes up leaves nothing behind."""

import re
from urllib.parse import quote

import httpx
import psutil
import pytest

from slipway.page.shell import guard
from slipway.service.metrics import OTHER, logged, route
from slipway.service.proxy import below
from tests.calls import predict, refusal
from tests.conftest import PERSON, serve


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
    text = server.get("/metrics").text
    found = re.findall(r'request_total\{endpoint="([^"]*)",http_response_code="200".*\} ([\d.e+]+)', text)
    return {name: int(float(count)) for name, count in found}, len(text)


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
                assert client.request(methods[number % len(methods)], path).status_code in (404, 405)

        ask(range(100))
        client.get("/model")
        before, length = labels(fresh_server)
        memory = sum(worker.memory_info().rss for worker in workers)
        ask(range(100, 1600))
        predict(fresh_server, PERSON)
        client.get("/model")
        after, longer = labels(fresh_server)

    assert after["/model"] == before["/model"] + 1
    assert set(after) - {"/predict"} == set(before) - {"/predict"} and "/predict" in after
    assert longer - length < 5000  # of /predict, if nobody had called it
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
