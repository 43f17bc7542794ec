"""Faults, warnings and refusals in words, made from their codes and values in the reader's language.

Three kinds of text are made of a fault: `problem` in an answer of the API, one sentence for a cell
of a CSV or a command line, and one for the form, where field and value stand beside it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from slipway.errors import ExpectedType, Fault, FaultCode, RequestCode, WarningCode
from slipway.i18n.formats import format_value
from slipway.i18n.texts import translate
from slipway.schema.fields import TEXT_LIMIT
from slipway.schema.types import Text

LISTED = 20
"""Values of an `expected` that a sentence names."""

PROBLEMS: dict[FaultCode | WarningCode, Text] = {
    FaultCode.MISSING_FIELD: {"en": "missing field", "zh": "缺少字段"},
    FaultCode.UNKNOWN_FIELD: {"en": "unknown field", "zh": "未知字段"},
    FaultCode.NULL: {"en": "must not be missing", "zh": "不能为空"},
    FaultCode.WRONG_TYPE: {"en": "wrong type", "zh": "类型不符"},
    FaultCode.NOT_FINITE: {"en": "not a finite number", "zh": "不是有限的数字"},
    FaultCode.UNKNOWN_CATEGORY: {"en": "unknown category", "zh": "未知类别"},
    FaultCode.OUT_OF_BOUNDS: {"en": "must be {bounds}", "zh": "须{bounds}"},
    FaultCode.TEXT_TOO_LONG: {"en": "must have at most {maximum} characters", "zh": "最多 {maximum} 个字符"},
    FaultCode.UNKNOWN_CLASS: {"en": "unknown class", "zh": "未知类别"},
    FaultCode.AMBIGUOUS_NUMBER: {"en": "can be read in two ways", "zh": "有两种读法"},
    FaultCode.WRONG_CELL_COUNT: {
        "en": "{cells} cells, the header has {columns}{left_over}",
        "zh": "有 {cells} 个单元格，而表头有 {columns} 个{left_over}",
    },
    FaultCode.MISSING_COLUMN: {"en": "missing column", "zh": "缺少列"},
    FaultCode.NO_FINITE_PREDICTION: {
        "en": "the model gives no finite prediction for this value",
        "zh": "模型无法对该值给出结果",
    },
    WarningCode.OUT_OF_RANGE: {"en": "outside the range seen in training", "zh": "超出训练范围"},
    WarningCode.READ_AS_MISSING: {"en": "read as not measured", "zh": "视为未测量"},
}
"""`problem` in the answers of the API."""

FORM: dict[FaultCode | WarningCode, Text] = {
    FaultCode.MISSING_FIELD: {"en": "Please fill this in.", "zh": "请填写此项。"},
    FaultCode.NULL: {"en": "Please fill this in.", "zh": "请填写此项。"},
    FaultCode.WRONG_TYPE: {"en": "Expected {expected}.", "zh": "应为{expected}。"},
    FaultCode.NOT_FINITE: {"en": "Expected {expected}.", "zh": "应为{expected}。"},
    FaultCode.UNKNOWN_CATEGORY: {"en": "Expected one of {expected}.", "zh": "应为以下之一：{expected}。"},
    FaultCode.OUT_OF_BOUNDS: {
        "en": "{value} is not possible here; expected {expected}.",
        "zh": "{value} 超出允许范围，应为 {expected}。",
    },
    FaultCode.TEXT_TOO_LONG: {
        "en": "This text is too long; at most {maximum} characters are possible.",
        "zh": "文本过长，最多 {maximum} 个字符。",
    },
    FaultCode.AMBIGUOUS_NUMBER: {
        "en": "{value} can be read in two ways; write {expected}.",
        "zh": "{value} 有两种读法，请写成 {expected}。",
    },
    FaultCode.NO_FINITE_PREDICTION: {
        "en": "The model has no prediction for this value.",
        "zh": "模型无法对该数值给出结果。",
    },
    WarningCode.OUT_OF_RANGE: {
        "en": "{field}: {value} is outside what the model has seen ({expected}); the answer is a guess.",
        "zh": "{field}：{value} 超出模型见过的范围（{expected}），结果仅为猜测。",
    },
    WarningCode.READ_AS_MISSING: {
        "en": "{field}: {value} is read as not measured.",
        "zh": "{field}：{value} 被视为未测量。",
    },
}
"""Faults and warnings as the form says them; those that no form can have are not here."""

EXPECTED_TYPES: dict[ExpectedType, Text] = {
    ExpectedType.NUMBER: {"en": ExpectedType.NUMBER, "zh": "数字"},
    ExpectedType.WHOLE_NUMBER: {"en": ExpectedType.WHOLE_NUMBER, "zh": "整数"},
    ExpectedType.DATE: {"en": ExpectedType.DATE, "zh": "日期，例如 2024-05-31"},
    ExpectedType.TEXT: {"en": ExpectedType.TEXT, "zh": "文本"},
    ExpectedType.RECORD: {"en": ExpectedType.RECORD, "zh": "含模型各字段的对象"},
}
BOUNDS: dict[str, Text] = {
    "both": {"en": "between {minimum} and {maximum}", "zh": "介于 {minimum} 与 {maximum} 之间"},
    "minimum": {"en": "at least {minimum}", "zh": "至少为 {minimum}"},
    "maximum": {"en": "at most {maximum}", "zh": "至多为 {maximum}"},
}
RANGES: dict[str, Text] = {
    "both": {"en": "{minimum} to {maximum}", "zh": "{minimum} 至 {maximum}"},
    "minimum": {"en": "at least {minimum}", "zh": "至少 {minimum}"},
    "maximum": {"en": "at most {maximum}", "zh": "至多 {maximum}"},
}
MARKS: dict[str, Text] = {
    "field_value": {"en": "{field}: {value} ", "zh": "{field}：{value} "},
    "field_only": {"en": "{field}: ", "zh": "{field}："},
    "expected": {"en": ", expected {expected}", "zh": "，应为 {expected}"},
    "left_over": {"en": " (left over: {cells})", "zh": "（多出：{cells}）"},
    "line": {"en": "line {line}: ", "zh": "第 {line} 行："},
    "between": {"en": "; ", "zh": "；"},
    "comma": {"en": ", ", "zh": "、"},
    "or": {"en": " or ", "zh": " 或 "},
}
"""What stands between the parts of a sentence."""

SELF_EXPLAINING = frozenset({FaultCode.OUT_OF_BOUNDS, FaultCode.TEXT_TOO_LONG})
"""Codes whose `problem` says what was expected."""

OWN_TEXT = "{text}"
"""The exception's own English, which command lines print too."""

