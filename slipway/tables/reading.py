"""How the cells of a text table are read for training.

What is certain gets a type; what was decided is noted, so that training and the card can report
it; what can be read in two ways is rejected with both readings and with what to type.
"""

import shlex
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from slipway.errors import DataError
from slipway.tables.cells import TextTable
from slipway.tables.columns import Gaps, TextColumn, missing_markers, plain_numbers, typed
from slipway.tables.decimal_marks import decimal_mark, mark_by_length, mark_of_money
from slipway.tables.evidence import Cells
from slipway.tables.missing import MISSING_CELLS, is_marker
from slipway.tables.notes import LISTED, Note, Reading, kind_option, missing_option
from slipway.tables.numbers import (
    PLAIN,
    NumberFormat,
    UnitPlace,
    is_number,
    taken_apart,
    two_readings,
    unit_place,
)
from slipway.tables.source import ReadingOptions

ASKED = 20
"""Values of a column that tell whether its texts stand in quotes."""
_LARGE = 100_000
"""Rows of a table that is not copied."""
DECIMALS = 5
"""From so many different cells on, `1,5` in quotes is a number, where commas separate the cells."""


def read_cells(
    table: TextTable, source: str, options: ReadingOptions, declared: str | None, *, has_nulls: bool = False
) -> tuple[pd.DataFrame, Reading]:
    """The columns of a text table, typed, and how they were read.

    Parameters
    ----------
    options : ReadingOptions
        Its `missing` says which cells stand for nothing; what it ignores is not judged.
    declared : "," or ".", optional
        The decimal mark, where numbers such as `1.030` can be read in two ways.
    has_nulls : bool, default=False
        Whether the table has another way to write a missing value than a text, as a database has.

    Raises
    ------
    DataError
        If a column can be read in two ways, and nothing in the file or the use case decides.
    """
    has_points = not table.decimal_comma and not declared
    columns = [_column(table, name, options, has_points) for name in table.header]
    reading = Reading(cells=table)
    gaps = Gaps.of(columns)
    gaps = replace(gaps, empty=gaps.empty or has_nulls)
    with_mark = Counter(mark for column in columns if column.is_numeric for mark in column.numbers.marks)
    frame, notes, formats, missing = {}, [], {}, {}
    for column in columns:
        judged = column.name not in options.ignore
        if judged and column.is_target:
            _check_target(column, reading, source)
        own = column.numbers.marks if column.is_numeric else set()
        elsewhere = {mark for mark, count in with_mark.items() if count > (mark in own)}
        has_numbers = column.is_numeric and not _is_quoted_list(column, elsewhere, table.decimal_comma, declared)
        format = _format(column, elsewhere, table.decimal_comma, declared) if has_numbers else None
        if has_numbers and format is None and column.numbers.open and judged:
            raise _two_numbers(column, elsewhere, reading, source)
        markers, why = missing_markers(column, quoted(table, column), gaps)
        out = {"", *markers, *column.strays, *(column.counts.keys() - column.values.keys() - set(column.markers))}
        frame[column.name] = _typed(column, out, format)
        if not judged:
            continue
        if taken := tuple(cell for cell in column.counts if cell in markers or cell in column.strays):
            missing[column.name] = taken
        said = [] if format is None else _of_numbers(column, format, reading, table, declared)
        if format is not None and (said or format != PLAIN):
            formats[column.name] = format
        notes += [*said, *_notes(column, format, markers, why, reading)]
    # As a copy, a large table would be in memory twice; a wide one is quicker in one piece.
    return pd.DataFrame(frame, copy=len(table.rows) < _LARGE), Reading(tuple(notes), formats, missing, table)


def _typed(column: TextColumn, out: set[str], format: NumberFormat | None) -> pd.Series:
    if format is None:
        return typed(column.cells, out, None)
    numbers = column.numbers
    return typed(column.cells, out, numbers.plain(format), str if numbers.is_plain else format.plain)


def _column(table: TextTable, name: str, options: ReadingOptions, has_points: bool) -> TextColumn:
    sentinels = options.missing.get(name)
    return TextColumn(
        name,
        Cells(table.compact(name)),
        None if sentinels is None else tuple(map(str, sentinels)),
        options.kinds.get(name),
        name == options.target,
        has_points,
    )


def quoted(table: TextTable, column: TextColumn) -> Mapping[str, bool] | None:
    """Of each possible marker of a column whether it stands in quotes, where the column's texts do.

    None where the file does not tell.
    """
    if not column.markers:
        return None
    texts = [cell for cell, _ in column.values.most_common(ASKED)]
    rows = np.fromiter(table.quoted(column.name, column.cells.places(set(column.markers))), np.int64)
    if not len(rows) and next(table.quoted(column.name, column.cells.places(set(texts))), None) is None:
        return None
    return {cell: bool(np.isin(column.cells.places({cell}), rows).any()) for cell in column.markers}


