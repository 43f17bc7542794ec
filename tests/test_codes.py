"""Which whole numbers are codes and which are numbers, and how one says otherwise."""

import json

import numpy as np
import pandas as pd
import pytest

from slipway.cli.main import main
from slipway.training import codes
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase

ROWS = 600


def series(*values, rows=ROWS):
    return pd.Series(np.resize(values, rows))


CHILDREN = np.repeat([0, 1, 2, 3, 4, 5], [574, 324, 240, 157, 25, 18])


@pytest.mark.parametrize(
    ("name", "values", "wanted"),
    [
        ("marital", series(1, 2, 3, 4), "values"),
        ("slope", series(0, 1, 2), "values"),
        ("cylinders", series(3, 4, 5, 6, 8), "values"),
        ("answer", series(1, 2, 3, 99), "values"),
        ("side", series(-1, 1), "values"),
        ("zip_code", series(10115, 20095, 80331, *range(50667, 50690)), "name"),
        ("storeId", series(*range(1, 46)), "name"),
        ("Type of car", series(*range(1, 30)), "name"),
        ("class", series(1, 2, 3, rows=12), "name"),
        ("x", pd.Series(CHILDREN), None),
        ("children", series(1, 2, 3), None),
        ("n_rooms", series(3, 4, 5), None),
        ("number of doors", series(2, 3, 4, 5), None),
        ("dose", series(0, 5, 10, 20), None),
        ("dose", series(31, 42, 53), None),
        ("year", series(2018, 2019, 2020), None),
        ("score", series(*range(11)), None),
        ("level", series(1, 2, 3, rows=12), None),
        ("zip_code", series(*range(10000, 10500)), None),
    ],
)
def test_codes_are_told_by_their_names_and_values(name, values, wanted):
    assert codes.evidence(name, values) == wanted


@pytest.mark.parametrize(
    ("name", "noun"),
    [("store_id", "id"), ("ZipCode", "code"), ("Code_for_class", "code"), ("Anzahl Räume", "räume"), ("🙂", None)],
)
def test_the_word_that_says_what_a_column_holds(name, noun):
    assert (codes.head_noun(name) or (None,))[0] == noun


def table(**columns):
    frame = pd.DataFrame({name: np.resize(values, ROWS) for name, values in columns.items()})
    return frame.assign(y=np.linspace(1.25, 9.5, ROWS))


def test_what_is_taken_for_codes_is_said_with_the_option_that_changes_it():
    result = infer_dataset(table(slope=[0, 1, 2], x=[31, 42, 53]), UseCase("case", TargetSpec("y")), "t.csv")

    (note,) = result.notes
    assert [field.kind for field in result.schema.fields] == ["category", "integer"]
    assert (note.kind, note.column, note.values) == ("codes_by_values", "slope", {"different": 3})
    assert "type `--kind slope=number`" in note.hint


def test_the_use_case_has_the_last_word_on_codes():
    case = UseCase("case", TargetSpec("y"), fields={"slope": FieldSpec(kind="integer")})

    result = infer_dataset(table(slope=[0, 1, 2]), case, "t.csv")

    assert result.schema.fields[0].kind == "integer" and not result.notes


def test_a_column_of_a_fitted_experiment_stays_a_number():
    result = infer_dataset(table(slope=[0, 1, 2]), UseCase("case", TargetSpec("y")), "t.csv", keep=["slope"])

    assert result.schema.fields[0].kind == "integer"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([*range(2, 400), *range(2, 200)], "identifier"),
        ([None] * 590 + [1.5, 2.5, 3.5, 4.5], "almost_empty"),
        ([f"word-{row}" for row in range(ROWS)], "identifier"),
        ([f"some words {row}" for row in range(ROWS)], "free_text"),
        (np.random.default_rng(0).permutation(ROWS), "identifier"),
    ],
    ids=["customers", "hardly a value", "words", "sentences", "rows in any order"],
)
def test_a_column_is_left_out_for_a_reason_with_a_code(values, reason):
    values = pd.Series([*values, *[None] * (ROWS - len(values))])
    frame = table(x=[31, 42, 53])
    frame["user_id"] = values.to_numpy()

    result = infer_dataset(frame, UseCase("case", TargetSpec("y")), "t.csv")

    assert {name: item.reason for name, item in result.left_out.items()} == {"user_id": reason}


# slipway look


def test_look_prints_a_report_as_json(tmp_path, capsys):
    frame = table(slope=[0, 1, 2], gap=[1.5, 2.5, None], note=[f"a note {row}" for row in range(ROWS)], one=["x"])
    frame.assign(when="2024-01-02").to_csv(tmp_path / "t.csv", index=False)

    assert main(["look", str(tmp_path / "t.csv"), "--target", "y", "--json", "--kind", "note=text"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["target"], found["task"]) == (ROWS, "y", "regression")
    columns = {column.pop("name"): column for column in found["columns"]}
    wanted = {"kind": "number", "left_out": None, "format": None, "examples": ["1.5", "2.5"], "odd": [], "missing": 200}
    assert columns["gap"].items() >= wanted.items()
    assert [(columns[name]["kind"], columns[name]["left_out"]) for name in ("slope", "note", "one", "when")] == [
        ("category", None), ("text", None), (None, "constant"), (None, "constant")
    ]  # fmt: skip
    assert [note["kind"] for note in found["notes"]] == ["codes_by_values"]


def test_look_reports_a_table_without_any_input(tmp_path, capsys):
    frame = pd.DataFrame({"who": [f"p{row}" for row in range(60)], "y": np.linspace(0.5, 9, 60)})
    frame.to_csv(tmp_path / "t.csv", index=False)

    assert main(["look", str(tmp_path / "t.csv"), "--target", "y", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"][0]["left_out"] == "identifier"


def test_a_kind_that_there_is_not_is_named_with_the_nearest(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("a,y\n1,2\n2,3\n")

    assert main(["look", str(tmp_path / "t.csv"), "--kind", "a=numbr"]) == 1
    assert "--kind: 'numbr' is not a kind; did you mean 'number'?" in capsys.readouterr().err
