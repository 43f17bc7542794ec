"""A real engine, real images of models trained here, a real registry with a login."""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bench.images import MEMORY
from deploy.engine import backend, call, runs
from tests.conftest import HOME, ROOT, free_port
from tests.image import sandbox
from tests.image.sandbox import BASE

MEASURED: list[str] = []
SANDBOX = bool(os.environ.get("SLIPWAY_SANDBOX"))


def pytest_terminal_summary(terminalreporter) -> None:
    if MEASURED:
        terminalreporter.section("images")
        for line in MEASURED:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """The command that runs images; its base image is there when this is."""
    if not SANDBOX:
        yield runs(backend())
        return
    os.environ.update(sandbox.make(HOME / "containers"))
    try:
        pull = ["podman", "pull", "--quiet", f"docker.io/library/{BASE}"]
        if subprocess.run(pull, capture_output=True, timeout=300).returncode:
            MEASURED.append("the base image is a stand-in made of Debian's packages: Docker Hub was not reached")
            sandbox.stand_in(HOME)
        yield "podman"
    finally:
        subprocess.run(["podman", "rm", "--all", "--force"], capture_output=True)
        sandbox.unmount(HOME)


@dataclass(frozen=True)
class Image:
    """An image as `make image` made it."""

    name: str
    log: str
    sbom: Path

    @property
    def config(self) -> dict:
        return json.loads(call(runs(backend()), "image", "inspect", self.name))[0]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`make …` as a person types it."""
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=900,
    )


def building() -> dict[str, str]:
    return {"CONTAINERS_CONF": os.environ["BUILDING"]} if "BUILDING" in os.environ else {}


def make_image(model: str, *arguments: str) -> Image:
    started = time.monotonic()
    run = make("image", f"MODEL={model}", *arguments, **building())
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    name, megabytes = re.search(r"^(\S+:\S+)  ([\d,]+) MB$", run.stdout, re.M).groups()
    MEASURED.append(f"{name}: {megabytes} MB on disk, built in {time.monotonic() - started:.0f} s")
    sbom = ROOT / re.search(r"^what is in it: (\S+)$", run.stdout, re.M)[1]
    return Image(name, run.stdout + run.stderr, sbom)


@pytest.fixture(scope="session")
def image(engine, insurance) -> Iterator[Image]:
    """The image of a compiled model."""
    # A name of its own on a machine where somebody works: what `make push` would take stays what it was.
    built = make_image(insurance, *([] if SANDBOX else ["TAG=under-test"]))
    yield built
    built.sbom.unlink()


@pytest.fixture
def native_image(engine, uncompiled) -> Iterator[Image]:
    """The image of a model that is served by its pipeline: the training packages are 2 GB, which are not kept."""
    built = make_image(uncompiled, *([] if SANDBOX else ["TAG=under-test"]))
    yield built
    built.sbom.unlink()
    call(engine, "rmi", "--force", built.config["Id"])


@dataclass(frozen=True)
class Container:
    """`make image-run`, while it runs."""

    engine: str
    name: str
    url: str
    process: subprocess.Popen
    ready_after: float
    log: Path

    # What the page's fixture asks of a server.
    before_stop: list

    def post(self, path: str, **arguments: object) -> httpx.Response:
        return httpx.post(self.url + path, timeout=60, **arguments)

    def get(self, path: str, **arguments: object) -> httpx.Response:
        return httpx.get(self.url + path, timeout=60, **arguments)

    def inside(self, *command: str) -> str:
        return call(self.engine, "exec", self.name, *command)

    def measured(self, image: str) -> None:
        """Have it printed how long the start took, and what memory it has taken since; nobody has asked for anything yet."""
        megabytes = int(self.inside("python", "-c", MEMORY)) * 1024 / 1e6
        assert megabytes > 50
        MEASURED.append(
            f"{image}: ready {self.ready_after:.1f} s after `make image-run`, {megabytes:.0f} MB of memory when idle"
        )

    def stop(self) -> int:
        """`docker stop`: SIGTERM, and SIGKILL after ten seconds. The container's exit code."""
        call(self.engine, "stop", "--time", "10", self.name)
        return self.process.wait(30)