def _format(column: TextColumn, elsewhere: set[str], decimal_comma: bool, declared: str | None) -> NumberFormat | None:
    """How the numbers of a column are written; None if they can be read in two ways."""
    numbers = column.numbers
    if not numbers.with_commas and not declared and not decimal_comma:
        return NumberFormat(".", column.unit, _place(column))  # as in nearly every file
    marks: Collection[str] = elsewhere if decimal_comma else "."
    mark = decimal_mark(numbers, declared, marks) or mark_by_length(numbers, marks) or mark_of_money(numbers, elsewhere)
    return NumberFormat("," if mark == "," else ".", column.unit, _place(column)) if mark else None


def _place(column: TextColumn) -> UnitPlace:
    return unit_place(cell for cell, _ in column.values.most_common(ASKED)) if column.unit else "after_spaced"


def _is_quoted_list(column: TextColumn, elsewhere: set[str], decimal_comma: bool, declared: str | None) -> bool:
    """Whether a comma in its numbers may as well separate two of them: `1,5` where the comma separates cells.

    Not if there are many such cells, and no number of the file has a decimal point: so people write whose decimal
    mark is the comma.
    """
    numbers = column.numbers
    if decimal_comma or declared or "," not in numbers.marks or numbers.grouped:
        return False
    return "." in elsewhere or sum("," in cell for cell in numbers.numbers) < DECIMALS


def _two_numbers(column: TextColumn, elsewhere: set[str], reading: Reading, source: str) -> DataError:
    cell = column.numbers.open[0]
    small, large = two_readings(cell)
    other = next((f"{c!r}{reading.line(column.name, c)}" for c, n in column.numbers.numbers.items() if n.mark), None)
    beside = f", beside {other}" if other else ", and other columns have both marks" if len(elsewhere) > 1 else ""
    point, comma = (large, small) if "," in cell else (small, large)
    return DataError(
        source,
        f"{column.name!r} holds {cell!r}{reading.line(column.name, cell)}{beside}, which can be {small} or {large}; "
        f"type `--decimal .` for {point} or `--decimal ,` for {comma} (in a use case: `data: {{file: …, decimal: '.'}}`)",
    )


def _check_target(column: TextColumn, reading: Reading, source: str) -> None:
    """Refuse a class that may as well mean "no value": it would be learnt, or its rows dropped."""
    if column.declared is not None:
        return
    every = column.counts
    doubtful = [cell for cell in every if is_marker(cell)]
    others = [cell for cell in every if not is_marker(cell)]
    # NA among numbers is not a number; but `?` might be a class that was not foreseen.
    if not others or not doubtful or all(cell in MISSING_CELLS for cell in doubtful) and all(map(is_number, others)):
        return
    cell = doubtful[0]
    rows = "1 row" if every[cell] == 1 else f"{every[cell]:,} rows"
    missing = shlex.quote(f"{column.name}={','.join(doubtful)}")
    raise DataError(
        source,
        f"the target {column.name!r} is {cell!r} in {rows}{reading.line(column.name, cell)}, which can be a class or "
        f"mean that there is no value; type `--missing {missing}` if such rows have no target, or "
        f"`--missing {shlex.quote(column.name + '=')}` if it is a class (in a use case: "
        f"`missing: {{{column.name}: {doubtful}}}` or `missing: {{{column.name}: []}}`)",
    )


def _notes(
    column: TextColumn,
    format: NumberFormat | None,
    markers: list[str],
    why: str,
    reading: Reading,
) -> list[Note]:
    """What was decided of a column's missing values, strays and codes."""
    notes = []
    if markers:
        rows = {cell: column.counts[cell] for cell in markers}
        hint = f"first {markers[0]!r}{reading.line(column.name, markers[0])}"
        if why != "numbers":
            hint += f"; if it is a value, {missing_option(column.name, [])}"
        notes.append(Note("taken_for_missing", column.name, {"cells": rows}, hint))
    kept = [cell for cell in column.markers if cell not in markers and cell in MISSING_CELLS]
    if kept:
        hint = f"first {kept[0]!r}{reading.line(column.name, kept[0])}; if it is missing, {missing_option(column.name, kept)}"
        notes.append(Note("kept_as_value", column.name, {"cells": {cell: column.counts[cell] for cell in kept}}, hint))
    if column.strays:
        named = ", ".join(_counted(column, cell, reading) for cell in column.strays)
        ways = f"{missing_option(column.name, column.strays)} to say so yourself, or {kind_option(column.name, 'category')}"
        rows = {cell: column.counts[cell] for cell in column.strays}
        notes.append(Note("strays", column.name, {"cells": rows}, f"{named}; {ways}"))
    if format is None:
        notes += _codes(column, reading) or _numbers_as_text(column, reading)
    return notes


