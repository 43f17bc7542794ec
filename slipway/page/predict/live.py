"""What a panel that changes as one types carries along: for which values it was made, and what stands there without it.

The browser (`shell/live.js`) compares those values with the form's and sets `data-state`; the words for every state are
in the panel from the start.
"""

import json
from typing import Any

from markupsafe import Markup

from slipway.page.context import PageContext
from slipway.page.html import macros


def marks(name: str, fields: str | None = None, **read: Any) -> dict[str, str]:
    """What a panel carries: its name, the form's fields as the browser wrote them in JSON, and what else it read."""
    found = {"live": name} | ({} if fields is None else {"fields": fields})
    return found | {key: json.dumps(value) for key, value in read.items()}


def panel(
    page: PageContext, name: str, html: Markup | str, fields: str | None = None, title: str = "", **read: Any
) -> Markup | str:
    """A panel below the answer; empty if it has nothing to say. `title` is the heading that `html` brings along."""
    return macros("predict/live.html").panel(page, html, title, marks(name, fields, **read)) if html else ""
