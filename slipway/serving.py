"""The BentoML service around one version: the HTTP contract, and the page mounted on it.

`service.py` calls `make_service` when it is imported, and so do the tests. There is no
`from __future__ import annotations` here on purpose: BentoML resolves the annotations of a
class that is local to a function, and cannot if they are texts.
"""

import asyncio
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from threading import Event, Lock
from typing import Annotated, Any

import bentoml
import orjson
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.utils.analytics import usage_stats
from fastapi import FastAPI
from pydantic import WithJsonSchema
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from slipway import openapi
from slipway.cells import SEPARATORS, parse_csv
from slipway.errors import DataError, ExplanationError, RecordsError, SlipwayError
from slipway.explain import DEFAULT_CLASS, Explainer
from slipway.http import AccessLog, Refused, read_object, ticked, uncollected, uploaded, while_listening
from slipway.image import image_of
from slipway.predictor import Predictor
from slipway.prefix import BehindProxy, root_path
from slipway.schema import Checked, CheckedTable
from slipway.store import Version, check_compatible

log = logging.getLogger("bentoml")

# `bentoml serve` asks before it imports a service, and remembers the answer; slipway/__init__.py has said no since.
usage_stats.do_not_track.cache_clear()

QUICK = 16
"""Records of a call that a compiled version answers on the event loop: well below a millisecond."""

ENGINES = {"onnx": "compiled graph (onnx)", "native": "PyCaret pipeline (native): it was not compiled, see its card"}

FAVICON = Path(__file__).parent / "page" / "favicon.svg"


def setting(variable: str, default: int) -> int:
    """A whole number from the environment."""
    text = os.environ.get(variable, str(default))
    if not re.fullmatch(r"0*[1-9][0-9]{0,11}", text, re.ASCII):
        raise SlipwayError(f"{variable} is {text[:40]!r}; expected a whole number of at least 1")
    return int(text)


class Limits:
    """What one call may send; each is an environment variable."""

    def __init__(self) -> None:
        self.records = setting("SLIPWAY_MAX_RECORDS", 10_000)
        self.bytes = setting("SLIPWAY_MAX_MEGABYTES", 25) * 1024 * 1024
        self.rows = setting("SLIPWAY_MAX_ROWS", 200_000)
        self.reasons = setting("SLIPWAY_MAX_REASONS", 500)


