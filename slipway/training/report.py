"""Makes the report of how a table was read, from the table and what was learnt from it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from slipway.schema.fields import Field
from slipway.schema.report import ColumnReport, OddCell, OddReason, TableReport
from slipway.schema.schema import Target
from slipway.schema.types import Kind
from slipway.tables.dates import DateFormat, time_of_day
from slipway.tables.notes import Note, Reading
from slipway.tables.readers import Table
from slipway.tables.reading import mask_sentinels
from slipway.training.kinds import python_value
from slipway.training.options import options, way_back
from slipway.training.schema_inference import InferredDataset
from slipway.training.usecase import UseCase

EXAMPLES = 3
"""Cells of a column that the report shows."""
LONGEST = 80
"""Characters of such a cell that are shown."""
ODD = 10
"""Odd cells of a column that are listed, with their lines."""
SEARCHED = 20_000
"""Different dates among which the cells of the first and the last one are looked for."""
ISO = "%Y-%m-%d"

_MARKS = ("decimal_comma", "decimal_point")
_ODD = {
    "taken_for_missing": OddReason.MISSING,
    "strays": OddReason.NOT_A_NUMBER,
    "numbers_as_text": OddReason.TEXT,
    "mixed_units": OddReason.OTHER_UNIT,
    "mixed_codes": OddReason.CODE,
    "kept_as_value": OddReason.VALUE,
}
"""The notes that name odd cells, and what is odd about these."""


def report(table: Table, learnt: InferredDataset, case: UseCase) -> TableReport:
    """How a table and each of its columns were read.

    Parameters
    ----------
    table : Table
        As read, with all its rows.
    learnt : InferredDataset
        What was learnt from it.
    case : UseCase

    Returns
    -------
    TableReport
    """
    target = case.target.column or None
    fields: dict[str, Field | Target] = {**learnt.schema.by_name}
    if target:
        fields[target] = learnt.schema.target
    notes: dict[str, list[Note]] = defaultdict(list)
    for note in learnt.notes:
        notes[note.column].append(note)
    columns = {
        name: _column(table, learnt, case, name, fields.get(name), notes[name])
        for name in map(str, table.frame.columns)
    }
    return TableReport(
        rows=len(table.frame),
        columns=tuple(column for name, column in columns.items() if name != target),
        target=target,
        task=learnt.schema.task if target else None,
        target_column=columns.get(target) if target else None,
    )


def _column(
    table: Table, learnt: InferredDataset, case: UseCase, name: str, field: Field | Target | None, notes: list[Note]
) -> ColumnReport:
    values = mask_sentinels(table.frame[name], case.missing.get(name, ()))
    left_out = learnt.left_out.get(name) if field is None else None
    format = table.reading.numbers.get(name)
    if isinstance(field, Target):
        shown, read = _ends_of_target(table.reading, values, field)
        kind: Any = "category" if field.classes else ("integer" if learnt.target.dtype.kind == "i" else "number")
    elif field is not None:
        shown, read, kind = *_ends(table.reading, values, field), field.kind
    else:
        shown, read, kind = _first(table.reading, values, name), (), None
    odd, odd_total = _odd(table.reading, name, notes)
    back = way_back(name, left_out) if left_out else None
    return ColumnReport(
        name=name,
        kind=kind,
        left_out=left_out,
        pattern=_pattern(values, field) if isinstance(field, Field) else None,
        decimal=format.decimal if format and _has_marks(kind, notes) else None,
        unit=(format.unit or None) if format and kind in ("number", "integer") else None,
        different=_different(field),
        examples=shown,
        values=read,
        odd=tuple(odd[:ODD]),
        odd_total=odd_total,
        missing=int(values.isna().sum()),
        options=tuple(dict.fromkeys([*([back] if back else []), *options(name, values, notes)])),
    )


def _different(field: Field | Target | None) -> int | None:
    """How many categories or classes there are."""
    categories = field.categories if isinstance(field, Field) else () if field is None else field.classes
    return len(categories) or None


def _has_marks(kind: Kind | None, notes: list[Note]) -> bool:
    """Whether the numbers of a column have decimals, or separators of thousands."""
    return kind == "number" or kind == "integer" and any(note.kind in _MARKS for note in notes)


def _pattern(values: pd.Series, field: Field) -> str | None:
    """How the dates of a column of text are written."""
    if field.kind not in ("date", "datetime") or pd.api.types.is_datetime64_any_dtype(values):
        return None
    return field.format or ISO


# Examples


def _ends_of_target(reading: Reading, values: pd.Series, target: Target) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    if target.classes:
        return _frequent(reading, values, target.name, target.classes), ()
    numbers = pd.to_numeric(values, errors="coerce")
    return _of_values(reading, target.name, numbers, [numbers.min(), numbers.max()])


def _ends(reading: Reading, values: pd.Series, field: Field) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The cells of the lowest and the highest value, and what these were read as; or the most frequent categories.

    The schema has these values anyway, so that no row can be read from them.
    """
    if field.categories:
        return _frequent(reading, values, field.name, field.categories), ()
    if field.kind == "text":
        return _first(reading, values, field.name), ()
    ends = [field.observed_min, field.observed_max]
    if field.kind in ("number", "integer"):
        return _of_values(reading, field.name, pd.to_numeric(values, errors="coerce"), ends)
    if pd.api.types.is_datetime64_any_dtype(values):
        return tuple(map(str, dict.fromkeys(ends))), tuple(dict.fromkeys(ends))
    cells = _cells_of_moments(values.dropna().unique()[:SEARCHED], field)
    found = [(cells[end], end) for end in dict.fromkeys(ends) if end in cells]
    return tuple(cell for cell, _ in found), tuple(end for _, end in found)


