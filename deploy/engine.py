"""The container engine: docker or podman. buildah builds, and podman, which shares its images, does the rest.

`python -m deploy.engine [BACKEND]` prints the command that runs images here.
"""

import argparse
import json
import shutil
import subprocess
import sys
from typing import Any

from slipway.errors import SlipwayError

BACKENDS = ("docker", "podman", "buildah")

_RUNS = {"docker": "docker", "podman": "podman", "buildah": "podman"}
_ANSWERS = {
    "docker": ("docker", "version", "--format", "{{.Server.Version}}"),
    "podman": ("podman", "version", "--format", "{{.Client.Version}}"),
    "buildah": ("buildah", "--version"),
}


class ContainerError(SlipwayError):
    """An engine, an image or a registry does not exist, or refuses."""


def call(*command: str, seconds: float | None = None) -> str:
    """Run a command.

    Parameters
    ----------
    command : str
        The program and its arguments.
    seconds : float, optional
        How long it may take.

    Returns
    -------
    str
        What it printed on stdout.

    Raises
    ------
    ContainerError
        With the last line it printed, if it fails or takes too long.
    """
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=seconds)  # noqa: S603 (a list, no shell)
    except subprocess.TimeoutExpired:
        raise ContainerError(f"`{' '.join(command[:3])}` did not end within {seconds:.0f} s") from None
    if run.returncode:
        raise ContainerError(f"`{' '.join(command[:3])}` failed: {last_line(run.stderr or run.stdout)}")
    return run.stdout


def last_line(text: str) -> str:
    """The last line that is not empty."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:400] if lines else "it gave no reason"


def _problem(backend: str) -> str | None:
    """Why a backend cannot be used here, or None if it can."""
    for needed in dict.fromkeys((backend, _RUNS[backend])):
        if not shutil.which(needed):
            return f"there is no {needed} here; install it"
        try:
            call(*_ANSWERS[needed], seconds=30)
        except ContainerError as exc:
            return f"{needed} does not answer; start it ({exc})"
    return None


def backend(wanted: str | None = None) -> str:
    """The requested backend, or the first that responds.

    Raises
    ------
    ContainerError
        If it does not respond, or none does.
    """
    if wanted and wanted not in BACKENDS:
        raise ContainerError(f"BACKEND is {wanted!r}; expected {', '.join(BACKENDS[:-1])} or {BACKENDS[-1]}")
    problems = {}
    for name in [wanted] if wanted else BACKENDS[:2]:
        problem = _problem(name)
        if problem is None:
            return name
        problems[name] = problem
    if wanted:
        raise ContainerError(f"BACKEND={wanted} cannot be used: {problems[wanted]}, or choose another")
    raise ContainerError(f"no container engine: {'; '.join(problems.values())}")


def runs(backend: str) -> str:
    """The command that runs, tags and pushes what a backend has built."""
    return _RUNS[backend]


def inspect(engine: str, image: str) -> dict[str, Any]:
    """What the engine knows of a local image; `Config.Labels` is always there.

    Raises
    ------
    ContainerError
        If there is no such image.
    """
    try:
        found: dict[str, Any] = json.loads(call(engine, "image", "inspect", image))[0]
    except ContainerError as exc:
        raise ContainerError(f"{engine} has no image {image}; build it: make image ({exc})") from None
    found["Config"]["Labels"] = found["Config"].get("Labels") or {}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.engine", description=__doc__.splitlines()[0])
    parser.add_argument("backend", nargs="?")
    try:
        print(runs(backend(parser.parse_args().backend)))
    except SlipwayError as exc:
        sys.exit(f"slipway: {exc}")


if __name__ == "__main__":
    main()
