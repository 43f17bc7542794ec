"""deploy/compose, started for real: our image behind nginx with TLS and a login, and Prometheus beside it.

It needs SLIPWAY_SANDBOX=1: the containers are in a network of their own, and nginx and Prometheus, whose images are on Docker Hub, are
Debian's programs on the base image. Grafana is not started.
"""

import json
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from slipway import store
from slipway.inference.equality import equal
from tests.conftest import CHROMIUM, HOME, PERSON, ROOT, SLIPWAY, sentence
from tests.image import sandbox
from tests.image.conftest import BASE, MEASURED, SANDBOX

pytestmark = pytest.mark.image

COMPOSE = ROOT / ".venv" / "compose" / "bin" / "podman-compose"
PASSWORD = "correct-horse-battery"
SERVICES = ("slipway", "proxy", "prometheus")


@dataclass
class Machine:
    """Where the services run: a folder with deploy/, and a network that commands can be run in."""

    folder: Path
    inside: list[str]
    environment: dict[str, str]
    key: str = ""
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, *command: str | Path, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """A command in that network and folder."""
        return subprocess.run(
            [*self.inside, *command], cwd=self.folder, env=os.environ | self.environment,
            capture_output=True, text=True, timeout=180, check=check, **options,
        )  # fmt: skip

    def curl(self, url: str, *options: str) -> tuple[int, str, str]:
        """Status, headers and body of an answer; status 0 if nobody listens. The certificate is checked with the local CA."""
        command = ["curl", "-s", "--max-time", "30", "--cacert", "tls/ca.crt", "-D", "-", *options, url]
        run = self.run(*command, check=False)
        if run.returncode:
            assert run.returncode == 7, (run.returncode, run.stderr)  # 7: it could not connect
            return 0, "", ""
        head, _, body = run.stdout.partition("\n\n")
        return int(head.split()[1]), head, body

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers."""
        found = self.curl("http://localhost:9090/api/v1/query", "-G", "--data-urlencode", f"query={expression}")[2]
        return json.loads(found)["data"]["result"]


def build_stand_ins(folder: Path) -> dict[str, str]:
    """Images with Debian's nginx and Prometheus, which this machine has, on the base image."""
    folder.mkdir()
    names = {}
    for name, program, lines in (
        ("nginx", "/usr/sbin/nginx", ""),
        ("prometheus", "/usr/bin/prometheus", 'COPY --chown=65534:65534 data /prometheus\nUSER 65534\nENTRYPOINT ["/bin/prometheus"]'),
    ):  # fmt: skip
        if not Path(program).exists():
            pytest.fail(f"there is no {program}; install Debian's {name}")
        context = folder / name
        (context / "data").mkdir(parents=True)
        shutil.copy(program, context)
        (context / "Dockerfile").write_text(f"FROM {BASE}\nCOPY {name} /bin/{name}\n{lines}\n")
        names[f"{name.upper()}_IMAGE"] = f"localhost/{name}:stand-in"
        subprocess.run(
            ["podman", "build", "-q", "-t", f"localhost/{name}:stand-in", context], check=True, capture_output=True
        )
    return names


