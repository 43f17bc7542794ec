"""The Model tab: what it says about a version, and that its API examples work as shown."""

import datetime as dt
import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from slipway import store
from slipway.errors import HistoryError
from slipway.i18n import sentences
from slipway.i18n.catalogues import catalogue
from slipway.page.context import PageContext
from slipway.page.model import plots
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
    assert said_so == f"Site, far: predictions are off by {far.mae:.2f} on average, against {whole.mae:.2f} for all."
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
    curves = plots.shares(PageContext(version, "en"))
    assert len(version.figures().roc) == 3 and curves.count("<polyline") == 4
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
    assert re.search(f"{other.name} .{{8,20}} DummyRegressor R2 [−-]?0.0\\d\\d compiled graph", shown)
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


def unfold(page) -> None:
    page.evaluate("for (const fold of document.querySelectorAll('.slip-report details')) fold.open = true")


def snippets(page) -> dict[str, str]:
    page.get_by_role("tab", name="Model").click()
    page.locator(".slip-address", has_text="http").first.wait_for(state="attached")
    unfold(page)
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


@pytest.fixture
def opened(open_page, diabetes_server):
    """The Model tab of the diabetes model, as it is when it is opened."""
    page = open_page(diabetes_server, "/ui/en/")
    page.get_by_role("tab", name="Model").click()
    page.locator(".slip-contents").wait_for()
    return page


def in_window(page, locator) -> bool:
    box = locator.bounding_box()
    return 0 <= box["y"] and box["y"] + box["height"] <= page.viewport_size["height"]


@pytest.mark.browser
def test_the_contents_name_every_part_and_stay_beside_the_text(opened):
    links = opened.locator(".slip-contents a")

    names = [link.get_attribute("data-goto") for link in links.all()]

    assert names == [one.get_attribute("data-section") for one in opened.locator("[data-section]").all()]
    assert names[:3] == ["summary", "quality", "groups"] and names[-1] == "api"
    assert links.nth(2).get_attribute("href") == "?tab=model&section=groups"
    opened.locator('[data-section="api"]').scroll_into_view_if_needed()
    opened.mouse.wheel(0, 4000)
    opened.wait_for_function("scrollY > 1000")
    assert in_window(opened, links.first) and in_window(opened, links.last)
    opened.set_viewport_size({"width": 390, "height": 844})
    assert links.last.bounding_box()["y"] < opened.get_by_role("heading", name="How good it is").bounding_box()["y"]
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
def test_what_few_people_read_is_folded_and_what_matters_is_not(opened):
    assert not opened.locator(".slip-groups, .slip-metrics, .slip-board, .slip-call").filter(visible=True).count()
    assert opened.get_by_role("heading", name="Where it is better or worse").is_visible()
    assert opened.get_by_text("of its predictions are right").is_visible()

    opened.get_by_text("All groups of 8 inputs").click()

    assert opened.locator(".slip-groups").is_visible()


def matrix(page) -> list[list[int]]:
    rows = page.locator(".slip-confusion tbody tr").all()
    return [[int(re.sub(r"\D", "", cell)) for cell in row.locator("td").all_inner_texts()] for row in rows]


@pytest.mark.browser
def test_the_confusion_matrix_follows_a_threshold_of_its_own(opened, diabetes):
    version = store.find(diabetes)
    counts, own = version.metrics().thresholds, version.schema().target.decision_threshold
    slider = opened.get_by_role("slider")
    at = round(own * 100)

    assert matrix(opened) == [list(row) for row in version.figures().confusion]
    assert slider.input_value() == str(at) and f"The version’s threshold is {at}%" in opened.inner_text("body")
    slider.focus()
    for _ in range(20):
        opened.keyboard.press("ArrowRight")

    found, alarms = counts.true_positives[at + 20], counts.false_positives[at + 20]
    assert matrix(opened) == [[counts.negatives - alarms, alarms], [counts.positives - found, found]]
    assert slider.get_attribute("aria-valuetext") == f"{at + 20}%"
    says = opened.locator(".slip-confusion output").inner_text()
    assert says.startswith(f"At {at + 20}%, {found} of {counts.positives} that are actually “With” are detected")
    opened.get_by_role("button", name=f"Back to the version’s, {at}%").click()
    assert matrix(opened) == [list(row) for row in version.figures().confusion]


