"""What is saved can be served: a version is started as on a server before it is saved."""

import sys

import numpy as np
import pandas as pd
import pytest
from pycaret.regression import RegressionExperiment
from sklearn.preprocessing import FunctionTransformer

import slipway
from slipway import store
from slipway.errors import DataError, NotServableError, TrainingError
from slipway.inference.onnx_engine import CompiledEngine
from slipway.inference.predictor import Predictor
from slipway.publish import smoke_test
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import TargetSpec, UseCase
from tests.conftest import HOME, train, trained

pytestmark = pytest.mark.slow

QUIET = {"session_id": 1, "fold": 2, "n_jobs": 1, "html": False, "verbose": False, "system_log": False}
ROWS = np.arange(120)
TABLE = pd.DataFrame({"x": ROWS % 13, "kind": np.array(["a", "b", "c"])[ROWS % 3], "y": ROWS % 13 * 2.0 + ROWS % 3})


def experiment(table: pd.DataFrame, **options: object) -> tuple[RegressionExperiment, object]:
    """A PyCaret experiment with a linear model of `y`, as somebody has it in a notebook."""
    found = RegressionExperiment()
    found.setup(table, target="y", **QUIET, **options)
    return found, found.create_model("lr", verbose=False)


def written(name: str, table: pd.DataFrame) -> str:
    """The path of the table as a CSV file."""
    table.to_csv(HOME / name, index=False)
    return str(HOME / name)


def fitted(table: pd.DataFrame, name: str) -> Predictor:
    """What `slipway train --data … --target y --include lr` learns from the table."""
    tag = trained("--data", written(f"{name}.csv", table), "--target", "y", "--include", "lr", "--folds", "2")
    return store.load_predictor(store.find(tag))


