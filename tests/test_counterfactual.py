"""What would have to change: the smallest changes, inside what was seen, that the served model really answers so."""

from itertools import product

import numpy as np
import pytest

from slipway import store
from slipway.errors import RecordsError, RequestCode, UseCaseError
from slipway.inference.counterfactual import candidates, counterfactual
from slipway.inference.equality import Answers
from slipway.inference.predictor import Predictor
from slipway.page.context import PageContext
from slipway.page.predict import changes
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.service.openapi import describe
from slipway.training.usecase import read
from tests.conftest import PATIENT, PERSON, settled, trained

BARE = {"openapi": "3.0.2", "servers": [], "tags": [], "paths": {}}
SMOKER = PERSON | {"smoker": "yes", "bmi": 34.0}


def changed(record: dict, alternative: dict) -> dict:
    return record | {one["field"]: one["to"] for one in alternative["changes"]}


# Of a model of which all is known

SIDES = ("a", "b", "c")


class Made:
    """y = 2 x + 10 z + 5 for side "c"; x, z from 0 to 10."""

    name = "made"

    def predict(self, columns):
        return Answers(2 * columns["x"] + 10 * columns["z"] + 5 * (columns["side"] == "c"))


def number(name: str, way: str | None = "any") -> Field:
    return Field(
        name, "number", "float64", {"en": name}, 5.0, observed_min=0.0, observed_max=10.0, decimals=1, changeable=way
    )


def made(x: str | None = "any", z: str | None = "any", side: str | None = "any") -> Predictor:
    field = Field("side", "category", "object", {"en": "side"}, "a", categories=SIDES, changeable=side)
    schema = Schema("made", "regression", (number("x", x), number("z", z), field), Target("y", {"en": "y"}))
    return Predictor("made:1", schema, Made())


RECORD = {"x": 2.0, "z": 3.0, "side": "a"}


def test_the_smallest_change_of_each_field_is_found_and_no_smaller_one_would_do():
    found = counterfactual(made(), RECORD, {"minimum": 38})

    by_field = {one["changes"][0]["field"]: one for one in found["alternatives"]}
    assert found["prediction"]["prediction"] == 34.0 and not found["reached"] and found["closest"] is None
    assert by_field["x"]["changes"] == [{"field": "x", "from": 2.0, "to": pytest.approx(4.0, abs=0.1)}]
    assert by_field["z"]["changes"] == [{"field": "z", "from": 3.0, "to": pytest.approx(3.4, abs=0.1)}]
    assert by_field["side"]["changes"] == [{"field": "side", "from": "a", "to": "c"}]
    assert all(one["prediction"]["prediction"] >= 38 for one in found["alternatives"])
    # The smallest first: 4 % of the range, 20 % of it, another category.
    assert [one["changes"][0]["field"] for one in found["alternatives"]] == ["z", "x", "side"]


def test_two_fields_change_only_where_one_is_not_enough():
    found = counterfactual(made(), RECORD, {"minimum": 116})

    assert all(len(one["changes"]) == 2 for one in found["alternatives"]) and found["alternatives"]
    for one in found["alternatives"]:
        record = changed(RECORD, one)
        assert 2 * record["x"] + 10 * record["z"] + 5 * (record["side"] == "c") >= 116


def test_three_fields_change_where_two_are_not_enough():
    found = counterfactual(made(), RECORD, {"minimum": 124})

    (one,) = found["alternatives"]
    assert {change["field"] for change in one["changes"]} == {"x", "z", "side"}


def test_where_there_is_no_way_it_says_so_and_what_comes_nearest():
    found = counterfactual(made(z=None), RECORD, {"minimum": 60})

    assert found["alternatives"] == [] and not found["reached"]
    assert found["closest"]["prediction"]["prediction"] == 55.0  # x = 10 and "c"
    assert counterfactual(made(), RECORD, {"minimum": 30})["reached"]


@pytest.mark.parametrize(("way", "goal", "fields"), [("up", {"maximum": 30}, set()), ("down", {"maximum": 30}, {"z"})])
def test_a_number_changes_only_in_the_direction_it_can(way, goal, fields):
    found = counterfactual(made(x=None, z=way, side=None), RECORD, goal)

    assert {change["field"] for one in found["alternatives"] for change in one["changes"]} == fields


