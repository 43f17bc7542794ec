"""A version's stored profile, for the parts of the data tab."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slipway.i18n.formats import COMPACT_FROM, MINUS
from slipway.page import charts
from slipway.page.context import PageContext
from slipway.schema.fields import Field
from slipway.schema.profile import Histogram, Profile, TargetNumbers
from slipway.schema.schema import Schema


@dataclass(frozen=True)
class ProfileView:
    """The content of `profile.json`, and its values in readable form."""

    page: PageContext
    profile: Profile

    @property
    def schema(self) -> Schema:
        return self.page.schema

    @property
    def rows(self) -> int:
        """Rows of the training table."""
        return self.profile.rows

    @property
    def fields(self) -> dict[str, Field]:
        """The fields by their names."""
        return self.schema.by_name

    @cached_property
    def strength(self) -> dict[str, float]:
        """How strongly each field is related to the target, from 0 to 1; free texts have no value."""
        associations = self.profile.associations
        return dict(zip(associations.names[:-1], associations.matrix[-1], strict=False))

    @cached_property
    def axis(self) -> list[float]:
        """The scale of all boxes of a numeric target: a common one, so that fields can be compared."""
        boxes = self._boxes
        return charts.scale(min(box[0] for box in boxes), max(box[4] for box in boxes)) if boxes else [0.0, 1.0]

    @cached_property
    def _boxes(self) -> list[tuple[float, ...]]:
        return [part.box for field in self.profile.fields.values() for part in field.relation if part.box]

    @cached_property
    def _decimals(self) -> int:
        """Decimals of the target's figures; they are rounded, so that most need fewer than the target has."""
        values = [value for box in self._boxes for value in box]
        if isinstance(self.profile.target, TargetNumbers):
            values += self.profile.target.percentiles[10:91:40]
        most = self.schema.target.decimals
        return next((places for places in range(most) if all(round(one, places) == one for one in values)), most)

    @property
    def target_unit(self) -> str:
        """`Charges (US dollars a year)`."""
        return self.page.field_label(self.schema.target)

    def name(self, name: str) -> str:
        """The label of a field, or of the target."""
        return self.page.text(self.fields[name].label) if name in self.fields else self.page.target

    def value(self, name: str, value: Any) -> str:
        """A value of a field, or a class."""
        return self.page.value_text(self.fields[name], value) if name in self.fields else self.page.class_label(value)

    def amount(self, value: float) -> str:
        """A figure of a numeric target."""
        if abs(value) >= COMPACT_FROM:
            return self.page.axis([value], self.schema.target.decimal)[0]
        return self.page.decimal(value, self._decimals, self.schema.target.decimal)

    def band(self, field: Field, low: Any, high: Any) -> str:
        """A part of a number's range or of time; months and years are given as such."""
        stored = self.profile.fields[field.name]
        if field.kind in ("date", "datetime") and isinstance(stored, Histogram):
            short = date_length(stored.edges)
            first, last = str(low)[:short], str(high)[:short]
        elif field.kind == "text":
            first, last = self.page.value(low), self.page.value(high)
        else:
            first, last = self.page.value_text(field, low), self.page.value_text(field, high)
        if first == last:
            return first
        return f"{first} – {last}" if {"-", MINUS} & set(first + last) else f"{first}–{last}"


def date_length(edges: Sequence[Any]) -> int:
    """How many characters of ISO dates distinguish them: those of years, months or days."""
    return next(
        (length for length, rest in ((4, "-01-01"), (7, "-01")) if all(str(edge).endswith(rest) for edge in edges)), 10
    )
