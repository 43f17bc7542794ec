"""How the values of mixed rows are divided among the fields: all subsets, or orders drawn at random.

Sources: L. S. Shapley, A value for n-person games, 1953. Sampling of orders, one background row
at a time: E. Štrumbelj and I. Kononenko, Explaining prediction models and individual predictions
with feature contributions, Knowledge and Information Systems 41, 2014; of a background:
S. M. Lundberg and S.-I. Lee, A unified approach to interpreting model predictions, NIPS 2017;
each order together with its reverse: R. Mitchell et al., Sampling permutations for Shapley value
estimation, Journal of Machine Learning Research 23, 2022.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

EXACT_FIELDS = 8
"""Up to this many fields all 2**n subsets are evaluated; 2**8 subsets of 64 background rows are 16,384 rows."""

SAMPLED_ROWS = 4_096
"""Rows that sampling may evaluate; more only if two pairs of orders for each background row need more.

More make little difference: with these, sampling is off by a third of the error that the choice of the background makes.
"""

ROUNDING = 1e-5
"""By how much a sum in float32, as in XGBoost's trees, may differ from that in double, relative to what is added."""

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Own = Callable[[int, slice], Flags]
"""For a field (by position) and a slice of rows: which rows have the record's own value."""

ValueFunction = Callable[[Positions, Own], Floats]
"""From each row's background row, of shape (n_rows,), and `Own` to the model's values for these rows.

The first row is always the record itself.
"""


@dataclass(frozen=True)
class Attribution:
    """The result of a method: `contributions` and their standard `errors`, of shape (n_fields,).

    The errors are None if there is one background row.
    """

    base: float
    contributions: Floats
    errors: Floats | None

    @classmethod
    def of(cls, base: float, each: Floats) -> "Attribution":
        """The mean over the background, with the standard error that its spread gives: rows drawn anew would be others.

        Parameters
        ----------
        base : float
        each : array of shape (n_background, n_fields)
            The contributions compared with each background row; what sampling orders adds to their spread is part of it.
        """
        size = len(each)
        errors = each.std(axis=0, ddof=1) / math.sqrt(size) if size > 1 else None
        return cls(base, each.mean(axis=0), errors)

    def adding_up_to(self, prediction: float) -> "Attribution | None":
        """Contributions whose sum is exactly this one's, for those that were added up in another order than the prediction.

        Each is changed in proportion to its size, so that a field without effect keeps 0.

        Returns
        -------
        Attribution or None
            None if rounding cannot have made the difference.
        """
        sizes = np.abs(self.contributions)
        rest = prediction - self.base - float(self.contributions.sum())
        if abs(rest) > ROUNDING * (abs(prediction) + abs(self.base) + sizes.sum()):
            return None
        if not sizes.any():
            return self
        return Attribution(self.base, self.contributions + rest * (sizes / sizes.sum()), self.errors)


class Method(Protocol):
    """Exact or sampled: decides which rows to evaluate, and divides their values among the fields."""

    def shares(self, differs: Flags, ask: ValueFunction) -> Attribution:
        """Base and contributions of one record.

        Parameters
        ----------
        differs : array of bool, of shape (n_fields, n_background)
            Where the record's value is different from a background row's.
        ask : ValueFunction
            Evaluates the model on rows mixed from the record and the background.

        Returns
        -------
        Attribution
        """


class Exact:
    """All subsets of fields; no two equal rows are evaluated.

    Parameters
    ----------
    background : list of n_fields arrays of shape (n_background,)
    """

    def __init__(self, background: list[npt.NDArray[Any]]) -> None:
        count = len(background)
        self._others = np.arange(2**count)[::-1]  # for each subset, the fields not in it
        self._first_alike = _first_alike(background)
        self._pairs = SubsetPairs(count)

    def shares(self, differs: Flags, ask: ValueFunction) -> Attribution:
        """Shapley's formula for each background row."""
        size = differs.shape[1]
        different = (differs * (1 << np.arange(len(differs)))[:, None]).sum(axis=0)
        # A row is identified by the fields it has from the background, and the first background row equal in these.
        foreign = self._others[:, None] & different
        rows = foreign * size + self._first_alike[foreign, np.arange(size)]
        wanted = np.zeros(len(self._others) * size, dtype=bool)
        wanted[rows] = True
        foreign, background_index = np.divmod(np.flatnonzero(wanted), size)
        evaluated = ask(background_index, lambda field, block: (foreign[block] >> field) & 1 == 0)
        values = evaluated[(np.cumsum(wanted) - 1)[rows]].T
        return Attribution.of(float(values[:, 0].mean()), self._pairs.shares(values))


