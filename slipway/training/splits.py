"""Which rows are kept for the hold-out, and which stay together in folds.

By default PyCaret draws rows at random. That promises too much where rows belong together (visits of one patient, copies
of one row), or where the model is to predict what comes later: then the hold-out is drawn by group, or has the newest
rows, and the folds are made likewise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.errors import DataError, UseCaseError
from slipway.schema.metrics import Split
from slipway.schema.types import Task
from slipway.tables.notes import Note

TRAINED = 0.7
"""The share of the rows that PyCaret trains on by default; the others are the hold-out."""
PARTS = 10
"""The hold-out consists of some of so many parts of the groups, each with about as many rows."""
LEAST_GROUPS = 3
"""One for the hold-out, and one for each of two folds."""
COPIED = 0.01
"""Share of rows that repeat others from which they are kept together; a few change no figure."""
BY_CHANCE = 10
"""How many times more pairs of equal rows there must be than independent columns have, or they are no copies."""
OWN_SPLIT = ("fold_strategy", "fold_groups", "data_split_shuffle", "data_split_stratify", "fold_shuffle", "test_data")
"""Options of `setup()` with which a use case splits its rows itself."""


@dataclass(frozen=True)
class SplitPlan:
    """How rows are split, for people (`split`) and for PyCaret.

    `order` has the positions of the rows in the order in which they are given to PyCaret, of which the last `holdout`
    are the hold-out; `groups`, of shape (n_rows,), numbers the group of each row, None for a split by time.
    """

    split: Split
    order: npt.NDArray[np.int64]
    holdout: int
    groups: pd.Series | None
    folds: int


def copied_rows(inputs: pd.DataFrame, target: pd.Series) -> tuple[pd.Series, int]:
    """Groups of equal rows, and how many rows repeat others.

    Where columns have few values, rows are equal by chance, and new rows will be as well: then there are no copies.

    Parameters
    ----------
    inputs : DataFrame of shape (n_rows, n_fields)
    target : Series of shape (n_rows,)

    Returns
    -------
    groups : Series of int, of shape (n_rows,)
    repeated : int
        0 if there are no more equal rows than chance explains.
    """
    keys = pd.util.hash_pandas_object(pd.concat([inputs, target], axis=1), index=False)
    groups = pd.Series(pd.factorize(keys)[0], index=inputs.index)
    sizes = groups.value_counts().to_numpy("float64")
    rows = len(groups)
    pairs = float((sizes * (sizes - 1) / 2).sum())
    expected = rows * (rows - 1) / 2
    for name in inputs.columns:
        expected *= float((inputs[name].value_counts(normalize=True, dropna=False) ** 2).sum())
    return groups, rows - len(sizes) if pairs > BY_CHANCE * expected else 0


def plan_split(
    inputs: pd.DataFrame,
    target: pd.Series,
    task: Task,
    *,
    groups: pd.Series | None,
    time: pd.Series | None,
    setup: Mapping[str, Any],
    folds: int,
    seed: int,
    source: str,
) -> tuple[SplitPlan | None, list[Note]]:
    """How the rows of a table are split.

    Parameters
    ----------
    inputs : DataFrame of shape (n_rows, n_fields)
    target : Series of shape (n_rows,)
    task : {"regression", "classification"}
    groups, time : Series of shape (n_rows,), optional
        The columns that the use case names for it.
    setup : mapping of str to Any
        The use case's options of PyCaret's `setup()`.
    folds : int
    seed : int
    source : str
        The table, for messages.

    Returns
    -------
    plan : SplitPlan or None
        None where PyCaret splits at random.
    notes : list of Note

    Raises
    ------
    DataError
        If the named column has missing values, or too few groups.
    UseCaseError
        If `setup:` splits the rows, too.
    """
    named = groups if groups is not None else time
    own = [option for option in OWN_SPLIT if option in setup]
    if named is not None:
        _check_column(named, own, source)
    share = 1 - float(setup.get("train_size", TRAINED))
    if groups is not None:
        numbers = pd.Series(pd.factorize(groups)[0], index=inputs.index)
        return _by_groups(numbers, target, task, "groups", str(groups.name), share, folds, seed, source)
    if time is not None:
        return _by_time(time, share, folds)
    numbers, repeated = copied_rows(inputs, target)
    if own or repeated < COPIED * len(inputs) or numbers.nunique() < LEAST_GROUPS * 2:
        return None, []
    plan, notes = _by_groups(numbers, target, task, "copies", "", share, folds, seed, source)
    return plan, [Note("split_copies", "", {"rows": repeated}), *notes[1:]]


def _check_column(named: pd.Series, own: list[str], source: str) -> None:
    if own:
        raise UseCaseError(
            "`setup:`", f"{own[0]!r} splits the rows, as does the column {named.name!r}; use one of them"
        )
    if gaps := int(named.isna().sum()):
        raise DataError(
            source,
            f"{named.name!r}, by which rows are split, has no value in {gaps:,} of {len(named):,} rows; fill them in, or "
            "remove these rows",
        )


def _by_groups(
    numbers: pd.Series,
    target: pd.Series,
    task: Task,
    by: str,
    column: str,
    share: float,
    folds: int,
    seed: int,
    source: str,
) -> tuple[SplitPlan, list[Note]]:
    from sklearn.model_selection import (  # only now: a server that trains nothing lacks it
        GroupKFold,
        StratifiedGroupKFold,
    )

    count = numbers.nunique()
    if count < LEAST_GROUPS:
        raise DataError(
            source, f"{column!r} has {count} groups of rows; {LEAST_GROUPS} or more are needed, one of them as hold-out"
        )
    # GroupKFold deals out groups in the order of their numbers.
    numbers = pd.Series(np.random.default_rng(seed).permutation(count)[numbers.to_numpy()], index=numbers.index)
    parts = min(PARTS, count)
    maker = (
        StratifiedGroupKFold(parts, shuffle=True, random_state=seed) if task == "classification" else GroupKFold(parts)
    )
    kept = max(1, round(share * parts))
    tests = [test for _, test in maker.split(np.zeros(len(numbers)), target, numbers)]
    held_out = np.sort(np.concatenate(tests[:kept]))
    trained = np.setdiff1d(np.arange(len(numbers)), held_out)
    most = int(numbers.iloc[trained].nunique())
    split = Split(by, column or None, int(count))
    plan = SplitPlan(split, np.concatenate([trained, held_out]), len(held_out), numbers, max(2, min(folds, most)))
    return plan, [Note("split_groups", column, {"groups": int(count)})]


def _by_time(time: pd.Series, share: float, folds: int) -> tuple[SplitPlan, list[Note]]:
    order = np.argsort(time.to_numpy(), kind="stable")
    ordered = time.iloc[order]
    # Rows of one moment are on one side.
    first = ordered.iloc[min(len(ordered) - 1, round((1 - share) * len(ordered)))]
    holdout = int((ordered >= first).sum())
    moment = str(first.date().isoformat() if isinstance(first, pd.Timestamp) else first)
    split = Split("time", str(time.name), None)
    plan = SplitPlan(split, order.astype("int64"), holdout, None, folds)
    return plan, [Note("split_time", str(time.name), {"value": moment, "rows": holdout})]


def setup_options(plan: SplitPlan, task: Task, seed: int) -> dict[str, Any]:
    """Options of PyCaret's `setup()` for folds of a plan; data and hold-out are given apart.

    Parameters
    ----------
    plan : SplitPlan
    task : {"regression", "classification"}
    seed : int

    Returns
    -------
    dict of str to Any
    """
    from sklearn.model_selection import StratifiedGroupKFold

    if plan.groups is None:
        return {"fold_strategy": "timeseries", "data_split_shuffle": False, "data_split_stratify": False}
    stratified = StratifiedGroupKFold(plan.folds, shuffle=True, random_state=seed)
    return {"fold_strategy": stratified if task == "classification" else "groupkfold", "fold_groups": plan.groups}
