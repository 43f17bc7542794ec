"""Pictures of every tab of a running server's page, in headless Chromium, to be looked at.

python scripts/screenshots.py http://localhost:3000 [--readme]

They go to screenshots/, which git ignores; with --readme, the two of the README (from the insurance model) to docs/images/.
"""

import argparse
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
WIDTHS = {390: 844, 768: 1024, 1440: 900}
README = {"page": ("light", 1180, 1300, "en"), "page-phone-dark": ("dark", 390, 844, "zh")}
OPENED = """() => [...document.querySelectorAll('[role="tabpanel"]')].some(
  (panel) => panel.checkVisibility() && panel.innerText.trim().length > 40)"""


def opened(browser: Any, url: str, scheme: str, width: int, height: int, language: str) -> Any:
    """The page, with why and what if on it."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        device_scale_factor=1.5,
        reduced_motion="reduce",
    )
    page.goto(f"{url}/ui/{language}/")
    page.locator(".slip-falls").wait_for()
    return page


def every_tab(browser: Any, url: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for language, scheme, (width, height) in product(("en", "zh"), ("light", "dark"), WIDTHS.items()):
        page = opened(browser, url, scheme, width, height, language)
        for number, tab in enumerate(page.get_by_role("tab").all(), 1):
            tab.click()
            page.wait_for_function(OPENED)
            page.wait_for_timeout(500)  # a picture that is still being drawn
            page.screenshot(path=folder / f"{language}-{scheme}-{width}-{number}.png", full_page=True)
        page.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


def for_readme(browser: Any, url: str, folder: Path) -> None:
    for name, (scheme, width, height, language) in README.items():
        page = opened(browser, url, scheme, width, height, language)
        page.locator(".slip-examples button").nth(2).click()
        page.locator(".slip-reasons input").first.click()
        page.get_by_role("option").nth(2).click()
        page.locator(".slip-curve").wait_for()
        page.wait_for_timeout(500)
        page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
        page.screenshot(path=folder / f"{name}.png")
        print(folder / f"{name}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("url", nargs="?", default="http://localhost:3000", help="default: %(default)s")
    parser.add_argument("--readme", action="store_true", help="the two pictures of the README instead")
    args = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        if args.readme:
            for_readme(browser, args.url, ROOT / "docs" / "images")
        else:
            every_tab(browser, args.url, ROOT / "screenshots")
        browser.close()


if __name__ == "__main__":
    main()
