"""The graphs of single estimators, compared with the estimators: PyCaret's, and their wrappers.

XGBoost and CatBoost are tested where they are installed, as `make coverage` does.
"""

from functools import cache
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import spox
from lightgbm import LGBMClassifier, LGBMRegressor
from pycaret.containers.models import classification as classifiers
from pycaret.containers.models import regression as regressors
from pycaret.internal.meta_estimators import CustomProbabilityThresholdClassifier
from pycaret.internal.tunable import TunableMLPClassifier, TunableMLPRegressor, TunableVotingClassifier
from sklearn import ensemble, linear_model
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
from sklearn.kernel_ridge import KernelRidge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier

from scripts.coverage import CLASSIFIERS, REGRESSORS
from slipway.compile.errors import CannotCompileError
from slipway.compile.registry import classification, regression

QUICK = {
    "tr": {"max_subpopulation": 200},
    "mlp": {"max_iter": 50},
    "catboost": {"n_estimators": 40, "allow_writing_files": False},
}
WIDTH = 5


@cache
def table(n_classes: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """150 rows and their target: a number, or one of the classes."""
    random = np.random.default_rng(7)
    inputs = random.normal(size=(150, WIDTH)) * [1, 3, 30, 1, 2] + [0, 5, 100, 1, 0]
    inputs[:, 3] = random.integers(0, 4, 150)
    value = inputs[:, 0] + inputs[:, 1] / 3 + inputs[:, 2] / 30 * inputs[:, 3] + random.normal(size=150)
    if not n_classes:
        return inputs, value
    return inputs, np.digitize(value, np.quantile(value, np.arange(1, n_classes) / n_classes))


def strangers() -> np.ndarray:
    """Rows that training has not seen, some of them far away."""
    random = np.random.default_rng(8)
    near = random.normal(size=(300, WIDTH)) * [1, 3, 30, 1, 2] + [0, 5, 100, 1, 0]
    return np.concatenate([near, near[:50] * 5])


@cache
def containers(task: str) -> dict:
    """PyCaret's list of estimators: their classes, default arguments and tuning grids."""
    inputs = pd.DataFrame(table()[0])
    experiment = SimpleNamespace(
        seed=1, gpu_param=False, n_jobs_param=1, X_train=inputs, get_engine=lambda _: "sklearn"
    )
    module = {"regression": regressors, "classification": classifiers}[task]
    found = module.get_all_model_containers(experiment)
    return {name: container for name, container in found.items() if not container.is_special}


def of_pycaret(task: str, name: str, **arguments):
    if name == "hist":
        return ensemble.HistGradientBoostingRegressor(max_iter=20)
    if name in containers(task):
        container = containers(task)[name]
        return container.class_def(**(container.args | QUICK.get(name, {}) | arguments))
    # PyCaret does not see XGBoost in the package xgboost-cpu.
    module = pytest.importorskip(name, reason="`make coverage` has it")
    kind = {"regression": "Regressor", "classification": "Classifier"}[task]
    return getattr(module, {"xgboost": "XGB", "catboost": "CatBoost"}[name] + kind)(random_state=1, n_jobs=1)


def compiled(model) -> onnxruntime.InferenceSession:
    inputs = spox.argument(spox.Tensor(np.float64, ("n", WIDTH)))
    if is_classifier(model):
        told = classification(model, inputs)
        named = {"label": told.label, "probabilities": told.probabilities, "scores": told.scores}
        outputs = {name: output for name, output in named.items() if output is not None}
    else:
        outputs = {"value": regression(model, inputs)}
    graph = spox.build({"inputs": inputs}, outputs).SerializeToString()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def check(model, rows: np.ndarray, bar: float = 1e-9) -> None:
    """The graph of a fitted model says of the rows what the model says."""
    session = compiled(model)
    names = [output.name for output in session.get_outputs()]
    told = dict(zip(names, session.run(None, {"inputs": rows}), strict=True))
    if not is_classifier(model):
        wanted = model.predict(rows)
        assert (np.abs(told["value"] - wanted) / np.maximum(np.abs(wanted), table()[1].std())).max() < bar
        return
    assert np.array_equal(model.classes_[told["label"]], np.ravel(model.predict(rows)))
    assert ("probabilities" in told) == hasattr(model, "predict_proba")
    assert ("scores" in told) == hasattr(model, "decision_function")
    for name, method in (("probabilities", "predict_proba"), ("scores", "decision_function")):
        if name in told:
            wanted = getattr(model, method)(rows)
            # An estimator may have no answer itself: all shares of a row so small that they are 0.
            assert np.array_equal(np.isnan(told[name]), np.isnan(wanted))
            assert np.nanmax(np.abs(told[name] - wanted) / np.maximum(np.abs(wanted), 1.0)) < bar


def fitted(model, n_classes: int = 0):
    inputs, target = table(n_classes)
    return clone(model).fit(inputs, target)


def everywhere(n_classes: int = 0) -> np.ndarray:
    return np.concatenate([table(n_classes)[0], strangers()])


def bar_of(name: str) -> float:
    """XGBoost rounds probabilities to float32."""
    return 1e-6 if name == "xgboost" else 1e-9


def test_every_estimator_of_pycaret_is_in_the_lists():
    assert set(containers("regression")) | {"xgboost", "catboost"} == set(REGRESSORS)
    assert set(containers("classification")) | {"xgboost", "catboost"} == set(CLASSIFIERS)


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_with_the_arguments_of_pycaret(name):
    check(fitted(of_pycaret("regression", name)), everywhere())


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_with_the_arguments_of_pycaret(name, n_classes):
    check(fitted(of_pycaret("classification", name), n_classes), everywhere(n_classes), bar_of(name))


def beside_thresholds(session_rows: np.ndarray, model) -> np.ndarray:
    """Rows on both sides of the thresholds of a tree model, in steps of float64 and of float32."""
    inputs = spox.argument(spox.Tensor(np.float64, ("n", WIDTH)))
    output = classification(model, inputs).label if is_classifier(model) else regression(model, inputs)
    graph = spox.build({"inputs": inputs}, {"output": output}).graph
    attributes = {each.name: each for node in graph.node if node.op_type == "TreeEnsemble" for each in node.attribute}
    features = np.array(attributes["nodes_featureids"].ints)
    splits = attributes["nodes_splits"].t
    thresholds = np.frombuffer(splits.raw_data, dtype={1: "float32", 11: "float64"}[splits.data_type]).astype("float64")
    kept = np.random.default_rng(9).permutation(len(features))[:300]
    near = []
    for dtype in ("float64", "float32"):
        middle = thresholds[kept].astype(dtype)
        near += [
            middle,
            np.nextafter(middle, middle.dtype.type(-np.inf)),
            np.nextafter(middle, middle.dtype.type(np.inf)),
        ]
    rows = np.repeat(session_rows[np.arange(len(kept)) % len(session_rows)], len(near), axis=0)
    rows[np.arange(len(rows)), np.repeat(features[kept], len(near))] = np.stack(near, axis=1).ravel()
    return rows


@pytest.mark.parametrize("name", ["dt", "rf", "et", "ada", "gbr", "hist", "lightgbm", "xgboost", "catboost"])
def test_trees_decide_as_the_estimator_right_beside_a_threshold(name):
    model = fitted(of_pycaret("regression", name))
    check(model, beside_thresholds(table()[0], model))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", ["dt", "rf", "et", "ada", "gbc", "lightgbm", "xgboost", "catboost"])
def test_trees_classify_as_the_estimator_right_beside_a_threshold(name, n_classes):
    model = fitted(of_pycaret("classification", name), n_classes)
    check(model, beside_thresholds(table(n_classes)[0], model), bar_of(name))


@pytest.mark.parametrize("name", ["dt", "rf", "lightgbm", "xgboost"])
def test_trees_send_missing_values_where_the_estimator_does(name):
    inputs, target = table()
    inputs = np.where(np.random.default_rng(3).random(inputs.shape) < 0.1, np.nan, inputs)
    check(of_pycaret("regression", name).fit(inputs, target), np.concatenate([inputs, table()[0]]))
    # Without a missing value in training the way is another one.
    if name != "dt" and name != "rf":
        check(fitted(of_pycaret("regression", name)), inputs)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_what_tuning_can_choose_is_exact(task):
    """One draw out of PyCaret's grid for each word it may set; fits that scikit-learn refuses are no models."""
    n_classes = 0 if task == "regression" else 3
    checked = 0
    for name, container in containers(task).items():
        class_def = {"MLPRegressor": TunableMLPRegressor, "MLPClassifier": TunableMLPClassifier}.get(
            container.class_def.__name__, container.class_def
        )
        random = np.random.default_rng(11)
        words = {key: values for key, values in container.tune_grid.items() if isinstance(values[-1], str)}
        for key, values in words.items():
            for value in values:
                drawn = {
                    other: options[random.integers(len(options))] for other, options in container.tune_grid.items()
                }
                small = {"n_estimators": 20} if "n_estimators" in drawn else {}
                arguments = container.args | drawn | QUICK.get(name, {}) | small | {key: value}
                try:
                    model = fitted(class_def(**arguments), n_classes)
                except ValueError:
                    continue
                try:
                    check(model, everywhere(n_classes), 1e-8)
                except CannotCompileError as exc:
                    assert value in str(exc)
                checked += 1
    assert checked >= (25 if task == "regression" else 30)


OTHERS = [
    linear_model.RidgeCV(),
    KernelRidge(kernel="rbf", gamma=0.01),
    SVR(kernel="sigmoid", gamma=1e-4),
    SVR(kernel="linear", C=0.01),
    KNeighborsRegressor(weights="distance", metric="manhattan"),
    DecisionTreeRegressor(max_depth=1, min_samples_leaf=80),  # one leaf
    LGBMRegressor(objective="poisson", n_estimators=5, verbose=-1),
    LGBMRegressor(boosting_type="rf", bagging_freq=1, bagging_fraction=0.5, n_estimators=5, verbose=-1),
    ensemble.AdaBoostRegressor(linear_model.Ridge(), n_estimators=5, random_state=0),
    ensemble.BaggingRegressor(n_estimators=5, max_features=0.6, bootstrap_features=True, random_state=0),
]
OTHERS += [
    linear_model.ElasticNetCV(cv=3),
    linear_model.LarsCV(cv=3),
    linear_model.LassoCV(cv=3),
    linear_model.LassoLarsCV(cv=3),
    linear_model.LassoLarsIC(),
    linear_model.OrthogonalMatchingPursuitCV(cv=3),
    linear_model.QuantileRegressor(quantile=0.8, alpha=0.01, solver="highs"),
    linear_model.SGDRegressor(alpha=0.1, eta0=1e-6, random_state=0),
    linear_model.TweedieRegressor(power=0),
    LinearSVR(dual="auto", random_state=0, max_iter=100),
    ensemble.HistGradientBoostingRegressor(max_iter=20),
    ensemble.HistGradientBoostingRegressor(loss="quantile", quantile=0.9, max_iter=5),
]
SEVERAL = [("ridge", linear_model.Ridge()), ("tree", DecisionTreeRegressor(max_depth=4)), ("boost", OTHERS[6])]
OTHERS += [
    ensemble.VotingRegressor(SEVERAL),
    ensemble.VotingRegressor([*SEVERAL, ("kernel", KernelRidge())], weights=[0.2, 3, 1, 0.1]),
    ensemble.StackingRegressor(SEVERAL, linear_model.LinearRegression(), cv=2),
    ensemble.StackingRegressor(SEVERAL, ensemble.GradientBoostingRegressor(n_estimators=5), cv=2, passthrough=True),
]


@pytest.mark.parametrize("model", OTHERS, ids=repr)
def test_other_regressors_and_wrappers(model):
    # A Poisson model, alone or in another, takes no negative target. (PyCaret changes what repr says.)
    target = np.exp(table()[1] / 5) if "poisson" in map(str, model.get_params().values()) else table()[1]
    check(clone(model).fit(table()[0], target), everywhere())


LOGISTIC = linear_model.LogisticRegression(max_iter=200)
VOTERS = [
    ("logistic", LOGISTIC),
    ("tree", DecisionTreeClassifier(max_depth=3)),
    ("boost", LGBMClassifier(n_estimators=3, verbose=-1)),
]
SILENT = [
    *VOTERS[:2],
    ("ridge", linear_model.RidgeClassifier()),
    ("descent", linear_model.SGDClassifier(random_state=0)),
]
OTHER_CLASSIFIERS = [
    linear_model.LogisticRegression(multi_class="multinomial", max_iter=200),
    linear_model.LogisticRegression(solver="liblinear"),
    linear_model.SGDClassifier(loss="log_loss", random_state=0),
    linear_model.SGDClassifier(loss="modified_huber", random_state=0),
    linear_model.LogisticRegressionCV(Cs=3, cv=3, max_iter=200),
    linear_model.PassiveAggressiveClassifier(random_state=0),
    linear_model.Perceptron(random_state=0),
    linear_model.RidgeClassifierCV(),
    LinearSVC(dual="auto", random_state=0),
    LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.3),
    ensemble.HistGradientBoostingClassifier(max_iter=10),
    SVC(kernel="sigmoid", gamma=1e-4),
    SVC(kernel="linear", C=0.01, probability=True, random_state=0),
    GaussianProcessClassifier(2.0 * kernels.RBF([1.0, 2, 30, 1, 2]) + kernels.ConstantKernel(0.1), optimizer=None),
    KNeighborsClassifier(weights="distance", metric="manhattan", n_neighbors=9),
    ExtraTreeClassifier(max_depth=4),
    ensemble.AdaBoostClassifier(algorithm="SAMME", n_estimators=9),
    ensemble.AdaBoostClassifier(GaussianNB(), n_estimators=3),
    ensemble.AdaBoostClassifier(linear_model.SGDClassifier(random_state=0), algorithm="SAMME", n_estimators=3),
    DummyClassifier(strategy="most_frequent"),
    ensemble.VotingClassifier(VOTERS, voting="soft", weights=[1, 2, 0.3]),
    TunableVotingClassifier(VOTERS, voting="soft"),
    ensemble.VotingClassifier(SILENT),
    ensemble.VotingClassifier(SILENT, weights=[0.3, 1, 2, 0.4]),
    ensemble.StackingClassifier(SILENT, LOGISTIC, cv=2),
    ensemble.StackingClassifier(SILENT, DecisionTreeClassifier(max_depth=3), cv=2, passthrough=True),
    ensemble.StackingClassifier(SILENT, LOGISTIC, cv=2, stack_method="predict"),
    ensemble.BaggingClassifier(n_estimators=4, max_features=0.6, random_state=0),
    ensemble.BaggingClassifier(max_samples=3, n_estimators=9, random_state=0),  # some of which miss a class
    ensemble.BaggingClassifier(linear_model.SGDClassifier(random_state=0), n_estimators=4),
    CalibratedClassifierCV(LOGISTIC, cv=2),
    CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2),
    CalibratedClassifierCV(DecisionTreeClassifier(max_depth=2), method="isotonic", cv=2, ensemble=False),
    CalibratedClassifierCV(SVC(probability=True, random_state=0), cv=2),
    OneVsRestClassifier(LOGISTIC),
    OneVsRestClassifier(DecisionTreeClassifier(max_depth=2)),
    OneVsRestClassifier(linear_model.RidgeClassifier()),
]


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("model", OTHER_CLASSIFIERS, ids=repr)
def test_other_classifiers_and_wrappers(model, n_classes):
    check(fitted(model, n_classes), everywhere(n_classes))


