"""All that Slipway takes from PyCaret without its documentation promising it. Seen in pycaret-core 3.5.0.

Each function says why there is no public way. What it relies on has a test in tests/test_adapters.py, which says what
an upgrade has changed. PyCaret takes seconds to import, so nothing here imports it before it is asked to: classes of
its steps and estimators are told by their names.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

_STEPS = "pycaret.internal.preprocess.transformers"
CLEAN_COLUMN_NAMES = f"{_STEPS}.CleanColumnNames"
DROP_IMPUTER = f"{_STEPS}.DropImputer"
EXTRACT_DATE_TIME_FEATURES = f"{_STEPS}.ExtractDateTimeFeatures"
GROUP_FEATURES = f"{_STEPS}.GroupFeatures"
RARE_CATEGORY_GROUPING = f"{_STEPS}.RareCategoryGrouping"
REMOVE_MULTICOLLINEARITY = f"{_STEPS}.RemoveMulticollinearity"
TARGET_TRANSFORMER = f"{_STEPS}.TargetTransformer"
ITERATIVE_IMPUTER = "pycaret.internal.preprocess.iterative_imputer.IterativeImputer"
THRESHOLD_CLASSIFIER = "pycaret.internal.meta_estimators.CustomProbabilityThresholdClassifier"
TUNABLE_MLP_CLASSIFIER = "pycaret.internal.tunable.TunableMLPClassifier"
TUNABLE_MLP_REGRESSOR = "pycaret.internal.tunable.TunableMLPRegressor"
TUNABLE_VOTING_CLASSIFIER = "pycaret.internal.tunable.TunableVotingClassifier"
TUNABLE_VOTING_REGRESSOR = "pycaret.internal.tunable.TunableVotingRegressor"
"""Classes that are in PyCaret's fitted pipelines, and that it offers nowhere else."""

_TAKEN = re.compile(r"Column '(.*)' returned by transformer .* already exists in the original dataset", re.DOTALL)


def import_steps() -> None:
    """Import now what reading a pickled pipeline imports; without PyCaret nothing happens."""
    with suppress(ImportError):
        import_module("pycaret.internal.pipeline")
        import_module(_STEPS)


def columns_of(step: Any) -> list[str] | None:
    """The columns that a step of a fitted pipeline is given, None for all; its `include` is what `setup` said, before fitting."""
    included: list[str] | None = getattr(step, "_include", None)
    return included


def is_for_training_only(step: Any) -> bool:
    """Whether a step drops or adds rows when fitting, and does nothing to the rows of a prediction."""
    return bool(getattr(step, "_train_only", False))


def taken_name(refusal: Exception) -> str | None:
    """The column that has the name of one that a step makes, where `setup` refused a table because of that."""
    found = _TAKEN.search(str(refusal))
    return found[1] if found else None


def has_data(experiment: Any) -> bool:
    """Whether the experiment's `setup` has come to its end; all that is public raises, or answers before that."""
    return bool(getattr(experiment, "_setup_ran", False))


def kinds_given(experiment: Any) -> dict[str, list[str]]:
    """Names of columns by the kind that `setup` took them for: "Text", "Categorical", "Numeric", "Date" and others.

    `get_config` does not have them.
    """
    kinds: dict[str, list[str]] = experiment._fxs
    return kinds


def tried(experiment: Any) -> list[dict[str, Any]]:
    """The models that the experiment has compared, created or tuned, with their `scores` for each fold and their "Mean".

    The public `get_leaderboard` copies every model and fits those again that `compare_models` has not kept, and
    cannot be called before there is one.
    """
    return [
        {"model": entry["model"], "scores": entry["scores"]}
        for entry in experiment._master_model_container
        if entry.get("scores") is not None and "Mean" in entry["scores"].index
    ]


@contextmanager
def metrics_of(experiment: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[None]:
    """Within it the experiment's metrics, by id, are what `change` makes of its own.

    The public `add_metric` takes a function of labels or of probabilities, and fails an estimator that lacks the latter.
    """
    own = experiment._all_metrics
    experiment._all_metrics = change(own)
    try:
        yield
    finally:
        experiment._all_metrics = own


def probability_metric(identifier: str, name: str, function: Callable[..., float], scorer: Callable[..., float]) -> Any:
    """A metric of a classification experiment, lower being better, measured by `scorer`; see `metrics_of`.

    `function`, of labels and probabilities, is for PyCaret's description of the metric alone.
    """
    from pycaret.containers.metrics.classification import ClassificationMetricContainer

    return ClassificationMetricContainer(
        identifier, name, function, scorer=scorer, target="pred_proba", display_name=name, greater_is_better=False
    )