REFUSALS: dict[RequestCode, Text] = {
    RequestCode.INVALID_RECORDS: {
        "en": OWN_TEXT,
        "zh": "数据中有 {count:,} 处错误，details 列出各字段及应有的值（最多 100 处）",
    },
    RequestCode.MISSING_COLUMNS: {"en": OWN_TEXT, "zh": "缺少列：{columns}"},
    RequestCode.INVALID_JSON: {
        "en": "the body is not valid JSON ({reason}); expected {expected}",
        "zh": "请求正文不是有效的 JSON（{reason}）；应为 {expected}",
    },
    RequestCode.UNEXPECTED_BODY: {
        "en": "the body has {found}; expected {expected}",
        "zh": "请求正文应为 {expected}",
    },
    RequestCode.RECORDS_NOT_A_LIST: {
        "en": "`records` is not a list; expected a list of objects, one for each prediction",
        "zh": "`records` 不是列表；应为对象的列表，每个预测一个对象",
    },
    RequestCode.NO_RECORDS: {
        "en": "`records` is empty; expected a list of objects, one for each prediction",
        "zh": "`records` 为空；应为对象的列表，每个预测一个对象",
    },
    RequestCode.UNSUPPORTED_MEDIA_TYPE: {
        "en": "the content type is {found}; send {expected}",
        "zh": "不支持内容类型 {found}；请使用 {expected}",
    },
    RequestCode.INVALID_FORM: {
        "en": "the form cannot be read ({reason}); send multipart/form-data with the field `file`",
        "zh": "无法读取表单（{reason}）；请使用 multipart/form-data，并包含字段 `file`",
    },
    RequestCode.MISSING_FILE: {
        "en": "the form has no file in the field `file`; send the CSV there",
        "zh": "表单的字段 `file` 中没有文件；请在其中发送 CSV",
    },
    RequestCode.INVALID_OPTION: {
        "en": "`{option}` is {found}; expected true or false",
        "zh": "`{option}` 为 {found}；应为 true 或 false",
    },
    RequestCode.NOT_A_CLASSIFIER: {
        "en": OWN_TEXT,
        "zh": "`class` 仅适用于预测类别的模型；“{target}”为数值，请去掉",
    },
    RequestCode.NO_PROBABILITIES: {"en": OWN_TEXT, "zh": "该模型只给出类别而没有概率，因此无法解释"},
    RequestCode.EMPTY_FILE: {"en": OWN_TEXT, "zh": "文件为空；应有表头和数据行"},
    RequestCode.NO_ROWS: {"en": OWN_TEXT, "zh": "文件只有表头（{columns} 列），没有数据行"},
    RequestCode.NOT_A_CSV: {"en": OWN_TEXT, "zh": "文件为 {kind} 格式，不是 CSV；请将表格另存为 CSV"},
    RequestCode.NOT_TEXT: {"en": OWN_TEXT, "zh": "文件不是文本表格；请另存为 UTF-8 编码的 CSV"},
    RequestCode.INVALID_CSV: {"en": OWN_TEXT, "zh": "从第 {line} 行开始的一行不是有效的 CSV"},
    RequestCode.DUPLICATE_COLUMN: {"en": OWN_TEXT, "zh": "列名“{column}”出现了 {times} 次；请改名"},
    RequestCode.BODY_TOO_LARGE: {
        "en": "more than {limit} MB in one call, which is the limit (SLIPWAY_MAX_MEGABYTES)",
        "zh": "请求超过 {limit} MB 的上限（SLIPWAY_MAX_MEGABYTES）",
    },
    RequestCode.TOO_MANY_VALUES: {
        "en": "the body has at least {found:,} commas and brackets, more than the most records of this model have "
        "(SLIPWAY_MAX_RECORDS): send the records in several calls, or as a file to /predict_csv",
        "zh": "请求正文至少有 {found:,} 个逗号和括号，超过上限（SLIPWAY_MAX_RECORDS）：请分多次发送，或以文件发送至 /predict_csv",
    },
    RequestCode.TOO_MANY_RECORDS: {
        "en": "{found:,} records in one call; the limit is {limit:,} (SLIPWAY_MAX_RECORDS): send them in several, or as "
        "a file to /predict_csv",
        "zh": "一次请求有 {found:,} 条记录，上限为 {limit:,} 条（SLIPWAY_MAX_RECORDS）：请分多次发送，或以文件发送至 /predict_csv",
    },
    RequestCode.TOO_MANY_ROWS: {"en": OWN_TEXT, "zh": "文件至少有 {found:,} 行，上限为 {limit:,} 行；请拆分文件"},
    RequestCode.TOO_MANY_COLUMNS: {
        "en": OWN_TEXT,
        "zh": "文件第 {line} 行至少有 {found:,} 个单元格，上限为 {limit:,} 个；请去掉模型不用的列",
    },
    RequestCode.TOO_MANY_CELLS: {
        "en": OWN_TEXT,
        "zh": "文件至少有 {found:,} 个单元格，上限为 {limit:,} 个；请拆分文件或去掉模型不用的列",
    },
    RequestCode.CELL_TOO_LONG: {
        "en": OWN_TEXT,
        "zh": "文件第 {line} 行至少有 {found:,} 个字符，上限为 {limit:,} 个；请缩短单元格，并检查引号是否成对",
    },
    RequestCode.RESULT_TOO_LARGE: {
        "en": OWN_TEXT,
        "zh": "结果至少有 {found:,} 字节，上限为 {limit:,} 字节；请拆分文件",
    },
    RequestCode.NO_DISK_SPACE: {
        "en": "the server has no room for the file on its disk; send it again later",
        "zh": "服务器磁盘空间不足，请稍后再试",
    },
    RequestCode.NOT_FOUND: {
        "en": "the page has nothing here; the API is described at /docs",
        "zh": "页面没有此内容；API 说明见 /docs",
    },
    RequestCode.STALE_PAGE: {
        "en": "the page is of another version; reload it",
        "zh": "页面属于另一版本；请重新加载",
    },
    RequestCode.INVALID_EVENT: {
        "en": "the page does not make such a call; the API is described at /docs",
        "zh": "页面不会发出这样的请求；API 说明见 /docs",
    },
}
"""`error` in the answers of the API."""


