"""The parts of a tab for reading, and its charts with what is needed to save them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from slipway.page.context import PageContext
from slipway.page.html import macros

SCRIPT = (Path(__file__).parent / "report.js").read_text(encoding="utf-8")
"""Runs for the element of either tab; a page has it once."""
Rows = Sequence[Sequence[Any]]
_HTML = macros("report/parts.html")


@dataclass(frozen=True)
class Part:
    """A part of a tab: its name in addresses, its heading, and what it says, nothing if empty; `style` is its class."""

    name: str
    title: str
    body: Markup | str
    style: str = ""


def loading(page: PageContext) -> Markup:
    """What a tab shows until its content is there."""
    return _HTML.loading(page)


def report(page: PageContext, tab: str, lead: str, parts: Sequence[Part]) -> Markup:
    """A tab: a list of contents, and its parts.

    Parameters
    ----------
    page : PageContext
    tab : {"data", "model"}
        Its name in addresses.
    lead : str
        Stands before all parts; may be empty.
    parts : sequence of Part
        One without anything to say is left out.

    Returns
    -------
    Markup
    """
    return _HTML.report(page, tab, lead, [part for part in parts if part.body])


def fold(summary: str, body: Markup) -> Markup:
    """What few people read, behind a line that says what it is."""
    return _HTML.fold(summary, body)


def chart(
    page: PageContext, name: str, heads: Sequence[str], rows: Rows, drawn: Markup, picture: bool = False
) -> Markup:
    """A chart with buttons that save its figures as CSV, and what is drawn as PNG and, where it is one, as SVG.

    Parameters
    ----------
    page : PageContext
    name : str
        Of the file, after that of the model.
    heads : sequence of str
        The columns of the CSV file.
    rows : sequence of sequences
        Its rows: texts, and figures with all their digits.
    drawn : Markup
    picture : bool, default=False
        Whether what is drawn is an SVG.

    Returns
    -------
    Markup
    """
    figures = json.dumps([list(heads), *map(list, rows)], ensure_ascii=False, separators=(",", ":"), default=str)
    return _HTML.chart(page, f"{page.version.name}-{name}", figures, drawn, picture)
