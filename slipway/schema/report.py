"""How a table was read: the types of `reading.json`, which the Data tab shows, and of `slipway look --json`.

What is kept with a version has no cell that the page does not show anyway, see `kept`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from slipway.schema.metrics import LeftOut
from slipway.schema.types import Kind, Task

Value = float | int | str


class OddReason(StrEnum):
    """Why a cell is unlike the others of its column."""

    MISSING = "missing"  # a word for "no value", such as n/a
    NOT_A_NUMBER = "not_a_number"  # taken for missing, as all others are numbers
    TEXT = "text"  # keeps a column of numbers from being one
    OTHER_UNIT = "other_unit"
    CODE = "code"  # such as 1E2 beside 100
    VALUE = "value"  # NA, where missing cells are written otherwise


@dataclass(frozen=True)
class OddCell:
    """A cell that is unlike the others of its column, and its line in the file, if that has lines."""

    value: str
    why: OddReason
    line: int | None = None


@dataclass(frozen=True)
class ColumnReport:
    """How a column was read.

    `kind` is None for a column that is `left_out`. `pattern` is how its dates are written, as in `strptime`; `decimal` the
    decimal mark of its numbers, where that had to be found out, and `unit` what stands beside them; `different` counts its
    categories. `examples` are cells as they stand in the table: the lowest and the highest of numbers and dates, of which
    `values` are what they were read as, or the most frequent categories. `odd` are at most 10 of `odd_total` odd cells, `missing`
    counts the rows without a value, and `options` are what to type to have it read otherwise.
    """

    name: str
    kind: Kind | None = None
    left_out: LeftOut | None = None
    pattern: str | None = None
    decimal: str | None = None
    unit: str | None = None
    different: int | None = None
    examples: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    odd: tuple[OddCell, ...] = ()
    odd_total: int = 0
    missing: int = 0
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableReport:
    """How a table of so many `rows` was read; `target` and `task` are None where nobody named a target.

    `columns` are in the order of the table, and do not have the target's, which is `target_column`.
    """

    rows: int
    columns: tuple[ColumnReport, ...]
    target: str | None = None
    task: Task | None = None
    target_column: ColumnReport | None = None


def kept(report: TableReport) -> TableReport:
    """The report without the cells of free text, of columns that are left out, and of a number to predict.

    These may be names or accounts, or tell a row. The others are the ends of a range and categories, which the schema has,
    and odd cells, which the notes have.

    Parameters
    ----------
    report : TableReport

    Returns
    -------
    TableReport
    """

    def without_cells(column: ColumnReport) -> ColumnReport:
        private = column.left_out is not None or column.kind == "text"
        return replace(column, examples=(), values=(), odd=(), odd_total=0) if private else column

    target = report.target_column
    if target and target.kind != "category":
        target = replace(target, examples=(), values=())
    return replace(report, columns=tuple(map(without_cells, report.columns)), target_column=target)
