"""The catalogues of texts, and the forms of numbers and dates."""

import datetime as dt
import re
import shutil

import pytest

from slipway import store
from slipway.i18n import catalogues, formats
from slipway.i18n.catalogues import LOCALES, MissingTextError, catalogue, languages, translate
from slipway.page.context import PageContext
from slipway.page.data import tab as data_tab
from slipway.page.model import tab as model_tab
from tests import catalogue_checks as checks

ENGLISH = checks.entries(checks.read(LOCALES / "en.po"))


@pytest.fixture
def locales(tmp_path, monkeypatch):
    """A copy of the catalogues, which the package reads instead of its own."""
    folder = tmp_path / "locales"
    shutil.copytree(LOCALES, folder)
    monkeypatch.setattr(catalogues, "LOCALES", folder)
    _forget()
    yield folder
    _forget()


def _forget() -> None:
    languages.cache_clear()
    catalogue.cache_clear()


SLOVENE = r"""
msgid ""
msgstr ""
"Language: sl\n"
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=4; plural=(n%100==1 ? 0 : n%100==2 ? 1 : n%100==3 || n%100==4 ? 2 : 3);\n"

msgid "text.rows"
msgid_plural "text.rows"
msgstr[0] "{count} vrstica"
msgstr[1] "{count} vrstici"
msgstr[2] "{count} vrstice"
msgstr[3] "{count} vrstic"
"""


# The catalogues


def test_no_catalogue_has_a_fault():
    assert checks.faults(LOCALES) == []


BROKEN = {
    "a missing entry": ('msgid "card.model"\nmsgstr "模型"\n', "", "card.model is missing"),
    "an unknown entry": ("", '\nmsgid "card.hat"\nmsgstr "帽"\n', "card.hat is unknown"),
    "an entry twice": ("", '\nmsgid "card.model"\nmsgstr "模型"\n', "card.model is there twice"),
    "an empty text": ('"card.model"\nmsgstr "模型"', '"card.model"\nmsgstr ""', "card.model is empty"),
    "a fuzzy text": ('msgid "card.model"', '#, fuzzy\nmsgid "card.model"', "card.model is marked fuzzy"),
    "another placeholder": ("{count} 行", "{number} 行", "has the placeholders ['number'], expected ['count']"),
    "no placeholder": ("{count} 行", "行", "has the placeholders [], expected ['count']"),
    "an open brace": ("{count} 行", "{count 行", "has a broken placeholder: expected '}' before end of string"),
    "a format in a placeholder": ("{count} 行", "{count:,} 行", "has a broken placeholder: {count} is not a bare name"),
    "a text without plural": (
        'msgid "text.rows"\nmsgid_plural "text.rows"\nmsgstr[0]',
        'msgid "text.rows"\nmsgstr',
        "text.rows has not the plural forms of the language",
    ),
    "another language's plurals": ("nplurals=1; plural=0", "nplurals=2; plural=(n != 1)", "is not that of zh_CN"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_catalogue_is_named(locales, name):
    old, new, fault = BROKEN[name]
    file = locales / "zh.po"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1) if old else text + new, encoding="utf-8")

    assert any(fault in found for found in checks.faults(locales)), checks.faults(locales)


def test_every_text_is_used_and_every_text_that_is_used_is_there():
    keys, beginnings = checks.asked()
    families = {beginning + name for beginning, names in checks.FAMILIES.items() for name in names}

    assert beginnings == set(checks.FAMILIES)
    assert keys | families == set(ENGLISH)


def test_every_call_gives_the_values_of_its_text():
    calls = list(checks.calls())

    assert len(calls) > 200
    for key, values in calls:
        assert key in ENGLISH and checks.placeholders(checks.forms(ENGLISH[key])[-1]) == values, f"{key}: {values}"


@pytest.mark.parametrize("language", languages())
def test_a_plural_category_has_one_form(language):
    found = catalogue(language)
    keys = [key for key, message in ENGLISH.items() if message.pluralizable]

    for key in keys:
        forms = found.forms(key)
        for count in checks.COUNTS:
            assert forms[found.locale.plural_form(count)] == found.template(key, count)
    assert len(keys) > 20


# What is said


def test_one_row_and_two_rows():
    english, chinese = catalogue("en"), catalogue("zh")

    assert [english.text("text.rows", count=count) for count in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]
    assert english.text("text.rows", count=12_345) == "12,345 rows"
    assert [chinese.text("text.rows", count=count) for count in (1, 2)] == ["1 行", "2 行"]


def test_a_script_gets_plural_forms_by_their_categories():
    assert catalogue("en").section("text")["text.rows"] == {"one": "{count} row", "other": "{count} rows"}
    assert catalogue("zh").section("text")["text.rows"] == {"other": "{count} 行"}
    assert catalogue("zh").section("text")["text.comma"] == "、"


def test_a_mistake_in_a_call_is_not_shown_to_anybody():
    with pytest.raises(MissingTextError, match="card.hat"):
        catalogue("zh").text("card.hat")
    with pytest.raises(TypeError, match="text.rows has plural forms; expected count="):
        catalogue("zh").text("text.rows")
    with pytest.raises(KeyError, match="low"):
        catalogue("zh").text("text.range", high="2")


