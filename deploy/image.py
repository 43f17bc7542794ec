"""From a model in the store to an image with labels, and a list of what is in it.

    python -m deploy.image MODEL [--backend docker|podman|buildah] [--tag TAG]

One `bentoml build`, one `bentoml containerize`, and the image's SBOM in dist/. The same commit and model give the same layers
anywhere, and with podman and buildah the same digest: nothing in an image depends on when, where or how often it was built.
"""

import argparse
import datetime as dt
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import bentoml

from deploy import sbom
from deploy.engine import ContainerError, backend, call, inspect, runs
from slipway import store
from slipway.errors import SlipwayError
from slipway.service.image import BASE, BASE_VARIABLE, EARLIEST, STAGE
from slipway.store import Version

ROOT = Path(__file__).parent.parent
SOURCES = ("service.py", "bentofile.yaml", "slipway", "requirements", "LICENSE")
BENTOML = str(Path(sys.executable).with_name("bentoml"))
EPOCH = "SOURCE_DATE_EPOCH"
# What the layers below the bento are made from. Their files have the date of the last commit that changed it, and not of the
# last one: else every commit would give every layer another digest.
_ENVIRONMENT = ("requirements/serve.txt", "requirements/train.txt", "slipway/service/image.py")


def revision() -> str:
    """The commit of the code, with `-dirty` if what goes into an image differs; `unknown` without a checkout of it."""
    try:
        if Path(call("git", "-C", str(ROOT), "rev-parse", "--show-toplevel").strip()) != ROOT.resolve():
            return "unknown"
        commit = call("git", "-C", str(ROOT), "rev-parse", "HEAD").strip()
        changed = call("git", "-C", str(ROOT), "status", "--porcelain", "--", *SOURCES)
    except (ContainerError, FileNotFoundError):
        return "unknown"
    return commit + ("-dirty" if changed else "")


def date_of(*paths: str) -> int:
    """When a commit last changed these files, or anything; in seconds since 1970.

    SOURCE_DATE_EPOCH says it instead if it is set, as reproducible-builds.org/specs/source-date-epoch has it.

    Raises
    ------
    ContainerError
        If SOURCE_DATE_EPOCH is not a date.
    """
    if given := os.environ.get(EPOCH):
        if not re.fullmatch(r"[0-9]{1,11}", given):
            raise ContainerError(
                f"{EPOCH} is {given!r}; expected seconds since 1970, such as `git log -1 --format=%ct`"
            )
        return int(given)
    if revision() == "unknown":
        return EARLIEST
    # A shallow clone has one commit, which then changed everything: nothing breaks, but no layer is shared with another commit.
    return int(call("git", "-C", str(ROOT), "log", "-1", "--format=%ct", "--", *paths) or EARLIEST)


def tag_of(version: str, revision: str) -> str:
    """An image's tag: the model's version, and which code serves it.

    >>> tag_of("5o5t7exg", "22f7baa3c01d9b5e-dirty")
    '5o5t7exg-22f7baa3c01d-dirty'
    """
    commit, dash, dirty = revision.partition("-")
    return f"{version}-{commit[:12]}{dash}{dirty}"


def name_of(model: str) -> str:
    """An image's name: the model's, as registries take it.

    >>> name_of("my.model_v2:5o5t7exg")
    'my-model-v2'
    """
    return re.sub(r"[^a-z0-9]+", "-", model.partition(":")[0].lower()).strip("-")


def labels(version: Version, revision: str) -> dict[str, str]:
    """The image's labels: the OCI image specification's words, and three of ours. `created` is the commit's date."""
    return {
        "org.opencontainers.image.title": version.name,
        "org.opencontainers.image.version": version.version,
        "org.opencontainers.image.revision": revision,
        "org.opencontainers.image.created": dt.datetime.fromtimestamp(date_of(), dt.UTC).isoformat(timespec="seconds"),
        "org.opencontainers.image.base.name": os.environ.get(BASE_VARIABLE) or BASE,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "slipway.model": version.tag,
        "slipway.engine": version.engine,
        # By which a signed answer and an image are found to have the same version.
        "slipway.sha256sums": hashlib.sha256((version.path / store.SUMS).read_bytes()).hexdigest(),
    }


