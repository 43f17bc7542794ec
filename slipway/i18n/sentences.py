"""A version's description of itself in sentences, shared by the card and the Model tab.

All are plain text: the card escapes them for Markdown, the page for HTML.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import isnan, sqrt
from pathlib import Path

from slipway.i18n.catalogues import catalogue, translate
from slipway.i18n.formats import (
    amount,
    amounts,
    class_label,
    field_label,
    format_metric,
    format_number,
    format_share,
    format_threshold,
    format_value,
    percent,
    target_number,
    value_text,
)
from slipway.schema.fields import Field
from slipway.schema.figures import Figures, Group, Groups, Measure
from slipway.schema.metrics import (
    CalibrationMetrics,
    ExclusionReason,
    FoldScore,
    IntervalMetrics,
    LeftOut,
    Metrics,
    ReadingNote,
    Unavailable,
)
from slipway.schema.schema import Schema

_REASONS = {
    "too few rows": "card.too_few_rows",
    "the estimator has no probabilities": "card.no_probabilities",
    "the probabilities were calibrated, or a threshold chosen, before": "card.calibrated_before",
}
_COUNTED = {
    "numbers_as_text": "numbers",
    "time_dropped": "rows",
    "class_left_out": "rows",
    "split_groups": "groups",
    "split_copies": "rows",
    "split_without_value": "rows",
    "split_time": "rows",
    "codes_by_name": "different",
    "codes_by_values": "different",
    "folds_for_class": "rows",
    "folds_for_rows": "rows",
}
"""Kinds of notes whose text has plural forms, and which of their numbers chooses."""


def joined(sentences: Iterable[str]) -> str:
    """Sentences one after the other; Chinese has no space between them."""
    return " ".join(filter(None, sentences)).replace("。 ", "。")


def chosen(metrics: Metrics, tried: list[str], language: str) -> str:
    """How the model was selected; empty if it was chosen otherwise."""
    if not tried or metrics.chosen != tried[0]:
        return ""
    if len(tried) == 1:
        return catalogue(language).text("card.chosen_only")
    return catalogue(language).text("card.chosen", metric=metrics.metric, count=len(tried))


def data(metrics: Metrics, language: str) -> str:
    """The source of the table, and how its rows were used."""
    t = catalogue(language).text
    origin, rows = metrics.data, metrics.rows
    used = t("card.rows", count=rows.all, train=rows.train, holdout=rows.holdout)
    found = [t("text.clause").join((Path(origin.source).name, used))]
    if origin.drawn_from:
        found.append(t("card.drawn_from", count=origin.drawn_from))
    if origin.dropped:
        found.append(t("card.dropped", count=origin.dropped))
    return t("text.semicolon").join(found)


def engine(metrics: Metrics, language: str) -> str:
    """What makes the predictions, and how close it is to the fitted pipeline."""
    t, compiled = catalogue(language).text, metrics.compiled
    if isinstance(compiled, Unavailable):
        return t("card.engine_native", reason=compiled.reason)
    rows, seconds = t("text.rows", count=compiled.rows), format_value(compiled.seconds, language)
    return t("card.engine_onnx", rows=rows, largest=f"{compiled.largest:.1g}", seconds=seconds)


def uncertainty(schema: Schema, metrics: Metrics, language: str) -> str:
    """How far off numbers may be, or how good the probabilities are."""
    t = catalogue(language).text
    if isinstance(metrics.interval, IntervalMetrics):
        return _interval(schema, metrics.interval, language)
    if metrics.interval:
        return t("card.interval_none", reason=_reason(metrics.interval.reason, language))
    found = metrics.calibration or CalibrationMetrics()
    reason = _reason(found.reason, language)
    if found.brier is None:
        return t("card.calibration_none", reason=reason)
    before, after = (format_number(score, 4, language) for score in (found.brier.uncalibrated, found.brier.served))
    scores = {"before": before, "after": after}
    if found.method:
        method, changed = t(f"calibration.{found.method}"), format_share(found.changed or 0.0, 1, language)
        score = t("card.brier_calibrated", **scores, method=method, changed=changed)
    elif reason:
        score = t("card.brier_own", **scores, reason=reason)
    else:
        score = t("card.brier_kept", **scores)
    return t("card.brier", rows=found.rows, score=score)


def _reason(reason: str | None, language: str) -> str:
    """Why something could not be measured. Versions hold it in English, and it may be another package's message."""
    if key := _REASONS.get(reason or ""):
        return catalogue(language).text(key)
    return reason or ""


