"""Whether a target's values can be learnt as classes or numbers, and from which of the rows."""

import shlex

import numpy as np
import pandas as pd

from slipway.errors import DataError
from slipway.tables.notes import Note, Reading
from slipway.tables.numbers import NUMBER, is_number, taken_apart
from slipway.training import kinds
from slipway.training.kinds import python_value
from slipway.training.usecase import UseCase

TRAINED = 0.7
"""The share of the rows that PyCaret trains on by default; the others are the hold-out part."""
LEAST = 3
"""Rows of a class from which a hold-out part and two folds each have one; a class with fewer loses them."""


def check_numbers(column: pd.Series, source: str, reading: Reading) -> pd.Series:
    """A numeric target.

    Parameters
    ----------
    column : Series of shape (n_rows,)
    source : str
        The table, for messages.
    reading : Reading

    Returns
    -------
    Series of float64, of shape (n_rows,)

    Raises
    ------
    DataError
        If a value is not a number: with what to change.
    """
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    wrong = column[~np.isfinite(numbers)]
    if len(wrong):
        classes = "" if _too_many(column) else "use --task classification"
        raise DataError(source, f"the target {column.name!r} holds {_no_number(column, wrong, reading, classes)}")
    return numbers


def check_classes(column: pd.Series, usecase: UseCase, source: str, reading: Reading) -> None:
    """Reject a target with too many values for classes, or with numbers that were read as text.

    Parameters
    ----------
    column : Series of shape (n_rows,)
    usecase : UseCase
    source : str
        The table, for messages.
    reading : Reading

    Raises
    ------
    DataError
        With the values, and what to do.
    """
    name, different = str(column.name), column.nunique()
    if pd.api.types.is_datetime64_any_dtype(column):
        raise DataError(source, f"the target {name!r} holds dates; predict a number or a class made from them")
    many = f"the target {name!r} has {different:,} different values, too many for classes"
    if pd.api.types.is_numeric_dtype(column):
        if _too_many(column):
            raise DataError(source, f"{many}; use --task regression")
        return
    if column.map(lambda value: is_number(str(value).strip())).all() and (units := _units(column)):
        cells = " and ".join(f"{cell!r}{reading.line(name, cell)}" for cell in units[:2])
        raise DataError(source, f"the target {name!r} holds numbers in different units, {cells}; write all in one unit")
    odd = column[~column.map(_is_plain)]
    if different > kinds.CLASS_LIMIT and _amounts(odd, different) and (_too_many(column) or usecase.task is None):
        classes = "" if _too_many(column) else f"type --task classification for {different} classes"
        text = _no_number(column, odd, reading, classes)
        raise DataError(source, f"the target {name!r} would be numbers but for {text}")
    if _too_many(column):
        cell = f"{column.iloc[0]!r}{reading.line(name, column.iloc[0])}"
        raise DataError(
            source, f"{many}, and {cell} is not a number; join them to fewer classes, or predict another column"
        )


def _amounts(odd: pd.Series, different: int) -> bool:
    """Whether the values that are not plain numbers are the minority, or numbers with a unit or in another form."""
    return bool(0 < odd.nunique() <= different / 2 or len(odd) and odd.map(lambda value: is_number(str(value))).all())


def _is_plain(value: object) -> bool:
    return bool(NUMBER.fullmatch(str(value).strip()))


def _units(column: pd.Series) -> list[str]:
    """A value in each of the units of a target that is read as text because there are several."""
    units: dict[str, str] = {}
    for value in column.unique():
        if number := taken_apart(str(value).strip()):
            units.setdefault(number.unit, str(value))
    return list(units.values()) if len(units) > 1 else []


def _too_many(column: pd.Series) -> bool:
    return bool(column.nunique() > max(50, len(column) // 10))


def _no_number(column: pd.Series, wrong: pd.Series, reading: Reading, classes: str) -> str:
    """Which values are not numbers, and what to do about them."""
    first, name = python_value(wrong.iloc[0]), str(column.name)
    ways = [classes] if classes else []
    if isinstance(first, str):
        ways.append("write plain numbers there, as in 1234.5")
        if len(wrong) < len(column):
            marks = ",".join(list(dict.fromkeys(map(str, wrong)))[:3])
            ways.append(f"type `--missing {shlex.quote(f'{name}={marks}')}` if such rows have no value")
    if len(wrong) < len(column):
        ways.append("remove such rows")
    rows = f"{len(wrong):,} of {len(column):,} rows"
    return f"{first!r}{reading.line(name, first)}, which is not a number; {', or '.join(ways)} ({rows})"


def enough_rows(
    table: pd.DataFrame, usecase: UseCase, source: str, fixed: bool
) -> tuple[pd.DataFrame, int, list[Note]]:
    """The rows of classes that are large enough, and the folds that the smallest of them allows.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
    usecase : UseCase
    source : str
        The table, for messages.
    fixed : bool
        Whether the rows are already those of a fitted experiment.

    Returns
    -------
    table : DataFrame of shape (n_kept, n_columns)
    folds : int
    notes : list of Note
        What was decided.

    Raises
    ------
    DataError
        If fewer than two classes have enough rows.
    """
    name, asked = usecase.target.column, usecase.training.folds
    counts = table[name].value_counts()
    if fixed:
        if counts.min() < 2:
            problem = f"has 1 row of the class {python_value(counts.index[-1])!r}; remove it before setup()"
            raise DataError(source, f"the target {name!r} {problem}")
        return table, asked, []
    kept = counts[counts >= LEAST]
    if len(kept) < 2:
        largest = ", ".join(
            f"{python_value(value)!r} ({rows} {'row' if rows == 1 else 'rows'})"
            for value, rows in counts.head(5).items()
        )
        raise DataError(
            source,
            f"two classes of the target {name!r} need {LEAST} rows or more each, there are {largest}; "
            "collect more rows, or join classes",
        )
    few = counts[~counts.index.isin(kept.index)]
    notes = [
        Note("class_left_out", name, {"value": python_value(value), "rows": int(rows)}) for value, rows in few.items()
    ]
    # Each fold needs a row of it, of those that the hold-out part leaves.
    smallest = max(2, int(kept.min() * TRAINED))
    if smallest < asked:
        values = {"folds": smallest, "asked": asked, "value": python_value(kept.idxmin()), "rows": int(kept.min())}
        notes.append(Note("folds_for_class", name, values))
    return table[~table[name].isin(few.index)].reset_index(drop=True), min(asked, smallest), notes


def folds_for_rows(rows: int, folds: int, name: str) -> tuple[int, list[Note]]:
    """The folds for a number of rows: each needs two after the hold-out is removed, because of R2.

    Parameters
    ----------
    rows : int
    folds : int
        The number requested.
    name : str
        The target, for messages.

    Returns
    -------
    folds : int
    notes : list of Note
    """
    most = max(2, int(rows * TRAINED) // 2)
    if most >= folds:
        return folds, []
    return most, [Note("folds_for_rows", name, {"folds": most, "asked": folds, "rows": rows})]
