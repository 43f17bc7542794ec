"""A classifier's metrics: for the positive class, at the version's threshold, the same everywhere."""

import warnings
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as reference

import slipway
from slipway import store
from slipway.i18n import sentences
from slipway.inference.equality import Answers
from slipway.page.context import PageContext
from slipway.page.model import tab as model_tab
from slipway.page.predict import answer, threshold
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.service.model import LoadedModel
from slipway.training.classifier_metrics import log_loss, measure
from tests.conftest import HOME, page_of, pipeline, train, trained

NUMBERS = np.random.default_rng(0)
ROWS = 600
INPUTS = pd.DataFrame({"a": NUMBERS.normal(size=ROWS), "b": NUMBERS.normal(size=ROWS)})
RARE = (INPUTS.a + 1.5 * NUMBERS.normal(size=ROWS) > 2.2).to_numpy()
"""Some 11 % are positive, and a logistic regression finds about one of eight of them."""


def table(name: str, labels: tuple[object, object]) -> str:
    path = HOME / f"{name}.csv"
    INPUTS.assign(y=np.where(RARE, labels[1], labels[0])).to_csv(path, index=False)
    return str(path)


def rare(name: str, labels: tuple[object, object], *options: str) -> str:
    return trained("--data", table(name, labels), "--target", "y", "--name", name, "--folds", "3", *options)


@pytest.fixture(scope="module")
def zero_one() -> str:
    return rare("rare-zero-one", (0, 1), "--include", "lr")


@pytest.fixture(scope="module")
def no_yes() -> str:
    return rare("rare-no-yes", ("no", "yes"), "--include", "lr")


# What each metric is


@pytest.mark.parametrize(
    ("classes", "positive"),
    [((0, 1), 1), ((0, 1), 0), (("no", "yes"), "yes"), ((1, 2), 2), ((1, 2), 1), ((False, True), True)],
    ids=str,
)
def test_recall_precision_and_f1_are_those_of_the_positive_class_whatever_the_labels(classes, positive):
    target = Target("y", {"en": "y"}, classes=classes, positive=positive, threshold=0.3)
    given = np.random.default_rng(1).uniform(size=500)
    actual = (np.random.default_rng(2).uniform(size=500) < given).astype("int64")

    found = measure(actual, Answers(given.round().astype("int64"), np.column_stack([1 - given, given])), target)

    is_positive = actual == classes.index(positive)
    share = given if classes.index(positive) else 1 - given
    called = share >= 0.3
    assert found["Recall"] == pytest.approx((is_positive & called).sum() / is_positive.sum(), abs=1e-15)
    assert found["Prec."] == pytest.approx((is_positive & called).sum() / called.sum(), abs=1e-15)
    assert found["F1"] == pytest.approx(2 / (1 / found["Recall"] + 1 / found["Prec."]), abs=1e-15)
    assert found["Accuracy"] == pytest.approx((is_positive == called).mean(), abs=1e-15)
    assert found["AUC"] == pytest.approx(reference.roc_auc_score(is_positive, share), abs=1e-15)
    assert found["Log loss"] == pytest.approx(reference.log_loss(actual, given), abs=1e-12)


def test_of_several_classes_they_are_averages_weighted_by_rows_and_named_so():
    target = Target("y", {"en": "y"}, classes=("a", "b", "c"), positive="c")
    schema = Schema("m", "classification", (Field("x", "number", "float64", {"en": "x"}, 0.0),), target)
    rows = np.random.default_rng(3).dirichlet([1, 2, 3], size=300)
    actual = np.random.default_rng(4).integers(0, 3, size=300)

    found = measure(actual, Answers(rows.argmax(axis=1), rows), target)

    wanted = reference.recall_score(actual, rows.argmax(axis=1), average="weighted")
    auc = reference.roc_auc_score(actual, rows, multi_class="ovr", average="weighted")
    assert (found["Recall"], found["AUC"]) == (pytest.approx(wanted), pytest.approx(auc))
    assert sentences.metric_words("Recall", schema, {"threshold": None}, "en").endswith(
        "averaged over the classes by their rows"
    )