def _interval(schema: Schema, found: IntervalMetrics, language: str) -> str:
    t = catalogue(language).text
    low, high = wilson(found.covered, found.rows)
    text = t(
        "card.interval",
        coverage=format_share(found.coverage, 0, language),
        rows=found.rows,
        covered=format_share(found.covered, 1, language),
        low=format_share(low, 1, language),
        high=format_share(high, 1, language),
        width=amount(schema.target, found.width, language),
    )
    return joined([text, t("card.interval_by_inputs")]) if found.by_inputs else text


def weakest(schema: Schema, metrics: Metrics, figures: Figures, language: str) -> list[str]:
    """Where the interval covers least: the fifth of the predictions, and the group of the rows; empty without an interval."""
    t, interval = catalogue(language).text, metrics.interval
    if not isinstance(interval, IntervalMetrics) or not interval.fifths:
        return []
    fifth = min(interval.fifths, key=lambda one: one.covered)
    low, high = amounts(schema.target, fifth.low, fifth.high, language)
    found = [t("card.weakest_fifth", low=low, high=high, covered=format_share(fifth.covered, 1, language))]
    parts = [
        (part.covered, schema.by_name[item.field], part)
        for item in figures.groups.fields
        for part in item.groups
        if part.covered is not None
    ]
    if parts:
        covered, field, part = min(parts, key=lambda one: one[0])
        label = t("card.group", field=field_label(field, language), value=group(field, part, language))
        share = format_share(covered, 1, language)
        found.append(t("card.weakest_group", group=label, count=part.rows, covered=share))
    return found


