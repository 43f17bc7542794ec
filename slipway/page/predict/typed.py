"""Numbers as people type or paste them: read by the column's format, and shown as they were understood.

A browser's own number input takes no `1.234,5 €`: it drops what it does not know, and says nothing. So numbers are
typed into boxes for text, and the server reads them as it reads the cells of a file. What it has read stands below the
box, where the script of the arrow keys (`shell/numbers.js`) finds it as well.
"""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from slipway.i18n.formats import editable, format_value, mark_of, with_unit
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.schema.fields import SHOWN, Field
from slipway.tables.numbers import Mark, NumberCell, taken_apart

_HTML = macros("predict/typed.html")
_FULL_WIDTH = {0xFF01 + place: 0x21 + place for place in range(94)} | {0x3000: 0x20}
"""Digits and signs as a Chinese or Japanese keyboard writes them."""


@dataclass(frozen=True)
class Number:
    """What a box for a number holds: the text, the value that it is read as, and in words if that is not plain to see.

    `value` is the text itself if it is not a number.
    """

    text: str
    value: Any
    note: str = ""


def is_typed(field: Field) -> bool:
    """Whether a field is a box for a number."""
    return field.kind in ("number", "integer") and not field.categories


def read(page: PageContext, field: Field, typed: Any) -> Number:
    """What somebody has typed or pasted as a number.

    Parameters
    ----------
    page : PageContext
    field : Field
    typed : str or None

    Returns
    -------
    Number
        With None as its value if the box is empty.
    """
    text = str(typed or "").strip()
    if not text:
        return Number("", None)
    if len(text) > SHOWN:
        return Number(text, text)
    plain = _without_unit(page, field, text.translate(_FULL_WIDTH).strip())
    found = taken_apart(plain)
    mark = _mark(page, field, found)
    value = field.parse(plain, True, mark)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Number(text, value)
    return Number(text, value, _note(page, field, text, value, found))


def _without_unit(page: PageContext, field: Field, text: str) -> str:
    """The text without the unit that the page shows beside the field, which the column need not have."""
    unit = page.text(field.unit)
    if not unit:
        return text
    return text.removesuffix(unit).removeprefix(unit).strip()


def _mark(page: PageContext, field: Field, found: NumberCell | None) -> Mark:
    """By which decimal mark a number such as `1.234` is read: the column's, or else the language's.

    Of whole numbers whose column has no marks it is the other one if there is only a whole number by that.
    """
    mark = mark_of(field, page.language)
    if not found or not found.is_open or field.kind != "integer" or field.decimal:
        return mark
    point, comma = (float(reading or 0).is_integer() for reading in (found.point, found.comma))
    if point == comma:
        return mark
    return "." if point else ","


def _note(page: PageContext, field: Field, text: str, value: float, found: NumberCell | None) -> str:
    """How a number was understood, if somebody could have meant or expected another; else empty."""
    as_written = text == editable(field, value, page.language)
    is_open = bool(found and found.is_open)
    if as_written and not (is_open and field.decimals < len(text.rpartition(mark_of(field, page.language))[2])):
        return ""
    shown = with_unit(format_value(value, page.language, field.decimal), field, page.language)
    if not found or not is_open:
        return page.t("page.read_as", value=shown)
    other = next(float(reading) for reading in (found.point, found.comma) if reading and float(reading) != value)
    # Without separators of thousands, which are what is in doubt.
    read, not_read = (with_unit(editable(field, one, page.language), field, page.language) for one in (value, other))
    return page.t("page.read_as_open", value=read, other=not_read)


def below(page: PageContext, field: Field, number: Number | None, fault: str) -> Markup | str:
    """What stands below a field: what is wrong, or how a number was read; and what the arrow keys need to know.

    Parameters
    ----------
    page : PageContext
    field : Field
    number : Number, optional
        What the box holds; None for fields of other kinds.
    fault : str
        In words; empty if there is none.

    Returns
    -------
    Markup or str
    """
    if number is None:
        return _HTML.fault(fault) if fault else ""
    known = isinstance(number.value, (int, float)) and not isinstance(number.value, bool)
    told = {
        "text": number.text,
        "number": repr(float(number.value)) if known else "",
        "step": repr(10.0**-field.decimals if field.decimals else 1),
        "mark": mark_of(field, page.language),
        # The keys for numbers of some phones have no minus.
        "keys": "decimal" if isinstance(field.observed_min, (int, float)) and field.observed_min >= 0 else "text",
    }
    return _HTML.number(told, fault, "" if fault else number.note)
