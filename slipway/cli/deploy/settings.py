"""`settings:` and `secrets:` of a deployment, checked against the settings of the service itself.

A secret never stands in the file: it stays in Key Vault, and the app gets its address.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from slipway.errors import nearest
from slipway.service.settings import PREFIX, SECRET, Settings, variable
from slipway.tables.yaml_file import short_repr

KINDS = {variable(item): item.metadata["kind"] for item in fields(Settings)}
"""What each setting may be, by its variable."""

SECRETS = frozenset(name for name, kind in KINDS.items() if kind is SECRET)

BY_HAND = "a value set by hand"
"""What is shown in place of the value of a secret that is not in Key Vault."""

VAULT_ADDRESS = re.compile(
    r"https://(?P<vault>[a-z][a-z0-9-]{1,22}[a-z0-9])\.vault\.azure\.net/secrets/(?P<secret>[A-Za-z0-9-]{1,127})(/[0-9a-f]{32})?"
)
"""The address of a secret, with or without a version.

Source: "About Azure Key Vault keys, secrets and certificates", section "Object identifiers".
"""


def problems(raw: Mapping[Any, Any]) -> Iterator[str]:
    """One line for each mistake in `settings:` and `secrets:` of a file as read."""
    for field in ("settings", "secrets"):
        given = raw.get(field)
        if given is None:
            continue
        if not isinstance(given, dict):
            yield f"{field}: found {short_repr(given)}; expected a mapping such as {{{PREFIX}WORKERS: 2}}"
            continue
        for name, value in given.items():
            problem = _unknown(name) or (_setting(name, value) if field == "settings" else _secret(value))
            if problem:
                yield f"{field}.{name}: {problem}"
            elif field == "secrets" and name in (raw.get("settings") or {}):
                yield f"secrets.{name}: stands under settings: as well; expected one of the two"


def _unknown(name: Any) -> str:
    if name in KINDS:
        return ""
    return f"is no setting of the service{nearest(str(name), KINDS) or ';'} docs/operations.md lists all of them"


def _setting(name: str, value: Any) -> str:
    if name in SECRETS:
        return "is a secret, which no file should hold; put it into Key Vault and its address under secrets:"
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return f"found {short_repr(value)}; expected {KINDS[name].expected}"
    if re.search(r"://[^/@]*:[^/@]*@", str(value)):
        return "holds a password, which no file should; put it into Key Vault and its address under secrets:"
    try:
        KINDS[name].read(str(value))
    except ValueError:
        return f"found {short_repr(value)}; expected {KINDS[name].expected}"
    return ""


def _secret(value: Any) -> str:
    if isinstance(value, str) and VAULT_ADDRESS.fullmatch(value):
        return ""
    # Not repeated: it may be the secret itself.
    return "expected the address of a secret, https://VAULT.vault.azure.net/secrets/NAME, not the secret itself"


def vaults(secrets: Mapping[str, str]) -> dict[str, list[str]]:
    """The names of the secrets by their vault."""
    found: dict[str, list[str]] = {}
    for address in secrets.values():
        if (parts := VAULT_ADDRESS.fullmatch(address)) and parts["secret"] not in found.setdefault(parts["vault"], []):
            found[parts["vault"]].append(parts["secret"])
    return found
