"""How the dates of a column are written, and the moment or time of day that a cell stands for.

What can be read in two ways is the order of day, month and year; it is decided for a whole column. Local
time is kept as it stands: `2024-05-01T23:30+02:00` is 23:30 on the first of May, whatever the zone.
"""

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

Order = Literal["ymd", "dmy", "mdy"]
DAY_FIRST, MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
PIVOT = 69
"""Two-digit years from here on are of the 20th century, as POSIX has it; those below of the 21st."""

_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_CLOCK = re.compile(_TIME, re.ASCII)
_MOMENT = re.compile(
    r"(?:(?P<weekday>[^\W\d_]{2,10})\.?,?\s+)?"
    r"(?P<first>\d{1,4}|[^\W\d_]{3,10})(?P<gap>(?:st|nd|rd|th|er)?[-./,\s]+)(?:(?:de|of)\s+)?"
    r"(?P<second_part>\d{1,2}|[^\W\d_]{3,10})(?:st|nd|rd|th|er)?(?P<gap2>[-./,\s]+)(?:(?:de|of)\s+)?(?P<third>\d{1,4})"
    rf"(?:[T,\s]+{_TIME}\s*(?P<zone>Z|UTC|GMT|[+-]\d{{2}}(?::?\d{{2}})?)?)?"
)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:.*)?", re.ASCII)
_DATE_LIKE = re.compile(r"\d{1,4}(?:st|nd|rd|th|er)?[-./,\s]|[^\W\d_]{3,10}[-./,\s]")
_DIRECTIVE = re.compile(r"%-?([a-zA-Z%])")
_PARTS = {"d": "d", "m": "m", "b": "m", "B": "m", "Y": "y", "y": "y"}

_MONTH_PATTERNS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%b %Y", "%b-%Y", "%B %Y", "%Y %b")
_SEASON = re.compile(r"(\d{4})[-/](\d{2})", re.ASCII)
"""`2004-05` beside `2005-06` is a season, if each cell names a year and the next one."""

# January to December in English, German, French, Spanish, Italian, Portuguese and Dutch.
_MONTH_NAMES = (
    "january januar jänner janvier enero gennaio janeiro januari",
    "february februar février fevrier febrero febbraio fevereiro februari",
    "march märz maerz mars marzo março marco maart mrz mär mrt",
    "april avril abril aprile apr avr abr",
    "may mai mayo maggio maio mei",
    "june juni juin junio giugno junho",
    "july juli juillet julio luglio julho",
    "august août aout agosto augustus",
    "september septembre septiembre settembre setembro sept",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember décembre decembre diciembre dicembre dezembro",
)


def _month_names() -> dict[str, int]:
    """Each name, and its first three and four letters where they mean one month."""
    known: dict[str, int] = {}
    for month, names in enumerate(_MONTH_NAMES, 1):
        known |= dict.fromkeys(names.split(), month)
    for length in (4, 3):
        short: dict[str, set[int]] = {}
        for name, month in list(known.items()):
            short.setdefault(name[:length], set()).add(month)
        known = {start: months.pop() for start, months in short.items() if len(months) == 1} | known
    return known


MONTHS = _month_names()


class _Taken(NamedTuple):
    """A date taken apart: three numbers (or a month by its name, negative), their digits, and the time."""

    parts: tuple[int, int, int]
    digits: tuple[int, int, int]
    time: dt.time


@dataclass(frozen=True)
class DateFormat:
    """How dates are written: a pattern as in `strptime`, or None for ISO dates.

    Of a pattern that has a day, a month and a year, only their order counts: separators, names of months
    and a time of day are understood in any case.
    """

    pattern: str | None = None

    @cached_property
    def order(self) -> Order | None:
        """The order of year, month and day; None for a pattern that has others, which only `strptime` reads."""
        if self.pattern is None:
            return "ymd"
        directives = _DIRECTIVE.findall(self.pattern)
        order = "".join(_PARTS[one] for one in directives if one in _PARTS)
        known = {*_PARTS, "H", "I", "M", "S", "f", "p", "z", "Z"}
        if order not in ("ymd", "dmy", "mdy") or not set(directives) <= known:
            return None
        # Digits without separators are cut by strptime only.
        adjoined = re.search(r"%-?[a-zA-Z]%", self.pattern)
        return None if adjoined else order  # type: ignore[return-value]

    @cached_property
    def short_years(self) -> bool:
        """Whether years may have two digits."""
        return self.pattern is not None and "%y" in self.pattern

    def moment(self, cell: str) -> dt.datetime | None:
        """The moment that a cell stands for, in local time.

        Parameters
        ----------
        cell : str
            Without spaces at the ends.

        Returns
        -------
        datetime or None
            None if it is not a date in this format.
        """
        if self.order is None:
            try:
                return dt.datetime.strptime(cell, self.pattern or "").replace(tzinfo=None)
            except (ValueError, re.error):
                return None
        if _ISO.fullmatch(cell):
            try:
                return dt.datetime.fromisoformat(cell).replace(tzinfo=None)
            except ValueError:
                pass
        taken = _taken(cell)
        return None if taken is None else _moment(taken, self.order, self.short_years)


