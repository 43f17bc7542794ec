"""Steps of scikit-learn that choose, join and compute columns: the graph makes of them what the fitted step makes."""

import re

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import spox
from sklearn import feature_selection
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    PolynomialFeatures,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from slipway.compile.errors import CannotCompileError
from slipway.compile.fields_of import columns_used
from slipway.compile.plain import transformed
from slipway.compile.steps.functions import FUNCTIONS
from slipway.compile.table import Table, split
from slipway.inference.onnx_engine import FLOAT32_OR_WRONG

NAMES = ["a", "b", "c", "d"]
ROWS = 120


def numbers(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.uniform(0.1, 9, (ROWS, 4)), columns=NAMES)


def made(step, frame: pd.DataFrame) -> np.ndarray:
    """What the graph makes of numbers."""
    inputs = spox.argument(spox.Tensor(np.float64, ("n", len(NAMES))))
    table = transformed(step, Table(split(inputs, NAMES)))
    graph = spox.build({"inputs": inputs}, {"outputs": table.matrix()}).SerializeToString()
    session = onnxruntime.InferenceSession(
        graph, providers=["CPUExecutionProvider"], disabled_optimizers=FLOAT32_OR_WRONG
    )
    return session.run(None, {"inputs": frame.to_numpy("float64")})[0]


def check(step, rows: pd.DataFrame | None = None, frame: pd.DataFrame | None = None) -> None:
    frame = numbers() if frame is None else frame
    target = frame.fillna(0).sum(axis=1) + frame["b"].fillna(0) ** 2
    fitted = step.fit(frame, target)
    rows = pd.concat([frame, numbers(1) if rows is None else rows], ignore_index=True)

    wanted = fitted.transform(rows)
    wanted = wanted.toarray() if hasattr(wanted, "toarray") else np.asarray(wanted, dtype="float64")
    ours = made(fitted, rows)

    assert ours.shape == wanted.shape
    assert np.array_equal(np.isnan(ours), np.isnan(wanted))
    assert np.nanmax(np.abs(ours - wanted) / np.maximum(1, np.abs(wanted))) < 1e-12


CHOSEN = {
    "names": ["c", "a"],
    "places": [3, -4],
    "a slice of places": slice(1, 3),
    "a slice of names": slice("b", "d"),
    "a mask": [True, False, False, True],
    "none": [],
    "a function": lambda frame: ["d"],
}


