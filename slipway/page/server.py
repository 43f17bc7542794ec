"""What a server runs: the BentoML service of one version, with its page mounted on it.

`bentoml serve` finds it through `service.py`, `slipway serve` here. On import the version is found
and its files are checked; a model that is missing, damaged or incompatible ends the process, with
one line and exit code 1; in a worker that starts again later it ends the whole server so.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import bentoml
import pydantic
import yaml
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from slipway import store
from slipway.page.late import LatePage
from slipway.page.login.app import LoginPages
from slipway.service.app import make_service
from slipway.service.login.setup import login_of
from slipway.service.model import LoadedModel
from slipway.service.served import decide, decided
from slipway.service.settings import read_settings
from slipway.service.temporary import find_temporary_folder
from slipway.service.worker import drain_before_stop, starting, supervised

BENTO = Path(__file__).parents[3] / "bento.yaml"
"""Beside the sources where they are those of a bento."""


class Arguments(pydantic.BaseModel, extra="forbid"):
    """`--arg model=name` or `--arg model=name:version`."""

    model: str = "insurance"


def found(tag: str) -> store.Version:
    """The version to serve: that of the process that started this one, whatever was decided about it since."""
    if before := decided():
        return store.open_version(before)
    version = store.find(pinned(tag))
    decide(version.tag)
    return version


def pinned(tag: str) -> str:
    """The version that a bento was built with: its `latest` is not the store's."""
    if ":" in tag or not BENTO.exists():
        return tag
    services = yaml.safe_load(BENTO.read_text(encoding="utf-8"))["services"]
    tags = [model["tag"] for service in services for model in service["models"]]
    return next((found for found in tags if found.partition(":")[0] == tag), tag)


def build() -> Starlette:
    """The page; only here, as importing Gradio is most of what a start takes, and the supervisor shows no page."""
    from slipway.page.app import mount

    return mount(_served, has_login=bool(_login or _settings.user_header))


@asynccontextmanager
async def running(app: Starlette) -> AsyncIterator[None]:
    """What a worker does beside answering: it builds the page, and tells the supervisor that it is alive."""
    page = LatePage(build)
    app.router.routes.append(Mount("/", page))
    async with supervised(), page.building():
        yield


drain_before_stop()
with starting():
    _settings = read_settings()
    find_temporary_folder()
    _served = LoadedModel(found(bentoml.use_arguments(Arguments).model), _settings)
    _login = login_of(_settings)
    _pages = [Middleware(LoginPages, login=_login)] if _login or _settings.user_header else []
    Slipway = make_service(_served, Starlette(lifespan=running), _settings, _login, _pages)
