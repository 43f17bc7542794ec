"""Why, and what if: the page's panels below the answer, compared with the API."""

import re

import pytest

from slipway import store
from slipway.page.predict import form, whatif, why
from slipway.schema.fields import Field
from slipway.schema.schema import Schema, Target
from tests.conftest import PATIENT, PERSON, page_of, serve, settled


def number(text: str) -> float:
    """What a figure on the page says: `−6,596` is -6596."""
    return float(text.replace("−", "-").replace("+", "").replace(",", "").replace("%", "").strip())


def falls(page) -> list[tuple[str, float]]:
    """Label and amount of each step of the waterfall."""
    page.locator(".slip-falls").wait_for()
    rows = page.locator(".slip-falls li:not(.slip-fall-end)")
    return [
        (rows.nth(i).locator("> span").first.inner_text(), number(rows.nth(i).locator("> span").last.inner_text()))
        for i in range(rows.count())
    ]


def fill(page, record: dict) -> None:
    for label, name in {"Age (years)": "age", "Body mass index (kg/m²)": "bmi", "Children": "children"}.items():
        page.get_by_label(label).fill(str(record[name]))
    page.locator(".slip-form").get_by_label("Yes" if record["smoker"] == "yes" else "No", exact=True).check()
    page.get_by_label("Southwest").check()


@pytest.mark.browser
def test_the_page_says_why_with_the_contributions_of_the_api_largest_first(open_page, insurance_server):
    page = open_page(insurance_server)
    person = PERSON | {"smoker": "yes", "age": 50}
    wanted = insurance_server.post("/explain", json={"record": person}).json()

    fill(page, person)
    falls_shown = page.locator(".slip-falls", has_text="Smoker: Yes").filter(has_text="Age: 50")
    falls_shown.filter(has_text="Region: Southwest").filter(has_text="Body mass index: 25").wait_for()

    expected = sorted((round(one["contribution"]) for one in wanted["contributions"]), key=abs, reverse=True)
    found = [amount for label, amount in falls(page) if "others" not in label]
    assert found == expected[: len(found)] and len(found) >= 3
    assert "US dollars a year" in page.locator(".slip-reasons section p").first.inner_text()
    ends = page.locator(".slip-fall-end > :last-child").all_inner_texts()
    assert ends == [f"{wanted['base']:,.0f}", f"{wanted['prediction']:,.0f}"]


@pytest.mark.browser
def test_of_two_classes_the_positive_one_is_explained_in_percentage_points(open_page, diabetes_server):
    page = open_page(diabetes_server)
    wanted = diabetes_server.post("/explain", json={"record": PATIENT}).json()

    labels = {
        "Pregnancies": "Pregnancies", "Glucose (mg/dL)": "Glucose", "Blood pressure (mm Hg)": "BloodPressure", "Skin fold (mm)": "SkinThickness", "Insulin (µU/mL)": "Insulin",
        "Body mass index (kg/m²)": "BMI", "Family history score": "DiabetesPedigreeFunction", "Age (years)": "Age",
    }  # fmt: skip
    for label, name in labels.items():
        page.locator(".slip-form").get_by_label(label, exact=True).fill(str(PATIENT[name]))
    page.locator(".slip-falls", has_text="Glucose: 131").filter(has_text="Age: 41").wait_for()

    total = sum(amount for _, amount in falls(page))
    assert total == pytest.approx(100 * (wanted["prediction"] - wanted["base"]), abs=0.5)
    assert "percentage points" in page.locator(".slip-reasons section p").first.inner_text()


@pytest.mark.browser
def test_what_if_shows_what_the_api_says_for_another_value(open_page, insurance_server):
    page = open_page(insurance_server)
    fill(page, PERSON)
    page.locator(".slip-falls", has_text="Age: 40").filter(has_text="Region: Southwest").wait_for()
    settled(page)

    no, yes = (
        insurance_server.post("/predict", json={"records": [PERSON | {"smoker": smoker}]}).json()["predictions"][0]
        for smoker in ("no", "yes")
    )

    bars = page.locator(".slip-whatif .slip-bar")
    assert [number(bars.nth(i).locator("> span").last.inner_text()) for i in range(2)] == [
        round(yes["prediction"]),
        round(no["prediction"]),
    ]
    assert "slip-chosen" in bars.last.get_attribute("class")
    page.get_by_label("Change one input, keep the rest").click()
    page.get_by_role("option", name="Age (years)").click()
    curve = page.locator(".slip-curve")
    curve.wait_for()
    assert curve.locator(".slip-now-text").text_content() == f"40 → {no['prediction']:,.0f}"
    assert re.match("Age from 18 to 64: ", curve.locator("svg").get_attribute("aria-label"))


@pytest.mark.browser
def test_with_a_fault_there_are_no_reasons(open_page, insurance_server):
    page = open_page(insurance_server)
    page.locator(".slip-falls").wait_for()

    page.get_by_label("Age (years)").fill("200")

    page.locator(".slip-falls").wait_for(state="detached")
    assert page.locator(".slip-whatif, .slip-curve").count() == 0


@pytest.mark.slow
@pytest.mark.browser
def test_a_model_without_probabilities_answers_and_has_no_reasons(open_page, bare):
    with serve("--arg", f"model={bare}") as server:
        page = open_page(server)
        page.get_by_label("Age (years)").fill("55")
        page.locator(".slip-kicker", has_text="For the values shown").wait_for()
        explained = server.post("/explain", json={"record": PATIENT})

        assert explained.status_code == 400 and "probabilities" in explained.json()["error"]
        assert page.locator(".slip-falls, #live-why .slip-box, #live-whatif .slip-box").count() == 0
        # What would have to change for the other class can be told without them.
        assert page.locator(".slip-box").count() == page.locator("#live-changes .slip-box").count() == 1


