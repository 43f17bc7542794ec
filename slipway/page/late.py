"""The page of a worker, built while the worker answers the API already.

Importing Gradio is most of what a start takes. Until the page is there, whoever opens it gets a document that says so and
reloads itself; any other request for a part of the page waits, such as an event of a page that another worker sent.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from slipway.i18n.catalogues import catalogue, languages, preferred
from slipway.page.html import macros
from slipway.service.observation import current
from slipway.service.security_headers import document_policy
from slipway.service.worker import starting

RETRY = 1
"""Seconds until a browser asks again."""


class LatePage:
    """An ASGI app: the page, which is built while inside of `building`.

    Until then a path that ends in `/` is answered with the document that says so, and any other request waits.

    Parameters
    ----------
    build : callable
        Returns the page; called on a thread.

    To be made by a running event loop.
    """

    def __init__(self, build: Callable[[], Starlette]) -> None:
        self._build = build
        self._built: asyncio.Future[Starlette] = asyncio.get_running_loop().create_future()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._built.done():
            if scope["type"] == "http" and scope["path"].endswith("/"):
                await _starting(scope)(scope, receive, send)
                return
            await asyncio.wait([self._built])
        await self._built.result()(scope, receive, send)

    async def built(self) -> None:
        """Wait until the page is there; an error while it is built is raised."""
        waited: list[asyncio.Future[Any]] = [self._built, self._task]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()

    @asynccontextmanager
    async def building(self) -> AsyncIterator[None]:
        """While inside, the page is built, and then it is there; the supervisor is told of an error while it is built."""
        ended = asyncio.Event()
        self._task = asyncio.create_task(self._run(ended))
        try:
            yield
        finally:
            ended.set()
            await self._task

    async def _run(self, ended: asyncio.Event) -> None:
        with starting():
            page = await asyncio.to_thread(asyncio.run, _without_collector(self._build))
        async with page.router.lifespan_context(page):
            self._built.set_result(page)
            await ended.wait()


async def _without_collector(build: Callable[[], Starlette]) -> Starlette:
    """What is built; all there is by then stays, and the garbage collector need not look at it while requests wait.

    A coroutine, since Gradio opens an event loop for each lock that it makes where none is running.
    """
    gc.disable()
    try:
        return build()
    finally:
        gc.freeze()
        gc.enable()


def _starting(scope: Scope) -> Response:
    """The document that is shown until there is a page."""
    current().expected = True
    asked = next((one for one in languages() if scope["path"].endswith(f"/{one}/")), None)
    language = asked or preferred(Headers(scope=scope).get("accept-language", ""))
    texts = catalogue(language)
    html = macros("starting.html").document(
        language, texts.text("page.starting"), texts.text("page.starting_more"), RETRY
    )
    headers = {"Retry-After": str(RETRY), "Cache-Control": "no-store", **document_policy(str(html))}
    return HTMLResponse(str(html), 503, headers)
