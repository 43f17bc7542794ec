"""The batch tab: the browser posts a table to `/predict_csv` and makes everything of the answer.

Gradio's own upload would leave the file on the server's disk, and on one replica's only.
Parquet becomes CSV in the browser, by `hyparquet.min.js`, which is fetched when the first
such file is chosen; a server needs no pyarrow.
"""

import hashlib
import json
from functools import cache
from html import escape
from pathlib import Path
from time import perf_counter
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from slipway.errors import ExplanationError, RecordsError
from slipway.i18n.formats import class_label
from slipway.i18n.texts import BATCH, translate
from slipway.page.context import Page
from slipway.service.model import LoadedModel

PARTS = Path(__file__).parent
# One script, in this order: each file uses what stands in those before it.
SCRIPT = "\n".join(
    (PARTS / f"{part}.js").read_text(encoding="utf-8") for part in ("csv", "parquet", "chart", "table", "batch")
)
READER = PARTS / "hyparquet.min.js"

LONGEST = 240
"""Seconds that the reasons of one file may take; BentoML ends a call after 300."""


def build(page: Page) -> None:
    """The tab's content, inside the current Gradio context."""

    def t(key: str, **values: Any) -> str:
        return escape(translate(BATCH[key], page.language).format(**values))

    limits = page.served.limits
    names = ", ".join(f"<code>{escape(name)}</code>" for name in page.schema.names)
    limited = t("limits", rows=f"{limits.rows:,}", megabytes=limits.bytes // 1024**2)
    told = _context(page)
    tick = ""
    if told["reasons"]:
        note = t("reasons_note", most=told["reasons"]["most"], seconds=_whole(told["reasons"]))
        tick = (
            f'<p class="slip-tick"><label><input type="checkbox" class="slip-reasons-tick" aria-describedby="slip-reasons-note"> '
            f'{t("reasons_ask")}</label> <span class="slip-small" id="slip-reasons-note">{note}</span></p>'
        )
    # In an attribute, so that a column's name can neither end a script nor be run as one.
    gr.HTML(
        f"""<section class="slip-batch" data-batch="{escape(json.dumps(told))}">
<p>{t("lead")}</p>
<label class="slip-drop"><input type="file" accept=".csv,.tsv,.txt,.parquet,.pq,text/csv"><span>{t("choose")}</span>
<span class="slip-small">{limited}</span></label>
{tick}
<p class="slip-small">{t("needs")}: {names}. <a href="#" class="slip-template" download="template.csv">{t("template")}</a></p>
<div class="slip-batch-status" role="status"></div>
<div class="slip-batch-result"></div>
</section>""",
        js_on_load=SCRIPT,
        apply_default_css=False,
    )


def _context(page: Page) -> dict[str, Any]:
    """What the script is told of the version, its limits and the language."""
    schema, language, limits = page.schema, page.language, page.served.limits
    target = schema.target
    return {
        "texts": {key: translate(text, language) for key, text in BATCH.items()},
        "language": language,
        "columns": schema.names,
        "labels": [translate(field.label, language) for field in schema.fields],
        "example": schema.example(),
        "target": {
            "label": translate(target.label, language),
            "unit": translate(target.unit, language),
            "decimals": target.decimals,
            "classes": {str(value): class_label(schema, value, language) for value in target.classes},
            "positive": class_label(schema, target.positive, language) if len(target.classes) == 2 else "",
        },
        "added": page.served.predictor.added(reasons=False),
        "addedReasons": page.served.predictor.added(reasons=True),
        "bytes": limits.bytes,
        "reasons": _reasons(page.served),
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
    return {"most": max(1, min(served.limits.reasons, int(LONGEST / seconds))), "seconds": seconds}


def _whole(reasons: dict[str, float]) -> int:
    return max(1, round(reasons["most"] * reasons["seconds"]))


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
