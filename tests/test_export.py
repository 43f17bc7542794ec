"""`slipway export MODEL --html FILE`: the page, in Chromium, says what the server says, and asks nobody."""

import json
import random
import re
import sys
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from slipway import store
from slipway.cli.main import main
from slipway.inference.predictor import Predictor
from slipway.page.context import PageContext
from slipway.page.predict import answer as served_answer
from slipway.page.predict import whatif
from slipway.publish.offline import document as offline
from slipway.publish.offline.document import LARGEST
from slipway.schema.sampling import draw_outside, draw_records
from slipway.store import Version
from tests.conftest import HOME, ROOT, SCREEN, shared
from tests.test_axe import faults as axe_faults

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MARKUP = "</script><img src=x onerror=document.title='broken'>"
ODD = ("name", "סוג", MARKUP, "a\"b'c & <b>", "مرحبا", "普通", "")


def odd_table(folder: Path) -> Path:
    """Names and categories that are HTML, Hebrew, Arabic or empty; dates, times, booleans, gaps, a sentinel; three classes."""
    rng = random.Random(3)
    rows = []
    for _ in range(240):
        kind, day, hour = rng.choice(ODD[1:]), rng.randint(1, 28), rng.randint(0, 23)
        amount = rng.choice(["", "-1", f"{rng.uniform(0, 20):.2f}"])
        score = ODD.index(kind) + (float(amount) if amount not in ("", "-1") else 5) / 10 + hour / 24
        label = ["<i>low</i>", "גבוה", "mid"][min(2, int(score / 2.6))]
        rows.append(
            {
                "<b>kind</b>": kind,
                "__proto__": rng.choice(["x", "y", "z", "u", "v"]),
                "day": f"2024-{rng.randint(1, 12):02}-{day:02}",
                "at": f"2023-05-{day:02}T{hour:02}:30:00",
                "clock": f"{hour:02}:{rng.randint(0, 59):02}",
                "flag": rng.choice(["true", "false"]),
                "amount": amount,
                "whole": rng.randint(0, 12),
                "code": rng.choice([1, 2, 5]),
                "tensor": rng.choice(["", "0.5", "0.75"]),
                "class": label,
            }
        )
    path = folder / "odd.json"
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def odd() -> str:
    """The tag of a model with odd texts, more than eight fields, and no trees."""
    case = HOME / "odd.yaml"
    case.write_text(
        f"name: odd\ndata: {{file: {odd_table(HOME)}}}\ntarget: {{column: class}}\n"
        "abstain: {cases: 20, classes: 1}\n"
        "missing: {amount: -1}\nfields: {code: {kind: category}}\ntraining: {include: [lr], folds: 2}\n"
    )
    return shared("odd", str(case))


def exported(tag: str, folder: Path) -> Path:
    path = folder / f"{tag.replace(':', '-')}.html"
    assert main(["export", tag, "--html", str(path)]) == 0
    return path


@pytest.fixture
def opened(browser):
    """Opens a file without a network, and fails at the end on errors, on any request but that for the file, and on what was kept."""
    faults, contexts = [], []

    def opened(path: Path, **options):
        context = browser.new_context(**{"viewport": SCREEN, "locale": "en-US", "offline": True} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda one: None if one.url == path.as_uri() else faults.append(one.url))
        page.goto(path.as_uri())
        page.locator("#page, #start, #too-old").and_(page.locator(":visible")).first.wait_for()
        return page

    yield opened
    assert not [cookie for context in contexts for cookie in context.cookies()]
    for context in contexts:
        context.close()
    assert not faults


def asked(page, call: str, records: list[dict]) -> list:
    """What a function of the page gives for each record; as JSON, in which `__proto__` is a name like any other."""
    script = f"(text) => Promise.all(JSON.parse(text).map((record) => window.slipway.{call}(record)))"
    return page.evaluate(script, json.dumps(records))


def off(found: float, wanted: float) -> float:
    return abs(found - wanted) / max(1.0, abs(wanted))


