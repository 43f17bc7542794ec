"""Refuses requests that name another host than the server has."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.errors import RequestCode
from slipway.schema.fields import truncated
from slipway.service.addresses import is_network
from slipway.service.forwarded import Networks
from slipway.service.paths import HEALTH
from slipway.service.proxy import host_of
from slipway.service.requests import RequestError, language_of


class AllowedHosts:
    """ASGI middleware: 400 for a request whose `Host` is not one of the server's names, on any port.

    That stops a site that has its own name resolve to the server's address, to let browsers call it (DNS rebinding).
    Probes may name any host: an orchestrator calls an address that nobody knows before.

    Parameters
    ----------
    app : ASGI app
    hosts : sequence of str
        As SLIPWAY_ALLOWED_HOSTS has them.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self.names = frozenset(host for host in hosts if not host.startswith("*"))
        self.endings = tuple(host[1:] for host in hosts if host.startswith("*."))
        self.networks = Networks(host for host in hosts if is_network(host))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in HEALTH or self._is_allowed(host_of(scope)):
            await self.app(scope, receive, send)
            return
        refused = RequestError(400, RequestCode.HOST_NOT_ALLOWED, host=repr(truncated(host_of(scope))))
        await refused.response(language_of(scope))(scope, receive, send)

    def _is_allowed(self, host: str) -> bool:
        name = _without_port(host.lower()).removesuffix(".")
        return name in self.names or name.endswith(self.endings) or name in self.networks


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if host.count(":") == 1 else host
