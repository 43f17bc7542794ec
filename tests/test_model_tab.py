"""The Model tab: what it says about a version, and that its API examples work as shown."""

import datetime as dt
import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.errors import HistoryError
from slipway.i18n import sentences
from slipway.i18n.catalogues import catalogue
from slipway.page.context import PageContext
from slipway.page.model import tab as model
from slipway.store import Entry, History
from tests.conftest import HOME, PERSON, trained

TAGS = re.compile(r"<[^>]+>")


def text(markup: str) -> str:
    return " ".join(html.unescape(TAGS.sub(" ", markup)).split())


def test_the_sentences_have_the_models_own_figures(insurance):
    version = store.find(insurance)
    metrics = version.metrics()

    english, chinese = text(model.render(PageContext(version, "en"))), text(model.render(PageContext(version, "zh")))

    error = f"{metrics.folds['MAE'].mean:,.0f}"
    assert f"On average a prediction is off by {error} US dollars a year." in english
    assert f"预测值平均偏差 {error} 美元/年。" in chinese
    assert f"{metrics.interval.covered:.1%} lie inside" in english
    assert "Gradient Boosting Regressor, the best R2 of 2 tried" in english
    assert f"on {metrics.compiled.rows:,} rows" in english
    assert version.schema().texts.disclaimer["zh"] in chinese
    created = version.created
    assert (
        f"{created:%B} {created.day}, {created.year}" in english
        and f"{created.year}年{created.month}月{created.day}日" in chinese
    )


def test_groups_of_a_field_make_up_the_whole(insurance):
    groups = store.find(insurance).figures().groups

    whole = groups.whole
    assert {item.field for item in groups.fields} == set(PERSON)
    for item in groups.fields:
        parts = item.groups
        assert sum(part.rows for part in parts) == whole.rows == 1338
        for name in ("mae", "bias", "covered"):
            assert sum(part.measure(name) * part.rows for part in parts) / 1338 == pytest.approx(whole.measure(name))


def test_a_group_that_is_worse_is_named_on_the_page_and_in_the_card():
    rng = np.random.default_rng(0)
    sites = rng.choice(["near", "far"], 600)
    x = rng.uniform(0, 10, 600)
    noise = rng.normal(size=600) * np.where(sites == "far", 3.0, 0.3)
    table = pd.DataFrame({"site": sites, "x": x.round(3), "y": (5 * x + noise).round(3)})
    path = HOME / "sites.csv"
    table.to_csv(path, index=False)

    version = store.find(trained("--data", str(path), "--target", "y", "--include", "lr", "--folds", "3"))

    groups = version.figures().groups
    (said_so,) = [one for one in sentences.worse(version.schema(), groups, "en") if "off by" in one]
    far, whole = groups.fields[-1].groups[0], groups.whole
    assert far.value == "far" and far.mae > 1.5 * whole.mae
    assert said_so == f"site, far: predictions are off by {far.mae:.2f} on average, against {whole.mae:.2f} for all."
    assert said_so in text(model.render(PageContext(version, "en")))
    assert said_so in (version.path / "card.md").read_text()


def test_two_classes_are_described_in_words(diabetes):
    version = store.find(diabetes)
    metrics, (negatives, positives) = version.metrics(), version.figures().confusion

    shown = text(model.render(PageContext(version, "en")))

    right, ranked = (f"{metrics.folds[name].mean * 100:.0f}%" for name in ("Accuracy", "AUC"))
    assert f"{right} of its predictions are right; always predicting “Without” would be right in 65%." in shown
    assert f"gives the first the higher probability in {ranked} of all pairs" in shown
    found, true = positives[1] / sum(positives), positives[1] / (positives[1] + negatives[1])
    assert (
        f"“Diabetes: With” it detects {found * 100:.0f}%; of those that it predicts as “Diabetes: With”, {true * 100:.0f}% are."
        in shown
    )


def test_three_classes_with_odd_names_are_shown_and_not_run():
    rng = np.random.default_rng(0)
    colours = rng.choice(["red", "green <b>", "蓝"], 400)
    table = pd.DataFrame(
        {
            "x": (rng.normal(size=400) + (colours == "red") * 2).round(3),
            "it's {{a}} ${b}": rng.normal(size=400).round(2),
            "<script>alert(1)</script>": rng.choice(["a'b", 'c"d', "e"], 400),
            "colour": colours,
        }
    )
    path = HOME / "colours.csv"
    table.to_csv(path, index=False)
    options = ["--include", "nb", "--folds", "2"]

    version = store.find(trained("--data", str(path), "--target", "colour", *options))

    markup = model.render(PageContext(version, "en"))
    assert "<script" not in markup and "green <b>" not in markup and "predicted: green &lt;b&gt;" in markup
    assert len(version.figures().roc) == 3 and markup.count("<polyline") == 4
    assert catalogue("en").text("card.kept_none") in text(markup)


def test_a_classifier_without_probabilities_has_no_curves_and_still_its_answers(bare):
    version = store.find(bare)

    markup = model.render(PageContext(version, "en"))

    metrics, figures = version.metrics(), version.figures()
    assert metrics.thresholds is None and not metrics.reliability
    assert "<svg" not in markup and "From the 231 rows that were held out." in markup
    assert sum(map(sum, figures.confusion)) == 231 and figures.groups.whole.brier is None


def test_a_version_that_was_not_compiled_says_why(uncompiled):
    assert "the fitted pipeline itself, since it was not compiled: " in model.render(
        PageContext(store.find(uncompiled), "en")
    )


