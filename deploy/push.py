"""An image into a registry, under a tag that says what it is, with its SBOM and provenance, and signed.

    python -m deploy.push --registry NAME.azurecr.io [--repository NAME] [--model NAME] [--tag TAG] [--key FILE]

The tag is the model's version and the code's commit, as the image's own labels have them.
What is deployed is the digest that this prints: a tag can be moved, a digest cannot. SBOM and provenance are of that digest and lie
beside the image. With a key (`--key`, or SLIPWAY_COSIGN_KEY), it is signed, and so are they: `python -m deploy.verify` checks it.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy import attest, provenance, sbom, verify
from deploy.engine import ContainerError, backend, call, inspect, last_line, runs
from deploy.image import name_of, tag_of
from deploy.registry import Part, Repository
from slipway.cli.deploy.config import REPOSITORY
from slipway.errors import SlipwayError
from slipway.service.signing import read_signing_key
from slipway.store.proof.bundle import PAYLOAD_TYPE
from slipway.store.proof.keys import SigningKey, signing_key

KEY_VARIABLE = "SLIPWAY_COSIGN_KEY"
"""The private key itself in PEM, as a pipeline has its secrets, or the name of its file."""

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


def key_of(file: Path | None, value: str | None) -> SigningKey | None:
    """The key to sign with: from a file, or from SLIPWAY_COSIGN_KEY; None without either.

    Raises
    ------
    SlipwayError
        If it cannot be read, others may read its file, or it is not a P-256 key.
    """
    if file:
        return read_signing_key(file, "--key")
    if not value:
        return None
    if value.lstrip().startswith("-----BEGIN"):
        return signing_key(value.strip().encode(), KEY_VARIABLE)
    return read_signing_key(Path(value), KEY_VARIABLE)


def attach(engine: str, image: str, pushed: str, key: SigningKey | None) -> list[str]:
    """Put SBOM and provenance beside a pushed image, and sign all of it if there is a key.

    Parameters
    ----------
    engine, image : str
        The local image.
    pushed : str
        `registry/repository@sha256:…`, the same image.
    key : SigningKey or None

    Returns
    -------
    list of str
        A line for each thing that was attached.

    Raises
    ------
    ContainerError
        If the registry does not take it. The image itself is there then, and this may be repeated.
    """
    registry, name, digest = verify.split(pushed)
    bill = sbom.as_json(sbom.describe(engine, image, pushed)).encode()
    where = f"{registry}/{name}"
    statements = [
        attest.statement(where, digest, provenance.PREDICATE_TYPE, provenance.predicate(engine, image)),
        attest.statement(where, digest, verify.CYCLONEDX, json.loads(bill)),
    ]
    said = []
    with Repository(registry, name) as repository:
        manifest = repository.manifest(digest)
        if manifest is None:
            raise ContainerError(f"{registry} took {pushed} and has no such manifest; push it again")
        for kind, content, title in (
            (sbom.MEDIA_TYPE, bill, "sbom.cdx.json"),
            (PAYLOAD_TYPE, json.dumps(statements[0], indent=1).encode(), "provenance.intoto.json"),
        ):
            part = Part(content, kind, {"org.opencontainers.image.title": title})
            said.append(f"attached {title}  {repository.attach(manifest, kind, part)['digest']}")
        if key:
            attest.sign(repository, digest, key, statements)
            said.append(f"signed with {key.name} ({key.public.fingerprint[:16]}…), SBOM and provenance too")
    return said


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
    parser.add_argument("--key", type=Path, help=f"sign with this private key, P-256 in PEM (or set {KEY_VARIABLE})")
    arguments = parser.parse_args()
    name = name_of(arguments.model)
    try:
        key = key_of(arguments.key, os.environ.get(KEY_VARIABLE))
        engine = runs(backend(arguments.backend))
        model = arguments.model if ":" in arguments.model else None
        image = f"{name}:{arguments.tag}"
        digest = push(engine, image, arguments.registry, arguments.repository or name, model)
        for line in attach(engine, image, digest, key):
            print(line, flush=True)
    except SlipwayError as exc:
        sys.exit(f"slipway: {exc}")
    print(f"{digest}\nput it into deploy/azure.yaml as `image:`, then: slipway deploy plan --config deploy/azure.yaml")


if __name__ == "__main__":
    main()
