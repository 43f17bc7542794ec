"""Numbers, dates and times as people type or paste them into the page, in tables that write them in their own ways."""

import random

import pytest

from slipway.i18n import faults
from slipway.i18n.formats import amount, amounts, value_text, with_unit
from slipway.page.predict import form, typed
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from slipway.tables.numbers import unit_place
from tests.conftest import HOME, page_of, says, serve, settled, trained
from tests.test_axe import faults as axe_faults

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
        (RENT, "1.234,5 €", 1234.5, "Read as 1.234,5 €."),
        (RENT, "12.345,6 €", 12345.6, "Read as 12.345,6 €."),
        (RENT, "€12,5", 12.5, "Read as 12,5 €."),
        (RENT, "1.234", 1234, "Read as 1234 €, not 1,234 €."),
        (RENT, "1,234", 1.234, "Read as 1,234 €, not 1234 €."),
        (RENT, "1,234.5", 1234.5, "Read as 1.234,5 €."),
        (RENT, "(1.234,5)", -1234.5, "Read as −1.234,5 €."),
        (RENT, "12,5-", -12.5, "Read as −12,5 €."),
        (RENT, "\u221212,5", -12.5, "Read as −12,5 €."),
        (RENT, "1\u00a0234,5", 1234.5, "Read as 1.234,5 €."),
        (RENT, "１２，５", 12.5, "Read as 12,5 €."),
        (RENT, " 5\t", 5, ""),
        (RENT, "12 $", "12 $", ""),
        (RENT, "12%", "12%", ""),
        (RENT, "abc", "abc", ""),
        (RENT, "1" * 200, "1" * 200, ""),
        (RENT, "", None, ""),
        (SIZE, "1,234.5", 1234.5, "Read as 1,234.5 kg/m²."),
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


DAY = Field("day", "date", "datetime64[ns]", {"en": "Day"}, "2023-01-05", format="%d.%m.%Y")
PLAIN_DAY = Field("day", "date", "datetime64[ns]", {"en": "Day"}, "2023-01-05")
SHORT_DAY = Field("day", "date", "datetime64[ns]", {"en": "Day"}, "2023-01-05", format="%d-%b-%y")
DIGITS = Field("day", "date", "datetime64[ns]", {"en": "Day"}, "2023-01-05", format="%d%m%Y")
SWAPPED = Field("day", "date", "datetime64[ns]", {"en": "Day"}, "2023-01-05", format="%Y-%d-%m")
NEVER = Field("day", "date", "datetime64[ns]", {"en": "Day"}, "2023-01-05", nullable=True, missing=("1900-01-01",))
AT = Field("at", "datetime", "datetime64[ns]", {"en": "At"}, "2023-01-05T08:30:00", format="%m/%d/%Y")
CLOCK = Field("clock", "time", "float64", {"en": "Clock"}, "08:30")


@pytest.mark.parametrize(
    ("field", "text", "value", "note"),
    [
        (DAY, "31.12.2023", "2023-12-31", "Read as December 31, 2023."),
        (DAY, " 1.2.2023 ", "2023-02-01", "Read as February 1, 2023."),
        (DAY, "01/02/2023", "2023-02-01", "Read as February 1, 2023."),
        (DAY, "31 December 2023", "2023-12-31", "Read as December 31, 2023."),
        (DAY, "31.12.2023 18:30", "2023-12-31", "Read as December 31, 2023."),
        (DAY, "20231231", "2023-12-31", "Read as December 31, 2023."),
        (DAY, "３１．１２．２０２３", "2023-12-31", "Read as December 31, 2023."),
        (DAY, "2023-12-31", "2023-12-31", ""),
        (DAY, "31.13.2023", "31.13.2023", ""),
        (DAY, "31.12.23", "31.12.23", ""),
        (DAY, "9" * 100, "9" * 100, ""),
        (DAY, "", None, ""),
        (PLAIN_DAY, "01/02/2023", "01/02/2023", ""),
        (SHORT_DAY, "5-Jan-21", "2021-01-05", "Read as January 5, 2021."),
        (DIGITS, "20122019", "2019-12-20", "Read as December 20, 2019."),
        (DIGITS, "2019-12-20", "2019-12-20", ""),
        (SWAPPED, "2023-05-01", "2023-05-01", "Read as May 1, 2023, not January 5, 2023."),
        (SWAPPED, "2023-31-12", "2023-12-31", "Read as December 31, 2023."),
        (NEVER, "1900-01-01", "1900-01-01", ""),
        (AT, "12/31/2023 8:30 pm", "2023-12-31T20:30:00", "Read as December 31, 2023, 20:30."),
        (AT, "2023-12-31 20:30", "2023-12-31T20:30:00", ""),
        (AT, "2023-12-31T20:30:00", "2023-12-31T20:30:00", ""),
        (AT, "2023-12-31T20:30+02:00", "2023-12-31T20:30:00", "Read as December 31, 2023, 20:30."),
        (AT, "12/31/2023", "2023-12-31T00:00:00", "Read as December 31, 2023, 00:00."),
        (CLOCK, "8:30 pm", "20:30", "Read as 20:30."),
        (CLOCK, "8:30", "08:30", ""),
        (CLOCK, "25:00", "25:00", ""),
    ],
)
def test_a_date_is_read_by_the_format_of_its_column_and_shown_as_it_was_read(field, text, value, note):
    found = typed.read(PAGE, field, text)

    assert (found.value, found.note) == (value, note)


