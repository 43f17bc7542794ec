"""The model tab: what the version is, how good it is and for whom, and how to call it.

It is made when it is opened, from the files of the version; those of an older version may lack
what was measured later, and the tab says so.
"""

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from slipway import store
from slipway.i18n import sentences, texts
from slipway.i18n.formats import day, field_label, percent
from slipway.i18n.texts import CARD, MODEL, translate
from slipway.page import LIVE
from slipway.page.model import calls, plots
from slipway.page.model.report_context import ReportContext, items, paragraph, row, section, table, unseen
from slipway.store import Version

SCRIPT = Path(__file__).with_name("model.js").read_text(encoding="utf-8")
VERSIONS = 20
"""The newest of a name; what a store holds beyond them is counted."""
WORSE = 10
"""Sentences on groups; the table marks all."""
OPEN = 8
"""With the groups of more fields than this, their table is folded away."""


def build(tab: gr.Tab, version: Version, language: str) -> None:
    """The tab's content, inside its context: it comes when the tab is opened."""
    waiting = f"<p>{escape(translate(MODEL['loading'], language))}</p>"
    report = gr.HTML(waiting, js_on_load=SCRIPT, apply_default_css=False)
    tab.select(lambda: render(version, language), None, report, **LIVE)


def render(version: Version, language: str) -> str:
    """The whole report, as HTML."""
    told = ReportContext(version, language)
    parts = [
        _headline(told),
        _good(told),
        _board(told),
        plots.boxes(told),
        plots.shares(told),
        plots.confusion(told),
        plots.importance(told),
        _interval(told),
        _groups(told),
        _use(told),
        _made_of(told),
        _versions(told),
        section(told.t("call"), calls.render(told.schema.example(), language)),
    ]
    return f'<section class="slip-report slip-model">{"".join(parts)}</section>'


def _headline(told: ReportContext) -> str:
    schema, metrics = told.schema, told.metrics
    target = field_label(schema.target, told.language)
    tried = {row["id"]: row["model"] for row in told.board}
    name = tried.get(metrics.get("chosen") or "", metrics["estimator"])
    best = sentences.chosen(metrics, list(tried), told.language)
    facts = [
        (told.card("task"), f"{told.card(schema.task)} {target}"),
        (told.card("estimator"), f"{name}{', ' if best else ''}{best}"),
        (told.t("trained"), day(told.version.created, told.language)),
        (told.t("rows"), sentences.data(metrics, told.language)),
        (told.card("version"), told.version.tag),
    ]
    terms = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in facts)
    lead = paragraph("" if told.figures else told.t("lacks"), "slip-lacks")
    return section(told.t("predicts", target=translate(schema.target.label, told.language)), f"<dl>{terms}</dl>{lead}")


def _good(told: ReportContext) -> str:
    metrics = told.metrics
    says = "".join(paragraph(text) for text in sentences.good(told.schema, metrics, told.figures, told.language))
    heads = [escape(told.t(key)) for key in ("metric", "folds", "holdout", "words")]
    rows = []
    for name, fold in metrics["folds"].items():
        words = sentences.metric_words(name, told.schema, metrics, told.language)
        cells = [name, sentences.spread(name, fold), sentences.metric(name, metrics["holdout"][name]), words]
        rows.append(row([escape(cell) for cell in cells]))
    # How sure a number is has a section of its own.
    sure = paragraph(sentences.sure(told.schema, metrics, told.language)) if "calibration" in metrics else ""
    at = paragraph(sentences.at_threshold("at_threshold", told.schema, metrics, told.language), "slip-small")
    return section(
        told.card("quality"),
        f'<div class="slip-says">{says}</div>{table(told.card("quality"), heads, rows, "slip-metrics")}{at}{sure}',
    )


def _board(told: ReportContext) -> str:
    if not told.board:
        return ""
    chosen = told.metrics.get("chosen", told.board[0]["id"])
    columns = [name for name in told.board[0] if name != "id"]
    heads = [
        f'<button type="button" class="slip-sort">{escape(told.card(name) if name in CARD else name)}</button>'
        for name in columns
    ]
    rows = []
    for one in told.board:
        mine = one["id"] == chosen
        chosen = None if mine else chosen  # a notebook may have tried one several times
        mark = f' <span class="slip-tag">{escape(told.t("board_chosen"))}</span>' if mine else ""
        cells = "".join(
            f'<td data-value="{escape(one[name])}">{escape(_number(one[name], name))}</td>'
            for name in columns
            if name != "model"
        )
        rows.append(
            f'<tr class="{"slip-mine" if mine else ""}"><th scope="row">{escape(one["model"])}{mark}</th>{cells}</tr>'
        )
    failed = told.metrics["failed"]
    notes = [told.t("tuned")] if told.metrics.get("tuned") else []
    if failed:
        notes.append(f"{told.card('failed')}: " + "; ".join(f"{name} ({why})" for name, why in failed.items()))
    shown = table(told.card("board"), heads, [f"<tbody>{''.join(rows)}</tbody>"], "slip-board")
    lead = paragraph(told.t("board_lead"), "slip-small")
    return section(told.card("board"), lead + shown + "".join(paragraph(note, "slip-small") for note in notes))


