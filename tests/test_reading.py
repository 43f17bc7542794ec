"""Ambiguous values are rejected with both readings; decisions are reported; options decide, in later files, too."""

import re

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.cli.main import build_parser
from slipway.cli.train import resolve
from slipway.errors import DataError, SlipwayError
from slipway.i18n import sentences
from slipway.i18n.faults import describe
from slipway.inference.equality import Answers
from slipway.inference.predictor import Predictor
from slipway.inference.table import predict_table
from slipway.publish.train import prepare
from slipway.schema.fields import Field
from slipway.schema.metrics import ReadingNote
from slipway.schema.schema import Schema, Target
from slipway.schema.table import check_table
from slipway.tables.files import read_upload
from slipway.tables.writers import TextWriter
from slipway.training import usecase
from slipway.training.exclusion import CATEGORY_LIMIT
from tests.conftest import trained

ROWS = 60
THOUSANDS = [f"{number:,}" for number in range(1030, 1030 + 71 * ROWS, 71)]
"""Nothing but three digits after each comma: a thousand or one."""
POINTS = [text.replace(",", ".") for text in THOUSANDS]


def table(separator=",", /, **columns):
    """A table of `ROWS` rows as text; shorter columns are repeated, and numbers to predict are added."""
    columns = {"y": [f"{row * 7 % 30}" for row in range(ROWS)], **columns}
    rows = [[cells[row % len(cells)] for cells in columns.values()] for row in range(ROWS)]
    lines = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in ([*columns], *rows)]
    return "\n".join(map(separator.join, lines)) + "\n"


@pytest.fixture
def prepared(tmp_path, capsys):
    """What is learnt from a table given as text, and the notes that training prints."""

    def prepared(text, *options):
        path = tmp_path / "t.csv"
        path.write_text(text, encoding="utf-8")
        case = resolve(build_parser().parse_args(["train", "--data", str(path), "--target", "y", *options]))
        _, learnt, _ = prepare(case)
        return learnt, [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]

    return prepared


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            table(";", income=POINTS, rate=["1,3"]),
            r"'income' holds '1.030' \(line 2\), which can be 1.03 or 1030; type `--decimal .` for 1.03 or "
            r"`--decimal ,` for 1030 \(in a use case: `data: \{file: …, decimal: '.'\}`\)",
        ),
        (table(";", income=POINTS), r"'income' holds '1.030' \(line 2\), which can be 1.03 or 1030"),
        (table(";", income=POINTS, a=["1,3"], b=["1.3"]), "'income' holds '1.030' .*, and other columns have both marks,"),
        (table(";", income=[*POINTS[:59], "2,5"]), r"'income' holds '1.030' \(line 2\), beside '2,5' \(line 61\), which"),
        (table(income=THOUSANDS), r"'income' holds '1,030' .* `--decimal .` for 1030 or `--decimal ,` for 1.03"),
        (table("\t", income=THOUSANDS), "'income' holds '1,030' .* which can be 1.03 or 1030"),
        (table(";", y=POINTS, a=["1", "2,5"]), "'y' holds '1.030'"),
        (
            table(when=["01/02/2024", "03/03/2024", "12/05/2023"]),
            r"'when' holds dates that fit day first and month first, '01/02/2024' \(line 2\) and '12/05/2023' \(line 4\): "
            r"'01/02/2024' can be 1 February 2024 or 2 January 2024; type `--format when=%d/%m/%Y` or "
            r"`--format when=%m/%d/%Y` \(in a use case: `fields: \{when: \{format: '%d/%m/%Y'\}\}`\)",
        ),
        (
            table(x=["1", "2"], y=["yes", "no", "no", "NA"]),
            r"the target 'y' is 'NA' in 15 rows \(line 5\), which can be a class or mean that there is no value; type "
            r"`--missing y=NA` if such rows have no target, or `--missing y=` if it is a class \(in a use case: "
            r"`missing: \{y: \['NA'\]\}` or `missing: \{y: \[\]\}`\)",
        ),
        (table(x=["1", "2"], y=["None", "Insomnia", "Apnea"]), "the target 'y' is 'None' in 20 rows"),
        (table(x=["1", "2"], y=["1", "2", "?"]), "the target 'y' is '\\?' in 20 rows .* `--missing 'y=\\?'`"),
    ],
    ids=[
        "points beside decimal commas", "nothing but three digits", "other columns have both", "both in a column",
        "commas in quotes", "commas between tabs", "target", "dates", "NA of a target", "None of a target", "? in a target",
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_refused_with_both_and_what_to_type(prepared, text, said):
    with pytest.raises(DataError) as refused:
        prepared(text)

    assert re.search(said, str(refused.value)), refused.value
    assert "\n" not in str(refused.value)


def test_what_is_ignored_may_be_read_in_any_way(prepared):
    text = table(";", income=POINTS, when=["01/02/2024"], x=["1", "2", "3"])

    learnt, _ = prepared(text, "--ignore", "income", "--ignore", "when")

    assert learnt.schema.names == ["x"]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        (table(x=["1.234", "5.678"]), 1.234, 5.678),
        (table(x=["1.5", "27.945"], z=["0.078"]), 1.5, 27.945),
        (table(";", x=["1.5", "1.030"], z=["2,5", "1"]), 1.03, 1.5),
        (table(";", x=["1.030", "2.040"], z=["0.5", "1"]), 1.03, 2.04),
        (table("\t", x=["1.030", "2.040"], z=["0.5", "1"]), 1.03, 2.04),
        (table(";", x=["1,5", "1,030"]), 1.03, 1.5),
        (table(";", x=["1,030", "2"], z=["2,5", "1"]), 1.03, 2),
        (table(";", x=["10", "2030"], z=["2,5", "1"]), 10, 2030),
    ],
    ids=[
        "comma-separated", "three and one decimals", "own column decides", "other columns decide", "tabs",
        "decimal commas", "decimal commas elsewhere", "whole numbers",
    ],
)  # fmt: skip
def test_a_file_whose_marks_agree_is_read_as_ever(prepared, text, low, high):
    learnt, _ = prepared(text)

    field = learnt.schema.by_name["x"]
    assert (field.observed_min, field.observed_max) == (low, high)


