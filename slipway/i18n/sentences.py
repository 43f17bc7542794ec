"""What a version says of itself in sentences: the card and the Model tab use the same.

All are plain text: the card escapes them for Markdown, the page for HTML.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import isnan
from pathlib import Path
from typing import Any

from slipway.i18n import texts
from slipway.i18n.formats import amount, class_label, field_label, format_number, percent, unit_after, value_text
from slipway.i18n.texts import CARD, MODEL, translate
from slipway.schema.fields import Field
from slipway.schema.schema import Schema


def chosen(metrics: dict[str, Any], tried: list[str], language: str) -> str:
    """How the model was chosen; empty where somebody chose otherwise."""
    # Versions before `chosen` was kept all served the best.
    if not tried or metrics.get("chosen", tried[0]) != tried[0]:
        return ""
    return translate(CARD["chosen"], language).format(metric=metrics["metric"], count=len(tried))


def data(metrics: dict[str, Any], language: str) -> str:
    """Where the table came from, and how its rows were used."""
    origin, dropped = metrics["data"], ""
    if origin.get("dropped"):
        dropped = f"; {translate(CARD['dropped'], language).format(**origin)}"
    return f"{Path(origin['source']).name}, {translate(CARD['rows'], language).format(**metrics['rows'])}{dropped}"


def engine(metrics: dict[str, Any], language: str) -> str:
    """What answers, and how near it is to the fitted pipeline."""
    compiled = metrics["compiled"]
    return translate(CARD["engine_native" if "reason" in compiled else "engine_onnx"], language).format(**compiled)


def sure(schema: Schema, metrics: dict[str, Any], language: str) -> str:
    """How far off numbers may be, or how good probabilities are."""

    def t(key: str, **values: Any) -> str:
        return translate(CARD[key], language).format(**values)

    found = metrics.get("interval") or metrics["calibration"]
    reason = translate(CARD.get(found.get("reason")), language) or found.get("reason", "")
    if "interval" in metrics:
        if reason:
            return t("interval_none", reason=reason)
        return t("interval", **found | {"width": amount(schema.target, found["width"], language)})
    if "brier" not in found:
        return t("calibration_none", reason=reason)
    before = t("brier", rows=found["rows"])
    if found["method"]:
        return before + t("brier_calibrated", **found["brier"], method=t(found["method"]), changed=found["changed"])
    return before + t("brier_own" if reason else "brier_kept", reason=reason, **found["brier"])


def reading(metrics: dict[str, Any], language: str) -> list[str]:
    """What was decided in reading the table: a sentence for each note. Older versions have none."""
    return [note(item, language) for item in metrics.get("reading", ())]


def note(item: dict[str, Any], language: str) -> str:
    """One note, as `metrics.json` holds it, in words."""
    cells = item.get("cells", ())
    if isinstance(cells, dict):
        named = [f"“{cell}” ({count:,})" for cell, count in cells.items()]
    else:
        named = [f"“{cell}”" for cell in cells]
    text = translate(CARD[f"note_{item['kind']}"], language)
    return text.format(**item | {"cells": translate(CARD["note_comma"], language).join(named)})


def metric(name: str, value: float) -> str:
    """A metric's value; PyCaret writes an AUC of 0 where it could not measure one, and did so in older versions."""
    return "–" if isnan(value) or name == "AUC" and value == 0 else texts.number(value)


def metric_words(name: str, schema: Schema, metrics: dict[str, Any], language: str) -> str:
    """What a metric is, for people who do not know it."""
    classes = schema.target.classes
    # Versions that do not say their threshold have PyCaret's averages for two classes that are not 0 and 1.
    averaged = len(classes) > 2 or (len(classes) == 2 and "threshold" not in metrics and set(classes) != {0, 1})
    return translate(
        texts.METRICS_AVERAGED.get(name, texts.METRICS[name]) if averaged else texts.METRICS[name], language
    )


def at_threshold(key: str, schema: Schema, metrics: dict[str, Any], language: str) -> str:
    """Which threshold figures are for, by a key of the card's texts; empty where there is none."""
    threshold = metrics.get("threshold")
    if threshold is None:
        return ""
    text = translate(CARD[key], language).format(threshold=percent(threshold), label=positive(schema, language))
    calibrated = metrics.get("calibration", {}).get("method")
    return f"{text} {translate(CARD['before_calibration'], language)}" if calibrated and key == "at_threshold" else text


def spread(name: str, fold: dict[str, float]) -> str:
    """Mean and standard deviation over the folds, with as many decimals as each other."""
    if metric(name, fold["mean"]) == "–":
        return "–"
    if abs(fold["mean"]) >= 100:
        return f"{fold['mean']:,.0f} ± {fold['sd']:,.0f}"
    return f"{fold['mean']:.3f} ± {fold['sd']:.3f}"


