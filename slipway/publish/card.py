"""What a version says of itself: the model card, as Markdown in one language."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.i18n import reading, sentences, trust
from slipway.i18n.catalogues import catalogue, translate
from slipway.i18n.formats import field_label, format_metric, format_number, format_share, format_value
from slipway.publish.technical import Known, technical
from slipway.schema.fields import Field
from slipway.schema.figures import Figures
from slipway.schema.metrics import IntervalFifth, IntervalMetrics, Leaderboard, LeaderboardRow, Metrics
from slipway.schema.provenance import Provenance
from slipway.schema.report import ColumnReport, TableReport
from slipway.schema.schema import Schema

CATEGORIES = 12
"""So many of a field's categories are named."""


def card(
    tag: str,
    schema: Schema,
    metrics: Metrics,
    figures: Figures,
    leaderboard: Leaderboard,
    packages: dict[str, str],
    language: str,
    table: TableReport | None = None,
    provenance: Provenance | None = None,
) -> str:
    """The model card, as Markdown."""
    parts = _Parts(schema, metrics, figures, leaderboard, language, table)
    lines = [
        *parts.head(tag),
        *parts.quality(),
        *parts.uncertainty(),
        *parts.support(),
        *parts.groups(),
        *parts.board(),
        *parts.inputs(),
        *parts.reading(),
        *parts.limits(),
        *technical(Known(tag, schema, metrics, packages, provenance, _seconds(leaderboard)), language, _cell),
        "",
        parts.packages(packages),
        "",
    ]
    return "\n".join(lines)


def _seconds(leaderboard: Leaderboard) -> float | None:
    """What trying the candidates took, in whole seconds."""
    measured = [row.seconds for row in leaderboard if row.seconds is not None]
    return math.ceil(sum(measured)) if measured else None


