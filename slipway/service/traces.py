"""Traces with OpenTelemetry: a span for each prediction and explanation, where somebody has configured where spans go.

OpenTelemetry's own ASGI middleware is not used: its spans have the whole address of a request. Nothing of OpenTelemetry is
imported as long as no traces are wanted.
"""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from slipway.errors import SlipwayError
from slipway.service.observation import Observation, current
from slipway.service.paths import RUN
from slipway.store import Version
from slipway.store._bentoml import tracer_provider, traces_are_exported

TRACED = frozenset(
    {"/predict", "/predict_csv", "/explain", "/counterfactual", f"/ui/{RUN}", f"/ui/en/{RUN}", f"/ui/zh/{RUN}"}
)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def traces_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether OpenTelemetry's variables, or BentoML's configuration, say where traces go.

    Parameters
    ----------
    environment : mapping of str to str

    Returns
    -------
    bool

    Raises
    ------
    SlipwayError
        If a protocol is wanted for which there is no exporter.
    """
    if traces_are_exported():
        return True
    if environment.get("OTEL_TRACES_EXPORTER") == "none" or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if not any(environment.get(name) for name in _ENDPOINTS):
        return False
    protocols = {name: environment[name] for name in _PROTOCOLS if environment.get(name)}
    for name, protocol in protocols.items():
        if protocol != "http/protobuf":
            raise SlipwayError(f"{name} is {protocol[:60]!r}; expected http/protobuf, or leave it out")
    return True


def _provider(version: Version) -> Any:
    """What makes spans and sends them: BentoML's, or one that reads OpenTelemetry's variables."""
    if traces_are_exported():
        return tracer_provider()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": f"slipway-{version.name}", "service.version": version.version})
    provider = TracerProvider(resource=resource.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Traced:
    """ASGI middleware: a span for each request of a route in `TRACED`, child of the one in its `traceparent`.

    Parameters
    ----------
    app : ASGI app
    version : Version
    """

    def __init__(self, app: ASGIApp, version: Version) -> None:
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, StatusCode

        self.app = app
        self._tag = version.tag
        self._provider = _provider(version)
        self._tracer = self._provider.get_tracer("slipway")
        self._extract, self._kind, self._error = extract, SpanKind.SERVER, StatusCode.ERROR

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] in TRACED:
            await self._trace(scope, receive, send)
            return
        await self.app(scope, receive, send)
        if scope["type"] == "lifespan":
            await asyncio.to_thread(self._provider.shutdown)  # sends what has not been sent

    async def _trace(self, scope: Scope, receive: Receive, send: Send) -> None:
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method, route, noted = scope["method"][:16], scope["path"], current()
        with self._tracer.start_as_current_span(
            f"{method} {route}",
            context=self._extract(carrier),
            kind=self._kind,
            attributes={"http.request.method": method, "http.route": route, "slipway.model": self._tag},
            record_exception=False,  # it may hold what was sent
            set_status_on_exception=False,
        ) as span:
            noted.trace_id = format(span.get_span_context().trace_id, "032x")
            try:
                await self.app(scope, receive, send)
            finally:
                span.set_attributes(_attributes(noted))
                if not 0 < noted.status < 500:
                    span.set_status(self._error)


def _attributes(noted: Observation) -> dict[str, str | int]:
    """What is known of a request at its end."""
    found: dict[str, str | int] = {
        "http.response.status_code": noted.status or 500,
        "slipway.request_id": noted.id.decode(),
    }
    if noted.source:
        found |= {"slipway.source": noted.source, "slipway.rows": noted.rows}
    if noted.faults:
        found["slipway.faults"] = noted.faults.total()
    if noted.code:
        found["slipway.code"] = noted.code
    return found