def test_a_text_of_a_use_case_is_said_in_english_if_it_has_no_other():
    assert translate({"en": "Age", "zh": "年龄"}, "zh") == "年龄"
    assert translate({"en": "Age"}, "zh") == translate({"en": "Age", "zh": ""}, "zh") == "Age"
    assert translate(None, "zh") == ""


def test_a_third_language_is_one_file_more(locales):
    (locales / "sl.po").write_text(SLOVENE.lstrip(), encoding="utf-8")

    found = catalogue("sl")

    assert languages() == ("en", "sl", "zh")
    said = [found.text("text.rows", count=count) for count in (1, 2, 3, 5, 101, 1234)]
    assert said == ["1 vrstica", "2 vrstici", "3 vrstice", "5 vrstic", "101 vrstica", "1.234 vrstic"]
    assert set(found.section("text")["text.rows"]) == {"one", "two", "few", "other"}
    assert found.text("card.model") == "Model"  # in English until it is translated
    assert formats.format_number(1234.5, 2, "sl") == "1.234,50" and formats.percent(0.34, "sl") == "34\u00a0%"
    assert formats.day(dt.date(2026, 11, 22), "sl") == "22. november 2026"
    assert "sl.po: card.model is missing" in checks.faults(locales)


# Numbers and dates


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (formats.format_number(1234.5, 2, "en"), "1,234.50"),
        (formats.format_number(-0.0004, 2, "zh"), "0.00"),
        (formats.format_number(41366.4, 0, "zh"), "41,366"),
        (formats.format_metric(4321.4, "en"), "4,321"),
        (formats.format_metric(0.84249, "en"), "0.842"),
        # What a model extrapolates, and the error of one that cannot: more digits than a decimal number has.
        (formats.format_metric(2.5e30, "en"), "2.5e+30"),
        (formats.format_metric(-3.25e300, "zh"), "\u22123.25e+300"),
        (formats.format_number(1e15, 2, "en"), "1e+15"),
        (formats.format_number(123456789012345.0, 0, "en"), "123,456,789,012,345"),
        (formats.format_share(4e28, 1, "en"), "4e+30%"),
        (formats.format_metric(float("inf"), "en"), "∞"),
        (formats.format_share(0.9005, 1, "en"), "90.0%"),
        (formats.percent(0.345, "en"), "34%"),
        (formats.percent(0.004, "zh"), "0.4%"),
        (formats.percent(0.999, "zh"), "99.9%"),
        (formats.percent(1.0, "zh"), "100.0%"),
        (formats.format_value(18.0, "en"), "18"),
        (formats.format_value(2024, "en"), "2024"),
        (formats.format_value(12345.678, "zh"), "12,345.678"),
        (formats.format_value(1e-05, "en"), "1e\u221205"),
        (formats.format_value(True, "en"), "True"),
        (formats.day(dt.date(2026, 11, 2), "en"), "November 2, 2026"),
        (formats.day(dt.date(2026, 11, 2), "zh"), "2026年11月2日"),
    ],
)
def test_numbers_and_dates_are_written_as_the_language_does(said, wanted):
    assert said == wanted


@pytest.mark.parametrize(
    ("values", "english", "chinese"),
    [
        ([0, 250_000, 500_000], ["0", "250,000", "500,000"], ["0", "250,000", "500,000"]),
        ([0, 5e5, 1e6, 1.5e6], ["0", "0.5M", "1M", "1.5M"], ["0", "50万", "100万", "150万"]),
        ([-2e7, 1e7], ["−20M", "10M"], ["−2000万", "1000万"]),
        ([2e8], ["200M"], ["2亿"]),
        ([2e9], ["2B"], ["20亿"]),
        ([5e16], ["50,000T"], ["50,000万亿"]),
    ],
)
def test_an_axis_counts_large_numbers_in_the_units_of_its_language(values, english, chinese):
    assert formats.format_axis(values, "en") == english
    assert formats.format_axis(values, "zh") == chinese


@pytest.mark.parametrize("name", ["insurance", "diabetes"])
def test_chinese_sentences_follow_each_other_without_a_space(name, request):
    version = store.find(request.getfixturevalue(name))
    page = PageContext(version, "zh")

    shown = [re.sub(r"<[^>]+>", "¦", str(tab.render(page))) for tab in (data_tab, model_tab)] + [version.cards()["zh"]]

    assert [found[0] for text in shown for found in re.finditer(r".{8}[。，：；] [\u4e00-\u9fff].{8}", text)] == []


@pytest.mark.parametrize(
    ("value", "text"), [(0.84249, "0.8425"), (41366.4, "41,366"), (6.639903e76, "6.64e+76"), (-2.5e30, "-2.5e+30")]
)
def test_a_figure_in_a_terminal_has_no_more_digits_than_say_something(value, text):
    assert formats.figure(value) == text
