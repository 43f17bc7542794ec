"""Words that people read, in English and Simplified Chinese."""

from typing import Any

from slipway import fields as f
from slipway.usecase import Text

LANGUAGES = ("en", "zh")


def said(text: Text | None, language: str) -> str:
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

PLOTS: dict[str, Text] = {
    "predicted": {"en": "Predicted against actual values of the hold-out", "zh": "保留集：预测值与真实值"},
    "residuals": {"en": "Residuals of the hold-out", "zh": "保留集残差"},
    "roc": {"en": "ROC curve of the hold-out", "zh": "保留集 ROC 曲线"},
    "confusion": {"en": "Confusion matrix of the hold-out", "zh": "保留集混淆矩阵"},
    "calibration": {
        "en": "Predicted probability against observed share, of rows the model had not seen",
        "zh": "模型未见过的数据：预测概率与实际比例",
    },
    "importance": {"en": "How much the error grows when an input is shuffled", "zh": "打乱某项输入后误差的增加量"},
}

KINDS: dict[str, Text] = {
    "number": {"en": "number", "zh": "数值"},
    "integer": {"en": "whole number", "zh": "整数"},
    "boolean": {"en": "yes/no", "zh": "是/否"},
    "category": {"en": "category", "zh": "类别"},
    "date": {"en": "date", "zh": "日期"},
    "text": {"en": "text", "zh": "文本"},
}

CARD: dict[str, Text] = {
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
        "{covered:.1%} lie inside; the mean width is {width}{unit}.",
        "zh": "每个预测值都附有一个区间，旨在包含 {coverage:.0%} 的真实值，依据模型未见过的数据上的误差得出。"
        "在 {rows:,} 行此类数据中（每行均由其他行得出的区间来检验），{covered:.1%} 落在区间内；平均宽度为 {width}{unit}。",
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
    "inputs": {"en": "Inputs", "zh": "输入"},
    "inputs_head": {
        "en": "| Input | Kind | Seen in training | May be missing |",
        "zh": "| 输入 | 类型 | 训练范围 | 可缺失 |",
    },
    "left_out": {"en": "Left out", "zh": "未使用的列"},
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
}

PAGE: dict[str, Text] = {
    "other_language": {"en": "中文", "zh": "English"},
    "tab_predict": {"en": "Predict", "zh": "预测"},
    "tab_batch": {"en": "Batch", "zh": "批量"},
    "tab_about": {"en": "About", "zh": "关于"},
    "examples": {"en": "Start from an example", "zh": "从示例开始"},
    "reset": {"en": "Reset", "zh": "重置"},
    "not_measured": {"en": "Not measured", "zh": "未测量"},
    "range": {"en": "{low} to {high} in training", "zh": "训练范围 {low} 至 {high}"},
    "heading_example": {"en": "Example: change a field to make it yours", "zh": "示例：修改任一项即可得到您的结果"},
    "heading_answer": {"en": "For the values you entered", "zh": "根据您输入的数值"},
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
    "whatif_summary": {
        "en": "{field} from {low} to {high}: {first} to {last}",
        "zh": "{field}从 {low} 到 {high}：{first} 至 {last}",
    },
    "batch_lead": {
        "en": "Predict a whole CSV. Columns may stand in any order; others are kept. The file goes to this server only, and is not stored.",
        "zh": "对整个 CSV 文件进行预测。列的顺序不限，其他列会保留。文件只发送到本服务器，不会保存。",
    },
    "batch_choose": {"en": "Choose a CSV file, or drop it here", "zh": "选择 CSV 文件，或拖放到此处"},
    "batch_template": {"en": "Download a CSV to start from", "zh": "下载 CSV 模板"},
    "batch_needs": {"en": "Columns it needs", "zh": "所需的列"},
    "batch_working": {"en": "Predicting {name} …", "zh": "正在预测 {name} …"},
    "batch_done": {"en": "{good} of {rows} rows of {name} predicted", "zh": "{name}：已预测 {rows} 行中的 {good} 行"},
    "batch_first": {"en": "First rows", "zh": "前几行"},
    "batch_faulty": {"en": "Rows without a prediction", "zh": "未能预测的行"},
    "batch_more": {"en": "… and {count} more; the file names them all", "zh": "…… 另有 {count} 行，文件中均已注明"},
    "batch_download": {"en": "Download all rows with predictions", "zh": "下载全部预测结果"},
    "batch_offline": {
        "en": "The server cannot be reached. Try again in a moment.",
        "zh": "无法连接服务器，请稍后再试。",
    },
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
    text = said(PROBLEMS.get(detail["problem"], {"en": detail["problem"]}), language)
    return text.format(field=label, value=detail["value"], expected=_expected(detail["expected"], language))


def _expected(expected: Any, language: str) -> str:
    if isinstance(expected, dict):
        ends = {key: value for key, value in expected.items() if value is not None}
        return said(_BOUNDS["both" if len(ends) == 2 else next(iter(ends), "both")], language).format(**ends)
    if isinstance(expected, list):
        return ", ".join(map(str, expected))
    return said(_EXPECTED.get(str(expected), {"en": str(expected)}), language)
