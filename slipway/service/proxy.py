"""Serving behind a proxy: with a path in front of the server's own, another host or another port.

Nothing here needs to know the address under which users reach the server. All addresses in responses are
relative to the requested one, and the `Host` of a request, which a proxy may have replaced and a client may
have forged, is kept from everything that would build an address from it.
"""

import os
import re
from urllib.parse import quote, urlsplit

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import SlipwayError

VARIABLE = "SLIPWAY_ROOT_PATH"
HOST = b"localhost"
# Starlette and Gradio build addresses from these; whoever can send a header could name any host.
NAMING = (b"host", b"forwarded", b"x-forwarded-host", b"x-forwarded-prefix", b"x-gradio-server")


def root_path() -> str:
    """The path that a proxy passes on in front of ours, from the environment: `/app/insurance`, or nothing.

    Raises
    ------
    SlipwayError
        If it is not a plain path.
    """
    text = os.environ.get(VARIABLE, "").rstrip("/")
    if not re.fullmatch(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*", text):
        raise SlipwayError(f"{VARIABLE} is {text[:60]!r}; expected a path such as /app/insurance, or leave it out")
    return text


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


class BehindProxy:
    """ASGI middleware: removes the path of `SLIPWAY_ROOT_PATH` if it is there, and makes redirects relative."""

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
        own = self._own(scope)
        asked = (own.get("raw_path") or quote(own["path"]).encode()).decode("latin-1")

        async def without_host(message: Message) -> None:
            if message["type"] == "http.response.start":
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
    target = value.decode("latin-1")
    if target.startswith("/") or "://" in target:
        return relative(target, asked).encode("latin-1")
    return value
