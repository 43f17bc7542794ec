"""The access log: one line for each request."""

import logging
import time

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.service.metrics import logged

log = logging.getLogger("bentoml")


class AccessLog:
    """One line per request: method, path (escaped, without the query; shortened if unknown), status, milliseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0
        started = time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        call = f"{scope['method'][:16]} {logged(scope['path'])}"
        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            log.info("%s: the client hung up", call)
        else:
            log.info("%s %d %.1f ms", call, status, 1000 * (time.perf_counter() - started))
