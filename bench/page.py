"""What somebody at the page waits for, in real Chromium: the first view, an answer, why and what if, a whole file."""

import csv
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.load import LoadError
from bench.rounds import Measured, add, noise, rotated
from bench.servers import GRADIO, SLIPWAY, serve
from bench.settings import Settings

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE = 60_000
"""Milliseconds."""

# When the page's sentence, or an empty page's frame, is there to be seen: milliseconds since the navigation.
SEEN = """(selector) => new Promise((resolve) => {
  const look = () => document.querySelector(selector)?.checkVisibility()
    ? requestAnimationFrame(() => resolve(performance.now())) : requestAnimationFrame(look);
  look();
})"""
FIRST = {SLIPWAY: ".slip-sentence", GRADIO: ".gradio-container main"}

# Milliseconds from a change of the first number to another sentence, and to both of why and what if.
CHANGE = """(value) => new Promise((resolve, reject) => {
  const text = (selector) => document.querySelector(selector)?.textContent;
  const read = () => [".slip-sentence", ".slip-falls", ".slip-whatif, .slip-curve"].map(text);
  const before = read();
  const field = document.querySelector('.slip-typed :is(input, textarea)');
  const started = performance.now();
  let answered;
  setTimeout(() => reject(new Error(`no answer to ${value}`)), 20000);
  const look = () => {
    const changed = read().map((now, place) => now !== undefined && now !== before[place]);
    if (changed[0]) answered ??= performance.now() - started;
    if (changed.every(Boolean)) resolve([answered, performance.now() - started]);
    else requestAnimationFrame(look);
  };
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  look();
})"""


def measure(measured: Measured, settings: Settings, records: list[dict[str, Any]]) -> None:
    """Every figure of the page, in rounds; `records` make the file. Without Chromium nothing is measured."""
    if not CHROMIUM.exists():
        print(f"  left out: there is no {CHROMIUM}", flush=True)
        return
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        servers = {}
        for name in (SLIPWAY, GRADIO):
            servers[name] = stack.enter_context(serve(name))
            print(f"  {name}: ready after {servers[name].wait():.1f} s", flush=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        stack.callback(browser.close)
        file = written(folder / "batch.csv", records, settings.file_rows)
        for number in range(settings.rounds):
            print(f"  page, round {number + 1} of {settings.rounds}", flush=True)
            noise(measured)
            for name in rotated([SLIPWAY, GRADIO], number):
                _views(measured, browser, name, f"http://127.0.0.1:{servers[name].port}/ui/")
            _changes(measured, browser, servers[SLIPWAY].port, settings.changes)
            _file(measured, browser, servers[SLIPWAY].port, file)


def written(path: Path, records: list[dict[str, Any]], rows: int) -> Path:
    """A CSV of so many rows, the records over and over."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(records[0]))
        writer.writeheader()
        for start in range(0, rows, len(records)):
            writer.writerows(records[: rows - start])
    return path


def percentile(values: list[float], share: float) -> float:
    """The smallest of the values that at least this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def _views(measured: Measured, browser: Any, name: str, address: str) -> None:
    """The first view of somebody who has never been here, and the next one: seconds, and what the server sent."""
    context = browser.new_context()
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sent: list[float] = []
    network.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    for which in ("first", "again"):
        page.goto(address, wait_until="commit", timeout=PATIENCE)
        add(measured, f"page_{which}_s", name, page.evaluate(SEEN, FIRST[name]) / 1000)
        page.wait_for_load_state("networkidle", timeout=PATIENCE)
        add(measured, f"page_{which}_kb", name, sum(sent) / 1000)
        sent.clear()
    context.close()


def _changes(measured: Measured, browser: Any, port: int, count: int) -> None:
    from playwright.sync_api import Error

    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/ui/", timeout=PATIENCE)
    page.locator(".slip-falls").wait_for(timeout=PATIENCE)
    try:
        # Ages in an order in which no answer is like the one before.
        found = [page.evaluate(CHANGE, str(18 + turn * 17 % 47)) for turn in range(count)]
    except Error as exc:
        raise LoadError(f"the page: {exc.message}") from None
    for place, what in enumerate(("answer", "reasons")):
        for share in (0.5, 0.95):
            name = f"page_{what}_p{share * 100:.0f}_ms"
            add(measured, name, SLIPWAY, percentile([one[place] for one in found], share))
    page.close()


def _file(measured: Measured, browser: Any, port: int, file: Path) -> None:
    """From the choice of a file to the link that offers its predictions."""
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/ui/en/", timeout=PATIENCE)
    page.get_by_role("tab", name="Batch").click(timeout=PATIENCE)
    page.locator(".slip-drop").wait_for(timeout=PATIENCE)
    started = time.perf_counter()
    page.set_input_files(".slip-drop input", file)
    page.locator(".slip-download").first.wait_for(timeout=PATIENCE)
    add(measured, "page_batch_s", SLIPWAY, time.perf_counter() - started)
    page.close()
