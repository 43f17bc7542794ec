"""Targets that are neither plain numbers nor classes with enough rows."""

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.errors import DataError
from slipway.training.classes import folds_for_rows
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import TargetSpec, TrainingSpec, UseCase
from tests.conftest import trained

ROWS = 60


def learnt(y, **usecase):
    keep = usecase.pop("keep", ())
    table = pd.DataFrame({"age": np.arange(len(y)) % 7 * 10, "y": y})
    return infer_dataset(table, UseCase("case", TargetSpec("y"), **usecase), "t.csv", keep=keep)


def notes(result):
    return [{"kind": note.kind, "field": note.column, **note.values} for note in result.notes]


def test_a_class_of_one_row_loses_it_and_its_values_are_not_learnt():
    result = learnt(["once", *["a", "b", "c"] * 20])

    assert result.schema.target.classes == ("a", "b", "c") and len(result.target) == len(result.inputs) == 60
    assert notes(result) == [{"kind": "class_left_out", "field": "y", "value": "once", "rows": 1}]
    assert result.folds == 10


def test_a_class_of_some_rows_lowers_the_folds():
    result = learnt(["a"] * 7 + ["b"] * 53)

    assert result.folds == 4 and len(result.target) == ROWS
    assert notes(result) == [
        {"kind": "folds_for_class", "field": "y", "folds": 4, "asked": 10, "value": "a", "rows": 7}
    ]


def test_of_two_classes_none_is_left_out_for_want_of_folds():
    result = learnt(["a"] * 3 + ["b"] * 57)

    assert (result.folds, result.schema.target.classes) == (2, ("a", "b"))


def test_folds_that_were_asked_for_are_lowered_too():
    assert learnt(["a", "b"] * 30, training=TrainingSpec(folds=40)).folds == 21  # and two rows in each of them


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (
            ["a"] * 2 + ["b"] * 58,
            r"two classes of the target 'y' need 3 rows or more each, there are 'b' \(58 rows\), 'a' \(2 rows\); "
            "collect more rows, or join classes",
        ),
        (["a", "b"], r"there are 'a' \(1 row\), 'b' \(1 row\); collect"),
    ],
    ids=["two rows", "one of each"],
)
def test_without_two_classes_of_enough_rows_it_is_said_how_many_are_needed(y, message):
    with pytest.raises(DataError, match=message):
        learnt(y)


def test_the_rows_of_a_fitted_experiment_are_not_touched_but_refused():
    with pytest.raises(DataError, match=r"has 1 row of the class 'once'; remove it before setup\(\)"):
        learnt(["once", *["a", "b"] * 30], keep=["age"])

    assert len(learnt(["few"] * 2 + ["a", "b"] * 30, keep=["age"]).target) == 62


@pytest.mark.parametrize(("rows", "folds"), [(100, 10), (29, 10), (28, 9), (20, 7), (3, 2)])
def test_few_rows_lower_the_folds_so_that_each_has_two(rows, folds):
    lowered, found = folds_for_rows(rows, 10, "y")

    assert lowered == folds
    assert [{"kind": note.kind, "field": note.column, **note.values} for note in found] == [
        {"kind": "folds_for_rows", "field": "y", "folds": folds, "asked": 10, "rows": rows}
    ] * (folds < 10)


MONEY = [f"${900 + 13 * row:,}.00" for row in range(17)]


@pytest.mark.parametrize(
    ("y", "task", "message"),
    [
        (MONEY * 4, None, r"'\$900.00', which is not a number; type --task classification for 17 classes, or write plain numbers there, as in 1234.5 \(68 of 68 rows\)"),
        (MONEY * 4, "regression", r"'\$900.00', which is not a number; use --task classification, or write plain numbers"),
        ([f"{row}%" for row in range(ROWS)], None, r"'0%', which is not a number; write plain numbers there, as in 1234.5 \(60 of 60 rows\)"),
        ([f"{row}%" for row in range(ROWS)], "classification", "'0%', which is not a number; write plain numbers there"),
        ([f"{row}%" for row in range(ROWS)], "regression", "'0%', which is not a number; write plain numbers there"),
        ([*map(str, range(ROWS)), "n/k"], None, r"'n/k', which is not a number; write plain numbers there, as in 1234.5, or type `--missing y=n/k` if such rows have no value, or remove such rows \(1 of 61 rows\)"),
        ([*map(str, range(ROWS)), "n/k"], "regression", "'n/k', which is not a number; .* `--missing y=n/k`"),
        ([f"c{row}" for row in range(ROWS)], None, "60 different values, too many for classes, and 'c0' is not a number; join them to fewer classes, or predict another column"),
        (list(range(ROWS)), "classification", "60 different values, too many for classes; use --task regression"),
    ],
    ids=[
        "money", "money as numbers", "percent", "percent as classes", "percent as numbers", "one odd", "one odd as numbers",
        "names", "numbers as classes",
    ],
)  # fmt: skip
def test_advice_on_the_task_ends_in_what_can_be_done(y, task, message):
    with pytest.raises(DataError, match=message) as refused:
        learnt(y, task=task)

    assert not (task == "classification" and "--task classification" in str(refused.value))
    assert not (task == "regression" and "--task regression" in str(refused.value))


def test_money_can_be_classes_if_that_is_what_is_wanted():
    assert len(learnt(MONEY * 4, task="classification").schema.target.classes) == 17


def test_a_table_with_one_odd_class_is_trained_without_it(tmp_path, capsys):
    frame = pd.DataFrame({"x": np.arange(60) % 13, "z": np.arange(60) % 7})
    frame["y"] = np.where(frame.x + frame.z > 8, "high", "low")
    frame.loc[3, "y"] = "once"
    frame.loc[10:14, "y"] = "odd"
    frame.to_csv(tmp_path / "t.csv", index=False)

    tag = trained("--data", str(tmp_path / "t.csv"), "--target", "y", "--include", "lr", "--name", "odd")

    said = capsys.readouterr().out
    assert "note: y: the class “once” has too few rows and was left out, with its 1 row." in said
    assert "note: 3 folds instead of 10: the class “odd” of y has 5 rows." in said
    assert store.find(tag).schema().target.classes == ("high", "low", "odd")
