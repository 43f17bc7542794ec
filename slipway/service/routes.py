"""The calls that are not BentoML's own: /predict_csv, /explain, /counterfactual, /outcome, /model, /docs, and / itself."""

import asyncio
from pathlib import Path
from threading import Event
from typing import Any

from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from slipway.errors import RequestCode
from slipway.i18n.catalogues import FALLBACK
from slipway.inference.counterfactual import OTHER_CLASS
from slipway.inference.shapley import DEFAULT_CLASS
from slipway.service import openapi
from slipway.service.file_answer import Wanted, answer_file
from slipway.service.model import LoadedModel
from slipway.service.observation import current
from slipway.service.observed import GONE
from slipway.service.outcomes import EXPECTED, add_outcomes, outcome_schema
from slipway.service.predict import PredictEndpoint
from slipway.service.requests import (
    NO_MEMORY,
    RequestError,
    json_response,
    language_of,
    parse_bool,
    parse_columns,
    parse_threshold,
    read_object,
    read_upload,
    run_until_disconnect,
)
from slipway.service.security_headers import document_policy

FILES_AT_ONCE = 2
"""Files that a worker reads at the same time, and as many with reasons, which take longer: others wait on disk."""

FAVICON = Path(__file__).parent.parent / "page" / "favicon.svg"


def make_routes(served: LoadedModel, service: Any) -> FastAPI:
    """The calls that are not BentoML's own.

    Parameters
    ----------
    served : LoadedModel
    service : BentoML service
        Its OpenAPI document is completed at `/docs.json`.

    Returns
    -------
    FastAPI
    """
    app = _without_docs()
    _add_description(app, served, service)
    _add_predictions(app, served)
    _add_outcomes(app, served)
    return app


def large_calls(served: LoadedModel) -> ASGIApp:
    """What a helper answers: files, explanations, outcomes, and `/predict`."""
    app = _without_docs()
    _add_predictions(app, served)
    _add_outcomes(app, served)
    return PredictEndpoint(app, served)


def _without_docs() -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(RequestError)
    async def refused(request: Request, exc: RequestError) -> Response:
        return exc.response(language_of(request.scope))

    @app.exception_handler(MemoryError)
    async def without_memory(request: Request, exc: MemoryError) -> Response:
        return NO_MEMORY.response(language_of(request.scope))

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, exc: ClientDisconnect) -> Response:
        return Response(status_code=GONE)  # else it would count as a failure of ours

    return app


def _add_description(app: FastAPI, served: LoadedModel, service: Any) -> None:
    """What is served, and how it is called."""

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
        return HTMLResponse(openapi.DOCS_PAGE, headers=document_policy(openapi.DOCS_PAGE))

    @app.get("/docs.json")
    async def description() -> Response:
        outcomes = outcome_schema(served.schema) if served.request_log else None
        described = openapi.describe(served.schema, served.version.tag, service.openapi_spec.asdict(), outcomes)
        return JSONResponse(described)

    @app.get("/model")
    async def model() -> Response:
        return JSONResponse(served.description)

    @app.get("/model/schema")
    async def schema() -> Response:
        return JSONResponse(served.schema.to_json())

    @app.get("/model/card")
    async def card(request: Request) -> Response:
        text = served.cards.get(language_of(request.scope), served.cards[FALLBACK])
        return PlainTextResponse(text, media_type="text/markdown")


def _add_predictions(app: FastAPI, served: LoadedModel) -> None:
    """Files, explanations and counterfactuals; `/predict` is answered before it gets here."""
    turns = [asyncio.Semaphore(FILES_AT_ONCE), asyncio.Semaphore(FILES_AT_ONCE)]  # without reasons, with reasons

    @app.post("/predict_csv")
    async def predict_csv(request: Request) -> Response:
        async with read_upload(request, served.limits.bytes) as (file, texts):
            wanted = Wanted(
                reasons=parse_bool(texts, "reasons"),
                threshold=parse_threshold(texts, served.threshold is not None),
                columns=parse_columns(texts),
                for_spreadsheets=parse_bool(texts, "for_spreadsheets"),
                as_form="multipart/form-data" in request.headers.get("accept", ""),
                language=language_of(request.scope),
            )

            async def work(unwanted: Event) -> Response:
                # Those that wait are on disk as yet.
                async with turns[wanted.reasons]:
                    return await answer_file(served, await file.read(), wanted, unwanted)

            return await run_until_disconnect(request, work)

    @app.post("/explain")
    async def explain(request: Request) -> Response:
        expected = '{"record": {…}}' + (', with or without "class"' if served.schema.target.classes else "")
        limits = served.limits
        body = await read_object(request, limits.bytes, served.most_values, expected, "record", optional="class")
        answer = await served.explain(body["record"], body.get("class", DEFAULT_CLASS))
        current().asked("json", rows=0, explanations=1)
        return json_response(answer, language_of(request.scope))

    @app.post("/counterfactual")
    async def counterfactual(request: Request) -> Response:
        target = served.schema.target
        expected = '{"record": {…}, "wanted": …}'
        body = await read_object(
            request, served.limits.bytes, served.most_values, expected, "record", optional="wanted"
        )
        if "wanted" not in body and len(target.classes) != 2:
            raise RequestError(400, RequestCode.UNEXPECTED_BODY, found="the key 'record' alone", expected=expected)
        answer = await served.counterfactual(body["record"], body.get("wanted", OTHER_CLASS))
        current().asked("json", rows=0, explanations=1)
        return json_response(answer, language_of(request.scope))


def _add_outcomes(app: FastAPI, served: LoadedModel) -> None:
    """What came true of earlier records."""

    @app.post("/outcome")
    async def outcome(request: Request) -> Response:
        body = await read_object(request, served.limits.bytes, served.most_values, EXPECTED, "outcomes")
        return json_response(await add_outcomes(served, body["outcomes"]))
