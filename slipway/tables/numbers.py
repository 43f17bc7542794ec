"""How the numbers of a column are written: decimal mark, thousands, unit, negative numbers.

Only two things can be read in two ways, and both are decided for a whole column: whether `1.030` is
about one or about a thousand, and which unit the numbers have. All else is plain in each cell: spaces
and apostrophes only separate thousands, `(5)`, `5-` and `−5` are all minus five.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from babel.core import get_global

Mark = Literal[".", ","]
UnitPlace = Literal["before", "before_spaced", "after", "after_spaced"]
"""Where a unit stands: `$951`, `CHF 951`, `951€`, `951 €`."""

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
"""A number as Python writes it."""
OPEN = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
"""Such a number that may have a separator of thousands in place of the point."""
_WITH_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
CODE = re.compile(r"[+-]?0\d+", re.ASCII)
"""A whole number with a leading zero: as a number it would lose it."""
EXACT = 2**53
"""Up to here a float64 holds every whole number."""

_SPACES = " \u00a0\u2007\u2009\u202f"
_MINUS = r"\-\u2212\u2013"
"""As part of a set in a regular expression."""
_CURRENCY = "$€£¥₹₽₩₺₴₪₫₱฿₦₡₲₵₸₼₾￥"
_CELL = re.compile(
    rf"""(?P<bracket>\()?[{_SPACES}]*
    (?P<first>[+{_MINUS}])?[{_SPACES}]*
    (?P<before>[^\d\s.,'’()+{_MINUS}][^\d\s,'’()+{_MINUS}]{{0,4}})?[{_SPACES}]*
    (?P<second>[+{_MINUS}])?
    (?P<body>[0-9][0-9.,'’{_SPACES}]*[0-9]|[0-9][.,]?|[.,][0-9]+)
    (?P<exponent>[eE][+{_MINUS}]?[0-9]+)?
    (?P<gap>[{_SPACES}]*)(?P<after>[^\d\s.,'’()+{_MINUS}][^\d\s,'’()+]{{0,11}}?)?
    (?P<last>[{_MINUS}])?[{_SPACES}]*(?P<closed>\))?""",
    re.VERBOSE,
)
_SPACED = re.compile(
    rf"[1-9][0-9]{{0,2}}(?:(?P<gap>['’{_SPACES}])[0-9]{{3}})(?:(?P=gap)[0-9]{{3}})*(?P<rest>[.,][0-9]+)?"
)
_GROUPS = {
    ".": re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+"),
    # In India, all but the last group have two digits.
    ",": re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"),
}
_WORD = re.compile(r"[^\W\d_][^\W\d_]*[²³.]?(?:[/·][^\W\d_]+[²³]?)?")
_MONEY_WORDS = frozenset(["kr", "kr.", "Kr", "Kr.", "Rs", "Rs.", "Fr.", "SFr.", "zł", "Kč", "Ft", "лв", "руб", "руб.", "元", "円", "원"])  # fmt: skip
_ATTACHED = frozenset(
    "kg g mg µg lb lbs oz t km m cm mm µm mi ft in yd mph kph km/h m/s h hr hrs min s sec ms d yr yrs ml cl l L "
    "m² m³ km² ft² sqft W kW MW GW kWh MWh GWh kB MB GB TB Hz kHz MHz GHz V mV A mA mAh kcal cal kJ J N bar psi Pa hPa "
    "kPa MPa hp bhp PS px pt dpi cc bpm rpm ppm ppb dB mmHg °C °F ° % ‰".split()
)
"""Units that stand right behind their number; any other word needs a space, as `5K` and `12a` may be anything."""


@dataclass(frozen=True)
class NumberFormat:
    """How the numbers of a column are written.

    `decimal` is the decimal mark wherever both marks are possible, `unit` what stands before or
    after the numbers: a currency, `%`, `kg`; and `place` where most of them have it.
    """

    decimal: Mark = "."
    unit: str = ""
    place: UnitPlace = "after_spaced"

    def plain(self, cell: str, decimal: Mark | None = None) -> str | None:
        """A number as Python writes it.

        Parameters
        ----------
        cell : str
            Without spaces at the ends; with the unit of the column, or without one.
        decimal : "." or ",", optional
            The decimal mark, if it is another one in this file.

        Returns
        -------
        str or None
            None if the cell is not such a number.
        """
        if NUMBER.fullmatch(cell) and not OPEN.fullmatch(cell):
            return cell
        found = taken_apart(cell)
        if found is None or found.unit not in ("", self.unit):
            return None
        point, comma = found.point, found.comma
        if point is None or comma is None:
            return point or comma
        return comma if (decimal or self.decimal) == "," else point


PLAIN = NumberFormat()
"""How most columns are written."""


class NumberCell(NamedTuple):
    """A cell that is a number, as Python writes it if its decimal mark is a point, and if it is a comma.

    One of them is None where the number cannot have that mark. `grouped` says that it has separators
    of thousands beyond doubt, `spaced` that these are spaces or apostrophes.
    """

    point: str | None
    comma: str | None
    unit: str = ""
    grouped: bool = False
    spaced: bool = False

    @property
    def mark(self) -> Mark | None:
        """The decimal mark that it must have; None if it has none, or may have either."""
        return "," if self.point is None else "." if self.comma is None else None

    @property
    def is_open(self) -> bool:
        """Whether it can be read in two ways."""
        return self.mark is None and self.point != self.comma


def taken_apart(cell: str) -> NumberCell | None:
    """A cell as a number, with all that can be said of it without its column.

    Parameters
    ----------
    cell : str
        Without spaces at the ends.

    Returns
    -------
    NumberCell or None
        None if it is not a number.
    """
    if NUMBER.fullmatch(cell):
        if OPEN.fullmatch(cell):
            return NumberCell(cell, cell.replace(".", ""))
        return NumberCell(cell, None if "." in cell else cell)
    if _WITH_COMMA.fullmatch(cell):
        number = cell.replace(",", ".")
        return NumberCell(cell.replace(",", "") if OPEN.fullmatch(number) else None, number)
    match = _CELL.fullmatch(cell)
    if match is None:
        return None
    sign = _sign(match)
    unit = _unit(match)
    if sign is None or unit is None:
        return None
    exponent = re.sub(f"[{_MINUS}]", "-", match["exponent"] or "")
    body, spaced = _without_spaces(match["body"])
    point, comma = (_read(body, mark, spaced) for mark in (".", ","))
    if exponent and point != comma and point is not None and comma is not None:  # 1.030e5 separates no thousands
        point, comma = (point, None) if "." in body else (None, comma)
    if point is None and comma is None:
        return None
    grouped = spaced or any(reading is not None and reading.count(".") < _marks(body) for reading in (point, comma))
    is_open = point is not None and comma is not None and point != comma
    return NumberCell(
        None if point is None else sign + point + exponent,
        None if comma is None else sign + comma + exponent,
        unit,
        grouped and not is_open,
        spaced,
    )


def _marks(body: str) -> int:
    return body.count(".") + body.count(",")


def _sign(match: re.Match[str]) -> str | None:
    """The sign; None if a cell has more than one, or half of a pair of brackets."""
    if bool(match["bracket"]) != bool(match["closed"]):
        return None
    signs = [match[name] for name in ("bracket", "first", "second", "last") if match[name]]
    if len(signs) > 1:
        return None
    return "-" if signs and signs[0] != "+" else ""


def _unit(match: re.Match[str]) -> str | None:
    """The unit, "" if there is none; None if what stands before or after the number is no unit."""
    before, after = match["before"], match["after"]
    if before and after:
        return None
    if before:
        return before if is_money(before) else None
    if not after:
        return ""
    if after.lower() in ("am", "pm"):
        return None
    known = after in _ATTACHED or is_money(after)
    return after if known or match["gap"] and len(after) > 1 and _WORD.fullmatch(after) else None


@lru_cache(maxsize=1024)
def is_money(text: str) -> bool:
    """Whether a unit is a currency: `€`, `US$`, `CHF`, `kr`.

    Parameters
    ----------
    text : str
        Not empty.

    Returns
    -------
    bool
    """
    if text[-1] in _CURRENCY:
        return len(text) == 1 or text[:-1].isascii() and text[:-1].isupper()
    if text[0] in _CURRENCY:
        return text[1:] == "."
    return text in _MONEY_WORDS or text in get_global("all_currencies")


def _without_spaces(body: str) -> tuple[str, bool]:
    """The digits and marks without spaces or apostrophes, and whether these separated thousands."""
    match = _SPACED.fullmatch(body)
    return (re.sub(f"['’{_SPACES}]", "", body), True) if match else (body, False)


def _read(body: str, decimal: str, spaced: bool) -> str | None:
    """Digits as Python writes them if this is the decimal mark; None if they do not fit it."""
    whole, mark, fraction = body.partition(decimal)
    thousands = "," if decimal == "." else "."
    if thousands in whole:
        if spaced or not _GROUPS[thousands].fullmatch(whole):
            return None
        whole = whole.replace(thousands, "")
    if not (whole + fraction).isdigit():
        return None
    return f"{whole}.{fraction}" if mark else whole


def unit_place(cells: Iterable[str]) -> UnitPlace:
    """Where most of the numbers that have a unit have it.

    Parameters
    ----------
    cells : iterable of str
        Some numbers of a column.

    Returns
    -------
    UnitPlace
    """
    found: Counter[UnitPlace] = Counter()
    for match in filter(None, map(_CELL.fullmatch, cells)):
        if match["before"]:
            has_gap = match.start("body") > match.end("before") + len(match["second"] or "")
            found["before_spaced" if has_gap else "before"] += 1
        elif match["after"]:
            found["after_spaced" if match["gap"] else "after"] += 1
    return max(found, key=found.__getitem__, default="after_spaced")


def is_number(cell: str) -> bool:
    """Whether a cell is a number, however it is written."""
    return taken_apart(cell) is not None


def two_readings(cell: str) -> tuple[str, str]:
    """The two readings of a cell such as `1.030`: 1.03 and 1030."""
    found = taken_apart(cell) or NumberCell(cell, cell)
    small, large = sorted((str(found.point), str(found.comma)), key=lambda text: abs(float(text)))
    return f"{float(small):g}", large


class NumberCells:
    """The different cells of a column as numbers, and what they say of their format.

    Where commas separate the cells, a column without a comma `has_points` and no number of it is open.
    """

    def __init__(self, cells: Collection[str], has_points: bool = False) -> None:
        self._cells = cells
        self.is_plain = all(map(NUMBER.fullmatch, cells)) and (has_points or not any(map(OPEN.fullmatch, cells)))
        """Whether all are numbers as Python writes them, which have one reading: no cell is looked at more closely."""

    @cached_property
    def numbers(self) -> dict[str, NumberCell]:
        """Those that are numbers."""
        return {cell: number for cell in self._cells if (number := taken_apart(cell)) is not None}

    @cached_property
    def odd(self) -> list[str]:
        """Those that are not."""
        return [] if self.is_plain else [cell for cell in self._cells if cell not in self.numbers]

    @cached_property
    def marks(self) -> set[str]:
        """The decimal marks of the numbers that can have only one."""
        if self.is_plain:
            return {"."} if any("." in cell for cell in self._cells) else set()
        return {mark for number in self.numbers.values() if (mark := number.mark)}

    @cached_property
    def open(self) -> list[str]:
        """The cells that can be read in two ways."""
        return [] if self.is_plain else [cell for cell, number in self.numbers.items() if number.is_open]

    @cached_property
    def open_marks(self) -> set[str]:
        """The marks that such cells have."""
        return {mark for cell in self.open for mark in ".," if mark in cell}

    @cached_property
    def grouped(self) -> list[str]:
        """The cells with separators of thousands beyond doubt."""
        return [] if self.is_plain else [cell for cell, number in self.numbers.items() if number.grouped]

    def plain(self, format: NumberFormat) -> dict[str, str]:
        """Each number as Python writes it."""
        if self.is_plain:
            return dict(zip(self._cells, self._cells, strict=True))
        comma = format.decimal == ","
        return {
            cell: (number.comma if comma else number.point) or number.point or number.comma or ""
            for cell, number in self.numbers.items()
        }

    @property
    def with_commas(self) -> bool:
        """Whether a number has a comma."""
        return not self.is_plain and any("," in cell for cell in self.numbers)
