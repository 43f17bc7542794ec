"""The codes of faults, warnings and refusals: each has its texts, its page section and its place in the API's description."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from slipway import store
from slipway.errors import CsvError, Fault, FaultCode, RequestCode, WarningCode
from slipway.i18n import faults
from slipway.service.model import LoadedModel
from slipway.service.openapi import FAULTS, WARNINGS
from slipway.service.predict import PredictEndpoint
from slipway.service.routes import make_routes
from slipway.service.settings import Settings
from slipway.tables.csv_file import check_rows
from slipway.tables.files import read_file, read_upload
from slipway.tables.layout import RaggedRow
from tests.calls import CSV, GOOD, HEADER, JSON, ROW, on_a_loop, upload
from tests.conftest import PERSON, Server

DOCS = Path(__file__).parent.parent / "docs" / "errors.md"
SECTIONS = {"Faults": FaultCode, "Warnings": WarningCode, "Requests": RequestCode}


def documented() -> dict[str, dict[str, str]]:
    """Of each section of the page: code → what stands below it."""
    found: dict[str, dict[str, str]] = {}
    for part in DOCS.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, *entries = part.split("\n### ")
        found[title.partition("\n")[0]] = dict(entry.split("\n", 1) for entry in entries)
    return {title: {code.strip("`"): text for code, text in codes.items()} for title, codes in found.items()}


def example(text: str) -> str:
    """The example of a code: a JSON block, or an indented line."""
    block = re.search(r"```json\n(.*?)\n```", text, re.DOTALL)
    return block[1] if block else re.search(r"^    (.+)$", text, re.MULTILINE)[1]


def test_the_page_names_every_code_and_no_other_in_the_order_of_the_code():
    assert {title: list(codes) for title, codes in documented().items()} == {
        title: [code.value for code in codes] for title, codes in SECTIONS.items()
    }


def test_each_code_has_when_it_comes_an_example_and_what_to_do():
    for codes in documented().values():
        for code, text in codes.items():
            parts = re.split(r"```json\n[^`]*\n```|^    [^\n]+$", text, flags=re.MULTILINE)
            assert len(parts) == 2 and all(part.strip().endswith(".") for part in parts), code


def test_a_fault_in_the_page_is_what_the_api_answers():
    for codes in (documented()["Faults"], documented()["Warnings"]):
        for code, text in codes.items():
            if not example(text).startswith("{"):
                continue
            shown = json.loads(example(text))
            kind = FaultCode if "record" in shown else WarningCode
            fault = Fault(kind(code), shown["field"], shown["value"], shown["expected"], shown.get("record"))
            assert faults.as_json(fault) == shown


def test_a_fault_of_a_row_in_the_page_is_what_a_file_has():
    ambiguous = Fault(FaultCode.AMBIGUOUS_NUMBER, "x", "1.030", ["1.03", "1030"])
    cells = Fault(FaultCode.WRONG_CELL_COUNT, value=RaggedRow(7, 6, "'9'"))

    for fault, line in ((ambiguous, 2), (cells, 4)):
        assert faults.join([faults.describe(fault)], line=line) == example(documented()["Faults"][fault.code])


# Requests

LIMITS = Settings(
    max_records=3, max_rows=5, max_columns=40, max_cells=50, max_cell_characters=100, max_unpacked_megabytes=1
)
WIDE = ",".join(f"c{i}" for i in range(6))
ENCRYPTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
FORM = {"content-type": "multipart/form-data"}
CALLS = {
    RequestCode.INVALID_RECORDS: ("/predict", {"json": {"records": [PERSON | {"age": "x"}]}}),
    RequestCode.MISSING_COLUMNS: ("/predict_csv", {"files": {"file": CSV.replace("age", "ages")}}),
    RequestCode.INVALID_JSON: ("/predict", {"content": GOOD.replace('"age"', '"age": 1, "age"'), "headers": JSON}),
    RequestCode.UNEXPECTED_BODY: ("/predict", {"json": {"rows": []}}),
    RequestCode.RECORDS_NOT_A_LIST: ("/predict", {"json": {"records": PERSON}}),
    RequestCode.NO_RECORDS: ("/predict", {"json": {"records": []}}),
    RequestCode.UNSUPPORTED_MEDIA_TYPE: ("/predict", {"content": GOOD, "headers": {"content-type": "text/plain"}}),
    RequestCode.INVALID_FORM: ("/predict_csv", {"content": b"x", "headers": FORM}),
    RequestCode.MISSING_FILE: ("/predict_csv", {"files": {"csv": CSV}}),
    RequestCode.INVALID_OPTION: ("/predict_csv", {"files": {"file": CSV}, "data": {"reasons": "yes"}}),
    RequestCode.NO_THRESHOLD: ("/predict_csv", {"files": {"file": CSV}, "data": {"threshold": "0.3"}}),
    RequestCode.INVALID_COLUMNS: ("/predict_csv", {"files": {"file": CSV}, "data": {"columns": '{"age": "BMI"}'}}),
    RequestCode.NO_REQUEST_LOG: ("/outcome", {"json": {"outcomes": []}}),
    RequestCode.NOT_A_CLASSIFIER: ("/explain", {"json": {"record": PERSON, "class": 1}}),
    RequestCode.EMPTY_FILE: ("/predict_csv", {"files": {"file": " \n"}}),
    RequestCode.NO_ROWS: ("/predict_csv", {"files": {"file": HEADER}}),
    RequestCode.NOT_A_CSV: ("/predict_csv", {"files": {"file": b"\x89PNG\r\n\x1a\n"}}),
    RequestCode.UNREADABLE_FILE: ("/predict_csv", {"files": {"file": b'{"a": 1}'}}),
    RequestCode.ENCRYPTED_FILE: ("/predict_csv", {"files": {"file": ENCRYPTED}}),
    RequestCode.NOT_TEXT: ("/predict_csv", {"files": {"file": b"a,b\n\x00\x01\x02\n" * 9}}),
    RequestCode.DUPLICATE_COLUMN: ("/predict_csv", {"files": {"file": f"{HEADER},age\n{ROW},1\n"}}),
    RequestCode.BODY_TOO_LARGE: ("/predict", {"content": b" " * (25 * 2**20 + 1), "headers": JSON}),
    RequestCode.TOO_MANY_VALUES: ("/predict", {"content": "," * 600_000, "headers": JSON}),
    RequestCode.TOO_MANY_RECORDS: ("/predict", {"json": {"records": [PERSON] * 4}}),
    RequestCode.TOO_MANY_ROWS: ("/predict_csv", {"files": {"file": CSV + f"{ROW}\n" * 5}}),
    RequestCode.TOO_MANY_COLUMNS: ("/predict_csv", {"files": {"file": ",".join("a" * 41) + "\n1\n"}}),
    RequestCode.TOO_MANY_CELLS: ("/predict_csv", {"files": {"file": f"{HEADER},{WIDE}\n" + f"{ROW}\n" * 5}}),
    RequestCode.CELL_TOO_LONG: ("/predict_csv", {"files": {"file": f"{HEADER}\n{'x' * 101}\n"}}),
    RequestCode.UNPACKED_TOO_LARGE: ("/predict_csv", {"files": {"file": gzip.compress(bytes(2**20 + 1))}}),
}
PAGE_CALLS = {
    RequestCode.NOT_FOUND: ("/ui/nothing", {}),
    RequestCode.STALE_PAGE: ("/ui/gradio_api/run/predict", {"json": {}, "headers": {"x-page-edition": "other"}}),
    RequestCode.INVALID_EVENT: ("/ui/gradio_api/run/predict", {"json": {}}),
}
ELSEWHERE = {
    RequestCode.INVALID_THRESHOLD,  # test_predict_csv.py, of a model that has one
    RequestCode.NO_PROBABILITIES,
    RequestCode.NOTHING_CHANGEABLE,
    RequestCode.RESULT_TOO_LARGE,
    RequestCode.NO_DISK_SPACE,
    RequestCode.NO_MEMORY,
    RequestCode.INVALID_OUTCOMES,
    RequestCode.UNKNOWN_REQUESTS,
    RequestCode.REQUEST_LOG_FAILED,
    RequestCode.TOO_SLOW,
    RequestCode.NOT_AUTHENTICATED,
    RequestCode.MISSING_SCOPE,
    RequestCode.INVALID_KEY,
    RequestCode.EXPIRED_KEY,
    RequestCode.SEVERAL_KEYS,
    RequestCode.HOST_NOT_ALLOWED,
    RequestCode.CORS_NOT_ALLOWED,
    RequestCode.OVERLOADED,
    RequestCode.TOO_MANY_REQUESTS,
    RequestCode.INVALID_HTTP,
    RequestCode.HEADERS_TOO_LARGE,
    RequestCode.REQUEST_TIMEOUT,
}
"""Their own tests make these: test_batch, test_bounds, test_deadline, test_access, test_admission, test_hostile, test_outcomes."""


@pytest.fixture(scope="module")
def app(insurance: str) -> Iterator[PredictEndpoint]:
    """The service's own calls, with limits that a test can reach."""
    served = LoadedModel(store.find(insurance), LIMITS)
    yield PredictEndpoint(make_routes(served, None), served)


