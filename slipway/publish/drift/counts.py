"""Recent values counted in the bars of the training profile, part by part."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.errors import Fault, FaultCode, WarningCode
from slipway.schema.cells import CellTerm, is_missing, key
from slipway.schema.fields import Field, Value
from slipway.schema.profile import CategoryCounts, Histogram
from slipway.schema.table import ReadColumn

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

MOST_VALUES = 10_000
"""Different unknown categories that are told apart; each further one is counted, and not named."""
_DAY = 86_400.0


class BarCounts:
    """Numbers counted between edges; what is beyond the first or last edge is counted in the first or last bar.

    Parameters
    ----------
    edges : sequence of n_bars + 1 ascending numbers
        Half-open bars, but for the last.
    """

    def __init__(self, edges: Sequence[float]) -> None:
        self._inner = np.asarray(edges[1:-1], dtype="float64")
        self.counts: Counts = np.zeros(len(edges) - 1, dtype="int64")

    def add(self, values: Floats) -> None:
        """Count some numbers, none of them missing.

        Parameters
        ----------
        values : array of shape (n,)
        """
        places = self._inner.searchsorted(values, side="right")
        self.counts += np.bincount(places, minlength=len(self.counts))


class CategoryTally:
    """Categories counted: those listed, and last all others.

    Parameters
    ----------
    keys : sequence
        The listed categories, as their column has them.
    """

    def __init__(self, keys: Sequence[Any]) -> None:
        self._keys = keys
        self._found: Counter[Any] = Counter()

    def add(self, values: npt.NDArray[Any]) -> None:
        """Count some values, none of them missing.

        Parameters
        ----------
        values : array of shape (n,)
        """
        if values.dtype == object:
            self._found.update(values.tolist())
            return
        different, counts = np.unique(values, return_counts=True)
        self._found.update(dict(zip(different.tolist(), counts.tolist(), strict=True)))

    @property
    def counts(self) -> Counts:
        """Of shape (n_listed + 1,)."""
        listed = [self._found[key] for key in self._keys]
        return np.array([*listed, self._found.total() - sum(listed)], dtype="int64")


class FieldCounts:
    """What recent rows have in a field: values in the bars of training, and how many have no value that counts.

    Parameters
    ----------
    item : Field
    before : Histogram or CategoryCounts
        Of training.
    """

    def __init__(self, item: Field, before: Histogram | CategoryCounts) -> None:
        self.item = item
        self.before = before
        self.rows = self.missing = self.out_of_range = 0
        self.unknown: Counter[Value] = Counter()
        self.refused: Counter[str] = Counter()
        self._tally, self._number = _tally_of(item, before), _unit(item)

    def add(self, column: ReadColumn, ragged: Mapping[int, Any]) -> None:
        """Count the rows of a part.

        Parameters
        ----------
        column : ReadColumn
            Of shape (n,).
        ragged : mapping
            Its keys are the positions of rows that are left out, see `Part`.
        """
        values = column.values
        self.rows += len(values) - len(ragged)
        counted = np.ones(len(values), dtype=bool)
        counted[[*ragged]] = False
        for row, (warning, fault) in column.odd.items():
            if row in ragged:
                continue
            if fault is not None:
                counted[row] = False
                self._refuse(fault)
            elif warning is not None and warning.code is WarningCode.OUT_OF_RANGE:
                self.out_of_range += 1
        empty = is_missing(values)
        self.missing += int((empty & counted).sum())
        self._tally.add(self._number(values[counted & ~empty]))

    def _refuse(self, fault: Fault) -> None:
        if fault.code is FaultCode.NULL:
            self.missing += 1
        elif fault.code is FaultCode.UNKNOWN_CATEGORY:
            known = fault.value in self.unknown or len(self.unknown) < MOST_VALUES
            self.unknown[fault.value if known else None] += 1
        else:
            self.refused[fault.code.value] += 1

    @property
    def counts(self) -> Counts:
        """Rows in each bar, or of each listed category and last of all others that training knew."""
        return self._tally.counts


class CellCounts:
    """Rows counted in the cells of a model of the error.

    Parameters
    ----------
    term : CellTerm
    item : Field, optional
        The field of the term; None for the prediction.
    """

    def __init__(self, term: CellTerm, item: Field | None) -> None:
        self.rows = 0
        self.counts: Counts = np.zeros(term.cells, dtype="int64")
        self._term, self._item = term, item

    def add(self, values: npt.NDArray[Any]) -> None:
        """Count some rows.

        Parameters
        ----------
        values : array of shape (n,)
            As the schema checked them.
        """
        self.rows += len(values)
        self.counts += np.bincount(self._term.positions(self._item, values), minlength=len(self.counts))


def edges_of(histogram: Histogram) -> list[float]:
    """The edges of a histogram as numbers: dates as days since 1970.

    Parameters
    ----------
    histogram : Histogram

    Returns
    -------
    list of float
    """
    return [
        float(np.datetime64(edge, "D").astype("int64")) if isinstance(edge, str) else float(edge)
        for edge in histogram.edges
    ]


def _tally_of(item: Field, before: Histogram | CategoryCounts) -> BarCounts | CategoryTally:
    if isinstance(before, CategoryCounts):
        return CategoryTally([key(value, item.is_text) for value in before.values])
    return BarCounts(edges_of(before))


def _unit(item: Field) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """What the profile made of the values of a field before it counted them."""
    if item.categories:
        return _unchanged
    if item.kind == "text":
        return _lengths
    return _days if item.kind in ("date", "datetime") else _unchanged


def _unchanged(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values


def _lengths(values: npt.NDArray[Any]) -> Floats:
    return np.fromiter(map(len, values), "float64", len(values))


def _days(values: npt.NDArray[Any]) -> Floats:
    return np.asarray(np.floor(values / _DAY))
