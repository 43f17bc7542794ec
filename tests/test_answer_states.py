"""Never somebody else's number: an answer that is not (yet) the form's is marked, and a failed one is cleared."""

import json
import re
from collections.abc import Callable

import pytest

from slipway.i18n.catalogues import catalogue
from tests.conftest import PERSON, Server, says
from tests.test_axe import faults as axe_faults

pytestmark = pytest.mark.browser
RUN = re.compile(r"/gradio_api/run/predict(\?|$)")  # behind it, Gradio repeats the address of the page
ANSWER = ".slip-answer"


class Calls:
    """Every call of a page's events goes through here: it is let through, held until it is looked at, or spoilt."""

    def __init__(self, page) -> None:
        self.held: list = []
        self.act: Callable | None = None
        page.route(RUN, self._route)

    def _route(self, route) -> None:
        (self.act or (lambda one: one.continue_()))(route)

    def hold(self) -> None:
        self.act = lambda route: self.held.append(route)

    def release(self) -> None:
        """What was held goes on, and what comes is let through."""
        self.act = None
        held, self.held = self.held, []
        for route in held:
            route.continue_()


@pytest.fixture
def opened(context_of):
    """Opens a page whose calls are in our hand; at the end fails on errors of its scripts."""
    pages, errors = [], []

    def opened(server: Server, path: str = "/ui/en/", **options: object):
        page = context_of(**options).new_page()
        pages.append(page)
        page.on("pageerror", lambda error: errors.append(str(error)))
        calls = Calls(page)
        page.goto(server.url + path)
        page.locator(".slip-falls").wait_for()
        return page, calls

    yield opened
    for page in pages:
        page.close()
    assert not errors


def state(page, wanted: str, panel: str = ANSWER) -> None:
    page.locator(f'{panel}[data-state="{wanted}"]').wait_for()


def money(server: Server, **changed: object) -> str:
    record = PERSON | {"age": 39, "bmi": 30.4, "children": 1, "region": "southeast"} | changed
    answered = server.post("/predict", json={"records": [record]}).json()["predictions"][0]
    return f"{answered['prediction']:,.0f}"


def shown(page) -> str:
    return page.locator("main").inner_text()


def age(page):
    return page.locator(".slip-typed :is(input, textarea)").first


HTML = "<!doctype html><title>404</title><h1>nginx</h1>"
FAILURES = {
    "404": ("failed", lambda route: route.fulfill(status=404, body=HTML, content_type="text/html")),
    "400": ("failed", lambda route: route.fulfill(status=400, body='{"error": "x", "details": []}')),
    "429": ("failed", lambda route: route.fulfill(status=429, body="slow down")),
    "500": ("failed", lambda route: route.fulfill(status=500, body='{"detail": "Internal Server Error"}')),
    "503": ("lost", lambda route: route.fulfill(status=503, body="")),
    "a page": ("unread", lambda route: route.fulfill(status=200, body=HTML, content_type="text/html")),
    "an error": ("unread", lambda route: route.fulfill(status=200, body='{"error": "no model"}')),
    "another answer": ("unread", lambda route: route.fulfill(status=200, body='{"data": ["$1"]}')),
    "nothing": ("unread", lambda route: route.fulfill(status=200, body="")),
    "cut off": ("lost", lambda route: route.abort("connectionreset")),
    "refused": ("lost", lambda route: route.abort("connectionrefused")),
    "blocked": ("lost", lambda route: route.abort("blockedbyclient")),
}


@pytest.fixture(scope="module")
def compared(context_of, insurance_server):
    """Pages by their language, each with an answer that is compared; and the calls of each."""
    made, errors = {}, []
    for language in ("en", "zh"):
        page = context_of().new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        calls = Calls(page)
        page.goto(f"{insurance_server.url}/ui/{language}/")
        page.locator(".slip-falls").wait_for()
        page.locator('[data-tool="compare"]').click()
        page.locator(".slip-compare table").wait_for()
        made[language] = page, calls
    yield made
    for page, _ in made.values():
        page.close()
    assert not errors


@pytest.mark.parametrize("name", FAILURES)
def test_a_call_that_fails_empties_the_answer_and_says_so_until_there_is_one(compared, insurance_server, name):
    kind, spoil = FAILURES[name]
    language = ("en", "zh")[len(name) % 2]
    page, calls = compared[language]
    address, now = page.url, age(page).input_value()
    before = money(insurance_server, age=int(now))
    assert before in page.locator(ANSWER).inner_text()

    calls.act = spoil
    age(page).fill("50")
    state(page, "failed")

    words = catalogue(language).text(f"online.{kind}", status=name)
    page.get_by_role("alert").get_by_text(words, exact=True).wait_for()
    for panel in (ANSWER, '[data-live="why"]', '[data-live="whatif"]'):
        state(page, "failed", panel)
        assert page.locator(panel).inner_text().endswith(catalogue(language).text("page.unanswered"))
        assert before not in page.locator(panel).inner_text()
    now = page.locator(".slip-compare tbody td:last-child").all_inner_texts()
    assert set(now) == {"…"} and page.locator(".slip-fault:visible").count() == 0
    page.locator('[data-tool="link"]').click()
    assert page.locator(".slip-tools [role=status]").inner_text() == catalogue(language).text("page.unanswered")
    assert page.url == address
    calls.act = None
    age(page).fill("51")
    state(page, "")
    assert money(insurance_server, age=51) in page.locator(".slip-sentence").inner_text()
    state(page, "", '[data-live="why"]')
    page.locator(".slip-notice:empty").wait_for(state="attached")


