"""BentoML with an empty Gradio page, mounted as Slipway mounts its own: what a start cannot go below."""

import bentoml
import gradio as gr
from fastapi import FastAPI

app = FastAPI()
with gr.Blocks() as page:
    pass
gr.mount_gradio_app(app, page, path="/")


@bentoml.service(workers=1)
@bentoml.asgi_app(app, path="/ui")
class Page:
    @bentoml.api  # type: ignore[untyped-decorator]
    async def nothing(self) -> None:
        return None