def named(value: object) -> str:
    """What a test is called by: without addresses, which are others in each process."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


@pytest.mark.parametrize("chosen", CHOSEN.values(), ids=CHOSEN.keys())
@pytest.mark.parametrize("remainder", ["drop", "passthrough", MinMaxScaler()], ids=repr)
def test_columns_are_chosen_as_they_were_named(chosen, remainder):
    check(ColumnTransformer([("one", StandardScaler(), chosen), ("other", RobustScaler(), ["b"])], remainder=remainder))


def test_columns_may_be_chosen_twice_weighted_and_dropped():
    parts = [("x", StandardScaler(), ["a", "b"]), ("y", "passthrough", ["b"]), ("z", "drop", ["c"])]

    check(ColumnTransformer(parts, transformer_weights={"x": 3.0, "y": -0.5}))


def test_pipelines_and_unions_inside_each_other():
    inner = ColumnTransformer([("p", PolynomialFeatures(2), ["a", "b"])], remainder=StandardScaler())
    union = FeatureUnion(
        [("inner", inner), ("same", "passthrough"), ("not", "drop")], transformer_weights={"same": 2.0}
    )

    check(Pipeline([("union", union), ("none", "passthrough"), ("scale", MinMaxScaler())]))
    check(make_pipeline(StandardScaler().set_output(transform="pandas"), inner))


@pytest.mark.parametrize(
    "selector",
    [
        feature_selection.SelectKBest(feature_selection.f_regression, k=2),
        feature_selection.SelectPercentile(feature_selection.f_regression, percentile=50),
        feature_selection.SelectFpr(feature_selection.f_regression),
        feature_selection.RFE(LinearRegression(), n_features_to_select=2),
        feature_selection.SelectFromModel(Lasso(), threshold=-np.inf, max_features=2),
        feature_selection.VarianceThreshold(),
    ],
    ids=named,
)
def test_selections(selector):
    check(make_pipeline(StandardScaler(), selector))


@pytest.mark.parametrize("extrapolation", ["constant", "linear", "continue", "periodic", "error"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_splines(extrapolation, degree):
    if degree < 2 and extrapolation in ("constant", "linear")[degree:]:
        return  # scikit-learn 1.4 fails itself, or takes other ends for each column
    outside = (
        numbers().iloc[:20]
        if extrapolation == "error"
        else pd.DataFrame(np.linspace(-30, 40, 280).reshape(-1, 4), columns=NAMES)
    )

    check(SplineTransformer(5, degree=degree, extrapolation=extrapolation), outside)


@pytest.mark.parametrize("options", [{"knots": "quantile"}, {"include_bias": False}, {"sparse_output": True}], ids=str)
def test_other_splines(options):
    check(SplineTransformer(4, **options), pd.DataFrame(np.linspace(-3, 12, 80).reshape(-1, 4), columns=NAMES))


@pytest.mark.parametrize("encode", ["ordinal", "onehot", "onehot-dense"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
def test_bins(encode, strategy):
    bins = KBinsDiscretizer([3, 4, 2, 5], encode=encode, strategy=strategy, subsample=None, random_state=0)
    edges = pd.DataFrame(np.linspace(-3, 12, 80).reshape(-1, 4), columns=NAMES)

    check(bins, edges)


@pytest.mark.parametrize("function", [function for function in FUNCTIONS if function], ids=lambda one: one.__name__)
def test_functions_of_numpy(function):
    check(FunctionTransformer(function))


def test_marks_for_missing_values_come_after_the_columns():
    frame = numbers().mask(np.random.default_rng(2).random((ROWS, 4)) < [0.3, 0, 0.1, 0])

    check(SimpleImputer(strategy="median", add_indicator=True), numbers(1).assign(b=1.0), frame)


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (
            SplineTransformer(4, degree=1, extrapolation="linear"),
            "several columns with extrapolation='linear' and degree=1",
        ),
        (Normalizer(), "no converter for Normalizer"),
        (OneHotEncoder(handle_unknown="ignore"), "OneHotEncoder of numbers that are computed before it"),
        (FunctionTransformer(np.clip, kw_args={"a_min": 0, "a_max": 1}), "FunctionTransformer with clip"),
        (FunctionTransformer(np.log1p, kw_args={"where": True}), "FunctionTransformer with log1p"),
        (make_pipeline(StandardScaler(), Normalizer()), "step 'normalizer': no converter for Normalizer"),
    ],
    ids=named,
)
def test_what_has_no_graph_is_named(step, why):
    with pytest.raises(CannotCompileError, match=why):
        made(step.fit(numbers()), numbers())


def test_which_columns_are_used_and_how():
    frame = numbers().assign(text="x", rest=1.0)
    step = ColumnTransformer(
        [
            ("codes", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()), ["a"]),
            ("logs", FunctionTransformer(np.log), ["b"]),
            ("drop", "drop", ["c"]),
            ("text", OneHotEncoder(), ["text"]),
        ]
    )
    target = frame["a"] * 2

    use = columns_used(make_pipeline(step, LinearRegression()).fit(frame, target), list(frame.columns))

    assert use.used == {"a", "b", "text"} and use.encoded == {"a", "text"} and set(use.lowest) == {"b"}


def test_where_columns_are_chosen_by_place_all_are_used():
    step = ColumnTransformer([("one", StandardScaler(), [1])])

    use = columns_used(make_pipeline(step, LinearRegression()).fit(numbers(), numbers()["a"]), NAMES)

    assert use.used == set(NAMES)
