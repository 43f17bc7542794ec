"""`GET /metrics`: what all workers have counted, on the port of the server or on one of its own."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, start_http_server
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.errors import RequestCode
from slipway.service.metric_files import MetricFiles, Sums, open_folder
from slipway.service.requests import RequestError, language_of
from slipway.service.worker import NoSupervisorError, give_signs, stay_until_killed

NAME = "slipway-metrics"
"""What `ps` and `top` call the process that answers on a port of its own."""
AGAIN = 5
"""Seconds after which a port that was taken is tried again."""

log = logging.getLogger("bentoml")


class MetricsEndpoint:
    """ASGI middleware: answers `GET /metrics`; with 404 if metrics have a port of their own.

    Parameters
    ----------
    app : ASGI app
    files : MetricFiles
    elsewhere : bool
        Whether they have.
    """

    def __init__(self, app: ASGIApp, files: MetricFiles, elsewhere: bool) -> None:
        self.app = app
        self._files = files
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/metrics":
            await self.app(scope, receive, send)
            return
        if self._elsewhere or scope["method"] not in ("GET", "HEAD"):
            response = RequestError(404 if self._elsewhere else 405, RequestCode.NOT_FOUND).response(language_of(scope))
            if not self._elsewhere:
                response.headers["Allow"] = "GET, HEAD"
            await response(scope, receive, send)
            return
        self._files.write()
        text = await asyncio.to_thread(Sums(self._files.folder).text) if self._files.folder else b""
        await Response(text, media_type=CONTENT_TYPE_LATEST)(scope, receive, send)


def serve_metrics(host: str, port: int) -> None:
    """In a process of its own, answer for the metrics on a port, until there is no supervisor.

    It is killed once all workers have ended: until then it knows no signal, so that metrics are there to the end.

    Parameters
    ----------
    host : str
    port : int
    """
    stay_until_killed(NAME)
    with suppress(NoSupervisorError):
        asyncio.run(_serve(host, port))


async def _serve(host: str, port: int) -> None:
    folder = open_folder()
    await asyncio.gather(give_signs(), *([_start_once_free(host, port, folder)] if folder else []))


async def _start_once_free(host: str, port: int, folder: Path) -> None:
    """The port was free when the server started (`check_metrics_port`); another process may have taken it since."""
    said = False
    while True:
        try:
            _start(host, port, folder)
            return
        except OSError as exc:
            if not said:
                log.error(
                    "no metrics on port %d of %s: %s; it is tried again every %d s", port, host, exc.strerror, AGAIN
                )
            said = True
        await asyncio.sleep(AGAIN)


def start_metrics_thread(host: str, port: int) -> None:
    """The same on a thread of this process, for systems where no process of ours looks after the workers."""
    if folder := open_folder():
        _start(host, port, folder)


def _start(host: str, port: int, folder: Path) -> None:
    registry = CollectorRegistry()
    registry.register(Sums(folder))
    start_http_server(port, host, registry)
