"""How large the error is for rows that the model had not seen, by prediction and inputs: from out-of-fold answers.

An additive model, so that it can be kept as a table of effects: an intercept, and one effect for each bin of the prediction and of
each input. It is fitted by least squares with a penalty on the effects.

Sources: Hoerl and Kennard, Ridge regression, Technometrics 12 (1970); Kott, Delete-a-group jackknife, Journal of Official
Statistics 17 (2001), for how unsure the effects are. To learn the loss from inputs and prediction, and to average what is
expected of other rows, is known as direct loss estimation.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.schema.expected_errors import ErrorEstimate, ErrorTerm, ExpectedErrors, PredictionBin
from slipway.schema.schema import Schema
from slipway.training.conformal import usable
from slipway.training.diagnostics import bins
from slipway.training.evaluation import HeldOut
from slipway.training.profile.column import Column, of_field

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

MOST_BINS = 20
"""Of the prediction; a field has at most `FIELD_BINS`."""
FIELD_BINS = 8
MOST_CATEGORIES = 12
MOST_FIELDS = 50
LEAST_ROWS = 50
MOST_ROWS = 20_000
"""More rows would not make the estimate noticeably surer."""
GROUPS = 10
PENALTY = 10.0
"""An effect is shrunk as if its cell had ten more rows that have none."""


def expected_errors(unseen: HeldOut, schema: Schema, covered: Floats | None = None) -> ExpectedErrors | None:
    """The error by prediction and inputs.

    Parameters
    ----------
    unseen : HeldOut
        Of n rows, with numbers predicted.
    schema : Schema
    covered : array of shape (n_rows,), optional
        1 where the interval holds the true value, 0 where not.

    Returns
    -------
    ExpectedErrors or None
        None if there are too few rows.
    """
    predicted = unseen.answers.values
    rows = np.flatnonzero(usable(predicted, unseen.actual))
    if len(rows) < 2 * LEAST_ROWS:
        return None
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))
    edges, ends = _edges(predicted[rows], MOST_BINS)
    term = ErrorTerm(edges=edges)
    counts = np.bincount(_cells(term, predicted[rows]), minlength=term.cells)[:-1].tolist()
    lows, highs = [ends[0], *edges], [*edges, ends[1]]
    terms, places = [term], [_cells(term, predicted[rows])]
    for field in schema.fields[:MOST_FIELDS]:
        column = of_field(field, unseen.inputs[field.name])
        values = column.values[rows]
        found = _term(column, values)
        terms.append(found)
        places.append(_positions(found, column, values))
    losses = [("mean absolute error", np.abs(unseen.actual - predicted)[rows])]
    if covered is not None:
        losses.append(("interval coverage", covered[rows]))
    design = _design(terms, places)
    return ExpectedErrors(
        tuple(PredictionBin(*one) for one in zip(lows, highs, counts, strict=True)),
        tuple(terms),
        tuple(
            ErrorEstimate(measure, float(of.mean()), float(of.std(ddof=1)), _effects(design, of))  # type: ignore[arg-type]
            for measure, of in losses
        ),
    )


def _edges(values: Floats, most: int) -> tuple[tuple[float, ...], tuple[float, float]]:
    """The inner edges of bins with about equally many values, halfway between two of them; and the ends."""
    parts = bins(values, most, LEAST_ROWS)
    edges = ((values[one].max() + values[other].min()) / 2 for one, other in zip(parts, parts[1:], strict=False))
    return tuple(map(float, edges)), (float(values.min()), float(values.max()))


def _term(column: Column, values: npt.NDArray[Any]) -> ErrorTerm:
    if not column.categories:
        known = values[~np.isnan(values)]
        return ErrorTerm(column.name, _edges(known, FIELD_BINS)[0] if len(known) else ())
    counts = np.bincount(values[values >= 0], minlength=len(column.categories))
    listed = np.argsort(-counts, kind="stable")[:MOST_CATEGORIES]
    return ErrorTerm(
        column.name, values=tuple(column.categories[place] for place in listed if counts[place] >= LEAST_ROWS)
    )


def _positions(term: ErrorTerm, column: Column, values: npt.NDArray[Any]) -> Positions:
    """The cell of each row."""
    if term.values is None:
        return _cells(term, values)
    place = {value: cell for cell, value in enumerate(term.values)}
    cells = [place.get(value, len(place)) for value in column.categories]
    # A missing value's position is -1, which is the last of these.
    found: Positions = np.array([*cells, term.cells - 1], dtype="int64")[values]
    return found


def _cells(term: ErrorTerm, values: Floats) -> Positions:
    cells = np.searchsorted(term.edges, values, side="right")
    return np.where(np.isnan(values), term.cells - 1, cells).astype("int64")


def _design(terms: list[ErrorTerm], places: list[Positions]) -> Floats:
    """One column for each cell of each term: 1 where a row is in it, else 0; of few rows always 0, so that it has no effect."""
    cells = np.hstack([np.eye(term.cells)[of] for term, of in zip(terms, places, strict=True)])
    return np.asarray(cells * (cells.sum(axis=0) >= LEAST_ROWS))


def _effects(design: Floats, losses: Floats) -> tuple[tuple[float, ...], ...]:
    """The intercept and the effects, of all rows and without each tenth of them."""
    group = np.random.default_rng(0).permutation(len(losses)) % GROUPS
    kept = [np.ones(len(losses), dtype=bool), *(group != number for number in range(GROUPS))]
    found = []
    for rows in kept:
        cells, loss = design[rows], losses[rows]
        middle, mean = cells.mean(axis=0), float(loss.mean())
        off = cells - middle
        effects = np.linalg.solve(off.T @ off + PENALTY * np.eye(off.shape[1]), off.T @ (loss - mean))
        found.append((mean - float(middle @ effects), *(float(f"{effect:.6g}") for effect in effects)))
    return tuple(found)
