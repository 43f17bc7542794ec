"""A file comes back in the form in which it was sent: text in its dialect and encoding, a workbook as a workbook."""

import codecs
import gzip
import io
import json
import re

import numpy as np
import pandas as pd
import pytest
import python_calamine as calamine

from slipway.errors import RequestCode
from slipway.tables.files import read_upload
from slipway.tables.writers import TextForm, TextWriter
from tests.calls import CSV, HEADER, ROW, predict, refusal, upload
from tests.conftest import PERSON

NOTE = "Größe"


def post(server, content: bytes, name: str = "people.csv", **options):
    return server.post("/predict_csv", files={"file": (name, content)}, **options)


def sent(separator=",", line_end="\n", decimal=".") -> str:
    """A person, with a note that is not ASCII, twice; the second as nobody can be."""
    cells = [str(value).replace(".", decimal) for value in PERSON.values()]
    rows = [[*HEADER.split(","), "note"], [*cells, NOTE], [*cells[:-1], "nowhere", NOTE]]
    return "".join(separator.join(row) + line_end for row in rows)


@pytest.mark.parametrize(
    ("encoding", "separator", "line_end", "decimal"),
    [
        ("utf-8", ",", "\n", "."),
        ("utf-8-sig", ";", "\r\n", ","),
        ("cp1252", ";", "\r\n", ","),
        ("utf-16", "\t", "\r\n", ","),
        ("utf-8", "|", "\r", "."),
    ],
)
def test_text_comes_back_in_its_form(insurance_server, encoding, separator, line_end, decimal):
    content = sent(separator, line_end, decimal).encode(encoding)

    response = post(insurance_server, content)

    assert response.status_code == 200, response.text
    assert response.content.startswith(codecs.BOM_UTF16_LE if encoding == "utf-16" else content[:3])
    text = response.content.decode(encoding)
    header, first, second, end = text.split(line_end)
    assert not re.search(r"[\r\n]", header + first + second) and end == ""
    assert header.split(separator)[:8] == [*HEADER.split(","), "note", "prediction"]
    expected = predict(insurance_server, PERSON).json()["predictions"][0]["prediction"]
    assert first.split(separator)[6:8] == [NOTE, str(expected).replace(".", decimal)]
    assert second.split(separator)[:8] == [*sent(separator, line_end, decimal).split(line_end)[2].split(separator), ""]
    form = json.loads(response.headers["X-Form"])
    assert (form["kind"], form["separator"], form["decimal"]) == ("text", separator, decimal)


def test_what_an_encoding_lacks_makes_the_answer_utf_8_with_a_mark():
    writer = TextWriter(TextForm(encoding="cp1252", separator=";"))
    writer.begin(["größe", "problems"])
    writer.add([["1"]], [["fine"]])
    writer.add([["2"]], [["未知类别"]])
    assert writer.finish().decode("utf-8-sig") == "größe;problems\n1;fine\n2;未知类别\n"
    assert writer.finish().startswith(codecs.BOM_UTF8) and writer.media_type == "text/csv; charset=utf-8"


def test_a_workbook_comes_back_as_a_workbook(insurance_server):
    people = pd.DataFrame([PERSON, PERSON | {"age": "x"}]).assign(
        code=["007", "=1+1"], day=pd.to_datetime(["2024-05-31", "2024-06-01"])
    )
    file = io.BytesIO()
    text = {"options": {"strings_to_formulas": False}}
    with pd.ExcelWriter(file, engine="xlsxwriter", engine_kwargs=text) as book:
        pd.DataFrame({"nothing": []}).to_excel(book, sheet_name="Notes", index=False)
        people.to_excel(book, sheet_name="People", index=False)

    response = post(insurance_server, file.getvalue(), "people.xlsx")

    assert response.status_code == 200, response.text
    assert response.headers["content-disposition"] == 'attachment; filename="predictions.xlsx"'
    book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(response.content))
    assert book.sheet_names == ["People"]
    rows = book.get_sheet_by_index(0).to_python()
    first, second = (dict(zip(rows[0], row, strict=False)) for row in rows[1:])
    expected = predict(insurance_server, PERSON).json()["predictions"][0]["prediction"]
    assert first["prediction"] == expected and first["bmi"] == PERSON["bmi"] and first["code"] == "007"
    assert first["day"].isoformat()[:10] == "2024-05-31"
    assert second["code"] == "=1+1" and second["prediction"] == "" and second["problems"].startswith("line 3: age")
    assert json.loads(response.headers["X-Form"])["sheet"] == "People"


def test_a_packed_file_is_read_and_comes_back_unpacked(insurance_server):
    expected = upload(insurance_server, CSV).content

    assert post(insurance_server, gzip.compress(CSV.encode())).content == expected


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b'{"a": 1}', RequestCode.UNREADABLE_FILE, id="JSON that is no table"),
        pytest.param(b'{"a": [1, 2', RequestCode.UNREADABLE_FILE, id="broken JSON"),
        pytest.param(b"PK\x03\x04" + bytes(60), RequestCode.UNREADABLE_FILE, id="broken archive"),
        pytest.param(gzip.compress(bytes(50 * 2**20))[:-9], RequestCode.UNREADABLE_FILE, id="cut off"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_code(insurance_server, content, code):
    assert refusal(post(insurance_server, content))["code"] == code


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(insurance_server):
    bomb = gzip.compress((HEADER + "\n" + f"{ROW}\n" * 200).encode() * 10_000)
    response = post(insurance_server, bomb)
    assert response.status_code == 413 and "SLIPWAY_MAX" in response.json()["error"]


def test_a_form_has_the_answer_to_be_shown_and_the_file(insurance_server):
    content = sent(";", "\r\n", ",").replace(NOTE, "=1+1").encode()

    response = post(
        insurance_server, content, headers={"accept": "multipart/form-data"}, data={"for_spreadsheets": "true"}
    )

    assert response.headers["X-Escaped-Rows"] == "2"
    boundary = response.headers["content-type"].partition("boundary=")[2].encode()
    table, file = (part.partition(b"\r\n\r\n")[2][:-2] for part in response.content.split(b"--" + boundary)[1:-1])
    assert table.split(b"\n")[1].split(b",")[:7] == [*ROW.encode().split(b","), b"=1+1"] or b'"' in table
    shown, own = read_upload(table), read_upload(file)
    assert shown.separator == "," and own.separator == ";"
    assert shown.column("note") == ["=1+1"] * 2 and own.column("note") == ["'=1+1"] * 2
    assert own.column("prediction")[0] == shown.column("prediction")[0].replace(".", ",")


def test_numbers_are_written_as_python_writes_them():
    numbers = np.array([1.0, -0.5, 1e-7, 123456789.125, np.nan, 0.1 + 0.2])
    writer = TextWriter()
    writer.add([["x"]] * len(numbers), [numbers])
    texts = [line.split(",")[1] for line in writer.finish().decode().splitlines()]
    assert texts[4] == "" and [float(text) for text in texts if text] == [*numbers[:4], numbers[5]]
