"""The page at `/ui/`, made from a version's schema: nothing here knows a use case.

slipway/page/app.py    the page in every language: head, and the four tabs in their order
slipway/page/predict/  a form, the prediction, its reasons, and what would change it
slipway/page/batch/    a file of rows
slipway/page/data/     what the training data looked like
slipway/page/model/    how good the model is, and how it is called
slipway/page/shell/    what is around the tabs: the document, and the guard before Gradio
"""

from slipway.page.app import build_page, mount

__all__ = ["build_page", "mount"]
