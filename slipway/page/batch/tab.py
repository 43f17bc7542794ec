"""The batch tab: the browser posts a table to `/predict_csv` and makes everything of the answer.

Gradio's own upload would leave the file on the server's disk, and on one replica's only.
Parquet becomes CSV in the browser, by `hyparquet.min.js`, which is fetched when the first
such file is chosen; a server needs no pyarrow.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from slipway.errors import ExplanationError, RecordsError
from slipway.i18n.texts import BATCH_PHRASES
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.service.model import LoadedModel

PARTS = Path(__file__).parent
# One script, in this order: each file uses what stands in those before it.
SCRIPT = "\n".join(
    (PARTS / f"{part}.js").read_text(encoding="utf-8") for part in ("csv", "parquet", "chart", "table", "batch")
)
READER = PARTS / "hyparquet.min.js"

LONGEST = 240
"""Seconds that the reasons of one file may take; BentoML ends a call after 300."""


def build(page: PageContext, served: LoadedModel) -> None:
    """The tab's content, inside the current Gradio context."""
    told = _for_script(page, served)
    html = macros("batch/batch.html").batch(page, json.dumps(told), served.limits, told["reasons"])
    gr.HTML(html, js_on_load=SCRIPT, apply_default_css=False)


def _for_script(page: PageContext, served: LoadedModel) -> dict[str, Any]:
    """What the script is told of the version, its limits and the language."""
    schema, target = page.schema, page.schema.target
    return {
        "texts": page.catalogue.section("batch") | page.catalogue.section("text"),
        "phrases": BATCH_PHRASES if page.language == "zh" else (),
        "language": page.language,
        "tag": page.catalogue.tag,
        "columns": schema.names,
        "labels": [page.text(field.label) for field in schema.fields],
        "example": schema.example(),
        "target": {
            "label": page.target,
            "unit": page.text(target.unit),
            "decimals": target.decimals,
            "classes": {str(value): page.class_label(value) for value in target.classes},
            "positive": page.class_label(target.positive) if len(target.classes) == 2 else "",
        },
        "added": served.predictor.added(reasons=False),
        "addedReasons": served.predictor.added(reasons=True),
        "bytes": served.limits.bytes,
        "reasons": _reasons(served),
        "reader": reader_address(),
    }


@cache
def _reasons(served: LoadedModel) -> dict[str, float] | None:
    """For how many rows reasons can be had, and the seconds that one takes; None if the model has none."""
    example = served.schema.example()
    try:
        served.explainer.explain(example)  # the first one also reads the background
        started = perf_counter()
        served.explainer.explain(example)
    except (ExplanationError, RecordsError):
        return None
    seconds = perf_counter() - started
    most = max(1, min(served.limits.reasons, int(LONGEST / seconds)))
    return {"most": most, "seconds": seconds}


@cache
def reader_address() -> str:
    """Where the page finds the reader of Parquet, below `/ui/`; another content has another address."""
    return f"{READER.name}?{hashlib.sha256(READER.read_bytes()).hexdigest()[:16]}"


def reader_route() -> Route:
    """The one file that the page fetches beside Gradio's own."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}

    async def reader(_: Request) -> Response:
        return FileResponse(READER, media_type="text/javascript", headers=headers)

    return Route(f"/{READER.name}", reader)
