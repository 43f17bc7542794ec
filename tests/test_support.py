"""What an answer rests on: similar cases, unusual combinations, prediction sets, and when a person is asked."""

import json

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.errors import UseCaseError, WarningCode
from slipway.i18n import trust
from slipway.inference.equality import Answers
from slipway.inference.interval import Interval
from slipway.inference.predictor import Predictor
from slipway.inference.support import Abstention, Combinations, PredictionSets, SimilarCases, Support
from slipway.schema.cells import CellTerm
from slipway.schema.fields import Field
from slipway.schema.metrics import FEW, AbstentionMetrics, Metrics, SetMetrics, SupportMetrics
from slipway.schema.schema import Schema, Target
from slipway.training.combinations import learn_combinations
from slipway.training.evaluation import HeldOut
from slipway.training.schema_inference import infer_dataset
from slipway.training.support import learn_support
from slipway.training.usecase import TargetSpec, UseCase
from slipway.training.usecase.models import AbstainSpec
from tests.calls import predict, rows, upload
from tests.conftest import PATIENT, PERSON

ODD_PATIENT = PATIENT | {"Pregnancies": 12, "Age": 22}


def people(count, seed):
    """Ages, years at school that no child can have yet, and a town without any connection."""
    rng = np.random.default_rng(seed)
    age = rng.integers(6, 60, count)
    school = np.minimum(age - 6, rng.integers(0, 20, count))
    return pd.DataFrame({"age": age, "school": school, "town": rng.choice(["a", "b", "c"], count)})


def learnt(frame, target):
    return infer_dataset(frame.assign(y=target), UseCase("made", TargetSpec("y")), "made")


def columns_of(schema, frame):
    return schema.columns(frame.astype(object).to_dict("records"))


# Combinations


@pytest.fixture(scope="module")
def combined():
    """Unusual combinations of 4,000 people, and their schema."""
    data = learnt(people(4000, 0), np.random.default_rng(1).normal(size=4000))
    return learn_combinations(data.inputs, data.schema, data.schema.names), data.schema


def test_a_combination_that_training_does_not_have_is_called_unusual(combined):
    found, schema = combined
    child = pd.DataFrame({"age": [10, 50], "school": [15, 15], "town": ["a", "a"]})

    named = found.combinations.found(columns_of(schema, child), schema.by_name, 2)

    assert named == {0: [("age", "school")]}


def test_one_in_a_hundred_new_people_is_called_unusual_and_many_that_are_put_together(combined):
    found, schema = combined
    new, rng = people(20_000, 2), np.random.default_rng(3)
    mixed = new.assign(age=rng.permutation(new["age"]))

    share = [
        len(found.combinations.found(columns_of(schema, one), schema.by_name, len(one))) / 20_000
        for one in (new, mixed)
    ]

    assert share[0] <= 0.015 and found.false_alarms <= 0.015
    assert share[1] == pytest.approx(found.detected, abs=0.03) and share[1] > 0.05


def test_inputs_without_any_connection_have_no_unusual_combination():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=3000), "b": rng.choice(list("xyz"), 3000), "c": rng.integers(9, size=3000)}
    )
    data = learnt(frame, rng.normal(size=3000))

    found = learn_combinations(data.inputs, data.schema, data.schema.names)

    assert found.combinations.unusual == () and found.false_alarms == found.detected == 0


def test_one_field_has_no_combinations():
    data = learnt(people(300, 0)[["age"]], np.arange(300.0))

    assert learn_combinations(data.inputs, data.schema, data.schema.names) is None


# Similar cases


def test_similar_cases_and_their_error_are_those_of_the_table():
    frame, rng = people(2000, 4), np.random.default_rng(5)
    data = learnt(frame, rng.normal(size=2000))
    predicted = data.target.to_numpy() + rng.normal(size=2000)
    held_out = HeldOut(data.inputs, data.target.to_numpy(), Answers(predicted))

    support, metrics = learn_support(held_out, data.schema, ["school", "town", "age"], None, Abstention())

    assert metrics.fields == ("school", "town", "age")
    (edges, _, others) = (term.edges for term in support.similar.terms)
    place = pd.DataFrame(
        {
            "s": np.searchsorted(edges, frame.school, "right"),
            "t": frame.town,
            "a": np.searchsorted(others, frame.age, "right"),
        }
    )
    errors = pd.Series(np.abs(predicted - data.target)).groupby([place.s, place.t, place.a]).agg(["size", "mean"])
    cases, means = support.similar.like(
        data.schema.check_records(frame.astype(object).to_dict("records")), data.schema.by_name
    )
    for row in range(0, 2000, 7):
        size, mean = errors.loc[tuple(place.iloc[row])]
        assert cases[row] == (size if size >= FEW else 0)
        assert means[row] == (pytest.approx(mean, rel=1e-3) if size >= FEW else -1)
    assert metrics.cases >= 40


