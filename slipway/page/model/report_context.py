"""A version as the model tab tells of it, and the pieces of HTML that its sections are made of."""

import csv
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from slipway.i18n.formats import class_label, format_number
from slipway.i18n.texts import CARD, MODEL, translate
from slipway.schema.schema import Schema
from slipway.store import Version


@dataclass(frozen=True)
class ReportContext:
    """A version as the report tells of it in one language."""

    version: Version
    language: str

    @cached_property
    def schema(self) -> Schema:
        return self.version.schema()

    @cached_property
    def metrics(self) -> dict[str, Any]:
        found: dict[str, Any] = self.version.read_json("metrics.json")
        return found

    @cached_property
    def figures(self) -> dict[str, Any]:
        """What was measured on unseen rows; empty for a version from before."""
        return self.version.find_json("figures.json") or {}

    @cached_property
    def board(self) -> list[dict[str, str]]:
        """The models that were tried, best first."""
        with (self.version.path / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def t(self, key: str, **values: Any) -> str:
        """A text of the tab, not yet escaped."""
        return translate(MODEL[key], self.language).format(**values)

    def card(self, key: str) -> str:
        """A text that the card has too."""
        return translate(CARD[key], self.language)

    def label(self, value: Any) -> str:
        """A class in words."""
        return class_label(self.schema, value, self.language)

    def amount(self, value: float) -> str:
        """A value of the target, without its unit."""
        return format_number(value, self.schema.target.decimals)

    @property
    def unit(self) -> str:
        """The target's unit in brackets."""
        unit = self.schema.target.unit
        return f" ({translate(unit, self.language)})" if unit else ""


def section(title: str, body: str) -> str:
    """A part of the report; the body is HTML."""
    return f"<div><h2>{escape(title)}</h2>{body}</div>"


def paragraph(text: str, name: str = "") -> str:
    """A text as a paragraph, nothing for none."""
    return f'<p class="{name}">{escape(text)}</p>' if text else ""


def items(sentences: list[str]) -> str:
    """Texts as a list, nothing for none."""
    return f"<ul>{''.join(f'<li>{escape(one)}</li>' for one in sentences)}</ul>" if sentences else ""


def table(label: str, heads: list[str], rows: list[str], name: str = "") -> str:
    """A table that scrolls by itself on a narrow screen; heads and rows are HTML."""
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    return (
        f'<div class="slip-scroll" role="region" tabindex="0" aria-label="{escape(label)}"><table class="{name}">'
        f"<thead><tr>{head}</tr></thead>{''.join(rows)}</table></div>"
    )


def row(cells: list[str], name: str = "") -> str:
    """A line of a table, whose first cell names it; cells are HTML."""
    first, *others = cells
    return f'<tr class="{name}"><th scope="row">{first}</th>{"".join(f"<td>{one}</td>" for one in others)}</tr>'


def unseen(told: ReportContext) -> str:
    """Which rows the figures are from."""
    key = "unseen_folds" if told.figures["out_of_fold"] else "unseen_holdout"
    return paragraph(told.t(key, rows=f"{told.figures['rows']:,}"), "slip-small")