def test_a_probability_of_zero_for_what_came_true_is_a_large_loss_and_not_infinite():
    assert log_loss(np.array([1, 0]), np.array([[1.0, 0.0], [1.0, 0.0]])) == pytest.approx(-np.log(2**-52) / 2)


def test_the_log_loss_of_certain_and_right_answers_is_zero_without_a_sign():
    assert str(log_loss(np.array([0, 1]), np.array([[1.0, 0.0], [0.0, 1.0]]))) == "0.0"


def test_without_probabilities_log_loss_is_missing_and_auc_uses_the_scores():
    target = Target("y", {"en": "y"}, classes=("no", "yes"), positive="yes", threshold=0.5)

    found = measure(np.array([0, 0, 1]), Answers(np.array([0, 1, 1])), target, np.array([-1.0, 0.5, 2.0]))

    assert np.isnan(found["Log loss"]) and found["AUC"] == 1.0 and found["Recall"] == 1.0


# What a version says


def test_the_labels_do_not_change_any_metric(zero_one, no_yes):
    one, other = (store.find(tag).metrics() for tag in (zero_one, no_yes))

    assert one.folds == other.folds and one.holdout == other.holdout
    assert other.folds["Recall"].mean < 0.3 < 0.85 < other.folds["Accuracy"].mean


def test_the_figures_of_the_hold_out_are_those_computed_from_scratch(no_yes):
    from pycaret.classification import ClassificationExperiment

    data = INPUTS.assign(y=np.where(RARE, "yes", "no"))
    experiment = ClassificationExperiment()
    experiment.setup(data, target="y", session_id=123, fold=3, html=False, verbose=False, system_log=False, n_jobs=1)
    model = experiment.create_model("lr", verbose=False)
    inputs, actual = experiment.X_test, experiment.y_test.to_numpy() == "yes"
    prepared = experiment.pipeline.transform(inputs)

    share = model.predict_proba(prepared)[:, 1]

    found = store.find(no_yes).metrics().holdout
    assert found["Recall"] == pytest.approx(reference.recall_score(actual, share >= 0.5), abs=1e-12)
    assert found["Prec."] == pytest.approx(reference.precision_score(actual, share >= 0.5, zero_division=0), abs=1e-12)
    assert found["Log loss"] == pytest.approx(reference.log_loss(actual, share), abs=1e-9)


def test_card_page_and_api_show_the_recall_that_was_measured(no_yes):
    version = store.find(no_yes)
    metrics = version.metrics()
    recall = metrics.folds["Recall"]
    shown = f"{recall.mean:.3f} ± {recall.sd:.3f}"

    card, page = (version.path / "card.md").read_text(), model_tab.render(PageContext(version, "en"))

    assert f"| Recall | {shown} |" in card and "share of positives that are detected" in card
    assert shown in page
    assert LoadedModel(version).description["folds"]["Recall"] == asdict(recall)
    assert LoadedModel(version).description["threshold"] == 0.5
    assert "are for the threshold 50%: at that probability or more, a case is classified as “y: yes”" in card
    assert "Classes are predicted at the threshold 50%." in page


def test_a_version_from_before_does_not_call_an_average_a_recall(no_yes):
    version = store.find(no_yes)
    metrics = replace(version.metrics(), averaged=True)

    words = sentences.metric_words("Recall", version.schema(), metrics, "en")

    assert words == "recall of each class, averaged over the classes by their rows"


def test_confusion_matrix_and_groups_are_for_the_versions_threshold(diabetes):
    version = store.find(diabetes)
    thresholds, figures = version.metrics().thresholds, version.figures()

    found, alarms = thresholds.true_positives[30], thresholds.false_positives[30]

    assert version.schema().target.threshold == 0.3
    assert figures.confusion == ((thresholds.negatives - alarms, alarms), (thresholds.positives - found, found))
    assert figures.groups.whole.recall == pytest.approx(found / thresholds.positives)


