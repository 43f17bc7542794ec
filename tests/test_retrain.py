"""`slipway retrain`: as a version was trained, on another table."""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.cli.main import main
from slipway.store.checksums import SUMS, sums
from tests.conftest import shared

pytestmark = pytest.mark.slow


def orders(rows: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    day = pd.Timestamp("2024-03-01") + pd.to_timedelta(draw.integers(0, 300, rows), unit="D")
    table = pd.DataFrame(
        {
            "day": day.strftime("%d/%m/%Y"),
            "weight": draw.normal(20, 4, rows).round(1),
            "shop": draw.integers(1, 5, rows),
            "note": draw.integers(0, 9, rows),
            "price": 0.0,
        }
    )
    table["price"] = (3 * table["weight"] + 10 * (table["shop"] == 2) + draw.normal(0, 1, rows)).round(2)
    return table


@pytest.fixture(scope="module")
def shop(workdir) -> str:
    orders(300, 0).to_csv(workdir / "orders.csv", index=False)
    options = ("--kind", "shop=category", "--ignore", "note", "--include", "lr", "--folds", "2", "--seed", "7")
    return shared("orders", "--data", str(workdir / "orders.csv"), "--target", "price", *options, "--name", "orders")


def test_another_table_is_read_and_trained_on_as_the_first_was(shop, tmp_path, capsys):
    before = store.find(shop)
    path = tmp_path / "new.csv"
    newer = orders(400, 1).assign(clerk="x").drop(columns="note")
    newer.loc[newer["day"].str.startswith(("13", "2", "3")), "day"] = (
        "05/04/2024"  # nothing tells the order of day and month
    )
    newer.to_csv(path, index=False)

    code = main(["retrain", "orders", "--data", str(path)])

    after = store.open_version("orders:latest")
    said = capsys.readouterr().out
    assert code == 0 and after.tag != before.tag
    assert said.rstrip().endswith(f"saved {after.tag}")
    assert "in use" in said or "served" in said  # it was compared
    assert [(item.name, item.kind, item.format) for item in after.schema().fields] == [
        (item.name, item.kind, item.format) for item in before.schema().fields
    ]
    assert after.schema().by_name["shop"].kind == "category"
    assert after.metrics().left_out["clerk"].reason == "ignored"
    assert after.usecase() == before.usecase()
    assert after.usecase()["training"]["seed"] == 7
    assert "data" not in after.usecase()  # where the table was is nobody's business


def test_a_table_without_one_of_the_fields_is_refused_in_one_line(shop, tmp_path, capsys):
    path = tmp_path / "short.csv"
    orders(100, 2).drop(columns="weight").to_csv(path, index=False)

    code = main(["retrain", "orders", "--data", str(path)])

    error = capsys.readouterr().err
    assert code == 1
    assert "`fields` names 'weight', which is no input column" in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not know how it was trained"),
        ("[]", "usecase.json holds no use case"),
        ("{", "usecase.json is not valid JSON"),
        ('{"target": {"column": "price"}, "folds": 3}', "is damaged: usecase.json"),
    ],
    ids=["older", "a list", "cut off", "unknown key"],
)
def test_a_version_that_does_not_know_its_use_case_says_what_to_do(shop, capsys, content, said):
    models = os.path.join(os.environ["BENTOML_HOME"], "models")
    version = store.find(shop)
    copy = version.path.parents[1] / "copied" / version.version
    shutil.copytree(version.path, copy)
    try:
        model = (copy / "model.yaml").read_text()
        (copy / "model.yaml").write_text(model.replace("name: orders", "name: copied"))
        (copy.parent / "latest").write_text(version.version)
        (copy / "usecase.json").unlink() if content is None else (copy / "usecase.json").write_text(content)
        (copy / SUMS).write_text(sums(copy))

        code = main(["retrain", "copied", "--data", "rows.csv"])
    finally:
        shutil.rmtree(os.path.join(models, "copied"))

    error = capsys.readouterr().err
    assert code == 1
    assert said in error and error.count("\n") == 1


def test_what_is_kept_is_a_use_case_in_json(shop):
    stored = json.loads((store.find(shop).path / "usecase.json").read_text(encoding="utf-8"))

    assert stored["task"] == "regression"
    assert stored["fields"]["day"] == {"kind": "date", "format": "%d/%m/%Y", "categories": {}}
    assert stored["training"]["include"] == ["lr"]
