"""Whether the fitted steps of an experiment give rows back in the order in which they got them.

PyCaret 3.5.0 merges columns with `how="outer"`, which pandas 2.2 and later sort by index: the
inputs of a shuffled split come back in another order than the target, and the model is fitted
on rows that do not belong together, without a word. What the steps do is looked at, not which
versions are installed.
"""

from typing import Any

import numpy as np
import pandas as pd

from slipway.errors import TrainingError
from slipway.training._pycaret import is_for_training_only

ROWS = 60
CLOSE = 1e-6
"""Of a column's largest number: how far the same row may differ among others in another order."""


def check_row_order(pipeline: Any, inputs: pd.DataFrame) -> None:
    """Send some rows through the fitted steps in two orders, and compare.

    Parameters
    ----------
    pipeline : fitted PyCaret pipeline
        With or without an estimator at its end, which is not asked.
    inputs : DataFrame of shape (n_rows, n_features)
        Raw rows, such as `experiment.X`; a few are taken.

    Raises
    ------
    TrainingError
        If a step gives rows back in another order; it names the step and the remedy.
    """
    ordered = inputs.head(ROWS).reset_index(drop=True)
    shuffled = ordered.iloc[np.random.default_rng(0).permutation(len(ordered))]
    for name, step in pipeline.steps:
        if step in (None, "passthrough") or not hasattr(step, "transform"):
            continue  # of no effect, or the estimator
        if is_for_training_only(step) or hasattr(step, "inverse_transform"):
            continue  # makes other rows when fitting, or is for the target
        before = shuffled.index
        try:
            ordered, shuffled = step.transform(ordered.copy()), step.transform(shuffled.copy())
        except Exception:  # a step that does not take these rows fails in the fitting too, with its reason
            return
        if not _same_order(before, ordered, shuffled):
            raise TrainingError(
                f"the step {name!r} gives rows back in another order than it gets them, so that inputs and target do "
                f"not belong together and no model fitted here is right (PyCaret 3.5.0 does that with pandas 2.2 or "
                f"later; here is pandas {pd.__version__}); install the versions of requirements/train.txt, and train again"
            )


def _same_order(before: pd.Index, ordered: pd.DataFrame, shuffled: pd.DataFrame) -> bool:
    """Whether the rows of `shuffled` still are in the order `before`, each with its own values.

    A step may leave out rows, such as those with gaps.
    """
    if not shuffled.index.equals(before[before.isin(shuffled.index)]):
        return False
    if not ordered.index.is_unique or not shuffled.index.isin(ordered.index).all():
        return False
    wanted = ordered.loc[shuffled.index]
    return all(_same(wanted[name], shuffled[name]) for name in wanted.columns if name in shuffled.columns)


def _same(one: pd.Series, other: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(other):
        left, right = one.to_numpy("float64", na_value=np.nan), other.to_numpy("float64", na_value=np.nan)
        size = np.nanmax(np.abs(left), initial=0.0)
        return bool(np.allclose(left, right, rtol=0.0, atol=CLOSE * size, equal_nan=True))
    return bool(
        one.astype(object).where(one.notna(), None).tolist() == other.astype(object).where(other.notna(), None).tolist()
    )