class Served:
    """One version as a process serves it: found at import, its pipeline loaded once.

    Work runs on threads beside the event loop, so that probes are answered meanwhile.
    """

    def __init__(self, version: Version) -> None:
        check_compatible(version)
        self.version = version
        self.schema = version.schema()
        self.limits = Limits()
        self._lock = Lock()

    @cached_property
    def _loaded(self) -> Predictor:
        return Predictor.load(self.version)

    @property
    def predictor(self) -> Predictor:
        """The loaded predictor; the first call loads it."""
        with self._lock:
            return self._loaded

    @cached_property
    def _explaining(self) -> Explainer:
        return Explainer.load(self.version, self._loaded)

    @property
    def explainer(self) -> Explainer:
        """What explains the predictor's answers; the first call reads the background."""
        with self._lock:
            return self._explaining

    def check_golden(self) -> None:
        """Repeat the answers of training time, or raise `GoldenMismatchError`."""
        self.predictor.check_golden(self.version.read_json("golden.json"))

    async def run(self, work: Callable[[Predictor], Any]) -> Any:
        """`work(predictor)`, on a thread."""
        return await asyncio.to_thread(lambda: work(self.predictor))

    async def answer(self, records: Any) -> dict[str, Any]:
        """The contract's answer to `records`.

        Raises
        ------
        Refused
            400 with every fault, or 413 for too many records.
        """
        if not isinstance(records, list) or not records:
            problem = "is empty" if records == [] else "is no list"
            raise Refused(400, f"`records` {problem}; expected a list of objects, one for each prediction")
        if len(records) > self.limits.records:
            raise Refused(
                413,
                f"{len(records):,} records in one call; the limit is {self.limits.records:,} "
                "(SLIPWAY_MAX_RECORDS): send them in several, or as a file to /predict_csv",
            )
        try:
            if self._is_quick(records):
                return self.predictor.answer(records)
            return await self.run(lambda predictor: predictor.answer(records))  # type: ignore[no-any-return]
        except RecordsError as exc:
            raise Refused(400, str(exc), exc.details) from exc

    def _is_quick(self, records: list[Any]) -> bool:
        """Whether an answer takes less time than the way to another thread and back."""
        few = self.version.engine == "onnx" and len(records) <= QUICK
        return few and all(isinstance(record, dict) and len(record) < 2 * len(self.schema.fields) for record in records)

    async def explain(self, record: Any, wanted: Any = DEFAULT_CLASS) -> dict[str, Any]:
        """The contract's explanation of one record, for classes of the class `wanted`.

        Raises
        ------
        Refused
            400 with every fault, or with what the model cannot explain.
        """
        try:
            return await asyncio.to_thread(lambda: self.explainer.explain(record, wanted))
        except RecordsError as exc:
            raise Refused(400, str(exc), exc.details) from exc
        except ExplanationError as exc:
            raise Refused(400, str(exc)) from exc

    async def answer_csv(self, data: bytes, reasons: bool, unwanted: Event) -> Response:
        """The contract's answer to a CSV: the same rows with predictions, and their reasons if asked for.

        Reasons take their time; once the event is set no more of them are looked for.

        Raises
        ------
        Refused
            400 for no such table, or 413 for too many rows.
        """

        def explained(checked: Checked) -> Iterator[list[float] | None]:
            return takewhile(lambda _: not unwanted.is_set(), self.explainer.shares(checked))

        def work(predictor: Predictor) -> tuple[str, CheckedTable]:
            with nullcontext() if reasons else uncollected():
                table = parse_csv(data)
                self._check_rows(len(table.rows), reasons)
                return predictor.predict_csv(table, explained if reasons else None)

        try:
            text, read = await self.run(work)
        except (DataError, ExplanationError) as exc:
            raise Refused(400, str(exc)) from exc
        except RecordsError as exc:
            raise Refused(400, str(exc), exc.details) from exc
        headers = {
            "Content-Disposition": 'attachment; filename="predictions.csv"',
            "X-Rows": str(len(read.table.rows)),
            "X-Faulty-Rows": str(len(read.faults)),
            "X-Separator": SEPARATORS[read.table.separator],
        }
        return Response(text.encode("utf-8", "replace"), media_type="text/csv; charset=utf-8", headers=headers)

    def _check_rows(self, rows: int, reasons: bool) -> None:
        if rows > self.limits.rows:
            raise Refused(
                413, f"the file has {rows:,} rows; the limit is {self.limits.rows:,} (SLIPWAY_MAX_ROWS): split it"
            )
        if reasons and rows > self.limits.reasons:
            raise Refused(
                413,
                f"the file has {rows:,} rows; with reasons the limit is {self.limits.reasons:,} (SLIPWAY_MAX_REASONS): "
                "send it without `reasons`, or split it",
            )

    def describe(self) -> dict[str, Any]:
        """What `GET /model` says."""
        metrics = self.version.read_json("metrics.json")
        return {
            "model": self.version.tag,
            "task": self.schema.task,
            "target": self.schema.target.name,
            "engine": self.version.engine,
            "created": self.version.created.isoformat(),
            "packages": self.version.metadata["packages"],
            **{key: metrics[key] for key in ("estimator", "metric", "folds", "holdout", "rows", "importance")},
            **{key: metrics[key] for key in ("threshold", "interval", "calibration") if key in metrics},
        }