def test_a_value_that_the_server_fails_on_does_not_keep_the_next_one_from_being_answered(opened, insurance_server):
    page, calls = opened(insurance_server)

    calls.act = lambda route: (
        route.fulfill(status=500, body="{}") if '"data":["20",' in route.request.post_data else route.continue_()
    )
    age(page).fill("20")
    state(page, "failed")
    age(page).fill("50")

    says(page, f"Expected bill: ${money(insurance_server, age=50)} a year")
    state(page, "")
    page.locator(".slip-falls", has_text="Age: 50").wait_for()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_answer_that_is_late_marks_the_old_one_and_takes_its_place(opened, insurance_server, language):
    page, calls = opened(insurance_server, f"/ui/{language}/")
    kicker = page.locator(".slip-kicker")
    assert page.locator(ANSWER).get_attribute("aria-busy") != "true"

    calls.hold()
    age(page).fill("20")
    state(page, "old")

    assert kicker.inner_text() == catalogue(language).text("page.heading_old")
    assert page.locator(ANSWER).get_attribute("aria-busy") == "true"
    opacity = "node => Number(getComputedStyle(node).opacity)"
    assert page.locator(".slip-sentence").evaluate(opacity) < 0.5 and kicker.evaluate(opacity) == 1
    for panel in ('[data-live="why"]', '[data-live="whatif"]'):
        state(page, "old", panel)
        assert page.locator(panel).inner_text().startswith(catalogue(language).text("page.earlier"))
    page.locator('[data-tool="link"]').click()
    assert page.locator(".slip-tools [role=status]").inner_text() == catalogue(language).text("page.wait")
    page.emulate_media(media="print")
    assert money(insurance_server) not in shown(page) and catalogue(language).text("page.unanswered") in shown(page)
    page.emulate_media(media="screen")
    calls.release()
    state(page, "")
    assert money(insurance_server, age=20) in page.locator(".slip-sentence").inner_text()
    assert kicker.inner_text() == catalogue(language).text("page.heading_part", count=1, all=6)
    assert page.locator(ANSWER).get_attribute("aria-busy") == "false"


def test_an_answer_to_outdated_values_is_not_shown_as_the_current_one(opened, insurance_server):
    page, calls = opened(insurance_server)
    calls.hold()
    age(page).fill("20")
    state(page, "old")
    age(page).fill("50")

    first, calls.held = calls.held[0], calls.held[1:]
    first.continue_()
    page.locator(".slip-sentence", has_text=money(insurance_server, age=20)).wait_for()

    state(page, "old")
    assert page.locator(".slip-kicker").inner_text() == catalogue("en").text("page.heading_old")
    calls.release()
    state(page, "")
    says(page, f"Expected bill: ${money(insurance_server, age=50)} a year")


def test_an_answer_that_a_newer_call_has_overtaken_is_dropped(opened, insurance_server):
    page, calls = opened(insurance_server)
    calls.hold()
    body = json.dumps({"fn_index": 1, "data": [*PERSON.values(), "[]"], "session_hash": "x"})
    page.evaluate(
        """body => { const ask = () => fetch(location.pathname + "gradio_api/run/predict", { method: "POST", body,
          headers: { "Content-Type": "application/json" } }).then((answer) => answer.json());
        window.overtaken = [ask(), ask()]; }""",
        body,
    )
    page.wait_for_function("() => window.overtaken")

    while len(calls.held) < 2:
        page.wait_for_timeout(20)
    for route in reversed(calls.held):
        route.continue_()
    first, second = page.evaluate("Promise.all(window.overtaken)")

    assert all(one == {"__type__": "update"} for one in first["data"])
    assert "slip-answer" in second["data"][0]


def test_a_call_that_never_ends_is_given_up_and_said(opened, insurance_server):
    page, calls = opened(insurance_server)
    calls.hold()
    page.evaluate("""() => { window.later = []; const passed = window.setTimeout;
      window.setTimeout = (act, time, ...rest) => time === 60000 ? later.push(act) : passed(act, time, ...rest); }""")
    age(page).fill("20")
    state(page, "old")

    page.evaluate("later.forEach((act) => act())")

    page.get_by_role("alert").get_by_text(catalogue("en").text("online.slow"), exact=True).wait_for()
    state(page, "failed")
    calls.release()
    says(page, f"Expected bill: ${money(insurance_server, age=20)} a year")