def check(page, predictor: Predictor, records: list[dict]) -> float:
    """The page's predictions for records are the server's; the largest difference of a number."""
    found = asked(page, "predict", records)
    largest = 0.0
    for record, one, wanted in zip(records, found, predictor.answer(records)["predictions"], strict=True):
        assert "faults" not in one, (record, one)
        if predictor.schema.target.classes:
            assert one["prediction"] == wanted["prediction"], record
            assert one["prediction_set"] == wanted["prediction_set"]
            pairs = [(one["probabilities"][key], share) for key, share in (wanted["probabilities"] or {}).items()]
        else:
            pairs = [(one["prediction"], wanted["prediction"])]
            pairs += [(one["interval"][end], wanted["interval"][end]) for end in ("low", "high", "coverage")]
        largest = max([largest, *(off(*pair) for pair in pairs)])
        assert (one["support"], one["abstain"]) == (wanted["support"], wanted["abstain"])
        codes = [(warning["code"], warning["field"]) for warning in one["warnings"]]
        assert codes == [(str(warning.code), warning.field) for warning in wanted["warnings"]]
    return largest


@pytest.mark.parametrize("case", ["insurance", "diabetes", "odd", "bare"])
def test_the_page_answers_golden_and_other_records_as_the_server_does(request, tmp_path, opened, case):
    version = store.find(request.getfixturevalue(case))
    predictor, schema, golden = store.load_predictor(version), version.schema(), version.golden()
    path = exported(version.tag, tmp_path)

    page = opened(path)
    stored = asked(page, "predict", list(golden.records))

    assert path.stat().st_size <= LARGEST
    for one, wanted in zip(stored, golden.predictions, strict=True):
        if not schema.target.classes:
            assert off(one["prediction"], wanted.prediction) <= 1e-9
            assert off(one["interval"]["low"], wanted.interval.low) <= 1e-9
        else:
            assert one["prediction"] == wanted.prediction
            shares = (wanted.probabilities or {}).items()
            assert all(off(one["probabilities"][key], share) <= 1e-9 for key, share in shares)
    others = [*draw_records(schema, 100, 5), *draw_outside(schema, 40, 6), schema.example()]
    assert check(page, predictor, others) <= 1e-9
    assert page.title() != "broken"


@pytest.mark.parametrize("case", ["insurance", "diabetes", "odd"])
def test_the_reasons_are_those_of_the_server(request, tmp_path, opened, case):
    version = store.find(request.getfixturevalue(case))
    explainer = store.load_explainer(version, store.load_predictor(version))
    page = opened(exported(version.tag, tmp_path))

    for record in [version.schema().example(), *draw_records(version.schema(), 2, 9)]:
        (found,) = asked(page, "explain", [record])
        wanted = explainer.explain(record)

        assert off(found["base"], wanted["base"]) <= 1e-9
        for one, other in zip(found["contributions"], wanted["contributions"], strict=True):
            assert off(one, other["contribution"]) <= 1e-9


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("case", ["insurance", "diabetes", "odd"])
def test_the_page_says_it_in_the_words_of_the_served_one(request, tmp_path, opened, case, language):
    version = store.find(request.getfixturevalue(case))
    context = PageContext(version, language)
    prediction = store.load_predictor(version).answer([version.schema().example()])["predictions"][0]

    page = opened(exported(version.tag, tmp_path), locale={"en": "en-GB", "zh": "zh-CN"}[language])
    text = page.locator("#page").inner_text()

    assert page.locator("#answer .sentence").inner_text() == served_answer.sentence(context, prediction)
    said = [served_answer.interval(context, prediction), served_answer.band(context, prediction)]
    said += [context.problem(warning) for warning in prediction["warnings"]]
    said += [context.field_label(field) for field in version.schema().fields]
    assert [one for one in said if one and one not in text] == []
    assert context.day(version.created.date()) in text


@pytest.mark.parametrize("example", ["insurance", "diabetes"])
def test_the_pages_of_the_repository_answer(example, opened):
    page = opened(ROOT / "examples" / f"{example}.html")
    page.locator(".falls li").first.wait_for()

    assert re.search(r"\d", page.locator("#answer .sentence").inner_text())


