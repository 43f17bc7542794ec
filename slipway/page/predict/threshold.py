"""The decision threshold for two classes, with missed cases and false alarms."""

from typing import Any

from markupsafe import Markup

from slipway.i18n import sentences
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.schema.metrics import ThresholdCounts
from slipway.schema.schema import Schema

LOWEST, HIGHEST, STEP = 0.01, 0.99, 0.01
CASES = 1000
_HTML = macros("predict/threshold.html")


def measured(page: PageContext) -> ThresholdCounts | None:
    """True and false positives for each threshold; None if there is nothing to choose."""
    return page.metrics.thresholds


def own(page: PageContext) -> float | None:
    """The version's threshold; None if there is nothing to choose."""
    return page.schema.target.decision_threshold if measured(page) else None


def heading(page: PageContext) -> Markup:
    """The heading above the slider."""
    return _HTML.heading(page, page.threshold(own(page) or 0.0))


def ends(schema: Schema) -> tuple[float, float]:
    """The lowest and the highest threshold to choose; costs may ask for one that is lower or higher than usual."""
    own = schema.target.decision_threshold
    if own is None:
        return LOWEST, HIGHEST
    return 0.0 if own < LOWEST else LOWEST, 1.0 if own > HIGHEST else HIGHEST


def valid(schema: Schema, threshold: Any) -> float | None:
    """A threshold if it can be chosen, and else the version's."""
    lowest, highest = ends(schema)
    return (
        threshold
        if isinstance(threshold, (int, float)) and lowest <= threshold <= highest
        else schema.target.decision_threshold
    )


def counts(thresholds: ThresholdCounts, threshold: float) -> dict[str, int]:
    """Of 1,000 cases like those in training: `found`, `missed`, `alarms` and `spared`, which add up to 1,000."""
    return _of_a_thousand(thresholds, *_at_step(thresholds, threshold))


def _at_step(thresholds: ThresholdCounts, threshold: float) -> tuple[int, int]:
    step = round(threshold * 100)
    return thresholds.true_positives[step], thresholds.false_positives[step]


def _of_a_thousand(thresholds: ThresholdCounts, found: int, alarmed: int) -> dict[str, int]:
    positives, negatives = thresholds.positives, thresholds.negatives
    true = round(CASES * positives / (positives + negatives))
    true_positives = round(true * found / max(positives, 1))
    alarms = round((CASES - true) * alarmed / max(negatives, 1))
    return {"found": true_positives, "missed": true - true_positives, "alarms": alarms, "spared": CASES - true - alarms}


def _called(page: PageContext, thresholds: ThresholdCounts, threshold: float) -> tuple[int, int]:
    """How many true and how many other cases are at or above a threshold: at the version's own, which may lie between two
    steps, those of the confusion matrix."""
    if threshold != own(page) or not page.figures or not page.figures.confusion:
        return _at_step(thresholds, threshold)
    positive = page.schema.target.classes.index(page.schema.target.positive)
    called = [row[positive] for row in page.figures.confusion]
    return called[positive], called[1 - positive]


def verdict(page: PageContext, prediction: dict[str, Any], threshold: float) -> str:
    """The class of a case at a threshold, as a sentence."""
    is_above = prediction["probabilities"][str(page.schema.target.positive)] >= threshold
    counted = page.class_label(counted_as(page.schema, prediction, threshold))
    key = "page.verdict_above" if is_above else "page.verdict_below"
    return page.t(key, threshold=page.threshold(threshold), label=counted)


def counted_as(schema: Schema, prediction: dict[str, Any], threshold: float) -> Any:
    """The positive class from the threshold on, otherwise the other one."""
    positive = schema.target.positive
    if prediction["probabilities"][str(positive)] >= threshold:
        return positive
    return next(value for value in schema.target.classes if value != positive)


def render(page: PageContext, thresholds: ThresholdCounts, threshold: float) -> Markup:
    """The counts, in words and as two bars."""
    called = _called(page, thresholds, threshold)
    count = _of_a_thousand(thresholds, *called)
    positive = page.class_label(page.schema.target.positive)
    true, others = count["found"] + count["missed"], count["alarms"] + count["spared"]
    rows = (
        (page.t("page.threshold_true", count=true, label=positive), "found", "missed"),
        (page.t("page.threshold_others", count=others), "spared", "alarms"),
    )
    lead = page.t("page.threshold_lead", threshold=page.threshold(threshold), cases=CASES)
    own_threshold = page.threshold(page.schema.target.decision_threshold or 0.0)
    notes = [page.t("page.threshold_note", own=own_threshold)]
    cost_text = ""
    if pair := page.schema.target.cost_pair:
        missed, alarm = pair
        cost = count["missed"] * missed + count["alarms"] * alarm
        words = {"cost": page.value(cost), "missed": page.value(missed), "alarm": page.value(alarm)}
        cost_text = page.t("page.threshold_cost", own=own_threshold, **words)
    if thresholds.positives:
        ends = sentences.wilson(called[0] / thresholds.positives, thresholds.positives)
        low, high = (page.percent(min(max(end, 0.0), 1.0)) for end in ends)
        notes.insert(0, page.t("page.threshold_sure", count=thresholds.positives, label=positive, low=low, high=high))
    return _HTML.counts(page, lead, rows, count, cost_text, notes)
