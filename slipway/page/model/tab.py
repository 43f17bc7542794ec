"""The model tab: what the version is, how well it performs and for whom, and how to call it.

It is built when it is opened, from the files of the version; an older version may lack
what was introduced later, and the tab says so.
"""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from markupsafe import Markup

from slipway import store
from slipway.errors import HistoryError
from slipway.i18n import sentences, trust
from slipway.i18n.catalogues import FALLBACK
from slipway.i18n.formats import format_metric
from slipway.page import LIVE
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.model import calls, dependence, plots
from slipway.page.report import parts
from slipway.page.report.parts import Part
from slipway.schema.fields import Field
from slipway.schema.figures import MEASURES, Group, Measure
from slipway.schema.metrics import AVERAGE, IntervalMetrics

VERSIONS = 20
"""The newest of a name; what a store holds beyond them is counted."""
WORSE = 5
"""Sentences on groups that are shown at once."""
HEADS = {"model": "card.model", "seconds": "card.seconds"}
"""Columns of the leaderboard that are no metric."""

_HTML = macros("model/report.html")


def build(tab: gr.Tab, page: PageContext) -> None:
    """The tab's content, inside its context: it is loaded when the tab is opened."""
    report = gr.HTML(parts.loading(page), js_on_load=parts.SCRIPT, apply_default_css=False)
    tab.select(lambda: render(page), None, report, **LIVE)


def render(page: PageContext) -> Markup:
    """The whole report, as HTML: what it predicts, how well and for whom not, then how, and at last what it is made of."""
    t, limits = page.t, sentences.limits(page.schema, page.metrics, page.language)
    says = trust.support(page.schema, page.metrics, page.language)
    found = [
        Part("summary", t("model.predicts", target=page.target), _headline(page)),
        Part("quality", t("card.quality"), _quality(page)),
        Part("groups", t("card.groups"), _groups(page)),
        Part("uncertainty", t("card.uncertainty"), _interval(page)),
        Part("trust", t("card.trust"), _HTML.trust(says)),
        Part("use", t("model.use"), _HTML.use(page, limits)),
        Part("importance", t("model.importance"), plots.importance(page)),
        Part("dependence", t("model.dependence"), dependence.render(page)),
        Part("predictions", t("model.prediction_quantiles") + page.unit_in_brackets, plots.prediction_quantiles(page)),
        Part("confusion", t("model.confusion"), plots.confusion(page)),
        Part("curves", t("model.curves"), plots.shares(page)),
        Part("tried", t("card.board"), _leaderboard(page)),
        Part("serving", t("model.answers"), _made_of(page)),
        Part("versions", t("model.versions"), _versions(page)),
        Part("api", t("model.call"), calls.render(page, page.schema.example())),
    ]
    return parts.report(page, "model", "", found)


def _headline(page: PageContext) -> Markup:
    schema, metrics = page.schema, page.metrics
    facts = [
        (page.t("card.task"), f"{page.t(f'tasks.{schema.task}')} {page.field_label(schema.target)}"),
        (page.t("card.estimator"), _chosen(page)),
        (page.t("model.trained"), page.day(page.version.created)),
        (page.t("model.rows"), sentences.data(metrics, page.language)),
        (page.t("card.version"), page.version.tag),
    ]
    cards = page.version.cards()
    return _HTML.headline(page, facts, cards.get(page.language, cards[FALLBACK]))


def _chosen(page: PageContext) -> str:
    """The estimator, and among how many it was the best."""
    tried = {row.id: row.model for row in page.leaderboard}
    name = tried.get(page.metrics.chosen or "", page.metrics.estimator)
    return page.t("text.clause").join(filter(None, (name, sentences.chosen(page.metrics, list(tried), page.language))))


def _quality(page: PageContext) -> Markup:
    schema, metrics, language = page.schema, page.metrics, page.language
    says = sentences.good(schema, metrics, page.figures, language)
    rows = []
    for name, fold in metrics.folds.items():
        words = sentences.metric_words(name, schema, metrics, language)
        rows.append(
            [
                name,
                sentences.spread(name, fold, language),
                sentences.metric(name, metrics.holdout[name], language),
                words,
            ]
        )
    threshold = sentences.at_threshold("card.at_threshold", schema, metrics, language)
    # How sure a number is has a section of its own.
    uncertainty = sentences.uncertainty(schema, metrics, language) if metrics.calibration else ""
    explained = sentences.error_rows(schema, metrics, page.figures, language)
    return _HTML.quality(page, says, explained, rows, threshold, uncertainty)


def _leaderboard(page: PageContext) -> Markup | str:
    if not page.leaderboard:
        return ""
    chosen, first = page.metrics.chosen, page.leaderboard[0]
    heads = [page.t("card.model"), *first.scores, *([] if first.seconds is None else [page.t("card.seconds")])]
    rows = []
    for one in page.leaderboard:
        is_chosen = one.id == chosen
        chosen = None if is_chosen else chosen  # a notebook may have tried one several times
        cells = [
            (_sort_value(value), sentences.metric(name, value, page.language)) for name, value in one.scores.items()
        ]
        if one.seconds is not None:
            cells.append((_sort_value(one.seconds), page.decimal(one.seconds, 1)))
        rows.append((one.model, is_chosen, cells))
    notes = [page.t("model.tuned")] if page.metrics.tuned and page.metrics.chosen != AVERAGE else []
    if failed := page.metrics.failed:
        notes.append(page.term(page.t("card.failed"), _reasons(page, failed)))
    if skipped := page.metrics.skipped:
        notes.append(page.term(page.t("card.skipped"), page.t("text.comma").join(skipped)))
    return _HTML.leaderboard(page, _chosen(page), [_HTML.sort_button(head) for head in heads], rows, notes)


