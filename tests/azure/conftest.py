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

from slipway.cli.deploy import command
from slipway.cli.deploy import run as steps
from slipway.cli.deploy.config import WebApp
from slipway.cli.deploy.config_file import read
from slipway.cli.main import build_parser
from tests.azure.closed import known
from tests.azure.standin import SUBSCRIPTION, TENANT, Azure, Json, Request, Site, listening
from tests.azure.warm import CLIENT
from tests.conftest import ROOT

AZ = Path(os.environ.get("SLIPWAY_AZ", ROOT / ".venv" / "azure" / "bin" / "az"))
OLD, NEW = (f"slipwayregistry.azurecr.io/insurance@sha256:{digit * 64}" for digit in "ab")

ENTRA = {"entra": {"tenant": TENANT, "client_id": "55555555-5555-5555-5555-555555555555"}}
ADDRESSES = {"addresses": ["131.107.0.0/24", "2606:2800::/32"]}


@pytest.fixture(scope="session")
def az() -> Path:
    """The real `az`; without it these tests are skipped, but not where SLIPWAY_REQUIRE_AZURE is set."""
    if not AZ.exists():
        say = f"no az at {AZ}; `make azure-test` installs it"
        (pytest.fail if os.environ.get("SLIPWAY_REQUIRE_AZURE") else pytest.skip)(say)
    return AZ


@contextlib.contextmanager
def warmed(az: Path, folder: Path, **environment: str) -> Iterator[Path]:
    """The same `az`, without the seconds it takes to load; see warm.py."""
    client, line = folder / "az", folder / "socket"
    client.write_text(CLIENT.format(python=sys.executable, socket=str(line)))
    client.chmod(0o755)
    process = subprocess.Popen(
        [az.with_name("python"), ROOT / "tests" / "azure" / "warm.py", line], env=os.environ | environment
    )
    try:
        while not line.exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield client
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def warm_az(az: Path, logged_in: Azure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with warmed(az, tmp_path_factory.mktemp("warm")) as client:
        yield client


@contextlib.contextmanager
def reachable(az: Path, azure: Azure, folder: Path) -> Iterator[dict[str, str]]:
    """A stand-in that `az` is logged in to with this environment, which keeps the machine's own `az` out of it."""
    pem = folder / "standin.pem"
    subprocess.run([az.with_name("python"), ROOT / "tests" / "azure" / "certificate.py", pem], check=True)
    azure.models = known(az)["models"]
    with listening(azure, pem) as (management, login):
        environment = {
            "AZURE_CONFIG_DIR": str(folder / "config"),
            "AZURE_CORE_COLLECT_TELEMETRY": "no",
            "AZURE_CORE_CHECK_FOR_UPDATES": "no",
            "AZURE_CORE_SURVEY_MESSAGE": "no",
            "REQUESTS_CA_BUNDLE": str(pem),
            "SSL_CERT_FILE": str(pem),
            "IDENTITY_ENDPOINT": f"{login}/msi/token",
            "IDENTITY_HEADER": "standin",
        }
        for command in (
            ["cloud", "register", "--name", "StandIn", "--endpoint-resource-manager", management],
            ["cloud", "set", "--name", "StandIn"],
            ["login", "--identity"],
        ):
            subprocess.run([az, *command], check=True, capture_output=True, env=os.environ | environment)
        yield environment


@pytest.fixture(scope="session")
def logged_in(az: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """A stand-in that the `az` of this process is logged in to."""
    azure = Azure()
    with reachable(az, azure, tmp_path_factory.mktemp("azure")) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield azure


def registry(azure: Azure) -> dict[str, dict[str, object]]:
    """What is there before the first deployment: a registry, in a group of its own."""
    path = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.ContainerRegistry/registries/slipwayregistry"
    properties = {
        # Where the stand-in answers for the registry, too.
        "loginServer": azure.base.removeprefix("https://"),
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
    logged_in.restore(({}, registry(logged_in)))
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


def config(folder: Path, **changes: object) -> WebApp:
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
def first(logged_in: Azure, warm_az: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., First]:
    """The first deployment of OLD with an `access` and other fields of a config; each is made once."""

    @functools.cache
    def made(changes: str) -> First:
        logged_in.restore(({}, registry(logged_in)))
        path = written(tmp_path_factory.mktemp("first"), **json.loads(changes))
        with contextlib.redirect_stdout(io.StringIO()) as out:
            code = main(["apply", "--config", str(path), "--az", str(warm_az)], logged_in.visit)
        return First(code, out.getvalue(), list(logged_in.log), logged_in.snapshot())

    return lambda access, **changes: made(json.dumps({"access": access} | changes))


@pytest.fixture
def deployed(azure: Azure, first: Callable[..., First]) -> Azure:
    """The stand-in after the first deployment of OLD, for callers from ADDRESSES."""
    azure.restore(first(ADDRESSES).things)
    return azure


def first_run_of(azure: Azure, first: Callable[..., First], access: object, **changes: object) -> First:
    """The first deployment with `access`, and the stand-in as it left it."""
    run = first(access, **changes)
    azure.restore(run.things)
    return run
