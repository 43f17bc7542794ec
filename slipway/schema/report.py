"""How a table was read: a row for each of its columns, as `slipway look --json` prints it."""

from dataclasses import dataclass

from slipway.schema.metrics import ExclusionReason
from slipway.schema.types import Kind, Task


@dataclass(frozen=True)
class OddCell:
    """A cell that is unlike the others of its column, and its line in the file."""

    line: int
    cell: str


@dataclass(frozen=True)
class ColumnReport:
    """How a column was read.

    `kind` is None for a column that is `left_out`; `format` says how its cells are written, where that had to be
    found out; `examples` are cells as they stand in the table, and `missing` counts the rows without a value.
    """

    name: str
    kind: Kind | None
    left_out: ExclusionReason | None
    format: str | None
    examples: tuple[str, ...]
    odd: tuple[OddCell, ...]
    missing: int


@dataclass(frozen=True)
class DecisionReport:
    """A thing that was decided: its code, the sentence of it, and a hint with what to type."""

    kind: str
    column: str
    text: str
    hint: str


@dataclass(frozen=True)
class TableReport:
    """How a table was read; `target` and `task` are None where nobody named a target."""

    source: str
    rows: int
    target: str | None
    task: Task | None
    columns: tuple[ColumnReport, ...]
    notes: tuple[DecisionReport, ...]
