"""How large the error was for rows that a model had not seen, by prediction and inputs: the type of `errors.json`.

From it, the error on rows without a target is estimated, see `slipway.publish.drift.errors`. Training makes it, see
`slipway.training.expected_errors`.
"""

from dataclasses import dataclass
from typing import Literal

from slipway.schema.fields import Value


@dataclass(frozen=True)
class PredictionBin:
    """How many rows have a prediction from `low` to `high`, in the target's unit."""

    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class ErrorTerm:
    """The cells that a field, or the prediction if there is no `field`, puts a row into.

    Numbers have the inner `edges` of half-open bins, in the unit of the profile: days since 1970 for dates, minutes for times,
    characters for texts. Categories have those listed in `values`, and a cell for all others. The last cell is that of rows
    without a value.
    """

    field: str | None = None
    edges: tuple[float, ...] = ()
    values: tuple[Value, ...] | None = None

    @property
    def cells(self) -> int:
        """How many there are."""
        return (len(self.edges) if self.values is None else len(self.values)) + 2


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
    terms: tuple[ErrorTerm, ...]
    estimates: tuple[ErrorEstimate, ...]
