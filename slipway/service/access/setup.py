"""Who is asked, as the settings have it, and the line of a start that says so."""

import logging
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from slipway.service.access.callers import Authenticator
from slipway.service.access.keys import ApiKeys
from slipway.service.login.setup import Login, UserHeader
from slipway.service.port import listening
from slipway.service.settings import Settings

log = logging.getLogger("bentoml")


def authenticators(settings: Settings, login: Login | None = None) -> list[Authenticator]:
    """Every way to show who calls that is set up; without any nobody is asked.

    Parameters
    ----------
    settings : Settings
    login : Login, optional
        The login of the page, if there is one.

    Returns
    -------
    list of Authenticator

    Raises
    ------
    SlipwayError
        If a file that a setting names cannot be used.
    """
    # First, as it takes the header off whatever does not come from a proxy.
    found: list[Authenticator] = [UserHeader(settings)] if settings.user_header else []
    if settings.keys_file:
        found.append(ApiKeys(Path(settings.keys_file)))
    if login:
        found.append(login)
    return found


def announce(asked: Sequence[Authenticator]) -> None:
    """Say once, at the start, who is asked: loudly if nobody is, and others than this machine can call.

    Parameters
    ----------
    asked : sequence of Authenticator
    """
    where, _ = listening()
    if not asked and where is not None and not _is_loopback(where):
        log.warning(
            "NOBODY IS ASKED WHO CALLS: this server listens on %s, and whoever reaches it may predict, and read its metrics "
            "and all about its model; set SLIPWAY_KEYS_FILE or a login (docs/operations.md), or listen on 127.0.0.1",
            where,
        )
    for keys in asked:
        if isinstance(keys, ApiKeys):
            log.info("calls need an API key (keys in %s: %d)", keys.path, len(keys))
        elif isinstance(keys, Login):
            log.info("people log in %s", keys)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
