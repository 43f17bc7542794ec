"""What a version says of itself: the model card, as Markdown in one language."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from slipway.i18n import sentences
from slipway.i18n.catalogues import catalogue, translate
from slipway.i18n.formats import field_label, format_metric, format_number, format_share, format_value
from slipway.schema.fields import Field
from slipway.schema.schema import Schema

CATEGORIES = 12
"""So many of a field's categories are named."""
HEADS = {"model": "card.model", "seconds": "card.seconds"}
"""Columns of the leaderboard that are no metric."""


def card(
    tag: str,
    schema: Schema,
    metrics: dict[str, Any],
    figures: dict[str, Any],
    leaderboard: pd.DataFrame,
    packages: dict[str, str],
    language: str,
) -> str:
    """The model card, as Markdown.

    `metrics` and `figures` are what `metrics.json` and `figures.json` hold.
    """
    parts = _Parts(schema, metrics, figures, leaderboard, language)
    lines = [
        *parts.head(tag),
        *parts.quality(),
        *parts.uncertainty(),
        *parts.groups(),
        *parts.board(),
        *parts.inputs(),
        *parts.limits(),
        "",
        parts.packages(packages),
        "",
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Parts:
    """A version in one language, and the card's parts, as lines."""

    schema: Schema
    metrics: dict[str, Any]
    figures: dict[str, Any]
    leaderboard: pd.DataFrame
    language: str

    def t(self, key: str, **values: Any) -> str:
        return catalogue(self.language).text(key, **values)

    def head(self, tag: str) -> list[str]:
        """Title, summary and the facts."""
        target = f"{self.t(f'tasks.{self.schema.task}')} {_cell(field_label(self.schema.target, self.language))}"
        best = sentences.chosen(self.metrics, list(self.leaderboard["id"]), self.language)
        facts = {
            "card.task": target,
            "card.estimator": self.t("text.clause").join(filter(None, (self.metrics["estimator"], best))),
            "card.data": _cell(sentences.data(self.metrics, self.language)),
            "card.engine": _cell(sentences.engine(self.metrics, self.language)),
            "card.version": tag,
        }
        return [
            f"# {_cell(translate(self.schema.texts['title'], self.language))}",
            "",
            _cell(translate(self.schema.texts["summary"], self.language)),
            "",
            *(f"- {self.t('text.term', term=f'**{self.t(key)}**', value=value)}" for key, value in facts.items()),
        ]

    def quality(self) -> list[str]:
        """How good the model is: in sentences, and metric by metric."""
        rows = []
        for name, fold in self.metrics["folds"].items():
            held_out = sentences.metric(name, self.metrics["holdout"][name], self.language)
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
        if fifths := self.metrics.get("interval", {}).get("fifths"):
            heads = self._texts("model.fifth", "model.inside", "model.width")
            lines += ["", *_table(heads, "l r r", list(map(self._fifth, fifths)))]
        return lines

    def groups(self) -> list[str]:
        """For which rows the model is clearly worse."""
        worse = sentences.worse(self.schema, self.figures["groups"], self.language) or [self.t("card.groups_alike")]
        at = sentences.at_threshold("card.groups_threshold", self.schema, self.metrics, self.language)
        return [*self._heading("card.groups"), f"{self.t('card.groups_lead')} {at}".strip(), "", *_items(worse)]

    def board(self) -> list[str]:
        """The models that were tried, best first."""
        lines = []
        if len(self.leaderboard):
            columns = [name for name in self.leaderboard.columns if name != "id"]
            heads = [self.t(HEADS[name]) if name in HEADS else name for name in columns]
            rows = [[self._board_cell(name, row[name]) for name in columns] for _, row in self.leaderboard.iterrows()]
            lines += [*self._heading("card.board"), *_table(heads, "l" + " r" * (len(columns) - 1), rows)]
        if self.metrics["failed"]:
            lines += ["", self._term("card.failed", self._reasons(self.metrics["failed"]))]
        return lines

    def inputs(self) -> list[str]:
        """The fields, and what of the table was read how or left out."""
        heads = self._texts("card.input", "card.kind", "card.seen", "card.nullable")
        lines = [*self._heading("card.inputs"), *_table(heads, "l l l l", list(map(self._input, self.schema.fields)))]
        if self.metrics["left_out"]:
            lines += ["", self._term("card.left_out", self._reasons(self.metrics["left_out"]))]
        if notes := sentences.reading(self.metrics, self.language):
            lines += ["", self._term("card.notes", "").rstrip(), "", *_items(notes)]
        return lines

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

    def _fifth(self, fifth: dict[str, float]) -> list[str]:
        low, high, width = (format_metric(fifth[key], self.language) for key in ("low", "high", "width"))
        return [f"{low} – {high}", format_share(fifth["covered"], 1, self.language), width]

    def _board_cell(self, name: str, value: Any) -> str:
        forms: dict[str, Callable[[Any], str]] = {
            "model": str,
            "seconds": lambda seconds: format_number(seconds, 1, self.language),
        }
        return forms[name](value) if name in forms else sentences.metric(name, value, self.language)

    def _input(self, field: Field) -> list[str]:
        if field.low is not None:
            seen = " – ".join(format_value(end, self.language) for end in (field.low, field.high))
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
