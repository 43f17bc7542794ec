"""A bag of CatBoost models that learn no longer than helps on rows they have not seen: averaged with the chosen estimator, or alone.

For classes, each model stops where its own fold was best. For numbers, models that stop so only tell how many rounds are enough; others learn that long
from all rows, and have smaller errors. Probabilities are better from models of different rows (docs/decisions/averaging.md).

All are fitted on what the pipeline's steps have made of the rows, so that everything stays one pipeline, and one graph. While they
are measured, `Averaged` fits them again for every fold: no model of the bag has seen a row that it is measured by,
not even to stop by. What is saved is the plain `VotingRegressor` or `VotingClassifier` of scikit-learn that `Averaged`
fits, so that pickle and compiler find nothing of ours.

Sources: Breiman, Bagging predictors, Machine Learning 24 (1996); Prokhorenkova et al., CatBoost: unbiased boosting with
categorical features, NeurIPS (2018).
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)
from sklearn.preprocessing import LabelEncoder

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stopping:
    """Models that find out how long to learn: each stops by another part of the rows, or of the groups, and learns from the rest.

    By time, the parts are of the newer half, and each model learns from what came before its part. `patience` is after
    how many rounds without gain on its part a model ends.
    """

    models: int
    patience: int


CLASSES, NUMBERS = Stopping(5, 30), Stopping(3, 60)
REFITS, MORE_ROUNDS = 3, 1.1
"""Models of numbers that learn from all rows, and for how many times the rounds of those that stopped, since they have more to learn from."""
ROUNDS = 1000
"""Of a model at most."""
THREADS = 4
"""Of a fit, on every machine, so that no bit depends on its cores."""
TREES = 4000
"""Of a model at most: in each round of several classes the graph has one for each of them, and an answer passes through all."""
FASTEST = 0.5
"""The learning rate, at most, of models that have fewer rounds to learn in."""
RATE = 0.1
"""CatBoost's own learning rate took 1.3 to 2 times as long for five models that stop; on six tables errors were between 2 % smaller and 0.7 % larger with this one."""


