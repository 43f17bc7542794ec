"""Which records and tables a schema accepts, and how it reports the faults of the others."""

import datetime as dt
import json
import re
from dataclasses import replace

import pandas as pd
import pytest

from slipway.errors import Fault, FaultCode, RecordsError, WarningCode
from slipway.i18n.faults import as_json, describe
from slipway.inference import frames
from slipway.schema.fields import Field, FieldError
from slipway.schema.schema import VECTORIZE_FROM, Schema, Target
from slipway.schema.table import check_table
from slipway.schema.texts import ExampleRecord, ModelTexts
from slipway.store import artifacts
from slipway.tables.files import read_upload
from slipway.tables.layout import RaggedRow


def a(name, kind, dtype, default, **more):
    return Field(name, kind, dtype, {"en": name.title()}, default, **more)


SCHEMA = Schema(
    name="visits",
    task="regression",
    fields=(
        a("age", "integer", "int64", 40, minimum=0, maximum=120, observed_min=18, observed_max=64),
        a("bmi", "number", "float64", 25.0, minimum=10.0, maximum=100.0, observed_min=15.0, observed_max=50.0, nullable=True, missing=(0,)),
        a("smoker", "boolean", "object", "no", categories=("no", "yes")),
        a("insured", "boolean", "bool", True, categories=(False, True)),
        a("grade", "category", "int64", 1, categories=(1, 2, 3)),
        a("region", "category", "object", "north", categories=("north", "south"), nullable=True, missing=("?",)),
        a("day", "date", "datetime64[ns]", "2020-02-01", observed_min="2019-01-01", observed_max="2021-12-31", nullable=True),
        a("note", "text", "object", ""),
    ),
    target=Target("cost", {"en": "Cost"}, classes=("low", "high"), positive="high"),
    texts=ModelTexts(title={"en": "Visits"}),
)  # fmt: skip
RECORD = {
    "age": 40, "bmi": 25.5, "smoker": "no", "insured": True, "grade": 1, "region": "north", "day": "2020-02-01", "note": "x"
}  # fmt: skip


def faults(records, schema=SCHEMA):
    with pytest.raises(RecordsError, match="faults? in the records; details name each field") as caught:
        schema.check_records(records)
    return caught.value.details


def read(text, schema=SCHEMA):
    return check_table(schema, read_upload(text.encode()))


def given(checked, schema=SCHEMA):
    """The rows that a fitted pipeline would be given, with None for missing and dates as text."""
    frame = frames.frame(schema, checked.columns).astype(object)
    rows = frame.where(frame.notna(), None).to_dict("records")
    return [{k: v.date().isoformat() if isinstance(v, pd.Timestamp) else v for k, v in row.items()} for row in rows]


