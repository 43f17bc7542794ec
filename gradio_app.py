"""The page at `/ui/`, made from a version's schema: nothing in it knows a use case.

A table of contents: the page is built in `slipway/page/app.py`, from these parts in the order in which they are seen.

    what is above the tabs   slipway/page/shell/head.py
    Predict                  slipway/page/predict/tab.py
        the form             slipway/page/predict/form.py
        the answer           slipway/page/predict/answer.py
        why it is so         slipway/page/predict/why.py
        what if              slipway/page/predict/whatif.py
        decision threshold   slipway/page/predict/threshold.py
    Batch                    slipway/page/batch/tab.py
    Data                     slipway/page/data/tab.py
    Model                    slipway/page/model/tab.py

Each module has its markup beside it, in a template of the same name, and its script and style where it has any. What all
read of a version is in `slipway/page/context.py`; the document around the page and the guard before it are in
`slipway/page/shell/`.

One page is built for each language. No event is queued and nothing is kept between two of them, so that any worker can
answer any of them.
"""

from slipway.page.app import build_page, mount

__all__ = ["build_page", "mount"]
