"""Explanations: Shapley values compared with shap's, what they must add up to, and `POST /explain`."""

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shap

from slipway import store
from slipway.errors import ExplanationError, RecordsError
from slipway.i18n.faults import as_json
from slipway.inference import frames, shapley
from slipway.inference.equality import Answers
from slipway.inference.predictor import Predictor
from slipway.inference.shapley import Explainer, Sampled
from slipway.inference.support import Support
from slipway.publish.version import background
from slipway.schema.arrays import is_text
from slipway.schema.fields import Field
from slipway.schema.sampling import draw_records
from slipway.schema.schema import Schema, Target
from slipway.service.model import LoadedModel
from slipway.store import read_background, write_background
from slipway.training.background import draw_background
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase
from tests.calls import GOOD, JSON, fitted, predict, refusal
from tests.conftest import PATIENT, PERSON


def number(name, **more):
    more = {"observed_min": 0.0, "observed_max": 10.0, "minimum": -1e6, "maximum": 1e6, "decimals": 2} | more
    return Field(name, "number", "float64", {"en": name}, 5.0, **more)


def category(name, *values, **more):
    return Field(name, "category", "object", {"en": name}, values[0], categories=values, **more)


def numbers(count):
    return tuple(number(f"x{i}") for i in range(count))


COST = Target("cost", {"en": "Cost"}, std=1.0)
RISK = Target("risk", {"en": "Risk"}, classes=("low", "high"), positive="high")
GRADE = Target("grade", {"en": "Grade"}, classes=(1, 2, 3), positive=3)


class Function:
    """Stands in for an engine: `f` makes the answers of columns, and every call is noted."""

    name = "function"

    def __init__(self, f):
        self.f = f
        self.calls = []

    def predict(self, taken):
        self.calls.append({name: column.tolist() for name, column in taken.items()})
        found = self.f(taken)
        return found if isinstance(found, Answers) else Answers(found)

    @property
    def rows(self):
        return [row for call in self.calls for row in zip(*call.values(), strict=True)]


def explainer(fields, f, target=COST, records=None, size=16):
    schema = Schema("made-up", "classification" if target.classes else "regression", fields, target)
    predictor = Predictor("made-up:1", schema, Function(f))
    return Explainer(predictor, schema.columns(records or draw_records(schema, size, seed=1))), predictor


def drawn(predictor, seed=9):
    return draw_records(predictor.schema, 1, seed)[0]


def by_shap(predictor, record, records, position=None):
    """Values and base of shap's exact explainer, which is given text as positions among the categories."""
    schema = predictor.schema

    def coded(taken):
        columns = [
            np.array([(None, *field.categories).index(value) for value in taken[field.name]], dtype="float64")
            if is_text(field)
            else taken[field.name]
            for field in schema.fields
        ]
        return np.column_stack(columns)

    def model(matrix):
        taken = {
            field.name: np.array([(None, *field.categories)[int(code)] for code in column], dtype=object)
            if is_text(field)
            else column
            for field, column in zip(schema.fields, matrix.T, strict=True)
        }
        answers = predictor.engine.f(taken)
        if position is not None:
            return answers.probabilities[:, position]
        return predictor.bounded(answers)

    background = coded(schema.columns(records))
    masker = shap.maskers.Independent(background, max_samples=len(background))
    found = shap.explainers.Exact(model, masker)(coded(schema.columns([record])))
    return found.values[0], found.base_values[0]


def contributions(answer):
    return np.array([item["contribution"] for item in answer["contributions"]])


def errors(answer):
    return np.array([item["standard_error"] for item in answer["contributions"]])


def adds_up(answer):
    total = math.fsum([answer["base"], *contributions(answer)])
    return abs(total - answer["prediction"]) <= 1e-6 * max(abs(answer["prediction"]), abs(answer["base"]))


def tangled(taken):
    """Every field counts, and together with two others; a row's answer is the same to the bit in any company."""
    x = list(taken.values())
    return sum(
        (i + 1) * x[i] + np.abs(x[i] * x[(i + 1) % len(x)] * x[(i + 2) % len(x)] / 10 - 12) for i in range(len(x))
    )


