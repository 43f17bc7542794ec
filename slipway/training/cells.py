"""The cells of additive models of the error: bins of the prediction and of each input, from out-of-fold answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.schema.cells import CellTerm, Floats, Positions
from slipway.schema.fields import Field
from slipway.schema.schema import Schema
from slipway.training.diagnostics import bins
from slipway.training.profile.column import Column, of_field

MOST_BINS = 20
"""Of the prediction; a field has at most `FIELD_BINS`."""
FIELD_BINS = 8
MOST_CATEGORIES = 12
MOST_FIELDS = 50
LEAST_ROWS = 50
MOST_ROWS = 20_000
"""More rows would not make an effect noticeably surer."""


@dataclass(frozen=True)
class Cells:
    """The terms, that of the prediction first, and the cell of each row in each: arrays of shape (n_rows,).

    `ends` are the smallest and the largest prediction.
    """

    terms: tuple[CellTerm, ...]
    places: tuple[Positions, ...]
    ends: tuple[float, float]

    def design(self, rows: Positions) -> Floats:
        """One column for each cell of each term: 1 where a row is in it, else 0; of few rows always 0, so that it has no effect.

        Parameters
        ----------
        rows : array of int, of shape (n,)

        Returns
        -------
        array of shape (n, n_cells)
        """
        cells = np.hstack([np.eye(term.cells)[of[rows]] for term, of in zip(self.terms, self.places, strict=True)])
        return np.asarray(cells * (cells.sum(axis=0) >= LEAST_ROWS))

    def sums(self, effects: Floats, rows: npt.NDArray[np.bool_]) -> Floats:
        """The sum of the effects of the cells that a row is in.

        Parameters
        ----------
        effects : array of shape (n_cells,)
        rows : array of bool, of shape (n_rows,)
            Which rows are asked for.

        Returns
        -------
        array
            Of these rows.
        """
        total, first = np.zeros(int(rows.sum())), 0
        for term, of in zip(self.terms, self.places, strict=True):
            total += effects[first : first + term.cells][of[rows]]
            first += term.cells
        return total


def drawn(rows: Positions) -> Positions:
    """At most `MOST_ROWS` of the rows, drawn at random, in ascending order."""
    if len(rows) <= MOST_ROWS:
        return rows
    return np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))


def find_cells(predicted: Floats, inputs: pd.DataFrame, schema: Schema, rows: Positions) -> Cells:
    """Cells with enough rows each, and the cell of each row.

    Parameters
    ----------
    predicted : array of shape (n_rows,)
    inputs : DataFrame of shape (n_rows, n_fields)
        With the names of the fields.
    schema : Schema
    rows : array of int
        Those by which the cells are chosen.

    Returns
    -------
    Cells
        Of all n_rows rows.
    """
    edges, ends = _edges(predicted[rows], MOST_BINS)
    terms, places = [CellTerm(edges=edges)], [_cells(CellTerm(edges=edges), predicted)]
    for field in schema.fields[:MOST_FIELDS]:
        term, cells = field_cells(field, inputs[field.name], rows, FIELD_BINS)
        terms.append(term)
        places.append(cells)
    return Cells(tuple(terms), tuple(places), ends)


def field_cells(field: Field, values: pd.Series, rows: Positions, most: int) -> tuple[CellTerm, Positions]:
    """Cells of a field with enough rows each, and the cell of each row.

    Parameters
    ----------
    field : Field
    values : Series of shape (n_rows,)
    rows : array of int
        Those by which the cells are chosen.
    most : int
        Bins of a number.

    Returns
    -------
    CellTerm
    array of int, of shape (n_rows,)
    """
    column = of_field(field, values)
    term = _term(column, column.values[rows], most)
    return term, _positions(term, column)


def _edges(values: Floats, most: int) -> tuple[tuple[float, ...], tuple[float, float]]:
    """The inner edges of bins with about equally many values, halfway between two of them; and the ends."""
    parts = bins(values, most, LEAST_ROWS)
    edges = ((values[one].max() + values[other].min()) / 2 for one, other in zip(parts, parts[1:], strict=False))
    return tuple(map(float, edges)), (float(values.min()), float(values.max()))


def _term(column: Column, values: npt.NDArray[Any], most: int) -> CellTerm:
    if not column.categories:
        known = values[~np.isnan(values)]
        return CellTerm(column.name, _edges(known, most)[0] if len(known) else ())
    counts = np.bincount(values[values >= 0], minlength=len(column.categories))
    listed = np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
    return CellTerm(
        column.name, values=tuple(column.categories[place] for place in listed if counts[place] >= LEAST_ROWS)
    )


def _positions(term: CellTerm, column: Column) -> Positions:
    """The cell of each row."""
    if term.values is None:
        return _cells(term, column.values)
    place = {value: cell for cell, value in enumerate(term.values)}
    cells = [place.get(value, len(place)) for value in column.categories]
    # A missing value's position is -1, which is the last of these.
    found: Positions = np.array([*cells, term.cells - 1], dtype="int64")[column.values]
    return found


def _cells(term: CellTerm, values: Floats) -> Positions:
    cells = np.searchsorted(term.edges, values, side="right")
    return np.where(np.isnan(values), term.cells - 1, cells).astype("int64")
