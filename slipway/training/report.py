"""Makes the report of how a table was read, from the table and what was learnt from it."""

import pandas as pd

from slipway.i18n import sentences
from slipway.schema.metrics import ReadingNote
from slipway.schema.report import ColumnReport, DecisionReport, TableReport
from slipway.tables.readers import Table
from slipway.tables.reading import mask_sentinels
from slipway.training.kinds import python_value
from slipway.training.schema_inference import InferredDataset
from slipway.training.usecase import UseCase

EXAMPLES = 3
"""Cells of a column that the report shows."""
LONGEST = 80
"""Characters of such a cell that are shown."""


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
        Its columns are in the order of the table, without the target.
    """
    decisions = tuple(
        DecisionReport(
            note.kind, note.column, sentences.note(ReadingNote(note.kind, note.column, note.values), "en"), note.hint
        )
        for note in learnt.notes
    )
    target = case.target.column or None
    return TableReport(
        source=table.source,
        rows=len(table.frame),
        target=target,
        task=learnt.schema.task if target else None,
        columns=_columns(table, learnt, case),
        notes=decisions,
    )


def _columns(table: Table, learnt: InferredDataset, case: UseCase) -> tuple[ColumnReport, ...]:
    fields, reports = learnt.schema.by_name, []
    for name in map(str, table.frame.columns):
        if name == case.target.column:
            continue
        field, excluded = fields.get(name), learnt.left_out.get(name)
        column = mask_sentinels(table.frame[name], case.missing.get(name, ()))
        reports.append(
            ColumnReport(
                name=name,
                kind=field.kind if field else None,
                left_out=excluded.reason if excluded else None,
                format=field.format if field else None,
                examples=_examples(table, name, column),
                odd=(),
                missing=int(column.isna().sum()),
            )
        )
    return tuple(reports)


def _examples(table: Table, name: str, column: pd.Series) -> tuple[str, ...]:
    """The first different cells with a value, as they stand in the file where that is known."""
    cells, there = table.reading.cells, column.notna()
    if cells is not None and name in cells.header:
        column = pd.Series(cells.column(name), index=column.index)
    first = column[there].drop_duplicates().head(EXAMPLES)
    return tuple(str(python_value(value))[:LONGEST] for value in first)
