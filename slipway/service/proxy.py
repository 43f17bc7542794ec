"""Serving behind a proxy: with a path in front of the server's own, another host or another port.

Nothing here needs to know the address under which users reach the server. All addresses in responses are
relative to the requested one, and the `Host` of a request, which a proxy may have replaced and a client may
have forged, is kept from everything that would build an address from it.
"""

from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = b"localhost"
# Starlette and Gradio build addresses from these; whoever can send a header could name any host.
NAMING = (b"host", b"forwarded", b"x-forwarded-host", b"x-forwarded-prefix", b"x-gradio-server")


def relative(target: str, path: str) -> str:
    """The path and query of an address, relative to a path: `../docs` for `http://any/docs` from `/docs/`.

    Parameters
    ----------
    target : str
        An address on this server.
    path : str
        Of the request.

    Returns
    -------
    str
    """
    parts = urlsplit(target)
    base, wanted = path.split("/")[:-1], parts.path.split("/")
    common = 0
    while common < min(len(base), len(wanted) - 1) and base[common] == wanted[common]:
        common += 1
    # With "./", since "a:b" alone would be an address of its own, and "//a" another host.
    steps = "../" * (len(base) - common) or "./"
    return steps + "/".join(wanted[common:]) + (f"?{parts.query}" if parts.query else "")


def below(path: str, root: str) -> str:
    """A path without the root in front of it; unchanged if it does not start with the root."""
    return path.removeprefix(root) if path.startswith(root + "/") else path


def host_of(scope: Scope) -> str:
    """The `Host` that a request had before it was replaced: a name that anybody may have made up."""
    return str(scope.get("state", {}).get("host", ""))


def _host(scope: Scope) -> str:
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"host")


class BehindProxy:
    """ASGI middleware: removes the path of `SLIPWAY_ROOT_PATH` if it is there, and makes redirects relative.

    Parameters
    ----------
    app : ASGI app
    root : str
        The path that a proxy passes on in front of ours: `/app/insurance`, or nothing.
    """

    def __init__(self, app: ASGIApp, root: str) -> None:
        self.app = app
        self.root = root

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        if self.root and scope["type"] == "http" and scope["path"] == self.root:
            await RedirectResponse(f"./{self.root.rpartition('/')[2]}/")(scope, receive, send)
            return
        scope.setdefault("state", {})["host"] = _host(scope)
        own = self._own(scope)

        async def without_host(message: Message) -> None:
            if message["type"] == "http.response.start" and 300 <= message["status"] < 400:
                asked = (own.get("raw_path") or quote(own["path"]).encode()).decode("latin-1")
                headers = [
                    (name, _location(value, asked) if name.lower() == b"location" else value)
                    for name, value in message.get("headers", ())
                ]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(own, receive, without_host)

    def _own(self, scope: Scope) -> Scope:
        """The request as it would have arrived without a proxy."""
        named = [item for item in scope["headers"] if item[0].lower() not in NAMING]
        own = {**scope, "headers": [(b"host", HOST), *named]}
        path = below(scope["path"], self.root)
        if path != scope["path"]:
            own |= {"path": path, "raw_path": quote(path).encode()}
        return own


def _location(value: bytes, asked: str) -> bytes:
    """Where a redirect leads: relative, unless it is an address on another server, such as that of a login."""
    target = value.decode("latin-1")
    if target.startswith("/") or urlsplit(target).netloc == HOST.decode():
        return relative(target, asked).encode("latin-1")
    return value
