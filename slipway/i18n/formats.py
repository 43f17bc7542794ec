"""Numbers, dates and names in readable form, in the conventions of a language, by Babel and CLDR."""

import datetime as dt
import math
from collections.abc import Sequence
from copy import copy
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeGuard

from babel import Locale
from babel.dates import format_date
from babel.numbers import NumberPattern, get_decimal_symbol

from slipway.i18n.catalogues import catalogue, isolate, translate
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.tables.dates import time_text
from slipway.tables.numbers import Mark

_OTHER_MARKS = str.maketrans(".,", ",.")
MINUS = "\u2212"
"""As wide as a digit, and not broken across lines as a hyphen is."""
COMPACT_FROM = 1e6
"""From here on numbers are counted in millions and so on, where there is little room."""
EXACT_UP_TO = 1e15
"""From here on a float has no digits after its point, and soon none before it that mean something: it is written as 2.5e+30."""


def format_number(value: float, decimals: int, language: str, mark: Mark | None = None) -> str:
    """A number with a fixed number of decimals: `1,234.50`.

    Parameters
    ----------
    value : float
    decimals : int
    language : str
    mark : "." or ",", optional
        The decimal mark, if it is not the language's.

    Returns
    -------
    str
    """
    # + 0.0 turns a rounded -0.0 into 0.0
    return _marked(_apply("decimal", round(value, decimals) + 0.0, decimals, language), language, mark)


def format_metric(value: float, language: str) -> str:
    """A metric: `4,321` from 100 on, otherwise with three decimals, `0.842`."""
    return format_number(value, 0 if abs(value) >= 100 else 3, language)


def figure(value: float) -> str:
    """A metric or a difference in a terminal: `41,366` and `0.8425`, without the hundred digits of an estimator that failed."""
    if abs(value) >= EXACT_UP_TO:
        return f"{value:.4g}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4f}"


def format_share(share: float, decimals: int, language: str) -> str:
    """A share as a percentage with a fixed number of decimals: `84.2%`."""
    return _apply("percent", round(share, decimals + 2) + 0.0, decimals, language)


def percent(share: float, language: str) -> str:
    """A probability; with one more digit if whole percentages would say none or all."""
    return format_share(share, 0 if 0.01 <= share <= 0.99 else 1, language)


def format_threshold(threshold: float, language: str) -> str:
    """A decision threshold: `30%`, and `9.1%` where it is no whole percentage."""
    return format_share(threshold, 0 if abs(threshold * 100 - round(threshold * 100)) < 1e-9 else 1, language)


def format_value(value: Any, language: str, mark: Mark | None = None, grouped: bool = False) -> str:
    """A number: 18, not 18.0; a whole one is `grouped` by thousands in any case from 10,000 on, not below, as 2024 may be a year."""
    if not _is_number(value):
        return str(value)
    return _marked(_written(value or 0, language, grouped), language, mark)  # of -0.0 as well


def mark_of(item: Field | Target, language: str) -> Mark:
    """The decimal mark of a field's numbers for people: that of its column, or else the language's."""
    return item.decimal or ("," if get_decimal_symbol(catalogue(language).locale) == "," else ".")


def editable(field: Field, value: float, language: str) -> str:
    """A number as it stands in a box, where somebody may change it: all its digits, without separators of thousands.

    With them, one more digit would make another number of it: `12.345` with a zero after it is `12.3450`.
    """
    text = f"{Decimal(repr(value)):f}" if 1e-6 <= abs(value) < EXACT_UP_TO else repr(value)
    return text.removesuffix(".0").replace(".", mark_of(field, language))


def with_unit(text: str, item: Field | Target, language: str) -> str:
    """A number with its unit where the column has it: `$951`, `951 €`, `12%`; without one if there is none.

    Parameters
    ----------
    text : str
        The number in readable form.
    item : Field or Target
        What it is a value of.
    language : str

    Returns
    -------
    str
    """
    if not item.unit:
        return text
    unit = translate(item.unit, language)
    gap = " " if item.unit_place.endswith("spaced") else ""
    if item.unit_place.startswith("after"):
        return f"{text}{gap}{unit}"
    digits = text.lstrip("-+\u2212")
    return f"{text[: len(text) - len(digits)]}{unit}{gap}{digits}"


def _marked(text: str, language: str, mark: Mark | None) -> str:
    """A number as the language writes it, with another decimal mark."""
    own = get_decimal_symbol(catalogue(language).locale)
    return text if mark in (None, own) else text.translate(_OTHER_MARKS)


@lru_cache(maxsize=1024)
def _written(value: float, language: str, grouped: bool) -> str:
    """Kept, since the faults of a file name the same bounds again and again."""
    if not 1e-4 <= abs(value) < EXACT_UP_TO and value:
        return f"{value:g}".replace("-", MINUS)
    digits = f"{Decimal(repr(value)):f}".partition(".")[2].rstrip("0")
    return _apply("decimal", value, len(digits), language, grouped=grouped or bool(digits) or abs(value) >= 10_000)


def format_axis(values: Sequence[float], language: str, mark: Mark | None = None) -> list[str]:
    """The numbers of an axis in a common form, with a unit from a million on.

    `0`, `0.5M`, `1M`; in Chinese `0`, `50万`, `100万`.
    """
    size, unit = _compact(max(map(abs, values), default=0.0), language)
    return [format_value(float(f"{value / size:.6g}"), language, mark) + (unit if value else "") for value in values]