@pytest.mark.parametrize(
    ("text", "options", "low", "high", "note"),
    [
        (table(";", x=POINTS, z=["1,3", "2"]), ["--decimal", ","], 1030, 5219, "x: numbers are read with a decimal comma; a point separates thousands. ['1.030' (line 2) is 1030]"),
        (table(";", x=POINTS, z=["1,3", "2"]), ["--decimal", "."], 1.03, 5.219, "x: numbers are read with a decimal point; a comma separates thousands. ['1.030' (line 2) is 1.030]"),
        (table(x=THOUSANDS), ["--decimal", "."], 1030, 5219, "x: numbers are read with a decimal point; a comma separates thousands. ['1,030' (line 2) is 1030]"),
        (table(x=["1,5", "2,25"]), ["--decimal", ","], 1.5, 2.25, "x: numbers are read with a decimal comma; a point separates thousands. ['1,5' (line 2) is 1.5]"),
        (table(";", x=["1.234,5", "1.030", "7"]), [], 7, 1234.5, "x: numbers are read with a decimal comma; a point separates thousands. ['1.234,5' (line 2) is 1234.5]"),
        (table(x=["1,234.5", "1,030", "7"]), [], 7, 1234.5, "x: numbers are read with a decimal point; a comma separates thousands. ['1,234.5' (line 2) is 1234.5]"),
    ],
    ids=["told a comma", "told a point", "told a point, quoted", "told a comma, quoted", "a cell decides", "a quoted cell decides"],
)  # fmt: skip
def test_options_and_cells_decide_are_reported_and_later_files_are_read_alike(prepared, text, options, low, high, note):
    learnt, notes = prepared(text, *options)

    field = learnt.schema.by_name["x"]
    assert (field.observed_min, field.observed_max) == (low, high)
    assert f"note: {note}" in notes
    checked = check_table(learnt.schema, read_upload(text.encode()))
    assert checked.faults == {}
    assert checked.checked.columns["x"].tolist() == learnt.inputs["x"].tolist()


