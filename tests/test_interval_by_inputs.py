"""Intervals for the case at hand: wide where errors are large, and less claimed where less is covered."""

import json

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.inference import frames
from slipway.inference.equality import Answers
from slipway.inference.interval import Interval, Spread, WeakGroup
from slipway.inference.predictor import Predictor
from slipway.inference.table import prediction_columns
from slipway.page.context import PageContext
from slipway.page.model import tab as model_tab
from slipway.page.predict import answer
from slipway.schema.cells import CellTerm
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.store import artifacts
from slipway.training.cells import find_cells
from slipway.training.conformal import fit_interval, measure_interval, parts_of
from slipway.training.evaluation import HeldOut
from slipway.training.schema_inference import infer_dataset
from slipway.training.spread import SpreadFits, interval_by_inputs
from slipway.training.subgroups import groups
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase
from slipway.training.weak_groups import weak_groups
from tests.conftest import HOME, page_of, shared

pytestmark = pytest.mark.slow

SITES = ("far", "near", "none")
NOISE = {"far": 5.0, "near": 1.0, "none": 1.0}
SITE = Field("site", "category", "object", {"en": "site"}, "near", categories=SITES)
SIZE = Field("size", "number", "float64", {"en": "size"}, 5.0, observed_min=0.0, observed_max=10.0)
SCHEMA = Schema("made-up", "regression", (SITE, SIZE), Target("y", {"en": "y"}))


def cases(rows: int, seed: int, noise=lambda site, size: np.vectorize(NOISE.get)(site)):
    """Inputs, unbiased predictions, and true values that are noisy as `noise` says."""
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({"site": rng.choice(SITES, rows, p=[0.15, 0.6, 0.25]), "size": rng.uniform(0, 10, rows)})
    predicted = 3 * inputs["size"].to_numpy()
    scale = noise(inputs["site"].to_numpy(), inputs["size"].to_numpy())
    return inputs, predicted, predicted + scale * rng.normal(size=rows)


def columns_of(inputs: pd.DataFrame):
    return SCHEMA.columns(frames.records(inputs))


def test_a_noisy_group_gets_its_nine_of_ten_and_the_others_a_narrower_interval():
    shares, widths = [], []
    for seed in range(5):
        inputs, predicted, actual = cases(800, seed)
        plain = measure_interval(predicted, actual)
        found, measured = interval_by_inputs(plain, predicted, actual, inputs, SCHEMA)
        new, guess, truth = cases(6000, 100 + seed)
        scale = found.spread.scale(guess, columns_of(new), SCHEMA.by_name)
        for interval, factor in ((fit_interval(predicted, actual), 1.0), (found, scale)):
            low, high = interval.around(guess, scale=factor)
            inside = (truth >= low) & (truth <= high)
            shares.append([inside[new["site"] == site].mean() for site in SITES])
            widths.append((high - low).mean())
        low, high = found.around(guess, scale=scale)
        assert measured.metrics.covered == pytest.approx(((truth >= low) & (truth <= high)).mean(), abs=0.025)
        assert measured.metrics.by_inputs

    plain_shares, by_inputs = np.mean(shares[::2], axis=0), np.mean(shares[1::2], axis=0)
    assert plain_shares[0] < 0.6 and by_inputs.min() > 0.84 and by_inputs.max() < 0.94
    assert np.mean(widths[1::2]) < np.mean(widths[::2])


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(lambda site, size: np.ones(len(site)), id="the same everywhere"),
        pytest.param(lambda site, size: np.where(size > 9.97, 30.0, 1.0), id="a few outliers"),
    ],
)
def test_where_it_would_not_be_better_the_interval_stays_as_it_is(noise):
    for seed in range(5):
        inputs, predicted, actual = cases(600, seed, noise)
        assert interval_by_inputs(measure_interval(predicted, actual), predicted, actual, inputs, SCHEMA) is None


@pytest.mark.parametrize("rows", [50, 199])
def test_few_rows_and_a_perfect_model_keep_the_plain_interval(rows):
    inputs, predicted, actual = cases(rows, 0)
    exact = measure_interval(predicted, predicted)

    assert interval_by_inputs(measure_interval(predicted, actual), predicted, actual, inputs, SCHEMA) is None
    inputs, predicted, _ = cases(400, 0)
    assert interval_by_inputs(exact, predicted, predicted, inputs, SCHEMA) is None


