"""Requests as the contract takes them: strict JSON, one uploaded file, sizes, refusals.

BentoML's own parsing accepts NaN and pickles, answers malformed forms with 500, and fetches
addresses that a form names; none of it is used.
"""

import asyncio
import gc
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from threading import Event
from typing import Any, TypeVar
from urllib.parse import parse_qs

import orjson
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Scope

from slipway.errors import CsvError, ExplanationError, Fault, RecordsError, RequestCode
from slipway.i18n import faults
from slipway.i18n.catalogues import FALLBACK, matching
from slipway.schema.fields import truncated
from slipway.service.observation import current

log = logging.getLogger("bentoml")
T = TypeVar("T")


class RequestError(Exception):
    """A request that is refused with a status and a code, in the shape of the contract.

    `values` are those that the texts of the code need (`slipway.i18n.faults.REFUSALS`).
    """

    def __init__(self, status: int, code: RequestCode, details: Sequence[Fault] = (), **values: Any) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code
        self.details = list(details)
        self.values = values

    @classmethod
    def of(cls, status: int, exc: RecordsError | ExplanationError | CsvError) -> "RequestError":
        """The refusal of a request for which one of the package's errors was raised."""
        details = exc.details if isinstance(exc, RecordsError) else ()
        return cls(status, exc.code, details, **exc.values)

    def __str__(self) -> str:
        return faults.refusal(self.code, self.values)

    def response(self, language: str = "en") -> JSONResponse:
        """The refusal as the API answers it; `error` and `problem` are in the language."""
        current().refused(self.code.value, self.details)
        refused = {
            "error": faults.refusal(self.code, self.values, language),
            "code": self.code.value,
            "details": [faults.as_json(fault, language) for fault in self.details],
        }
        if "header" in self.values:  # of a file without a column that is needed
            refused |= {"header": self.values["header"], "suggestions": self.values["suggestions"]}
        again = {"Retry-After": str(self.values["retry_after"])} if "retry_after" in self.values else None
        return JSONResponse(refused, self.status, again)


NO_MEMORY = RequestError(503, RequestCode.NO_MEMORY)
"""Where a `MemoryError` was raised: the memory of the process that answers is bounded."""


def language_of(scope: Scope) -> str:
    """The language requested with `?lang=zh`; English for any other, and by default."""
    if not scope["query_string"]:
        return FALLBACK
    wanted = parse_qs(scope["query_string"].decode("latin-1")).get("lang", [FALLBACK])[-1]
    return matching(wanted) or FALLBACK