def post(app: PredictEndpoint, path: str, **request: object) -> httpx.Response:
    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as client:
            return await client.post(path, **request)

    return on_a_loop(call())


def test_every_code_of_a_request_is_called_for():
    assert CALLS.keys() | PAGE_CALLS.keys() | ELSEWHERE == set(RequestCode)


@pytest.mark.parametrize("code", CALLS, ids=str)
def test_a_refused_request_has_the_code_status_and_text_of_the_page(app, code):
    path, request = CALLS[code]
    shown = documented()["Requests"][code]

    refused = post(app, path, **request)

    assert refused.json()["code"] == code and refused.json()["error"] == example(shown)
    assert shown.strip().startswith(f"{refused.status_code}. ")


@pytest.mark.parametrize("code", PAGE_CALLS, ids=str)
def test_a_refused_call_of_the_page_has_the_code_status_and_text_of_the_page(insurance_server, code):
    path, request = PAGE_CALLS[code]
    shown = documented()["Requests"][code]

    refused = insurance_server.post(path, **request)

    assert refused.json() == {"error": example(shown), "code": code, "details": []}
    assert str(refused.status_code) in shown.strip().partition(".")[0]


@pytest.mark.parametrize("code", CALLS, ids=str)
def test_a_refusal_is_in_chinese_for_those_who_ask_for_it(app, code):
    path, request = CALLS[code]

    english, chinese = (post(app, f"{path}{query}", **request).json() for query in ("", "?lang=zh-CN"))

    assert re.search("[\u4e00-\u9fff]", chinese["error"]) and not re.search("[\u4e00-\u9fff]", english["error"])
    assert chinese["code"] == english["code"]
    for ours, theirs in zip(english["details"], chinese["details"], strict=True):
        assert re.search("[\u4e00-\u9fff]", theirs["problem"])
        assert {**ours, "problem": ""} == {**theirs, "problem": ""}


