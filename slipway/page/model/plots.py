"""The plots of the model tab, in the variables of the page's style: boxes, ROC curve, reliability, importance.

The markup is in `plots.html` and `charts.html`. Each plot is one image to a screen reader, whose text says what it shows.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from markupsafe import Markup

from slipway.page import charts
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.page.report import parts
from slipway.schema.figures import ReliabilityCurves, RocCurve
from slipway.schema.metrics import ReliabilityBin, ThresholdCounts

SIDE, MARGIN, TOP = 300, 40, 24
"""A square plot's inner side, and the room for its axes: left and above."""
CURVES = 4
"""More lines cannot be told apart."""
INPUTS = 8
"""The most important ones; the others are folded."""
NO_PROBABILITIES = "the estimator has no probabilities"
"""The reason that `metrics.json` gives; what was shuffled then counts wrong answers."""
_HTML = macros("model/plots.html")
ALARMS = 0.2
"""The share of false alarms at which the ROC curve is read off in words."""


def prediction_quantiles(page: PageContext) -> Markup | str:
    """Where the true values lay for each tenth of the predicted numbers."""
    if page.figures is None or not page.figures.prediction_quantiles:
        return ""
    boxes = page.figures.prediction_quantiles
    ticks = charts.scale(min(box.p5 for box in boxes), max(box.p95 for box in boxes))
    rows, says = [], []
    for box in boxes:
        words = {name: page.number(value) for name, value in asdict(box).items() if name != "rows"}
        places = (box.p5, box.p25, box.p50, box.p75, box.p95)
        ends = tuple((place - ticks[0]) / (ticks[-1] - ticks[0]) for place in places)
        rows.append(charts.Row(page.t("text.range", low=words["low"], high=words["high"]), (words["p50"],), ends))
        says.append(page.t("model.prediction_quantiles_row", **words))
    heads = [
        page.t("model.prediction_quantiles_predicted"),
        page.t("model.prediction_quantiles_actual"),
        page.t("model.prediction_quantiles_median"),
    ]
    drawn = charts.lines(rows, heads, page.t("text.semicolon").join(says), page.axis(ticks, page.schema.target.decimal))
    found = [list(asdict(box).values()) for box in boxes]
    chart = parts.chart(page, "predictions", list(asdict(boxes[0])), found, drawn)
    return _HTML.plotted(page.t("model.prediction_quantiles_lead"), chart, unseen(page))


def shares(page: PageContext) -> Markup | str:
    """ROC curve and reliability, side by side if there is room."""
    if page.figures is None or page.figures.reliability is None:
        return ""
    return _HTML.pair([_roc(page, page.figures.roc), _reliability(page, page.figures.reliability)], unseen(page))


def confusion(page: PageContext) -> Markup | str:
    """Counts of actual and predicted classes; correct ones are marked with a tick, not only by colour."""
    if page.figures is None or not page.figures.confusion:
        return ""
    matrix = page.figures.confusion
    labels = [page.class_label(value) for value in page.schema.target.classes]
    heads = [(page.t("model.predicted", label=label), label) for label in labels]
    rows = []
    for true, counts in enumerate(matrix):
        whole = sum(counts) or 1
        cells = [
            (f"{'✓ ' if true == answered else ''}{page.whole(count)}", count / whole)
            for answered, count in enumerate(counts)
        ]
        rows.append((page.t("model.actual", label=labels[true]), cells))
    names = [label for _, label in heads]
    found = [(label, *counts) for (label, _), counts in zip(rows, matrix, strict=True)]
    figures: list[list[Any]] = [["", *names], *map(list, found)]
    drawn = charts.tinted(page.t("model.confusion"), heads, rows)
    chart = parts.chart(page, "confusion", figures[0], found, drawn)
    lead = page.t("model.confusion_lead")
    if (own := page.schema.target.decision_threshold) is None or page.metrics.thresholds is None:
        return _HTML.plotted(lead, chart, unseen(page))
    return _at_threshold(page, lead, chart, figures, own, page.metrics.thresholds)


def _at_threshold(
    page: PageContext, lead: str, chart: Markup, figures: list[list[Any]], own: float, counts: ThresholdCounts
) -> Markup:
    """The matrix with a slider, which the browser answers: for each hundredth there are the counts."""
    target, matrix = page.schema.target, page.figures.confusion if page.figures else ()
    first = target.classes.index(target.positive)
    found, alarms = matrix[first][first], matrix[1 - first][first]
    right = found + counts.negatives - alarms
    label = page.class_label(target.positive)
    words = {
        "threshold": page.threshold(own),
        "found": page.whole(found),
        "positives": page.whole(counts.positives),
        "detected": page.percent(found / max(counts.positives, 1)),
        "alarms": page.whole(alarms),
        "negatives": page.whole(counts.negatives),
        "right": page.percent(right / (counts.positives + counts.negatives)),
    }
    stored = {"positives": counts.positives, "negatives": counts.negatives}
    lists = {"found": counts.true_positives, "alarms": counts.false_positives}
    data = {
        "counts": json.dumps(stored | lists, separators=(",", ":")),
        "first": first,
        "exact": json.dumps([found, alarms]),
        "own": words["threshold"],
        "matrix": json.dumps(figures, ensure_ascii=False),
        "text": page.t("model.confusion_at", label=label, **{name: f"{{{name}}}" for name in words}),
    }
    says = page.t("model.confusion_at", label=label, **words)
    return _HTML.confusion(page, lead, chart, data, round(own * 100), words["threshold"], says, unseen(page))


