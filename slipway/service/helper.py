"""The process that answers large calls, so that a worker has nothing else to do than single predictions.

Python runs one thread at a time: while a file is read, or an explanation made, whoever asks a worker for a single prediction
waits for the interpreter lock. A helper is another fork of the supervisor, of a lower priority: it uses the processor time
that is left over. Access, limits, metrics, log and deadline stay with the worker, which passes a request on and its answer
back (docs/decisions/helper.md). It is killed once all workers have ended: until then it knows no signal.
"""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import RequestCode
from slipway.service.admission import LONG, refuse
from slipway.service.remote import Answering, RemoteError, ask, listen, name_of
from slipway.service.requests import RequestError
from slipway.service.worker import NoSupervisorError, give_signs, stay_until_killed

log = logging.getLogger("bentoml")

HELPER = "SLIPWAY_HELPER"
"""In the environment of a worker: the name under which helpers listen."""
NAME = "slipway-helper"
"""What `ps` and `top` call the process."""
NICE = 10
"""A tenth of the processor time of a worker, where both could use more than there is."""
SMALL = 32 * 1024
"""Bytes of a body of `/predict` up to which a worker answers it: some 300 records, or 2 ms."""
LAST = 300.0
"""Seconds to finish, without a supervisor."""
LOST = RequestError(503, RequestCode.OVERLOADED, retry_after=1)


class LargeCalls:
    """ASGI middleware: lets a helper answer files, explanations, and many records; without helpers, the app does.

    Parameters
    ----------
    app : ASGI app
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.name = os.environ.get(HELPER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.name or scope["type"] != "http" or not _is_large(scope):
            await self.app(scope, receive, send)
            return
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await ask(self.name, scope, receive, send_noted)
        except RemoteError as exc:
            log.error("no answer of a helper: %s", exc)
            if started:
                raise
            await refuse(LOST, scope, receive, send)


def _is_large(scope: Scope) -> bool:
    if scope["method"] != "POST":
        return False
    if scope["path"] != "/predict":
        return scope["path"] in LONG
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return not length.isdigit() or int(length) > SMALL


def limit_memory(megabytes: int) -> None:
    """From now on let this process take so much memory more: then a `MemoryError` is raised where more is asked for."""
    import resource  # Windows has none

    status = Path("/proc/self/status").read_text()
    now = int(status.partition("VmData:")[2].split()[0]) * 1024
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (now + megabytes * 1_000_000, most))


def _by_memory(exc: BaseException | None) -> bool:
    """Whether an error is one of memory, or came while one was handled."""
    return exc is not None and (isinstance(exc, MemoryError) or _by_memory(exc.__context__))


class Helpers:
    """The helpers of a server: what a fork of its supervisor does to be one, or to be a worker that uses them.

    Parameters
    ----------
    app : ASGI app
        What answers large calls.
    megabytes : int
        Of memory that a helper may take beside what it has at its start.
    """

    def __init__(self, app: ASGIApp, megabytes: int) -> None:
        self._app = app
        self._megabytes = megabytes
        self._listening = listen()

    def use(self) -> None:
        """From now on `LargeCalls` of this process are answered by a helper."""
        os.environ[HELPER] = name_of(self._listening)
        self.close()  # else a call would wait in vain where there is no helper any more

    def close(self) -> None:
        """This process is none of them, and starts none."""
        self._listening.close()

    def run(self) -> None:
        """Be a helper, until there is no supervisor."""
        stay_until_killed(NAME)
        os.nice(NICE)
        limit_memory(self._megabytes)
        try:
            asyncio.run(self._serve())
        except Exception as exc:
            if not _by_memory(exc):
                raise
            # What it was answering is lost, and another takes its place.
            log.error("a helper ends: it has no memory left (SLIPWAY_MAX_HELPER_MEGABYTES)")

    async def _serve(self) -> None:
        answering = Answering(self._app)
        async with await asyncio.start_unix_server(answering.connected, sock=self._listening) as server:
            with suppress(NoSupervisorError):
                await give_signs()
            server.close()
            if answering.tasks:
                await asyncio.wait(answering.tasks, timeout=LAST)
