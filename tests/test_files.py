"""Files as people have them: every dialect, encoding and packing, and what is said of how they were read."""

import bz2
import csv
import gzip
import io
import lzma
import random
import zipfile

import numpy as np
import pandas as pd
import pytest

from slipway.cli.main import main
from slipway.errors import CsvError, DataError, TableTooLargeError
from slipway.tables.bounds import UNBOUNDED, Bound, Bounds
from slipway.tables.encoding import decode
from slipway.tables.file_notes import file_notes, line_numbers
from slipway.tables.files import read_file, read_upload
from slipway.tables.readers import read_table
from slipway.tables.source import DataSource, FileOptions
from slipway.tables.writers import write_cells
from tests import polluted

SEEDS = range(3)
MADE = [(table.__name__, seed, table(random.Random(seed), 40)) for table in polluted.TABLES for seed in SEEDS]
IDS = [f"{name} {seed}" for name, seed, _ in MADE]
made = pytest.mark.parametrize("table", [table for *_, table in MADE], ids=IDS)


def read(text):
    return read_file(text.encode() if isinstance(text, str) else text)


def cells(table):
    """The names as in the file, and the rows."""
    names = [] if table.read.names is None else [list(table.read.names)]
    return [*names, *table.rows]


# Dialects


@made
def test_every_dialect_gives_the_same_cells(table):
    wrong = [name for name, text in polluted.dialects(table) if cells(read(text)) != table]

    assert wrong == []


@made
def test_every_encoding_gives_the_same_cells(table):
    wrong = [name for name, data in polluted.encodings(table) if cells(read(data)) != table]

    assert wrong == []


@made
def test_what_stands_around_a_table_is_not_part_of_it_and_is_named(table):
    wrong = []
    for name, rows in polluted.around(table):
        found = read(polluted.write(rows))
        skipped = len(found.read.before) + len(found.read.after)
        extra = sum(any(map(str.strip, row)) for row in rows) - sum(any(map(str.strip, row)) for row in table)
        if cells(found) != [row for row in table if any(map(str.strip, row))] or skipped != extra:
            wrong.append(name)

    assert wrong == []


@made
def test_a_table_without_a_header_keeps_its_first_row(table):
    found = read(polluted.write(table[1:]))

    assert found.read.names is None and found.rows == table[1:]
    assert found.header == [f"Column {place + 1}" for place in range(len(table[0]))]


@pytest.mark.parametrize("lines", [2, 3])
@made
def test_a_header_of_several_lines_is_joined(table, lines):
    found = read(polluted.write([table[0]] * (lines - 1) + table))

    assert list(found.read.names) == [" ".join([name] * lines) for name in table[0]]
    assert (
        found.header == table[0] and found.read.header_lines == tuple(range(1, lines + 1)) and found.rows == table[1:]
    )


