"""deploy/compose and deploy/space without an engine: what `prepare` makes, and what their files say. tests/image starts them."""

import json
import os
import re
import shutil
import stat
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from bench import uploads
from slipway.service.access.key_file import read_keys
from slipway.service.private_file import is_open_to_others
from slipway.service.settings import Settings, read_settings, variable
from tests.conftest import ROOT

COMPOSE = ROOT / "deploy" / "compose"
SERVICES = yaml.safe_load((COMPOSE / "compose.yaml").read_text(encoding="utf-8"))["services"]


@pytest.fixture
def folder(tmp_path) -> Path:
    shutil.copy(COMPOSE / "prepare", tmp_path)
    return tmp_path


def prepare(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", folder / "prepare", *arguments], capture_output=True, text=True, timeout=120)


def verified(folder: Path, *arguments: str) -> int:
    """Whether the certificate is one of the local authority, for a name or an address."""
    command = [
        "openssl",
        "verify",
        "-x509_strict",
        "-CAfile",
        folder / "tls/ca.crt",
        *arguments,
        folder / "tls/server.crt",
    ]
    return subprocess.run(command, capture_output=True, timeout=30).returncode


def test_prepare_makes_a_certificate_secrets_and_settings_and_keeps_them(folder):
    run = prepare(folder, "ml.example.org")
    made = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    again = prepare(folder, "other.example.org")

    assert (run.returncode, again.returncode) == (0, 0), run.stderr + again.stderr
    assert made == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert verified(folder, "-verify_hostname", "ml.example.org") == 0
    assert verified(folder, "-verify_hostname", "other.example.org") != 0
    assert not list(folder.rglob("ca.key"))
    values = dict(re.findall(r"^(\w+)=(.*)$", (folder / ".env").read_text(), re.M))
    assert values["SLIPWAY_NAME"] == "ml.example.org" and not values["SLIPWAY_USER"].startswith("0:")
    assert values["SLIPWAY_IMAGE"] == "" and len(values["GRAFANA_PASSWORD"]) == 24
    assert read_keys(folder / "secrets" / "keys.json") == []
    assert len((folder / "secrets" / "session-secret").read_text().strip()) == 64


def test_what_prepare_makes_is_for_the_services_user_alone(folder):
    prepare(folder, "localhost")

    owner = int(re.search(r"^SLIPWAY_USER=(\d+):", (folder / ".env").read_text(), re.M)[1])
    files = [path for name in ("secrets", "tls") for path in (folder / name).iterdir()]
    assert len(files) == 6
    for path in [*files, folder / "secrets", folder / "tls"]:
        found = path.stat()
        assert found.st_uid == owner and not stat.S_IMODE(found.st_mode) & 0o077, path
    assert not is_open_to_others((folder / "secrets" / "keys.json").stat())
    assert not stat.S_IMODE((folder / ".env").stat().st_mode) & 0o077


def test_an_address_is_as_good_as_a_name(folder):
    prepare(folder, "192.0.2.7")

    assert verified(folder, "-verify_ip", "192.0.2.7") == 0 and verified(folder, "-verify_ip", "192.0.2.8") != 0


@pytest.mark.parametrize("name", ["", "https://ml.example.org", "a b", "-x", "a/b", "a,DNS:b"])
def test_a_name_that_is_none_is_one_line_and_nothing_is_made(folder, name):
    run = prepare(folder, name)

    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith(f"prepare: the name is '{name}'; expected") and run.stderr.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["prepare"]


def test_the_service_takes_the_settings_that_are_in_the_file():
    environment = {
        name: value for name, value in SERVICES["slipway"]["environment"].items() if name.startswith("SLIPWAY_")
    }
    filled = {
        name: {"${SLIPWAY_NAME}": "ml.example.org", "${SLIPWAY_IMAGE}": "a@sha256:0"}.get(value, value)
        for name, value in environment.items()
    }

    settings = read_settings(filled)

    assert set(environment) <= {variable(item) for item in fields(Settings)}
    assert settings.metrics_port == 9100 and settings.allowed_hosts == ("ml.example.org",)
    files = {settings.password_file, settings.keys_file, settings.session_secret_file}
    made = {f"/etc/slipway/{name}" for name in re.findall(r"-e secrets/([\w.-]+)", (COMPOSE / "prepare").read_text())}
    assert files == made


def test_only_the_proxy_is_open_to_others_and_nothing_has_rights():
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}

    assert ports["slipway"] == [] and SERVICES["slipway"]["networks"] == ["inside"]
    assert ports["proxy"] == ["${SLIPWAY_PORT:-443}:8443"]
    assert all(port.startswith("127.0.0.1:") for name in ("prometheus", "grafana") for port in ports[name])
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only", False) is (name != "grafana")
    assert SERVICES["slipway"]["mem_limit"] == f"{uploads.MOST_IN_ALL // 1024}g"


def test_every_file_that_is_mounted_is_there():
    mounted = [
        volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"] if volume.startswith(".")
    ]

    assert len(mounted) == 8
    for path in mounted:
        assert (COMPOSE / path).exists() or path in ("./secrets", "./tls"), path


def test_grafana_is_told_where_prometheus_and_the_dashboard_are():
    (source,) = yaml.safe_load((COMPOSE / "grafana" / "datasources.yaml").read_text())["datasources"]
    (provider,) = yaml.safe_load((COMPOSE / "grafana" / "dashboards.yaml").read_text())["providers"]
    dashboard = json.loads((ROOT / "deploy" / "monitoring" / "dashboard.json").read_text())

    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090") and "prometheus" in SERVICES
    targets = [volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"] if "dashboard.json" in volume]
    assert [os.path.dirname(target) for target in targets] == [provider["options"]["path"]]
    # The dashboard asks which source it is to use; the only one is taken.
    assert dashboard["templating"]["list"][0]["query"] == source["type"]


def test_prometheus_scrapes_the_port_and_has_the_job_that_the_alerts_ask_for():
    config = yaml.safe_load((COMPOSE / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]

    assert job["job_name"] == "slipway"
    assert job["static_configs"] == [
        {"targets": [f"slipway:{SERVICES['slipway']['environment']['SLIPWAY_METRICS_PORT']}"]}
    ]


def test_a_space_says_the_port_on_which_it_listens_and_lets_itself_be_framed():
    readme = (ROOT / "deploy" / "space" / "README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(readme.split("---\n")[1])
    dockerfile = (ROOT / "deploy" / "space" / "Dockerfile").read_text(encoding="utf-8")
    frames = re.search(r'SLIPWAY_FRAME_ANCESTORS="([^"]+)"', dockerfile)[1]

    assert header["sdk"] == "docker" and f"PORT={header['app_port']} " in dockerfile
    assert read_settings({"SLIPWAY_FRAME_ANCESTORS": frames}).frame_ancestors == ("'self'", "https://huggingface.co")
    assert dockerfile.rstrip().endswith("USER 1000")
