"""A workbook has every cell as what it is, whatever is in it."""

import datetime as dt
import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
import python_calamine as calamine
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.tables.excel_writer import ExcelWriter
from slipway.tables.plain_rows import PlainRows


def written(rows, *columns, sheet=None, header=("a", "b", "c")):
    writer = ExcelWriter(sheet)
    writer.begin(header)
    writer.add(rows, columns)
    return calamine.CalamineWorkbook.from_filelike(io.BytesIO(writer.finish()))


def cell(text: str):
    (_, (found,)) = written([[text]], header=["a"]).get_sheet_by_index(0).to_python()
    return found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5", 5.0),
        ("-1.5e-7", -1.5e-7),
        ("0.1234567890123", 0.1234567890123),
        ("007", "007"),
        ("1234567890123456", "1234567890123456"),
        ("1e999", "1e999"),
        ("5 ", "5 "),
        ("=1+1", "=1+1"),
        ("@SUM(A1)", "@SUM(A1)"),
        ("<r>a</r>", "<r>a</r>"),
        ("a & b < c > d", "a & b < c > d"),
        (" two\nlines ", " two\nlines "),
        ("2024-05-31", dt.date(2024, 5, 31)),
        ("2024-05-31 18:30:00", dt.datetime(2024, 5, 31, 18, 30)),
        ("1900-02-28", dt.date(1900, 2, 28)),
        ("1900-03-01", dt.date(1900, 3, 1)),
        ("1899-12-31", "1899-12-31"),
        ("2024-02-30", "2024-02-30"),
        ("x" * 40_000, "x" * 32_767),
    ],
)
def test_a_cell_is_what_it_is(text, found):
    assert (cell(text), type(cell(text))) == (found, type(found))


@settings(deadline=None)
@given(st.lists(st.text(max_size=6), min_size=1, max_size=4))
def test_the_sheet_is_xml_with_every_text(texts):
    writer = ExcelWriter()
    writer.begin([f"t{text}" for text in texts])
    book = zipfile.ZipFile(io.BytesIO(writer.finish()))

    sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))

    found = [node.text for node in sheet.iter("{http://schemas.openxmlformats.org/spreadsheetml/2006/main}t")]
    plain = [text for text in texts if text.isprintable()]
    assert len(found) == len(texts) and [text[1:] for text in found if text[1:] in plain] == plain


def test_rows_as_lines_give_the_same_workbook_as_rows_and_columns_come_after_them():
    rows = [["1", "x"], ["", "2024-05-31"], ["é", ""]]
    lines = PlainRows([",".join(row) for row in rows], ",", 2)
    added = np.array([0.1 + 0.2, np.nan, -3.0])

    found = [written(given_rows, added).get_sheet_by_index(0).to_python() for given_rows in (rows, lines)]

    assert found[0] == found[1]
    assert found[0] == [["a", "b", "c"], [1.0, "x", 0.1 + 0.2], ["", dt.date(2024, 5, 31), ""], ["é", "", -3.0]]


@pytest.mark.parametrize(
    ("name", "found"), [("Data", "Data"), (None, "Sheet1"), ("a" * 40, "Sheet1"), ("a/b", "Sheet1")]
)
def test_a_sheet_keeps_its_name_where_a_workbook_allows_it(name, found):
    assert written([["1"]], header=["a"], sheet=name).sheet_names == [found]


def test_more_columns_than_a_sheet_has_are_left_out():
    header = [f"c{number}" for number in range(16_400)]

    (names, _) = written([header], header=header).get_sheet_by_index(0).to_python()

    assert names == header[:16_384]
