"""What answers to unseen rows show: counts, shares and groups, of made data whose truth is known."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc, roc_auc_score

from slipway.inference.equality import Answers
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.store.artifacts import to_json
from slipway.training.diagnostics import bins, diagnose, prediction_quantiles, reliability, roc, thresholds
from slipway.training.evaluation import HeldOut
from slipway.training.subgroups import are_worse, groups

RNG = np.random.default_rng


def came(given, seed=0):
    """Whether each case came true, if its probability were right."""
    return RNG(seed).uniform(size=len(given)) < given


# Probabilities


def test_bins_hold_about_equally_many_and_equal_values_stay_together():
    values = np.repeat([0.1, 0.2, 0.3, 0.4], [500, 10, 300, 190])

    found = bins(values, most=10, least=50)

    assert [len(rows) for rows in found] == [500, 310, 190]
    assert [set(values[rows]) for rows in found] == [{0.1}, {0.2, 0.3}, {0.4}]


def test_reliability_bins_touch_and_pass_where_the_probabilities_are_right():
    given = RNG(1).uniform(size=5000)

    found = to_json(reliability(came(given), given))

    assert len(found) == 10 and {one["rows"] for one in found} == {500}
    assert (found[0]["low"], found[-1]["high"]) == (0.0, 1.0)
    assert [one["high"] for one in found[:-1]] == [one["low"] for one in found[1:]]
    assert sum(one["passed"] for one in found) >= 8  # two standard errors: one in twenty is chance's


@pytest.mark.parametrize(
    ("rows", "truth"),
    [
        pytest.param(5000, lambda given: given**2, id="beyond chance"),
        pytest.param(500, lambda given: np.full_like(given, 0.5), id="too far off"),
        pytest.param(49, lambda given: given, id="too few rows"),
    ],
)
def test_a_reliability_bin_does_not_pass_where_probabilities_are_wrong_or_rows_few(rows, truth):
    given = RNG(2).uniform(0.6, 0.8, rows)

    found = to_json(reliability(came(truth(given)), given))

    assert not any(one["passed"] for one in found)


def test_thresholds_count_who_is_found_and_who_is_alarmed():
    found = thresholds(np.array([True, True, True, False, False]), np.array([0.1, 0.5, 1.0, 0.0, 0.29]))

    assert (found.positives, found.negatives) == (3, 2)
    assert len(found.true_positives) == len(found.false_positives) == 101
    assert [found.true_positives[at] for at in (0, 10, 11, 50, 51, 100)] == [3, 3, 2, 2, 1, 1]
    assert [found.false_positives[at] for at in (0, 1, 29, 30, 100)] == [2, 1, 1, 0, 0]


def test_a_thinned_roc_curve_has_the_area_of_the_whole_one():
    given = RNG(3).uniform(size=4000)
    true = came(given)

    points = roc(true, given)

    assert len(points) == 101 and points[0] == (0, 0) and points[-1] == (1, 1)
    assert auc(*zip(*points, strict=True)) == pytest.approx(roc_auc_score(true, given), abs=0.002)
    assert roc(np.ones(3, dtype=bool), given[:3]) == ()


@pytest.mark.parametrize("classes", ["ab", "abc"])
def test_classes_have_their_figures_and_only_two_have_thresholds(classes):
    count = len(classes)
    given = RNG(4).dirichlet(np.ones(count), 900)
    actual = np.array([RNG(row).choice(count, p=given[row]) for row in range(900)])
    schema = Schema("s", "classification", (X,), Target("y", {"en": "y"}, classes=tuple(classes), positive="b"))
    unseen = HeldOut(pd.DataFrame({"x": given[:, 0]}), actual, Answers(given.argmax(axis=1), given))

    found = diagnose(unseen, schema, out_of_fold=True, uncalibrated=given[:, ::-1])

    assert sum(map(sum, found.figures.confusion)) == 900
    assert len(found.figures.roc) == (1 if count == 2 else 3)
    assert len(found.figures.reliability.uncalibrated) == 10
    assert (bool(found.reliability), bool(found.thresholds)) == (count == 2, count == 2)
    if count == 2:
        assert found.thresholds.positives == (actual == 1).sum()
        assert found.reliability == found.figures.reliability.served
    json.dumps(to_json(found), allow_nan=False)


# Numbers

X = Field("x", "number", "float64", {"en": "x"}, 0.0, observed_min=0.0, observed_max=10.0, decimals=1)
NUMBERS = Schema("s", "regression", (X,), Target("y", {"en": "y"}))


def test_boxes_hold_the_true_values_of_each_tenth_of_the_predictions():
    predicted = RNG(5).uniform(0, 1000, 2000)

    found = to_json(prediction_quantiles(predicted, predicted + RNG(6).normal(0, 20, 2000)))

    assert len(found) == 10 and sum(box["rows"] for box in found) == 2000
    for box in found:
        assert box["p5"] < box["p25"] < box["p50"] < box["p75"] < box["p95"]
        assert box["p50"] == pytest.approx((box["low"] + box["high"]) / 2, abs=15)


def test_no_true_value_can_be_read_from_a_box():
    actual = RNG(7).uniform(0, 1000, 210)

    found = to_json(prediction_quantiles(np.arange(210.0), actual))

    assert {box["rows"] for box in found} == {21}  # the median of 21 is one of them
    assert not {value for box in found for value in box.values()} & set(actual)
    assert prediction_quantiles(np.arange(19.0), actual[:19]) == ()


# Groups


def grouped(inputs, errors, fields, covered=None):
    schema = Schema("s", "regression", tuple(fields), Target("y", {"en": "y"}))
    actual = np.zeros(len(errors))
    return to_json(groups(HeldOut(pd.DataFrame(inputs), actual, Answers(errors)), schema, covered, schema.names))


def category(name, *values):
    return Field(name, "category", "object", {"en": name}, values[0], categories=values)


def test_a_group_that_is_worse_is_named_and_no_other_is():
    letters = RNG(8).choice(["a", "b", "c"], 900)
    others = RNG(9).choice(["d", "e"], 900)
    errors = RNG(10).normal(size=900) * np.where(letters == "b", 2, 1)
    covered = (np.abs(errors) < 1.64).astype(float)

    found = grouped(
        {"x": letters, "z": others}, errors, [category("x", "a", "b", "c"), category("z", "d", "e")], covered
    )

    by_value = {part["value"]: part for item in found["fields"] for part in item["groups"]}
    assert by_value["b"]["worse"] == ["mae", "covered"]
    assert not any("worse" in by_value[letter] for letter in "acde")
    b = letters == "b"
    assert by_value["b"]["mae"] == pytest.approx(np.abs(errors[b]).mean())
    assert by_value["b"]["bias"] == pytest.approx(errors[b].mean())
    assert by_value["b"]["covered"] == pytest.approx(covered[b].mean())
    assert found["whole"]["rows"] == 900 and found["whole"]["mae"] == pytest.approx(np.abs(errors).mean())


def test_groups_that_are_alike_are_rarely_called_worse():
    calls = 0
    for seed in range(200):
        calls += are_worse(np.abs(RNG(seed).normal(size=400)), np.arange(400) % 4, 4).sum()

    assert calls <= 5  # of 800; three standard errors


def test_a_difference_beyond_chance_that_is_a_trifle_is_not_called_worse():
    losses = RNG(0).normal(1, 0.01, 10_000)
    losses[:5000] += 0.05

    assert not are_worse(losses, (np.arange(10_000) < 5000).astype(int), 2).any()


def test_a_group_of_few_rows_has_its_count_alone():
    letters = np.array(["a"] * 100 + ["b"] * 19 + [None])

    found = grouped({"x": letters}, np.arange(120.0), [category("x", "a", "b")])

    small, missing = found["fields"][0]["groups"][1:]
    assert small == {"value": "b", "rows": 19} and missing == {"missing": True, "rows": 1}


def test_numbers_are_grouped_in_quarters_at_round_values_and_missing_ones_apart():
    whole = RNG(11).integers(18, 65, 400)
    narrow = (RNG(12).normal(30, 5, 400)).round(1).astype("float32")
    narrow[:30] = np.nan
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG(13).integers(0, 366, 400), unit="D")
    fields = [
        Field("age", "integer", "int64", {"en": "age"}, 30, observed_min=18, observed_max=64),
        Field("bmi", "number", "float64", {"en": "bmi"}, 30.0, nullable=True, decimals=1),
        Field("day", "date", "datetime64[ns]", {"en": "day"}, "2024-06-01"),
    ]

    found = grouped({"age": whole.astype("int8"), "bmi": narrow, "day": days}, RNG(14).normal(size=400), fields)

    ages, sizes, dates = (item["groups"] for item in found["fields"])
    assert (ages[0]["low"], ages[-1]["high"]) == (18, 64)
    assert [part["high"] + 1 for part in ages[:-1]] == [part["low"] for part in ages[1:]]
    for part in ages:
        assert part["rows"] == ((whole >= part["low"]) & (whole <= part["high"])).sum() > 60
    assert sizes[-1] == {"missing": True} | sizes[-1] and sizes[-1]["rows"] == 30
    for part in sizes[1:-2]:
        exact = narrow.astype("float64").round(1)
        assert part["rows"] == ((exact >= part["low"]) & (exact < part["high"])).sum() > 60
    assert (dates[0]["low"], dates[-1]["high"]) == (str(days.min().date()), str(days.max().date())) and len(dates) == 4


def test_rare_categories_are_one_group():
    letters = RNG(15).choice(list("abcdefghijklmnop"), 2000, p=[0.5, *[0.5 / 15] * 15])

    found = grouped({"x": letters}, RNG(16).normal(size=2000), [category("x", *"abcdefghijklmnop")])

    parts = found["fields"][0]["groups"]
    assert len(parts) == 12 and parts[0]["value"] == "a" and parts[-1]["others"] == 5
    assert sum(part["rows"] for part in parts) == 2000