def test_a_file_has_its_texts_in_the_language_asked_for_and_the_same_codes(insurance_server: Server):
    content = f"{HEADER}\nx,male,5,0,no,moon\n90,male,25,0,no,southwest\n40,male\n"

    files = [
        insurance_server.post(f"/predict_csv{query}", files={"file": ("a.csv", content)}).text
        for query in ("", "?lang=zh")
    ]

    english, chinese = ([row[-3:] for row in read_upload(text.encode()).rows] for text in files)
    assert upload(insurance_server, content).text == files[0]
    assert english == [
        [
            "wrong_type; out_of_bounds; unknown_category",
            "",
            "line 2: age: 'x' wrong type, expected a whole number; bmi: '5' must be between 10 and 100; "
            "region: 'moon' unknown category, expected northeast, northwest, southeast, southwest",
        ],
        ["out_of_range", "age: 90 outside the range seen in training, expected 18 to 64", ""],
        ["wrong_cell_count", "", "line 4: 2 cells, the header has 6"],
    ]
    assert chinese == [
        [
            english[0][0],
            "",
            "第 2 行：age：'x' 类型不符，应为 整数；bmi：'5' 须介于 10 与 100 之间；"
            "region：'moon' 未知类别，应为 northeast、northwest、southeast、southwest",
        ],
        ["out_of_range", "age：90 超出训练范围，应为 18 至 64", ""],
        ["wrong_cell_count", "", "第 4 行：有 2 个单元格，而表头有 6 个"],
    ]


def test_a_full_disk_is_refused_in_the_words_of_the_page():
    assert faults.refusal(RequestCode.NO_DISK_SPACE, {}) == example(documented()["Requests"]["no_disk_space"])


# Texts


def test_the_api_description_names_every_code():
    assert FAULTS["properties"]["code"]["enum"] == list(RequestCode)
    fault = FAULTS["properties"]["details"]["items"]
    assert fault["properties"]["code"]["enum"] == list(FaultCode)
    assert WARNINGS["items"]["properties"]["code"]["enum"] == list(WarningCode)
    assert fault["required"] == list(faults.as_json(Fault(FaultCode.NULL)))
    assert WARNINGS["items"]["required"] == list(faults.as_json(Fault(WarningCode.READ_AS_MISSING)))


@pytest.mark.parametrize("content", [b"", b"%PDF", b"a\n"], ids=["empty", "PDF", "no rows"])
def test_a_file_that_training_reads_is_named_in_its_error(content):
    with pytest.raises(CsvError, match="^people.csv: (is|has) ") as caught:
        check_rows(read_file(content, "people.csv"), "people.csv")

    assert isinstance(caught.value.code, RequestCode)
