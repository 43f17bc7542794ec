"""What you should know about a table before trusting a model trained on it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from slipway.schema.profile import Alert, Associations
from slipway.training.profile.association import explained
from slipway.training.profile.column import Codes, Column

SKEWED = 2.0
"""Skewness from which a number is said to be skewed: that of the exponential distribution."""
RARE_ROWS = 10
"""A category with fewer rows is rare: a mean of so few is mostly chance."""
MISSING = 0.2
"""Share of missing values worth a word: from a fifth on, what fills the gaps shapes the field."""
CONSTANT = 0.95
"""Share of one value from which a field is nearly constant: 95 to 5, as in caret's `nearZeroVar`."""
TWINS = 0.95
"""Association from which two fields say nearly the same: each explains nine tenths of the other."""
LEAK = 0.95
"""Share of the target's variation that hardly any honest field explains alone."""
LEAK_BANDS = 200
"""Parts of a number's range in which a leaking field settles the target."""
LEAK_ROWS = 5
"""Rows of such a part, and of a category: fewer would settle anything by chance."""
ROUNDING = 1e-9
"""How far from 1 the correlation of a linear copy may be: what rounding to doubles leaves."""
IMBALANCE = 0.2
"""A class is small with less than this part of an equal share; of two classes, below 10 % of the rows."""
LISTED = 20
"""Rare categories that are named."""


def alerts(columns: Sequence[Column], target: Column, associations: Associations) -> list[Alert]:
    """What stands out, the worst kinds first."""
    found = leaks(columns, target) + _imbalance(target)
    found += [alert for column in columns for alert in _missing(column)]
    found += _twins(associations)
    for check in (_constant, _rare, _skewed):
        found += [alert for column in columns for alert in check(column)]
    return found + ([] if target.categories else _skewed(target))


def leaks(columns: Sequence[Column], target: Column) -> list[Alert]:
    """Fields that alone settle nearly all of the target."""
    if not target.categories:  # ranks: a leak need not be a straight line, nor be hidden by a few large values
        target = replace(target, values=pd.Series(target.values).rank().to_numpy())
    shares = [(column.name, settled(column, target)) for column in columns if column.kind != "text"]
    return [Alert("leak", name, share=round(share, 3)) for name, share in shares if share >= LEAK]


def is_copy(column: Column, target: Column) -> bool:
    """Whether a field is the target under another name: the same values, renamed, or on another scale.

    Parameters
    ----------
    column, target : Column
        Of the same rows.

    Returns
    -------
    bool
    """
    there = column.present
    if np.sum(there) < LEAK_ROWS or bool(column.categories) != bool(target.categories):
        return False
    one, other = column.values[there], target.values[there]
    if target.categories:
        pairs = len(np.unique(one * len(target.categories) + other))
        return pairs == len(np.unique(one)) == len(np.unique(other))
    one, other = (values / (np.abs(values).max() or 1.0) for values in (one, other))
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return size > 0 and abs(float(one @ other)) >= size * (1 - ROUNDING)


def settled(column: Column, target: Column) -> float:
    """The share of the target's variation (for classes, of the wrong guesses) that one field removes.

    Computed within categories, or within narrow bands of a number or date; a missing value is a category of its
    own, since many a leak is only filled in for one outcome. Source for classes: Goodman
    and Kruskal's lambda, Measures of association for cross classifications, Journal of the
    American Statistical Association 49 (1954).

    Parameters
    ----------
    column, target : Column
        Of the same rows.

    Returns
    -------
    float
        From 0 to 1.
    """
    there = column.present
    if not there.any():
        return 0.0
    codes = _parts(column, column.values[there])
    if np.sum(~there) >= LEAK_ROWS:
        parts = np.full(len(there), codes.max() + 1)
        parts[there] = codes
        codes, there = parts, np.ones(len(there), dtype=bool)
    if not target.categories:
        return explained(codes, target.values[there])
    classes, wide = target.values[there], len(target.categories)
    table = np.bincount(codes * wide + classes, minlength=(codes.max() + 1) * wide).reshape(-1, wide)
    right, usual = table.max(1).sum(), table.sum(0).max()
    return float((right - usual) / (len(codes) - usual)) if usual < len(codes) else 0.0


def _parts(column: Column, values: Any) -> Codes:
    """The part of its range in which each value lies; categories with few rows form one part."""
    if column.categories:
        few = column.counts < LEAK_ROWS
        return np.where(few[values], len(column.categories), values)
    bands = max(1, min(LEAK_BANDS, len(values) // LEAK_ROWS))
    parts: Codes = (pd.Series(values).rank().to_numpy() * bands / (len(values) + 1)).astype("int64")
    return parts


def _imbalance(target: Column) -> list[Alert]:
    if not target.categories:
        return []
    counts = target.counts
    least, rows = int(counts.argmin()), int(counts.sum())
    if counts[least] >= IMBALANCE * rows / len(counts):
        return []
    share, largest = (round(float(count / rows), 4) for count in (counts[least], counts.max()))
    value = target.categories[least]
    return [Alert("imbalance", target.name, share=share, largest=largest, value=value, rows=int(counts[least]))]


def _missing(column: Column) -> list[Alert]:
    share = float(np.mean(~column.present))
    return [Alert("missing", column.name, share=round(share, 4))] if share >= MISSING else []


def _twins(associations: Associations) -> list[Alert]:
    names, matrix = associations.names[:-1], associations.matrix
    return [
        Alert("twins", name, other=names[other], association=matrix[at][other])
        for at, name in enumerate(names)
        for other in range(at + 1, len(names))
        if matrix[at][other] >= TWINS
    ]


def _constant(column: Column) -> list[Alert]:
    if column.kind == "text":
        return []
    values, counts = np.unique(column.values[column.present], return_counts=True)
    most = counts.argmax()
    share = float(counts[most] / counts.sum())
    value = column.categories[values[most]] if column.categories else column.value(values[most])
    found = Alert("constant", column.name, value=value, share=round(share, 4))
    return [found] if share >= CONSTANT else []


def _rare(column: Column) -> list[Alert]:
    counts = column.counts if column.categories else np.zeros(0)
    rare = [column.categories[at] for at in np.flatnonzero((counts < RARE_ROWS) & (counts > 0))]
    found = Alert("rare", column.name, values=tuple(rare[:LISTED]), count=len(rare), below=RARE_ROWS)
    return [found] if rare else []


def _skewed(column: Column) -> list[Alert]:
    if column.kind not in ("number", "integer"):
        return []
    numbers = column.values[column.present]
    numbers = numbers / (np.abs(numbers).max() or 1.0)
    off = numbers - numbers.mean()
    spread = float(np.sqrt(np.mean(off**2)))
    skewness = float(np.mean((off / spread) ** 3)) if spread > 1e-12 else 0.0
    found = Alert("skewed", column.name, skewness=round(skewness, 2))
    return [found] if abs(skewness) >= SKEWED else []