class PredictEndpoint:
    """Answers `POST /predict` before BentoML parses it.

    BentoML's own parser accepts NaN, forms and pickles, and words its refusals otherwise.
    Metrics and access log lie outside this middleware, so both count these calls.
    """

    def __init__(self, app: ASGIApp, served: Served) -> None:
        self.app = app
        self.served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] != "/predict":
            await self.app(scope, receive, send)
            return
        try:
            answer = await self._answer(Request(scope, receive))
            response = Response(orjson.dumps(answer), media_type="application/json")
        except Refused as refused:
            response = refused.response()
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> dict[str, Any]:
        body = await read_object(request, self.served.limits.bytes, '{"records": [{…}]}', "records")
        return await self.served.answer(body["records"])


def make_service(served: Served, page: ASGIApp) -> Any:
    """The BentoML service of one version, with `page` mounted at `/ui`."""
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
            served.predictor  # noqa: B018 (loads it before the worker is ready)

        @bentoml.on_deployment  # type: ignore[untyped-decorator]
        @staticmethod
        def repeat_golden_answers() -> None:
            try:
                served.check_golden()
            except SlipwayError as exc:
                raise SystemExit(f"slipway: {exc}") from None
            log.info(
                "%s repeats its golden answers; served by its %s", served.version.tag, ENGINES[served.version.engine]
            )

        @bentoml.api  # type: ignore[untyped-decorator]
        async def predict(self, records: Records) -> Answer:
            """Predict each record in turn."""
            try:
                return await served.answer(records)
            except Refused as refused:
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
    service.mount_asgi_app(_routes(served, service), path="/")
    return service


def _tracing() -> dict[str, Any]:
    """Predictions are traced where somebody has configured an exporter, and cost no span where nobody has.

    A span that nobody exports is made, and kept as long as BentoML's timeout, for nothing.
    """
    return {} if BentoMLContainer.tracing.exporter_type.get() else {"excluded_urls": "/predict$"}


def _routes(served: Served, service: Any) -> FastAPI:
    """The calls that are not BentoML's: /predict_csv, /explain, /model, /docs, and / itself."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(Refused)
    async def refused(_: Request, exc: Refused) -> Response:
        return exc.response()

    @app.get("/")
    async def index(request: Request) -> Response:
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("ui/")
        return JSONResponse({"model": served.version.tag, "page": "ui/", "docs": "docs", "api": "docs.json"})

    @app.get("/favicon.ico")
    async def favicon() -> Response:
        return Response(FAVICON.read_bytes(), media_type="image/svg+xml")

    @app.get("/docs")
    async def docs() -> Response:
        return HTMLResponse(openapi.DOCS_PAGE)

    @app.get("/docs.json")
    async def description() -> Response:
        return JSONResponse(openapi.describe(served.schema, served.version.tag, service.openapi_spec.asdict()))

    @app.get("/model")
    async def model() -> Response:
        return JSONResponse(served.describe())

    @app.get("/model/schema")
    async def schema() -> Response:
        return JSONResponse(served.schema.to_json())

    @app.get("/model/card")
    async def card(lang: str = "en") -> Response:
        file = "card.zh.md" if lang.startswith("zh") else "card.md"
        return PlainTextResponse((served.version.path / file).read_text(encoding="utf-8"), media_type="text/markdown")

    @app.post("/predict_csv")
    async def predict_csv(request: Request) -> Response:
        data, texts = await uploaded(request, served.limits.bytes)
        reasons = ticked(texts, "reasons")
        return await while_listening(request, lambda unwanted: served.answer_csv(data, reasons, unwanted))

    @app.post("/explain")
    async def explain(request: Request) -> Response:
        expected = '{"record": {…}}' + (', with or without "class"' if served.schema.target.classes else "")
        body = await read_object(request, served.limits.bytes, expected, "record", optional="class")
        return JSONResponse(await served.explain(body["record"], body.get("class", DEFAULT_CLASS)))

    return app
