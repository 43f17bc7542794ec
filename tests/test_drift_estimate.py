"""The estimated error beside the true one, on made shifts of which everything is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.publish.drift.measure import drift
from tests.conftest import shared

pytestmark = pytest.mark.slow

ROWS = 4_000
POINTS = 0.02
SHIFTS = [
    {"age": 0.06},
    {"age": -0.06},
    {"income": 0.05},
    {"income": -0.05},
    {"visits": 0.5},
    {"visits": -0.5},
    {"plan": 1.5},
    {"plan": -1.5},
    {"age": 0.04, "plan": 1.0},
    {"income": -0.04, "visits": 0.4, "plan": -0.7},
]
"""How much likelier a case becomes by each unit of a field, as a power of e."""


def cases(rows: int, seed: int, tilt: dict[str, float] | None = None) -> pd.DataFrame:
    """Cases of which some kinds are frequenter than in training, with what is true of each at random."""
    draw = np.random.default_rng(seed)
    many = 20 * rows if tilt else rows
    table = pd.DataFrame(
        {
            "age": draw.integers(18, 80, many),
            "income": draw.gamma(4, 10, many).round(1),
            "visits": draw.poisson(2, many),
            "plan": draw.choice(["basic", "family", "full"], many, p=[0.5, 0.3, 0.2]),
        }
    )
    if tilt:
        numbers = table.assign(plan=table["plan"].map({"basic": 0, "family": 1, "full": 2}))
        weights = np.exp(sum(power * numbers[name] for name, power in tilt.items()))
        table = table.iloc[draw.choice(many, rows, replace=True, p=weights / weights.sum())].reset_index(drop=True)
    level = table["age"] / 20 + table["visits"] + table["plan"].map({"basic": 0.0, "family": 1.5, "full": 4.0})
    table["cost"] = (100 * level + 3 * table["income"] + draw.normal(0, 15 * level)).round(2)
    score = (level - 6.5) / 1.2 + (table["income"] - 40) / 40
    table["left"] = np.where(draw.random(len(table)) < 1 / (1 + np.exp(-score)), "yes", "no")
    return table


@pytest.fixture(scope="module")
def costs(workdir: Path) -> str:
    cases(ROWS, 4).drop(columns="left").to_csv(workdir / "costs.csv", index=False)
    options = ("--data", str(workdir / "costs.csv"), "--target", "cost", "--include", "gbr", "--folds", "5")
    return shared("costs", *options, "--name", "costs")


@pytest.fixture(scope="module")
def leavers(workdir: Path) -> str:
    cases(ROWS, 4).drop(columns="cost").to_csv(workdir / "leavers.csv", index=False)
    options = ("--data", str(workdir / "leavers.csv"), "--target", "left", "--include", "lr", "--folds", "5")
    return shared("leavers", *options, "--name", "leavers")


def estimates(tag: str, folder: Path) -> list[dict[str, tuple[float, float, float, float]]]:
    """Of each shift, by measure: the estimate, the ends of its interval, and the truth."""
    version, found = store.find(tag), []
    for seed, tilt in enumerate(SHIFTS, start=10):
        path = folder / f"{seed}.csv"
        cases(ROWS, seed, tilt).to_csv(path, index=False)
        report = drift(version, str(path))
        truth = {one.measure: one.value for one in report.measured}
        found.append({one.measure: (one.value, one.low, one.high, truth[one.measure]) for one in report.estimated})
        assert report.drift, tilt
    return found


def close(found: list[dict[str, tuple[float, float, float, float]]], measure: str, unit: float = 1.0) -> int:
    """How many estimates are within two points of the truth."""
    off = [(one[measure][0] - one[measure][3]) / unit for one in found]
    print(measure, [round(100 * each, 1) for each in off], "points;", _covered(found, measure), "in the interval")
    return sum(abs(each) <= POINTS for each in off)


def _covered(found: list[dict[str, tuple[float, float, float, float]]], measure: str) -> int:
    return sum(one[measure][1] <= one[measure][3] <= one[measure][2] for one in found)


def test_the_accuracy_is_within_two_points_in_nine_of_ten_shifts(leavers, tmp_path):
    found = estimates(leavers, tmp_path)

    assert close(found, "accuracy") >= 9
    assert _covered(found, "accuracy") >= 8


def test_the_error_of_numbers_is_within_two_points_in_nine_of_ten_shifts(costs, tmp_path):
    """Points of the standard deviation of the target, and of the coverage. The third shift is to incomes that training had few of."""
    found = estimates(costs, tmp_path)

    assert close(found, "mean absolute error", store.find(costs).schema().target.std) >= 9
    assert close(found, "interval coverage") >= 9
    assert _covered(found, "mean absolute error") >= 8


def test_a_changed_relation_is_not_seen_without_the_target(costs, tmp_path):
    changed = cases(ROWS, 3).drop(columns="left")
    changed["cost"] *= 1.5
    changed.to_csv(tmp_path / "changed.csv", index=False)

    report = drift(store.find(costs), str(tmp_path / "changed.csv"))

    assert not any(one.worse for one in report.estimated)
    assert {one.measure for one in report.measured if one.worse} == {"mean absolute error", "interval coverage"}
