"""Which files are read as a table, what their cells become, and the messages for the others."""

import datetime as dt
import decimal
import hashlib
import random

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slipway.errors import DataError
from slipway.tables.files import read_upload
from slipway.tables.layout import RaggedRow
from slipway.tables.readers import Table, drop_missing_targets, read_table
from slipway.tables.source import DataSource

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"


@pytest.fixture
def frame(tmp_path):
    """The frame that CSV text, or the bytes of a file, is read as."""

    def frame(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(DataSource(str(path))).frame

    return frame


@pytest.fixture
def parquet(tmp_path):
    """The frame that a Parquet file of these columns is read as."""

    def parquet(**columns):
        path = tmp_path / "table.parquet"
        pq.write_table(pa.table(columns), path)
        return read_table(DataSource(str(path))).frame

    return parquet


def plain(column):
    """The dtype and the values of a column, with None for what is missing."""
    return str(column.dtype), [None if pd.isna(value) else value for value in column.tolist()]


@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_the_separator_is_found(separator):
    table = read_upload(f"age{separator}city\n40{separator}Bonn\n".encode())

    assert (table.header, table.rows, table.separator) == (["age", "city"], [["40", "Bonn"]], separator)


def test_other_separators_inside_cells_do_not_mislead():
    table = read_upload(b"name,note\nA,x; y; z\nB,p; q; r\n")

    assert table.rows == [["A", "x; y; z"], ["B", "p; q; r"]]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "age,名字\n40,é\n"),
        ("utf-8-sig", "age,名字\n40,é\n"),
        ("utf-16", "age,名字\n40,é\n"),
        ("utf-16-le", "age,name\n40,é\n"),
        ("utf-16-le", "age,name\n" + "40,é\n" * 200),
        ("latin-1", "age,name\n40,é\n"),
    ],
    ids=["UTF-8", "with byte order mark", "UTF-16", "UTF-16 without mark", "long UTF-16 without mark", "Latin-1"],
)
def test_the_encoding_is_found(encoding, text):
    table = read_upload(text.encode(encoding))

    assert table.header == text.splitlines()[0].split(",")
    assert table.rows[0] == ["40", "é"]


def test_quoted_cells_keep_separators_quotes_and_line_breaks():
    table = read_upload(b'a,b\n"x, ""y""\nz",1\n')

    assert table.rows == [['x, "y"\nz', "1"]]


def test_lines_are_counted_over_empty_lines_and_cells_of_several_lines():
    table = read_upload(b'\n"a\n(m)",b\n1,2\n\n"x\ny",3\n4,5\n')

    assert table.header == ["a\n(m)", "b"]
    assert [*table.lines] == [4, 6, 8]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["Unix", "Windows", "old Mac"])
def test_every_kind_of_line_end_is_read(end):
    table = read_upload(end.join(["a,b", "1,2", "3,4"]).encode())

    assert (table.rows, [*table.lines]) == ([["1", "2"], ["3", "4"]], [2, 3])


@pytest.mark.parametrize("start", ["\n" * 60, "\n \n"], ids=["60 empty lines", "a line of one space"])
def test_blank_lines_before_the_header_are_passed_over(start):
    table = read_upload(f"{start}a,b\n1,2\n".encode())

    assert (table.header, table.rows) == (["a", "b"], [["1", "2"]])


def test_a_blank_line_between_the_rows_is_passed_over():
    table = read_upload(b"a,b\n1,2\n  \n3,4\n")

    assert (table.rows, table.ragged) == ([["1", "2"], ["3", "4"]], {})


def test_an_unnamed_column_is_named_by_its_position():
    table = read_upload(b",a,\n1,2,3\n")

    assert table.header == ["Unnamed: 0", "a", "Unnamed: 2"]


def test_ragged_rows_are_kept_and_reported():
    table = read_upload(b"a,b\n1\n2,3\n4,5,6\n")

    assert table.rows == [["1", ""], ["2", "3"], ["4", "5"]]
    assert table.ragged == {0: RaggedRow(1, 2, ""), 2: RaggedRow(3, 2, "'6'")}


def test_a_ragged_line_of_a_training_table_is_named_with_its_line(frame):
    with pytest.raises(
        DataError, match=r"line 4 has 3 cells, the header has 2 .*\(and 1 more such lines\); fix the file"
    ):
        frame('a,b\n"1\n1",2\n3,4,5\n6\n')


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty; expected a header line and rows"),
        (b"\xef\xbb\xbf \n", "is empty; expected a header line and rows"),
        (b"a,b\n", r"has a header \(2 columns\) and no rows"),
        (b"a,b\n1,2\n", "has 1 row; a model needs"),
        (b"a\n1\n2\n", "has one column, 'a'; expected columns separated by comma, semicolon, tab, bar, space"),
        (PNG, "is a PNG file, not a CSV text"),
        (b"PK\x03\x04xlsx", "is not a complete ZIP file"),
        (b"%PDF-1.7", "is a PDF file, not a CSV text"),
        (random.Random(0).randbytes(500), "is not a text table"),
    ],
    ids=["empty", "blank", "header", "one row", "one column", "PNG", "Excel", "PDF", "random"],
)  # fmt: skip
def test_a_file_that_is_not_a_training_table_is_refused(frame, content, match):
    with pytest.raises(DataError, match=match):
        frame(content)


