"""Where an image comes from, as SLSA provenance v1: which commit, model, base image and locked requirements, built by whom.

It says what the image's labels say, signed by whoever pushed it: SLSA Build level 1, or 2 where a hosted pipeline builds, signs and
pushes in one job. Source: https://slsa.dev/spec/v1.0/provenance
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.engine import ContainerError, call, inspect
from slipway import __version__

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://slipway-ml/image/v1"
"""`make image`, as docs/image.md describes it."""
BY_HAND = "https://slipway-ml/builder/by-hand/v1"
"""Somebody's own machine, about which nothing can be said."""
_ROOT = Path(__file__).parent.parent
_LOCKED = ("requirements/serve.txt", "requirements/train.txt")


def predicate(engine: str, image: str, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The provenance of a local image of ours.

    Parameters
    ----------
    engine, image : str
    environment : mapping of str to str
        In which a pipeline says which run it is.

    Returns
    -------
    dict
        A SLSA predicate.

    Raises
    ------
    ContainerError
        If there is no such image.
    """
    inspected = inspect(engine, image)
    labels = inspected["Config"]["Labels"]
    revision = labels["org.opencontainers.image.revision"]
    builder, invocation = builder_of(environment)
    native = labels["slipway.engine"] != "onnx"
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"model": labels["slipway.model"], "revision": revision},
            "internalParameters": {"engine": labels["slipway.engine"], "platform": _platform(inspected)},
            "resolvedDependencies": [
                _source(revision),
                {"name": labels["slipway.model"], "digest": {"sha256": labels["slipway.sha256sums"]}, "annotations": {"file": "SHA256SUMS"}},
                _base(engine, inspected, labels["org.opencontainers.image.base.name"]),
                *(_file(path, revision) for path in _LOCKED[: 2 if native else 1]),
            ],
        },
        "runDetails": {
            "builder": {"id": builder, "version": {"slipway": __version__}},
            **({"metadata": {"invocationId": invocation}} if invocation else {}),
        },
    }  # fmt: skip


def builder_of(environment: Mapping[str, str]) -> tuple[str, str]:
    """Who builds, and in which run: GitHub Actions and Azure Pipelines say so in the environment."""
    if environment.get("GITHUB_ACTIONS") == "true":
        server = environment.get("GITHUB_SERVER_URL", "")
        run = f"{server}/{environment.get('GITHUB_REPOSITORY', '')}/actions/runs/{environment.get('GITHUB_RUN_ID', '')}"
        return f"{server}/{environment.get('GITHUB_WORKFLOW_REF', '')}", run
    if environment.get("TF_BUILD"):
        project = environment.get("SYSTEM_COLLECTIONURI", "") + environment.get("SYSTEM_TEAMPROJECT", "")
        definition = f"{project}/_build?definitionId={environment.get('SYSTEM_DEFINITIONID', '')}"
        return definition, f"{project}/_build/results?buildId={environment.get('BUILD_BUILDID', '')}"
    return BY_HAND, ""


def _platform(inspected: Mapping[str, Any]) -> str:
    return f"{inspected.get('Os', 'linux')}/{inspected.get('Architecture', 'unknown')}"


def _source(revision: str) -> dict[str, Any]:
    """The code: its commit, unless something differed from that, which then says nothing."""
    try:
        remote = call("git", "-C", str(_ROOT), "remote", "get-url", "origin").strip()
    except (ContainerError, FileNotFoundError):
        remote = ""
    # An address of a remote may have a password in it, and a path is of this machine alone.
    named = {"uri": f"git+{remote}"} if remote.startswith("https://") and "@" not in remote else {}
    clean = len(revision) == 40
    return {"name": "source", **named, **({"digest": {"gitCommit": revision}} if clean else {})}


def _base(engine: str, inspected: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The base image, with its digest if the engine still has the one that this image was built on."""
    found: dict[str, Any] = {"name": "base image", "uri": f"pkg:docker/{name.partition('@')[0].replace(':', '@')}"}
    try:
        base = inspect(engine, name)
    except ContainerError:
        return found
    layers = base["RootFS"]["Layers"]
    digests = [one.partition("@")[2] for one in base.get("RepoDigests") or [] if "@sha256:" in one]
    if digests and inspected["RootFS"]["Layers"][: len(layers)] == layers:
        found["digest"] = {"sha256": digests[0].removeprefix("sha256:")}
    return found


def _file(path: str, revision: str) -> dict[str, Any]:
    """A file of that commit, whatever is checked out now."""
    content = None
    if len(revision) == 40:
        try:
            content = call("git", "-C", str(_ROOT), "show", f"{revision}:{path}").encode()
        except (ContainerError, FileNotFoundError):
            content = None
    return {"name": path, **({"digest": {"sha256": hashlib.sha256(content).hexdigest()}} if content else {})}
