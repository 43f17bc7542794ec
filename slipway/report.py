"""What a version says of itself: the model card, in two languages, and the plots.

Plots are SVG whose text stays text, so that a browser draws it in its own fonts (matplotlib's
lack Chinese) and a screen reader can read it.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, roc_curve

from slipway import texts
from slipway.certainty import Curve
from slipway.evaluation import Evaluation
from slipway.fields import Field
from slipway.schema import Schema
from slipway.texts import said

INK, ACCENT, SOFT = "#4a5568", "#2563a8", "#b9c6d6"


@contextmanager
def _figure(path: Path, xlabel: str, ylabel: str, height: float = 4.2) -> Iterator[Any]:
    from matplotlib.figure import Figure

    style = {
        "svg.fonttype": "none",
        "svg.hashsalt": "slipway",
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": SOFT,
        "axes.labelcolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "text.parse_math": False,  # a "$" in a column's name is a dollar
    }
    # PyCaret's plotting libraries change matplotlib's settings for the whole process.
    with matplotlib.rc_context({**matplotlib.rcParamsDefault, "backend": "agg", **style}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # matplotlib's fonts do not draw this text
        figure = Figure(figsize=(6.4, height), layout="constrained")
        axes = figure.subplots()
        axes.set(xlabel=xlabel, ylabel=ylabel)
        yield axes
        figure.savefig(path, format="svg", metadata={"Date": None})


def plots(evaluation: Evaluation, curves: Sequence[Curve], schema: Schema, folder: Path) -> None:
    """Draw what the hold-out and out-of-fold probabilities show, as SVG files into `folder`."""
    folder.mkdir()
    unit = f" ({schema.target.unit['en']})" if schema.target.unit else ""
    label = f"{schema.target.label['en']}{unit}"
    if schema.target.classes:
        _classes(evaluation, schema, folder)
        if curves:
            _reliability(curves, folder)
    else:
        _numbers(evaluation, label, folder)
    growth = "probability that the right class loses" if schema.target.classes else f"growth of the mean error{unit}"
    labels = {field.name: field.label["en"] for field in schema.fields}
    shown = [(labels[name], value) for name, value in list(evaluation.importance.items())[:20]][::-1]
    with _figure(folder / "importance.svg", growth, "", 1.2 + 0.3 * len(shown)) as axes:
        axes.barh([name for name, _ in shown], [value for _, value in shown], color=ACCENT, height=0.6)


def _numbers(evaluation: Evaluation, label: str, folder: Path) -> None:
    actual, predicted = evaluation.actual, evaluation.predicted.values
    dots = {"s": 14, "alpha": 0.5, "color": ACCENT, "edgecolors": "none", "rasterized": len(actual) > 3000}
    ends = [min(actual.min(), predicted.min()), max(actual.max(), predicted.max())]
    with _figure(folder / "predicted.svg", f"actual {label}", "predicted") as axes:
        axes.plot(ends, ends, color=SOFT, linewidth=1)
        axes.scatter(actual, predicted, **dots)
    with _figure(folder / "residuals.svg", f"predicted {label}", "actual − predicted") as axes:
        axes.axhline(0, color=SOFT, linewidth=1)
        axes.scatter(predicted, actual - predicted, **dots)


def _classes(evaluation: Evaluation, schema: Schema, folder: Path) -> None:
    classes = schema.target.classes
    names = [str(value) for value in classes]
    positions = range(len(classes))
    matrix = confusion_matrix(evaluation.actual, evaluation.predicted.values, labels=positions)
    with _figure(folder / "confusion.svg", "predicted", "actual", 4.8) as axes:
        axes.imshow(matrix, cmap="Blues", vmax=matrix.max() * 1.6)
        ticks = [said(schema.target.class_labels.get(name), "en") or name for name in names]
        axes.set_xticks(positions, ticks)
        axes.set_yticks(positions, ticks)
        for (row, column), count in np.ndenumerate(matrix):
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=INK)
    scores = evaluation.predicted.probabilities
    if scores is None:
        return
    shown = [classes.index(schema.target.positive)] if len(classes) == 2 else positions
    with _figure(folder / "roc.svg", "false alarms (share of others)", "found (share of the class)") as axes:
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1)
        for position in shown:
            false_alarms, found, _ = roc_curve(evaluation.actual == position, scores[:, position])
            axes.plot(false_alarms, found, linewidth=1.8, label=names[position])
        axes.legend(frameon=False, title=schema.target.label["en"])


def _reliability(curves: Sequence[Curve], folder: Path) -> None:
    with _figure(folder / "calibration.svg", "predicted probability", "observed share") as axes:
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1)
        for (name, came_true, given), color in zip(curves, (INK, ACCENT)[-len(curves) :], strict=True):
            observed, predicted = calibration_curve(came_true, np.clip(given, 0, 1), n_bins=10, strategy="quantile")
            axes.plot(predicted, observed, marker="o", linewidth=1.2, markersize=4, label=name, color=color)
        axes.legend(frameon=False)


def card(
    tag: str,
    schema: Schema,
    metrics: dict[str, Any],
    leaderboard: pd.DataFrame,
    packages: dict[str, str],
    training_rows: bool,
    language: str,
) -> str:
    """The model card, as Markdown."""

    def t(key: str) -> str:
        return said(texts.CARD[key], language)

    target, rows = schema.target, metrics["rows"]
    unit = f" ({said(target.unit, language)})" if target.unit else ""
    data = metrics["data"]
    lines = [
        f"# {_cell(said(schema.texts['title'], language))}",
        "",
        _cell(said(schema.texts["summary"], language)),
        "",
    ]
    lines += [
        f"- **{t('task')}**: {t(schema.task)} {_cell(said(target.label, language))}{unit}",
        f"- **{t('estimator')}**: {metrics['estimator']}, "
        + t("chosen").format(metric=metrics["metric"], count=max(1, len(leaderboard))),
        f"- **{t('data')}**: {_cell(Path(data['source']).name)}, {t('rows').format(**rows)}"
        + (f"; {t('dropped').format(**data)}" if data.get("dropped") else ""),
        f"- **{t('engine')}**: {_engine(metrics['compiled'], language)}",
        f"- **{t('version')}**: {tag}",
        "",
        f"## {t('quality')}",
        "",
        t("quality_head"),
        "|---|---:|---:|---|",
    ]
    for name, fold in metrics["folds"].items():
        held = texts.number(metrics["holdout"][name])
        lines.append(
            f"| {name} | {texts.number(fold['mean'])} ± {texts.number(fold['sd'])} | {held} | {said(texts.METRICS[name], language)} |"
        )
    lines += ["", f"## {t('sure')}", "", *_sure(metrics, unit, language)]
    if len(leaderboard):
        lines += ["", f"## {t('board')}", "", *_board(leaderboard, language)]
    if metrics["failed"]:
        lines += [
            "",
            f"{t('failed')}: " + "; ".join(f"{name} ({_cell(why)})" for name, why in metrics["failed"].items()),
        ]
    lines += ["", f"## {t('inputs')}", "", t("inputs_head"), "|---|---|---|---|"]
    lines += [_input(field, language, t("yes") if field.nullable else t("no")) for field in schema.fields]
    if metrics["left_out"]:
        lines += [
            "",
            f"{t('left_out')}: "
            + "; ".join(f"{_cell(name)} ({_cell(why)})" for name, why in metrics["left_out"].items()),
        ]
    lines += ["", f"## {t('limits')}", ""]
    disclaimer = said(schema.texts["disclaimer"], language)
    lines += [f"- {_cell(text)}" for text in (disclaimer, t("limit_range"), t("limit_cause")) if text]
    lines += [f"- {t('kept_rows' if training_rows else 'kept_none')}"]
    lines += ["", f"{t('packages')}: " + ", ".join(f"{name} {version}" for name, version in packages.items()), ""]
    return "\n".join(lines)


def _engine(compiled: dict[str, Any], language: str) -> str:
    if "reason" in compiled:
        return said(texts.CARD["engine_native"], language).format(reason=_cell(compiled["reason"]))
    return said(texts.CARD["engine_onnx"], language).format(**compiled)


def _sure(metrics: dict[str, Any], unit: str, language: str) -> list[str]:
    """How far off numbers may be, or how good probabilities are."""

    def t(key: str, **values: Any) -> str:
        return said(texts.CARD[key], language).format(**values)

    found = metrics.get("interval") or metrics["calibration"]
    reason = said(texts.CARD.get(found.get("reason")), language) or _cell(found.get("reason", ""))
    if "interval" in metrics:
        if reason:
            return [t("interval_none", reason=reason)]
        figures = found | {"width": texts.number(found["width"]), "unit": unit}
        fifths = [
            f"| {texts.number(fifth['low'])} – {texts.number(fifth['high'])} | {fifth['covered']:.1%} | {texts.number(fifth['width'])} |"
            for fifth in found["fifths"]
        ]
        return [t("interval", **figures), "", t("interval_head"), "|---|---:|---:|", *fifths]
    if "brier" not in found:
        return [t("calibration_none", reason=reason)]
    before = t("brier", rows=found["rows"])
    if found["method"]:
        figures = found["brier"] | {"method": t(found["method"]), "changed": found["changed"]}
        return [before + t("brier_calibrated", **figures)]
    return [before + t("brier_own" if reason else "brier_kept", reason=reason, **found["brier"])]


def _board(leaderboard: pd.DataFrame, language: str) -> list[str]:
    columns = [name for name in leaderboard.columns if name != "id"]
    heads = [said(texts.CARD.get(name), language) or name for name in columns]
    lines = [f"| {' | '.join(heads)} |", "|---|" + "---:|" * (len(columns) - 1)]
    forms: dict[str, Callable[[Any], str]] = {"model": str, "seconds": "{:.1f}".format}
    for _, row in leaderboard.iterrows():
        lines.append("| " + " | ".join(forms.get(c, texts.number)(row[c]) for c in columns) + " |")
    return lines


def _input(field: Field, language: str, nullable: str) -> str:
    unit = f" ({said(field.unit, language)})" if field.unit else ""
    seen = f"{field.low} – {field.high}" if field.low is not None else ", ".join(map(str, field.categories[:12]))
    if len(field.categories) > 12:
        seen += f", … ({len(field.categories)})"
    return f"| {_cell(said(field.label, language))}{_cell(unit)} | {said(texts.KINDS[field.kind], language)} | {_cell(seen)} | {nullable} |"


def _cell(text: str) -> str:
    """Text from a table or a use case as Markdown shows it and never runs it."""
    for raw, safe in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "\\|"),
        ("\n", " "),
        ("`", "\\`"),
        ("[", "\\["),
        ("*", "\\*"),
    ):
        text = text.replace(raw, safe)
    return text