def test_a_metric_that_could_not_be_measured_is_left_out_of_the_sentences(no_yes):
    version = store.find(no_yes)
    metrics, figures = version.metrics(), version.figures()
    whole = sentences.good(version.schema(), metrics, figures, "en")
    folds = {name: fold for name, fold in metrics.folds.items() if name != "AUC"}
    metrics = replace(metrics, folds=folds)

    fewer = sentences.good(version.schema(), metrics, figures, "en")

    assert len(fewer) == len(whole) - 1 and not any("higher probability" in text for text in fewer)


# Which estimator is chosen


@pytest.mark.slow
def test_by_default_the_estimator_is_chosen_by_log_loss_and_has_probabilities():
    run = train(
        "--data", table("rare-default", ("no", "yes")), "--target", "y", "--include", "ridge,dummy,lr", "--folds", "3"
    )

    version = store.find("rare-default")
    board = pd.read_csv(version.path / "leaderboard.csv")
    assert run.returncode == 0, run.stderr
    assert "chosen by Log loss" in run.stdout
    assert list(board["id"]) == ["lr", "dummy", "ridge"] and np.isnan(board["Log loss"].iloc[-1])
    assert version.metrics().estimator == "LogisticRegression"


@pytest.mark.slow
def test_a_metric_that_is_given_decides_and_what_is_lost_without_probabilities_is_said(capsys):
    tag = rare("rare-accuracy", ("no", "yes"), "--include", "ridge,dummy", "--metric", "Accuracy")

    metrics = store.find(tag).metrics()
    answer = store.load_predictor(store.find(tag)).answer([{"a": 0, "b": 0}])["predictions"][0]
    said = capsys.readouterr().out
    assert metrics.estimator == "RidgeClassifier" and metrics.threshold is None
    assert list(metrics.folds) == ["Accuracy", "AUC", "Recall", "Prec.", "F1", "Kappa", "MCC"]
    assert (answer["prediction"], answer["probabilities"], answer["threshold"]) == ("no", None, None)
    assert answer["prediction_set"] is None and not answer["abstain"]
    assert "Ridge Classifier gives no probabilities: its answers name a class and nothing else" in said
    assert "of those that give probabilities Dummy Classifier is best (Accuracy 0." in said


@pytest.mark.slow
def test_tuning_uses_log_loss_too():
    tag = rare("rare-tuned", ("no", "yes"), "--include", "dt", "--tune")

    folds = store.find(tag).metrics().folds
    (tried,) = pd.read_csv(store.find(tag).path / "leaderboard.csv").to_dict("records")
    assert folds["Log loss"].mean < 0.5 < tried["Log loss"]


@pytest.mark.slow
def test_the_best_of_an_experiment_is_that_with_the_lowest_log_loss():
    from pycaret.classification import ClassificationExperiment

    experiment = ClassificationExperiment()
    data = INPUTS.assign(y=np.where(RARE, "yes", "no"))
    experiment.setup(data, target="y", session_id=1, fold=3, n_jobs=1, html=False, verbose=False, system_log=False)
    for name in ("ridge", "dt", "lr"):
        experiment.create_model(name, verbose=False)

    version = store.find(slipway.save(experiment, "rare-experiment"))

    board = pd.read_csv(version.path / "leaderboard.csv")
    assert list(board["id"]) == ["LogisticRegression", "DecisionTreeClassifier", "RidgeClassifier"]
    assert version.metrics().estimator == "LogisticRegression"
    # A model that somebody chose stands beside PyCaret's figures, but for those that mean something else there.
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        given = store.find(slipway.save(experiment, "rare-given", experiment.create_model("ridge", verbose=False)))
    assert list(pd.read_csv(given.path / "leaderboard.csv").columns) == [
        "id",
        "model",
        "Accuracy",
        "AUC",
        "Kappa",
        "MCC",
    ]
    assert any("RidgeClassifier gives no probabilities" in str(one.message) for one in said)