def _roc(page: PageContext, curves: Sequence[RocCurve]) -> Markup:
    curves = curves[:CURVES]
    says = [
        page.t(
            "model.roc_says",
            label=page.class_label(curve.positive),
            alarms=page.percent(ALARMS),
            found=page.percent(max((found for alarms, found in curve.points if alarms <= ALARMS), default=0.0)),
        )
        for curve in curves
    ]
    marks = [_HTML.line([_place(x, y) for x, y in curve.points], style) for style, curve in enumerate(curves)]
    drawn = _square(page, " ".join(says), page.t("model.roc_x"), page.t("model.roc_y"), marks)
    labels = [page.class_label(curve.positive) for curve in curves]
    heads = ["", page.t("model.roc_x"), page.t("model.roc_y")]
    found = [(label, *point) for label, curve in zip(labels, curves, strict=True) for point in curve.points]
    chart = parts.chart(page, "roc", heads, found, drawn, picture=True)
    return _HTML.curves(page.t("model.roc"), page.t("model.roc_lead"), chart, labels, says)


def _reliability(page: PageContext, curves: ReliabilityCurves) -> Markup:
    def words(one: ReliabilityBin) -> str:
        return page.t(
            "model.reliability_point", predicted=page.percent(one.predicted), observed=page.percent(one.observed)
        )

    shown = {"served": curves.served} | ({"uncalibrated": curves.uncalibrated} if curves.uncalibrated else {})
    marks = []
    for style, bins in enumerate(shown.values()):
        places = [_place(one.predicted, one.observed) for one in bins]
        marks.append(_HTML.dots(places, style, [words(one) for one in bins]))
    says = page.t("text.semicolon").join(words(one) for one in curves.served)
    drawn = _square(page, says, page.t("model.reliability_x"), page.t("model.reliability_y"), marks)
    labels = [page.t(f"reliability.{name}") for name in shown]
    title, lead = page.t("model.reliability"), page.t("model.reliability_lead")
    heads = ["", page.t("model.reliability_x"), page.t("model.reliability_y"), page.t("data.rows")]
    found = [
        (label, one.predicted, one.observed, one.rows)
        for label, bins in zip(labels, shown.values(), strict=True)
        for one in bins
    ]
    return _HTML.curves(title, lead, parts.chart(page, "reliability", heads, found, drawn, picture=True), labels, ())


def importance(page: PageContext) -> Markup:
    """How much worse the model becomes when each input is shuffled."""
    schema, worth = page.schema, page.metrics.importance
    classes = bool(schema.target.classes)
    top = max(0.0, *worth.values()) or 1.0
    decimals = page.effect_decimals(list(worth.values()))
    rows = []
    for name, value in worth.items():
        text = page.share(value, 1) if classes else page.number(value, decimals)
        rows.append(charts.Row(page.field_label(schema.by_name[name]), (text,), (value / top,)))
    lead = page.t("model.importance_number", unit=page.unit_in_brackets)
    if classes:
        reason = page.metrics.calibration and page.metrics.calibration.reason
        lead = page.t("model.importance_bare" if reason == NO_PROBABILITIES else "model.importance_class")
    heads = [page.t("model.input"), "", page.t("model.importance_is")]

    def drawn(some: Sequence[charts.Row]) -> Markup:
        says = page.t("text.semicolon").join(f"{row.label} {row.figures[0]}" for row in some)
        return charts.lines(some, heads, says)

    first = INPUTS if len(rows) > INPUTS + 2 else len(rows)
    chart = parts.chart(page, "importance", [heads[0], heads[2]], list(worth.items()), drawn(rows[:first]))
    rest = rows[first:]
    more = parts.fold(page.t("model.more_inputs", count=len(rest)), drawn(rest)) if rest else ""
    return _HTML.importance(lead, chart, more)


def unseen(page: PageContext) -> str:
    """The rows on which the figures were measured."""
    if page.figures is None:
        return ""
    key = "model.unseen_folds" if page.figures.out_of_fold else "model.unseen_holdout"
    return page.t(key, rows=page.figures.rows)


def _square(page: PageContext, label: str, x: str, y: str, marks: Sequence[Markup]) -> Markup:
    """A plot of two shares; `label` is the text for screen readers, `x` and `y` name the axes."""
    ticks = [(*_place(share, share), page.share(share, 0)) for share in (0, 0.5, 1)]
    size = {"left": MARGIN, "end": MARGIN + SIDE, "top": TOP, "base": TOP + SIDE, "side": SIDE}
    return _HTML.square(size, label, x, y, ticks, marks)


def _place(x: float, y: float) -> tuple[float, float]:
    """The position of a pair of shares in a square plot."""
    return MARGIN + x * SIDE, TOP + SIDE - y * SIDE
