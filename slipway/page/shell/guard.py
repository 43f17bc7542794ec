"""Lets only those calls through to Gradio that the page itself makes.

A mounted Gradio app answers far more than its page needs: it stores uploads by anybody,
copies files of the server to where they can be fetched, and fetches any address it is given.
None of that can be reached behind this guard, and a call that the page would not make is a 400.
"""

import json
from typing import Any

import gradio as gr
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import RequestCode
from slipway.page import _gradio
from slipway.page.shell import assets
from slipway.page.shell.compression import coding, header
from slipway.page.shell.document import Document
from slipway.service.observed import GONE
from slipway.service.paths import PAGES, RUN
from slipway.service.proxy import HOST
from slipway.service.requests import RequestError, parse_json

BODY_LIMIT = 1024 * 1024
# Gradio builds addresses from these, whoever sent them; and to any origin it would say that it may read the answer.
DROPPED = (b"x-forwarded-host", b"x-gradio-server", b"origin")


class Guard:
    """ASGI middleware around one page."""

    def __init__(self, app: ASGIApp, page: gr.Blocks, document: Document) -> None:
        self.app = app
        self.page = page
        self.document = document
        self._html = b""
        _gradio.check_files(page)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        scope = {**scope, "headers": [item for item in scope["headers"] if item[0].lower() not in DROPPED]}
        below = scope["path"].removeprefix(scope.get("root_path", ""))
        path = below.lstrip("/")
        headers = Headers(scope=scope)
        if scope["method"] in ("GET", "HEAD"):
            answer = await self._document(scope, receive) if below in ("", "/") else assets.response(path, headers)
            if answer or path in PAGES or path in _gradio.other_paths():
                await (answer or self.app)(scope, receive, send)
                return
        if scope["method"] != "POST" or path != RUN:
            status = 405 if path in PAGES else 404
            refused = RequestError(status, RequestCode.NOT_FOUND)
            await refused.response()(scope, receive, send)
            return
        try:
            if headers.get("x-page-edition", self.document.edition) != self.document.edition:
                raise RequestError(409, RequestCode.STALE_PAGE)
            body = await self._event(Request(scope, receive))
        except RequestError as refused:
            await refused.response()(scope, receive, send)
            return
        except ClientDisconnect:
            await Response(status_code=GONE)(scope, receive, send)  # else it would count as a failure of ours
            return
        await self.app(_with_length(scope, body), _replayed(body), send)

    async def _document(self, scope: Scope, receive: Receive) -> Response:
        """Gradio's document, rewritten. Which one it is depends on the browser's language, as caches must know."""
        if not self._html:
            self._html = await self._rendered(scope, receive)
        taken = coding(Headers(scope=scope))
        content, policy = self.document.sent(self._html, taken)
        found = {"Vary": "Accept-Language, Accept-Encoding", "Cache-Control": "no-cache"}
        return HTMLResponse(content, headers=found | policy | header(taken))

    async def _rendered(self, scope: Scope, receive: Receive) -> bytes:
        """What Gradio makes for every request, in 20 ms; made for no request in particular, as it is kept for all."""
        sent: list[Message] = []

        async def keep(message: Message) -> None:
            sent.append(message)

        # Gradio would read files named by the query.
        await self.app({**scope, "method": "GET", "query_string": b"", "headers": [(b"host", HOST)]}, receive, keep)
        if sent[0]["status"] != 200:
            raise RuntimeError(f"Gradio answers {sent[0]['status']} instead of its document")
        return b"".join(message.get("body", b"") for message in sent)

    async def _event(self, request: Request) -> bytes:
        """The call with nothing in it but what the page sends.

        Raises
        ------
        RequestError
            400 for a call that the page would not make.
        """
        content = b""
        async for chunk in request.stream():
            content += chunk
            if len(content) > BODY_LIMIT:
                raise RequestError(400, RequestCode.INVALID_EVENT)
        try:
            call = parse_json(content, "a call of the page")
            data = call["data"]
            fits = (
                isinstance(data, list)
                and all(map(_is_plain, data))
                and _gradio.accepts(self.page, call["fn_index"], data)
            )
            session = str(call.get("session_hash", ""))[:64]
            clean = {"fn_index": call["fn_index"], "data": data, "session_hash": session}
            sent = json.dumps(clean, ensure_ascii=False).encode("utf-8")  # which has no lone surrogates
        except Exception:  # whatever Gradio's components raise for values that are not theirs
            raise RequestError(400, RequestCode.INVALID_EVENT) from None
        if not fits:
            raise RequestError(400, RequestCode.INVALID_EVENT)
        return sent


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str))


def _replayed(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _with_length(scope: Scope, body: bytes) -> Scope:
    headers = [item for item in scope["headers"] if item[0].lower() != b"content-length"]
    return {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
