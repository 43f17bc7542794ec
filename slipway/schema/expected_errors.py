"""How large the error was for rows that a model had not seen, by prediction and inputs: the type of `errors.json`.

From it, the error on rows without a target is estimated, see `slipway.publish.drift.errors`. Training makes it, see
`slipway.training.expected_errors`.
"""

from dataclasses import dataclass
from typing import Literal

from slipway.schema.cells import CellTerm


@dataclass(frozen=True)
class PredictionBin:
    """How many rows have a prediction from `low` to `high`, in the target's unit."""

    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class ErrorEstimate:
    """What a measure is expected to be: an intercept, and an effect of each cell of each term.

    `effects` are of shape (1 + n_groups, 1 + n_cells): fitted on all rows, and without each group of them. `mean` and `sd` are
    those of the measure over the rows.
    """

    measure: Literal["mean absolute error", "interval coverage"]
    mean: float
    sd: float
    effects: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class ExpectedErrors:
    """What `errors.json` holds: adjacent bins of predictions in ascending order, and the model of their errors."""

    predictions: tuple[PredictionBin, ...]
    terms: tuple[CellTerm, ...]
    estimates: tuple[ErrorEstimate, ...]
