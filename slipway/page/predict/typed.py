"""Numbers, dates and times as people type or paste them: read by the column's format, and shown as they were understood.

A browser's own inputs take no `1.234,5 €` and no `5-Jan-21`: they drop what they do not know, and say nothing. So both
are typed into boxes for text, and the server reads them as it reads the cells of a file. What it has read stands below
the box, where the script of the arrow keys and of the calendar (`shell/typed.js`) finds it as well.
"""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from slipway.i18n.formats import editable, format_value, mark_of, with_unit
from slipway.page.context import PageContext
from slipway.page.html import macros
from slipway.schema.fields import SHOWN, Field, FieldError
from slipway.tables.dates import ISO, time_of_day
from slipway.tables.numbers import Mark, NumberCell, taken_apart

_HTML = macros("predict/typed.html")
_FULL_WIDTH = {0xFF01 + place: 0x21 + place for place in range(94)} | {0x3000: 0x20}
"""Digits and signs as a Chinese or Japanese keyboard writes them."""
_PICKERS = {"date": "date", "datetime": "datetime-local", "time": "time"}
"""The browser's inputs for kinds of fields with dates or times."""


@dataclass(frozen=True)
class Typed:
    """What a box holds: the text, the value that it is read as, and in words if that is not plain to see.

    `value` is the text itself if it cannot be read.
    """

    text: str
    value: Any
    note: str = ""


def is_typed(field: Field) -> bool:
    """Whether a field is a box for a number, a date or a time."""
    return field.kind in ("number", "integer", *_PICKERS) and not field.categories


def shown(page: PageContext, field: Field, value: Any) -> Any:
    """A value as the page writes it into a box: numbers as their column has them, dates and times as ISO does.

    Parameters
    ----------
    page : PageContext
    field : Field
        One that `is_typed`.
    value : Value

    Returns
    -------
    str or None
    """
    if isinstance(value, (int, float)):
        return editable(field, value, page.language)
    if field.kind != "datetime" or value is None:
        return value
    moment = dt.datetime.fromisoformat(value)
    return moment.isoformat(" ", "auto" if moment.second or moment.microsecond else "minutes")


def read(page: PageContext, field: Field, typed: Any) -> Typed:
    """What somebody has typed or pasted.

    Parameters
    ----------
    page : PageContext
    field : Field
    typed : str or None

    Returns
    -------
    Typed
        With None as its value if the box is empty.
    """
    text = str(typed or "").strip()
    if not text:
        return Typed("", None)
    if len(text) > SHOWN:
        return Typed(text, text)
    return (_moment if field.kind in _PICKERS else _number)(page, field, text, text.translate(_FULL_WIDTH).strip())


def _number(page: PageContext, field: Field, text: str, plain: str) -> Typed:
    plain = _without_unit(page, field, plain)
    found = taken_apart(plain)
    mark = _mark(page, field, found)
    value = field.parse(plain, True, mark)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Typed(text, value)
    return Typed(text, value, _note(page, field, text, value, found))


def _moment(page: PageContext, field: Field, text: str, plain: str) -> Typed:
    """A date or time: as ISO has it, which is what the page itself writes, or as the column does."""
    own = field.parse(plain, True)
    if own is None or own in field.missing:
        return Typed(text, own)
    readings = _readings(field, plain, own)
    if not readings:
        return Typed(text, own)
    value, *others = readings
    read, *not_read = (page.value_text(field, reading) for reading in readings)
    if others:
        return Typed(text, value, page.t("page.read_as_open", value=read, other=not_read[0]))
    plain = plain.replace("T", " ")
    is_plain = plain in (shown(page, field, value), value.replace("T", " "), value.removeprefix("0"))
    return Typed(text, value, "" if is_plain else page.t("page.read_as", value=read))


def _readings(field: Field, plain: str, own: str) -> list[str]:
    """The different values that a text can stand for, the one that it is read as first; `own` is the column's."""
    if field.kind == "time":
        time = time_of_day(plain)
        return [time] if time else []
    try:
        by_column = dt.datetime.fromisoformat(own)
    except ValueError:
        by_column = None
    moments = [moment.replace(tzinfo=None) for moment in (ISO.moment(plain), by_column) if moment]
    return list(dict.fromkeys((one.date() if field.kind == "date" else one).isoformat() for one in moments))


def _without_unit(page: PageContext, field: Field, text: str) -> str:
    """The text without the unit that the page shows beside the field, which the column need not have."""
    unit = page.text(field.unit).strip("\u2068\u2069")  # as people type it: without the marks of `isolate`
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


def below(page: PageContext, field: Field, held: Typed | None, fault: str) -> Markup | str:
    """What stands below a field: what is wrong, or how its text was read; and what the script needs to know.

    Parameters
    ----------
    page : PageContext
    field : Field
    held : Typed, optional
        What the box holds; None for fields of other kinds.
    fault : str
        In words; empty if there is none.

    Returns
    -------
    Markup or str
    """
    if held is None:
        return _HTML.fault(fault) if fault else ""
    told = (_picker if field.kind in _PICKERS else _keys)(page, field, held.value)
    return _HTML.typed({"text": held.text, **told}, fault, "" if fault else held.note)


def _picker(page: PageContext, field: Field, value: Any) -> dict[str, str]:
    """What the button beside a date or time needs to know."""
    try:
        moment, _ = field.check(value)
    except FieldError:
        moment = None
    return {
        "picker": _PICKERS[field.kind],
        "moment": str(moment or ""),
        "choose": page.t("page.choose", field=page.text(field.label)),
        "keys": "text",
    }


def _step(field: Field) -> float:
    """By how much an arrow key changes a number: about a hundredth of the range of training, as a power of ten."""
    least = 10.0**-field.decimals
    if not isinstance(field.observed_min, (int, float)) or not isinstance(field.observed_max, (int, float)):
        return least
    wide = (field.observed_max - field.observed_min) / 100
    return max(least, float(f"1e{math.floor(math.log10(wide) + 1e-9)}")) if wide > 0 else least


def _keys(page: PageContext, field: Field, value: Any) -> dict[str, str]:
    """What the arrow keys in the box of a number need to know."""
    known = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {
        "number": repr(float(value)) if known else "",
        "step": repr(_step(field)),
        "mark": mark_of(field, page.language),
        # The keys for numbers of some phones have no minus.
        "keys": "decimal" if isinstance(field.observed_min, (int, float)) and field.observed_min >= 0 else "text",
    }
