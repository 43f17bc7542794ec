"""Columns of dates and times of day: which they are, how they are written, and as they are passed to the pipeline."""

import shlex
from typing import Literal

import pandas as pd

from slipway.errors import DataError
from slipway.tables.dates import (
    DAY_FIRST,
    MONTH_FIRST,
    PIVOT,
    DateFormat,
    LearntDates,
    is_time,
    learn,
    minutes,
    time_of_day,
)
from slipway.tables.notes import Note, Reading
from slipway.training.usecase import FieldSpec

TemporalKind = Literal["date", "datetime", "time"]


def _cells(present: pd.Series) -> list[str]:
    """The different texts of a column; none if it holds anything else."""
    values = present.unique()
    return [value.strip() for value in values] if all(isinstance(value, str) for value in values) else []


def _learnt(present: pd.Series, format: str | None) -> LearntDates | None:
    cells = _cells(present)
    if format is None:
        return learn(cells)
    declared = DateFormat(format)
    moments = {cell: declared.moment(cell) for cell in cells}
    known = {cell: moment for cell, moment in moments.items() if moment is not None}
    return LearntDates(declared, known) if known and len(known) == len(moments) else None


def infer_temporal(present: pd.Series, format: str | None) -> TemporalKind | None:
    """The kind of a column of dates or times of day; None for any other column.

    Parameters
    ----------
    present : Series of shape (n_present,)
        The values that are not missing.
    format : str or None
        As in `strptime`; inferred by default.
    """
    if pd.api.types.is_datetime64_any_dtype(present):
        return "datetime" if (present != present.dt.normalize()).any() else "date"
    if present.dtype != object:
        return None
    found = _learnt(present, format)
    if found is not None:
        return "datetime" if found.with_times else "date"
    return "time" if format is None and is_time(_cells(present)) else None


def moments(column: pd.Series, format: str | None) -> tuple[pd.Series | None, str | None]:
    """A column as local moments, and how they are written.

    Parameters
    ----------
    column : Series of shape (n_rows,)
    format : str or None
        As in `strptime`; inferred by default.

    Returns
    -------
    moments : Series of datetime64[ns], of shape (n_rows,), or None
        None unless every value is a date of one format, or missing.
    format : str or None
        None for ISO dates.
    """
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.tz_localize(None).astype("datetime64[ns]"), None
    found = _learnt(column.dropna(), format)
    if found is None:
        return None, None
    known = {cell: pd.NaT if not 1678 <= moment.year <= 2261 else moment for cell, moment in found.moments.items()}
    if any(moment is pd.NaT for moment in known.values()):
        return None, None
    read = [None if pd.isna(cell) else known[cell.strip()] for cell in column]
    return pd.Series(pd.to_datetime(pd.Series(read, dtype=object)), index=column.index).astype(
        "datetime64[ns]"
    ), found.format.pattern


def minutes_of_day(column: pd.Series) -> pd.Series | None:
    """A column of times as minutes since midnight, of shape (n_rows,); None if a value is no time of day."""
    known = {}
    for cell in _cells(column.dropna()):
        text = time_of_day(cell)
        if text is None:
            return None
        known[cell] = minutes(text)
    return pd.Series(
        [float("nan") if pd.isna(cell) else known[cell.strip()] for cell in column], column.index, dtype="float64"
    )


def notes(name: str, present: pd.Series, kind: str, spec: FieldSpec, source: str, reading: Reading) -> list[Note]:
    """What was decided when a column was read as dates.

    Parameters
    ----------
    name : str
    present : Series of shape (n_present,)
        The values that are not missing.
    kind : {"date", "datetime"}
    spec : FieldSpec
    source : str
        The table, for messages.
    reading : Reading

    Returns
    -------
    list of Note

    Raises
    ------
    DataError
        If day and month are interchangeable, and no format was given.
    """
    if pd.api.types.is_datetime64_any_dtype(present):
        late = present[present != present.dt.normalize()]
        return [_time_dropped(name, late, str(late.iloc[0]), reading)] if kind == "date" and len(late) else []
    found = _learnt(present, spec.format)
    if found is None:
        return []
    if found.other is not None:
        raise _two_orders(name, found, source, reading)
    decided = []
    if found.deciding is not None:
        hint = f"{found.deciding!r}{reading.line(name, found.deciding)} fits no other order"
        order = "day_first" if found.format.order == "dmy" else "month_first"
        decided.append(Note(order, name, hint=hint))
    if found.format.short_years and spec.format is None:
        cell = next(iter(found.moments))
        hint = f"{cell!r}{reading.line(name, cell)} is in {found.moments[cell].year}"
        decided.append(Note("short_years", name, {"pivot": PIVOT}, hint))
    zoned = next((cell for cell in found.moments if _has_zone(cell)), None)
    if zoned is not None and kind == "datetime":
        hint = f"{zoned!r}{reading.line(name, zoned)} is {found.moments[zoned]:%H:%M}"
        decided.append(Note("local_time", name, {"cells": [zoned]}, hint))
    late = present[present.map(lambda cell: found.moments[cell.strip()].time().isoformat() != "00:00:00")]
    if kind == "date" and len(late):
        decided.append(_time_dropped(name, late, late.iloc[0], reading))
    return decided


def _has_zone(cell: str) -> bool:
    end = cell.rstrip()
    return ":" in end and (end[-1] == "Z" or end[-3:] in ("UTC", "GMT") or any(sign in end[10:] for sign in "+-"))


def _time_dropped(name: str, late: pd.Series, first: str, reading: Reading) -> Note:
    hint = f"first {first!r}{reading.line(name, first)}; `kind: datetime` keeps it"
    return Note("time_dropped", name, {"rows": len(late)}, hint)


def _two_orders(name: str, found: LearntDates, source: str, reading: Reading) -> DataError:
    one, *others = found.ambiguous[:2]
    cells = " and ".join(f"{cell!r}{reading.line(name, cell)}" for cell in (one, *others))
    short = found.format.short_years
    orders = [order.replace("%Y", "%y") if short else order for order in (DAY_FIRST, MONTH_FIRST)]
    dates = [DateFormat(order).moment(one) for order in orders]
    day, month = (f"{date.day} {date:%B %Y}" for date in dates if date)
    options = [f"`--format {shlex.quote(f'{name}={order}')}`" for order in orders]
    return DataError(
        source,
        f"{name!r} holds dates that fit day first and month first, {cells}: {one!r} can be {day} or {month}; "
        f"type {options[0]} or {options[1]} (in a use case: `fields: {{{name}: {{format: '{orders[0]}'}}}}`)",
    )
