"""What an answer rests on, in sentences: of one prediction, and how well a version can tell."""

from typing import Any

from slipway.i18n.catalogues import catalogue, translate
from slipway.i18n.formats import amount, class_label, format_number, format_share
from slipway.schema.metrics import FEW, AbstentionMetrics, Metrics, SetMetrics, SupportMetrics
from slipway.schema.schema import Schema


def similar_cases(schema: Schema, metrics: Metrics, prediction: dict[str, Any], language: str) -> str:
    """How many training cases are like that of a prediction, and how far off the model was for them; empty if nothing is known."""
    t, support = catalogue(language).text, prediction.get("support")
    if not support or metrics.support is None:
        return ""
    fields = _labels(schema, metrics.support, language)
    if support["error"] is None:
        return t("page.support_few", few=FEW, fields=fields)
    key = "page.support_classes" if schema.target.classes else "page.support_number"
    return t(key, count=support["cases"], fields=fields, error=_error(schema, support["error"], language, 0))


def prediction_set(schema: Schema, prediction: dict[str, Any], language: str) -> str:
    """The classes that remain possible; empty for numbers, and for a version without such sets."""
    t, found = catalogue(language).text, prediction.get("prediction_set")
    if not found:
        return ""
    classes = t("text.comma").join(class_label(schema, value, language) for value in found["classes"])
    return t("page.prediction_set", coverage=format_share(found["coverage"], 0, language), classes=classes)


def support(schema: Schema, metrics: Metrics, language: str) -> list[str]:
    """What is known of the support of the answers of a version; empty for one that knows nothing."""
    t, found = catalogue(language).text, metrics.support
    if found is None:
        return []
    lines = []
    if found.fields and found.cases is not None:
        cases = format_number(found.cases, 0, language)
        lines.append(t("card.similar", count=found.rows, fields=_labels(schema, found, language), cases=cases))
    if found.false_alarms is not None and found.detected is not None:
        alarms, detected = (format_share(one, 1, language) for one in (found.false_alarms, found.detected))
        told = t("card.unusual", alarms=alarms, detected=detected) if found.detected else t("card.unusual_none")
        lines.append(told)
    if found.sets:
        lines.append(_sets(schema, found.sets, language))
    if found.abstention:
        lines.append(_abstention(schema, found.abstention, language))
    return lines


def _sets(schema: Schema, found: SetMetrics, language: str) -> str:
    shares = [
        (share, value) for share, value in zip(found.classes, schema.target.classes, strict=True) if share is not None
    ]
    least, value = min(shares, key=lambda one: one[0])
    return catalogue(language).text(
        "card.prediction_sets",
        coverage=format_share(found.coverage, 0, language),
        covered=format_share(found.covered, 1, language),
        label=class_label(schema, value, language),
        least=format_share(least, 1, language),
        single=format_share(found.single, 1, language),
    )


def _abstention(schema: Schema, found: AbstentionMetrics, language: str) -> str:
    t, share = catalogue(language).text, format_share(found.share, 1, language)
    if found.error is None or found.others is None:
        return t("card.abstention_all", share=share)
    key = "card.abstention_classes" if schema.target.classes else "card.abstention_number"
    error, others = (_error(schema, one, language) for one in (found.error, found.others))
    return t(key, share=share, error=error, others=others)


def _error(schema: Schema, error: float, language: str, decimals: int = 1) -> str:
    return format_share(error, decimals, language) if schema.target.classes else amount(schema.target, error, language)


def _labels(schema: Schema, found: SupportMetrics, language: str) -> str:
    labels = (translate(schema.by_name[name].label, language) for name in found.fields)
    return catalogue(language).text("text.comma").join(labels)
