"""Rows that belong together stay together, and what comes later is predicted from what came before."""

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.errors import DataError, UseCaseError
from slipway.schema.metrics import Split
from slipway.training.profile import with_leaks
from slipway.training.schema_inference import infer_dataset
from slipway.training.splits import copied_rows, setup_options
from slipway.training.usecase import FieldSpec, TargetSpec, TrainingSpec, UseCase
from tests.conftest import trained

ROWS = 120


def table(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "x": rng.normal(size=rows).round(3), "patient": rng.integers(0, 20, rows), "size": rng.choice(["S", "M", "L"], rows),
        "when": pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.permutation(rows), "D"),
    })  # fmt: skip
    return frame.assign(y=(frame.x * 3 + rng.normal(size=rows)).round(3))


def learnt(frame, **usecase):
    return infer_dataset(frame, UseCase("case", TargetSpec("y"), **usecase), "t.csv")


def sides(result):
    order, holdout = result.split.order, result.split.holdout
    return order[:-holdout], order[-holdout:]


def test_an_ordinary_table_is_split_at_random():
    assert learnt(table()).split is None


@pytest.mark.parametrize("classes", [False, True], ids=["numbers", "classes"])
def test_rows_of_a_group_are_on_one_side(classes):
    frame = table()
    if classes:
        frame["y"] = np.where(frame.y > 0, "high", "low")

    result = learnt(frame, groups="patient", training=TrainingSpec(folds=5))

    train, test = sides(result)
    assert not set(frame.patient[train]) & set(frame.patient[test])
    assert sorted([*train, *test]) == list(range(ROWS)) and 0.2 < len(test) / ROWS < 0.4
    assert result.split.split == Split("groups", "patient", 20) and result.folds == 5
    assert result.left_out["patient"].reason == "groups"
    assert [note.kind for note in result.notes] == ["split_groups"]


def test_a_group_column_is_an_input_if_its_kind_is_named():
    result = learnt(table(), groups="patient", fields={"patient": FieldSpec(kind="category")})

    assert "patient" in result.schema.names


def test_the_newest_rows_are_held_out_if_a_column_says_when():
    frame = table()

    result = learnt(frame, time="when")

    train, test = sides(result)
    assert frame.when[train].max() < frame.when[test].min() and len(test) == 36
    assert frame.when[train].is_monotonic_increasing and "when" in result.schema.names
    (note,) = result.notes
    assert (note.kind, note.values) == ("split_time", {"value": "2024-03-25", "rows": 36})


def test_rows_of_one_moment_are_on_one_side():
    frame = table().assign(year=lambda table: np.repeat([2021, 2022, 2023], 40))

    train, test = sides(learnt(frame, time="year"))

    assert set(frame.year[test]) == {2023} and len(train) == 80


def test_copies_of_rows_are_kept_together_and_counted():
    frame = pd.concat([table(), table().head(60)], ignore_index=True)

    result = learnt(frame)

    train, test = sides(result)
    equal = frame.astype(str).agg(" ".join, axis=1)
    assert not set(equal[train]) & set(equal[test])
    (note,) = result.notes
    assert (note.kind, note.values, result.split.split.by) == ("split_copies", {"rows": 60}, "copies")


def test_rows_that_are_equal_by_chance_are_no_copies():
    rng = np.random.default_rng(0)
    few = pd.DataFrame({"a": rng.choice(["x", "y"], ROWS), "b": rng.choice(["u", "v", "w"], ROWS)})

    assert copied_rows(few, few.a)[1] == 0


def test_a_few_copies_change_nothing():
    frame = pd.concat([table(300), table(300).head(1)], ignore_index=True)

    assert copied_rows(frame.drop(columns="y"), frame.y)[1] == 1
    assert learnt(frame).split is None


@pytest.mark.parametrize("option", ["groups", "time"])
def test_a_few_rows_without_a_group_or_time_are_left_out_and_counted(option):
    frame = table()
    column = {"groups": "patient", "time": "when"}[option]
    frame[column] = frame[column].where(np.arange(ROWS) % 12 != 0)

    result = learnt(frame, **{option: column})

    assert len(result.inputs) == ROWS - 10 and len(result.split.order) == ROWS - 10
    assert [(note.kind, note.column, note.values) for note in result.notes[:1]] == [
        ("split_without_value", column, {"rows": 10})
    ]


def test_a_value_that_means_missing_is_no_group():
    frame = table().assign(patient=[-9, *range(1, ROWS)])

    assert len(learnt(frame, groups="patient", missing={"patient": (-9,)}).inputs) == ROWS - 1


def by_time(classes, folds=5):
    """What a table of these classes, in the order of time, gives; and the classes in each part that is trained on."""
    frame = table(len(classes)).sort_values("when").reset_index(drop=True).assign(y=classes)
    result = learnt(frame, time="when", training=TrainingSpec(folds=folds))
    made = setup_options(result.split, "classification", 0)["fold_strategy"]
    trained = np.array(classes)[result.split.order[: -result.split.holdout]]
    parts = [(set(trained[train]), len(test)) for train, test in made.split(trained)]
    return result, parts