def day(date: dt.date, language: str) -> str:
    """A date: `November 22, 2026`, or `2026年11月22日`."""
    return format_date(date, "long", locale=catalogue(language).locale)


def short_day(date: dt.date, language: str) -> str:
    """A date where there is little room: `Nov 22, 2026`, or `2026年11月22日`."""
    return format_date(date, "medium", locale=catalogue(language).locale)


def class_label(schema: Schema, value: Any, language: str) -> str:
    """The use case's label of a class."""
    return translate(schema.target.class_labels.get(str(value)), language) or _category(value, language)


def _category(value: Any, language: str) -> str:
    return (
        catalogue(language).text("text.true" if value else "text.false")
        if isinstance(value, bool)
        else isolate(str(value))
    )


def amount(target: Target, value: float, language: str, decimals: int | None = None) -> str:
    """A value of a numeric target with its unit: `41,366 US dollars a year`.

    Parameters
    ----------
    target : Target
    value : float
    language : str
    decimals : int, optional
        Other than the target's own.

    Returns
    -------
    str
    """
    return with_unit(target_number(target, value, language, decimals), target, language)


def target_number(target: Target, value: float, language: str, decimals: int | None = None) -> str:
    """A value of a numeric target without its unit, with its own or so many decimals."""
    return format_number(value, target.decimals if decimals is None else decimals, language, target.decimal)


def effect_decimals(target: Target, effects: Sequence[float]) -> int:
    """Decimals for amounts by which a numeric target changes: the target's own, or as many as show two digits of the largest.

    Whole days of a stay change by 0.4 of a day, which its own decimals would write as 0.
    """
    largest = max(map(abs, effects), default=0.0)
    return max(target.decimals, 1 - math.floor(math.log10(largest))) if largest else target.decimals


def amounts(target: Target, low: float, high: float, language: str) -> tuple[str, str]:
    """Both ends of a range of amounts; a unit that is a word of its own stands only after the second."""
    ends = target_number(target, low, language), amount(target, high, language)
    return ends if target.unit_place == "after_spaced" else (amount(target, low, language), ends[1])


def field_label(field: Field | Target, language: str) -> str:
    """`Age (years)`."""
    unit = f" ({translate(field.unit, language)})" if field.unit else ""
    return f"{translate(field.label, language)}{unit}"


def value_text(field: Field, value: Any, language: str) -> str:
    """A record's value in readable form.

    Parameters
    ----------
    field : Field
    value : Value
    language : str

    Returns
    -------
    str
    """
    if value is None:
        return catalogue(language).text("text.not_measured")
    if field.categories:
        return translate(field.category_labels.get(str(value)), language) or _category(value, language)
    if field.kind in ("date", "datetime"):
        moment = dt.datetime.fromisoformat(value)
        text = day(moment.date(), language)
        # Where days are counted, a value of a field with times has none.
        return text if "T" not in value else f"{text}, {_clock(moment.time())}"
    if field.kind == "time":
        return _clock(dt.time.fromisoformat(value)) if isinstance(value, str) else time_text(value)
    rounded = round(value, max(field.decimals, 2)) if isinstance(value, float) else value
    # Of one field all numbers are written alike: only whole ones below 10,000 may be years.
    largest = max((abs(end) for end in (field.observed_max, rounded) if _is_number(end)), default=0)
    grouped = field.kind == "number" or largest >= 10_000
    return format_value(rounded, language, field.decimal, grouped)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _clock(time: dt.time) -> str:
    return time.isoformat("seconds" if time.second else "minutes")


def _apply(kind: str, value: float, decimals: int, language: str, grouped: bool = True) -> str:
    locale = catalogue(language).locale
    if EXACT_UP_TO <= abs(value) < math.inf:  # Babel rounds with 28 digits, and refuses what has more
        return (f"{value:g}" if kind == "decimal" else f"{value * 100:g}%").replace("-", MINUS)
    # CLDR's sign of many languages is a hyphen, which is shorter than a digit and may end a line.
    return str(_pattern(locale, kind, decimals).apply(value, locale, group_separator=grouped)).replace("-", MINUS)


@lru_cache(maxsize=256)
def _pattern(locale: Locale, kind: str, decimals: int) -> NumberPattern:
    """The locale's pattern for numbers or percentages, with this many decimals."""
    pattern: NumberPattern = copy((locale.decimal_formats if kind == "decimal" else locale.percent_formats)[None])
    pattern.frac_prec = (decimals, decimals)
    return pattern


def _compact(largest: float, language: str) -> tuple[float, str]:
    """The unit for numbers up to `largest`, and its symbol: `(1e6, "M")`."""
    if largest < COMPACT_FROM:
        return 1.0, ""
    formats = catalogue(language).locale.compact_decimal_formats["short"]["other"]
    power = min(math.floor(math.log10(largest) + 1e-9), max(len(key) - 1 for key in formats))
    pattern = formats[str(10**power)]
    return 10.0 ** (power + 1 - pattern.pattern.count("0")), pattern.suffix[0]
