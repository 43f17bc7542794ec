"""Which proxies are believed when they say for whom, and over which protocol, they call.

uvicorn asks FORWARDED_ALLOW_IPS. Here a setting says it, and the address that a connection came from is kept: who trusts
a header of a proxy has to know that it is the proxy that sent it.
"""

import logging
import os
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

PRIVATE = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)
"""Networks that no address of the internet is in: those of machines, clusters and clouds."""
UVICORN = "FORWARDED_ALLOW_IPS"

log = logging.getLogger("bentoml")


class Networks:
    """Addresses and networks, to ask whether an address is among them.

    Parameters
    ----------
    given : iterable of str
        Addresses and networks; `private` for all private networks, `*` for any address.
    """

    def __init__(self, given: Iterable[str]) -> None:
        networks = expanded(given)
        self._any = "*" in networks
        self._networks = [ip_network(one) for one in networks if one != "*"]
        self._has = lru_cache(1024)(self._looked_up)

    def __contains__(self, address: str) -> bool:
        return self._any or self._has(address[:64])

    def _looked_up(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)


def expanded(given: Iterable[str]) -> list[str]:
    """Addresses and networks with the private ones in place of `private`."""
    return [network for one in given for network in (PRIVATE if one == "private" else (one,))]


def take_over() -> None:
    """Keep uvicorn, which would be asked first, from replacing the address of a connection."""
    if os.environ.get(UVICORN):
        log.warning("%s is ignored; SLIPWAY_TRUSTED_PROXIES says which proxies are believed", UVICORN)
    os.environ[UVICORN] = ""


class Forwarded:
    """ASGI middleware: client and scheme are those that a trusted proxy names, and `peer_of` says who was connected.

    Parameters
    ----------
    app : ASGI app
    proxies : sequence of str
        As SLIPWAY_TRUSTED_PROXIES has them.
    """

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        trusted = expanded(proxies)
        self.app = ProxyHeadersMiddleware(app, "*" if "*" in trusted else trusted)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if client:
            scope.setdefault("state", {})["peer"] = client[0]
        await self.app(scope, receive, send)  # type: ignore[arg-type]


def peer_of(scope: Scope) -> str:
    """The address at the other end of the connection of a request: a proxy's, or the client's own; empty if unknown."""
    return str(scope.get("state", {}).get("peer", ""))