def _sort_value(value: float | None) -> str:
    """What a column is sorted by; empty for what was not measured."""
    return "" if value is None else str(value)


def _interval(page: PageContext) -> Markup | str:
    interval = page.metrics.interval
    if interval is None:
        return ""
    rows = [
        (
            page.t("text.range", low=page.number(one.low), high=page.number(one.high)),
            page.percent(one.covered),
            page.number(one.width),
        )
        for one in (interval.fifths if isinstance(interval, IntervalMetrics) else ())
    ]
    notes = sentences.weakest(page.schema, page.metrics, page.figures, page.language) if page.figures else []
    return _HTML.interval(page, sentences.uncertainty(page.schema, page.metrics, page.language), rows, notes)


def _groups(page: PageContext) -> Markup | str:
    if page.figures is None:
        return ""
    groups = page.figures.groups
    names = [name for name in MEASURES if groups.whole.measure(name) is not None]
    shown = len(groups.fields)
    worse = sentences.worse(page.schema, groups, page.language)
    first = WORSE if len(worse) > WORSE + 1 else len(worse)
    return _HTML.groups(
        page,
        heads=_group_heads(page, names),
        whole=_group(page, page.t("model.all_rows"), groups.whole, names),
        fields=[_groups_of(page, page.schema.by_name[item.field], item.groups, names) for item in groups.fields],
        worse=worse[:first],
        more=worse[first:],
        threshold=sentences.at_threshold("card.groups_threshold", page.schema, page.metrics, page.language),
        note=page.t("model.groups_shown", count=shown) if shown < len(page.metrics.importance) else "",
        unseen=plots.unseen(page),
    )


def _group_heads(page: PageContext, names: list[Measure]) -> list[str]:
    positive = page.class_label(page.schema.target.positive)
    unit = page.unit_in_brackets if "mae" in names else ""
    heads = [_group_head(page, name, positive) + (unit if name in ("mae", "bias") else "") for name in names]
    return [page.t("model.group"), page.t("model.group_rows"), *heads]


def _group_head(page: PageContext, name: Measure, positive: str) -> str:
    return page.t("group.recall", label=positive) if name == "recall" else page.t(f"group.{name}")


def _groups_of(
    page: PageContext, field: Field, parts: Sequence[Group], names: list[Measure]
) -> tuple[str, list[tuple[Any, ...]]]:
    """A field's label and the lines of its groups."""
    rows = [_group(page, sentences.group(field, part, page.language), part, names) for part in parts]
    return page.field_label(field), rows


def _group(page: PageContext, label: str, part: Group, names: list[Measure]) -> tuple[Any, ...]:
    """A group's label, its rows, and each figure with whether it is worse; the figure is None for too few rows."""
    cells: list[tuple[str | None, bool]] = []
    for name in names:
        value = part.measure(name)
        if value is None:
            cells.append((None, False))
            continue
        text = sentences.measure(page.schema, name, value, page.language)
        if name == "bias" and value > 0:
            text = f"+{text}"
        cells.append((text, name in part.worse))
    return label, page.whole(part.rows), cells


def _made_of(page: PageContext) -> Markup:
    named = [f"{name} {version}" for name, version in page.version.summary.packages.items()]
    facts = [(page.t("card.engine"), sentences.engine(page.metrics, page.language))]
    if left_out := page.metrics.left_out:
        reasons = {name: sentences.left_out(item, page.language) for name, item in left_out.items()}
        facts.append((page.t("card.left_out"), _reasons(page, reasons)))
    packages = [(page.t("card.packages"), page.t("text.comma").join(named))]
    return _HTML.made_of(page, facts, packages)


def _reasons(page: PageContext, reasons: dict[str, str]) -> str:
    """Names, each with the reason for it."""
    return page.t("text.semicolon").join(f"{name} ({why})" for name, why in reasons.items())


def _versions(page: PageContext) -> Markup:
    listed, older = store.list_versions(page.version.name, VERSIONS)
    rows: list[tuple[str, bool, list[str]]] = []
    for item in listed:
        is_here = item.version == page.version.version
        if (summary := item.summary) is None:
            rows.append((item.version, is_here, [page.t("model.unreadable"), "", "", ""]))
            continue
        score = f"{summary.metric} {format_metric(summary.score, page.language)}"
        engine = page.t(f"engine.{summary.engine}")
        rows.append((item.version, is_here, [page.day(item.created), summary.estimator, score, engine]))
    return _HTML.versions(page, rows, older, _history(page))


def _history(page: PageContext) -> list[list[str]] | None:
    """What was done with the versions of this name, newest first; None if the record cannot be read."""
    try:
        entries = store.read_history(page.version.name).entries
    except HistoryError:
        return None
    return [
        [page.day(entry.time), page.t(f"history.{entry.action}"), entry.version, entry.who, entry.why]
        for entry in reversed(entries[-VERSIONS:])
    ]
