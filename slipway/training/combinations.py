"""Which combinations of two inputs the training rows do not have, although each of the two is common.

A combination of two cells is unusual if it has far fewer rows than two inputs without any connection would have. How much fewer is set on
rows that were not counted, so that a known share of ordinary rows is called unusual.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.inference.support import Combinations, Flags
from slipway.schema.cells import Floats, Positions
from slipway.schema.metrics import FEW
from slipway.schema.schema import Schema
from slipway.training.cells import FIELD_BINS, drawn, field_cells
from slipway.training.conformal import PARTS, parts_of, rank_of

MOST_FIELDS = 20
FALSE_ALARMS = 0.01
"""The share of ordinary rows that may be called unusual."""
RARER = log(5)
"""A combination is unusual only if it is as many times rarer than without a connection: the logarithm."""
SHUFFLED = 5_000


@dataclass(frozen=True)
class Learnt:
    """The unusual combinations, and how well they tell.

    `flags`, of shape (n_rows,), are the training rows that the other nine tenths of the rows call unusual, `false_alarms` their share;
    `detected` is the share of rows called so whose inputs were taken from different training rows.
    """

    combinations: Combinations
    flags: Flags
    false_alarms: float
    detected: float


def learn_combinations(inputs: pd.DataFrame, schema: Schema, first: Sequence[str]) -> Learnt | None:
    """The unusual combinations of the most important fields.

    Parameters
    ----------
    inputs : DataFrame of shape (n_rows, n_fields)
    schema : Schema
    first : sequence of str
        The fields, the most important ones first.

    Returns
    -------
    Learnt or None
        None with fewer than two fields.
    """
    rows = len(inputs)
    some = drawn(np.arange(rows))
    found = [field_cells(schema.by_name[name], inputs[name], some, FIELD_BINS) for name in first[:MOST_FIELDS]]
    found = [(term, cells) for term, cells in found if term.cells > 2]
    if len(found) < 2:
        return None
    part, random = parts_of(rows), np.random.default_rng(0)
    own = np.full(rows, -np.inf)
    mixed = [cells[random.permutation(rows)[:SHUFFLED]] for _, cells in found]
    of_mixed = np.full(len(mixed[0]), -np.inf)
    scores = {}
    for one, two in combinations(range(len(found)), 2):
        (first_term, cells), (second_term, others) = found[one], found[two]
        shape = (PARTS, first_term.cells, second_term.cells)
        counts = np.bincount(np.ravel_multi_index((part, cells, others), shape), minlength=int(np.prod(shape))).reshape(
            shape
        )
        np.maximum(own, _rarity(counts.sum(axis=0) - counts, rows)[part, cells, others], out=own)
        scores[one, two] = _rarity(counts.sum(axis=0)[None], rows)[0]
        np.maximum(of_mixed, scores[one, two][mixed[one], mixed[two]], out=of_mixed)
    limit = _limit(own)
    flags = np.zeros(rows, dtype=bool)
    for number in range(PARTS):
        flags[part == number] = own[part == number] > _limit(own[part != number])
    pairs = {pair: np.argwhere(score > limit).tolist() for pair, score in scores.items()}
    used = sorted({place for pair, cells in pairs.items() if cells for place in pair})
    unusual = tuple(
        (used.index(one), cell, used.index(two), other) for (one, two), cells in pairs.items() for cell, other in cells
    )
    kept = Combinations(tuple(found[place][0] for place in used), unusual)
    return Learnt(kept, flags, float(flags.mean()), float((of_mixed > limit).mean()))


def _rarity(counts: Positions, rows: int) -> Floats:
    """How many times fewer rows each combination has than without a connection: the logarithm, minus infinity of those with enough rows.

    Parameters
    ----------
    counts : array of int, of shape (n, n_cells, n_other_cells)
        Of n sets of rows.
    rows : int
        As if each set had so many: without one tenth of them the same combination would seem less rare.
    """
    shares = counts / np.maximum(counts.sum(axis=(1, 2), keepdims=True), 1)
    expected = rows * shares.sum(axis=2, keepdims=True) * shares.sum(axis=1, keepdims=True)
    # With one row more in both, a combination that is rare by chance is not far from what is expected.
    return np.where(counts < FEW, np.log((expected + 1) / (rows * shares + 1)), -np.inf)


def _limit(own: npt.NDArray[np.float64]) -> float:
    """The rarity that at most the share of false alarms of rows exceed: an order statistic."""
    rank = min(len(own), rank_of(len(own), 1 - FALSE_ALARMS))
    return max(RARER, float(np.sort(own)[rank - 1]))
