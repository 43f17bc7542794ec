"""What is said of a comparison with training, in one language: on a terminal and in a report alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.i18n.catalogues import Catalogue, catalogue
from slipway.i18n.formats import format_number, format_share, format_value
from slipway.publish.drift.report import Bar, ColumnDrift, DriftReport, ErrorChange, Level, NotCompared, ShareChange

_SHARES = ("accuracy", "interval coverage")
"""Measures that are said in percent."""
_SMALLEST = 0.0001


@dataclass(frozen=True)
class Words:
    """The words of a language for what a report has."""

    language: str

    @property
    def catalogue(self) -> Catalogue:
        return catalogue(self.language)

    def t(self, key: str, /, **values: Any) -> str:
        """A text of the catalogue."""
        return self.catalogue.text(key, **values)

    def summary(self, report: DriftReport) -> str:
        """One sentence: what has moved."""
        if not report.drift:
            return self.t("drift.none")
        moved = [self.title(one) for one in by_level(report.columns) if one.worst != "none"]
        worse = [one.measure for one in (*report.estimated, *report.measured) if one.worse]
        moved += [self.t("drift.worse_measure", measure=self.measure(one)) for one in dict.fromkeys(worse)]
        return self.t("drift.found", names=self.listed(moved))

    def title(self, column: ColumnDrift) -> str:
        """The name of a column, and what it is if it is no field."""
        if column.of == "field":
            return column.name
        return self.t("drift.column_of", name=column.name, kind=self.t(f"drift_of.{column.of}"))

    def level(self, level: Level) -> str:
        """How far something has moved; empty if it has not."""
        return "" if level == "none" else self.t(f"drift_level.{level}")

    def measure(self, measure: str) -> str:
        """A measure of the error."""
        return self.t(f"drift_measure.{measure}")

    def share(self, share: ShareChange) -> str:
        """`missing 0.0% → 4.2% (moved)`."""
        values = {
            "share": self.t(f"drift_share.{share.name}"),
            "before": self.percent(share.before),
            "now": self.percent(share.now),
        }
        if share.level == "none":
            return self.t("drift.share", **values)
        return self.t("drift.share_moved", **values, level=self.level(share.level))

    def remarks(self, column: ColumnDrift) -> list[str]:
        """What is to be said of a column beside its distances."""
        found = [self.share(one) for one in column.shares if round(one.before, 3) != round(one.now, 3)]
        if column.unknown:
            found.append(
                self.t("drift.new", values=self._counted([(repr(of), rows) for of, rows in column.unknown[:3]]))
            )
        if column.refused:
            found.append(self._counted(column.refused))
        return found

    def not_compared(self, one: NotCompared) -> str:
        """What was not compared, and why."""
        return self.t(f"drift_missing.{one.reason}", names=self.listed(one.names), count=one.bins)

    def error(self, change: ErrorChange) -> tuple[str, str, str]:
        """Today's figure of an error, its interval, and training's figure."""
        interval = self.t("text.range", low=self._figure(change, change.low), high=self._figure(change, change.high))
        return self._figure(change, change.value), interval, self._figure(change, change.training)

    def p_value(self, p_value: float | None) -> str:
        """A p-value as a person reads it."""
        if p_value is None:
            return ""
        return self.number(p_value, 4) if p_value >= _SMALLEST else f"<{_SMALLEST}"

    def bar(self, bar: Bar) -> str:
        """What a bar stands for."""
        if bar.others:
            return self.t("drift.others")
        if bar.low is None:
            return str(bar.value)
        return self.t("text.range", low=self.edge(bar.low), high=self.edge(bar.high))

    def edge(self, edge: float | int | str | None) -> str:
        """The end of a bar: a number with six digits, or a day or a time."""
        return format_value(float(f"{edge:.6g}"), self.language) if isinstance(edge, (int, float)) else str(edge)

    def listed(self, texts: Sequence[str]) -> str:
        """Texts one after the other."""
        return self.t("text.comma").join(texts)

    def number(self, value: float, decimals: int = 0) -> str:
        """A number with so many decimals."""
        return format_number(value, decimals, self.language)

    def percent(self, share: float) -> str:
        """A share with one decimal."""
        return format_share(share, 1, self.language)

    def _counted(self, values: Sequence[tuple[str, int]]) -> str:
        return self.listed([self.t("drift.counted", value=value, rows=rows) for value, rows in values])

    def _figure(self, change: ErrorChange, value: float) -> str:
        if change.measure in _SHARES:
            return self.percent(value)
        return self.number(value, 0 if abs(value) >= 100 else 4)


def by_level(columns: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    """Those that have moved first, the largest index first."""
    order = {"large": 0, "moderate": 1, "none": 2}
    return sorted(columns, key=lambda one: (order[one.worst], -(one.stability_index or 0.0)))
