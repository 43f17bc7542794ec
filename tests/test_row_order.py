"""No training on shuffled rows: training and `slipway.save` check that the fitted steps keep the order of rows."""

import numpy as np
import pandas as pd
import pytest
from pycaret.classification import ClassificationExperiment
from pycaret.internal.preprocess.transformers import TransformerWrapper
from pycaret.regression import RegressionExperiment

import slipway
from slipway import store
from slipway.errors import ModelMissingError, TrainingError
from slipway.training.row_order import check_row_order
from slipway.training.schema_inference import infer_dataset
from slipway.training.selection import train
from slipway.training.usecase import TargetSpec, TrainingSpec, UseCase

QUIET = {"session_id": 1, "fold": 2, "n_jobs": 1, "html": False, "verbose": False, "system_log": False}
ROWS = 120
REFUSED = r"gives rows back in another order .* install the versions of requirements/train\.txt"


def table(target: str = "y") -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "small": rng.normal(size=ROWS).round(3),
            "wide": rng.normal(0, 1e6, ROWS),
            "gaps": np.where(rng.random(ROWS) < 0.2, np.nan, rng.normal(size=ROWS)),
            "colour": rng.choice(["red", "green", "blue"], ROWS, p=[0.6, 0.37, 0.03]),
            "city": rng.choice(["Bern", "Ulm"], ROWS),
            "note": rng.choice(["good and cheap", "bad", "late or bad"], ROWS),
            "day": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, ROWS), "D"),
        }
    )
    score = frame["small"] + (frame["city"] == "Ulm")
    return frame.assign(**{target: score if target == "y" else np.where(score > 1.2, "high", "low")})


@pytest.fixture
def outer_merge_that_sorts(monkeypatch):
    """What `how="outer"` in `_reorder_cols` does since pandas 2.2: the merged frame comes back sorted by index."""
    merged = TransformerWrapper._reorder_cols

    def sorted_by_index(self, df, original_df):
        return merged(self, df, original_df).sort_index()

    monkeypatch.setattr(TransformerWrapper, "_reorder_cols", sorted_by_index)


def test_an_experiment_that_shuffles_its_rows_is_not_saved(outer_merge_that_sorts):
    experiment = RegressionExperiment()
    experiment.setup(table().drop(columns=["note", "day"]), target="y", **QUIET)
    inputs = experiment.pipeline.transform(experiment.X_train)
    assert not inputs.index.equals(experiment.y_train.index)

    with pytest.raises(TrainingError, match=REFUSED):
        slipway.save(experiment, "shuffled", experiment.create_model("lr", verbose=False))

    with pytest.raises(ModelMissingError):
        store.find("shuffled")


def test_training_stops_before_the_first_estimator_is_fitted(outer_merge_that_sorts):
    usecase = UseCase("shuffled", TargetSpec("y"), training=TrainingSpec(include=("lr",), folds=2))
    learnt = infer_dataset(table().drop(columns=["note", "day"]), usecase, "table")
    said: list[str] = []

    with pytest.raises(TrainingError, match=REFUSED):
        train(usecase, learnt, said.append)

    assert not [line for line in said if "[ 1/" in line]


def test_a_finalised_pipeline_that_shuffles_is_refused_in_an_experiment_that_does_not(monkeypatch):
    experiment = RegressionExperiment()
    experiment.setup(table().drop(columns=["note", "day"]), target="y", **QUIET)
    pipeline = experiment.finalize_model(experiment.create_model("lr", verbose=False))

    class Sorting(TransformerWrapper):
        def transform(self, X=None, y=None):
            return super().transform(X, y).sort_index()

    _, step = pipeline.steps[0]
    step.__class__ = Sorting

    with pytest.raises(TrainingError, match=f"the step '{pipeline.steps[0][0]}' {REFUSED}"):
        slipway.save(experiment, "shuffled", pipeline)


def test_rows_that_keep_their_index_and_change_places_are_noticed_too():
    class Misplacing(TransformerWrapper):
        def transform(self, X=None, y=None):
            return X.sort_index().set_axis(X.index)

    class OneStep:
        steps = (("misplacing", Misplacing(None)),)

    with pytest.raises(TrainingError, match="the step 'misplacing' gives rows back in another order"):
        check_row_order(OneStep(), table()[["small", "city"]])


NUMBERS = ["small", "wide"]
SETUPS = {
    "outliers, polynomials, groups, dates, target": (
        "y",
        {
            "remove_outliers": True,
            "polynomial_features": True,
            "group_features": {"group": NUMBERS},
            "create_date_columns": ["day", "month", "year"],
            "transform_target": True,
            "normalize": True,
            "ignore_features": ["note"],
        },
    ),
    "imbalance, texts, rare categories": (
        "class",
        {
            "fix_imbalance": True,
            "text_features": ["note"],
            "rare_to_value": 0.1,
            "fix_imbalance_method": "randomoversampler",
        },
    ),
    "dropped rows, bins, components": (
        "y",
        {
            "numeric_imputation": "drop",
            "bin_numeric_features": ["wide"],
            "pca": True,
            "pca_components": 3,
            "ignore_features": ["note", "day"],
        },
    ),
    "an iterative imputer, a transformation, a selection": (
        "class",
        {
            "imputation_type": "iterative",
            "transformation": True,
            "feature_selection": True,
            "remove_multicollinearity": True,
            "ignore_features": ["note", "day"],
        },
    ),
}


@pytest.mark.parametrize(("target", "options"), SETUPS.values(), ids=SETUPS.keys())
def test_good_steps_pass(target, options):
    experiment = (RegressionExperiment if target == "y" else ClassificationExperiment)()
    experiment.setup(table(target), target=target, **QUIET | options)

    check_row_order(experiment.pipeline, experiment.X)
