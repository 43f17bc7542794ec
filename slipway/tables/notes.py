"""What was decided when a table was read, for people: with the line of a cell, and what to type instead."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from slipway.tables.cells import TextTable
from slipway.tables.numbers import NumberFormat

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
    """How a table was read: notes, the formats of numbers, cells that were taken for missing, and all cells."""

    notes: tuple[Note, ...] = ()
    numbers: Mapping[str, NumberFormat] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cells: TextTable | None = None

    def lines(self, column: str, cells: Collection[str], most: int) -> tuple[list[tuple[int, str]], int]:
        """Where some cells of a column stand, and how many there are.

        Parameters
        ----------
        column : str
        cells : collection of str
            Without spaces at the ends.
        most : int
            So many lines are listed: the first of each cell, then others.

        Returns
        -------
        lines : list of (int, str)
            Each with the cell, in the order of the file; none where lines are not known.
        total : int
        """
        if self.cells is None or column not in self.cells.header:
            return [], 0
        found = [
            (line, cell)
            for line, text in zip(self.cells.lines, self.cells.column(column), strict=True)
            if (cell := text.strip()) in cells
        ]
        first = {cell: line for line, cell in reversed(found)}
        others = [one for one in found if first[one[1]] != one[0]]
        firsts = sorted((line, cell) for cell, line in first.items())
        return sorted([*firsts, *others][:most]), len(found)

    def cell(self, column: str, row: int, value: Any) -> str:
        """The cell of a row as it stands in the file, or its value where that is not known."""
        place = self._places.get(column)
        if self.cells is None or place is None:
            return str(value.item() if hasattr(value, "item") else value)
        return self.cells.rows[row][place].strip()

    @cached_property
    def _places(self) -> dict[str, int]:
        return {} if self.cells is None else {name: place for place, name in enumerate(self.cells.header)}

    @cached_property
    def _first(self) -> dict[str, dict[str, int]]:
        return {}

    def line(self, column: str, cell: Any) -> str:
        """` (line 12)`, where a cell first stands in the file; empty where that is not known."""
        if self.cells is None or column not in self.cells.header:
            return ""
        if column not in self._first:
            texts = [text.strip() for text in self.cells.column(column)]
            self._first[column] = dict(zip(reversed(texts), reversed(self.cells.lines), strict=True))
        line = self._first[column].get(str(cell))
        return "" if line is None else f" (line {line})"


def missing_option(column: str, cells: Sequence[str]) -> str:
    """How to say that cells of a column are missing, or with no cells, that none is."""
    option = shlex.quote(f"{column}={','.join(cells)}")
    return f"type `--missing {option}` (in a use case: `missing: {{{column}: {list(cells)}}}`)"


def kind_option(column: str, kind: str) -> str:
    """How to say of which kind a column is."""
    return f"give `fields: {{{column}: {{kind: {kind}}}}}` in a use case"
