"""From a model in the store to an image with labels, and a list of what is in it.

    python -m deploy.image MODEL [--backend docker|podman|buildah] [--tag TAG]

One `bentoml build`, one `bentoml containerize`, and the image's SBOM in dist/.
"""

import argparse
import datetime as dt
import re
import subprocess
import sys
from pathlib import Path

from deploy import sbom
from deploy.engine import ContainerError, backend, call, inspect, runs
from slipway import store
from slipway.errors import SlipwayError
from slipway.store import Version

ROOT = Path(__file__).parent.parent
SOURCES = ("service.py", "bentofile.yaml", "slipway", "requirements", "LICENSE")
BENTOML = str(Path(sys.executable).with_name("bentoml"))


def revision() -> str:
    """The commit of the code, `-dirty` if what goes into an image differs; `unknown` without a checkout of it."""
    try:
        if Path(call("git", "-C", str(ROOT), "rev-parse", "--show-toplevel").strip()) != ROOT.resolve():
            return "unknown"
        commit = call("git", "-C", str(ROOT), "rev-parse", "HEAD").strip()
        changed = call("git", "-C", str(ROOT), "status", "--porcelain", "--", *SOURCES)
    except (ContainerError, FileNotFoundError):
        return "unknown"
    return commit + ("-dirty" if changed else "")


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
    """The image's labels: the OCI image specification's words, and two of ours."""
    return {
        "org.opencontainers.image.title": version.name,
        "org.opencontainers.image.version": version.version,
        "org.opencontainers.image.revision": revision,
        "org.opencontainers.image.created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "org.opencontainers.image.licenses": "Apache-2.0",
        "slipway.model": version.tag,
        "slipway.engine": version.engine,
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

    bento = _step("bento", BENTOML, "build", "--arg", f"model={version.tag}", "--output", "tag").split("__tag__:")[-1]
    named = [f"label={key}={value}" for key, value in labels(version, code).items()]
    options = [f"--opt={option}" for option in (*named, *opts)]
    # Whoever names a tag, a test or a trial say, does not change what is run and pushed without one.
    tags = ["-t", image, *([] if tag else ["-t", f"{name}:latest"])]
    _step("image", BENTOML, "containerize", bento.strip(), "--backend", builder, *tags, *options)
    engine = runs(builder)
    found = inspect(engine, image)
    if found["Config"]["Labels"].get("slipway.model") != version.tag:
        raise ContainerError(f"{image} is not what was built just now; see what `bentoml containerize` printed above")
    return engine, image, sbom.write(engine, image, version, ROOT / "dist" / f"{image.replace(':', '-')}.cdx.json")


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
