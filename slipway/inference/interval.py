"""The prediction interval around a number.

Serving needs this module, which needs only NumPy; how an interval is fitted and measured is in
`slipway.training.conformal`.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from slipway.schema.arrays import Columns
from slipway.schema.cells import CellTerm
from slipway.schema.fields import Field
from slipway.schema.schema import Schema

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How large the error is for such rows: e to the power of an intercept and an effect of each term's cell.

    `effects`, of shape (1 + n_cells,), begin with the intercept; the cells are those of `terms`, one after the other. Their sum is
    limited to what occurred in training, from `low` to `high`.
    """

    terms: tuple[CellTerm, ...]
    effects: tuple[float, ...]
    low: float
    high: float

    @cached_property
    def _by_term(self) -> list[tuple[CellTerm, Floats]]:
        ends = np.cumsum([term.cells for term in self.terms])[:-1]
        return list(zip(self.terms, np.split(np.array(self.effects[1:]), ends), strict=True))

    def scale(self, values: Floats, columns: Columns, fields: Mapping[str, Field]) -> Floats:
        """The size of the error, in the target's unit up to a factor that the interval knows.

        Parameters
        ----------
        values : array of shape (n,)
            Predictions.
        columns : Columns
            Of n checked rows.
        fields : mapping of str to Field
            By name.

        Returns
        -------
        array of shape (n,)
            Positive.
        """
        total = np.full(len(values), self.effects[0])
        for term, effects in self._by_term:
            item = fields[term.field] if term.field is not None else None
            total += effects[term.positions(item, values if term.field is None else columns[term.field])]
        # `np.clip` takes several times as long for a few values.
        return np.asarray(np.exp(np.minimum(np.maximum(total, self.low), self.high)))


@dataclass(frozen=True)
class WeakGroup:
    """Rows of which fewer true values lie in the interval than of all: those in one `cell` of `term`, and what share does."""

    term: CellTerm
    cell: int
    covered: float


@dataclass(frozen=True)
class Interval:
    """Offsets from a prediction to the ends of its interval, for each bin of predictions.

    `edges`, of length n_bins - 1, ascend; a prediction equal to an edge belongs to the bin above.
    `low` (none above 0) and `high` (none below 0) have length n_bins. They are in the target's
    unit, or with a `spread` multiples of it. `coverage` is the share of true values that should lie
    between the ends; for rows of a group in `weak` it is less.
    """

    coverage: float
    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    spread: Spread | None = None
    weak: tuple[WeakGroup, ...] = ()

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats, Floats]:
        return np.array(self.edges, dtype="float64"), np.array(self.low), np.array(self.high)

    def around(
        self,
        values: Floats,
        minimum: float | None = None,
        maximum: float | None = None,
        scale: Floats | float = 1.0,
    ) -> tuple[Floats, Floats]:
        """The lower and upper end for each prediction, never outside the target's hard bounds.

        Parameters
        ----------
        values : array of shape (n,)
            Finite predictions within the bounds, in the target's unit.
        minimum, maximum : float, optional
            The target's hard bounds: a bill, for example, is not negative.
        scale : array of shape (n,), optional
            What the offsets are multiplied by: that of the `spread`.

        Returns
        -------
        low, high : arrays of shape (n,)
            Finite, with low <= values <= high.
        """
        edges, low, high = self._arrays
        bins = edges.searchsorted(values, side="right")
        # Without bounds those of a double: JSON has no infinity.
        return (
            np.maximum(values + low[bins] * scale, -sys.float_info.max if minimum is None else minimum),
            np.minimum(values + high[bins] * scale, sys.float_info.max if maximum is None else maximum),
        )

    def ends(self, values: Floats, columns: Columns, schema: Schema) -> tuple[Floats, Floats]:
        """As `around`, for rows of a schema: inside the bounds of its target, and scaled by the `spread` if there is one.

        Parameters
        ----------
        values : array of shape (n,)
            Predictions.
        columns : Columns
            The inputs that they are predicted from.
        schema : Schema

        Returns
        -------
        low, high : arrays of shape (n,)
        """
        scale = 1.0 if self.spread is None else self.spread.scale(values, columns, schema.by_name)
        return self.around(values, schema.target.minimum, schema.target.maximum, scale)

    def coverages(self, columns: Columns, fields: Mapping[str, Field], rows: int) -> Floats:
        """The share of true values that lie in the intervals of such rows: `coverage`, or that of the weakest group a row is in.

        Parameters
        ----------
        columns : Columns
            Of n checked rows.
        fields : mapping of str to Field
            By name.
        rows : int
            n

        Returns
        -------
        array of shape (n,)
        """
        found = np.full(rows, self.coverage)
        for group in self.weak:
            name = group.term.field or ""
            inside = group.term.positions(fields[name], columns[name]) == group.cell
            found[inside] = np.minimum(found[inside], group.covered)
        return found
