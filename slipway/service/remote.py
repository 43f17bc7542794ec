"""An ASGI app in another process of the same machine: requests and answers go through a Unix socket.

Each request has a connection of its own. Both ends send frames: two lengths, an object in JSON, and the bytes of a body.
The first frame is the request's scope; those that follow are ASGI's messages; before the last one of an answer is what was
learnt of the request. A connection that is closed says that the other end has gone: a client, or the process that answers.
It is JSON and no pickle, as containers of the same pod or network can connect to a socket of this kind.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from typing import Any

import orjson
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.service.observation import begin, current

log = logging.getLogger("bentoml")

PIECE = 256 * 1024
"""Bytes of a body that are sent at once, at most."""
_LENGTHS = struct.Struct("!II")
"""Bytes of a frame's object, and of its body."""
_CREDENTIALS = struct.Struct("3i")
_GONE: Message = {"type": "http.disconnect"}
_BYTES = {"raw_path", "query_string", "id"}
_SCOPE = "type asgi http_version method scheme path raw_path query_string root_path headers client server".split()


class RemoteError(Exception):
    """The process that should answer cannot be reached, or has ended before its answer was complete."""


def listen() -> socket.socket:
    """A socket for `answer`, with a name that is in no file system; only this machine's Linux knows it."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("")
    listening.listen(1024)
    return listening


def name_of(listening: socket.socket) -> str:
    """The name under which a socket of `listen` is found."""
    name: bytes = listening.getsockname()
    return name[1:].decode("ascii")


# The end that asks


async def ask(name: str, scope: Scope, receive: Receive, send: Send) -> None:
    """Have a request answered by the process that listens under a name.

    Parameters
    ----------
    name : str
        As `name_of` gave it.
    scope, receive, send : as for an ASGI app

    Raises
    ------
    RemoteError
        If there is no answer, or only a part of one.
    """
    reader, writer = await _connect(name)
    asking = asyncio.create_task(_ask(scope, receive, writer))
    try:
        async for frame in _frames(reader):
            if frame["type"] == "learnt":
                current().learn(frame["learnt"])
                current().log_rows = frame.get("body", b"")
            elif frame["type"] != "end":
                await send(frame)
            if frame["type"] == "end" or _is_last(frame):
                return
        raise RemoteError("it ended before its answer was complete")
    except ConnectionError as exc:
        raise RemoteError(str(exc)) from exc
    finally:
        asking.cancel()
        writer.transport.abort()


async def _connect(name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        connection.connect("\0" + name)  # to a Unix socket at once, or not at all
        return await asyncio.open_unix_connection(sock=connection)
    except OSError as exc:
        connection.close()
        raise RemoteError(str(exc)) from exc


async def _ask(scope: Scope, receive: Receive, writer: asyncio.StreamWriter) -> None:
    """Send a request, and close the connection as soon as its client has gone."""
    with suppress(ConnectionError):  # it is seen where the answer is read
        asked = {key: scope[key] for key in _SCOPE if key in scope}
        await _write(writer, {**asked, "id": current().id})
        while (message := await receive())["type"] != "http.disconnect":
            await _write(writer, message)
        writer.write_eof()


# The end that answers


class Answering:
    """Answers the requests of other processes with an ASGI app.

    Parameters
    ----------
    app : ASGI app
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.tasks: set[asyncio.Task[None]] = set()

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection has been made: to be given to `asyncio.start_unix_server`."""
        if _user(writer.get_extra_info("socket")) != os.getuid():
            writer.transport.abort()
            return
        task = asyncio.create_task(self._answer(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            frames = _frames(reader)
            first = await anext(frames)
            noted = begin()
            noted.id = first.pop("id")
            async with _Incoming(frames) as incoming:
                await self._run(first, incoming.receive, writer)
                await _write(writer, {"type": "end"})
                await incoming.rest()
        except (ConnectionError, StopAsyncIteration):
            pass  # who asked has gone
        finally:
            writer.close()

    async def _run(self, scope: Scope, receive: Receive, writer: asyncio.StreamWriter) -> None:
        started = False

        async def send(message: Message) -> None:
            nonlocal started
            started = True
            with suppress(ConnectionError):  # as uvicorn has it: who asked has gone
                for piece in _pieces(message):
                    if _is_last(piece):  # who has the whole answer may ask what has been counted
                        noted = current()
                        await _write(writer, {"type": "learnt", "learnt": noted.learnt(), "body": noted.log_rows})
                    await _write(writer, piece)

        try:
            await self.app(scope, receive, send)
        except ClientDisconnect:
            pass
        except Exception:
            log.exception("%s of request %s failed", scope["path"], current().id.decode())
            if not started:
                await PlainTextResponse("Internal Server Error", 500)(scope, receive, send)


class _Incoming:
    """The messages of a request as they come, and its end; inside, they are read."""

    def __init__(self, frames: AsyncIterator[Any]) -> None:
        self._frames = frames
        self._messages: asyncio.Queue[Message] = asyncio.Queue(2)
        self._gone = self._unwanted = False

    async def __aenter__(self) -> "_Incoming":
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _read(self) -> None:
        with suppress(ConnectionError):
            async for message in self._frames:
                if not self._unwanted:
                    await self._messages.put(message)
        await self._messages.put(_GONE)

    async def receive(self) -> Message:
        """As ASGI has it; whoever stops waiting for a message loses none."""
        message = _GONE if self._gone else await self._messages.get()
        self._gone = message is _GONE
        return message

    async def rest(self) -> None:
        """Read what nobody wants, until who asks has the answer: closed before, the connection would lose it."""
        self._unwanted = True
        while not self._gone:
            await self.receive()


def _user(connection: socket.socket) -> int:
    """The user whose process is at the other end."""
    found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(found)[1])


# Frames


async def _write(writer: asyncio.StreamWriter, frame: Mapping[str, Any]) -> None:
    head = {name: value for name, value in frame.items() if name != "body"}
    packed, body = orjson.dumps(head, default=_text), frame.get("body", b"")
    writer.writelines((_LENGTHS.pack(len(packed), len(body)), packed, body))
    await writer.drain()


def _text(value: Any) -> str:
    """Bytes of headers and addresses as JSON has them."""
    return str(value, "latin-1")


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[Any]:
    """The frames of the other end, until it closes the connection."""
    with suppress(asyncio.IncompleteReadError):
        while True:
            lengths = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
            frame = orjson.loads(await reader.readexactly(lengths[0]))
            for name in _BYTES & frame.keys():
                frame[name] = frame[name].encode("latin-1")
            if "headers" in frame:
                frame["headers"] = [
                    (name.encode("latin-1"), value.encode("latin-1")) for name, value in frame["headers"]
                ]
            if lengths[1]:
                frame["body"] = await reader.readexactly(lengths[1])
            yield frame


def _is_last(message: Message) -> bool:
    """Whether an answer ends with a message."""
    return message["type"] == "http.response.body" and not message.get("more_body")


def _pieces(message: Message) -> Iterator[Message]:
    """A message whose body is not too long, or several."""
    body = message.get("body", b"")
    if len(body) <= PIECE:
        yield message
        return
    for start in range(0, len(body), PIECE):
        more = start + PIECE < len(body) or message.get("more_body", False)
        yield {**message, "body": body[start : start + PIECE], "more_body": more}
