"""Cells that a value of a field, or a prediction, falls into: what additive models of the error are tables of.

Training makes the cells, see `slipway.training.cells`; serving and drift look values up in them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.schema.arrays import missing
from slipway.schema.fields import Field, Value

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

_DAY = 86_400.0


@dataclass(frozen=True)
class CellTerm:
    """The cells of a field, or of the prediction if there is no `field`.

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

    # Each prediction asks for its cells, so what stays the same is kept.

    @cached_property
    def _edges(self) -> Floats:
        # NaN is sorted behind infinity: into the last cell.
        return np.array([*self.edges, np.inf], dtype="float64")

    @cached_property
    def _texts(self) -> dict[Any, int]:
        return self._places(is_text=True)

    @cached_property
    def _numbers(self) -> dict[Any, int]:
        return self._places(is_text=False)

    def _places(self, is_text: bool) -> dict[Any, int]:
        found: dict[Any, int] = {key(value, is_text): place for place, value in enumerate(self.values or ())}
        return found | {None: self.cells - 1}

    def positions(self, item: Field | None, column: npt.NDArray[Any]) -> Positions:
        """The cell of each row.

        Parameters
        ----------
        item : Field, optional
            The field of the term; None for the prediction.
        column : array of shape (n,)
            As in `slipway.schema.arrays.Columns`, or predictions in the target's unit.

        Returns
        -------
        array of int, of shape (n,)
        """
        if self.values is not None and item is not None:
            places, others, empty = self._texts if item.is_text else self._numbers, len(self.values), self.cells - 1
            return np.array(
                [places.get(one, others if one == one else empty) for one in column.tolist()], dtype="int64"
            )
        if item is not None and item.kind == "text":
            numbers = np.array([np.nan if one is None else len(one) for one in column.tolist()], dtype="float64")
        elif item is not None and item.kind in ("date", "datetime"):
            numbers = np.floor(column / _DAY)
        else:
            numbers = column
        return self._edges.searchsorted(numbers, side="right")


def key(value: Value, is_text: bool) -> str | float:
    """A category as its column has it: see `Field.is_text`."""
    return str(value) if is_text else float(value or 0)


def is_missing(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which values of a checked column are missing.

    Parameters
    ----------
    values : array of shape (n,)

    Returns
    -------
    array of bool, of shape (n,)
    """
    return np.asarray(missing(values) if values.dtype == object else np.isnan(values))
