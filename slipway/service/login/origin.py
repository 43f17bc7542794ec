"""Whether a request comes from a page of another site, which a browser would send our cookies with.

The way of Go's net/http (`CrossOriginProtection`): browsers say so themselves, and none lets a page change these headers.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from slipway.service.proxy import host_of

SAFE = ("GET", "HEAD", "OPTIONS")


def is_cross_origin(scope: Scope, public_url: str = "") -> bool:
    """Whether a request that may change something was made by a page that is not ours.

    Parameters
    ----------
    scope : ASGI scope
    public_url : str
        Of the settings; needed only where a proxy replaces `Host` and there is no TLS, so that browsers do not say
        `Sec-Fetch-Site`.

    Returns
    -------
    bool
        False for a client that is not a browser.
    """
    headers = Headers(scope=scope)
    if scope["method"] in SAFE:
        return False
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() not in _own_hosts(scope, public_url)


def _own_hosts(scope: Scope, public_url: str) -> set[str]:
    """The names under which a browser may have the page; a page of another site can send none of these headers."""
    return {host.lower() for host in (host_of(scope), urlsplit(public_url).netloc) if host}