def test_what_is_not_changeable_stays_and_what_is_missing_is_not_made_up():
    item = Field(
        "z", "number", "float64", {"en": "z"}, 5.0, True, observed_min=0.0, observed_max=10.0, changeable="any"
    )

    class Gaps:
        name = "gaps"

        def predict(self, columns):
            return Answers(np.nan_to_num(columns["z"]) + columns["x"])

    schema = Schema("made", "regression", (number("x"), item), Target("y", {"en": "y"}))
    found = counterfactual(Predictor("made:1", schema, Gaps()), {"x": 2.0, "z": None}, {"minimum": 7})

    assert [one["changes"] for one in found["alternatives"]] == [
        [{"field": "x", "from": 2.0, "to": pytest.approx(7.0, abs=0.1)}]
    ]


def test_values_are_those_of_training_in_its_decimals():
    whole = Field("n", "integer", "int64", {"en": "n"}, 5, observed_min=0, observed_max=10, changeable="any")

    assert sorted(candidates(whole, 4, 24)) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10]
    assert {abs(one - 4) for one in candidates(whole, 4, 24)[:2]} == {1}
    assert candidates(number("x"), 4.0, 3) == [5.0, 0.0, 10.0]
    # A record outside of the range is led into it.
    assert max(candidates(number("x"), 40.0, 5)) == 10.0


def test_a_change_stays_inside_the_range_of_training_where_its_ends_would_be_rounded_out_of_it():
    ends = {"observed_min": 0.06, "observed_max": 9.97}
    x = Field("x", "number", "float64", {"en": "x"}, 5.0, decimals=1, changeable="any", **ends)
    schema = Schema("made", "regression", (x, *made().schema.fields[1:]), Target("y", {"en": "y"}))
    predictor = Predictor("made:1", schema, Made())

    (first, *_) = counterfactual(predictor, RECORD | {"x": 9.0, "z": 10.0, "side": "c"}, {"minimum": 124.9})[
        "alternatives"
    ]

    assert first["changes"] == [{"field": "x", "from": 9.0, "to": 9.97}] and first["prediction"]["warnings"] == []
    assert all(0.06 <= one <= 9.97 for one in candidates(x, 5.0, 24))


# What is wrong


@pytest.mark.parametrize(
    "wanted", [5, "cheap", {}, {"maximum": "5"}, {"maximum": True}, {"most": 5}, {"minimum": 5, "maximum": 9}, None]
)
def test_a_goal_that_is_no_range_is_refused(wanted):
    with pytest.raises(RecordsError) as refused:
        counterfactual(made(), RECORD, wanted)

    (fault,) = refused.value.details
    assert (fault.code, fault.field) == ("wrong_type", "wanted")


def test_a_faulty_record_is_refused_with_its_faults_and_a_model_without_changeable_fields_says_what_to_do():
    with pytest.raises(RecordsError) as refused:
        counterfactual(made(), RECORD | {"side": "d", "x": "much"}, {"minimum": 5})
    assert [(one.field, one.code) for one in refused.value.details] == [
        ("x", "wrong_type"),
        ("side", "unknown_category"),
    ]

    with pytest.raises(RecordsError, match="no field of this model can be changed; mark them with `changeable:`") as no:
        counterfactual(made(None, None, None), RECORD, {"minimum": 5})
    assert no.value.code is RequestCode.NOTHING_CHANGEABLE


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        (
            "{smoker: {changeable: up}}",
            "`changeable: up` is for numbers; it is read as boolean: write `changeable: true`",
        ),
        ("{day: {changeable: true}}", "`changeable` is for numbers and categories; it is read as date: leave it out"),
        ("{size: {changeable: sideways}}", "`changeable` is 'sideways', expected true, false, up or down"),
        ("{sizes: {changeable: true}}", "names 'sizes'"),
    ],
)
def test_a_use_case_that_marks_the_wrong_field_is_refused(tmp_path, fields, match):
    lines = [f"{'yes' if i % 3 else 'no'},2024-01-{i % 28 + 1:02},{i},{i * 2}.5" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["smoker,day,size,y", *lines]))
    case = tmp_path / "case.yaml"
    case.write_text(f"data: {{file: {tmp_path / 't.csv'}}}\ntarget: y\nfields: {fields}\n")

    with pytest.raises(UseCaseError, match=match):
        read(case)
        trained(str(case), "--include", "lr")


# Of the models that come with Slipway