def test_shares_that_are_all_very_small_are_normalised_as_the_estimator_does():
    """ONNX Runtime's own Sigmoid is 0 below -37; of these models all four scores of some rows are below that."""
    for seed in range(20, 35):
        check(fitted(linear_model.SGDClassifier(loss="log_loss", random_state=seed), 4), everywhere(4))


@pytest.mark.parametrize(
    "model",
    [
        linear_model.PoissonRegressor(alpha=0.1),
        linear_model.GammaRegressor(alpha=0.1),
        linear_model.TweedieRegressor(power=1.5, alpha=0.1),
        linear_model.TweedieRegressor(power=1.5, link="log", alpha=0.1),
        linear_model.TweedieRegressor(power=0, link="log", alpha=0.1),
        ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=20),
        ensemble.HistGradientBoostingRegressor(loss="gamma", max_iter=20),
    ],
    ids=repr,
)
def test_models_of_positive_numbers(model):
    inputs, target = table()
    scaled = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    check(clone(model).fit(scaled, np.exp(target / 5)), np.concatenate([scaled, 5 * scaled]))


def test_boosting_with_the_exponential_loss():
    check(fitted(ensemble.GradientBoostingClassifier(loss="exponential", n_estimators=9), 2), everywhere(2))


def test_one_against_the_rest_of_lightgbm():
    model = LGBMClassifier(objective="multiclassova", num_class=3, n_estimators=5, verbose=-1)
    check(fitted(model, 3), everywhere(3))


