"""What was decided when a table was read, for people: with the line of a cell, and what to type instead."""

import shlex
from collections.abc import Mapping, Sequence
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