def test_each_alternative_is_what_the_served_model_predicts(insurance_server):
    body = {"record": SMOKER, "wanted": {"maximum": 15_000}}

    found = insurance_server.post("/counterfactual", json=body).json()

    assert found["alternatives"] and not found["reached"]
    for one in found["alternatives"]:
        again = insurance_server.post("/predict", json={"records": [changed(SMOKER, one)]}).json()["predictions"][0]
        assert again == one["prediction"] and again["prediction"] <= 15_000 and again["warnings"] == []
        assert {change["field"] for change in one["changes"]} <= {"bmi", "smoker"}
    assert any([change["to"] for change in one["changes"]] == ["no"] for one in found["alternatives"])


def test_no_other_change_of_one_field_that_is_enough_is_smaller(diabetes):
    predictor = store.load_predictor(store.find(diabetes))
    record = PATIENT | {"Glucose": 150}
    found = counterfactual(predictor, record, 0)

    for one in found["alternatives"]:
        if len(one["changes"]) > 1:
            continue
        (change,) = one["changes"]
        field = predictor.schema.by_name[change["field"]]
        step = 1 if field.kind == "integer" else 0.5
        size = abs(change["to"] - change["from"])
        nearer = [change["from"] + sign * k * step for sign, k in product((-1, 1), range(1, int(0.9 * size / step)))]
        nearer = [value for value in nearer if field.observed_min <= value <= field.observed_max]
        answers = predictor.answer([record | {field.name: value} for value in nearer])["predictions"] if nearer else []
        assert all(answer["prediction"] == 1 for answer in answers)
    assert found["alternatives"]


def test_the_description_of_the_api_has_the_call_where_a_field_can_be_changed(insurance_server, diabetes_server):
    paths = [server.get("/docs.json").json()["paths"] for server in (insurance_server, diabetes_server)]
    number, classes = (
        one["/counterfactual"]["post"]["requestBody"]["content"]["application/json"]["schema"] for one in paths
    )

    assert number["properties"]["wanted"]["maxProperties"] == 1 and number["required"] == ["record", "wanted"]
    assert classes["properties"]["wanted"]["enum"] == [0, 1] and classes["required"] == ["record"]
    assert "/counterfactual" not in describe(made(None, None, None).schema, "made:1", BARE)["paths"]


def test_of_two_classes_the_other_one_is_wanted_unless_one_is_named(diabetes_server, insurance_server):
    record = PATIENT | {"Glucose": 170}

    of_itself = diabetes_server.post("/counterfactual", json={"record": record}).json()
    named = diabetes_server.post("/counterfactual", json={"record": record, "wanted": 0}).json()
    already = diabetes_server.post("/counterfactual", json={"record": record, "wanted": 1}).json()
    unknown = diabetes_server.post("/counterfactual?lang=zh", json={"record": record, "wanted": 2})
    lacking = insurance_server.post("/counterfactual", json={"record": PERSON})

    assert of_itself == named and of_itself["prediction"]["prediction"] == 1
    assert all(one["prediction"]["prediction"] == 0 for one in named["alternatives"])
    assert already["reached"] and already["alternatives"] == [] and already["closest"] is None
    assert unknown.status_code == 400 and unknown.json()["details"][0]["expected"] == [0, 1]
    assert lacking.status_code == 400 and lacking.json()["code"] == "unexpected_body"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_says_what_would_have_to_change(insurance, language):
    version = store.find(insurance)
    page, predictor = PageContext(version, language), store.load_predictor(version)
    (now,) = predictor.answer([SMOKER])["predictions"]

    answers = [(words, counterfactual(predictor, SMOKER, wanted)) for words, wanted in changes.goals(page, now)]
    shown = changes.render(page, answers)

    assert len(answers) == 2
    wanted = "Smoker: Yes → No" if language == "en" else "吸烟：是 → 否"
    assert wanted in shown


@pytest.mark.browser
def test_the_panel_follows_the_form(open_page, insurance_server):
    page = open_page(insurance_server)
    panel = page.locator("#live-changes")
    page.get_by_label("Yes", exact=True).check()
    settled(page)
    panel.get_by_text("Smoker: Yes → No").first.wait_for()

    page.get_by_label("No", exact=True).check()
    settled(page)

    panel.get_by_text("Smoker: No → Yes").first.wait_for()
    assert panel.get_by_text("Smoker: Yes → No").count() == 0