def refusal(code: RequestCode, values: Mapping[str, Any], language: str = "en") -> str:
    """Why a whole request is refused: `error` of the answer."""
    return translate(REFUSALS[code], language).format_map(values)


def problem(fault: Fault, language: str = "en") -> str:
    """`problem` of a fault or warning: what is wrong with the value, without field and value."""
    text = translate(PROBLEMS[fault.code], language)
    values = _VALUES.get(fault.code)
    return text.format(**values(fault, language)) if values else text


def describe(fault: Fault, language: str = "en") -> str:
    """A fault or warning as one sentence, for CSV cells and command lines."""
    text = problem(fault, language)
    if fault.field is not None:
        value = None if fault.value in (None, "") else repr(fault.value)
        start = translate(MARKS["field_only" if value is None else "field_value"], language)
        text = start.format(field=fault.field, value=value) + text
    if not fault.expected or fault.code in SELF_EXPLAINING:
        return text
    return text + translate(MARKS["expected"], language).format(expected=_expected(fault, language))


def join(sentences: Iterable[str], language: str = "en", line: int | None = None) -> str:
    """What `describe` says of the faults or warnings of one row of a file, with its line if that is given."""
    start = "" if line is None else translate(MARKS["line"], language).format(line=line)
    return start + translate(MARKS["between"], language).join(sentences)