def _cells_of_moments(cells: Sequence[Any], field: Field) -> dict[Any, str]:
    """The first and the last of the dates or times of a column, as records have them, and how they are written."""
    wanted, found = {field.observed_min, field.observed_max}, {}
    format = DateFormat(field.format)
    for cell in map(str, cells):
        if field.kind == "time":
            value = time_of_day(cell.strip())
        elif (moment := format.moment(cell.strip())) is not None:
            value = (moment.date() if field.kind == "date" else moment).isoformat()
        else:
            value = None
        if value in wanted and value not in found:
            found[value] = cell.strip()[:LONGEST]
            if len(found) == len(wanted):
                break
    return found


def _frequent(reading: Reading, values: pd.Series, name: str, categories: Sequence[Any]) -> tuple[str, ...]:
    known = set(categories)
    counts = {value: rows for value, rows in values.value_counts().items() if python_value(value) in known}
    most = sorted(counts, key=lambda value: (-counts[value], str(value)))[:EXAMPLES]
    return _of_values(reading, name, values, most)[0]


def _of_values(
    reading: Reading, name: str, values: pd.Series, wanted: Sequence[Any]
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The cells in which these values first stand, and the values."""
    cells, read = [], []
    for value in dict.fromkeys(wanted):
        rows = np.flatnonzero(values == value)
        if len(rows):
            cells.append(reading.cell(name, int(values.index[rows[0]]), value)[:LONGEST])
            read.append(python_value(value))
    return tuple(cells), tuple(read)


def _first(reading: Reading, values: pd.Series, name: str) -> tuple[str, ...]:
    """The first different cells with a value."""
    first = values.dropna().drop_duplicates().head(EXAMPLES)
    return tuple(reading.cell(name, int(row), value)[:LONGEST] for row, value in first.items())


# Odd cells


def _odd(reading: Reading, name: str, notes: list[Note]) -> tuple[list[OddCell], int]:
    """The odd cells of a column, at most `ODD` of a kind, and how many there are."""
    found: list[OddCell] = []
    total = 0
    for note in notes:
        if (why := _ODD.get(note.kind)) is None:
            continue
        cells = note.values["cells"]
        lines, count = reading.lines(name, [*map(str, cells)], ODD)
        found += [OddCell(cell[:LONGEST], why, line) for line, cell in lines]
        if not lines:
            found += [OddCell(str(cell)[:LONGEST], why) for cell in cells]
            count = sum(cells.values()) if isinstance(cells, dict) else len(cells)
        if why is OddReason.TEXT:  # the note names only some of them
            count = max(count, int(note.values["different"]) - int(note.values["numbers"]))
        total += count
    return found, total