def test_no_case_is_like_one_outside_the_training_range(insurance_server):
    inside, outside = predict(insurance_server, PERSON, PERSON | {"age": 90}).json()["predictions"]

    assert inside["support"]["cases"] >= FEW
    assert outside["support"] == {"cases": 0, "error": None}


def test_a_small_group_is_kept_as_none():
    term = CellTerm("town", values=("a", "b"))
    frame = pd.DataFrame({"town": ["a"] * 190 + ["b"] * 60 + ["c"] * (FEW - 1)})
    data = learnt(frame, np.arange(len(frame), dtype=float))

    support, _ = learn_support(
        HeldOut(data.inputs, np.zeros(len(frame)), Answers(np.ones(len(frame)))),
        data.schema,
        ["town"],
        None,
        Abstention(),
    )

    assert support.similar == SimilarCases((term,), (190, 60, 0, 0), (1.0, 1.0, -1.0, -1.0), len(frame))


# Prediction sets


def test_each_class_has_its_own_nine_of_ten():
    """One case of 20 is of the second class: a set that covers nine of ten of all could leave out most of them."""

    def drawn(count, seed):
        rng = np.random.default_rng(seed)
        actual = (rng.random(count) < 0.05).astype(int)
        score = 1 / (1 + np.exp(3 - 1.2 * rng.normal(actual * 1.5, 1)))
        return np.column_stack([1 - score, score]), actual

    data = learnt(people(4000, 0), np.where(drawn(4000, 6)[1], "yes", "no"))
    probabilities, actual = drawn(4000, 6)
    answers = Answers(probabilities.argmax(axis=1), probabilities)

    support, metrics = learn_support(HeldOut(data.inputs, actual, answers), data.schema, ["age"], None, Abstention())

    new, truth = drawn(40_000, 7)
    inside = support.sets.sets(new, new.argmax(axis=1))[np.arange(40_000), truth]
    # The class that is predicted is always in its set, which covers more than nine of ten of the frequent one.
    assert inside[truth == 1].mean() == pytest.approx(0.9, abs=0.05) == metrics.sets.classes[1]
    assert inside[truth == 0].mean() > 0.95 and metrics.sets.classes[0] > 0.95
    assert metrics.sets.size == pytest.approx(1 + (1 - metrics.sets.single))


def test_the_class_that_is_predicted_is_in_the_set_whatever_its_probability():
    sets = PredictionSets(0.9, (0.5, 0.5, 0.5)).sets(np.array([[0.4, 0.35, 0.25]]), np.array([2]))

    assert sets.tolist() == [[True, False, True]]


# When a person is asked

NUMBER = Schema(
    "made",
    "regression",
    (Field("x", "number", "float64", {"en": "X"}, 0.0), Field("z", "number", "float64", {"en": "Z"}, 0.0)),
    Target("y", {"en": "Y"}),
)
CLASSES = Schema(
    "made", "classification", NUMBER.fields, Target("y", {"en": "Y"}, classes=("no", "yes"), positive="yes")
)
SIMILAR = SimilarCases((CellTerm("x", edges=(1.0,)),), (12, 40, 0), (2.5, 1.5, -1.0), 52)
COMBINED = Combinations((CellTerm("x", edges=(1.0,)), CellTerm("z", edges=(1.0,))), ((0, 0, 1, 1),))


class Says:
    """An engine with one answer for all rows."""

    name = "made up"

    def __init__(self, value, probabilities=None):
        self.value, self.probabilities = value, probabilities

    def predict(self, columns):
        count = len(columns["x"])
        if self.probabilities is None:
            return Answers(np.full(count, self.value))
        return Answers(np.full(count, self.value), np.tile(self.probabilities, (count, 1)))


def numbers(abstain):
    interval = Interval(0.9, (), (-10.0,), (10.0,))
    return Predictor("made:1", NUMBER, Says(5.0), interval, Support(SIMILAR, COMBINED, None, abstain))


def codes(prediction):
    return [(one.code.value, one.value, one.expected) for one in prediction["warnings"]]


