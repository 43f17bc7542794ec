"""Every preprocessing step gives the same result in the graph as PyCaret's own transformer."""

from functools import cache

import category_encoders
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import spox
from imblearn.over_sampling import RandomOverSampler
from lightgbm import LGBMRegressor
from pycaret.internal.pipeline import Pipeline
from pycaret.internal.preprocess.iterative_imputer import IterativeImputer
from pycaret.internal.preprocess.transformers import (
    CleanColumnNames,
    DropImputer,
    EmbedTextFeatures,
    ExtractDateTimeFeatures,
    FixImbalancer,
    GroupFeatures,
    RareCategoryGrouping,
    RemoveMulticollinearity,
    RemoveOutliers,
    TargetTransformer,
    TransformerWrapper,
    TransformerWrapperWithInverse,
)
from scipy import stats
from sklearn import feature_selection, preprocessing
from sklearn.decomposition import PCA, IncrementalPCA, KernelPCA
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.tree import DecisionTreeRegressor

from slipway.compile import CannotCompileError, compile_pipeline
from slipway.compile.steps import normal
from slipway.inference.equality import difference
from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.pipeline_engine import NativeEngine
from slipway.schema.sampling import draw_records
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase

EXACT = 1e-11
ROWS = 160
NUMBERS = ["small", "wide", "skewed", "whole"]
GAPS = ["some", "few"]
TEXTS = ["colour", "city"]


