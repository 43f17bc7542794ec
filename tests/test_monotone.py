"""What somebody expects of an input, held against what the model does."""

import numpy as np
import pandas as pd
import pytest
import yaml

from slipway import store
from slipway.errors import UseCaseError
from slipway.page.context import PageContext
from slipway.page.model import tab as model_tab
from slipway.training.monotone import check_monotone
from tests.conftest import HOME, pipeline, trained

pytestmark = pytest.mark.slow


def case(name: str, fields: dict, target: str = "y", estimator: str = "lr") -> str:
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        {"up": rng.uniform(0, 10, 240), "bent": rng.uniform(-3, 3, 240), "kind": rng.choice(list("ab"), 240)}
    )
    level = 2 * table.up + table.bent**2 + rng.normal(0, 0.2, 240)
    table["y"], table["two"] = level.round(3), np.where(level > 12, "yes", "no")
    table["three"] = np.array(["low", "middle", "high"])[np.searchsorted([8, 16], level)]
    (HOME / f"{name}.csv").write_text(
        table.drop(columns=[one for one in ("y", "two", "three") if one != target]).to_csv(index=False)
    )
    path = HOME / f"{name}.yaml"
    content = {"name": name, "data": {"file": str(HOME / f"{name}.csv")}, "target": target, "fields": fields}
    path.write_text(yaml.safe_dump(content | {"training": {"include": [estimator], "folds": 2}}))
    return str(path)


def test_what_is_kept_and_what_is_broken_stands_on_card_and_page():
    tag = trained(case("bent", {"up": {"monotone": "up"}, "bent": {"monotone": "up"}}, estimator="gbr"))
    version = store.find(tag)
    up, bent = version.metrics().monotone

    # The parabola falls by 9 from -3 to 0, for everybody.
    assert bent.violated == 1.0 and 7 < bent.largest < 11 and (bent.rows, bent.direction) == (240, "up")
    assert up.largest < 0.3 * bent.largest
    card = (version.path / "card.md").read_text(encoding="utf-8")
    assert "Predictions should not fall as Bent rises. Somewhere in its range they do for 100.0% of 240 rows" in card
    assert "应随Bent升高而下降" in (version.path / "card.zh.md").read_text(encoding="utf-8")
    assert "Predictions should not fall as Bent rises" in model_tab.render(PageContext(version, "en"))


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_straight_line_keeps_to_its_direction(direction):
    tag = trained(case(f"line-{direction}", {"up": {"monotone": direction}}))
    version = store.find(tag)

    (found,) = version.metrics().monotone

    slope = 18 if direction == "down" else 0  # about 2 over 10, for a line that goes up
    assert found.violated == (direction == "down") and found.largest == pytest.approx(slope, abs=2.5)
    card = (version.path / "card.md").read_text(encoding="utf-8")
    assert ("As expected, predictions never fall as Up rises" in card) == (direction == "up")


def test_of_two_classes_the_probability_of_the_positive_one_is_looked_at():
    tag = trained(case("sides", {"up": {"monotone": "up"}, "bent": {"monotone": "up"}}, "two", "rf"))
    fitted, schema = pipeline(tag)

    up, bent = check_monotone(fitted, schema, pd.read_csv(HOME / "sides.csv").drop(columns="two"))

    assert bent.violated > 0.5 and 0 < bent.largest <= 1
    assert "%" in "".join(
        line for line in (store.find(tag).path / "card.md").read_text().splitlines() if "Bent rises" in line
    )


@pytest.mark.parametrize(
    ("fields", "target", "match"),
    [
        ({"kind": {"monotone": "up"}}, "y", "`monotone` is for numbers; it is read as category: leave it out"),
        (
            {"up": {"monotone": "up"}},
            "three",
            "`monotone` of 'up' is for numbers and two classes; the target 'three' has 3",
        ),
        ({"up": {"monotone": "level"}}, "y", "`monotone` is 'level'"),
        ({"upp": {"monotone": "up"}}, "y", "names 'upp'.*did you mean 'up'"),
    ],
)
def test_an_expectation_that_nothing_can_keep_is_refused(fields, target, match):
    with pytest.raises(UseCaseError, match=match):
        trained(case("refused", fields, target))
