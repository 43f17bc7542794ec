"""A version as the page presents it in one language: its files, its texts, and its values in readable form.

Every tab, and every template, gets its texts here and nowhere else.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup, escape

from slipway.errors import Fault, FaultCode
from slipway.i18n import faults, formats
from slipway.i18n.catalogues import Catalogue, catalogue, languages, translate
from slipway.schema.fields import Field
from slipway.schema.figures import Figures
from slipway.schema.metrics import Leaderboard, Metrics
from slipway.schema.profile import Profile
from slipway.schema.report import TableReport
from slipway.schema.schema import Schema, Target
from slipway.schema.types import Text
from slipway.store import Version
from slipway.tables.numbers import Mark


@dataclass(frozen=True)
class PageContext:
    """One version in one language. A file that older versions do not have is None.

    With `has_login`, people log in to see the page, and it says who has.
    """

    version: Version
    language: str
    has_login: bool = False

    # Files

    @cached_property
    def schema(self) -> Schema:
        return self.version.schema()

    @cached_property
    def metrics(self) -> Metrics:
        return self.version.metrics()

    @cached_property
    def profile(self) -> Profile | None:
        """Summaries of the training table."""
        return self.version.profile()

    @cached_property
    def reading(self) -> TableReport | None:
        """How the columns of the training table were read."""
        return self.version.reading()

    @cached_property
    def figures(self) -> Figures | None:
        """What was measured on unseen rows."""
        return self.version.figures()

    @cached_property
    def leaderboard(self) -> Leaderboard:
        """The models that were tried, best first."""
        return self.version.leaderboard()

    # Texts: not yet escaped, which the templates do

    @property
    def catalogue(self) -> Catalogue:
        """The texts of the page's language."""
        return catalogue(self.language)

    @property
    def other_catalogues(self) -> list[Catalogue]:
        """Those of the languages to which one can change."""
        return [catalogue(language) for language in languages() if language != self.language]

    def t(self, key: str, **values: Any) -> str:
        """A text by its key, such as `model.trained`, filled with values; `count` selects the plural form."""
        return self.catalogue.text(key, **values)

    def html(self, key: str, **values: Any) -> Markup:
        """A text whose values may contain tags if a template made them; everything else is escaped."""
        return escape(self.catalogue.template(key, values.get("count"))).format(**self.catalogue.written(values))

    def text(self, text: Text | None) -> str:
        """A text of the use case."""
        return translate(text, self.language)

    def problem(self, fault: Fault) -> str:
        """A fault or warning of a field in words."""
        return faults.form_text(fault, self.schema.by_name, self.language)

    def field_problem(self, field: Field, fault: Fault) -> str:
        """A fault as shown below its field."""
        if fault.code is FaultCode.NULL and field.nullable:
            return self.t("page.fill_in_or_tick")
        return self.problem(fault)

    # Values

    def field_id(self, name: str) -> str:
        """The `id` of the part of the form that is for a field."""
        return f"field-{self.schema.names.index(name)}"

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
        """`November 22, 2026`."""
        return formats.day(date, self.language)

    def short_day(self, date: dt.date) -> str:
        """`Nov 22, 2026`."""
        return formats.short_day(date, self.language)

    def number(self, value: float, decimals: int | None = None) -> str:
        """A value of a number target, without its unit; with the target's own or so many decimals."""
        return formats.target_number(self.schema.target, value, self.language, decimals)

    def decimal(self, value: float, decimals: int, mark: Mark | None = None) -> str:
        """A number with this many decimals."""
        return formats.format_number(value, decimals, self.language, mark)

    def whole(self, count: int) -> str:
        """A whole number: `1,338`."""
        return self.decimal(count, 0)

    def rows(self, count: int) -> str:
        """`1,338 rows`."""
        return self.t("text.rows", count=count)

    def percent(self, share: float) -> str:
        """A share: `34%`."""
        return formats.percent(share, self.language)

    def share(self, share: float, decimals: int) -> str:
        """A share with this many decimals: `34.2%`."""
        return formats.format_share(share, decimals, self.language)

    def threshold(self, value: float) -> str:
        """A decision threshold: `30%`, `9.1%`."""
        return formats.format_threshold(value, self.language)

    def value(self, value: Any) -> str:
        """A number as it was measured: `18`, `0.25`."""
        return formats.format_value(value, self.language)

    def axis(self, values: Sequence[float], mark: Mark | None = None) -> list[str]:
        """The numbers of an axis in a common form: `0`, `0.5M`, `1M`."""
        return formats.format_axis(values, self.language, mark)

    def term(self, term: str, value: str) -> str:
        """`Model: Ridge`."""
        return self.t("text.term", term=term, value=value)

    def amount(self, value: float, decimals: int | None = None) -> str:
        """A value of a number target, with its unit; with the target's own or so many decimals."""
        return formats.amount(self.schema.target, value, self.language, decimals)

    def effect_decimals(self, effects: Sequence[float]) -> int:
        """Decimals for amounts by which a number target changes: at least two digits of the largest."""
        return formats.effect_decimals(self.schema.target, effects)

    @property
    def title(self) -> str:
        """The heading of the page."""
        return self.text(self.schema.texts.title)

    @property
    def summary(self) -> str:
        """A sentence or two below the heading: the use case's, or one about the table."""
        if self.schema.texts.summary:
            return self.text(self.schema.texts.summary)
        return self.t("page.summary", count=len(self.schema.fields), rows=self.rows(self.metrics.rows.all))

    @property
    def target(self) -> str:
        """The name of the target."""
        return self.text(self.schema.target.label)

    def amounts(self, low: float, high: float) -> tuple[str, str]:
        """Both ends of a range of amounts."""
        return formats.amounts(self.schema.target, low, high, self.language)

    @property
    def unit_in_brackets(self) -> str:
        """The target's unit as it follows a heading; empty if there is none."""
        return f" ({self.text(self.schema.target.unit)})" if self.schema.target.unit else ""