@pytest.mark.parametrize(
    ("text", "dtype", "values"),
    [
        ("x,y\n1,0\n-2,0\n", "int64", [1, -2]),
        ("x,y\n1,0\n2.5,0\n", "float64", [1, 2.5]),
        ("x,y\n1e3,0\n.5,0\n", "float64", [1000, 0.5]),
        ("x,y\n 1 ,0\n2,0\n", "int64", [1, 2]),
        ("x,y\n1,0\nNA,0\n", "float64", [1, None]),
        ("x,y\n00123,0\n01234,0\n", "object", ["00123", "01234"]),
        ("x,y\n0,0\n0.5,0\n", "float64", [0, 0.5]),
        ("x;y\n1,5;0\n2;0\n", "float64", [1.5, 2]),
        ("x\ty\n-1,5e2\t0\n2,5\t0\n", "float64", [-150, 2.5]),
        ('x,y\n"1,5",0\n"2,5",0\n', "object", ["1,5", "2,5"]),
        ("x;y\n1,5;0\nabout 2;0\n", "object", ["1,5", "about 2"]),
        ("x,y\nTRUE,0\nfalse,0\n", "bool", [True, False]),
        ("x,y\nyes,0\nno,0\n", "object", ["yes", "no"]),
        ("x,y\n,0\nNaN,0\n", "object", [None, None]),
        ("x,y\nNone,0\n?,0\n", "object", [None, "?"]),
    ],
    ids=[
        "whole", "number", "exponent", "spaces", "gap", "leading zeros", "zero is no code", "decimal comma",
        "decimal comma with tabs", "no decimal comma beside commas", "not all numbers", "booleans", "yes stays text",
        "nothing", "None as pandas has it",
    ],
)  # fmt: skip
def test_a_csv_column_is_typed_where_every_cell_allows_it(frame, text, dtype, values):
    table = frame(text)

    assert plain(table["x"]) == (dtype, values)


@pytest.mark.parametrize("cell", ["12345678901234567890123", "１２"], ids=["23 digits", "full-width digits"])
def test_digits_that_pandas_does_not_read_as_a_number_do_not_crash(frame, cell):
    table = frame(f"x,y\n{cell},0\n7,0\n")

    assert list(map(float, table["x"])) == [float(cell), 7]


def test_a_number_too_large_for_a_computer_is_infinite_and_so_refused_when_learnt(frame):
    assert frame("x,y\n1e400,0\n1.0,0\n").x.tolist() == [float("inf"), 1]


@pytest.mark.parametrize(
    ("column", "dtype", "values"),
    [
        (pa.array([1, 2], pa.int8()), "int64", [1, 2]),
        (pa.array([1, None]), "float64", [1, None]),
        (pa.array([1, 2**64 - 1], pa.uint64()), "float64", [1, 2.0**64]),
        (pa.array([0.5, None], pa.float32()), "float64", [0.5, None]),
        (pa.array([decimal.Decimal("1.50"), decimal.Decimal("2.25")]), "float64", [1.5, 2.25]),
        (pa.array([True, False]), "bool", [True, False]),
        (pa.array([True, None]), "object", [True, None]),
        (pa.array(["a", None]), "object", ["a", None]),
        (pa.array(["a", "b"]).dictionary_encode(), "object", ["a", "b"]),
        (pa.array(["a", None]).dictionary_encode(), "object", ["a", None]),
        (pa.array([dt.datetime(2024, 5, 31), None]), "datetime64[ns]", [pd.Timestamp("2024-05-31"), None]),
        (
            pa.array([dt.datetime(2024, 5, 31, 22)] * 2, pa.timestamp("us", "Europe/Berlin")),
            "datetime64[ns]",
            [pd.Timestamp("2024-06-01")] * 2,
        ),
        (pa.array([dt.date(2024, 5, 31), None]), "datetime64[ns]", [pd.Timestamp("2024-05-31"), None]),
        (pa.nulls(2), "object", [None, None]),
    ],
    ids=[
        "int8", "nullable int", "uint64", "float32", "decimal", "bool", "nullable bool", "text", "categories",
        "categories with gap", "moments", "moments in a time zone", "dates", "nothing",
    ],
)  # fmt: skip
def test_a_parquet_column_becomes_a_plain_kind(parquet, column, dtype, values):
    table = parquet(x=column, y=[0, 0])

    assert plain(table["x"]) == (dtype, values)