def test_a_single_row_is_read_with_the_options_of_training(prepared):
    learnt, _ = prepared(table(";", x=POINTS, z=["1,3", "2"]), "--decimal", ",")

    checked = check_table(learnt.schema, read_upload(b"x;z\n1.030;2\n"))

    assert checked.faults == {} and checked.checked.columns["x"].tolist() == [1030]


@pytest.mark.parametrize(
    ("told", "file", "value"),
    [
        ([], "x;z\n1.030;1,5\n7;2\n", None),
        ([], "x;z\n1,030;2\n7;2\n", None),
        ([], "x;z\n1.030;2\n7;2\n", 1.03),
        ([], "x;z\n1,030;1,5\n7;2\n", 1.03),
        ([], "x,z\n1.030,1.5\n7,2\n", 1.03),
        (["--decimal", ","], "x,z\n1.030,1\n7,2\n", None),
        (["--decimal", ","], "x,z\n1.030,1.5\n7,2\n", 1.03),
    ],
    ids=[
        "point beside decimal commas", "comma alone", "point alone", "comma beside decimal commas", "comma-separated",
        "comma-separated, learnt with decimal commas", "the same beside points",
    ],
)  # fmt: skip
def test_a_row_of_a_file_that_can_be_read_in_two_ways_is_faulty_and_says_both(prepared, told, file, value):
    text = (
        table(";", x=[*POINTS[:59], "2,5"], z=["1,3", "2"]) if told else table(x=["1.5", "2000", "7"], z=["1.5", "2"])
    )
    learnt, _ = prepared(text, *told)

    checked = check_table(learnt.schema, read_upload(file.encode()))

    if value is None:
        cell = file.split("\n")[1].split(";" if ";" in file else ",")[0]
        assert [describe(fault) for fault in checked.faults[0]] == [
            f"x: {cell!r} can be read in two ways, expected 1.03 or 1030"
        ]
        assert checked.good == [1]
    else:
        assert checked.faults == {} and checked.checked.columns["x"][0] == value


