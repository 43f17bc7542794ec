"""What browsers are told to forbid, and that the page needs none of it."""

import re

import pytest

from slipway.page import _gradio
from slipway.service.security_headers import document_policy
from tests.conftest import PERSON, settled

WATCH = """
window.stopped = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.stopped.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


@pytest.mark.browser
@pytest.mark.parametrize(("server", "language"), [("insurance_server", "en"), ("diabetes_server", "zh")])
def test_no_part_of_the_page_needs_what_its_policy_forbids(open_page, request, tmp_path, server, language):
    server = request.getfixturevalue(server)
    page = open_page(server, f"/ui/{language}/")
    page.add_init_script(WATCH)
    page.reload()
    page.locator(".slip-sentence").wait_for()
    settled(page)

    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_timeout(300)
        for _ in range(20):  # each that is opened is closed no longer
            closed = page.locator("details:not([open]) > summary:visible")
            if closed.count():
                closed.first.click()
    page.evaluate("document.querySelector('[data-theme], html').click()")
    assert page.evaluate("window.stopped") == []

    page.goto(server.url + "/docs")
    page.get_by_text("/predict_csv").first.click()
    page.locator(".try-out").first.wait_for()
    assert page.evaluate("window.stopped") == []


@pytest.mark.browser
def test_a_file_a_link_and_an_example_work_under_the_policy(open_page, insurance_server, tmp_path):
    page = open_page(insurance_server, "/ui/en/")
    page.add_init_script(WATCH)
    page.reload()
    page.locator(".slip-falls").wait_for()
    page.get_by_label("Age (years)").fill("50")
    page.locator(".slip-falls", has_text="Age: 50").wait_for()
    page.get_by_role("tab", name="Batch").click()
    file = tmp_path / "people.csv"
    file.write_text(",".join(PERSON) + "\n" + ",".join(map(str, PERSON.values())) + "\n")
    page.locator('.slip-drop input[type="file"]').set_input_files(file)
    page.get_by_text("1 of 1 row of people.csv predicted").wait_for()

    assert page.evaluate("window.stopped") == []


@pytest.mark.browser
def test_a_script_that_somebody_managed_to_add_does_not_run(browser, insurance_server):
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(insurance_server.url + "/ui/en/")
        page.locator(".slip-sentence").wait_for()
        page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "window.ran = 'inline'";
              document.body.append(script);
              document.body.insertAdjacentHTML("beforeend", `<img src="data:," onerror="window.ran = 'handler'">`);
            }"""
        )
        page.wait_for_timeout(300)
        assert page.evaluate("window.ran") is None
    finally:
        context.close()


def test_every_document_lists_its_own_scripts_and_allows_no_others(insurance_server):
    for path in ("/ui/", "/ui/en/", "/ui/zh/", "/docs"):
        answer = insurance_server.get(path)
        own, frames = answer.headers.get_list("content-security-policy")

        scripts = re.search(r"script-src ([^;]*);", own)[1].split()
        assert "'unsafe-inline'" not in scripts and "'unsafe-eval'" not in own
        assert own == document_policy(answer.text)["Content-Security-Policy"]
        assert frames == "frame-ancestors 'self'"


@pytest.mark.parametrize("path", ["/", "/livez", "/model", "/nothing", "/metrics", "/ui/nothing", "/predict"])
def test_every_answer_has_the_headers(insurance_server, path):
    headers = insurance_server.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert "camera=()" in headers["permissions-policy"]
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("path", ["/ui/theme.css", f"/ui/assets/{_gradio.needed(['html'])[0]}"])
def test_a_script_or_style_is_told_only_what_a_browser_obeys_there(insurance_server, path):
    headers = insurance_server.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert {"referrer-policy", "permissions-policy", "content-security-policy"}.isdisjoint(headers)