@pytest.fixture(scope="module")
def machine(image) -> Iterator[Machine]:
    """The services, started as docs/compose.md says."""
    if not SANDBOX:
        pytest.skip("this needs SLIPWAY_SANDBOX=1")
    folder = HOME / "compose-machine"
    shutil.copytree(
        ROOT / "deploy" / "compose",
        folder / "deploy" / "compose",
        ignore=shutil.ignore_patterns("tls", "secrets", ".env"),
    )
    shutil.copytree(ROOT / "deploy" / "monitoring", folder / "deploy" / "monitoring")
    stand_ins = build_stand_ins(folder / "stand-ins")
    here = folder / "deploy" / "compose"
    prepare = ["sh", "prepare", "localhost"]
    subprocess.run(prepare, cwd=here, check=True, capture_output=True)
    add = [SLIPWAY, "passwords", "add", "anna", "--file", here / "secrets" / "passwords"]
    subprocess.run(add, input=PASSWORD, text=True, check=True, capture_output=True)
    add = [SLIPWAY, "keys", "add", "reporting", "--file", here / "secrets" / "keys.json"]
    key = subprocess.run(add, text=True, check=True, capture_output=True).stdout.strip()
    subprocess.run(
        prepare, cwd=here, check=True, capture_output=True
    )  # as root: the new files are the service's as well
    values = (here / ".env").read_text().replace("SLIPWAY_IMAGE=\n", f"SLIPWAY_IMAGE=localhost/{image.name}\n")
    values = values.replace("SLIPWAY_PORT=443\n", "SLIPWAY_PORT=8443\n")
    (here / ".env").write_text(values + "".join(f"{name}={value}\n" for name, value in stand_ins.items()))
    # Where there is a Docker Hub, every 15 s is often enough; a test waits for the first.
    scraping = here / "prometheus.yml"
    scraping.write_text(scraping.read_text().replace("scrape_interval: 15s", "scrape_interval: 1s"))
    with sandbox.network(folder / "network") as (inside, environment):
        machine = Machine(here, inside, environment, key)
        started = time.monotonic()
        up = machine.run(COMPOSE, "up", "--detach", *SERVICES, check=False)
        try:
            assert up.returncode == 0, up.stdout[-2000:] + up.stderr[-2000:]
            while machine.curl("https://localhost:8443/readyz")[0] != 200:
                assert time.monotonic() < started + 120, machine.run(COMPOSE, "logs", check=False).stdout[-3000:]
                time.sleep(0.5)
            MEASURED.append(f"deploy/compose: ready {time.monotonic() - started:.1f} s after `podman-compose up`")
            for name in SERVICES:
                machine.containers[name] = json.loads(machine.run("podman", "inspect", f"slipway_{name}_1").stdout)[0]
            yield machine
        finally:
            machine.run(COMPOSE, "down", "--volumes", check=False)


def test_a_program_with_a_key_gets_the_golden_predictions_over_tls_and_one_without_gets_none(machine, insurance):
    version = store.find(insurance)
    golden, target = version.golden(), version.schema().target
    body = json.dumps({"records": list(golden.records)})
    ask = ["-H", "content-type: application/json", "--data-binary", body]

    status, head, answer = machine.curl(
        "https://localhost:8443/predict", *ask, "-H", f"authorization: Bearer {machine.key}"
    )
    refused = machine.curl("https://localhost:8443/predict", *ask)[0]

    assert status == 200 and refused == 401
    answers = json.loads(answer)
    wanted = [{"prediction": one.prediction, "probabilities": one.probabilities} for one in golden.predictions]
    pairs = list(zip(answers["predictions"], wanted, strict=True))
    assert answers["model"] == insurance and pairs and all(equal(answer, wanted, target) for answer, wanted in pairs)
    # It believes nginx that the browser's side is TLS.
    assert "strict-transport-security:" in head.lower()


def test_somebody_logs_in_and_uses_the_page(machine, tmp_path):
    if not CHROMIUM.exists():
        pytest.fail("chromium is missing; `apt-get install chromium`")
    from playwright.sync_api import sync_playwright

    browser = tmp_path / "chromium"  # in the network of the containers
    browser.write_text(f'#!/bin/sh\nexec {" ".join(machine.inside)} {CHROMIUM} "$@"\n')
    browser.chmod(0o755)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(browser), args=["--no-sandbox"])
        context = found.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.goto("https://localhost:8443/")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.locator(".slip-sentence").wait_for()
        before = sentence(page)
        page.get_by_label("Age (years)").fill("64")
        page.locator(".slip-sentence").filter(has_not_text=before).wait_for()
        (cookie,) = context.cookies()
        found.close()

    assert cookie["secure"] and cookie["httpOnly"]


def test_prometheus_reads_the_metrics_and_the_alerts(machine):
    until = time.monotonic() + 60
    while not machine.query('slipway_model_info{job="slipway"}') and time.monotonic() < until:
        time.sleep(1)

    (version,) = machine.query('slipway_model_info{job="slipway"}')
    rules = json.loads(machine.curl("http://localhost:9090/api/v1/rules")[2])["data"]["groups"]
    alerts = yaml.safe_load((ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text())["groups"][0]["rules"]
    assert version["metric"]["model"] == "insurance" and version["metric"]["instance"] == "slipway:9100"
    assert machine.query('up{job="slipway"}')[0]["value"][1] == "1"
    assert [rule["name"] for group in rules for rule in group["rules"]] == [rule["alert"] for rule in alerts]
    assert {rule["health"] for group in rules for rule in group["rules"]} <= {"ok", "unknown"}


def test_nothing_is_reached_but_by_the_proxy(machine):
    """Neither the service nor its metrics, and under no other name."""
    asked = [machine.curl(f"http://localhost:{port}/metrics")[0] for port in (3000, 9100)]

    assert asked == [0, 0]
    key = ["-H", f"authorization: Bearer {machine.key}"]
    assert machine.curl("https://localhost:8443/metrics", *key)[0] in (403, 404)
    assert machine.curl("https://localhost:8443/", "-H", "host: other.example")[0] == 400
    assert set(machine.containers["slipway"]["NetworkSettings"]["Networks"]) == {"slipway_inside"}
    (network,) = json.loads(machine.run("podman", "network", "inspect", "slipway_inside").stdout)
    assert network["internal"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_has_no_rights_and_writes_only_where_it_has_to(machine, name):
    found = machine.containers[name]
    status = dict(
        re.findall(
            r"^(\w+):\s+(.+)$", machine.run("podman", "exec", f"slipway_{name}_1", "cat", "/proc/1/status").stdout, re.M
        )
    )

    assert found["HostConfig"]["ReadonlyRootfs"] is True
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
    assert status["Uid"].split()[0] == ("65534" if name == "prometheus" else "1034")


def test_an_image_without_keys_says_loudly_that_nobody_is_asked(machine, image):
    """It did not, until the host was looked at on which `bentoml serve` listens by default."""
    machine.run("podman", "run", "--detach", "--name", "open", f"localhost/{image.name}")
    try:
        until = time.monotonic() + 60
        while "NOBODY IS ASKED" not in (said := machine.run("podman", "logs", "open")).stdout + said.stderr:
            assert time.monotonic() < until, said.stdout + said.stderr
            time.sleep(0.5)
    finally:
        machine.run("podman", "rm", "--force", "open", check=False)


def test_the_certificate_is_for_the_name_alone(machine):
    context = ssl.create_default_context(cafile=machine.folder / "tls" / "ca.crt")
    other = machine.run("curl", "-s", "--cacert", "tls/ca.crt", "https://127.0.0.1:8443/readyz", check=False)

    assert other.returncode == 60 and len(context.get_ca_certs()) == 1  # 60: the certificate is not for that
    assert not (machine.folder / "tls" / "ca.key").exists()


def test_who_is_added_meanwhile_gets_in_without_a_restart(machine):
    """The command replaces the file, which a mount of the file itself would not notice."""
    keys = machine.folder / "secrets" / "keys.json"
    add = [SLIPWAY, "keys", "add", "second", "--file", keys]
    key = subprocess.run(add, text=True, check=True, capture_output=True).stdout.strip()
    shutil.chown(keys, 1034, 1034)
    ask = ["-H", "content-type: application/json", "--data-binary", json.dumps({"records": [PERSON]})]

    until = time.monotonic() + 30
    while True:
        status = machine.curl("https://localhost:8443/predict", *ask, "-H", f"authorization: Bearer {key}")[0]
        if status == 200 or time.monotonic() > until:
            break
        time.sleep(0.5)

    assert status == 200
