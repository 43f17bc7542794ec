"""`slipway.save(pipeline, X, y, name)`: what a saved pipeline has, and what is refused, in one line and with nothing saved."""

import warnings

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

import slipway
from slipway import store
from slipway.compile import compile_and_check
from slipway.errors import DataError, SlipwayError, TrainingError
from slipway.publish.estimator import learn
from slipway.training import regression_metrics
from tests.test_sklearn_pipelines import of_passengers, titanic

pytestmark = pytest.mark.slow

ROWS = 150


def table() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"size": rng.normal(50, 9, ROWS).round(1), "kind": rng.choice(["a", "b", "c"], ROWS)})
    return X, (2 * X["size"] + 10 * (X.kind == "b") + rng.normal(size=ROWS)).rename("price")


def one_hot(model, *columns):
    return make_pipeline(make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough"), model)


def test_a_classifier_has_what_an_experiment_has():
    X, y = titanic()
    pipeline = make_pipeline(of_passengers(), LogisticRegression()).fit(X, y)

    version = store.find(slipway.save(pipeline, X, y, "passengers", training_rows=True))

    schema, metrics = version.schema(), version.metrics()
    assert version.engine == "onnx" and metrics.compiled.rows > 12_000
    assert (schema.target.name, schema.target.classes, schema.task) == ("Survived", (0, 1), "classification")
    assert {field.name: field.kind for field in schema.fields} == {
        "Pclass": "category",
        "Sex": "category",
        "Age": "number",
        "Fare": "number",
        "Embarked": "category",
    }
    assert (metrics.estimator, metrics.chosen, metrics.threshold) == ("LogisticRegression",) * 2 + (0.5,)
    assert metrics.rows.train + metrics.rows.holdout == metrics.rows.all == len(X)
    assert metrics.data.source == "a scikit-learn pipeline" and metrics.calibration.rows == len(X)
    assert (
        set(metrics.folds)
        == set(metrics.holdout)
        == {*("Log loss", "Accuracy", "AUC", "Recall", "Prec.", "F1", "Kappa", "MCC")}
    )
    predictor = store.load_predictor(version)
    row = X[schema.names].iloc[[0]]
    record = row.astype(object).where(row.notna(), None).to_dict("records")[0]
    answer = predictor.answer([record])["predictions"][0]
    assert answer["probabilities"]["1"] == pytest.approx(pipeline.predict_proba(X.head(1))[0, 1], rel=1e-9)
    assert len(store.load_explainer(version, predictor).explain(record)["contributions"]) == 5
    assert (version.path / "golden.json").exists() and "a scikit-learn pipeline" in (
        version.path / "card.md"
    ).read_text()


def test_a_number_has_an_interval_and_figures_of_copies_that_were_fitted_again():
    X, y = table()
    pipeline = one_hot(LinearRegression()).fit(X, y)

    version = store.find(slipway.save(pipeline, X, y.to_numpy(), name="prices"))

    metrics = version.metrics()
    assert version.schema().target.name == "target" and version.engine == "onnx"
    assert 0.8 < metrics.interval.coverage <= 1
    assert metrics.folds["MAE"].mean == pytest.approx(0.8, abs=0.2) and metrics.folds["R2"].mean > 0.99
    assert metrics.importance["size"] > metrics.importance["kind"] > 0


def test_what_is_not_compiled_is_served_by_its_pipeline():
    X, y = table()
    words = X.assign(kind=[f"{kind} {place % 7}" for place, kind in enumerate(X.kind)])
    pipeline = make_pipeline(
        make_column_transformer((CountVectorizer(token_pattern=r"\w"), "kind"), remainder="passthrough"),
        LinearRegression(),
    ).fit(words, y)

    version = store.find(slipway.save(pipeline, words, y, "words"))

    assert version.engine == "native" and "free text" in version.metrics().compiled.reason
    record = {"size": 50.0, "kind": "b 3"}
    wanted = pipeline.predict(pd.DataFrame([record])[["size", "kind"]])[0]
    answer = store.load_predictor(version).answer([record])["predictions"][0]
    assert answer["prediction"] == pytest.approx(wanted, rel=1e-9)


def test_of_a_search_the_best_estimator_is_served_and_one_without_probabilities_is_named():
    X, y = table()
    search = GridSearchCV(one_hot(RidgeClassifier()), {"ridgeclassifier__alpha": [0.1, 1]}, cv=2)
    classes = y > y.median()

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        version = store.find(slipway.save(search.fit(X, classes), X, classes, "search"))

    assert version.metrics().estimator == "RidgeClassifier"
    assert any("RidgeClassifier gives no probabilities" in str(one.message) for one in told)


def test_figures_of_numbers_are_those_of_scikit_learn():
    from sklearn import metrics

    rng = np.random.default_rng(0)
    actual, predicted = rng.exponential(5, 80), rng.exponential(5, 80)

    found = regression_metrics.measure(actual, predicted)

    assert found == pytest.approx(
        {
            "MAE": metrics.mean_absolute_error(actual, predicted),
            "MSE": metrics.mean_squared_error(actual, predicted),
            "RMSE": metrics.mean_squared_error(actual, predicted, squared=False),
            "R2": metrics.r2_score(actual, predicted),
            "RMSLE": metrics.mean_squared_log_error(actual, predicted, squared=False),
            "MAPE": metrics.mean_absolute_percentage_error(actual, predicted),
        }
    )


class Stubborn(DummyRegressor):
    def predict(self, X, return_std=False):
        raise KeyError("shelf")


X, Y = table()
FITTED = one_hot(LinearRegression()).fit(X, Y)
ZONED = X.assign(at=pd.date_range("2024-01-01", periods=ROWS, tz="UTC"))
GAPS = X.assign(kind=X.kind.where(X.index % 9 != 0, None))
IMPUTED = make_column_transformer(
    (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), ["kind"])
)
CONSTANT = make_column_transformer(
    (
        make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), OneHotEncoder(handle_unknown="ignore")),
        ["kind"],
    ),
    remainder="drop",
)
RARE = pd.Series(["x", "x", *"yz" * (ROWS // 2 - 1)])
REFUSED = {
    "not fitted": ((one_hot(LinearRegression()), X, Y), r"the pipeline is not fitted \(LinearRegression is not\); call its fit"),
    "a step only": ((StandardScaler().fit(X[["size"]]), X, Y), "ends in StandardScaler, which is neither a classifier nor"),
    "clusters": ((KMeans(2, n_init=1).fit(X[["size"]]), X[["size"]], Y), "ends in KMeans, which is neither"),
    "a search that was not fitted": (
        (GridSearchCV(LinearRegression(), {"fit_intercept": [True]}), X, Y),
        "GridSearchCV has no best estimator; fit it with refit=True",
    ),
    "predict fails": ((Stubborn().fit(X[["size"]], Y), X[["size"]], Y), r"predict\(X\) fails \(KeyError: .*shelf"),
    "lengths": ((FITTED, X, Y.head(9)), "X has 150 rows and y has 9"),
    "an array": ((FITTED, X.to_numpy(), Y), "X is a ndarray, expected the DataFrame that"),
    "several targets": ((FITTED, X, np.ones((ROWS, 2))), r"y has the shape \(150, 2\), expected one value for each row"),
    "a missing target": ((FITTED, X, Y.where(Y.index > 3)), "y has 4 missing values; leave out such rows"),
    "another column": ((FITTED, X.rename(columns={"size": "sizes"}), Y), "X has no column 'size'; the pipeline was fitted on"),
    "columns without names": (
        (LinearRegression().fit(np.eye(ROWS)[:, :2], Y), pd.DataFrame(np.eye(ROWS)[:, :2]), Y),
        r"a column is called 0, which is no text; use X.columns = X.columns.map\(str\)",
    ),
    "other classes": (
        (LogisticRegression().fit(X[["size"]], Y > 100), X[["size"]], np.where(Y > 100, "yes", "no")),
        "is only in y or only in the pipeline",
    ),
    "a class of two rows": (
        (LogisticRegression(max_iter=500).fit(X[["size"]], RARE), X[["size"]], RARE),
        "the class 'x' has 2 rows, and 3 are needed to measure it",
    ),
    "None where a request has NaN": (
        (make_pipeline(IMPUTED, DecisionTreeRegressor(random_state=0)).fit(GAPS, Y), GAPS, Y),
        r"answers otherwise, or not at all, when the column 'kind' \(object\) comes as a request has it.*fillna\(np.nan\), and",
    ),
    "None of which the class is the same and the probability is not": (
        (make_pipeline(CONSTANT, LogisticRegression(C=1e-4)).fit(GAPS, Y > 100), GAPS, Y > 100),
        r"when the column 'kind' \(object\) comes as a request has it.*X\['kind'\] = X\['kind'\].fillna\(np.nan\), and fit again",
    ),
    "a dtype that the estimator needs": (
        (LGBMRegressor(n_estimators=3, verbose=-1).fit(X.astype({"kind": "category"}), Y), X.astype({"kind": "category"}), Y),
        r"the column 'kind' \(category\) comes as a request has it.*put an encoder before the estimator, and fit again",
    ),
    "a time zone": (
        (DummyRegressor().fit(ZONED, Y), ZONED, Y), r"'at' holds times with a time zone.*before fit\(\), and fit again"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_served_is_refused_in_one_line(given, why):
    with pytest.raises(SlipwayError, match=why) as caught:
        slipway.save(*given, "refused")

    assert "\n" not in str(caught.value)
    assert not any(line.startswith("refused:") for line in store.list_models())


@pytest.mark.parametrize("arguments", [("refused",), (X, Y), (X, Y, "refused", "more")])
def test_a_pipeline_without_its_rows_says_how_to_call_it(arguments):
    with pytest.raises(TrainingError, match=r"a Pipeline is saved by slipway.save\(pipeline, X, y, name\)"):
        slipway.save(FITTED, *arguments)


def test_columns_of_pandas_own_types_are_asked_as_numbers():
    places = pd.Series(range(ROWS))
    rows = pd.DataFrame(
        {
            "whole": (places % 11).astype("Int64").mask(places % 9 == 4),
            "flag": places.mod(2).eq(0),
            "yes": places.mod(3).eq(0).map({True: "yes", False: "no"}),
            "code": (places % 4).astype("category"),
        }
    )
    steps = make_column_transformer(
        (SimpleImputer(add_indicator=True), ["whole"]), (OneHotEncoder(), ["yes", "code"]), remainder="passthrough"
    )
    pipeline = make_pipeline(steps, LinearRegression()).fit(rows, places)

    _, learnt, trained = learn(pipeline, rows, places.astype("Int64"), "typed", None)
    _, parity = compile_and_check(trained.model, learnt)

    kinds = {field.name: (field.kind, field.nullable) for field in learnt.schema.fields}
    assert kinds == {
        "whole": ("integer", True),
        "flag": ("boolean", False),
        "yes": ("category", False),
        "code": ("category", False),
    }
    assert parity.largest < 1e-9


def test_a_name_is_checked_before_anything_else():
    with pytest.raises(SlipwayError, match="not a valid model name"):
        slipway.save(FITTED, X, Y, "Not Valid")


def test_a_pipeline_is_asked_with_what_it_was_fitted_on():
    with pytest.raises(DataError, match="two columns are called 'size'"):
        learn(FITTED, pd.concat([X, X[["size"]]], axis=1), Y, "doubled", None)
