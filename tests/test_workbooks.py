"""Workbooks, and files that have types already, as tables."""

import datetime as dt
import io
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
import xlsxwriter

from slipway.errors import CsvError, DataError
from slipway.tables import excel
from slipway.tables.bounds import UNBOUNDED
from slipway.tables.files import read_file
from slipway.tables.readers import read_table
from slipway.tables.source import DataSource, FileOptions

PEOPLE = [
    ["name", "born", "at", "seen", "n", "ok"],
    *[
        [f"p{i}", dt.date(2000, 1, i + 1), dt.time(14, 30 + i), dt.datetime(2024, 1, 1, i), i * 1.5, i % 2 == 0]
        for i in range(4)
    ],
]


def workbook(**sheets):
    """A workbook with these sheets, given as rows."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"default_date_format": "yyyy-mm-dd"})
    formats = {dt.time: "hh:mm", dt.datetime: "yyyy-mm-dd hh:mm"}
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for line, row in enumerate(rows):
            for column, cell in enumerate(row):
                if type(cell) in formats:
                    sheet.write_datetime(line, column, cell, book.add_format({"num_format": formats[type(cell)]}))
                elif cell is not None:
                    sheet.write(line, column, cell)
    book.close()
    return out.getvalue()


def open_document(*rows):
    """A spreadsheet of LibreOffice, of texts."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    body = f'<office:body><office:spreadsheet><table:table table:name="S">{cells}</table:table></office:spreadsheet></office:body>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml", f'<?xml version="1.0"?><office:document-content {spaces}>{body}</office:document-content>'
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return out.getvalue()


def test_an_empty_cell_of_the_only_column_is_a_row():
    found = read_file(workbook(S=[["country"], ["ZA"], [None], ["BW"]]), "t.xlsx")

    assert (found.header, found.rows) == (["country"], [["ZA"], [""], ["BW"]])


def test_cells_keep_their_meaning():
    found = read_file(workbook(People=PEOPLE))

    assert found.header == PEOPLE[0]
    assert found.rows[1] == ["p1", "2000-01-02", "14:31", "2024-01-01 01:00:00", "1.5", "FALSE"]
    assert found.rows[0][3] == "2024-01-01 00:00:00" and found.rows[2][4] == "3"


def test_the_first_sheet_with_a_table_is_read_and_the_others_are_named():
    data = workbook(Notes=[], Cover=[["Report 2024"]], Data=[["a", "b"], [1, 2]], More=[["c", "d"], [3, 4]])

    found = read_file(data)

    assert (found.header, found.read.sheet, found.read.others) == (["a", "b"], "Data", ("Notes", "Cover", "More"))
    assert read_file(data, options=FileOptions(sheet="More")).header == ["c", "d"]
    assert read_file(data, options=FileOptions(sheet=4)).header == ["c", "d"]


def test_what_stands_around_a_table_in_a_sheet_is_named_with_its_rows():
    found = read_file(workbook(A=[["Report"], [], ["a", "b", "c"], [1, 2, 3], [4, 5, 6], [], ["Source: the office"]]))

    assert (found.header, found.rows) == (["a", "b", "c"], [["1", "2", "3"], ["4", "5", "6"]])
    assert [line for line, _ in (*found.read.before, *found.read.after)] == [1, 7]


def test_a_spreadsheet_of_libreoffice_is_read():
    assert read_file(open_document(["a", "b"], ["x", "y"])).rows == [["x", "y"]]


@pytest.mark.parametrize(
    ("data", "options", "match"),
    [
        (workbook(A=[], B=[]), {}, "has no table: all 2 sheets are empty"),
        (workbook(A=[]), {}, "has no table: the sheet 'A' is empty"),
        (workbook(Data=[["a"]]), {"sheet": "Date"}, "has no sheet 'Date'; did you mean 'Data'.*it has 'Data'"),
        (workbook(A=[["a", "b"]])[:2000], {}, "is not a complete ZIP file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, {}, "is not a workbook that can be read"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            {},
            "is encrypted; save it without a password",
        ),
        (b"a,b\n1,2\n", {"sheet": "A"}, "has no sheets, but `sheet` is 'A'; leave it out"),
    ],
    ids=["empty sheets", "an empty sheet", "no such sheet", "cut off", "damaged", "encrypted", "a sheet of a CSV"],
)
def test_a_workbook_that_cannot_be_read_is_one_line(data, options, match):
    with pytest.raises(CsvError, match=match) as caught:
        read_file(data, options=FileOptions(**options))

    assert "\n" not in str(caught.value)


def test_a_cell_in_the_last_corner_of_a_sheet_does_not_fill_the_memory():
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    sheet.write(0, 0, "a")
    sheet.write(1_048_575, 16_383, 1)
    book.close()

    with pytest.raises(CsvError, match="a sheet of 1,048,576 rows and 16,384 columns, most of them empty"):
        read_file(out.getvalue())


@pytest.mark.parametrize("form", ["feather", "stream"])
def test_feather_and_arrow_are_read_with_their_types(tmp_path, form):
    table = pa.table({"a": [1, 2], "at": [dt.datetime(2024, 5, 31, 14), None], "c": ["x", None]})
    path = tmp_path / ("t.feather" if form == "feather" else "t.arrows")
    if form == "feather":
        pyarrow.feather.write_feather(table, path)
    else:
        with pa.ipc.new_stream(str(path), table.schema) as writer:
            writer.write_table(table)

    frame = read_table(DataSource(str(path))).frame

    assert frame["a"].tolist() == [1, 2] and frame["at"].iloc[0] == pd.Timestamp("2024-05-31 14:00")
    assert frame["c"].tolist() == ["x", None]


def test_a_feather_file_that_is_none_is_refused(tmp_path):
    path = tmp_path / "t.feather"
    path.write_bytes(b"a,b\n1,2\n")

    with pytest.raises(DataError, match="is not a valid Arrow file"):
        read_table(DataSource(str(path)))


def test_memory_is_wanted_for_cells_of_every_form_and_not_for_pictures():
    """`read_workbook` reads a sheet only if so much is there: what calamine takes for it, or it would end the process."""

    def wanted(data):
        return excel._opened(data, "made", UNBOUNDED)[1]

    rows = [[1.5] * 20] * 500
    plain = workbook(a=rows)
    pictured = io.BytesIO(plain)
    with zipfile.ZipFile(pictured, "a") as archive:
        archive.writestr("xl/media/image1.png", bytes(1_000_000))
    document = open_document(*[["abc"] * 20] * 500)
    unpacked = zipfile.ZipFile(io.BytesIO(document)).getinfo("content.xml").file_size

    assert 112 * 10_000 <= wanted(plain) < 150 * 10_000
    assert wanted(pictured.getvalue()) == wanted(plain) + 1_000_000
    assert wanted(document) >= 8 * unpacked