def test_the_curve_has_the_values_and_predictions_of_the_served_one(odd, insurance, tmp_path, opened):
    for tag in (odd, insurance):
        version = store.find(tag)
        schema = version.schema()
        context = PageContext(version, "en")
        predictor = store.load_predictor(version)
        page = opened(exported(tag, tmp_path))
        now = predictor.answer([schema.example()])["predictions"][0]["prediction"]
        for field in whatif.choosable(schema):
            page.locator("#what-if-field").select_option(field.name)
            values, records = whatif.records(field, schema.example())
            predictions = predictor.answer(records)["predictions"]
            markup = whatif.render(context, field, schema.example()[field.name], values, predictions, now)
            if field.categories:
                shown = page.locator("#what-if-body .bar").all_inner_texts()
                assert len(shown) == len(values)
            else:
                assert page.locator("#what-if-body .small").last.inner_text() in str(markup.striptags())


def test_what_is_typed_is_read_and_refused_in_the_words_of_the_served_page(insurance, odd, tmp_path, opened):
    page = opened(exported(insurance, tmp_path))
    age = page.get_by_label("Age (years)")
    told = page.locator(".field").filter(has=age).locator(".note")
    said = {}
    for typed in ("forty", "40.5", "", "-3", "90", "４１", "41 years"):
        age.fill(typed)
        said[typed] = told.inner_text(), page.locator("#answer .sentence").inner_text()

    assert said["forty"][0] == "“forty” is not a number. Expected a number such as 39 years."
    assert said["40.5"][0] == "40.5 is not a whole number. Expected a number such as 39 years."
    assert said[""][0] == "Please fill this in."
    assert "is not possible here" in said["-3"][0]
    assert {said[typed][1] for typed in ("forty", "40.5", "", "-3")} == {"Please correct the highlighted fields."}
    assert said["４１"][1] == said["41 years"][1] != said["90"][1]
    assert said["41 years"][0] == "Read as 41 years."
    age.fill("90")
    assert page.locator(".warnings li").inner_text().startswith("Age: 90 is outside what the model has seen")
    age.press("ArrowDown")
    assert age.input_value() == "89"

    page = opened(exported(odd, tmp_path))
    page.get_by_label("Amount", exact=True).fill("-1")
    assert "Amount: -1 is read as not measured." in page.locator(".warnings").inner_text()
    page.get_by_label("Day", exact=True).fill("")
    assert page.locator("#answer .sentence").inner_text() == "Please correct the highlighted fields."
    page.get_by_label("Day", exact=True).fill("2024-02-29")
    assert page.get_by_text(MARKUP, exact=True).count()


def test_not_measured_empties_a_field_and_the_other_language_keeps_it(diabetes, tmp_path, opened):
    version = store.find(diabetes)
    page = opened(exported(diabetes, tmp_path))
    page.locator(".field", has_text="Insulin").get_by_label("Not measured").check()
    page.get_by_role("button", name="中文").click()

    wanted = store.load_predictor(version).answer([version.schema().example() | {"Insulin": None}])["predictions"][0]
    assert page.locator("#answer .sentence").inner_text() == served_answer.sentence(PageContext(version, "zh"), wanted)
    assert page.locator("html").get_attribute("lang") == "zh-CN"