@pytest.mark.parametrize(
    "odd",
    [
        {}, {"age": "40"}, {"age": True}, {"age": 40.5}, {"age": None}, {"age": 10**400}, {"age": float("nan")},
        {"bmi": None}, {"bmi": float("nan")}, {"bmi": 0}, {"bmi": 1e300}, {"bmi": 99.5}, {"smoker": "maybe"}, {"smoker": True},
        {"insured": 1}, {"insured": "yes"}, {"grade": 2.0}, {"grade": True}, {"grade": 7}, {"grade": []}, {"region": None},
        {"region": "?"}, {"region": 3}, {"day": "2020-02-30"}, {"day": "2030-01-01"}, {"note": 1}, {"extra": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_a_record_among_many_is_checked_as_it_is_alone(odd):
    def told(records):
        try:
            checked = SCHEMA.check_records(records)
        except RecordsError as refused:
            return [replace(fault, record=0) for fault in refused.details]
        position = len(records) - 1
        return [repr({**given(checked)[position]}), checked.warnings[position]]

    many = [dict(RECORD) for _ in range(VECTORIZE_FROM)]

    assert told([*many, RECORD | odd]) == told([RECORD | odd])


def test_a_record_among_many_that_is_not_an_object_is_named():
    assert [fault.record for fault in faults([RECORD] * VECTORIZE_FROM + [7])] == [VECTORIZE_FROM]


def test_a_record_without_fault_is_taken_as_it_is():
    checked = SCHEMA.check_records([RECORD])

    assert given(checked) == [RECORD]
    assert checked.warnings == [[]]


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("age", 2.0 * 20, 40),
        ("bmi", 25, 25.0),
        ("bmi", None, None),
        ("smoker", "yes", "yes"),
        ("insured", False, False),
        ("grade", 2.0, 2),
        ("region", None, None),
        ("day", "2020-02-29", "2020-02-29"),
        ("day", None, None),
        ("note", "", ""),
        ("note", "x" * 10_000, "x" * 10_000),
    ],
    ids=lambda value: f"{value:.12}" if isinstance(value, str) else repr(value),
)  # fmt: skip
def test_a_value_is_taken_as_the_pipeline_needs_it(name, value, taken):
    checked = SCHEMA.check_records([RECORD | {name: value}])

    found = given(checked)[0][name]
    assert (found, type(found)) == (taken, type(taken))
    assert checked.warnings == [[]]


@pytest.mark.parametrize(
    ("name", "value", "shown", "code"),
    [
        ("age", "44", "44", "wrong_type"),
        ("age", True, True, "wrong_type"),
        ("age", 2.5, 2.5, "wrong_type"),
        ("age", [40], "a list", "wrong_type"),
        ("age", {"years": {"old": 40}}, "an object", "wrong_type"),
        ("age", "x" * 10_000_000, "x" * 80 + "… (10,000,000 characters)", "wrong_type"),
        ("age", "\ud800", "?", "wrong_type"),
        ("age", None, None, "null"),
        ("age", float("nan"), "nan", "not_finite"),
        ("age", 10**400, "a whole number of 1329 bits", "not_finite"),
        ("age", -1, -1, "out_of_bounds"),
        ("age", 121, 121, "out_of_bounds"),
        ("bmi", "25", "25", "wrong_type"),
        ("bmi", False, False, "wrong_type"),
        ("bmi", float("inf"), "inf", "not_finite"),
        ("bmi", -(10**400), "a whole number of 1329 bits", "not_finite"),
        ("bmi", 9.9, 9.9, "out_of_bounds"),
        ("bmi", 1e300, 1e300, "out_of_bounds"),
        ("smoker", "maybe", "maybe", "unknown_category"),
        ("smoker", "Yes", "Yes", "unknown_category"),
        ("smoker", True, True, "wrong_type"),
        ("smoker", None, None, "null"),
        ("insured", 1, 1, "wrong_type"),
        ("insured", "true", "true", "wrong_type"),
        ("grade", 4, 4, "unknown_category"),
        ("grade", True, True, "wrong_type"),
        ("grade", "1", "1", "wrong_type"),
        ("region", {"a": 1}, "an object", "wrong_type"),
        ("region", ["north"], "a list", "wrong_type"),
        ("region", "", "", "unknown_category"),
        ("day", "01.02.2020", "01.02.2020", "wrong_type"),
        ("day", "2020-02-30", "2020-02-30", "wrong_type"),
        ("day", 20200201, 20200201, "wrong_type"),
        ("day", "9999-12-31", "9999-12-31", "out_of_bounds"),
        ("note", 3, 3, "wrong_type"),
        ("note", None, None, "null"),
        ("note", "x" * 10_001, "x" * 80 + "… (10,001 characters)", "text_too_long"),
    ],
    ids=lambda value: f"{value:.12}" if isinstance(value, str) else f"{value!r:.12}" if value != 10**400 else "huge",
)  # fmt: skip
def test_a_value_that_does_not_fit_its_field_is_refused_and_shown(name, value, shown, code):
    details = faults([RECORD | {name: value}])

    assert len(details) == 1
    assert replace(details[0], expected=None) == Fault(FaultCode(code), name, shown, record=0)
    assert json.dumps(as_json(details[0]), allow_nan=False).encode()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("age", "x", "a whole number"),
        ("age", 121, {"minimum": 0, "maximum": 120}),
        ("bmi", "x", "a number"),
        ("insured", 1, [False, True]),
        ("grade", 9, [1, 2, 3]),
        ("day", "soon", "a date such as 2024-05-31"),
        ("note", 3, "a text"),
        ("note", "x" * 10_001, "at most 10,000 characters"),
    ],
    ids=["integer", "bounds", "number", "boolean", "category", "date", "text", "length"],
)
def test_a_fault_says_what_was_expected(name, value, expected):
    assert faults([RECORD | {name: value}])[0].expected == expected


