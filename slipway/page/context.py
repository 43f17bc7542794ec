"""A version as the page tells of it in one language: its files, its texts, and its values as a person reads them.

Every tab, and every template, reads texts here and nowhere else.
"""

import csv
import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup, escape

from slipway.i18n import formats, texts
from slipway.schema.fields import NULL, Fault, Field
from slipway.schema.schema import Schema, Target
from slipway.schema.types import Text
from slipway.store import Version

_TEXTS = {
    "page": texts.PAGE,
    "batch": texts.BATCH,
    "data": texts.DATA,
    "model": texts.MODEL,
    "card": texts.CARD,
    "online": texts.ONLINE,
    "kinds": texts.KINDS,
}


@dataclass(frozen=True)
class PageContext:
    """One version in one language. A file that older versions do not have is None, or empty."""

    version: Version
    language: str

    # Files

    @cached_property
    def schema(self) -> Schema:
        return self.version.schema()

    @cached_property
    def metrics(self) -> dict[str, Any]:
        found: dict[str, Any] = self.version.read_json("metrics.json")
        return found

    @cached_property
    def profile(self) -> dict[str, Any] | None:
        """Summaries of the training table."""
        return self.version.find_json("profile.json")

    @cached_property
    def figures(self) -> dict[str, Any]:
        """What was measured on unseen rows."""
        return self.version.find_json("figures.json") or {}

    @cached_property
    def leaderboard(self) -> list[dict[str, str]]:
        """The models that were tried, best first."""
        with (self.version.path / "leaderboard.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    # Texts: not yet escaped, which the templates do

    def t(self, key: str, **values: Any) -> str:
        """A text by its place and key, such as `model.trained`, filled with values."""
        return self._template(key).format(**values)

    def html(self, key: str, **values: Any) -> Markup:
        """A text whose values may hold tags, if a template made them; all else is escaped."""
        return escape(self._template(key)).format(**values)

    def has_text(self, key: str) -> bool:
        """Whether there is a text of this key: a name of PyCaret's may have one."""
        place, _, name = key.partition(".")
        return name in _TEXTS[place]

    def all_texts(self, place: str) -> dict[str, str]:
        """The texts of a place by their keys, not filled: a script fills them."""
        return {key: self.text(text) for key, text in _TEXTS[place].items()}

    def text(self, text: Text | None) -> str:
        """A text of the use case."""
        return texts.translate(text, self.language)

    def _template(self, key: str) -> str:
        place, _, name = key.partition(".")
        return self.text(_TEXTS[place][name])

    def problem(self, fault: Fault, label: str) -> str:
        """A fault or warning in words; `label` is the field's."""
        return texts.problem(fault, label, self.language)

    def field_problem(self, field: Field, fault: Fault) -> str:
        """A fault as it stands under its field."""
        if fault["problem"] == NULL and field.nullable:
            return self.text(texts.NULL_OR_TICK)
        return self.problem(fault, self.text(field.label))

    # Values

    def field_label(self, field: Field | Target) -> str:
        """`Age (years)`."""
        return formats.field_label(field, self.language)

    def value_text(self, field: Field, value: Any) -> str:
        """A value of a field."""
        return formats.value_text(field, value, self.language)

    def class_label(self, value: Any) -> str:
        """A class of the target."""
        return formats.class_label(self.schema, value, self.language)

    def day(self, date: dt.date) -> str:
        """`22 November 2026`."""
        return formats.day(date, self.language)

    def number(self, value: float) -> str:
        """A value of a number target, without its unit."""
        return formats.format_number(value, self.schema.target.decimals)

    def amount(self, value: float) -> str:
        """A value of a number target, with its unit."""
        return formats.amount(self.schema.target, value, self.language)

    @property
    def target(self) -> str:
        """What the target is called."""
        return self.text(self.schema.target.label)

    @property
    def unit_after(self) -> str:
        """The target's unit as it stands behind a figure; empty if there is none."""
        return formats.unit_after(self.schema.target, self.language)

    @property
    def unit_in_brackets(self) -> str:
        """The target's unit as it stands behind a heading; empty if there is none."""
        return f" ({self.text(self.schema.target.unit)})" if self.schema.target.unit else ""
