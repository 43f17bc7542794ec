"""`--minutes`, and `--tune` where it does not help: what is skipped, and that there is always a model."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.cli.main import build_parser, main
from slipway.cli.train import resolve
from slipway.publish.card import card
from slipway.publish.train import prepare
from slipway.schema.metrics import AVERAGE
from slipway.training import comparison, refinement, selection
from slipway.training.budget import Budget
from tests.conftest import HOME

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def path() -> str:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"])
    rows.assign(y=rows.a - rows.b + rng.normal(0, 0.3, 120)).to_csv(HOME / "budget.csv", index=False)
    return str(HOME / "budget.csv")


def train(path: str, *options: str) -> tuple[selection.Trained, list[str]]:
    """What is chosen, and what is said."""
    arguments = ["train", "--data", path, "--target", "y", "--name", "budget", "--folds", "3", *options]
    case = resolve(build_parser().parse_args(arguments))
    lines: list[str] = []
    return selection.train(case, prepare(case)[1], lines.append), lines


def test_what_would_take_longer_than_what_is_left_is_skipped_and_named(path, monkeypatch):
    monkeypatch.setattr(comparison, "fit_seconds", lambda experiment, name: 100.0 if name == "dt" else 0.01)

    found, lines = train(path, "--include", "lr,dt,dummy", "--minutes", "1")

    assert found.skipped == ("dt",) and set(found.leaderboard.id) == {"lr", "dummy"} and found.failed == {}
    assert any(
        line.startswith("        skipped: it would take about 400 s, and of the budget there are ") for line in lines
    )
    assert any(" s left)" in line for line in lines)


def test_with_no_time_at_all_one_estimator_is_tried_and_nothing_is_made_of_it(path):
    found, lines = train(path, "--include", "lr,dt", "--minutes", "0.0001", "--tune", "--average")

    assert (found.chosen, found.skipped, found.tuned, list(found.leaderboard.id)) == ("lr", ("dt",), False, ["lr"])
    assert sum(line.startswith("        skipped: ") for line in lines) == 3


def test_tuning_that_makes_it_worse_is_not_kept(path, monkeypatch):
    from pycaret.regression import RegressionExperiment
    from sklearn.tree import DecisionTreeRegressor

    def worse(experiment, estimator, **options):
        return experiment.create_model(DecisionTreeRegressor(max_depth=1), verbose=False)

    monkeypatch.setattr(RegressionExperiment, "tune_model", worse)

    found, lines = train(path, "--include", "dt", "--tune")

    assert found.tuned is False and found.model.max_depth is None
    assert any(line.startswith("        not clearly better, left as it was: RMSE ") for line in lines)


def test_tuning_that_helps_is_kept(path, monkeypatch):
    from pycaret.regression import RegressionExperiment
    from sklearn.linear_model import LinearRegression

    def better(experiment, estimator, **options):
        return experiment.create_model(LinearRegression(), verbose=False)

    monkeypatch.setattr(RegressionExperiment, "tune_model", better)

    found, _ = train(path, "--include", "dummy", "--tune")

    assert found.tuned is True and type(found.model).__name__ == "LinearRegression"


def test_catboost_is_not_compared_unless_it_is_named(path, monkeypatch):
    asked: list[str] = []

    def none(experiment, ids, schema):
        asked.extend(ids)
        return (comparison.Tried(0.0, failed="not tried here") for _ in ids)

    case = resolve(build_parser().parse_args(["train", "--data", path, "--target", "y", "--name", "budget"]))
    with pytest.raises(selection.TrainingError, match="not tried here"):
        selection.train(case, prepare(case)[1], runner=none)

    assert "lightgbm" in asked and "catboost" not in asked


@pytest.mark.parametrize(
    ("options", "asked"),
    [((), True), (("--include", "lr"), False), (("--include", "lr", "--average"), True), (("--no-average",), False)],
    ids=["default", "named", "named and asked for", "refused"],
)
def test_who_names_the_estimators_gets_one_of_them(path, monkeypatch, options, asked):
    calls: list[str] = []
    monkeypatch.setattr(refinement.Refiner, "averaged", lambda self, best, seed: calls.append(AVERAGE) or (None, False))
    monkeypatch.setattr(selection, "_estimators", lambda experiment, usecase: {"lr": "Linear Regression"})

    found, _ = train(path, *options)

    assert (calls == [AVERAGE]) is asked and found.chosen == "lr"


@pytest.mark.parametrize("minutes", ["0", "-1", "nan", "inf"])
def test_minutes_that_are_no_length_of_time_are_refused_in_a_line(path, minutes, capsys):
    code = main(["train", "--data", path, "--target", "y", "--minutes", minutes])

    assert code == 1
    assert (
        capsys.readouterr().err == f"train: --minutes: {minutes} is not a length of time; expected minutes, above 0\n"
    )


def test_a_budget_and_several_processes_contradict_each_other(path, capsys):
    code = main(["train", "--data", path, "--target", "y", "--minutes", "2", "--workers", "2"])

    assert code == 1
    assert "2 minutes: one process keeps to them, and several try all estimators at once" in capsys.readouterr().err


def test_what_is_left_is_said_in_minutes_and_seconds():
    budget = Budget(2.05)

    assert budget.left_in_words == "2 min 03 s left" and budget.refusal(60) is None
    assert Budget(0.5).left_in_words == "30 s left"
    assert budget.refusal(1e4) == "it would take about 10,000 s, and of the budget there are 2 min 03 s left"


@pytest.mark.parametrize(
    ("language", "line"), [("en", "Skipped for lack of time: rf, et"), ("zh", "因时间不足而跳过：rf、et")]
)
def test_the_card_names_what_was_skipped(insurance, language, line):
    version = store.find(insurance)
    metrics = replace(version.metrics(), skipped=("rf", "et"))

    text = card(insurance, version.schema(), metrics, version.figures(), version.leaderboard(), {}, language)

    assert line in text.splitlines()
    assert line.partition("rf")[0] not in version.cards()[language]
