"""What a server runs: the BentoML service of one version, with its page mounted on it.

`bentoml serve` finds it through `service.py`, `slipway serve` here. On import the version is found
and its files are checked; a model that is missing, damaged or incompatible ends the process, with
one line and exit code 1; in a worker that starts again later it ends the whole server so.
"""

import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import bentoml
import pydantic
import yaml
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from slipway import store
from slipway.page.late import LatePage
from slipway.page.login.app import LoginPages
from slipway.service.app import generation_of, make_service
from slipway.service.generation import Generation, Successors
from slipway.service.login.setup import login_of
from slipway.service.model import LoadedModel
from slipway.service.served import decide, decided
from slipway.service.settings import read_settings
from slipway.service.temporary import find_temporary_folder
from slipway.service.worker import SUCCEEDS, drain_before_stop, starting, supervised

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
    decide(version.tag, os.getpid())
    return version


def pinned(tag: str) -> str:
    """The version that a bento was built with: its `latest` is not the store's."""
    if ":" in tag or not BENTO.exists():
        return tag
    services = yaml.safe_load(BENTO.read_text(encoding="utf-8"))["services"]
    tags = [model["tag"] for service in services for model in service["models"]]
    return next((found for found in tags if found.partition(":")[0] == tag), tag)


def build(served: LoadedModel) -> Starlette:
    """The page; only here, as importing Gradio is most of what a start takes, and the supervisor shows no page."""
    from slipway.page.app import mount

    return mount(served, has_login=bool(_login or _settings.user_header))


@asynccontextmanager
async def running(served: LoadedModel, app: Starlette) -> AsyncIterator[None]:
    """What a worker does beside answering: it builds the page, and tells the supervisor that it is alive."""
    page = LatePage(partial(build, served))
    app.router.routes.append(Mount("/", page))
    async with page.building():
        if os.environ.get(SUCCEEDS):
            await page.built()
        async with supervised():
            yield


def made(version: store.Version, successors: Successors | None = None) -> tuple[LoadedModel, Any]:
    """A version as it is served, and the service around it."""
    served = LoadedModel(version, _settings)
    page = Starlette(lifespan=partial(running, served))
    return served, make_service(served, page, _settings, _login, _pages, successors)


def successor(tag: str) -> Generation:
    """What a running server serves next: loaded, and as good as its golden answers."""
    served, service = made(store.find(tag))
    served.check_golden()
    return generation_of(served, _settings, service)


def successors_of(tag: str) -> Successors | None:
    """Where to look for another version; None for a tag that names one."""
    tag = pinned(tag)
    return None if ":" in tag else Successors(tag, _settings.poll_seconds or math.inf, successor)


drain_before_stop()
with starting():
    _settings = read_settings()
    find_temporary_folder()
    _login = login_of(_settings)
    _pages = [Middleware(LoginPages, login=_login)] if _login or _settings.user_header else []
    _model = bentoml.use_arguments(Arguments).model
    _served, Slipway = made(found(_model), successors_of(_model))
