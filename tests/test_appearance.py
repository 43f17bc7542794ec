"""The look of a page: logo, colour and footer of a use case, names of columns in words, sections of a long form."""

import pytest

from slipway.errors import UseCaseError
from slipway.page.predict.sections import UNFOLDED, sections
from slipway.page.shell.appearance import style
from slipway.schema.fields import Field
from slipway.schema.texts import Appearance
from slipway.training.labels import readable, with_distinct_labels
from slipway.training.usecase import read

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="10" height="10"/></svg>'
PNG = b"\x89PNG\r\n\x1a\n"


def case(folder, page: str):
    path = folder / "case.yaml"
    path.write_text(f"target: y\npage: {page}\n", encoding="utf-8")
    return read(path)


def test_a_logo_is_kept_with_the_version(tmp_path):
    (tmp_path / "logo.svg").write_bytes(SVG)

    look = case(
        tmp_path, "{logo: logo.svg, colour: '#7a1f5c', footer: {en: Made here, zh: 在此制作}}"
    ).page.appearance()

    assert look.logo.startswith("data:image/svg+xml;base64,")
    assert (look.colour, look.footer) == ("#7a1f5c", {"en": "Made here", "zh": "在此制作"})
    assert "#7a1f5c" in style(look) and style(Appearance()) == ""


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        (
            "{colour: '#ffcc00'}",
            "`colour` #ffcc00 has a contrast of 1.5 with white, and text needs 4.5; take a darker one",
        ),
        ("{colour: blue}", "`colour` is 'blue', expected a colour such as '#17507f' (page.colour)"),
        ("{colour: '#fff; } body { display: none'}", "expected a colour such as '#17507f' (page.colour)"),
        ("{color: '#17507f'}", "unknown key 'color' in `page`; did you mean 'colour'?"),
        ("{logo: gone.svg}", "cannot be read: No such file or directory; `logo` is the path of an SVG or PNG file"),
        ("{logo: logo.gif}", "is no logo: expected a file that ends in .svg or .png"),
        ("{logo: page.svg}", "is not what its name says (.svg); expected an SVG or PNG picture"),
        ("{logo: drawing.png}", "is not what its name says (.png); expected an SVG or PNG picture"),
        ("{logo: large.png}", "has 100,008 bytes; a logo may have 100,000, as each page contains it"),
    ],
)
def test_a_look_that_cannot_be_is_refused_in_one_line(tmp_path, page, problem):
    (tmp_path / "page.svg").write_bytes(b"<html></html>")
    (tmp_path / "drawing.png").write_bytes(SVG)
    (tmp_path / "large.png").write_bytes(PNG + bytes(100_000))

    with pytest.raises(UseCaseError) as refused:
        case(tmp_path, page).page.appearance()

    assert problem in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("loan_outcome_after_24_months", "Loan outcome after 24 months"),
        ("BloodPressure", "Blood pressure"),
        ("DiabetesPedigreeFunction", "Diabetes pedigree function"),
        ("serumHDLLevel", "Serum HDL level"),
        ("BILL_LENGTH_MM", "Bill length mm"),
        ("sepal.length", "Sepal length"),
        ("bmi", "BMI"),
        ("user_id", "User ID"),
        ("CO2", "CO2"),
        ("x1", "x1"),
        ("f_0", "f_0"),
        ("Family history", "Family history"),
        ("血糖", "血糖"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("___", "___"),
    ],
)
def test_names_of_columns_are_written_in_words(name, label):
    assert readable(name) == label


def field(name: str, **more) -> Field:
    return Field(name, "number", "float64", {"en": readable(name)}, 1, **more)


def test_two_columns_with_the_same_words_keep_their_names():
    fields = with_distinct_labels([field("total_sum"), field("totalSum"), field("age")])

    assert [one.label["en"] for one in fields] == ["total_sum", "totalSum", "Age"]


def test_a_short_form_is_in_the_order_of_the_table_and_a_long_one_folds_what_matters_least():
    short = [field(f"name_{at}") for at in range(UNFOLDED)]
    (only,) = sections(short, {"name_3": 1.0})
    assert [one.name for one in only.fields] == [one.name for one in short] and not only.is_folded

    first, rest = sections([*short, field("best")], {"best": 1.0})
    assert first.fields[0].name == "best" and len(first.fields) == UNFOLDED and rest.is_folded
    assert [one.name for one in rest.fields] == [f"name_{UNFOLDED - 1}"]


def test_groups_are_headings_and_fold_only_in_a_long_form():
    money, place = {"en": "Money"}, {"en": "Place"}
    few = [field("income", group=money), field("town", group=place), field("debt", group=money)]
    assert [(one.title, [each.name for each in one.fields], one.is_folded) for one in sections(few, {})] == [
        (money, ["income", "debt"], False),
        (place, ["town"], False),
    ]
    many = [*(field(f"name_{at}", group=money) for at in range(UNFOLDED)), field("town", group=place)]
    worth = {f"name_{at}": 1.0 for at in range(UNFOLDED)}
    assert [one.is_folded for one in sections(many, worth)] == [False, True]