def _of_numbers(
    column: TextColumn, format: NumberFormat, reading: Reading, table: TextTable, declared: str | None
) -> list[Note]:
    """The marks of the numbers, where not plain to see in each cell, and their unit."""
    notes, numbers = [], column.numbers
    by_comma = not table.decimal_comma and "," in numbers.marks
    separated = [cell for cell in numbers.grouped if not numbers.numbers[cell].spaced]
    if separated or by_comma or numbers.open and (declared or numbers.with_commas or format.decimal == ","):
        cell = (separated or numbers.open or [cell for cell in column.values if "," in cell])[0]
        hint = f"{cell!r}{reading.line(column.name, cell)} is {format.plain(cell)}"
        notes.append(Note("decimal_comma" if format.decimal == "," else "decimal_point", column.name, hint=hint))
    if format.unit:
        cell = next(cell for cell in column.values if numbers.numbers.get(cell) and numbers.numbers[cell].unit)
        hint = f"{cell!r}{reading.line(column.name, cell)} is {format.plain(cell)}"
        bare = next((cell for cell, number in numbers.numbers.items() if not number.unit and number.point != "0"), None)
        if bare is not None:
            hint += f"; {bare!r}{reading.line(column.name, bare)} is taken for the same unit"
        notes.append(Note("unit", column.name, {"unit": format.unit}, hint))
    odd_sign = next((cell for cell in column.values if cell[0] == "(" or cell[-1] in "-−–" and cell[-1:] != cell), None)
    if not numbers.is_plain and odd_sign and is_number(odd_sign):
        hint = f"{odd_sign!r}{reading.line(column.name, odd_sign)} is {format.plain(odd_sign)}"
        notes.append(Note("negative", column.name, {"cells": [odd_sign]}, hint))
    return notes


def _codes(column: TextColumn, reading: Reading) -> list[Note]:
    """Numbers whose text counts: too long for a number, or 1E2 beside 100."""
    if column.codes not in ("long", "mixed") or not all(map(is_number, column.values)):
        return []
    cells = list(column.values)
    cell = max(cells, key=len) if column.codes == "long" else next(cell for cell in cells if not cell.isdigit())
    hint = f"{cell!r}{reading.line(column.name, cell)}; if these are numbers, {kind_option(column.name, 'number')}"
    return [Note("long_codes" if column.codes == "long" else "mixed_codes", column.name, {"cells": [cell]}, hint)]


def _numbers_as_text(column: TextColumn, reading: Reading) -> list[Note]:
    """What kept a column that is mostly numbers from being one."""
    cells, odd = list(column.values), column.odd
    different, strange = column.different
    if strange > different / 2 or not cells or column.kind in ("category", "text"):
        return []
    units = {number.unit for cell in cells if (number := taken_apart(cell))}
    if len(units) > 1 and all(map(is_number, cells)):
        some = [next(cell for cell in cells if (n := taken_apart(cell)) and n.unit == unit) for unit in sorted(units)]
        hint = ", ".join(f"{cell!r}{reading.line(column.name, cell)}" for cell in some[:LISTED])
        return [Note("mixed_units", column.name, {"cells": some[:LISTED]}, f"{hint}; write all in one unit")]
    values = {"numbers": different - strange, "different": different, "cells": odd[:LISTED]}
    if odd:
        named = ", ".join(_counted(column, cell, reading) for cell in odd[:LISTED])
        use = missing_option(column.name, odd[:LISTED])
        return [Note("numbers_as_text", column.name, values, f"{named}; if these stand for missing, {use}")]
    commas = [cell for cell in cells if "," in cell]
    if not commas:  # codes such as 007
        return []
    hint = f"{commas[0]!r}{reading.line(column.name, commas[0])}; type `--decimal ,` if the comma is the decimal mark"
    return [Note("commas_as_text", column.name, {"cells": commas[:1]}, hint)]


def _counted(column: TextColumn, cell: str, reading: Reading) -> str:
    rows, line = column.cells.count(cell), reading.line(column.name, cell)
    count = "1 cell" if rows == 1 else f"{rows:,} cells"
    return f"{cell!r}{line[:-1]}, {count})" if line else f"{cell!r} ({count})"


def mask_sentinels(column: pd.Series, missing: tuple[Any, ...]) -> pd.Series:
    """A column with the values that mean "not measured" replaced by missing ones.

    A text such as `?` among numbers made them all text; without it they are numbers again.

    Parameters
    ----------
    column : Series of shape (n_rows,)
    missing : tuple
        The sentinel values.

    Returns
    -------
    Series of shape (n_rows,)
    """
    if not missing:
        return column
    column = column.mask(column.isin(missing) | column.isin([str(value) for value in missing]))
    if column.dtype == object and all(isinstance(value, str) for value in column.dropna()):
        cells = [None if pd.isna(value) else value.strip() for value in column]
        return plain_numbers(cells)
    return column
