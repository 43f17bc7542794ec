"""What is learnt from a table's columns, what is left out, and what is rejected."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from slipway.errors import DataError, UseCaseError
from slipway.i18n import sentences
from slipway.inference import frames
from slipway.schema.table import check_table
from slipway.schema.texts import ExampleRecord
from slipway.tables.files import read_upload
from slipway.tables.readers import DataSource, read_table
from slipway.training.schema_inference import infer_dataset, infer_task
from slipway.training.usecase import Example, FieldSpec, TargetSpec, UseCase

ROWS = 60


def cycle(*values):
    return [values[row % len(values)] for row in range(ROWS)]


def learnt(columns, *, y=None, target=None, **usecase):
    """What is learnt from columns of `ROWS` rows for predicting `y`, by default a number."""
    table = pd.DataFrame(columns).assign(y=np.linspace(1.25, 9.5, ROWS) if y is None else y)
    return infer_dataset(table, UseCase("case", TargetSpec("y", **target or {}), **usecase), "t.csv")


def reasons(result):
    return {name: sentences.left_out(item, "en") for name, item in result.left_out.items()}


def field(values, spec=None, **usecase):
    """The field that one column of these values becomes."""
    return learnt({"x": values}, fields={"x": spec} if spec else {}, **usecase).schema.fields[0]


@pytest.mark.parametrize(
    ("values", "kind", "dtype", "nullable"),
    [
        (cycle(0.5, 1, 2), "number", "float64", False),
        (cycle(31, 42, 53), "integer", "int64", False),
        (cycle(31.0, 42.0, None), "integer", "float64", True),
        (cycle(1, 2, 3), "category", "int64", False),
        (cycle(1.0, 2.0, None), "category", "float64", True),
        (cycle("a", "b", None), "category", "object", True),
        (cycle("m", "f"), "category", "object", False),
        (cycle("1-2-3", "4-5-6"), "category", "object", False),
        (pd.to_datetime(cycle("2024-05-31", "2024-06-01")), "date", "datetime64[ns]", False),
    ],
    ids=["number", "integer", "integer with gaps", "small", "small with gaps", "text", "m and f", "codes", "moments"],
)
def test_the_kind_of_a_column_is_inferred(values, kind, dtype, nullable):
    found = field(values)

    assert (found.kind, found.dtype, found.nullable) == (kind, dtype, nullable)


@pytest.mark.parametrize(
    ("no", "yes"),
    [("no", "yes"), ("No", "Yes"), ("N", "Y"), ("f", "t"), ("false", "TRUE"), ("否", "是"), ("0", "1"), (0, 1), (False, True)],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("gaps", [(), (None,)], ids=["full", "gaps"])
def test_yes_and_no_are_recognised_in_their_spellings_with_no_first(no, yes, gaps):
    found = field(pd.Series(cycle(yes, no, yes, *gaps), dtype=object if gaps and no is False else None))

    assert (found.kind, found.categories, found.default) == ("boolean", (no, yes), yes)
    assert [type(value) for value in found.categories] == [type(no), type(yes)]
    assert found.nullable == bool(gaps)


@pytest.mark.parametrize(
    "cells",
    [
        ("2024-05-31", "2024-06-01"),
        ("2024-05-31T00:00", "2024-06-01T00:00:00"),
        ("2024-05-31T00:00+01:00", "2024-06-01T00:00+02:00"),
        ("31.05.2024", "01.06.2024"),
        ("31/05/2024", "01/06/2024"),
        ("05/31/2024", "06/01/2024"),
        ("2024/05/31", "2024/06/01"),
    ],
    ids=["ISO", "ISO at midnight", "ISO across summer time", "d.m.Y", "d/m/Y", "m/d/Y", "Y/m/d"],
)
def test_dates_are_recognised_in_their_spellings(cells):
    found = field(cycle(*cells, cells[0]))

    assert (found.kind, found.observed_min, found.observed_max, found.default) == (
        "date",
        "2024-05-31",
        "2024-06-01",
        "2024-05-31",
    )


def test_a_number_field_has_its_range_its_median_and_bounds_far_outside():
    found = field(cycle(1.25, 2.5, 3.75))

    assert (found.observed_min, found.observed_max, found.default, found.decimals) == (1.25, 3.75, 2.5, 2)
    assert (found.minimum, found.maximum) == (-3749, 3754)


def test_the_use_case_has_the_last_word_on_a_field():
    spec = FieldSpec(kind="category", label={"en": "Rooms"}, unit={"en": "of all"}, help={"en": "Without the hall."})

    found = field(cycle(1, 2, 3), spec)

    assert (found.kind, found.categories) == ("category", (1, 2, 3))
    assert (found.label, found.unit, found.help) == ({"en": "Rooms"}, {"en": "of all"}, {"en": "Without the hall."})


@pytest.mark.parametrize(
    ("values", "spec", "kind", "dtype"),
    [
        (cycle(0, 1), FieldSpec(kind="integer"), "integer", "int64"),
        (cycle(1, 2, 3), FieldSpec(kind="number"), "number", "float64"),
        (cycle("1", "2"), FieldSpec(kind="integer"), "integer", "int64"),
        (cycle("m", "f"), FieldSpec(kind="boolean"), "boolean", "object"),
        (cycle("May 2024", "Jun 2024"), FieldSpec(format="%b %Y"), "date", "datetime64[ns]"),
        ([f"note {row}" for row in range(ROWS)], FieldSpec(kind="text"), "text", "object"),
        (cycle(1, 2, 3), FieldSpec(kind="text"), "text", "object"),
        (list(range(ROWS)), FieldSpec(kind="integer"), "integer", "int64"),
    ],
    ids=["0 and 1", "number", "numbers as text", "boolean", "date format", "free text", "numbers as free text", "identifier"],
)  # fmt: skip
def test_a_kind_from_the_use_case_overrides_what_is_inferred(values, spec, kind, dtype):
    found = field(values, spec)

    assert (found.kind, found.dtype) == (kind, dtype)


@pytest.mark.parametrize(
    ("values", "spec", "match"),
    [
        (cycle("a", "1"), FieldSpec(kind="number"), "'x' holds 'a', which is not a number"),
        (cycle(1, 2.5), FieldSpec(kind="integer"), "'x' holds 2.5, which is not a whole number"),
        (cycle("soon", "later"), FieldSpec(kind="date"), "'x' cannot be read as dates; give their `format:`"),
        (cycle("31.05.2024", "late"), FieldSpec(kind="date", format="%d.%m.%Y"), "'x' cannot be read as dates"),
        (cycle("May", "June"), FieldSpec(kind="date", format="%Q"), "'%Q'"),
        (cycle("a", "b", "c"), FieldSpec(kind="boolean"), "'x' .*two"),
        (cycle(1.5, float("inf")), None, "'x' holds an infinite number"),
    ],
    ids=["number", "integer", "date", "date format", "no format", "three for a boolean", "infinite"],
)
def test_a_column_that_is_not_of_its_kind_is_refused_with_the_value(values, spec, match):
    with pytest.raises((DataError, UseCaseError), match=match):
        field(values, spec)


@pytest.mark.parametrize(
    ("values", "missing", "kind", "rest"),
    [
        (cycle(0, 42, 53), 0, "integer", (42, 53)),
        (cycle(-1.0, 2.5, 3), -1, "number", (2.5, 3)),
        (cycle("?", "42", "53"), "?", "integer", (42, 53)),
    ],
    ids=["integer", "number", "question mark among numbers"],
)
def test_a_sentinel_for_missing_is_not_learnt_from(values, missing, kind, rest):
    found = field(values, missing={"x": (missing,)})

    assert (found.kind, found.observed_min, found.observed_max, found.nullable) == (kind, *rest, True)


def test_a_text_sentinel_for_missing_is_not_a_category():
    found = field(cycle("?", "a", "b"), missing={"x": ("?",)})

    assert (found.categories, found.nullable) == (("a", "b"), True)


def test_null_and_a_sentinel_for_it_are_treated_alike_if_training_had_neither():
    schema = learnt({"x": cycle(1, 2, 3)}, missing={"x": (0,)}).schema

    _, _, null_faults = schema.check_record({"x": None})
    _, _, zero_faults = schema.check_record({"x": 0})

    assert bool(null_faults) == bool(zero_faults)


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        (
            "customer_id",
            np.random.default_rng(0).permutation(ROWS) * 7,
            "is an identifier: 60 different values in 60 rows",
        ),
        ("Unnamed: 0", list(range(ROWS)), "is an identifier: 60 different values in 60 rows"),
        ("row", list(range(1, 1 + ROWS)), "is an identifier: 60 different values in 60 rows"),
        ("country", cycle("DE"), "is “DE” in every row"),
        ("gone", cycle(None), "has no value at all"),
        ("note", [f"note {row}" for row in range(ROWS)], "is free text: 60 different values in 60 rows"),
    ],
)
def test_a_column_that_tells_nothing_is_left_out_with_the_reason(name, values, reason):
    result = learnt({"age": cycle(31, 42, 53), name: values})

    assert reasons(result) == {name: reason}
    assert list(result.inputs) == result.schema.names == ["age"]


def test_text_with_too_many_different_values_is_left_out_with_their_number():
    table = pd.DataFrame({"age": np.arange(500) % 7, "word": np.arange(500) * 2 // 3, "y": np.linspace(1.5, 9, 500)})

    result = infer_dataset(table.astype({"word": str}), UseCase("case", TargetSpec("y")), "t.csv")

    assert reasons(result) == {"word": "is an identifier: 333 different values in 500 rows"}


def test_numbers_that_differ_in_every_row_are_not_an_identifier():
    result = learnt({"income": np.random.default_rng(0).permutation(ROWS) * 7})

    assert result.schema.names == ["income"]


def test_columns_that_the_use_case_ignores_are_left_out_and_those_to_keep_stay():
    table = pd.DataFrame({"id": range(ROWS), "age": cycle(1, 2, 3), "y": np.linspace(1.5, 9, ROWS)})

    result = infer_dataset(table, UseCase("case", TargetSpec("y"), ignore=("age",)), "t.csv", keep=["id"])

    assert result.schema.names == ["id"]
    assert reasons(result) == {"age": "is ignored, as the use case or an option says"}


def test_a_table_without_any_column_to_predict_from_is_refused_with_the_reasons():
    with pytest.raises(
        DataError, match="t.csv: has no column to predict from: 'a' is “1” in every row; 'b' has no value"
    ):
        learnt({"a": cycle(1), "b": cycle(None)})


def test_odd_column_names_are_kept():
    names = ["body mass index", "a.b", "size[m]", "年龄", "class", "a-b", "Ä", "1"]

    result = learnt({name: cycle(1, 2, 3) for name in names})

    assert result.schema.names == names


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["size[m]", "sizem"], r"'sizem' and 'size\[m\]' differ only in brackets.*which PyCaret drops; rename it"),
        (["a:", "a,"], "'a,' and 'a:' differ only in brackets"),
        (["[]"], r"'\[\]' has nothing but brackets"),
        (["y["], r"'y\[?' and 'y\[?' differ only in brackets"),
    ],
)
def test_names_that_pycaret_has_confused_in_an_experiment_are_refused(names, match):
    table = pd.DataFrame({name: cycle(1, 2, 3) for name in names} | {"y": np.linspace(1.25, 9.5, ROWS)})

    with pytest.raises(DataError, match=match):
        infer_dataset(table, UseCase("case", TargetSpec("y")), "t.csv", keep=names)


@pytest.mark.parametrize(
    "usecase",
    [{"fields": {"agee": FieldSpec()}}, {"missing": {"agee": (0,)}}, {"ignore": ("agee",)}],
    ids=["fields", "missing", "ignore"],
)
def test_a_use_case_that_names_an_unknown_column_is_refused_with_the_nearest(usecase):
    part = next(iter(usecase))

    with pytest.raises(UseCaseError, match=f"`{part}` names 'agee', which is no input column; did you mean 'age'?"):
        learnt({"age": cycle(1, 2, 3)}, **usecase)


@pytest.mark.parametrize(
    ("spec", "minimum", "maximum"),
    [(FieldSpec(minimum=0), 0, 3003), (FieldSpec(minimum=0.5, maximum=9.5), 1, 9)],
    ids=["one given", "whole numbers inside"],
)
def test_bounds_from_the_use_case_are_kept(spec, minimum, maximum):
    found = field(cycle(1, 2, 3), replace(spec, kind="integer"))

    assert (found.minimum, found.maximum) == (minimum, maximum)


def test_whole_numbers_beyond_64_bits_keep_their_size():
    found = field(cycle(1e20, 2e20, 3e20))

    assert (found.observed_min, found.default, found.observed_max) == (1e20, 2e20, 3e20)


def test_bounds_that_exclude_what_is_usual_in_the_table_are_refused():
    with pytest.raises((DataError, UseCaseError), match="maximum"):
        field(cycle(31, 42, 53), FieldSpec(maximum=0))


@pytest.mark.parametrize(
    ("values", "task"),
    [
        ([0.5, 1.5], "regression"),
        (list(range(11)), "regression"),
        (list(range(10)), "classification"),
        ([0.0, 1.0], "classification"),
        (["a", "b"], "classification"),
        ([True, False], "classification"),
    ],
    ids=["numbers", "11 whole numbers", "10 whole numbers", "whole floats", "text", "booleans"],
)
def test_the_task_is_inferred_from_the_target(values, task):
    assert infer_task(pd.Series(values)) == task


@pytest.mark.parametrize(
    ("y", "target", "classes", "positive"),
    [
        (cycle("b", "a"), {}, ("a", "b"), "b"),
        (cycle("Yes", "No"), {}, ("No", "Yes"), "Yes"),
        (cycle(1.0, 0.0), {}, (0, 1), 1),
        (cycle(True, False), {}, (False, True), True),
        (cycle("a", "b"), {"positive": "a"}, ("a", "b"), "a"),
        (cycle(0, 1), {"positive": 0}, (0, 1), 0),
        (cycle("c", "a", "b"), {}, ("a", "b", "c"), "c"),
    ],
    ids=["text", "yes", "whole floats", "booleans", "chosen", "chosen 0", "three"],
)
def test_classes_are_sorted_and_the_last_is_positive_unless_the_use_case_chooses(y, target, classes, positive):
    result = learnt({"age": cycle(1, 2, 3)}, y=y, target=target)

    found = result.schema.target
    assert (found.classes, found.positive) == (classes, positive)
    assert result.target.tolist() == y


def test_classes_that_are_not_integers_stay_unchanged():
    result = learnt({"age": cycle(1, 2, 3)}, y=cycle(0.5, 1.5), task="classification")

    assert result.schema.target.classes == (0.5, 1.5)
    assert result.target.tolist() == cycle(0.5, 1.5)


def test_a_number_target_knows_its_spread_and_decimals():
    result = learnt({"age": cycle(1, 2, 3)}, y=cycle(1.5, 2.5))

    assert result.schema.task == "regression"
    assert (result.schema.target.decimals, result.schema.target.classes) == (1, ())
    assert result.schema.target.std == pytest.approx(0.504, abs=1e-3)


@pytest.mark.parametrize(
    ("y", "usecase", "match"),
    [
        (["a"] * 2 + ["b"] * 58, {}, r"two classes of the target 'y' need 3 rows .*'a' \(2 rows\); collect more rows"),
        ([f"c{row}" for row in range(ROWS)], {}, "'y' has 60 different values, too many for classes"),
        (cycle("a", "b"), {"task": "regression"}, "'y' holds 'a', which is not a number; use --task classification"),
        (["1"] * 59 + ["n/k"], {"task": "regression"}, "'y' holds 'n/k', which is not a number"),
        ([float("inf"), *np.linspace(1.5, 9, ROWS - 1)], {}, "'y' holds .*inf"),
        (cycle("a", "b"), {"target": {"positive": "c"}}, r"`positive` is 'c', the target's classes are \['a', 'b'\]"),
        (
            cycle("a", "b", "c"),
            {"target": {"threshold": 0.3}},
            "`threshold` is for two classes; the target 'y' has 3 classes",
        ),
        (
            list(range(ROWS)),
            {"target": {"threshold": 0.3}},
            "`threshold` is for two classes; the target 'y' is a number",
        ),
    ],
    ids=[
        "rare",
        "too many",
        "text",
        "mostly numbers",
        "infinite",
        "positive",
        "threshold of three",
        "threshold of a number",
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_a_target_that_cannot_be_learnt_is_refused_with_what_to_do(y, usecase, match):
    with pytest.raises((DataError, UseCaseError), match=match):
        learnt({"age": cycle(1, 2, 3)}, y=y, **usecase)


def test_examples_are_completed_with_what_is_usual():
    example = Example({"en": "Ann"}, {"age": 3})

    schema = learnt({"age": cycle(1, 2, 3), "sex": cycle("f", "f", "m")}, examples=(example,)).schema

    assert schema.texts.examples == (ExampleRecord({"en": "Ann"}, {"age": 3, "sex": "f"}),)
    assert schema.example() == {"age": 3, "sex": "f"}


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"age": "three"}, "age: 'three' wrong type, expected a whole number"),
        ({"agee": 3}, "agee: 3 unknown field, expected one of age; did you mean 'age'?"),
        ({"age": 99999}, "age: 99999 must be between -52,969 and 53,053"),
    ],
    ids=["type", "field", "bounds"],
)
def test_an_invalid_example_is_refused(values, match):
    with pytest.raises(UseCaseError, match=f"the example 'Ann' is not a valid record: {match}"):
        learnt({"age": cycle(31, 42, 53, 31)}, examples=(Example({"en": "Ann"}, values),))


@pytest.mark.parametrize(
    ("cells", "usecase"),
    [
        (["1", "2", "3"], {}),
        (["1", "2", ""], {}),
        (["1,5", "2,25"], {}),
        (["yes", "No"], {}),
        (["TRUE", "FALSE"], {}),
        (["True", "False", ""], {}),
        (["007", "008"], {}),
        (["2024-05-31", "2024-06-01"], {}),
        (["2024-05-31 10:30", "2024-06-01 11:00"], {}),
        (["31.05.2024", "01.06.2024"], {}),
        (["2024/05/31", "2024/06/01"], {}),
        (["May 2024", "Jun 2024"], {"fields": {"x": FieldSpec(format="%b %Y")}}),
        (["1,5", "2,5"], {"fields": {"x": FieldSpec(kind="category")}}),
        (["0", "2", "3"], {"missing": {"x": (0,)}}),
        (["0", "2", "3"], {"missing": {"x": (0,)}, "fields": {"x": FieldSpec(kind="category")}}),
        (["?", "2", "3"], {"missing": {"x": ("?",)}, "fields": {"x": FieldSpec(kind="number")}}),
        (["0", "1", "9"], {"missing": {"x": (9,)}}),
    ],
    ids=[
        "integer", "gaps", "decimal comma", "yes", "boolean", "boolean with gaps", "codes", "ISO date", "ISO moment",
        "d.m.Y", "Y/m/d", "date format", "category with decimal comma", "missing number", "missing category",
        "missing text in numbers", "missing in yes/no",
    ],
)  # fmt: skip
def test_the_table_learnt_from_is_read_back_as_the_pipeline_saw_it(tmp_path, cells, usecase):
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "".join(f"{cell};{row},25\n" for row, cell in enumerate(cycle(*cells))), encoding="utf-8")
    result = infer_dataset(
        read_table(DataSource(str(path))).frame, UseCase("case", TargetSpec("y"), **usecase), "t.csv"
    )

    checked = check_table(result.schema, read_upload(path.read_bytes()))

    assert checked.faults == {}
    pd.testing.assert_frame_equal(frames.frame(result.schema, checked.checked.columns), result.inputs)


@pytest.mark.parametrize(
    ("values", "spec"),
    [
        (cycle(0.1, 0.25), None),
        (cycle("yes", "no", None), None),
        (pd.to_datetime(cycle("2024-05-31", "2024-06-01")), None),
        (pd.to_datetime(cycle("2024-05-31", "2024-06-01")), FieldSpec(kind="category")),
    ],
    ids=["number", "yes/no", "moments", "moments as categories"],
)
def test_what_is_learnt_is_json_and_its_example_a_valid_record(values, spec):
    table = pd.DataFrame({"x": values, "y": np.linspace(1.5, 9, ROWS)})
    usecase = UseCase("case", TargetSpec("y"), fields={"x": spec} if spec else {})

    schema = infer_dataset(table, usecase, "t.csv", keep=["x"]).schema

    assert json.loads(json.dumps(schema.to_json()))["fields"][0]["name"] == "x"
    assert schema.check_records([schema.example()]).warnings == [[]]


def test_the_categories_of_the_example_go_together():
    """Each country as often as any other, and half of the countries in Africa: it began with Norway in Africa."""
    country = cycle("Norway", "Congo", "Chad", "Chile")
    continent = cycle("Europe", "Africa", "Africa", "America")

    assert learnt({"country": country, "continent": continent}).schema.defaults == {
        "country": "Chad",
        "continent": "Africa",
    }


@pytest.mark.parametrize(("rows", "city"), [(10, "Oslo"), (9, "Rome")])
def test_the_example_says_nothing_of_fewer_than_ten_rows(rows, city):
    """All that is grey is in Oslo, and most of the others in Rome; grey is the most frequent colour in any case."""
    colour = ["grey"] * rows + [f"colour {row % 7}" for row in range(ROWS - rows)]
    town = ["Oslo"] * rows + [f"town {row}" if row < 9 else "Rome" for row in range(ROWS - rows)]

    found = learnt({"colour": colour, "city": town}).schema.defaults

    assert found == {"colour": "grey", "city": city}
