"""The best estimator averaged with CatBoost models that stop in time: honest out of fold, taken only where it helps, compiled."""

import pickle
import pickletools
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB

from slipway import store
from slipway.cli.main import build_parser
from slipway.cli.train import resolve
from slipway.publish.train import prepare
from slipway.schema.metrics import AVERAGE, BAG, Parity
from slipway.training import averaging, refinement, selection
from slipway.training.averaging import CLASSES, MORE_ROUNDS, NUMBERS, REFITS, Bags, averaged
from slipway.training.comparison import Tried
from slipway.training.evaluation import out_of_fold
from slipway.training.pycaret_experiment import PyCaretExperiment
from slipway.training.refinement import better
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import TargetSpec, TrainingSpec, UseCase
from tests.conftest import HOME, pipeline, trained

pytestmark = pytest.mark.slow


def models(classes: object) -> int:
    """In a bag."""
    return CLASSES.models if classes else REFITS


def fits(classes: object) -> int:
    """Of a bag: of numbers, first those that find out how long to learn."""
    return CLASSES.models if classes else NUMBERS.models + REFITS


FEW = ("--folds", "3", "--include", "lr", "--average")


def table(classes: tuple[str, ...] = (), rows: int = 320, bent: bool = True, noisy: bool = False) -> str:
    """A CSV with a category, a date and gaps, and what a straight line fits badly; without `bent` it fits as well as can be.

    If it is noisy, half of it is straight, so that a straight line is about as good as trees are.
    """
    rng = np.random.default_rng(0)
    a, b = rng.uniform(-2, 2, rows), rng.uniform(-2, 2, rows)
    kind = rng.choice(["x", "y", "z"], rows)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), unit="D")
    value = (5 * (a - b + a * b * (kind != "z")) if noisy else 10 * a * b * (kind != "z")) if bent else 3 * a - 2 * b
    value = value + 4 * bent * (day.month > 6) + rng.normal(0, 8 if noisy else 0.5, rows)
    if classes:
        value = np.array(classes)[np.searchsorted(np.quantile(value, np.linspace(0, 1, len(classes) + 1)[1:-1]), value)]
    made = pd.DataFrame({"a": a, "b": b, "kind": kind, "day": day.strftime("%Y-%m-%d"), "value": value})
    if bent:
        made.loc[rng.random(rows) < 0.05, "a"] = np.nan
        made.loc[rng.random(rows) < 0.05, "kind"] = np.nan
    path = HOME / f"average-{len(classes)}-{bent}-{noisy}.csv"
    made.to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module", params=[(), ("no", "yes"), ("p", "q", "r")], ids=["number", "two", "three"])
def version(request) -> store.Version:
    """A version of which the average is better than the straight line, and about as good as the bag."""
    name = f"averaged-{len(request.param)}"
    return store.find(trained("--data", table(request.param, noisy=True), "--target", "value", "--name", name, *FEW))


def test_an_average_that_is_better_is_compiled_and_heads_the_leaderboard(version):
    metrics, board = version.metrics(), version.leaderboard()

    assert metrics.chosen == AVERAGE == board[0].id and len(board) == 2
    assert board[0].model.startswith("Average of L")
    assert board[0].model.endswith(f"and {models(version.schema().target.classes)} CatBoost models")
    assert isinstance(metrics.compiled, Parity) and metrics.compiled.rows > 1_000
    assert metrics.folds[metrics.metric].mean == pytest.approx(board[0].scores[metrics.metric], rel=1e-6)


def test_what_is_saved_is_scikit_learns_own_voting(version):
    last = pipeline(version.tag)[0].steps[-1][1]
    last = getattr(last, "calibrated_classifiers_", [last])[0]
    voting = getattr(last, "estimator", last)

    assert type(voting).__module__.startswith("sklearn.ensemble")
    assert len(voting.estimators_) == 1 + models(version.schema().target.classes)
    modules = {str(value) for _, value, _ in pickletools.genops(pickle.dumps(voting)) if isinstance(value, str)}
    assert not [name for name in modules if name.startswith("slipway")]


@pytest.mark.parametrize("classes", [(), ("no", "yes")], ids=["number", "classes"])
def test_the_bag_alone_is_taken_where_it_is_better_than_the_average(classes, capsys):
    name = f"bag-{len(classes)}"
    found = store.find(trained("--data", table(classes), "--target", "value", "--name", name, *FEW))

    metrics, board = found.metrics(), found.leaderboard()
    assert [row.id for row in board] == [BAG, AVERAGE, "lr"] and metrics.chosen == BAG
    assert board[0].model == f"Average of {models(classes)} CatBoost models"
    assert "chose them:" in capsys.readouterr().out
    assert isinstance(metrics.compiled, Parity) and metrics.compiled.rows > 1_000


