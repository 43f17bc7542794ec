"""Columns of a file that are called otherwise: what is suggested for a field, and what whoever sends the file may choose."""

import json

import pytest

from slipway.errors import CsvError
from slipway.schema.fields import Field
from slipway.schema.suggestions import choose_columns, similarity, suggest_columns
from slipway.tables.cells import TextTable
from tests.calls import HEADER, ROW, refusal, rows, upload

BMI = Field("bmi", "number", "float64", {"en": "BMI"}, 25.0, observed_min=16.0, observed_max=53.0)
AGE = Field("age", "integer", "int64", {"en": "Age"}, 40, minimum=0, maximum=120)
SMOKER = Field("smoker", "category", "object", {"en": "Smoker"}, "no", categories=("no", "yes"))


def file(**columns):
    cells = list(map(list, zip(*columns.values(), strict=True)))
    return TextTable(list(columns), cells, range(2, 2 + len(cells)), {}, ",")


def suggested(fields, table):
    return {one.field: one.column for one in suggest_columns(fields, table, [item.name for item in fields])}


@pytest.mark.parametrize(
    ("name", "other"),
    [("bmi", "Body mass index"), ("age", "Age in years"), ("BloodPressure", "blood press"), ("Größe", "grosse_cm")],
)
def test_names_are_alike_by_initials_words_and_letters(name, other):
    assert similarity(name, other) > 0.8
    assert similarity(other, name) == similarity(name, other)


def test_names_that_have_nothing_in_common_are_not_alike():
    assert (
        max(similarity("sex", "gender"), similarity("bmi", "!"), similarity("", ""), similarity("region", "area")) < 0.5
    )


def test_a_column_is_suggested_by_its_name_only_if_its_cells_fit():
    assert suggested([AGE], file(**{"Age in years": ["40", "41"]})) == {"age": "Age in years"}
    assert suggested([AGE], file(**{"Age in years": ["forty", "old"]})) == {}
    assert suggested([AGE], file(**{"Ages": ["forty", "x"], "age_y": ["40", ""]})) == {"age": "age_y"}
    assert suggested([AGE], file(**{"Ages": ["", ""]})) == {"age": "Ages"}, "no cell speaks against it"


def test_categories_alone_are_enough_where_only_one_column_has_them():
    assert suggested([SMOKER], file(tobacco=["yes", "no"], other=["1", "2"])) == {"smoker": "tobacco"}
    assert suggested([SMOKER], file(tobacco=["yes", "no"], insured=["no", "no"])) == {}
    assert suggested([SMOKER], file(tobacco=["yes", "perhaps"])) == {}


def test_a_column_is_suggested_once_and_for_the_field_that_it_is_most_like():
    table = file(**{"body mass index": ["25.5", "30"], "bmis": ["1", "2"]})
    assert suggested([BMI, AGE], table) == {"bmi": "body mass index"}
    assert [one.cells for one in suggest_columns([BMI], table, ["bmi"])] == [("25.5", "30")]


def test_what_was_chosen_goes_before_what_is_spelt_otherwise():
    names = ["age", "bmi"]
    assert choose_columns(names, ["Age", "x"], {"x": "bmi"}) == {"x": "bmi", "Age": "age"}
    assert choose_columns(names, ["Age", "years"], {"years": "age"}) == {"years": "age"}
    assert choose_columns(names, ["age", "bmi"], {"age": "bmi", "bmi": "age"}) == {"age": "bmi", "bmi": "age"}
    long = "x" * 200
    assert choose_columns(names, [long], {f"{long[:80]}… (200 characters)": "bmi"}) == {long: "bmi"}


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"x": "weight"}, "'weight', which is not a field of the model"),
        ({"y": "bmi"}, "'y', which is not a column of the file"),
        ({"x": "bmi", "Age": "bmi"}, "'bmi' twice"),
        ({"x": "age"}, "'age' twice"),
    ],
)
def test_what_cannot_be_chosen_is_refused(chosen, said):
    with pytest.raises(CsvError, match=said):
        choose_columns(["age", "bmi"], ["age", "Age", "x"], chosen)


def test_a_file_without_a_column_is_told_which_it_may_be_and_predicted_with_what_was_chosen(insurance_server):
    text = f"{HEADER}\n{ROW}\n"
    other = text.replace("bmi", "Body mass index").replace("smoker", "tobacco")
    assert refusal(upload(insurance_server, other))["suggestions"] == [
        {"field": "bmi", "column": "Body mass index", "cells": ["25.0"]},
        {"field": "smoker", "column": "tobacco", "cells": ["no"]},
    ]

    chosen = {"Body mass index": "bmi", "tobacco": "smoker"}
    answer = upload(insurance_server, other, columns=json.dumps(chosen))

    (found,), (expected,) = rows(answer), rows(upload(insurance_server, text))
    assert found["prediction"] == expected["prediction"] and found["Body mass index"] == "25.0"
    assert json.loads(answer.headers["X-Matched-Columns"]) == chosen


@pytest.mark.parametrize("columns", ["bmi", "[]", '{"a": 1}', '{"a": "bmi", "a": "age"}', "[" * 9999, '{"x": "bmi"}'])
def test_a_form_field_that_chooses_no_column_is_refused(insurance_server, columns):
    said = refusal(upload(insurance_server, f"{HEADER}\n{ROW}\n", columns=columns))

    assert said["code"] == "invalid_columns" and said["error"].startswith("`columns` has ") and len(said["error"]) < 300


def test_a_decimal_comma_of_a_column_that_is_spelt_otherwise_is_given_back(insurance_server):
    text = f"{HEADER}\n{ROW}\n".replace(",", ";").replace("25.0", "25,5").replace("bmi", "BMI")

    answer = upload(insurance_server, text)

    assert json.loads(answer.headers["X-Form"])["decimal"] == ","
    assert "," in rows(answer, ";")[0]["prediction"]


@pytest.mark.parametrize("start", ["<!DOCTYPE html>\n<html>", " <html>", "<TABLE><tr><th>age</th><th>sex</th></tr>"])
def test_a_web_page_is_called_one_whatever_its_name(insurance_server, start):
    said = refusal(upload(insurance_server, f"{start}\n<tr><td>40</td></tr>\n<tr><td>41</td></tr>\n"))

    assert said["code"] == "not_a_csv" and "is a web page (HTML), not a CSV text" in said["error"]
