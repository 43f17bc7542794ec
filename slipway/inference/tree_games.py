"""How what leaves add is divided among the fields: by a formula for sums, or by the sums of all subsets."""

import math

import numpy as np
import numpy.typing as npt

from slipway.inference.forest import Floats, Masks, Positions
from slipway.inference.shapley_methods import SubsetPairs

_CHUNK = 10
_ONES = np.array([bin(number).count("1") for number in range(2**16)], dtype="uint8")


class Formula:
    """Shapley's formula for what a leaf adds, if the sets of fields that gain and lose are given."""

    def __init__(self, count: int, dtype: npt.DTypeLike) -> None:
        self._count = count
        self._chunks = [range(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
        self._halves = range(max(1, np.dtype(dtype).itemsize // 2))
        sizes = [(gain, lose) for gain in range(count + 1) for lose in range(count + 1)]
        self._gained = np.array([_orders(gain - 1, lose) for gain, lose in sizes])
        self._lost = np.array([-_orders(gain, lose - 1) for gain, lose in sizes])

    def shares(self, row: Positions, leaf: Positions, gain: Masks, own: Masks, weights: Floats, size: int) -> Floats:
        """The contributions for each background row.

        Parameters
        ----------
        row, leaf : arrays of int, of shape (n_pairs,)
        gain : array of unsigned int, of shape (n_pairs,)
            The fields whose value of the record alone leads to the leaf.
        own : array of unsigned int, of shape (n_leaves,)
            The fields whose value of the background row alone does.
        weights : array of shape (n_pairs,)
            What the leaf adds.
        size : int
            The number of background rows.

        Returns
        -------
        array of shape (size, n_fields)
        """
        both = self._ones(gain) * (self._count + 1) + self._ones(own)[leaf]
        gained, lost = self._gained[both] * weights, self._lost[both] * weights
        found = np.empty((size, self._count))
        for chunk in self._chunks:
            width = 2 ** len(chunk)
            first = row * width
            places = first + _part(gain, chunk.start, width)
            sums = np.bincount(places, weights=gained, minlength=size * width)
            places = first + _part(own, chunk.start, width)[leaf]
            sums += np.bincount(places, weights=lost, minlength=size * width)
            # Not a matrix product, which may be rounded otherwise by another number of threads.
            folded = sums.reshape(size, width)
            for place in reversed(range(len(chunk))):
                without, having = folded.reshape(size, 2, 2**place).transpose(1, 0, 2)
                found[:, chunk.start + place] = having.sum(axis=1)
                folded = without + having
        return found

    def _ones(self, masks: Masks) -> Positions:
        """How many fields there are in each set."""
        found = sum(_ONES[_part(masks, 16 * half, 2**16)] for half in self._halves)
        return np.asarray(found, dtype="int64")


def _part(masks: Masks, start: int, width: int) -> Positions:
    """Some fields of each set, as numbers below `width`."""
    part: Masks = (masks >> masks.dtype.type(start)) & np.array(width - 1).astype(masks.dtype)
    return part.astype("int64")


def _orders(before: int, after: int) -> float:
    """The share of orders in which one field comes after `before` certain fields and before `after` others."""
    if before < 0 or after < 0:
        return 0.0
    return math.factorial(before) * math.factorial(after) / math.factorial(before + after + 1)


class Subsets:
    """The sums of the trees for every subset of fields that have the record's value."""

    def __init__(self, count: int, size: int) -> None:
        self._count, self._size = count, size
        bits = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        self._ternary = (bits * 3 ** np.arange(count)).sum(axis=1)
        self._pairs = SubsetPairs(count)

    def sums(self, row: Positions, gain: Masks, lose: Masks, weights: Floats) -> Floats:
        """Of shape (n_background, 2**n_fields); bit i of the second place is set where field i has the record's value."""
        # For each field: 0 if both values lead to the leaf, 1 if the record's alone does, 2 if the background row's does.
        places = row * 3**self._count + self._ternary[gain] + 2 * self._ternary[lose]
        found: Floats = np.bincount(places, weights=weights, minlength=self._size * 3**self._count).astype("float64")
        for field in range(self._count):
            parts = found.reshape(self._size, -1, 3, 2**field)
            found = np.stack([parts[:, :, 0] + parts[:, :, 2], parts[:, :, 0] + parts[:, :, 1]], axis=2)
        return found.reshape(self._size, -1)

    def shares(self, values: Floats) -> Floats:
        """The contributions for each background row, of shape (n_background, n_fields), from the values of all subsets."""
        return self._pairs.shares(values)
