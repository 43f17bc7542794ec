"""How large the error was for rows that a model had not seen, by their prediction: the type of `errors.json`.

From it, the error on rows without a target is estimated. Training makes it, see `slipway.training.expected_errors`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorBin:
    """Rows with a prediction from `low` to `high`: the mean absolute error and its standard deviation, in the target's unit.

    `covered` is the share of true values in the interval; None without one.
    """

    low: float
    high: float
    rows: int
    mae: float
    sd: float
    covered: float | None = None


@dataclass(frozen=True)
class ExpectedErrors:
    """What `errors.json` holds: adjacent bins of predictions, in ascending order."""

    bins: tuple[ErrorBin, ...]
