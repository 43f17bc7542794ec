"""deploy/kubernetes.yaml, deploy/kserve.yaml, docs/kubernetes.md and docs/other-clouds.md: checked against the schemas, and beyond them.

Neither file has been run on a cluster. The schemas are Kubernetes' own, bundled with `kubernetes-validate`; those of KServe are not
to be had from a package, so that of its kind only what is a pod's is checked.
"""

import copy
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from bench import uploads
from slipway.service.private_file import is_open_to_others
from slipway.service.settings import Settings, variable
from tests.conftest import ROOT, Server, free_port

MANIFEST = (ROOT / "deploy" / "kubernetes.yaml").read_text()
DOCUMENTS: dict[str, dict[str, Any]] = {document["kind"]: document for document in yaml.safe_load_all(MANIFEST)}
POD = DOCUMENTS["Deployment"]["spec"]["template"]
CONTAINERS = [*POD["spec"].get("initContainers", []), *POD["spec"]["containers"]]
SERVER = next(container for container in CONTAINERS if container["name"] == "slipway")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
OLDEST = "1.30"  # from here on preStop can sleep unless a feature gate forbids it
FREE_KEYS = ("requests", "limits")  # what is under them has names of its own, as labels have

DOCS = (ROOT / "docs" / "other-clouds.md").read_text(encoding="utf-8")
WALK = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
IMAGE = f"ghcr.io/owner/slipway@sha256:{'4b' * 32}"


def schemas() -> ModuleType:
    """The schemas' package. It compiles grammars when it is imported, which at the top each process of a run would do."""
    return import_module("kubernetes_validate")


def validate(document: dict[str, Any], version: str = OLDEST) -> None:
    schemas().validate(document, version, strict=True)