def test_of_many_fields_the_largest_dozen_is_named_and_the_rest_summed():
    names = [f"x{number}" for number in range(30)]
    fields = tuple(Field(name, "number", "float64", {"en": name}, 1) for name in names)
    schema = Schema("wide", "regression", fields, Target("y", {"en": "Y"}))
    contributions = [{"field": name, "value": 1, "contribution": 40.0 - place} for place, name in enumerate(names)]

    steps = why._steps(page_of(schema), {"contributions": contributions})

    assert [label for label, _ in steps] == [*(f"{name}: 1" for name in names[:12]), "18 others"]
    assert sum(share for _, share in steps) == sum(one["contribution"] for one in contributions)


@pytest.mark.parametrize(
    ("decimals", "contributions", "shown"),
    [
        (0, (-0.42, 0.031), ("5.40", "5.01", "−0.42", "+0.03")),
        (2, (800.0, -3.5), ("5.40", "801.90", "+800.00", "−3.50")),
    ],
)
def test_contributions_to_a_whole_number_keep_the_digits_that_tell_them_apart(decimals, contributions, shown):
    fields = tuple(Field(name, "number", "float64", {"en": name}, 1) for name in "ab")
    schema = Schema("stay", "regression", fields, Target("days", {"en": "Days"}, decimals=decimals))
    parts = [{"field": name, "value": 1, "contribution": one} for name, one in zip("ab", contributions, strict=True)]
    explained = {"base": 5.4, "prediction": 5.4 + sum(contributions), "contributions": parts}

    html = why.render(page_of(schema), explained)

    assert [text in html for text in shown] == [True] * 4


def test_a_column_called_like_a_script_is_text_in_both_panels(insurance):
    schema = store.find(insurance).schema()
    evil = "<img src=x onerror=alert(1)>"
    explained = {
        "base": 1.0,
        "prediction": 3.0,
        "contributions": [{"field": "sex", "value": evil, "contribution": 2.0}],
    }

    html = why.render(page_of(schema), explained)

    assert "<img" not in html and "&lt;img" in html


FIELD = {"dtype": "float64", "label": {"en": "X"}, "default": 1}


@pytest.mark.parametrize(
    ("field", "own", "first", "last", "count"),
    [
        (Field("x", "integer", observed_min=0.0, observed_max=5.0, **FIELD), 3, 0, 5, 6),
        (Field("x", "number", observed_min=0.0, observed_max=1.0, **FIELD), 0.123, 0.0, 1.0, 42),
        (Field("x", "number", observed_min=0.0, observed_max=1.0, **FIELD), 7.0, 0.0, 1.0, 41),
        (Field("x", "number", observed_min=0.0, observed_max=1.0, **FIELD), None, 0.0, 1.0, 41),
        (Field("x", "number", observed_min=2.0, observed_max=2.0, **FIELD), 2.0, 2.0, 2.0, 1),
        (
            Field("x", "date", observed_min="2024-01-01", observed_max="2024-12-31", **FIELD),
            "2024-05-05",
            "2024-01-01",
            "2024-12-31",
            42,
        ),
        (Field("x", "category", categories=tuple(map(str, range(100))), **FIELD), "77", "0", "99", 100),
    ],
    ids=["integer", "number", "outside", "not measured", "one value", "date", "many categories"],
)
def test_what_is_asked_for_covers_the_range_and_ones_own_value(field, own, first, last, count):
    found = whatif.values(field, own)

    assert (found[0], found[-1], len(found)) == (first, last, count)
    assert own in found or own in (7.0, None)


def test_what_if_of_a_moment_goes_by_days_at_its_own_time():
    ends = {"observed_min": "2023-01-03T18:00:00", "observed_max": "2023-12-28T06:00:00"}
    field = Field("at", "datetime", "datetime64[ns]", {"en": "At"}, "2023-06-18T12:30:00", **ends)
    for own, time in (("2023-05-01T07:45:00", "07:45:00"), (None, "12:30:00")):
        asked = whatif.values(field, own)
        assert len(asked) > 20 and {value.partition("T")[2] for value in asked} == {time}
        assert asked == sorted(asked) and ends["observed_min"] <= asked[0] and asked[-1] <= ends["observed_max"]


def test_a_moment_of_the_form_is_that_of_a_record():
    schema = Schema(
        "m",
        "regression",
        (Field("at", "datetime", "datetime64[ns]", {"en": "At"}, "2023-06-18T12:30:00"),),
        Target("y", {"en": "y"}),
    )
    shown = form.values(page_of(schema), schema.defaults)
    assert shown == ["2023-06-18 12:30"]
    content = form.content(page_of(schema), shown)
    assert (content.record, content.faults, content.boxes["at"].note) == (schema.defaults, [], "")


@pytest.mark.parametrize(
    ("count", "said"), [(500, ""), (865, "500 of 865 values are shown.")], ids=["all of them", "a part"]
)  # fmt: skip
def test_what_if_says_how_many_of_the_categories_it_shows(count, said):
    field = Field("x", "category", categories=tuple(map(str, range(count))), **FIELD)
    schema = Schema("case", "regression", (field,), Target("y", {"en": "y"}))
    asked = whatif.values(field, "0")

    html = whatif.render(page_of(schema), field, "0", asked, [{"prediction": 1.0}] * len(asked), None)

    assert (said in html) and ("values are shown" in html) == bool(said)