@pytest.mark.parametrize("kind", ["numbers", "classes"])
def test_histogram_boosting_sends_missing_values_where_the_estimator_does(kind):
    inputs, target = table(0 if kind == "numbers" else 3)
    gaps = np.where(np.random.default_rng(3).random(inputs.shape) < 0.3, np.nan, inputs)
    gaps[:, 3] = np.where(target > np.median(target), np.nan, gaps[:, 3])  # a split between missing and not
    model = ensemble.HistGradientBoostingRegressor if kind == "numbers" else ensemble.HistGradientBoostingClassifier
    check(model(max_iter=20, min_samples_leaf=3).fit(gaps, target), np.concatenate([gaps, inputs, strangers()]))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_of_a_model_that_was_fitted_before(method):
    model = CalibratedClassifierCV(fitted(LOGISTIC, 3), method=method, cv="prefit").fit(*table(3))
    check(model, everywhere(3))


@pytest.mark.parametrize("model", [LOGISTIC, linear_model.RidgeClassifier()], ids=repr)
def test_a_probability_threshold(model):
    inputs, target = table(2)
    chosen = CustomProbabilityThresholdClassifier(clone(model), probability_threshold=0.2).fit(inputs, target)
    check(chosen, everywhere(2))
    if hasattr(model, "predict_proba"):
        assert (chosen.predict(inputs) != clone(model).fit(inputs, target).predict(inputs)).any()


