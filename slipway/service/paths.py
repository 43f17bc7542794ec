"""Every path of the server: who may reach it, what metrics, traces and the log call it, and which are probes.

A label of a metric is kept for good, in every worker and in its file. If it were the path, whoever asks for random paths
would fill memory and disk.
"""

import re
from enum import Enum
from urllib.parse import quote

from slipway.service.access.callers import Scope


class Audience(Enum):
    """Who may reach a route: anybody, or a caller with a scope."""

    ANYBODY = "anybody"
    PREDICT = Scope.PREDICT
    OPERATE = Scope.OPERATE


HEALTH = frozenset({"/livez", "/readyz", "/healthz"})
"""What an orchestrator calls, by an address of its own and without a key."""
PROBES = HEALTH | {"/metrics"}
"""Whoever asks these wants to know how the server is: they are never refused for too much load, and answered first."""
LOGIN = frozenset({"/login", "/login/provider", "/login/callback", "/login/user", "/logout"})
"""What the login answers, where there is one."""
ROUTES = {
    **dict.fromkeys([*HEALTH, *(LOGIN - {"/login/user"}), "/favicon.ico"], Audience.ANYBODY),
    # The page shows what its model was trained on, on its tabs for people: whoever may predict may read it there.
    **dict.fromkeys(
        "/ /predict /predict_csv /explain /counterfactual /outcome /model/schema /docs /docs.json /login/user /schema.json /ui".split(),
        Audience.PREDICT,
    ),
    # Versions of packages, figures of training, the load: nothing that a prediction needs.
    **dict.fromkeys(["/metrics", "/model", "/model/card"], Audience.OPERATE),
}
"""Every path, and who may reach it; the page and files are below `BELOW`. What is in neither is a 404."""
BELOW = re.compile(r"/(ui|static_content)/.*", re.DOTALL)
"""The page with its files and events, which has a guard of its own, and the script and style of /docs."""

PAGES = ("", "theme.css", "favicon.ico")
"""What Gradio answers below /ui/ beside its files."""
RUN = "gradio_api/run/predict"
"""The call of every event of the page."""
READER = "hyparquet.min.js"
"""The reader of Parquet files, which the Batch tab asks for."""
OTHER = "other"

_EXACT = ROUTES.keys() | {"/ui/en", "/ui/zh"}
_PAGE = re.compile(rf"/ui/(?:(?:en|zh)/)?(?:{'|'.join(map(re.escape, (*PAGES, RUN, READER)))})")
_FILE = re.compile(r"((?:/ui/(?:(?:en|zh)/)?(?:assets|static|svelte)|/static_content)/).+", re.DOTALL)
_SHOWN = 16
"""Characters of an unknown path that are logged: it may hold anything, a name or a key as well."""


def audience(path: str) -> Audience | None:
    """Who may reach a path; None if there is nothing.

    Parameters
    ----------
    path : str
        Decoded, without what a proxy has put in front of it.

    Returns
    -------
    Audience or None
    """
    if BELOW.fullmatch(path):
        return Audience.PREDICT
    return ROUTES.get(path) or ROUTES.get(path.rstrip("/"))  # which is a redirect to the path without


def route(path: str) -> str:
    """The label of a path: a path that is served as it is, Gradio's files by their folder, anything else as `other`."""
    if path in _EXACT or _PAGE.fullmatch(path):
        return path
    file = _FILE.fullmatch(path)
    return f"{file[1]}*" if file else OTHER


def logged(path: str) -> str:
    """A path as it is logged: a route, or the beginning of an unknown path, escaped."""
    known = route(path)
    if known != OTHER:
        return known
    return quote(path[:_SHOWN]) + ("…" if len(path) > _SHOWN else "")
