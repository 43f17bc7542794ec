"""What was decided when a table was read, for people: with the line of a cell, and what to type instead."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from slipway.tables.cells import TextTable
from slipway.tables.evidence import Cells
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
        found, lines = self._cells(column), self.cells.lines
        places, firsts = found.places(cells), {found.first(cell): cell for cell in cells}
        first = [(lines[place], cell) for place, cell in firsts.items() if place is not None]
        others = [int(place) for place in places[: most + len(firsts)] if place not in firsts]
        listed = [*sorted(first), *((lines[place], self.cell(column, place, "")) for place in others)]
        return sorted(listed[:most]), len(places)

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
    def _columns(self) -> dict[str, Cells]:
        return {}

    def _cells(self, column: str) -> Cells:
        if self.cells is not None and column not in self._columns:
            self._columns[column] = Cells(self.cells.compact(column))
        return self._columns[column]

    def line(self, column: str, cell: Any) -> str:
        """` (line 12)`, where a cell first stands in the file; empty where that is not known."""
        if self.cells is None or column not in self.cells.header:
            return ""
        row = self._cells(column).first(str(cell))
        return "" if row is None else f" (line {self.cells.lines[row]})"


def missing_option(column: str, cells: Sequence[str]) -> str:
    """How to say that cells of a column are missing, or with no cells, that none is."""
    option = shlex.quote(f"{column}={','.join(cells)}")
    return f"type `--missing {option}` (in a use case: `missing: {{{column}: {list(cells)}}}`)"


def kind_option(column: str, kind: str) -> str:
    """How to say of which kind a column is."""
    return f"give `fields: {{{column}: {{kind: {kind}}}}}` in a use case"