@pytest.mark.parametrize("field", [DAY, SWAPPED, DIGITS, AT, CLOCK])
def test_a_date_of_a_record_is_read_from_the_page_as_it_was(field):
    page = page_of(Schema("m", "regression", (field,), Target("y", {"en": "y"})))
    for value in (field.default, "2023-12-31T20:30:15.500000" if field is AT else field.default):
        record = {field.name: value}
        assert form.content(page, form.values(page, record)).record == record


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        (DAY, "31.13.2023", "“31.13.2023” cannot be read. Expected a date such as 2024-05-31."),
        (CLOCK, "25:00", "“25:00” cannot be read. Expected a time of day such as 18:30."),
        (DAY, "1500-01-01", "1500-01-01 is not possible here; expected 1678-01-01 to 2261-12-31."),
    ],
)
def test_what_is_no_date_is_said_with_one_that_would_do(field, text, said):
    schema = Schema("m", "regression", (field,), Target("y", {"en": "y"}))
    (fault,) = schema.check_record({field.name: text})[2]

    assert faults.form_text(fault, {field.name: field}, "en") == said


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
        ("abc", "“abc” is not a number. Expected a number such as 1.172,95 €."),
        ("12 $", "“12 $” has the unit $. Expected a number such as 1.172,95 €."),
        (2e6, "2000000 is not possible here; expected −1.000.000 to 1.000.000."),
    ],
)
def test_a_fault_is_in_the_format_of_the_column(value, said):
    (fault,) = PAGE.schema.check_record({"rent": value, "size": 1.0, "rooms": 1})[2]

    assert faults.form_text(fault, {RENT.name: RENT}, "en") == said


def test_values_are_shown_in_the_format_of_the_column():
    assert value_text(RENT, 12345.6, "en") == "12.345,6" and value_text(SIZE, 12345.6, "en") == "12,345.6"
    assert value_text(RENT, 12345.6, "zh") == "12.345,6"


@pytest.mark.parametrize(
    ("cells", "shown", "negative", "ends"),
    [
        (["$951", "$1,200"], "$951", "−$951", ("$951", "$1,200")),
        (["-$951"], "$951", "−$951", ("$951", "$1,200")),
        (["CHF 951", "-CHF 20"], "CHF 951", "−CHF 951", ("CHF 951", "CHF 1,200")),
        (["951€"], "951€", "−951€", ("951€", "1,200€")),
        (["951 €", "(5 €)", "7€"], "951 €", "−951 €", ("951", "1,200 €")),
        (["12%", "3%"], "951%", "−951%", ("951%", "1,200%")),
        (["12", "3"], "951", "−951", ("951", "1,200")),
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
@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.slow), 390])
def test_a_pasted_amount_is_read_and_the_page_says_how(open_page, flats, width):
    page = open_page(flats, "/ui/en/")
    page.set_viewport_size({"width": width, "height": 900})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=flats.url)
    page.evaluate("navigator.clipboard.writeText('1.234,5 €')")
    costs = page.get_by_label("Nebenkosten (€)")

    costs.fill("")
    costs.press("Control+v")

    page.get_by_text("Read as 1.234,5 €.").wait_for()
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


