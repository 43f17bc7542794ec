"""What BentoML's HTTP metrics and our access log call a path: its route, never what a stranger made up.

A label of a metric is kept for good, in every worker and in BentoML's metric files. BentoML 1.4.39 takes the raw
path for one (`bentoml/_internal/server/http/instruments.py`), so that whoever asks for random paths fills memory
and disk. There is no setting for it, its metrics lie outside of the middleware that a service may add, and without
them there is no /metrics either: so `use_routes` puts a subclass in the place of its middleware.
"""

import re
from typing import Any
from urllib.parse import quote

from bentoml._internal.server.http import instruments
from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.service.proxy import below, root_path

PAGES = ("", "theme.css", "favicon.ico")
"""What Gradio answers below /ui/ beside its files."""
RUN = "gradio_api/run/predict"
"""The call of every event of the page."""
READER = "hyparquet.min.js"
"""The reader of Parquet files, which the Batch tab asks for."""
OTHER = "other"

_EXACT = frozenset(
    "/ /predict /predict_csv /explain /model /model/schema /model/card /docs /docs.json /favicon.ico "
    "/livez /readyz /healthz /metrics /schema.json /ui /ui/en /ui/zh".split()
)
_PAGE = re.compile(rf"/ui/(?:(?:en|zh)/)?(?:{'|'.join(map(re.escape, (*PAGES, RUN, READER)))})")
_FILE = re.compile(r"((?:/ui/(?:(?:en|zh)/)?(?:assets|static|svelte)|/static_content)/).+", re.DOTALL)
_SHOWN = 16
"""Characters of an unknown path that are logged: it may hold anything, a name or a key as well."""
_ORIGINAL = "slipway.scope"


def route(path: str) -> str:
    """The label of a path: a path that is served as it is, Gradio's files by their folder, anything else as `other`."""
    if path in _EXACT or _PAGE.fullmatch(path):
        return path
    file = _FILE.fullmatch(path)
    return f"{file[1]}*" if file else OTHER


def logged(path: str) -> str:
    """A path as it is logged: a route, or the beginning of an unknown path, escaped."""
    known = route(path)
    if known != OTHER:
        return known
    return quote(path[:_SHOWN]) + ("…" if len(path) > _SHOWN else "")


class RouteMetrics(instruments.RunnerTrafficMetricsMiddleware):  # type: ignore[misc]
    """BentoML's metrics with the route in the place of the path, which the service itself gets as it came."""

    def __init__(self, app: ASGIApp, *arguments: Any, **keywords: Any) -> None:
        async def unchanged(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope.get(_ORIGINAL, scope), receive, send)

        super().__init__(unchanged, *arguments, **keywords)
        self._root = root_path()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "path" in scope:
            scope = {**scope, "path": route(below(scope["path"], self._root)), _ORIGINAL: scope}
        await super().__call__(scope, receive, send)


def use_routes() -> None:
    """From now on services of this process are measured so. (BentoML looks the class up when a service starts.)"""
    instruments.RunnerTrafficMetricsMiddleware = RouteMetrics
