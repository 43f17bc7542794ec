"""The batch tab: columns matched by a click, a pasted table, details of rows, and its use by keyboard, on a phone and in forced colours."""

import re

import pandas as pd
import pytest

from tests.calls import HEADER, ROW
from tests.conftest import PATIENT, PERSON
from tests.test_axe import faults
from tests.test_batch import cells, downloaded, kept, opened, understood

pytestmark = pytest.mark.browser
PEOPLE = pd.DataFrame([PERSON | {"age": 20 + i, "bmi": 25 + i / 7, "id": f"P{i}"} for i in range(12)])
OTHERS = {"bmi": "Body mass index", "smoker": "tobacco", "region": "where"}


def batch(page):
    page.get_by_role("tab", name=re.compile("Batch|批量")).click()
    return page


def done(page) -> str:
    page.locator(".slip-done").wait_for()
    return page.locator(".slip-done").inner_text()


def test_columns_of_other_names_are_asked_for_and_used_after_one_click(open_page, insurance_server):
    page = open_page(insurance_server)
    values = [row["prediction"] for row in predicted(page, kept("people.csv", PEOPLE.to_csv(index=False)))]

    assert opened(page, kept("other.csv", PEOPLE.rename(columns=OTHERS).to_csv(index=False))) == (
        "other.csv cannot be predicted yet: 3 columns are missing."
    )
    asked = page.locator(".slip-match li")
    assert [item.locator("code").inner_text() for item in asked.all()] == ["bmi", "smoker", "region"]
    assert [item.locator("select").input_value() for item in asked.all()] == ["Body mass index", "tobacco", "where"]
    assert asked.first.inner_text().endswith("Is “Body mass index” the field “bmi”? It has 25.0, 25.1429, 25.2857.")
    assert page.locator(".slip-download").count() == 0 and faults(page) == []
    page.get_by_role("button", name="Yes, predict with these columns").click()

    assert done(page) == "12 of 12 rows of other.csv predicted"
    assert "bmi (in the file: Body mass index)" in understood(page)["Columns used (6)"]
    rows = downloaded(page)
    assert [row["prediction"] for row in rows] == values and rows[0]["Body mass index"] == "25.0"


def predicted(page, path):
    opened(page, path)
    return downloaded(page)


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
def test_columns_of_a_workbook_and_of_parquet_are_matched_the_same_way(open_page, insurance_server, tmp_path, form):
    path = tmp_path / f"other.{form}"
    table = PEOPLE.rename(columns=OTHERS)
    table.to_excel(path, index=False) if form == "xlsx" else table.to_parquet(path)
    page = open_page(insurance_server, "/ui/zh/")

    opened(page, path)
    page.get_by_role("button", name="是的，用这些列预测").click()

    assert done(page) == f"other.{form}：12 行中已预测 12 行"


def test_a_field_without_a_likely_column_must_be_chosen_and_no_column_twice(open_page, insurance_server):
    page = open_page(insurance_server)
    table = PEOPLE.rename(columns={"children": "kids", "age": "years"})
    opened(page, kept("kids.csv", table.to_csv(index=False)))
    use = page.get_by_role("button", name="Yes, predict with these columns")

    use.click()
    assert page.locator(".slip-match [role=alert]").inner_text() == "Choose a column for “age”, or add it to the file."
    age, children = page.locator(".slip-match select").all()
    assert age.evaluate("e => document.activeElement === e") and age.get_attribute("aria-invalid") == "true"
    age.select_option("years")
    children.select_option("years")
    use.click()
    assert page.locator(".slip-match [role=alert]").inner_text().startswith("“years” is chosen twice.")
    children.select_option("kids")
    use.click()

    assert done(page) == "12 of 12 rows of kids.csv predicted"


def test_a_file_with_none_of_the_columns_is_not_asked_about_where_nothing_is_left(open_page, insurance_server):
    page = open_page(insurance_server)

    opened(page, kept("few.csv", PEOPLE[["age", "sex"]].to_csv(index=False)))

    assert page.locator(".slip-match").count() == 0
    assert understood(page)["Columns missing (4)"] == "bmi, children, smoker, region"


def test_a_pasted_table_is_predicted_like_a_file(open_page, insurance_server):
    page = batch(open_page(insurance_server))
    predict = page.get_by_role("button", name="Predict the pasted rows")
    field = page.get_by_label("Or paste a table here")

    predict.click()
    assert page.locator(".slip-error").inner_text().startswith("Nothing has been pasted yet.")
    assert field.evaluate("e => document.activeElement === e")
    page.evaluate(
        """([text]) => { const data = new DataTransfer(); data.setData("text/plain", text);
        document.querySelector(".slip-paste textarea").value = data.getData("text/plain"); }""",
        [PEOPLE.to_csv(index=False, sep="\t")],
    )
    predict.click()

    assert done(page) == "12 of 12 rows of pasted table predicted"
    assert understood(page)["Form"] == "CSV, cells separated by tabs"
    with page.expect_download() as download:
        page.locator(".slip-download").click()
    assert download.value.suggested_filename.startswith("pasted-table-predictions.")
    field.fill(f"{HEADER}\n{ROW}\n{ROW.replace('male', 'mal')}\n")
    predict.click()
    page.locator(".slip-faulty").wait_for()
    assert page.locator(".slip-faulty li").inner_text().startswith("Row 2 (line 3 of what was pasted): sex: 'mal'")


