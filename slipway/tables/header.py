"""Where a table begins among the rows of a file, and which of them are its header.

People write titles above a table, names of columns on two lines, or none at all. What tells a header from a row is that a
column of numbers is not called by a number.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from slipway.tables.patterns import is_gap, is_value
from slipway.tables.rows import Row

_DEEPEST, _MOST_LINES = 60, 4
"""Rows that may stand above a table, and lines of a header."""
LOOKED_AT = 100
"""Rows that tell what a column holds."""


@dataclass(frozen=True)
class Head:
    """The position of a table's first row, how many lines its header has from there, and how many columns there are."""

    start: int
    lines: int
    width: int


def usual_width(rows: Sequence[Row]) -> int:
    """How many cells most rows have; rows of one cell count only if there are no others."""
    widths = Counter(len(row.cells) for row in rows)
    return max(widths, key=lambda width: widths[width] if width > 1 else 0, default=1)


def find_head(rows: Sequence[Row], gaps: set[int]) -> Head:
    """The table's beginning among the first rows of a file.

    Parameters
    ----------
    rows : sequence of Row
        Those that are not empty.
    gaps : set of int
        The positions of rows that come after an empty one.

    Returns
    -------
    Head
    """
    if not rows:
        return Head(0, 0, 0)
    width = usual_width(rows)
    start = _first_of_table(rows, gaps, width)
    start = _after_gap(rows, gaps, start, width)
    lines = _header_lines(rows, start, width)
    if not lines and _names_other_width(rows, gaps, start, width):
        return Head(start - 1, 1, width)
    if lines and _is_upper_line(rows, gaps, start, width):
        start, lines = start - 1, lines + 1
    return Head(start, lines, width)


def value_columns(rows: Sequence[Row], width: int) -> set[int]:
    """The positions of the columns that hold numbers, dates or times, and hardly anything else."""
    regular = [row.cells for row in rows if len(row.cells) == width][:LOOKED_AT]
    found = set()
    for column in range(width):
        cells = [row[column] for row in regular if not is_gap(row[column])]
        if cells and sum(map(is_value, cells)) >= 0.8 * len(cells):
            found.add(column)
    return found


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)


def _first_of_table(rows: Sequence[Row], gaps: set[int], width: int) -> int:
    """The first row with about as many cells as the others, most of them filled."""
    if len(rows) == 2 and len(rows[0].cells) == len(rows[1].cells):
        return 0  # a name and a record, as a server gets them; a title and names would be a table without rows
    typical = median(_filled(row) for row in rows if len(row.cells) == width)
    least = 1 if width == 1 else max(2, typical / 2)
    first = None
    for position, row in enumerate(rows[:_DEEPEST]):
        if position + 1 not in gaps and _is_last_of_header(rows, position, width):
            return position
        if abs(len(row.cells) - width) <= 1 and (_filled(row) >= least or _names_all_but_the_first(row, width)):
            if len(row.cells) == width:
                exact = first is None or is_header(rows, position, width)
                return position if exact else first or 0
            first = position if first is None else first
        elif first is not None and position - first > 5:
            return first
    return first or 0


def _names_all_but_the_first(row: Row, width: int) -> bool:
    """Whether all columns have a name but the first, as pandas and R write row names; a title stands in the first cell."""
    return len(row.cells) == width > 1 and not row.cells[0].strip() and _filled(row) == width - 1


def _after_gap(rows: Sequence[Row], gaps: set[int], start: int, width: int) -> int:
    """A row further down that begins the table: after an empty line, with names where the rows below have values."""
    for position in sorted(gap for gap in gaps if start < gap < _DEEPEST):
        above, below = position - start, len(rows) - position
        if below > 2 * above and (above <= 5 or not value_columns(rows[start:position], width)):
            if len(rows[position].cells) == width and is_header(rows, position, width):
                return position
    return start


def is_header(rows: Sequence[Row], position: int, width: int) -> bool:
    """Whether a row has texts, and no value, where the rows below have values."""
    if position >= len(rows) - 1:
        return False
    values = value_columns(rows[position + 1 :], width)
    cells = rows[position].cells
    names = [cells[column] for column in values if column < len(cells) and not is_gap(cells[column])]
    return bool(names) and not any(map(is_value, names))


def _is_last_of_header(rows: Sequence[Row], position: int, width: int) -> bool:
    """Whether a row has names and the next one has not: names may be few, a title is above other names."""
    return (
        len(rows[position].cells) == width
        and is_header(rows, position, width)
        and not is_header(rows, position + 1, width)
    )