@pytest.mark.parametrize(
    ("rules", "record", "asked", "said"),
    [
        (Abstention(), {"x": 0.0, "z": 0.0}, False, []),
        (Abstention(cases=12), {"x": 0.0, "z": 0.0}, False, []),
        (Abstention(cases=13), {"x": 0.0, "z": 0.0}, True, [("few_similar_cases", 12, {"minimum": 13})]),
        (Abstention(width=20), {"x": 0.0, "z": 0.0}, False, []),
        (Abstention(width=19.5), {"x": 0.0, "z": 0.0}, True, [("wide_interval", 20.0, {"maximum": 19.5})]),
        (Abstention(), {"x": 0.0, "z": 2.0}, False, [("unusual_combination", None, {"field": "z"})]),
        (Abstention(unusual=True), {"x": 0.0, "z": 2.0}, True, [("unusual_combination", None, {"field": "z"})]),
        (Abstention(unusual=True), {"x": 2.0, "z": 2.0}, False, []),
    ],
)
def test_a_person_is_asked_where_a_rule_holds_and_the_prediction_stays(rules, record, asked, said):
    (prediction,) = numbers(rules).answer([record])["predictions"]

    assert (prediction["abstain"], codes(prediction)) == (asked, said)
    assert prediction["prediction"] == 5.0


@pytest.mark.parametrize(("most", "asked"), [(None, False), (1, True)])
def test_a_person_is_asked_where_more_classes_remain_than_the_rule_allows(most, asked):
    support = Support(sets=PredictionSets(0.9, (0.3, 0.3)), abstain=Abstention(classes=most))
    predictor = Predictor("made:1", CLASSES, Says(0, [0.6, 0.4]), None, support)

    (prediction,) = predictor.answer([{"x": 0.0, "z": 0.0}])["predictions"]

    assert prediction["prediction_set"] == {"classes": ["no", "yes"], "coverage": 0.9}
    assert (prediction["abstain"], codes(prediction)) == (asked, [("several_classes", 2, {"maximum": 1})] * asked)


def test_a_version_without_support_says_so_and_never_abstains():
    (prediction,) = Predictor("made:1", CLASSES, Says(0, [0.6, 0.4])).answer([{"x": 0.0, "z": 0.0}])["predictions"]

    assert prediction["support"] is prediction["prediction_set"] is None and prediction["abstain"] is False


def test_what_the_card_says_of_abstaining_is_what_the_rules_do():
    frame, rng = people(3000, 8), np.random.default_rng(9)
    data = learnt(frame, rng.normal(size=3000))
    predicted = data.target.to_numpy() + np.where(frame.age < 20, 4.0, 0.5)
    held_out = HeldOut(data.inputs, data.target.to_numpy(), Answers(predicted))
    interval = Interval(0.9, (float(np.median(predicted)),), (-1.0, -3.0), (1.0, 3.0))
    rules = Abstention(width=4)

    support, metrics = learn_support(held_out, data.schema, data.schema.names, interval, rules)

    wide = predicted >= np.median(predicted)
    errors = np.abs(predicted - data.target.to_numpy())
    assert metrics.abstention == AbstentionMetrics(
        pytest.approx(wide.mean()), pytest.approx(errors[wide].mean()), pytest.approx(errors[~wide].mean())
    )


def test_a_table_of_few_rows_keeps_the_rules_and_nothing_else():
    data = learnt(people(99, 0), np.arange(99.0))
    held_out = HeldOut(data.inputs, np.zeros(99), Answers(np.zeros(99)))

    assert learn_support(held_out, data.schema, ["age"], None, Abstention(cases=20)) == (
        Support(abstain=Abstention(cases=20)),
        None,
    )


# The use case


@pytest.mark.parametrize(
    ("spec", "target", "said"),
    [
        (
            AbstainSpec(width=5),
            ["a", "b"],
            "`abstain: width` is for intervals around numbers; the target 'y' has 2 classes: give `classes`",
        ),
        (
            AbstainSpec(classes=1),
            [1.5, 2.5],
            "`abstain: classes` is for a target with classes; the target 'y' is a number: give `width`",
        ),
        (
            AbstainSpec(classes=2),
            ["a", "b"],
            "`abstain: classes` is 2; the target 'y' has no more than 2 classes: give at most 1",
        ),
    ],
)
def test_a_rule_that_can_never_hold_is_refused(spec, target, said):
    frame = people(200, 0).assign(y=[*target] * 100)

    with pytest.raises(UseCaseError, match="use case made") as caught:
        infer_dataset(frame, UseCase("made", TargetSpec("y"), abstain=spec), "made")

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("cases: 9", "abstain.cases"),
        ("width: 0", "expected a width above 0"),
        ("classes: 0", "expected at least 1"),
        ("unusual: often", "expected true or false"),
        ("rows: 3", "unknown key"),
    ],
)
def test_a_wrong_rule_is_one_line(tmp_path, line, said):
    from slipway.training.usecase import read

    path = tmp_path / "made.yaml"
    path.write_text(f"name: made\ntarget: y\nabstain: {{{line}}}\n")

    with pytest.raises(UseCaseError) as caught:
        read(path)

    assert said in str(caught.value) and "\n" not in str(caught.value)


