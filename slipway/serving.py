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

from slipway import metrics, openapi
from slipway.cells import SEPARATORS, Bound, Bounds, TextTable, parse_csv
from slipway.decision import threshold_of
from slipway.errors import DataError, ExplanationError, RecordsError, SlipwayError, TableTooLargeError
from slipway.explain import DEFAULT_CLASS, Explainer
from slipway.fields import Field
from slipway.http import AccessLog, Refused, read_object, ticked, uncollected, uploaded, while_listening
from slipway.image import image_of
from slipway.predictor import CsvAnswer, Predictor
from slipway.prefix import BehindProxy, root_path
from slipway.schema import Checked, Schema
from slipway.store import Version, check_compatible
from slipway.supervisor import check_port, starting, supervise

log = logging.getLogger("bentoml")

# `bentoml serve` asks before it imports a service, and remembers the answer; slipway/__init__.py has said no since.
usage_stats.do_not_track.cache_clear()

QUICK = 16
"""Records of a call that a compiled version answers on the event loop: well below a millisecond."""

FILES_AT_ONCE = 2
"""Files that a worker reads at the same time, and as many with reasons, which take longer: others wait on disk."""

ENGINES = {"onnx": "compiled graph (onnx)", "native": "PyCaret pipeline (native): it was not compiled, see its card"}

FAVICON = Path(__file__).parent / "page" / "favicon.svg"


def setting(variable: str, default: int) -> int:
    """A whole number from the environment."""
    text = os.environ.get(variable, str(default))
    if not re.fullmatch(r"0*[1-9][0-9]{0,11}", text, re.ASCII):
        raise SlipwayError(f"{variable} is {text[:40]!r}; expected a whole number of at least 1")
    return int(text)


LEAST_VALUES = 500_000
"""What any JSON body may have of commas and brackets, however few the fields and records."""
TEXT_MARKS = 50
"""Commas that a free text may have on average."""


def _marks(field: Field) -> int:
    """The commas and brackets that a field may have in a record: one behind it, and those in its text."""
    if field.kind == "text":
        return 1 + TEXT_MARKS
    return 1 + max((len(re.findall(r"[,{[]", str(value))) for value in field.categories), default=0)


class Limits:
    """What one call may send; each is an environment variable."""

    def __init__(self) -> None:
        self.records = setting("SLIPWAY_MAX_RECORDS", 10_000)
        self.bytes = setting("SLIPWAY_MAX_MEGABYTES", 25) * 1024 * 1024
        self.rows = setting("SLIPWAY_MAX_ROWS", 200_000)
        self.reasons = setting("SLIPWAY_MAX_REASONS", 500)
        self.columns = setting("SLIPWAY_MAX_COLUMNS", 10_000)
        self.cells = setting("SLIPWAY_MAX_CELLS", 5_000_000)
        self.cell = setting("SLIPWAY_MAX_CELL_CHARACTERS", 1_000_000)
        self.answer = Bound(
            setting("SLIPWAY_MAX_ANSWER_MEGABYTES", 150) * 1024 * 1024, "SLIPWAY_MAX_ANSWER_MEGABYTES", "split the file"
        )

    def values(self, schema: Schema) -> int:
        """The commas and brackets of a JSON body: twice those of the most records, since texts may hold some too."""
        most = 2 + sum(map(_marks, schema.fields))
        return max(LEAST_VALUES, 2 * self.records * most)

    def file(self, reasons: bool) -> Bounds:
        """What a CSV may have. With reasons it may have fewer rows, as each takes long."""
        rows = Bound(self.rows, "SLIPWAY_MAX_ROWS", "split it")
        if reasons and self.reasons < self.rows:
            remedy = "send it without `reasons`, or split it"
            rows = Bound(self.reasons, "SLIPWAY_MAX_REASONS", remedy, "with reasons ")
        return Bounds(
            rows,
            Bound(self.columns, "SLIPWAY_MAX_COLUMNS", "leave out columns that the model does not use"),
            Bound(self.cells, "SLIPWAY_MAX_CELLS", "split it, or leave out columns that the model does not use"),
            Bound(self.cell, "SLIPWAY_MAX_CELL_CHARACTERS", "shorten it; is a quote never closed?"),
        )


