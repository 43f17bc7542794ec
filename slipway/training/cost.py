"""How long a comparison of estimators will take, and how much memory, roughly: said before it begins, where it is hours or many gigabytes.

Measured with PyCaret's quick estimators on made tables of 15 inputs (12 numbers, 3 categories), one core: 10,000 rows for the seconds and the memory
of each estimator, 300,000 rows for that of the table. Times grow a little faster than rows, so it is rather more than what is said.
"""

from collections.abc import Collection
from dataclasses import dataclass

from slipway.training.usecase import UseCase

_SECONDS = {"rf": 6.0, "et": 3.2, "gbr": 2.5, "gbc": 2.5, "ada": 0.9, "lightgbm": 0.4, "mlp": 15.0}
_OTHER = 0.2
"""Of a fit of 10,000 rows."""
_BY_CLASS = ("gbr", "gbc", "lightgbm")
"""Those that grow a tree for each of several classes where others grow one."""
_MOST = 4
"""Classes up to which an average grows more trees: see `slipway.training.averaging.TREES`."""
_AVERAGE = 7.0
"""Of the CatBoost models that the best is averaged with, together."""
_QUICK = ("rf", "et", "gbr", "ada", "lightgbm", *("another",) * 13)
"""The estimators that are compared without a choice."""
_BYTES = {"rf": 9_000, "et": 14_000}
"""Of a row, in the fitted model, which is kept until the best is chosen."""
_TABLE_BYTES = 80
"""Of a row and an input, with PyCaret's copies."""
_INPUTS = 15
_PROCESS_BYTES = 0.5e9
"""Of a process that has imported PyCaret."""
LONG, MUCH = 3600.0, 8e9
"""Seconds and bytes from which something is said; so many bytes may all processes of a comparison take, too."""
WORTHWHILE = 60.0
"""Seconds of comparing from which more processes are faster: each imports PyCaret first, 5 to 10 s of a core."""


@dataclass(frozen=True)
class Cost:
    """Of comparing estimators, and of averaging the best: seconds of one core, and bytes."""

    comparing: float
    averaging: float
    bytes: float


def expected_cost(case: UseCase, rows: int, inputs: int, classes: int = 0) -> Cost:
    """What comparing the estimators of a use case on so many rows and inputs will take.

    Parameters
    ----------
    case : UseCase
    rows, inputs : int
    classes : int, default=0
        Of the target; 0 for a number.

    Returns
    -------
    Cost
    """
    excluded: Collection[str] = case.training.exclude or ()
    ids = [one for one in case.training.include or _QUICK if one not in excluded]
    fitted = rows * 0.7
    fits = (case.training.folds + 1) * rows / 10_000 * max(1.0, inputs / _INPUTS)
    trees = classes if classes > 2 else 1
    comparing = fits * sum(_SECONDS.get(one, _OTHER) * (trees if one in _BY_CLASS else 1) for one in ids)
    averaging = fits * _AVERAGE * min(trees, _MOST) * case.training.averages
    kept = sum(_BYTES.get(one, 0) for one in ids) * fitted
    return Cost(comparing, averaging, rows * inputs * _TABLE_BYTES + kept)


def processes(cost: Cost, cores: int) -> int:
    """How many processes a comparison is to have: one where it is short; as many as there are cores, and memory, where it is long.

    Parameters
    ----------
    cost : Cost
    cores : int

    Returns
    -------
    int
        1 or more.
    """
    if cost.comparing < WORTHWHILE:
        return 1
    return max(1, min(cores, int(MUCH // (_PROCESS_BYTES + cost.bytes))))


def warning(cost: Cost, rows: int) -> str | None:
    """A line on what is to be expected and what can be done; None if it is neither long nor much.

    Parameters
    ----------
    cost : Cost
    rows : int

    Returns
    -------
    str or None
    """
    seconds = cost.comparing + cost.averaging
    if seconds < LONG and cost.bytes < MUCH:
        return None
    hours, gigabytes = max(1, round(seconds / 3600)), max(1, round(cost.bytes / 1e9))
    return (
        f"note: comparing estimators on {rows:,} rows takes about {hours:,} hour{'' if hours == 1 else 's'} of a core or more, and about "
        f"{gigabytes:,} GB of memory; `--limit-rows 50000` trains on 50,000 of them, drawn at random, and the card says so; "
        "`--include lightgbm,lr` compares quick estimators only"
    )