def test_where_it_does_not_help_the_best_estimator_stays(capsys):
    tag = trained("--data", table(bent=False), "--target", "value", "--name", "straight", *FEW, "--minutes", "5")

    metrics = store.find(tag).metrics()
    assert (metrics.chosen, metrics.estimator, metrics.skipped) == ("lr", "LinearRegression", ())
    said = capsys.readouterr().out
    assert "not better, left as it was: RMSE" in said and "left)" in said


@pytest.mark.parametrize("classes", [False, True], ids=["number", "classes"])
def test_the_weights_are_half_the_estimator_and_half_the_bag(classes):
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    target = pd.Series(rows.a * rows.b > 0).map({True: "t", False: "f"}) if classes else rows.a * rows.b
    ask = "predict_proba" if classes else "predict"

    fitted = averaged(LogisticRegression() if classes else LinearRegression(), classes, seed=3).fit(rows, target)

    first, *bag = [np.asarray(getattr(one, ask)(rows)) for one in fitted.voting_.estimators_]
    assert len(bag) == models(classes)
    assert np.allclose(getattr(fitted, ask)(rows), (first + np.mean(bag, axis=0)) / 2)
    if classes:
        assert list(fitted.classes_) == ["f", "t"] and set(fitted.predict(rows)) <= {"f", "t"}
    again = averaged(LogisticRegression() if classes else LinearRegression(), classes, seed=3).fit(rows, target)
    assert np.array_equal(getattr(again, ask)(rows), getattr(fitted, ask)(rows))


@pytest.mark.parametrize("classes", [False, True], ids=["number", "classes"])
def test_a_bag_alone_is_the_mean_of_its_models_and_is_fitted_once_for_both(monkeypatch, classes):
    rng, made = np.random.default_rng(1), []
    rows = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    target = pd.Series(rows.a * rows.b > 0) if classes else rows.a * rows.b
    kind, ask = (CatBoostClassifier, "predict_proba") if classes else (CatBoostRegressor, "predict")
    fit = kind.fit
    monkeypatch.setattr(kind, "fit", lambda self, *given, **named: made.append(self) or fit(self, *given, **named))
    bags = Bags()
    first = LogisticRegression() if classes else LinearRegression()

    average, alone = [clone(averaged(one, classes, bags=bags)).fit(rows, target) for one in (first, None)]

    assert bags.seconds > 0 and len(made) == fits(classes)
    assert alone.voting_.estimators_ == average.voting_.estimators_[1:]
    bag = made[-models(classes) :]
    assert np.allclose(getattr(alone, ask)(rows), np.mean([getattr(one, ask)(rows) for one in bag], axis=0))
    averaged(None, classes, bags=bags).fit(rows[:-1], target[:-1])
    assert len(made) == 2 * fits(classes)


@pytest.fixture(scope="module")
def noise():
    """An experiment with a target that has nothing to do with its inputs, and what was learnt of its table."""
    rng = np.random.default_rng(2)
    path = HOME / "noise-average.csv"
    pd.DataFrame(rng.normal(size=(150, 4)), columns=[*"abcy"]).to_csv(path, index=False)
    options = ("--data", str(path), "--target", "y", "--name", "noise", "--include", "dummy", "--folds", "3")
    case = resolve(build_parser().parse_args(["train", *options]))
    learnt = prepare(case)[1]
    return selection.train(case, learnt), learnt


def test_no_model_of_the_bag_has_seen_the_rows_that_it_is_measured_by(noise):
    found, learnt = noise
    experiment, model = found.experiment, averaged(found.model, False)
    assert isinstance(experiment, PyCaretExperiment)

    unseen = out_of_fold(experiment, model, learnt.schema)
    seen = experiment.unfitted(model).fit(experiment.X, experiment.y).predict(experiment.X)

    # With a stand-in for the mean beside it, all that varies comes from the bag: by chance alone, unless it has seen the row.
    assert np.corrcoef(seen, experiment.y)[0, 1] > 0.3
    assert np.corrcoef(unseen.answers.values, unseen.actual)[0, 1] < 0.1


