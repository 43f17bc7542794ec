"""`slipway deploy init`: finds what a config needs, asks for the rest, and writes the file.

It only reads. What it finds: the subscription of the login, the registry, and in it the image
that was pushed last. What it asks: which way, and who may call.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from slipway.cli.deploy.az import Az, Call
from slipway.cli.deploy.config import ConfigError
from slipway.cli.deploy.config_file import TARGETS, read

_WAYS = {
    "webapp": "target: webapp\nslot: none        # staging and sku: P0V3 for a slot, swaps and rollback without a pause\nsku: B1           # the smallest that is always on\n",
    "containerapp": "target: containerapp\ncpu: 1            # with 2 GiB of memory\ninstances: {min: 0, max: 5, requests: 20}\n",
}

_FILE = """# Written by `slipway deploy init`; docs/azure.md says what else may stand here. It holds no secret.
{way}subscription: {subscription}
resource_group: {group}
location: {location}
registry: {registry}
image: {image}
app: {app}
access: {access}
"""


def write(path: Path, az: Az, target: str | None, address: str | None, say: Callable[[str], None]) -> None:
    """Write a config.

    Parameters
    ----------
    path : Path
        Where; nothing may be there.
    az : Az
    target, address : str or None
        What is not to be asked.
    say : callable
        Called with each line of progress.

    Raises
    ------
    ConfigError
        If there is a file already, or what was given cannot be used; nothing was written then.
    CallError
        If `az` cannot be asked.
    """
    if path.exists():
        raise ConfigError(path, ["is there already; give another --config, or delete it first"])
    if not path.parent.is_dir():
        raise ConfigError(path, [f"there is no folder {path.parent}; make it, or give another --config"])
    account = _asked(az, "account show", (), "read the subscription of your login")
    subscription = str(account["id"])
    say(f"subscription: {subscription} ({account.get('name')})")
    registry = _registry(az, path, subscription, say)
    name = str(registry["name"]).lower()
    image = _newest(az, path, name, str(registry["loginServer"]), subscription, say)
    repository = image.partition("@")[0].rpartition("/")[2]
    target = target or _choose(path, "target", list(TARGETS))
    address = address or _answer(
        path,
        "address",
        "who may call: an address range such as 131.107.0.0/24 (https://ifconfig.me shows yours; add /32), or public",
    )
    text = _FILE.format(
        way=_WAYS[target],
        subscription=subscription,
        group=str(registry["resourceGroup"]),
        location=registry["location"],
        registry=name,
        image=image,
        app=re.sub(r"[^a-z0-9]+", "-", f"slipway-{repository}")[:26].strip("-") + f"-{subscription[:4]}",
        access="public" if address == "public" else f"{{addresses: ['{address}']}}",
    )
    _checked(path, text)
    say(f"{path}: written; next: slipway deploy plan --config {path}")


def _asked(az: Az, command: str, options: tuple[str, ...], does: str) -> Any:
    return az.run(Call((*command.split(), *options), does, writes=False))


def _registry(az: Az, path: Path, subscription: str, say: Callable[[str], None]) -> dict[str, Any]:
    found = _asked(az, "acr list", ("--subscription", subscription), "read the registries")
    if not found:
        raise ConfigError(path, ["registry: the subscription has none; step 5 of docs/azure.md makes one"])
    name = _choose(path, "registry", [str(one["name"]) for one in found])
    say(f"registry: {name}")
    return dict(next(one for one in found if one["name"] == name))


def _newest(az: Az, path: Path, registry: str, server: str, subscription: str, say: Callable[[str], None]) -> str:
    """The image that was pushed last, by digest."""
    options = ("--subscription", subscription)
    names = _asked(az, "acr repository list", ("--name", registry, *options), "read what the registry holds")
    if not names:
        raise ConfigError(
            path, [f"image: the registry {registry} is empty; `make push` fills it (step 7 of docs/azure.md)"]
        )
    name = _choose(path, "image", [str(one) for one in names])
    newest = ("--registry", registry, "--name", name, "--orderby", "time_desc", "--top", "1", *options)
    (one,) = _asked(az, "acr manifest list-metadata", newest, "read its newest image")
    say(f"image: {name}@{one['digest']}, pushed {one.get('createdTime')}")
    return f"{server}/{name}@{one['digest']}"


def _choose(path: Path, field: str, names: list[str]) -> str:
    """The only one, or the one that is chosen."""
    if len(names) == 1:
        return names[0]
    chosen = _answer(path, field, f"{field}, one of {', '.join(names)}")
    if chosen not in names:
        raise ConfigError(path, [f"{field}: found {chosen!r}; expected one of {', '.join(names)}; nothing was written"])
    return chosen


def _answer(path: Path, field: str, question: str) -> str:
    if not sys.stdin.isatty():
        raise ConfigError(
            path,
            [f"{field}: nobody is there to be asked ({question}); give it as an option, or copy deploy/azure.yaml"],
        )
    return input(f"{question}: ").strip()


def _checked(path: Path, text: str) -> None:
    """Write the file, if it can be read as a config."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        read(draft)
        os.replace(draft, path)
    except ConfigError as exc:
        raise ConfigError(path, exc.problems) from None
    finally:
        draft.unlink(missing_ok=True)
