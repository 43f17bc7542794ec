"""What a server runs: the BentoML service of one version, with its page mounted on it.

`bentoml serve` finds it through `service.py`, `slipway serve` here. On import the version is found
and its files are checked; a model that is missing, damaged or incompatible ends the process, with
one line and exit code 1; in a worker that starts again later it ends the whole server so.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import bentoml
import pydantic
import yaml
from starlette.applications import Starlette
from starlette.routing import Mount

from slipway import store
from slipway.service.app import make_service
from slipway.service.model import LoadedModel
from slipway.service.supervisor import starting

BENTO = Path(__file__).parents[3] / "bento.yaml"
"""Beside the sources where they are those of a bento."""


class Arguments(pydantic.BaseModel, extra="forbid"):
    """`--arg model=name` or `--arg model=name:version`."""

    model: str = "insurance"


def pinned(tag: str) -> str:
    """The version that a bento was built with: its `latest` is not the store's."""
    if ":" in tag or not BENTO.exists():
        return tag
    services = yaml.safe_load(BENTO.read_text(encoding="utf-8"))["services"]
    tags = [model["tag"] for service in services for model in service["models"]]
    return next((found for found in tags if found.partition(":")[0] == tag), tag)


@asynccontextmanager
async def with_page(app: Starlette) -> AsyncIterator[None]:
    """Builds the page when a worker starts.

    Importing Gradio is most of what a start takes, and the process that looks after the
    workers shows no page.
    """
    with starting():
        from slipway.page.app import mount

        page = mount(_served)
    app.router.routes.append(Mount("/", page))
    async with page.router.lifespan_context(page):
        # What is loaded by now stays: the collector need not look at it again while requests wait.
        gc.collect()
        gc.freeze()
        yield


with starting():
    _served = LoadedModel(store.find(pinned(bentoml.use_arguments(Arguments).model)))
    Slipway = make_service(_served, Starlette(lifespan=with_page))
