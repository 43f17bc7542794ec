import gradio as gr
from fastapi import FastAPI
def mount(served):
    app = FastAPI()
    with gr.Blocks() as page:
        gr.Markdown("hello")
    return gr.mount_gradio_app(app, page, path="/")
