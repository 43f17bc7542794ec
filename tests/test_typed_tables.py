"""Columns of text in tables that have types are read as those of a CSV file; columns of another type stay as they are."""

import datetime as dt
import sqlite3

import numpy as np
import pandas as pd
import pytest
import xlsxwriter

from slipway.errors import DataError
from slipway.tables.readers import Table, read_table
from slipway.tables.source import DataSource, ReadingOptions

ROWS = 40
COLUMNS = {
    "money": [f"${900 + row},5{row % 10}0.00" for row in range(ROWS)],
    "euro": [f"{row + 1}.{234 + row},50 €" for row in range(ROWS)],
    "gaps": ["n/a" if row == 3 else f" {row * 3}.5" for row in range(ROWS)],
    "land": [("NA", "ZA", "BW")[row % 3] for row in range(ROWS)],
    "zip": [f"0{1000 + row}" for row in range(ROWS)],
    "whole": list(range(ROWS)),
    "y": [row / 4 for row in range(ROWS)],
}


def parquet(frame: pd.DataFrame, folder) -> DataSource:
    frame.to_parquet(folder / "t.parquet")
    return DataSource(str(folder / "t.parquet"))


def feather(frame: pd.DataFrame, folder) -> DataSource:
    frame.to_feather(folder / "t.feather")
    return DataSource(str(folder / "t.feather"))


def json_records(frame: pd.DataFrame, folder) -> DataSource:
    frame.to_json(folder / "t.json", orient="records")
    return DataSource(str(folder / "t.json"))


def excel(frame: pd.DataFrame, folder) -> DataSource:
    with xlsxwriter.Workbook(folder / "t.xlsx") as book:
        sheet = book.add_worksheet()
        for place, name in enumerate(frame.columns):
            sheet.write_column(0, place, [name, *frame[name].tolist()])
    return DataSource(str(folder / "t.xlsx"))


def database(frame: pd.DataFrame, folder) -> DataSource:
    with sqlite3.connect(folder / "t.db") as connection:
        frame.to_sql("t", connection, index=False)
    return DataSource(f"sqlite:///{folder / 't.db'}", query="SELECT * FROM t")


@pytest.mark.parametrize("write", [parquet, feather, json_records, excel, database])
def test_a_text_is_read_as_the_cell_of_a_csv_file(tmp_path, write):
    table = read_table(write(pd.DataFrame(COLUMNS), tmp_path))

    frame, numbers = table.frame, table.reading.numbers
    assert frame["money"].tolist()[:2] == [900_500.0, 901_510.0] and numbers["money"].unit == "$"
    assert frame["euro"].tolist()[:2] == [1234.5, 2235.5]
    assert (numbers["euro"].decimal, numbers["euro"].unit) == (",", "€")
    assert np.isnan(frame["gaps"][3]) and frame["gaps"][4] == 12.5 and table.reading.missing["gaps"] == ("n/a",)
    assert frame["zip"].tolist()[:2] == ["01000", "01001"]
    assert frame["whole"].tolist() == COLUMNS["whole"] and frame["whole"].dtype == "int64"
    assert frame["y"].tolist() == COLUMNS["y"] and frame["y"].dtype == "float64"


@pytest.mark.parametrize("write", [parquet, feather, database])
def test_na_is_a_value_where_missing_has_a_way_of_its_own(tmp_path, write):
    table = read_table(write(pd.DataFrame(COLUMNS), tmp_path))

    assert table.frame["land"].tolist()[:2] == ["NA", "ZA"]
    assert ("kept_as_value", "land") in [(note.kind, note.column) for note in table.reading.notes]


@pytest.mark.parametrize("write", [parquet, feather])
def test_columns_with_a_type_keep_it_exactly(tmp_path, write):
    typed = pd.DataFrame(
        {
            "big": np.arange(ROWS) + 2**53 + 1,
            "small": np.linspace(0.1, 0.7, ROWS),
            "flag": [row % 2 == 0 for row in range(ROWS)],
            "maybe": pd.Series([None, True, False, True] * (ROWS // 4), dtype=object),
            "at": pd.date_range("2024-05-31 18:30", periods=ROWS, freq="h"),
            "text": [("a", " b ")[row % 2] for row in range(ROWS)],
        }
    )

    frame = read_table(write(typed, tmp_path)).frame

    for name in ("big", "small", "flag", "at"):
        assert frame[name].tolist() == typed[name].tolist() and frame[name].dtype == typed[name].dtype, name
    assert frame["maybe"].tolist()[:3] == [None, True, False]
    assert frame["text"].tolist()[:2] == ["a", "b"]  # spaces at the ends never matter


def test_empty_texts_beside_missing_ones_are_missing_and_a_note(tmp_path):
    frame = pd.DataFrame({"code": ["a", "", None, "b", ""], "only": ["a", "", "", "b", "c"], "y": range(5)})
    frame.to_parquet(path := tmp_path / "t.parquet")

    table = read_table(DataSource(str(path)))

    (note,) = (note for note in table.reading.notes if note.kind == "empty_texts")
    assert (note.column, note.values) == ("code", {"rows": 2})
    assert table.frame["code"].isna().tolist() == [False, True, True, False, True]


def test_a_text_that_can_be_read_in_two_ways_is_asked_for_with_its_row(tmp_path):
    frame = pd.DataFrame({"x": [f"{row + 1}.{100 + row}" for row in range(ROWS)], "y": range(ROWS)})

    with pytest.raises(DataError, match=r"'x' holds '1\.100' \(line 1\), which can be 1\.1 or 1100"):
        read_table(parquet(frame, tmp_path))
    source = DataSource(parquet(frame, tmp_path).file, decimal=",")
    assert read_table(source).frame["x"][0] == 1100


def test_a_class_that_may_mean_no_value_is_asked_for(tmp_path):
    frame = pd.DataFrame({"x": range(ROWS), "y": ["yes", "no", "NA", "yes"] * (ROWS // 4)})

    with pytest.raises(DataError, match="the target 'y' is 'NA' in 10 rows"):
        read_table(parquet(frame, tmp_path), ReadingOptions("y"))


def test_moments_of_a_database_stay_moments(tmp_path):
    frame = pd.DataFrame({"at": [dt.datetime(2024, 1, 1 + row % 28, 8) for row in range(ROWS)], "y": range(ROWS)})

    found: Table = read_table(database(frame, tmp_path))

    assert [str(value)[:16] for value in found.frame["at"][:2]] == ["2024-01-01 08:00", "2024-01-02 08:00"]
