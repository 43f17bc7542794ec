"""The metrics of a predicted number, under the names and by the definitions of PyCaret. Training only."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def measure(actual: Floats, predicted: Floats) -> dict[str, float]:
    """All metrics of n rows; NaN where one cannot be measured.

    RMSLE takes the logarithm of one plus the absolute value; MAPE leaves out rows whose target is 0.

    Parameters
    ----------
    actual, predicted : arrays of shape (n_rows,)
        In the target's unit.

    Returns
    -------
    dict of str to float
        By the names of `slipway.training.selection.METRICS`.
    """
    off = predicted - actual
    squared = float(np.mean(off**2))
    spread = float(np.mean((actual - actual.mean()) ** 2))
    logarithms = np.log1p(np.abs(predicted)) - np.log1p(np.abs(actual))
    there = actual != 0
    return {
        "MAE": float(np.mean(np.abs(off))),
        "MSE": squared,
        "RMSE": float(np.sqrt(squared)),
        "R2": 1 - squared / spread if spread else float("nan"),
        "RMSLE": float(np.sqrt(np.mean(logarithms**2))),
        "MAPE": float(np.mean(np.abs(off[there] / actual[there]))) if there.any() else float("nan"),
    }