@pytest.fixture(scope="module")
def deliveries():
    """A server of a model of a table with a date, a date and time, and a time, none of them written as ISO has it."""
    rng = random.Random(4)
    lines = ["Ordered;Arrives;Shift;Cost"]
    for row in range(120):
        day, hour = row % 28 + 1, row % 12 + 1
        half = "pm" if row % 24 >= 12 else "am"
        arrives = f"{row % 12 + 1}/{day}/2023 {hour}:{row * 7 % 60:02} {half}"
        lines.append(f"{day:02}.{row % 12 + 1:02}.2023;{arrives};{row % 24}:30;{row % 12 * 10 + rng.random():.2f}")
    (HOME / "deliveries.csv").write_text("\n".join(lines), encoding="utf-8")
    tag = trained(
        "--data", str(HOME / "deliveries.csv"), "--target", "Cost", "--include", "lr", "--folds", "2", "--name", "deliveries"
    )  # fmt: skip
    with serve("--arg", f"model={tag}") as server:
        yield server


@pytest.mark.browser
@pytest.mark.parametrize(("width", "language"), [(1280, "en"), pytest.param(390, "zh", marks=pytest.mark.slow)])
def test_a_date_is_typed_as_the_table_writes_it_or_chosen_in_a_calendar(open_page, deliveries, width, language):
    page = open_page(deliveries, f"/ui/{language}/", reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": 900})
    t = page_of(PAGE.schema, language).t
    box = {name: page.get_by_role("textbox", name=name, exact=True) for name in ("Ordered", "Arrives", "Shift")}

    box["Ordered"].fill("31.12.2023")
    box["Arrives"].fill("12/31/2023 8:30 pm")
    box["Shift"].fill("8:30 pm")

    december = {"en": "December 31, 2023", "zh": "2023年12月31日"}[language]
    for read in (december, f"{december}, 20:30", "20:30"):
        page.get_by_text(t("page.read_as", value=read), exact=True).wait_for()
    record = {"Ordered": "2023-12-31", "Arrives": "2023-12-31T20:30:00", "Shift": "20:30"}
    wanted = deliveries.post("/predict", json={"records": [record]}).json()["predictions"][0]["prediction"]
    page.locator(".slip-sentence", has_text=f"{wanted:.2f}").wait_for()
    settled(page)
    assert axe_faults(page) == []

    box["Ordered"].fill("31.13.2023")
    page.get_by_text("“31.13.2023”").wait_for()
    assert box["Ordered"].get_attribute("aria-invalid") == "true"

    page.evaluate("HTMLInputElement.prototype.showPicker = function () { this.shown = true }")
    chosen = {"Ordered": ("2023-05-02", "2023-05-02"), "Arrives": ("2023-05-02T07:15", "2023-05-02 07:15"), "Shift": ("06:45", "06:45")}  # fmt: skip
    for name, (value, written) in chosen.items():
        button = page.get_by_role("button", name=t("page.choose", field=name), exact=True)
        if width == 390:
            button.click()
        else:
            button.focus()
            page.keyboard.press("Enter")
        held = button.evaluate("(button) => [button.previousSibling.shown, button.previousSibling.value]")
        assert held == [True, {"Ordered": "", "Arrives": "2023-12-31T20:30", "Shift": "20:30"}[name]]
        button.evaluate(
            """(button, value) => {
              button.previousSibling.value = value;
              button.previousSibling.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            value,
        )
        assert box[name].input_value() == written
        size = button.bounding_box()
        assert size["width"] >= 44 and size["height"] >= 44
    record = {"Ordered": "2023-05-02", "Arrives": "2023-05-02T07:15:00", "Shift": "06:45"}
    wanted = deliveries.post("/predict", json={"records": [record]}).json()["predictions"][0]["prediction"]
    page.locator(".slip-sentence", has_text=f"{wanted:.2f}").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
