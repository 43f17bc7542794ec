"""An image into a registry, under a tag that says what it is.

    python -m deploy.push --registry NAME.azurecr.io [--repository NAME] [--model NAME] [--tag TAG]

The tag is the model's version and the code's commit, as the image's own labels have them.
What is deployed is the digest that this prints: a tag can be moved, a digest cannot.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.engine import ContainerError, backend, call, inspect, last_line, runs
from deploy.image import name_of, tag_of
from slipway.cli.deploy.config import REPOSITORY
from slipway.errors import SlipwayError

_REGISTRY = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"

_REFUSALS = (
    (r"unauthorized|authentication required|no basic auth|invalid username/password", "{registry} refused the login: {login}"),
    (r"no such host|name resolution", "there is no registry {registry}, or its name cannot be looked up from here: check it{names}"),
    (r"connection refused|i/o timeout|deadline exceeded|network is unreachable|no route to host", "{registry} does not answer: check its name and the network"),
)  # fmt: skip


def _login(registry: str, engine: str) -> str:
    if registry.endswith(".azurecr.io"):
        # A login server may have a hash behind the registry's name.
        name = registry.removesuffix(".azurecr.io").partition("-")[0]
        return f"log in with `az acr login --name {name}`; it needs the role AcrPush"
    return f"log in with `{engine} login {registry}`, as somebody who may push"


def reason(text: str, registry: str, engine: str) -> str:
    """One line for what an engine says when a push fails, its own words at the end."""
    names = " (az acr list --output table)" if registry.endswith(".azurecr.io") else ""
    known = (advice for pattern, advice in _REFUSALS if re.search(pattern, text, re.IGNORECASE))
    advice = next(known, "{registry} did not take the image")
    said = advice.format(registry=registry, login=_login(registry, engine), names=names)
    return f"{said} ({engine} says: {last_line(text)})"


def push(engine: str, image: str, registry: str, repository: str, model: str | None = None) -> str:
    """Push a local image; with `model`, a tag such as `insurance:5o5t7exg`, only if it serves that version.

    Returns
    -------
    str
        `registry/repository@sha256:…`

    Raises
    ------
    ContainerError
        If a name cannot be right, the image is missing, serves another model, carries no labels of ours or is for
        another processor than the registry's Web Apps have, or the registry refuses it.
    """
    if not re.fullmatch(_REGISTRY, registry):
        raise ContainerError(f"REGISTRY is {registry!r}; expected its login server alone, as in name.azurecr.io")
    if not re.fullmatch(REPOSITORY, repository):
        raise ContainerError(
            f"REPOSITORY is {repository!r}; expected lower-case letters, digits and '.', '_', '-', '/'"
        )
    inspected = inspect(engine, image)
    found = inspected["Config"]["Labels"]
    if model and found.get("slipway.model") != model:
        raise ContainerError(
            f"{image} serves {found.get('slipway.model')}, not {model}; build it: make image MODEL={model}"
        )
    if registry.endswith(".azurecr.io") and inspected.get("Architecture", "amd64") != "amd64":
        raise ContainerError(
            f"{image} is for {inspected['Architecture']}, and Azure's Web Apps run amd64; "
            'build it so: make image OPTIONS="--opt platform=linux/amd64"'
        )
    try:
        tag = tag_of(found["org.opencontainers.image.version"], found["org.opencontainers.image.revision"])
    except KeyError:
        raise ContainerError(f"{image} has no version and revision; build it with `make image`") from None
    target = f"{registry}/{repository}:{tag}"
    call(engine, "tag", image, target)
    print(f"→ {target}", flush=True)
    return f"{registry}/{repository}@{_sent(engine, target, registry)}"


def _sent(engine: str, target: str, registry: str) -> str:
    """Push and give the digest: podman writes it into a file, docker prints it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "digest")
        options = ["--digestfile", str(file)] if engine == "podman" else []
        run = subprocess.run([engine, "push", *options, target], capture_output=True, text=True)  # noqa: S603
        if run.returncode:
            raise ContainerError(reason(run.stdout + run.stderr, registry, engine))
        text = file.read_text() if options else run.stdout
    digest = re.search(r"sha256:[0-9a-f]{64}", text)
    if not digest:
        raise ContainerError(f"{engine} pushed {target} but names no digest; look it up in the registry")
    return digest[0]


def main() -> None:
    """Push, and print the digest."""
    parser = argparse.ArgumentParser(prog="python -m deploy.push", description=__doc__.splitlines()[0])
    parser.add_argument("--registry", required=True)
    parser.add_argument("--repository", help="default: the model's name")
    parser.add_argument("--model", default="insurance")
    parser.add_argument("--tag", default="latest", help="which local image (default: the last one built)")
    parser.add_argument("--backend")
    arguments = parser.parse_args()
    name = name_of(arguments.model)
    try:
        engine = runs(backend(arguments.backend))
        model = arguments.model if ":" in arguments.model else None
        digest = push(engine, f"{name}:{arguments.tag}", arguments.registry, arguments.repository or name, model)
    except SlipwayError as exc:
        sys.exit(f"slipway: {exc}")
    print(f"{digest}\nput it into deploy/azure.yaml as `image:`, then: slipway deploy plan --config deploy/azure.yaml")


if __name__ == "__main__":
    main()