def test_the_threshold_and_its_counts_are_marked_and_emptied_as_well(opened, diabetes_server):
    page, calls = opened(diabetes_server)
    counts = page.locator('[data-live="counts"]')
    assert "At a threshold of 30%" in counts.inner_text()
    calls.hold()

    page.locator(".slip-threshold input[type=range]").fill("0.1")

    state(page, "old")
    state(page, "old", '[data-live="counts"]')
    assert counts.inner_text().startswith(catalogue("en").text("page.earlier"))
    state(page, "", '[data-live="why"]')  # which does not depend on it
    for route in calls.held:
        route.fulfill(status=404, body=HTML)
    calls.act = FAILURES["404"][1]
    state(page, "failed")
    state(page, "failed", '[data-live="counts"]')
    assert counts.inner_text() == catalogue("en").text("page.unanswered")
    calls.act = None
    page.locator(".slip-threshold input[type=range]").fill("0.2")
    state(page, "")
    state(page, "", '[data-live="counts"]')
    assert "At a threshold of 20%" in counts.inner_text()
    assert "20%" in page.locator(".slip-verdict").inner_text()


def test_a_tab_that_could_not_be_loaded_says_so_and_comes_later(opened, insurance_server):
    page, calls = opened(insurance_server)
    calls.act = FAILURES["500"][1]

    page.get_by_role("tab", name="Model").click()

    page.get_by_role("alert").get_by_text(catalogue("en").text("online.failed", status=500)).wait_for()
    calls.act = None
    page.locator(".slip-model h2").first.wait_for()


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "For the values shown"), ("zh", "根据所示的输入内容")],
    ids=["en", "zh"],
)
def test_nobody_is_said_to_have_entered_what_was_there_before(opened, insurance_server, language, words):
    page, _ = opened(insurance_server, f"/ui/{language}/#age=44&sex=martian&bmi=abc")

    page.locator(".slip-replaced li").first.wait_for()
    state(page, "")

    assert page.locator(".slip-kicker").inner_text() == words
    assert not re.search("entered|输入的数值", shown(page))


def test_an_earlier_values_fault_disappears_when_the_next_call_fails(opened, insurance_server):
    page, calls = opened(insurance_server)
    age(page).fill("200")
    page.locator(".slip-fault p").wait_for()

    calls.act = FAILURES["404"][1]
    age(page).fill("50")
    state(page, "failed")

    assert "200 is not possible" not in shown(page) and catalogue("en").text("page.correct") not in shown(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_without_an_answer(opened, insurance_server, scheme):
    page, calls = opened(insurance_server, color_scheme=scheme, reduced_motion="reduce")
    calls.act = FAILURES["404"][1]
    age(page).fill("50")
    state(page, "failed", '[data-live="whatif"]')

    assert axe_faults(page) == []


# --- batch ---

TABLE = "age,sex,bmi,children,smoker,region\n40,male,25,0,no,southwest\n"


@pytest.fixture(scope="module")
def batch(context_of, insurance_server):
    """A page whose batch tab is open, and the field that takes its file."""
    page, errors = context_of().new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{insurance_server.url}/ui/en/")
    page.get_by_role("tab", name="Batch").click()
    yield page, page.locator('.slip-drop input[type="file"]')
    page.close()
    assert not errors


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (404, HTML, "text/html", catalogue("en").text("batch.failed", status=404)),
        (413, HTML, "text/html", catalogue("en").text("batch.failed", status=413)),
        (404, '{"detail": "Not Found"}', "application/json", catalogue("en").text("batch.failed", status=404)),
        (500, "null", "application/json", catalogue("en").text("batch.failed", status=500)),
        (200, HTML, "text/html", catalogue("en").text("batch.unanswered", name="new.csv", status=200)),
        (
            200,
            '{"error": "x"}',
            "application/json",
            catalogue("en").text("batch.unanswered", name="new.csv", status=200),
        ),
        (200, "a,b\n1,2\n", "text/csv", catalogue("en").text("batch.unanswered", name="new.csv", status=200)),
    ],
    ids=["404", "too long for a proxy", "404 in JSON", "null", "a page", "an error", "another table"],
)
def test_a_file_that_is_not_answered_leaves_no_table_of_another(batch, status, body, kind, said):
    page, file = batch
    page.unroute("**/predict_csv?*")
    file.set_input_files({"name": "old.csv", "mimeType": "text/csv", "buffer": TABLE.encode()})
    page.locator(".slip-batch-result table").wait_for()

    page.route("**/predict_csv?*", lambda route: route.fulfill(status=status, body=body, content_type=kind))
    file.set_input_files({"name": "new.csv", "mimeType": "text/csv", "buffer": TABLE.encode()})

    page.locator(".slip-batch-status", has_text=said).wait_for()
    assert page.locator(".slip-batch-result").inner_text() == ""
