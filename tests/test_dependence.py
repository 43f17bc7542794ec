"""Partial dependence: that it finds an effect that was planted, and how the Model tab shows it."""

import html
import json

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.page.context import PageContext
from slipway.page.model import dependence
from slipway.training.dependence import CATEGORIES, POINTS
from tests.conftest import HOME, trained

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def planted():
    """A version of a table in which y = 3x, 10 more at one site of 30, and nothing depends on the day; x has gaps."""
    rng = np.random.default_rng(0)
    rows = 600
    x = rng.normal(50, 10, rows).round(1)
    sites = rng.choice([f"site {at:02d}" for at in range(30)], rows)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    table = pd.DataFrame(
        {
            "x": np.where(rng.random(rows) < 0.1, np.nan, x),
            "site": sites,
            "day": days.strftime("%Y-%m-%d"),
            "y": (3 * x + 10 * (sites == "site 07") + rng.normal(0, 0.1, rows)).round(2),
        }
    )
    path = HOME / "planted.csv"
    table.to_csv(path, index=False)
    return store.find(trained("--data", str(path), "--target", "y", "--include", "lr", "--folds", "2"))


def test_the_average_prediction_rises_as_the_planted_effect_does(planted):
    found = planted.figures().dependence

    by_name = {item.field: item for item in found.fields}
    x = by_name["x"]
    assert next(iter(by_name)) == "x" and found.rows == 300 and found.classes == ()
    assert len(x.values) <= POINTS + 1 and x.values[-1] is None  # which is a missing value
    low, high, first, last = x.values[0], x.values[-2], x.means[0][0], x.means[0][-2]
    assert 28 < low < 36 and 64 < high < 72  # most rows, and not a person's own value
    assert (last - first) / (high - low) == pytest.approx(3, rel=0.05)
    assert x.means[0][-1] == pytest.approx(found.means[0], abs=3)


def test_of_many_categories_the_most_frequent_have_an_average(planted):
    found = {item.field: item for item in planted.figures().dependence.fields}["site"]

    assert len(found.values) == len(found.means[0]) == CATEGORIES
    counts = pd.read_csv(HOME / "planted.csv").site.value_counts()
    assert set(found.values) == set(counts.index[:CATEGORIES]) or counts.iloc[CATEGORIES - 1] == counts.iloc[CATEGORIES]


def test_of_two_classes_it_is_the_probability_of_the_positive_one(diabetes):
    version = store.find(diabetes)

    found = version.figures().dependence

    assert found.classes == (version.schema().target.positive,)
    glucose = next(item for item in found.fields if item.field == "Glucose")
    known = glucose.means[0][:-1]
    assert 0 < known[0] < 0.2 and 0.5 < known[-1] < 1 and list(known) == sorted(known)


def test_a_classifier_without_probabilities_has_none(bare):
    version = store.find(bare)

    assert version.figures().dependence is None and dependence.render(PageContext(version, "en")) == ""


@pytest.mark.parametrize(("language", "words"), [("en", "Lowest"), ("zh", "最低")])
def test_the_tab_says_where_it_is_lowest_and_highest_and_what_it_is_not(insurance, language, words):
    version = store.find(insurance)
    age = next(item for item in version.figures().dependence.fields if item.field == "age")
    most = max(age.means[0])

    shown = str(dependence.render(PageContext(version, language)))

    assert f"{words} " in shown and f"{round(most):,}" in shown
    assert PageContext(version, language).t("model.dependence_not") in shown
    figures = json.loads(html.unescape(shown.split('-age-dependence" data-figures="')[1].split('"')[0]))
    assert figures[1:] == [[value, mean] for value, mean in zip(age.values, age.means[0], strict=True)]


def test_each_whole_number_on_the_axis_has_its_bar(insurance):
    version = store.find(insurance)
    children = next(item for item in version.figures().dependence.fields if item.field == "children")

    shown = str(dependence.render(PageContext(version, "en")))

    picture = shown.split("-children-dependence")[1].split("</svg>")[0]
    assert children.values == (0, 1, 2, 3, 4) and picture.count('class="slip-share"') == 5
