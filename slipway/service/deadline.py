"""The longest that a request may be worked on."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import RequestCode
from slipway.service.requests import RequestError, language_of


class Deadline:
    """ASGI middleware: a request whose answer has not begun after so many seconds is given up, with 503.

    One timer does for all requests: one for each would take as long as reading it.

    Parameters
    ----------
    app : ASGI app
    seconds : int
    """

    def __init__(self, app: ASGIApp, seconds: int) -> None:
        self.app = app
        self.seconds = seconds
        # When a request is given up, by its task. All may take as long, so the first is the next one.
        self._due: dict[asyncio.Task[Any], float] = {}
        self._given_up: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # of the timer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        task = self._begin(asyncio.get_running_loop())

        async def watched(message: Message) -> None:
            self._due.pop(task, None)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except asyncio.CancelledError:
            if task not in self._given_up or task.uncancel():  # somebody else wants it to end
                raise
            refused = RequestError(503, RequestCode.TOO_SLOW, limit=self.seconds)
            await refused.response(language_of(scope))(scope, receive, send)
        finally:
            self._due.pop(task, None)
            self._given_up.discard(task)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
        """The task of the request, whose time begins."""
        task = asyncio.current_task(loop)
        assert task  # noqa: S101 (a request is always a task)
        if self._loop is not loop:  # a test has a loop for each request
            self._loop, self._timer = loop, None
        self._due[task] = loop.time() + self.seconds
        if not self._timer:
            self._timer = loop.call_later(self.seconds, self._look, loop)
        return task

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up the requests whose time is over, and look again when that of the next one is."""
        self._timer = None
        for task, due in list(self._due.items()):
            if due > loop.time():
                self._timer = loop.call_at(due, self._look, loop)
                return
            del self._due[task]
            self._given_up.add(task)
            task.cancel()
