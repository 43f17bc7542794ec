"""Faults, warnings and refusals in words, made from their codes and values in the reader's language.

Three kinds of text are made of a fault: `problem` in an answer of the API, one sentence for a cell
of a CSV or a command line, and one for the form, where field and value stand beside it. The texts are in the
catalogues: `problem.<code>`, `form.<code>`, and of a refusal `refusal.<code>`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from slipway.errors import ExpectedType, Fault, FaultCode, RequestCode, WarningCode
from slipway.i18n.catalogues import catalogue
from slipway.i18n.formats import format_value
from slipway.schema.fields import TEXT_LIMIT

LISTED = 20
"""Values of an `expected` that a sentence names."""

SELF_EXPLAINING = frozenset({FaultCode.OUT_OF_BOUNDS, FaultCode.TEXT_TOO_LONG, WarningCode.OTHER_SPELLING})
"""Codes whose `problem` says what was expected."""


def refusal(code: RequestCode, values: Mapping[str, Any], language: str = "en") -> str:
    """Why a whole request is refused: `error` of the answer."""
    return catalogue(language).text(f"refusal.{code.value}", **values)


def problem(fault: Fault, language: str = "en") -> str:
    """`problem` of a fault or warning: what is wrong with the value, without field and value."""
    t, key = catalogue(language).text, f"problem.{fault.code.value}"
    if fault.code is FaultCode.OUT_OF_BOUNDS:
        return t(key, bounds=_bounds(fault.expected, language))
    if fault.code is FaultCode.TEXT_TOO_LONG:
        return t(key, maximum=TEXT_LIMIT)
    if fault.code is WarningCode.OTHER_SPELLING:
        return t(key, category=repr(fault.expected))
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


def form_text(fault: Fault, label: str, language: str) -> str:
    """A fault or warning as the form says it; `label` is the field's."""
    texts, key = catalogue(language), f"form.{fault.code.value}"
    if not texts.has(key):
        return problem(fault, language)
    value, expected = fault.value, _expected(fault, language)
    return texts.text(key, field=label, value=str(value), expected=expected, maximum=TEXT_LIMIT)


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


def _expected(fault: Fault, language: str) -> str:
    t, expected = catalogue(language).text, fault.expected
    if isinstance(expected, ExpectedType):
        return t(f"expected.{expected.name.lower()}")
    if isinstance(expected, dict):
        ends = _ends(expected, language)
        return t(f"ranges.{_which(ends)}", **ends)
    if isinstance(expected, list):
        mark = "text.or" if fault.code is FaultCode.AMBIGUOUS_NUMBER else "text.comma"
        more = ["…"] if len(expected) > LISTED else []
        return t(mark).join(map(str, expected[:LISTED] + more))
    return str(expected)


def _bounds(bounds: dict[str, Any], language: str) -> str:
    ends = _ends(bounds, language)
    return catalogue(language).text(f"bounds.{_which(ends)}", **ends)


def _ends(bounds: dict[str, Any], language: str) -> dict[str, str]:
    return {key: format_value(value, language) for key, value in bounds.items() if value is not None}


def _which(ends: dict[str, str]) -> str:
    return "both" if len(ends) == 2 else next(iter(ends))
