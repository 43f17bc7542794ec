"""Tables that had types already: their columns of text are read as the cells of a text table are, all others stay."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from slipway.tables.cells import HowRead, TextTable
from slipway.tables.notes import Note, Reading
from slipway.tables.reading import read_cells
from slipway.tables.source import ReadingOptions


def read_frame(
    frame: pd.DataFrame, source: str, options: ReadingOptions, declared: str | None
) -> tuple[pd.DataFrame, Reading]:
    """A table with the text `$951` read as a number, `01.02.2024` as a date, and so on.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Its columns hold numbers, booleans, moments, or texts with None for a missing one.
    source : str
        The name of the table, for messages.
    options, declared
        As of `read_cells`.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns)
        Columns of text may have become numbers or booleans; the others are as they were.
    reading : Reading
        How the texts were read; for lines it has the numbers of the rows.

    Raises
    ------
    DataError
        If a column can be read in two ways, and nothing decides.
    """
    names = [name for name in frame.columns if _is_text(frame[name])]
    if not names:
        return frame, Reading()
    columns = [["" if text is None else text for text in frame[name]] for name in names]
    rows = [list(row) for row in zip(*columns, strict=True)]
    # No separator of cells can be mistaken for a part of a number.
    cells = TextTable(names, rows, list(range(1, len(rows) + 1)), {}, "\t", read=HowRead())
    read, reading = read_cells(cells, source, options, declared, has_nulls=True)
    typed = {name: read[name] if name in names else frame[name] for name in frame.columns}
    notes = (*_empty_texts(frame[names]), *reading.notes)
    return pd.DataFrame(typed), replace(reading, notes=notes, cells=cells)


def _empty_texts(texts: pd.DataFrame) -> Iterator[Note]:
    """A note for each column that has empty texts and missing ones: a file of text could not tell them apart."""
    for name, column in texts.items():
        empty = int((column == "").sum())
        if empty and column.isna().any():
            hint = "write a word, such as “none”, into the rows where it is a value"
            yield Note("empty_texts", str(name), {"rows": empty}, hint)


def _is_text(column: pd.Series) -> bool:
    present = column.dropna()
    return column.dtype == object and len(present) > 0 and all(isinstance(value, str) for value in present)
