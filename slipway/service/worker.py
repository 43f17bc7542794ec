"""What a worker and the supervisor tell each other.

The worker tells that it cannot start, and that it is alive. Both go through one pipe, as lines of `<process id> <text>`; a
line without a text is a sign of life. The supervisor asks it to stop by SIGTERM.
"""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Event, Timer

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.errors import SlipwayError

PIPE = "SLIPWAY_SUPERVISOR"
"""In the environment of a worker: `<process id of the supervisor>:<the worker's end of its pipe>`."""
SUCCEEDS = "SLIPWAY_SUCCEEDS"
"""In the environment of a worker that takes the place of one that serves another version: it is ready when its page is."""
INTERVAL = 1.0
"""Seconds between two signs of life."""
LONGEST = 4000
"""Bytes of a line: as many as a pipe takes at once, so that lines of two workers do not mix."""
DRAIN = 1.0
"""Seconds between the end of listening and the end of idle connections, whose clients may be about to use them."""
CLOSING = 0.1
"""Seconds until the event loop has closed the sockets that it listened on."""
LAST = 5.0
"""Seconds from the last answer to the end of the process, whatever a library still waits for."""
_stopping = Event()


class NoSupervisorError(Exception):
    """The supervisor of this worker has ended."""


@contextmanager
def starting() -> Iterator[None]:
    """Wraps what a worker, or a supervisor, does before it serves: an error inside stops the server.

    Errors that a user can fix become one line; a bug keeps its traceback.
    """
    try:
        yield
    except SlipwayError as exc:
        line = f"slipway: {exc}"
        if _tell(line):
            os._exit(1)  # and nothing else is printed: uvicorn would log a SystemExit with its traceback
        raise SystemExit(line) from None
    except Exception as exc:
        _tell(f"slipway: a worker cannot start ({type(exc).__name__}, see above)")
        raise


class CloseConnections:
    """An ASGI middleware: in a worker that stops, each answer is the last of its connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, _closing(send) if _stopping.is_set() and scope["type"] == "http" else send)


def _closing(send: Send) -> Send:
    async def closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
        await send(message)

    return closing


def stay_until_killed(name: str) -> None:
    """Make this process one beside the workers: it is called so by `ps` and `top`, and knows no signal, as workers may need it to the end.

    Parameters
    ----------
    name : str
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def drain_before_stop() -> None:
    """From now on a server of this process that stops closes its connections by an answer, where one is asked for.

    uvicorn would close idle ones at once, and a call that is on its way would be lost. Once all is answered, the process ends soon.
    """
    shutdown = uvicorn.Server.shutdown

    async def drained(self: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
        _stopping.set()
        await _stop_listening(self, sockets or [])
        await asyncio.sleep(DRAIN)
        end_lifespan = self.lifespan.shutdown

        async def end() -> None:
            _end_within(LAST)
            await end_lifespan()

        self.lifespan.shutdown = end
        await shutdown(self, sockets)

    uvicorn.Server.shutdown = drained  # type: ignore[method-assign]


async def _stop_listening(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
    """Close the sockets that the server listens on, and take what the kernel has already accepted, which it would reset."""
    # The last that refers to each of them.
    last = [socket.socket(fileno=os.dup(listening.fileno())) for one in server.servers for listening in one.sockets]
    for one in server.servers:
        one.close()
    for listening in sockets:
        listening.close()
    await asyncio.sleep(CLOSING)
    accepted = []
    for listening in last:
        listening.setblocking(False)
        with listening, suppress(BlockingIOError):
            while True:
                accepted.append(listening.accept()[0])
    loop = asyncio.get_running_loop()
    config = server.config

    def protocol() -> asyncio.Protocol:
        return config.http_protocol_class(
            config=config, server_state=server.server_state, app_state=server.lifespan.state
        )  # type: ignore[call-arg]

    for connection in accepted:
        connection.setblocking(False)
        await loop.connect_accepted_socket(protocol, connection, ssl=config.ssl if config.is_ssl else None)


def _end_within(seconds: float) -> None:
    """End this process then, if it has not ended by itself."""
    timer = Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


@asynccontextmanager
async def supervised() -> AsyncIterator[None]:
    """While inside, the supervisor is told that the event loop of this worker runs; without it the worker stops."""
    if _pipe() is None:
        yield
        return
    task = asyncio.create_task(_stop_without_supervisor())
    try:
        yield
    finally:
        task.cancel()


async def _stop_without_supervisor() -> None:
    with suppress(NoSupervisorError):
        await give_signs()
    os.kill(os.getpid(), signal.SIGTERM)


async def give_signs() -> None:
    """Tell the supervisor that the event loop of this process runs, for ever.

    Raises
    ------
    NoSupervisorError
        Once it has ended.
    """
    while True:
        _tell("")
        await asyncio.sleep(INTERVAL)


def _tell(line: str) -> bool:
    """Report to our supervisor, if this process has one; whether it has."""
    pipe = _pipe()
    if pipe is None:
        return False
    message = f"{os.getpid()} {' '.join(line.split())}".encode()
    try:
        os.write(pipe, message[:LONGEST] + b"\n")
    except BlockingIOError:  # it reads nothing at the moment
        return True
    except OSError as exc:
        raise NoSupervisorError from exc
    return True


def _pipe() -> int | None:
    """The worker's end of the pipe to its supervisor; None if this process has none."""
    supervisor, _, pipe = os.environ.get(PIPE, "").partition(":")
    return int(pipe) if supervisor and supervisor != str(os.getpid()) else None
