"""How large an exported page is, and how long it takes: `python -m bench.offline MODEL …`, of models in the store.

Each page is opened in Chromium from the file system, without a network: the time until its answer stands there, of a prediction,
and of the reasons for it, all in the page itself.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from slipway import store
from slipway.publish.offline.document import document
from slipway.schema.sampling import draw_records

CHROMIUM = "/usr/bin/chromium"
PREDICTIONS, REASONS, OPENINGS = 200, 20, 7
TIMED = """async ([call, records]) => {
  const times = [];
  for (const record of records) {
    const start = performance.now();
    await window.slipway[call](record);
    times.push(performance.now() - start);
  }
  return times;
}"""


def measure(tag: str, folder: Path, browser) -> str:  # type: ignore[no-untyped-def]  # Playwright is of the tests alone
    """A line of the table for one version."""
    version = store.find(tag)
    path = folder / f"{version.name}.html"
    path.write_bytes(document(version))
    openings = []
    for _ in range(OPENINGS):
        page = browser.new_context(offline=True).new_page()
        page.goto(path.as_uri())
        page.locator("#answer .sentence").wait_for()
        openings.append(page.evaluate("performance.getEntriesByName('answered')[0].startTime"))
    times = {
        call: page.evaluate(TIMED, [call, draw_records(version.schema(), count, 1)])
        for call, count in (("predict", PREDICTIONS), ("explain", REASONS))
    }
    medians = [statistics.median(one) for one in (openings, times["predict"], times["explain"])]
    figures = " | ".join(f"{one:,.1f} ms" for one in medians)
    return f"| {version.tag} ({version.summary.estimator}) | {path.stat().st_size:,} | {figures} |"


def main() -> None:
    """Print a table of the versions that are named."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="*", default=["insurance", "diabetes"])
    models = parser.parse_args().model
    print("| model | bytes | opened and answered | a prediction | the reasons |\n|---|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for model in models:
            print(measure(model, Path(folder), browser), flush=True)


if __name__ == "__main__":
    main()