ISO = DateFormat()


def _taken(cell: str) -> _Taken | None:
    match = _MOMENT.fullmatch(cell)
    if match is None or match["weekday"] and match["weekday"].lower() in MONTHS and match["first"].isalpha():
        return None
    parts, digits = [], []
    for text in (match["first"], match["second_part"], match["third"]):
        month = 0 if text.isdigit() else MONTHS.get(text.lower(), 0)
        if not text.isdigit() and not month:
            return None
        parts.append(int(text) if text.isdigit() else -month)
        digits.append(len(text) if text.isdigit() else 0)
    if sum(part < 0 for part in parts) > 1 or 3 in digits:
        return None
    time = _time(match) if match["hour"] else dt.time()
    return None if time is None else _Taken(tuple(parts), tuple(digits), time)  # type: ignore[arg-type]


def _time(match: re.Match[str]) -> dt.time | None:
    hour, half = int(match["hour"]), (match["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    fraction = (match["fraction"] or "")[:6].ljust(6, "0")
    try:
        return dt.time(hour, int(match["minute"]), int(match["second"] or 0), int(fraction))
    except ValueError:
        return None


def _moment(taken: _Taken, order: Order, short_years: bool) -> dt.datetime | None:
    parts, digits = list(taken.parts), list(taken.digits)
    if digits[0] == 4:
        order = "ymd"
    elif parts[0] < 0:
        order = "mdy"
    elif parts[1] < 0 and (digits[2] == 4 or order != "ymd"):
        order = "dmy"
    year_at = 0 if order == "ymd" else 2
    if digits[year_at] != 4 and not (short_years and digits[year_at] == 2):
        return None
    if any(size > 2 for at, size in enumerate(digits) if at != year_at):
        return None
    year = parts[year_at]
    if digits[year_at] == 2:
        year += 1900 if year >= PIVOT else 2000
    month, day = parts[order.index("m")], parts[order.index("d")]
    if day < 0:
        return None
    try:
        return dt.datetime.combine(dt.date(year, abs(month), day), taken.time)
    except ValueError:
        return None


@dataclass(frozen=True)
class LearntDates:
    """How the dates of a column are written, and what decided it.

    `deciding` is a cell that fits no other order of day and month, `ambiguous` holds cells that
    stand for another date in the `other` format, which fits all of them, too.
    """

    format: DateFormat
    moments: dict[str, dt.datetime]
    deciding: str | None = None
    other: DateFormat | None = None
    ambiguous: tuple[str, ...] = ()

    @property
    def with_times(self) -> bool:
        """Whether a cell has a time of day other than midnight."""
        return any(moment.time() != dt.time() for moment in self.moments.values())


def learn(cells: Collection[str]) -> LearntDates | None:
    """The format of a column's dates.

    Parameters
    ----------
    cells : collection of str
        The different cells, without spaces at the ends and without those that are missing.

    Returns
    -------
    LearntDates or None
        None unless all are dates of one format.
    """
    if not cells or not all(map(_DATE_LIKE.match, cells)):
        return None
    if (iso := _all(cells, ISO)) is not None:
        return LearntDates(_named(ISO, cells), iso)
    if (months := _months(cells)) is not None:
        return months
    taken = {}
    for cell in cells:
        found = _taken(cell)
        if found is None:
            return None
        taken[cell] = found
    short = any(2 in (one.digits[0], one.digits[2]) and 4 not in one.digits for one in taken.values())
    fitting: dict[Order, dict[str, dt.datetime]] = {}
    for order in ("dmy", "mdy", "ymd") if short else ("dmy", "mdy"):
        moments = {cell: moment for cell, one in taken.items() if (moment := _moment(one, order, short))}
        if len(moments) == len(taken):
            fitting[order] = moments
    return _decided(fitting, cells, short, taken) if fitting else None


def _months(cells: Collection[str]) -> LearntDates | None:
    """Months such as `2024-05` or `May 2024`, which stand for their first day."""
    if all(match and (int(match[1]) + 1) % 100 == int(match[2]) for match in map(_SEASON.fullmatch, cells)):
        return None
    for pattern in _MONTH_PATTERNS:
        if (moments := _all(cells, DateFormat(pattern))) is not None:
            return LearntDates(DateFormat(pattern), moments)
    return None


def _all(cells: Collection[str], format: DateFormat) -> dict[str, dt.datetime] | None:
    moments = {}
    for cell in cells:
        moment = format.moment(cell)
        if moment is None:
            return None
        moments[cell] = moment
    return moments


def _decided(
    fitting: dict[Order, dict[str, dt.datetime]], cells: Collection[str], short: bool, taken: dict[str, _Taken]
) -> LearntDates:
    order, moments = next(iter(fitting.items()))
    format = _named(DateFormat(_pattern(order, short)), cells)
    if order == "dmy" and "mdy" in fitting:
        other = fitting["mdy"]
        # Where points separate, the day comes first wherever people write so.
        differ = tuple(cell for cell in cells if moments[cell] != other[cell] and "." not in cell)
        if differ:
            return LearntDates(format, moments, None, DateFormat(_pattern("mdy", short)), differ)
        return LearntDates(format, moments)
    if order == "ymd":
        return LearntDates(format, moments)
    swapped: Order = "mdy" if order == "dmy" else "dmy"
    deciding = next((cell for cell in cells if _moment(taken[cell], swapped, short) is None), None)
    return LearntDates(format, moments, None if deciding is None or "." in deciding else deciding)


def _pattern(order: Order, short: bool) -> str:
    year = "%y" if short else "%Y"
    return {"dmy": f"%d/%m/{year}", "mdy": f"%m/%d/{year}", "ymd": f"{year}/%m/%d"}[order]


def _named(format: DateFormat, cells: Collection[str]) -> DateFormat:
    """The format with the separators and names of the first cell that is no ISO date."""
    cell = next((cell for cell in cells if not _ISO.fullmatch(cell)), None)
    match = _MOMENT.fullmatch(cell) if cell else None
    if match is None:
        return format
    texts = [match["first"], match["second_part"], match["third"]]
    order: str = format.order or "ymd"
    if texts[0].isalpha():
        order = "mdy"
    elif texts[1].isalpha() and len(texts[0]) < 3:
        order = "dmy"
    year = "%y" if format.short_years else "%Y"
    parts = {"d": "%d", "m": "%m" if all(map(str.isdigit, texts)) else "%b", "y": year}
    gaps = [re.sub("[a-z]", "", match[name]) for name in ("gap", "gap2")]
    if order == "ymd" and gaps == ["-", "-"] and not format.short_years:
        return ISO
    return DateFormat(parts[order[0]] + gaps[0] + parts[order[1]] + gaps[1] + parts[order[2]])


def minutes(text: str) -> float:
    """An ISO time of day in minutes since midnight."""
    time = dt.time.fromisoformat(text)
    return time.hour * 60 + time.minute + time.second / 60 + time.microsecond / 60e6


def time_text(number: float) -> str:
    """Minutes since midnight as an ISO time of day."""
    return _time_text((dt.datetime.min + dt.timedelta(microseconds=round(number * 60e6))).time())


def _time_text(time: dt.time) -> str:
    return time.isoformat("minutes" if not (time.second or time.microsecond) else "auto")


def time_of_day(cell: str) -> str | None:
    """A cell such as `8:30`, `08:30:15` or `8:30 pm` as an ISO time; None if it is none."""
    match = _CLOCK.fullmatch(cell)
    time = _time(match) if match else None
    return None if time is None else _time_text(time)


def is_time(cells: Collection[str]) -> bool:
    """Whether all of a column's cells are times of day."""
    return bool(cells) and all(time_of_day(cell) is not None for cell in cells)
