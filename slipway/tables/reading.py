"""How the cells of a text table are read for training.

What is certain is typed; what was decided is noted, so that training and the card can say it;
what fits twice is refused with both readings and with what to type.
"""

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from slipway.errors import DataError
from slipway.tables.cells import (
    GROUPED,
    MISSING_CELLS,
    NUMBER,
    OPEN,
    TextTable,
    column_mark,
    decimal_mark,
    is_number,
    plain_number,
    two_readings,
)
from slipway.tables.source import ReadingOptions

# 00123 is a code, as a number it would lose its zeros; and 18 digits are what int64 surely holds.
_CODE = re.compile(r"[+-]?(0\d+|\d{19,})")
WITH_SIGN = re.compile(r"(?:[$€£¥₹]\s*[+-]?[\d.,]*\d|[+-]?[\d.,]*\d\s*[%$€£¥₹])", re.ASCII)
"""An amount of money or a percentage."""
LIKE_MISSING = frozenset({"na", "n/a", "#n/a", "nan", "null", "none", "?"})
"""Texts, in lower case, that often stand for "nothing here", and sometimes for a class."""
LISTED = 3
"""Cells of a column that a note or an error names."""


@dataclass(frozen=True)
class Note:
    """What was decided in reading or learning a column, for people.

    `kind` and `values` make a sentence and are kept with the version; `hint` is for whoever
    trains (where the first such cell is, what to type) and is not.
    """

    kind: str
    column: str
    values: dict[str, Any] = field(default_factory=dict)
    hint: str = ""


@dataclass(frozen=True)
class Reading:
    """How a table was read: notes, the decimal marks that thousands left open, and its cells."""

    notes: tuple[Note, ...] = ()
    decimals: dict[str, str] = field(default_factory=dict)
    cells: TextTable | None = None

    def line(self, column: str, cell: Any) -> str:
        """` (line 12)`, where a cell first stands in the file; empty where that is not known."""
        if self.cells is None or column not in self.cells.header:
            return ""
        texts = [text.strip() for text in self.cells.column(column)]
        return f" (line {self.cells.lines[texts.index(str(cell))]})" if str(cell) in texts else ""


def typed(cells: Sequence[str | None], decimal: str | None = None) -> pd.Series:
    """Cells (None where missing) as numbers or booleans where every one of them is, else as text.

    `decimal` is the decimal mark; without one, a number has a point and no marks of thousands.
    """
    plain = {cell: plain_number(cell, decimal) for cell in set(cells) if cell is not None} if decimal else {}
    values = [plain.get(cell, cell) if cell is not None else None for cell in cells] if plain else list(cells)
    present = [value for value in values if value is not None]
    if present and all(map(NUMBER.fullmatch, present)) and not any(map(_CODE.fullmatch, present)):
        try:
            return pd.to_numeric(pd.Series(values, dtype=object))
        except ValueError:  # 1e400, which is too large for a float; float() makes it infinite
            return pd.Series([None if value is None else float(value) for value in values], dtype="float64")
    if len(present) == len(values) and {value.lower() for value in present} == {"true", "false"}:
        return pd.Series([value is not None and value.lower() == "true" for value in values])
    return pd.Series(list(cells), dtype=object)