def build(model: str, wanted: str | None, tag: str | None, opts: list[str]) -> tuple[str, str, Path]:
    """Build the image of a model; `opts` go to the backend, as `bentoml containerize --opt` takes them.

    Returns
    -------
    engine, image, SBOM
        The command that runs it, `NAME:TAG`, and a CycloneDX file.

    Raises
    ------
    SlipwayError
        If there is no engine, no such model, or a step fails.
    """
    if tag and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", tag):
        raise ContainerError(f"TAG is {tag!r}; expected letters, digits, '_', '.' and '-', at most 128 of them")
    builder = backend(wanted)
    version, code = store.find(model), revision()
    name = name_of(version.name)
    image = f"{name}:{tag or tag_of(version.version, code)}"

    bento = _bento(version, code)
    named = [f"label={key}={value}" for key, value in labels(version, code).items()]
    # docker has no such option: what it needs instead is in docs/image.md.
    dated = [] if builder == "docker" else [f"timestamp={date_of(*_ENVIRONMENT)}"]
    options = [f"--opt={option}" for option in (f"target={STAGE}", *named, *dated, *opts)]
    # Whoever names a tag, a test or a trial say, does not change what is run and pushed without one.
    tags = ["-t", image, *([] if tag else ["-t", f"{name}:latest"])]
    _step("image", BENTOML, "containerize", bento, "--backend", builder, *tags, *options)
    engine = runs(builder)
    found = inspect(engine, image)
    if found["Config"]["Labels"].get("slipway.model") != version.tag:
        raise ContainerError(f"{image} is not what was built just now; see what `bentoml containerize` printed above")
    return engine, image, sbom.write(engine, image, ROOT / "dist" / f"{image.replace(':', '-')}.cdx.json")


def _bento(version: Version, revision: str) -> str:
    """Build the bento, whose version and time are not new ones each time, as BentoML would have them."""
    named = tag_of(version.version, revision)
    for before in bentoml.list():
        if before.tag.version == named:
            bentoml.delete(before.tag)
    arguments = ("--arg", f"model={version.tag}", "--version", named, "--output", "tag")
    bento = _step("bento", BENTOML, "build", *arguments).split("__tag__:")[-1].strip()
    described = Path(bentoml.get(bento).path, "bento.yaml")
    lines = described.read_text(encoding="utf-8")
    date = dt.datetime.fromtimestamp(date_of(), dt.UTC).isoformat()
    dated, found = re.subn(r"(?m)^creation_time: .*$", f"creation_time: '{date}'", lines)
    if found != 1:
        raise ContainerError(f"{described} has {found} lines `creation_time:`; expected one")
    described.write_text(dated, encoding="utf-8")
    return bento


def _step(what: str, *command: str) -> str:
    """Run a step that prints as it goes; what it wrote to stdout comes back and is shown too."""
    print(f"→ {what}: {' '.join(command[1:])}", flush=True)
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 (a list, no shell)
    assert process.stdout  # noqa: S101 (it was asked for)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if not line.startswith("__tag__"):
            print(line, end="", flush=True)
    if process.wait():
        raise ContainerError(f"`{' '.join(command[1:3])}` failed (exit code {process.returncode}); it says why above")
    return "".join(lines)


def main() -> None:
    """Build, and say what was built and how to go on."""
    parser = argparse.ArgumentParser(prog="python -m deploy.image", description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--backend", help="docker, podman or buildah (default: what answers here)")
    parser.add_argument("--tag", help="instead of the model's version and the code's commit")
    parser.add_argument("--opt", action="append", default=[], help="for the backend, as in --opt platform=linux/amd64")
    arguments = parser.parse_args()
    try:
        engine, image, contents = build(arguments.model, arguments.backend, arguments.tag, arguments.opt)
    except SlipwayError as exc:
        sys.exit(f"slipway: {exc}")
    megabytes = inspect(engine, image)["Size"] / 1e6
    print(f"\n{image}  {megabytes:,.0f} MB\nwhat is in it: {contents.relative_to(ROOT)}")
    print("try it: make image-run    push it: make push REGISTRY=<name>.azurecr.io")


if __name__ == "__main__":
    main()
