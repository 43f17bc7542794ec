"""The decision threshold for two classes, with missed cases and false alarms."""

from typing import Any

from markupsafe import Markup

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
    return _HTML.heading(page)


def counts(thresholds: ThresholdCounts, threshold: float) -> dict[str, int]:
    """Of 1,000 cases like those in training: `found`, `missed`, `alarms` and `spared`, which add up to 1,000."""
    at = round(threshold * 100)
    positives, negatives = thresholds.positives, thresholds.negatives
    true = round(CASES * positives / (positives + negatives))
    true_positives = round(true * thresholds.true_positives[at] / max(positives, 1))
    alarms = round((CASES - true) * thresholds.false_positives[at] / max(negatives, 1))
    return {"found": true_positives, "missed": true - true_positives, "alarms": alarms, "spared": CASES - true - alarms}


def verdict(page: PageContext, prediction: dict[str, Any], threshold: float) -> str:
    """The class of a case at a threshold, as a sentence."""
    is_above = prediction["probabilities"][str(page.schema.target.positive)] >= threshold
    counted = page.class_label(counted_as(page.schema, prediction, threshold))
    key = "page.verdict_above" if is_above else "page.verdict_below"
    return page.t(key, threshold=page.percent(threshold), label=counted)


def counted_as(schema: Schema, prediction: dict[str, Any], threshold: float) -> Any:
    """The positive class from the threshold on, otherwise the other one."""
    positive = schema.target.positive
    if prediction["probabilities"][str(positive)] >= threshold:
        return positive
    return next(value for value in schema.target.classes if value != positive)


def render(page: PageContext, thresholds: ThresholdCounts, threshold: float) -> Markup:
    """The counts, in words and as two bars."""
    count = counts(thresholds, threshold)
    positive = page.class_label(page.schema.target.positive)
    true, others = count["found"] + count["missed"], count["alarms"] + count["spared"]
    rows = (
        (page.t("page.threshold_true", count=true, label=positive), "found", "missed"),
        (page.t("page.threshold_others", count=others), "spared", "alarms"),
    )
    lead = page.t("page.threshold_lead", threshold=page.percent(threshold), cases=CASES)
    note = page.t("page.threshold_note", own=page.percent(page.schema.target.decision_threshold or 0.0))
    return _HTML.counts(page, lead, rows, count, note)