def probabilities(*scores):
    shares = np.exp(np.column_stack(scores))
    shares /= shares.sum(axis=1, keepdims=True)
    return Answers(shares.argmax(axis=1), shares)


# Exact


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_the_values_are_those_of_shaps_exact_explainer(count):
    background = draw_records(Schema("made-up", "regression", numbers(count), COST), 12, seed=3)
    ours, predictor = explainer(numbers(count), tangled, records=background)
    record = drawn(predictor)

    answer = ours.explain(record)

    values, base = by_shap(predictor, record, background)
    assert answer.keys() == {"model", "base", "prediction", "contributions", "warnings"}
    assert contributions(answer) == pytest.approx(values, rel=1e-9) and np.abs(values).min() > 0.01
    assert answer["base"] == pytest.approx(base) and adds_up(answer)
    assert answer["prediction"] == predictor.answer([record])["predictions"][0]["prediction"]
    assert [(item["field"], item["value"]) for item in answer["contributions"]] == list(record.items())


MIXED = (
    Field("age", "integer", "int64", {"en": "Age"}, 3, observed_min=0, observed_max=4, minimum=0, maximum=9),
    number("dose", nullable=True, missing=(0,)),
    category("town", *(f"town {i:03}" for i in range(300))),
    category("grade", 1, 2, 3, nullable=True),
    category("colour", "red", "blue", nullable=True),
    Field("smokes", "boolean", "bool", {"en": "Smokes"}, False, categories=(False, True)),
    Field("day", "date", "datetime64[ns]", {"en": "Day"}, "2020-01-05", observed_min="2019-01-01", observed_max="2021-12-31", nullable=True),
)  # fmt: skip


def mixed(taken):
    towns = np.array([int(town[5:]) for town in taken["town"]])
    dose, grade = np.nan_to_num(taken["dose"], nan=-7.0), np.nan_to_num(taken["grade"], nan=9.0)
    days = np.nan_to_num(taken["day"] / 86_400 - 18_000, nan=123.0)
    return (
        taken["age"] * dose
        + towns * taken["smokes"]
        + grade * (taken["colour"] == "red")
        + dose * np.array([colour is None for colour in taken["colour"]])
        + days * grade
    )


@pytest.mark.parametrize(
    "changed",
    [{}, {"dose": None, "grade": None, "colour": None, "day": None}, {"dose": 0}, {"town": "town 299", "smokes": True}],
    ids=["as drawn", "all missing", "read as missing", "rare category"],
)
def test_every_kind_of_field_and_missing_values_are_explained_as_shap_does(changed):
    background = draw_records(Schema("made-up", "regression", MIXED, COST), 24, seed=3)
    ours, predictor = explainer(MIXED, mixed, records=background)
    record = drawn(predictor) | changed
    assert all(any(row[name] is None for row in background) for name in ("dose", "grade", "colour", "day"))

    answer = ours.explain(record)

    meant = record | ({"dose": None} if record["dose"] == 0 else {})
    values, base = by_shap(predictor, meant, background)
    assert contributions(answer) == pytest.approx(values, rel=1e-9, abs=1e-9)
    assert answer["base"] == pytest.approx(base) and adds_up(answer)
    assert [item["value"] for item in answer["contributions"]] == list(record.values())
    assert [warning.code for warning in answer["warnings"]] == (["read_as_missing"] if record["dose"] == 0 else [])


def test_no_row_is_evaluated_twice():
    fields = (category("a", "x", "y"), category("b", "x", "y", "z"), number("c"))
    ours, predictor = explainer(fields, lambda taken: (taken["a"] == taken["b"]) * taken["c"], size=40)
    predictor.support = Support()  # whose warnings depend on the answer

    ours.explain(drawn(predictor))

    rows = predictor.engine.rows
    assert 40 < len(rows) == len(set(rows)) < 2 * 3 * 41


