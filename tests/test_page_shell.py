"""The frame of the page: its document, its files, an unavailable server, the keyboard."""

import json
from html.parser import HTMLParser
from types import SimpleNamespace

import gradio as gr
import pytest
from fastapi import FastAPI

from slipway.i18n import formats
from slipway.i18n.catalogues import catalogue
from slipway.inference import frames
from slipway.page import _gradio
from slipway.page.context import PageContext
from slipway.page.shell.document import Document
from slipway.schema.texts import ModelTexts
from tests.conftest import free_port, pipeline, says, serve, settled


class Tags(HTMLParser):
    """The tags of a document with their attributes, and its title."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.title: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.found and self.found[-1][0] == "title":
            self.title.append(data.strip())

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    def meta(self, name: str) -> list[str | None]:
        return [one["content"] for one in self.of("meta") if name in (one.get("name"), one.get("property"))]


def version(tag: str, title: str = "", summary: str = "") -> SimpleNamespace:
    """What a document reads of a version."""
    texts = ModelTexts(title={"en": title}, summary={"en": summary})
    return SimpleNamespace(tag=tag, schema=lambda: SimpleNamespace(texts=texts))


@pytest.mark.parametrize(
    ("path", "accepted", "language", "title"),
    [
        ("/ui/", "de", "en", "Hospital charges"),
        ("/ui/", "zh-CN,zh;q=0.9", "zh-CN", "住院费用"),
        ("/ui/en/", "zh", "en", "Hospital charges"),
        ("/ui/zh/", "en", "zh-CN", "住院费用"),
    ],
)
def test_the_document_says_its_language_its_title_and_what_a_link_to_it_leads_to(
    insurance_server, insurance, path, accepted, language, title
):
    answer = insurance_server.get(path, headers={"Accept-Language": accepted})
    document = Tags(answer.text)

    summary = pipeline(insurance)[1].texts.summary[language[:2]]
    assert document.of("html")[0]["lang"] == language and title in document.title
    assert document.meta("og:title") == [title] and document.meta("og:type") == ["website"]
    assert document.meta("description") == document.meta("og:description") == [summary]
    assert int(answer.headers["content-length"]) < len(answer.content) // 4, "it is compressed"
    assert answer.headers["vary"] == "Accept-Language, Accept-Encoding"


def test_nothing_in_the_document_points_to_another_host(insurance_server):
    document = Tags(insurance_server.get("/ui/").text)

    addresses = [one[key] for _, one in document.found for key in ("href", "src", "content", "action") if one.get(key)]

    assert [one for one in addresses if "//" in one] == [] and len(addresses) > 50
    assert not [one for one in document.of("link") if one["rel"] in ("preconnect", "dns-prefetch", "manifest")]


def test_a_title_with_tags_in_it_is_a_text_of_the_document():
    with gr.Blocks() as page:
        gr.Textbox()
    gr.mount_gradio_app(FastAPI(), page, path="/")

    html = Document(
        page, PageContext(version("odd:1", "</title><script>1</script>", '"><script>2</script>'), "en")
    ).rewritten('<html lang="en"><base href="./" /><meta property="og:title" content="Gradio" /><script>3</script>')

    found = Tags(html)
    assert "<script>1" not in html and "<script>2" not in html and html.endswith("<script>3</script>")
    assert found.meta("og:description") == ['"><script>2</script>'] and "Gradio" not in html.split("<script>3")[0][-99:]


def test_a_file_of_the_front_end_is_compressed_and_kept_by_browsers_for_good(insurance_server):
    name = _gradio.needed(["html"])[0]

    answer = insurance_server.get(f"/ui/assets/{name}")

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == (_gradio.FRONTEND / "assets" / name).read_bytes()


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("BR;q=0.5", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip;q=1.0", "gzip"),
        ("br; q=0.000,gzip ; q=0.5", "gzip"),
        ("brotli, x-gzip", None),
        ("gzip;q=0", None),
        ("identity", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("path", ["/ui/en/", "/ui/assets/{name}"])
def test_a_file_comes_in_the_best_coding_that_the_browser_takes(insurance_server, path, accepted, coding):
    path = path.format(name=_gradio.needed(["html"])[0])
    plain = insurance_server.get(path, headers={"Accept-Encoding": "identity"})

    answer = insurance_server.get(path, headers={"Accept-Encoding": accepted})

    assert answer.headers.get("content-encoding") == coding
    assert answer.content == plain.content and len(plain.content) == int(plain.headers["content-length"])
    assert (int(answer.headers["content-length"]) < len(plain.content) / 2) == (coding is not None)


@pytest.mark.parametrize("path", ["assets/none.js", "assets/..%2Findex.html", "assets/%2E%2E/index.html", "assets/"])
def test_no_other_file_is_to_be_had(insurance_server, path):
    assert insurance_server.get(f"/ui/{path}").status_code == 404


def test_pages_of_two_versions_are_two_editions_and_of_one_version_one():
    with gr.Blocks() as page:
        gr.Textbox()
    gr.mount_gradio_app(FastAPI(), page, path="/")

    first, again, other = (Document(page, PageContext(version(tag), "en")).edition for tag in ("a:1", "a:1", "a:2"))

    assert first == again != other


def test_an_event_of_another_edition_of_the_page_is_refused(insurance_server):
    page = Tags(insurance_server.get("/ui/en/").text)
    (data,) = page.meta("slipway-page")

    answers = [
        insurance_server.post(
            "/ui/en/gradio_api/run/predict", json={"fn_index": 99999, "data": []}, headers={"X-Page-Edition": edition}
        )
        for edition in (json.loads(data)["edition"], "other")
    ]

    assert [answer.status_code for answer in answers] == [400, 409]


@pytest.mark.browser
def test_every_file_that_the_first_view_loads_is_named_in_the_document(open_page, diabetes_server):
    named = {one["href"] for one in Tags(diabetes_server.get("/ui/en/").text).of("link")}
    page = open_page(diabetes_server, "/ui/en/")

    loaded = page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")

    files = {one.rpartition("/")[2] for one in loaded if "/assets/" in one}
    assert len(files) > 40 and files <= {one.rpartition("/")[2] for one in named if "assets/" in one}


@pytest.mark.slow
@pytest.mark.browser
def test_a_server_that_restarts_loses_nothing_that_was_typed(browser, insurance):
    port, arguments = free_port(), ("--arg", f"model={insurance}")
    fitted, schema = pipeline(insurance)
    record = {field.name: field.default for field in schema.fields}
    wanted = fitted.predict(frames.frame(schema, schema.columns([record | {"age": 52}])))[0]
    page = browser.new_page()
    try:
        with serve(*arguments, port=port) as server:
            page.goto(f"{server.url}/ui/en/")
            page.locator(".slip-sentence").wait_for()
            before = page.locator(".slip-sentence").inner_text()

        page.get_by_label("Age (years)").fill("51")
        page.get_by_role("alert").get_by_text(catalogue("en").text("online.lost")).wait_for()
        page.get_by_label("Age (years)").fill("52")

        assert not page.locator(".slip-sentence").is_visible() and str(round(wanted)) not in before
        assert page.get_by_text("Connection to the server was lost").count() == 0
        with serve(*arguments, port=port):
            says(page, f"Expected bill: ${wanted:,.0f} a year")
            page.get_by_text(catalogue("en").text("online.lost")).wait_for(state="detached")
            assert page.get_by_label("Age (years)").input_value() == "52"
            page.close()
    finally:
        page.close()


@pytest.mark.browser
def test_a_page_of_another_edition_than_the_servers_says_so_and_offers_to_reload(browser, diabetes_server):
    page = browser.new_page(locale="zh-CN")
    try:
        page.goto(f"{diabetes_server.url}/ui/")
        glucose = page.get_by_label("血糖 (mg/dL)", exact=True)
        glucose.fill("110")
        page.locator('.slip-answer[data-fragment*="Glucose=110"]').wait_for()
        page.route(
            "**/run/predict", lambda route: route.continue_(headers=route.request.headers | {"x-page-edition": "0"})
        )

        glucose.fill("120")

        page.get_by_role("alert").get_by_text(catalogue("zh").text("online.changed")).wait_for()
        assert not page.locator(".slip-sentence").is_visible()
        page.unroute("**/run/predict")
        with page.expect_navigation():
            page.get_by_role("button", name=catalogue("zh").text("online.reload")).click()
        page.locator(".slip-sentence").wait_for()
        page.locator('.slip-answer[data-fragment*="Glucose=120"]').wait_for()  # which had no answer yet
        assert glucose.input_value() == "120"
        assert page.get_by_role("alert").get_by_text(catalogue("zh").text("online.changed")).count() == 0
    finally:
        page.close()


FOCUSED = """() => {
  const seen = (node) => { const found = getComputedStyle(node);
    return found.outlineStyle !== "none" && parseFloat(found.outlineWidth) >= 2 && found.visibility === "visible"; };
  const node = document.activeElement;
  const box = (node.closest("label, .wrap") ?? node).getBoundingClientRect();
  return node === document.body ? null : {
    name: node.getAttribute("aria-label") ?? node.closest("fieldset")?.getAttribute("aria-label") ?? node.innerText,
    seen: seen(node) || Boolean(node.closest(".wrap") && seen(node.closest(".wrap"))),
    size: Math.min(box.width, box.height), top: box.top + scrollY };
}"""


def tabbed(page) -> list[dict[str, object]]:
    """What the Tab key comes by, from the top of the page to its end."""
    page.evaluate("() => { document.activeElement.blur(); window.getSelection().removeAllRanges(); }")
    found = []
    for _ in range(100):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        found.append(focused)
    return found


@pytest.mark.browser
def test_everything_can_be_reached_and_used_by_keyboard_with_visible_focus(open_page, insurance_server, insurance):
    page = open_page(insurance_server, "/ui/en/")
    schema = pipeline(insurance)[1]

    way = tabbed(page)

    names = [one["name"] for one in way]
    labels = [formats.field_label(field, "en") for field in schema.fields]
    assert [one for one in way if not one["seen"]] == [] and [one for one in way if one["size"] < 24] == []
    assert [names.index(label) for label in labels] == sorted(names.index(label) for label in labels)
    assert names.index("Predict") < names.index("Smoker aged 50") < names.index(labels[0]) < names.index("Reset")
    page.get_by_role("button", name="Smoker aged 50").focus()
    page.keyboard.press("Enter")
    page.locator(".slip-falls", has_text="Smoker: Yes").wait_for()
    page.get_by_role("radiogroup", name="Smoker").get_by_label("Yes").focus()
    page.keyboard.press("ArrowLeft")
    page.locator(".slip-falls", has_text="Smoker: No").wait_for()
    assert page.get_by_role("radiogroup", name="Smoker").get_by_label("No", exact=True).is_checked()
    page.get_by_label("Change one input, keep the rest").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="Model").focus()
    page.keyboard.press("Enter")
    page.get_by_role("tabpanel").locator("h2, h3").first.wait_for()
    assert [one for one in tabbed(page) if not one["seen"]] == []


@pytest.mark.browser
def test_nothing_moves_with_reduced_motion(open_page, insurance_server):
    page = open_page(insurance_server, reduced_motion="reduce")

    moving = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((node) => {
          const found = getComputedStyle(node);
          return [found.animationDuration, found.transitionDuration].some((time) => parseFloat(time) > 0.001);
        }).length"""
    )

    assert moving == 0


COUNTED = """window.copies = 0;
window.structuredClone = ((copied) => (...given) => { window.copies += 1; return copied(...given); })(window.structuredClone);"""


@pytest.mark.browser
def test_a_change_copies_nothing_that_is_its_own_copy(open_page, insurance_server):
    page = open_page(insurance_server)
    page.context.add_init_script(COUNTED)
    page.reload()
    settled(page)
    page.evaluate("() => { window.copies = 0; }")

    page.get_by_label("Age (years)").fill("61")
    settled(page)

    assert page.evaluate("() => window.copies") < 500
    copied = page.evaluate(
        "() => { const one = { when: new Date(7), of: [1] }; const two = structuredClone(one);"
        " return [two.when - 0, two.of, two === one, two.of === one.of, structuredClone(null)]; }"
    )
    assert copied == [7, [1], False, False, None]
    assert (
        page.evaluate("() => { try { structuredClone(() => 1); } catch (fault) { return fault.name; } }")
        == "DataCloneError"
    )
