"""What a version says of itself: the model card, in two languages, and the plots.

Plots are SVG whose text stays text, so that a browser draws it in its own fonts (matplotlib's
lack Chinese) and a screen reader can read it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, roc_curve

from slipway.evaluation import Evaluation
from slipway.schema import Field, Schema
from slipway.usecase import Text

INK, ACCENT, SOFT = "#4a5568", "#2563a8", "#b9c6d6"

METRIC_TEXTS: dict[str, Text] = {
    "MAE": {"en": "how far off a prediction is on average", "zh": "预测的平均偏差"},
    "MSE": {"en": "mean of the squared errors", "zh": "误差平方的平均值"},
    "RMSE": {"en": "like MAE, but large errors weigh more", "zh": "类似 MAE，但大误差权重更高"},
    "R2": {"en": "share of the variation that is explained; 1 is perfect", "zh": "可解释的变异比例；1 为完美"},
    "RMSLE": {"en": "RMSE on the logarithm: relative errors", "zh": "取对数后的 RMSE：相对误差"},
    "MAPE": {"en": "mean error as a share of the true value", "zh": "误差占真实值的平均比例"},
    "Accuracy": {"en": "share of right answers", "zh": "正确答案的比例"},
    "AUC": {
        "en": "how often a positive is ranked above a negative; 0.5 is chance",
        "zh": "正例排在负例之前的概率；0.5 为随机",
    },
    "Recall": {"en": "share of positives that are found", "zh": "被找出的正例比例"},
    "Prec.": {"en": "share of the found that are positive", "zh": "被找出者中真正为正例的比例"},
    "F1": {"en": "balance of recall and precision", "zh": "召回率与精确率的平衡"},
    "Kappa": {"en": "agreement beyond chance", "zh": "超出随机的一致性"},
    "MCC": {"en": "correlation of answer and truth", "zh": "答案与真实的相关性"},
}

PLOT_TEXTS: dict[str, Text] = {
    "predicted": {"en": "Predicted against actual values of the hold-out", "zh": "保留集：预测值与真实值"},
    "residuals": {"en": "Residuals of the hold-out", "zh": "保留集残差"},
    "roc": {"en": "ROC curve of the hold-out", "zh": "保留集 ROC 曲线"},
    "confusion": {"en": "Confusion matrix of the hold-out", "zh": "保留集混淆矩阵"},
    "calibration": {"en": "Predicted probability against observed share", "zh": "预测概率与实际比例"},
    "importance": {"en": "How much the error grows when an input is shuffled", "zh": "打乱某项输入后误差的增加量"},
}


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
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(6.4, height), layout="constrained")
        axes = figure.subplots()
        axes.set(xlabel=xlabel, ylabel=ylabel)
        yield axes
        figure.savefig(path, format="svg", metadata={"Date": None})


def plots(evaluation: Evaluation, schema: Schema, folder: Path) -> None:
    """Draw what the hold-out shows, as SVG files into `folder`."""
    folder.mkdir()
    unit = f" ({schema.target.unit['en']})" if schema.target.unit else ""
    label = f"{schema.target.label['en']}{unit}"
    if schema.target.classes:
        _classes(evaluation, schema, folder)
    else:
        _numbers(evaluation, label, folder)
    growth = "share of right answers lost" if schema.target.classes else f"growth of the mean error{unit}"
    shown = list(evaluation.importance.items())[:20][::-1]
    with _figure(folder / "importance.svg", growth, "", 1.2 + 0.3 * len(shown)) as axes:
        axes.barh([name for name, _ in shown], [value for _, value in shown], color=ACCENT, height=0.6)


def _numbers(evaluation: Evaluation, label: str, folder: Path) -> None:
    actual, predicted = np.asarray(evaluation.actual, float), np.asarray(evaluation.predicted, float)
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
    matrix = confusion_matrix([str(v) for v in evaluation.actual], [str(v) for v in evaluation.predicted], labels=names)
    with _figure(folder / "confusion.svg", "predicted", "actual", 4.8) as axes:
        axes.imshow(matrix, cmap="Blues", vmax=matrix.max() * 1.6)
        axes.set_xticks(range(len(names)), names)
        axes.set_yticks(range(len(names)), names)
        for (row, column), count in np.ndenumerate(matrix):
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=INK)
    if evaluation.probabilities is None:
        return
    shown = [schema.target.positive] if len(classes) == 2 else list(classes)
    scores = pd.DataFrame(evaluation.probabilities)
    actual = np.asarray([str(value) for value in evaluation.actual])
    with _figure(folder / "roc.svg", "false alarms (share of others)", "found (share of the class)") as axes:
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1)
        for value in map(str, shown):
            false_alarms, found, _ = roc_curve(actual == value, scores[value])
            axes.plot(false_alarms, found, linewidth=1.8, label=value)
        axes.legend(frameon=False, title=schema.target.label["en"])
    with _figure(folder / "calibration.svg", "predicted probability", "observed share") as axes:
        axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1)
        for value in map(str, shown):
            observed, predicted = calibration_curve(actual == value, scores[value], n_bins=8, strategy="quantile")
            axes.plot(predicted, observed, marker="o", linewidth=1.2, markersize=4, label=value)
        axes.legend(frameon=False, title=schema.target.label["en"])


_CARD: dict[str, Text] = {
    "task": {"en": "Task", "zh": "任务"},
    "regression": {"en": "predicts the number", "zh": "预测数值"},
    "classification": {"en": "predicts the class", "zh": "预测类别"},
    "estimator": {"en": "Estimator", "zh": "模型"},
    "chosen": {"en": "the best {metric} of {count} tried", "zh": "在 {count} 个模型中 {metric} 最佳"},
    "data": {"en": "Data", "zh": "数据"},
    "rows": {
        "en": "{all:,} rows: {train:,} to compare and choose, {holdout:,} held out; the served model is fitted on all",
        "zh": "共 {all:,} 行：{train:,} 行用于比较和选择，{holdout:,} 行保留用于检验；最终模型使用全部数据拟合",
    },
    "dropped": {"en": "{dropped:,} rows without target were dropped", "zh": "丢弃了 {dropped:,} 行无目标值的数据"},
    "quality": {"en": "How good it is", "zh": "模型质量"},
    "quality_head": {
        "en": "| Metric | Folds (mean ± SD) | Hold-out | In words |",
        "zh": "| 指标 | 交叉验证（均值 ± 标准差） | 保留集 | 含义 |",
    },
    "board": {"en": "Models that were tried", "zh": "尝试过的模型"},
    "failed": {"en": "Could not be fitted", "zh": "无法拟合"},
    "inputs": {"en": "Inputs", "zh": "输入"},
    "inputs_head": {
        "en": "| Input | Kind | Seen in training | May be missing |",
        "zh": "| 输入 | 类型 | 训练范围 | 可缺失 |",
    },
    "left_out": {"en": "Left out", "zh": "未使用的列"},
    "plots": {"en": "Pictures", "zh": "图表"},
    "limits": {"en": "Limits", "zh": "局限"},
    "limit_range": {
        "en": "Outside the ranges above the model guesses; it says so in a warning.",
        "zh": "超出上述范围时模型只是猜测，并会给出警告。",
    },
    "limit_cause": {
        "en": "It shows what went together in the data, not what causes what.",
        "zh": "它反映数据中的关联，而非因果关系。",
    },
    "kept_rows": {
        "en": "Up to 64 training rows, without target and identifiers, are kept with the version for explanations.",
        "zh": "版本中保留最多 64 行训练数据（不含目标和标识符），用于解释。",
    },
    "kept_none": {"en": "No training row is kept with the version.", "zh": "版本中不保留任何训练数据行。"},
    "version": {"en": "Version", "zh": "版本"},
    "packages": {"en": "Packages", "zh": "软件包"},
    "yes": {"en": "yes", "zh": "是"},
    "no": {"en": "no", "zh": "否"},
}


def said(text: Text | None, language: str) -> str:
    """A text in the language asked for, else in English."""
    return (text or {}).get(language) or (text or {}).get("en", "")


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
        return said(_CARD[key], language)

    target, rows = schema.target, metrics["rows"]
    unit = f" ({said(target.unit, language)})" if target.unit else ""
    data = metrics["data"]
    lines = [f"# {_cell(said(schema.texts['title'], language))}", "", _cell(said(schema.texts["summary"], language)), ""]
    lines += [
        f"- **{t('task')}**: {t(schema.task)} {_cell(said(target.label, language))}{unit}",
        f"- **{t('estimator')}**: {metrics['estimator']}, "
        + t("chosen").format(metric=metrics["metric"], count=max(1, len(leaderboard))),
        f"- **{t('data')}**: {_cell(Path(data['source']).name)}, {t('rows').format(**rows)}"
        + (f"; {t('dropped').format(**data)}" if data.get("dropped") else ""),
        f"- **{t('version')}**: {tag}",
        "",
        f"## {t('quality')}",
        "",
        t("quality_head"),
        "|---|---:|---:|---|",
    ]
    for name, fold in metrics["folds"].items():
        held = figure(metrics["holdout"][name])
        lines.append(f"| {name} | {figure(fold['mean'])} ± {figure(fold['sd'])} | {held} | {said(METRIC_TEXTS[name], language)} |")
    if len(leaderboard):
        lines += ["", f"## {t('board')}", "", *_board(leaderboard)]
    if metrics["failed"]:
        lines += ["", f"{t('failed')}: " + "; ".join(f"{name} ({_cell(why)})" for name, why in metrics["failed"].items())]
    lines += ["", f"## {t('inputs')}", "", t("inputs_head"), "|---|---|---|---|"]
    lines += [_input(field, language, t("yes") if field.nullable else t("no")) for field in schema.fields]
    if metrics["left_out"]:
        lines += ["", f"{t('left_out')}: " + "; ".join(f"{_cell(name)} ({_cell(why)})" for name, why in metrics["left_out"].items())]
    lines += ["", f"## {t('limits')}", ""]
    disclaimer = said(schema.texts["disclaimer"], language)
    lines += [f"- {_cell(text)}" for text in (disclaimer, t("limit_range"), t("limit_cause")) if text]
    lines += [f"- {t('kept_rows' if training_rows else 'kept_none')}"]
    lines += ["", f"{t('packages')}: " + ", ".join(f"{name} {version}" for name, version in packages.items()), ""]
    return "\n".join(lines)


def figure(value: float) -> str:
    """A metric as a person reads it: thousands with commas, shares with three decimals."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"


def _board(leaderboard: pd.DataFrame) -> list[str]:
    columns = [name for name in leaderboard.columns if name != "id"]
    lines = [f"| {' | '.join(columns)} |", "|---|" + "---:|" * (len(columns) - 1)]
    for _, row in leaderboard.iterrows():
        lines.append("| " + " | ".join(str(row[c]) if c == "model" else figure(row[c]) for c in columns) + " |")
    return lines


def _input(field: Field, language: str, nullable: str) -> str:
    unit = f" ({said(field.unit, language)})" if field.unit else ""
    seen = f"{field.low} – {field.high}" if field.low is not None else ", ".join(map(str, field.categories[:12]))
    if len(field.categories) > 12:
        seen += f", … ({len(field.categories)})"
    return f"| {_cell(said(field.label, language))}{_cell(unit)} | {field.kind} | {_cell(seen)} | {nullable} |"


def _cell(text: str) -> str:
    """Text from a table or a use case as Markdown shows it and never runs it."""
    for raw, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("\n", " "), ("`", "\\`"), ("[", "\\["), ("*", "\\*")):
        text = text.replace(raw, safe)
    return text
