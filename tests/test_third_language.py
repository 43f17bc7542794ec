"""A language more is one file: a server of a copy of the package, to which a catalogue was added.

The language is made up: English in brackets, with numbers and dates as German has them.
"""

import json
import re
import shutil
from collections.abc import Iterator
from io import BytesIO

import pytest
from babel.messages.pofile import read_po, write_po

from tests.catalogue_checks import faults
from tests.conftest import HOME, PERSON, ROOT, Server, serve

pytestmark = pytest.mark.slow

CATALOGUES = "slipway/i18n/locales"


def bracketed(english: bytes) -> bytes:
    """The English catalogue with every text in ⟦ ⟧, so that one sees which it is."""
    catalog = read_po(BytesIO(english.replace(b"Language: en", b"Language: de")))
    for message in catalog:
        if message.id:
            forms = message.string if isinstance(message.string, tuple) else (message.string,)
            marked = tuple(f"⟦{form}⟧" for form in forms)
            message.string = marked if message.pluralizable else marked[0]
    written = BytesIO()
    catalog.fuzzy = False
    write_po(written, catalog)
    return written.getvalue()


@pytest.fixture(scope="module")
def server(insurance: str) -> Iterator[Server]:
    folder = HOME / "third"
    shutil.copytree(ROOT / "slipway", folder / "slipway", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("service.py", "gradio_app.py"):
        shutil.copy(ROOT / name, folder / name)
    english = (ROOT / CATALOGUES / "en.po").read_bytes()
    (folder / CATALOGUES / "de.po").write_bytes(bracketed(english))
    assert faults(folder / CATALOGUES) == []
    with serve("--arg", f"model={insurance}", cwd=folder) as server:
        yield server


def test_its_page_is_served_and_linked_to(server):
    page, chosen = server.get("/ui/de/"), server.get("/ui/", headers={"Accept-Language": "de-AT, zh;q=0.5"})
    english = server.get("/ui/en/").text

    for found in (page.text, chosen.text):
        assert '<html lang="de"' in re.sub(r"\s+", " ", found)
        assert all(f'"⟦{name}⟧"' in found for name in ("Predict", "Batch", "Data", "Model", "Reset"))
    assert "⟦" not in english
    head = english.replace('\\"', '"').replace("\\u003e", ">").replace("\\u003c", "<")
    links = re.findall(r'data-language="(\w+)" lang="([\w-]+)">(.*?)</a>', head)
    assert links == [("de", "de", "Deutsch"), ("zh", "zh-CN", "中文")]


def test_it_is_a_language_of_the_api(server):
    refused = server.post("/predict?lang=de", json={"records": []})
    faulty = server.post("/predict?lang=de", json={"records": [PERSON | {"age": "x"}]})

    assert refused.json()["error"].startswith("⟦`records` is empty; ")
    assert faulty.json()["details"][0]["problem"] == "⟦wrong type⟧"
    assert "de" in json.dumps(server.get("/docs.json").json())
    assert server.get("/model/card?lang=de").text == server.get("/model/card").text, "it was made before"


@pytest.mark.browser
def test_a_browser_shows_it_with_its_plurals_and_numbers(open_page, server):
    page = open_page(server, "/ui/de/", locale="de")
    row = ",".join(map(str, PERSON.values()))

    assert page.locator(".slip-kicker .slip-fresh").inner_text().startswith("⟦Example: ")
    page.get_by_role("tab", name="⟦Batch⟧").click()
    for count, said in (
        (1, "⟦1 of 1 row of one.csv predicted⟧"),
        (1200, "⟦1.200 of 1.200 rows of one.csv predicted⟧"),
    ):
        path = HOME / "one.csv"
        path.write_text("\n".join([",".join(PERSON), *[row] * count, ""]))
        page.set_input_files(".slip-drop input", path)
        page.locator(".slip-done", has_text=said).wait_for()
    page.get_by_role("tab", name="⟦Model⟧").click()
    page.locator(".slip-model").wait_for()
    assert "⟦1.338 rows: 936 to compare and choose, 402 held out;" in page.locator(".slip-model").inner_text()
    page.get_by_role("link", name="中文").click()
    page.get_by_role("tab", name="批量").wait_for()
