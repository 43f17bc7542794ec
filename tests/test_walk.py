"""Each main task, done by keyboard and by what the browser tells a screen reader: roles, names, values and states."""

import re
from collections.abc import Iterator

import pytest

from slipway.i18n.catalogues import catalogue
from tests.conftest import settled
from tests.test_axe import open_tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CONTROLS = {"button", "checkbox", "combobox", "DisclosureTriangle", "link", "option", "radio", "searchbox", "slider"} | {
    "spinbutton", "tab", "textbox", "image", "graphics-symbol", "radiogroup", "navigation",
}  # fmt: skip
"""What is of no use without a name."""


def tree(page) -> list[dict]:
    """The nodes that a screen reader is given, in its order: role, name, description, value and states."""
    found = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    by_id = {node["nodeId"]: node for node in found}

    def walk(node: dict) -> Iterator[dict]:
        if not node.get("ignored"):
            told = {key: node.get(key, {}).get("value", "") for key in ("role", "name", "description", "value")}
            yield told | {one["name"]: one["value"].get("value") for one in node.get("properties", [])}
        for child in node.get("childIds", []):
            yield from walk(by_id[child])

    return list(walk(found[0]))


def one(page, role: str, name: str) -> dict:
    """The node of a role and a name that begins so."""
    found = [node for node in tree(page) if node["role"] == role and str(node["name"]).startswith(name)]
    assert len(found) == 1, (role, name, found)
    return found[0]


