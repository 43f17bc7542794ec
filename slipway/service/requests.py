"""Requests as the contract takes them: strict JSON, one uploaded file, sizes, refusals.

BentoML's own parsing accepts NaN and pickles, answers malformed forms with 500, and fetches
addresses that a form names; none of it is used.
"""

import asyncio
import gc
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import Event
from typing import Any, TypeVar

import orjson
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import Message

from slipway.schema.fields import Fault, truncated

log = logging.getLogger("bentoml")
T = TypeVar("T")


class RequestError(Exception):
    """A request that is answered with a status and an error in the shape of the contract."""

    def __init__(self, status: int, error: str, details: list[Fault] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.details = details or []

    def response(self) -> JSONResponse:
        return JSONResponse({"error": str(self), "details": self.details}, self.status)


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, or `RequestError` with 413 as soon as it is known to be too long."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_long(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_long(limit: int) -> RequestError:
    return RequestError(
        413, f"more than {limit // 1024 // 1024} MB in one call, which is the limit (SLIPWAY_MAX_MEGABYTES)"
    )


def media_type(request: Request) -> str:
    """The content type of a request without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _strict_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        times = Counter(key for key, _ in pairs)
        doubled = next(key for key in found if times[key] > 1)
        raise ValueError(f"the key {truncated(doubled)!r} is there twice in one object")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


@contextmanager
def gc_paused() -> Iterator[None]:
    """For a short time, many small objects are created that the garbage collector need not check repeatedly."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def parse_json(body: bytes, expected: str) -> Any:
    """The content of a body in strict JSON: no NaN, no infinity, no duplicate keys.

    Parameters
    ----------
    body : bytes
    expected : str
        What the body should look like, for the message.

    Returns
    -------
    JSON value

    Raises
    ------
    RequestError
        400 if it is not valid.
    """
    quick = _quick(body)
    if quick is not None:
        return quick
    try:
        if 0 in body[:4]:
            raise ValueError("it is not UTF-8")
        with gc_paused():
            return json.loads(body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_strict_object)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as exc:
        reason = str(exc)
    raise RequestError(400, f"the body is no JSON ({reason[:200]}); expected {expected}")


def _quick(body: bytes) -> dict[str, Any] | None:
    """The object in a body, if orjson certainly reads it as the strict parser does; else None.

    orjson silently takes the last of two equal keys. Every key has its colon, so where there
    are no more colons than keys were read, none was dropped. Colons in texts only cost the
    quick way.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict):
        return None
    keys = len(found)
    for value in found.values():
        items = value if isinstance(value, list) else [value]
        keys += sum(len(item) for item in items if isinstance(item, dict))
    return found if body.count(b":") == keys else None


def _check_values(body: bytes, most: int) -> None:
    """Reject a body with more than `most` values: in memory each is many times as large as in the body.

    Every value but the first has a comma or an opening bracket before it. (Those in texts count as well.)
    """
    found = sum(map(body.count, (b",", b"[", b"{")))
    if found > most:
        raise RequestError(
            413,
            f"the body has at least {most + 1:,} commas and brackets, more than the most records of this model have "
            "(SLIPWAY_MAX_RECORDS): send the records in several calls, or as a file to /predict_csv",
        )


async def read_object(
    request: Request, limit: int, values: int, expected: str, key: str, optional: str | None = None
) -> Any:
    """The object that a request has as its JSON body: with `key`, with or without `optional`, and no other.

    Raises
    ------
    RequestError
        415 for another content type, 413 over a limit (bytes, values), 400 for anything but such an object.
    """
    if media_type(request) != "application/json":
        raise RequestError(
            415, f"the content type is {truncated(media_type(request)) or 'missing'}; send application/json"
        )
    content = await read_body(request, limit)
    _check_values(content, values)
    body = parse_json(content, expected)
    if isinstance(body, dict) and body.keys() - {optional} == {key}:
        return body
    keys = ", ".join(repr(truncated(name)) for name in list(body)[:5]) if isinstance(body, dict) else ""
    found = f"the keys {keys or '(none)'}" if isinstance(body, dict) else "no object"
    raise RequestError(400, f"the body has {found}; expected {expected}")


@asynccontextmanager
async def read_upload(request: Request, limit: int) -> AsyncIterator[tuple[UploadFile, dict[str, str]]]:
    """The form's one file, which must be called `file`, and its other fields.

    Raises
    ------
    RequestError
        415 for another content type, 413 over the limit (bytes), 503 without room for the file, 400 for
        anything but such a form.
    """
    if media_type(request) != "multipart/form-data":
        raise RequestError(
            415,
            f"the content type is {truncated(media_type(request)) or 'missing'}; send multipart/form-data with the field `file`",
        )
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > limit + 64 * 1024:  # the form's own lines come on top of the file
            raise _too_long(limit)
        return message

    try:
        form = await Request(request.scope, receive).form(max_files=1, max_fields=10)
    except HTTPException as exc:
        raise RequestError(
            400, f"the form cannot be read ({exc.detail}); send multipart/form-data with the field `file`"
        ) from exc
    except OSError as exc:
        log.error("an upload cannot be kept: %s", exc)
        raise RequestError(503, "the server has no room for the file on its disk; send it again later") from exc
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise RequestError(400, "the form has no file in the field `file`; send the CSV there")
        if (file.size or 0) > limit:
            raise _too_long(limit)
        yield file, {key: value for key, value in form.items() if isinstance(value, str)}
    finally:
        await form.close()  # and with it the temporary file of the upload


def parse_bool(texts: dict[str, str], key: str) -> bool:
    """Whether a form says `true` in a field; false without the field.

    Parameters
    ----------
    texts : dict of str to str
        The form's fields.
    key : str

    Returns
    -------
    bool

    Raises
    ------
    RequestError
        400 for anything but `true` and `false`.
    """
    if (text := texts.get(key, "false")) not in ("true", "false"):
        raise RequestError(400, f"`{key}` is {truncated(text)!r}; expected true or false")
    return text == "true"


async def run_until_disconnect(request: Request, work: Callable[[Event], Awaitable[T]]) -> T:
    """What `work` comes to; its event is set as soon as nobody waits for that any more.

    The request's body must have been read.
    """
    unwanted = Event()
    task = asyncio.ensure_future(work(unwanted))
    try:
        while not (await asyncio.wait({task}, timeout=0.5))[0]:
            if await request.is_disconnected():
                raise ClientDisconnect
        return task.result()
    finally:
        unwanted.set()
