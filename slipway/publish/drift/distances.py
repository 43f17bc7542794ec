"""How far two distributions are apart, and whether by more than chance: of counts in the same bars.

An effect size and a test beside each other: of a million rows any trifle is beyond chance, and of fifty rows chance alone looks
like a shift.

Sources: Kullback and Leibler, On information and sufficiency, Annals of Mathematical Statistics 22 (1951), for the index, which is
the symmetric divergence there; Siddiqi, Credit Risk Scorecards (2006), for 0.1 and 0.25; Lin, Divergence measures based on the
Shannon entropy, IEEE Transactions on Information Theory 37 (1991); Endres and Schindelin, A new metric for probability
distributions, IEEE Transactions on Information Theory 49 (2003), for its root; Smirnov, Table for estimating the goodness of fit,
Annals of Mathematical Statistics 19 (1948); Pearson (1900), and Cochran, Some methods for strengthening the common χ² tests,
Biometrics 10 (1954), for five expected rows; Fisher, Statistical Methods for Research Workers (1934); Cohen, Statistical
Power Analysis (1988), for h; Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
Statistics 6 (1979).
"""

from collections.abc import Sequence
from math import asin, sqrt

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, fisher_exact, kstwobign

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

TENTHS = 10
"""Bars that the stability index is computed in, as is usual: with more of them it is larger."""
LEAST_EXPECTED = 5
"""Rows that a cell of the χ² test should have by chance; those with fewer are taken together."""
_HALF = 0.5


def stability_index(before: Counts, now: Counts) -> float:
    """The population stability index of two distributions: 0 if they are equal.

    Each cell counts half a row more, so that an empty one does not make it infinite.

    Parameters
    ----------
    before, now : array of int, of shape (n_cells,)

    Returns
    -------
    float
    """
    one, other = ((cells + _HALF) / (cells.sum() + _HALF * len(cells)) for cells in (before, now))
    return float(((other - one) * np.log(other / one)).sum())


def tenths(before: Counts, most: int = TENTHS) -> npt.NDArray[np.intp]:
    """Where runs of neighbouring bars start that have about equally many rows each.

    Parameters
    ----------
    before : array of int, of shape (n_bars,)
        Rows of each in training.
    most : int
        The largest number of runs.

    Returns
    -------
    array of int
        For `numpy.add.reduceat`; the first is 0.
    """
    upto = np.cumsum(before)
    starts = np.searchsorted(upto, upto[-1] * np.arange(1, most) / most) + 1
    starts = np.unique([0, *starts[starts < len(before)]])
    # What is left behind the last start may be no row at all.
    while len(starts) > 1 and before[starts[-1] :].sum() < upto[-1] / most / 2:
        starts = starts[:-1]
    return np.asarray(starts, dtype=np.intp)


def jensen_shannon(before: Counts, now: Counts) -> float:
    """The Jensen–Shannon distance, with logarithms to base 2: 0 if equal, 1 if no value is in both.

    Parameters
    ----------
    before, now : array of int, of shape (n_cells,)

    Returns
    -------
    float
    """
    found = float(jensenshannon(before / before.sum(), now / now.sum(), base=2))
    return 0.0 if np.isnan(found) else found  # the root of what rounding makes negative


def kolmogorov_smirnov(before: Counts, now: Counts) -> tuple[float, float]:
    """The largest difference of the cumulative shares at the edges of the bars, and its asymptotic p-value.

    Between edges the difference may be larger, so both are cautious: the exact statistic is at least as large, its p-value
    at most as large.

    Parameters
    ----------
    before, now : array of int, of shape (n_bars,)

    Returns
    -------
    statistic, p_value : float
    """
    sums = before.sum(), now.sum()
    largest = float(np.abs(np.cumsum(before) / sums[0] - np.cumsum(now) / sums[1]).max())
    return largest, float(kstwobign.sf(largest * sqrt(float(sums[0]) * float(sums[1]) / float(sums[0] + sums[1]))))


def chi_squared(before: Counts, now: Counts) -> float:
    """The p-value of Pearson's test that both have the same shares.

    Parameters
    ----------
    before, now : array of int, of shape (n_cells,)

    Returns
    -------
    float
        1 if there is nothing to compare.
    """
    cells = np.array([before, now])
    expected = cells.sum(axis=0) * cells.sum(axis=1).min() / max(1, cells.sum())
    few = expected < LEAST_EXPECTED
    if few.any():
        cells = np.column_stack([cells[:, ~few], cells[:, few].sum(axis=1)])
    cells = cells[:, cells.sum(axis=0) > 0]
    return 1.0 if cells.shape[1] < 2 else float(chi2_contingency(cells, correction=False).pvalue)


def share_difference(before: tuple[int, int], now: tuple[int, int]) -> tuple[float, float]:
    """How far two shares are apart.

    Parameters
    ----------
    before, now : (int, int)
        Rows with the property, and all rows, of which there are some.

    Returns
    -------
    effect : float
        Cohen's h, positive if the share has grown.
    p_value : float
        Of Fisher's exact test.
    """
    one, other = (2 * asin(sqrt(part / whole)) for part, whole in (before, now))
    table = [[part, whole - part] for part, whole in (before, now)]
    return other - one, float(fisher_exact(table).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for how many there are, by Holm's method.

    It bounds the chance of a single false alarm, whatever the fields have to do with each other. (That of Benjamini and
    Hochberg bounds the share of false ones among the alarms, and an exit code is one alarm for all.)

    Parameters
    ----------
    p_values : sequence of n floats

    Returns
    -------
    list of n floats
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected
