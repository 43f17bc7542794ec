"""Names and categories in Arabic and Hebrew: they keep to themselves, and the numbers and signs beside them stay in order."""

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup

from slipway.i18n.catalogues import catalogue, isolate
from tests.conftest import serve, settled, trained

SALARY, AGE, CITY, HEIGHT = "الراتب الشهري", "العمر بالسنوات", "المدينة", 'גובה (ס"מ)'
CITIES = ["القاهرة", "الرياض", "دبي (المارينا)", "بغداد - 12"]
JUMBLED = r"""() => {
  const found = [];
  const texts = document.createTreeWalker(document.querySelector('.gradio-container'), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (!node.parentElement.checkVisibility() || node.parentElement.closest('script, style')) continue;
    const at = (position) => {
      const range = document.createRange();
      range.setStart(node, position);
      range.setEnd(node, position + 1);
      return range.getBoundingClientRect();
    };
    for (const one of node.data.matchAll(/[−+]?\d[\d.,]*%?/g)) {
      const [first, last] = [at(one.index), at(one.index + one[0].length - 1)];
      if (one[0].length > 1 && first.top === last.top && first.left >= last.left) found.push(node.data);
    }
  }
  return found;
}"""
"""Texts with a number whose sign is not before its digits, or whose % is not behind them, as they are drawn."""


def test_a_text_from_right_to_left_is_kept_to_itself_and_no_other_is_changed():
    assert isolate(CITY) == f"\u2068{CITY}\u2069" and isolate(HEIGHT) == f"\u2068{HEIGHT}\u2069"
    assert isolate("a\u202eb") == "\u2068a\u202eb\u2069"  # an override, which would turn the rest of the sentence round
    assert [isolate(text) for text in ("Age", "年龄", "−5 °C", "Größe", "")] == ["Age", "年龄", "−5 °C", "Größe", ""]


def test_marks_do_not_escape_tags_that_a_template_made():
    assert isolate(Markup("<b>المدينة</b>")) == Markup("\u2068<b>المدينة</b>\u2069")
    assert isinstance(isolate(Markup("<b>المدينة</b>")), Markup)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_filled_into_a_sentence_is_kept_to_itself(language):
    text = catalogue(language).text("page.answer_number", target=SALARY, prediction="−640")

    assert f"\u2068{SALARY}\u2069" in text and text.endswith("−640")


@pytest.fixture(scope="module")
def salaries(tmp_path_factory):
    """A server of a model of such a table, which predicts negative numbers, too."""
    rng, rows = np.random.default_rng(5), 300
    table = pd.DataFrame({AGE: rng.integers(18, 90, rows), CITY: rng.choice(CITIES, rows)})
    table[HEIGHT] = rng.normal(170, 9, rows).round(1)
    table[SALARY] = (table[AGE] * 100 + (table[CITY] == CITIES[2]) * 3000 - 9500 + rng.normal(0, 500, rows)).round()
    path = tmp_path_factory.mktemp("salaries") / "salaries.csv"
    table.to_csv(path, index=False)
    tag = trained("--data", str(path), "--target", SALARY, "--include", "lr", "--folds", "2", "--name", "salaries")
    with serve("--arg", f"model={tag}") as server:
        yield server


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_numbers_and_signs_beside_such_texts_stay_in_order_on_every_tab(open_page, salaries, language):
    page = open_page(salaries, f"/ui/{language}/")
    settled(page)
    for tab in range(4):
        page.get_by_role("tab").nth(tab).click()
        page.locator((".slip-falls", ".slip-drop", ".slip-data section", ".slip-model section")[tab]).first.wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate(JUMBLED) == [], tab


@pytest.mark.browser
def test_the_form_takes_and_a_file_holds_such_texts_as_they_are(open_page, salaries):
    page = open_page(salaries, "/ui/en/")
    page.get_by_label(CITIES[2]).check()
    settled(page)
    record = {AGE: 30, CITY: CITIES[2], HEIGHT: 170.0}

    assert salaries.post("/predict", json={"records": [record]}).json()["predictions"][0]["prediction"] < 0
    answer = salaries.post("/predict_csv", files={"file": f'{AGE},{CITY},"גובה (ס""מ)"\n30,{CITIES[2]},170\n'.encode()})
    assert answer.text.splitlines()[1].startswith(f"30,{CITIES[2]},170") and "\u2068" not in answer.text
