"""Imports what a server does. What reads its environment or finds its model is left to the forks: see prepared.py."""

import bentoml_cli.cli  # noqa: F401
from fastapi import FastAPI

import slipway.page.app
import slipway.service._uvicorn
import slipway.service.app
from slipway.store._bentoml import import_server

import_server()
gradio = slipway.page.app.gr  # whoever imports it before the page does has it write stubs
gradio.mount_gradio_app(FastAPI(), gradio.Blocks(), path="/")  # imports more