@pytest.mark.parametrize(("name", "seed"), [("sales", seed) for seed in SEEDS])
def test_a_stray_quote_is_text_and_spoils_no_other_row(name, seed):
    draw = random.Random(seed)
    table = getattr(polluted, name)(draw, 40)
    table = [[cell.replace('"', "") for cell in row] for row in table]

    wrong = [case for case, text, wanted in polluted.stray_quotes(table, draw) if cells(read(text)) != wanted]

    assert wrong == []


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ("a,b\n1,\"2 mm\n3,4 mm\n5,6 mm\n", ["a", "b"], [["1", '"2 mm'], ["3", "4 mm"], ["5", "6 mm"]]),
        ('a,b,c\n1,"x ""y"" z",3\n4,"5"" pipe",6\n', ["a", "b", "c"], [["1", 'x "y" z', "3"], ["4", '5" pipe', "6"]]),
        ('a,b,c\n1,"5" pipe",3\n4,x,6\n', ["a", "b", "c"], [["1", '5" pipe', "3"], ["4", "x", "6"]]),
        ('a,b,c\n1,"two\nlines",3\n4,x,6\n', ["a", "b", "c"], [["1", "two\nlines", "3"], ["4", "x", "6"]]),
        ('a,b,c\n1,"C:\\data\\",3\n4,x,6\n', ["a", "b", "c"], [["1", "C:\\data\\", "3"], ["4", "x", "6"]]),
        ('a,b,c\n1,"say \\"hi\\" \\\\ now",3\n4,x,6\n', ["a", "b", "c"], [["1", 'say "hi" \\ now', "3"], ["4", "x", "6"]]),
        ("a,b,c\n1,2,3,\n4,5,6,\n", ["a", "b", "c", "Unnamed: 3"], [["1", "2", "3", ""], ["4", "5", "6", ""]]),
        ("x,y\n1,2,3\n2,4,5\n3,5,6\n", ["Unnamed: 0", "x", "y"], [["1", "2", "3"], ["2", "4", "5"], ["3", "5", "6"]]),
        ("a,,b\n1,2\n3,4\n5,6\n", ["a", "b"], [["1", "2"], ["3", "4"], ["5", "6"]]),
        ("a,a,,b\n1,2,3,4\n", ["a", "a.1", "Unnamed: 2", "b"], [["1", "2", "3", "4"]]),
        ("Country,2019,2020\nChad,1.5,2\nPeru,2.5,3\n", ["Country", "2019", "2020"], [["Chad", "1.5", "2"], ["Peru", "2.5", "3"]]),
        ("0,1,2\n5.5,x,7\n6.5,y,8\n", ["0", "1", "2"], [["5.5", "x", "7"], ["6.5", "y", "8"]]),
        ("length,mass\ncm,kg\n1,2\n3,4\n5,6\n", ["length cm", "mass kg"], [["1", "2"], ["3", "4"], ["5", "6"]]),
        (",2019,,2020,\nland,m,f,m,f\nA,1,2,3,4\nB,5,6,7,8\nC,9,1,2,3\n", ["land", "2019 m", "2019 f", "2020 m", "2020 f"],
         [["A", "1", "2", "3", "4"], ["B", "5", "6", "7", "8"], ["C", "9", "1", "2", "3"]]),
        ("name   age  city\nAnn    40   Bonn\nBo     50   Ulm\n", ["name", "age", "city"], [["Ann", "40", "Bonn"], ["Bo", "50", "Ulm"]]),
        ("a~b\n1~x\n2~y\n", ["a", "b"], [["1", "x"], ["2", "y"]]),
        ("a,b\n1,2\n3,4\n\x1a", ["a", "b"], [["1", "2"], ["3", "4"]]),
        ("a,b\n1,\0\n3,4\n", ["a", "b"], [["1", ""], ["3", "4"]]),
        ("day,n,text\n2024-01-02,1,x\n2024-01-03 2 y\n2024-01-04,3,z\n", ["day", "n", "text"],
         [["2024-01-02", "1", "x"], ["2024-01-03", "2", "y"], ["2024-01-04", "3", "z"]]),
        ("id,name,n\n1,Ann,5\n2,Smith, Bo,6\n3,Cy,7\n", ["id", "name", "n"], [["1", "Ann", "5"], ["2", "Smith, Bo", "6"], ["3", "Cy", "7"]]),
        ("x;y\n1,5;2\n2,5;3\n", ["x", "y"], [["1,5", "2"], ["2,5", "3"]]),
        ("comment\nI like it, really\nNo, thanks, not today\nfine\nwell, yes\n", ["comment"],
         [["I like it, really"], ["No, thanks, not today"], ["fine"], ["well, yes"]]),
        ("Title\n\nText about this, with commas, and more.\n\ny,m,v\n2010,1,2\n2011,2,3\n2012,3,4\n\nNotes:\n1. One, two\n",
         ["y", "m", "v"], [["2010", "1", "2"], ["2011", "2", "3"], ["2012", "3", "4"]]),
        ("Table 1\na,b\n1,2\n3,4\n\nTable 2\nc,d\n5,6\n7,8\n", ["a", "b"], [["1", "2"], ["3", "4"]]),
        ("Jahr;n\n;Anzahl\n2010;5,5\n2011;6\n2012;7\n____\n© das Amt, 2021\n", ["Jahr", "n Anzahl"], [["2010", "5,5"], ["2011", "6"], ["2012", "7"]]),
        ('"Source","Indicators",\n\n"Land","Code","2019","2020",\n"A","x","1.5","2",\n"B","y","","3",\n"C","z","2","4",\n',
         ["Land", "Code", "2019", "2020", "Unnamed: 4"], [["A", "x", "1.5", "2", ""], ["B", "y", "", "3", ""], ["C", "z", "2", "4", ""]]),
    ],
    ids=[
        "quote never closed", "doubled", "not doubled", "two lines", "backslash at the end", "escaped by backslash",
        "separator at the end", "row names of R", "a name too many", "names twice", "years", "numbered columns", "units",
        "header over several columns", "aligned by spaces", "tilde", "end of DOS file", "NUL", "a row with another separator",
        "a comma in a text", "decimal commas", "texts with commas", "text above and below", "two tables with titles",
        "a rule and a source below", "years and a separator at the end",
    ],
)  # fmt: skip
def test_a_file_is_read_as_it_was_meant(text, header, rows):
    found = read(text)

    assert (found.header, found.rows, found.ragged) == (header, rows, {})


