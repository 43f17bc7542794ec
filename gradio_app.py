"""The page at `/ui/`, made from a version's schema: nothing here knows a use case.

One page is built for each language and the browser's own is shown; `/ui/en/` and `/ui/zh/`
show one whatever the browser prefers. No event is queued and nothing is kept between two
of them, so that any worker can answer any of them.
"""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from slipway.fields import Record
from slipway.http import Refused
from slipway.page import about, answer, batch, form, reasons
from slipway.page.guard import Guard
from slipway.serving import Served
from slipway.texts import LANGUAGES, PAGE, said

PARTS = Path(__file__).parent / "slipway" / "page"
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    radius_size=gr.themes.sizes.radius_md,
    font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans SC", "PingFang SC", "sans-serif"],
    font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
).set(button_primary_background_fill="#17507f", button_primary_text_color="#ffffff")

# `always_last`: while one answer is under way, only the newest change waits for the next.
LIVE: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "trigger_mode": "always_last",
    "api_visibility": "private",
}


def mount(served: Served) -> Starlette:
    """The page in every language, as an app to be mounted at `/ui`."""
    pages = {language: _app(served, language) for language in LANGUAGES}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for app in pages.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    async def by_browser(scope: Scope, receive: Receive, send: Send) -> None:
        accepted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
        await pages[preferred(accepted)](scope, receive, send)

    async def with_slash(request: Request) -> Response:
        return RedirectResponse(f"{request.url.path.rpartition('/')[2]}/")

    explicit: list[BaseRoute] = [Route(f"/{language}", with_slash) for language in LANGUAGES]
    explicit += [Mount(f"/{language}", app) for language, app in pages.items()]
    return Starlette(routes=[*explicit, Mount("/", by_browser)], lifespan=lifespan)


def _app(served: Served, language: str) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    page = build_page(served, language)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=THEME,
        css_paths=[PARTS / "style.css"],
        favicon_path=str(PARTS / "favicon.svg"),
        footer_links=[],
        run_history=False,
    )
    app.add_middleware(Guard, page=page)
    return app


def preferred(accepted: str) -> str:
    """The first of our languages in an Accept-Language header, by its weights; English otherwise."""
    wanted = []
    for part in accepted.split(","):
        tag, _, weight = part.strip().partition(";q=")
        wanted.append((-float(weight) if re.fullmatch(r"[01](\.\d+)?", weight) else -1.0, tag[:2].lower()))
    return next((tag for _, tag in sorted(wanted, key=lambda item: item[0]) if tag in LANGUAGES), LANGUAGES[0])


def build_page(served: Served, language: str) -> gr.Blocks:
    """The page in one language: Predict, Batch and About."""

    def t(key: str) -> str:
        return said(PAGE[key], language)

    schema = served.schema
    title = said(schema.texts["title"], language)
    with gr.Blocks(title=title, analytics_enabled=False) as page:
        _head(title, said(schema.texts["summary"], language), language)
        with gr.Tab(t("tab_predict")):
            with gr.Row():
                with gr.Column(scale=3, elem_classes="slip-form"):
                    inputs, examples, reset = _form(served, language)
                with gr.Column(scale=2, elem_classes="slip-side", min_width=300):
                    panel = gr.HTML(apply_default_css=False)
            below = reasons.build(served, language)
        with gr.Tab(t("tab_batch")):
            batch.build(schema, language)
        with gr.Tab(t("tab_about")):
            about.build(served.version, language)
        _wire(page, served, language, inputs, panel, below, [*examples, (reset, None)])
    return page


def _head(title: str, summary: str, language: str) -> None:
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    gr.HTML(
        f'<header class="slip-head"><div><h1>{escape(title)}</h1><p>{escape(summary)}</p></div>'
        f'<a href="#" lang="{other}">{escape(said(PAGE["other_language"], language))}</a></header>',
        js_on_load=f'element.querySelector("a").href = location.pathname.replace(/\\/ui(\\/.*)?$/, "/ui/{other}/");',
        apply_default_css=False,
    )