@pytest.mark.parametrize(
    ("name", "value", "taken", "seen"),
    [
        ("age", 17, 17, {"minimum": 18, "maximum": 64}),
        ("bmi", 60, 60.0, {"minimum": 15.0, "maximum": 50.0}),
        ("day", "2030-01-01", "2030-01-01", {"minimum": "2019-01-01", "maximum": "2021-12-31"}),
    ],
)
def test_a_value_outside_the_training_range_is_taken_with_a_warning(name, value, taken, seen):
    checked = SCHEMA.check_records([RECORD | {name: value}])

    assert given(checked)[0][name] == taken
    assert checked.warnings == [[Fault(WarningCode.OUT_OF_RANGE, name, taken, seen)]]


@pytest.mark.parametrize(("name", "value"), [("bmi", 0), ("bmi", 0.0), ("region", "?")])
def test_a_sentinel_for_missing_is_read_as_not_measured_with_a_warning(name, value):
    checked = SCHEMA.check_records([RECORD | {name: value}])

    assert given(checked)[0][name] is None
    assert checked.warnings == [[Fault(WarningCode.READ_AS_MISSING, name, value)]]


def test_true_is_not_the_sentinel_1():
    field = a("x", "category", "float64", 2, categories=(2, 3), nullable=True, missing=(1,))

    details = faults([{"x": True}], replace(SCHEMA, fields=(field,)))

    assert details[0].code == "wrong_type"


def test_missing_and_unknown_fields_are_named_with_the_nearest():
    record = {name: value for name, value in RECORD.items() if name != "smoker"} | {"smokr": "no"}

    details = faults([record])

    assert [(fault.field, fault.code) for fault in details] == [("smoker", "missing_field"), ("smokr", "unknown_field")]
    assert details[0].expected == ["no", "yes"]
    assert details[1].expected.endswith("; did you mean 'smoker'?")


def test_every_fault_of_every_record_is_listed():
    details = faults([RECORD | {"age": "x", "bmi": "y"}, RECORD, RECORD | {"grade": 7}, "no record", None])

    assert [(fault.record, fault.field) for fault in details] == [
        (0, "age"), (0, "bmi"), (2, "grade"), (3, None), (4, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "^1 fault in"),
        (100, "^100 faults in.*expected$"),
        (1500, r"^1,500 faults in.*\(the first 100 are listed\)$"),
    ],
)
def test_at_most_a_hundred_faults_are_listed_and_all_are_counted(count, text):
    records = [RECORD | {"age": "x"}] * count

    with pytest.raises(RecordsError, match=text) as caught:
        SCHEMA.check_records(records)

    assert caught.value.count == count
    assert len(caught.value.details) == min(count, 100)


HEADER = "age;bmi;smoker;insured;grade;region;day;note\n"


def test_a_table_is_read_with_its_columns_in_any_order_and_others_between_them():
    header = "note,day,region,id,grade,insured,smoker,bmi,age\n"

    result = read(header + "x,2020-02-01,north,7,1,true,no,25.5,40\n")

    assert given(result.checked) == [RECORD]
    assert (result.good, result.faults) == ([0], {})


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        ("40.0;25;no;true;1;north;2020-02-01;x", "age", 40),
        ("40;25,5;no;true;1;north;2020-02-01;x", "bmi", 25.5),
        ("40;2.55e1;no;true;1;north;2020-02-01;x", "bmi", 25.5),
        ("40;;no;true;1;north;2020-02-01;x", "bmi", None),
        ("40;0,0;no;true;1;north;2020-02-01;x", "bmi", None),
        ("40;25; NO ;true;1;north;2020-02-01;x", "smoker", "no"),
        ("40;25;no;FALSE;1;north;2020-02-01;x", "insured", False),
        ("40;25;no;true;2.0;north;2020-02-01;x", "grade", 2),
        ("40;25;no;true;1;NA;2020-02-01;x", "region", None),
        ("40;25;no;true;1;?;2020-02-01;x", "region", None),
        ("40;25;no;true;1;north;2020-02-01; a b ", "note", "a b"),
    ],
    ids=[
        "whole number with a point", "decimal comma", "exponent", "empty", "missing value", "case", "boolean",
        "class with a point", "NA", "missing text", "spaces",
    ],
)  # fmt: skip
def test_a_cell_is_read_as_its_field_needs_it(row, name, value):
    result = read(HEADER + row)

    found = given(result.checked)[0][name]
    assert (found, type(found)) == (value, type(value))


