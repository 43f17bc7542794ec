"""Numbers are understood however they are written, by a format that is learnt from the whole column."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway import store
from slipway.tables.decimal_marks import decimal_mark, mark_by_length, mark_of_money
from slipway.tables.numbers import NumberCells, NumberFormat, taken_apart, two_readings
from tests.conftest import answers_of_its_own_file

SPACES = " \u00a0\u2009\u202f"


@pytest.mark.parametrize(
    ("cell", "mark", "with_point", "with_comma"),
    [
        ("1.030", None, "1.030", "1030"),
        ("-1,030", None, "-1030", "-1.030"),
        ("1.5", ".", "1.5", "1.5"),
        ("1,5e2", ",", "1.5e2", "1.5e2"),
        ("0.627", ".", "0.627", "0.627"),
        ("0,627", ",", "0.627", "0.627"),
        ("1234,567", ",", "1234.567", "1234.567"),
        ("1.234,5", ",", "1234.5", "1234.5"),
        ("1,234,567", ".", "1234567", "1234567"),
        ("12,34,567.5", ".", "1234567.5", "1234567.5"),
        ("12", None, "12", "12"),
        ("1\u202f234,50", ",", "1234.50", "1234.50"),
        ("1'234.50", ".", "1234.50", "1234.50"),
        ("1’234’567", None, "1234567", "1234567"),
        ("(1 234)", None, "-1234", "-1234"),
        ("1,234.5-", ".", "-1234.5", "-1234.5"),
        ("\u22125", None, "-5", "-5"),
    ],
)
def test_a_number_is_read_by_the_only_mark_it_can_have_and_else_by_the_one_of_the_format(
    cell, mark, with_point, with_comma
):
    assert NumberFormat(".").plain(cell) == with_point and NumberFormat(",").plain(cell) == with_comma
    assert taken_apart(cell).mark == mark


@pytest.mark.parametrize(
    ("cell", "unit", "number"),
    [
        ("$951", "$", "951"), ("-$5", "$", "-5"), ("($1,200.00)", "$", "-1200.00"), ("US$ 5", "US$", "5"),
        ("1.234,5 €", "€", "1234.5"), ("USD 5", "USD", "5"), ("5 CHF", "CHF", "5"), ("12%", "%", "12"), ("12 %", "%", "12"),
        ("12 kg", "kg", "12"), ("12kg", "kg", "12"), ("90 km/h", "km/h", "90"), ("Rs. 500", "Rs.", "500"),
    ],
)  # fmt: skip
def test_a_unit_before_or_after_a_number_is_read(cell, unit, number):
    assert taken_apart(cell).unit == unit
    assert NumberFormat(".", unit).plain(cell) == number
    assert NumberFormat(".", unit).plain(number) == number
    assert NumberFormat(".", "£").plain(cell) is None


@pytest.mark.parametrize(
    "cell",
    ["", "x", "A5", "12a", "5K", "10:30", "5 PM", "1.2.3", "1,2,3", "12-5", "(5", "5)", "--5", "-(5)", "$5€", "#5", "1 2", "12 34"]
    + ["2024-01-02", "01.02.2024", "1e", "e5", "1 23 456", "10.10.10.10", "٣"],
)  # fmt: skip
def test_what_is_no_number_is_none(cell):
    assert taken_apart(cell) is None


def test_both_readings_of_a_number_are_told():
    assert two_readings("1.030") == ("1.03", "1030") and two_readings("-1,030 €") == ("-1.03", "-1030")


@pytest.mark.parametrize(
    ("cells", "declared", "elsewhere", "mark"),
    [
        (["1.030", "2.5"], ",", {","}, "."),
        (["1.030", "2,5"], None, set(), None),
        (["1.030", "2,5"], ",", set(), ","),
        (["1.030", "1.234,5"], ".", set(), ","),
        (["1.030"], None, {"."}, "."),
        (["1.030"], None, {","}, None),
        (["1.030"], None, {".", ","}, None),
        (["1.030", "1,030"], None, {"."}, None),
        (["1,030"], None, {","}, ","),
        (["12"], None, {","}, "."),
        (["1.030", "1 234.5"], None, set(), "."),
    ],
)
def test_what_a_column_shows_itself_comes_before_what_was_declared_and_that_before_other_columns(
    cells, declared, elsewhere, mark
):
    assert decimal_mark(NumberCells(cells), declared, elsewhere) == mark


@pytest.mark.parametrize(
    ("cells", "elsewhere", "mark"),
    [
        (["400", "470", "1.030", "1.100"], set(), ","),
        (["400", "470", "1,030", "1,100"], {"."}, "."),
        (["400", "1.030"], {","}, ","),
        (["400", "1.030"], set(), None),
        (["400", "470", "1.030", "1.100"], {"."}, None),
        (["400", "2030", "1.030", "1.100"], {","}, None),
        (["400", "470", "1.031", "1.101"], {","}, None),
        (["1.030", "1.100"], {","}, None),
        (["400", "1.030", "1,030"], set(), None),
        (["2,5", "400", "1.030", "2.040"], set(), ","),
    ],
    ids=[
        "zeros beside short numbers", "commas", "few, and other columns agree", "too few", "other columns contradict",
        "a long number", "no zeros", "nothing but three digits", "both separators", "a decimal comma",
    ],
)  # fmt: skip
def test_lengths_of_numbers_show_what_separates_thousands(cells, elsewhere, mark):
    assert mark_by_length(NumberCells(cells), elsewhere) == mark


@pytest.mark.parametrize(
    ("cells", "elsewhere", "mark"),
    [
        (["$2,113", "$9,050"], {"."}, "."),
        (["2.113 €", "9.050 €"], {","}, ","),
        (["3,459 €"], {","}, None),
        (["$2,113"], set(), None),
        (["$2,113"], {".", ","}, None),
        (["2,113", "$9,050"], {"."}, None),
        (["2,113 kg"], {"."}, None),
    ],
    ids=["dollars", "euros", "three decimals", "nothing else", "both marks", "one without", "no money"],
)
def test_the_marks_of_other_columns_show_what_separates_thousands_of_money(cells, elsewhere, mark):
    assert mark_of_money(NumberCells(cells), elsewhere) == mark


@st.composite
def formats(draw):
    """A way to write numbers: decimal mark, what separates thousands, unit, negative numbers."""
    decimal = draw(st.sampled_from(".,"))
    thousands = draw(st.sampled_from(["", *("., '’" + SPACES).replace(decimal, "")]))
    unit = draw(st.sampled_from(["", "$", "€", "%", "kg", "USD", "R$"]))
    before = unit in ("$", "R$", "USD") and draw(st.booleans())
    negative = draw(st.sampled_from(["-{}", "\u2212{}", "({})", "{}-"]))
    return decimal, thousands, unit, before, negative


def written(number, decimals, form):
    """A number in a format, as a spreadsheet would show it."""
    decimal, thousands, unit, before, negative = form
    whole, _, fraction = f"{abs(number):,.{decimals}f}".partition(".")
    text = whole.replace(",", thousands) + (decimal + fraction if fraction else "")
    text = text if not unit else f"{unit} {text}" if before else f"{text} {unit}"
    return negative.format(text) if number < 0 and float(f"{number:.{decimals}f}") else text


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30), st.integers(0, 4), formats())
def test_numbers_in_any_format_come_back_or_the_column_is_ambiguous(numbers, decimals, form):
    cells = [written(number, decimals, form) for number in numbers]
    column = NumberCells(dict.fromkeys(cells))
    mark = decimal_mark(column, None, set()) or mark_by_length(column, set())

    assert column.odd == []
    if mark is None:
        assert column.open
        return
    read = [float(NumberFormat(mark, form[2]).plain(cell)) for cell in cells]
    assert read == [float(f"{number:.{decimals}f}") for number in numbers]


@given(st.lists(st.integers(1000, 999_999), min_size=1, max_size=10), st.sampled_from(".,"), st.sampled_from(["", "$"]))
def test_two_readings_are_never_chosen_between_in_silence(numbers, separator, unit):
    cells = [unit + f"{number:,}".replace(",", separator) for number in numbers]
    column = NumberCells(dict.fromkeys(cells))

    assert decimal_mark(column, None, set()) is None and mark_by_length(column, set()) is None


@given(st.text(string.printable + SPACES + "€−(", max_size=12))
def test_any_text_is_taken_apart_or_is_no_number(text):
    found = taken_apart(text.strip())

    if found is not None:
        assert [float(reading) for reading in found[:2] if reading is not None]


def test_a_table_of_written_numbers_is_learnt_and_its_own_file_is_answered_as_the_plain_values_are(tmp_path):
    rows = range(90)
    columns = {
        "income": [f"{400 + 130 * row:,}".replace(",", ".") for row in rows],
        "rate": [f"{row % 9},{row % 4}" for row in rows],
        "price": [f"€ {row % 13},50" for row in rows],
        "share": [f"{row * 7 % 101}%" for row in rows],
        "member": [("TRUE", "False", "true", "FALSE", "")[row % 5] for row in rows],
        "account": [str(123456789012345671 + row % 4) for row in rows],
        "code": [("1E2", "77", "100")[row % 3] for row in rows],
        "y": [f"{900 + 13 * (row % 17)},00 $" for row in rows],
    }
    columns["income"][7] = "n/a"
    table = "\n".join(map(";".join, [columns.keys(), *zip(*columns.values(), strict=True)])) + "\n"

    version, schema, answers = answers_of_its_own_file(tmp_path, table, "written")

    fields = schema.by_name
    kinds = {name: (field.kind, field.number_unit, field.nullable) for name, field in fields.items()}
    assert kinds == {
        "income": ("integer", "", True),
        "rate": ("number", "", False),
        "price": ("number", "€", False),
        "share": ("integer", "%", False),
        "member": ("boolean", "", True),
        "account": ("category", "", False),
        "code": ("category", "", False),
    }
    assert (fields["income"].observed_max, fields["income"].missing, schema.target.unit) == (
        11970,
        ("n/a",),
        {"en": "$"},
    )
    assert [row["problems"] for row in answers] == [""] * 90
    record = {"income": 400, "rate": 0.0, "price": 0.5, "share": 0, "member": True} | {
        "account": "123456789012345671",
        "code": "1E2",
    }
    (prediction,) = store.load_predictor(version).answer([record])["predictions"]
    assert float(answers[0]["prediction"]) == prediction["prediction"]
    gap = store.load_predictor(version).answer([record | {"income": "n/a"}])["predictions"][0]
    assert [warning.code for warning in gap["warnings"]] == ["read_as_missing"]