def test_a_version_from_before_says_what_it_lacks(insurance, tmp_path):
    version = store.find(insurance)
    before = tmp_path / "before"
    shutil.copytree(version.path, before)
    (before / "figures.json").unlink()
    metrics = json.loads((before / "metrics.json").read_text())
    for name in ("chosen", "training_rows_kept"):
        del metrics[name]
    (before / "metrics.json").write_text(json.dumps(metrics))

    shown = text(
        model.render(PageContext(replace(version, path=before, summary=replace(version.summary, format=1)), "en"))
    )

    assert "This version was trained before its plots and its errors by group were measured." in shown
    assert "the best R2 of 2 tried" in shown and "training row" not in shown
    assert "This version was trained before" not in text(model.render(PageContext(version, "en")))


def test_other_versions_are_listed_and_a_broken_one_breaks_nothing(insurance):
    version = store.find(trained("insurance", "--include", "dummy", "--folds", "2", "--name", "siblings"))
    other, broken = (version.path.with_name(name) for name in ("older", "broken"))
    shutil.copytree(version.path, other)
    described = (other / "model.yaml").read_text()
    (other / "model.yaml").write_text(described.replace(version.version, other.name))
    broken.mkdir()
    (broken / "model.yaml").write_text("{")

    try:
        shown = text(model.render(PageContext(version, "en")))
    finally:
        shutil.rmtree(broken)  # BentoML cannot list a store with such a one

    assert f"{version.version} served here" in shown
    assert re.search(f"{other.name} .{{8,20}} DummyRegressor R2 -?0.0\\d\\d compiled graph", shown)
    assert "broken cannot be read" in shown
    assert "There is no other version of this name." in text(model.render(PageContext(store.find(insurance), "en")))


@pytest.mark.parametrize(("language", "shown"), [("en", "promoted"), ("zh", "启用")])
def test_what_was_decided_about_the_versions_is_shown(insurance, language, shown):
    version = store.find(insurance)
    decided = Entry(
        "promoted", version.version, dt.datetime(2026, 11, 26, tzinfo=dt.UTC), "anna", "<b>half</b> the error"
    )

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "read_history", lambda name: History((decided,)))
        report = text(model.render(PageContext(version, language)))

    assert f"{shown} {version.version} anna <b>half</b> the error" in report


def test_a_history_that_cannot_be_read_breaks_no_page(insurance):
    def damaged(name: str) -> None:
        raise HistoryError(name, Path("history.json"), "a test")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "read_history", damaged)

        assert "The history of this name cannot be read." in text(
            model.render(PageContext(store.find_any(insurance), "en"))
        )


def test_a_notebooks_own_choice_is_not_called_the_best(insurance):
    metrics = store.find(insurance).metrics()

    assert sentences.chosen(metrics, ["gbr", "lr"], "en") == "the best R2 of 2 tried"
    assert sentences.chosen(replace(metrics, chosen="lr"), ["gbr", "lr"], "en") == ""
    assert sentences.chosen(replace(metrics, chosen=None), ["gbr", "lr"], "en") == ""


# In the browser


def snippets(page) -> dict[str, str]:
    page.get_by_role("tab", name="Model").click()
    page.locator(".slip-address", has_text="http").first.wait_for(state="attached")
    calls = page.locator("[data-call]")
    return {one.get_attribute("data-call"): one.locator("code").text_content() for one in calls.all()}


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=HOME)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.browser
def test_the_api_examples_work_as_shown_and_are_copied(open_page, insurance_server, insurance):
    page = open_page(insurance_server)
    schema = store.find(insurance).schema()
    wanted = insurance_server.post("/predict", json={"records": [schema.example()]}).json()["predictions"][0]

    found = snippets(page)

    assert json.loads(run("sh", "-c", found["curl"]))["predictions"] == [wanted]
    assert run(sys.executable, "-c", found["requests"]).strip() == str(wanted)
    assert run(sys.executable, "-c", found["bentoml"]).strip() == str(wanted)
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as on plain http
    page.locator("[data-call=curl] button").click()
    page.get_by_text("Selected: copy it with Ctrl+C").wait_for()
    assert page.evaluate("getSelection().toString()") == found["curl"]


@pytest.mark.browser
def test_the_leaderboard_is_sorted_by_the_heading_that_is_pressed(open_page, insurance_server):
    page = open_page(insurance_server)
    snippets(page)
    board = page.locator(".slip-board")
    rows = board.locator("tbody tr")

    assert "chosen" in rows.first.inner_text()
    board.get_by_role("button", name="MAE").focus()
    page.keyboard.press("Enter")

    head = board.locator("th", has=page.get_by_role("button", name="MAE"))
    assert head.get_attribute("aria-sort") == "descending" and "Linear Regression" in rows.first.inner_text()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending" and "Gradient Boosting" in rows.first.inner_text()


@pytest.mark.browser
def test_behind_a_path_prefix_the_calls_have_it_too(open_page, insurance_server):
    page = open_page(insurance_server)
    prefix = insurance_server.url + "/team/a"
    page.route(
        prefix + "/**", lambda route: route.fulfill(response=route.fetch(url=route.request.url.replace("/team/a", "")))
    )
    page.goto(prefix + "/ui/en/")

    found = snippets(page)

    assert f"'{prefix}/predict'" in found["curl"] and f'SyncHTTPClient("{prefix}")' in found["bentoml"]


@pytest.mark.browser
def test_the_tab_fits_a_phone_and_its_picture_says_what_it_shows(open_page, diabetes_server, diabetes):
    page = open_page(diabetes_server)
    page.set_viewport_size({"width": 390, "height": 844})
    snippets(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    points = store.find(diabetes).figures().roc[0].points
    found = max(y for x, y in points if x <= 0.2)
    image = page.get_by_role("img", name=f"“With”: at 20% false alarms, {found * 100:.0f}% are detected.")
    assert image.bounding_box()["width"] > 250
