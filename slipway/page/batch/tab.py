"""The batch tab: the browser posts a table to `/predict_csv` and presents the answer.

Gradio's own upload would leave the file on the server's disk, and on only one replica.
Parquet is converted to CSV in the browser by `hyparquet.min.js`, which is fetched when the first
such file is chosen; a server needs no pyarrow.
"""

import hashlib
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from slipway.errors import ExplanationError, RecordsError
from slipway.i18n.catalogues import ISOLATE
from slipway.i18n.formats import mark_of, with_unit
from slipway.inference.table import added_names
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.service.model import LoadedModel

PARTS = Path(__file__).parent
# One script, in this order: each file uses what stands in those before it.
SCRIPT = ISOLATE + "\n".join(
    (PARTS / f"{part}.js").read_text(encoding="utf-8")
    for part in ("csv", "parquet", "chart", "table", "columns", "answer", "batch")
)
READER = PARTS / "hyparquet.min.js"

_HTML = macros("batch/batch.html")
NAMED = 24
"""So many of the columns that a file needs are named at once; the others are folded."""
LONGEST = 240
"""Seconds that the reasons of one file may take; BentoML ends a call after 300."""


def build(page: PageContext, served: LoadedModel) -> None:
    """The tab's content, inside the current Gradio context."""
    told = _for_script(page, served)
    html = _HTML.batch(page, json.dumps(told), NAMED, served.limits, told["reasons"], served.threshold)
    gr.HTML(html, js_on_load=SCRIPT, apply_default_css=False)


def _for_script(page: PageContext, served: LoadedModel) -> dict[str, Any]:
    """The version, its limits and the texts, for the script."""
    schema, target = page.schema, page.schema.target
    return {
        "texts": page.catalogue.section("batch") | page.catalogue.section("text"),
        "onLine": page.catalogue.template("fault.on_line"),
        "language": page.language,
        "tag": page.catalogue.tag,
        "columns": schema.names,
        "labels": [page.text(field.label) for field in schema.fields],
        "example": schema.example(),
        "target": {
            "label": page.target,
            "unit": page.text(target.unit),
            "amount": with_unit("{}", target, page.language),
            "swapped": target.decimal not in (None, mark_of(replace(target, decimal=None), page.language)),
            "decimals": target.decimals,
            "classes": {str(value): page.class_label(value) for value in target.classes},
            "positive": page.class_label(target.positive) if len(target.classes) == 2 else "",
        },
        "added": added_names(served.predictor, reasons=False),
        "addedReasons": added_names(served.predictor, reasons=True),
        "bytes": served.limits.bytes,
        "reasons": _reasons(served),
        "threshold": served.threshold,
        "reader": reader_address(),
    }


@cache
def _reasons(served: LoadedModel) -> dict[str, float] | None:
    """For how many rows reasons are available, and the seconds that one takes; None if the model has none."""
    example = served.schema.example()
    try:
        served.explainer.explain(example)  # the first one also reads the background
        started = perf_counter()
        served.explainer.explain(example)
    except (ExplanationError, RecordsError):
        return None
    seconds = perf_counter() - started
    most = max(1, min(served.most_reasons, int(LONGEST / seconds)))
    return {"most": most, "seconds": seconds}


@cache
def reader_address() -> str:
    """The path of the Parquet reader below `/ui/`; it changes with the content."""
    return f"{READER.name}?{hashlib.sha256(READER.read_bytes()).hexdigest()[:16]}"


def reader_route() -> Route:
    """The only file that the page fetches besides Gradio's own."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}

    async def reader(_: Request) -> Response:
        return FileResponse(READER, media_type="text/javascript", headers=headers)

    return Route(f"/{READER.name}", reader)
