"""How large the error is for rows that the model had not seen, by their prediction: from out-of-fold answers."""

import numpy as np
import numpy.typing as npt

from slipway.schema.expected_errors import ErrorBin, ExpectedErrors
from slipway.training.conformal import usable
from slipway.training.diagnostics import bins

Floats = npt.NDArray[np.float64]

MOST_BINS = 20
ROWS_PER_BIN = 50


def expected_errors(predicted: Floats, actual: Floats, covered: Floats | None = None) -> ExpectedErrors | None:
    """The errors in bins of the prediction with about equally many rows.

    Parameters
    ----------
    predicted, actual : arrays of shape (n_rows,)
        Of rows that the model had not seen, in the target's unit.
    covered : array of shape (n_rows,), optional
        1 where the interval holds the true value, 0 where not.

    Returns
    -------
    ExpectedErrors or None
        None if there are too few rows for a bin.
    """
    finite = usable(predicted, actual)
    predicted, errors = predicted[finite], np.abs(actual - predicted)[finite]
    inside = None if covered is None else covered[finite]
    if len(predicted) < ROWS_PER_BIN:
        return None
    parts = bins(predicted, MOST_BINS, ROWS_PER_BIN)
    # Halfway between neighbours, so that no edge is a row's own prediction.
    edges = [(predicted[one].max() + predicted[other].min()) / 2 for one, other in zip(parts, parts[1:], strict=False)]
    lows, highs = [predicted.min(), *edges], [*edges, predicted.max()]
    return ExpectedErrors(
        tuple(
            ErrorBin(
                low=float(low),
                high=float(high),
                rows=len(rows),
                mae=float(errors[rows].mean()),
                sd=float(errors[rows].std(ddof=1)),
                covered=None if inside is None else float(inside[rows].mean()),
            )
            for rows, low, high in zip(parts, lows, highs, strict=True)
        )
    )
