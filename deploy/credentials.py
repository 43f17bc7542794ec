"""The login for a registry that docker or podman keeps: what `docker login`, `podman login` and `az acr login` wrote."""

import base64
import binascii
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.engine import ContainerError

# What a credential helper says in place of a user's name if the secret is a token.
_TOKEN_USER = "<token>"  # noqa: S105 (not a secret)


@dataclass(frozen=True)
class Login:
    """A user and a password, or a token that is exchanged for another (`az acr login` keeps one)."""

    user: str = ""
    password: str = ""
    identity_token: str = ""


def _files() -> Iterator[Path]:
    """Where logins are kept, podman's first.

    Source: containers-auth.json(5), and docker's reference for `docker login`.
    """
    if chosen := os.environ.get("REGISTRY_AUTH_FILE"):
        yield Path(chosen)
        return
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        yield Path(runtime, "containers", "auth.json")
    yield Path(f"/run/containers/{getattr(os, 'getuid', int)()}/auth.json")
    yield Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "containers", "auth.json")
    yield Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker", "config.json")


def login(registry: str) -> Login | None:
    """The login for a registry, or None if nobody has logged in.

    Raises
    ------
    ContainerError
        If a file with logins cannot be read.
    """
    for path in _files():
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            entry = content.get("auths", {}).get(registry) or {}
            helper = content.get("credHelpers", {}).get(registry) or content.get("credsStore")
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError) as exc:
            raise ContainerError(f"{path}, which has the logins for registries, cannot be read: {exc}") from None
        found = _entry(entry, path) or (_asked(helper, registry) if helper else None)
        if found:
            return found
    return None


def _entry(entry: dict[str, Any], path: Path) -> Login | None:
    if not entry.get("auth"):
        return None
    try:
        user, _, password = base64.b64decode(entry["auth"]).decode("utf-8").partition(":")
    except (binascii.Error, ValueError, TypeError):
        raise ContainerError(f"{path} has a login that is not base64; log in again") from None
    return Login(user, password.rstrip("\0"), entry.get("identitytoken", ""))


def _asked(helper: str, registry: str) -> Login | None:
    """The login that a credential helper knows; it says nothing of use if it knows none."""
    command = [f"docker-credential-{helper}", "get"]
    try:
        run = subprocess.run(command, input=registry, capture_output=True, text=True, timeout=60)  # noqa: S603
        said = json.loads(run.stdout) if run.returncode == 0 else {}
    except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
        raise ContainerError(f"`{command[0]}`, which keeps the login for {registry}, failed: {exc}") from None
    if not said.get("Secret"):
        return None
    if said.get("Username") == _TOKEN_USER:
        return Login(identity_token=said["Secret"])
    return Login(said.get("Username", ""), said["Secret"])