@pytest.mark.parametrize(
    ("column", "dtype", "values"),
    [
        (pd.Series([1, None], dtype="Int64"), "float64", [1, None]),
        (pd.Series([True, None], dtype="boolean"), "object", [True, None]),
        (pd.Series(["a", None], dtype="string"), "object", ["a", None]),
        (pd.Categorical([1, 2]), "int64", [1, 2]),
    ],
    ids=["Int64", "boolean", "string", "categories of numbers"],
)
def test_what_pandas_stored_in_parquet_becomes_a_plain_kind(tmp_path, column, dtype, values):
    path = tmp_path / "table.parquet"
    pd.DataFrame({"x": column, "y": [0, 0]}).set_index(pd.Index([7, 7])).to_parquet(path)

    table = read_table(DataSource(str(path))).frame

    assert plain(table["x"]) == (dtype, values)
    assert table.index.tolist() == [0, 1]


def test_a_parquet_column_of_lists_leaves_the_other_columns_readable(parquet):
    table = parquet(x=[[1], [2, 3]], y=[4, 5])

    assert table["y"].tolist() == [4, 5]


def test_a_parquet_date_outside_what_pandas_can_hold_is_refused_with_its_column(parquet):
    with pytest.raises(DataError, match="'x'"):
        parquet(x=pa.array([dt.datetime(9999, 12, 31), dt.datetime(2024, 1, 1)], pa.timestamp("us")), y=[0, 0])


def test_parquet_is_recognised_by_its_bytes_too(frame, tmp_path):
    path = tmp_path / "other"
    pq.write_table(pa.table({"a": [1, 2], "b": [3, 4]}), path)

    table = frame(path.read_bytes(), "table.csv")

    assert table.to_dict("list") == {"a": [1, 2], "b": [3, 4]}


def test_a_column_name_that_parquet_has_twice_is_named(tmp_path):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.table([[1, 2], [3, 4]], names=["age", "age"]), path)

    with pytest.raises(DataError, match="has the column name 'age' more than once; rename them"):
        read_table(DataSource(str(path)))


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"PAR1 and no more", b""], ids=["CSV", "cut off", "empty"])
def test_a_parquet_file_that_is_none_is_refused(frame, content):
    with pytest.raises(DataError, match=r"table\.parquet: is not a valid Parquet file"):
        frame(content, "table.parquet")


@pytest.mark.parametrize(
    ("rows", "match"), [(0, "has 2 columns and no rows"), (1, "has 1 row; a model needs")], ids=["no row", "one row"]
)
def test_a_parquet_table_with_too_few_rows_is_refused(parquet, rows, match):
    with pytest.raises(DataError, match=match):
        parquet(a=[1] * rows, b=[2] * rows)


@pytest.mark.parametrize(("name", "reason"), [("none.csv", "No such file"), (".", "Is a directory")])
def test_a_path_that_is_not_a_file_is_refused_with_the_reason(tmp_path, name, reason):
    with pytest.raises(DataError, match=f"cannot be read: {reason}.*give the path of a table"):
        read_table(DataSource(str(tmp_path / name)))


def test_a_package_that_is_not_installed_is_named():
    with pytest.raises(DataError, match="a.csv: comes with the package 'no-such-package', which is not installed"):
        read_table(DataSource("a.csv", "no-such-package"))


def test_the_table_that_the_use_case_means_is_read_with_its_sha256(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,2\n3,4\n")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    table = read_table(DataSource(str(path), sha256=sha256.upper()))

    assert (table.sha256, table.source, len(table.frame)) == (sha256, str(path), 2)


def test_another_table_than_the_use_case_means_is_refused(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,2\n3,4\n")

    with pytest.raises(DataError, match="has SHA-256 b9485148.*, the use case expects 0000.*; it is another table"):
        read_table(DataSource(str(path), sha256="0" * 64))


def test_rows_without_a_target_are_dropped_and_counted():
    table = Table(pd.DataFrame({"age": [1, 2, 3, 4], "cost": [5, None, 6, None]}), "t.csv", "")

    kept, dropped = drop_missing_targets(table, "cost")

    assert kept.to_dict("list") == {"age": [1, 3], "cost": [5, 6]}
    assert (dropped, kept.index.tolist()) == (2, [0, 1])


@pytest.mark.parametrize(
    ("target", "cost", "match"),
    [
        ("csot", [5, 6], r"t\.csv: has no column 'csot' to predict; did you mean 'cost'\?"),
        ("outcome", [5, 6], "has no column 'outcome' to predict; its columns are 'age', 'cost'"),
        ("cost", [None, None], "has no value at all in the target column 'cost'"),
        ("cost", [5, 5], "has the same value 5 in every row of the target 'cost'"),
        ("cost", ["a", None], "has the same value 'a' in every row of the target 'cost'"),
    ],
    ids=["misspelt", "unknown", "empty", "constant", "constant with gaps"],
)
def test_a_target_that_cannot_be_predicted_is_refused(target, cost, match):
    table = Table(pd.DataFrame({"age": [1, 2], "cost": cost}), "t.csv", "")

    with pytest.raises(DataError, match=match):
        drop_missing_targets(table, target)
