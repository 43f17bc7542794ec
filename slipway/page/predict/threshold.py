"""From which probability on a case counts: missed cases against false alarms, for two classes."""

from html import escape
from typing import Any

from slipway.i18n.formats import class_label, percent
from slipway.i18n.texts import PAGE, translate
from slipway.schema.schema import Schema

LOWEST, HIGHEST, STEP = 0.01, 0.99, 0.01
CASES = 1000


def counts(thresholds: dict[str, Any], threshold: float) -> dict[str, int]:
    """Of 1,000 cases like those in training: `found`, `missed`, `alarms` and `spared`, which add up to 1,000.

    `thresholds` is what `metrics.json` has: counted on rows that the model had not seen.
    """
    at = round(threshold * 100)
    positives, negatives = thresholds["positives"], thresholds["negatives"]
    true = round(CASES * positives / (positives + negatives))
    found = round(true * thresholds["found"][at] / max(positives, 1))
    alarms = round((CASES - true) * thresholds["alarms"][at] / max(negatives, 1))
    return {"found": found, "missed": true - found, "alarms": alarms, "spared": CASES - true - alarms}


def verdict(schema: Schema, prediction: dict[str, Any], threshold: float, language: str) -> str:
    """What a case counts as at a threshold, as a sentence."""
    share = prediction["probabilities"][str(schema.target.positive)]
    above = share >= threshold
    counted = class_label(schema, counted_as(schema, prediction, threshold), language)
    return translate(PAGE["verdict_above" if above else "verdict_below"], language).format(
        threshold=percent(threshold), label=counted
    )


def counted_as(schema: Schema, prediction: dict[str, Any], threshold: float) -> Any:
    """The positive class from the threshold on, else the other one."""
    positive = schema.target.positive
    if prediction["probabilities"][str(positive)] >= threshold:
        return positive
    return next(value for value in schema.target.classes if value != positive)


def render(schema: Schema, thresholds: dict[str, Any], threshold: float, language: str) -> str:
    """The counts, in words and as two bars."""

    def t(key: str, **values: Any) -> str:
        return escape(translate(PAGE[key], language).format(**values))

    count = counts(thresholds, threshold)
    positive = class_label(schema, schema.target.positive, language)
    true, others = count["found"] + count["missed"], count["alarms"] + count["spared"]
    rows = (
        (t("threshold_true", count=true, label=positive), "found", "missed"),
        (t("threshold_others", count=others), "spared", "alarms"),
    )
    bars = "".join(
        f'<div class="slip-split"><p>{head}</p><div aria-hidden="true">'
        f'<span class="slip-right" style="flex:{count[good]}"></span><span class="slip-wrong" style="flex:{count[bad]}"></span></div>'
        f"<p><span>{t('threshold_' + good, count=count[good])}</span>"
        f"<strong>{t('threshold_' + bad, count=count[bad])}</strong></p></div>"
        for head, good, bad in rows
    )
    note = t("threshold_note", own=percent(schema.target.decision_threshold or 0.0))
    return f'<p class="slip-small">{t("threshold_lead", threshold=percent(threshold), cases=f"{CASES:,}")}</p>{bars}<p class="slip-small">{note}</p>'
