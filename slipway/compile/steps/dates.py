"""Numbers made of dates: PyCaret's `create_date_columns`.

A date is seconds since 1970. Its day of the year is found in whole numbers, and what a
calendar says of that day is looked up in a table that pandas filled.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import step
from slipway.compile.table import Column, Table, const, split
from slipway.training import _pycaret

DAY = 86_400
CALENDAR = {
    *("month", "day", "quarter", "dayofyear", "day_of_year", "days_in_month", "daysinmonth", "is_leap_year"),
    *(f"is_{part}_{end}" for part in ("month", "quarter", "year") for end in ("start", "end")),
}
WEEK = {"weekday", "dayofweek", "day_of_week"}
CLOCK = {"hour": (3600, 24), "minute": (60, 60), "second": (1, 60)}
MARCH_1 = 719_468
"""Days from 1 March of the year 0 to 1970. Years that begin in March have their leap day at the end."""
YEAR = 366
"""Rows of the calendar for a year that begins in March."""
TO_JANUARY = 306
"""Days from 1 March to 1 January."""


@step(_pycaret.EXTRACT_DATE_TIME_FEATURES)
def dates(extractor: Any, table: Table, include: list[str]) -> dict[str, Column]:
    """Each feature of each date; a missing date has missing features.

    PyCaret leaves a feature out of a batch in which more than a tenth of the dates are
    missing. Such a batch has no answer to be compared with: the estimator misses a column.
    """
    features = list(dict.fromkeys(extractor.features))
    unknown = [name for name in features if name not in {"year"} | CALENDAR | WEEK | set(CLOCK)]
    if unknown:
        raise CannotCompileError(f"no converter for these features of a date: {', '.join(unknown)}")
    if not features:
        return {}
    seconds = op.unsqueeze(table.matrix(include), const([2], "int64"))
    # From here on nothing is negative, so that whole-number division, which cuts, rounds down.
    since = op.cast(op.add(seconds, const(float(MARCH_1 * DAY))), to=np.int64)
    parts = _parts(since, features)
    joined = parts[0] if len(parts) == 1 else op.concat(parts, axis=2)
    names = [f"{name}_{feature}" for name in include for feature in _order(features)]
    matrix = op.reshape(joined, const([-1, len(names)], "int64"))
    if table.nullable(include):
        missing = op.reshape(op.add(op.mul(joined, const(0.0)), seconds), const([-1, len(names)], "int64"))
        matrix = op.where(op.isnan(missing), missing, matrix)
    nullable = [table.nullable([name]) for name in include for _ in features]
    return dict(split(matrix, names, nullable))


def _order(features: list[str]) -> list[str]:
    """The features in the order in which `_parts` makes them."""
    return [
        *(name for name in features if name in CALENDAR),
        *(name for name in features if name == "year"),
        *(name for name in features if name in WEEK),
        *(name for name in features if name in CLOCK),
    ]


def _parts(since: Var, features: list[str]) -> list[Var]:
    """The features, double of shape (n, n_dates, some of them); `since` is seconds since `MARCH_1`."""
    calendar, clock = ([name for name in features if name in known] for known in (CALENDAR, CLOCK))
    days = op.div(since, _whole(DAY))
    parts = []
    if calendar or "year" in features:
        parts += _of_the_year(days, calendar, "year" in features)
    week = [name for name in features if name in WEEK]
    if week:
        # 1 March of the year 0 was a Wednesday; Monday is 0.
        weekday = op.mod(op.add(days, _whole(2)), _whole(7))
        parts += [op.cast(weekday, to=np.float64)] * len(week)
    for name in clock:
        unit, count = CLOCK[name]
        parts.append(op.cast(op.mod(op.div(since, _whole(unit)), _whole(count)), to=np.float64))
    return parts


def _of_the_year(days: Var, calendar: list[str], with_year: bool) -> list[Var]:
    """Century, year and day of the year, as fractions of their mean lengths.

    Neri, C. and Schneider, L. (2023). Euclidean affine functions and their application to
    calendar algorithms. Software: Practice and Experience 53, 937-970. A year here begins in
    March. Four times the day is the numerator, as a century has 146097 / 4 days.
    """
    quarters = op.add(op.mul(days, _whole(4)), _whole(3))
    century = op.div(quarters, _whole(146_097))
    within = op.bitwise_or(op.mod(quarters, _whole(146_097)), _whole(3))
    year = op.add(op.mul(century, _whole(100)), op.div(within, _whole(1461)))
    day = op.div(op.mod(within, _whole(1461)), _whole(4))
    common, leap = _calendar(calendar)
    parts = []
    if calendar and np.array_equal(common[:-1], leap[:-1]):
        parts.append(_looked_up(leap, day))
    elif calendar:
        is_leap = op.gather(
            const([YEAR * _is_leap(one) for one in range(400)], "int64"), op.mod(_january(year, day), _whole(400))
        )
        parts.append(_looked_up(np.concatenate([common, leap]), op.add(day, is_leap)))
    if with_year:
        parts.append(op.cast(_january(year, day), to=np.float64))
    return parts


def _january(year: Var, day: Var) -> Var:
    """The year that begins in January."""
    return op.add(year, op.div(day, _whole(TO_JANUARY)))


def _looked_up(table: npt.NDArray[np.float64], row: Var) -> Var:
    return op.squeeze(op.gather(const(table), row, axis=0), const([2], "int64"))


def _calendar(features: list[str]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """What pandas says of each day from 1 March on, of shape (366, n_features), twice.

    First where January belongs to a common year, then to a leap year. The last day of a
    common year does not exist.
    """
    tables = []
    for year in (2023, 2024):
        march, january = (pd.Series(pd.date_range(f"{one}-03-01", periods=YEAR)) for one in (year, year - 1))
        days = march.where(march.index < TO_JANUARY, january)
        tables.append(np.stack([getattr(days.dt, name).astype("float64") for name in features] or [np.zeros(YEAR)], 1))
    return tables[0], tables[1]


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _whole(number: int) -> Var:
    return const(number, "int64")
