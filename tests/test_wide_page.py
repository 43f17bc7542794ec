"""The page of a table of one's own: 25 columns with long names, 40 districts, negative numbers, on screens of every width."""

import re

import numpy as np
import pandas as pd
import pytest

from slipway import store
from slipway.i18n.catalogues import catalogue
from tests.conftest import serve, settled, trained

pytestmark = pytest.mark.browser
LONG = "the_number_of_open_credit_lines_of_an_applicant_" * 6
FIRST_SHIFT = """() => { window.shift = 0; new PerformanceObserver((list) => { for (const one of list.getEntries())
  if (!one.hadRecentInput) window.shift += one.value; }).observe({ type: 'layout-shift', buffered: true }); }"""
OVERLAPPING = """() => {
  const boxes = [...document.querySelectorAll('.slip-form [data-testid="block-info"], .slip-form input, .slip-answer :is(h2, p)')]
    .filter((node) => node.checkVisibility() && !node.closest('.slip-foot')).map((node) => [node.getBoundingClientRect(), node]);
  const found = [];
  for (const [one, node] of boxes) for (const [other, second] of boxes)
    if (node !== second && !node.contains(second) && !second.contains(node) && !node.closest('label')?.contains(second)
        && Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1
        && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 1) found.push([node.textContent, second.textContent]);
  return found;
}"""
LAID_OVER = """() => {
  const texts = [...document.querySelectorAll('.slip-data article :is(h3, li, p, button, .slip-lines > div > span, svg)')]
    .filter((node) => node.checkVisibility() && node.textContent.trim()).map((node) => [node.getBoundingClientRect(), node]);
  const found = [];
  for (const [at, [one, node]] of texts.entries()) for (const [other, second] of texts.slice(at + 1))
    if (!node.contains(second) && Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2
        && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 2) found.push([node.textContent, second.textContent]);
  return found;
}"""
SPILLED = """() => [...document.querySelectorAll('.slip-form *, .slip-answer *')].filter((node) => node.checkVisibility()
  && node.scrollWidth > node.clientWidth + 1 && node.clientWidth && getComputedStyle(node).overflowX === 'visible'
  && getComputedStyle(node).display !== 'inline' && !node.matches('button.label-wrap')).map((node) => node.outerHTML.slice(0, 100))"""
BESIDE = """(box) => {
  const [field, list] = [box, document.querySelector('[role="listbox"]')].map((part) => part.getBoundingClientRect());
  return Math.min(Math.abs(list.top - field.bottom), Math.abs(field.top - list.bottom)) < 30;
}"""


TITLE = ("What becomes of a loan, by all that is known of the applicant, the accounts and the cards " * 4)[:300]


@pytest.fixture(scope="module")
def loans(tmp_path_factory):
    """A server of a model that learnt from such a table."""
    rng, rows = np.random.default_rng(3), 400
    table = pd.DataFrame({f"behavioural_indicator_{at:02d}": rng.normal(0, 1, rows).round(3) for at in range(1, 20)})
    table[LONG] = rng.integers(0, 15, rows)
    table["credit_score"] = rng.integers(300, 850, rows)
    table["district"] = [f"District {at % 40:02d}" for at in range(rows)]
    table["has_mortgage"] = rng.choice([True, False], rows)
    table["interest_rate"] = rng.uniform(3, 25, rows).round(2)
    late = (table.credit_score < 560) ^ (rng.random(rows) < 0.1)
    table["loan_outcome_after_24_months"] = np.where(late, "Defaulted", "Repaid")
    path = tmp_path_factory.mktemp("loans") / "loans.csv"
    table.to_csv(path, index=False)
    tag = trained(
        "--data",
        str(path),
        "--target",
        "loan_outcome_after_24_months",
        "--include",
        "lr",
        "--folds",
        "2",
        "--name",
        "loans",
    )
    with serve("--arg", f"model={tag}") as server:
        yield server


