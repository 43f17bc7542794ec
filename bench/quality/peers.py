"""One of the others on one table, in its own environment: `python -m bench.quality.peers METHOD TRAIN TEST TARGET SEED OUT`.

Each is used as its documentation shows it, with its defaults: LightGBM and CatBoost with their own handling of categories,
a linear model with one-hot columns and scaled numbers, and AutoGluon with a preset and a limit of 180 s.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.quality import losses

SECONDS = 180
"""AutoGluon's limit."""
ASKED = 50
"""Single rows that are answered one by one, to see how long an answer takes."""


def linear(train: pd.DataFrame, target: pd.Series, classes: bool, seed: int) -> Any:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (texts, make_column_selector(dtype_exclude="number"))
    )
    last = LogisticRegression(max_iter=5000) if classes else RidgeCV(np.logspace(-3, 3, 13))
    return make_pipeline(columns, last).fit(train, target)


def lightgbm(train: pd.DataFrame, target: pd.Series, classes: bool, seed: int) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor

    return _Categories((LGBMClassifier if classes else LGBMRegressor)(random_state=seed, verbose=-1), train, target)


class _Categories:
    """LightGBM with pandas' categories, as they were in training."""

    def __init__(self, model: Any, train: pd.DataFrame, target: pd.Series) -> None:
        self._dtypes = {
            name: pd.CategoricalDtype(train[name].dropna().unique()) for name in train.select_dtypes(exclude="number")
        }
        self._model = model.fit(train.astype(self._dtypes), target)
        self.classes_ = getattr(model, "classes_", None)

    def predict(self, rows: pd.DataFrame) -> Any:
        return self._model.predict(rows.astype(self._dtypes))

    def predict_proba(self, rows: pd.DataFrame) -> Any:
        return self._model.predict_proba(rows.astype(self._dtypes))


def catboost(train: pd.DataFrame, target: pd.Series, classes: bool, seed: int) -> Any:
    from catboost import CatBoostClassifier, CatBoostRegressor

    texts = [*train.select_dtypes(exclude="number")]
    model = (CatBoostClassifier if classes else CatBoostRegressor)(
        random_seed=seed, cat_features=texts, allow_writing_files=False, verbose=False
    )
    return model.fit(train, target)


def autogluon(preset: str, train: pd.DataFrame, target: pd.Series, classes: bool) -> Any:
    from autogluon.tabular import TabularPredictor

    metric = "log_loss" if classes else "root_mean_squared_error"
    kind = None if classes else "regression"
    folder = tempfile.mkdtemp()
    predictor = TabularPredictor("target", problem_type=kind, eval_metric=metric, path=folder, verbosity=0)
    return predictor.fit(train.assign(target=target), presets=preset, time_limit=SECONDS, num_cpus=2)


def trained(method: str, train: pd.DataFrame, target: pd.Series, classes: bool, seed: int) -> Any:
    if method.startswith("AutoGluon"):
        return autogluon(f"{method.split()[1]}_quality", train, target, classes)
    known = {"linear": linear, "LightGBM": lightgbm, "CatBoost": catboost}
    return known[method](train, target, classes, seed)


def by_row(model: Any, rows: pd.DataFrame, actual: pd.Series, classes: bool) -> losses.Losses:
    if not classes:
        return losses.of_numbers(model.predict(rows), actual)
    shares = model.predict_proba(rows)
    return losses.of_classes(shares, actual, shares if isinstance(shares, pd.DataFrame) else model.classes_)


def main(method: str, train: str, test: str, target: str, seed: str, out: str) -> None:
    rows, unseen = pd.read_csv(train), pd.read_csv(test)
    classes = rows[target].nunique() <= 2 or not pd.api.types.is_numeric_dtype(rows[target])
    texts = [name for name in rows.select_dtypes(exclude="number") if name != target]
    if method == "CatBoost":  # which takes no missing value for a category
        rows[texts], unseen[texts] = rows[texts].fillna("missing"), unseen[texts].fillna("missing")
    inputs, asked = rows.drop(columns=target), unseen.drop(columns=target)
    began = time.perf_counter()
    model = trained(method, inputs, rows[target], classes, int(seed))
    seconds = time.perf_counter() - began
    each = by_row(model, asked, unseen[target], classes)
    answer = model.predict_proba if classes else model.predict
    times = []
    for place in range(min(ASKED, len(asked))):
        one = asked.iloc[[place]]
        began = time.perf_counter()
        answer(one)
        times.append(time.perf_counter() - began)
    result = {
        "loss": losses.total(each, classes),
        "train_s": seconds,
        "answer_ms": 1000 * float(np.median(times)),
    }
    losses.write(Path(out), result, each)


if __name__ == "__main__":
    main(*sys.argv[1:])
