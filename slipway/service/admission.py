"""Which requests are taken: as many at a time as a worker answers soon, and of one caller as many as are allowed.

What is too much is refused at once with `Retry-After`, instead of waiting in a queue without an end. Each worker
counts for itself.
"""

import logging
import math
import time
from asyncio import AbstractEventLoop
from collections import Counter, OrderedDict, deque
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import RequestCode
from slipway.service.paths import PROBES
from slipway.service.requests import RequestError, language_of

log = logging.getLogger("bentoml")

LONG = frozenset({"/predict_csv", "/explain", "/counterfactual", "/outcome"})
"""Calls that take long, or keep a file on the disk while they wait."""
AT_A_TIME = 4
"""Requests that are begun before the event loop looks at its sockets again."""
CALLERS = 10_000
"""Callers that are remembered; the one that was seen longest ago is forgotten first."""
OVERLOADED = RequestError(503, RequestCode.OVERLOADED, retry_after=1)


class Load:
    """The requests that a worker has in work, and whose turn it is.

    A request is in work from when it arrives to the first byte of its answer, without the time in which its body
    arrives: a client that sends slowly takes no place. The event loop begins a few requests at a time, and looks at
    its sockets in between: else it would accept one connection (with uvloop) while it answers all that wait, and a
    probe would wait behind them.

    Parameters
    ----------
    most : int
        Requests in work, at most.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._queue: deque[Callable[[], None]] = deque()
        self._queued = 0
        self._working = 0
        self._left = AT_A_TIME  # until the loop looks at its sockets again
        self._scheduled = False
        self._refused = 0
        self._logged = -math.inf

    def arrive(self, path: str, start: Callable[[], None], loop: AbstractEventLoop) -> bool:
        """A request has arrived: whether it is admitted, and thus started at its turn.

        Parameters
        ----------
        path : str
        start : callable
            Starts what answers the request, which then calls `entered`.
        loop : event loop

        Returns
        -------
        bool
        """
        probe = path in PROBES
        if not probe and self._queued + self._working >= self.most:
            self._log_refusal(loop.time())
            return False
        self._queued += 1
        if probe:
            start()
        else:
            self._queue.append(start)
            self._begin(loop)
        return True

    def _begin(self, loop: AbstractEventLoop) -> None:
        while self._queue and self._left:
            self._left -= 1
            self._queue.popleft()()
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._continue, loop)

    def _continue(self, loop: AbstractEventLoop) -> None:
        """The loop has looked at its sockets."""
        self._scheduled = False
        self._left = AT_A_TIME
        if self._queue:
            self._begin(loop)

    def _log_refusal(self, now: float) -> None:
        """Not a line for each: there would be thousands just when there is no time."""
        self._refused += 1
        if now - self._logged >= 1:
            log.warning("overloaded: %d requests refused with 503 (SLIPWAY_MAX_REQUESTS)", self._refused)
            self._refused, self._logged = 0, now

    def entered(self) -> None:
        """The task of a request that was admitted begins."""
        self._queued -= 1

    def begin(self) -> None:
        """The body of a request is complete."""
        self._working += 1

    def end(self) -> None:
        """A request that had begun is answered."""
        self._working -= 1


class Admission:
    """ASGI middleware: 503 with `Retry-After` for requests that a worker has no time, or no place, for.

    Parameters
    ----------
    app : ASGI app
    load : Load
    long : int
        Requests of each of the calls that take long, at most, those that still arrive included.
    """

    def __init__(self, app: ASGIApp, load: Load, long: int) -> None:
        self.app = app
        self._load = load
        self._most_long = long
        self._long: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path in PROBES:
            await self.app(scope, receive, send)
        elif self._long[path] >= self._most_long:
            await refuse(OVERLOADED, scope, receive, send)
        elif path in LONG:
            self._long[path] += 1
            try:
                await self._answer(scope, receive, send)
            finally:
                self._long[path] -= 1
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = ended = False

        async def receive_counted() -> Message:
            nonlocal begun
            message = await receive()
            if not begun and not ended and not message.get("more_body"):
                begun = True
                self._load.begin()
            return message

        async def send_counted(message: Message) -> None:
            end()
            await send(message)

        def end() -> None:
            nonlocal ended
            if begun and not ended:
                self._load.end()
            ended = True

        try:
            await self.app(scope, receive_counted, send_counted)
        finally:
            end()


class RateLimit:
    """ASGI middleware: 429 with `Retry-After` for a caller that sends too many requests.

    A caller is known by its key, or else by its address. Only `POST` counts: a page is loaded with many requests that
    cost nothing. A caller may use its requests of a minute at once; they come back one by one.

    Parameters
    ----------
    app : ASGI app
    limit : int
        Requests per minute of one caller.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit
        # When a caller will have all its requests back (the generic cell rate algorithm).
        self._restored: OrderedDict[str, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wait = self._wait(_caller(scope), time.monotonic()) if self._counts(scope) else 0.0
        if wait <= 0:
            await self.app(scope, receive, send)
            return
        again = math.ceil(wait)
        refused = RequestError(429, RequestCode.TOO_MANY_REQUESTS, limit=self.limit, retry_after=again)
        await refuse(refused, scope, receive, send)

    def _counts(self, scope: Scope) -> bool:
        return bool(scope["type"] == "http" and scope["method"] == "POST")

    def _wait(self, caller: str, now: float) -> float:
        """Seconds until the caller may send a request; 0 counts this one."""
        each = 60 / self.limit
        restored = max(self._restored.pop(caller, now), now) + each
        wait = restored - now - 60
        self._restored[caller] = restored - each if wait > 0 else restored
        if len(self._restored) > CALLERS:
            self._restored.popitem(last=False)
        return max(wait, 0)


def _caller(scope: Scope) -> str:
    """The name of the key of a request, or the address that it comes from."""
    name = getattr(scope.get("state", {}).get("caller"), "name", None)
    return f"key {name}" if name else str((scope.get("client") or [""])[0])


async def refuse(refused: RequestError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with its refusal."""
    await refused.response(language_of(scope))(scope, receive, send)
