"""The BentoML service around one version, with the page mounted on it.

`service.py` calls `make_service` when it is imported, and so do the tests. There is no
`from __future__ import annotations` here on purpose: BentoML resolves the annotations of a
class that is local to a function, and cannot if they are texts.
"""

import logging
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from typing import Annotated, Any

import bentoml
from pydantic import WithJsonSchema
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from slipway.service import openapi
from slipway.service.access.callers import Authenticator
from slipway.service.access.middleware import Access
from slipway.service.access.setup import announce, authenticators
from slipway.service.admission import Admission, Load, RateLimit
from slipway.service.allowed_hosts import AllowedHosts
from slipway.service.connections import ConnectionLimits, Refusals, announce_connections
from slipway.service.deadline import Deadline
from slipway.service.forwarded import Forwarded, take_over
from slipway.service.generation import Generation, Successors
from slipway.service.helper import Helpers, LargeCalls
from slipway.service.image import image_of
from slipway.service.login.setup import Login
from slipway.service.logs import use_log_format
from slipway.service.metric_files import MetricFiles, open_folder
from slipway.service.metrics import Counts
from slipway.service.metrics_endpoint import MetricsEndpoint, serve_metrics, start_metrics_thread
from slipway.service.model import LoadedModel
from slipway.service.observed import ObservedRequests
from slipway.service.port import check_metrics_port, check_port, listening
from slipway.service.predict import PredictEndpoint
from slipway.service.proxy import BehindProxy
from slipway.service.request_log import check_request_log
from slipway.service.requests import RequestError, json_response
from slipway.service.routes import large_calls, make_routes
from slipway.service.security_headers import SecurityHeaders, cors
from slipway.service.settings import Settings
from slipway.service.signing import announce_signing, signed_answers
from slipway.service.supervisor import Supervisor
from slipway.service.temporary import find_temporary_folder
from slipway.service.traces import Traced, traces_wanted
from slipway.service.worker import CloseConnections, starting
from slipway.store._bentoml import import_server, put_in_front, read_do_not_track, use_supervisor

log = logging.getLogger("bentoml")

read_do_not_track()  # slipway/__init__.py has set it since

ENGINES = {"onnx": "compiled graph (onnx)", "native": "PyCaret pipeline (native): it was not compiled, see its card"}


def make_service(
    served: LoadedModel,
    page: ASGIApp,
    settings: Settings,
    login: Login | None = None,
    login_pages: Sequence[Middleware] = (),
    successors: Successors | None = None,
) -> Any:
    """The BentoML service of one version.

    Parameters
    ----------
    served : LoadedModel
    page : ASGI app
        Mounted at `/ui`.
    settings : Settings
    login : Login, optional
        By which people log in to the page.
    login_pages : sequence of Middleware
        What answers its calls.
    successors : Successors, optional
        Where a server looks for the version that takes the place of this one.

    Returns
    -------
    BentoML service
    """
    use_log_format(settings.log_format)
    take_over()
    asked = authenticators(settings, login)
    service = bentoml.service(
        name=served.version.name.replace(".", "-"),
        workers=settings.workers,
        image=image_of(served.version),
        # BentoML's own access log breaks off an answer whose request has a header that is no UTF-8,
        # and writes line breaks of a path as they are.
        logging={"access": {"enabled": False}},
        metrics={"enabled": False},  # ours have its names; see http_metrics
        tracing={"excluded_urls": ".*"},  # ours; see traces
    )(_service_class(served, settings, asked, successors))
    load, files = Load(settings.max_requests), MetricFiles(Counts())
    chain = in_front(served, settings, load, files, asked, login, login_pages)
    put_in_front(service, chain, begin=partial(_bound_connections, settings, load, files))
    service.mount_asgi_app(page, path="/ui")
    service.mount_asgi_app(make_routes(served, service), path="/")
    return service


def _bound_connections(settings: Settings, load: Load, files: MetricFiles) -> None:
    """Have connections handled as `BoundedProtocol` does, wherever its parser is installed."""
    if find_spec("httptools") is None:
        log.warning("without httptools, connections have no deadlines and the load no limit: `pip install httptools`")
        return
    from slipway.service._uvicorn import use_protocol

    use_protocol(ConnectionLimits.of(settings), load, Refusals(files))