def test_names_of_columns_are_words_and_the_title_is_one(open_page, loans):
    page = open_page(loans, "/ui/en/")

    assert page.locator("h1").inner_text() == "Loan outcome after 24 months"
    assert page.locator(".slip-head p").first.inner_text() == "Predicted from 24 inputs, as learnt from 400 rows."
    labels = page.locator('.slip-form [data-testid="block-info"]').all_inner_texts()
    assert "Credit score" in labels[0] and not [label for label in labels if "_" in label]
    assert loans.post("/predict", json={"records": [{"creditscore": 1}]}).json()["code"] == "invalid_records"


def test_the_inputs_that_matter_most_come_first_and_the_rest_is_folded(open_page, loans):
    page = open_page(loans, "/ui/en/")
    settled(page)

    shown = [label for label in page.locator('.slip-form [data-testid="block-info"]').all() if label.is_visible()]
    assert len(shown) == 12 and shown[0].inner_text() == "Credit score"
    page.get_by_role("button", name=re.compile("12 more inputs")).click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.slip-form .slip-field')].filter((one) => one.checkVisibility()).length === 24"
    )


@pytest.mark.parametrize("width", [390, 768, 1440, 1920])
def test_nothing_overlaps_or_runs_out(open_page, loans, width):
    page = open_page(loans, "/ui/en/", viewport={"width": width, "height": 900})
    settled(page)
    page.get_by_role("button", name=re.compile("12 more inputs")).click()
    page.get_by_label("The number of open credit lines").first.wait_for()

    assert page.evaluate(OVERLAPPING) == [] and page.evaluate(SPILLED) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_answer_stays_in_view_beside_a_long_form(open_page, loans):
    page = open_page(loans, "/ui/en/")
    settled(page)
    page.get_by_role("button", name=re.compile("12 more inputs")).click()
    last = page.locator(".slip-form .slip-field").last

    last.scroll_into_view_if_needed()

    page.evaluate("scrollBy(0, 300)")
    assert page.evaluate("scrollY") > 400
    answer = page.locator(".slip-sentence").bounding_box()
    assert 0 <= answer["y"] < 300


def test_on_a_phone_the_answer_is_at_the_foot_while_it_is_out_of_sight(open_page, loans):
    page = open_page(loans, "/ui/en/", viewport={"width": 390, "height": 844})
    settled(page)
    foot = page.locator(".slip-foot")
    assert not foot.is_visible()
    parts = [
        page.locator(part).bounding_box()["y"] for part in (".slip-sentence", ".slip-form", "#threshold", ".slip-falls")
    ]
    assert parts == sorted(parts)

    page.get_by_label("Interest rate", exact=True).scroll_into_view_if_needed()
    page.evaluate("scrollBy(0, 200)")
    foot.wait_for()
    before = foot.inner_text()
    page.get_by_label("Credit score", exact=True).fill("840")
    page.evaluate("scrollBy(0, 600)")
    foot.wait_for()

    page.wait_for_function("(before) => document.querySelector('.slip-foot').innerText !== before", arg=before)
    settled(page)
    assert page.locator(".slip-sentence").inner_text() in foot.inner_text()
    box = foot.bounding_box()
    assert box["y"] + box["height"] == 844 and box["width"] == 390
    foot.click()
    foot.wait_for(state="hidden")
    page.get_by_role("tab", name="Model").click()
    assert not foot.is_visible()


def test_all_categories_are_shown_by_their_effect(open_page, loans):
    page = open_page(loans, "/ui/en/")
    settled(page)

    page.get_by_label("Change one input, keep the rest").fill("Distr")
    page.get_by_role("option", name="District").click()
    page.locator(".slip-whatif").wait_for()

    bars = page.locator(".slip-whatif .slip-bar > :last-child").all_inner_texts()
    shares = [float(bar.rstrip("%")) for bar in bars]
    assert len(shares) == 40 and shares == sorted(shares, reverse=True)


