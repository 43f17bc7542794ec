"""The pod of deploy/chart, started for real by `podman kube play`, which reads a Deployment as Kubernetes does: user, rights, volumes, ports.

It needs SLIPWAY_SANDBOX=1, where it has a network of its own. What only a cluster does (Service, Ingress, autoscaler, network policy, `fsGroup`)
is not tried by it.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
import yaml

from slipway import store
from slipway.inference.equality import equal
from tests.conftest import HOME
from tests.image import sandbox
from tests.image.conftest import MEASURED, SANDBOX
from tests.test_chart import CHART, documents, helm  # noqa: F401

pytestmark = pytest.mark.image

CONTAINER = "slipway-pod-0-slipway"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def pod(image, helm) -> Iterator[Run]:  # noqa: F811
    """Runs a command beside the pod, in its network; the pod is ready."""
    if not SANDBOX:
        pytest.skip("this needs SLIPWAY_SANDBOX=1")
    command = [helm, "template", "slipway", CHART, "--values", CHART / "examples" / "minimal.yaml"]
    command += ["--set", "monitor.enabled=true"]
    rendered = documents(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    deployment = rendered["Deployment"]
    # Podman has a digest of what was pulled only.
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = f"localhost/{image.name}"
    folder = HOME / "pod"
    with sandbox.network(folder) as (inside, environment):

        def run(*command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*inside, *command],
                env=os.environ | environment,
                capture_output=True,
                text=True,
                timeout=120,
                check=check,
            )

        (folder / "pod.yaml").write_text(yaml.safe_dump(deployment))
        started = time.monotonic()
        run("podman", "kube", "play", str(folder / "pod.yaml"))
        try:
            while run("curl", "-sf", "http://localhost:3000/readyz", check=False).returncode:
                assert time.monotonic() < started + 120, run("podman", "logs", CONTAINER, check=False)
                time.sleep(0.5)
            MEASURED.append(
                f"deploy/chart: its pod is ready {time.monotonic() - started:.1f} s after `podman kube play`"
            )
            yield run
        finally:
            run("podman", "kube", "down", str(folder / "pod.yaml"), check=False)


def test_the_pod_answers_as_the_version_in_the_store(pod, insurance):
    version = store.find(insurance)
    golden, target = version.golden(), version.schema().target
    body = json.dumps({"records": list(golden.records)})

    found = pod(
        "curl", "-s", "-H", "content-type: application/json", "--data-binary", body, "http://localhost:3000/predict"
    )

    answers = json.loads(found.stdout)
    wanted = [{"prediction": one.prediction, "probabilities": one.probabilities} for one in golden.predictions]
    pairs = list(zip(answers["predictions"], wanted, strict=True))
    assert pairs and all(equal(answer, wanted, target) for answer, wanted in pairs)


def test_it_has_no_rights_and_writes_to_tmp_alone(pod):
    status = dict(
        re.findall(r"^(\w+):\s+(.+)$", pod("podman", "exec", CONTAINER, "cat", "/proc/1/status").stdout, re.M)
    )
    attempt = "import sys; open(sys.argv[1] + '/x', 'w')"
    written = [
        folder
        for folder in ("/", "/app/.venv", "/home/bentoml", "/etc", "/tmp")
        if not pod("podman", "exec", CONTAINER, "python", "-c", attempt, folder, check=False).returncode
    ]

    assert status["Uid"].split() == status["Gid"].split() == ["1034"] * 4
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
    assert written == ["/tmp"]


def test_its_metrics_are_read_from_outside_on_their_own_port_alone(pod):
    """They were answered to the pod itself alone, until the host was looked at on which `bentoml serve` listens by default."""
    until = time.monotonic() + 30
    while "slipway_model_info{" not in (text := pod("curl", "-s", "http://localhost:9100/metrics", check=False).stdout):
        assert time.monotonic() < until, text
        time.sleep(0.5)

    served = pod("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://localhost:3000/metrics").stdout
    assert 'slipway_model_info{engine="onnx"' in text and served == "404"
    assert "slipway_request_duration_seconds_sum{" in text


def test_it_stops_well_before_kubernetes_would_kill_it(pod):
    """The last test: it is gone then. 30 s of grace, 5 of them before SIGTERM."""
    pod("podman", "stop", "--time", "25", CONTAINER)

    found = json.loads(pod("podman", "inspect", CONTAINER).stdout)[0]["State"]
    assert found["ExitCode"] == 0
