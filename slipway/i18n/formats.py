"""Numbers, dates and names as a person reads them, in the forms of the page's language.

English and Chinese write numbers alike (CLDR: 1,234.5 and 34%), dates not.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

from slipway.i18n.texts import PAGE, translate
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target


def format_number(value: float, decimals: int) -> str:
    """A number with so many decimals, thousands with commas."""
    rounded = round(value, decimals)
    return f"{rounded + 0.0:,.{decimals}f}"  # + 0.0 turns a rounded -0.0 into 0.0


def percent(share: float) -> str:
    """A probability; one more digit where whole per cents would say none or all."""
    return f"{share * 100:.0f}%" if 0.01 <= share <= 0.99 else f"{share * 100:.1f}%"


def class_label(schema: Schema, value: Any, language: str) -> str:
    """A class as the use case calls it."""
    return translate(schema.target.class_labels.get(str(value)), language) or str(value)


def day(date: dt.date, language: str) -> str:
    """A date: 22 November 2026, or 2026年11月22日."""
    return f"{date.year}年{date.month}月{date.day}日" if language == "zh" else f"{date.day} {date:%B %Y}"


def amount(target: Target, value: float, language: str) -> str:
    """A value of a number target with its unit: `41,366 US dollars a year`."""
    return format_number(value, target.decimals) + unit_after(target, language)


def unit_after(target: Target, language: str) -> str:
    """The unit as it stands behind a figure; empty if there is none."""
    return f" {translate(target.unit, language)}" if target.unit else ""


def field_label(field: Field | Target, language: str) -> str:
    """`Age (years)`."""
    unit = f" ({translate(field.unit, language)})" if field.unit else ""
    return f"{translate(field.label, language)}{unit}"


def format_value(value: Any) -> str:
    """A value of a field as a person writes it: 18, not 18.0; commas from 10,000 on, for 2024 may be a year."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return str(value)
    if not 1e-4 <= abs(value) < 1e15 and value:
        return f"{value:g}"
    digits = f"{Decimal(repr(value)):,f}"
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return digits if abs(value) >= 10_000 else digits.replace(",", "")


def value_text(field: Field, value: Any, language: str) -> str:
    """A record's value as a person reads it."""
    if value is None:
        return translate(PAGE["not_measured"], language)
    if field.categories:
        return translate(field.category_labels.get(str(value)), language) or str(value)
    if field.kind == "date":
        return day(dt.datetime.fromisoformat(value).date(), language)
    return format_value(round(value, max(field.decimals, 2)) if isinstance(value, float) else value)
