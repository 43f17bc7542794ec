"""How far columns go together: from 0, not at all, to 1.

Rows where either column is missing are left out, for each pair by itself.

- Two numbers (dates as days): the absolute correlation of their ranks. Source: Spearman, The proof
  and measurement of association between two things, American Journal of Psychology 15 (1904).
- Number and category: the correlation ratio, without the part that comes from having many
  categories. Source: Kelley, An unbiased correlation ratio measure, PNAS 21 (1935).
- Two categories: Cramér's V, likewise. Source: Bergsma, A bias-correction for Cramér's V and
  Tschuprow's T, Journal of the Korean Statistical Society 42 (2013).
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from slipway.schema.profile import Associations
from slipway.training.profile.column import Codes, Column, Numbers

ASSOCIATED = 60
"""Fields between which associations are kept: those that go most with the target."""


def associations(columns: Sequence[Column], target: Column) -> Associations:
    """Of all pairs, the target last. Free texts have no place in it."""
    columns = [column for column in columns if column.kind != "text"]
    if len(columns) > ASSOCIATED:
        found = [_matrix([column, target])[0, 1] for column in columns]
        columns = [columns[at] for at in sorted(np.argsort(np.negative(found), kind="stable")[:ASSOCIATED])]
    matrix = _matrix([*columns, target])
    names = tuple(column.name for column in (*columns, target))
    return Associations(names, tuple(map(tuple, np.round(matrix, 3).tolist())))


def _matrix(columns: Sequence[Column]) -> Numbers:
    """Associations of shape (n_columns, n_columns), ones on the diagonal."""
    matrix = np.eye(len(columns))
    numeric = [at for at, column in enumerate(columns) if not column.categories]
    if numeric:
        matrix[np.ix_(numeric, numeric)] = _rank_correlations([columns[at].values for at in numeric])
    for one, column in enumerate(columns):
        for other in range(one):
            if column.categories or columns[other].categories:
                matrix[one, other] = matrix[other, one] = _with_category(column, columns[other])
    return matrix


def _with_category(one: Column, other: Column) -> float:
    both = one.present & other.present
    if one.categories and other.categories:
        return cramer(one.values[both], other.values[both])
    grouped, measured = (one, other) if one.categories else (other, one)
    return math.sqrt(explained(grouped.values[both], measured.values[both]))


def _rank_correlations(columns: Sequence[Numbers]) -> Numbers:
    """Absolute correlations of the ranks that values have among all present ones of their column.

    All pairs at once: ranks and their squares are summed over the rows that both columns have.
    """
    ranks = pd.DataFrame(np.column_stack(columns)).rank()
    here = ranks.notna().to_numpy("float64")
    values = ((ranks - ranks.mean()) / len(ranks)).fillna(0).to_numpy("float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        rows = here.T @ here
        means = values.T @ here / rows
        variances = (values**2).T @ here / rows - means**2
        found = np.abs(values.T @ values / rows - means * means.T) / np.sqrt(variances * variances.T)
    # Without two different values in common there is nothing to correlate.
    found = np.where((variances > 1e-12) & (variances.T > 1e-12), found, 0.0)
    np.fill_diagonal(found, 1.0)
    clipped: Numbers = np.clip(found, 0, 1)
    return clipped


def explained(codes: Codes, numbers: Numbers) -> float:
    """Kelley's epsilon squared: the share of the variance that groups explain, beyond chance."""
    counts = np.bincount(codes)
    there = counts > 0
    rows, groups = len(codes), int(there.sum())
    if rows <= groups or groups < 2:
        return 0.0
    numbers = numbers / (np.abs(numbers).max() or 1.0)
    numbers = numbers - numbers.mean()
    total = float(numbers @ numbers)
    sums = np.bincount(codes, weights=numbers)
    between = float(np.sum(sums[there] ** 2 / counts[there]))
    if total < 1e-20:
        return 0.0
    return min(1.0, max(0.0, 1 - (1 - between / total) * (rows - 1) / (rows - groups)))


def cramer(one: Codes, other: Codes) -> float:
    """Cramér's V with Bergsma's correction."""
    rows = len(one)
    if rows < 2:
        return 0.0
    wide = int(other.max()) + 1
    table = np.bincount(one * wide + other, minlength=(int(one.max()) + 1) * wide).reshape(-1, wide)
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    expected = np.outer(table.sum(1), table.sum(0)) / rows
    squared = float(np.sum((table - expected) ** 2 / expected)) / rows
    down, across = table.shape
    squared = max(0.0, squared - (down - 1) * (across - 1) / (rows - 1))
    least = min(down - (down - 1) ** 2 / (rows - 1), across - (across - 1) ** 2 / (rows - 1)) - 1
    return min(1.0, math.sqrt(squared / least)) if least > 0 else 0.0
