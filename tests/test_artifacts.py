"""The files of a version: what is written is read back, what is wrong is named, and old formats are still served."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from slipway import store
from slipway.errors import ModelDamagedError
from slipway.i18n import sentences
from slipway.i18n.catalogues import catalogue
from slipway.page.context import PageContext
from slipway.page.data import tab as data
from slipway.page.model import tab as model
from slipway.schema.metrics import CalibrationMetrics, IntervalMetrics, LeaderboardRow, Parity
from slipway.schema.profile import CategoryCounts, Histogram, TargetClasses, TargetNumbers
from slipway.store import artifacts
from slipway.store.summary import format_of
from tests.conftest import ROOT, SLIPWAY, serve
from tests.test_start import copied, sealed, start

FORMATS = ROOT / "tests" / "data" / "versions"
JSON_FILES = [artifacts.SCHEMA, artifacts.GOLDEN, artifacts.METRICS, artifacts.FIGURES, artifacts.PROFILE]


@pytest.fixture(scope="module")
def stored() -> Iterator[dict[int, dict[str, str]]]:
    """By format, the tags of the versions of earlier formats, which are in the store as long as these tests take."""
    tags: dict[int, dict[str, str]] = {1: {}, 2: {}}
    entries = []
    for format, name, suffix in product(tags, ("insurance", "diabetes"), ("", "-pipeline")):
        folder = FORMATS / f"format-{format}" / f"{name}{suffix}"
        (source,) = (path for path in folder.iterdir() if path.is_dir())
        entry = Path(os.environ["BENTOML_HOME"]) / "models" / f"{name}{suffix}" / source.name
        shutil.copytree(source, entry)
        entries.append(entry)
        tags[format][name] = f"{name}:{source.name}"
    yield tags
    for entry in entries:
        shutil.rmtree(entry)


@pytest.fixture(scope="module")
def old(stored) -> dict[str, str]:
    """The tags of the versions of format 1."""
    return stored[1]


@pytest.fixture(scope="module", params=[1, 2], ids="format {}".format)
def each(stored, request) -> dict[str, str]:
    """The tags of the versions of one format."""
    return stored[request.param]


@pytest.fixture
def copy(old, tmp_path):
    """Of a version of format 1, the path of a copy whose files may be changed, and what reads them."""
    version = store.find(old["insurance"])
    shutil.copytree(version.path, tmp_path / "copy")
    return replace(version, path=tmp_path / "copy")


# Old versions


def test_a_version_without_a_number_is_of_format_1_and_a_new_one_of_the_present_format(old, insurance):
    assert store.find(old["insurance"]).summary.format == 1
    assert store.find(insurance).summary.format == artifacts.FORMAT == 3
    model = yaml.safe_load((store.find(insurance).path / "model.yaml").read_text())
    assert model["metadata"]["format"] == 3


@pytest.mark.parametrize("name", ["insurance", "diabetes"])
def test_an_old_version_holds_what_it_held(old, name):
    version = store.find(old[name])
    stored = {path.stem: json.loads(path.read_text()) for path in version.path.glob("*.json")}

    metrics, figures, profile, golden = version.metrics(), version.figures(), version.profile(), version.golden()

    assert {name: (fold.mean, fold.sd) for name, fold in metrics.folds.items()} == {
        name: (fold["mean"], fold["sd"]) for name, fold in stored["metrics"]["folds"].items()
    }
    assert (metrics.chosen, metrics.training_rows_kept, metrics.averaged) == ("lr", True, False)
    assert isinstance(metrics.compiled, Parity)
    assert [field.default for field in version.schema().fields] == [
        one["default"] for one in stored["schema"]["fields"]
    ]
    assert list(golden.records) == stored["golden"]["records"]
    assert [one.prediction for one in golden.predictions] == [
        one["prediction"] for one in stored["golden"]["predictions"]
    ]
    assert profile.target.counts == tuple(stored["profile"]["target"]["counts"])
    assert [one.field for one in figures.groups.fields] == [
        one["field"] for one in stored["figures"]["groups"]["fields"]
    ]
    if name == "insurance":
        assert isinstance(profile.target, TargetNumbers) and isinstance(metrics.interval, IntervalMetrics)
        assert isinstance(profile.fields["smoker"], CategoryCounts)
        assert len(figures.prediction_quantiles) == len(stored["figures"]["boxes"]) > 0
        assert version.interval().edges == tuple(stored["uncertainty"]["edges"])
        return
    assert isinstance(profile.target, TargetClasses) and isinstance(metrics.calibration, CalibrationMetrics)
    assert isinstance(profile.fields["Insulin"], Histogram)
    assert profile.fields["Insulin"].relation[-1].missing and not profile.fields["Insulin"].relation[0].missing
    assert metrics.calibration.brier.served == stored["metrics"]["calibration"]["brier"]["after"]
    assert metrics.thresholds.true_positives == tuple(stored["metrics"]["thresholds"]["found"])
    assert [one.passed for one in metrics.reliability] == [
        one["passed"] for one in stored["metrics"]["reliability"]["bins"]
    ]
    assert figures.roc[0].positive == stored["figures"]["roc"][0]["class"] == 1
    whole, first = figures.groups.whole, stored["figures"]["groups"]["whole"]
    assert (whole.accuracy, whole.brier, whole.recall) == (first["right"], first["brier"], first["recall"])
    assert ("accuracy" in {name for one in figures.groups.fields for part in one.groups for name in part.worse}) == (
        '"right"'
        in json.dumps([part.get("worse") for one in stored["figures"]["groups"]["fields"] for part in one["groups"]])
    )


def test_what_a_version_from_before_lacks_means_what_it_meant(copy):
    metrics = json.loads((copy.path / "metrics.json").read_text())
    for key in ("chosen", "threshold", "reading", "kept_rows", "tuned", "interval", "left_out"):
        del metrics[key]
    (copy.path / "metrics.json").write_text(json.dumps(metrics))
    schema = json.loads((copy.path / "schema.json").read_text())
    del schema["empty_is_missing"]
    (copy.path / "schema.json").write_text(json.dumps(schema))
    for file in ("figures.json", "profile.json", "uncertainty.json"):
        (copy.path / file).unlink()

    found = copy.metrics()

    assert (found.chosen, found.threshold, found.averaged, found.reading) == ("lr", None, True, ())
    assert (found.training_rows_kept, found.tuned, found.interval) == (None, False, None)
    assert copy.schema().empty_is_missing
    assert (copy.figures(), copy.profile(), copy.interval()) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "change"),
    [("insurance", {"smoker": "yes"}), pytest.param("diabetes", {"Glucose": None}, marks=pytest.mark.slow)],
)
def test_an_old_version_is_served_shown_and_explained(each, name, change):
    version = store.find(each[name])
    golden = version.golden()

    with serve("--arg", f"model={version.tag}") as server:
        answers = server.post("/predict", json={"records": list(golden.records)}).json()
        explained = server.post("/explain", json={"record": golden.records[0] | change})
        card, chinese = server.get("/model/card"), server.get("/model/card?lang=zh")
        described, schema = server.get("/model").json(), server.get("/model/schema").json()
        pages = [server.get(f"/ui/{language}/") for language in ("en", "zh")]

    assert answers["model"] == version.tag
    assert [one["prediction"] for one in answers["predictions"]] == pytest.approx(
        [one.prediction for one in golden.predictions]
    )
    assert explained.status_code == 200 and len(explained.json()["contributions"]) == len(version.schema().fields)
    assert card.text == (version.path / "card.md").read_text(encoding="utf-8")
    stored = json.loads((version.path / "metrics.json").read_text())
    for key in {"folds", "holdout", "rows", "importance", "interval"} & stored.keys():
        assert described[key] == stored[key], key
    assert schema == json.loads(json.dumps(version.schema().to_json()))
    assert [page.status_code for page in pages] == [200, 200]
    assert chinese.text == (version.path / "card.zh.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["insurance", "diabetes"])
def test_the_tabs_show_an_old_version_as_a_new_one(each, request, name, language):
    before, now = store.find(each[name]), store.find(request.getfixturevalue(name))

    for tab in (model, data):
        shown, wanted = tab.render(PageContext(before, language)), tab.render(PageContext(now, language))
        headings = [[part.partition("</h2>")[0] for part in html.split("<h2>")[1:]] for html in (shown, wanted)]
        rest_on = catalogue(language).text("card.trust")  # of which an old version knows nothing
        assert headings[0] == [heading for heading in headings[1] if heading != rest_on]


def test_why_an_old_version_left_a_column_out_is_still_said(copy):
    metrics = json.loads((copy.path / "metrics.json").read_text())
    metrics["left_out"] = {"id": "is an identifier: different in every row"}
    (copy.path / "metrics.json").write_text(json.dumps(metrics))

    item = copy.metrics().left_out["id"]

    assert item.reason == "other"
    assert sentences.left_out(item, "zh") == "is an identifier: different in every row"


# Later formats


def test_a_version_of_a_later_format_is_one_line_that_says_so(insurance, tmp_path):
    folder = copied(insurance, tmp_path)
    sealed(folder, "model.yaml", lambda text: text.replace("format: 3", "format: 4"))

    env = os.environ | {"BENTOML_HOME": str(tmp_path)}
    listed = subprocess.run([SLIPWAY, "models"], env=env, capture_output=True, text=True, timeout=60)
    served = start(tmp_path)

    assert f"{insurance}  its format 4 is later than 3" in listed.stdout.splitlines() and listed.returncode == 0
    (line,) = [line for line in served.output.splitlines() if insurance in line]
    assert f"model {insurance} has format 4, which is later than this Slipway reads (up to 3)" in line
    assert served.code == 1 and "Traceback" not in served.output


# Damaged files


@pytest.mark.parametrize("file", JSON_FILES, ids=lambda file: file.name)
def test_a_file_that_lacks_a_key_is_named_with_it(insurance, tmp_path, file):
    version = store.find(insurance)
    stored = json.loads((version.path / file.name).read_text())
    key = next(iter(stored))
    (tmp_path / file.name).write_text(json.dumps({name: value for name, value in stored.items() if name != key}))

    with pytest.raises(ModelDamagedError, match=rf"{file.name}: {key}: Field required") as caught:
        file.read(insurance, tmp_path, artifacts.FORMAT)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "path", "value", "where"),
    [
        (artifacts.METRICS, ("folds", "MAE", "mean"), "4188", "folds.MAE.mean: Input should be a valid number"),
        (artifacts.METRICS, ("rows", "train"), 1.5, "rows.train: Input should be a valid integer"),
        (artifacts.SCHEMA, ("fields", 1, "kind"), "colour", "fields.1.kind: Input should be"),
        (artifacts.FIGURES, ("groups", "whole", "rows"), None, "groups.whole.rows: Input should be a valid integer"),
        (artifacts.PROFILE, ("associations", "matrix", 0, 0), "1", "associations.matrix.0.0: Input should be a valid"),
        (artifacts.GOLDEN, ("records",), {}, "records: Input should be a valid array"),
    ],
)
def test_a_file_that_holds_another_type_is_named_with_the_key(insurance, tmp_path, file, path, value, where):
    stored = json.loads((store.find(insurance).path / file.name).read_text())
    holder = stored
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    (tmp_path / file.name).write_text(json.dumps(stored))

    with pytest.raises(ModelDamagedError) as caught:
        file.read(insurance, tmp_path, artifacts.FORMAT)

    assert f"{file.name}: {where}" in str(caught.value) and "\n" not in str(caught.value)


def test_an_old_file_that_lacks_a_key_is_named_with_it(copy):
    metrics = json.loads((copy.path / "metrics.json").read_text())
    del metrics["compiled"]
    (copy.path / "metrics.json").write_text(json.dumps(metrics))
    (copy.path / "golden.json").write_text("{}")
    (copy.path / "profile.json").write_text("[]")

    with pytest.raises(ModelDamagedError, match="metrics.json: compiled: Field required"):
        copy.metrics()
    with pytest.raises(ModelDamagedError, match="golden.json: key 'predictions' is missing"):
        copy.golden()
    with pytest.raises(ModelDamagedError, match="profile.json is not valid in format 1"):
        copy.profile()


def test_tables_and_cards_are_read_with_care(copy):
    (copy.path / "leaderboard.csv").write_text("id,model,MAE\nlr,Linear Regression,many\n")
    (copy.path / "background.csv").write_text("age,sex,bmi,children,smoker\n1,male,2,3,no\n")
    (copy.path / "card.md").unlink()

    with pytest.raises(ModelDamagedError, match="leaderboard.csv, line 2: could not convert string to float: 'many'"):
        copy.leaderboard()
    with pytest.raises(ModelDamagedError, match="background.csv: column 'region' is missing"):
        copy.background()
    with pytest.raises(ModelDamagedError, match="a model card is missing"):
        copy.cards()


@pytest.mark.parametrize("format", [0, -1, "two", 1.5, True])
def test_a_format_that_is_no_number_is_damage(format):
    model = SimpleNamespace(tag="odd:1", info=SimpleNamespace(metadata={"format": format}))

    with pytest.raises(ModelDamagedError, match="format: .* is not a whole number of at least 1"):
        format_of(model)


# What is written is read back


def test_every_file_of_a_version_is_read_back_as_it_was_written(insurance, diabetes, tmp_path):
    for tag in (insurance, diabetes):
        version = store.find(tag)
        for file in JSON_FILES:
            content = file.read(tag, version.path, artifacts.FORMAT)
            file.write(tmp_path, content)
            assert file.read(tag, tmp_path, artifacts.FORMAT) == content
            assert (tmp_path / file.name).read_bytes() == (version.path / file.name).read_bytes()
        artifacts.write_leaderboard(tmp_path, version.leaderboard())
        assert (tmp_path / "leaderboard.csv").read_bytes() == (version.path / "leaderboard.csv").read_bytes()
        assert version.cards().keys() == {"en", "zh"}


def test_a_leaderboard_keeps_what_could_not_be_measured_and_may_have_no_times(tmp_path):
    board = (LeaderboardRow("lr", "Linear, “Regression”", {"MAE": 1.25, "AUC": None}),)

    artifacts.write_leaderboard(tmp_path, board)

    assert artifacts.read_leaderboard("x:1", tmp_path) == board
    assert (tmp_path / "leaderboard.csv").read_text() == 'id,model,MAE,AUC\nlr,"Linear, “Regression”",1.25,\n'
