"""The parts of the page: fields, answer, batch, about. `gradio_app.py` puts them together."""