def test_a_support_vector_machine_may_contradict_its_own_probabilities():
    rows = everywhere(4)
    model = fitted(SVC(probability=True, gamma="auto", random_state=0), 4)
    assert (model.predict(rows) != model.predict_proba(rows).argmax(axis=1)).any()
    check(model, rows)


def refused() -> list:
    inputs, target = table(2)
    flat = inputs.copy()
    flat[target == 1, 3] = 1.0
    category = LGBMRegressor(n_estimators=3, verbose=-1, min_data_per_group=1, cat_smooth=0)
    return [
        (GaussianProcessRegressor().fit(*table()), "GaussianProcessRegressor"),
        (DummyClassifier(strategy="stratified").fit(inputs, target), "stratified"),
        (QuadraticDiscriminantAnalysis().fit(flat, target), "do not vary"),
        (KernelRidge(kernel="laplacian").fit(*table()), "laplacian"),
        (SVC(kernel=lambda a, b: a @ b.T).fit(inputs, target), "custom kernel"),
        (KNeighborsRegressor(metric="chebyshev").fit(*table()), "chebyshev"),
        (KNeighborsRegressor(weights=np.exp).fit(*table()), "weights"),
        (LGBMRegressor(linear_tree=True, n_estimators=2, verbose=-1).fit(*table()), "linear_tree"),
        (category.fit(inputs[:, [3, 0, 1, 2, 4]], table()[1], categorical_feature=[0]), "category"),
        (LGBMRegressor(reg_sqrt=True, n_estimators=2, verbose=-1).fit(*table()), "sqrt"),
        (
            CustomProbabilityThresholdClassifier(linear_model.LogisticRegression()).fit(inputs, target + 1),
            "other than 0 and 1",
        ),
    ]


def test_what_has_no_exact_graph_is_named():
    for model, named in refused():
        with pytest.raises(CannotCompileError, match=named):
            compiled(model)
