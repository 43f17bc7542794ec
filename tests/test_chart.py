"""deploy/chart/: rendered by the real `helm`, compared with golden files, and checked against the schemas of two Kubernetes versions.

To write the golden files anew after a change of the chart, set SLIPWAY_WRITE_GOLDEN and run these tests once. No cluster has seen the
chart.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import chart_settings
from slipway.service.settings import FILE, SECRET, Settings, read_settings, variable
from tests.conftest import ROOT
from tests.test_kubernetes import OLDEST, WALK, block, schemas, validate

CHART = ROOT / "deploy" / "chart"
GOLDEN = ROOT / "tests" / "data" / "chart"
EXAMPLES = sorted(path.stem for path in (CHART / "examples").glob("*.yaml"))
MONITORING = ROOT / "deploy" / "monitoring"
# Kinds that come with an operator; the schemas of Kubernetes do not have them.
OTHERS = {"ServiceMonitor": "monitoring.coreos.com/v1", "HTTPRoute": "gateway.networking.k8s.io/v1"}

Render = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def helm() -> str:
    """`helm`, as `make test` installs it, or the one on PATH."""
    own = ROOT / ".venv" / "helm" / "bin" / "helm"
    found = str(own) if own.exists() else shutil.which("helm")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("there is no helm; `make manifest` installs one")
        pytest.skip("there is no helm; `make manifest` installs one")
    return found


@pytest.fixture
def template(helm) -> Render:
    """`helm template slipway` with the values of an example, and what is set besides."""

    def run(example: str | Path, *options: str) -> subprocess.CompletedProcess[str]:
        values = example if isinstance(example, Path) else CHART / "examples" / f"{example}.yaml"
        command = [helm, "template", "slipway", CHART, "--values", values, *options]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    return run


def documents(text: str) -> dict[str, dict[str, Any]]:
    """The rendered objects by their kind."""
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


def set_of(rendered: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The environment of the server's container, without what comes from Secrets."""
    container = rendered["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    return {item["name"]: item["value"] for item in container["env"] if "value" in item}


# What is rendered


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_rendered_as_its_golden_file(template, example):
    run = template(example)
    golden = GOLDEN / f"{example}.yaml"
    if "SLIPWAY_WRITE_GOLDEN" in os.environ:
        golden.write_text(run.stdout, encoding="utf-8")

    assert run.returncode == 0, run.stderr
    assert run.stdout == golden.read_text(encoding="utf-8")


def test_the_manifest_is_what_the_chart_renders(helm):
    run = subprocess.run(["bash", "scripts/write-manifest", helm], cwd=ROOT, capture_output=True, text=True, timeout=60)

    assert run.stdout == (ROOT / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8"), "run `make manifest`"


@pytest.mark.parametrize("example", EXAMPLES)
def test_helm_finds_nothing_to_complain_of(helm, example):
    command = [helm, "lint", "--strict", "--quiet", CHART, "--values", CHART / "examples" / f"{example}.yaml"]

    run = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert (run.returncode, run.stdout + run.stderr) == (0, "")


@pytest.mark.parametrize("version", [OLDEST, "the newest"])
@pytest.mark.parametrize("example", EXAMPLES)
def test_what_is_rendered_is_valid_for_the_oldest_and_the_newest_kubernetes(example, version):
    rendered = documents((GOLDEN / f"{example}.yaml").read_text(encoding="utf-8"))

    for kind, document in rendered.items():
        if kind in OTHERS:
            assert document["apiVersion"] == OTHERS[kind]
        else:
            validate(document, schemas().latest_version() if version == "the newest" else version)
    assert {"Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"} <= rendered.keys()


def test_each_example_has_the_kinds_that_it_is_for():
    kinds = {name: documents((GOLDEN / f"{name}.yaml").read_text(encoding="utf-8")).keys() for name in EXAMPLES}
    asked = {"HorizontalPodAutoscaler", "Ingress", "HTTPRoute", "ServiceMonitor"}

    assert {name: found & asked for name, found in kinds.items()} == {
        "minimal": {"HorizontalPodAutoscaler"},
        "ingress": {"Ingress"},
        "gateway": {"HorizontalPodAutoscaler", "HTTPRoute", "ServiceMonitor"},
    }


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_service_takes_the_settings_that_are_rendered(example):
    environment = set_of(documents((GOLDEN / f"{example}.yaml").read_text(encoding="utf-8")))

    settings = read_settings(environment)

    assert settings.workers == 1 and settings.image.endswith("@sha256:" + "4b" * 32)
    if example == "ingress":
        assert settings.root_path == "/app/insurance" and settings.max_cells == 5_000_000
        assert settings.keys_file == "/etc/slipway/keys.json"


def test_a_port_of_its_own_for_metrics_is_named_by_pod_service_monitor_and_policy_and_open_to_prometheus_alone():
    rendered = documents((GOLDEN / "gateway.yaml").read_text(encoding="utf-8"))
    container = rendered["Deployment"]["spec"]["template"]["spec"]["containers"][0]

    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    services = {port["name"]: port["targetPort"] for port in rendered["Service"]["spec"]["ports"]}
    monitor = rendered["ServiceMonitor"]["spec"]
    _, second = rendered["NetworkPolicy"]["spec"]["ingress"]
    assert ports == {"http": 3000, "metrics": int(set_of(rendered)["SLIPWAY_METRICS_PORT"])}
    assert services == {"http": "http", "metrics": "metrics"}
    assert [endpoint["port"] for endpoint in monitor["endpoints"]] == ["metrics"]
    assert monitor["selector"]["matchLabels"].items() <= rendered["Service"]["metadata"]["labels"].items()
    # The job's name is that label of the Service; the alerts ask for job="slipway".
    assert rendered["Service"]["metadata"]["labels"][monitor["jobLabel"]] == "slipway"
    assert second["ports"] == [{"port": "metrics"}]
    assert second["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "monitoring"}


def test_the_autoscaler_asks_for_what_the_adapter_is_told_to_answer():
    adapter = yaml.safe_load((MONITORING / "adapter.yaml").read_text())
    (rule,) = adapter["rules"]["custom"]
    ours, cpu = documents((GOLDEN / "gateway.yaml").read_text())["HorizontalPodAutoscaler"]["spec"]["metrics"]

    assert ours["pods"]["metric"]["name"] == rule["name"]["as"]
    assert ours["pods"]["target"] == {"type": "AverageValue", "averageValue": "4"}
    assert cpu["resource"]["name"] == "cpu"


def test_the_adapters_query_is_the_number_of_requests_at_a_time(tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        if os.environ.get("SLIPWAY_REQUIRE_PROMETHEUS"):
            pytest.fail("promtool is missing; `apt-get install prometheus`")
        pytest.skip("no promtool")
    (rule,) = yaml.safe_load((MONITORING / "adapter.yaml").read_text())["rules"]["custom"]
    series, labels = re.fullmatch(r"(\w+)\{(.*)\}", rule["seriesQuery"]).groups()
    query = rule["metricsQuery"]
    for name, value in {"Series": series, "LabelMatchers": 'namespace="ml",pod=~"a|b"', "GroupBy": "pod"}.items():
        query = query.replace(f"<<.{name}>>", value)
    # Scraped each 15 s: `a` worked for 60 s in that time, on two routes together, four requests at a time; `b` for 15 s.
    inputs = [
        {"series": f'{series}{{namespace="ml",pod="a",route="/predict"}}', "values": "0+45x20"},
        {"series": f'{series}{{namespace="ml",pod="a",route="/predict_csv"}}', "values": "0+15x20"},
        {"series": f'{series}{{namespace="ml",pod="b",route="/predict"}}', "values": "0+15x20"},
        {"series": f'{series}{{namespace="other",pod="a",route="/predict"}}', "values": "0+900x20"},
    ]
    samples = [{"labels": '{pod="a"}', "value": 4}, {"labels": '{pod="b"}', "value": 1}]
    asked = [{"expr": query, "eval_time": "5m", "exp_samples": samples}]
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump({"tests": [{"interval": "15s", "input_series": inputs, "promql_expr_test": asked}]}))

    run = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stdout + run.stderr
    assert set(re.findall(r'(\w+)!=""', labels)) == set(rule["resources"]["overrides"]) == {"namespace", "pod"}


def test_the_alerts_become_a_rule_of_the_operator(tmp_path):
    (tmp_path / "kubectl").write_text("#!/bin/sh\n")
    (tmp_path / "kubectl").chmod(0o755)
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    subprocess.run(["bash", "-euc", block("{ printf", WALK)], cwd=tmp_path, env=environment, check=True, timeout=30)

    rule = yaml.safe_load((tmp_path / "slipway-alerts.yaml").read_text(encoding="utf-8"))
    alerts = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))
    assert (rule["apiVersion"], rule["kind"], rule["spec"]) == ("monitoring.coreos.com/v1", "PrometheusRule", alerts)


def test_the_commands_of_the_docs_render_what_they_say(helm, template, tmp_path):
    """With `helm template` as typed there, and the values as written there."""
    digest = f"sha256:{'4b' * 32}"
    environment = os.environ | {"PATH": f"{Path(helm).parent}:{os.environ['PATH']}", "DIGEST": digest}
    command = ["bash", "-euc", block("helm template", WALK)]
    values = tmp_path / "values.yaml"
    values.write_text(block("image:", WALK), encoding="utf-8")

    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    team = template(values)

    first, second = documents(shown.stdout), documents(team.stdout)
    assert set_of(first)["SLIPWAY_IMAGE"] == f"registry.example.com/slipway@{digest}"
    assert first["NetworkPolicy"]["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "ingress-nginx"
    }
    assert second["Ingress"]["spec"]["tls"] == [{"hosts": ["ml.example.org"], "secretName": "ml-example-org"}]
    assert read_settings(set_of(second)).session_secret_file == "/etc/slipway/session-secret"
    # What is installed is what was shown.
    shown_arguments, installed = (
        re.search(r"slipway deploy/chart (.*?)(?: --rollback-on-failure)?\n$", block(start, WALK), re.S)[1]
        for start in ("helm template", "helm upgrade --install slipway")
    )
    assert shown_arguments == installed


# What is refused


WRONG = [
    ("autoscaling.min=two", "at '/autoscaling/min': got string, want integer"),
    ("autoscaling.min=0", "at '/autoscaling/min': minimum: got 0, want 1"),
    ("autoscaling.metric=cpus", "at '/autoscaling/metric': value must be one of 'cpu', 'requests', 'none'"),
    ("monitor.enabled=yes", "at '/monitor/enabled': got string, want boolean"),
    ("networkPolicy.callers=login-proxy", "at '/networkPolicy/callers': got string, want array"),
    ("image.digest=latest", "at '/image/digest': 'latest' does not match pattern"),
    ("image.tag=latest", "at '/image': additional properties 'tag' not allowed"),
    ("monitr.enabled=true", "at '': additional properties 'monitr' not allowed"),
    ("expose.path=app", "at '/expose/path': 'app' does not match pattern"),
    ("resources.limits.memory=big", "at '/resources/limits/memory': 'big' does not match pattern"),
    ("settings.SLIPWAY_MAX_ROWS=many", "at '/settings/SLIPWAY_MAX_ROWS': got string, want integer"),
    ("settings.SLIPWAY_MAX_ROWS=0", "at '/settings/SLIPWAY_MAX_ROWS': minimum: got 0, want 1"),
    ("settings.SLIPWAY_MAX_ROW=5", "at '/settings': additional properties 'SLIPWAY_MAX_ROW' not allowed"),
    ("settings.SLIPWAY_LOG_FORMAT=xml", "at '/settings/SLIPWAY_LOG_FORMAT': value must be one of 'text', 'json'"),
    ("settings.SLIPWAY_SESSION_SECRET=abc", "at '/settings': additional properties 'SLIPWAY_SESSION_SECRET' not"),
    ("settings.SLIPWAY_WORKERS=2", "at '/settings': additional properties 'SLIPWAY_WORKERS' not allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "line"), WRONG, ids=[given for given, _ in WRONG])
def test_a_value_of_the_wrong_kind_is_one_line_and_nothing_is_rendered(template, given, line):
    run = template("minimal", "--set", given)

    assert run.returncode != 0 and run.stdout == ""
    # Helm itself puts two lines in front: what failed, and the chart.
    first, chart, *faults = run.stderr.strip().splitlines()
    assert first.startswith("Error: values don't meet the specifications of the schema") and chart == "slipway:"
    assert len(faults) == 1 and line in faults[0]


CONTRADICTIONS = [
    (["image.repository="], "image.repository is empty; expected the image without its digest"),
    (["image.digest="], "image.digest is empty; expected sha256: and 64 digits"),
    (["autoscaling.min=9"], "autoscaling.min is 9, more than autoscaling.max (6)"),
    (["autoscaling.metric=requests"], 'autoscaling.metric is "requests", which Prometheus has to read; set monitor.en'),
    (["access.files.SLIPWAY_KEYS_FILE=keys.json"], "access.files names entries of a Secret, but access.secret is empty"),
    (
        ["access.secret=a", "access.files.SLIPWAY_PASSWORD_FILE=passwords"],
        "people log in, but replicas would not know each other's sessions; name the secret that signs them in",
    ),
    (["networkPolicy.callers=null"], "networkPolicy.callers is empty, so that nobody could call; expected the namespac"),
    (
        ["secretSettings.SLIPWAY_REQUEST_LOG.name=a", "secretSettings.SLIPWAY_REQUEST_LOG.key=b"],
        "SLIPWAY_REQUEST_LOG is set, but networkPolicy.egress is empty, so that the service reaches nobody",
    ),
    (
        ["settings.SLIPWAY_PUBLIC_URL=https://anna:secret@a.example"],
        "settings.SLIPWAY_PUBLIC_URL holds a password; put it into a Secret",
    ),
    (
        ["settings.SLIPWAY_OPERATORS=a", "secretSettings.SLIPWAY_OPERATORS.name=a", "secretSettings.SLIPWAY_OPERATORS.key=b"],
        "SLIPWAY_OPERATORS is in settings and in secretSettings",
    ),
    (["expose.kind=gateway", "expose.host=a.example"], "expose.gateway.name is empty; expected the name of a Gateway"),
    (["expose.kind=ingress", "expose.host=a.example"], "expose.ingress.tlsSecret is empty; expected the Secret with"),
    (["expose.kind=gateway", "expose.gateway.name=a"], 'expose.kind is "gateway", but expose.host is empty'),
]  # fmt: skip


@pytest.mark.parametrize(("given", "line"), CONTRADICTIONS, ids=[" ".join(given) for given, _ in CONTRADICTIONS])
def test_values_that_contradict_each_other_are_one_line_and_nothing_is_rendered(template, given, line):
    run = template("minimal", *(part for one in given for part in ("--set", one)))

    assert run.returncode != 0 and run.stdout == ""
    lines = [text for text in run.stderr.splitlines() if text and not text.startswith("Use --debug")]
    assert len(lines) == 1 and line in lines[0]
    assert "secret@" not in run.stderr


def test_the_schema_has_the_settings_of_the_service():
    text = chart_settings.SCHEMA.read_text(encoding="utf-8")

    properties = json.loads(text)["properties"]
    named = {name: set(properties[name]["properties"]) for name in ("settings", "secretSettings")}
    named["files"] = set(properties["access"]["properties"]["files"]["properties"])
    kinds = {variable(item): item.metadata["kind"] for item in fields(Settings)}
    assert chart_settings.with_settings(text) == text, "run `python scripts/chart_settings.py`"
    assert named["settings"] | named["secretSettings"] | named["files"] | chart_settings.OWN == kinds.keys()
    assert named["files"] == {name for name, kind in kinds.items() if kind is FILE}
    assert not named["settings"] & {name for name, kind in kinds.items() if kind is SECRET}
    integers = {name for name, one in properties["settings"]["properties"].items() if one.get("type") == "integer"}
    defaults = {variable(item): item.default for item in fields(Settings)}
    assert integers == {name for name in named["settings"] if isinstance(defaults[name], int)}


def test_each_value_that_can_be_given_has_a_default():
    schema, values = json.loads(chart_settings.SCHEMA.read_text()), yaml.safe_load((CHART / "values.yaml").read_text())

    assert schema["properties"].keys() - {"global"} == values.keys()
    for name, value in values.items():
        described = schema["properties"][name].get("properties")
        if isinstance(value, dict) and value and described:
            assert value.keys() == described.keys(), name
