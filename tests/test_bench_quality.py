"""`make bench-quality`: how tables are split, what its table says, and that it goes on where it was stopped."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.quality import __main__ as quality
from bench.quality import endgame, losses
from bench.quality.report import written


def result(loss: float) -> dict:
    return {"loss": loss, "train_s": 10.0, "answer_ms": 0.5, "commit": "abc"}


RESULTS = {
    "insurance/0/A": result(4000.0),
    "insurance/0/B": result(5000.0),
    "autompg/0/A": result(3.0),
    "autompg/0/B": result(3.0),
    "churn/0/A": result(0.4),
    "churn/0/B": {"failed": "no memory", "commit": "abc"},
}


def test_the_table_has_the_best_in_bold_ranks_of_whole_cases_and_names_what_failed():
    lines = written(RESULTS, ["A", "B", "never run"]).splitlines()

    assert "| table | seed | A | B |" in lines
    assert "| insurance | 0 | **4000** | 5000 |" in lines
    assert "| churn | 0 | **0.4** | – |" in lines
    assert "| mean rank, 3 of 3 | 1.00 | – |" in lines and "| mean rank, 2 of 3 | 1.25 | 1.75 |" in lines
    assert "- churn/0/B: no memory" in lines


def test_what_the_average_brings_is_said_of_cases_that_have_both_figures():
    averaged = result(3.8) | {"alone": 4.0, "chosen": "average"}
    single = result(3.0) | {"alone": None, "chosen": "gbr"}

    lines = written({"concrete/0/Slipway": averaged, "boston/0/Slipway": single}, ["Slipway"]).splitlines()

    assert "| concrete | 0 | 4 | 3.8 | +5.0% |" in lines
    assert "| boston | 0 | 3 | not better in the folds |  |" in lines


def test_a_difference_beyond_noise_is_in_bold_and_counted():
    results = {
        "concrete/0/Slipway": result(4.0),
        "concrete/0/A": result(5.0) | {"over_slipway": 3.2},
        "boston/0/Slipway": result(3.0),
        "boston/0/A": result(2.9) | {"over_slipway": -0.4},
    }

    lines = written(results, ["Slipway", "A"]).splitlines()

    assert "| concrete | 0 | **+3.2** |" in lines and "| boston | 0 | -0.4 |" in lines
    assert "| worse than Slipway, better |  | 1, 0 |" in lines


def test_losses_by_row_are_squared_errors_or_of_the_true_class_and_differ_by_standard_errors():
    numbers = losses.of_numbers([1.0, 2.0, 5.0], [1.0, 4.0, 2.0])
    classes = losses.of_classes([[0.25, 0.75], [1.0, 0.0]], ["yes", "no"], ["no", "yes"])

    assert list(numbers) == [0, 4, 9] and losses.total(numbers, classes=False) == pytest.approx((13 / 3) ** 0.5)
    assert losses.total(classes, classes=True) == pytest.approx(-np.log(0.75) / 2)
    paired = stats.ttest_rel([3.0, 5.0, 7.0, 2.0], [1.0, 4.0, 9.0, 1.0])
    assert losses.difference(np.array([3.0, 5, 7, 2]), np.array([1.0, 4, 9, 1])) == pytest.approx(paired.statistic)


def test_what_others_cost_over_slipway_is_kept_once_both_are_measured(tmp_path):
    results = {"concrete/0/Slipway": result(4.0), "concrete/0/linear": result(5.0), "concrete/0/CatBoost": result(5.0)}
    for method, each in (("Slipway", [1.0, 2.0, 4.0]), ("linear", [2.0, 2.0, 5.0])):
        np.save(quality.kept_losses(tmp_path, "concrete", 0, method), np.array(each))

    quality.compare(results, tmp_path, "concrete", 0)

    assert results["concrete/0/linear"]["over_slipway"] == pytest.approx(2.0)
    assert "over_slipway" not in results["concrete/0/Slipway"] | results["concrete/0/CatBoost"]


def test_a_table_is_split_by_row_into_seventy_and_thirty_percent(tmp_path):
    pd.DataFrame({"x": range(100)}).to_csv(tmp_path / "concrete.csv", index=False)

    train, test = quality.parts(tmp_path, "concrete", 3)
    again, _ = quality.parts(tmp_path, "concrete", 3)

    assert (len(train), len(test)) == (70, 30) and sorted([*train.x, *test.x]) == list(range(100))
    assert list(train.x) == list(again.x) != list(range(70))


def test_the_endgame_has_as_many_positions_of_each_depth_as_the_published_table():
    """Bain and Hoff (1994), UCI repository, "Class Distribution"; its first row is a draw as well."""
    published = (27, 78, 246, 81, 198, 471, 592, 683, 1433, 1712, 1985, 2854, 3597, 4194, 4553, 2166, 390)

    table = endgame.frame()

    assert table.shape == (28056, 7) and not table.duplicated().any()
    assert dict(table.game.value_counts()) == dict(zip(endgame.WORDS, published, strict=True)) | {"draw": 2796}
    drawn = table[(table.wking_file == "a") & (table.wrook_file == "b") & (table.wrook_rank == 3)]
    assert drawn[(drawn.bking_file == "c") & (drawn.bking_rank == 2)].game.tolist() == ["draw"]


def test_what_was_measured_is_kept_and_not_measured_again(tmp_path, monkeypatch):
    monkeypatch.setattr(quality, "RESULTS", tmp_path)
    monkeypatch.setattr(quality.subprocess, "run", lambda *arguments, **options: None)
    asked: list[str] = []
    monkeypatch.setattr(
        quality, "measured", lambda folder, table, seed, method: asked.append(f"{table}/{seed}/{method}") or result(1.0)
    )
    few = ["--folder", str(tmp_path), "--methods", "linear,CatBoost", "--tables"]

    assert quality.main([*few, "concrete"]) == 0
    assert quality.main([*few, "concrete,boston"]) == 0

    assert asked == ["concrete/0/linear", "concrete/0/CatBoost", "boston/0/linear", "boston/0/CatBoost"]
    assert set(json.loads((tmp_path / "quality.json").read_text())) == set(asked)


@pytest.mark.parametrize(("option", "known"), [("--tables", "insurance"), ("--methods", "Slipway")])
def test_an_unknown_name_is_refused_with_those_that_are_known(option, known):
    with pytest.raises(SystemExit, match=rf"unknown \w+ 'nothing'; known are .*{known}"):
        quality.main([option, "nothing"])