def reach(page, role: str, name: str) -> None:
    """Press Tab until that control has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.get_by_role(role, name=name).first.evaluate("(node) => node === document.activeElement"):
            return
    last = page.evaluate("() => document.activeElement.outerHTML.slice(0, 200)")
    raise AssertionError(f"no {role} {name!r} is reached by Tab; the last was {last}")


def replace(page, text: str) -> None:
    """Type over what stands in the box that has the focus, and wait until the form has it, a little after the last key."""
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.wait_for_function(
        "(text) => JSON.parse(JSON.parse(slipLive.read(['changes']))[0] ?? '[]').includes(text)", arg=text
    )


def speaks(page, text: str) -> None:
    """Wait until a polite live region says it."""
    page.get_by_role("status").filter(has_text=re.compile(text)).first.wait_for(state="attached")


@pytest.mark.parametrize(("case", "language"), [("diabetes", "en"), ("insurance", "zh")])
def test_whatever_can_be_used_or_seen_has_a_name_and_headings_leave_no_level_out(open_page, request, case, language):
    page = open_page(request.getfixturevalue(f"{case}_server"), f"/ui/{language}/")
    settled(page)

    for tab in page.get_by_role("tab").all():
        name = open_tab(page, tab)
        nodes = tree(page)
        assert [node for node in nodes if node["role"] in CONTROLS and not str(node["name"]).strip()] == [], name
        levels = [node["level"] for node in nodes if node["role"] == "heading"]
        assert levels[0] == 1 and levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False)), (name, levels)
        if language == "zh":
            told = [f"{node['name']} {node['description']}" for node in nodes if node["role"] in CONTROLS - {"link"}]
            assert [
                text
                for text in told
                if re.search(r"\b(slider|input|reset|default|clear|remove|close|for)\b", text, re.I)
            ] == []


def test_a_value_is_changed_and_its_answer_heard(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/")
    settled(page)

    reach(page, "textbox", "Age")
    replace(page, "50")
    settled(page)

    assert one(page, "textbox", "Age")["value"] == "50"
    heading = next(node["name"] for node in tree(page) if node["role"] == "heading" and "$" in node["name"])
    speaks(page, re.escape(re.search(r"\$[\d,]+", heading)[0]))


def test_a_fault_is_heard_with_its_field_and_goes_when_it_is_mended(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/")
    settled(page)

    reach(page, "textbox", "Age")
    replace(page, "old")
    page.get_by_role("alert").first.wait_for()
    settled(page)
    faulty = one(page, "textbox", "Age")
    replace(page, "40")
    page.get_by_role("alert").first.wait_for(state="detached")
    settled(page)
    mended = one(page, "textbox", "Age")

    assert faulty["invalid"] == "true" and "old" in faulty["description"]
    assert mended["invalid"] == "false" and "old" not in mended["description"]


@pytest.mark.parametrize(("language", "keep"), [("en", "version’s"), ("zh", "30%")])
def test_the_threshold_is_moved_and_its_counts_are_those_of_the_value_that_is_heard(
    open_page, diabetes_server, language, keep
):
    page = open_page(diabetes_server, f"/ui/{language}/")
    settled(page)
    label = page.get_by_test_id("block-info").locator("visible=true").last.inner_text()

    reach(page, "slider", label)
    slider = page.get_by_role("slider", name=label)
    before = slider.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.locator("#live-counts").get_by_text("32%").first.wait_for()
    settled(page)

    assert (before, slider.get_attribute("aria-valuetext")) == ("30%", "32%")
    assert keep in one(page, "button", page.get_by_test_id("reset-button").get_attribute("aria-label"))["name"]


def test_what_if_is_moved_by_keys_and_says_value_and_answer(open_page, diabetes_server):
    page = open_page(diabetes_server, "/ui/en/")
    settled(page)

    reach(page, "slider", "What if")
    before = page.get_by_role("slider", name="What if").get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")
    after = page.get_by_role("slider", name="What if").get_attribute("aria-valuetext")

    assert before != after and re.fullmatch(r"[\d.]+ → \d+%", after)
    field = one(page, "slider", "What if")["name"].removeprefix("What if: ")
    page.wait_for_function("([name, text]) => [...document.querySelectorAll('input, textarea')]"
                           ".some((box) => box.ariaLabel?.startsWith(name) && box.value === text)",
                           arg=[field, after.split(" ")[0]])  # fmt: skip


def test_a_file_is_chosen_by_its_button_and_its_rows_and_their_faults_are_a_named_table(
    open_page, insurance_server, tmp_path
):
    rows = tmp_path / "people.csv"
    rows.write_text("age,sex,bmi,children,smoker,region\n19,female,27.9,0,yes,southwest\n33,male,x,0,no,northwest\n")
    page = open_page(insurance_server, "/ui/en/")
    # Playwright asks the browser for the choice of a file without waiting for it: a key that follows at once may come before.
    page.on("filechooser", lambda chosen: None)
    open_tab(page, page.get_by_role("tab").nth(1))

    reach(page, "button", "Choose a CSV")
    with page.expect_file_chooser() as chosen:
        page.keyboard.press("Space")
    chosen.value.set_files(rows)
    page.get_by_role("table").first.wait_for()
    speaks(page, "1")
    nodes = tree(page)

    assert "Rows" in {node["name"] for node in nodes if node["role"] == "region"}
    heads = [node["name"] for node in nodes if node["role"] == "columnheader"]
    assert heads and all(heads)
    reach(page, "link", "Download")


@pytest.mark.parametrize("tab", ["tab_data", "tab_model"])
def test_a_section_is_reached_from_the_contents(open_page, diabetes_server, tab):
    page = open_page(diabetes_server, "/ui/en/")
    open_tab(page, page.get_by_role("tab", name=catalogue("en").text(f"page.{tab}")))
    entries = page.get_by_role("navigation", name="Contents").get_by_role("link")
    name = entries.nth(2).inner_text()

    reach(page, "link", name)
    page.keyboard.press("Enter")

    heading = page.get_by_role("heading", name=name, exact=True)
    heading.wait_for()
    page.wait_for_function(
        "(node) => Math.abs(node.getBoundingClientRect().top) < innerHeight / 2", arg=heading.element_handle()
    )
    assert one(page, "heading", name)["level"] == 2
