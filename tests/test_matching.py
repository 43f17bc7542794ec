"""Files whose columns and categories are spelt otherwise than in training: matched where only one can be meant, and said."""

import json

import pytest

from slipway.errors import Fault, WarningCode
from slipway.schema.fields import Field
from slipway.schema.matching import match_category, match_columns, simplified
from slipway.service.file_answer import _in_header
from tests.calls import HEADER, rows, upload


@pytest.mark.parametrize("name", ["Café au lait", " cafe_au-lait", "CAFÉ.AU LAIT", "cafe\u0301 AuLait"])
def test_a_name_without_what_people_change(name):
    assert simplified(name) == "cafeaulait"


def test_columns_are_matched_where_only_one_can_be_meant():
    assert match_columns(["bmi", "Größe in cm", "age"], ["BMI ", "grosse_in_cm", "years"]) == {
        "BMI ": "bmi",
        "grosse_in_cm": "Größe in cm",
    }
    assert match_columns(["größe"], ["GRÖSSE"]) == {"GRÖSSE": "größe"}
    assert match_columns(["bmi"], ["BMI", "Bmi"]) == {}, "two columns could be meant"
    assert match_columns(["a", "A"], ["a ", "b"]) == {}, "two fields could be meant"
    assert match_columns(["!", "?"], ["!!", "😀"]) == {}
    assert match_columns(["-", "_"], [".", " "]) == {}, "nothing is left to compare"


def test_categories_are_matched_in_any_case_where_only_one_can_be_meant():
    assert match_category("Clerk", ["clerk", "driver"]) == "clerk"
    assert match_category("CLERK", ["clerk", "Clerk"]) is None
    assert match_category("clerks", ["clerk"]) is None


def test_a_cell_in_another_case_is_read_and_said():
    field = Field("job", "category", "object", {"en": "job"}, "clerk", categories=("clerk", "driver", 3))
    assert field.read("clerk", False) == ("clerk", None)
    assert field.read(" Clerk ", False) == ("clerk", Fault(WarningCode.OTHER_SPELLING, "job", "Clerk", "clerk"))


def test_a_file_spelt_otherwise_gets_the_same_predictions(insurance_server):
    row = f"{HEADER}\n19,female,27.9,0,{{}},{{}}\n"
    assert HEADER == "age,sex,bmi,children,smoker,region"
    answers = [
        upload(insurance_server, row.format("yes", "southwest")),
        upload(insurance_server, row.replace("age", "Age ").format("YES", "SouthWest")),
    ]
    expected, got = map(rows, answers)
    assert got[0]["prediction"] == expected[0]["prediction"]
    assert "X-Matched-Columns" not in answers[0].headers
    assert json.loads(answers[1].headers["X-Matched-Columns"]) == {"Age": "age"}
    assert (got[0]["codes"], got[0]["warnings"]) == ("other_spelling", "region: 'SouthWest' read as 'southwest'")
    assert got[0]["region"] == "SouthWest", "the file's own cells stay as they are"


def test_a_column_with_the_field_s_own_name_is_taken_before_any_other():
    assert match_columns(["age", "bmi"], ["Age", "age", "BMI"]) == {"BMI": "bmi"}
    assert match_columns(["age", "bmi"], ["Age", "AGE", "bmi"]) == {}


def test_of_many_columns_as_many_are_named_as_a_proxy_lets_through():
    matched = {f"Column {i}": f"column_{i}" for i in range(1000)}
    named = json.loads(_in_header(matched))
    assert 0 < len(named) < 1000 and matched | named == matched
    assert len(_in_header(matched)) < 4096 - 1000
