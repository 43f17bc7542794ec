"""Estimators tried one by one with the same folds, and which is best.

Each is tried as if it were the only one: PyCaret sets its seed before each, and the libraries of linear algebra
get one thread, as another number of them can change the last bits. So it does not matter which process tries it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.errors import first_line
from slipway.schema.schema import Schema
from slipway.training.budget import Budget
from slipway.training.names import with_own_names

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Tried:
    """What came of one estimator: the model, fitted on all rows of the training, with each metric's values in the folds, their mean and
    standard deviation, or why it failed or was skipped.
    """

    seconds: float
    model: Any = None
    means: dict[str, float] = field(default_factory=dict)
    sds: dict[str, float] = field(default_factory=dict)
    folds: dict[str, list[float]] = field(default_factory=dict)
    failed: str | None = None
    skipped: str | None = None


@dataclass(frozen=True)
class Compared:
    """What came of all of them.

    `board`, of shape (n_fitted, 3 + n_metrics), has the best first: `id`, `model`, the mean of each metric over the folds,
    `seconds`. The others are by id: what was tried, why one failed, why one was skipped.
    """

    board: "pd.DataFrame"
    tried: dict[str, Tried]
    failed: dict[str, str]
    skipped: dict[str, str]


Runner = Callable[[Any, Sequence[str], Schema], Iterator[Tried]]
"""Tries estimators, by their ids, with an experiment after `setup()`; what came of each is given in the order of the ids."""


def here(experiment: Any, ids: Sequence[str], schema: Schema) -> Iterator[Tried]:
    """The runner of this process: one after the other."""
    for identifier in ids:
        yield try_estimator(experiment, identifier, schema)


def within(budget: Budget) -> Runner:
    """The runner of this process that skips what would not end in time; the first that can be fitted is always tried."""

    def run(experiment: Any, ids: Sequence[str], schema: Schema) -> Iterator[Tried]:
        fitted = False
        for identifier in ids:
            why = budget.refusal(fit_seconds(experiment, identifier) * (folds_of(experiment) + 1)) if fitted else None
            tried = Tried(0.0, skipped=why) if why else try_estimator(experiment, identifier, schema)
            fitted = fitted or tried.model is not None
            yield tried

    return run


def folds_of(experiment: Any) -> int:
    """How many folds a comparison has."""
    return int(experiment.fold_generator.get_n_splits(groups=experiment.get_config("fold_groups_param")))


def fit_seconds(experiment: Any, estimator: Any) -> float:
    """How long one fit takes, by fitting it once; 0 if it fails, since then it takes no longer."""
    from threadpoolctl import threadpool_limits

    begun = time.monotonic()
    try:
        with threadpool_limits(1, "blas"):
            experiment.create_model(estimator, cross_validation=False, verbose=False)
    except Exception:  # trying it will say what is wrong
        return 0.0
    return time.monotonic() - begun


def try_estimator(experiment: Any, estimator: Any, schema: Schema) -> Tried:
    """Fit an estimator on each fold and on all rows of the training.

    Parameters
    ----------
    experiment : RegressionExperiment or ClassificationExperiment
        After `setup()`.
    estimator : str or estimator
        PyCaret's id, such as "gbr", or one that is not fitted.
    schema : Schema
        For the names of columns in what is said of a failure.

    Returns
    -------
    Tried
    """
    begun = time.monotonic()
    try:
        return measured(experiment, estimator, error_score="raise")
    except Exception as exc:  # one estimator that cannot is no reason to stop the others
        return Tried(time.monotonic() - begun, failed=message(exc, schema))


def measured(experiment: Any, estimator: Any, **options: Any) -> Tried:
    """As `try_estimator`, by PyCaret's `create_model()` with these options; what it raises is not caught."""
    from threadpoolctl import threadpool_limits

    begun = time.monotonic()
    with threadpool_limits(1, "blas"):
        model = experiment.create_model(estimator, verbose=False, **options)
        folds = experiment.pull(pop=True)
    seconds = time.monotonic() - begun
    single = folds.drop(index=["Mean", "Std"]).to_dict("list")
    return Tried(seconds, model, folds.loc["Mean"].to_dict(), folds.loc["Std"].to_dict(), single)


def message(exc: Exception, schema: Schema) -> str:
    """What an error of PyCaret says, with the table's names of columns."""
    return with_own_names(first_line(str(exc) or type(exc).__name__), schema)


def compare(
    experiment: Any,
    ids: dict[str, str],
    metric: str,
    schema: Schema,
    progress: Progress,
    runner: Runner = here,
    budget: Budget | None = None,
) -> Compared:
    """Try estimators, and say of each what came of it.

    Parameters
    ----------
    experiment : RegressionExperiment or ClassificationExperiment
        After `setup()`.
    ids : dict of str to str
        PyCaret's ids and the names of the estimators.
    metric : str
        PyCaret's display name of the one to sort by.
    schema : Schema
    progress : callable
        Told a line before and after each.
    runner : Runner, optional
    budget : Budget, optional
        For saying how much of it is left; see `within`.

    Returns
    -------
    Compared
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    found: dict[str, Tried] = {}
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    started = time.monotonic()
    results = runner(experiment, [*ids], schema)
    for position, (identifier, name) in enumerate(ids.items(), 1):
        progress(f"[{position:2}/{len(ids)}] {name} …")
        tried = next(results)
        if tried.skipped is not None:
            skipped[identifier] = tried.skipped
            progress(f"        skipped: {tried.skipped}")
        elif tried.failed is not None:
            failed[identifier] = tried.failed
            progress(f"        failed: {tried.failed}")
        else:
            found[identifier] = tried
            rows.append(board_row(identifier, name, tried))
            left = f", {budget.left_in_words}" if budget else ""
            spent = f"{time.monotonic() - started:.0f} s in all{left}"
            progress(f"        {value(tried, metric)}, {tried.seconds:.1f} s ({spent})")
    return Compared(sort(experiment, pd.DataFrame(rows), metric), found, failed, skipped)


def board_row(identifier: str, name: str, tried: Tried) -> dict[str, Any]:
    """A row of the board."""
    return {"id": identifier, "model": name, **tried.means, "seconds": round(tried.seconds, 1)}


def value(tried: Tried, metric: str) -> str:
    """The mean of a metric over the folds, in words."""
    mean = tried.means[metric]
    return f"{metric} {mean:.4f}" if mean == mean else f"no {metric}"


def sort(experiment: Any, board: "pd.DataFrame", metric: str) -> "pd.DataFrame":
    """The board with the best by a metric first."""
    if board.empty:
        return board
    return board.sort_values(
        metric,
        ascending=not greater_is_better(experiment, metric),
        kind="stable",
        ignore_index=True,
        na_position="last",
    )


def with_row(experiment: Any, board: "pd.DataFrame", added: dict[str, Any], metric: str) -> "pd.DataFrame":
    """The board with one more row, the best by a metric first."""
    import pandas as pd

    return sort(experiment, pd.concat([pd.DataFrame([added]), board], ignore_index=True), metric)


def greater_is_better(experiment: Any, metric: str) -> bool:
    """Of a metric by its display name."""
    return bool(experiment.get_metrics().set_index("Display Name").loc[metric, "Greater is Better"])