def wilson(share: float, rows: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share. Source: Wilson, JASA 22 (1927)."""
    z = 1.959964
    middle, spread = share + z * z / (2 * rows), z * sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return (middle - spread) / (1 + z * z / rows), (middle + spread) / (1 + z * z / rows)


def reading(metrics: Metrics, language: str) -> list[str]:
    """What was decided when the table was read: a sentence for each note. Older versions have none."""
    return [note(item, language) for item in metrics.reading]


def note(item: ReadingNote, language: str) -> str:
    """One note, in words."""
    t = catalogue(language).text
    # A class that is called 2024 is a name and no number.
    values = {name: str(value) if name == "value" else value for name, value in item.values.items() if name != "cells"}
    if (counted := _COUNTED.get(item.kind)) is not None:
        values["count"] = values.pop(counted)
    cells = item.values.get("cells", [])
    if isinstance(cells, dict):
        named = [f"“{cell}” ({format_number(count, 0, language)})" for cell, count in cells.items()]
    else:
        named = [f"“{cell}”" for cell in cells] if isinstance(cells, list) else []
    return t(f"note.{item.kind}", field=item.field, **values, cells=t("text.comma").join(named))


def left_out(item: LeftOut, language: str) -> str:
    """Why a column is not an input, without its name."""
    t, values = catalogue(language).text, dict(item.values)
    if item.reason is ExclusionReason.ALMOST_EMPTY:
        values["count"] = values.pop("present")
    return t(f"left_out.{item.reason.value}", **values)


def metric(name: str, value: float | None, language: str) -> str:
    """A metric's value; PyCaret writes an AUC of 0 if it cannot be measured, as older versions did."""
    return "–" if value is None or isnan(value) or name == "AUC" and value == 0 else format_metric(value, language)


def metric_words(name: str, schema: Schema, metrics: Metrics, language: str) -> str:
    """What a metric means, for people who do not know it."""
    classes = schema.target.classes
    averaged = len(classes) > 2 or (len(classes) == 2 and metrics.averaged and set(classes) != {0, 1})
    found = catalogue(language)
    return found.text(
        f"metric_averaged.{name}" if averaged and found.has(f"metric_averaged.{name}") else f"metric.{name}"
    )


def at_threshold(key: str, schema: Schema, metrics: Metrics, language: str) -> str:
    """How classes were decided when figures were measured, by a key of the texts; empty if by the highest probability."""
    t, threshold = catalogue(language).text, metrics.threshold
    if threshold is None:
        return t("card.by_costs") if schema.target.costs else ""
    text = t(key, threshold=format_threshold(threshold, language), label=positive(schema, language))
    if key != "card.at_threshold":
        return text
    calibrated = metrics.calibration and metrics.calibration.method
    return " ".join(filter(None, (text, costs(schema, language), t("card.before_calibration") if calibrated else "")))


def costs(schema: Schema, language: str) -> str:
    """The costs that the threshold of two classes follows from; empty without costs."""
    pair = schema.target.cost_pair
    if pair is None:
        return ""
    missed, alarm = (format_value(cost, language) for cost in pair)
    return catalogue(language).text("card.costs", missed=missed, alarm=alarm, label=positive(schema, language))


def spread(name: str, fold: FoldScore, language: str) -> str:
    """Mean and standard deviation over the folds, with the same number of decimals."""
    mean = metric(name, fold.mean, language)
    if mean == "–":
        return mean
    return f"{mean} ± {format_number(fold.sd, 0 if abs(fold.mean) >= 100 else 3, language)}"


def good(schema: Schema, metrics: Metrics, figures: Figures | None, language: str) -> list[str]:
    """How well the model performs, for people who know no metrics, and on which rows that was measured."""
    found = _performance(schema, metrics, figures, language)
    if figures is None or not metrics.rows.train:
        return found
    key = "model.good_rows" if figures.out_of_fold else "model.good_rows_holdout"
    return [*found, catalogue(language).text(key, count=metrics.rows.train, rows=figures.rows)]


def error_rows(schema: Schema, metrics: Metrics, figures: Figures | None, language: str) -> str:
    """Why the error, or the share of right predictions, has several figures; empty if it has only one."""
    name = "Accuracy" if schema.target.classes else "MAE"
    measure: Measure = "accuracy" if schema.target.classes else "mae"
    whole = figures and figures.out_of_fold and figures.groups.whole.measure(measure)
    if not whole or figures is None or name not in metrics.folds or name not in metrics.holdout:
        return ""
    found = {"folds": metrics.folds[name].mean, "holdout": metrics.holdout[name], "all": whole}
    texts = {
        key: percent(value, language) if schema.target.classes else target_number(schema.target, value, language)
        for key, value in found.items()
    }
    key = "model.error_rows_class" if schema.target.classes else "model.error_rows_number"
    rows = metrics.rows
    return catalogue(language).text(key, **texts, train=rows.train, held=rows.holdout, rows=figures.rows)


def _performance(schema: Schema, metrics: Metrics, figures: Figures | None, language: str) -> list[str]:
    t = catalogue(language).text
    folds = {name: fold.mean for name, fold in metrics.folds.items()}
    if not schema.target.classes:
        # A metric that could not be measured is not there.
        sentences = []
        if "MAE" in folds:
            sentences.append(t("model.good_number", error=amount(schema.target, folds["MAE"], language)))
        if isinstance(metrics.interval, IntervalMetrics):
            part = Fraction(metrics.interval.coverage).limit_denominator(100)
            width = amount(schema.target, metrics.interval.width, language)
            sentences.append(t("model.good_interval", part=part.numerator, whole=part.denominator, width=width))
        if "R2" in folds:
            share = percent(folds["R2"], language)
            sentences.append(t("model.good_explained", share=share) if folds["R2"] > 0 else t("model.good_nothing"))
        return sentences
    if figures is None or not figures.confusion:
        return [t("text.term", term=t("metric.Accuracy"), value=percent(folds["Accuracy"], language))]
    return list(_good_classes(schema, folds, figures, language))


def _good_classes(schema: Schema, folds: dict[str, float], figures: Figures, language: str) -> Iterator[str]:
    t, target, matrix = catalogue(language).text, schema.target, figures.confusion
    rows = [sum(row) for row in matrix]
    most = max(range(len(rows)), key=rows.__getitem__)
    label = class_label(schema, target.classes[most], language)
    yield t(
        "model.good_right",
        share=percent(folds["Accuracy"], language),
        label=label,
        most=percent(rows[most] / sum(rows), language),
    )
    if len(target.classes) != 2:
        return
    label, at = positive(schema, language), target.classes.index(target.positive)
    if figures.roc and "AUC" in folds:
        yield t("model.good_ranked", label=label, share=percent(folds["AUC"], language))
    called = matrix[0][at] + matrix[1][at]
    if rows[at] and called:
        yield t(
            "model.good_found",
            label=label,
            found=percent(matrix[at][at] / rows[at], language),
            right=percent(matrix[at][at] / called, language),
        )


def positive(schema: Schema, language: str) -> str:
    """The positive class with the target's name, because “With” alone is not clear."""
    label = class_label(schema, schema.target.positive, language)
    return catalogue(language).text("text.positive", target=translate(schema.target.label, language), label=label)


def group(field: Field, part: Group, language: str) -> str:
    """The name of a group, without that of the field."""
    if part.others is not None:
        return catalogue(language).text("card.group_others", count=part.others)
    if part.low is None:
        return value_text(field, part.value, language)
    low, high = (value_text(field, end, language) for end in (part.low, part.high))
    return low if low == high else catalogue(language).text("text.range", low=low, high=high)


def worse(schema: Schema, groups: Groups, language: str) -> list[str]:
    """A sentence for each group for which the model is clearly worse, by the most telling figure."""
    t, found = catalogue(language).text, []
    for item in groups.fields:
        field = schema.by_name[item.field]
        for part in item.groups:
            label = t("card.group", field=field_label(field, language), value=group(field, part, language))
            # The share of right answers says in plain words what the Brier score measures.
            for name in [name for name in part.worse if name != "brier" or "accuracy" not in part.worse]:
                words = dict(zip(("here", "whole"), _compared(schema, name, part, groups.whole, language), strict=True))
                if name == "recall":
                    words["label"] = positive(schema, language)
                found.append(t(f"worse.{name}", group=label, **words))
    return found


def _compared(schema: Schema, name: Measure, part: Group, whole: Group, language: str) -> tuple[str, str]:
    """A figure of a group and of all rows, with the unit if it has one."""
    here, all_rows = part.measure(name), whole.measure(name)
    if name == "mae" and here is not None and all_rows is not None:
        return amounts(schema.target, here, all_rows, language)
    return measure(schema, name, here, language), measure(schema, name, all_rows, language)


def measure(schema: Schema, name: Measure, value: float | None, language: str) -> str:
    """A figure of a group in readable form, without a unit."""
    if value is None:
        return ""
    if name in ("mae", "bias"):
        return target_number(schema.target, value, language)
    return format_number(value, 3, language) if name == "brier" else percent(value, language)


def monotone(schema: Schema, metrics: Metrics, language: str) -> list[str]:
    """A sentence for each field whose direction the use case expects: whether predictions keep to it."""
    t, found = catalogue(language).text, []
    for one in metrics.monotone:
        field = field_label(schema.by_name[one.field], language)
        if not one.violated:
            found.append(t(f"monotone.{one.direction}_kept", field=field, count=one.rows))
            continue
        classes = schema.target.classes
        largest = percent(one.largest, language) if classes else amount(schema.target, one.largest, language)
        share = percent(one.violated, language)
        found.append(t(f"monotone.{one.direction}_broken", field=field, count=one.rows, share=share, largest=largest))
    return found


def limits(schema: Schema, metrics: Metrics, language: str) -> list[str]:
    """What the model is not made for, and which training data is stored with it."""
    t = catalogue(language).text
    found = [translate(schema.texts.disclaimer, language), t("card.limit_range"), t("card.limit_cause")]
    found += monotone(schema, metrics, language)
    if metrics.training_rows_kept is not None:
        found.append(t("card.kept_rows" if metrics.training_rows_kept else "card.kept_none"))
    if metrics.rows_in_model:
        found.append(t("card.rows_in_model", parts=t("text.comma").join(metrics.rows_in_model)))
    return [text for text in found if text]
