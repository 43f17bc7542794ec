"""Numbers as people type or paste them into the page, in a table that writes them as German ones do."""

import random

import pytest

from slipway.i18n import faults
from slipway.i18n.formats import amount, amounts, value_text, with_unit
from slipway.page.predict import form, typed
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.tables.numbers import unit_place
from tests.conftest import HOME, page_of, says, serve, trained

RENT = Field(
    "rent", "number", "float64", {"en": "Rent"}, 1172.95, unit={"en": "€"}, observed_min=84.5, observed_max=2367.8,
    minimum=-1e6, maximum=1e6, decimals=2, decimal=",", number_unit="€",
)  # fmt: skip
SIZE = Field("size", "number", "float64", {"en": "Size"}, 30.4, unit={"en": "kg/m²"}, decimals=1)
ROOMS = Field("rooms", "integer", "int64", {"en": "Rooms"}, 3)
PAGE = page_of(Schema("m", "regression", (RENT, SIZE, ROOMS), Target("y", {"en": "y"})))


@pytest.mark.parametrize(
    ("field", "text", "value", "note"),
    [
        (RENT, "1234,5", 1234.5, ""),
        (RENT, "1.234,5 €", 1234.5, "Read as 1234,5 €."),
        (RENT, "12.345,6 €", 12345.6, "Read as 12.345,6 €."),
        (RENT, "€12,5", 12.5, "Read as 12,5 €."),
        (RENT, "1.234", 1234, "Read as 1234 €, not 1,234 €."),
        (RENT, "1,234", 1.234, "Read as 1,234 €, not 1234 €."),
        (RENT, "1,234.5", 1234.5, "Read as 1234,5 €."),
        (RENT, "(1.234,5)", -1234.5, "Read as -1234,5 €."),
        (RENT, "12,5-", -12.5, "Read as -12,5 €."),
        (RENT, "\u221212,5", -12.5, "Read as -12,5 €."),
        (RENT, "1\u00a0234,5", 1234.5, "Read as 1234,5 €."),
        (RENT, "１２，５", 12.5, "Read as 12,5 €."),
        (RENT, " 5\t", 5, ""),
        (RENT, "12 $", "12 $", ""),
        (RENT, "12%", "12%", ""),
        (RENT, "abc", "abc", ""),
        (RENT, "1" * 200, "1" * 200, ""),
        (RENT, "", None, ""),
        (SIZE, "1,234.5", 1234.5, "Read as 1234.5 kg/m²."),
        (SIZE, "12,5", 12.5, "Read as 12.5 kg/m²."),
        (SIZE, "1.234", 1.234, "Read as 1.234 kg/m², not 1234 kg/m²."),
        (SIZE, "25 kg/m²", 25, "Read as 25 kg/m²."),
        (ROOMS, "1.234", 1234, "Read as 1234, not 1.234."),
        (ROOMS, "1,234", 1234, "Read as 1234, not 1.234."),
        (ROOMS, "1.5", 1.5, ""),
    ],
)
def test_a_number_is_read_by_the_format_of_its_column_and_shown_as_it_was_read(field, text, value, note):
    found = typed.read(PAGE, field, text)

    assert (found.value, found.note) == (value, note)


@pytest.mark.parametrize("value", [0.0, 1.234, -1234.5, 12345678.0, 0.000012345, 1e-9, 1.5e20, 1172.95])
@pytest.mark.parametrize("field", [RENT, SIZE], ids=["comma", "point"])
def test_what_the_page_writes_into_a_box_is_read_as_it_was(field, value):
    (shown, *_) = form.values(
        page_of(Schema("m", "regression", (field,), Target("y", {"en": "y"}))), {field.name: value}
    )

    found = typed.read(PAGE, field, shown)
    assert found.value == value and "not" not in found.note.replace("not 1234", "")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("abc", "“abc” is not a number. Expected a number such as 1172,95 €."),
        ("12 $", "“12 $” has the unit $. Expected a number such as 1172,95 €."),
        (2e6, "2000000 is not possible here; expected -1.000.000 to 1.000.000."),
    ],
)
def test_a_fault_is_in_the_format_of_the_column(value, said):
    (fault,) = PAGE.schema.check_record({"rent": value, "size": 1.0, "rooms": 1})[2]

    assert faults.form_text(fault, RENT, "en") == said


