"""The plots of the model tab, in the variables of the page's style: boxes, ROC curve, reliability, importance.

Texts are escaped here, or by `charts`. Each plot is one image to a screen reader, whose text
says what it shows.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from slipway.i18n.formats import field_label, percent
from slipway.page import charts
from slipway.page.model.report_context import ReportContext, paragraph, section, unseen

SIDE, MARGIN, TOP = 300, 40, 24
"""A square plot's inner side, and the room for its axes: left and above."""
CURVES = 4
"""More lines cannot be told apart."""
INPUTS = 20
NO_PROBABILITIES = "the estimator has no probabilities"
"""The reason that `metrics.json` gives; what was shuffled then counts wrong answers."""
ALARMS = 0.2
"""The share of false alarms at which the ROC curve is read off in words."""


def boxes(told: ReportContext) -> str:
    """Where the true values lay for each tenth of the predicted numbers."""
    boxes = told.figures.get("boxes")
    if not boxes:
        return ""
    ticks = charts.scale(min(box["p5"] for box in boxes), max(box["p95"] for box in boxes))
    rows, says = [], []
    for box in boxes:
        words = {name: told.amount(value) for name, value in box.items() if name != "rows"}
        ends = tuple((box[name] - ticks[0]) / (ticks[-1] - ticks[0]) for name in ("p5", "p25", "p50", "p75", "p95"))
        rows.append(charts.Row(told.t("range", **words), (words["p50"],), ends))
        says.append(told.t("boxes_row", **words))
    heads = [told.t(key) for key in ("boxes_predicted", "boxes_actual", "boxes_middle")]
    drawn = charts.lines(rows, heads, "; ".join(says), charts.numbers(ticks))
    return section(told.t("boxes") + told.unit, paragraph(told.t("boxes_lead")) + drawn + unseen(told))


def shares(told: ReportContext) -> str:
    """ROC curve and reliability, side by side where there is room."""
    found = [draw(told) for name, draw in (("roc", _roc), ("reliability", _reliability)) if name in told.figures]
    if not found:
        return ""
    return f'<div class="slip-pair">{"".join(f"<figure>{one}</figure>" for one in found)}</div>'


def confusion(told: ReportContext) -> str:
    """Counts of true against answered classes; the right ones are ticked, not tinted alone."""
    if "confusion" not in told.figures:
        return ""
    matrix = told.figures["confusion"]
    labels = [told.label(value) for value in told.schema.target.classes]
    heads = [(told.t("answered", label=label), label) for label in labels]
    rows = []
    for true, counts in enumerate(matrix):
        whole = sum(counts) or 1
        cells = [
            (f"{'✓ ' if true == answered else ''}{count:,}", count / whole) for answered, count in enumerate(counts)
        ]
        rows.append((told.t("truly", label=labels[true]), cells))
    title = told.t("confusion")
    return section(title, paragraph(told.t("confusion_lead")) + charts.tinted(title, heads, rows) + unseen(told))


def _roc(told: ReportContext) -> str:
    curves = told.figures["roc"][:CURVES]
    says = [
        told.t(
            "roc_says",
            label=told.label(curve["class"]),
            alarms=percent(ALARMS),
            found=percent(max((found for alarms, found in curve["points"] if alarms <= ALARMS), default=0.0)),
        )
        for curve in curves
    ]
    lines = "".join(line(curve["points"], style) for style, curve in enumerate(curves))
    drawn = square(" ".join(says), told.t("roc_x"), told.t("roc_y"), lines)
    key = legend([told.label(curve["class"]) for curve in curves]) if len(curves) > 1 else ""
    title = f"<h2>{escape(told.t('roc'))}</h2>"
    return (
        title + paragraph(told.t("roc_lead")) + drawn + key + "".join(paragraph(text) for text in says) + unseen(told)
    )


def _reliability(told: ReportContext) -> str:
    curves = told.figures["reliability"]

    def words(one: dict[str, Any]) -> str:
        return told.t("reliability_point", predicted=percent(one["predicted"]), observed=percent(one["observed"]))

    shown = [name for name in ("served", "before") if name in curves]
    drawn = "".join(dots(curves[name], style, words) for style, name in enumerate(shown))
    label = "; ".join(words(one) for one in curves["served"])
    plot = square(label, told.t("reliability_x"), told.t("reliability_y"), drawn)
    title = f"<h2>{escape(told.t('reliability'))}</h2>"
    key = legend([told.t(name) for name in shown]) if len(shown) > 1 else ""
    return title + paragraph(told.t("reliability_lead")) + plot + key + unseen(told)