class Served:
    """One version as a process serves it: found at import, its pipeline loaded once.

    Work runs on threads beside the event loop, so that probes are answered meanwhile.
    """

    def __init__(self, version: Version) -> None:
        check_compatible(version)
        self.version = version
        self.schema = version.schema()
        self.limits = Limits()
        self.most_values = self.limits.values(self.schema)
        self._lock = Lock()

    @cached_property
    def _loaded(self) -> Predictor:
        return Predictor.load(self.version)

    @property
    def predictor(self) -> Predictor:
        """The loaded predictor; the first call loads it."""
        with self._lock:
            return self._loaded

    def load(self) -> None:
        """Read what the first calls need: what happens to the version's files later on changes no answer."""
        self.predictor, self.description, self.cards  # noqa: B018

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

        def work(predictor: Predictor) -> tuple[TextTable, CsvAnswer]:
            with nullcontext() if reasons else uncollected():
                table = parse_csv(data, bounds=self.limits.file(reasons))
                return table, predictor.predict_csv(table, explained if reasons else None, self.limits.answer)

        try:
            table, answer = await self.run(work)
        except TableTooLargeError as exc:
            raise Refused(413, str(exc)) from exc
        except (DataError, ExplanationError) as exc:
            raise Refused(400, str(exc)) from exc
        except RecordsError as exc:
            raise Refused(400, str(exc), exc.details) from exc
        headers = {
            "Content-Disposition": 'attachment; filename="predictions.csv"',
            "X-Rows": str(len(table.rows)),
            "X-Faulty-Rows": str(answer.faulty),
            "X-Separator": SEPARATORS[table.separator],
        }
        return Response(answer.content, media_type="text/csv; charset=utf-8", headers=headers)

    @property
    def threshold(self) -> float | None:
        """The probability from which a case is positive; None where the most probable class is named."""
        return threshold_of(self.schema.target, self.has_probabilities)

    @cached_property
    def has_probabilities(self) -> bool:
        """Whether the model gives the probabilities of its classes."""
        if not self.schema.target.classes:
            return False
        (answered,) = self.predictor.answer([self.schema.example()])["predictions"]
        return bool(answered["probabilities"])

    @cached_property
    def description(self) -> dict[str, Any]:
        """What `GET /model` says."""
        measured = self.version.read_json("metrics.json")
        return {
            "model": self.version.tag,
            "task": self.schema.task,
            "target": self.schema.target.name,
            "engine": self.version.engine,
            "created": self.version.created.isoformat(),
            "packages": self.version.metadata["packages"],
            **{key: measured[key] for key in ("estimator", "metric", "folds", "holdout", "rows", "importance")},
            **({"threshold": self.threshold} if self.schema.target.classes else {}),
            **{key: measured[key] for key in ("interval", "calibration") if key in measured},
        }

    @cached_property
    def cards(self) -> dict[str, str]:
        """The model card by language."""
        files = {"en": "card.md", "zh": "card.zh.md"}
        return {language: (self.version.path / file).read_text(encoding="utf-8") for language, file in files.items()}


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
        limits = self.served.limits
        body = await read_object(request, limits.bytes, self.served.most_values, '{"records": [{…}]}', "records")
        return await self.served.answer(body["records"])


def make_service(served: Served, page: ASGIApp) -> Any:
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
    """Calls are traced where somebody has configured an exporter, and cost no span where nobody has.

    A span that nobody exports is made, and kept as long as BentoML's timeout, for nothing.
    """
    return {} if BentoMLContainer.tracing.exporter_type.get() else {"excluded_urls": ".*"}


def _routes(served: Served, service: Any) -> FastAPI:
    """The calls that are not BentoML's: /predict_csv, /explain, /model, /docs, and / itself."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    turns = [asyncio.Semaphore(FILES_AT_ONCE), asyncio.Semaphore(FILES_AT_ONCE)]  # without reasons, with reasons

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
        return JSONResponse(served.description)

    @app.get("/model/schema")
    async def schema() -> Response:
        return JSONResponse(served.schema.to_json())

    @app.get("/model/card")
    async def card(lang: str = "en") -> Response:
        return PlainTextResponse(served.cards["zh" if lang.startswith("zh") else "en"], media_type="text/markdown")

    @app.post("/predict_csv")
    async def predict_csv(request: Request) -> Response:
        async with uploaded(request, served.limits.bytes) as (file, texts):
            reasons = ticked(texts, "reasons")

            async def work(unwanted: Event) -> Response:
                # Those that wait are on disk as yet.
                async with turns[reasons]:
                    return await served.answer_csv(await file.read(), reasons, unwanted)

            return await while_listening(request, work)

    @app.post("/explain")
    async def explain(request: Request) -> Response:
        expected = '{"record": {…}}' + (', with or without "class"' if served.schema.target.classes else "")
        limits = served.limits
        body = await read_object(request, limits.bytes, served.most_values, expected, "record", optional="class")
        return JSONResponse(await served.explain(body["record"], body.get("class", DEFAULT_CLASS)))

    return app
