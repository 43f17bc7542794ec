"""What is read, checked and written at once is what is read, checked and written cell by cell."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slipway.errors import SlipwayError
from slipway.schema import arrays
from slipway.schema.fields import Field, FieldError
from slipway.schema.schema import Schema, Target
from slipway.schema.table import check_table, decimal_marks
from slipway.tables.bounds import Bound, Bounds
from slipway.tables.cells import TextTable
from slipway.tables.files import read_upload
from slipway.tables.plain_rows import PlainRows
from slipway.tables.writers import TextForm, TextWriter

MANY = Bound(1_000_000, "MANY", "remedy")
WIDE = Bounds(MANY, MANY, MANY, MANY)
TIGHT = Bounds(*(Bound(limit, name, "remedy") for name, limit in [("R", 5), ("C", 4), ("CELLS", 16), ("CELL", 6)]))

CELL = st.text("a1.5-=@'é\u2028\x0b\x1c ", max_size=3) | st.sampled_from(
    ['"a"', '"', "'b'", "NA", "1e5", "\\", "=1", "x y"]
)
SEPARATOR = st.sampled_from([",", ";", "\t", "|", " ", ", "])
LINE_END = st.sampled_from(["\n"] * 6 + ["\r\n", "\r", "\n\n", " \n", "\r\r\n"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Mostly even rows, with what spoils them here and there."""
    separator, ends = draw(SEPARATOR), draw(st.sampled_from([st.just("\n"), st.just("\r\n"), LINE_END]))
    width = draw(st.integers(1, 4))
    even = st.lists(CELL, min_size=width, max_size=width)
    rows = draw(st.lists(st.one_of(even, even, even, st.lists(CELL, max_size=5)), max_size=9))
    text = "".join(separator.join(row) + draw(ends) for row in [["a", "b", "c", "d"][:width], *rows])
    start = draw(st.sampled_from([""] * 5 + ["\ufeff", "sep=;\n", "title\n", "\n", "\0"]))
    return start + text[: len(text) - draw(st.integers(0, 2))]


def read(data: bytes, bounds: Bounds) -> TextTable | str:
    try:
        return read_upload(data, bounds=bounds)
    except SlipwayError as exc:
        return str(exc)


@pytest.mark.parametrize("bounds", [WIDE, TIGHT], ids=["wide", "tight"])
@settings(deadline=None)
@given(text=texts())
@example(text="a,b\n1,2\n , \n3,4\n")
@example(text="a,b\n1,2\n3,4\n,")
@example(text="a\n\n1\n")
def test_a_text_is_read_at_once_as_it_is_row_by_row(bounds, text):
    data = text.encode("utf-8")

    at_once = read(data, bounds)
    with patch("slipway.tables.csv_file.lay_out_plain", return_value=None):
        row_by_row = read(data, bounds)

    assert at_once == row_by_row
    if isinstance(at_once, TextTable):
        assert at_once.read == row_by_row.read and list(at_once.rows) == row_by_row.rows
        assert at_once.surplus == row_by_row.surplus
        for name in at_once.header:
            assert at_once.column(name) == row_by_row.column(name)
            assert at_once.different_cells([name]) == row_by_row.different_cells([name])


def test_most_files_are_read_at_once():
    for text in ("a,b\n1,x\n2,y\n", "a;b\r\n1,5;x\r\n2,5;y", "\ufefftitle,\na,b\n1,O'Brien\n2,x y\n"):
        assert isinstance(read_upload(text.encode(), bounds=WIDE).rows, PlainRows)


NUMBERS = st.one_of(
    st.floats().map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: repr(number).replace(".", ",")),
    st.integers(-(2**70), 2**70).map(str),
    st.decimals(-200, 200, places=3).map(str),
    st.decimals(-200, 200, places=3).map(lambda number: str(number).replace(".", ",")),
    st.text("0123456789.,-+eE _'€%\u0663n", max_size=6),
    st.sampled_from(["", "NA", "nan", "inf", "1_000", " 5", "1,", ",5", "1.030", "1,030", "-999", "-999.0", "yes", "Yes", "5-", "(5)", "１"]),
)  # fmt: skip


def field(kind: str, **more) -> Field:
    return Field("x", kind, "float64", {"en": "x"}, 1, **more)


FIELDS = {
    "number": field("number", observed_min=-1e30, observed_max=100.5, minimum=-1e300, maximum=1e30),
    "gaps": field("number", observed_min=0, observed_max=100, nullable=True, missing=(-999, "9")),
    "gaps in numbers": field("number", observed_min=0, observed_max=100, nullable=True, missing=(-999, 0.5)),
    "comma": field("number", observed_min=0, observed_max=2000.5, decimal=",", number_unit="€"),
    "point": field("number", observed_min=0, observed_max=2000.5, decimal=".", number_unit="%"),
    "integer": field("integer", observed_min=0, observed_max=2**60, nullable=True),
    "codes": field("category", categories=(1, 5, 1.5), nullable=True),
    "words": field("boolean", categories=("no", "yes")),
    "dates": field("date", observed_min="2020-01-01", observed_max="2021-01-01", nullable=True),
}


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("item", FIELDS.values(), ids=FIELDS)
@settings(deadline=None)
@given(cells=st.lists(NUMBERS, min_size=1, max_size=5))
def test_a_column_is_checked_at_once_as_it_is_cell_by_cell(item, separator, cells):
    table = TextTable(["x"], [[cell] for cell in cells], list(range(2, len(cells) + 2)), {}, separator)
    schema = Schema("m", "regression", (item,), Target("y", {"en": "y"}))
    values, warnings, faults = [], [], {}
    for row, cell in enumerate(cells):
        try:
            value, warning = item.read(cell, table.decimal_comma, decimal_marks([item], table).get("x", "."))
        except FieldError as exc:
            faults[row] = [exc.fault("x", cell)]
        else:
            values.append(value)
            warnings.append([warning] if warning else [])

    checked = check_table(schema, table)

    assert checked.faults == faults and checked.checked.warnings == warnings
    assert checked.good == [row for row in range(len(cells)) if row not in faults]
    expected = arrays.array(item, values)
    found = checked.checked.columns["x"]
    assert found.dtype == expected.dtype and list(map(repr, found.tolist())) == list(map(repr, expected.tolist()))


LINES = st.lists(st.lists(st.text("a1=-+@.,;\\'é ", max_size=3), min_size=2, max_size=2), min_size=1, max_size=5)
FORMS = st.builds(
    TextForm,
    separator=st.sampled_from([",", ";", "\t", ".", "e"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "ascii", "utf-16"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    decimal=st.sampled_from([".", ","]),
    for_spreadsheets=st.booleans(),
)


@settings(deadline=None)
@given(
    rows=LINES,
    form=FORMS,
    separator=st.sampled_from([",", ";", "\t"]),
    word=st.text('a;,."\n\r=é', max_size=3),
    number=st.floats(allow_infinity=False),
)
def test_lines_are_written_as_their_cells_are(rows, form, separator, word, number):
    rows = [[cell.replace(separator, "x") for cell in row] for row in rows]
    columns = [
        [word] * len(rows),
        np.full(len(rows), number),
        np.arange(len(rows)) / 3,
        ["", *[word] * (len(rows) - 1)],
    ]
    lines, cells = TextWriter(form), TextWriter(form)
    header = [word, *"abcde"]

    for writer, given_rows in (lines, PlainRows([separator.join(row) for row in rows], separator, 2)), (cells, rows):
        writer.begin(header)
        writer.add(given_rows, columns)

    assert lines.finish() == cells.finish() and lines.escaped == cells.escaped
