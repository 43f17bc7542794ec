"""Every request, seen from outside of all that may answer it: its id, its metrics and its line in the log."""

import logging
import os
import re
import time
from itertools import count
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slipway.service.http_metrics import HttpMetrics
from slipway.service.metric_files import MetricFiles
from slipway.service.model_metrics import ModelMetrics
from slipway.service.observation import Observation, begin
from slipway.service.paths import OTHER, logged, route
from slipway.service.proxy import below
from slipway.service.request_log import LogQueue
from slipway.service.settings import Settings
from slipway.store import Version
from slipway.store.requestlog import open_log

log = logging.getLogger("bentoml")

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
"""What is taken over of the header `X-Request-ID`."""
GONE = 499
"""What the log and the metrics have for a status where the client hung up before it was answered."""


class ObservedRequests:
    """ASGI middleware, the outermost: gives each request its id, counts and times it, and writes its line in the log.

    The id is that of the header `X-Request-ID`, if it has a sensible one; it is returned in every answer.

    Parameters
    ----------
    app : ASGI app
    files : MetricFiles
    version : Version
        What is served.
    settings : Settings
    """

    def __init__(self, app: ASGIApp, files: MetricFiles, version: Version, settings: Settings) -> None:
        self.app = app
        self.root = settings.root_path
        self._tag = version.tag
        self._json = settings.log_format == "json"
        self._files = files
        self._http = HttpMetrics(files.counts)
        self._model = ModelMetrics(files.counts, version, version.schema(), settings.workers)
        self._prefix = os.urandom(6).hex().encode()
        self._numbers = count()
        days = settings.request_log_days
        self._queue = LogQueue(open_log(settings.request_log), days, self._count_log) if settings.request_log else None
        files.open()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._observe(scope, receive, send)
            return
        await self.app(scope, receive, self._last(send) if scope["type"] == "lifespan" else send)

    def _last(self, send: Send) -> Send:
        """Write what waits before the server is told that all is done: then it ends, and nothing that is awaited goes on."""

        async def sending(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                if self._queue:
                    await self._queue.close()
                self._files.write()
            await send(message)

        return sending

    def _count_log(self, written: int, dropped: int) -> None:
        self._model.count_log(written, dropped)
        self._files.write_soon()

    async def _observe(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        noted = begin()
        self._read_headers(scope, noted)
        path = below(scope["path"], self.root) if self.root else scope["path"]
        named = route(path)

        async def receive_counted() -> Message:
            message = await receive()
            noted.bytes_in += len(message.get("body", b""))
            return message

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                noted.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", noted.id)]
            else:
                noted.bytes_out += len(message.get("body", b""))
            await send(message)

        receive_body = receive
        if noted.bytes_in < 0:  # it does not say how long its body is
            noted.bytes_in, receive_body = 0, receive_counted
        self._http.begin(named)
        self._model.begin()
        try:
            await self.app(scope, receive_body, send_noted)
        except ClientDisconnect:
            pass
        except Exception:
            log.exception("%s of request %s failed", named, noted.id.decode())
            if noted.status:
                raise
            await PlainTextResponse("Internal Server Error", 500)(scope, receive, send_noted)
        finally:
            seconds = time.perf_counter() - started
            noted.status = noted.status or GONE
            self._http.end(named, noted.status, seconds)
            self._model.count(noted)
            self._files.write_soon()
            if self._queue and noted.log_rows:
                self._queue.put(noted.log_rows)
        self._log(scope, named, logged(path) if named == OTHER else named, noted, seconds)

    def _read_headers(self, scope: Scope, noted: Observation) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length":
                noted.bytes_in = int(value) if value.isdigit() else -1
            elif name == b"x-request-id" and REQUEST_ID.fullmatch(value):
                noted.id = value
        if not noted.id:
            noted.id = b"%b%08x" % (self._prefix, next(self._numbers))
        if noted.bytes_in < 0 and scope["method"] in ("GET", "HEAD"):
            noted.bytes_in = 0

    def _log(self, scope: Scope, route: str, path: str, noted: Observation, seconds: float) -> None:
        """The line of a request: nothing that was sent, and of an unknown path only its beginning."""
        caller = getattr(scope.get("state", {}).get("caller"), "name", None)
        fields: dict[str, Any] = {"request_id": noted.id.decode()}
        if noted.trace_id:
            fields["trace_id"] = noted.trace_id
        if caller:
            fields["caller"] = quote(caller, safe="@.+-_:")
        if noted.source:
            fields |= {"model": self._tag, "rows": noted.rows}
        if noted.faults:
            fields["faults"] = noted.faults.total()
        if noted.code:
            fields["code"] = noted.code
        fields |= {"bytes_in": noted.bytes_in, "bytes_out": noted.bytes_out}
        level = logging.ERROR if noted.status >= 500 and not noted.expected else logging.INFO
        method, milliseconds = scope["method"][:16], 1000 * seconds
        if not self._json:
            text = " ".join([f"{name}={value}" for name, value in fields.items()])
            log.log(level, "%s %s %d %.1f ms %s", method, path, noted.status, milliseconds, text)
            return
        more = {"method": method, "route": route, "path": path, "status": noted.status, "ms": round(milliseconds, 1)}
        log.log(level, "%s %s %d", method, path, noted.status, extra={"fields": more | fields})
