"""What BentoML's HTTP metrics and our access log call a path: its route, never what a stranger made up.

A label of a metric is kept for good, in every worker and in BentoML's metric files. BentoML takes the raw path for
one, so that whoever asks for random paths fills memory and disk: `use_routes` gives it routes instead.
"""

import re
from urllib.parse import quote

from slipway.service.proxy import below, root_path
from slipway.store._bentoml import label_paths

PAGES = ("", "theme.css", "favicon.ico")
"""What Gradio answers below /ui/ beside its files."""
RUN = "gradio_api/run/predict"
"""The call of every event of the page."""
READER = "hyparquet.min.js"
"""The reader of Parquet files, which the Batch tab asks for."""
OTHER = "other"

_EXACT = frozenset(
    "/ /predict /predict_csv /explain /model /model/schema /model/card /docs /docs.json /favicon.ico "
    "/livez /readyz /healthz /metrics /schema.json /ui /ui/en /ui/zh".split()
)
_PAGE = re.compile(rf"/ui/(?:(?:en|zh)/)?(?:{'|'.join(map(re.escape, (*PAGES, RUN, READER)))})")
_FILE = re.compile(r"((?:/ui/(?:(?:en|zh)/)?(?:assets|static|svelte)|/static_content)/).+", re.DOTALL)
_SHOWN = 16
"""Characters of an unknown path that are logged: it may hold anything, a name or a key as well."""


def route(path: str) -> str:
    """A path that we answer as it is, one of Gradio's files as its folder, anything else as `other`."""
    if path in _EXACT or _PAGE.fullmatch(path):
        return path
    file = _FILE.fullmatch(path)
    return f"{file[1]}*" if file else OTHER


def logged(path: str) -> str:
    """A path as a line of the log may have it: a route, or the beginning of an unknown path, escaped."""
    known = route(path)
    if known != OTHER:
        return known
    return quote(path[:_SHOWN]) + ("…" if len(path) > _SHOWN else "")


def use_routes() -> None:
    """From now on services of this process are measured so."""
    root = root_path()
    label_paths(lambda path: route(below(path, root)))