@pytest.fixture
def listening():
    """The address of a server on this machine, and the paths that it was asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()


ASK = """async (url) => {
  document.body.append(Object.assign(document.createElement("img"), { src: `${url}/image` }));
  document.body.append(Object.assign(document.createElement("iframe"), { src: `${url}/frame` }));
  document.body.append(Object.assign(document.createElement("script"), { textContent: "window.ran = true" }));
  document.body.append(Object.assign(document.createElement("script"), { src: `${url}/script` }));
  navigator.sendBeacon(`${url}/beacon`, "x");
  await fetch(`${url}/fetch`).catch(() => null);
  await new Promise((resolve) => setTimeout(resolve, 300));
}"""


def test_the_pages_policy_forbids_requests_and_other_scripts(insurance, tmp_path, browser, listening):
    url, paths = listening
    context = browser.new_context()
    page = context.new_page()
    page.goto(exported(insurance, tmp_path).as_uri())
    page.locator("#answer .sentence").wait_for()
    page.evaluate(ASK, url)
    ran = page.evaluate("window.ran")
    forbidden = list(paths)
    other = tmp_path / "other.html"
    other.write_text("<!doctype html><title>without a policy</title><body>")
    page.goto(other.as_uri())
    page.evaluate(ASK, url)

    assert (forbidden, ran) == ([], None)
    assert {"/image", "/frame", "/script", "/fetch"} <= set(paths), "the test asks for nothing"
    context.close()


def test_a_page_whose_golden_predictions_are_others_gives_no_answer(insurance, tmp_path, opened, monkeypatch):
    golden = Version.golden(store.find(insurance))
    moved = [one.__class__(one.prediction + 1e-3, None, one.interval) for one in golden.predictions]
    monkeypatch.setattr(Version, "golden", lambda version: golden.__class__(golden.records, tuple(moved)))

    page = opened(exported(insurance, tmp_path))

    assert "does not reproduce the predictions" in page.locator("#start").inner_text()
    assert not page.locator("#page").is_visible()


def test_classes_that_an_older_version_stored_without_the_threshold_are_no_difference(
    diabetes, tmp_path, opened, monkeypatch
):
    golden = store.find(diabetes).golden()
    likeliest = [
        replace(one, prediction=int(one.probabilities["1"] > one.probabilities["0"])) for one in golden.predictions
    ]
    assert likeliest != list(golden.predictions)
    monkeypatch.setattr(Version, "golden", lambda version: replace(golden, predictions=tuple(likeliest)))

    page = opened(exported(diabetes, tmp_path))

    assert page.locator("#page").is_visible()


@pytest.mark.parametrize(
    ("case", "scheme"),
    [
        ("insurance", "light"),
        ("odd", "dark"),
        ("diabetes", "light"),
        ("diabetes", "dark"),
        ("insurance", "dark"),
        ("odd", "light"),
    ],
)
def test_axe_finds_no_serious_fault_and_nothing_is_wider_than_the_screen(request, tmp_path, opened, case, scheme):
    page = opened(exported(request.getfixturevalue(case), tmp_path), color_scheme=scheme)
    page.locator(".falls li").first.wait_for()
    found = axe_faults(page)
    widths = {}
    for width in (390, 768, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        widths[width] = page.evaluate("document.documentElement.scrollWidth")

    assert found == []
    assert all(wide <= width for width, wide in widths.items()), widths


def test_paper_has_the_inputs_in_place_of_the_form(insurance, tmp_path, opened):
    page = opened(exported(insurance, tmp_path))
    page.emulate_media(media="print")

    assert page.locator(".inputs").is_visible()
    assert not page.locator("#fields").is_visible()


def test_without_rows_there_are_no_reasons(insurance, tmp_path, opened, capsys):
    path = tmp_path / "plain.html"
    assert main(["export", insurance, "--html", str(path), "--no-rows"]) == 0

    page = opened(path)
    page.locator("#why-body p").wait_for()

    assert "exported without the rows" in page.locator("#why").inner_text()
    assert "training table" not in capsys.readouterr().out


def test_rows_of_the_training_table_that_leave_with_a_page_are_named(insurance, tmp_path, capsys, monkeypatch):
    metrics = replace(store.find(insurance).metrics(), training_rows_kept=True, rows_in_model=("SVR",))
    monkeypatch.setattr(Version, "metrics", lambda version: metrics)

    exported(insurance, tmp_path)

    assert "it holds 64 rows of the training table" in (said := capsys.readouterr().out)
    assert "with which the model computes: SVR" in said


def refused(tag: str, path: Path, capsys) -> str:
    """The one line that an export is refused in; nothing is written."""
    assert main(["export", tag, "--html", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not path.exists() and not list(path.parent.glob(".*"))
    return error


def test_what_a_page_cannot_hold_is_refused_and_nothing_is_written(
    uncompiled, insurance, tmp_path, capsys, monkeypatch
):
    path = tmp_path / "page.html"

    assert "could not be compiled" in refused(uncompiled, path, capsys)
    monkeypatch.setattr(offline, "LARGEST", 10_000)
    assert "at most 10,000 are possible" in refused(insurance, path, capsys)
    monkeypatch.setattr("slipway.publish.offline.graph.OPERATORS", frozenset(("Add",)))
    assert "its graph has the operator" in refused(insurance, path, capsys)
    monkeypatch.undo()
    assert "cannot be written" in refused(insurance, tmp_path / "none" / "page.html", capsys)
    assert "no model 'nothing'" in refused("nothing", path, capsys)
    monkeypatch.setitem(sys.modules, "onnx", None)
    for name in ("document", "content", "graph"):
        monkeypatch.delitem(sys.modules, f"slipway.publish.offline.{name}")
    assert "onnx is not installed" in refused(insurance, path, capsys)