def _number(text: str, name: str) -> str:
    if not text:
        return "–"
    return f"{float(text):.1f}" if name == "seconds" else sentences.metric(name, float(text))


def _interval(told: ReportContext) -> str:
    found = told.metrics.get("interval")
    if not found:
        return ""
    body = paragraph(sentences.sure(told.schema, told.metrics, told.language))
    if "fifths" in found:
        heads = [
            escape(told.t(key) + unit) for key, unit in (("fifth", told.unit), ("inside", ""), ("width", told.unit))
        ]
        rows = [
            row(
                [
                    escape(told.t("range", low=told.amount(one["low"]), high=told.amount(one["high"]))),
                    percent(one["covered"]),
                    escape(told.amount(one["width"])),
                ]
            )
            for one in found["fifths"]
        ]
        body += table(told.card("sure"), heads, rows)
    return section(told.card("sure"), body)


def _groups(told: ReportContext) -> str:
    if "groups" not in told.figures:
        return ""
    groups = told.figures["groups"]
    worse = sentences.worse(told.schema, groups, told.language)
    names = [name for name in ("mae", "bias", "covered", "brier", "right", "recall") if name in groups["whole"]]
    positive = told.label(told.schema.target.positive)
    unit = told.unit if "mae" in names else ""
    heads = [told.t("group"), told.t("group_rows")]
    heads += [told.t(name, label=positive) + (unit if name in ("mae", "bias") else "") for name in names]
    bodies = [f"<tbody>{_group(told, told.t('all_rows'), groups['whole'], names)}</tbody>"]
    for item in groups["fields"]:
        field = told.schema.by_name[item["field"]]
        rows = [_group(told, sentences.group(field, part, told.language), part, names) for part in item["groups"]]
        title = f'<tr><th scope="colgroup" colspan="{len(heads)}">{escape(field_label(field, told.language))}</th></tr>'
        bodies.append(f"<tbody>{title}{''.join(rows)}</tbody>")
    every = table(told.card("groups"), [escape(head) for head in heads], bodies, "slip-groups")
    shown = len(groups["fields"])
    opened = " open" if shown <= OPEN else ""
    folded = f"<details{opened}><summary>{escape(told.t('group_table'))}</summary>{every}</details>"
    note = (
        paragraph(told.t("groups_shown", count=shown), "slip-small") if shown < len(told.metrics["importance"]) else ""
    )
    return section(
        told.card("groups"),
        paragraph(told.card("groups_lead"))
        + paragraph(sentences.at_threshold("groups_threshold", told.schema, told.metrics, told.language), "slip-small")
        + (items(worse[:WORSE]) or paragraph(told.card("groups_alike")))
        + folded
        + note
        + unseen(told),
    )


def _group(told: ReportContext, label: str, part: dict[str, Any], names: list[str]) -> str:
    cells = [escape(label), f"{part['rows']:,}"]
    for name in names:
        if name not in part:
            cells.append(f'<span class="slip-small">{escape(told.t("few"))}</span>')
            continue
        text = sentences.measure(told.schema, name, part[name])
        if name == "bias" and part[name] > 0:
            text = f"+{text}"
        mark = (
            f'<span class="slip-tag slip-worse">{escape(told.t("worse"))}</span>'
            if name in part.get("worse", ())
            else ""
        )
        cells.append(mark + escape(text.replace("-", "−")))
    return row(cells)


def _use(told: ReportContext) -> str:
    summary = translate(told.schema.texts["summary"], told.language)
    intended = paragraph(told.t("intended", summary=summary)) if summary else ""
    return section(told.t("use"), intended + items(sentences.limits(told.schema, told.metrics, told.language)))


def _made_of(told: ReportContext) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in told.version.summary.packages.items())
    facts = [(told.card("engine"), sentences.engine(told.metrics, told.language)), (told.card("packages"), packages)]
    if left_out := told.metrics["left_out"]:
        facts.append((told.card("left_out"), "; ".join(f"{name} ({why})" for name, why in left_out.items())))
    terms = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in facts)
    return section(told.t("answers"), f"<dl>{terms}</dl>")


def _versions(told: ReportContext) -> str:
    found, older = store.versions(told.version.name, VERSIONS)
    rows = []
    for item in found:
        here = item.version == told.version.version
        name = f"<code>{escape(item.version)}</code>"
        if here:
            name += f' <span class="slip-tag">{escape(told.t("here"))}</span>'
        if item.summary is None:
            rows.append(row([name, escape(told.t("unreadable")), "", "", ""]))
            continue
        summary = item.summary
        score = f"{summary.metric} {texts.number(summary.score)}"
        engine = told.t(summary.engine) if summary.engine in MODEL else summary.engine
        date = day(item.created, told.language)
        rows.append(row([name, *map(escape, (date, summary.estimator, score, engine))], "slip-mine" if here else ""))
    if len(rows) < 2:
        return section(told.t("versions"), paragraph(told.t("versions_alone")))
    heads = [told.card("version"), told.t("trained"), told.card("estimator"), told.t("metric"), told.card("engine")]
    shown = table(told.t("versions"), [escape(head) for head in heads], rows, "slip-plain")
    more = paragraph(told.t("versions_older", count=older), "slip-small") if older else ""
    return section(told.t("versions"), paragraph(told.t("versions_lead"), "slip-small") + shown + more)
