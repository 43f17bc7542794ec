"""Labels of an axis never run into each other, and no figure beside a bar is broken in two, however narrow the window is."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tests.conftest import serve, settled, trained

pytestmark = pytest.mark.browser
AXES = ".slip-curve-x, .slip-axis-labels, .slip-hist-axis"
SHOWN = """async (axes) => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  return [...document.querySelectorAll(axes)].filter((axis) => axis.checkVisibility()).map((axis) =>
    [...axis.children].filter((label) => label.checkVisibility()).map((label) => label.getBoundingClientRect())
      .sort((one, other) => one.left - other.left).map(({ left, right }) => [left, right]));
}"""

BROKEN = """() => [...document.querySelectorAll('.slip-falls li > :last-child, .slip-bar > :last-child')]
  .filter((node) => node.checkVisibility()).filter((node) => {
    const text = document.createRange();
    text.selectNodeContents(node);
    return new Set([...text.getClientRects()].map(({ top }) => Math.round(top))).size > 1 || node.scrollWidth > node.clientWidth;
  }).map((node) => node.textContent)"""

# A text may be broken between two numbers, and not in one.
CUT = """() => [...document.querySelectorAll('.slip-lines > div > span')].filter((node) => node.checkVisibility()).flatMap((node) =>
  node.children.length ? [] : [...node.textContent.matchAll(/[\\d.,]+/g)].filter(({ 0: number, index }) => {
    const text = document.createRange();
    text.setStart(node.firstChild, index);
    text.setEnd(node.firstChild, index + number.length);
    return text.getClientRects().length > 1;
  }).map(([number]) => number))"""


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """A server of a model with long numbers, dates and moments for labels."""
    rng, rows = np.random.default_rng(5), 300
    table = pd.DataFrame({"living_area": rng.uniform(400, 1_200_000, rows).round(1), "rooms": rng.integers(1, 9, rows)})
    table["sold_on"] = (pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 2000, rows), "D")).strftime(
        "%Y-%m-%d"
    )
    table["seen_at"] = (pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 2_880_000, rows), "min")).strftime(
        "%Y-%m-%dT%H:%M:00"
    )
    table["garden"] = rng.choice(["none", "in front of the house", "all around"], rows)
    table["price"] = (table.living_area * 31 + table.rooms * 90_000 + rng.normal(0, 50_000, rows)).round()
    path = tmp_path_factory.mktemp("houses") / "houses.csv"
    table.to_csv(path, index=False)
    tag = trained("--data", str(path), "--target", "price", "--include", "lr", "--folds", "2", "--name", "houses")
    with serve("--arg", f"model={tag}") as server:
        yield server, path


def check(page) -> list[int]:
    """That labels which are shown have a gap between them and are in the window, and how many each axis has."""
    axes = page.evaluate(SHOWN, AXES)
    assert axes and all(axes), axes
    assert all(other[0] - one[1] >= 4 for axis in axes for one, other in pairwise(axis)), axes
    assert all(0 <= left < right <= page.viewport_size["width"] for axis in axes for left, right in axis), axes
    return [len(axis) for axis in axes]


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_labels_do_not_overlap(open_page, houses, width):
    server, path = houses
    page = open_page(server, "/ui/en/", viewport={"width": width, "height": 800})
    settled(page)
    for name in ("Living area", "Sold on", "Seen at"):
        page.get_by_label("Change one input, keep the rest").click()
        page.get_by_role("option", name=name).click()
        page.get_by_role("slider", name=f"What if: {name}").wait_for()
        settled(page)
        # Two dates are wider than the chart of the narrowest window.
        assert check(page)[0] >= 2 or (width == 320 and name != "Living area")

    page.get_by_role("tab", name="Batch").click()
    page.set_input_files(".slip-drop input", path)
    page.locator(".slip-hist").wait_for()
    assert check(page)[0] >= 2
    for tab in ("Data", "Model"):
        page.get_by_role("tab", name=tab, exact=True).click()
        page.locator(".slip-axis-labels:visible").first.wait_for()
        assert min(check(page)) >= 2


def test_a_window_that_becomes_wide_gets_its_labels_back(open_page, houses):
    page = open_page(houses[0], "/ui/en/", viewport={"width": 320, "height": 800})
    settled(page)
    count = "document.querySelectorAll('.slip-curve-x span:not([hidden])').length"
    narrow = page.evaluate(count)

    page.set_viewport_size({"width": 1440, "height": 800})

    page.wait_for_function(f"(narrow) => {count} > narrow", arg=narrow)
    check(page)


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_no_figure_beside_a_bar_is_broken_in_two(open_page, houses, width):
    page = open_page(houses[0], "/ui/en/", viewport={"width": width, "height": 800})
    settled(page)
    page.get_by_label("Change one input, keep the rest").click()
    page.get_by_role("option", name="Garden").click()
    page.locator(".slip-whatif .slip-bar").first.wait_for()
    settled(page)

    assert page.locator(".slip-falls li").count() > 3
    assert page.evaluate(BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [360, 390, 1440])
@pytest.mark.parametrize("tab", ["Data", "Model"])
def test_no_number_of_a_label_is_broken_in_two(open_page, houses, width, tab):
    page = open_page(houses[0], "/ui/en/", viewport={"width": width, "height": 800})

    page.get_by_role("tab", name=tab, exact=True).click()
    page.locator(".slip-axis-labels:visible").first.wait_for()

    assert page.evaluate(CUT) == []
