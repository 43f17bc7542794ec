"""The pictures of the README, taken from a running server in headless Chromium.

python scripts/screenshots.py http://localhost:3000
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent.parent / "docs" / "images"
SHOTS = {"page": ("light", 1180, 1300, "en-US"), "page-phone-dark": ("dark", 390, 844, "zh-CN")}


def main(url: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, (scheme, width, height, locale) in SHOTS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme, locale=locale, device_scale_factor=1.5
            )
            page.goto(f"{url}/ui/")
            page.locator(".slip-sentence").wait_for()
            page.locator(".slip-examples button").nth(2).click()
            page.locator(".slip-reasons input").first.click()
            page.get_by_role("option").nth(2).click()
            page.locator(".slip-curve").wait_for()
            page.wait_for_timeout(800)
            page.screenshot(path=IMAGES / f"{name}.png")
            print(IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:3000")
