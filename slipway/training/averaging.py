"""The chosen estimator averaged with a bag of CatBoost models, each of which stopped where its own fold was best.

Both are fitted on what the pipeline's steps have made of the rows, so that everything stays one pipeline, and one graph. While the
two are measured, `Averaged` fits both again for every fold: no model of the bag has seen a row that it is measured by,
not even to stop by. What is saved is the plain `VotingRegressor` or `VotingClassifier` of scikit-learn that `Averaged`
fits, so that pickle and compiler find nothing of ours.

Sources: Breiman, Bagging predictors, Machine Learning 24 (1996); Prokhorenkova et al., CatBoost: unbiased boosting with
categorical features, NeurIPS (2018).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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

MEMBERS = 5
"""Models of the bag; each stops by another fifth of the rows, or of the groups, and learns from the rest. By time, each stops by another of the
last five tenths, and learns from what came before."""
ROUNDS, PATIENCE = 1000, 30
"""Rounds of a model at most, and after how many without gain on its own fold it ends."""
TREES = 4000
"""Of a model at most: in each round of several classes the graph has one for each of them, and an answer passes through all."""
FASTEST = 0.5
"""The learning rate, at most, of models that have fewer rounds to learn in."""
RATE = 0.1
"""CatBoost's own learning rate took 1.3 to 2 times as long; on six tables errors were between 2 % smaller and 0.7 % larger with this one."""


def pace(classes: int) -> tuple[int, float]:
    """Rounds of a model at most, and its learning rate, which is larger where many classes leave few rounds."""
    rounds = min(ROUNDS, max(1, TREES // classes))
    return rounds, min(FASTEST, RATE * ROUNDS / rounds)


class _Averaged(BaseEstimator):  # type: ignore[misc]
    """What both have in common: `estimator` and the bag count the same."""

    def __init__(self, estimator: Any, seed: int = 0, groups: pd.Series | None = None, by_time: bool = False) -> None:
        self.estimator = estimator
        self.seed = seed
        self.groups = groups
        self.by_time = by_time

    def predict(self, inputs: pd.DataFrame) -> npt.NDArray[Any]:
        """As scikit-learn's voting."""
        return np.asarray(self.voting_.predict(inputs))

    def _parts(self, inputs: pd.DataFrame, target: npt.NDArray[Any], classes: bool) -> list[tuple[Rows, Rows]]:
        """The rows that each model of the bag learns from, and those that it stops by; `target` has codes of the classes."""
        members = min(MEMBERS, int(np.bincount(target).min())) if classes else MEMBERS
        groups, shuffled = None, {"shuffle": True, "random_state": self.seed}
        if self.by_time:
            folds = TimeSeriesSplit(MEMBERS, test_size=max(1, len(inputs) // (2 * MEMBERS)))
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
        from catboost.core import log_fixup

        parts = self._parts(inputs, target, classes)
        rounds, rate = pace(int(target.max()) + 1 if classes else 1)
        chosen = clone(self.estimator).fit(inputs, target)

        def member(place: int, train: Rows, test: Rows) -> Any:
            # One thread each: with another number of them the last bits can change.
            model = kind(
                iterations=rounds,
                learning_rate=rate,
                early_stopping_rounds=PATIENCE,
                random_seed=self.seed + place,
                thread_count=1,
                allow_writing_files=False,
                verbose=False,
            )
            return model.fit(inputs.iloc[train], target[train], eval_set=(inputs.iloc[test], target[test]))

        # CatBoost's log is one for the process, and of the first thread that fits: when that one ends, another that still
        # writes to it is a segmentation fault (catboost/catboost#2620). So it belongs to this thread until all have ended.
        with log_fixup(), ThreadPoolExecutor(os.cpu_count()) as pool:
            bag = list(pool.map(lambda part: member(part[0], *part[1]), enumerate(parts)))
        voting.estimators_ = [chosen, *bag]
        voting.estimators = [("chosen", chosen), *((f"catboost_{place}", one) for place, one in enumerate(bag, 1))]
        voting.weights = [float(len(bag)), *[1.0] * len(bag)]
        self.voting_ = voting


class AveragedRegressor(RegressorMixin, _Averaged):  # type: ignore[misc]
    """The mean of an estimator's predictions and the bag's.

    Parameters
    ----------
    estimator : regressor
        Cloned and fitted beside the bag.
    seed : int, default=0
    groups : Series, optional
        Of all rows, by their index: rows of a group are not learnt from by one model and stopped by, too.
    by_time : bool, default=False
        Whether rows are in the order of time, and later ones are to be stopped by.
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
    estimator : classifier with probabilities
        Cloned and fitted beside the bag.
    seed : int, default=0
    groups : Series, optional
        Of all rows, by their index: rows of a group are not learnt from by one model and stopped by, too.
    by_time : bool, default=False
        Whether rows are in the order of time, and later ones are to be stopped by.
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


def averaged(
    estimator: Any, seed: int, classes: bool, groups: pd.Series | None = None, by_time: bool = False
) -> "AveragedRegressor | AveragedClassifier":
    """An estimator, not fitted, averaged with a bag; the options are those of the classes."""
    kind = AveragedClassifier if classes else AveragedRegressor
    return kind(estimator, seed, groups, by_time)


def with_plain_average(pipeline: Any) -> Any:
    """The fitted pipeline with scikit-learn's own voting in place of one of ours; any other is returned as it is."""
    *steps, (name, last) = pipeline.steps
    if isinstance(last, _Averaged):
        pipeline.steps = [*steps, (name, last.voting_)]
    return pipeline
