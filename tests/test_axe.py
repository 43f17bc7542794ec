"""axe-core finds no fault on any tab, in either theme and with forced colours, in either language."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from slipway.i18n.catalogues import catalogue
from tests.conftest import settled

pytestmark = pytest.mark.browser


# What fades in has the contrast of its end only there; what moves with the page as it is scrolled has no end.
STILL = (
    "() => !document.getAnimations().some((one) => one.playState === 'running' && one.timeline === document.timeline)"
)


def faults(page) -> list[str]:
    """Whatever axe finds once nothing moves, and a contrast that it could not see for a decoration."""
    page.wait_for_function(STILL)
    found = Axe().run(page).response
    sure = found["violations"]
    unseen = [one for one in found["incomplete"] if one["id"] == "color-contrast"]
    return [
        f"{one['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}"
        for one in sure + unseen
        for node in one["nodes"]
        if one in sure or "pseudo element" in node["failureSummary"]
    ]


OPENED = """() => [...document.querySelectorAll('[role="tabpanel"]')].some(
  (panel) => panel.checkVisibility() && panel.innerText.trim().length > 40)"""


def open_tab(page, tab) -> str:
    """Open a tab and wait for what it shows; its name."""
    tab.click()
    page.get_by_role("tab", name=tab.inner_text(), selected=True).wait_for()
    page.wait_for_function(OPENED)
    return tab.inner_text()


@pytest.mark.parametrize(
    ("case", "language", "scheme"),
    [
        ("insurance", "en", "light"),
        pytest.param("insurance", "zh", "dark", marks=pytest.mark.slow),
        pytest.param("diabetes", "zh", "light", marks=pytest.mark.slow),
        ("diabetes", "en", "dark"),
        ("insurance", "en", "forced"),
    ],
)
def test_axe_finds_no_fault_on_any_tab(open_page, request, case, language, scheme):
    server = request.getfixturevalue(f"{case}_server")
    colours = {"forced_colors": "active"} if scheme == "forced" else {"color_scheme": scheme}
    page = open_page(server, f"/ui/{language}/", reduced_motion="reduce", **colours)
    settled(page)

    found = {open_tab(page, tab): faults(page) for tab in page.get_by_role("tab").all()}

    assert {catalogue(language).text(f"page.{key}") for key in ("tab_predict", "tab_batch", "tab_model")} <= set(found)
    assert not {name: some for name, some in found.items() if some}


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_no_fault_in_warnings_faults_and_an_open_list(open_page, insurance_server, scheme):
    page = open_page(insurance_server, "/ui/en/", color_scheme=scheme, reduced_motion="reduce")

    page.get_by_label("Age (years)").fill("90")
    page.locator(".slip-warnings li").wait_for()
    settled(page)
    warned = faults(page)
    page.get_by_label("Change one input, keep the rest").click()
    page.get_by_role("option").first.wait_for()
    listed = faults(page)
    page.keyboard.press("Escape")
    page.get_by_role("option").first.wait_for(state="detached")
    page.get_by_label("Age (years)").fill("")
    page.get_by_text("Please fill this in.").wait_for()
    settled(page)

    assert (warned, listed, faults(page)) == ([], [], [])