def good(schema: Schema, metrics: dict[str, Any], figures: dict[str, Any], language: str) -> list[str]:
    """How good the model is, for people who know no metric."""

    def t(key: str, **values: Any) -> str:
        return translate(MODEL[key], language).format(**values)

    folds = {name: fold["mean"] for name, fold in metrics["folds"].items()}
    if not schema.target.classes:
        # A metric that could not be measured is not there.
        said_so = [t("good_number", error=amount(schema.target, folds["MAE"], language))] if "MAE" in folds else []
        if "covered" in metrics.get("interval", {}):
            share = Fraction(metrics["interval"]["coverage"]).limit_denominator(100)
            width = amount(schema.target, metrics["interval"]["width"], language)
            said_so.append(t("good_interval", part=share.numerator, whole=share.denominator, width=width))
        if "R2" in folds:
            explained = folds["R2"]
            said_so.append(t("good_explained", share=percent(explained)) if explained > 0 else t("good_nothing"))
        return said_so
    if "confusion" not in figures:
        return [f"{translate(texts.METRICS['Accuracy'], language)}: {percent(folds['Accuracy'])}"]
    return list(_good_classes(schema, folds, figures, language))


def _good_classes(schema: Schema, folds: dict[str, float], figures: dict[str, Any], language: str) -> Iterator[str]:
    def t(key: str, **values: Any) -> str:
        return translate(MODEL[key], language).format(**values)

    target, matrix = schema.target, figures["confusion"]
    rows = [sum(row) for row in matrix]
    most = max(range(len(rows)), key=rows.__getitem__)
    label = class_label(schema, target.classes[most], language)
    yield t("good_right", share=percent(folds["Accuracy"]), label=label, most=percent(rows[most] / sum(rows)))
    if len(target.classes) != 2:
        return
    label, at = positive(schema, language), target.classes.index(target.positive)
    if "roc" in figures and "AUC" in folds:
        yield t("good_ranked", label=label, share=percent(folds["AUC"]))
    called = matrix[0][at] + matrix[1][at]
    if rows[at] and called:
        yield t(
            "good_found", label=label, found=percent(matrix[at][at] / rows[at]), right=percent(matrix[at][at] / called)
        )


def positive(schema: Schema, language: str) -> str:
    """The positive class with the target's name: who reads “With” wants to know what."""
    label = class_label(schema, schema.target.positive, language)
    return translate(CARD["positive"], language).format(target=translate(schema.target.label, language), label=label)


def group(field: Field, part: dict[str, Any], language: str) -> str:
    """Which group it is, without the field's name."""
    if "others" in part:
        return translate(CARD["group_others"], language).format(count=part["others"])
    if "low" not in part:
        return value_text(field, part.get("value"), language)
    low, high = (value_text(field, part[end], language) for end in ("low", "high"))
    return low if low == high else translate(CARD["group_range"], language).format(low=low, high=high)


def worse(schema: Schema, groups: dict[str, Any], language: str) -> list[str]:
    """A sentence for each group that is clearly worse than the others, in the figure that says most."""
    found = []
    for item in groups["fields"]:
        field = schema.by_name[item["field"]]
        for part in item["groups"]:
            label = translate(CARD["group"], language).format(
                field=field_label(field, language), value=group(field, part, language)
            )
            names = part.get("worse", [])
            # The share of right answers says in plain words what the Brier score measures.
            for name in [name for name in names if name != "brier" or "right" not in names]:
                here, whole = (measure(schema, name, of[name]) for of in (part, groups["whole"]))
                words = {"here": here, "whole": whole + unit_after(schema.target, language) if name == "mae" else whole}
                if name == "recall":
                    words["label"] = positive(schema, language)
                found.append(translate(CARD[f"worse_{name}"], language).format(group=label, **words))
    return found


def measure(schema: Schema, name: str, value: float) -> str:
    """A figure of a group as a person reads it, without a unit."""
    if name in ("mae", "bias"):
        return format_number(value, schema.target.decimals)
    return f"{value:.3f}" if name == "brier" else percent(value)


def limits(schema: Schema, metrics: dict[str, Any], language: str) -> list[str]:
    """What the model is not made for, and what of its training data is kept with it."""
    keys = ["limit_range", "limit_cause"]
    if "kept_rows" in metrics:
        keys.append("kept_rows" if metrics["kept_rows"] else "kept_none")
    disclaimer = translate(schema.texts["disclaimer"], language)
    return [text for text in (disclaimer, *(translate(CARD[key], language) for key in keys)) if text]
