"""How large errors are for which rows: what makes an interval wide where the model is unsure, and narrow elsewhere.

The logarithm of the absolute error is the sum of an effect of each cell of the prediction and of the inputs, by least squares with
a penalty on the effects. It is kept where it makes better intervals for rows that it has not seen, by the interval score.

Sources: Harvey, Estimating Regression Models with Multiplicative Heteroscedasticity, Econometrica 44 (1976), for the logarithm;
Hoerl and Kennard, Ridge regression, Technometrics 12 (1970), for the penalty; Lei et al., JASA 113 (2018), section 5.2, for
conformal intervals with errors that are divided by their expected size.
"""

from dataclasses import replace
from functools import cache, partial
from math import sqrt

import numpy as np
import pandas as pd

from slipway.inference.interval import Interval, Spread
from slipway.schema.cells import Floats
from slipway.schema.schema import Schema
from slipway.training.cells import LEAST_ROWS, drawn, find_cells
from slipway.training.conformal import PARTS, Measured, fit_interval, measure_interval, parts_of

PENALTIES = (10.0, 30.0, 100.0)
"""Rows without any effect by which those of a cell are outvoted."""
LEAST = 4 * LEAST_ROWS
SMALLEST = 0.1
"""Errors below this share of the median count as much as it: the logarithm of almost nothing would outvote all others."""
WORTHWHILE = 0.01
"""By how much, as a share, the interval score must be lower; and by more than twice its standard error."""


class SpreadFits:
    """Models of the size of the errors, fitted without one or two tenths of the rows.

    Parameters
    ----------
    predicted, actual : arrays of shape (n_rows,)
        Of rows that the model had not seen, all finite.
    inputs : DataFrame of shape (n_rows, n_fields)
    schema : Schema
    """

    def __init__(self, predicted: Floats, actual: Floats, inputs: pd.DataFrame, schema: Schema) -> None:
        errors = np.abs(actual - predicted)
        logs = np.log(np.maximum(errors, SMALLEST * np.median(errors)))
        rows = drawn(np.arange(len(predicted)))
        self._cells = find_cells(predicted, inputs, schema, rows)
        self._part = parts_of(len(predicted))
        design, of = self._cells.design(rows), self._part[rows]
        # Sums over the rows of each part: those of any choice of parts are sums of these.
        kept = [of == number for number in range(PARTS)]
        self._rows = np.array([one.sum() for one in kept], dtype="float64")
        self._logs = np.array([logs[rows][one].sum() for one in kept])
        self._in_cells = np.array([design[one].sum(axis=0) for one in kept])
        self._log_in_cells = np.array([design[one].T @ logs[rows][one] for one in kept])
        self._pairs = np.array([design[one].T @ design[one] for one in kept])
        # Without two tenths is asked for twice, once for each of them.
        self.effects = cache(self._effects)

    def _effects(self, penalty: float, without: frozenset[int] = frozenset()) -> Floats:
        """Intercept and effects, of shape (1 + n_cells,), fitted on all tenths of the rows but these."""
        kept = [number for number in range(PARTS) if number not in without]
        rows, logs = self._rows[kept].sum(), self._logs[kept].sum()
        middle, mean = self._in_cells[kept].sum(axis=0) / rows, logs / rows
        pairs = self._pairs[kept].sum(axis=0) - rows * np.outer(middle, middle)
        along = self._log_in_cells[kept].sum(axis=0) - middle * logs
        effects = np.linalg.solve(pairs + penalty * np.eye(len(middle)), along)
        return np.array([mean - middle @ effects, *effects])

    def scales(self, penalty: float, judged: int | None = None) -> Floats:
        """The expected size of each row's error by a model that has seen neither its tenth of the rows nor `judged`.

        Returns
        -------
        array of shape (n_rows,)
        """
        found = np.empty(len(self._part))
        for number in range(PARTS):
            without = frozenset({number} if judged is None else {number, judged})
            effects, rows = self.effects(penalty, without), self._part == number
            found[rows] = effects[0] + self._cells.sums(effects[1:], rows)
        return np.exp(found)

    def spread(self, penalty: float) -> Spread:
        """The model of all rows, to be kept with the interval."""
        effects = self.effects(penalty)
        logs = effects[0] + self._cells.sums(effects[1:], np.ones(len(self._part), dtype=bool))
        return Spread(
            self._cells.terms, tuple(float(f"{one:.6g}") for one in effects), float(logs.min()), float(logs.max())
        )


def interval_by_inputs(
    plain: Measured,
    predicted: Floats,
    actual: Floats,
    inputs: pd.DataFrame,
    schema: Schema,
) -> tuple[Interval, Measured] | None:
    """An interval that is wider where inputs and prediction are those of larger errors, if it is better.

    Parameters
    ----------
    plain : Measured
        What is to be improved.
    predicted, actual : arrays of shape (n_rows,)
        Of rows that the model had not seen, all finite, in the target's unit.
    inputs : DataFrame of shape (n_rows, n_fields)
    schema : Schema

    Returns
    -------
    tuple of Interval and Measured, or None
        None if it is not clearly better, or there are too few rows.
    """
    if len(predicted) < LEAST or not np.median(np.abs(actual - predicted)):
        return None
    fits, target = SpreadFits(predicted, actual, inputs, schema), schema.target
    tried = []
    for penalty in PENALTIES:
        scales = partial(fits.scales, penalty)
        if measured := measure_interval(predicted, actual, target.minimum, target.maximum, scales):
            tried.append((float(measured.scores.mean()), penalty, measured))
    if not tried:
        return None
    _, penalty, measured = min(tried, key=lambda one: one[0])
    gain = plain.scores - measured.scores
    if gain.mean() < max(WORTHWHILE * plain.scores.mean(), 2 * gain.std(ddof=1) / sqrt(len(gain))):
        return None
    found = fit_interval(predicted, actual, scale=fits.scales(penalty))
    return (replace(found, spread=fits.spread(penalty)), measured) if found else None