def misspelt(node: Any) -> Iterator[tuple[str, Any]]:
    """Each key that Kubernetes gives a meaning, with `node` as it is when that key has a letter too many."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            for key, wrong in misspelt(item):
                yield key, [*node[:index], wrong, *node[index + 1 :]]
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("kind", "apiVersion") and "/" not in key:
                yield key, {k + "x" * (k == key): copy.deepcopy(v) for k, v in node.items()}
            if key not in FREE_KEYS:
                for inner, wrong in misspelt(value):
                    yield f"{key}.{inner}", {**node, key: wrong}


def block(start: str, page: str = DOCS) -> str:
    """The one code block of a page that begins with `start`."""
    found = [text for text in re.findall(r"```\w+\n(.*?)```", page, re.S) if text.startswith(start)]
    assert len(found) == 1, found
    return found[0]


# What the schemas say


@pytest.mark.parametrize("version", [OLDEST, "the newest"])
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_is_valid_for_the_oldest_and_the_newest_kubernetes(kind, version):
    validate(DOCUMENTS[kind], schemas().latest_version() if version == "the newest" else version)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_any_misspelt_key_is_refused(kind):
    passed = []
    for key, wrong in misspelt(DOCUMENTS[kind]):
        try:
            validate(wrong)
        except schemas().ValidationError:
            continue
        passed.append(key)

    assert passed == []


def test_a_value_of_the_wrong_type_is_refused():
    wrong = copy.deepcopy(DOCUMENTS["HorizontalPodAutoscaler"])
    wrong["spec"]["maxReplicas"] = "six"

    with pytest.raises(schemas().ValidationError, match="'six' is not of type"):
        validate(wrong)


# What they do not see


def test_every_container_meets_the_restricted_pod_security_standard():
    shared = POD["spec"]["securityContext"]

    assert shared["runAsNonRoot"] is True and shared["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (shared["runAsUser"], shared["runAsGroup"]) == (1034, 1034)
    assert not POD["spec"].keys() & {"hostNetwork", "hostPID", "hostIPC"}
    for container in CONTAINERS:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False and own["capabilities"] == {"drop": ["ALL"]}
        assert not own.keys() & {"runAsUser", "runAsGroup", "runAsNonRoot", "privileged", "seccompProfile"}


def test_only_tmp_can_be_written_and_no_credentials_are_mounted():
    mounts = [
        (container["name"], mount["mountPath"]) for container in CONTAINERS for mount in container["volumeMounts"]
    ]

    assert all(container["securityContext"]["readOnlyRootFilesystem"] is True for container in CONTAINERS)
    assert mounts == [("slipway", "/tmp"), ("slipway", "/etc/slipway")]
    assert SERVER["volumeMounts"][1]["readOnly"] is True
    assert [list(volume) for volume in POD["spec"]["volumes"]] == [["name", "emptyDir"], ["name", "secret"]]
    assert "sizeLimit" in POD["spec"]["volumes"][0]["emptyDir"]
    assert POD["spec"]["automountServiceAccountToken"] is False and POD["spec"]["enableServiceLinks"] is False


def test_a_file_of_the_secret_is_one_that_the_server_takes(tmp_path):
    (secret,) = [volume["secret"] for volume in POD["spec"]["volumes"] if "secret" in volume]
    named = re.findall(r"^#   kubectl set env deployment/slipway (SLIPWAY_\w+)=/etc/slipway/keys.json$", MANIFEST, re.M)
    file = tmp_path / "keys.json"
    file.touch()
    file.chmod(secret["defaultMode"])
    found = os.stat_result((*file.stat()[:4], os.geteuid() + 1, *file.stat()[5:10]))  # it is root's there

    assert (
        secret["optional"] is True
        and POD["spec"]["securityContext"]["fsGroup"] == POD["spec"]["securityContext"]["runAsGroup"]
    )
    assert named == ["SLIPWAY_KEYS_FILE"] and set(named) <= {variable(item) for item in fields(Settings)}
    assert not is_open_to_others(found)


def test_every_container_has_requests_and_limits_and_an_image_by_digest():
    for container in CONTAINERS:
        resources = container["resources"]
        assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}
        assert re.fullmatch(r"[a-z0-9.:/-]+@sha256:[0-9a-f]{64}", container["image"])


def test_every_selector_matches_the_pods_and_the_autoscaler_scales_the_deployment():
    labels = POD["metadata"]["labels"].items()
    specs = {kind: document["spec"] for kind, document in DOCUMENTS.items()}
    deployment = DOCUMENTS["Deployment"]

    assert specs["Deployment"]["selector"]["matchLabels"].items() <= labels
    assert specs["Service"]["selector"].items() <= labels
    assert specs["PodDisruptionBudget"]["selector"]["matchLabels"].items() <= labels
    assert specs["NetworkPolicy"]["podSelector"]["matchLabels"].items() <= labels
    assert specs["HorizontalPodAutoscaler"]["scaleTargetRef"] == {
        "apiVersion": deployment["apiVersion"],
        "kind": "Deployment",
        "name": deployment["metadata"]["name"],
    }
    assert "replicas" not in specs["Deployment"], "the autoscaler sets it"
    assert specs["HorizontalPodAutoscaler"]["minReplicas"] > specs["PodDisruptionBudget"]["maxUnavailable"]


def test_service_probes_and_network_policy_name_the_containers_port():
    ports = {port["name"]: port["containerPort"] for port in SERVER["ports"]}
    named = [SERVER[probe]["httpGet"]["port"] for probe in PROBES]
    named += [port["targetPort"] for port in DOCUMENTS["Service"]["spec"]["ports"]]
    named += [port["port"] for rule in DOCUMENTS["NetworkPolicy"]["spec"]["ingress"] for port in rule["ports"]]

    assert ports == {"http": 3000} and set(named) == {"http"}


def test_the_network_policy_lets_one_namespace_in_and_nothing_out():
    spec = DOCUMENTS["NetworkPolicy"]["spec"]

    assert spec["policyTypes"] == ["Ingress", "Egress"] and "egress" not in spec
    assert [[list(peer) for peer in rule["from"]] for rule in spec["ingress"]] == [[["namespaceSelector"]]]
    assert DOCUMENTS["Service"]["spec"]["type"] == "ClusterIP"


def test_a_pod_is_given_the_time_that_stopping_takes():
    waits = SERVER["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert waits > 0 and POD["spec"]["terminationGracePeriodSeconds"] >= waits + 10


def test_each_setting_is_one_that_the_service_reads():
    ours = [item["name"] for item in SERVER["env"] if item["name"].startswith("SLIPWAY_")]

    assert ours and set(ours) <= {variable(item) for item in fields(Settings)}
    assert all(isinstance(item["value"], str) for item in SERVER["env"])


# Against a real server


def test_the_probes_ask_what_the_service_answers(insurance_server):
    paths = [SERVER[probe]["httpGet"]["path"] for probe in PROBES]

    assert paths == ["/readyz", "/readyz", "/livez"]
    assert [insurance_server.get(path).status_code for path in paths] == [200, 200, 200]


def test_addresses_are_relative_whatever_a_proxy_says_of_scheme_and_host(insurance_server):
    headers = {"host": "ml.example.org", "x-forwarded-proto": "https", "x-forwarded-host": "evil.example.com"}

    page = insurance_server.get("/ui/", headers=headers)
    redirect = insurance_server.get("/ui", headers=headers)

    assert "ml.example.org" not in page.text and "evil.example.com" not in page.text
    assert redirect.headers["location"] == "./ui/"


# The docs


def test_the_command_of_the_docs_fills_in_all_places(tmp_path):
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "kubernetes.yaml").write_text(MANIFEST)
    environment = os.environ | {"IMAGE": IMAGE, "PROXY_NAMESPACE": "auth"}

    subprocess.run(["bash", "-euc", block("sed ", WALK)], cwd=tmp_path, env=environment, check=True, timeout=30)

    before, after = MANIFEST.splitlines(), (tmp_path / "slipway.yaml").read_text().splitlines()
    changed = [number for number, lines in enumerate(zip(before, after, strict=True)) if lines[0] != lines[1]]
    assert [after[number].strip() for number in changed] == [
        "kubernetes.io/metadata.name: auth",
        f"image: {IMAGE}",
        f'value: "{IMAGE}"',
    ]
    for document in yaml.safe_load_all("\n".join(after)):
        validate(document)


def health(url: str) -> int:
    """The exit code of the docs' health command, as docker has a shell run it."""
    words = shlex.split(block("docker run "))
    command = words[words.index("--health-cmd") + 1].replace("http://127.0.0.1:3000", url)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command], env=os.environ | {"PATH": path}, capture_output=True, timeout=60
    ).returncode


