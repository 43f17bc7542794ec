"""Any table: a CSV that nobody prepared, from training to the page and the API."""

import csv
import io
import keyword
from contextlib import redirect_stdout

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.inference import frames
from slipway.inference.equality import equal
from slipway.schema.metrics import ExclusionReason, LeftOut
from slipway.tables.readers import locate
from slipway.tables.source import DataSource
from slipway.training.labels import readable
from tests.conftest import HOME, pipeline, says, serve, trained

pytestmark = pytest.mark.slow

PENGUINS = DataSource("palmerpenguins/data/penguins.csv", package="palmerpenguins")
GENTOO = {
    "island": "Biscoe",
    "bill_length_mm": 47.5,
    "bill_depth_mm": 15.0,
    "flipper_length_mm": 217,
    "body_mass_g": 5050,
    "sex": "male",
    "year": 2008,
}


@pytest.fixture(scope="module")
def penguins() -> str:
    with redirect_stdout(io.StringIO()) as said:
        tag = trained("--data", str(locate(PENGUINS)), "--target", "species", "--include", "lda,ridge", "--folds", "3")
    assert "task: classification of 'species' (inferred from 3 different values" in said.getvalue()
    return tag


@pytest.fixture(scope="module")
def masses() -> str:
    options = ("--name", "body-mass", "--include", "lightgbm,br", "--folds", "3")
    return trained("--data", str(locate(PENGUINS)), "--target", "body_mass_g", *options)


@pytest.mark.browser
def test_penguin_species_go_from_a_csv_to_api_and_page(penguins, open_page):
    fitted, schema = pipeline(penguins)
    unmeasured = GENTOO | {"sex": None, "bill_depth_mm": None}
    wanted = fitted.predict(frames.frame(schema, schema.columns([GENTOO, unmeasured]))).tolist()
    shares = fitted.predict_proba(frames.frame(schema, schema.columns([GENTOO, unmeasured])))

    with serve("--arg", "model=penguins") as server:
        answers = server.post("/predict", json={"records": [GENTOO, unmeasured]}).json()["predictions"]
        page = open_page(server)
        page.get_by_label("Biscoe").check()
        for name in ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year"):
            page.get_by_label(readable(name), exact=True).fill(str(GENTOO[name]))
        page.get_by_label("male", exact=True).check()
        says(page, f"Species: most likely Gentoo ({shares[0].max() * 100:.1f}%)")

    assert [answer["prediction"] for answer in answers] == wanted == ["Gentoo", "Gentoo"]
    for answer, row in zip(answers, shares, strict=True):
        assert list(answer["probabilities"]) == ["Adelie", "Chinstrap", "Gentoo"]
        assert list(answer["probabilities"].values()) == pytest.approx(row.tolist(), abs=1e-5)


@pytest.mark.browser
def test_penguin_masses_go_from_a_csv_to_api_and_page(masses, open_page):
    fitted, schema = pipeline(masses)
    record = {"species": "Gentoo"} | {name: value for name, value in GENTOO.items() if name != "body_mass_g"}
    asked = frames.for_pipeline(schema, frames.frame(schema, schema.columns([record])))
    wanted = float(fitted.predict(asked)[0])

    with serve("--arg", f"model={masses}") as server:
        answer = server.post("/predict", json={"records": [record]}).json()["predictions"][0]
        page = open_page(server)
        page.get_by_label("Gentoo").check()
        page.get_by_label("Biscoe").check()
        for name in ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "year"):
            page.get_by_label(readable(name), exact=True).fill(str(record[name]))
        page.get_by_label("male", exact=True).check()
        says(page, f"Predicted Body mass g: {wanted:,.0f}")

    assert equal(answer, {"prediction": wanted}, schema.target)


ODD = ["年龄 (岁)", "a.b [kg]", "class", "is ok?", "since", "<b>x</b>", 'say "hi", you', "x: y"]


def odd_table(rows: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    table = pd.DataFrame(
        {
            "年龄 (岁)": rng.integers(18, 70, rows),
            "a.b [kg]": rng.normal(70, 10, rows).round(1),
            "class": rng.choice(["x{1}", "y,2", "北"], rows),
            "is ok?": rng.choice([True, False], rows),
            "since": (pd.Timestamp("2020-01-01") + days).strftime("%d.%m.%Y"),
            "<b>x</b>": rng.normal(size=rows).round(3),
            'say "hi", you': rng.choice(["<script>alert(1)</script>", "no"], rows),
            "x: y": rng.normal(size=rows).round(3),
            "id": range(rows),
        }
    )
    table["lambda"] = (table["年龄 (岁)"] * 3 + table["a.b [kg]"] + table["is ok?"] * 20 + table["x: y"]).round(2)
    table.loc[5:9, "a.b [kg]"] = np.nan
    return table


@pytest.mark.browser
def test_odd_column_names_work_all_the_way_to_api_and_page(open_page):
    assert keyword.iskeyword("lambda") and keyword.iskeyword("class")
    path = HOME / "odd.csv"
    odd_table().to_csv(path, index=False, sep=";", decimal=",", encoding="utf-16")
    # LightGBM is the estimator that is most particular about names.
    tag = trained("--data", str(path), "--target", "lambda", "--include", "lightgbm", "--folds", "3")
    fitted, schema = pipeline(tag)
    assert schema.names == ODD
    assert [field.kind for field in schema.fields] == [
        "integer", "number", "category", "boolean", "date", "number", "category", "number",
    ]  # fmt: skip
    record = schema.example() | {"年龄 (岁)": 33, "class": "y,2", "a.b [kg]": None}
    asked = frames.for_pipeline(schema, frames.frame(schema, schema.columns([record])))
    wanted = float(fitted.predict(asked)[0])

    with serve("--arg", f"model={tag}") as server:
        answer = server.post("/predict", json={"records": [record]}).json()["predictions"][0]
        file = server.post("/predict_csv", files={"file": path.read_bytes()})
        page = open_page(server)
        page.get_by_label("年龄 (岁)", exact=True).fill("33")
        page.get_by_label("y,2", exact=True).check()
        page.get_by_label("Not measured").check()
        says(page, f"Predicted Lambda: {wanted:.2f}".replace(".", ","))  # as the table writes its numbers

    assert equal(answer, {"prediction": wanted}, schema.target)
    assert file.headers["x-faulty-rows"] == "0" and len(list(csv.reader(io.StringIO(file.text), delimiter=";"))) == 241


def test_a_parquet_table_is_learnt_from_as_it_is():
    path = HOME / "people.parquet"
    odd_table(120).to_parquet(path)

    tag = trained("--data", str(path), "--target", "lambda", "--include", "dummy", "--folds", "2")

    version = store.find(tag)
    assert version.schema().names == ODD
    assert version.metrics().left_out == {"id": LeftOut(ExclusionReason.IDENTIFIER, {"different": 120, "rows": 120})}
