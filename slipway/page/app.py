"""The page at `/ui/`, made from a version's schema: nothing here knows a use case.

One page is built for each language and the browser's own is shown; `/ui/en/` and `/ui/zh/`
show one whatever the browser prefers. No event is queued and nothing is kept between two
of them, so that any worker can answer any of them.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from html import escape
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from slipway.i18n.texts import LANGUAGES, PAGE, translate
from slipway.page.batch import tab as batch
from slipway.page.context import Page
from slipway.page.data import tab as data
from slipway.page.model import tab as model
from slipway.page.predict import tab as predict
from slipway.page.shell.document import PRINT, Document
from slipway.page.shell.guard import Guard
from slipway.service.model import LoadedModel

PARTS = Path(__file__).parent
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    radius_size=gr.themes.sizes.radius_md,
    font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans SC", "PingFang SC", "sans-serif"],
    font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
).set(button_primary_background_fill="#17507f", button_primary_text_color="#ffffff")

IDLE_SECONDS = 3600.0
OTHER_LANGUAGE = r"""
const link = element.querySelector("a");
link.href = slipAddress("ui/{other}/");
link.addEventListener("click", () => { link.hash = document.querySelector(".slip-answer")?.dataset.fragment ?? ""; });
"""


def mount(served: LoadedModel) -> Starlette:
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
    explicit.append(batch.reader_route())
    return Starlette(routes=[*explicit, Mount("/", by_browser)], lifespan=lifespan)


def _app(served: LoadedModel, language: str) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    page = build_page(served, language)
    # Nothing is queued, and Gradio would look for it a thousand times a second, day and night.
    page._queue.sleep_when_free = page._queue.progress_update_sleep_when_free = IDLE_SECONDS
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        theme=THEME,
        css_paths=sorted(set(PARTS.rglob("*.css")) - {PRINT}),
        favicon_path=str(PARTS / "favicon.svg"),
        footer_links=[],
        run_history=False,
    )
    app.add_middleware(Guard, page=page, document=Document(page, served.version, language))
    return app


def preferred(accepted: str) -> str:
    """The first of our languages in an Accept-Language header, by its weights; English otherwise."""
    wanted = []
    for part in accepted.split(","):
        tag, _, weight = part.strip().partition(";q=")
        wanted.append((-float(weight) if re.fullmatch(r"[01](\.\d+)?", weight) else -1.0, tag[:2].lower()))
    return next((tag for _, tag in sorted(wanted, key=lambda item: item[0]) if tag in LANGUAGES), LANGUAGES[0])


def build_page(served: LoadedModel, language: str) -> gr.Blocks:
    """The page in one language: Predict, Batch, Data and Model."""

    def t(key: str) -> str:
        return translate(PAGE[key], language)

    schema = served.schema
    title = translate(schema.texts["title"], language)
    page = Page(served, language)
    with gr.Blocks(title=title, analytics_enabled=False) as blocks:
        _head(title, translate(schema.texts["summary"], language), language)
        with gr.Tab(t("tab_predict")):
            predict.build(blocks, page)
        with gr.Tab(t("tab_batch")):
            batch.build(page)
        with gr.Tab(t("tab_data")) as tab:
            data.build(tab, served.version, language)
        with gr.Tab(t("tab_model")) as tab:
            model.build(tab, served.version, language)
    return blocks


def _head(title: str, summary: str, language: str) -> None:
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    gr.HTML(
        f'<header class="slip-head"><div><h1>{escape(title)}</h1><p>{escape(summary)}</p></div>'
        f'<a href="#" lang="{other}">{escape(translate(PAGE["other_language"], language))}</a></header>',
        js_on_load=OTHER_LANGUAGE.replace("{other}", other),
        apply_default_css=False,
    )
