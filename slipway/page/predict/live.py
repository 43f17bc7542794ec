"""What a panel that changes while the user types carries: the values it was made for, and texts for other states.

The browser (`shell/live.js`) compares these values with the form's and sets `data-state`; the texts for every
state are in the panel from the start.
"""

import json
from typing import Any

from markupsafe import Markup

from slipway.page.context import PageContext
from slipway.page.html import macros

_HTML = macros("predict/live.html")


def marks(name: str, fields: str | None = None, **read: Any) -> dict[str, str]:
    """What a panel carries: its name, the form's fields as the browser wrote them in JSON, and what else it read."""
    attributes = {"live": name} | ({} if fields is None else {"fields": fields})
    return attributes | {key: json.dumps(value) for key, value in read.items()}


def panel(
    page: PageContext, name: str, html: Markup | str, fields: str | None = None, title: str = "", **read: Any
) -> Markup | str:
    """A panel below the answer; empty if there is nothing to show. `title` is a heading already in `html`."""
    return _HTML.panel(page, html, title, marks(name, fields, **read)) if html else ""