def importance(told: ReportContext) -> str:
    """How much worse the model is with each input shuffled."""
    schema, worth = told.schema, told.metrics["importance"]
    classes = bool(schema.target.classes)
    top = max(0.0, *worth.values()) or 1.0
    rows = []
    for name, value in list(worth.items())[:INPUTS]:
        text = f"{value * 100:.1f}%" if classes else told.amount(value)
        rows.append(
            charts.Row(field_label(schema.by_name[name], told.language), (text.replace("-", "−"),), (value / top,))
        )
    key = "importance_number"
    if classes:
        reason = told.metrics.get("calibration", {}).get("reason")
        key = "importance_bare" if reason == NO_PROBABILITIES else "importance_class"
    heads = [told.t("input"), "", told.t("importance_is")]
    drawn = charts.lines(rows, heads, "; ".join(f"{row.label} {row.figures[0]}" for row in rows))
    rest = len(worth) - len(rows)
    more = paragraph(told.t("more_inputs", count=rest), "slip-small") if rest else ""
    return section(told.t("importance"), paragraph(told.t(key, unit=told.unit)) + drawn + more)


def square(label: str, x: str, y: str, marks: str) -> str:
    """A plot of two shares: axes from 0 to 100%, the diagonal, and `marks`, made with `place`.

    `label` says what it shows to who cannot see it.
    """
    end, base = MARGIN + SIDE, TOP + SIDE
    ticks = "".join(
        f'<text x="{MARGIN + share * SIDE:.0f}" y="{base + 18}" text-anchor="middle">{text}</text>'
        f'<text x="{MARGIN - 6}" y="{base - share * SIDE + 4:.0f}" text-anchor="end">{text}</text>'
        for share, text in ((0, "0"), (0.5, "50%"), (1, "100%"))
    )
    return (
        f'<svg class="slip-square" viewBox="0 0 {end + 22} {base + 42}" role="img" aria-label="{escape(label)}">'
        f'<rect x="{MARGIN}" y="{TOP}" width="{SIDE}" height="{SIDE}"/>'
        f'<line x1="{MARGIN}" y1="{base}" x2="{end}" y2="{TOP}" class="slip-chance"/>{marks}{ticks}'
        f'<text x="{end}" y="{base + 36}" text-anchor="end">{escape(x)}</text>'
        f'<text x="{MARGIN}" y="{TOP - 8}">{escape(y)}</text></svg>'
    )


def place(x: float, y: float) -> tuple[float, float]:
    """Where a pair of shares lies in a square plot."""
    return MARGIN + x * SIDE, TOP + SIDE - y * SIDE


def line(points: Sequence[Sequence[float]], style: int) -> str:
    """A curve in a square plot; `style` numbers its dashes."""
    found = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
    return f'<polyline points="{found}" class="slip-curve-line slip-curve-line-{style}"/>'


def dots(bins: Sequence[dict[str, Any]], style: int, words: Callable[[dict[str, Any]], str]) -> str:
    """Points of predicted and observed shares in a square plot, joined by a line."""
    found = []
    for one in bins:
        x, y = place(one["predicted"], one["observed"])
        title = f"<title>{escape(words(one))}</title>"
        if style:
            found.append(f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" class="slip-dot">{title}</rect>')
        else:
            found.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" class="slip-dot slip-dot-full">{title}</circle>')
    return line([(one["predicted"], one["observed"]) for one in bins], style) + "".join(found)


def legend(labels: Sequence[str]) -> str:
    """Which line is which, by its dashes."""
    items = "".join(
        f'<li><svg viewBox="0 0 34 8" aria-hidden="true"><line x1="1" y1="4" x2="33" y2="4" class="slip-curve-line slip-curve-line-{style}"/>'
        f"</svg> {escape(label)}</li>"
        for style, label in enumerate(labels)
    )
    return f'<ul class="slip-legend">{items}</ul>'
