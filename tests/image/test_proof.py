"""What can be proven of an image: that it is the same when it is built again, and who signed it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.engine import call, inspect
from tests.conftest import HOME, ROOT
from tests.image import sandbox
from tests.image.conftest import MEASURED, SANDBOX, make, make_image

pytestmark = pytest.mark.image


def test_a_rebuild_without_a_cache_gives_the_same_layers_and_another_model_changes_the_last(
    image, engine, insurance, diabetes
):
    if engine != "podman":
        pytest.skip("docker dates files with the time of the build")
    without_cache = "OPTIONS=--opt no-cache"

    again = make_image(insurance, "TAG=again", without_cache)
    other = make_image(diabetes, "TAG=other", without_cache)

    for built in (again, other):
        built.sbom.unlink()
    first, second, third = (inspect(engine, one.name) for one in (image, again, other))
    layers = [one["RootFS"]["Layers"] for one in (first, second, third)]
    assert layers[0] == layers[1] and first["Id"] == second["Id"]
    assert layers[0][:-1] == layers[2][:-1] and layers[0][-1] != layers[2][-1]
    assert (
        len(layers[0])
        == len(
            inspect(
                engine,
                os.environ.get("SLIPWAY_BASE_IMAGE") or first["Config"]["Labels"]["org.opencontainers.image.base.name"],
            )["RootFS"]["Layers"]
        )
        + 3
    )
    MEASURED.append("built again without a cache: the same image; of another model: the same layers but the last")


@pytest.fixture(scope="module")
def keys() -> tuple[Path, Path]:
    private, public = HOME / "signing.pem", HOME / "signing.pub"
    call("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(private))
    private.chmod(0o600)
    call("openssl", "pkey", "-in", str(private), "-pubout", "-out", str(public))
    return private, public


@pytest.fixture(scope="module")
def pushed(image, engine, registry, keys) -> str:
    """The address of an image that `make push` has signed."""
    login = [engine, "login", "--username", registry.user, "--password-stdin", registry.address]
    subprocess.run(login, input=registry.password, text=True, check=True, env=os.environ | registry.environment)
    tag = f"TAG={image.name.partition(':')[2]}"
    run = make(
        "push", f"REGISTRY={registry.address}", "REPOSITORY=team/signed", tag, f"KEY={keys[0]}", **registry.environment
    )
    assert run.returncode == 0, run.stderr
    return re.search(rf"^{registry.address}/team/signed@sha256:[0-9a-f]{{64}}$", run.stdout, re.M)[0]


def test_what_is_pushed_with_a_key_is_verified_and_its_sbom_is_of_the_pushed_digest(
    pushed, image, insurance, registry, keys
):
    bill = HOME / "verified.cdx.json"
    command = [sys.executable, "-m", "deploy.verify", pushed, "--key", keys[1], "--sbom", bill]

    run = subprocess.run(command, cwd=ROOT, env=os.environ | registry.environment, capture_output=True, text=True)

    assert run.returncode == 0, run.stderr
    assert f"model       {insurance}" in run.stdout and "made from   base image  sha256:" in run.stdout
    (sha256,) = json.loads(bill.read_text())["metadata"]["component"]["hashes"]
    assert sha256["content"] == pushed.partition("@sha256:")[2] != image.config["Id"]


def test_cosign_and_oras_accept_it(pushed, registry, keys):
    if not SANDBOX:
        pytest.skip("fetches cosign and oras from Debian 13: only where SLIPWAY_SANDBOX=1")
    tools = sandbox.trixie_tools(HOME / "trixie", "cosign", "oras")
    config = HOME / "docker-login"
    config.mkdir()
    (config / "config.json").write_text(Path(os.environ["REGISTRY_AUTH_FILE"]).read_text())
    environment = os.environ | registry.environment | {"DOCKER_CONFIG": str(config), "HOME": str(HOME)}
    checked = ["--key", keys[1], "--insecure-ignore-tlog"]

    runs = [
        subprocess.run([tools / command[0], *command[1:], pushed], env=environment, capture_output=True, text=True)
        for command in (
            ["cosign", "verify", *checked],
            ["cosign", "verify-attestation", *checked, "--type", "slsaprovenance1"],
            ["cosign", "verify-attestation", *checked, "--type", "cyclonedx"],
            ["oras", "discover"],
        )
    ]

    assert [run.returncode for run in runs] == [0, 0, 0, 0], [run.stderr[-500:] for run in runs]
    assert "application/vnd.cyclonedx+json" in runs[-1].stdout and "application/vnd.in-toto+json" in runs[-1].stdout
