"""The contribution of each field to each prediction, as `/predict_csv?reasons=true` gives them, if they are asked for."""

import math
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.inference.predictor import Predictor
from slipway.inference.shapley import Explainer
from slipway.schema.arrays import Columns
from slipway.schema.schema import Checked

_SAID_FROM = 10.0
"""Seconds of a run from which on it is said how long it will take."""


@dataclass(frozen=True)
class ReasonsWanted:
    """How many of the largest contributions of each row are given, and the rows that explanations compare with."""

    most: int
    background: Columns


class Reasons:
    """Explains rows.

    Parameters
    ----------
    predictor : Predictor
    wanted : ReasonsWanted
    """

    def __init__(self, predictor: Predictor, wanted: ReasonsWanted) -> None:
        self._explainer = Explainer(predictor, wanted.background)
        self._fields = len(predictor.schema.names)
        self._most = wanted.most

    def columns(self, checked: Checked) -> list[npt.NDArray[np.float64]]:
        """The base and the contribution of each field.

        Parameters
        ----------
        checked : Checked
            Of n rows.

        Returns
        -------
        list of 1 + n_fields arrays of shape (n,)
            NaN stands for what is not among the largest of its row, and for a row that cannot be explained.

        Raises
        ------
        ExplanationError
            If the estimator has no probabilities.
        """
        shares = np.full((len(checked.warnings), 1 + self._fields), math.nan)
        for row, found in enumerate(self._explainer.shares(checked)):
            if found is not None:
                shares[row] = found
        if self._most < self._fields:
            order = np.argsort(-np.abs(shares[:, 1:]), axis=1, kind="stable")
            np.put_along_axis(shares[:, 1:], order[:, self._most :], math.nan, axis=1)
        return [*shares.T]

    def seconds(self, record: dict[str, Any], predictor: Predictor) -> float:
        """How long a row takes, in s."""
        checked = predictor.schema.check_records([record])
        self.columns(checked)  # the first one takes longer
        began = time.perf_counter()
        self.columns(checked)
        return time.perf_counter() - began


def announce(predictor: Predictor, reasons: Reasons, rows: int | None, workers: int) -> None:
    """Say on standard error how long a long run will take, as explaining a row may take thousands of predictions.

    Parameters
    ----------
    predictor : Predictor
    reasons : Reasons
    rows : int, optional
        None if they are not counted yet.
    workers : int
    """
    seconds = reasons.seconds(predictor.schema.defaults, predictor)
    if rows is not None and rows * seconds / workers < _SAID_FROM:
        return
    count = 1_000_000 if rows is None else rows
    hours, minutes = divmod(max(1, round(count * seconds / workers / 60)), 60)
    many = "1 process" if workers == 1 else f"{workers} processes"
    took = f"{hours:,} h {minutes} min" if hours else f"{minutes} min"
    print(f"reasons take about {seconds * 1000:,.1f} ms a row: {took} for {count:,} rows with {many}", file=sys.stderr)
