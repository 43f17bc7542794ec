"""What was decided in reading a file, as notes for people: what is not part of the table, and what was changed."""

from collections.abc import Iterable, Iterator

from slipway.tables.cells import TextTable
from slipway.tables.dialect import separator_name
from slipway.tables.notes import Note

_LISTED, _SHOWN = 12, 3


def file_notes(table: TextTable) -> list[Note]:
    """The notes on a file.

    Parameters
    ----------
    table : TextTable

    Returns
    -------
    list of Note
        Of the file as a whole: their column is empty.
    """
    return [*_around(table), *_header(table), *_rows(table), *_characters(table)]


def described(table: TextTable) -> str:
    """How a file was read, in one line: its size, its form, and what was decided."""
    read, parts = table.read, [f"{len(table.rows):,} rows, {len(table.header):,} columns"]
    if read.dialect:
        quote = f", quotes {read.dialect.quote}" if read.dialect.quote and read.dialect.quote != '"' else ""
        escape = ", quotes escaped by a backslash" if read.dialect.backslash else ""
        parts.append(f"separated by {separator_name(table.separator)}{quote}{escape}")
    if read.compression:
        parts.append(f"packed with {read.compression}")
    for note in file_notes(table):
        values = " ".join(map(str, note.values.values()))
        parts.append(f"{note.kind.replace('_', ' ')} {values}".strip())
    return "; ".join(parts)


def line_numbers(lines: Iterable[int]) -> str:
    """Lines as `1-3, 85`, the first of them if there are many."""
    runs: list[list[int]] = []
    for line in sorted(set(lines)):
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in runs[:_LISTED]]
    return ", ".join(texts) + (", …" if len(runs) > _LISTED else "")


def _around(table: TextTable) -> Iterator[Note]:
    read = table.read
    skipped = [*read.before, *read.after]
    if skipped:
        first = "; ".join(f"line {line.line}: {line.text!r}" for line in skipped[:_SHOWN])
        yield Note("lines_around", "", {"lines": line_numbers(line.line for line in skipped)}, first)
    if read.sheet is not None and read.others:
        others = ", ".join(map(repr, read.others[:_LISTED]))
        yield Note("sheet", "", {"sheet": read.sheet}, f"not read: {others}; `--sheet` reads another")


def _header(table: TextTable) -> Iterator[Note]:
    read = table.read
    if read.names is None:
        yield Note("no_header", "", {}, "if its first line has them, type `--header yes`")
    if len(read.header_lines) > 1:
        yield Note("header_lines", "", {"lines": line_numbers(read.header_lines)})
    if read.renamed:
        hint = ", ".join(f"{new!r} is {name!r} in the file" for new, name in list(read.renamed.items())[:_SHOWN])
        yield Note("names_changed", "", {"cells": list(read.renamed)[:_LISTED]}, hint)


def _rows(table: TextTable) -> Iterator[Note]:
    read = table.read
    if table.ragged:
        row, ragged = next(iter(table.ragged.items()))
        lines = line_numbers(table.lines[row] for row in table.ragged)
        yield Note("ragged_rows", "", {"lines": lines}, f"line {table.lines[row]} has {ragged}")
    if read.repaired:
        yield Note("cut_otherwise", "", {"lines": line_numbers(read.repaired)}, "a quote or separator there is text")


def _characters(table: TextTable) -> Iterator[Note]:
    read = table.read
    if read.encoding not in ("utf-8", "utf-8-sig"):
        yield Note("encoding", "", {"encoding": read.encoding}, "`--encoding` names another")
    if read.odd_bytes or read.nuls:
        yield Note("odd_bytes", "", {"bytes": str(read.odd_bytes + read.nuls)})
