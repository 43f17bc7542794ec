"""Faults, warnings and refusals in words, made from their codes and values in the reader's language.

Three kinds of text are made of a fault: `problem` in an answer of the API, one sentence for a cell
of a CSV or a command line, and one for the form, where field and value stand beside it. The texts are in the
catalogues: `problem.<code>`, `form.<code>`, and of a refusal `refusal.<code>`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.errors import ExpectedType, Fault, FaultCode, RequestCode, WarningCode
from slipway.i18n.catalogues import catalogue, translate
from slipway.i18n.formats import MINUS, editable, format_value, with_unit
from slipway.schema.fields import TEXT_LIMIT, Field
from slipway.tables.numbers import Mark, taken_apart

LISTED = 20
"""Values of an `expected` that a sentence names."""

SELF_EXPLAINING = frozenset(
    {FaultCode.OUT_OF_BOUNDS, FaultCode.TEXT_TOO_LONG, WarningCode.OTHER_SPELLING, WarningCode.UNUSUAL_COMBINATION}
)
"""Codes whose `problem` says what was expected."""


def refusal(code: RequestCode, values: Mapping[str, Any], language: str = "en") -> str:
    """Why a whole request is refused: `error` of the answer."""
    return catalogue(language).text(f"refusal.{code.value}", **values)


def problem(fault: Fault, language: str = "en") -> str:
    """`problem` of a fault or warning: what is wrong with the value, without field and value."""
    t, key = catalogue(language).text, f"problem.{fault.code.value}"
    if fault.code is FaultCode.OUT_OF_BOUNDS:
        # In terminals, logs and files: there the sign is that of ASCII, whatever their encoding.
        return t(key, bounds=_bounds(fault.expected, language)).replace(MINUS, "-")
    if fault.code is FaultCode.TEXT_TOO_LONG:
        return t(key, maximum=TEXT_LIMIT)
    if fault.code is WarningCode.OTHER_SPELLING:
        return t(key, category=repr(fault.expected))
    if fault.code is WarningCode.UNUSUAL_COMBINATION:
        return t(key, other=fault.expected["field"])
    if fault.code is FaultCode.WRONG_CELL_COUNT:
        cells, columns, surplus = fault.value
        text = t(key, count=cells, columns=columns)
        return t("fault.with_left_over", problem=text, cells=surplus) if surplus else text
    return t(key)


def describe(fault: Fault, language: str = "en") -> str:
    """A fault or warning as one sentence, for CSV cells and command lines."""
    t, text = catalogue(language).text, problem(fault, language)
    if fault.field is not None:
        if fault.value in (None, ""):
            text = t("fault.of_field", field=fault.field, problem=text)
        else:
            text = t("fault.of_value", field=fault.field, value=repr(fault.value), problem=text)
    if not fault.expected or fault.code in SELF_EXPLAINING:
        return text
    return t("fault.with_expected", problem=text, expected=_expected(fault, language))


def join(sentences: Iterable[str], language: str = "en", line: int | None = None) -> str:
    """What `describe` says of the faults or warnings of one row of a file, with its line if that is given."""
    t = catalogue(language).text
    problems = t("text.semicolon").join(sentences)
    # Where a line is, an editor says without a thousands separator.
    return problems if line is None else t("fault.on_line", line=str(line), problems=problems)


def form_text(fault: Fault, fields: Mapping[str, Field], language: str) -> str:
    """A fault or warning as the form says it, with numbers as the column of its field has them."""
    texts, key, field = catalogue(language), f"form.{fault.code.value}", fields.get(fault.field or "")
    if fault.code is WarningCode.UNUSUAL_COMBINATION:
        names = (fault.field or "", fault.expected["field"])
        label, other = (translate(fields[name].label, language) for name in names)
        return texts.text(key, field=label, other=other)
    if not texts.has(key):
        return problem(fault, language)
    is_moment = field is not None and field.kind in ("date", "datetime", "time")
    if is_moment and fault.code is FaultCode.WRONG_TYPE:
        return texts.text("form.not_a_date", value=str(fault.value), expected=_expected(fault, language))
    is_number = field is not None and field.kind in ("number", "integer") and not isinstance(fault.value, bool)
    if field is None or not is_number:
        label = translate(field.label, language) if field else ""
        expected = _expected(fault, language)
        return texts.text(key, field=label, value=str(fault.value), expected=expected, maximum=TEXT_LIMIT)
    if fault.code is FaultCode.WRONG_TYPE:
        return _no_number(fault.value, field, language)
    value = editable(field, fault.value, language) if isinstance(fault.value, (int, float)) else str(fault.value)
    expected = _expected(fault, language, field.decimal)
    return texts.text(key, field=translate(field.label, language), value=value, expected=expected)


def _no_number(value: Any, field: Field, language: str) -> str:
    """What is wrong with what was typed where a number is expected, and one that would do."""
    t = catalogue(language).text
    example = with_unit(format_value(field.default, language, field.decimal), field, language)
    if not isinstance(value, str):
        return t("form.not_whole", value=editable(field, value, language), example=example)
    found = taken_apart(value)
    if found and found.unit not in ("", field.number_unit):
        return t("form.other_unit", value=value, unit=found.unit, example=example)
    return t("form.not_a_number", value=value, example=example)


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


def _expected(fault: Fault, language: str, mark: Mark | None = None) -> str:
    t, expected = catalogue(language).text, fault.expected
    if isinstance(expected, ExpectedType):
        return t(f"expected.{expected.name.lower()}")
    if isinstance(expected, dict):
        ends = _ends(expected, language, mark)
        return t(f"ranges.{_which(ends)}", **ends)
    if isinstance(expected, list):
        joint = "text.or" if fault.code is FaultCode.AMBIGUOUS_NUMBER else "text.comma"
        more = ["…"] if len(expected) > LISTED else []
        return t(joint).join(map(str, expected[:LISTED] + more))
    return str(expected)


def _bounds(bounds: dict[str, Any], language: str) -> str:
    ends = _ends(bounds, language)
    return catalogue(language).text(f"bounds.{_which(ends)}", **ends)


def _ends(bounds: dict[str, Any], language: str, mark: Mark | None = None) -> dict[str, str]:
    return {key: format_value(value, language, mark) for key, value in bounds.items() if value is not None}


def _which(ends: dict[str, str]) -> str:
    return "both" if len(ends) == 2 else next(iter(ends))