def test_invalid_rows_are_reported_with_their_lines_and_the_others_kept():
    rows = '40;25;no;true;1;north;2020-02-01;"two\nlines"\nx;1e400;no;1;1;West;2020-02-01;x\n40;25\n17;0;no;true;1;north;;x\n'

    result = read(HEADER + rows)

    assert result.good == [0, 3]
    assert [result.table.lines[row] for row in result.faults] == [4, 5]
    assert [(fault.field, fault.value, fault.code) for fault in result.faults[1]] == [
        ("age", "x", "wrong_type"),
        ("bmi", "1e400", "not_finite"),
        ("insured", "1", "wrong_type"),
        ("region", "West", "unknown_category"),
    ]
    assert result.faults[2] == [Fault(FaultCode.WRONG_CELL_COUNT, value=(2, 8, ""))]
    assert [[warning.field for warning in row] for row in result.checked.warnings] == [[], ["age", "bmi"]]


def test_a_comma_beside_comma_separators_is_a_decimal_mark_where_it_can_be_nothing_else():
    header = HEADER.replace(";", ",")

    result = read(header + '40,"25,5",no,true,1,north,2020-02-01,x\n40,"1,030",no,true,1,north,2020-02-01,x\n')

    assert result.checked.columns["bmi"].tolist() == [25.5]
    assert result.faults[1] == [Fault(FaultCode.WRONG_TYPE, "bmi", "1,030", "a number")]


@pytest.mark.parametrize("cell", ["1,5", "1.50"], ids=["decimal comma", "trailing zero"])
def test_a_category_that_is_a_number_is_read_as_numbers_are_written(cell):
    schema = replace(SCHEMA, fields=(a("size", "category", "float64", 1.5, categories=(1.5, 2)),))

    result = read(f"size;id\n{cell};1\n", schema)

    assert given(result.checked, schema) == [{"size": 1.5}]


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        (a("x", "category", "float64", 1, categories=(1, 2), nullable=True, missing=(0,)), "0"),
        (a("x", "number", "float64", 1.0, minimum=1.0, maximum=9.0, nullable=True, missing=("?",)), "?"),
    ],
    ids=["number for a category", "text for a number"],
)
def test_a_sentinel_cell_is_read_as_not_measured(field, cell):
    schema = replace(SCHEMA, fields=(field,))

    assert given(read(f"x,id\n{cell},1\n", schema).checked, schema) == [{"x": None}]


def test_all_missing_columns_are_named_with_the_nearest_that_is_there():
    with pytest.raises(
        RecordsError, match="columns are missing: 'bmi', 'smoker', .*; the file has 'age', 'smokr'"
    ) as caught:
        read("age,smokr\n40,no\n")

    assert [fault.field for fault in caught.value.details] == SCHEMA.names[1:]
    assert [fault.value for fault in caught.value.details] == [None, "smokr", *[None] * 5]
    assert caught.value.details[1].expected == "a column named 'smoker'; did you mean 'smokr'?"


@pytest.mark.parametrize("nothing", [{}, {"bmi": None, "region": None, "day": None}], ids=["all given", "gaps"])
def test_the_frame_has_the_dtypes_of_training_and_an_index_from_0(nothing):
    checked = SCHEMA.check_records([RECORD | nothing] * 3)

    frame = frames.frame(SCHEMA, checked.columns)

    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "age": "int64", "bmi": "float64", "smoker": "object", "insured": "bool", "grade": "int64", "region": "object",
        "day": "datetime64[ns]", "note": "object",
    }  # fmt: skip
    assert frame.index.tolist() == [0, 1, 2]
    assert frame.isna().sum().to_dict() == {name: 3 * (name in nothing) for name in RECORD}
    assert frame.loc[2, "day"] is pd.NaT or frame.loc[2, "day"] == pd.Timestamp("2020-02-01")


def test_of_many_categories_a_fault_lists_the_first_hundred():
    field = a("place", "category", "object", "p0", categories=tuple(f"p{at}" for at in range(142)))

    with pytest.raises(FieldError) as fault:
        field.check("nowhere")

    assert fault.value.expected == [*(f"p{at}" for at in range(100)), "…"]