def pace(classes: int) -> tuple[int, float]:
    """Rounds of a model at most, and its learning rate, which is larger where many classes leave few rounds."""
    rounds = min(ROUNDS, max(1, TREES // classes))
    return rounds, min(FASTEST, RATE * ROUNDS / rounds)


class Bags:
    """Bags by what they were fitted on, so that two estimators that are measured in the same folds fit each once.

    `seconds` is what fitting them took.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._fitted: dict[str, list[Any]] = {}

    def __deepcopy__(self, memo: Any) -> "Bags":
        """The same one: scikit-learn's `clone()` copies the parameters of an estimator for every fold."""
        return self

    def of(self, rows: Any, fit: Callable[[], list[Any]]) -> list[Any]:
        """The bag of these rows; fitted if there is none."""
        key = joblib.hash(rows)
        if key not in self._fitted:
            begun = time.monotonic()
            self._fitted[key] = fit()
            self.seconds += time.monotonic() - begun
        return self._fitted[key]


class _Averaged(BaseEstimator):  # type: ignore[misc]
    """What both have in common: `estimator`, if there is one, and the bag count the same."""

    def __init__(
        self,
        estimator: Any,
        seed: int = 0,
        groups: pd.Series | None = None,
        by_time: bool = False,
        bags: Bags | None = None,
    ) -> None:
        self.estimator = estimator
        self.seed = seed
        self.groups = groups
        self.by_time = by_time
        self.bags = bags

    def predict(self, inputs: pd.DataFrame) -> npt.NDArray[Any]:
        """As scikit-learn's voting."""
        return np.asarray(self.voting_.predict(inputs))

    def _parts(
        self, inputs: pd.DataFrame, target: npt.NDArray[Any], classes: bool, wanted: int
    ) -> list[tuple[Rows, Rows]]:
        """The rows that each model that stops learns from, and those that it stops by; `target` has codes of the classes."""
        members = min(wanted, int(np.bincount(target).min())) if classes else wanted
        groups, shuffled = None, {"shuffle": True, "random_state": self.seed}
        if self.by_time:
            folds = TimeSeriesSplit(wanted, test_size=max(1, len(inputs) // (2 * wanted)))
        elif self.groups is not None:
            # Rows that a step has made, against imbalance for example, are one more group.
            groups = pd.factorize(self.groups.reindex(inputs.index))[0]
            members = min(members, len(np.unique(groups)))
            folds = StratifiedGroupKFold(members, **shuffled) if classes else GroupKFold(members)
        else:
            folds = StratifiedKFold(members, **shuffled) if classes else KFold(members, **shuffled)
        parts = [(train, test) for train, test in folds.split(inputs, target, groups) if len(test)]
        if classes:
            parts = [(train, test) for train, test in parts if len(np.unique(target[train])) == len(np.unique(target))]
        if not parts:
            raise ValueError(
                "a class is in one group of rows or in the newest rows alone, so that no part is left to stop by"
            )
        return parts

    def _fit(self, voting: Any, kind: Any, inputs: pd.DataFrame, target: npt.NDArray[Any], classes: bool) -> None:
        fit = partial(self._bag, kind, inputs, target, classes)
        bag = self.bags.of((inputs, target), fit) if self.bags else fit()
        named = [(f"catboost_{place}", one) for place, one in enumerate(bag, 1)]
        weights = [1.0] * len(bag)
        if self.estimator is not None:
            named.insert(0, ("chosen", clone(self.estimator).fit(inputs, target)))
            weights.insert(0, float(len(bag)))
        voting.estimators, voting.weights = named, weights
        voting.estimators_ = [one for _, one in named]
        self.voting_ = voting

    def _bag(self, kind: Any, inputs: pd.DataFrame, target: npt.NDArray[Any], classes: bool) -> list[Any]:
        rounds, rate = pace(int(target.max()) + 1 if classes else 1)
        stopping = CLASSES if classes else NUMBERS
        model = partial(kind, learning_rate=rate, thread_count=THREADS, allow_writing_files=False, verbose=False)
        # One after the other: a fit that ends takes the handler of interrupts from another one of the process, which may be about to
        # call it; that is a segmentation fault now and then.
        stopped = [
            model(iterations=rounds, early_stopping_rounds=stopping.patience, random_seed=self.seed + place).fit(
                inputs.iloc[train], target[train], eval_set=(inputs.iloc[test], target[test])
            )
            for place, (train, test) in enumerate(self._parts(inputs, target, classes, stopping.models))
        ]
        if classes:
            return stopped
        rounds = round(MORE_ROUNDS * statistics.mean(one.tree_count_ for one in stopped))
        return [model(iterations=rounds, random_seed=self.seed + place).fit(inputs, target) for place in range(REFITS)]


class AveragedRegressor(RegressorMixin, _Averaged):  # type: ignore[misc]
    """The mean of an estimator's predictions and the bag's.

    Parameters
    ----------
    estimator : regressor, or None
        Cloned and fitted beside the bag; without one, the bag is alone.
    seed : int, default=0
    groups : Series, optional
        Of all rows, by their index: rows of a group are not learnt from by one model and stopped by, too.
    by_time : bool, default=False
        Whether rows are in the order of time, and later ones are to be stopped by.
    bags : Bags, optional
        Where a bag is kept, and taken from if there is one of the same rows.
    """

    def fit(self, X: pd.DataFrame, y: Any) -> "AveragedRegressor":
        """Fit both on `X` of shape (n_rows, n_features) and `y` of shape (n_rows,); PyCaret goes by these names."""
        from catboost import CatBoostRegressor

        self._fit(VotingRegressor([]), CatBoostRegressor, X, np.ravel(y), False)
        return self


class AveragedClassifier(ClassifierMixin, _Averaged):  # type: ignore[misc]
    """The mean of an estimator's probabilities and the bag's.

    Parameters
    ----------
    estimator : classifier with probabilities, or None
        Cloned and fitted beside the bag; without one, the bag is alone.
    seed : int, default=0
    groups : Series, optional
        Of all rows, by their index: rows of a group are not learnt from by one model and stopped by, too.
    by_time : bool, default=False
        Whether rows are in the order of time, and later ones are to be stopped by.
    bags : Bags, optional
        Where a bag is kept, and taken from if there is one of the same rows.
    """

    def fit(self, X: pd.DataFrame, y: Any) -> "AveragedClassifier":
        """Fit both on `X` of shape (n_rows, n_features) and `y` of shape (n_rows,); PyCaret goes by these names."""
        from catboost import CatBoostClassifier

        voting = VotingClassifier([], voting="soft")
        voting.le_ = LabelEncoder().fit(np.ravel(y))
        voting.classes_ = self.classes_ = voting.le_.classes_
        codes = voting.le_.transform(np.ravel(y))
        self._fit(voting, CatBoostClassifier, X, codes, True)
        return self

    def predict_proba(self, inputs: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Of shape (n_rows, n_classes)."""
        return np.asarray(self.voting_.predict_proba(inputs), dtype="float64")


def averaged(estimator: Any, classes: bool, **options: Any) -> "AveragedRegressor | AveragedClassifier":
    """An estimator, not fitted, averaged with a bag, or a bag alone for None; the options are those of the classes."""
    return (AveragedClassifier if classes else AveragedRegressor)(estimator, **options)


def with_plain_average(pipeline: Any) -> Any:
    """The fitted pipeline with scikit-learn's own voting in place of one of ours; any other is returned as it is."""
    *steps, (name, last) = pipeline.steps
    if isinstance(last, _Averaged):
        pipeline.steps = [*steps, (name, last.voting_)]
    return pipeline
