"""The real `az` of requirements/azure.txt, logged in to the stand-in on loopback."""

import contextlib
import functools
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from slipway.cli.deploy import command, steps
from slipway.cli.deploy.config import Config, read
from slipway.cli.main import build_parser
from tests.azure.standin import SUBSCRIPTION, TENANT, Azure, Json, Request, Site, listening
from tests.azure.warm import CLIENT
from tests.conftest import ROOT

AZ = Path(os.environ.get("SLIPWAY_AZ", ROOT / ".venv" / "azure" / "bin" / "az"))
OLD, NEW = (f"slipwayregistry.azurecr.io/insurance@sha256:{digit * 64}" for digit in "ab")

ENTRA = {"entra": {"tenant": TENANT, "client_id": "55555555-5555-5555-5555-555555555555"}}
ADDRESSES = {"addresses": ["203.0.113.0/24", "2001:db8::/32"]}


@pytest.fixture(scope="session")
def az() -> Path:
    """The real `az`; without it these tests are skipped, but not where SLIPWAY_REQUIRE_AZURE is set."""
    if not AZ.exists():
        say = f"no az at {AZ}; `make azure-test` installs it"
        (pytest.fail if os.environ.get("SLIPWAY_REQUIRE_AZURE") else pytest.skip)(say)
    return AZ


@pytest.fixture(scope="session")
def warm_az(az: Path, logged_in: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The same `az`, without the seconds it takes to load; see warm.py."""
    folder = tmp_path_factory.mktemp("warm")
    client, line = folder / "az", folder / "socket"
    client.write_text(CLIENT.format(python=sys.executable, socket=str(line)))
    client.chmod(0o755)
    process = subprocess.Popen([az.with_name("python"), ROOT / "tests" / "azure" / "warm.py", line])
    while not line.exists():
        assert process.poll() is None
        time.sleep(0.05)
    yield client
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def logged_in(az: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """A stand-in that `az` is logged in to, with nothing of the machine's own `az` in the way."""
    folder = tmp_path_factory.mktemp("azure")
    pem = folder / "standin.pem"
    python = az.with_name("python")
    subprocess.run([python, ROOT / "tests" / "azure" / "certificate.py", pem], check=True)
    azure = Azure()
    with listening(azure, pem) as (management, login), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_CONFIG_DIR", str(folder / "config"))
        patch.setenv("AZURE_CORE_COLLECT_TELEMETRY", "no")
        patch.setenv("AZURE_CORE_CHECK_FOR_UPDATES", "no")
        patch.setenv("AZURE_CORE_SURVEY_MESSAGE", "no")
        patch.setenv("REQUESTS_CA_BUNDLE", str(pem))
        patch.setenv("SSL_CERT_FILE", str(pem))
        patch.setenv("IDENTITY_ENDPOINT", f"{login}/msi/token")
        patch.setenv("IDENTITY_HEADER", "standin")
        for command in (
            ["cloud", "register", "--name", "StandIn", "--endpoint-resource-manager", management],
            ["cloud", "set", "--name", "StandIn"],
            ["login", "--identity"],
        ):
            subprocess.run([az, *command], check=True, capture_output=True)
        yield azure


def registry() -> dict[str, dict[str, object]]:
    """What is there before the first deployment: a registry, in a group of its own."""
    path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/slipwayregistry"
    properties = {
        "loginServer": "slipwayregistry.azurecr.io",
        "adminUserEnabled": False,
        "provisioningState": "Succeeded",
    }
    kind = "Microsoft.ContainerRegistry/registries"
    return {
        path.lower(): {"id": path, "name": "slipwayregistry", "type": kind, "location": "westeurope", "sku": {"name": "Basic"}, "properties": properties}
    }  # fmt: skip


@pytest.fixture
def azure(logged_in: Azure) -> Azure:
    """The stand-in with nothing in it but a registry."""
    logged_in.restore(({}, registry()))
    return logged_in


def main(arguments: list[str], probe: steps.Probe = steps.https_status) -> int:
    """`slipway deploy ARGUMENTS`, in this process."""
    return command.run(build_parser().parse_args(["deploy", *arguments]), probe)


def written(folder: Path, **changes: object) -> Path:
    """A config file: the shipped one, for the stand-in's subscription, with changes; None leaves a field out."""
    raw = yaml.safe_load((ROOT / "deploy" / "azure.yaml").read_text(encoding="utf-8"))
    raw |= {"subscription": SUBSCRIPTION, "image": OLD, "access": ADDRESSES} | changes
    path = folder / "azure.yaml"
    path.write_text(
        yaml.safe_dump({key: value for key, value in raw.items() if value is not None}, sort_keys=False),
        encoding="utf-8",
    )
    return path


def config(folder: Path, **changes: object) -> Config:
    """The same, read."""
    return read(written(folder, **changes))


@dataclass
class Outcome:
    """How a run of `slipway deploy` ended: exit code, and what it printed."""

    code: int
    out: str
    err: str


Deploy = Callable[..., Outcome]


@pytest.fixture
def deploy(azure: Azure, warm_az: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> Deploy:
    """`slipway deploy ACTION` with a config that has these changes, in this process; slots answer at once."""
    monkeypatch.setattr(steps, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(steps, "GRACE_SECONDS", 0.2)

    def deploy(action: str, **changes: object) -> Outcome:
        code = main([action, "--config", str(written(tmp_path, **changes)), "--az", str(warm_az)], azure.visit)
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return deploy


@dataclass
class First:
    """A first deployment by the real `az`: how it ended, what it asked, and what is there since."""

    code: int
    out: str
    log: list[Request]
    things: tuple[dict[str, Site], dict[str, Json]]


@pytest.fixture(scope="session")
def first(logged_in: Azure, warm_az: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[object], First]:
    """The first deployment of OLD with an `access`; each is made once."""

    @functools.cache
    def made(access: str) -> First:
        logged_in.restore(({}, registry()))
        path = written(tmp_path_factory.mktemp("first"), access=json.loads(access))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = main(["apply", "--config", str(path), "--az", str(warm_az)], logged_in.visit)
        return First(code, out.getvalue(), list(logged_in.log), logged_in.snapshot())

    return lambda access: made(json.dumps(access))


@pytest.fixture
def deployed(azure: Azure, first: Callable[[object], First]) -> Azure:
    """The stand-in after the first deployment of OLD, for callers from ADDRESSES."""
    azure.restore(first(ADDRESSES).things)
    return azure


def first_run_of(azure: Azure, first: Callable[[object], First], access: object) -> First:
    """The first deployment with `access`, and the stand-in as it left it."""
    run = first(access)
    azure.restore(run.things)
    return run