def test_values_are_shown_in_the_format_of_the_column():
    assert value_text(RENT, 12345.6, "en") == "12.345,6" and value_text(SIZE, 12345.6, "en") == "12,345.6"
    assert value_text(RENT, 12345.6, "zh") == "12.345,6"


@pytest.mark.parametrize(
    ("cells", "shown", "negative", "ends"),
    [
        (["$951", "$1,200"], "$951", "-$951", ("$951", "$1,200")),
        (["-$951"], "$951", "-$951", ("$951", "$1,200")),
        (["CHF 951", "-CHF 20"], "CHF 951", "-CHF 951", ("CHF 951", "CHF 1,200")),
        (["951€"], "951€", "-951€", ("951€", "1,200€")),
        (["951 €", "(5 €)", "7€"], "951 €", "-951 €", ("951", "1,200 €")),
        (["12%", "3%"], "951%", "-951%", ("951%", "1,200%")),
        (["12", "3"], "951", "-951", ("951", "1,200")),
    ],
)
def test_a_unit_stands_where_the_column_has_it(cells, shown, negative, ends):
    unit = "".join(letter for letter in cells[0] if letter not in "0123456789,.- ")
    target = Target("y", {"en": "y"}, {"en": unit} if unit else None, decimals=0, unit_place=unit_place(cells))

    assert (amount(target, 951, "en"), amount(target, -951, "en")) == (shown, negative)
    assert amounts(target, 951, 1200, "en") == ends
    assert with_unit("1", target, "en") == shown.replace("951", "1")


@pytest.fixture(scope="module")
def flats():
    """A server of a model of a German table, with a list of 400 towns."""
    rng = random.Random(3)
    towns = ["Zürich", "Köln", *(f"Ort {number:03}" for number in range(398))]
    lines = ["Fläche;Nebenkosten;Ort;Kaltmiete"]
    for row in range(800):
        size, costs = rng.uniform(20, 180), rng.uniform(80, 2400)
        cells = (f"{size:.1f} m²", german(costs), towns[row % 400], german(size * 11 + costs * 0.4))
        lines.append(";".join(cell.replace(".", ",", cell.count(".") == 1 and "€" not in cell) for cell in cells))
    (HOME / "flats.csv").write_text("\n".join(lines), encoding="utf-8")
    tag = trained(
        "--data", str(HOME / "flats.csv"), "--target", "Kaltmiete", "--include", "lr", "--folds", "2", "--name", "flats"
    )  # fmt: skip
    with serve("--arg", f"model={tag}") as server:
        yield server


def german(number):
    return f"{number:,.2f} €".translate(str.maketrans(",.", ".,"))


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_pasted_amount_is_read_and_the_page_says_how(open_page, flats, width):
    page = open_page(flats, "/ui/en/")
    page.set_viewport_size({"width": width, "height": 900})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=flats.url)
    page.evaluate("navigator.clipboard.writeText('1.234,5 €')")
    costs = page.get_by_label("Nebenkosten (€)")

    costs.fill("")
    costs.press("Control+v")

    page.get_by_text("Read as 1234,5 €.").wait_for()
    record = {"Fläche": 100.0, "Nebenkosten": 1234.5, "Ort": "Köln"}
    page.get_by_label("Fläche (m²)").fill("100")
    page.get_by_label("Ort").click()
    page.keyboard.insert_text("köl")  # as the keyboard of a phone does
    page.get_by_role("option", name="Köln").click()
    wanted = flats.post("/predict", json={"records": [record]}).json()["predictions"][0]["prediction"]
    says(page, f"Predicted Kaltmiete: {german(wanted)}")
    page.get_by_label("Fläche (m²)").fill("100 $")
    page.get_by_text("“100 $” has the unit $. Expected a number such as").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