def test_a_tenth_of_the_rows_is_judged_by_a_model_that_has_not_seen_it():
    inputs, predicted, actual = cases(500, 3)
    fits, tenth, errors = SpreadFits(predicted, actual, inputs, SCHEMA), parts_of(500) == 4, np.abs(actual - predicted)
    # Only large errors become larger: the median, from which the smallest that count follow, stays.
    changed = np.where(tenth & (errors > np.median(errors)), actual + 100 * np.sign(actual - predicted), actual)
    others = SpreadFits(predicted, changed, inputs, SCHEMA)

    assert fits.scales(30.0, judged=4) == pytest.approx(others.scales(30.0, judged=4), rel=1e-9)
    assert fits.scales(30.0)[~tenth] != pytest.approx(others.scales(30.0)[~tenth], rel=1e-3)


def test_served_rows_are_in_the_cells_that_training_put_them_in():
    days = pd.date_range("2021-01-03 10:00", periods=400, freq="31h")
    table = pd.DataFrame(
        {
            "day": days.strftime("%Y-%m-%d"),
            "when": days.strftime("%Y-%m-%dT%H:%M:%S"),
            "hour": days.strftime("%H:%M"),
            "level": [None if i % 5 == 0 else (i * 37 % 101) / 4 for i in range(400)],
            "open": [i % 3 == 0 for i in range(400)],
            "digit": [f"{i * i % 7}" for i in range(400)],
            "kind": [None if i % 6 == 0 else f"kind {i * i % 61}" for i in range(400)],
            "note": [" ".join(["word"] * (i % 23 + 1)) + f" {i}" for i in range(400)],
            "y": [i * 7 % 50 + 0.5 for i in range(400)],
        }
    )
    fields = {"note": FieldSpec(kind="text"), "digit": FieldSpec(kind="category")}
    learnt = infer_dataset(table, UseCase("case", TargetSpec("y"), fields=fields), "t.csv")
    schema, predicted = learnt.schema, learnt.target.to_numpy("float64")

    cells = find_cells(predicted, learnt.inputs, schema, np.arange(400))
    columns = schema.columns(frames.records(learnt.inputs, ["hour"]))

    assert len(cells.terms) == 9 and all(len(np.unique(of)) > 1 for of in cells.places)
    for term, of in zip(cells.terms, cells.places, strict=True):
        item = schema.by_name[term.field] if term.field else None
        served = term.positions(item, columns[term.field] if term.field else predicted)
        assert served.tolist() == of.tolist(), term.field


# Groups of which less is covered


def test_an_answer_for_a_weak_group_claims_what_was_measured_of_it():
    inputs, predicted, actual = cases(1500, 1)
    low, high = fit_interval(predicted, actual).around(predicted)
    inside = ((actual >= low) & (actual <= high)).astype("float64")
    unseen = HeldOut(inputs, actual, Answers(predicted))
    measured = groups(unseen, SCHEMA, inside, ["site", "size"])

    (weak,) = weak_groups(measured, SCHEMA)

    far = inside[(inputs["site"] == "far").to_numpy()].mean()
    assert weak.covered == int(100 * far) / 100 < 0.7
    interval = Interval(0.9, (), (-1.0,), (1.0,), weak=(weak,))
    coverages = interval.coverages(columns_of(inputs), SCHEMA.by_name, len(inputs))
    assert set(coverages[inputs["site"] == "far"]) == {weak.covered}
    assert set(coverages[inputs["site"] != "far"]) == {0.9}


@pytest.mark.parametrize("kind", ["number", "integer", "date", "time", "others", "missing"])
def test_a_weak_group_of_any_kind_is_found_again_in_the_records(kind):
    rng = np.random.default_rng(4)
    place = rng.integers(0, 1000, 1200)
    values = {
        "number": pd.Series(place / 10),
        "integer": pd.Series(place),
        "date": pd.Series((pd.Timestamp("2020-01-01") + pd.to_timedelta(place, "D")).strftime("%Y-%m-%d")),
        "time": pd.Series([f"{one // 60:02}:{one % 60:02}" for one in place]),
        "others": pd.Series([f"k{int(one / 45)}" if one < 450 else f"r{one % 70:02}" for one in place]),
        "missing": pd.Series([None if one > 800 else one / 10 for one in place]),
    }[kind]
    table = pd.DataFrame({"x": values, "z": rng.integers(0, 50, 1200), "y": rng.normal(size=1200).round(3)})
    learnt = infer_dataset(table, UseCase("case", TargetSpec("y")), "t.csv")
    actual = learnt.target.to_numpy("float64")
    bad = (place > 800) if kind != "others" else (place >= 450)
    inside = np.where(bad, rng.random(1200) < 0.5, rng.random(1200) < 0.97).astype("float64")
    measured = groups(HeldOut(learnt.inputs, actual, Answers(actual)), learnt.schema, inside, ["x"])

    weak = weak_groups(measured, learnt.schema)

    times = [field.name for field in learnt.schema.fields if field.kind == "time"]
    columns = learnt.schema.columns(frames.records(learnt.inputs, times))
    assert weak
    for group in weak:
        rows = group.term.positions(learnt.schema.by_name["x"], columns["x"]) == group.cell
        assert int(100 * inside[rows].mean()) / 100 == group.covered
        assert bad[rows].mean() > 0.5