def test_an_empty_cell_of_the_only_column_is_a_row_and_an_empty_line_is_not():
    found = read_file(b'country\nZA\n""\n\nBW\n""\n\n', "t.csv")

    assert (found.rows, [*found.lines]) == ([["ZA"], [""], ["BW"], [""]], [2, 3, 5, 6])


@pytest.mark.parametrize("text", ["name,\nAnn,1\n", ",name\n0,Ann\n", ",age\n0,12\n"])
def test_one_record_beside_a_column_without_a_name_is_a_row(text):
    header, record = text.split()

    found = read_file(text.encode(), "t.csv")

    assert (list(found.read.names), found.rows) == (header.split(","), [record.split(",")])


def test_names_of_all_columns_but_the_first_are_a_header_and_a_title_is_none():
    rows = [["a", "Ann"], ["b", "Bob"], ["c", "Cy"]]
    text = "".join(f"{','.join(row)}\n" for row in rows)

    named, titled = (
        read_file(f",name\n{text}".encode(), "t.csv"),
        read_file(f"People,\nid,name\n{text}".encode(), "t.csv"),
    )

    assert (list(named.read.names), named.rows) == (["", "name"], rows)
    assert (list(titled.read.names), titled.rows, titled.read.before[0].text) == (["id", "name"], rows, "People")


def test_two_tables_below_each_other_are_one_and_a_note():
    text = "a,b,c\n1,2,3\n4,5,6\n7,8,9\nname,town\nAnn,Bonn\nBo,Ulm\n"

    found = read(text)

    assert found.rows == [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]]
    assert [line for line, _ in found.read.after] == [5, 6, 7]


def test_the_same_table_twice_is_read_once():
    table = "a,b\n1,2\n3,4\n5,6\n"

    assert read(table + table).rows == [["1", "2"], ["3", "4"], ["5", "6"]]


def test_which_cells_stand_in_quotes_is_known():
    found = read('land,n\nNA,1\n"NA",2\n"a, ""b""",3\nZA,"4"\n')

    assert [*found.quoted("land", np.arange(4))] == [1, 2] and [*found.quoted("n", np.arange(4))] == [3]
    assert not [*read("land,n\nNA,1\n").quoted("land", np.arange(1))]


def test_a_server_s_bounds_hold_for_a_lone_quote_too():
    small = Bounds(*(Bound(limit, "SETTING", "remedy") for limit in (3, 4, 6, 10)))

    with pytest.raises(TableTooLargeError, match="SETTING"):
        read_upload(b'a,b\n1,"' + b"2\n" * 40, bounds=small)


# Encodings


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "城市,年龄,收入\n北京,三十,高\n上海,四十,低\n"),
        ("gb18030", "id,性别\n1,男\n2,女\n"),
        ("cp932", "都市,年齢\n東京,三十\nカタカナ,ひらがな\n"),
        ("cp932", "番号,性別\n1,男\n2,女\n"),
        ("big5", "城市,年齡\n臺北,三十\n高雄,四十\n"),
        ("cp949", "도시,나이\n서울,서른\n부산,마흔\n"),
        ("cp1252", "x;preis\n1;5 €\n2;7 €\n"),
        ("cp1252", "stadt,größe\nKöln,3\n"),
        ("latin-1", "ville,âge\nNîmes,3\n"),
        ("cp1251", "имя,город\nИван,Москва\n"),
    ],
    ids=[
        "Chinese",
        "short Chinese",
        "Japanese",
        "short Japanese",
        "Taiwan",
        "Korean",
        "euro",
        "German",
        "French",
        "Russian",
    ],
)
def test_an_older_encoding_is_told_by_its_letters(encoding, text):
    assert decode(text.encode(encoding)).text == text


def test_a_byte_that_is_not_utf8_does_not_make_the_rest_another_encoding():
    found = decode("name,é\n".encode() * 30 + b"\xe9,1\n")

    assert (found.encoding, found.odd_bytes, found.text[-5:]) == ("utf-8", 1, "\né,1\n")