def _header_lines(rows: Sequence[Row], start: int, width: int) -> int:
    """How many lines the header has; 0 if the table begins with its first row."""
    repeated = 1
    while start + repeated < len(rows) and repeated < _MOST_LINES and _same(rows[start], rows[start + repeated]):
        repeated += 1
    below = rows[start + repeated :]
    if not _names_columns(rows[start].cells, below, width, repeated):
        return 0
    lines = repeated
    while lines < _MOST_LINES and _is_lower_line(rows, start, lines, width):
        lines += 1
    return lines


def _same(row: Row, other: Row) -> bool:
    return len(row.cells) > 1 and [cell.strip() for cell in row.cells] == [cell.strip() for cell in other.cells]


def _names_columns(cells: Sequence[str], below: Sequence[Row], width: int, repeated: int) -> bool:
    if not below:
        return True
    values = value_columns(below, width)
    held = [column for column in values if column < len(cells) and not is_gap(cells[column])]
    numbers = [column for column in held if is_value(cells[column])]
    if numbers:
        return len(numbers) * 2 < len(held) or _counts_up(cells, numbers, below)
    if held or repeated > 1 or width < 2:
        return True
    # Texts throughout: a name is found nowhere else in its column.
    named = [column for column, cell in enumerate(cells[:width]) if cell.strip()]
    regular = [row.cells for row in below if len(row.cells) == width and row.cells != list(cells)]
    again = sum(any(row[column] == cells[column] for row in regular) for column in named)
    return not named or again * 2 < len(named)


def _counts_up(cells: Sequence[str], numbers: Sequence[int], below: Sequence[Row]) -> bool:
    """Whether numbers are names: years beside a text, or 0, 1, 2, … as pandas calls columns without a name."""
    names = [cell.strip() for cell in cells]
    for first, least in ((0, 2), (1, 4)):
        if len(names) >= least and names == [str(first + place) for place in range(len(names))]:
            return True
    years = [int(name) for name in names if re.fullmatch(r"(?:1[89]|20)\d\d", name)]
    if not all(re.fullmatch(r"(?:1[89]|20)\d\d", names[column]) for column in numbers) or len(years) == len(names):
        return False
    steps = {after - before for before, after in zip(years, years[1:], strict=False)}
    held = [row.cells[column].strip() for row in below for column in numbers if column < len(row.cells)]
    like_years = sum(bool(re.fullmatch(r"(?:1[89]|20)\d\d", cell)) for cell in held)
    return steps <= {1, -1, 2, 5, 10} and like_years * 2 < len(held)


def _is_lower_line(rows: Sequence[Row], start: int, lines: int, width: int) -> bool:
    """Whether the next row is still part of the header: names or units where all rows below have values."""
    below = rows[start + lines + 1 :]
    if start + lines >= len(rows) or len(below) < 3 or len(rows[start + lines].cells) != width:
        return False
    values = value_columns(below, width)
    upper, cells = rows[start].cells, rows[start + lines].cells
    held = [cells[column] for column in values if not is_gap(cells[column])]
    if not held or any(map(is_value, held)):
        return False
    merged = any(not name.strip() and cells[column].strip() for column, name in enumerate(upper[:width]))
    full = [
        column for column in values if not any(is_gap(row.cells[column]) for row in below if len(row.cells) == width)
    ]
    units = any(not cells[column].strip() and upper[column : column + 1] != [""] for column in full)
    return merged or units or (len(held) >= 2 and len(held) * 2 > len(values))


def _names_other_width(rows: Sequence[Row], gaps: set[int], start: int, width: int) -> bool:
    """Whether the row above rows of values is a header that has more or fewer names than they have cells."""
    if start == 0 or start in gaps:
        return False
    cells = rows[start - 1].cells
    return width / 2 <= _filled(rows[start - 1]) and len(cells) > 1 and not any(map(is_value, cells))


def _is_upper_line(rows: Sequence[Row], gaps: set[int], start: int, width: int) -> bool:
    """Whether the row above the header groups its columns: some names, each over several columns."""
    if start == 0 or start in gaps or len(rows[start - 1].cells) != width:
        return False
    cells = rows[start - 1].cells
    filled = [cell for cell in cells if cell.strip()]
    return len(filled) >= 2 and all(not is_value(cell) or re.fullmatch(r"\s*(?:19|20)\d\d\s*", cell) for cell in filled)