def test_an_open_list_stays_beside_its_box(open_page, loans):
    page = open_page(loans, "/ui/en/", viewport={"width": 1280, "height": 2600})
    settled(page)
    box = page.get_by_label("Change one input, keep the rest")
    box.click()
    page.get_by_role("listbox").wait_for()
    before = box.bounding_box()["y"]

    # What is above it grows, as with an answer that comes late; nothing is scrolled by that.
    page.locator("#live-why").evaluate("(above) => { above.style.paddingBottom = '150px'; }")

    page.wait_for_function(BESIDE, arg=box.element_handle())
    assert box.bounding_box()["y"] == before + 150


def test_the_page_hardly_moves_while_it_opens(open_page, context_of, loans):
    page = context_of(viewport={"width": 1280, "height": 900}).new_page()
    page.add_init_script(f"({FIRST_SHIFT})()")
    page.goto(f"{loans.url}/ui/en/")
    page.locator(".slip-falls").wait_for()
    settled(page)

    assert page.evaluate("window.shift") < 0.1
    page.close()


def test_numbers_have_one_kind_of_minus(open_page, loans):
    page = open_page(loans, "/ui/en/")
    settled(page)

    assert "Training data: −" in page.locator(".slip-form").inner_text()
    assert not re.search(r"(?<![\w-])-\d", page.locator(".slip-predict").inner_text())


def test_the_names_in_words_are_those_of_the_version(loans):
    schema = store.find("loans").schema()
    assert schema.title if hasattr(schema, "title") else schema.texts.title == {"en": "Loan outcome after 24 months"}
    assert catalogue("zh").text("page.summary", count=24, rows="400 行")


def test_with_forced_colours_what_is_drawn_is_still_there(open_page, diabetes_server):
    page = open_page(diabetes_server, "/ui/en/", forced_colors="active")
    settled(page)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    colour = "(node) => getComputedStyle(node).backgroundColor"

    for drawn in (".slip-dot-on", ".slip-up", ".slip-right", ".slip-track span"):
        assert page.locator(drawn).first.evaluate(colour) != ground, drawn
    for outlined in (".slip-down", ".slip-wrong"):
        width = page.locator(outlined).first.evaluate("(node) => parseFloat(getComputedStyle(node).borderTopWidth)")
        assert width >= 1, outlined
    slider = page.locator(".slip-threshold input[type=range]")
    assert slider.evaluate("(node) => getComputedStyle(node).appearance") == "auto"


def test_with_forced_colours_a_chosen_radio_is_marked(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/", forced_colors="active")
    settled(page)

    outline = "(node) => getComputedStyle(node).outlineStyle"
    assert page.locator("label:has(input[type=radio]:checked)").first.evaluate(outline) == "solid"
    assert page.locator("label:has(input[type=radio]:not(:checked))").first.evaluate(outline) == "none"


@pytest.mark.parametrize("width", [390, 768, 1024, 1440, 1920])
def test_nothing_on_the_data_tab_lies_over_anything_else(open_page, loans, width):
    page = open_page(loans, "/ui/en/", viewport={"width": width, "height": 900})
    page.get_by_role("tab", name="Data").click()
    page.locator(".slip-data article").first.wait_for()

    assert page.evaluate(LAID_OVER) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.fixture(scope="module")
def extreme(tmp_path_factory):
    """A server of a model with a title of 300 characters, 60 inputs, and classes of 300 characters."""
    rng, rows = np.random.default_rng(4), 300
    table = pd.DataFrame({f"measured_value_{at:02d}": rng.normal(0, 1, rows).round(3) for at in range(59)})
    table["comment"] = rng.choice(
        ['<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=2</script>"], rows
    )
    table["outcome"] = np.select(
        [table.measured_value_01 < -0.4, table.measured_value_01 < 0.4], ["no", "c" * 300], "<b>yes</b>"
    )
    folder = tmp_path_factory.mktemp("extreme")
    table.to_csv(folder / "extreme.csv", index=False)
    (folder / "extreme.yaml").write_text(
        f"name: extreme\ndata: extreme.csv\ntarget: outcome\ntitle: {TITLE}\n", encoding="utf-8"
    )
    tag = trained(str(folder / "extreme.yaml"), "--include", "lr", "--folds", "2")
    with serve("--arg", f"model={tag}") as server:
        yield server


@pytest.mark.parametrize("width", [390, 1440])
def test_titles_classes_and_lists_without_an_end_leave_room_for_the_rest(open_page, extreme, width):
    page = open_page(extreme, "/ui/en/", viewport={"width": width, "height": 844})
    settled(page)
    assert page.locator("h1").inner_text() == TITLE.strip()
    assert page.locator("h1").bounding_box()["height"] < 400
    assert page.locator("h1").evaluate("(title) => title.scrollHeight <= title.clientHeight + 1")

    page.get_by_role("tab", name="Batch").click()
    page.locator(".slip-drop").wait_for()
    assert page.locator(".slip-batch code").filter(visible=True).count() == 24
    page.get_by_text("36 more columns").click()
    assert page.locator(".slip-batch code").filter(visible=True).count() == 60

    page.get_by_role("tab", name="Model").click()
    page.locator(".slip-model .slip-tinted").filter(visible=True).first.wait_for()
    heads = page.locator(".slip-model .slip-tinted thead th").filter(visible=True)
    assert max(head.bounding_box()["width"] for head in heads.all()) < 250
    assert (
        max(line.bounding_box()["height"] for line in page.locator(".slip-legend li").filter(visible=True).all()) < 40
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width and page.evaluate("window.hacked") is None


@pytest.mark.parametrize("zoom", [2, 4])
def test_a_page_zoomed_in_does_not_scroll_sideways(open_page, loans, zoom):
    """What a window of 1,280 by 1,024 pixels has left (WCAG 2.2, 1.4.10 Reflow)."""
    page = open_page(loans, "/ui/en/", viewport={"width": 1280 // zoom, "height": 1024 // zoom})
    settled(page)
    for tab in ("Predict", "Batch", "Data", "Model"):
        page.get_by_role("tab", name=tab).click()
        page.locator(
            {"Predict": ".slip-falls", "Batch": ".slip-drop"}.get(tab, f".slip-{tab.lower()} section")
        ).first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, tab
    page.get_by_role("tab", name="Predict").click()
    page.evaluate("scrollTo(0, 1200)")
    page.locator('[data-away="true"]').first.wait_for(state="attached")
    assert page.locator(".slip-foot").is_visible() == (zoom == 2)


def test_what_goes_on_below_fades_the_knob_is_whole_and_no_text_lies_below_an_arrow(open_page, loans):
    page = open_page(loans, "/ui/en/", viewport={"width": 1280, "height": 560})
    settled(page)
    side = page.locator(".slip-side")

    began = side.evaluate("(side) => getComputedStyle(side).maskSize")
    side.evaluate("(side) => side.scrollTo(0, side.scrollHeight)")
    page.wait_for_function(
        "(before) => getComputedStyle(document.querySelector('.slip-side')).maskSize !== before", arg=began
    )
    room = page.locator(".slip-threshold input[type=range]").evaluate(
        """(slider) => { const { bottom } = slider.getBoundingClientRect();
          for (let box = slider.parentElement; !box.matches(".slip-side"); box = box.parentElement)
            if (getComputedStyle(box).overflowY !== "visible") return box.getBoundingClientRect().bottom - bottom;
          return Infinity; }"""
    )
    below = page.locator(".slip-field:has([role=combobox])").first.evaluate(
        """(field) => { const [text, arrow] = ["input", ".icon-wrap"].map((part) => field.querySelector(part));
          return text.getBoundingClientRect().right - parseFloat(getComputedStyle(text).paddingRight) - arrow.getBoundingClientRect().left; }"""
    )

    assert began == "100% 100%"
    assert room >= 4 and below <= 0