def test_a_step_that_a_server_cannot_import_is_found_before_the_version_is_saved(tmp_path, monkeypatch):
    (tmp_path / "only_in_training.py").write_text("def twice(frame):\n    return frame.assign(x=frame.x * 2)\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    from only_in_training import twice

    found, model = experiment(TABLE, custom_pipeline=[("twice", FunctionTransformer(twice))])

    with pytest.raises(NotServableError) as refused:
        slipway.save(found, "unservable", model)

    assert "No module named 'only_in_training'" in str(refused.value) and "\n" not in str(refused.value)
    assert "unservable was trained and is not saved" in str(refused.value)
    assert store.list_versions("unservable") == ([], 0)


def test_a_process_that_was_killed_or_waited_in_vain_is_started_again(insurance):
    smoke_test.warm_up().process.kill()
    smoke_test.warm_up().process.wait()

    said: list[str] = []
    smoke_test.check(store.find(insurance).path.parent.parent, insurance, said.append)

    assert said == []


def test_a_page_that_cannot_be_tried_here_is_said_and_settings_of_a_server_are_not_the_versions_fault(
    insurance, monkeypatch
):
    monkeypatch.setenv("SLIPWAY_MAX_RECORDS", "none")
    without = "; from slipway.publish import smoke_test; smoke_test.find_spec = lambda name: None; listen()"
    monkeypatch.setattr(smoke_test, "CODE", smoke_test.CODE.replace("; listen()", without))
    smoke_test.warm_up().end()

    said: list[str] = []
    smoke_test.check(store.find(insurance).path.parent.parent, insurance, said.append)
    smoke_test.warm_up().end()

    assert len(said) == 1 and said[0].startswith("the page was not tried: Gradio is not installed")


@pytest.mark.parametrize(
    "share",
    [pytest.param(1 / 120, id="one gap"), pytest.param(0.3, id="gaps in a third of the rows")],
)
def test_a_date_with_gaps_is_compiled_and_a_missing_one_is_answered_as_the_median(share):
    day = pd.Series(pd.Timestamp("2023-01-31") + pd.to_timedelta(ROWS * 7, "D"))
    missing = np.random.default_rng(1).permutation(120) < share * 120
    table = TABLE.assign(day=day.dt.strftime("%Y-%m-%d").mask(missing, ""), y=TABLE.y + day.dt.month * 3)

    predictor = fitted(table, f"gaps-{missing.sum()}")

    record = {"x": 3, "kind": "a", "day": None}
    median = day[~missing].quantile(0.5, "lower").date().isoformat()
    absent, given, other = (
        predictor.answer([record | {"day": value}])["predictions"][0]["prediction"]
        for value in (None, median, "2023-12-24")
    )
    assert predictor.engine.name == "onnx"
    assert absent == given != other


def test_a_forest_accepts_a_date_that_is_missing_in_only_some_rows():
    day = pd.Series(pd.Timestamp("2023-01-31") + pd.to_timedelta(ROWS * 7, "D")).dt.strftime("%Y-%m-%d")
    path = written("lumps.csv", TABLE.assign(day=day.mask(ROWS < 40, "")))

    tag = trained("--data", path, "--target", "y", "--include", "rf", "--folds", "3")

    predictor = store.load_predictor(store.find(tag))
    records = [{"x": 3, "kind": "a", "day": None}] * 3 + [{"x": 3, "kind": "a", "day": "2024-06-01"}]
    together = [one["prediction"] for one in predictor.answer(records)["predictions"]]
    alone = [predictor.answer([record])["predictions"][0]["prediction"] for record in records]
    assert predictor.engine.name == "onnx" and together == pytest.approx(alone, rel=1e-6)


def test_a_notebooks_date_with_gaps_is_refused_with_how_to_fill_it():
    day = pd.Series(pd.Timestamp("2023-01-31") + pd.to_timedelta(ROWS * 7, "D"))
    found = RegressionExperiment()
    found.setup(TABLE.assign(day=day.mask(ROWS % 24 == 5)), target="y", **QUIET)
    model = found.create_model("lightgbm", verbose=False)

    with pytest.raises(TrainingError, match=r"'day' has missing dates, .* fill them before setup\(\), as in table"):
        slipway.save(found, "gaps", model)


NAMES = [
    "self",
    "value",
    "class",
    "probabilities",
    "Constant_0_output",
    "index",
    "__proto__",
    "a b.c",
    "x'\"[0]{}",
    "年龄",
]


@pytest.mark.parametrize("classes", [pytest.param(False, id="numbers"), pytest.param(True, id="classes")])
def test_columns_may_have_any_name(classes):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.uniform(0, 30, 120).round(1) for name in NAMES} | {"self": TABLE.kind})
    table["y"] = table["value"] + 3 * table["class"] + rng.integers(0, 5, 120)
    if classes:
        table["y"] = np.where(table["y"] > table["y"].median(), "class", "value")

    predictor = fitted(table, f"names-{classes}")

    assert predictor.engine.name == "onnx" and predictor.schema.names == NAMES
    low, high = ({name: 5 for name in NAMES} | {"self": "a", "class": value} for value in (2, 25))
    answers = [one["prediction"] for one in predictor.answer([low, high])["predictions"]]
    assert answers == ["value", "class"] if classes else answers[1] - answers[0] == pytest.approx(69, abs=3)


def test_a_graph_saved_before_by_the_names_of_its_fields_is_served(insurance):
    version = store.find(insurance)
    engine = CompiledEngine.load(version.graph, version.schema())

    assert list(engine._inputs.items()) == [(name, name) for name in version.schema().names]


def test_names_that_pycaret_makes_twice_are_refused_before_anything_is_fitted():
    named = "PyCaret makes two columns of the name 'k k_pq', of 'k k'; rename one of them in the table, or the category"
    table = pd.DataFrame({"k k": np.array(["p:q", "pq", "r"])[ROWS * 7 % 3]})
    run = train("--data", written("made.csv", table.assign(x=TABLE.x, y=TABLE.y)), "--target", "y", "--include", "lr")

    assert run.returncode == 1 and "Linear Regression" not in run.stdout
    assert run.stderr.startswith("train: ") and named in run.stderr and run.stderr.count("\n") == 1


@pytest.mark.parametrize("name", [" x", "x\x01", "\ud800"], ids=ascii)
def test_names_that_no_file_or_pipeline_can_hold_are_refused(name):
    with pytest.raises(DataError, match="the column name .* rename it"):
        infer_dataset(TABLE.rename(columns={"x": name}), UseCase("t", TargetSpec("y")), "the table")