@contextmanager
def running(image: str, engine: str | None = None, options: str = "") -> Iterator[Container]:
    """An image as `make image-run` runs it, ready, on a free port of this machine."""
    engine = engine or runs(backend())
    name, _, tag = image.rpartition(":")
    port = free_port()
    called = f"slipway-{port}"
    log = HOME / f"{called}.log"
    # The sandbox has the machine's own network, where only loopback is listened on.
    given = f"OPTIONS=--name {called} {'--env BENTOML_HOST=127.0.0.1' if SANDBOX else ''} {options}"
    command = ["make", "--no-print-directory", "image-run", f"MODEL={name}", f"TAG={tag}", f"PORT={port}"]
    command += [f"BACKEND={engine}", given]
    url = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        while True:
            assert process.poll() is None and time.monotonic() < started + 120, log.read_text()
            try:
                if httpx.get(url + "/readyz", timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        ready = time.monotonic() - started
        while httpx.get(url + "/ui/", timeout=5).status_code == 503:
            assert process.poll() is None and time.monotonic() < started + 120, log.read_text()
            time.sleep(0.2)
        yield Container(engine, called, url, process, ready, log, [])
    finally:
        subprocess.run([engine, "rm", "--force", called], capture_output=True)
        process.wait(30)


@pytest.fixture(scope="session")
def container(image) -> Iterator[Container]:
    """The image of the compiled model, running."""
    with running(image.name) as started:
        started.measured(image.name)
        yield started


@pytest.fixture
def docker(engine) -> Iterator[str]:
    """`docker`, with an engine that answers. In the sandbox it is started here, and PATH and the like lead to it."""
    if not SANDBOX:
        if engine != "docker":
            pytest.skip("docker does not answer here, or podman was chosen")
        yield engine
        return
    process, environment = sandbox.docker_daemon(HOME / "docker")
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        for _ in range(60):
            if subprocess.run(["docker", "info"], capture_output=True).returncode == 0:
                break
            time.sleep(0.5)
        else:
            pytest.fail((HOME / "docker" / "log").read_text()[-2000:])
        sandbox.base_for_docker(HOME / "docker", environment)
        yield "docker"
    finally:
        process.terminate()
        process.wait(30)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@dataclass(frozen=True)
class Certificate:
    """For 127.0.0.1, signed by itself."""

    certificate: Path
    key: Path


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    made = Certificate(HOME / "loopback.crt", HOME / "loopback.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", made.key, "-out", made.certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return made


@dataclass(frozen=True)
class Registry:
    """A registry on this machine, over TLS, that asks for a login."""

    address: str
    user: str
    password: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def registry(certificate) -> Iterator[Registry]:
    if not shutil.which("docker-registry") or not shutil.which("htpasswd"):
        missing = "no docker-registry or htpasswd (Debian: docker-registry, apache2-utils)"
        pytest.fail(missing) if SANDBOX else pytest.skip(missing)
    folder = HOME / "registry"
    folder.mkdir()
    port, password = free_port(), "correct-horse"
    users = call("htpasswd", "-Bbn", "ci", password)
    (folder / "htpasswd").write_text(users)
    (folder / "config.yml").write_text(
        f"""version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http:
  addr: 127.0.0.1:{port}
  secret: tests
  tls: {{certificate: {certificate.certificate}, key: {certificate.key}}}
auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}
"""
    )
    # It reads every REGISTRY_* variable as configuration; REGISTRY_AUTH_FILE is podman's.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("REGISTRY_")}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", folder / "config.yml"], env=environment, stdout=log, stderr=log
        )
    try:
        address = f"127.0.0.1:{port}"
        for _ in range(100):
            try:
                if httpx.get(f"https://{address}/v2/", verify=False).status_code == 401:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        else:
            pytest.fail((folder / "log").read_text())
        yield Registry(address, "ci", password, {"SSL_CERT_FILE": str(certificate.certificate)})
    finally:
        process.terminate()
        process.wait(10)