@dataclass(frozen=True)
class _Column:
    """The stripped cells of a column, None where they stand for nothing, and what stood there."""

    name: str
    cells: list[str | None]
    gaps: Counter[str]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each cell occurs, in the order of the file."""
        return Counter(cell for cell in self.cells if cell is not None)

    @cached_property
    def numeric(self) -> bool:
        return bool(self.counts) and all(map(is_number, self.counts))

    @cached_property
    def with_commas(self) -> bool:
        return any("," in cell for cell in self.counts)

    @cached_property
    def marks(self) -> set[str]:
        """The decimal marks of its numbers, where they are certain."""
        return {mark for cell in self.counts if (mark := decimal_mark(cell))} if self.numeric else set()

    @cached_property
    def open(self) -> list[str]:
        """The numbers that can be read in two ways."""
        return [cell for cell in self.counts if OPEN.fullmatch(cell)]

    @cached_property
    def grouped(self) -> list[str]:
        """The numbers whose thousands are separated, whatever the others are."""
        return [cell for cell in self.counts if GROUPED.fullmatch(cell)]


def _column(table: TextTable, name: str, options: ReadingOptions) -> _Column:
    sentinels = options.missing.get(name)
    # An empty list says that no text stands for nothing; numbers that do are seen to when kinds are known.
    marks = (
        {""}
        if sentinels == ()
        else MISSING_CELLS | {str(value) for value in sentinels or () if not is_number(str(value))}
    )
    cells = [cell.strip() for cell in table.column(name)]
    gaps = Counter(cell for cell in cells if cell in marks and cell)
    return _Column(name, [None if cell in marks else cell for cell in cells], gaps)


def read_cells(
    table: TextTable, source: str, options: ReadingOptions, declared: str | None
) -> tuple[pd.DataFrame, Reading]:
    """The columns of a text table, typed, and how they were read.

    Parameters
    ----------
    options : ReadingOptions
        Its `missing` says which cells stand for nothing; what it ignores is not judged.
    declared : "," or ".", optional
        The decimal mark, where numbers such as `1.030` can be read in two ways.

    Raises
    ------
    DataError
        If a column can be read in two ways, and nothing in the file or the use case decides.
    """
    columns = [_column(table, name, options) for name in table.header]
    reading = Reading(cells=table)
    frame, notes, decimals = {}, [], {}
    doubtful = table.decimal_comma and any(column.numeric and column.open for column in columns)
    with_mark = Counter(mark for column in columns for mark in column.marks) if doubtful else Counter()
    for column in columns:
        judged = column.name not in options.ignore
        if judged and column.name == options.target:
            _check_target(column, options, reading, source)
        elsewhere = {mark for mark, count in with_mark.items() if count > (mark in column.marks)}
        decimal = _decimal(column, elsewhere, table.decimal_comma, declared)
        if decimal == "" and judged:
            raise _two_numbers(column, elsewhere, reading, source)
        frame[column.name] = typed(column.cells, decimal if decimal == "," or column.with_commas else None)
        if not judged:
            continue
        if (
            decimal
            and (column.with_commas or table.decimal_comma or declared)
            and _worth_a_word(column, decimal, table, declared)
        ):
            notes.append(_thousands(column, decimal, reading))
            decimals[column.name] = decimal
        notes += _notes(column, frame[column.name], options, reading)
    return pd.DataFrame(frame), Reading(tuple(notes), decimals, table)


def _decimal(column: _Column, elsewhere: set[str], decimal_comma: bool, declared: str | None) -> str | None:
    """The decimal mark of a column's numbers; None if they are text, "" if two readings fit."""
    if not column.numeric:
        return None
    if not column.with_commas and not declared and not decimal_comma:
        return "."  # as in nearly every file
    if not decimal_comma and not declared and "," in column.marks and not column.grouped:
        return None  # 1,5 in quotes, where the comma separates cells
    return column_mark(column.counts, declared, elsewhere if decimal_comma else ".") or ""


def _worth_a_word(column: _Column, decimal: str, table: TextTable, declared: str | None) -> bool:
    """Whether the mark was given or inferred, rather than plain to see in each cell."""
    quoted = not table.decimal_comma and "," in column.marks
    return bool(column.grouped or quoted or column.open and (declared or decimal == ","))


def _two_numbers(column: _Column, elsewhere: set[str], reading: Reading, source: str) -> DataError:
    cell = column.open[0]
    small, large = two_readings(cell)
    other = next((f"{c!r}{reading.line(column.name, c)}" for c in column.counts if decimal_mark(c)), None)
    beside = f", beside {other}" if other else ", and other columns have both marks" if len(elsewhere) > 1 else ""
    point, comma = (large, small) if "," in cell else (small, large)
    return DataError(
        source,
        f"{column.name!r} holds {cell!r}{reading.line(column.name, cell)}{beside}, which can be {small} or {large}; "
        f"type `--decimal .` for {point} or `--decimal ,` for {comma} (in a use case: `data: {{file: …, decimal: '.'}}`)",
    )


def _check_target(column: _Column, options: ReadingOptions, reading: Reading, source: str) -> None:
    """Refuse a class that may as well mean "no value": it would be learnt, or its rows dropped."""
    if column.name in options.missing:
        return
    every = column.gaps + column.counts
    doubtful = [cell for cell in every if cell.lower() in LIKE_MISSING]
    others = [cell for cell in every if cell.lower() not in LIKE_MISSING]
    # NA among numbers is not a number; but `?`, which would stay, makes text of them all.
    if not others or not doubtful or all(cell in column.gaps for cell in doubtful) and all(map(is_number, others)):
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