def test_a_record_that_is_the_whole_background_has_nothing_to_explain():
    record = {"x0": 1.0, "x1": 2.0}
    ours, _ = explainer(numbers(2), tangled, records=[record] * 3)

    answer = ours.explain(record)

    assert answer["base"] == pytest.approx(answer["prediction"]) and answer["prediction"] > 1
    assert not contributions(answer).any()


@pytest.mark.parametrize("bounds", [{"minimum": 0.0}, {"maximum": 100.0}, {"minimum": 20.0, "maximum": 60.0}], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_a_prediction_is_explained_inside_the_targets_hard_bounds(bounds, seed):
    def f(taken):
        return 50 * taken["x0"] - 30 * taken["x1"] * taken["x2"] / 5

    background = draw_records(Schema("made-up", "regression", numbers(3), COST), 12, seed=3)
    ours, predictor = explainer(numbers(3), f, replace(COST, **bounds), background)
    record = drawn(predictor, seed)

    answer = ours.explain(record)

    values, base = by_shap(predictor, record, background)
    assert contributions(answer) == pytest.approx(values, abs=1e-9) and answer["base"] == pytest.approx(base)
    assert answer["prediction"] == predictor.answer([record])["predictions"][0]["prediction"]
    assert adds_up(answer)


# Classes


def two(taken):
    return probabilities(0 * taken["x0"], taken["x0"] - taken["x1"] * taken["x2"] / 4)


def three(taken):
    return probabilities(taken["x0"], taken["x1"] * taken["x2"] / 4, taken["x2"])


@pytest.mark.parametrize(
    ("f", "target", "asked", "explained"),
    [
        (two, RISK, {}, "high"),
        (two, RISK, {"wanted": "low"}, "low"),
        (two, replace(RISK, positive="low"), {}, "low"),
        (three, GRADE, {"wanted": 1}, 1),
        (three, GRADE, {"wanted": 3.0}, 3),
    ],
)
def test_the_probability_of_the_class_asked_for_is_explained(f, target, asked, explained):
    background = draw_records(Schema("made-up", "classification", numbers(3), target), 12, seed=3)
    ours, predictor = explainer(numbers(3), f, target, background)
    record = drawn(predictor)

    answer = ours.explain(record, **asked)

    values, base = by_shap(predictor, record, background, target.classes.index(explained))
    assert answer["class"] == explained and type(answer["class"]) is type(explained)
    assert contributions(answer) == pytest.approx(values) and answer["base"] == pytest.approx(base)
    assert adds_up(answer)
    said = predictor.answer([record])["predictions"][0]["probabilities"]
    assert answer["prediction"] == pytest.approx(said[str(explained)], rel=1e-12)


def test_of_more_than_two_classes_the_predicted_one_is_explained():
    ours, predictor = explainer(numbers(3), three, GRADE)

    for record in draw_records(predictor.schema, 20, seed=2):
        assert ours.explain(record)["class"] == predictor.answer([record])["predictions"][0]["prediction"]


@pytest.mark.parametrize("wanted", ["HIGH", 1, True, None, [], {"a": 1}, "\ud800", "x" * 1000], ids=repr)
def test_an_unknown_class_is_refused_with_the_known_ones(wanted):
    ours, predictor = explainer(numbers(3), two, RISK)

    with pytest.raises(RecordsError, match="1 fault") as refused:
        ours.explain(drawn(predictor), wanted)

    (fault,) = refused.value.details
    assert (fault.field, fault.code, fault.expected) == ("class", "unknown_class", ["low", "high"])
    assert fault.record is None and len(json.dumps(as_json(fault))) < 300


@pytest.mark.parametrize("wanted", [True, False])
def test_true_is_not_class_1(wanted):
    target = Target("y", {"en": "y"}, classes=(0, 1), positive=1)
    ours, predictor = explainer(numbers(3), two, target)

    with pytest.raises(RecordsError, match="1 fault"):
        ours.explain(drawn(predictor), wanted)


def test_classes_without_probabilities_are_not_explained():
    ours, predictor = explainer(numbers(3), lambda taken: (taken["x0"] > 5).astype("int64"), RISK)

    with pytest.raises(ExplanationError, match="without probabilities"):
        ours.explain(drawn(predictor))


def test_a_number_has_no_class_to_ask_for():
    ours, predictor = explainer(numbers(3), tangled)

    with pytest.raises(ExplanationError, match="`class` is for models that predict classes; 'cost' is a number"):
        ours.explain(drawn(predictor), "high")


# Sampled


@pytest.mark.parametrize("seed", range(3))
def test_sampled_values_are_close_to_the_exact_ones_and_their_errors_are_those_of_the_background(seed):
    fields = numbers(9) + (category("town", *"abcdefgh"),)

    def f(taken):
        towns = np.array([ord(town) - 97.0 for town in taken["town"]])
        return tangled(taken | {"town": towns}) + taken["x0"] * towns

    background = draw_records(Schema("made-up", "regression", fields, COST), 6, seed=3)
    ours, predictor = explainer(fields, f, records=background)
    record = drawn(predictor, seed)

    answer = ours.explain(record)

    values, base = by_shap(predictor, record, background)
    each = np.array([by_shap(predictor, record, [row])[0] for row in background])
    assert errors(answer) == pytest.approx(each.std(axis=0, ddof=1) / math.sqrt(len(each)), rel=0.1)
    off = contributions(answer) - values
    assert 0 < np.abs(off).max() < 0.01 * np.abs(values).max() and (np.abs(off) < 0.3 * errors(answer)).all()
    assert answer["base"] == pytest.approx(base) and adds_up(answer)
    assert answer["prediction"] == predictor.answer([record])["predictions"][0]["prediction"]


def test_a_sum_of_the_fields_is_sampled_without_error_but_the_backgrounds():
    weights = np.arange(12) - 4.0
    ours, predictor = explainer(numbers(12), lambda taken: weights @ np.array(list(taken.values())))
    background = pd.DataFrame(draw_records(predictor.schema, 16, seed=1))
    record = drawn(predictor)

    answer = ours.explain(record)

    assert contributions(answer) == pytest.approx(weights * (pd.Series(record) - background.mean()).to_numpy())
    assert errors(answer) == pytest.approx(np.abs(weights) * background.std().to_numpy() / math.sqrt(16))


@pytest.mark.parametrize(
    ("target", "low"), [(COST, -np.inf), (replace(COST, minimum=200.0, maximum=300.0), 200), (RISK, 0)]
)
def test_sampled_values_add_up_too(target, low):
    def f(taken):
        score = tangled(taken) - 4 * sum(taken.values()) - 20
        return probabilities(score / 100, 0 * score) if target.classes else score

    ours, predictor = explainer(numbers(11), f, target)

    for record in draw_records(predictor.schema, 5, seed=2):
        answer = ours.explain(record)
        assert adds_up(answer) and errors(answer).max() > 0
        assert min(answer["prediction"], answer["base"]) >= low


def test_with_more_missing_than_measured_sampled_values_still_agree():
    fields = tuple(number(f"x{i}", nullable=True) for i in range(9))

    def f(taken):
        return tangled({name: np.nan_to_num(column, nan=3.5) for name, column in taken.items()})

    rng = np.random.default_rng(0)
    names = [field.name for field in fields]
    rows = [{name: None if rng.random() < 0.6 else rng.uniform(0, 10) for name in names} for _ in range(7)]
    ours, predictor = explainer(fields, f, records=[*rows[1:], rows[0]])

    answer = ours.explain(rows[0])

    values, base = by_shap(predictor, rows[0], rows)
    assert (np.abs(contributions(answer) - values) <= 4 * errors(answer) + 1e-9).all()
    assert answer["base"] == pytest.approx(base) and adds_up(answer)


def test_forty_fields_stay_within_the_rows_that_sampling_may_evaluate():
    ours, predictor = explainer(numbers(40), tangled, size=64)

    answer = ours.explain(drawn(predictor))

    sizes = [len(call["x0"]) for call in predictor.engine.calls]
    assert 9_000 < sum(sizes) <= 2 * 2 * 39 * 64 + 65
    assert adds_up(answer)


def test_with_few_rows_to_spend_each_background_row_still_has_two_pairs():
    asked = []

    def ask(donors, own):
        asked.append(donors)
        return np.arange(len(donors), dtype="float64")

    Sampled(fields=9, size=5, rows=1).shares(np.ones((9, 5), dtype=bool), ask)

    assert np.bincount(asked[0][1:]).tolist() == [1 + 2 * 2 * 8] * 5


# Both


@pytest.fixture(params=[6, 10], ids=["exact", "sampled"])
def count(request):
    return request.param


def test_the_block_size_changes_nothing(count, monkeypatch):
    ours, predictor = explainer(numbers(count), tangled)
    record = drawn(predictor)
    whole = ours.explain(record)

    monkeypatch.setattr(shapley, "_BLOCK_ROWS", 1000)
    predictor.engine.calls.clear()

    assert ours.explain(record) == whole
    assert len(predictor.engine.calls) > 1


def test_the_same_record_is_always_explained_the_same(count):
    records = draw_records(Schema("made-up", "regression", numbers(count), COST), 8, seed=1)

    answers = [
        explainer(numbers(count), tangled, records=records)[0].explain(records[0] | {"x1": 3.0}) for _ in range(2)
    ]

    assert answers[0] == answers[1]


def test_the_base_is_the_same_for_every_record_and_is_the_backgrounds_mean(count):
    ours, predictor = explainer(numbers(count), tangled)
    background = predictor.schema.columns(draw_records(predictor.schema, 16, seed=1))

    bases = {ours.explain(record)["base"] for record in draw_records(predictor.schema, 5, seed=4)}

    assert len(bases) == 1 and bases.pop() == pytest.approx(tangled(background).mean())


def test_a_field_that_does_not_count_gets_nothing_at_all(count):
    ours, predictor = explainer(numbers(count), lambda taken: tangled(taken | {"x2": 0.1}))

    answer = ours.explain(drawn(predictor))

    assert (contributions(answer) == 0).tolist() == [i == 2 for i in range(count)]
    assert count <= 8 or errors(answer)[2] == 0


def test_fields_that_count_the_same_get_the_same():
    schema = Schema("made-up", "regression", numbers(4), COST)
    alike = [row | {"x3": row["x1"]} for row in draw_records(schema, 12, seed=1)]

    ours, _ = explainer(numbers(4), lambda taken: taken["x0"] * taken["x1"] * taken["x3"] + taken["x2"], records=alike)
    found = contributions(ours.explain({"x0": 1.0, "x1": 9.0, "x2": 4.0, "x3": 9.0}))

    assert found[1] == pytest.approx(found[3]) and abs(found[1]) > 1


def test_a_faulty_record_is_refused_as_a_prediction_is_together_with_a_wrong_class():
    ours, predictor = explainer(numbers(3), two, RISK)
    faulty = {"x0": "1", "x1": 1e9, "y": 2}

    with pytest.raises(RecordsError) as refused:
        ours.explain(faulty, "medium")

    with pytest.raises(RecordsError) as prediction:
        predictor.answer([faulty])
    first, *others = sorted(refused.value.details, key=lambda fault: fault.code != "unknown_class")
    assert first.value == "medium" and others == prediction.value.details and len(others) == 4


def far(taken):
    return np.where(taken["x0"] > 1000, np.inf, taken["x1"])


def test_a_record_without_a_finite_answer_is_refused_as_a_prediction_is():
    ours, predictor = explainer(numbers(2), far, replace(COST, minimum=0.0, maximum=100.0))
    record = {"x0": 5000.0, "x1": 2.0}

    with pytest.raises(RecordsError) as refused:
        ours.explain(record)

    with pytest.raises(RecordsError) as prediction:
        predictor.answer([record])
    assert refused.value.details == prediction.value.details
    assert [fault.field for fault in refused.value.details] == ["x0"]


def test_a_mixture_without_a_finite_answer_is_refused_too():
    def f(taken):
        return np.where((taken["x0"] < 100) & (taken["x1"] > 100), np.nan, taken["x1"])

    ours, predictor = explainer(numbers(2), f)
    record = {"x0": 500.0, "x1": 500.0}
    assert predictor.answer([record])["predictions"][0]["prediction"] == 500

    with pytest.raises(RecordsError) as refused:
        ours.explain(record)

    assert [fault.code for fault in refused.value.details] == ["no_finite_prediction"]


def test_an_engine_that_fails_on_a_good_record_is_a_bug_and_stays_one():
    def f(taken):
        raise ValueError("of the engine")

    ours, predictor = explainer(numbers(2), f)

    with pytest.raises(ValueError, match="of the engine"):
        ours.explain(drawn(predictor))


# The background


TABLE = pd.DataFrame(
    {
        "age": [1, 2, 3, 400] * 10,
        "income": [0.1, 1e-17, None, 33.300000000000004] * 10,
        "day": ["2020-02-01", "2020-03-02", "2020-12-11", None] * 10,
        "moment": pd.to_datetime(["1969-02-01", "2020-03-02", None, "1850-01-01"] * 10),
        "insured": [True, False, True, True] * 10,
        "member": pd.Series([True, None, False, True] * 10, dtype=object),
        "grade": [1.0, 2.0, None, 3.0] * 10,
        "ward": [10, 20, 30, 10] * 10,
        "state": ["NA", " a;b", "null", 'say "x"\n,'] * 10,
        "note": ["NA", "", "1.0", None] * 10,
        "y": np.arange(40) * 1.5,
    }
)
CASE = UseCase(
    "people",
    TargetSpec("y"),
    fields={
        "age": FieldSpec(maximum=120),
        "day": FieldSpec(kind="date", format="%Y-%d-%m"),
        "grade": FieldSpec(kind="category"),
        "ward": FieldSpec(kind="category"),
        "state": FieldSpec(kind="category"),
        "note": FieldSpec(kind="text"),
    },
)


def test_the_background_is_read_back_as_the_training_rows_that_were_written(tmp_path):
    learnt = infer_dataset(TABLE, CASE, "people.csv")
    rows = background(learnt, {}, True, None).reset_index(drop=True)
    write_background(tmp_path, rows, learnt.schema.fields)

    read = frames.frame(learnt.schema, read_background("people:1", tmp_path, learnt.schema.fields))

    kinds = {field.name: field.kind for field in learnt.schema.fields}
    assert set(kinds.values()) == {"number", "integer", "boolean", "category", "date", "text"}
    assert (kinds["day"], kinds["ward"], kinds["state"]) == ("date", "category", "category")
    assert "" in rows["note"].tolist() and rows["note"].isna().any()
    assert len(read) == 40 and set(read["age"]) == {1, 2, 3, 400}
    for name in rows:
        assert read[name].isna().tolist() == rows[name].isna().tolist(), name
        assert read[name].dropna().tolist() == rows[name].dropna().tolist(), name
        assert read[name].dtype == rows[name].dtype, name


def test_a_drawn_background_is_read_back_as_it_was_drawn(tmp_path):
    learnt = infer_dataset(TABLE, CASE, "people.csv")
    rows = draw_background(learnt, {})
    write_background(tmp_path, rows, learnt.schema.fields)

    read = frames.frame(learnt.schema, read_background("people:1", tmp_path, learnt.schema.fields))

    for name in rows:
        assert read[name].isna().tolist() == rows[name].isna().tolist(), name
        assert read[name].dropna().tolist() == rows[name].dropna().tolist(), name


def test_a_background_of_one_field_keeps_its_rows_without_a_value(tmp_path):
    learnt = infer_dataset(TABLE[["member", "y"]], CASE_OF_ONE, "people.csv")
    write_background(tmp_path, background(learnt, {}, True, None), learnt.schema.fields)

    read = read_background("people:1", tmp_path, learnt.schema.fields)

    assert len(read["member"]) == 40 and np.isnan(read["member"]).sum() == 10


CASE_OF_ONE = UseCase("people", TargetSpec("y"))


# HTTP


def ask(server, body):
    return server.post("/explain", json=body)


def test_an_insurance_bill_is_explained_and_the_prediction_is_that_of_predict(insurance_server, insurance):
    smoker = PERSON | {"smoker": "yes", "age": 90}

    answered, other = (ask(insurance_server, {"record": record}) for record in (smoker, PERSON))

    assert answered.status_code == 200, answered.text
    answer, predicted = answered.json(), predict(insurance_server, smoker).json()["predictions"][0]
    assert answer.keys() == {"model", "base", "prediction", "contributions", "warnings"}
    assert (answer["model"], answer["warnings"]) == (insurance, predicted["warnings"]) and answer["warnings"]
    assert answer["prediction"] == pytest.approx(predicted["prediction"], rel=1e-5) and adds_up(answer)
    assert [item.keys() for item in answer["contributions"]] == [
        {"field", "value", "contribution", "standard_error"}
    ] * 6
    assert 0 < errors(answer).max() < 0.2 * max(contributions(answer))
    assert {item["field"]: item["value"] for item in answer["contributions"]} == smoker
    assert list(smoker) == [item["field"] for item in answer["contributions"]]
    assert max(answer["contributions"], key=lambda item: item["contribution"])["field"] == "smoker"
    assert answer["base"] == pytest.approx(other.json()["base"], rel=1e-6) and adds_up(other.json())


def test_the_service_explains_as_shap_explains_the_fitted_pipeline(insurance_server, insurance):
    version = store.find(insurance)
    schema, engine = version.schema(), fitted(insurance).engine
    background = pd.read_csv(version.path / "background.csv").iloc[:64]
    places = {field.name: list(field.categories) for field in schema.fields if field.categories}

    def coded(frame):
        return frame.assign(**{name: frame[name].map(values.index) for name, values in places.items()})

    def model(matrix):
        frame = pd.DataFrame(np.asarray(matrix), columns=schema.names)
        records = frame.assign(**{name: frame[name].map(lambda i, v=v: v[int(i)]) for name, v in places.items()})
        return np.maximum(engine.predict(schema.columns(records.to_dict("records"))).values, schema.target.minimum)

    masker = shap.maskers.Independent(coded(background).to_numpy(float), max_samples=64)
    wanted = shap.explainers.Exact(model, masker)(coded(pd.DataFrame([PERSON])).to_numpy(float))

    answer = ask(insurance_server, {"record": PERSON}).json()

    largest = np.abs(wanted.values[0]).max()
    assert contributions(answer) == pytest.approx(wanted.values[0], abs=1e-5 * largest)
    assert answer["base"] == pytest.approx(wanted.base_values[0], rel=1e-5)


@pytest.mark.parametrize(("asked", "explained"), [({}, 1), ({"class": 1}, 1), ({"class": 0}, 0)], ids=str)
def test_the_probability_of_diabetes_or_of_none_is_explained(diabetes_server, asked, explained):
    patient = PATIENT | {"Insulin": None, "Glucose": 0}

    answered = ask(diabetes_server, {"record": patient, **asked})

    assert answered.status_code == 200, answered.text
    answer, predicted = answered.json(), predict(diabetes_server, patient).json()["predictions"][0]
    assert answer["class"] == explained and answer["warnings"] == predicted["warnings"] != []
    assert answer["prediction"] == pytest.approx(predicted["probabilities"][str(explained)], abs=1e-5)
    assert 0 < answer["base"] < 1 and adds_up(answer)
    assert {item["field"]: item["value"] for item in answer["contributions"]} == patient


def test_what_speaks_for_one_of_two_classes_speaks_against_the_other(diabetes_server):
    for_, against = (contributions(ask(diabetes_server, {"record": PATIENT, "class": k}).json()) for k in (1, 0))

    assert for_ == pytest.approx(-against, abs=1e-6) and np.abs(for_).max() > 0.01


@pytest.mark.parametrize("wanted", [2, "1", True, None, [1]], ids=repr)
def test_a_class_that_is_none_is_refused_with_those_there_are(diabetes_server, wanted):
    (fault,) = refusal(ask(diabetes_server, {"record": PATIENT, "class": wanted}))["details"]

    assert (fault["field"], fault["problem"], fault["expected"]) == ("class", "unknown class", [0, 1])


def test_a_class_of_a_number_is_refused(insurance_server):
    body = refusal(ask(insurance_server, {"record": PERSON, "class": "1"}))

    assert "`class` is for models that predict classes; 'charges' is a number" in body["error"]


@pytest.mark.parametrize("faulty", [{"age": "x", "region": "moon", "salary": 3}, {"bmi": 5, "age": None}], ids=str)
def test_a_faulty_record_is_refused_as_predict_refuses_it(insurance_server, faulty):
    record = PERSON | faulty

    found = refusal(ask(insurance_server, {"record": record}))

    assert found == refusal(predict(insurance_server, record)) and found["details"]


@pytest.mark.parametrize("record", [1, "a", None, [], [PERSON], {}], ids=repr)
def test_an_invalid_record_is_refused_as_in_predict(insurance_server, record):
    assert refusal(ask(insurance_server, {"record": record})) == refusal(predict(insurance_server, record))


ONE = json.dumps({"record": PERSON})


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param(ONE.replace("25.0", "NaN"), "NaN is not a JSON number", id="NaN"),
        pytest.param(ONE.replace("25.0", "1e400"), "1 fault", id="1e400"),
        pytest.param(ONE[:-1], "not valid JSON", id="cut short"),
        pytest.param("", "not valid JSON", id="empty"),
        pytest.param("[]", 'no object; expected {"record": {…}}', id="list"),
        pytest.param("{}", "the keys (none)", id="no key"),
        pytest.param(GOOD, "the keys 'records'", id="records"),
        pytest.param(json.dumps({"class": 1}), "the keys 'class'", id="class alone"),
        pytest.param(json.dumps({"record": PERSON, "model": "x"}), "'model'", id="extra key"),
        pytest.param(ONE.replace('"age": 40', '"age": 40, "age": 41'), "duplicate key 'age'", id="doubled field"),
        pytest.param(ONE.replace("25.0", r'"\ud800"'), "1 fault", id="lone surrogate"),
        pytest.param('{"record":' * 100_000, "nested too deeply", id="nested"),
        pytest.param(b"\x80\x04K\x01.", "not valid JSON", id="pickle"),
    ],
)
def test_an_invalid_body_is_refused(insurance_server, content, named):
    response = insurance_server.post("/explain", content=content, headers=JSON)

    assert named in refusal(response)["error"]
    assert len(response.content) < 5_000


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_any_other_content_type_is_refused_with_415(insurance_server, kind):
    response = insurance_server.post("/explain", content=ONE, headers={"content-type": kind})

    assert "send application/json" in refusal(response, 415)["error"]


