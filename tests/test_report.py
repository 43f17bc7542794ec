"""The report of how a table was read: printed, kept with the version, on the card, in the API and in the Data tab."""

import json

import pandas as pd
import pytest

from slipway import store
from slipway.cli.main import build_parser, main
from slipway.cli.train import resolve
from slipway.i18n import reading
from slipway.i18n.catalogues import languages
from slipway.page.context import PageContext
from slipway.page.data import reading as data_reading
from slipway.publish.train import prepare
from slipway.schema.report import ColumnReport, OddCell, OddReason
from slipway.store import artifacts
from tests.conftest import trained

pytestmark = pytest.mark.slow

ROWS = 60


def people(folder, **changes):
    """A table as a German spreadsheet writes it, with one fault of each kind."""
    numbers = range(ROWS)
    columns = {
        "Nr": [f"K-{row:04d}" for row in numbers],
        "Geburt": [f"{row % 28 + 1:02d}.{row // 6 + 1:02d}.1980" for row in numbers],
        "Lohn": [f"{row * 37 % 9 + 1}.{row * 71 % 900 + 100},5{row % 10} €" for row in numbers],
        "Kilo": ["n/a" if row in (4, 9) else f"{row * 7 % 50 + 40}" for row in numbers],
        "Alter": ["weiß nicht" if row == 7 else f"{row * 13 % 60 + 18}" for row in numbers],
        "PLZ": [f"0{row % 20 + 1000}" for row in numbers],
        "Uhr": [f"{row % 12 + 7}:30" for row in numbers],
        "Rauchen": [("ja", "nein", "Nein")[row % 3] for row in numbers],
        "Bemerkung": [f"Frau Berg Nummer {row} rief an" for row in numbers],
        "Land": ["DE"] * ROWS,
        "Rest": [""] * ROWS,
        "y": [f"{row * 17 % 41},5" for row in numbers],
    } | changes
    path = folder / "people.csv"
    lines = [";".join(columns), *(";".join(cells) for cells in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def found(tmp_path, capsys):
    """The report of `people` as JSON, by column."""
    assert main(["look", people(tmp_path), "--target", "y", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Nr", {"kind": None, "left_out": "identifier", "options": ["--kind Nr=category"], "format": None}),
        ("Geburt", {"kind": "date", "format": "DD.MM.YYYY", "pattern": "%d.%m.%Y", "examples": ["01.01.1980", "28.10.1980"]}),
        ("Lohn", {"kind": "number", "format": "decimal comma, in €", "decimal": ",", "unit": "€", "missing": 0}),
        ("PLZ", {"kind": "category", "different": 20, "examples": ["01000", "01001", "01002"]}),
        ("Uhr", {"kind": "time", "examples": ["7:30", "18:30"], "values": ["07:30", "18:30"]}),
        ("Bemerkung", {"left_out": "free_text", "options": ["--kind Bemerkung=text"]}),
        ("Land", {"left_out": "constant", "examples": ["DE"], "why": "is “DE” in every row"}),
        ("Rest", {"left_out": "empty", "missing": ROWS, "examples": []}),
    ],
)  # fmt: skip
def test_a_column_is_reported_with_its_kind_and_how_it_is_written(found, name, wanted):
    column = {column["name"]: column for column in found["columns"]}[name]

    assert {key: column[key] for key in wanted} == wanted
    assert found["target_column"]["name"] == "y" and found["target_column"]["kind"] == "number"


def test_odd_cells_are_listed_with_line_value_and_reason(found):
    columns = {column["name"]: column for column in found["columns"]}

    assert columns["Kilo"]["odd"] == [
        {"line": 6, "value": "n/a", "why": "missing"},
        {"line": 11, "value": "n/a", "why": "missing"},
    ]
    assert (columns["Kilo"]["odd_total"], columns["Kilo"]["missing"]) == (2, 2)
    assert columns["Alter"]["odd"] == [{"line": 9, "value": "weiß nicht", "why": "not_a_number"}]
    assert columns["Alter"]["options"] == ["--kind Alter=category"]
    assert all(column["odd"] == [] for name, column in columns.items() if name not in ("Kilo", "Alter"))


def test_odd_cells_are_bounded_and_counted(tmp_path, capsys):
    gaps = ["?" if row % 2 else "n/a" if row == 58 else f"{row}" for row in range(ROWS)]

    assert main(["look", people(tmp_path, Kilo=gaps), "--json"]) == 0

    (kilo,) = [c for c in json.loads(capsys.readouterr().out)["columns"] if c["name"] == "Kilo"]
    assert len(kilo["odd"]) == 10 and kilo["odd_total"] == 31
    assert {cell["value"] for cell in kilo["odd"]} == {"?", "n/a"}


def test_what_keeps_a_column_from_being_numbers_is_odd(tmp_path, capsys):
    words = {1: "zwei", 11: "drei", 21: "vier", 31: "fünf"}
    mixed = [words.get(row, f"{row % 30}") for row in range(ROWS)]

    assert main(["look", people(tmp_path, Kilo=mixed), "--json"]) == 0

    (kilo,) = [c for c in json.loads(capsys.readouterr().out)["columns"] if c["name"] == "Kilo"]
    assert kilo["kind"] == "category"
    assert kilo["odd"] == [
        {"line": line, "value": word, "why": "text"} for line, word in ((3, "zwei"), (13, "drei"), (23, "vier"))
    ]
    assert kilo["odd_total"] == 4 and kilo["options"] == ["--missing Kilo=zwei,drei,vier"]


def test_the_table_is_printed_before_training_and_by_look(tmp_path, capsys):
    path = people(tmp_path)
    assert main(["look", path, "--target", "y"]) == 0
    looked = capsys.readouterr().out

    prepare(resolve(build_parser().parse_args(["train", "--data", path, "--target", "y", "--name", "table"])))

    assert capsys.readouterr().out == looked
    lines = [" ".join(line.split()) for line in looked.splitlines()]
    assert "column read as cells missing odd cells (lines)" in lines
    assert "Geburt date, DD.MM.YYYY 01.01.1980 = 1980-01-01, 28.10.1980 = 1980-10-28" in lines
    assert "Kilo whole number 40, 89 2 “n/a”: 6, 11" in lines
    assert any(line.startswith("Bemerkung left out: free text Frau Berg") for line in lines)
    assert any(line.startswith("y (target) number, decimal comma") for line in lines)


def test_nothing_of_free_text_identifiers_or_the_numbers_to_predict_is_kept(tmp_path):
    case = resolve(build_parser().parse_args(["train", "--data", people(tmp_path), "--target", "y", "--name", "table"]))
    _, learnt, _ = prepare(case)

    artifacts.READING.write(tmp_path, learnt.report)

    text = (tmp_path / "reading.json").read_text(encoding="utf-8")
    assert "Berg" not in text and "K-00" not in text
    assert learnt.report.target_column.examples == ()
    assert artifacts.READING.read("a:b", tmp_path, artifacts.FORMAT) == learnt.report
    fields = learnt.schema.by_name
    for column in learnt.report.columns:
        if column.values:  # nothing but what the schema has anyway
            assert set(column.values) <= {fields[column.name].observed_min, fields[column.name].observed_max}


def test_a_version_keeps_the_report_and_shows_it_everywhere(tmp_path):
    version = store.find(
        trained("--data", people(tmp_path), "--target", "y", "--name", "people", "--include", "lr", "--folds", "2")
    )

    found = version.reading()
    assert [column.name for column in found.columns][:3] == ["Nr", "Geburt", "Lohn"]
    card = version.cards()["en"]
    assert "## How the table was read" in card
    assert "| Lohn | number, decimal comma, in € |" in card and "| Nr | left out |" in card
    for language in languages():
        page = PageContext(version, language)
        html = str(data_reading.render(page))
        assert html.count('role="rowheader"') == 12 and "--kind Nr=category" in html
        assert "Berg" not in html


def test_words_are_those_of_a_spreadsheet():
    assert reading.date_pattern("%d.%m.%y") == "DD.MM.YY"
    assert reading.date_pattern("%m/%d/%Y %I:%M %p") == "MM/DD/YYYY hh:mm AM/PM"
    column = ColumnReport("x", "datetime", examples=("1/4/2023 10:32 AM",), values=("2023-01-04T10:32:00",))
    assert reading.examples(column, "en") == ["1/4/2023 10:32 AM = 2023-01-04 10:32"]
    odd = tuple(OddCell("?", OddReason.MISSING, line) for line in (2, 5))
    assert reading.odd_cells(ColumnReport("x", "number", odd=odd, odd_total=40), "en") == "“?”: 2, 5 and 38 more"


def test_a_table_with_types_has_no_lines(tmp_path, capsys):
    frame = pd.DataFrame({"x": [row * 1.5 for row in range(ROWS)], "y": range(ROWS)})
    frame.to_parquet(tmp_path / "t.parquet")

    assert main(["look", str(tmp_path / "t.parquet"), "--target", "y", "--json"]) == 0

    (column,) = json.loads(capsys.readouterr().out)["columns"]
    assert (column["kind"], column["examples"], column["values"]) == ("number", ["0.0", "88.5"], [0, 88.5])
