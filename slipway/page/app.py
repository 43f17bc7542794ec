"""The page as an app: one Gradio page for each language, behind the guard, with everything it needs.

By default the browser's language is shown; `/ui/en/`, `/ui/zh/` and so on show one regardless.
"""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from slipway.i18n.catalogues import languages, preferred
from slipway.page import _gradio
from slipway.page.batch import tab as batch
from slipway.page.context import PageContext
from slipway.page.data import tab as data
from slipway.page.login.views import STYLE
from slipway.page.model import tab as model
from slipway.page.predict import tab as predict
from slipway.page.shell import head
from slipway.page.shell.document import FORCED, PRINT, Document
from slipway.page.shell.guard import Guard
from slipway.service.model import LoadedModel

PARTS = Path(__file__).parent
_COMMENTS = re.compile(r"/\*.*?\*/\s*", re.DOTALL)
THEME = gr.themes.Base(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    radius_size=gr.themes.sizes.radius_md,
    font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans SC", "PingFang SC", "sans-serif"],
    font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "monospace"],
).set(button_primary_background_fill="#17507f", button_primary_text_color="#ffffff")


def mount(served: LoadedModel, has_login: bool = False) -> Starlette:
    """The page in every language.

    Parameters
    ----------
    served : LoadedModel
    has_login : bool, default=False
        Whether people log in to see it.

    Returns
    -------
    Starlette
        To be mounted at `/ui`.
    """
    pages = {language: _app(served, language, has_login) for language in languages()}

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

    explicit: list[BaseRoute] = [Route(f"/{language}", with_slash) for language in languages()]
    explicit += [Mount(f"/{language}", app) for language, app in pages.items()]
    explicit.append(batch.reader_route())
    return Starlette(routes=[*explicit, Mount("/", by_browser)], lifespan=lifespan)


def _app(served: LoadedModel, language: str, has_login: bool) -> FastAPI:
    """The page in one language, as Gradio's app behind the guard."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    page = PageContext(served.version, language, has_login)
    blocks = build_page(page, served)
    _gradio.stop_polling(blocks)
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=THEME,
        css=_style(),
        favicon_path=str(PARTS / "favicon.svg"),
        footer_links=[],
        run_history=False,
    )
    _gradio.drop_descriptions(blocks)  # of a config that was made anew just now
    app.add_middleware(Guard, page=blocks, document=Document(blocks, page))
    return app


@cache
def _style() -> str:
    """The styles of the page's parts, without comments: Gradio sends them as they are, in the document."""
    files = sorted(set(PARTS.rglob("*.css")) - {PRINT, FORCED, STYLE})
    return "\n".join(_COMMENTS.sub("", file.read_text(encoding="utf-8")) for file in files)


def build_page(page: PageContext, served: LoadedModel) -> gr.Blocks:
    """The page in one language: the head, then the tabs Predict, Batch, Data and Model.

    Parameters
    ----------
    page : PageContext
    served : LoadedModel

    Returns
    -------
    Blocks
    """
    with gr.Blocks(title=page.title, analytics_enabled=False) as blocks:
        head.build(page)
        with gr.Tab(page.t("page.tab_predict")):
            predict.build(blocks, page, served)
        with gr.Tab(page.t("page.tab_batch")):
            batch.build(page, served)
        with gr.Tab(page.t("page.tab_data")) as tab:
            data.build(tab, page)
        with gr.Tab(page.t("page.tab_model")) as tab:
            model.build(tab, page)
        head.build_foot(page)
    return blocks