def _form(served: Served, language: str) -> tuple[list[form.Input], list[tuple[gr.Button, Record]], gr.Button]:
    """The fields, the buttons of the examples with their records, and the reset button."""
    schema = served.schema
    examples: list[tuple[gr.Button, Record]] = []
    if schema.texts["examples"]:
        with gr.Row(elem_classes="slip-examples"):
            gr.HTML(
                f'<span class="slip-small">{escape(said(PAGE["examples"], language))}</span>', apply_default_css=False
            )
            for example in schema.texts["examples"]:
                button = gr.Button(said(example["label"], language), size="sm")
                examples.append((button, example["values"]))
    inputs = []
    for start in range(0, len(schema.fields), 2):
        with gr.Row():
            inputs += [form.build(field, language) for field in schema.fields[start : start + 2]]
    return inputs, examples, gr.Button(said(PAGE["reset"], language), size="sm", elem_classes="slip-reset")


def _wire(
    page: gr.Blocks,
    served: Served,
    language: str,
    inputs: Sequence[form.Input],
    panel: gr.HTML,
    below: reasons.Reasons,
    starts: Sequence[tuple[gr.Button, Record | None]],
) -> None:
    """Every change of a field asks for an answer; an example, or reset, fills the fields first.

    The reasons take longer than the answer and are asked for beside it.
    """
    schema = served.schema
    fields = [component for item in inputs for component in item.components]
    faults = [item.fault for item in inputs]
    defaults = {field.name: field.default for field in schema.fields}

    async def changed(*values: Any) -> list[str]:
        return await _answer(served, language, values, example=False)

    async def opened() -> list[str]:
        return await _answer(served, language, form.values(schema, defaults), example=True)

    async def reasoned(*values: Any) -> list[str]:
        chosen = next(iter(values[len(fields) :]), None)
        return await _reasons(served, language, values[: len(fields)], chosen)

    triggers = [getattr(component, "change" if isinstance(component, gr.DateTime) else "input") for component in fields]
    asked = [*fields, *below.inputs]
    gr.on(triggers, changed, fields, [panel, *faults], **LIVE)
    gr.on([*triggers, *(choice.change for choice in below.inputs)], reasoned, asked, below.panels, **LIVE)
    page.load(opened, None, [panel, *faults], **LIVE)
    page.load(reasoned, asked, below.panels, **LIVE)
    for button, record in starts:
        start = form.values(schema, record or defaults)

        async def started(start: list[Any] = start) -> list[Any]:
            return [*start, *await _answer(served, language, start, example=True)]

        filled = button.click(started, None, [*fields, panel, *faults], **LIVE)
        filled.then(reasoned, asked, below.panels, **LIVE)


async def _reasons(served: Served, language: str, values: Sequence[Any], chosen: str | None) -> list[str]:
    """Why, and what if; empty while a field has a fault."""
    record, details = form.record(served.schema, values)
    if details or served.schema.check_record(record)[2]:
        return ["", ""]
    return await reasons.answer(served, record, chosen, language)


async def _answer(served: Served, language: str, values: Sequence[Any], example: bool) -> list[str]:
    """The answer panel, and the text under each field: the same check and prediction as `/predict`."""
    schema = served.schema
    record, details = form.record(schema, values)
    details += schema.check_record(record)[2]
    if not details:
        try:
            answered = await served.answer([record])
            return [answer.render(schema, answered, language, example), *[""] * len(schema.fields)]
        except Refused as refused:
            details = refused.details
    found = {detail["field"]: detail for detail in reversed(details)}
    texts = [
        f'<p role="alert">{escape(form.fault_text(field, found[field.name], language))}</p>'
        if field.name in found
        else ""
        for field in schema.fields
    ]
    return [answer.render_faults(schema, served.version.tag, language), *texts]
