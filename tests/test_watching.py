"""A server as an operator sees it: metrics on a port of their own, the log as JSON, traces, dashboard and alerts."""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import httpx
import pytest
import yaml

from scripts import metrics_reference
from slipway.errors import SlipwayError
from slipway.service.metric_files import INTERVAL
from slipway.service.traces import traces_wanted
from tests.calls import predict
from tests.conftest import PERSON, ROOT, free_port, serve

MONITORING = ROOT / "deploy" / "monitoring"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    """A process that spans are sent to: its address, and what it has been sent."""
    out = tmp_path_factory.mktemp("otlp") / "spans"
    process = subprocess.Popen([sys.executable, str(ROOT / "tests" / "otlp_receiver.py"), str(out)])
    try:
        while not (out.exists() and out.read_text()):
            assert process.poll() is None
            time.sleep(0.1)
        yield f"http://127.0.0.1:{out.read_text().split()[0]}", out
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def watched(insurance, receiver):
    """A server with two workers, and the address of its metrics."""
    port = free_port()
    with serve(
        *("--arg", f"model={insurance}"),
        SLIPWAY_WORKERS="2",
        SLIPWAY_METRICS_PORT=str(port),
        SLIPWAY_LOG_FORMAT="json",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver[0],
        OTEL_SERVICE_NAME="charges",
        OTEL_BSP_SCHEDULE_DELAY="200",
    ) as server:
        predict(server, PERSON, PERSON | {"age": 90}).raise_for_status()
        with httpx.Client(base_url=server.url, headers={"traceparent": PARENT, "X-Request-ID": "r-1"}) as client:
            client.post("/predict?secret=1", json={"records": [PERSON | {"smoker": "male"}]})
            client.get("/people/jane.doe@example.com")
        server.post("/explain", json={"record": PERSON}).raise_for_status()
        yield server, f"http://127.0.0.1:{port}/metrics"


def test_metrics_on_their_own_port_are_those_of_all_workers_and_not_on_the_servers(watched):
    server, address = watched
    for _ in range(10):
        httpx.post(server.url + "/predict", json={"records": [PERSON]})  # each on a connection of its own
    time.sleep(2 * INTERVAL)

    text = httpx.get(address).text

    assert re.search(r'^slipway_predictions_total\{source="json"\} 12\.0$', text, re.M), text
    assert re.search(r"^slipway_workers 2\.0$", text, re.M)
    assert httpx.get(address, params={"name[]": "slipway_workers"}).status_code == 200
    refused = server.get("/metrics")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


def test_a_taken_port_for_metrics_stops_the_start_with_one_line(watched, insurance):
    port = watched[1].split(":")[2].split("/")[0]
    command = [str(ROOT / ".venv/bin/bentoml"), "serve", "--host", "127.0.0.1", "--port", str(free_port())]
    command[0] = str(shutil.which("bentoml", path=os.path.dirname(sys.executable)))

    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"SLIPWAY_METRICS_PORT": port}, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 1
    assert re.fullmatch(rf"slipway: nobody can listen on port {port} .*SLIPWAY_METRICS_PORT.*\n", done.stderr), (
        done.stderr
    )


def test_every_line_of_the_log_is_json_and_a_request_has_one(watched):
    lines = [json.loads(line) for line in watched[0].log.read_text().splitlines()]

    assert all({"time", "level", "component", "message"} <= line.keys() for line in lines)
    mine = [line for line in lines if line.get("request_id") == "r-1"]
    assert [line["message"] for line in mine] == ["POST /predict 400", "GET /people/jane.doe… 404"]
    first, second = mine
    assert (first["route"], first["rows"], first["faults"], first["code"]) == ("/predict", 1, 1, "invalid_records")
    assert first["trace_id"] == PARENT.split("-")[1] and first["bytes_in"] > 50 and first["ms"] > 0
    assert second["route"] == "other"
    text = watched[0].log.read_text()
    assert "secret" not in text and "example.com" not in text and "southwest" not in text


