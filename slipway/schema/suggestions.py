"""Which column of a file may be a field that it lacks: a question to whoever sent the file, and what they chose.

A name is compared by its words, its first letters and its edit distance; cells by how many of them the field accepts. What
differs in nothing but letter case, spaces or accents is no question: `slipway.schema.matching` takes it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from slipway.errors import CsvError, RequestCode
from slipway.schema.fields import Field, FieldError, truncated
from slipway.schema.matching import match_columns, words_of
from slipway.tables.cells import TextTable

FIELDS, COLUMNS = 50, 100
"""So many missing fields and unused columns are compared with each other."""
ROWS = 200
CELLS = 40
"""So many cells of a column are read: the first that are not empty, of its first rows."""
EXAMPLES = 3
SIMILAR = 0.6
"""Of two names, `2 M / T` of difflib; below it they say nothing of each other."""
ACCEPTED = 0.8
"""Of the cells, so many must be accepted: a file may have faults and still be meant."""
BY_CELLS = 0.5
"""What categories alone are worth, where names are not similar."""


@dataclass(frozen=True)
class Suggestion:
    """A column of the file that may be the field, with some of its different cells."""

    field: str
    column: str
    cells: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {"field": self.field, "column": self.column, "cells": list(self.cells)}


def suggest_columns(fields: Sequence[Field], table: TextTable, names: Sequence[str]) -> list[Suggestion]:
    """For each missing field the column that it most likely is; a column is suggested once.

    Parameters
    ----------
    fields : sequence of Field
        Those that the file lacks.
    table : TextTable
    names : sequence of str
        All fields: columns of these names are what they say.

    Returns
    -------
    list of Suggestion
        In the order of `fields`; without those for which nothing is likely.
    """
    rows = list(islice(table.rows, ROWS))
    unused = ((place, name) for place, name in enumerate(table.header) if name not in names)
    cells = {name: _cells(rows, place) for place, name in islice(unused, COLUMNS)}
    pairs = sorted(_pairs(fields[:FIELDS], cells, table.decimal_comma), key=lambda pair: -pair[0])
    by_cells = [pair for pair in pairs if pair[0] == BY_CELLS]
    columns_of, fields_of = (Counter(pair[side] for pair in by_cells) for side in (1, 2))
    chosen: dict[str, str] = {}
    for score, name, column in pairs:
        # Categories alone say which field is meant only where no other column has them as well.
        alone = fields_of[column] == columns_of[name] == 1
        if name not in chosen and column not in chosen.values() and (score > BY_CELLS or alone):
            chosen[name] = column
    return [
        Suggestion(name, truncated(chosen[name]), tuple(map(truncated, dict.fromkeys(cells[chosen[name]])))[:EXAMPLES])
        for name in (field.name for field in fields)
        if name in chosen
    ]


def _pairs(
    fields: Sequence[Field], cells: dict[str, list[str]], decimal_comma: bool
) -> Iterator[tuple[float, str, str]]:
    for field in fields:
        for column, found in cells.items():
            likeness = max(similarity(name, column) for name in {field.name, *field.label.values()})
            if likeness < SIMILAR and not field.categories:
                continue
            fit = _fit(field, found, decimal_comma)
            if found and fit < ACCEPTED:
                continue
            if likeness >= SIMILAR:
                yield likeness + fit, field.name, column
            elif found and fit == 1.0:
                yield BY_CELLS, field.name, column


def choose_columns(names: Sequence[str], header: Sequence[str], chosen: Mapping[str, str]) -> dict[str, str]:
    """As `match_columns`, with the columns that a person has chosen for a field.

    Parameters
    ----------
    names, header : sequence of str
        As of `match_columns`.
    chosen : mapping of str to str
        The expected name of each chosen column, by its name in the file, of which the beginning that a refusal repeats will do.

    Returns
    -------
    dict
        As of `match_columns`.

    Raises
    ------
    CsvError
        If there is no such column or expected name, or one expected name would have two columns.
    """
    by_beginning = {truncated(name): name for name in header} | {name: name for name in header}
    taken: dict[str, str] = {}
    for column, name in chosen.items():
        if name not in names:
            raise _invalid(f"{name!r}, which is not a field of the model")
        if column not in by_beginning:
            raise _invalid(f"{column!r}, which is not a column of the file")
        if name in taken.values() or (name in header and name not in chosen):
            raise _invalid(f"{name!r} twice: a field can only have one column")
        taken[by_beginning[column]] = name
    others = [name for name in names if name not in taken.values()]
    return taken | match_columns(others, [name for name in header if name not in taken])


def _invalid(found: str) -> CsvError:
    found = found.encode("utf-8", "replace").decode()[:200]
    return CsvError("`columns`", f"has {found}", RequestCode.INVALID_COLUMNS, found=found)


def similarity(name: str, other: str) -> float:
    """How alike two names are, from 0 to 1: 0.95 if one is the first letters of the other, or all of its words; 0 below `SIMILAR`.

    Source of the rest: difflib's ratio, twice the letters in common by those of both.
    """
    one, two = _form(name), _form(other)
    if not one.simple or not two.simple:
        return 0.0
    short, long = sorted((one.words, two.words), key=len)
    by_words = 0.95 if short <= long or one.initials == two.simple or two.initials == one.simple else 0.0
    matcher = SequenceMatcher(None, one.simple, two.simple)
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < SIMILAR:
        return by_words
    ratio = matcher.ratio()
    return max(by_words, ratio if ratio >= SIMILAR else 0.0)


class _Form(NamedTuple):
    """A name as it is compared."""

    simple: str
    words: frozenset[str]
    initials: str


@lru_cache(4096)
def _form(name: str) -> _Form:
    words = words_of(name)
    initials = "".join(word[0] for word in words) if len(words) > 1 else ""
    return _Form("".join(words), frozenset(words), initials)


def _fit(field: Field, cells: Sequence[str], decimal_comma: bool) -> float:
    """The share of the cells that the field accepts, as it does in a file."""
    accepted = {cell: _accepts(field, cell, decimal_comma) for cell in set(cells)}
    return sum(map(accepted.__getitem__, cells)) / len(cells) if cells else 0.0


def _accepts(field: Field, cell: str, decimal_comma: bool) -> bool:
    try:
        field.read(cell, decimal_comma)
    except FieldError:
        return False
    return True


def _cells(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    cells = (row[place].strip() for row in rows)
    return list(islice(filter(None, cells), CELLS))
