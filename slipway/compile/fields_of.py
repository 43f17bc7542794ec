"""What a fitted scikit-learn pipeline does to the columns of the table: which it uses, and which of them as categories or texts.

A column of numbers that an encoder is given, such as a passenger class from 1 to 3, is a category whatever it looks like; a
column that no step takes is no input.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import feature_extraction, impute
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer

from slipway.compile.registry import TABULATED, name_of
from slipway.compile.steps.columns import IMBLEARN_PIPELINE
from slipway.compile.steps.functions import LOWEST

KEEP_COLUMNS = (impute.SimpleImputer, impute.KNNImputer)
"""Steps after which each column still stands for the one in the table."""


@dataclass
class Use:
    """Names of columns: those that a step is given, and of them those that are taken for categories, or for texts.

    `lowest` has the smallest number of columns of which a function is taken that has no value below: NaN for any above 0.
    """

    used: set[str] = field(default_factory=set)
    encoded: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    lowest: dict[str, float] = field(default_factory=dict)


def columns_used(model: Any, names: Sequence[str]) -> Use:
    """What a fitted estimator or pipeline does to columns of a table.

    Parameters
    ----------
    model : fitted estimator
    names : sequence of str
        The columns that it was fitted on.

    Returns
    -------
    Use
    """
    use = Use()
    _visit(model, list(names), use)
    return use


def _visit(model: Any, names: list[str] | None, use: Use) -> list[str] | None:
    """The names of the columns that `model` passes on, None if they no longer stand for columns of the table."""
    if names is None or model is None or isinstance(model, str):
        return None if names is None or model == "drop" else names if model is None else _passed(names, use)
    kind = name_of(type(model))
    if isinstance(model, Pipeline) or kind == IMBLEARN_PIPELINE:
        rest: list[str] | None = names
        for _, step in model.steps:
            rest = rest if hasattr(step, "fit_resample") else _visit(step, rest, use)
        return rest
    if isinstance(model, ColumnTransformer) and hasattr(model, "transformers_"):
        for _, inner, chosen in model.transformers_:
            _visit(inner, _chosen(model, chosen, names, use), use)
        return None
    if isinstance(model, FeatureUnion):
        for _, inner in model.transformer_list:
            _visit(inner, names, use)
        return None
    inside = _inside(model)
    for part in inside:
        _visit(part, names, use)
    if not inside or getattr(model, "passthrough", False):
        _note(model, kind, names, use)
    return names if isinstance(model, KEEP_COLUMNS) else None


def _passed(names: list[str], use: Use) -> list[str]:
    use.used.update(names)
    return names


def _note(model: Any, kind: str, names: list[str], use: Use) -> None:
    """A step or estimator of one's own, without others inside."""
    use.used.update(names)
    if kind in TABULATED:
        use.encoded.update(names)
    if kind.startswith(f"{feature_extraction.__name__}.text."):
        use.texts.update(names)
    if isinstance(model, FunctionTransformer) and isinstance(model.func, np.ufunc) and model.func in LOWEST:
        use.lowest.update(dict.fromkeys(names, LOWEST[model.func]))
    if isinstance(model, PowerTransformer) and model.method == "box-cox":
        use.lowest.update(dict.fromkeys(names, np.nan))
    if isinstance(model, (HistGradientBoostingClassifier, HistGradientBoostingRegressor)):
        marked = getattr(model, "is_categorical_", None)
        use.encoded.update(np.asarray(names)[marked].tolist() if marked is not None else ())


def _inside(model: Any) -> list[Any]:
    """The estimators that an estimator is made of and passes all columns to; fitted ones where there are."""
    if hasattr(model, "best_estimator_"):
        return [model.best_estimator_]
    if hasattr(model, "calibrated_classifiers_"):
        return [one.estimator for one in model.calibrated_classifiers_]
    fitted = getattr(model, "estimators_", None)
    if isinstance(fitted, list) and hasattr(model, "estimators") and isinstance(model.estimators, list):
        return fitted  # of voting and stacking
    if hasattr(model, "regressor_"):
        return [model.regressor_]
    return []


def _chosen(transformer: Any, chosen: Any, names: list[str], use: Use) -> list[str]:
    """The names of the columns of a part of a `ColumnTransformer`."""
    if isinstance(chosen, str):
        return [chosen]
    if isinstance(chosen, slice) and any(isinstance(end, str) for end in (chosen.start, chosen.stop)):
        first = 0 if chosen.start is None else names.index(chosen.start)
        last = len(names) if chosen.stop is None else names.index(chosen.stop) + 1
        return names[first : last : chosen.step]
    if isinstance(chosen, slice):
        use.used.update(names)  # by their places: none of them can be missing
        return names[chosen]
    listed = np.asarray([chosen] if np.isscalar(chosen) else list(chosen))
    if listed.dtype.kind not in "biu":
        return [str(name) for name in listed.tolist()]
    if not _by_name(transformer):
        use.used.update(names)
    return np.asarray(names)[listed].tolist() if len(listed) else []


def _by_name(transformer: Any) -> bool:
    """Whether what was written says nothing of places: the remainder is kept as places in any case."""
    return all(
        callable(columns) or isinstance(columns, str) or np.asarray(list(columns)).dtype.kind not in "biu"
        for _, _, columns in transformer.transformers
        if not isinstance(columns, slice)
    ) and not any(isinstance(columns, slice) for _, _, columns in transformer.transformers)