def test_predictions_and_explanations_are_spans_of_the_callers_trace(watched, receiver, insurance):
    deadline = time.monotonic() + 20
    while "POST /explain" not in receiver[1].read_text() and time.monotonic() < deadline:
        time.sleep(0.2)

    spans = [json.loads(line) for line in receiver[1].read_text().splitlines()[1:]]

    refused = next(span for span in spans if span.get("slipway.request_id") == "r-1")
    assert refused == {
        "path": "/v1/traces",
        "name": "POST /predict",
        "service": "charges",
        "trace": PARENT.split("-")[1],
        "parent": PARENT.split("-")[2],
        "status": 0,
        "events": 0,
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 400,
        "slipway.request_id": "r-1",
        "slipway.model": insurance,
        "slipway.source": "json",
        "slipway.rows": 1,
        "slipway.faults": 1,
        "slipway.code": "invalid_records",
    }
    assert {span["name"] for span in spans} == {"POST /predict", "POST /explain"}


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
    ],
)
def test_traces_are_wanted_where_somebody_says_where_they_go(environment, wanted):
    assert traces_wanted(environment) is wanted


def test_a_protocol_that_is_not_spoken_is_named():
    with pytest.raises(SlipwayError, match="OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'; expected http/protobuf"):
        traces_wanted({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def expressions() -> list[str]:
    """Those of the dashboard and of the alerts."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    drawn = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = [item["query"]["query"] for item in dashboard["templating"]["list"] if isinstance(item["query"], dict)]
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]
    return [*drawn, *asked, *(rule["expr"] for rule in rules)]


@pytest.mark.parametrize("expression", expressions())
def test_what_dashboard_and_alerts_ask_for_is_in_a_scrape(watched, expression):
    text = httpx.get(watched[1]).text
    there: dict[str, set[str]] = {"up": set()}
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.M):
        there.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    added = {"instance", "job"}  # by Prometheus

    names = re.findall(r"\b(?:slipway|bentoml)_\w+|\bup\b", expression)
    assert names
    for name in names:
        assert name in there, name
        for selector in re.findall(rf"\b{name}\{{(.*?)\}}", expression):
            used = set(re.findall(r'(\w+)\s*(?:=~|!=|!~|=)\s*"', selector))
            assert used <= there[name] | added, (name, used)
    grouped = {
        label.strip()
        for labels in re.findall(r"\b(?:by|ignoring) \((.*?)\)", expression)
        for label in labels.split(",")
    }
    assert grouped <= set().union(*(there[name] for name in names)) | added, grouped


@pytest.fixture(scope="module")
def promtool() -> str:
    """promtool; without it these tests are skipped, but not in `.ci/run`."""
    found = shutil.which("promtool")
    if found is None:
        if os.environ.get("SLIPWAY_REQUIRE_PROMETHEUS"):
            pytest.fail("promtool is missing; `apt-get install prometheus`")
        pytest.skip("no promtool")
    return found


def check(*command: str, content: str | None = None) -> None:
    done = subprocess.run(command, cwd=MONITORING, input=content, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_none_where_all_is_well(promtool):
    check(promtool, "check", "rules", "alerts.yaml")
    check(promtool, "test", "rules", "alerts_test.yaml")


def test_the_expressions_of_the_dashboard_can_be_read(promtool, tmp_path):
    drawn = [text.replace("$__rate_interval", "5m") for text in expressions() if not text.startswith("label_values")]
    rules = [{"record": f"r{i}", "expr": text} for i, text in enumerate(drawn)]
    path = tmp_path / "drawn.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "drawn", "rules": rules}]}))

    check(promtool, "check", "rules", str(path))


def test_a_scrape_is_what_prometheus_takes(promtool, watched):
    check(promtool, "check", "metrics", content="\n".join(ours(httpx.get(watched[1]).text)))


def ours(text: str) -> list[str]:
    """The lines of our own metrics: promtool dislikes some names of BentoML's."""
    return [line for line in [*text.splitlines(), ""] if "bentoml_" not in line]


def test_the_documentation_has_every_metric_and_every_alert():
    page = metrics_reference.PAGE.read_text(encoding="utf-8")
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]

    assert metrics_reference.with_metrics(page) == page, "run `python scripts/metrics_reference.py`"
    assert all(f"| `{rule['alert']}` |" in page for rule in rules)
