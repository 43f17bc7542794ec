"""What a browser is told to forbid: other sites' scripts, frames and guesses at a content type."""

import base64
import hashlib
import re
from collections.abc import Sequence

from starlette.datastructures import Headers as RequestHeaders
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import RequestCode
from slipway.schema.fields import truncated
from slipway.service.requests import RequestError

Headers = tuple[tuple[bytes, bytes], ...]

_NOSNIFF = (b"x-content-type-options", b"nosniff")
_ALWAYS: Headers = (
    _NOSNIFF,
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
)
# Over plain HTTP browsers ignore both, and some complain of it.
_TLS: Headers = (
    (b"strict-transport-security", b"max-age=31536000"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
# Answers of the API are data, wherever they are opened.
_DATA = "default-src 'none'"
# Gradio and Swagger UI draw with styles in elements, and have pictures and fonts as data.
_DOCUMENT = (
    "default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'self'; form-action 'self'"
)
# A page has sixty of them, and a browser obeys nothing else there.
_PARTS = (b"text/javascript", b"text/css")
_INLINE = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
CSP = "Content-Security-Policy"
_CSP = CSP.lower().encode()


def document_policy(html: str) -> dict[str, str]:
    """The header for an HTML document: what it loads is from this server, and no script runs but its own.

    Parameters
    ----------
    html : str
        Whose scripts may run; none that anybody manages to add.

    Returns
    -------
    dict of str to str
        For the headers of the answer.
    """
    found = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(html))
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in dict.fromkeys(found))
    return {CSP: _DOCUMENT.format(hashes=hashes)}


class SecurityHeaders:
    """ASGI middleware: gives every answer the headers that it does not have yet; scripts and styles only `nosniff`.

    Parameters
    ----------
    app : ASGI app
    frame_ancestors : sequence of str
        As SLIPWAY_FRAME_ANCESTORS has them.
    """

    def __init__(self, app: ASGIApp, frame_ancestors: Sequence[str]) -> None:
        self.app = app
        frames = f"frame-ancestors {' '.join(frame_ancestors)}"
        self.data: Headers = (*_ALWAYS, (_CSP, f"{_DATA}; {frames}".encode()))
        # A browser obeys both policies of an answer that has one of its own.
        self.document: Headers = (*_ALWAYS, (_CSP, frames.encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        tls = _TLS if scope["scheme"] == "https" else ()

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                message["headers"] = [*given, *self._fitting({name.lower(): value for name, value in given}), *tls]
            await send(message)

        await self.app(scope, receive, with_headers)

    def _fitting(self, given: dict[bytes, bytes]) -> Headers:
        if given.get(b"content-type", b"").startswith(_PARTS):
            return (_NOSNIFF,)
        return self.document if _CSP in given else self.data


_METHODS = ("GET", "POST")
_HEADERS = ("Authorization", "X-API-Key", "Content-Type", "X-Request-ID")


class Cors(CORSMiddleware):
    """Starlette's, but for its refusal of a preflight, which has the shape of every refusal."""

    def preflight_response(self, request_headers: RequestHeaders) -> Response:
        """What a browser is told that asks whether a script may send a call."""
        response = super().preflight_response(request_headers)
        if response.status_code == 200:
            return response
        origin = repr(truncated(request_headers["origin"]))
        refused = RequestError(
            response.status_code,
            RequestCode.CORS_NOT_ALLOWED,
            origin=origin,
            methods=", ".join(_METHODS),
            headers=", ".join(_HEADERS),
        ).response()
        for name, value in response.headers.items():
            refused.headers.setdefault(name, value)
        return refused


def cors(origins: Sequence[str]) -> list[Middleware]:
    """What lets scripts of these origins call every route and read its answer; never with cookies."""
    if not origins:
        return []
    return [
        Middleware(
            Cors,
            allow_origins=origins,
            allow_methods=_METHODS,
            allow_headers=_HEADERS,
            expose_headers=("X-Form", "X-Matched-Columns", "X-Request-ID", "Retry-After", "WWW-Authenticate"),
            max_age=3600,
        )
    ]
