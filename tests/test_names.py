"""Columns may have any name: it goes through training, graph, API, file and page, and no other name is ever seen."""

import csv
import io
import json
import re

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.errors import DataError
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.training.names import safe_names, setup_names, with_own_names, with_setup_names
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import TargetSpec, UseCase
from tests.conftest import serve, trained

ODD = ["self", "value", "class", "probabilities", "Add_12_x", "prediction_label", "color", "color_red", "size[m]", "sizem"] + [
    "a:", "a,", "[]", "🙂", "n" * 300, "end__drop__", "年龄", "x\"y'z", "<b>", "`{x}`", "1", "%", "index", "a b", "a", "a^2"
]  # fmt: skip


def test_names_that_pycaret_can_take_stay():
    assert safe_names(["age", "body mass index", "a.b", "年龄", "Ä", "BMI", "region-2"], "charges") == {}


@pytest.mark.parametrize("name", ["self", "size[m]", "a:", "🙂", "n" * 300, "end__drop__", "1", "prediction_score"])
def test_another_name_is_found_for_one_that_it_cannot(name):
    assert safe_names(["age", name], "y") == {name: "column1"}


def test_a_name_that_pycaret_would_make_of_another_column_is_replaced():
    assert safe_names(["color", "color_red", "colorful"], "y") == {"color_red": "column1"}


def test_names_inside_the_pipeline_are_nobody_s_own():
    names = ["column1", "columnx", "a[", "b["]

    inside = safe_names(names, "y")

    assert inside == {"a[": "columnxx2", "b[": "columnxx3"}


def schema(*names, target="y"):
    table = pd.DataFrame({name: np.arange(60) % 7 * 100 + 31 for name in names} | {target: np.linspace(0.5, 9, 60)})
    return infer_dataset(table, UseCase("case", TargetSpec(target)), "t.csv").schema


def test_options_and_messages_are_translated():
    found = schema("a[", "b", target="t[")
    options = {
        "keep_features": ["a[", "b"],
        "group_features": {"g": ["a["]},
        "ordinal_features": {"a[": [1]},
        "pca": True,
    }

    assert setup_names(found) == {"a[": "column0", "b": "b", "t[": "column2"}
    assert with_setup_names(options, setup_names(found)) == {
        "keep_features": ["column0", "b"],
        "group_features": {"g": ["column0"]},
        "ordinal_features": {"column0": [1]},
        "pca": True,
    }
    assert with_own_names("column0_day and 'column2', not column02", found) == "a[_day and 't[', not column02"


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(DataError, match="has a character that is not valid text; rename it"):
        schema("a\x00b")


def test_the_api_does_not_tell_names_inside_the_pipeline():
    assert "column" not in json.dumps(schema("a[").to_json())


def random_name(rng):
    alphabet = list("ab_ .,:;[]{}\"'<>&%#^|/\\$-+=()é年🙂0123")
    while True:
        name = "".join(rng.choice(alphabet, rng.integers(1, 12))).strip()
        if name:
            return name


def table(names, seed):
    rng = np.random.default_rng(seed)
    makers = [
        lambda: rng.normal(size=150).round(2),
        lambda: rng.choice(["red", "blue", "green"], 150),
        lambda: rng.choice(["x", "y"], 150),
        lambda: rng.integers(30, 90, 150),
        lambda: pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, 150), "D"),
    ]
    columns = {name: makers[place % len(makers)]() for place, name in enumerate(names)}
    return pd.DataFrame(columns), rng


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "task"), [(0, "regression"), (1, "classification")])
def test_any_names_go_through_training_api_file_and_page(tmp_path, seed, task):
    rng = np.random.default_rng(seed)
    names = ODD if task == "regression" else list(dict.fromkeys(random_name(rng) for _ in range(12)))
    frame, rng = table(names, seed)
    target = 'y["1"]:'
    score = np.arange(150) % 7 + rng.normal(size=150)
    frame[names[0]] = score.round(2)
    frame[target] = (score * 3).round(2) if task == "regression" else np.where(score > 3, "no", "yes")
    frame.to_csv(tmp_path / "t.csv", index=False)
    estimator = "gbr" if task == "regression" else "lr"

    tag = trained(
        "--data", str(tmp_path / "t.csv"), "--target", target, "--include", estimator, "--folds", "2", "--name", "odd"
    )

    version = store.find(tag)
    assert version.engine == "onnx" and version.schema().names == names
    metrics = version.metrics()
    assert set(metrics.importance) == set(names)
    assert not re.search(r"column\d", (version.path / "card.md").read_text(encoding="utf-8"))
    record = version.schema().defaults
    with serve("--arg", f"model={tag}") as server:
        answer = server.post("/predict", json={"records": [record]}).json()["predictions"][0]
        explained = server.post("/explain", json={"record": record}).json()
        refused = server.post("/predict", json={"records": [{**record, names[0]: "?"}]}).json()
        file = server.post("/predict_csv", files={"file": frame.head(5).to_csv(index=False).encode()})
        page = server.get("/ui/en/")

    assert {item["field"] for item in explained["contributions"]} == set(names)
    assert explained["prediction"] == answer["prediction"] or answer["probabilities"]
    assert refused["details"][0]["field"] == names[0]
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert file.status_code == 200 and len(rows) == 5 and set(names) <= set(rows[0])
    assert page.status_code == 200


@pytest.mark.parametrize(("value", "expected"), [("plain", "y"), ("y,2", "y target")])
def test_pycaret_cleans_the_names_it_makes_of_odd_categories(value, expected):
    field = Field("kind", "category", "object", {"en": "kind"}, "a", categories=("a", value))
    schema = Schema("m", "regression", (field,), Target("y", {"en": "y"}))
    assert setup_names(schema) == {"kind": "kind", "y": expected}
