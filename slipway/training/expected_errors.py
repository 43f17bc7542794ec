"""How large the error is for rows that the model had not seen, by prediction and inputs: from out-of-fold answers.

An additive model, so that it can be kept as a table of effects: an intercept, and one effect for each bin of the prediction and of
each input. It is fitted by least squares with a penalty on the effects.

Sources: Hoerl and Kennard, Ridge regression, Technometrics 12 (1970); Kott, Delete-a-group jackknife, Journal of Official
Statistics 17 (2001), for how unsure the effects are. To learn the loss from inputs and prediction, and to average what is
expected of other rows, is known as direct loss estimation.
"""

import numpy as np

from slipway.schema.cells import Floats
from slipway.schema.expected_errors import ErrorEstimate, ExpectedErrors, PredictionBin
from slipway.schema.schema import Schema
from slipway.training.cells import LEAST_ROWS, drawn, find_cells
from slipway.training.conformal import usable
from slipway.training.evaluation import HeldOut

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
    rows = drawn(rows)
    cells = find_cells(predicted, unseen.inputs, schema, rows)
    first = cells.terms[0]
    counts = np.bincount(cells.places[0][rows], minlength=first.cells)[:-1].tolist()
    lows, highs = [cells.ends[0], *first.edges], [*first.edges, cells.ends[1]]
    losses = [("mean absolute error", np.abs(unseen.actual - predicted)[rows])]
    if covered is not None:
        losses.append(("interval coverage", covered[rows]))
    design = cells.design(rows)
    return ExpectedErrors(
        tuple(PredictionBin(*one) for one in zip(lows, highs, counts, strict=True)),
        cells.terms,
        tuple(
            ErrorEstimate(measure, float(of.mean()), float(of.std(ddof=1)), _effects(design, of))  # type: ignore[arg-type]
            for measure, of in losses
        ),
    )


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