def test_a_schema_survives_being_stored_as_json(tmp_path):
    artifacts.SCHEMA.write(tmp_path, SCHEMA)

    assert artifacts.SCHEMA.read("x:1", tmp_path, artifacts.FORMAT) == SCHEMA


def test_the_json_schema_says_what_the_checks_will_say():
    described = SCHEMA.json_schema()

    properties = described["properties"]
    assert (described["required"], described["additionalProperties"]) == (SCHEMA.names, False)
    assert {key: properties["age"][key] for key in ("type", "minimum", "maximum", "example")} == {
        "type": "integer", "minimum": 0, "maximum": 120, "example": 40
    }  # fmt: skip
    assert properties["bmi"]["anyOf"][0] == {"type": "number", "minimum": 10.0, "maximum": 100.0}
    assert properties["bmi"]["nullable"]
    assert "nullable" not in properties["age"]
    assert properties["smoker"]["enum"] == ["no", "yes"]
    assert properties["region"]["enum"] == ["north", "south", "?", None]
    assert (properties["day"]["type"], properties["day"]["format"]) == ("string", "date")


def test_dates_are_described_as_the_calendar_has_them():
    pattern = SCHEMA.json_schema()["properties"]["day"]["pattern"]
    described = [
        f"{year}-{month:02}-{day:02}"
        for year in range(1670, 2270)
        for month in range(14)
        for day in range(33)
        if re.fullmatch(pattern, f"{year}-{month:02}-{day:02}")
    ]

    first, last = dt.date(1678, 1, 1), dt.date(2261, 12, 31)
    assert described == [str(first + dt.timedelta(days)) for days in range((last - first).days + 1)]


def test_the_description_of_a_field_has_its_unit_help_range_and_gaps():
    field = a("bmi", "number", "float64", 25.0, observed_min=15.0, observed_max=50.0, nullable=True, unit={"en": "kg/m²"}, help={"en": "By a nurse."})  # fmt: skip

    text = field.json_schema()["description"]

    assert text == "Bmi (kg/m²). By a nurse. Seen in training: 15.0 to 50.0. `null` means not measured."


def test_the_example_is_the_first_of_the_use_case_and_else_the_defaults():
    given = replace(
        SCHEMA,
        texts=ModelTexts(
            examples=(ExampleRecord({"en": "Ann"}, {"age": 20}), ExampleRecord({"en": "Bo"}, {"age": 30}))
        ),
    )

    assert SCHEMA.example()["age"] == 40
    assert given.example() == SCHEMA.example() | {"age": 20}
    assert given.json_schema()["example"] == given.example()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault(FaultCode.WRONG_TYPE, "age", "x", "a number"), "age: 'x' wrong type, expected a number"),
        (Fault(FaultCode.OUT_OF_BOUNDS, "age", 0, {"minimum": 1, "maximum": 9.0}), "age: 0 must be between 1 and 9"),
        (Fault(FaultCode.OUT_OF_BOUNDS, "age", 0, {"minimum": 1, "maximum": None}), "age: 0 must be at least 1"),
        (Fault(FaultCode.OUT_OF_BOUNDS, "age", 10, {"minimum": None, "maximum": 9}), "age: 10 must be at most 9"),
        (Fault(FaultCode.NULL, "sex", None, ["f", "m"]), "sex: must not be missing, expected f, m"),
        (Fault(FaultCode.UNKNOWN_CATEGORY, "n", "x", list(range(25))), f"n: 'x' unknown category, expected {', '.join(map(str, range(20)))}, …"),
        (Fault(WarningCode.READ_AS_MISSING, "bmi", 0), "bmi: 0 read as not measured"),
        (Fault(WarningCode.OUT_OF_RANGE, "x", 5, {"minimum": 0, "maximum": 2.5}), "x: 5 outside the range seen in training, expected 0 to 2.5"),
        (Fault(FaultCode.WRONG_CELL_COUNT, value=RaggedRow(2, 3, "")), "2 cells, the header has 3"),
        (Fault(FaultCode.WRONG_CELL_COUNT, value=RaggedRow(4, 3, "'x'")), "4 cells, the header has 3 (left over: 'x')"),
    ],
    ids=["type", "range", "minimum", "maximum", "categories", "many", "not measured", "training", "cells", "left over"],
)  # fmt: skip
def test_a_fault_reads_as_a_sentence(fault, sentence):
    assert describe(fault) == sentence