class SubsetPairs:
    """Each field's pairs of subsets, without it and with it, and what their difference counts in Shapley's formula."""

    def __init__(self, count: int) -> None:
        subsets = np.arange(2**count)
        sizes = ((subsets[:, None] >> np.arange(count)) & 1).sum(axis=1)
        orders = [math.factorial(k) * math.factorial(count - k - 1) / math.factorial(count) for k in range(count)]
        self._without = np.array([subsets[(subsets >> field) & 1 == 0] for field in range(count)])
        self._with = self._without | (1 << np.arange(count))[:, None]
        self._weights = np.array(orders)[sizes[self._without]]

    def shares(self, values: Floats) -> Floats:
        """The contributions from the values of all subsets.

        Parameters
        ----------
        values : array of shape (n_background, 2**n_fields)
            At place s the value where those fields have the record's value whose bits are set in s.

        Returns
        -------
        array of shape (n_background, n_fields)
        """
        # Single differences instead of a matrix product: a field without effect gets 0 and not 1e-17.
        each = [
            ((values[:, own] - values[:, other]) * weights).sum(axis=1)
            for own, other, weights in zip(self._with, self._without, self._weights, strict=True)
        ]
        return np.stack(each, axis=1)


def _first_alike(background: list[npt.NDArray[Any]]) -> Positions:
    """The first row with the same values in a subset of fields, of shape (2**n_fields, n_background)."""
    size = len(background[0])
    codes = [_codes(column) for column in background]
    alike = np.zeros((2 ** len(codes), size), dtype="int64")
    for subset in range(1, len(alike)):
        lowest = (subset & -subset).bit_length() - 1
        _, first, group = np.unique(
            alike[subset & (subset - 1)] * size + codes[lowest], return_index=True, return_inverse=True
        )
        alike[subset] = first[group]
    return alike


def _codes(column: npt.NDArray[Any]) -> Positions:
    """An integer for each distinct value, of shape (n_background,)."""
    if column.dtype == object:  # texts, which cannot be sorted if one is missing
        place = {value: code for code, value in enumerate(dict.fromkeys(column.tolist()))}
        return np.array([place[value] for value in column.tolist()], dtype="int64")
    codes: Positions = np.unique(column, return_inverse=True)[1]
    return codes


class Sampled:
    """Orders drawn at random together with their reverses, equally many for each background row.

    Starting from a background row, the record's values are filled in one field at a time, and each
    field is credited with the change in the prediction at its step: the steps of an order add up,
    and so do their means. Together with its reverse, an order is exact if at most two fields
    interact. The seed is fixed: the same record always gets the same answer.
    """

    def __init__(self, fields: int, size: int, rows: int = SAMPLED_ROWS) -> None:
        self._pairs = max(2, rows // (2 * (fields - 1) * size))
        drawn = np.tile(np.arange(fields), (size * self._pairs, 1))
        drawn = np.random.default_rng(0).permuted(drawn, axis=1)
        self._orders = np.concatenate([drawn, drawn[:, ::-1]])
        self._starts = np.tile(np.repeat(np.arange(size), self._pairs), 2)
        self._step_of = np.ascontiguousarray(np.argsort(self._orders, axis=1).T)

    @property
    def orders(self) -> list[tuple[int, Positions]]:
        """Each order of the fields, by position, with the background row that it starts from."""
        return list(zip(self._starts.tolist(), self._orders, strict=True))

    def shares(self, differs: Flags, ask: ValueFunction) -> Attribution:
        """Means over orders, for each background row."""
        fields, size = differs.shape
        changes = differs[self._orders, self._starts[:, None]]
        ahead = np.cumsum(changes[:, ::-1], axis=1)[:, ::-1]
        paths, steps = np.nonzero(changes & (ahead > 1))  # after its last change, a row is the record itself
        # Rows to evaluate: the record, the background, then each step that makes a new row.
        first = np.arange(size) * self._pairs
        path = np.concatenate([[0], first, paths])
        filled = np.concatenate([[fields], np.zeros(size, dtype="int64"), steps + 1])
        evaluated = ask(self._starts[path], lambda field, block: self._step_of[field][path[block]] < filled[block])
        origin = np.where(differs.any(axis=0), 1 + np.arange(size), 0)
        row = np.zeros((len(changes), fields + 1), dtype="int64")
        row[:, 0] = origin[self._starts]
        row[paths, steps + 1] = 1 + size + np.arange(len(paths))
        # A step that changes nothing stays at the row before it.
        moved = np.where(changes, np.arange(1, fields + 1), 0)
        latest = np.maximum.accumulate(np.pad(moved, ((0, 0), (1, 0))), axis=1)
        values = evaluated[np.take_along_axis(row, latest, axis=1)]
        added = np.empty(changes.shape)
        np.put_along_axis(added, self._orders, np.diff(values, axis=1), axis=1)
        pairs = added.reshape(2, size, self._pairs, fields).mean(axis=0)
        return Attribution.of(float(evaluated[origin].mean()), pairs.mean(axis=1))