# In a version


@pytest.fixture(scope="module")
def sites() -> str:
    inputs, predicted, actual = cases(900, 7)
    path = HOME / "sites.csv"
    inputs.assign(y=actual.round(3)).to_csv(path, index=False)
    return shared("sites", "--data", str(path), "--target", "y", "--name", "sites", "--include", "lr", "--folds", "3")


def test_api_file_page_and_card_give_a_noisy_case_the_wide_interval(sites):
    version = store.find(sites)
    predictor = store.load_predictor(version)
    records = [{"site": site, "size": 5.0} for site in SITES] * 30

    answers = predictor.answer(records)["predictions"]

    wide, narrow = (one["interval"]["high"] - one["interval"]["low"] for one in answers[:2])
    assert wide > 3 * narrow
    assert [predictor.answer([one])["predictions"][0] for one in records[:3]] == answers[:3]
    card = (version.path / "card.md").read_text(encoding="utf-8")
    metrics = version.metrics()
    assert metrics.interval.by_inputs and "It is wider for inputs for which errors were larger." in card
    assert "95% confidence interval:" in card and "Lowest of the groups:" in card
    shown = model_tab.render(PageContext(version, "en"))
    assert "Lowest of the fifths of the predictions: from" in shown and "Lowest of the groups:" in shown


def test_a_file_has_the_ends_of_the_api(sites):
    predictor = store.load_predictor(store.find(sites))
    records = [{"site": site, "size": size} for site in SITES for size in np.linspace(0.5, 9.5, 30).tolist()]
    checked = predictor.schema.check_records(records)

    _, low, high = prediction_columns(predictor, predictor.predict_arrays(checked), checked.columns)

    answers = predictor.predict(checked)
    assert [one["interval"]["low"] for one in answers] == low.tolist()
    assert [one["interval"]["high"] for one in answers] == high.tolist()


def test_an_interval_with_a_spread_survives_json_and_an_older_file_has_none(tmp_path):
    spread = Spread((CellTerm(edges=(1.0,)), CellTerm("site", values=("far",))), (0.1,) * 7, -1.0, 1.0)
    weak = (WeakGroup(CellTerm("site", values=SITES), 0, 0.5),)
    found = Interval(0.9, (5.0,), (-3.0, -1.0), (4.0, 2.0), spread, weak)

    artifacts.INTERVAL.write(tmp_path, found)
    assert artifacts.INTERVAL.read("x:1", tmp_path, store.FORMAT) == found
    older = {"coverage": 0.9, "edges": [5.0], "low": [-3.0, -1.0], "high": [4.0, 2.0]}
    (tmp_path / artifacts.INTERVAL.name).write_text(json.dumps(older))
    assert artifacts.INTERVAL.read("x:1", tmp_path, store.FORMAT) == Interval(0.9, (5.0,), (-3.0, -1.0), (4.0, 2.0))


def test_the_page_names_the_share_of_the_weak_group():
    class Triple:
        name = "triple"

        def predict(self, taken):
            return Answers(3 * taken["size"])

    weak = (WeakGroup(CellTerm("site", values=SITES), 0, 0.47),)
    predictor = Predictor("made-up:1", SCHEMA, Triple(), Interval(0.9, (), (-1.0,), (1.0,), weak=weak))

    far, near = predictor.answer([{"site": "far", "size": 5}, {"site": "near", "size": 5}])["predictions"]

    assert (far["interval"]["coverage"], near["interval"]["coverage"]) == (0.47, 0.9)
    assert answer.interval(page_of(SCHEMA), far).startswith("47% prediction interval: ")
