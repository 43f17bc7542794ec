"""What a version says of itself: the model card, in two languages."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from slipway.i18n import sentences, texts
from slipway.i18n.texts import translate
from slipway.schema.fields import Field
from slipway.schema.schema import Schema


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

    def t(key: str) -> str:
        return translate(texts.CARD[key], language)

    target = schema.target
    unit = f" ({translate(target.unit, language)})" if target.unit else ""
    best = sentences.chosen(metrics, list(leaderboard["id"]), language)
    lines = [
        f"# {_cell(translate(schema.texts['title'], language))}",
        "",
        _cell(translate(schema.texts["summary"], language)),
        "",
        f"- **{t('task')}**: {t(schema.task)} {_cell(translate(target.label, language))}{unit}",
        f"- **{t('estimator')}**: {metrics['estimator']}" + (f", {best}" if best else ""),
        f"- **{t('data')}**: {_cell(sentences.data(metrics, language))}",
        f"- **{t('engine')}**: {_cell(sentences.engine(metrics, language))}",
        f"- **{t('version')}**: {tag}",
        "",
        f"## {t('quality')}",
        "",
        *(f"- {_cell(text)}" for text in sentences.good(schema, metrics, figures, language)),
        "",
        t("quality_head"),
        "|---|---:|---:|---|",
    ]
    for name, fold in metrics["folds"].items():
        held = sentences.metric(name, metrics["holdout"][name])
        lines.append(
            f"| {name} | {sentences.spread(name, fold)} | {held} | {sentences.metric_words(name, schema, metrics, language)} |"
        )
    if at := sentences.at_threshold("at_threshold", schema, metrics, language):
        lines += ["", _cell(at)]
    lines += ["", f"## {t('sure')}", "", _cell(sentences.sure(schema, metrics, language))]
    if fifths := metrics.get("interval", {}).get("fifths"):
        lines += ["", t("interval_head"), "|---|---:|---:|", *map(_fifth, fifths)]
    worse = sentences.worse(schema, figures["groups"], language) or [t("groups_alike")]
    at = sentences.at_threshold("groups_threshold", schema, metrics, language)
    lines += [
        "",
        f"## {t('groups')}",
        "",
        f"{t('groups_lead')} {at}".strip(),
        "",
        *(f"- {_cell(text)}" for text in worse),
    ]
    if len(leaderboard):
        lines += ["", f"## {t('board')}", "", *_board(leaderboard, language)]
    if metrics["failed"]:
        lines += ["", f"{t('failed')}: {_reasons(metrics['failed'])}"]
    lines += ["", f"## {t('inputs')}", "", t("inputs_head"), "|---|---|---|---|"]
    lines += [_input(field, language, t("yes") if field.nullable else t("no")) for field in schema.fields]
    if metrics["left_out"]:
        lines += ["", f"{t('left_out')}: {_reasons(metrics['left_out'])}"]
    if notes := sentences.reading(metrics, language):
        lines += ["", f"{t('notes')}:", "", *(f"- {_cell(text)}" for text in notes)]
    lines += ["", f"## {t('limits')}", ""]
    lines += [f"- {_cell(text)}" for text in sentences.limits(schema, metrics, language)]
    lines += ["", f"{t('packages')}: " + ", ".join(f"{name} {version}" for name, version in packages.items()), ""]
    return "\n".join(lines)


def _fifth(fifth: dict[str, float]) -> str:
    low, high, width = (texts.number(fifth[key]) for key in ("low", "high", "width"))
    return f"| {low} – {high} | {fifth['covered']:.1%} | {width} |"


def _reasons(found: dict[str, str]) -> str:
    return "; ".join(f"{_cell(name)} ({_cell(why)})" for name, why in found.items())


def _board(leaderboard: pd.DataFrame, language: str) -> list[str]:
    columns = [name for name in leaderboard.columns if name != "id"]
    heads = [translate(texts.CARD.get(name), language) or name for name in columns]
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(columns) - 1)]
    forms: dict[str, Callable[[Any], str]] = {"model": str, "seconds": "{:.1f}".format}
    for _, row in leaderboard.iterrows():
        cells = [forms[name](row[name]) if name in forms else sentences.metric(name, row[name]) for name in columns]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _input(field: Field, language: str, nullable: str) -> str:
    unit = f" ({translate(field.unit, language)})" if field.unit else ""
    seen = f"{field.low} – {field.high}" if field.low is not None else ", ".join(map(str, field.categories[:12]))
    if len(field.categories) > 12:
        seen += f", … ({len(field.categories)})"
    return f"| {_cell(translate(field.label, language))}{_cell(unit)} | {translate(texts.KINDS[field.kind], language)} | {_cell(seen)} | {nullable} |"


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
