"""The BentoML service around one version, with the page mounted on it.

`service.py` calls `make_service` when it is imported, and so do the tests. There is no
`from __future__ import annotations` here on purpose: BentoML resolves the annotations of a
class that is local to a function, and cannot if they are texts.
"""

import logging
from typing import Annotated, Any

import bentoml
from pydantic import WithJsonSchema
from starlette.types import ASGIApp

from slipway.service import metrics, openapi
from slipway.service.access_log import AccessLog
from slipway.service.image import image_of
from slipway.service.model import LoadedModel
from slipway.service.predict import PredictEndpoint
from slipway.service.proxy import BehindProxy, root_path
from slipway.service.requests import RequestError, json_response
from slipway.service.routes import make_routes
from slipway.service.settings import setting
from slipway.service.supervisor import check_port, starting, supervise
from slipway.store._bentoml import read_do_not_track, traces_are_exported

log = logging.getLogger("bentoml")

read_do_not_track()  # slipway/__init__.py has set it since

ENGINES = {"onnx": "compiled graph (onnx)", "native": "PyCaret pipeline (native): it was not compiled, see its card"}


def make_service(served: LoadedModel, page: ASGIApp) -> Any:
    """The BentoML service of one version, with `page` mounted at `/ui`."""
    metrics.use_routes()
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
                served.load()

        @bentoml.on_deployment  # type: ignore[untyped-decorator]
        @staticmethod
        def repeat_golden_answers() -> None:
            with starting():
                check_port()
                served.check_golden()
            supervise()
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

    service = bentoml.service(
        name=served.version.name.replace(".", "-"),
        workers=setting("SLIPWAY_WORKERS", 1),
        image=image_of(served.version),
        traffic={"timeout": 300},
        # BentoML's own access log breaks off an answer whose request has a header that is no UTF-8,
        # and writes line breaks of a path as they are.
        logging={"access": {"enabled": False}},
        tracing=_tracing(),
    )(Slipway)
    service.add_asgi_middleware(BehindProxy, root=root_path())
    service.add_asgi_middleware(AccessLog)
    service.add_asgi_middleware(PredictEndpoint, served=served)
    service.mount_asgi_app(page, path="/ui")
    service.mount_asgi_app(make_routes(served, service), path="/")
    return service


def _tracing() -> dict[str, Any]:
    """Calls are traced where somebody has configured an exporter, and cost no span where nobody has.

    A span that nobody exports is made, and kept as long as BentoML's timeout, for nothing.
    """
    return {} if traces_are_exported() else {"excluded_urls": ".*"}
