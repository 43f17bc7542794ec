"""All that Slipway takes from scikit-learn without its documentation promising it. Seen in scikit-learn 1.4.2.

A fitted estimator is turned into a graph, and some of what it has learnt is in attributes that scikit-learn keeps for
itself. Each function says what there is and why nothing public has it. What it relies on has a test in
tests/test_adapters.py, which says what an upgrade has changed. Training and compiler use it; no server imports it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.preprocessing._data import BOUNDS_THRESHOLD

Floats = npt.NDArray[np.float64]

BOUNDS = float(BOUNDS_THRESHOLD)
"""How near to 0 or 1 a `QuantileTransformer` takes a share for the end; a constant of its module."""
_SIGMOID = "sklearn.calibration._SigmoidCalibration"


def is_sigmoid(calibrator: Any) -> bool:
    """Whether one of a `CalibratedClassifierCV`'s calibrators is Platt's sigmoid, with `a_` and `b_`."""
    kind = type(calibrator)
    return f"{kind.__module__}.{kind.__qualname__}" == _SIGMOID


def scaler_of(transformer: Any) -> Any:
    """The `StandardScaler` behind a fitted `PowerTransformer(standardize=True)`, which shows its lambdas alone."""
    return transformer._scaler


def mean_likeness(pca: Any) -> Floats:
    """The mean likeness of each training row to all, of a fitted `KernelPCA`, which centres by it, of shape (n_rows,).

    Made anew from `X_fit_` it would differ in the last bits.
    """
    return np.asarray(pca._centerer.K_fit_rows_, dtype="float64")


def training_rows(neighbors: Any) -> Floats:
    """The rows that a nearest-neighbours estimator was fitted on, of shape (n_rows, n_features)."""
    return np.asarray(neighbors._fit_X, dtype="float64")


def training_targets(neighbors: Any) -> npt.NDArray[Any]:
    """Their targets, of shape (n_rows,); of a classifier positions in `classes_`."""
    return np.ravel(neighbors._y)


_ROWS = ("_fit_X", "support_vectors_", "X_fit_", "X_train_")
"""Where estimators that predict by comparing keep training rows: neighbours and the imputer of that name, support vector
machines, kernel ridge and kernel components, Gaussian processes."""


def rows_in_model(pipeline: Any) -> tuple[str, ...]:
    """The classes of all parts of a fitted pipeline that hold training rows, however deep, in alphabetical order."""
    found: set[str] = set()
    seen: set[int] = set()
    open_parts = [pipeline]
    while open_parts:
        part = open_parts.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            open_parts += part.values()
        elif isinstance(part, (list, tuple, set)):
            open_parts += part
        elif isinstance(part, np.ndarray):
            open_parts += part.ravel().tolist() if part.dtype == object else []
        elif hasattr(part, "__dict__") and not isinstance(part, type):
            inner = vars(part)
            if any(inner.get(name) is not None for name in _ROWS):
                found.add(type(part).__name__)
            open_parts += [value for value in inner.values() if not isinstance(value, (str, int, float, bool))]
    return tuple(sorted(found))


def kernel_coefficient(machine: Any) -> float:
    """The gamma of a fitted support vector machine; `gamma` may be the word "scale"."""
    return float(machine._gamma)


def boosting_start(model: Any) -> Floats:
    """The raw prediction that gradient boosting starts from, of shape (1, n_outputs).

    `init_` has it for a regressor; of a classifier it is a link function of `init_`'s probabilities, and the function
    is private as well.
    """
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype="float32"))
    return np.asarray(start, dtype="float64").reshape(1, -1)


@dataclass(frozen=True)
class HistBoosting:
    """What a fitted histogram gradient boosting has learnt.

    `preprocessor` is the ColumnTransformer that puts categories first and gives them codes, None without categories;
    `categorical` says for each column after it whether it has codes. `start`, of shape (1, n_trees), is what the trees add
    to; `trees` has for each stage the nodes of each tree, a structured array, and the categories that go left, a bit each.
    """

    preprocessor: Any
    categorical: npt.NDArray[np.bool_]
    start: Floats
    trees: list[list[tuple[npt.NDArray[Any], npt.NDArray[np.uint32]]]]


def hist_boosting(model: Any) -> HistBoosting:
    """The parts of a fitted `HistGradientBoostingClassifier` or `-Regressor`, which shows none of them."""
    remapped = model._is_categorical_remapped
    return HistBoosting(
        model._preprocessor,
        np.zeros(model.n_features_in_, dtype=bool) if remapped is None else np.asarray(remapped, dtype=bool),
        np.asarray(model._baseline_prediction, dtype="float64").reshape(1, -1),
        [[(tree.nodes, tree.raw_left_cat_bitsets) for tree in stage] for stage in model._predictors],
    )
