"""The page of a worker that answers already: what is shown until it is built, and what happens if it cannot be."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from slipway.page.late import LatePage
from slipway.service.observation import Observation
from tests.conftest import ROOT, serve
from tests.test_supervisor import until


@contextmanager
def starting() -> Iterator[tuple[TestClient, threading.Event]]:
    """A client of a page that is built as soon as the event is set."""
    go = threading.Event()

    async def there(request) -> PlainTextResponse:
        return PlainTextResponse("the page")

    def build() -> Starlette:
        assert go.wait(20)
        return Starlette(routes=[Route("/", there), Route("/assets/a.js", there)])

    async def lifespan(app: Starlette):
        page = LatePage(build)
        app.router.routes.append(Mount("/ui", page))
        async with page.building():
            yield

    from contextlib import asynccontextmanager

    with TestClient(Starlette(lifespan=asynccontextmanager(lifespan))) as client:
        yield client, go
        go.set()


@pytest.mark.parametrize(
    ("path", "accepted", "language", "title"),
    [
        ("/ui/", "de, zh;q=0.8", "zh", "页面正在启动"),
        ("/ui/", "", "en", "The page is starting"),
        ("/ui/en/", "zh", "en", "The page is starting"),
        ("/ui/zh/", "en", "zh", "页面正在启动"),
    ],
)
def test_until_the_page_is_there_a_document_says_so_and_asks_again(path, accepted, language, title):
    noted = []
    with starting() as (client, _), pytest.MonkeyPatch.context() as patch:
        patch.setattr("slipway.page.late.current", lambda: noted.append(Observation()) or noted[-1])
        response = client.get(path, headers={"Accept-Language": accepted})

    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert noted[0].expected, "the log has it as an error"
    assert response.headers["cache-control"] == "no-store"
    assert f'<html lang="{language}">' in response.text and f"<h1>{title}</h1>" in response.text
    assert '<meta http-equiv="refresh" content="1">' in response.text


def test_then_it_is_the_page():
    with starting() as (client, go):
        go.set()
        until(lambda: client.get("/ui/").status_code == 200, 5)

        assert client.get("/ui/").text == "the page"


def test_any_other_part_of_the_page_waits_for_it():
    with starting() as (client, go):
        threading.Timer(0.5, go.set).start()

        assert client.get("/ui/assets/a.js").text == "the page"


def test_a_page_that_cannot_be_built_ends_the_server(insurance, tmp_path):
    (tmp_path / "gradio.py").write_text("raise ImportError('half of an installation')\n")

    with pytest.raises(pytest.fail.Exception, match="the server is not ready") as ended:
        with serve("--arg", f"model={insurance}", PYTHONPATH=f"{tmp_path}:{ROOT}"):
            pass

    assert "half of an installation" in str(ended.value)
    assert "slipway: a worker cannot start (ImportError, see above)" in str(ended.value)