@cache
def table() -> pd.DataFrame:
    """Numbers of several shapes, gaps, text, numbers that are categories, booleans, and an odd name."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "small": rng.uniform(-1, 1, ROWS).round(3),
            "wide": rng.normal(0, 1e6, ROWS),
            "skewed": rng.exponential(3, ROWS).round(1),
            "whole": rng.integers(0, 7, ROWS),
            "some": rng.normal(5, 2, ROWS),
            "few": rng.integers(1, 4, ROWS).astype("float64"),
            "colour": rng.choice(["red", "green", "blue"], ROWS),
            "city": rng.choice(
                ["Bern", "Ulm", "Graz", "Wien", "Köln", "Linz"], ROWS, p=[0.4, 0.3, 0.15, 0.1, 0.03, 0.02]
            ),
            "grade": rng.choice([1, 2, 3, 10], ROWS, p=[0.5, 0.3, 0.18, 0.02]),
            "flag": rng.choice([True, False], ROWS),
            'odd "[name]": β, {x}': rng.normal(size=ROWS),
        }
    )
    frame.loc[rng.choice(ROWS, 20, replace=False), "some"] = np.nan
    frame.loc[rng.choice(ROWS, 12, replace=False), "few"] = np.nan
    frame.loc[rng.choice(ROWS, 15, replace=False), "colour"] = np.nan
    frame.loc[0, "city"] = "Linz"
    frame["y"] = rng.gamma(2.0, 3.0, ROWS) + 4 * frame["small"] + frame["whole"]
    return frame


def learnt_of(names: tuple[str, ...]) -> InferredDataset:
    kinds = {"grade": FieldSpec(kind="category"), "whole": FieldSpec(kind="integer")}
    fields = {name: spec for name, spec in kinds.items() if name in names}
    usecase = UseCase("steps", TargetSpec("y"), task="regression", fields=fields)
    # Kept: the pipelines are fitted on columns of these names.
    return infer_dataset(table()[[*names, "y"]], usecase, "steps", keep=names)


def fitted(learnt: InferredDataset, steps, model=None) -> Pipeline:
    """The steps, each on some columns or all of them, and a model to which every column counts."""
    named = [
        (f"step {i}", step if isinstance(step, TransformerWrapper) else TransformerWrapper(step))
        for i, step in enumerate(steps)
    ]
    pipeline = Pipeline([*named, ("trained_model", model or LinearRegression())])
    pipeline.fit(learnt.inputs.copy(), learnt.target.rename("y"))
    final = pipeline.steps[-1][1]
    if model is None:
        final.coef_ = np.random.default_rng(1).uniform(1, 2, len(final.coef_))
    return pipeline


def compared(pipeline: Pipeline, learnt: InferredDataset, taken) -> np.ndarray:
    """How far the graph is off on rows given as columns."""
    schema = learnt.schema
    graph = compile_pipeline(pipeline, schema, learnt.inputs)
    ours = CompiledEngine(graph.SerializeToString(), schema).predict(taken)
    fitted = NativeEngine(pipeline, schema).predict(taken)
    assert np.isfinite(fitted.values).all()
    return difference(ours, fitted, schema.target)


def records_of(learnt: InferredDataset, count: int = 300) -> list[dict]:
    """Training rows, drawn rows, a row with everything missing that may be, and rows far outside."""
    fields = learnt.schema.fields
    frame = learnt.inputs.astype(object).where(learnt.inputs.notna(), None)
    records = frame.to_dict("records") + draw_records(learnt.schema, count, 3)
    base = records[0]
    records.append(base | {field.name: None for field in fields if field.nullable})
    for name in [field.name for field in fields if field.kind in ("number", "integer")]:
        records += [base | {name: base[name] + shift if base[name] is not None else shift} for shift in (-5000, 4000)]
    return records


def check(names, *steps, model=None, exact: float = EXACT, records=None) -> None:
    learnt = learnt_of(tuple(names))
    pipeline = fitted(learnt, steps, model)
    off = compared(pipeline, learnt, learnt.schema.columns(records or records_of(learnt)))
    assert off.max() <= exact, off.max()


def on(names, transformer) -> TransformerWrapper:
    return TransformerWrapper(transformer, include=list(names))


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_numbers_are_imputed(strategy):
    fill = {"fill_value": -3.5} if strategy == "constant" else {}

    check(["small", *GAPS, "flag"], on(["small", *GAPS], SimpleImputer(strategy=strategy, **fill)))


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
def test_categories_are_imputed(strategy):
    fill = {"fill_value": "none"} if strategy == "constant" else {}
    texts = [*TEXTS, "grade"]
    one_hot = category_encoders.OneHotEncoder(cols=texts, use_cat_names=True, handle_missing="return_nan")

    check([*texts, "small"], on(texts, SimpleImputer(strategy=strategy, **fill)), on(texts, one_hot))


@pytest.mark.parametrize(
    ("imputer", "reason"),
    [(KNNImputer(), "partition"), (DropImputer(columns=["small", "some"]), "they have no prediction")],
)
def test_imputers_that_cannot_be_exact_are_refused_only_where_values_may_be_missing(imputer, reason):
    filled = learnt_of(("small", "some", "wide"))
    filled.inputs["some"] = filled.inputs["some"].fillna(0)
    complete = infer_dataset(filled.inputs.assign(y=filled.target), UseCase("steps", TargetSpec("y")), "steps")
    pipeline = fitted(complete, [imputer])

    assert compared(pipeline, complete, complete.schema.columns(records_of(complete))).max() <= EXACT
    with pytest.raises(CannotCompileError, match=reason):
        compile_pipeline(pipeline, filled.schema, filled.inputs)


def iterative(model, **options) -> IterativeImputer:
    return IterativeImputer(
        num_estimator=model, skip_complete=True, max_iter=3, random_state=1, **{"categorical_indices": []} | options
    )


@pytest.mark.parametrize("model", [LGBMRegressor(n_estimators=8, verbose=-1, n_jobs=1), LinearRegression()], ids=str)
def test_gaps_are_predicted_in_rounds(model):
    check(["small", "skewed", *GAPS, "flag"], iterative(model))
    check(["small", "skewed"], iterative(model))


def test_iterative_imputation_among_categories_is_refused():
    imputer = iterative(
        LinearRegression(), categorical_indices=[1], num_estimator_prepare_for_categoricals_type="ordinal"
    )
    with pytest.raises(CannotCompileError, match="shifts their columns by one"):
        check(["some", "colour", "few"], imputer, on(["colour"], category_encoders.OrdinalEncoder(cols=["colour"])))


IMPUTED_COLOUR = on(["colour"], SimpleImputer(strategy="most_frequent"))
COLOUR = on(["colour"], category_encoders.OneHotEncoder(cols=["colour"], use_cat_names=True))
IMPUTED = on(TEXTS, SimpleImputer(strategy="most_frequent"))


@pytest.mark.parametrize("name", sorted(set(category_encoders.__all__) - {"HashingEncoder", "GLMMEncoder"}))
def test_every_encoder_is_tabulated(name):
    columns = [*TEXTS, "grade"]
    target = (table()["y"] > table()["y"].median()).astype("int64")
    encoder = getattr(category_encoders, name)(cols=columns)
    learnt = learnt_of((*columns, "small"))
    if name == "WOEEncoder":
        learnt = InferredDataset(learnt.schema, learnt.inputs, target, {})
    pipeline = fitted(learnt, [IMPUTED, on(columns, encoder)])

    assert compared(pipeline, learnt, learnt.schema.columns(records_of(learnt))).max() <= EXACT


def test_an_encoder_that_mixes_columns_is_refused():
    with pytest.raises(CannotCompileError, match="depends on several inputs: colour, city"):
        check(TEXTS, IMPUTED, on(TEXTS, category_encoders.HashingEncoder(max_process=1)))


def test_pycarets_own_encoding_with_rare_and_missing_categories():
    ordinal = category_encoders.OrdinalEncoder(
        mapping=[{"col": "colour", "mapping": {"red": 0, "blue": 1, "green": 2, np.nan: -1}}],
        cols=["colour"],
        handle_missing="return_nan",
        handle_unknown="value",
    )
    one_hot = category_encoders.OneHotEncoder(
        cols=["grade"], use_cat_names=True, handle_missing="return_nan", handle_unknown="value"
    )
    target = category_encoders.TargetEncoder(handle_missing="return_nan", handle_unknown="value")

    check(
        [*TEXTS, "grade", "flag", "small"],
        on([*TEXTS, "grade"], RareCategoryGrouping(0.1, "rare")),
        on(["colour"], ordinal),
        on(["grade"], one_hot),
        on(["city"], target),
        model=DecisionTreeRegressor(random_state=0),
        exact=0.0,
    )


SCALERS = [
    preprocessing.StandardScaler(),
    preprocessing.StandardScaler(with_mean=False),
    preprocessing.MinMaxScaler(),
    preprocessing.MinMaxScaler((-1, 2), clip=True),
    preprocessing.MaxAbsScaler(),
    preprocessing.RobustScaler(),
    preprocessing.PowerTransformer(standardize=False),
    preprocessing.PowerTransformer(),
    preprocessing.QuantileTransformer(n_quantiles=ROWS, output_distribution="normal"),
    preprocessing.QuantileTransformer(n_quantiles=20, output_distribution="uniform"),
]


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_numbers_are_scaled_and_categories_with_them(scaler):
    one_hot = category_encoders.OneHotEncoder(cols=["city", "grade"], use_cat_names=True)

    check(["city", *NUMBERS, "grade", "flag"], on(["city", "grade"], one_hot), scaler)


@pytest.mark.parametrize("scaler", SCALERS[:6], ids=str)
def test_a_single_number_is_scaled_in_double(scaler):
    check(["skewed"], scaler)
    check(["skewed"], PCA(1, whiten=True), scaler)


@pytest.mark.parametrize("scaler", SCALERS[6:], ids=str)
def test_missing_values_go_through_and_reach_a_tree(scaler):
    tree = DecisionTreeRegressor(random_state=0)

    check(["small", *GAPS], scaler, model=tree, exact=0.0)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("count", [7, ROWS])
def test_quantiles_and_their_neighbours(distribution, count):
    quantile = preprocessing.QuantileTransformer(n_quantiles=count, output_distribution=distribution)
    names = ["skewed", "small"]
    values = fitted(learnt_of(tuple(names)), [quantile]).steps[0][1].transformer.quantiles_
    records = [
        dict(zip(names, map(float, row), strict=True))
        for edges in (values, values - 1e-7, values + 1e-7)
        for edges in (edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf))
        for row in edges
    ]

    check(names, quantile, records=records)


@pytest.mark.parametrize("strategy", ["kmeans", "quantile", "uniform"])
def test_bins_to_the_neighbours_of_their_edges(strategy):
    names = ["skewed", "wide", "whole"]
    bins = preprocessing.KBinsDiscretizer(encode="ordinal", strategy=strategy, n_bins=5)
    edges = np.array(fitted(learnt_of(tuple(names)), [bins]).steps[0][1].transformer.bin_edges_[:2].tolist())
    records = [
        {"skewed": float(row[0]), "wide": float(row[1]), "whole": 3}
        for around in (edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf))
        for row in around.T
    ]

    check(names, bins, records=records)
    check(names, bins)


@pytest.mark.parametrize("exponent", [-1.5, 0.0, 0.7, 2.0, 3.0])
def test_every_exponent_of_yeo_johnson(exponent):
    learnt = learnt_of(("small", "wide", "skewed"))
    pipeline = fitted(learnt, [preprocessing.PowerTransformer(standardize=False)])
    pipeline.steps[0][1].transformer.lambdas_[:] = exponent

    assert compared(pipeline, learnt, learnt.schema.columns(records_of(learnt))).max() <= EXACT


@pytest.mark.parametrize("model", [None, DecisionTreeRegressor(random_state=0)])
@pytest.mark.parametrize(
    "estimator",
    [
        preprocessing.PowerTransformer(standardize=False),
        preprocessing.PowerTransformer(),
        preprocessing.QuantileTransformer(n_quantiles=ROWS, output_distribution="normal"),
        preprocessing.QuantileTransformer(n_quantiles=ROWS),
    ],
    ids=str,
)
def test_the_target_is_transformed_back(estimator, model):
    back = TransformerWrapperWithInverse(TargetTransformer(estimator))
    learnt = learnt_of(("small", "whole"))
    pipeline = fitted(learnt, [back], model or LinearRegression())
    if model is None:
        pipeline.steps[-1][1].coef_ *= 3
        # Whole has the values 0 to 6: from one end of the target to the other, and beyond.
        pipeline.steps[-1][1].coef_[1] = 2.0
        pipeline.steps[-1][1].intercept_ = -6.0
    native = NativeEngine(pipeline, learnt.schema)
    records = [record for record in records_of(learnt) if abs(record["whole"]) < 50]
    taken = learnt.schema.columns(records)
    there = np.isfinite(native.predict(taken).values)
    taken = {name: column[there] for name, column in taken.items()}

    assert there.mean() > 0.5
    assert compared(pipeline, learnt, taken).max() <= EXACT


@pytest.mark.parametrize("exponent", [-0.5, 0.0, 2.0, 2.5])
def test_every_exponent_backwards(exponent):
    back = TransformerWrapperWithInverse(TargetTransformer(preprocessing.PowerTransformer(standardize=False)))
    learnt = learnt_of(("small",))
    pipeline = fitted(learnt, [back])
    pipeline.steps[0][1].transformer.estimator.lambdas_[:] = exponent
    pipeline.steps[-1][1].coef_[:], pipeline.steps[-1][1].intercept_ = 0.3, 0.0
    taken = {"small": np.linspace(-1, 1, 50)}

    assert compared(pipeline, learnt, taken).max() <= EXACT


@pytest.mark.parametrize(
    "options", [{}, {"degree": 3}, {"interaction_only": True}, {"degree": (2, 3), "include_bias": True}]
)
def test_polynomials(options):
    step = preprocessing.PolynomialFeatures(**{"include_bias": False} | options)

    check(["small", "skewed", "colour", "flag"], IMPUTED_COLOUR, COLOUR, step)


@pytest.mark.parametrize("drop", [True, False])
def test_groups(drop):
    groups = {"even": ["small", "whole", "skewed", "few"], "odd": ["small", "few", "whole"], "one": ["skewed"]}
    if drop:
        groups = {"odd": groups["odd"]}

    check(
        ["small", "whole", "skewed", "few", "wide"],
        on(["few"], SimpleImputer()),
        GroupFeatures(groups, drop_groups=drop),
    )


def test_the_mode_of_a_group_is_the_smallest_of_the_most_frequent():
    records = [
        {"skewed": float(a), "few": float(b), "small": float(c), "whole": d}
        for a in (0, 1)
        for b in (1, 2)
        for c in (0.0, 0.5)
        for d in (0, 1, 2)
    ]

    check(
        ["skewed", "few", "small", "whole"],
        on(["few"], SimpleImputer()),
        GroupFeatures({"g": ["skewed", "few", "small", "whole"]}, drop_groups=True),
        records=records,
    )


def test_a_group_with_missing_values_is_refused():
    with pytest.raises(CannotCompileError, match="'g' may have missing values"):
        check(["small", "some"], GroupFeatures({"g": ["small", "some"]}), model=DecisionTreeRegressor())


@pytest.mark.parametrize(
    "selector",
    [
        RemoveMulticollinearity(0.3),
        feature_selection.VarianceThreshold(0.5),
        feature_selection.SelectKBest(feature_selection.f_regression, k=2),
        feature_selection.SelectFromModel(Lasso(), threshold=-np.inf, max_features=2),
        feature_selection.SequentialFeatureSelector(LinearRegression(), n_features_to_select=2, cv=2),
    ],
    ids=lambda selector: type(selector).__name__,
)
def test_selection(selector):
    check(["colour", *NUMBERS, "flag"], IMPUTED_COLOUR, COLOUR, TransformerWrapper(selector, exclude=["whole"]))


def test_names_are_cleaned():
    odd = table().columns[10]

    check([odd, "small"], CleanColumnNames(), preprocessing.StandardScaler())


@pytest.mark.parametrize(
    "pca",
    [PCA(2), PCA(3, whiten=True), IncrementalPCA(2), KernelPCA(2, kernel="rbf"), KernelPCA(5, kernel="rbf", gamma=0.2)],
)
def test_components(pca):
    exact = 1e-9 if isinstance(pca, KernelPCA) else EXACT  # distances cancel

    check([*NUMBERS, "flag"], preprocessing.StandardScaler(), TransformerWrapper(pca, exclude=["small"]), exact=exact)


@pytest.mark.parametrize("standardize", [True, False])
def test_box_cox(standardize):
    learnt = learnt_of(("skewed", "whole"))
    learnt.inputs["skewed"] += 1
    learnt.inputs["whole"] += 1
    step = preprocessing.PowerTransformer(method="box-cox", standardize=standardize)
    taken = {name: learnt.inputs[name].to_numpy("float64") for name in learnt.inputs}

    assert compared(fitted(learnt, [step]), learnt, taken).max() < EXACT


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (KernelPCA(2, kernel="poly"), "kernel='poly'"),
        (preprocessing.KBinsDiscretizer(encode="onehot-dense"), "onehot-dense"),
        (preprocessing.Normalizer(), "step 'step 0': no converter for Normalizer"),
    ],
)
def test_what_has_no_converter_is_named(step, text):
    learnt = learnt_of(("skewed", "whole"))
    learnt.inputs["skewed"] += 1
    learnt.inputs["whole"] += 1

    with pytest.raises(CannotCompileError, match=text):
        compile_pipeline(fitted(learnt, [step], LinearRegression()), learnt.schema, learnt.inputs)


def test_free_text_is_refused():
    columns = table()[["small", "city", "y"]]
    usecase = UseCase("text", TargetSpec("y"), task="regression", fields={"city": FieldSpec(kind="text")})
    learnt = infer_dataset(columns, usecase, "text")

    with pytest.raises(CannotCompileError, match="'city' is free text"):
        compile_pipeline(fitted(learnt, [on(["city"], EmbedTextFeatures())]), learnt.schema, learnt.inputs)


def test_steps_used_only_in_training_leave_nothing_in_the_graph():
    learnt = learnt_of(("small", "wide"))
    outliers = fitted(learnt, [RemoveOutliers()])
    assert compared(outliers, learnt, learnt.schema.columns(records_of(learnt))).max() <= EXACT
    balanced = InferredDataset(learnt.schema, learnt.inputs, (learnt.target > 5).astype("int64"), {})
    pipeline = fitted(balanced, [FixImbalancer(RandomOverSampler(random_state=0))])
    assert compared(pipeline, balanced, learnt.schema.columns(records_of(learnt))).max() <= EXACT


# Of every kind of day: ends of months, leap days, centuries, before 1970, and both ends of pandas' dates.
DAYS = [
    *("1677-09-22", "1678-01-01", "1699-12-31", "1700-02-28", "1700-03-01", "1799-12-31", "1800-02-28", "1800-03-01"),
    *("1900-02-28", "1900-03-01", "1904-02-29", "1969-12-31", "1970-01-01", "1970-02-28", "1999-12-31", "2000-01-01"),
    *("2000-02-28", "2000-02-29", "2000-03-01", "2000-12-31", "2023-02-28", "2023-03-31", "2024-02-29", "2024-12-30"),
    *("2024-12-31", "2100-02-28", "2100-03-01", "2200-02-28", "2262-04-11"),
]
FEATURES = [
    *("day", "month", "year", "quarter", "dayofyear", "weekday", "dayofweek", "hour", "minute", "second"),
    *("days_in_month", "is_leap_year", "is_month_start", "is_month_end", "is_quarter_end", "is_year_start"),
]


def dated(missing: int) -> InferredDataset:
    rng = np.random.default_rng(2)
    days = pd.to_datetime(np.array(DAYS * 4)).to_series(index=range(len(DAYS) * 4))
    other = pd.Series(pd.Timestamp("1890-01-01") + pd.to_timedelta(rng.integers(0, 80_000, len(days)), unit="D"))
    other[rng.choice(len(days), missing, replace=False)] = pd.NaT
    table = pd.DataFrame(
        {"born": days, "x": rng.normal(size=len(days)), "seen": other, "y": rng.normal(size=len(days))}
    )
    return infer_dataset(table, UseCase("dates", TargetSpec("y"), task="regression"), "dates")


@pytest.mark.parametrize("features", [["day", "month", "year"], ["year"], ["dayofyear"], ["second"], FEATURES], ids=str)
def test_features_of_dates(features):
    learnt = dated(0)
    pipeline = fitted(learnt, [on(["born", "seen"], ExtractDateTimeFeatures(features))])
    rng = np.random.default_rng(5)
    low, high = (day.timestamp() for day in (pd.Timestamp("1677-09-22"), pd.Timestamp("2262-04-10")))
    days = np.arange(low, high, 86_400 * 5)
    # Further from 1970 pandas loses part of a second between float64 and its nanoseconds.
    seconds = np.floor(rng.uniform(-(2.0**32), 2.0**32, len(days)))
    taken = {"born": days, "x": np.zeros(len(days)), "seen": seconds}

    assert compared(pipeline, learnt, taken).max() <= EXACT
    assert compared(pipeline, learnt, learnt.schema.columns(records_of_dates(learnt))).max() <= EXACT


def records_of_dates(learnt: InferredDataset) -> list[dict]:
    frame = learnt.inputs.assign(born=learnt.inputs["born"].dt.strftime("%Y-%m-%d"))
    return frame.assign(seen=learnt.inputs["seen"].dt.strftime("%Y-%m-%d")).to_dict("records")


@pytest.mark.parametrize("features", [["day", "month", "year"], ["weekday", "hour"]], ids=str)
def test_a_missing_date_has_missing_features(features):
    learnt = dated(9)
    tree = DecisionTreeRegressor(random_state=0, max_depth=12)
    pipeline = fitted(learnt, [on(["born", "seen"], ExtractDateTimeFeatures(features))], tree)
    records = [
        record | ({"seen": None} if record["seen"] != record["seen"] else {}) for record in records_of_dates(learnt)
    ]

    assert compared(pipeline, learnt, learnt.schema.columns(records)).max() == 0


def test_a_date_feature_that_is_not_numeric_is_named():
    learnt = dated(0)
    with pytest.raises(CannotCompileError, match="nanosecond"):
        compile_pipeline(
            fitted(learnt, [on(["born", "seen"], ExtractDateTimeFeatures(["nanosecond"]))]),
            learnt.schema,
            learnt.inputs,
        )


def test_the_normal_distribution_is_that_of_scipy():
    x = spox.argument(spox.Tensor(np.float64, ("n",)))

    def run(convert, values):
        model = spox.build({"x": x}, {"y": convert(x)}).SerializeToString()
        return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"x": values})[0]

    values = np.linspace(-5.5, 5.5, 20_011)
    np.testing.assert_allclose(run(normal.cdf, values), stats.norm.cdf(values), rtol=1e-13, atol=1e-17)
    shares = np.concatenate([np.geomspace(1e-11, 0.5, 9999), 1 - np.geomspace(1e-9, 0.5, 9999)])
    np.testing.assert_allclose(run(normal.ppf, shares), stats.norm.ppf(shares), rtol=2e-14, atol=1e-15)