def test_a_body_over_the_limit_is_413_that_names_it(insurance_server):
    response = insurance_server.post("/explain", content=b" " * (26 * 1024 * 1024), headers=JSON)

    assert "more than 25 MB" in refusal(response, 413)["error"]


def test_the_api_description_says_what_explain_takes_and_answers(diabetes_server, insurance_server):
    described, plain = (
        server.get("/docs.json").json()["paths"]["/explain"]["post"] for server in (diabetes_server, insurance_server)
    )

    body = described["requestBody"]["content"]["application/json"]["schema"]
    assert list(body["properties"]["record"]["properties"]) == list(PATIENT) and body["required"] == ["record"]
    assert body["properties"]["class"]["enum"] == [0, 1] and body["additionalProperties"] is False
    assert "class" not in plain["requestBody"]["content"]["application/json"]["schema"]["properties"]
    answer = ask(diabetes_server, body["example"]).json()
    answers = described["responses"]["200"]["content"]["application/json"]["schema"]
    assert answers["properties"].keys() == answer.keys() == set(answers["required"])
    shares = answers["properties"]["contributions"]["items"]["properties"]
    assert all(item.keys() == shares.keys() for item in answer["contributions"])
    assert {"400", "413", "415"} <= described["responses"].keys()


def test_what_explains_is_there_before_workers_are_forked(insurance):
    served = LoadedModel(store.find(insurance))

    served.load()

    assert vars(served)["_explaining"].is_fast
