"""The interval around a predicted number: serving needs this module, which needs NumPy alone.

How it is fitted and measured: `slipway.training.conformal`.
"""

import sys
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """Offsets from a prediction to the ends of its interval, for each bin of predictions.

    `edges`, of length n_bins - 1, ascend and belong to the bin above; `low` (none above 0) and
    `high` (none below 0) are of length n_bins. All are in the target's unit. `coverage` is the
    share of true values that should lie between the ends. A version keeps it as `uncertainty.json`.
    """

    coverage: float
    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats, Floats]:
        return np.array(self.edges, dtype="float64"), np.array(self.low), np.array(self.high)

    def around(
        self, values: Floats, minimum: float | None = None, maximum: float | None = None
    ) -> tuple[Floats, Floats]:
        """The lower and upper end for each prediction, never outside the target's hard bounds.

        Parameters
        ----------
        values : array of shape (n,)
            Finite predictions, themselves inside the bounds.
        minimum, maximum : float, optional
            The target's hard bounds: a bill is not negative.

        Returns
        -------
        low, high : arrays of shape (n,)
            With low <= values <= high, and finite.
        """
        edges, low, high = self._arrays
        bins = edges.searchsorted(values, side="right")
        # Without bounds those of a double: JSON has no infinity.
        return (
            np.maximum(values + low[bins], -sys.float_info.max if minimum is None else minimum),
            np.minimum(values + high[bins], sys.float_info.max if maximum is None else maximum),
        )
