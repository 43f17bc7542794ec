"""The report of how a table was read, as lines of text: `slipway look` prints them, and each training at its start."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from slipway.i18n import reading, sentences
from slipway.schema.metrics import ReadingNote
from slipway.schema.report import ColumnReport, TableReport
from slipway.tables.notes import Note
from slipway.training.options import way_back

WIDEST = (40, 48, 56)
"""Characters of a name, of how it was read, and of examples; what is longer is cut."""


def lines(report: TableReport, notes: Sequence[Note]) -> Iterator[str]:
    """A table with a line for each column; then a line for each column that is left out, and for each decision.

    Parameters
    ----------
    report : TableReport
    notes : sequence of Note
        With their hints: where the first such cell is, and what to type.

    Yields
    ------
    str
    """
    yield from _table(report)
    for column in report.columns:
        if column.left_out:
            back = way_back(column.name, column.left_out)
            hint = f" [type `{back}` to keep it]" if back else ""
            yield f"left out: {column.name!r} {sentences.left_out(column.left_out, 'en')}{hint}"
    for note in notes:
        text = sentences.note(ReadingNote(note.kind, note.column, note.values), "en")
        yield f"note: {text}{f' [{note.hint}]' if note.hint else ''}"


def as_json(report: TableReport, notes: Sequence[Note], source: str) -> dict[str, Any]:
    """The report for `slipway look --json`.

    Parameters
    ----------
    report : TableReport
    notes : sequence of Note
    source : str
        Where the table is.

    Returns
    -------
    dict
    """
    target = report.target_column
    decisions = (ReadingNote(note.kind, note.column, note.values) for note in notes)
    return {
        "source": source,
        "rows": report.rows,
        "target": report.target,
        "task": report.task,
        "target_column": _column_json(target) if target else None,
        "columns": [_column_json(column) for column in report.columns],
        "notes": [
            {"kind": note.kind, "column": note.field, "text": sentences.note(note, "en"), "hint": own.hint}
            for own, note in zip(notes, decisions, strict=True)
        ],
    }


def _column_json(column: ColumnReport) -> dict[str, Any]:
    left_out = column.left_out
    return {
        "name": column.name,
        "kind": column.kind,
        "left_out": left_out.reason if left_out else None,
        "why": sentences.left_out(left_out, "en") if left_out else None,
        "format": reading.format_words(column, "en") or None,
        "pattern": column.pattern,
        "decimal": column.decimal,
        "unit": column.unit,
        "different": column.different,
        "examples": list(column.examples),
        "values": list(column.values),
        "odd": [{"line": cell.line, "value": cell.value, "why": cell.why} for cell in column.odd],
        "odd_total": column.odd_total,
        "missing": column.missing,
        "options": list(column.options),
    }


def _table(report: TableReport) -> Iterator[str]:
    target = [report.target_column] if report.target_column else []
    rows = [_row(column) for column in report.columns] + [_row(column, " (target)") for column in target]
    heads = ("column", "read as", "cells", "missing", "odd cells (lines)")
    widths = [max((_width(row[at]) for row in (heads, *rows)), default=0) for at in range(len(heads))]
    yield ""
    for row in (heads, *rows):
        cells = [f"{cell}{' ' * (width - _width(cell))}" for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
    yield ""


def _row(column: ColumnReport, suffix: str = "") -> tuple[str, ...]:
    why = f": {column.left_out.reason.replace('_', ' ')}" if column.left_out else ""
    texts = (
        column.name + suffix,
        reading.read_as(column, "en") + why,
        ", ".join(reading.examples(column, "en")),
    )
    cut = [_cut(" ".join(text.split()), width) for text, width in zip(texts, WIDEST, strict=True)]
    return (*cut, f"{column.missing:,}" if column.missing else "", reading.odd_cells(column, "en"))


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: Chinese characters take two."""
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def _cut(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while _width(text) > width - 1:
        text = text[:-1]
    return f"{text}…"
