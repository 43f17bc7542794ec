"""A predictor with an engine made for the test: how it handles values that are not numbers."""

from dataclasses import replace

import numpy as np
import pytest

from slipway.errors import RecordsError
from slipway.inference.equality import Answers, difference, equal
from slipway.inference.predictor import Predictor
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target

X = Field("x", "number", "float64", {"en": "X"}, 0.5, minimum=0.0, maximum=9.0, observed_min=0.0, observed_max=1.0)
NUMBERS = Schema("made-up", "regression", (X,), Target("y", {"en": "Y"}, minimum=0.0, std=2.0))
CLASSES = replace(
    NUMBERS, task="classification", target=Target("y", {"en": "Y"}, classes=("no", "yes"), positive="yes")
)


class Says:
    """Answers each row with the same."""

    name = "says"

    def __init__(self, value, probabilities=None):
        self.value, self.probabilities = value, probabilities

    def predict(self, taken):
        rows = len(taken["x"])
        shares = None if self.probabilities is None else np.array([self.probabilities] * rows, dtype="float64")
        return Answers(np.array([self.value] * rows), shares)


@pytest.mark.parametrize(
    ("schema", "engine"),
    [
        (NUMBERS, Says(float("nan"))),
        (NUMBERS, Says(float("inf"))),
        (CLASSES, Says(0, [float("nan"), float("nan")])),
    ],
    ids=["NaN", "infinity", "NaN probabilities"],
)
def test_an_answer_that_is_not_a_number_is_refused_with_the_value_far_out_of_range(schema, engine):
    with pytest.raises(RecordsError) as refused:
        Predictor("made-up:1", schema, engine).answer([{"x": 0.5}, {"x": 5.0}])

    assert [(fault.record, fault.field, fault.value) for fault in refused.value.details] == [(1, "x", 5.0)]


def test_numbers_stay_inside_the_targets_hard_bounds():
    answered = Predictor("made-up:1", NUMBERS, Says(-3.0)).answer([{"x": 0.5}])

    assert answered["predictions"] == [
        {"prediction": 0.0, "interval": None, "support": None, "abstain": False, "warnings": []}
    ]


@pytest.mark.parametrize(
    ("ours", "same"),
    [
        (100.0, True),
        (100.0 + 0.9e-3, True),  # 1e-5 of the value
        (100.0 + 1.1e-3, False),
        (float("nan"), False),
    ],
)
def test_values_are_equal_within_1e5_of_the_value(ours, same):
    assert equal({"prediction": ours}, {"prediction": 100.0}, NUMBERS.target) is same


@pytest.mark.parametrize(("ours", "same"), [(1.9e-5, True), (2.1e-5, False)])
def test_near_zero_values_are_equal_within_1e5_of_the_targets_deviation(ours, same):
    assert equal({"prediction": ours}, {"prediction": 0.0}, NUMBERS.target) is same


@pytest.mark.parametrize(
    ("ours", "same"),
    [
        ({"prediction": "no", "probabilities": {"no": 0.6 + 0.9e-5, "yes": 0.4}}, True),
        ({"prediction": "no", "probabilities": {"no": 0.6 + 1.1e-5, "yes": 0.4}}, False),
        ({"prediction": "yes", "probabilities": {"no": 0.6, "yes": 0.4}}, False),
        ({"prediction": "no", "probabilities": None}, False),
    ],
    ids=["near", "off", "another class", "no probabilities"],
)
def test_classes_are_equal_with_the_same_class_and_probabilities_within_1e5(ours, same):
    wanted = {"prediction": "no", "probabilities": {"no": 0.6, "yes": 0.4}}

    assert equal(ours, wanted, CLASSES.target) is same


def test_a_fitted_nan_is_only_equal_to_nan():
    nothing, number = Answers(np.array([np.nan])), Answers(np.array([1.0]))

    assert difference(nothing, nothing, NUMBERS.target).tolist() == [0.0]
    assert difference(number, nothing, NUMBERS.target).tolist() == [np.inf]