def test_why_a_row_has_no_prediction_is_said_below_it_and_takes_no_column(open_page, insurance_server):
    page = open_page(insurance_server)
    table = PEOPLE.astype(object)
    table.loc[3, "age"] = "abc"
    table.loc[5, "region"] = "Southeast "
    table.to_excel(path := kept("bad.xlsx", b""), index=False)

    opened(page, path)

    heads = page.locator(".slip-table th").all_inner_texts()
    assert heads[:5] == ["Row", "Prediction", "Low", "High", "Please note"] and "Why not" not in heads
    assert page.locator(".slip-mine").first.bounding_box()["width"] < 160
    said = "Row 4 (row 5 of the sheet): age: 'abc' wrong type, expected a whole number"
    assert page.locator(".slip-faulty li").all_inner_texts() == [said]
    detail, opener = page.locator(".slip-detail", has_text="abc"), page.get_by_role("button", name="No prediction")
    assert detail.is_hidden() and opener.get_attribute("aria-expanded") == "false"
    opener.focus()
    page.keyboard.press("Enter")
    assert detail.inner_text() == said and opener.get_attribute("aria-expanded") == "true"
    page.get_by_role("button", name="Note", exact=True).click()
    assert page.locator(".slip-detail:visible").last.inner_text() == "region: 'Southeast' read as 'southeast'"
    assert faults(page) == []
    page.get_by_label("Only rows without a prediction (1)").check()
    assert cells(page, "Row") == ["4"] and page.locator(".slip-detail:visible").inner_text() == said


def test_of_rows_in_parquet_no_line_is_said(open_page, insurance_server):
    page = open_page(insurance_server)
    table = PEOPLE.assign(sex=["mal"] + ["male"] * 11)
    table.to_parquet(path := kept("rows.parquet", b""))

    opened(page, path)

    assert page.locator(".slip-faulty li").inner_text().startswith("Row 1: sex: 'mal' unknown category")


def test_figures_are_rounded_in_the_table_and_whole_in_the_download(open_page, insurance_server):
    page = open_page(insurance_server)
    table = PEOPLE.assign(tiny="0.00001234567", exact="1.50")
    opened(page, kept("long.csv", table.to_csv(index=False)))

    assert cells(page, "bmi")[:3] == ["25.0", "25.1429", "25.2857"]
    assert cells(page, "tiny")[0] == "0.0000123" and cells(page, "exact")[0] == "1.50"
    assert page.locator("td", has_text="25.1429").get_attribute("title") == "25.142857142857142"
    row = downloaded(page)[1]
    assert row["bmi"] == "25.142857142857142" and re.fullmatch(r"\d+\.\d{3,}", row["prediction"])


def test_the_field_for_a_file_is_used_by_keyboard_and_a_second_file_is_not_left_out_in_silence(
    open_page, insurance_server
):
    page = batch(open_page(insurance_server))
    page.on("filechooser", lambda chosen: None)  # as in test_walk.py
    page.locator(".slip-drop input").focus()
    assert page.locator(".slip-drop").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"

    with page.expect_file_chooser() as chooser:
        page.locator(".slip-drop input").press("Space")
    chooser.value.set_files(kept("keys.csv", f"{HEADER}\n{ROW}\n"))
    assert done(page) == "1 of 1 row of keys.csv predicted"

    page.evaluate("""() => { const data = new DataTransfer();
        for (const name of ["a.csv", "b.csv"]) data.items.add(new File(["x"], name));
        document.querySelector(".slip-batch h2").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })); }""")
    assert page.locator(".slip-error").inner_text() == "2 files were dropped. Drop one at a time."


def test_bars_are_seen_in_forced_colours(open_page, insurance_server, diabetes_server):
    for server, record, bar in (
        (insurance_server, PERSON, ".slip-hist-bars span"),
        (diabetes_server, PATIENT, ".slip-class-track span"),
    ):
        page = open_page(server, forced_colors="active")
        opened(page, kept("two.csv", pd.DataFrame([record, record]).to_csv(index=False)))
        shown, ground = (
            page.locator(place).first.evaluate("e => getComputedStyle(e).backgroundColor") for place in (bar, "body")
        )
        assert shown != ground, bar


@pytest.mark.parametrize("language", ["en", "zh"])
def test_on_a_phone_nothing_is_wider_than_the_screen(open_page, insurance_server, language):
    page = open_page(insurance_server, f"/ui/{language}/", viewport={"width": 390, "height": 844})
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

    opened(page, kept("other.csv", PEOPLE.rename(columns=OTHERS | {"age": "age " + "x" * 70}).to_csv(index=False)))
    assert page.evaluate(wide) <= 0
    opened(page, kept("bad.csv", PEOPLE.assign(sex=["mal"] + ["male"] * 11).to_csv(index=False)))
    page.locator(".slip-opener").first.click()

    assert page.evaluate(wide) <= 0
    detail = page.locator(".slip-detail div").bounding_box()
    assert detail["x"] >= 0 and detail["x"] + detail["width"] <= 390
