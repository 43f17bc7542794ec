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
from slipway.tables.reading import mask_sentinels
from slipway.training.kinds import python_value

TRAINED = 0.7
"""The share of the rows that PyCaret trains on by default; the others are the hold-out."""
PARTS = 10
"""The hold-out consists of some of so many parts of the groups, each with about as many rows."""
LEAST_GROUPS = 3
"""One for the hold-out, and one for each of two folds."""
LEAST_TESTED = 5
"""Rows of each fold by time that are predicted: with fewer, folds of classes say nothing."""
WITHOUT_VALUE = 0.1
"""Share of rows without a group or time up to which they are left out; with more, the column is the wrong one."""
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
    are the hold-out; `groups`, of shape (n_rows,), numbers the group of each row, None for a split by time. Of such a
    split, `tested` is how many rows each fold predicts, if it is not as many as are left in equal parts.
    """

    split: Split
    order: npt.NDArray[np.int64]
    holdout: int
    groups: pd.Series | None
    folds: int
    tested: int | None = None


def rows_with_value(
    table: pd.DataFrame, name: str, missing: tuple[Any, ...], source: str
) -> tuple[pd.DataFrame, list[Note]]:
    """The rows of a table that have a value in the column by which they are to be split.

    Parameters
    ----------
    table : DataFrame of shape (n_rows, n_columns)
    name : str
        Of the column.
    missing : tuple
        The values of the column that mean "not measured".
    source : str
        The table, for messages.

    Returns
    -------
    table : DataFrame of shape (n_kept, n_columns)
    notes : list of Note
        How many rows are left out, if any are.

    Raises
    ------
    DataError
        If they are more than a tenth.
    """
    gaps = mask_sentinels(table[name], missing).isna()
    count = int(gaps.sum())
    if not count:
        return table, []
    if count > WITHOUT_VALUE * len(table):
        raise DataError(
            source,
            f"{name!r}, by which rows are split, has no value in {count:,} of {len(table):,} rows; fill them in, remove "
            "these rows (up to a tenth are left out), or split by another column",
        )
    return table[~gaps].reset_index(drop=True), [Note("split_without_value", name, {"rows": count})]


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
        If there are too few groups, or a class of the target appears too late for folds by time.
    UseCaseError
        If `setup:` splits the rows, too.
    """
    named = groups if groups is not None else time
    own = [option for option in OWN_SPLIT if option in setup]
    if named is not None:
        _check_own(named, own)
    share = 1 - float(setup.get("train_size", TRAINED))
    if groups is not None:
        numbers = pd.Series(pd.factorize(groups)[0], index=inputs.index)
        return _by_groups(numbers, target, task, "groups", str(groups.name), share, folds, seed, source)
    if time is not None:
        return _by_time(time, target if task == "classification" else None, share, folds, source)
    numbers, repeated = copied_rows(inputs, target)
    if own or repeated < COPIED * len(inputs) or numbers.nunique() < LEAST_GROUPS * 2:
        return None, []
    plan, notes = _by_groups(numbers, target, task, "copies", "", share, folds, seed, source)
    return plan, [Note("split_copies", "", {"rows": repeated}), *notes[1:]]


def _check_own(named: pd.Series, own: list[str]) -> None:
    if own:
        raise UseCaseError(
            "`setup:`", f"{own[0]!r} splits the rows, as does the column {named.name!r}; use one of them"
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


def _by_time(
    time: pd.Series, classes: pd.Series | None, share: float, folds: int, source: str
) -> tuple[SplitPlan, list[Note]]:
    order = np.argsort(time.to_numpy(), kind="stable")
    ordered = time.iloc[order]
    # Rows of one moment are on one side.
    first = ordered.iloc[min(len(ordered) - 1, round((1 - share) * len(ordered)))]
    holdout = int((ordered >= first).sum())
    moment = str(first.date().isoformat() if isinstance(first, pd.Timestamp) else first)
    split = Split("time", str(time.name), None)
    notes = [Note("split_time", str(time.name), {"value": moment, "rows": holdout})]
    if classes is None:
        return SplitPlan(split, order.astype("int64"), holdout, None, folds), notes
    made, tested = _folds_by_time(classes.iloc[order], len(order) - holdout, folds, str(time.name), source)
    if made < folds:
        notes.append(Note("folds_for_time", str(time.name), {"folds": made, "asked": folds}))
    return SplitPlan(split, order.astype("int64"), holdout, None, made, tested), notes


def _folds_by_time(classes: pd.Series, trained: int, folds: int, name: str, source: str) -> tuple[int, int | None]:
    """The folds, and how many rows each predicts, so that all classes are among the rows before the first of these.

    `classes` are in the order of time; the first `trained` rows are not held out.
    """
    ordered = classes.iloc[:trained]
    # Two rows of each class, as an estimator or a step may need another one to compare.
    seen = {value: np.flatnonzero(ordered == value)[:2] for value in classes.unique()}
    late = max(seen, key=lambda value: seen[value][1] if len(seen[value]) == 2 else trained)
    start = int(seen[late][1]) + 1 if len(seen[late]) == 2 else trained
    if trained - folds * (trained // (folds + 1)) >= start:
        return folds, None
    made = min(folds, (trained - start) // LEAST_TESTED)
    if made < 2:
        raise DataError(
            source,
            f"the class {python_value(late)!r} of the target appears too late for folds by {name!r}: it has "
            f"{len(seen[late])} of the oldest {trained:,} rows, which are for training, before the last "
            f"{2 * LEAST_TESTED} of them; leave its rows out, join classes, or split in another way",
        )
    return made, (trained - start) // made


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
    from sklearn.model_selection import StratifiedGroupKFold, TimeSeriesSplit

    if plan.groups is None:
        by_time = TimeSeriesSplit(plan.folds, test_size=plan.tested)
        return {"fold_strategy": by_time, "data_split_shuffle": False, "data_split_stratify": False}
    stratified = StratifiedGroupKFold(plan.folds, shuffle=True, random_state=seed)
    return {"fold_strategy": stratified if task == "classification" else "groupkfold", "fold_groups": plan.groups}