@pytest.mark.parametrize(
    "case",
    [
        (
            {"land": ["NA", "ZA", "BW"]},
            "land: “NA” (20) was read as missing. [first 'NA' (line 2); if it is a value, type `--missing land=` "
            "(in a use case: `missing: {land: []}`)]",
        ),
        ({"x": ["31", "42", "NA", "null"]}, "x: “NA” (15), “null” (15) was read as missing. [first 'NA' (line 4)]"),
        (
            {"power": ["?" if row == 7 else str(40 + row) for row in range(ROWS)]},
            "power: “?” (1) was read as missing. [first '?' (line 9)]",
        ),
        (
            {"power": ["abc" if row == 7 else str(40 + row) for row in range(ROWS)]},
            "power: “abc” (1) was taken for missing, as all others are numbers. ['abc' (line 9, 1 cell); type `--missing "
            "power=abc` (in a use case: `missing: {power: ['abc']}`) to say so yourself, or give `fields: {power: {kind: "
            "category}}` in a use case]",
        ),
        (
            {"power": ["abc" if row % 10 == 7 else str(40 + row) for row in range(ROWS)]},
            "power is text: 54 of 55 different values are numbers, but not “abc”. ['abc' (line 9, 6 cells); if these stand "
            "for missing, type `--missing power=abc` (in a use case: `missing: {power: ['abc']}`)]",
        ),
        (
            {"share": [f"{row}%" for row in range(20)]},
            "share: the numbers have the unit %, which may be left out. ['0%' (line 2) is 0]",
        ),
        (
            {"price": ["$5", "$1,200.50", "7", "($3)"]},
            "price: numbers are read with a decimal point; a comma separates thousands. ['$1,200.50' (line 3) is 1200.50]",
            "price: the numbers have the unit $, which may be left out. ['$5' (line 2) is 5; '7' (line 4) is taken for the same unit]",
            "price: “($3)” is a negative number. ['($3)' (line 5) is -3]",
        ),
        (
            {"price": ["$5", "€7", "$9"]},
            "price is text: its numbers have different units, as in “$5”, “€7”. ['$5' (line 2), '€7' (line 3); write all in one unit]",
        ),
        (
            {"share": ["5%", "0.07", "9%"]},
            "share is text: its numbers have different units, as in “0.07”, “5%”. ['0.07' (line 3), '5%' (line 2); write all in one unit]",
        ),
        (
            {"x": ["1,5", "2,5", "3,25", "4,5", "7,75"]},
            "x: numbers are read with a decimal comma; a point separates thousands. ['1,5' (line 2) is 1.5]",
        ),
        (
            {"x": ["1,5", "2,5"]},
            "x is text: its numbers have a comma, as in “1,5”, and commas separate the columns. ['1,5' (line 2); type "
            "`--decimal ,` if the comma is the decimal mark]",
        ),
        (
            {"day": ["01/13/2020", "02/03/2020"]},
            "day: dates are read month first. ['01/13/2020' (line 2) fits no other order]",
        ),
        (
            {"day": ["01/12/2020", "13/03/2020"]},
            "day: dates are read day first. ['13/03/2020' (line 3) fits no other order]",
        ),
        (
            {"at": ["2023-01-01 00:00:00", "2023-01-02T23:30+01:00", "2023-01-03"]},
            "at: the local time is kept as it stands; the time zone of “2023-01-02T23:30+01:00” is ignored. "
            "['2023-01-02T23:30+01:00' (line 3) is 23:30]",
        ),
        (
            {"at": ["01.02.99", "03.04.21"]},
            "at: years of two digits from 69 on are 19.., those below 20... ['01.02.99' (line 2) is in 1999]",
        ),
        (
            {"account": ["123456789012345671", "123456789012345672", "7"]},
            "account is a category: whole numbers such as “123456789012345671” have more digits than a number holds exactly. "
            "['123456789012345671' (line 2); if these are numbers, give `fields: {account: {kind: number}}` in a use case]",
        ),
        (
            {"dose": ["1E2", "77", "100"]},
            "dose is a category: “1E2” beside whole numbers is a code. ['1E2' (line 2); if these are numbers, give "
            "`fields: {dose: {kind: number}}` in a use case]",
        ),
        (
            {"land": ["NA", "ZA", "BW"], "km": ["", "31", "42", "53"]},
            "land: “NA” (20) is a value: missing values are written otherwise in this file. [first 'NA' (line 2); if it is "
            "missing, type `--missing land=NA` (in a use case: `missing: {land: ['NA']}`)]",
        ),
        (
            {"land": ["NA", "ZA", "BW"], "km": ["NA", "31", "42", "53"]},
            "land: “NA” (20) was read as missing. [first 'NA' (line 2); if it is a value, type `--missing land=` "
            "(in a use case: `missing: {land: []}`)]",
            "km: “NA” (15) was read as missing. [first 'NA' (line 2)]",
        ),
    ],
    ids=[
        "NA in text", "NA in numbers", "one odd cell", "one odd word", "some odd words", "percent", "money", "two units",
        "percent or not", "decimal commas beside commas", "few commas beside commas", "month first",
        "day first", "time", "short years", "beyond 2^53", "1E2 beside 100", "NA beside empty numbers", "NA as in numbers",
    ],
)  # fmt: skip
def test_what_was_decided_is_said_in_a_line_with_the_first_cell_and_what_to_type(prepared, case):
    columns, *wanted = case

    _, notes = prepared(table(x0=["31", "42", "53"], **columns))

    assert [line for line in notes if "gives" not in line] == [f"note: {note}" for note in wanted]


def test_an_ordinary_table_is_read_without_notes(prepared):
    _, notes = prepared(
        table(
            a=["31", "42", ""], b=["1.5", "2.125"], c=["007", "008"], d=["red", "blue"], e=["2024-01-02", "2024-02-01"],
            f=["1e3", "2e3"], g=["04.05.2024", "06.07.2024"], h=["05/05/2024", "06/06/2024"],
        )
    )  # fmt: skip

    assert notes == []


@pytest.mark.parametrize("name", ["insurance", "diabetes", "insurance-tutorial"])
def test_the_included_tables_are_read_without_notes(name, capsys):
    prepare(resolve(build_parser().parse_args(["train", name])))

    assert "note: " not in capsys.readouterr().out


