"""What is made of the estimator that was best in the comparison: tuned, and averaged with a bag of CatBoost models, or the bag alone.

Each is measured with the folds of the comparison. The average is taken where its mean is better there. It is also taken where it is about as
good and the best estimator gives some class a probability of exactly zero: a single row of that class, which the folds may not have, would cost
more than all others. What tuning found, which is the best of many by chance as well, and the bag alone, which gives up what an average is taken for,
have to be better by more than one standard error of the differences between their folds and those of what they would replace.
"""

import importlib.util
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sklearn.base import clone
from sklearn.model_selection import TimeSeriesSplit

from slipway.errors import TrainingError, first_line
from slipway.schema.schema import Schema
from slipway.training.averaging import Bags, averaged
from slipway.training.budget import Budget
from slipway.training.comparison import (
    Progress,
    Tried,
    fit_seconds,
    folds_of,
    greater_is_better,
    try_estimator,
    value,
)

_NOT_TAKEN = {1: "not clearly better", 0: "not better", -1: "clearly worse"}
"""By how many standard errors it was to be better."""
CANDIDATES = 10
"""Sets of hyperparameters that PyCaret's `tune_model()` tries."""


def better(new: Sequence[float], old: Sequence[float], greater: bool, errors: float) -> bool:
    """Whether the mean of a metric is better in the same folds by more than some standard errors of the differences.

    Parameters
    ----------
    new, old : sequence of float, of the same length
        Its values in the folds.
    greater : bool
        Whether more of it is better.
    errors : float
        By how many standard errors; 0 for any gain; -1 allows it to be worse by less than one.

    Returns
    -------
    bool
        False also where a value is not finite.
    """
    gains = [one - other if greater else other - one for one, other in zip(new, old, strict=True)]
    if not all(map(math.isfinite, gains)):
        return False
    return statistics.mean(gains) > errors * statistics.stdev(gains) / math.sqrt(len(gains))


def rules_out(model: Any, inputs: Any) -> bool:
    """Whether a model gives some class of some row a probability of exactly zero, as a forest does that has none of it in a leaf.

    Parameters
    ----------
    model : fitted estimator
    inputs : DataFrame of shape (n_rows, n_features)
        That it has not seen.

    Returns
    -------
    bool
        False for a model of numbers.
    """
    return hasattr(model, "predict_proba") and bool((model.predict_proba(inputs) == 0).any())


@dataclass(frozen=True)
class Refiner:
    """An experiment after `setup()` and its comparison, the metric to choose by, and how much time there is."""

    experiment: Any
    schema: Schema
    metric: str
    progress: Progress
    budget: Budget | None = None
    _bags: Bags = field(default_factory=Bags)

    def tuned(self, chosen: Tried) -> tuple[Tried, bool]:
        """The chosen one with better hyperparameters, and whether there are any.

        Raises
        ------
        TrainingError
            If PyCaret cannot tune it.
        """
        self.progress("tuning the best model …")
        if self._too_long(chosen.model, (CANDIDATES + 1) * folds_of(self.experiment) + 1):
            return chosen, False
        try:
            model = self.experiment.tune_model(
                chosen.model, optimize=self.metric, choose_better=False, verbose=False, tuner_verbose=False
            )
            self.experiment.pull(pop=True)
        except Exception as exc:
            raise TrainingError(
                f"PyCaret's tune_model() failed: {first_line(str(exc) or type(exc).__name__)}; train without --tune"
            ) from exc
        return self._better(try_estimator(self.experiment, clone(model), self.schema), chosen, str(model), errors=1)

    def averaged(self, chosen: Tried, seed: int) -> tuple[Tried | None, bool]:
        """The mean of the chosen one and a bag, and whether it is better; None where there is none."""
        self.progress("averaging the best model with a bag of CatBoost models …")
        if self.schema.target.classes and not hasattr(chosen.model, "predict_proba"):
            self.progress("        skipped: the best model gives no probabilities")
            return None, False
        if importlib.util.find_spec("catboost") is None:
            self.progress("        skipped: catboost is not installed; `pip install 'slipway-ml[train]'`")
            return None, False
        model = self._averaged(clone(chosen.model), seed)
        if self._too_long(model, folds_of(self.experiment) + 1):
            return None, False
        tried = self._try(model)
        errors = -1 if rules_out(chosen.model, self.experiment.X_test_transformed) else 0
        return tried, self._better(tried, chosen, "the average", errors)[1]

    def bag(self, average: Tried, seed: int) -> tuple[Tried, bool]:
        """The bag of an average without its estimator, and whether it is clearly better; its models are fitted already."""
        self.progress("the CatBoost models alone …")
        tried = self._try(self._averaged(None, seed))
        return self._better(replace(tried, seconds=tried.seconds + self._bags.seconds), average, "them", errors=1)

    def _averaged(self, estimator: Any, seed: int) -> Any:
        by_time = isinstance(self.experiment.fold_generator, TimeSeriesSplit)
        groups = None if by_time else self.experiment.get_config("fold_groups_param")
        classes = bool(self.schema.target.classes)
        return averaged(estimator, classes, seed=seed, groups=groups, by_time=by_time, bags=self._bags)

    def _try(self, model: Any) -> Tried:
        tried = try_estimator(self.experiment, model, self.schema)
        if tried.model is not None:
            tried.model.bags = None  # whoever fits it again has other rows
        return tried

    def _too_long(self, model: Any, fits: int) -> bool:
        why = self.budget and self.budget.refusal(fit_seconds(self.experiment, clone(model)) * fits)
        if why:
            self.progress(f"        skipped: {why}")
        return bool(why)

    def _better(self, new: Tried, old: Tried, name: str, errors: int) -> tuple[Tried, bool]:
        """The new one if it is better by more than some standard errors, else the old one, and whether it is the new one."""
        if new.failed is not None:
            self.progress(f"        failed: {new.failed}")
            return old, False
        greater = greater_is_better(self.experiment, self.metric)
        taken = better(new.folds[self.metric], old.folds[self.metric], greater, errors)
        figures = f"{value(new, self.metric)} instead of {old.means[self.metric]:.4f}, {new.seconds:.1f} s"
        self.progress(f"        {f'chose {name}' if taken else f'{_NOT_TAKEN[errors]}, left as it was'}: {figures}")
        return (new, True) if taken else (old, False)