def test_folds_by_time_are_trained_on_all_classes_though_one_appears_late():
    result, parts = by_time(["a", "b"] * 20 + ["a", "b", "c"] * 27)

    assert result.folds == 5 == len(parts)
    assert all(seen == {"a", "b", "c"} for seen, _ in parts)


def test_there_are_fewer_folds_by_time_if_a_class_appears_very_late():
    result, parts = by_time(["a", "b"] * 32 + ["a", "b", "c"] * 19)

    assert result.folds == 3 == len(parts) and all(seen == {"a", "b", "c"} and tested >= 5 for seen, tested in parts)
    assert ("folds_for_time", {"folds": 3, "asked": 5}) in [(note.kind, note.values) for note in result.notes]


@pytest.mark.parametrize("classes", [["a", "b"] * 40 + ["c"] * 4 + ["a", "b"] * 18, ["a", "b"] * 50 + ["c"] * 20])
def test_a_class_that_appears_too_late_for_any_fold_is_named(classes):
    with pytest.raises(DataError, match="the class 'c' of the target appears too late for folds by 'when'"):
        by_time(classes)


@pytest.mark.parametrize(
    ("change", "usecase", "error", "match"),
    [
        ({"patient": None}, {"groups": "patient"}, DataError, "'patient', by which rows are split, has no value in 120 of 120"),
        ({"patient": [1, 2] * 60}, {"groups": "patient"}, DataError, "'patient' has 2 groups of rows; 3 or more are needed"),
        ({}, {"groups": "patien"}, UseCaseError, "`groups` names 'patien', which is no input column; did you mean"),
        ({}, {"groups": "patient", "time": "when"}, UseCaseError, "`groups` and `time` both say how rows are split"),
        ({}, {"time": "size"}, DataError, "'size' cannot be read as dates"),
        (
            {},
            {"groups": "patient", "setup": {"fold_strategy": "kfold"}},
            UseCaseError,
            "'fold_strategy' splits the rows, as does the column 'patient'; use one of them",
        ),
    ],
    ids=["gaps", "two groups", "no such column", "both", "no time", "twice"],
)  # fmt: skip
def test_a_split_that_cannot_be_made_is_refused(change, usecase, error, match):
    with pytest.raises(error, match=match):
        learnt(table().assign(**change), **usecase)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "by"), [(["--groups", "patient"], "groups"), (["--time", "when"], "time")], ids=["groups", "time"]
)
def test_a_model_is_trained_and_measured_by_the_split(tmp_path, options, by):
    table().to_csv(tmp_path / "t.csv", index=False)

    tag = trained(
        "--data",
        str(tmp_path / "t.csv"),
        "--target",
        "y",
        "--include",
        "lr",
        "--folds",
        "3",
        "--name",
        "split",
        *options,
    )

    version = store.find(tag)
    metrics = version.metrics()
    assert (metrics.split.by, version.engine) == (by, "onnx")
    assert metrics.rows.train + metrics.rows.holdout == ROWS and metrics.folds["R2"].mean > 0.7
    assert "hold-out" in (version.path / "card.md").read_text(encoding="utf-8")


# Columns that give the target away


def noted(frame, **usecase):
    return {(note.kind, note.column) for note in with_leaks(learnt(frame, **usecase)).notes if note.column != "y"}


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda t: t.y * -2.54 + 7, "target_copy"),
        (lambda t: t.y, "target_copy"),
        (lambda t: t.y**3, "leak"),
        (lambda t: t.y + np.random.default_rng(1).normal(size=len(t)) * 0.01, "leak"),
        (lambda t: pd.to_datetime("2024-01-01") + pd.to_timedelta((t.y * 100).round(), "D"), "leak"),
    ],
    ids=["another unit", "equal", "a function", "with noise", "a date"],
)
def test_an_input_that_gives_a_number_away_is_named(make, kind):
    frame = table(300)

    assert noted(frame.assign(after=make(frame))) == {(kind, "after")}


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda high, rng: np.where(high, "Y", "N"), "target_copy"),
        (lambda high, rng: np.where(high, rng.choice(["won", "paid"], len(high)), "none"), "leak"),
        (lambda high, rng: np.where(high, rng.normal(size=len(high)).round(4), np.nan), "leak"),
        (lambda high, rng: np.where(high, 0, rng.integers(20, 900, len(high))), "leak"),
    ],
    ids=["renamed", "finer", "filled in for one class", "zero for one class"],
)
def test_an_input_that_gives_a_class_away_is_named(make, kind):
    frame = table(300)
    high = (frame.y > 0).to_numpy()
    frame = frame.assign(after=make(high, np.random.default_rng(2)), y=np.where(high, "high", "low"))

    assert (kind, "after") in noted(frame)


def test_an_honest_input_is_not():
    assert noted(table(300)) == set()