def test_a_marker_for_missing_can_be_declared_a_value_in_files_too(prepared):
    text = table(land=["NA", "ZA", "BW", ""])

    learnt, notes = prepared(text, "--missing", "land=")

    field = learnt.schema.by_name["land"]
    assert (field.categories, field.nullable, notes) == (("BW", "NA", "ZA"), True, [])
    checked = check_table(learnt.schema, read_upload(text.encode()))
    assert checked.faults == {} and checked.checked.columns["land"].tolist()[:4] == ["NA", "ZA", "BW", None]


def test_a_cell_can_be_declared_missing_and_the_others_are_numbers_again(prepared):
    learnt, notes = prepared(table(";", power=["?", "1,5", "2"]), "--missing", "power=?,n/k")

    field = learnt.schema.by_name["power"]
    assert (field.kind, field.observed_min, field.observed_max, field.missing, notes) == (
        "number",
        1.5,
        2,
        ("?", "n/k"),
        [],
    )


@pytest.mark.parametrize(
    ("told", "classes", "rows"), [("y=NA", ("no", "yes"), 45), ("y=", ("NA", "no", "yes"), 60)], ids=["missing", "a class"]
)  # fmt: skip
def test_a_class_that_looks_missing_is_what_it_is_declared_to_be(prepared, told, classes, rows):
    learnt, _ = prepared(table(x=["1", "2", "3"], y=["yes", "no", "no", "NA"]), "--missing", told)

    assert (learnt.schema.target.classes, len(learnt.target)) == (classes, rows)


def test_ambiguous_dates_are_read_in_the_given_format_in_files_too(prepared):
    learnt, notes = prepared(table(when=["01/02/2024", "03/04/2024"]), "--format", "when=%m/%d/%Y")

    field = learnt.schema.by_name["when"]
    assert (field.observed_min, field.observed_max, field.parse("05/06/2024", False), notes) == (
        "2024-01-02",
        "2024-03-04",
        "2024-05-06",
        [],
    )


def test_a_use_case_can_say_all_that_the_options_say(tmp_path):
    (tmp_path / "t.csv").write_text(
        table(";", x=POINTS, z=["1,3", "2"], y=["NA", "b", "c"], when=["01/02/2024"] * 2 + ["02/03/2024"])
    )
    (tmp_path / "case.yaml").write_text(
        "target: y\ndata: {file: t.csv, decimal: ','}\nmissing: {y: []}\nfields: {when: {format: '%m/%d/%Y'}}\n"
    )

    _, learnt, dropped = prepare(usecase.read(tmp_path / "case.yaml"))

    assert (learnt.schema.by_name["x"].observed_max, learnt.schema.by_name["when"].observed_max, dropped) == (
        5219,
        "2024-02-03",
        0,
    )
    assert learnt.schema.target.classes == ("NA", "b", "c")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "when"], "--format: 'when' is not COLUMN=VALUE"),
        (["--missing", "agee=?"], "`missing` names 'agee', which is no input column"),
        (["--ignore", "y"], "`ignore` names 'y', which is the target"),
    ],
)
def test_options_that_say_nothing_of_the_table_are_refused(prepared, options, said):
    with pytest.raises(SlipwayError, match=said):
        prepared(table(age=["1", "2", "3"]), *options)


def names(count):
    return [f"place-{row:04}" for row in range(count)]


@pytest.mark.parametrize(
    ("rows", "different", "left_out"),
    [
        (1704, 142, None),
        (6000, CATEGORY_LIMIT, None),
        (6002, CATEGORY_LIMIT + 1, "has too many different values for a category: 3,001 in 6,002 rows"),
        (60, 50, None),
        (60, 59, "is an identifier: 59 different values in 60 rows"),
        (300, 200, "is an identifier: 200 different values in 300 rows"),
        (300, 300, "is an identifier: 300 different values in 300 rows"),
    ],
    ids=["142 countries", "thousands", "more", "few", "nearly all", "hardly twice", "identifiers"],
)
def test_text_of_up_to_some_thousand_values_is_a_category_if_they_come_back(prepared, rows, different, left_out):
    frame = pd.DataFrame({"place": np.resize(names(different), rows), "y": np.arange(rows) % 37 + 0.5})

    learnt, _ = prepared(frame.assign(x=np.arange(rows) % 11).to_csv(index=False))

    reason = learnt.left_out.get("place")
    assert (reason and sentences.left_out(reason, "en")) == left_out
    if left_out is None:
        assert len(learnt.schema.by_name["place"].categories) == different