def visits(classes: bool, rows: int = 200) -> pd.DataFrame:
    """Rows of 24 patients, each with the day of the visit."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.normal(size=rows), "z": rng.normal(size=rows), "patient": rng.integers(0, 24, rows)})
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(rows), "D")
    value = frame.x + rng.normal(size=rows)
    return frame.assign(y=np.where(value > 0, "high", "low") if classes else value)


@pytest.mark.parametrize("by", ["groups", "time"])
@pytest.mark.parametrize("classes", [False, True], ids=["number", "classes"])
def test_a_model_of_the_bag_stops_by_other_groups_or_by_later_rows(monkeypatch, classes, by):
    frame = visits(classes)
    split = {"groups": "patient"} if by == "groups" else {"time": "day"}
    case = UseCase("v", TargetSpec("y"), **split, training=TrainingSpec(include=["dummy"], folds=2, average=True))
    learnt, seen = infer_dataset(frame, case, "v.csv"), []
    kind = CatBoostClassifier if classes else CatBoostRegressor
    fit = kind.fit

    def watched(self, inputs, target, eval_set=None):
        if eval_set:
            seen.append((frame.loc[inputs.index], frame.loc[eval_set[0].index]))
        return fit(self, inputs, target, eval_set=eval_set)

    monkeypatch.setattr(kind, "fit", watched)

    selection.train(case, learnt)

    assert len(seen) == 3 * (CLASSES if classes else NUMBERS).models  # of two folds, and of all of their rows
    for train, test in seen:
        assert len(test)
        if by == "groups":
            assert not {*train.patient} & {*test.patient}
        else:
            assert train.day.max() < test.day.min() and len(train) >= len(test)


def test_a_class_of_one_group_is_no_reason_to_stop_by_what_was_learnt_from():
    rng = np.random.default_rng(4)
    rows = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    groups = pd.Series(np.arange(60) // 30)

    with pytest.raises(ValueError, match="a class is in one group of rows"):
        averaged(LogisticRegression(), True, groups=groups).fit(rows, np.where(groups == 0, "f", "t"))


@pytest.mark.parametrize(
    ("new", "old", "greater", "clearly", "at_all"),
    [
        ([1.0, 1.0, 1.0], [2.0, 2.1, 1.9], False, True, True),
        ([1.0, 1.0, 1.0], [2.0, 2.1, 1.9], True, False, False),
        ([1.9, 2.2, 1.6], [2.0, 2.0, 1.8], False, False, True),  # 0.03 better, and the standard error is 0.12
        ([1.0, 1.0], [1.0, 1.0], False, False, False),
        ([float("nan"), 1.0], [2.0, 2.0], False, False, False),
    ],
    ids=["clearly", "the other way", "within noise", "equal", "not measured"],
)
def test_what_is_tuned_has_to_be_better_by_a_standard_error_of_the_folds_and_an_average_at_all(
    new, old, greater, clearly, at_all
):
    assert better(new, old, greater, errors=1) is clearly
    assert better(new, old, greater, errors=0) is at_all


@pytest.mark.parametrize(
    ("model", "folds", "taken", "said"),
    [
        (ExtraTreesClassifier(random_state=0), [0.22, 0.27], True, "chose the average"),
        (ExtraTreesClassifier(random_state=0), [0.40, 0.45], False, "clearly worse, left as it was"),
        (LogisticRegression(), [0.22, 0.27], False, "not better, left as it was"),
    ],
    ids=["forest", "clearly worse", "sigmoid"],
)
def test_an_average_that_is_about_as_good_replaces_a_model_that_rules_classes_out(
    monkeypatch, model, folds, taken, said
):
    """Extra trees gave one row of anes96 its class with a probability of zero: log loss 0.351 instead of 0.224."""
    rng, lines = np.random.default_rng(0), []
    rows = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "b"])
    model = clone(model).fit(rows, np.where(rows.a + rng.normal(size=60) > 0, "yes", "no"))
    experiment = SimpleNamespace(X_test_transformed=rows + 0.1, fold_generator=KFold(2), get_config=lambda name: None)
    old = Tried(1.0, model, {"Log loss": 0.24}, {}, {"Log loss": [0.20, 0.28]})
    new = Tried(1.0, None, {"Log loss": float(np.mean(folds))}, {}, {"Log loss": folds})
    monkeypatch.setattr(refinement, "try_estimator", lambda *arguments: new)
    monkeypatch.setattr(refinement, "greater_is_better", lambda *arguments: False)
    schema = SimpleNamespace(target=SimpleNamespace(classes=["no", "yes"]))

    found = refinement.Refiner(experiment, schema, "Log loss", lines.append).averaged(old, 0)

    assert found == (new, taken) and said in lines[-1]


@pytest.mark.parametrize(("folds", "taken"), [([0.26, 0.34, 0.40], True), ([0.20, 0.40, 0.50], False)])
def test_the_bag_replaces_an_average_that_it_is_clearly_better_than(monkeypatch, folds, taken):
    lines, experiment = [], SimpleNamespace(fold_generator=KFold(3), get_config=lambda name: None)
    average = Tried(1.0, None, {"RMSE": 0.40}, {}, {"RMSE": [0.36, 0.40, 0.44]})
    bag = Tried(1.0, None, {"RMSE": float(np.mean(folds))}, {}, {"RMSE": folds})
    monkeypatch.setattr(refinement, "try_estimator", lambda *arguments: bag)
    monkeypatch.setattr(refinement, "greater_is_better", lambda *arguments: False)
    schema = SimpleNamespace(target=SimpleNamespace(classes=[]))

    refiner = refinement.Refiner(experiment, schema, "RMSE", lines.append)
    refiner._bags.seconds = 6.0  # of fitting the bags, for the average

    found, better = refiner.bag(average, 0)

    assert (found, better) == ((replace(bag, seconds=7.0), True) if taken else (average, False))
    assert lines[0] == "the CatBoost models alone …"
    assert ("chose them: " if taken else "not clearly better, left as it was: ") in lines[1]


def test_models_of_numbers_learn_from_all_rows_for_as_long_as_those_that_stopped(monkeypatch):
    rng, seen, fit = np.random.default_rng(5), [], CatBoostRegressor.fit
    rows = pd.DataFrame(rng.normal(size=(150, 3)), columns=[*"abc"])
    target = rows.a * rows.b + rng.normal(size=150) / 4

    def watched(self, inputs, target, eval_set=None):
        seen.append((self, len(inputs)))
        return fit(self, inputs, target, eval_set=eval_set)

    monkeypatch.setattr(CatBoostRegressor, "fit", watched)

    bag = averaged(None, False, seed=3).fit(rows, target).voting_.estimators_

    stopped, again = seen[: NUMBERS.models], seen[NUMBERS.models :]
    assert [count for _, count in seen] == [100] * NUMBERS.models + [150] * REFITS and bag == [one for one, _ in again]
    rounds = round(MORE_ROUNDS * np.mean([one.tree_count_ for one, _ in stopped]))
    assert {one.tree_count_ for one in bag} == {rounds} and 10 < rounds < averaging.ROUNDS
    assert not np.array_equal(bag[0].predict(rows), bag[1].predict(rows))


def test_models_are_fitted_one_after_the_other(monkeypatch):
    """Of two at once, the first that ends takes the handler of interrupts from the other, which ends the process now and then."""
    running, seen, fit = [], [], CatBoostRegressor.fit

    def watched(self, *arguments, **keywords):
        running.append(self)
        seen.append((len(running), self.get_params()["thread_count"]))
        time.sleep(0.05)
        try:
            return fit(self, *arguments, **keywords)
        finally:
            running.pop()

    monkeypatch.setattr(CatBoostRegressor, "fit", watched)
    monkeypatch.setattr(averaging, "ROUNDS", 3)
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc"))

    averaging.AveragedRegressor(LinearRegression()).fit(table, table.a)

    assert seen == [(1, averaging.THREADS)] * fits(classes=False)


@pytest.mark.parametrize(
    ("classes", "rounds", "rate"), [(1, 1000, 0.1), (4, 1000, 0.1), (18, 222, 0.45), (100, 40, 0.5), (5000, 1, 0.5)]
)
def test_many_classes_leave_fewer_rounds_in_which_more_is_learnt(classes, rounds, rate):
    found, learnt = averaging.pace(classes)

    assert (found, round(learnt, 2)) == (rounds, rate) and found * classes <= max(averaging.TREES, classes)


def test_models_of_many_classes_have_no_more_trees_than_the_limit(monkeypatch):
    monkeypatch.setattr(averaging, "TREES", 60)
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    target = np.digitize(table.a, [-1, -0.4, 0, 0.4, 1])

    average = averaging.AveragedClassifier(GaussianNB()).fit(table, target)

    _, *bag = average.voting_.estimators_
    assert max(model.tree_count_ for model in bag) <= 10 and {model.learning_rate_ for model in bag} == {0.5}
