"""The page, in a real browser, against the real server, compared with the fitted pipeline itself."""

import pytest

from slipway.inference import frames
from tests.conftest import PATIENT, PERSON, pipeline, says, sentence

pytestmark = pytest.mark.browser


def fault(page, label: str):
    return page.locator(".slip-field", has=page.get_by_label(label, exact=True)).get_by_role("alert")


def test_a_person_fills_in_the_insurance_form_and_reads_what_the_pipeline_says(open_page, insurance_server, insurance):
    page = open_page(insurance_server)
    fitted, schema = pipeline(insurance)

    page.get_by_label("Age (years)").fill("40")
    page.get_by_label("Male", exact=True).check()
    page.get_by_label("Body mass index (kg/m²)").fill("25")
    page.get_by_label("Children").fill("0")
    page.get_by_label("Yes", exact=True).check()
    page.get_by_label("Southwest").check()

    wanted = fitted.predict(frames.frame(schema, schema.columns([PERSON | {"smoker": "yes"}])))[0]
    says(page, f"Expected bill: ${wanted:,.0f} a year")
    assert page.locator(".slip-kicker").inner_text() == "For the values shown; 5 of 6 entered by you"
    page.locator(".slip-form").get_by_label("Female").check()
    page.get_by_text("For the values you entered", exact=True).wait_for()
    page.get_by_role("button", name="Reset").click()
    page.get_by_text("Example: change a field to make it yours").wait_for()
    page.get_by_label("Age (years)").fill("41")
    page.get_by_text("For the values shown; 1 of 6 entered by you").wait_for()


def test_a_person_fills_in_the_diabetes_form_and_reads_what_the_pipeline_says(open_page, diabetes_server, diabetes):
    page = open_page(diabetes_server)
    fitted, schema = pipeline(diabetes)
    labels = {
        field.name: f"{field.label['en']}" + (f" ({field.unit['en']})" if field.unit else "") for field in schema.fields
    }

    for name, value in PATIENT.items():
        page.get_by_label(labels[name], exact=True).fill(str(value))

    wanted = fitted.predict_proba(frames.frame(schema, schema.columns([PATIENT])))[0][1]
    says(page, f"In this data set: {wanted * 100:.0f}% diabetes")
    band = page.locator(".slip-band").inner_text()
    assert band == "A raised share among the women of this data set who are alike." and 0.2 <= wanted < 0.5
    assert page.locator(".slip-bar").all_inner_texts()[1].split() == ["With", f"{wanted * 100:.0f}%"]


def test_what_was_not_measured_is_ticked_and_predicted_as_missing(open_page, diabetes_server, diabetes):
    page = open_page(diabetes_server)
    fitted, schema = pipeline(diabetes)
    glucose = page.locator(".slip-field", has=page.get_by_label("Glucose (mg/dL)", exact=True))

    glucose.get_by_label("Not measured").check()

    record = {field.name: field.default for field in schema.fields} | {"Glucose": None}
    wanted = fitted.predict_proba(frames.frame(schema, schema.columns([record])))[0][1]
    says(page, f"In this data set: {wanted * 100:.0f}% diabetes")
    glucose.get_by_label("Not measured").uncheck()
    page.get_by_label("Glucose (mg/dL)", exact=True).fill("")
    glucose.get_by_text("Fill this in, or tick “Not measured”.").wait_for()


def test_until_a_field_is_changed_the_answer_is_headed_as_an_example(open_page, insurance_server, insurance):
    page = open_page(insurance_server)
    fitted, schema = pipeline(insurance)
    defaults = {field.name: field.default for field in schema.fields}
    smoker = schema.texts.examples[2].values

    says(page, f"Expected bill: ${fitted.predict(frames.frame(schema, schema.columns([defaults])))[0]:,.0f} a year")
    assert page.locator(".slip-kicker").inner_text() == "Example: change a field to make it yours"
    page.get_by_role("button", name="Smoker aged 50").click()
    says(page, f"Expected bill: ${fitted.predict(frames.frame(schema, schema.columns([smoker])))[0]:,.0f} a year")
    assert page.get_by_label("Age (years)").input_value() == "50"
    assert page.locator(".slip-kicker").inner_text() == "Example: change a field to make it yours"
    page.get_by_role("button", name="Reset").click()
    says(page, f"Expected bill: ${fitted.predict(frames.frame(schema, schema.columns([defaults])))[0]:,.0f} a year")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Please fill this in."),
        ("200", "200 is not possible here; expected 0 to 120."),
        ("-1", "-1 is not possible here; expected 0 to 120."),
        ("40.5", "40.5 is not a whole number. Expected a number such as 39 years."),
        ("abc", "“abc” is not a number. Expected a number such as 39 years."),
        ("40 kg", "“40 kg” has the unit kg. Expected a number such as 39 years."),
    ],
    ids=["empty", "too high", "negative", "not whole", "letters", "another unit"],
)
def test_a_fault_is_shown_at_its_field_in_words_and_no_answer_stays(open_page, insurance_server, typed, said):
    page = open_page(insurance_server)

    page.get_by_label("Age (years)").fill(typed)

    fault(page, "Age (years)").wait_for()
    assert fault(page, "Age (years)").inner_text() == said
    assert sentence(page) == "Please correct the highlighted fields."
    page.get_by_label("Age (years)").fill("30")
    page.locator(".slip-sentence", has_text="Expected bill").wait_for()
    assert fault(page, "Age (years)").count() == 0


def test_every_fault_is_shown_at_once(open_page, diabetes_server):
    page = open_page(diabetes_server)

    page.get_by_label("Pregnancies", exact=True).fill("")
    page.get_by_label("Glucose (mg/dL)", exact=True).fill("99999")

    page.get_by_text("99999 is not possible here; expected 20 to 600.").wait_for()
    assert fault(page, "Pregnancies").inner_text() == "Please fill this in."


def test_a_value_outside_training_is_answered_with_a_warning(open_page, insurance_server):
    page = open_page(insurance_server)

    page.get_by_label("Age (years)").fill("90")

    warning = page.locator(".slip-warnings li")
    assert warning.inner_text() == "Age: 90 is outside what the model has seen (18 to 64); the answer is a guess."
    assert sentence(page).startswith("Expected bill: $")


@pytest.mark.parametrize("tab", ["Predict", "Batch"])
def test_no_tab_is_wider_than_a_phone(open_page, diabetes_server, tab):
    page = open_page(diabetes_server)
    page.set_viewport_size({"width": 390, "height": 844})

    page.get_by_role("tab", name=tab).click()

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_chinese_browser_gets_a_chinese_page_and_a_link_to_the_english_one(open_page, diabetes_server):
    page = open_page(diabetes_server, locale="zh-CN")

    page.get_by_label("血糖 (mg/dL)", exact=True).fill("900")

    page.get_by_text("900 超出允许范围，应为 20 至 600。").wait_for()
    assert page.title() == "糖尿病数据演示" and sentence(page) == "请修正标出的项目。"
    page.get_by_role("link", name="English").click()
    page.get_by_label("Glucose (mg/dL)", exact=True).wait_for()
    assert page.title() == "Diabetes data – a demonstration"
