"""The plots of the model tab, in the variables of the page's style: boxes, ROC curve, reliability, importance.

The markup is in `plots.html` and `charts.html`. Each plot is one image to a screen reader, whose text says what it shows.
"""

from collections.abc import Sequence
from dataclasses import asdict

from markupsafe import Markup

from slipway.page import charts
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.schema.figures import ReliabilityCurves, RocCurve
from slipway.schema.metrics import ReliabilityBin

SIDE, MARGIN, TOP = 300, 40, 24
"""A square plot's inner side, and the room for its axes: left and above."""
CURVES = 4
"""More lines cannot be told apart."""
INPUTS = 20
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
    title = page.t("model.prediction_quantiles") + page.unit_in_brackets
    return _HTML.plotted(page, title, page.t("model.prediction_quantiles_lead"), drawn, unseen(page))


def shares(page: PageContext) -> Markup | str:
    """ROC curve and reliability, side by side if there is room."""
    if page.figures is None or page.figures.reliability is None:
        return ""
    return _HTML.pair([_roc(page, page.figures.roc), _reliability(page, page.figures.reliability)])


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
    title = page.t("model.confusion")
    drawn = charts.tinted(title, heads, rows)
    return _HTML.plotted(page, title, page.t("model.confusion_lead"), drawn, unseen(page))


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
    return _HTML.curves(page.t("model.roc"), page.t("model.roc_lead"), drawn, labels, says, unseen(page))


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
    return _HTML.curves(title, lead, drawn, labels, (), unseen(page))


def importance(page: PageContext) -> Markup:
    """How much worse the model becomes when each input is shuffled."""
    schema, worth = page.schema, page.metrics.importance
    classes = bool(schema.target.classes)
    top = max(0.0, *worth.values()) or 1.0
    decimals = page.effect_decimals(list(worth.values()))
    rows = []
    for name, value in list(worth.items())[:INPUTS]:
        text = page.share(value, 1) if classes else page.number(value, decimals)
        rows.append(charts.Row(page.field_label(schema.by_name[name]), (text.replace("-", "−"),), (value / top,)))
    lead = page.t("model.importance_number", unit=page.unit_in_brackets)
    if classes:
        reason = page.metrics.calibration and page.metrics.calibration.reason
        lead = page.t("model.importance_bare" if reason == NO_PROBABILITIES else "model.importance_class")
    heads = [page.t("model.input"), "", page.t("model.importance_is")]
    drawn = charts.lines(rows, heads, page.t("text.semicolon").join(f"{row.label} {row.figures[0]}" for row in rows))
    return _HTML.importance(page, lead, drawn, len(worth) - len(rows))


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
