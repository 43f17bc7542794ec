"""Words that people read, in English and Simplified Chinese."""

from typing import Any

from slipway.schema import fields as f
from slipway.schema.types import Text

LANGUAGES = ("en", "zh")


def translate(text: Text | None, language: str) -> str:
    """A text in the language asked for, else in English."""
    return (text or {}).get(language) or (text or {}).get("en", "")


def number(value: float) -> str:
    """A metric as a person reads it: thousands with commas, shares with three decimals."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3f}"


METRICS: dict[str, Text] = {
    "MAE": {"en": "how far off a prediction is on average", "zh": "预测的平均偏差"},
    "MSE": {"en": "mean of the squared errors", "zh": "误差平方的平均值"},
    "RMSE": {"en": "like MAE, but large errors weigh more", "zh": "类似 MAE，但大误差权重更高"},
    "R2": {"en": "share of the variation that is explained; 1 is perfect", "zh": "可解释的变异比例；1 为完美"},
    "RMSLE": {"en": "RMSE on the logarithm: relative errors", "zh": "取对数后的 RMSE：相对误差"},
    "MAPE": {"en": "mean error as a share of the true value", "zh": "误差占真实值的平均比例"},
    "Log loss": {
        "en": "how far the probabilities are from what came true; 0 is perfect, lower is better",
        "zh": "预测概率与实际结果的差距；0 为完美，越低越好",
    },
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

METRICS_AVERAGED: dict[str, Text] = {
    "AUC": {
        "en": "AUC of each class against the rest, averaged over the classes by their rows; 0.5 is chance",
        "zh": "各类别对其余类别的 AUC，按行数加权平均；0.5 为随机",
    },
    "Recall": {
        "en": "recall of each class, averaged over the classes by their rows",
        "zh": "各类别召回率，按行数加权平均",
    },
    "Prec.": {
        "en": "precision of each class, averaged over the classes by their rows",
        "zh": "各类别精确率，按行数加权平均",
    },
    "F1": {"en": "F1 of each class, averaged over the classes by their rows", "zh": "各类别 F1，按行数加权平均"},
}
"""The metrics that are averages where there is no one positive class."""

MODEL: dict[str, Text] = {
    "loading": {"en": "Loading …", "zh": "正在加载 …"},
    "predicts": {"en": "Predicts {target}", "zh": "预测：{target}"},
    "trained": {"en": "Trained", "zh": "训练日期"},
    "rows": {"en": "Rows", "zh": "数据行数"},
    "good_number": {
        "en": "On average a prediction is off by {error}.",
        "zh": "预测值平均偏差 {error}。",
    },
    "good_interval": {
        "en": "Each comes with an interval that holds about {part} of {whole} true values; on average it is {width} wide.",
        "zh": "每个预测值附有区间，每 {whole} 个真实值中约有 {part} 个在区间内；平均宽度为 {width}。",
    },
    "good_explained": {
        "en": "It explains {share} of what makes cases differ; 100% would be perfect.",
        "zh": "它解释了案例间差异的 {share}；100% 为完美。",
    },
    "good_nothing": {
        "en": "It does no better than naming the average every time.",
        "zh": "它并不比每次都给出平均值更好。",
    },
    "good_right": {
        "en": "{share} of its answers are right; always answering “{label}” would be right in {most}.",
        "zh": "答案正确的比例为 {share}；若总是回答“{label}”，正确比例为 {most}。",
    },
    "good_ranked": {
        "en": "Of two cases, one “{label}” and one not, it gives the first the higher probability in {share} of all pairs; chance would be 50%.",
        "zh": "任取一个“{label}”和一个非“{label}”的案例，它在 {share} 的情况下给前者更高的概率；随机为 50%。",
    },
    "good_found": {
        "en": "Of those that are in truth “{label}” it finds {found}; of those that it calls “{label}”, {right} are.",
        "zh": "实际为“{label}”的案例中，它找出 {found}；它判为“{label}”的案例中，{right} 判断正确。",
    },
    "metric": {"en": "Metric", "zh": "指标"},
    "folds": {"en": "Folds: mean ± SD", "zh": "交叉验证：均值 ± 标准差"},
    "holdout": {"en": "Hold-out", "zh": "保留集"},
    "words": {"en": "In words", "zh": "含义"},
    "unseen_folds": {
        "en": "From all {rows} rows, each answered by a model that was fitted without it.",
        "zh": "基于全部 {rows} 行，每行均由未使用该行训练的模型作答。",
    },
    "unseen_holdout": {
        "en": "From the {rows} rows that were held out.",
        "zh": "基于保留的 {rows} 行。",
    },
    "lacks": {
        "en": "This version was trained before its plots and its errors by group were measured. Train again to see them here.",
        "zh": "此版本训练时尚未记录图表和分组误差。重新训练后即可在此查看。",
    },
    "board_lead": {
        "en": "Means over the folds. Press a heading to sort by it.",
        "zh": "各折的平均值。点击表头可排序。",
    },
    "board_chosen": {"en": "chosen", "zh": "已选用"},
    "tuned": {
        "en": "It was tuned afterwards; the row shows it before.",
        "zh": "选用后又经过调优；表中为调优前的数值。",
    },
    "boxes": {"en": "Predicted against actual", "zh": "预测值与实际值"},
    "boxes_lead": {
        "en": "For each tenth of the predictions: where the true values lay. The bar holds the middle half of them, the thin line nine of ten, the mark the middle one.",
        "zh": "将预测值分为十段，显示每段的真实值所在。粗条为中间一半，细线为十分之九，竖线为中位数。",
    },
    "boxes_row": {
        "en": "Predicted {low} to {high}: half of the true values from {p25} to {p75}, nine of ten from {p5} to {p95}",
        "zh": "预测 {low} 至 {high}：一半的真实值在 {p25} 至 {p75}，十分之九在 {p5} 至 {p95}",
    },
    "range": {"en": "{low} to {high}", "zh": "{low} 至 {high}"},
    "boxes_predicted": {"en": "Predicted", "zh": "预测值"},
    "boxes_actual": {"en": "True values", "zh": "真实值"},
    "boxes_middle": {"en": "Middle", "zh": "中位数"},
    "truly": {"en": "truly {label}", "zh": "实际为{label}"},
    "answered": {"en": "answered {label}", "zh": "回答{label}"},
    "input": {"en": "Input", "zh": "输入"},
    "importance_is": {"en": "Worse by", "zh": "变差"},
    "roc": {"en": "Found against false alarms", "zh": "找出与误报"},
    "roc_lead": {
        "en": "The ROC curve: the more of a class is to be found, the more others are taken for it. The dotted line is chance.",
        "zh": "ROC 曲线：想找出的越多，误报也越多。虚线为随机。",
    },
    "roc_says": {
        "en": "“{label}”: at {alarms} false alarms, {found} are found.",
        "zh": "“{label}”：误报率为 {alarms} 时，找出 {found}。",
    },
    "roc_x": {"en": "False alarms (of the others)", "zh": "误报（占其他类）"},
    "roc_y": {"en": "Found (of the class)", "zh": "找出（占该类）"},
    "confusion": {"en": "Right and wrong answers", "zh": "正确与错误的答案"},
    "confusion_lead": {
        "en": "Each row is what was true, each column what the model answered; ✓ marks the right answers.",
        "zh": "每行为真实类别，每列为模型的答案；✓ 为正确答案。",
    },
    "reliability": {"en": "Predicted probability against what came true", "zh": "预测概率与实际比例"},
    "reliability_lead": {
        "en": "On the dotted line, of cases given 70%, 70 of 100 come true.",
        "zh": "在虚线上，概率为 70% 的案例中，每 100 个有 70 个成真。",
    },
    "reliability_x": {"en": "Predicted probability", "zh": "预测概率"},
    "reliability_y": {"en": "Came true", "zh": "实际比例"},
    "reliability_point": {
        "en": "given {predicted}, came true in {observed}",
        "zh": "预测 {predicted}，实际 {observed}",
    },
    "served": {"en": "as served", "zh": "对外提供的概率"},
    "before": {"en": "before calibration", "zh": "校准前"},
    "importance": {"en": "What it goes by", "zh": "依据哪些输入"},
    "importance_number": {
        "en": "How much further off predictions are, on average, when the values of one input are shuffled{unit}. Near zero: the model hardly needs it.",
        "zh": "打乱某项输入后，预测的平均偏差增加多少{unit}。接近零表示模型几乎不依赖它。",
    },
    "importance_class": {
        "en": "How much probability the right class loses, on average, when the values of one input are shuffled. Near zero: the model hardly needs it.",
        "zh": "打乱某项输入后，正确类别的概率平均降低多少。接近零表示模型几乎不依赖它。",
    },
    "importance_bare": {
        "en": "How many more answers are wrong when the values of one input are shuffled. Near zero: the model hardly needs it.",
        "zh": "打乱某项输入后，错误答案增加多少。接近零表示模型几乎不依赖它。",
    },
    "more_inputs": {"en": "and {count} more inputs", "zh": "以及其他 {count} 项输入"},
    "fifth": {"en": "Fifth of the predictions", "zh": "预测值（五等分）"},
    "inside": {"en": "Inside the interval", "zh": "区间内比例"},
    "width": {"en": "Mean width", "zh": "平均宽度"},
    "group": {"en": "Group", "zh": "分组"},
    "group_rows": {"en": "Rows", "zh": "行数"},
    "all_rows": {"en": "All rows", "zh": "全部"},
    "mae": {"en": "Off on average", "zh": "平均偏差"},
    "bias": {"en": "Too high (+) or low (−)", "zh": "偏高（+）或偏低（−）"},
    "covered": {"en": "Inside the interval", "zh": "区间内比例"},
    "brier": {"en": "Brier score", "zh": "Brier 分数"},
    "right": {"en": "Right answers", "zh": "正确答案"},
    "recall": {"en": "“{label}” found", "zh": "找出的“{label}”"},
    "few": {"en": "too few rows", "zh": "行数过少"},
    "worse": {"en": "worse", "zh": "较差"},
    "groups_shown": {
        "en": "The {count} inputs that count most are shown.",
        "zh": "仅显示最重要的 {count} 项输入。",
    },
    "group_table": {"en": "All groups", "zh": "全部分组"},
    "use": {"en": "Intended use and limits", "zh": "用途与局限"},
    "intended": {"en": "Made for: {summary}", "zh": "用途：{summary}"},
    "answers": {"en": "What answers", "zh": "由什么作答"},
    "versions": {"en": "Other versions in the store", "zh": "库中的其他版本"},
    "versions_lead": {
        "en": "The newest of the same name. The version that answers here is marked.",
        "zh": "同名的最新版本。当前提供服务的版本已标出。",
    },
    "versions_alone": {"en": "There is no other version of this name.", "zh": "没有同名的其他版本。"},
    "versions_older": {"en": "and {count} older", "zh": "以及 {count} 个更早的版本"},
    "here": {"en": "answers here", "zh": "当前版本"},
    "unreadable": {"en": "cannot be read", "zh": "无法读取"},
    "onnx": {"en": "compiled graph", "zh": "编译后的计算图"},
    "native": {"en": "fitted pipeline", "zh": "训练所得流水线"},
    "call": {"en": "Ways to call it", "zh": "调用方式"},
    "call_lead": {
        "en": "Each of these asks this server, as it stands; what else it answers is at {docs}.",
        "zh": "以下代码可直接运行并调用本服务器；其他接口见 {docs}。",
    },
    "curl": {"en": "On the command line, with curl", "zh": "命令行（curl）"},
    "requests": {"en": "In Python, with requests", "zh": "Python（requests）"},
    "bentoml": {"en": "In Python, with BentoML’s client", "zh": "Python（BentoML 客户端）"},
    "copy": {"en": "Copy", "zh": "复制"},
    "copied": {"en": "Copied", "zh": "已复制"},
    "selected": {"en": "Selected: copy it with Ctrl+C", "zh": "已选中，请按 Ctrl+C 复制"},
}
"""The Model tab; what the card says as well is in `CARD`."""

KINDS: dict[str, Text] = {
    "number": {"en": "number", "zh": "数值"},
    "integer": {"en": "whole number", "zh": "整数"},
    "boolean": {"en": "yes/no", "zh": "是/否"},
    "category": {"en": "category", "zh": "类别"},
    "date": {"en": "date", "zh": "日期"},
    "text": {"en": "text", "zh": "文本"},
}

CARD: dict[str, Text] = {
    "at_threshold": {
        "en": "Accuracy, recall, precision, F1, kappa and MCC are for the threshold {threshold}: at that probability or more, a case counts as “{label}”.",
        "zh": "准确率、召回率、精确率、F1、Kappa 和 MCC 均按阈值 {threshold} 计算：概率达到该值即视为“{label}”。",
    },
    "before_calibration": {
        "en": "They are for the probabilities before calibration; confusion matrix and groups are for those that are served.",
        "zh": "以上指标基于校准前的概率；混淆矩阵与分组结果基于实际提供的（校准后的）概率。",
    },
    "groups_threshold": {
        "en": "Classes are named at the threshold {threshold}.",
        "zh": "类别按阈值 {threshold} 判定。",
    },
    "model": {"en": "Model", "zh": "模型"},
    "seconds": {"en": "Seconds", "zh": "秒"},
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
    "sure": {"en": "How sure it is", "zh": "把握程度"},
    "interval": {
        "en": "Each prediction comes with an interval for {coverage:.0%} of true values, made from errors on rows that "
        "the model had not seen. Of {rows:,} such rows, each judged by an interval made from others, "
        "{covered:.1%} lie inside; the mean width is {width}.",
        "zh": "每个预测值都附有一个区间，旨在包含 {coverage:.0%} 的真实值，依据模型未见过的数据上的误差得出。"
        "在 {rows:,} 行此类数据中（每行均由其他行得出的区间来检验），{covered:.1%} 落在区间内；平均宽度为 {width}。",
    },
    "interval_head": {
        "en": "| Fifth of the predictions | Inside | Mean width |",
        "zh": "| 预测值（五等分） | 区间内比例 | 平均宽度 |",
    },
    "interval_none": {
        "en": "Predictions come without an interval: {reason}.",
        "zh": "预测值不附区间：{reason}。",
    },
    "brier": {
        "en": "Brier score (mean squared error of the probabilities, 0 is perfect) on {rows:,} rows that the model had not seen: ",
        "zh": "Brier 分数（概率的均方误差，0 为完美），基于模型未见过的 {rows:,} 行数据：",
    },
    "brier_kept": {
        "en": "{before:.4f}. Calibration would not lower it by more than chance, so the probabilities are the estimator's own.",
        "zh": "{before:.4f}。校准带来的改善不超过随机波动，因此概率直接来自模型本身。",
    },
    "brier_own": {
        "en": "{before:.4f}. The probabilities are the estimator's own: {reason}.",
        "zh": "{before:.4f}。概率直接来自模型本身：{reason}。",
    },
    "brier_calibrated": {
        "en": "{before:.4f} before and {after:.4f} after calibration ({method}). What is served is calibrated; the figures "
        "above are of the model before it. The most likely class changed in {changed:.1%} of the rows.",
        "zh": "校准前 {before:.4f}，校准后 {after:.4f}（{method}）。对外提供的是校准后的概率；上方指标为校准前的模型。"
        "{changed:.1%} 的行最可能的类别发生了变化。",
    },
    "calibration_none": {
        "en": "The probabilities were not measured or calibrated: {reason}.",
        "zh": "未对概率进行检验或校准：{reason}。",
    },
    "sigmoid": {"en": "sigmoid", "zh": "S 形函数"},
    "isotonic": {"en": "isotonic", "zh": "保序回归"},
    "too few rows": {"en": "too few rows", "zh": "数据行数过少"},
    "the estimator has no probabilities": {"en": "the estimator has no probabilities", "zh": "该模型不提供概率"},
    "the probabilities were calibrated, or a threshold chosen, before": {
        "en": "they were calibrated, or a threshold chosen, before",
        "zh": "概率此前已校准，或已选定阈值",
    },
    "groups": {"en": "Where it is better or worse", "zh": "对哪些情况较好或较差"},
    "groups_lead": {
        "en": "Compared for each category and for quarters of each number; only what is beyond chance is named. "
        "Some groups are harder to predict by nature.",
        "zh": "按每个类别和每个数值的四分位分组比较；仅列出超出随机波动的差异。有些分组本身就较难预测。",
    },
    "groups_alike": {
        "en": "No group is clearly worse than the others.",
        "zh": "没有明显较差的分组。",
    },
    "worse_mae": {
        "en": "{group}: predictions are off by {here} on average, against {whole} for all.",
        "zh": "{group}：预测值平均偏差 {here}，总体为 {whole}。",
    },
    "worse_covered": {
        "en": "{group}: the interval holds {here} of the true values, against {whole} for all.",
        "zh": "{group}：区间包含 {here} 的真实值，总体为 {whole}。",
    },
    "worse_right": {
        "en": "{group}: {here} of the answers are right, against {whole} for all.",
        "zh": "{group}：{here} 的答案正确，总体为 {whole}。",
    },
    "worse_brier": {
        "en": "{group}: the probabilities are further off (Brier score {here}, against {whole} for all).",
        "zh": "{group}：概率偏差较大（Brier 分数 {here}，总体为 {whole}）。",
    },
    "worse_recall": {
        "en": "{group}: of those that are in truth “{label}”, {here} are found, against {whole} for all.",
        "zh": "{group}：实际为“{label}”的案例中找出 {here}，总体为 {whole}。",
    },
    "group": {"en": "{field}, {value}", "zh": "{field} {value}"},
    "positive": {"en": "{target}: {label}", "zh": "{target}：{label}"},
    "group_range": {"en": "{low} to {high}", "zh": "{low} 至 {high}"},
    "group_others": {"en": "{count} rarer ones", "zh": "其他 {count} 种"},
    "inputs": {"en": "Inputs", "zh": "输入"},
    "inputs_head": {
        "en": "| Input | Kind | Seen in training | May be missing |",
        "zh": "| 输入 | 类型 | 训练范围 | 可缺失 |",
    },
    "left_out": {"en": "Left out", "zh": "未使用的列"},
    "limits": {"en": "Limits", "zh": "局限"},
    "limit_range": {
        "en": "Outside the ranges seen in training the model guesses; it says so in a warning.",
        "zh": "超出训练数据的范围时模型只是猜测，并会给出警告。",
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
    "engine": {"en": "Served by", "zh": "运行方式"},
    "engine_onnx": {
        "en": "a compiled graph (ONNX) that answered as the fitted pipeline did on {rows:,} rows "
        "(largest difference {largest:.1g}; {seconds} s)",
        "zh": "编译后的计算图（ONNX），在 {rows:,} 行上与训练所得流水线一致（最大差异 {largest:.1g}；{seconds} 秒）",
    },
    "engine_native": {
        "en": "the fitted pipeline itself, since it was not compiled: {reason}",
        "zh": "训练所得流水线本身；未编译的原因：{reason}",
    },
    "packages": {"en": "Packages", "zh": "软件包"},
    "yes": {"en": "yes", "zh": "是"},
    "no": {"en": "no", "zh": "否"},
    "notes": {"en": "How the table was read", "zh": "数据的读取方式"},
    "note_comma": {"en": ", ", "zh": "、"},
    "note_taken_for_missing": {"en": "{field}: {cells} was taken for missing.", "zh": "{field}：{cells} 被视为缺失。"},
    "note_numbers_as_text": {
        "en": "{field} is text: {numbers:,} of {different:,} different values are numbers, but not {cells}.",
        "zh": "{field} 按文本读取：{different:,} 个不同的值中有 {numbers:,} 个是数字，但 {cells} 不是。",
    },
    "note_numbers_with_signs": {
        "en": "{field} is text: its numbers have a currency or percent sign, as in {cells}.",
        "zh": "{field} 按文本读取：其数字带有货币或百分号，例如 {cells}。",
    },
    "note_commas_as_text": {
        "en": "{field} is text: its numbers have a comma, as in {cells}, and commas separate the columns.",
        "zh": "{field} 按文本读取：其数字含有逗号（例如 {cells}），而逗号是列分隔符。",
    },
    "note_decimal_comma": {
        "en": "{field}: numbers are read with a decimal comma; a point separates thousands.",
        "zh": "{field}：逗号按小数点读取，句点按千位分隔符读取。",
    },
    "note_decimal_point": {
        "en": "{field}: numbers are read with a decimal point; a comma separates thousands.",
        "zh": "{field}：句点按小数点读取，逗号按千位分隔符读取。",
    },
    "note_merged": {
        "en": "{field}: {cells} are read as the same number.",
        "zh": "{field}：{cells} 被读作同一个数字。",
    },
    "note_day_first": {"en": "{field}: dates are read day first.", "zh": "{field}：日期按“日/月/年”读取。"},
    "note_month_first": {"en": "{field}: dates are read month first.", "zh": "{field}：日期按“月/日/年”读取。"},
    "note_time_dropped": {
        "en": "{field}: only the day counts; the time of day was dropped (values: {rows:,}).",
        "zh": "{field}：仅使用日期，丢弃了一天中的时间（{rows:,} 个值）。",
    },
    "note_beyond_doubles": {
        "en": "{field}: whole numbers beyond 2^53 are rounded, so that neighbours may be one value to the model (values: {rows:,}).",
        "zh": "{field}：超过 2^53 的整数会被舍入，模型可能无法区分相邻的值（{rows:,} 个值）。",
    },
    "note_class_left_out": {
        "en": "{field}: the class “{value}” has too few rows and was left out, with its rows ({rows:,}).",
        "zh": "{field}：类别“{value}”的行数过少（{rows:,}），该类别及其数据行未使用。",
    },
    "note_folds_for_class": {
        "en": "{folds} folds instead of {asked}: the class “{value}” of {field} has {rows:,} rows.",
        "zh": "使用 {folds} 折而非 {asked} 折：{field} 的类别“{value}”只有 {rows:,} 行。",
    },
    "note_folds_for_rows": {
        "en": "{folds} folds instead of {asked}: there are {rows:,} rows.",
        "zh": "使用 {folds} 折而非 {asked} 折：只有 {rows:,} 行数据。",
    },
    "note_leak": {
        "en": "{field} alone nearly gives {target} away. If it is only known afterwards, or worked out from {target}, "
        "the model looks better than it is: then leave {field} out and train again.",
        "zh": "仅凭 {field} 几乎就能得知 {target}。如果它是事后才知道的，或由结果推算而来，模型会显得比实际更好："
        "请去掉 {field} 后重新训练。",
    },
}

PAGE: dict[str, Text] = {
    "other_language": {"en": "中文", "zh": "English"},
    "tab_predict": {"en": "Predict", "zh": "预测"},
    "tab_batch": {"en": "Batch", "zh": "批量"},
    "tab_data": {"en": "Data", "zh": "数据"},
    "tab_model": {"en": "Model", "zh": "模型"},
    "examples": {"en": "Start from an example", "zh": "从示例开始"},
    "reset": {"en": "Reset", "zh": "重置"},
    "not_measured": {"en": "Not measured", "zh": "未测量"},
    "range": {"en": "{low} to {high} in training", "zh": "训练范围 {low} 至 {high}"},
    "heading_example": {"en": "Example: change a field to make it yours", "zh": "示例：修改任一项即可得到您的结果"},
    "heading_answer": {"en": "For the values shown", "zh": "根据所示的输入内容"},
    "heading_old": {"en": "For earlier values; updating …", "zh": "先前内容的结果，正在更新 …"},
    "heading_none": {"en": "No answer", "zh": "没有结果"},
    "unanswered": {"en": "The server gave no answer for these values.", "zh": "服务器未能给出这些内容的结果。"},
    "earlier": {"en": "For earlier values", "zh": "先前内容的结果"},
    "wait": {"en": "Wait for the answer to these values.", "zh": "请等待当前内容的结果。"},
    "heading_faults": {"en": "No answer yet", "zh": "尚无结果"},
    "mend": {"en": "Please mend the marked fields.", "zh": "请修正标出的项目。"},
    "probabilities": {"en": "Probabilities", "zh": "概率"},
    "interval": {
        "en": "{part} of {whole} similar cases lie between {low} and {high}{unit}.",
        "zh": "{whole} 个类似案例中有 {part} 个介于 {low} 与 {high}{unit}之间。",
    },
    "warnings": {"en": "Please note", "zh": "请注意"},
    "answer_number": {"en": "Predicted {target}: {prediction}", "zh": "预测的{target}：{prediction}"},
    "answer_class": {
        "en": "{target}: most likely {prediction} ({probability})",
        "zh": "{target}：最可能为 {prediction}（{probability}）",
    },
    "answer_less_likely_class": {
        "en": "{target}: {prediction} (probability {probability})",
        "zh": "{target}：{prediction}（概率 {probability}）",
    },
    "answer_bare_class": {"en": "{target}: most likely {prediction}", "zh": "{target}：最可能为 {prediction}"},
    "model": {"en": "Model", "zh": "模型"},
    "why": {"en": "Why", "zh": "为什么"},
    "why_number": {
        "en": "Over a sample of the training data the average answer is {base}. These values move it to {prediction}:",
        "zh": "在训练数据的样本中，平均结果为 {base}。以下数值使其变为 {prediction}：",
    },
    "why_class": {
        "en": "On average over a sample of the training data, “{class}” has {base}. These values move it to {prediction}, in percentage points:",
        "zh": "在训练数据的样本中，“{class}”的平均概率为 {base}。以下数值使其变为 {prediction}（单位：百分点）：",
    },
    "why_rest": {"en": "{count} others", "zh": "其他 {count} 项"},
    "why_note": {
        "en": "It shows how the model came to its answer, not what causes what.",
        "zh": "这说明模型如何得出结果，而非因果关系。",
    },
    "whatif": {"en": "What if", "zh": "如果改变"},
    "whatif_field": {"en": "This one changes, and all else stays", "zh": "改变这一项，其他各项不变"},
    "inputs": {"en": "Inputs", "zh": "输入内容"},
    "replaced": {"en": "Values of the link that do not fit, and were replaced", "zh": "链接中不合适的数值，已被替换"},
    "standing": {
        "en": "All outcomes in training; this one is higher than {share} of 100. The band holds the interval.",
        "zh": "训练数据中的全部结果；此结果高于其中每 100 例的 {share} 例。色带为上述区间。",
    },
    "of_a_hundred": {
        "en": "Of 100 cases like this, about {count} turned out “{label}” ({target}).",
        "zh": "每 100 个类似案例中，约有 {count} 个为“{label}”（{target}）。",
    },
    "of_a_hundred_not": {
        "en": "How many of 100 cases like this turn out “{label}” ({target}) is not certain: for the {rows} unseen cases "
        "between {low} and {high} the model said {predicted} of 100, and {observed} of 100 did.",
        "zh": "每 100 个类似案例中有多少个为“{label}”（{target}）尚不能确定：在 {rows} 个未见过的、概率介于 {low} 与 {high} "
        "的案例中，模型预计每 100 个有 {predicted} 个，实际有 {observed} 个。",
    },
    "verdict_above": {
        "en": "From {threshold} on, this counts as “{label}”.",
        "zh": "达到 {threshold} 即视为“{label}”。",
    },
    "verdict_below": {"en": "Below {threshold}, this counts as “{label}”.", "zh": "低于 {threshold}，视为“{label}”。"},
    "threshold": {"en": "Where to draw the line", "zh": "如何划定界限"},
    "threshold_name": {"en": "Threshold", "zh": "界限"},
    "threshold_label": {"en": "Probability from which a case counts as “{label}”", "zh": "概率达到多少即视为“{label}”"},
    "threshold_lead": {
        "en": "With the line at {threshold}, of {cases} cases like those in training, judged by a model that had not seen them:",
        "zh": "界限为 {threshold} 时，以训练数据中的 {cases} 个同类案例计（由未见过它们的模型判断）：",
    },
    "threshold_true": {"en": "{count} are in truth “{label}”", "zh": "{count} 个实际为“{label}”"},
    "threshold_others": {"en": "{count} are not", "zh": "{count} 个实际不是"},
    "threshold_found": {"en": "{count} found", "zh": "找出 {count} 个"},
    "threshold_missed": {"en": "{count} missed", "zh": "漏掉 {count} 个"},
    "threshold_spared": {"en": "{count} rightly left alone", "zh": "正确排除 {count} 个"},
    "threshold_alarms": {"en": "{count} false alarms", "zh": "误报 {count} 个"},
    "threshold_note": {
        "en": "A lower line misses fewer and alarms more. Moving it changes this page only; the API and batch files go by {own}.",
        "zh": "界限越低，漏掉的越少，误报越多。移动它只影响本页；API 和批量文件按 {own} 判定。",
    },
    "link": {"en": "Copy link", "zh": "复制链接"},
    "print": {"en": "Print", "zh": "打印"},
    "compare": {"en": "Compare", "zh": "加入对比"},
    "link_copied": {
        "en": "Link copied. It holds the values; no server sees them.",
        "zh": "链接已复制。数值只在链接中，服务器看不到。",
    },
    "link_shown": {"en": "The link stands in the address bar.", "zh": "链接已显示在地址栏中。"},
    "compare_added": {"en": "Added below: change the form and compare.", "zh": "已加入下方：修改表单即可对比。"},
    "compare_full": {"en": "Six are compared already; remove one first.", "zh": "已有六项，请先移除一项。"},
    "compare_title": {"en": "Side by side", "zh": "并排对比"},
    "compare_note": {
        "en": "The last column is the form as it stands. What differs from the first column is marked ≠.",
        "zh": "最后一列为当前表单。与第一列不同之处以 ≠ 标出。",
    },
    "compare_now": {"en": "Now", "zh": "当前"},
    "compare_case": {"en": "Case", "zh": "案例"},
    "compare_open": {"en": "Open", "zh": "打开"},
    "compare_remove": {"en": "Remove", "zh": "移除"},
    "compare_answer": {"en": "Answer", "zh": "结果"},
    "compare_differs": {"en": "(differs)", "zh": "（不同）"},
    "whatif_summary": {
        "en": "{field} from {low} to {high}: {first} to {last}",
        "zh": "{field}从 {low} 到 {high}：{first} 至 {last}",
    },
    "whatif_part": {"en": "{shown} of {all} values are shown.", "zh": "显示 {all} 个值中的 {shown} 个。"},
}

BATCH: dict[str, Text] = {
    "lead": {
        "en": "Predict a whole table. Columns may stand in any order; others are kept. The file goes to this server only, and is not stored.",
        "zh": "对整个表格进行预测。列的顺序不限，其他列会保留。文件只发送到本服务器，不会保存。",
    },
    "choose": {"en": "Choose a CSV or Parquet file, or drop it here", "zh": "选择 CSV 或 Parquet 文件，或拖放到此处"},
    "limits": {"en": "Up to {rows} rows and {megabytes} MB", "zh": "最多 {rows} 行、{megabytes} MB"},
    "template": {"en": "Download a CSV to start from", "zh": "下载 CSV 模板"},
    "needs": {"en": "Columns it needs", "zh": "所需的列"},
    "reasons_ask": {"en": "Add reasons", "zh": "附上原因"},
    "reasons_note": {
        "en": "What each value added to its prediction. For files of up to {most} rows; {most} take about {seconds} s.",
        "zh": "每个数值对预测的影响。适用于不超过 {most} 行的文件；{most} 行约需 {seconds} 秒。",
    },
    "reasons_too_many": {
        "en": "The file has {rows} rows. Reasons are added for up to {most}, so it is predicted without them.",
        "zh": "文件有 {rows} 行。最多为 {most} 行附上原因，因此本次预测不附原因。",
    },
    "reading": {"en": "Reading {name} …", "zh": "正在读取 {name} …"},
    "working": {"en": "Predicting {name} …", "zh": "正在预测 {name} …"},
    "explaining": {
        "en": "Predicting and explaining {rows} rows of {name}: about {seconds} s …",
        "zh": "正在预测并解释 {name} 的 {rows} 行：约 {seconds} 秒 …",
    },
    "cancel": {"en": "Cancel", "zh": "取消"},
    "again": {"en": "Try again", "zh": "重试"},
    "done": {"en": "{good} of {rows} rows of {name} predicted", "zh": "{name}：已预测 {rows} 行中的 {good} 行"},
    "download": {"en": "Download all rows with predictions", "zh": "下载全部预测结果"},
    "defused": {
        "en": "Cells that a spreadsheet would run as a formula begin with an apostrophe there.",
        "zh": "其中会被电子表格当作公式执行的单元格前加了单引号。",
    },
    "understood": {"en": "What was understood", "zh": "文件解读"},
    "rows": {"en": "Rows", "zh": "行数"},
    "form": {"en": "Form", "zh": "格式"},
    "parquet": {"en": "Parquet", "zh": "Parquet"},
    "comma": {"en": "CSV, cells separated by commas", "zh": "CSV，以逗号分隔"},
    "semicolon": {"en": "CSV, cells separated by semicolons", "zh": "CSV，以分号分隔"},
    "tab": {"en": "CSV, cells separated by tabs", "zh": "CSV，以制表符分隔"},
    "decimal_comma": {
        "en": "{form}; numbers with a decimal comma, in the download too",
        "zh": "{form}；小数点为逗号，下载的文件亦同",
    },
    "matched": {"en": "Columns used ({count})", "zh": "已使用的列（{count}）"},
    "ignored": {"en": "Columns kept, but not used ({count})", "zh": "保留但未使用的列（{count}）"},
    "missing": {"en": "Columns missing ({count})", "zh": "缺少的列（{count}）"},
    "none": {"en": "none", "zh": "无"},
    "nearest": {"en": "{name} (is it “{near}”?)", "zh": "{name}（是否为“{near}”？）"},
    "and_more": {"en": "and {count} more", "zh": "等 {count} 列"},
    "needed": {
        "en": "{name} cannot be predicted: columns are missing. Name them as below and choose the file again.",
        "zh": "无法预测 {name}：缺少列。请按下列名称补全后重新选择文件。",
    },
    "histogram": {"en": "How the predictions are distributed", "zh": "预测值的分布"},
    "histogram_says": {
        "en": "{count} predictions from {low} to {high}, half of them below {middle}; most ({most}) lie from {start} to {end}.",
        "zh": "共 {count} 个预测值，从 {low} 到 {high}，一半低于 {middle}；最多的（{most} 个）介于 {start} 与 {end} 之间。",
    },
    "histogram_bar": {"en": "{start} to {end}: {count}", "zh": "{start} 至 {end}：{count}"},
    "histogram_rows": {"en": "rows", "zh": "行数"},
    "classes": {"en": "How many of each", "zh": "各类数量"},
    "table": {"en": "Rows", "zh": "明细"},
    "filter": {"en": "Show rows that contain", "zh": "只显示包含以下内容的行"},
    "only_faulty": {"en": "Only rows without a prediction ({count})", "zh": "只显示未能预测的行（{count}）"},
    "shown": {"en": "{first} to {last} of {count}", "zh": "第 {first} 至 {last} 行，共 {count} 行"},
    "shown_none": {"en": "No row", "zh": "没有符合的行"},
    "previous": {"en": "Previous", "zh": "上一页"},
    "next": {"en": "Next", "zh": "下一页"},
    "columns_left": {"en": "{count} more columns are in the download.", "zh": "另有 {count} 列，见下载的文件。"},
    "row": {"en": "Row", "zh": "行"},
    "prediction": {"en": "Prediction", "zh": "预测"},
    "low": {"en": "Low", "zh": "下限"},
    "high": {"en": "High", "zh": "上限"},
    "probability": {"en": "Probability: {label}", "zh": "概率：{label}"},
    "reasons": {"en": "Largest reasons", "zh": "主要原因"},
    "reasons_points": {
        "en": "Largest reasons (percentage points of “{label}”)",
        "zh": "主要原因（“{label}”的百分点）",
    },
    "reasons_predicted": {
        "en": "Largest reasons (percentage points of the predicted class)",
        "zh": "主要原因（所预测类别的百分点）",
    },
    "warnings": {"en": "Please note", "zh": "请注意"},
    "problems": {"en": "Why not", "zh": "未能预测的原因"},
    "faulty": {"en": "Rows without a prediction", "zh": "未能预测的行"},
    "more": {"en": "… and {count} more; the file names them all", "zh": "…… 另有 {count} 行，文件中均已注明"},
    "offline": {
        "en": "The server cannot be reached. Try again in a moment.",
        "zh": "无法连接服务器，请稍后再试。",
    },
    "failed": {"en": "The server could not answer (status {status}).", "zh": "服务器未能处理（状态码 {status}）。"},
    "unanswered": {
        "en": "What came back for {name} is not a table of predictions (status {status}). Try again, or ask whoever runs the server.",
        "zh": "{name} 收到的内容不是预测结果表（状态码 {status}）。请重试，或联系服务器管理员。",
    },
    "too_big": {
        "en": "{name} has {size} MB; the limit is {limit} MB. Split it, or leave columns out.",
        "zh": "{name} 为 {size} MB，上限为 {limit} MB。请拆分文件或删去部分列。",
    },
    "too_big_text": {
        "en": "{name} is {size} MB as text; the limit is {limit} MB. Split it, or leave columns out.",
        "zh": "{name} 转为文本后为 {size} MB，上限为 {limit} MB。请拆分文件或删去部分列。",
    },
    "unread": {
        "en": "{name} cannot be read as Parquet ({reason}). Save it anew, or as CSV.",
        "zh": "{name} 无法作为 Parquet 读取（{reason}）。请重新保存，或另存为 CSV。",
    },
    "unread_none": {"en": "it does not begin as Parquet does", "zh": "开头不是 Parquet 格式"},
    "unread_codec": {"en": "compressed with {codec}", "zh": "使用了 {codec} 压缩"},
}
"""What the batch tab says; the browser fills in what stands in braces."""

BATCH_PHRASES: tuple[tuple[str, str], ...] = (
    (r"^line (\d+): ", "第 $1 行："),
    (f.UNKNOWN_CATEGORY, "未知类别"),
    (f.WRONG_TYPE, "类型不符"),
    (f.NOT_FINITE, "不是有限的数字"),
    (f.OUT_OF_BOUNDS, "超出允许范围"),
    (f.OUT_OF_RANGE, "超出训练范围"),
    (f.READ_AS_MISSING, "视为未测量"),
    (f.NO_ANSWER, "模型无法给出结果"),
    (f.NULL, "不能为空"),
    (r", expected ", "，应为 "),
    (r"a number\b", "数字"),
    (r"a whole number\b", "整数"),
    (r"a date such as", "日期，例如"),
    (r"(\d+) cells, the header has (\d+)", "有 $1 个单元格，而表头有 $2 个"),
    (r"\(left over: (.*)\)", "（多出：$1）"),
    (r"^the file: ", "文件"),
    (r"^the answer: ", "结果"),
    (r"is empty; expected a header line and rows", "为空；应有表头和数据行"),
    (r"has a header \((\d+) columns\) and no rows", "只有表头（$1 列），没有数据行"),
    (r"is not a text table .*", "不是文本表格；请另存为 UTF-8 编码的 CSV"),
    (r"is an? (.+) file, not a CSV text; save the table as CSV", "是 $1 文件，不是 CSV；请将表格另存为 CSV"),
    (r"has the column name (.+) (\d+) times; rename them", "中列名 $1 出现了 $2 次；请改名"),
    (r"the row that begins on line (\d+) is not valid CSV: .*", "从第 $1 行开始的一行不是有效的 CSV"),
    (
        r"has at least ([\d,]+) rows; (?:with reasons )?the limit is ([\d,]+) .*",
        "至少有 $1 行，上限为 $2 行；请拆分文件",
    ),
    (
        r"has at least ([\d,]+) cells on line (\d+); the limit is ([\d,]+) .*",
        "第 $2 行至少有 $1 个单元格，上限为 $3 个；请去掉模型不用的列",
    ),
    (
        r"has at least ([\d,]+) characters in a cell of line (\d+); .*",
        "第 $2 行的一个单元格至少有 $1 个字符，超过上限；请缩短",
    ),
    (
        r"has at least ([\d,]+) cells; the limit is ([\d,]+) .*",
        "至少有 $1 个单元格，上限为 $2 个；请拆分文件或去掉模型不用的列",
    ),
    (r"has at least ([\d,]+) .*; the limit is ([^ ]+) .*", "过大（至少 $1，上限 $2）；请拆分文件或缩短单元格"),
    (r"^the server has no room for the file .*", "服务器磁盘空间不足，请稍后再试"),
    (f.TWO_READINGS, "有两种读法"),
    (r" or (?=[\d.]+$)", " 或 "),
    (r"^more than (\d+) MB in one call.*", "文件超过 $1 MB 的上限"),
    (r"^(\d+ )?faults? in the records; .*", "有数据行无法预测"),
)
"""What the server says of rows and files, as patterns of JavaScript, and what a Chinese page says instead."""

DATA: dict[str, Text] = {
    "lead": {
        "en": "The model learnt from {rows} rows with {fields} fields each to predict {target}. "
        "These are summaries of them; no single row can be read here.",
        "zh": "模型从 {rows} 行数据（每行 {fields} 个字段）中学习预测{target}。以下均为汇总，看不到任何一行原始数据。",
    },
    "none": {
        "en": "This version was saved before summaries of the training data were kept. Train it again to see them here.",
        "zh": "此版本保存时尚未保留训练数据的汇总。重新训练后即可在此查看。",
    },
    "alerts": {"en": "What stands out", "zh": "值得注意"},
    "alerts_none": {
        "en": "Nothing unusual: no field is often missing, nearly constant, very lopsided or doubled by another, and none gives the answer away.",
        "zh": "没有异常：没有字段大量缺失、几乎不变、严重偏斜或与其他字段重复，也没有字段直接泄露答案。",
    },
    "more": {"en": "{count} more", "zh": "其他 {count} 条"},
    "alert_leak": {
        "en": "{field} alone nearly gives {target} away. If it is only known afterwards, or worked out from it, the model looks better than it is: then leave this field out and train again.",
        "zh": "仅凭{field}几乎就能得知{target}。如果它是事后才知道的，或由结果推算而来，模型会显得比实际更好：请去掉该字段后重新训练。",
    },
    "alert_imbalance": {
        "en": "Only {share} of the rows ({rows}) are {value}. Always giving the most frequent answer would be right in {largest} of them, so a high share of right answers alone proves nothing: look at how many of the rare ones are found.",
        "zh": "只有 {share} 的行（{rows} 行）是{value}。总是给出最常见的答案也能答对 {largest}，因此仅看正确率说明不了问题：请看少数类别有多少被找出。",
    },
    "alert_missing": {
        "en": "{field} is missing in {share} of the rows. What the model says of it rests on the others; measure it where you can.",
        "zh": "{field}在 {share} 的行中缺失。模型对它的判断只依据其余的行；如有条件请尽量测量。",
    },
    "alert_twins": {
        "en": "{field} and {other} say nearly the same ({association} of 1). One of them would do; the reasons for an answer are shared out between both.",
        "zh": "{field}与{other}几乎说明同一件事（{association}，最高为 1）。保留其一即可；解释结果时，两者会分摊作用。",
    },
    "alert_constant": {
        "en": "{field} is {value} in {share} of the rows. The model has seen little else and can say little about it.",
        "zh": "{field}在 {share} 的行中都是{value}。模型很少见到其他情况，因此难以据此判断。",
    },
    "alert_rare": {
        "en": "{field}: {values} in fewer than {below} rows each. Answers for such cases are hardly better than a guess; collect more of them, or join values that mean much the same.",
        "zh": "{field}：{values}各自不足 {below} 行。对这类情况的结果与猜测相差不大；请收集更多数据，或合并含义相近的取值。",
    },
    "alert_skewed": {
        "en": "{field}: most values lie close together and a few lie far {side} them. Answers for the far ones rest on few rows.",
        "zh": "{field}：大多数取值集中在一起，少数远{side}它们。对这些极端值的结果只依据很少的数据。",
    },
    "above": {"en": "above", "zh": "高于"},
    "under": {"en": "below", "zh": "低于"},
    "comma": {"en": ", ", "zh": "、"},
    "and_more": {"en": " and {count} more", "zh": "及另外 {count} 个取值"},
    "target": {"en": "What is predicted: {target}", "zh": "预测目标：{target}"},
    "target_spread": {
        "en": "Half of the rows lie below {middle}; eight of ten lie between {low} and {high}.",
        "zh": "一半的行低于 {middle}；十分之八介于 {low} 与 {high} 之间。",
    },
    "target_classes": {"en": "Most often {value}: {share} of the rows.", "zh": "最常见的是{value}：占 {share}。"},
    "fields": {"en": "What it is predicted from", "zh": "预测依据"},
    "fields_most": {
        "en": "The {shown} of {count} fields that go most with {target}.",
        "zh": "共 {count} 个字段，此处为与{target}关联最强的 {shown} 个。",
    },
    "range": {"en": "{low} to {high}; half lie below {middle}", "zh": "{low} 至 {high}；一半低于 {middle}"},
    "values": {"en": "{count} different values; most often {value}", "zh": "{count} 种取值；最常见的是{value}"},
    "length": {"en": "free text; here by its length in characters", "zh": "自由文本；此处按字符数统计"},
    "complete": {"en": "never missing", "zh": "无缺失"},
    "missing": {"en": "missing in {share} of the rows ({count})", "zh": "{share} 的行缺失（{count} 行）"},
    "goes_0": {"en": "hardly goes with {target}", "zh": "与{target}几乎无关"},
    "goes_1": {"en": "goes weakly with {target}", "zh": "与{target}弱相关"},
    "goes_2": {"en": "goes moderately with {target}", "zh": "与{target}中等相关"},
    "goes_3": {"en": "goes strongly with {target}", "zh": "与{target}强相关"},
    "spread": {"en": "How often", "zh": "分布"},
    "often": {
        "en": "{field}: most often {value}, in {share} of the rows that have it",
        "zh": "{field}：最常见的是 {value}，占有值行的 {share}",
    },
    "bar": {"en": "{value}: {count} rows", "zh": "{value}：{count} 行"},
    "tail_low": {"en": "The first bar holds all below {end}.", "zh": "第一根柱包含低于 {end} 的全部取值。"},
    "tail_high": {"en": "The last bar holds all from {end} on.", "zh": "最后一根柱包含 {end} 及以上的全部取值。"},
    "rows": {"en": "Rows", "zh": "行数"},
    "share": {"en": "Share", "zh": "占比"},
    "count": {"en": "{count} rows", "zh": "{count} 行"},
    "middle": {"en": "Middle", "zh": "中位数"},
    "others": {"en": "{count} others", "zh": "其他 {count} 种"},
    "by": {"en": "{target} by {field}", "zh": "{target}（按{field}）"},
    "middles": {
        "en": "Middle value: lowest {least} ({lowest}), highest {most} ({highest}).",
        "zh": "中位数：最低 {least}（{lowest}），最高 {most}（{highest}）。",
    },
    "shares": {
        "en": "Share: lowest {least} ({lowest}), highest {most} ({highest}).",
        "zh": "占比：最低 {least}（{lowest}），最高 {most}（{highest}）。",
    },
    "throughout": {"en": "About the same throughout: {value}.", "zh": "各处大致相同：{value}。"},
    "box_note": {
        "en": "The thick bar holds the middle half of the rows, the thin line nine of ten, the upright stroke is the middle value: half lie below it. Where there are fewer than {rows} rows, nothing is shown.",
        "zh": "粗条包含中间一半的行，细线包含十分之九，竖线为中位数（一半低于它）。不足 {rows} 行时不显示。",
    },
    "share_note": {
        "en": "The upright line is the share among all rows, {share}. Where there are fewer than {rows} rows, nothing is shown.",
        "zh": "竖线为全部数据中的占比 {share}。不足 {rows} 行时不显示。",
    },
    "class_note": {
        "en": "Shares of each class; a stronger tint is a larger share. Where there are fewer than {rows} rows, nothing is shown.",
        "zh": "各类别的占比；颜色越深占比越大。不足 {rows} 行时不显示。",
    },
    "together": {"en": "What goes together", "zh": "字段之间的关联"},
    "together_lead": {
        "en": "From 0 (not at all) to 1 (one tells the other). It does not say which causes which.",
        "zh": "从 0（毫无关联）到 1（由一个可知另一个）。这并不说明因果关系。",
    },
    "pairs": {"en": "The strongest pairs:", "zh": "关联最强的组合："},
}
"""The Data tab."""

ONLINE: dict[str, Text] = {
    "lost": {
        "en": "The server cannot be reached. Your values are still here; it tries again.",
        "zh": "无法连接服务器。您填写的内容仍在，正在重试。",
    },
    "failed": {
        "en": "The server answered with an error ({status}). Your values are still here; it tries again.",
        "zh": "服务器返回错误（{status}）。您填写的内容仍在，正在重试。",
    },
    "unread": {
        "en": "What came back is not an answer of this server. Your values are still here; it tries again.",
        "zh": "收到的内容不是本服务器的结果。您填写的内容仍在，正在重试。",
    },
    "slow": {
        "en": "The server has not answered for a minute. Your values are still here; it tries again.",
        "zh": "服务器一分钟内没有回应。您填写的内容仍在，正在重试。",
    },
    "changed": {
        "en": "The server has another version now. Reload the page to go on.",
        "zh": "服务器已更换版本，请重新加载页面后继续。",
    },
    "reload": {"en": "Reload", "zh": "重新加载"},
}

PROBLEMS: dict[str, Text] = {
    f.MISSING_FIELD: {"en": "Please fill this in.", "zh": "请填写此项。"},
    f.NULL: {"en": "Please fill this in.", "zh": "请填写此项。"},
    f.WRONG_TYPE: {"en": "Expected {expected}.", "zh": "应为{expected}。"},
    f.NOT_FINITE: {"en": "Expected {expected}.", "zh": "应为{expected}。"},
    f.UNKNOWN_CATEGORY: {"en": "Expected one of {expected}.", "zh": "应为以下之一：{expected}。"},
    f.OUT_OF_BOUNDS: {
        "en": "{value} is not possible here; expected {expected}.",
        "zh": "{value} 超出允许范围，应为 {expected}。",
    },
    f.OUT_OF_RANGE: {
        "en": "{field}: {value} is outside what the model has seen ({expected}); the answer is a guess.",
        "zh": "{field}：{value} 超出模型见过的范围（{expected}），结果仅为猜测。",
    },
    f.READ_AS_MISSING: {"en": "{field}: {value} is read as not measured.", "zh": "{field}：{value} 被视为未测量。"},
    f.TWO_READINGS: {
        "en": "{value} can be read in two ways; write {expected}.",
        "zh": "{value} 有两种读法，请写成 {expected}。",
    },
    f.NO_ANSWER: {"en": "The model has no answer for this value.", "zh": "模型无法对该数值给出结果。"},
}
"""Problems of the schema as the page says them."""

NULL_OR_TICK: Text = {"en": "Fill this in, or tick “Not measured”.", "zh": "请填写，或勾选“未测量”。"}

_EXPECTED: dict[str, Text] = {
    "a number": {"en": "a number", "zh": "数字"},
    "a whole number": {"en": "a whole number", "zh": "整数"},
    "a date such as 2024-05-31": {"en": "a date such as 2024-05-31", "zh": "日期，例如 2024-05-31"},
    "a text": {"en": "a text", "zh": "文本"},
}
_BOUNDS: dict[str, Text] = {
    "both": {"en": "{minimum} to {maximum}", "zh": "{minimum} 至 {maximum}"},
    "minimum": {"en": "at least {minimum}", "zh": "至少 {minimum}"},
    "maximum": {"en": "at most {maximum}", "zh": "至多 {maximum}"},
}


def problem(detail: dict[str, Any], label: str, language: str) -> str:
    """A fault or warning in words; `label` is the field's."""
    text = translate(PROBLEMS.get(detail["problem"], {"en": detail["problem"]}), language)
    return text.format(field=label, value=detail["value"], expected=_expected(detail["expected"], language))


def _expected(expected: Any, language: str) -> str:
    if isinstance(expected, dict):
        ends = {key: value for key, value in expected.items() if value is not None}
        return translate(_BOUNDS["both" if len(ends) == 2 else next(iter(ends), "both")], language).format(**ends)
    if isinstance(expected, list):
        return ", ".join(map(str, expected))
    return translate(_EXPECTED.get(str(expected), {"en": str(expected)}), language)
