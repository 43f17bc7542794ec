"""What a panel that changes as one types carries along: for which values it was made, and what stands there without it.

The browser (`shell/live.js`) compares those values with the form's and sets `data-state`; the words for every state are
in the panel from the start.
"""

import json
from html import escape
from typing import Any

from slipway.page.context import Page


def marks(name: str, fields: str | None = None, **read: Any) -> str:
    """The attributes of a panel: its name, the form's fields as the browser wrote them in JSON, and what else it read."""
    found = {"live": name} | ({} if fields is None else {"fields": fields})
    found |= {key: json.dumps(value) for key, value in read.items()}
    return "".join(f' data-{key}="{escape(value)}"' for key, value in found.items())


def old(page: Page) -> str:
    """What stands in a panel that is of earlier values."""
    return f'<p class="slip-stale">{escape(page.t("earlier"))}</p>'


def instead(page: Page, title: str = "") -> str:
    """What stands in place of a panel whose values were not answered."""
    head = f"<h2>{escape(title)}</h2>" if title else ""
    return f'<div class="slip-instead">{head}<p>{escape(page.t("unanswered"))}</p></div>'


def panel(page: Page, name: str, html: str, fields: str | None = None, title: str = "", **read: Any) -> str:
    """A panel below the answer; empty if it has nothing to say. `title` is the heading that `html` brings along."""
    if not html:
        return ""
    carried = marks(name, fields, **read)
    return f'<div class="slip-live"{carried}>{old(page)}{html}{instead(page, title)}</div>'