@pytest.mark.slow
def test_a_category_of_many_values_is_learnt_from_compiled_and_served(tmp_path):
    rng = np.random.default_rng(0)
    at, x = np.arange(1420) % 142, rng.normal(size=1420).round(3)
    frame = pd.DataFrame({"place": np.array(names(142))[at], "x": x, "y": (at * 0.5 + 3 * x).round(2)})
    frame.to_csv(tmp_path / "t.csv", index=False)

    tag = trained(
        "--data", str(tmp_path / "t.csv"), "--target", "y", "--include", "lr", "--folds", "3", "--name", "places"
    )

    version = store.find(tag)
    assert version.engine == "onnx"
    assert version.metrics().folds["R2"].mean > 0.95
    record = {"place": "place-0100", "x": 0.0}
    assert store.load_predictor(version).answer([record])["predictions"][0]["prediction"] == pytest.approx(50, abs=5)


def test_a_version_keeps_what_was_decided_and_its_card_says_it_in_two_languages(tmp_path):
    rows = 90
    low = np.arange(rows) % 13 < 6
    frame = pd.DataFrame({
        "x": np.arange(rows) % 17, "answer": np.where(low, "N", "Y"), "y": np.where(low, "low", "high"),
        "at": [f"2023-01-{row % 28 + 1:02} {row % 24:02}:00" for row in range(rows)],
        "land": np.resize(["NA", "ZA", "BW"], rows),
    })  # fmt: skip
    frame.loc[3, "y"] = "once"
    frame.to_csv(tmp_path / "t.csv", index=False)

    tag = trained("--data", str(tmp_path / "t.csv"), "--target", "y", "--include", "lr", "--name", "decided")

    version = store.find(tag)
    metrics = version.metrics()
    assert metrics.reading == (
        ReadingNote("taken_for_missing", "land", {"cells": {"NA": 30}}),
        ReadingNote("class_left_out", "y", {"value": "once", "rows": 1}),
        ReadingNote("target_copy", "answer", {"target": "y"}),
    )
    assert metrics.rows.all == 89 and version.schema().target.classes == ("high", "low")
    english, chinese = ((version.path / file).read_text(encoding="utf-8") for file in ("card.md", "card.zh.md"))
    assert "- land: “NA” (30) was read as missing." in english and "“NA” (30) 被视为缺失" in chinese
    assert "answer is y under another name" in english and "answer 就是换了名称的 y" in chinese
    assert "the class “once” has too few rows and was left out, with its 1 row." in english


def test_a_long_file_has_one_decimal_mark_in_all_its_blocks(monkeypatch):
    monkeypatch.setattr("slipway.inference.table.BLOCK_ROWS", 2)
    rows = [f"{row % 7},5;{row}" for row in range(ROWS)]
    fields = (
        Field("x", "number", "float64", {"en": "x"}, 1.0, observed_min=0.0, observed_max=9000.0),
        Field("n", "integer", "int64", {"en": "n"}, 1, observed_min=0, observed_max=90),
    )
    predictor = Predictor("m:1", Schema("m", "regression", fields, Target("y", {"en": "y"})), Sum())

    table = read_upload("\n".join(["x;n", *rows, "1.030;1", "1.030;2"]).encode())
    answer = predict_table(predictor, table, TextWriter())

    last = answer.content.decode().splitlines()[-1]
    assert answer.faulty == 2 and "x: '1.030' can be read in two ways, expected 1.03 or 1030" in last


class Sum:
    """Stands in for a model: the sum of x and n."""

    name = "sum"

    def predict(self, taken):
        return Answers(taken["x"] + taken["n"])