def download(page, button) -> bytes:
    with page.expect_download() as found:
        button.click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


@pytest.mark.browser
def test_charts_and_card_can_be_saved(opened, diabetes):
    version = store.find(diabetes)
    chart = opened.locator('[data-name="diabetes-roc"]')

    name, table = download(opened, chart.get_by_role("button", name="CSV"))
    drawn, picture = (download(opened, chart.get_by_role("button", name=kind))[1] for kind in ("SVG", "PNG"))
    card_name, card = download(opened, opened.get_by_role("button", name="Download the model card"))

    lines = table.decode("utf-8-sig").splitlines()
    points = version.figures().roc[0].points
    assert name == "diabetes-roc.csv" and len(lines) == 1 + len(points)
    assert [float(cell) for cell in lines[5].split(",")[1:]] == list(points[4])
    root = ElementTree.fromstring(drawn)
    assert root.tag == "{http://www.w3.org/2000/svg}svg" and b"var(" not in drawn
    line = root.find(".//{http://www.w3.org/2000/svg}polyline")
    assert line.get("stroke") == "rgb(23, 80, 127)" and line.get("fill") == "none"
    assert picture.startswith(b"\x89PNG\r\n") and len(picture) > 5_000
    assert card_name == f"diabetes-{version.version}.md" and card.decode() == version.cards()["en"]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chart_that_is_no_svg_is_saved_as_it_is_seen(open_page, diabetes_server, scheme):
    page = open_page(diabetes_server, "/ui/en/", color_scheme=scheme, device_scale_factor=3)
    page.get_by_role("tab", name="Model").click()
    chart = page.locator('[data-name="diabetes-importance"]')
    chart.scroll_into_view_if_needed()

    saved = Image.open(BytesIO(download(page, chart.get_by_role("button", name="PNG"))[1])).convert("RGB")

    seen = Image.open(BytesIO(chart.screenshot())).convert("RGB")
    edge = 12 * 3  # that the picture has around it
    inner = saved.crop((edge, edge, saved.width - edge, saved.height - edge))
    assert inner.width == seen.width and len(set(seen.getdata())) > 50
    # On the page it stands a part of a pixel lower.
    inner, seen = (one.crop((0, 0, seen.width, inner.height)).reduce(6) for one in (inner, seen))
    differs = np.abs(np.asarray(inner, dtype=int) - np.asarray(seen, dtype=int)).max(axis=2) > 80
    assert differs.mean() < 0.015


@pytest.mark.browser
def test_with_forced_colours_bars_marks_and_curves_can_be_seen(opened):
    opened.emulate_media(forced_colors="active")

    colours = opened.evaluate(
        """() => {
      const ground = getComputedStyle(document.querySelector(".slip-parts")).backgroundColor;
      const bar = getComputedStyle(document.querySelector(".slip-length"));
      const share = getComputedStyle(document.querySelector(".slip-share"));
      const line = getComputedStyle(document.querySelector(".slip-curve-line"));
      return { ground, bar: bar.backgroundColor, share: share.fill, line: line.stroke };
    }"""
    )

    assert colours["ground"] not in (colours["bar"], colours["share"], colours["line"])


@pytest.mark.browser
def test_on_paper_tables_are_not_cut(opened):
    unfold(opened)
    opened.emulate_media(media="print")
    opened.set_viewport_size({"width": 690, "height": 1000})  # what is between the margins of an A4 page

    cut = opened.evaluate(
        """() => [...document.querySelectorAll(".slip-report .slip-scroll, .slip-report .slip-tinted, .slip-call pre")]
      .filter((box) => box.checkVisibility() && getComputedStyle(box).overflowX !== "visible").length"""
    )

    assert cut == 0 and not opened.locator(".slip-contents").is_visible()
    assert not opened.locator(".slip-save").filter(visible=True).count()


def test_it_is_said_why_the_error_has_several_figures(insurance):
    version = store.find(insurance)
    metrics, whole = version.metrics(), version.figures().groups.whole

    shown = text(model.render(PageContext(version, "en")))

    folds, held, every = (f"{value:,.0f}" for value in (metrics.folds["MAE"].mean, metrics.holdout["MAE"], whole.mae))
    assert f"{folds} is the mean of the cross-validation" in shown
    assert (
        f"{held} is the error on the {metrics.rows.holdout} rows held out; {every} is the error on all 1,338 rows"
        in shown
    )