def test_an_encoding_that_was_named_is_used():
    data = "a,b\nł,1\n".encode("cp1250")

    assert read_file(data, options=FileOptions(encoding="cp1250")).rows == [["ł", "1"]]
    with pytest.raises(CsvError, match="is not text in the encoding utf-8"):
        read_file(data, options=FileOptions(encoding="utf-8"))


# Packed


def zipped(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def zstandard(data):
    from slipway.tables.compressed import _zstd

    out = io.BytesIO()
    with type(_zstd(io.BytesIO(b"")))(out, "w") as file:
        file.write(data)
    return out.getvalue()


CSV = b"a,b\n1,2\n3,4\n"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (gzip.compress(CSV), "gzip"),
        (bz2.compress(CSV), "bzip2"),
        (lzma.compress(CSV), "xz"),
        (zstandard(CSV), "Zstandard"),
        (zipped(**{"in/a.csv": CSV, "__MACOSX/._a.csv": b"x"}), "ZIP"),
        (zipped(**{"a.csv.gz": gzip.compress(CSV)}), "gzip in ZIP"),
    ],
    ids=["gzip", "bzip2", "xz", "zstd", "zip", "gzip in zip"],
)
def test_a_packed_file_is_read(data, name):
    found = read(data)

    assert (found.header, found.rows, found.read.compression) == (["a", "b"], [["1", "2"], ["3", "4"]], name)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (gzip.compress(CSV)[:15], "is not a complete gzip file"),
        (bz2.compress(CSV)[:20], "is not a complete bzip2 file"),
        (zstandard(CSV)[:12], "is not a complete Zstandard file"),
        (zipped(a=CSV, b=CSV), r"is a ZIP archive of 2 files \('a', 'b'\); unpack it, and name one of them"),
        (b"PK\x03\x04xlsx", "is not a complete ZIP file"),
    ],
    ids=["gzip", "bzip2", "zstd", "two files", "no zip"],
)
def test_a_packed_file_that_cannot_be_read_is_one_line(data, match):
    with pytest.raises(CsvError, match=match) as caught:
        read(data)

    assert "\n" not in str(caught.value)


def test_a_file_that_unpacks_to_far_too_much_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr("slipway.tables.compressed.ALWAYS", 1_000_000)

    with pytest.raises(CsvError, match="unpacks from .* to more than 1,000,000 bytes, as no table does"):
        read(gzip.compress(b"1," * 1_000_000))
    with pytest.raises(TableTooLargeError, match=r"\(MEGABYTES\)"):
        read_file(
            gzip.compress(b"1,2\n" * 1000), bounds=Bounds(*[UNBOUNDED.rows] * 4, Bound(1000, "MEGABYTES", "split it"))
        )


# JSON


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ('[{"a": 1.50, "b": null}, {"b": "x", "a": 2}]', ["a", "b"], [["1.50", ""], ["2", "x"]]),
        ('{"a": 1, "b": true}\n\n{"a": 2, "c": "é"}\n', ["a", "b", "c"], [["1", "true", ""], ["2", "", "é"]]),
        ('{"a": [1, 2], "b": ["x", "y"]}', ["a", "b"], [["1", "x"], ["2", "y"]]),
        ('{"a": {"0": 1, "1": 2}, "b": {"0": 3, "1": 4}}', ["a", "b"], [["1", "3"], ["2", "4"]]),
        ('{"first": {"a": 1, "b": 2}, "second": {"a": 3, "b": 4}}', ["a", "b"], [["1", "2"], ["3", "4"]]),
        ('{"columns": ["a", "b"], "index": [0], "data": [[1, 2]]}', ["a", "b"], [["1", "2"]]),
        (
            '{"count": 1, "records": [{"a": 12345678901234567890, "at": {"x": 1}}]}',
            ["a", "at.x"],
            [["12345678901234567890", "1"]],
        ),
        ('{"answer": {"records": [{"a": 1, "b": [1]}]}}', ["a", "b"], [["1", "[1]"]]),
    ],
    ids=[
        "records",
        "lines",
        "columns",
        "columns of pandas",
        "index of pandas",
        "split of pandas",
        "nested list",
        "deeper",
    ],
)
def test_json_of_any_form_is_a_table(text, header, rows):
    found = read_file(text.encode(), "x.json")

    assert (found.header, found.rows) == (header, rows)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('{"a": 1}', "is JSON that holds no table: one object; expected a list of records"),
        ("[1, 2]", "holds no table: a list of a value"),
        ("[]", "holds no table: an empty list"),
        ('{"x": [{"a": 1}], "y": [{"b": 2}]}', "several lists, under 'x', 'y'; keep one of them"),
        ('[{"a": 1},', "is not valid JSON"),
        ('{"a": 1}\n{"a": \n', "is not valid JSON: line 2"),
        ("[" * 100_000, "is JSON with too many levels"),
    ],
    ids=["object", "values", "empty", "two lists", "cut off", "a line cut off", "deep"],
)
def test_json_that_is_no_table_is_one_line(text, match):
    with pytest.raises(CsvError, match=match) as caught:
        read_file(text.encode(), "x.json")

    assert "\n" not in str(caught.value)


