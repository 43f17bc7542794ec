"""`slipway.save(pipeline, X, y, name)`: pipelines as in scikit-learn's examples and in public notebooks, on made data of that shape."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import RandomOverSampler
from imblearn.pipeline import make_pipeline as imblearn_pipeline
from lightgbm import LGBMClassifier
from sklearn import ensemble, feature_selection, linear_model, preprocessing
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVR, LinearSVC
from threadpoolctl import threadpool_limits

from slipway.compile import CannotCompileError, compile_and_check
from slipway.publish.estimator import learn

ROWS = 240


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """On a busy machine the threads of histogram boosting wait for each other longer than they work."""
    with threadpool_limits(1):
        yield


def gaps(column: pd.Series, share: float, seed: int) -> pd.Series:
    return column.mask(np.random.default_rng(seed).random(len(column)) < share)


@cache
def titanic() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(1)
    X = pd.DataFrame(
        {
            "Pclass": rng.choice([1, 2, 3], ROWS, p=[0.25, 0.2, 0.55]),
            "Name": [f"Passenger {place}" for place in range(ROWS)],
            "Sex": rng.choice(["male", "female"], ROWS),
            "Age": gaps(pd.Series(rng.gamma(6, 5, ROWS).round(1)), 0.2, 2),
            "SibSp": rng.poisson(0.5, ROWS),
            "Parch": rng.poisson(0.4, ROWS),
            "Fare": rng.exponential(32, ROWS).round(4),
            "Embarked": gaps(pd.Series(rng.choice(["S", "C", "Q"], ROWS)), 0.02, 3),
        }
    )
    score = 2.5 * (X.Sex == "female") - 0.8 * X.Pclass + X.Fare / 60 + rng.normal(size=ROWS)
    return X, (score > 0).astype(int).rename("Survived")


@cache
def ames() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(2)
    X = pd.DataFrame(
        {
            "GrLivArea": rng.normal(1500, 450, ROWS).clip(400).round(),
            "LotArea": rng.lognormal(9.1, 0.5, ROWS).round(),
            "LotFrontage": gaps(pd.Series(rng.normal(70, 20, ROWS).round()), 0.18, 4),
            "OverallQual": rng.integers(2, 11, ROWS),
            "YearBuilt": rng.integers(1900, 2011, ROWS),
            "Neighborhood": rng.choice(["NAmes", "CollgCr", "OldTown", "Edwards", "Somerst"], ROWS),
            "GarageType": gaps(pd.Series(rng.choice(["Attchd", "Detchd", "BuiltIn"], ROWS)), 0.06, 5),
            "CentralAir": rng.choice(["Y", "N"], ROWS, p=[0.9, 0.1]),
        }
    )
    log = 11 + 0.0003 * X.GrLivArea + 0.09 * X.OverallQual + 0.1 * (X.Neighborhood == "Somerst")
    return X, np.exp(log + rng.normal(0, 0.1, ROWS)).round().rename("SalePrice")


@cache
def adult() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(3)
    X = pd.DataFrame(
        {
            "age": rng.integers(17, 80, ROWS),
            "workclass": gaps(pd.Series(rng.choice(["Private", "Self-emp", "Local-gov"], ROWS)), 0.06, 6),
            "education": rng.choice(["HS-grad", "Some-college", "Bachelors", "Masters"], ROWS),
            "marital-status": rng.choice(["Married", "Never-married", "Divorced"], ROWS),
            "sex": rng.choice(["Male", "Female"], ROWS),
            "capital-gain": np.where(rng.random(ROWS) < 0.1, rng.integers(100, 9000, ROWS), 0),
            "hours-per-week": rng.integers(10, 70, ROWS),
        }
    )
    score = X.age / 30 + X.education.isin(["Bachelors", "Masters"]) + (X["marital-status"] == "Married")
    score += X["hours-per-week"] / 40 + rng.normal(0, 0.6, ROWS)
    return X, pd.Series(np.where(score > 3.5, ">50K", "<=50K"), name="class")


@cache
def bikes() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(4)
    X = pd.DataFrame(
        {
            "season": rng.choice(["spring", "summer", "fall", "winter"], ROWS),
            "month": rng.integers(1, 13, ROWS),
            "hour": rng.integers(0, 24, ROWS),
            "holiday": rng.choice(["True", "False"], ROWS, p=[0.1, 0.9]),
            "weekday": rng.integers(0, 7, ROWS),
            "weather": rng.choice(["clear", "misty", "rain"], ROWS, p=[0.6, 0.3, 0.1]),
            "temp": rng.normal(20, 8, ROWS).round(2),
            "humidity": rng.uniform(0.2, 1, ROWS).round(2),
        }
    )
    mean = np.exp(2 + 0.03 * X.temp + np.sin((X.hour - 8) * np.pi / 12) - (X.weather == "rain"))
    return X, pd.Series(rng.poisson(mean) + 1.0, name="count")


@cache
def california() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(5)
    X = pd.DataFrame(
        {
            "MedInc": rng.gamma(4, 1, ROWS),
            "HouseAge": rng.integers(1, 53, ROWS).astype(float),
            "AveRooms": rng.gamma(20, 0.27, ROWS),
            "Population": rng.lognormal(7, 0.7, ROWS).round(),
            "Latitude": rng.uniform(32.5, 42, ROWS).round(2),
            "Longitude": rng.uniform(-124, -114, ROWS).round(2),
        }
    )
    y = 0.5 * X.MedInc + 0.01 * X.HouseAge - 0.1 * (X.Latitude - 36) + rng.normal(0, 0.3, ROWS)
    return X, y.clip(0.15, 5).rename("MedHouseVal")


@cache
def penguins() -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(6)
    place = rng.integers(0, 3, ROWS)
    X = pd.DataFrame(
        {
            "island": np.where(place == 2, "Biscoe", rng.choice(["Dream", "Torgersen"], ROWS)),
            "bill_length_mm": gaps(pd.Series(rng.normal(39 + 5 * place, 2.5).round(1)), 0.02, 7),
            "flipper_length_mm": gaps(pd.Series(rng.normal(190 + 13 * place, 6).round()), 0.02, 8),
            "body_mass_g": rng.normal(3700 + 600 * place, 300).round(-1),
            "sex": gaps(pd.Series(rng.choice(["MALE", "FEMALE"], ROWS)), 0.04, 9),
        }
    )
    return X, pd.Series(np.array(["Adelie", "Chinstrap", "Gentoo"])[place], name="species")


def numbers(*steps):
    return make_pipeline(SimpleImputer(strategy="median"), *steps)


def texts(encoder=None):
    return make_pipeline(SimpleImputer(strategy="most_frequent"), encoder or OneHotEncoder(handle_unknown="ignore"))


def of_passengers(*steps):
    return ColumnTransformer(
        [
            ("num", numbers(*steps or [StandardScaler()]), ["Age", "Fare"]),
            ("cat", texts(), ["Embarked", "Sex", "Pclass"]),
        ]
    )


NUMERIC = make_column_selector(dtype_include=np.number)
TEXTUAL = make_column_selector(dtype_include=object)


def by_dtype(numeric, textual, **options):
    return make_column_transformer((numeric, NUMERIC), (textual, TEXTUAL), **options)


def ordinal():
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def periodic(period, count):
    knots = np.linspace(0, period, count + 1).reshape(-1, 1)
    return preprocessing.SplineTransformer(degree=3, knots=knots, n_knots=count + 1, extrapolation="periodic")


def category_dtype():
    X, y = adult()
    return X.astype({name: "category" for name in X.select_dtypes(object)}), y


RIDGE = linear_model.Ridge()
TREES = {"n_estimators": 15, "random_state": 0}
COMPILED = {
    "titanic, scikit-learn's example of mixed types": (
        titanic,
        make_pipeline(of_passengers(), feature_selection.SelectPercentile(percentile=60), linear_model.LogisticRegression()),
    ),
    "titanic, a forest over ordinal codes": (
        titanic,
        make_pipeline(
            make_column_transformer(
                (numbers(), ["Age", "Fare", "SibSp", "Parch"]), (texts(ordinal()), ["Sex", "Embarked"]), ("passthrough", ["Pclass"])
            ),
            ensemble.RandomForestClassifier(**TREES),
        ),
    ),
    "titanic, three pipelines vote": (
        titanic,
        ensemble.VotingClassifier(
            [
                ("lr", make_pipeline(of_passengers(), linear_model.LogisticRegression())),
                ("et", make_pipeline(of_passengers(), ensemble.ExtraTreesClassifier(**TREES))),
                ("gb", make_pipeline(of_passengers(), ensemble.GradientBoostingClassifier(**TREES))),
            ],
            voting="soft",
        ),
    ),
    "titanic, a grid search": (
        titanic,
        GridSearchCV(
            Pipeline([("prep", of_passengers()), ("model", linear_model.LogisticRegression())]),
            {"prep__num__simpleimputer__strategy": ["mean", "median"], "model__C": [0.1, 1]},
            cv=2,
        ),
    ),
    "ames, the logarithm of the price": (
        ames,
        TransformedTargetRegressor(
            make_pipeline(by_dtype(numbers(StandardScaler()), texts()), linear_model.RidgeCV()), func=np.log1p, inverse_func=np.expm1
        ),
    ),
    "ames, categories in histogram boosting": (
        ames,
        make_pipeline(
            make_column_transformer(
                (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), TEXTUAL),
                remainder="passthrough",
            ),
            ensemble.HistGradientBoostingRegressor(categorical_features=range(3), max_iter=15, random_state=0),
        ),
    ),
    "ames, stacked linear and tree models": (
        ames,
        ensemble.StackingRegressor(
            [
                ("lasso", make_pipeline(by_dtype(numbers(StandardScaler()), texts()), linear_model.LassoCV(cv=3))),
                ("forest", make_pipeline(by_dtype(numbers(), texts(ordinal())), ensemble.RandomForestRegressor(**TREES))),
                ("boost", make_pipeline(by_dtype(numbers(), texts(ordinal())), ensemble.HistGradientBoostingRegressor(max_iter=10))),
            ],
            final_estimator=linear_model.RidgeCV(),
            cv=2,
        ),
    ),
    "ames, skewed numbers by their logarithms": (
        ames,
        make_pipeline(
            make_column_transformer(
                (make_pipeline(FunctionTransformer(np.log1p), StandardScaler()), ["GrLivArea", "LotArea"]),
                (numbers(preprocessing.RobustScaler()), ["LotFrontage", "OverallQual"]),
                (OneHotEncoder(drop="if_binary", sparse_output=False), ["CentralAir", "Neighborhood"]),
            ),
            linear_model.ElasticNet(alpha=10),
        ),
    ),
    "adult, columns of the dtype category": (
        category_dtype,
        ensemble.HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=10, random_state=0),
    ),
    "adult, LightGBM": (
        adult,
        make_pipeline(by_dtype("passthrough", texts()), LGBMClassifier(n_estimators=15, verbose=-1)),
    ),
    "adult, oversampled by imbalanced-learn": (
        adult,
        imblearn_pipeline(
            by_dtype(StandardScaler(), texts()),
            RandomOverSampler(random_state=0),
            linear_model.LogisticRegressionCV(Cs=3, cv=2),
        ),
    ),
    "adult, target encoding": (
        adult,
        make_pipeline(
            by_dtype(StandardScaler(), preprocessing.TargetEncoder(cv=2, random_state=0)), linear_model.SGDClassifier(loss="modified_huber", random_state=0)
        ),
    ),
    "bikes, hours and months as periodic splines": (
        bikes,
        make_pipeline(
            ColumnTransformer(
                [
                    ("categorical", OneHotEncoder(handle_unknown="ignore"), ["season", "weather", "holiday", "weekday"]),
                    ("month", periodic(12, 6), ["month"]),
                    ("hour", periodic(24, 12), ["hour"]),
                ],
                remainder=preprocessing.MinMaxScaler(),
            ),
            linear_model.RidgeCV(alphas=np.logspace(-6, 6, 5)),
        ),
    ),
    "bikes, sine and cosine of the hour": (
        bikes,
        make_pipeline(
            ColumnTransformer(
                [
                    ("sin", make_pipeline(preprocessing.MinMaxScaler((0, 2 * np.pi)), FunctionTransformer(np.sin)), ["hour", "month"]),
                    ("cos", make_pipeline(preprocessing.MinMaxScaler((0, 2 * np.pi)), FunctionTransformer(np.cos)), ["hour", "month"]),
                    ("weather", OneHotEncoder(), ["weather"]),
                    ("other", "passthrough", ["temp", "humidity"]),
                ]
            ),
            RIDGE,
        ),
    ),
    "bikes, counts after Poisson with numbers in bins": (
        bikes,
        make_pipeline(
            ColumnTransformer(
                [
                    ("binned", preprocessing.KBinsDiscretizer(n_bins=5, random_state=0), ["temp", "humidity"]),
                    ("spline", preprocessing.SplineTransformer(n_knots=4, extrapolation="constant"), ["hour"]),
                    ("onehot", OneHotEncoder(), ["season", "weather"]),
                ],
                remainder="drop",
            ),
            linear_model.PoissonRegressor(alpha=1e-3, max_iter=300),
        ),
    ),
    "california, a support vector machine": (
        california,
        make_pipeline(StandardScaler(), SVR(C=1.0, epsilon=0.2)),
    ),
    "california, a searched network": (
        california,
        RandomizedSearchCV(
            make_pipeline(preprocessing.QuantileTransformer(n_quantiles=50), MLPRegressor((8,), max_iter=60, random_state=0)),
            {"mlpregressor__alpha": [1e-4, 1e-2]},
            n_iter=1,
            cv=2,
        ),
    ),
    "california, products of columns": (
        california,
        make_pipeline(
            preprocessing.PowerTransformer(), preprocessing.PolynomialFeatures(2, include_bias=False), linear_model.LassoCV(cv=3)
        ),
    ),
    "penguins, nearest neighbours": (
        penguins,
        make_pipeline(by_dtype(numbers(StandardScaler()), texts()), KNeighborsClassifier(7, weights="distance")),
    ),
    "penguins, components beside the best columns": (
        penguins,
        make_pipeline(
            by_dtype(numbers(StandardScaler()), texts(OneHotEncoder(sparse_output=False))),
            FeatureUnion([("pca", PCA(2)), ("best", feature_selection.SelectKBest(k=2))]),
            linear_model.LogisticRegression(max_iter=300),
        ),
    ),
    "penguins, marks for missing values": (
        penguins,
        make_pipeline(
            make_column_transformer((SimpleImputer(add_indicator=True), NUMERIC), (texts(), TEXTUAL)),
            ensemble.GradientBoostingClassifier(n_estimators=8),
        ),
    ),
    "titanic, a calibrated machine without probabilities": (
        titanic,
        CalibratedClassifierCV(make_pipeline(of_passengers(), LinearSVC(dual="auto", random_state=0)), cv=3),
    ),
}  # fmt: skip
SERVED_BY_THEMSELVES = {
    "titanic, words of the name": (
        titanic,
        make_pipeline(
            make_column_transformer((TfidfVectorizer(), "Name"), (numbers(), ["Age", "Fare"])), linear_model.LogisticRegression()
        ),
        "free text",
    ),
    "ames, a function of one's own": (
        ames,
        make_pipeline(
            make_union(FunctionTransformer(lambda frame: frame[["GrLivArea", "OverallQual"]] / 2), FunctionTransformer(lambda frame: frame[["LotArea"]])),
            RIDGE,
        ),
        "only functions of NumPy such as np.log1p have an exact graph",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "pipeline"), COMPILED.values(), ids=COMPILED.keys())
def test_public_pipelines_are_compiled(data, pipeline):
    X, y = data()

    case, learnt, trained = learn(pipeline.fit(X, y), X, y, "public", None)
    _, parity = compile_and_check(trained.model, learnt)

    assert parity.rows > 12_000 and parity.largest < 1e-9
    assert set(learnt.schema.names) <= set(X.columns) and "Name" not in learnt.schema.names
    assert case.task == learnt.schema.task


@pytest.mark.parametrize(("data", "pipeline", "why"), SERVED_BY_THEMSELVES.values(), ids=SERVED_BY_THEMSELVES.keys())
def test_what_has_no_graph_is_learnt_all_the_same(data, pipeline, why):
    X, y = data()

    _, learnt, trained = learn(pipeline.fit(X, y), X, y, "public", None)

    with pytest.raises(CannotCompileError, match=why):
        compile_and_check(trained.model, learnt)
