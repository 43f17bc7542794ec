"""What wrong answers cost decides on the class: in the API, in files, on the page and in every figure."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
import yaml

from slipway import store
from slipway.errors import UseCaseError
from slipway.inference.decision import decide
from slipway.inference.equality import Answers
from slipway.page.context import PageContext
from slipway.page.model import tab as model_tab
from slipway.schema.schema import Target
from slipway.service.model import LoadedModel
from slipway.training.decision import check, costs, threshold
from slipway.training.usecase import TargetSpec, UseCase, read
from tests.conftest import HOME, serve, settled, shared

pytestmark = pytest.mark.slow

RARE = {"cost_missed": 10, "cost_false_alarm": 1}
KINDS = {"bad": {"good": 9}}


def table(name: str, classes: int) -> str:
    rng = np.random.default_rng(1)
    inputs = pd.DataFrame({"size": rng.normal(10, 3, 400).round(2), "age": rng.integers(1, 60, 400)})
    score = inputs["size"] / 3 + inputs.age / 20 + rng.normal(0, 1.2, 400)
    limits = np.quantile(score, [0.85] if classes == 2 else [0.25, 0.75])
    labels = np.array(["no", "yes"] if classes == 2 else ["bad", "fair", "good"])
    path = HOME / f"{name}.csv"
    inputs.assign(y=labels[np.searchsorted(limits, score)]).to_csv(path, index=False)
    return str(path)


def with_costs(name: str, classes: int, given: dict) -> str:
    case = HOME / f"{name}.yaml"
    content = {"name": name, "data": {"file": table(name, classes)}, "target": {"column": "y"} | given}
    case.write_text(yaml.safe_dump(content | {"training": {"include": ["lr"], "folds": 3}}), encoding="utf-8")
    return shared(name, str(case))


@pytest.fixture(scope="module")
def two() -> str:
    return with_costs("costs-two", 2, RARE)


@pytest.fixture(scope="module")
def three() -> str:
    return with_costs("costs-three", 3, {"costs": KINDS})


# What is decided


@pytest.mark.parametrize(("missed", "alarm"), [(10, 1), (1, 10), (0.5, 0.5), (199, 1)])
def test_from_the_threshold_on_a_missed_case_costs_more_than_a_false_alarm(missed, alarm):
    at = threshold(TargetSpec("y", cost_missed=missed, cost_false_alarm=alarm))

    assert at * missed == pytest.approx((1 - at) * alarm)


def test_of_several_classes_the_one_with_the_lowest_expected_cost_is_predicted():
    classes = ("bad", "fair", "good")
    table = costs(TargetSpec("y", costs=KINDS), classes, "good", UseCase("m"))
    target = Target("y", {"en": "y"}, classes=classes, positive="good", costs=table)
    shares = np.random.default_rng(0).dirichlet([1, 1, 1], 2000)

    decided = decide(Answers(shares.argmax(axis=1), shares), target).values

    assert table == ((0.0, 1.0, 9.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0))
    assert decided.tolist() == (shares @ np.array(table)).argmin(axis=1).tolist()
    assert (decided != shares.argmax(axis=1)).any()
    alone = [decide(Answers(np.zeros(1), row[None]), target).values[0] for row in shares[:200]]
    assert alone == decided[:200].tolist()


def test_a_class_without_probabilities_stays_as_it_is():
    target = Target("y", {"en": "y"}, classes=("a", "b", "c"), positive="c", costs=((0, 1, 1),) * 3)

    assert decide(Answers(np.array([2, 0])), target).values.tolist() == [2, 0]


# What contradicts itself


@pytest.mark.parametrize(
    ("target", "match"),
    [
        ("{column: y, cost_missed: 3}", "`cost_missed` needs `cost_false_alarm`: only their ratio decides"),
        ("{column: y, cost_false_alarm: 3}", "`cost_false_alarm` needs `cost_missed`"),
        (
            "{column: y, threshold: 0.3, cost_missed: 3, cost_false_alarm: 1}",
            "give `threshold`, or `cost_missed` and `cost_false_alarm`, not both",
        ),
        ("{column: y, cost_missed: 0, cost_false_alarm: 1}", "`cost_missed` is 0, expected a cost above 0"),
        ("{column: y, cost_missed: .inf, cost_false_alarm: 1}", "`cost_missed` is inf, expected a cost above 0"),
        ("{column: y, cost_missed: dear, cost_false_alarm: 1}", "`cost_missed` is 'dear', expected a number"),
        ("{column: y, threshold: 0.2, costs: {a: {b: 2}}}", "`costs` is for more than two classes"),
        ("{column: y, costs: {a: 2}}", "`costs.a` is 2|`a` is 2"),
        ("{column: y, costs: {a: {b: -2}}}", "`b` is -2, expected a cost above 0"),
    ],
)
def test_a_use_case_that_contradicts_itself_is_refused_with_its_line(tmp_path, target, match):
    path = tmp_path / "m.yaml"
    path.write_text(f"target: {target}\n")

    with pytest.raises(UseCaseError, match=match) as refused:
        read(path)
    assert "line 1" in str(refused.value)


@pytest.mark.parametrize(
    ("spec", "count", "match"),
    [
        (TargetSpec("y", cost_missed=2, cost_false_alarm=1), 3, "`cost_missed` is for two classes; the target 'y' has 3 classes; for more, give `costs`"),
        (TargetSpec("y", cost_missed=2, cost_false_alarm=1), 0, "the target 'y' is a number: leave it out"),
        (TargetSpec("y", costs=KINDS), 2, "`costs` is for more than two classes; the target 'y' has 2 classes; give `cost_missed`"),
        (TargetSpec("y", costs=KINDS), 0, "`costs` is for more than two classes; the target 'y' is a number: leave it out"),
    ],
)  # fmt: skip
def test_costs_that_do_not_fit_the_classes_are_refused(spec, count, match):
    with pytest.raises(UseCaseError, match=match):
        check(spec, count, UseCase("m"))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"bat": {"good": 2}}, r"`costs` names the class 'bat', .*\['bad', 'fair', 'good'\]; did you mean 'bad'\?"),
        ({"bad": {"goood": 2}}, "names the class 'goood'.*did you mean 'good'"),
        ({"bad": {"bad": 2}}, "a cost for 'bad' that is right, which costs nothing"),
    ],
)
def test_costs_of_classes_that_there_are_not_are_refused(given, match):
    with pytest.raises(UseCaseError, match=match):
        costs(TargetSpec("y", costs=given), ("bad", "fair", "good"), "good", UseCase("m"))


# Everywhere the same


def test_the_threshold_of_two_costs_is_that_of_answers_figures_card_and_api(two):
    version = store.find(two)
    target, metrics = version.schema().target, version.metrics()
    served = LoadedModel(version)
    records = [{"size": size, "age": 40} for size in np.linspace(4, 18, 60).round(2).tolist()]

    answers = served.predictor.answer(records)["predictions"]

    assert target.threshold == metrics.threshold == served.description["threshold"] == pytest.approx(1 / 11)
    assert served.description["costs"] == {"no": {"no": 0.0, "yes": 1.0}, "yes": {"no": 10.0, "yes": 0.0}}
    assert {(one["probabilities"]["yes"] >= 1 / 11) == (one["prediction"] == "yes") for one in answers} == {True}
    assert any(one["prediction"] == "yes" and one["probabilities"]["yes"] < 0.5 for one in answers)
    card = (version.path / "card.md").read_text(encoding="utf-8")
    assert "for the threshold 9.1%" in card
    assert "follows from the costs: 10 for a missed case of “y: yes”, 1 for a false alarm." in card
    assert "10" in (version.path / "card.zh.md").read_text(encoding="utf-8").split("该阈值由成本得出")[1][:40]
    found = version.figures().confusion
    assert found[1][1] / sum(found[1]) > 0.8 > metrics.holdout["Prec."]


def test_several_classes_are_decided_by_costs_in_answers_files_figures_card_and_api(three):
    version = store.find(three)
    served = LoadedModel(version)
    records = [{"size": size, "age": 30} for size in np.linspace(2, 18, 80).round(2).tolist()]

    answers = served.predictor.answer(records)["predictions"]

    for one in answers:
        bad, fair, good = one["probabilities"].values()
        expected = {"bad": fair + good, "fair": bad + good, "good": 9 * bad + fair}
        assert one["prediction"] == min(expected, key=expected.__getitem__) and one["threshold"] is None
    assert any(one["prediction"] != max(one["probabilities"], key=one["probabilities"].__getitem__) for one in answers)
    assert served.description["costs"]["bad"] == {"bad": 0.0, "fair": 1.0, "good": 9.0}
    words = "The class with the lowest expected cost is predicted, by the costs of the use case"
    assert words in (version.path / "card.md").read_text(encoding="utf-8")
    assert words in model_tab.render(PageContext(version, "en"))
    # Few that are bad are called good, in the figures as in the answers.
    bad = version.figures().confusion[0]
    assert bad[2] < 0.03 * sum(bad)


@pytest.mark.browser
def test_the_page_begins_at_the_threshold_of_the_costs_and_says_what_they_come_to(two, open_page, tmp_path):
    version = store.find(two)
    with serve("--arg", f"model={two}") as server:
        page = open_page(server)
        box = page.locator(".slip-threshold")
        found = version.figures().confusion
        true = round(1000 * sum(found[1]) / sum(map(sum, found)))
        missed = true - round(true * found[1][1] / sum(found[1]))
        alarms = round((1000 - true) * found[0][1] / sum(found[0]))
        assert f"They cost {10 * missed + alarms}: 10 for each missed case, 1 for each false alarm." in box.inner_text()
        assert "At a threshold of 9.1%" in box.inner_text()
        page.get_by_label("Size", exact=True).fill("11")
        settled(page)
        assert "9.1%" in page.locator(".slip-verdict").inner_text()
        assert "threshold" not in (page.locator("[data-fragment]").first.get_attribute("data-fragment") or "")
        rows = server.post("/predict_csv", files={"file": ("p.csv", "size,age\n11,40\n")}).text
        (row,) = csv.DictReader(io.StringIO(rows))
        assert float(row["threshold"]) == pytest.approx(1 / 11)

        page.locator(".slip-threshold input[type=range]").fill("0.5")

        page.locator(".slip-verdict", has_text="50%").wait_for()
        assert "The lowest expected cost is at 9.1%." in box.inner_text()
