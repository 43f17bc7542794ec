"""Where one is stands in the address, and what one has entered is still there after a reload."""

import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from slipway.page.predict import form
from tests.conftest import free_port, page_of, serve, settled

pytestmark = pytest.mark.browser


def test_a_tab_is_in_the_address_and_back_goes_back(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/")
    settled(page)

    page.get_by_role("tab", name="Model").click()
    page.wait_for_url("**/ui/en/?tab=model")
    page.get_by_role("tab", name="Data").click()
    page.wait_for_url("**/ui/en/?tab=data")
    page.go_back()

    page.get_by_role("tab", name="Model", selected=True).wait_for()
    page.go_back()
    page.get_by_role("tab", name="Predict", selected=True).wait_for()
    assert page.url.endswith("/ui/en/")


def test_a_link_to_a_tab_opens_it_in_the_other_language_too(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/")
    page.goto(f"{insurance_server.url}/ui/en/?tab=model")
    page.get_by_role("tab", name="Model", selected=True).wait_for()

    page.get_by_role("link", name="中文").click()

    page.wait_for_url(re.compile("/ui/zh/[?]tab=model"))
    page.get_by_role("tab", name="模型", selected=True).wait_for()


def test_a_reload_keeps_what_is_in_the_fields_valid_or_not(open_page, diabetes_server):
    page = open_page(diabetes_server, "/ui/en/")
    settled(page)
    fields = page.locator(".slip-form")
    fields.get_by_label("Glucose (mg/dL)", exact=True).fill("15O")  # the letter
    fields.get_by_label("Age (years)", exact=True).fill("51")
    fields.locator("#field-4 input[type=checkbox]").check()
    page.locator("#field-1 .slip-fault p").wait_for()
    page.wait_for_function("() => history.state?.form?.Age === '51' && history.state.form['Insulin~']")

    page.reload()

    page.locator("#field-1 .slip-fault p").wait_for()
    assert fields.get_by_label("Glucose (mg/dL)", exact=True).input_value() == "15O"
    assert fields.get_by_label("Age (years)", exact=True).input_value() == "51"
    assert fields.locator("#field-4 input[type=checkbox]").is_checked()


def test_a_reload_after_a_link_was_copied_keeps_what_was_changed_since(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/")
    page.get_by_label("Age (years)").fill("50")
    settled(page)
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("() => location.hash.includes('age=50')")
    page.get_by_label("Age (years)").fill("51")
    settled(page)
    page.wait_for_function("() => history.state?.form?.age === '51'")

    page.reload()

    page.locator('.slip-answer[data-fragment*="age=51"]').wait_for()


def test_what_another_version_has_not_or_has_otherwise_is_the_default(insurance):
    from slipway import store

    page = page_of(store.find(insurance).schema())
    kept = {"age": "forty", "sex": "other", "bmi": 3, "smoker": "yes", "gone": "1"}

    assert form.restored(page, kept) == ["forty", "male", "30.4", "1", "yes", "southeast"]
    assert form.kept(page, '{"gone": 1}') == form.kept(page, "age=40") == form.kept(page, "[1]") == {}


def test_an_embedded_page_has_neither_head_nor_foot(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/?embed=1")

    assert not page.locator(".slip-head").is_visible() and page.locator(".slip-form").is_visible()


def test_in_a_frame_a_copied_link_is_shown(open_page, insurance_server, browser):
    page = browser.new_page()
    around = f'<iframe src="{insurance_server.url}/ui/en/?embed=1" width="1000" height="900"></iframe>'
    page.route("**/around.html", lambda route: route.fulfill(content_type="text/html", body=around))
    page.goto(f"{insurance_server.url}/around.html")
    frame = page.frame_locator("iframe")
    frame.locator(".slip-falls").wait_for()

    frame.get_by_role("button", name="Copy link").click()

    assert "#age=39" in frame.get_by_label("Copy this link:").input_value()
    page.close()


DENIED = """if (window !== top) {
  const denied = { get() { throw new DOMException('denied', 'SecurityError'); } };
  for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, denied);
  const writeText = () => Promise.reject(new DOMException('denied', 'NotAllowedError'));
  Object.defineProperty(navigator, 'clipboard', { value: { writeText } });
}"""
"""What a browser refuses to a page inside another site's."""


def _answering(document: bytes) -> type[BaseHTTPRequestHandler]:
    """What answers every request with a document."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler


def test_inside_another_site_without_storage_and_clipboard_all_of_the_page_works(insurance, browser):
    port, faults = free_port(), []
    site = f"http://localhost:{port}"
    with serve("--arg", f"model={insurance}", SLIPWAY_FRAME_ANCESTORS=site) as server:
        page = browser.new_page()
        page.add_init_script(DENIED)
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        around = f'<!doctype html><link rel="icon" href="data:,"><iframe src="{server.url}/ui/en/?embed=1" width="1000" height="900"></iframe>'
        other = ThreadingHTTPServer(("127.0.0.1", port), _answering(around.encode()))
        Thread(target=other.serve_forever, daemon=True).start()
        page.goto(f"{site}/")
        frame = page.frame_locator("iframe")
        frame.locator(".slip-falls").wait_for()
        before = frame.locator(".slip-sentence").inner_text()

        frame.get_by_label("Age (years)").fill("60")
        frame.locator(".slip-sentence").filter(has_not_text=before).wait_for()
        frame.get_by_role("button", name="Copy link").click()
        assert "#age=60" in frame.get_by_label("Copy this link:").input_value()
        frame.get_by_role("button", name="Compare").click()
        frame.get_by_text("Side by side").wait_for()
        for tab, part in (("Batch", ".slip-drop"), ("Data", ".slip-data section"), ("Model", ".slip-model section")):
            frame.get_by_role("tab", name=tab).click()
            frame.locator(part).first.wait_for()
        page.close()
        other.shutdown()
        other.server_close()
    assert faults == []


def test_a_notice_of_a_link_goes_line_by_line_with_its_reason(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/#age=44&sex=martian&bmi=abc")
    page.locator(".slip-replaced li").nth(1).wait_for()

    page.get_by_label("Body mass index (kg/m²)").fill("30")
    page.locator(".slip-replaced li").nth(1).wait_for(state="detached")
    page.locator(".slip-form").get_by_label("Female").check()

    page.locator(".slip-replaced .slip-warnings").wait_for(state="detached")


def test_a_request_to_correct_goes_when_all_is_right(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/")
    page.get_by_label("Age (years)").fill("")
    page.locator(".slip-fault p").wait_for()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Please correct the highlighted fields.").nth(1).wait_for()

    page.get_by_label("Age (years)").fill("40")

    settled(page)
    page.get_by_text("Please correct the highlighted fields.").first.wait_for(state="detached")


def test_a_link_pasted_into_an_open_page_replaces_what_was_entered(open_page, insurance_server):
    page = open_page(insurance_server, "/ui/en/")
    page.get_by_label("Age (years)").fill("50")
    page.wait_for_function("() => history.state?.form?.age === '50'")

    page.evaluate("location.hash = 'age=61&sex=male&bmi=25&children=0&smoker=no&region=southwest'")

    page.locator('.slip-answer[data-fragment*="age=61"]').wait_for()