# One decision


@pytest.mark.slow
def test_the_threshold_that_pycaret_gave_a_model_is_the_versions():
    from pycaret.classification import ClassificationExperiment

    experiment = ClassificationExperiment()
    data = INPUTS.assign(y=RARE.astype(int))
    experiment.setup(data, target="y", session_id=1, fold=3, n_jobs=1, html=False, verbose=False, system_log=False)
    model = experiment.create_model("lr", probability_threshold=0.15, verbose=False)

    tag = slipway.save(experiment, "rare-threshold", model)

    version = store.find(tag)
    fitted, _ = pipeline(tag)
    rows = INPUTS.head(200)
    answers = store.load_predictor(version).answer(rows.to_dict("records"))["predictions"]
    assert {answer["threshold"] for answer in answers} == {0.15}
    assert [answer["prediction"] for answer in answers] == fitted.predict(rows).tolist()
    assert 0 < sum(answer["prediction"] for answer in answers) < 200


def between(tag: str) -> dict[str, object]:
    """A person whose probability lies above the threshold of 0.3 and below one half."""
    predictor = store.load_predictor(store.find(tag))
    base = predictor.schema.example()
    for glucose in range(60, 200):
        record = base | {"Glucose": glucose}
        if 0.35 < predictor.answer([record])["predictions"][0]["probabilities"]["1"] < 0.45:
            return record
    raise AssertionError("no such person")


def test_api_file_and_page_name_one_class_for_one_person(diabetes, diabetes_server):
    record = between(diabetes)
    served = LoadedModel(store.find(diabetes))

    answer = diabetes_server.post("/predict", json={"records": [record]}).json()["predictions"][0]
    cells = ",".join("" if value is None else str(value) for value in record.values())
    file = {"file": ("p.csv", f"{','.join(record)}\n{cells}\n")}
    header, row = diabetes_server.post("/predict_csv", files=file).text.splitlines()
    shown = model_answer(served, record)

    in_file = dict(zip(header.split(","), row.split(","), strict=True))
    assert answer["prediction"] == 1 and answer["threshold"] == 0.3
    assert (in_file["prediction"], in_file["threshold"]) == ("1", "0.3")
    assert "At 30% or more: classified as “With”" in shown
    assert '<div class="slip-bar slip-chosen"><span>With</span>' in shown


def test_a_class_that_a_threshold_names_is_not_called_the_most_likely():
    target = Target("y", {"en": "y"}, classes=("a", "b"), positive="b", threshold=0.3)
    schema = Schema("m", "classification", (), target)
    shares = {"a": 0.66, "b": 0.34}

    named = [answer.sentence(page_of(schema), {"prediction": name, "probabilities": shares}) for name in "ab"]

    assert named == ["y: most likely a (66%)", "y: b (probability 34%)"]


def model_answer(served: LoadedModel, record: dict[str, object]) -> str:
    page = PageContext(served.version, "en")
    answered = served.predictor.answer([record])
    return answer.render(page, answered, record, "page.heading_answer", "[]", threshold.own(page))


def test_a_version_whose_golden_predictions_named_the_most_probable_class_still_starts(diabetes):
    version = store.find(diabetes)
    golden = version.golden()
    most_probable = [replace(one, prediction=int(one.probabilities["1"] > 0.5)) for one in golden.predictions]
    golden = replace(golden, predictions=tuple(most_probable))
    most_probable[5] = replace(most_probable[5], probabilities={"0": 0.31, "1": 0.69})
    changed = replace(golden, predictions=tuple(most_probable))

    store.load_predictor(version).check_golden(golden)

    assert {saved.prediction for saved in golden.predictions} == {0, 1}
    with pytest.raises(slipway.errors.GoldenMismatchError, match="1 of 32 golden rows differ"):
        store.load_predictor(version).check_golden(changed)