def in_front(
    served: LoadedModel,
    settings: Settings,
    load: Load,
    files: MetricFiles,
    asked: Sequence[Authenticator] = (),
    login: Login | None = None,
    login_pages: Sequence[Middleware] = (),
) -> list[Middleware]:
    """What a request passes before BentoML's app, the outermost first: each refuses it, answers it, or lets it on.

    Parameters
    ----------
    served : LoadedModel
    settings : Settings
    load : Load
    files : MetricFiles
        Of the worker.
    asked : sequence of Authenticator
        Who knows the callers; without any, nobody is asked.
    login : Login, optional
        By which people log in to the page.
    login_pages : sequence of Middleware
        What answers its calls.

    Returns
    -------
    list of Middleware
    """
    return [
        Middleware(ObservedRequests, files=files, version=served.version, settings=settings),
        Middleware(CloseConnections),
        Middleware(Forwarded, proxies=settings.trusted_proxies),
        Middleware(BehindProxy, root=settings.root_path),
        Middleware(SecurityHeaders, frame_ancestors=settings.frame_ancestors),
        *([Middleware(AllowedHosts, hosts=settings.allowed_hosts)] if settings.allowed_hosts else []),
        *cors(settings.cors_origins),
        Middleware(Admission, load=load, long=settings.max_long_requests),
        Middleware(Access, authenticators=asked, sign_in=login.sign_in if login else None),
        *([Middleware(RateLimit, limit=settings.requests_per_minute)] if settings.requests_per_minute else []),
        *login_pages,
        *([Middleware(Traced, version=served.version)] if traces_wanted() else []),
        Middleware(Deadline, seconds=settings.max_seconds),
        Middleware(MetricsEndpoint, files=files, elsewhere=bool(settings.metrics_port)),
        *signed_answers(served.version, settings),
        Middleware(LargeCalls),
        Middleware(PredictEndpoint, served=served),
    ]


def _service_class(
    served: LoadedModel, settings: Settings, asked: Sequence[Authenticator], successors: Successors | None
) -> type:
    """What BentoML makes a service of: its models, what a start checks, and `POST /predict` as its description has it."""
    schema = served.schema
    records_schema = {"type": "array", "minItems": 1, "items": schema.json_schema(), "example": [schema.example()]}
    Records = Annotated[Any, WithJsonSchema(records_schema)]
    Answer = Annotated[Any, WithJsonSchema(openapi.answer_schema(schema))]

    class Slipway:
        # Declared on the class, so that `bentoml build` takes the models along.
        version = bentoml.models.BentoModel(served.version.tag)
        if served.version.engine == "native":
            pipeline = bentoml.models.BentoModel(f"{served.version.name}-pipeline:{served.version.version}")

        def __init__(self) -> None:
            with starting():
                find_temporary_folder()
                served.check_files()
                served.load()

        @bentoml.on_deployment  # type: ignore[untyped-decorator]
        @staticmethod
        def repeat_golden_answers() -> None:
            with starting():
                check_port()
                served.check_golden()
                announce(asked)
                announce_connections(settings)
                announce_signing(settings)
                open_folder()
                check_request_log(settings)
                if settings.metrics_port:
                    check_metrics_port(listening()[0] or "127.0.0.1", settings.metrics_port)
            _supervise(served, settings, successors)
            log.info(
                "%s repeats its golden answers; served by its %s", served.version.tag, ENGINES[served.version.engine]
            )

        @bentoml.api  # type: ignore[untyped-decorator]
        async def predict(self, records: Records) -> Answer:
            """Predict each record in turn."""
            try:
                return json_response(await served.answer(records))
            except RequestError as refused:
                return refused.response()

    return Slipway


def _supervise(served: LoadedModel, settings: Settings, successors: Successors | None) -> None:
    """Look after the workers of this server as `Supervisor` does."""
    metrics = listening()[0] or "127.0.0.1", settings.metrics_port
    if os.name != "posix":
        if settings.metrics_port:
            start_metrics_thread(*metrics)
        return
    generation = generation_of(served, settings)
    supervisor = partial(Supervisor, generation=generation, timeout=settings.worker_timeout, successors=successors)
    use_supervisor(partial(supervisor, metrics=partial(serve_metrics, *metrics) if settings.metrics_port else None))


def generation_of(served: LoadedModel, settings: Settings, service: Any = None) -> Generation:
    """What a supervisor has to know of a version to have it served.

    Parameters
    ----------
    served : LoadedModel
    settings : Settings
    service : BentoML service, optional
        Around it, if it is not the one that BentoML was told to serve.

    Returns
    -------
    Generation
    """
    # A pipeline may use OpenMP, which does not survive a fork; nor do the system's libraries on a Mac.
    forks = served.version.engine == "onnx" and sys.platform == "linux"
    helpers = None
    if forks:
        served.load()
        import_server()
        helpers = Helpers(large_calls(served), settings.max_helper_megabytes)
    return Generation(served.version.tag, forks, helpers, service)