def _thousands(column: _Column, decimal: str, reading: Reading) -> Note:
    cell = (column.grouped or column.open or [cell for cell in column.counts if "," in cell])[0]
    hint = f"{cell!r}{reading.line(column.name, cell)} is {plain_number(cell, decimal)}"
    return Note("decimal_comma" if decimal == "," else "decimal_point", column.name, hint=hint)


def _notes(column: _Column, values: pd.Series, options: ReadingOptions, reading: Reading) -> list[Note]:
    notes = []
    unasked = {
        cell: rows for cell, rows in column.gaps.items() if cell not in map(str, options.missing.get(column.name, ()))
    }
    if unasked:
        notes.append(_taken_for_missing(column, unasked, values, reading))
    if values.dtype == object:
        notes += _numbers_as_text(column, reading)
    elif any("e" in cell.lower() for cell in column.counts):
        notes += _merged(column, values, reading)
    return notes


def _taken_for_missing(column: _Column, gaps: dict[str, int], values: pd.Series, reading: Reading) -> Note:
    first = next(iter(gaps))
    hint = f"first {first!r}{reading.line(column.name, first)}"
    if values.dtype == object and len(column.counts):
        asked = shlex.quote(f"{column.name}=")
        hint += f"; if it is a value, type `--missing {asked}` (in a use case: `missing: {{{column.name}: []}}`)"
    return Note("taken_for_missing", column.name, {"cells": gaps}, hint)


def _numbers_as_text(column: _Column, reading: Reading) -> list[Note]:
    """What kept a column that is mostly numbers from being one."""
    cells = list(column.counts)
    odd = [cell for cell in cells if not is_number(cell)]
    if cells and all(map(WITH_SIGN.fullmatch, odd)) and len(odd) >= len(cells) / 2:
        hint = f"{odd[0]!r}{reading.line(column.name, odd[0])}; write plain numbers, as in 1234.5, and the unit into the column's name"
        return [Note("numbers_with_signs", column.name, {"cells": odd[:1]}, hint)]
    if len(odd) > len(cells) / 2 or not cells:
        return []
    values = {"numbers": len(cells) - len(odd), "different": len(cells), "cells": odd[:LISTED]}
    if odd:
        named = ", ".join(_counted(column, cell, reading) for cell in odd[:LISTED])
        asked = shlex.quote(f"{column.name}={','.join(odd[:LISTED])}")
        use = f"type `--missing {asked}` (in a use case: `missing: {{{column.name}: {odd[:LISTED]}}}`)"
        return [Note("numbers_as_text", column.name, values, f"{named}; if these stand for missing, {use}")]
    commas = [cell for cell in cells if "," in cell]
    if not commas:  # codes such as 007
        return []
    hint = f"{commas[0]!r}{reading.line(column.name, commas[0])}; type `--decimal ,` if the comma is the decimal mark"
    return [Note("commas_as_text", column.name, {"cells": commas[:1]}, hint)]


def _counted(column: _Column, cell: str, reading: Reading) -> str:
    rows = column.counts[cell]
    return f"{cell!r}{reading.line(column.name, cell)[:-1]}, {'1 cell' if rows == 1 else f'{rows:,} cells'})"


def _merged(column: _Column, values: pd.Series, reading: Reading) -> list[Note]:
    """Cells such as 1E2 and 100, which may be two codes and are one number."""
    by_value: dict[float, str] = {}
    for cell, value in zip(column.cells, values, strict=True):
        if cell is None:
            continue
        other = by_value.setdefault(value, cell)
        if ("e" in other.lower()) != ("e" in cell.lower()):
            hint = f"{other!r}{reading.line(column.name, other)} and {cell!r}{reading.line(column.name, cell)}; if they are codes, begin each with a letter"
            return [Note("merged", column.name, {"cells": [other, cell]}, hint)]
    return []


def mask_sentinels(column: pd.Series, missing: tuple[Any, ...]) -> pd.Series:
    """The column with the values that mean "not measured" missing.

    A text such as `?` among numbers made them all text; without it they are numbers again.
    """
    if not missing:
        return column
    column = column.mask(column.isin(missing) | column.isin([str(value) for value in missing]))
    if column.dtype == object and all(isinstance(value, str) for value in column.dropna()):
        cells = [None if pd.isna(value) else value.strip() for value in column]
        return typed([None if cell in MISSING_CELLS else cell for cell in cells])
    return column