# What is served


def test_every_answer_says_what_it_rests_on(insurance_server, insurance):
    (answer,) = predict(insurance_server, PERSON).json()["predictions"]
    described = insurance_server.get("/model").json()["support"]

    assert answer["support"]["cases"] >= FEW and answer["support"]["error"] > 0 and answer["abstain"] is False
    assert "smoker" in described["fields"] and described["rows"] == 1338
    assert store.find(insurance).metrics().support.cases == described["cases"]


def test_a_patient_unlike_any_other_is_one_for_a_person_in_json_in_a_file_and_in_words(diabetes_server):
    (usual, odd) = predict(diabetes_server, PATIENT, ODD_PATIENT).json()["predictions"]
    header = ",".join(PATIENT)
    lines = "\n".join(",".join(map(str, one.values())) for one in (PATIENT, ODD_PATIENT))
    (first, second) = rows(upload(diabetes_server, f"{header}\n{lines}\n"))

    assert (usual["abstain"], odd["abstain"]) == (False, True)
    assert [one["code"] for one in odd["warnings"]] == ["unusual_combination"] == second["codes"].split("; ")
    assert {odd["warnings"][0]["field"], odd["warnings"][0]["expected"]["field"]} == {"Pregnancies", "Age"}
    assert first["codes"] == "" and "of this field and of Age together" in second["warnings"]
    assert set(odd["prediction_set"]["classes"]) >= {odd["prediction"]}


def test_warnings_of_combinations_are_counted(diabetes_server):
    def counted():
        lines = diabetes_server.get("/metrics").text.splitlines()
        found = [
            line
            for line in lines
            if line.startswith("slipway_warnings_total") and WarningCode.UNUSUAL_COMBINATION in line
        ]
        return sum(float(line.rsplit(" ", 1)[1]) for line in found)

    before = counted()
    predict(diabetes_server, ODD_PATIENT)

    assert counted() == before + 1


@pytest.mark.browser
def test_the_page_says_that_a_person_is_to_be_asked_and_why(open_page, diabetes_server):
    page = open_page(diabetes_server)
    page.get_by_role("button", name="High readings").click()
    panel = page.locator(".slip-answer").first
    panel.get_by_text("90% prediction set: With", exact=True).wait_for()
    assert panel.get_by_text("Ask a person").count() == 0

    page.get_by_label("Pregnancies", exact=True).fill("12")
    page.get_by_label("Age (years)", exact=True).fill("22")

    panel.get_by_text("Ask a person: the model is not sure enough").wait_for()
    assert "training has hardly any case with such values together" in panel.inner_text()


# Words


MEASURED = SupportMetrics(
    *(1000, ("x",), 44.0, 0.0104, 0.33),
    SetMetrics(0.9, 0.897, (0.9, 0.85), 1.36, 0.64),
    AbstentionMetrics(0.031, 0.4, 0.2),
)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["the median is 44", "1.0% were called unusual", "least often for yes (85.0%)", "for 3.1% of unseen cases; the class was wrong for 40.0% of them, and for 20.0% of the others"]),
        ("zh", ["相似案例数的中位数为 44", "1.0% 如此", "最低的是 yes（85.0%）", "3.1% 的未见案例"]),
    ],
)  # fmt: skip
def test_the_card_says_how_well_support_tells(language, said):
    metrics = Metrics.__new__(Metrics)
    object.__setattr__(metrics, "support", MEASURED)

    text = "\n".join(trust.support(CLASSES, metrics, language))

    assert all(part in text for part in said)


def test_an_answer_as_the_documentation_has_it(diabetes_server):
    """docs/trust.md shows the keys that are answered, in their order."""
    from tests.conftest import ROOT

    shown = json.loads((ROOT / "docs" / "trust.md").read_text().split("```json")[1].split("```")[0])
    (answer,) = predict(diabetes_server, ODD_PATIENT).json()["predictions"]

    assert list(shown) == list(answer)
    assert shown["warnings"][0] == answer["warnings"][0]