# Training and the command


def test_ragged_rows_are_left_out_of_training_and_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 15 + "3\n4,x,y\n" + "5,6\n" * 15)

    table = read_table(DataSource(str(path)))

    assert len(table.frame) == 30
    (note,) = table.reading.notes
    assert (note.kind, note.values) == ("ragged_rows", {"lines": "17-18"}) and "line 17 has 1 cells" in note.hint


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_table_with_far_too_many_columns_is_refused_before_its_cells_are_read(tmp_path, kind):
    frame = pd.DataFrame({f"c{place}": range(3) for place in range(2_001)})
    path = tmp_path / f"wide.{kind}"
    frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)

    with pytest.raises(
        DataError, match="has 2,001 columns, 'c0' to 'c2000'; a model can be made of up to 2,000. Write a table"
    ):
        read_table(DataSource(str(path)))


def test_what_was_decided_is_noted():
    text = 'Report\n\na,a\n1,2\n"3,4\n5,6\n\nSource: the office\n'

    notes = {note.kind: note for note in file_notes(read(text))}

    assert notes["lines_around"].values == {"lines": "1, 8"} and "'Report'" in notes["lines_around"].hint
    assert notes["names_changed"].values == {"cells": ["a.1"]} and notes["cut_otherwise"].values == {"lines": "5"}


def test_lines_are_listed_in_runs():
    assert line_numbers([7, 1, 2, 3, 9, 8]) == "1-3, 7-9"


def test_the_cells_of_files_are_written_and_a_file_that_cannot_be_read_costs_a_line(tmp_path, capsys):
    (tmp_path / "a.csv").write_bytes('x;y\n1;é, "q"\n'.encode("cp1252"))
    (tmp_path / "b.json").write_text('[{"k": 1}]')
    (tmp_path / "c.csv").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "d.csv").write_bytes(b"")
    out = tmp_path / "out"

    code = main(
        ["look", *(str(tmp_path / name) for name in ("a.csv", "b.json", "c.csv", "d.csv")), "--cells", str(out)]
    )

    assert code == 1
    assert sorted(path.name for path in out.iterdir()) == ["a.csv", "b.csv", "d.csv"]
    assert list(csv.reader((out / "a.csv").open(newline="", encoding="utf-8"))) == [["x", "y"], ["1", 'é, "q"']]
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "c.csv: is a PNG file" in err


def test_the_cells_of_one_file_go_into_a_file(tmp_path):
    (tmp_path / "a.csv").write_text("x;y\n1;2\n")

    assert main(["look", str(tmp_path / "a.csv"), "--cells", str(tmp_path / "out.csv")]) == 0
    assert (tmp_path / "out.csv").read_text() == "x,y\n1,2\n"


def test_cells_are_written_as_they_stand_with_the_names_of_the_file():
    found = read("a,a\n1,2\n3\n4,5,6\n")

    assert write_cells(found) == b"a,a\n1,2\n3\n4,5,6\n"


def test_options_outweigh_what_was_found(tmp_path):
    data = b"1;2\n3;4\n"

    assert read_file(data, options=FileOptions(header=True)).header == ["1", "2"]
    assert read_file(data, options=FileOptions(separator=",")).rows == [["3;4"]]


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    from slipway.tables import readers

    def grown(path, head):
        path.write_text("a,b\n1,2\n3,4\n")
        return True

    monkeypatch.setattr(readers, "_is_plain_text", grown)

    with pytest.raises(DataError, match="was changed while it was read; try again"):
        with readers.opened(path, 1):
            pass


def test_a_large_file_is_looked_at_by_its_beginning(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("slipway.tables.readers._SAMPLE", 1000)
    path = tmp_path / "large.csv"
    path.write_text("a,b\n" + "".join(f"{i % 50},{i % 7}\n" for i in range(5000)))

    assert main(["look", str(path)]) == 0

    assert " of about 5,000 (`--all` reads every one), 2 columns" in capsys.readouterr().out