@dataclass(frozen=True)
class _Parts:
    """A version in one language, and the card's parts, as lines."""

    schema: Schema
    metrics: Metrics
    figures: Figures
    leaderboard: Leaderboard
    language: str
    table: TableReport | None = None

    def t(self, key: str, **values: Any) -> str:
        return catalogue(self.language).text(key, **values)

    def head(self, tag: str) -> list[str]:
        """Title, summary and the facts."""
        target = f"{self.t(f'tasks.{self.schema.task}')} {_cell(field_label(self.schema.target, self.language))}"
        best = sentences.chosen(self.metrics, [row.id for row in self.leaderboard], self.language)
        facts = {
            "card.task": target,
            "card.estimator": self.t("text.clause").join(filter(None, (self.metrics.estimator, best))),
            "card.data": _cell(sentences.data(self.metrics, self.language)),
            "card.engine": _cell(sentences.engine(self.metrics, self.language)),
            "card.version": tag,
        }
        return [
            f"# {_cell(translate(self.schema.texts.title, self.language))}",
            "",
            _cell(translate(self.schema.texts.summary, self.language)),
            "",
            *(f"- {self.t('text.term', term=f'**{self.t(key)}**', value=value)}" for key, value in facts.items()),
        ]

    def quality(self) -> list[str]:
        """How good the model is: in sentences, and metric by metric."""
        rows = []
        for name, fold in self.metrics.folds.items():
            held_out = sentences.metric(name, self.metrics.holdout[name], self.language)
            words = sentences.metric_words(name, self.schema, self.metrics, self.language)
            rows.append([name, sentences.spread(name, fold, self.language), held_out, words])
        good = sentences.good(self.schema, self.metrics, self.figures, self.language)
        heads = self._texts("model.metric", "model.folds", "model.holdout", "model.words")
        lines = [*self._heading("card.quality"), *_items(good), "", *_table(heads, "l r r l", rows)]
        at = sentences.at_threshold("card.at_threshold", self.schema, self.metrics, self.language)
        return [*lines, "", _cell(at)] if at else lines

    def uncertainty(self) -> list[str]:
        """How far off numbers may be, or how good probabilities are."""
        text = sentences.uncertainty(self.schema, self.metrics, self.language)
        lines = [*self._heading("card.uncertainty"), _cell(text)]
        if isinstance(self.metrics.interval, IntervalMetrics):
            heads = self._texts("model.fifth", "model.inside", "model.width")
            lines += ["", *_table(heads, "l r r", list(map(self._fifth, self.metrics.interval.fifths)))]
            lines += ["", *_items(sentences.weakest(self.schema, self.metrics, self.figures, self.language))]
        return lines

    def support(self) -> list[str]:
        """What the answers rest on, and for how many a person is asked."""
        says = trust.support(self.schema, self.metrics, self.language)
        return [*self._heading("card.trust"), *_items(says)] if says else []

    def groups(self) -> list[str]:
        """For which rows the model is clearly worse."""
        worse = sentences.worse(self.schema, self.figures.groups, self.language) or [self.t("card.groups_alike")]
        at = sentences.at_threshold("card.groups_threshold", self.schema, self.metrics, self.language)
        return [*self._heading("card.groups"), sentences.joined([self.t("card.groups_lead"), at]), "", *_items(worse)]

    def board(self) -> list[str]:
        """The models that were tried, best first."""
        lines = []
        if self.leaderboard:
            heads = [self.t("card.model"), *self.leaderboard[0].scores]
            if self.leaderboard[0].seconds is not None:
                heads.append(self.t("card.seconds"))
            rows = [self._board_row(row) for row in self.leaderboard]
            lines += [*self._heading("card.board"), *_table(heads, "l" + " r" * (len(heads) - 1), rows)]
        if self.metrics.failed:
            lines += ["", self._term("card.failed", self._reasons(self.metrics.failed))]
        if self.metrics.skipped:
            lines += ["", self._term("card.skipped", self.t("text.comma").join(self.metrics.skipped))]
        return lines

    def inputs(self) -> list[str]:
        """The fields, and which columns were left out."""
        heads = self._texts("card.input", "card.kind", "card.seen", "card.nullable")
        lines = [*self._heading("card.inputs"), *_table(heads, "l l l l", list(map(self._input, self.schema.fields)))]
        if left_out := self.metrics.left_out:
            reasons = {name: sentences.left_out(item, self.language) for name, item in left_out.items()}
            lines += ["", self._term("card.left_out", self._reasons(reasons))]
        return lines

    def reading(self) -> list[str]:
        """How the columns of the table were read, and what was decided."""
        lines = []
        if self.table:
            target = [self.table.target_column] if self.table.target_column else []
            heads = self._texts("read.column", "read.as", "read.examples", "read.missing")
            lines += _table(heads, "l l l r", [self._column(column) for column in (*self.table.columns, *target)])
        if notes := sentences.reading(self.metrics, self.language):
            lines += ["", *_items(notes)] if lines else _items(notes)
        return [*self._heading("read.heading"), *lines] if lines else []

    def _column(self, column: ColumnReport) -> list[str]:
        examples = self.t("text.comma").join(reading.examples(column, self.language))
        missing = format_number(column.missing, 0, self.language)
        return [_cell(column.name), _cell(reading.read_as(column, self.language)), _cell(examples), missing]

    def limits(self) -> list[str]:
        """What the model is not made for."""
        return [*self._heading("card.limits"), *_items(sentences.limits(self.schema, self.metrics, self.language))]

    def packages(self, packages: dict[str, str]) -> str:
        """What the version was trained with."""
        named = [f"{name} {version}" for name, version in packages.items()]
        return self._term("card.packages", self.t("text.comma").join(named))

    def _term(self, key: str, value: str) -> str:
        return self.t("text.term", term=self.t(key), value=value)

    def _texts(self, *keys: str) -> list[str]:
        return list(map(self.t, keys))

    def _heading(self, key: str) -> list[str]:
        return ["", f"## {self.t(key)}", ""]

    def _fifth(self, fifth: IntervalFifth) -> list[str]:
        low, high, width = (format_metric(value, self.language) for value in (fifth.low, fifth.high, fifth.width))
        return [f"{low} – {high}", format_share(fifth.covered, 1, self.language), width]

    def _board_row(self, row: LeaderboardRow) -> list[str]:
        scores = [sentences.metric(name, value, self.language) for name, value in row.scores.items()]
        seconds = [] if row.seconds is None else [format_number(row.seconds, 1, self.language)]
        return [row.model, *scores, *seconds]

    def _input(self, field: Field) -> list[str]:
        if field.observed_min is not None:
            seen = " – ".join(
                format_value(end, self.language, field.decimal) for end in (field.observed_min, field.observed_max)
            )
        else:
            seen = self.t("text.comma").join(map(str, field.categories[:CATEGORIES]))
            seen += f", … ({len(field.categories)})" if len(field.categories) > CATEGORIES else ""
        nullable = self.t("card.yes" if field.nullable else "card.no")
        return [_cell(field_label(field, self.language)), self.t(f"kinds.{field.kind}"), _cell(seen), nullable]

    def _reasons(self, found: dict[str, str]) -> str:
        return self.t("text.semicolon").join(f"{_cell(name)} ({_cell(why)})" for name, why in found.items())


def _table(heads: Sequence[str], alignment: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; `alignment` says `l` or `r` for each column."""
    rule = "".join({"l": "---|", "r": "---:|"}[side] for side in alignment.split())
    return [f"| {' | '.join(heads)} |", f"|{rule}", *(f"| {' | '.join(cells)} |" for cells in rows)]


def _items(texts: Sequence[str]) -> list[str]:
    return [f"- {_cell(text)}" for text in texts]


def _cell(text: str) -> str:
    """Text from a table or a use case as Markdown shows it and never runs it."""
    for raw, safe in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "\\|"),
        ("\n", " "),
        ("`", "\\`"),
        ("[", "\\["),
        ("*", "\\*"),
    ):
        text = text.replace(raw, safe)
    return text