def test_the_health_command_of_the_docs_tells_a_ready_server_from_none(insurance_server: Server):
    assert health(insurance_server.url) == 0
    assert health(f"http://127.0.0.1:{free_port()}") == 1


def test_docker_and_podman_are_given_one_health_command():
    words = shlex.split(block("docker run "))

    assert f"HealthCmd={words[words.index('--health-cmd') + 1]}\n" in block("[Container]")


@pytest.mark.parametrize(("page", "most"), [(DOCS, 1), (WALK, 5)], ids=["other-clouds", "kubernetes"])
def test_each_block_of_the_docs_names_the_test_that_runs_it_or_says_not_tried(page, most):
    before = re.split(r"```\w+\n.*?```\n", page, flags=re.S)[:-1]
    named = re.findall(r"`(tests/test_\w+\.py)::(\w+)`", page)

    assert len(before) > 8
    for text in before:
        paragraph = text.strip().split("\n\n")[-1]
        assert re.search(r"\*\*not tried", paragraph, re.I) or "::test_" in paragraph, paragraph
    assert len(named) >= most
    for file, name in named:
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), name


def test_kserve_gets_the_same_pod_as_kubernetes():
    document = yaml.safe_load((ROOT / "deploy" / "kserve.yaml").read_text())
    predictor = document["spec"]["predictor"]
    (container,) = predictor["containers"]
    pod = {
        key: value
        for key, value in predictor.items()
        if key not in ("minReplicas", "maxReplicas", "scaleTarget", "scaleMetric")
    }

    assert (document["apiVersion"], document["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert container["name"] == "kserve-container" and container["ports"] == [
        {"name": "http1", "containerPort": 3000, "protocol": "TCP"}
    ]
    for key in ("image", "resources", "securityContext"):
        assert container[key] == SERVER[key], key
    assert predictor["securityContext"] == {
        key: value for key, value in POD["spec"]["securityContext"].items() if key != "fsGroup"
    }
    validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "slipway"}, "spec": pod})


def test_the_limit_of_memory_is_the_one_that_uploads_were_measured_with():
    limits = SERVER["resources"]["limits"]

    assert limits["memory"] == f"{uploads.MOST_IN_ALL // 1024}Gi"
    # 300 MB of supervisor, worker and helper at rest, and 200 to spare.
    assert Settings().max_helper_megabytes * 1_000_000 + 500_000_000 < uploads.MOST_IN_ALL * 2**20