def form_text(fault: Fault, label: str, language: str) -> str:
    """A fault or warning as the form says it; `label` is the field's."""
    if fault.code not in FORM:
        return problem(fault, language)
    values = {"field": label, "value": fault.value, "expected": _expected(fault, language)}
    return translate(FORM[fault.code], language).format(**values, maximum=f"{TEXT_LIMIT:,}")


def as_json(fault: Fault, language: str = "en") -> dict[str, Any]:
    """A fault or warning as the API answers it; a warning stands beside its prediction and names no record."""
    answered = {
        "field": fault.field,
        "value": fault.value,
        "code": fault.code,
        "problem": problem(fault, language),
        "expected": fault.expected,
    }
    return answered if isinstance(fault.code, WarningCode) else {"record": fault.record, **answered}


def _bounds(fault: Fault, language: str) -> dict[str, str]:
    return {"bounds": _ends(BOUNDS, fault.expected, language)}


def _longest(fault: Fault, language: str) -> dict[str, str]:
    return {"maximum": f"{TEXT_LIMIT:,}"}


def _cells(fault: Fault, language: str) -> dict[str, Any]:
    cells, columns, surplus = fault.value
    left_over = translate(MARKS["left_over"], language).format(cells=surplus) if surplus else ""
    return {"cells": cells, "columns": columns, "left_over": left_over}


_VALUES: dict[FaultCode | WarningCode, Callable[[Fault, str], dict[str, Any]]] = {
    FaultCode.OUT_OF_BOUNDS: _bounds,
    FaultCode.TEXT_TOO_LONG: _longest,
    FaultCode.WRONG_CELL_COUNT: _cells,
}
"""What the braces of a problem stand for."""


def _expected(fault: Fault, language: str) -> str:
    expected = fault.expected
    if isinstance(expected, ExpectedType):
        return translate(EXPECTED_TYPES[expected], language)
    if isinstance(expected, dict):
        return _ends(RANGES, expected, language)
    if isinstance(expected, list):
        mark = "or" if fault.code is FaultCode.AMBIGUOUS_NUMBER else "comma"
        more = ["…"] if len(expected) > LISTED else []
        return translate(MARKS[mark], language).join(map(str, expected[:LISTED] + more))
    return str(expected)


def _ends(texts: dict[str, Text], bounds: dict[str, Any], language: str) -> str:
    ends = {key: format_value(value) for key, value in bounds.items() if value is not None}
    return translate(texts["both" if len(ends) == 2 else next(iter(ends))], language).format(**ends)
