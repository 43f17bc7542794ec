"""What if, by hand: the mark on the curve is dragged, or moved by keys, and a map shows two inputs at once."""

import json

import pytest

from slipway.page.predict import whatif, whatif_map
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from tests.conftest import page_of, settled

FIELD = {"dtype": "float64", "label": {"en": "X"}, "default": 1}
NUMBER = Field("x", "number", observed_min=0.0, observed_max=10.0, decimals=1, **FIELD)
COLOUR = Field("colour", "category", categories=("red", "green"), **FIELD | {"label": {"en": "Colour"}})


def drawn(results, own=4.0):
    schema = Schema("case", "regression", (NUMBER,), Target("y", {"en": "y"}, decimals=0))
    asked = [float(at) for at in range(len(results))]
    predictions = [{"prediction": result} for result in results]
    return whatif.render(page_of(schema), NUMBER, own, asked, predictions, None)


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([1.0, 2.0, 9.0, 3.0, 2.0], "X from 0 to 4: 1 to 2; highest 9 at 2"),
        ([5.0, 2.0, 9.0, 3.0, 6.0], "X from 0 to 4: 5 to 6; highest 9 at 2; lowest 2 at 1"),
        ([1.0, 2.0, 3.0, 4.0, 5.0], "X from 0 to 4: 1 to 5<"),
        ([7.0, 7.0, 7.0, 7.0, 7.0], "X from 0 to 4: 7 to 7<"),
    ],
)
def test_the_caption_says_the_peak(results, said):
    assert said in drawn(results)


def test_categories_below_zero_have_bars_too():
    schema = Schema("case", "regression", (COLOUR,), Target("y", {"en": "y"}, decimals=0))
    html = whatif.render(
        page_of(schema), COLOUR, "red", ["red", "green"], [{"prediction": -2.0}, {"prediction": 2.0}], None
    )
    assert "width:0.0%" in html and "width:100.0%" in html and html.index("green") < html.index("red")


def test_a_map_has_the_records_own_pair_and_says_where_the_ends_are():
    schema = Schema("case", "regression", (NUMBER, COLOUR), Target("y", {"en": "y"}, decimals=0))
    record = {"x": 3.3, "colour": "green"}
    across, down, records = whatif_map.records((NUMBER, COLOUR), record)
    assert record in records and len(records) == len(across) * len(down) <= whatif_map.CELLS**2

    predictions = [{"prediction": one["x"] * (1 if one["colour"] == "red" else -1)} for one in records]
    html = whatif_map.render(page_of(schema), (NUMBER, COLOUR), record, across, down, predictions, None)

    assert html.count("slip-map-own") == 1
    assert "X and Colour: lowest −10 at 10, green; highest 10 at 10, red" in html


@pytest.mark.browser
def test_the_mark_is_dragged_and_the_form_follows(open_page, diabetes_server):
    page = open_page(diabetes_server, "/ui/en/")
    settled(page)
    glucose = page.locator(".slip-form").get_by_label("Glucose (mg/dL)", exact=True)
    before = float(glucose.input_value())
    handle, plot = page.locator(".slip-handle"), page.locator(".slip-curve-plot")
    plot.scroll_into_view_if_needed()
    start, area = handle.bounding_box(), plot.bounding_box()

    page.mouse.move(start["x"] + 12, start["y"] + 12)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.9, area["y"] + 20, steps=4)
    told = page.locator(".slip-now-text").inner_text()
    page.mouse.up()

    page.wait_for_function(
        "(before) => Number(document.querySelector('#field-1 input').value) > before", arg=before + 20
    )
    settled(page)
    value, share = told.split(" → ")
    page.locator(".slip-sentence", has_text=share).wait_for()
    assert glucose.input_value() == value
    page.wait_for_function("() => document.activeElement.className === 'slip-handle'")


@pytest.mark.browser
def test_the_mark_is_moved_by_keys_and_keeps_the_focus(open_page, diabetes_server):
    page = open_page(diabetes_server, "/ui/en/")
    settled(page)
    handle = page.get_by_role("slider", name="What if: Glucose")
    values = [point[4] for point in json.loads(page.locator(".slip-curve").get_attribute("data-points"))]
    at = int(handle.get_attribute("aria-valuenow"))

    handle.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)

    page.wait_for_function("(value) => document.querySelector('#field-1 input').value === value", arg=values[at + 1])
    settled(page)
    page.wait_for_function("() => document.activeElement.className === 'slip-handle'")


@pytest.mark.browser
def test_a_map_of_two_inputs_sets_both(open_page, diabetes_server):
    page = open_page(diabetes_server, "/ui/en/")
    settled(page)

    page.get_by_label("And a second input").click()
    page.get_by_role("option", name="Body mass index").click()
    page.locator(".slip-map").wait_for()
    settled(page)
    cells = page.locator(".slip-map-cells i")
    assert cells.count() == whatif_map.CELLS**2
    cells.first.click()

    page.wait_for_function("() => document.querySelector('#field-1 input').value === '44'")
    settled(page)
    highest = page.locator("#field-5 input[type=text]").input_value()
    assert highest == "67.1" and page.locator(".slip-map-own").count() == 1