def json_response(answer: dict[str, Any], language: str = "en") -> Response:
    """An answer as JSON.

    Parameters
    ----------
    answer : dict
    language : str, default="en"
        Of the problems of its warnings.

    Returns
    -------
    Response
    """
    to_json = partial(faults.as_json, language=language)
    content = orjson.dumps(answer, default=to_json, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    return Response(content, media_type="application/json")


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body.

    Raises
    ------
    RequestError
        413 as soon as the body is known to have more bytes than `limit`.
    """
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            raise _too_long(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_long(limit: int) -> RequestError:
    return RequestError(413, RequestCode.BODY_TOO_LARGE, limit=limit // 1024 // 1024)


def media_type(request: Request) -> str:
    """The content type of a request without its parameters, in lower case."""
    named = next((value for name, value in request.scope["headers"] if name == b"content-type"), b"")
    return named.partition(b";")[0].strip().lower().decode("latin-1")


def _strict_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        times = Counter(key for key, _ in pairs)
        doubled = next(key for key in parsed if times[key] > 1)
        raise ValueError(f"duplicate key {truncated(doubled)!r}")
    return parsed


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


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
    raise RequestError(400, RequestCode.INVALID_JSON, reason=reason[:200], expected=expected)


def _quick(body: bytes) -> dict[str, Any] | None:
    """The object in a body, if orjson certainly reads it as the strict parser does; else None.

    orjson silently takes the last of two equal keys. Every key has its colon, so where there
    are no more colons than keys were read, none was dropped. Colons in texts only cost the
    quick way.
    """
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict):
        return None
    keys = len(content)
    for value in content.values():
        items = value if isinstance(value, list) else [value]
        keys += sum(len(item) for item in items if isinstance(item, dict))
    return content if body.count(b":") == keys else None


def _check_values(body: bytes, most: int) -> None:
    """Reject a body with more than `most` values: in memory each is many times as large as in the body.

    Every value but the first has a comma or an opening bracket before it. (Those in texts count as well.)
    """
    separators = sum(map(body.count, (b",", b"[", b"{")))
    if separators > most:
        raise RequestError(413, RequestCode.TOO_MANY_VALUES, found=most + 1)


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
        raise _unsupported(request, "application/json")
    content = await read_body(request, limit)
    _check_values(content, values)
    body = parse_json(content, expected)
    if isinstance(body, dict) and body.keys() - {optional} == {key}:
        return body
    keys = ", ".join(repr(truncated(name)) for name in list(body)[:5]) if isinstance(body, dict) else ""
    received = f"the keys {keys or '(none)'}" if isinstance(body, dict) else "no object"
    raise RequestError(400, RequestCode.UNEXPECTED_BODY, found=received, expected=expected)


def _unsupported(request: Request, expected: str) -> RequestError:
    received = truncated(media_type(request)) or "missing"
    return RequestError(415, RequestCode.UNSUPPORTED_MEDIA_TYPE, found=received, expected=expected)


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
        raise _unsupported(request, "multipart/form-data with the field `file`")
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
        raise RequestError(400, RequestCode.INVALID_FORM, reason=exc.detail) from exc
    except OSError as exc:
        log.error("an upload cannot be kept: %s", exc)
        raise RequestError(503, RequestCode.NO_DISK_SPACE) from exc
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise RequestError(400, RequestCode.MISSING_FILE)
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
        raise RequestError(400, RequestCode.INVALID_OPTION, option=key, found=repr(truncated(text)))
    return text == "true"


def parse_threshold(texts: dict[str, str], has_threshold: bool) -> float | None:
    """The threshold that a form asks for in place of the version's; None without the field.

    Parameters
    ----------
    texts : dict of str to str
        The form's fields.
    has_threshold : bool
        Whether the model decides by one.

    Returns
    -------
    float or None
        From 0 to 1.

    Raises
    ------
    RequestError
        400 for anything else, and for a model without a threshold.
    """
    if (text := texts.get("threshold")) is None:
        return None
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1.0
    if not has_threshold or not 0 <= threshold <= 1:
        code = RequestCode.INVALID_THRESHOLD if has_threshold else RequestCode.NO_THRESHOLD
        raise RequestError(400, code, found=repr(truncated(text)))
    return threshold


def parse_columns(texts: dict[str, str]) -> dict[str, str]:
    """The field of each column that a form says, by the column's name in the file; none without it.

    Parameters
    ----------
    texts : dict of str to str
        The form's fields.

    Returns
    -------
    dict of str to str

    Raises
    ------
    RequestError
        400 for anything but a JSON object of texts.
    """
    text = texts.get("columns", "{}")
    try:
        columns = json.loads(text, object_pairs_hook=_strict_object)
    except (RecursionError, ValueError):
        columns = None
    if not isinstance(columns, dict) or not all(isinstance(name, str) for name in columns.values()):
        raise RequestError(400, RequestCode.INVALID_COLUMNS, found=truncated(text))
    return columns


async def run_until_disconnect(request: Request, work: Callable[[Event], Awaitable[T]]) -> T:
    """The result of `work`; its event is set as soon as the client has gone.

    The request's body must have been read.

    Raises
    ------
    ClientDisconnect
        If the client has gone before there is a result.
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
