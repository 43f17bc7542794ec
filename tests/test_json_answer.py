"""JSON that is sent as a file comes back as JSON of the same form, each value as it was written."""

import json

import numpy as np
import pytest

from slipway.tables.files import read_file
from slipway.tables.json_cells import json_of
from slipway.tables.json_writer import JsonWriter
from tests.conftest import PERSON
from tests.test_file_forms import post


def answered(text: str, labels: dict[str, str] | None = None, block: int = 2) -> str:
    """A file with a prediction for each row, none for the second, written in blocks."""
    table = read_file(text.encode(), "x.json")
    writer = JsonWriter(table.read.json, labels or {})
    writer.begin([*table.header, "prediction", "low", "codes"])
    for part in table.blocks(block):
        first = part.lines[0] == table.lines[0]
        texts = ["1"] * len(part.rows)
        numbers = np.full(len(part.rows), 0.5)
        if first and len(part.rows) > 1:
            texts[1], numbers[1] = "", np.nan
        assert writer.add(part.rows, [texts, numbers, [""] * len(part.rows)]) > 0
    return writer.finish().decode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(
            '[{"a": 1.50, "b": "1.50"}, {"a": null, "b": ""}, {"b": "é"}]',
            '[{"a": 1.50, "b": "1.50", "prediction": "1", "low": 0.5, "codes": null},\n'
            '{"a": null, "b": "", "prediction": null, "low": null, "codes": null},\n'
            '{"b": "é", "prediction": "1", "low": 0.5, "codes": null}]\n',
            id="records",
        ),
        pytest.param(
            '{"a": 12345678901234567890, "b": true}\n{"a": 2, "b": false}\n',
            '{"a": 12345678901234567890, "b": true, "prediction": "1", "low": 0.5, "codes": null}\n'
            '{"a": 2, "b": false, "prediction": null, "low": null, "codes": null}\n',
            id="lines",
        ),
        pytest.param(
            '{"a": [1, 2, 3], "b": ["x", null, "z"]}',
            '{"a": [1, 2, 3],\n"b": ["x", null, "z"],\n"prediction": ["1", null, "1"],\n"low": [0.5, null, 0.5],\n'
            '"codes": [null, null, null]}\n',
            id="columns",
        ),
        pytest.param(
            '{"data": {"rows": [{"a": 1, "of": {"b": {"c": "x"}, "d": [1, "2"]}}]}}',
            '{"data": {"rows": [{"a": 1, "of": {"b": {"c": "x"}, "d": [1, "2"]}, "prediction": "1", "low": 0.5, "codes": null}]}}\n',
            id="objects in objects",
        ),
        pytest.param(
            '[["a", "b"], [1, "x"], [2, "y"]]',
            '[["a", "b", "prediction", "low", "codes"],\n[1, "x", "1", 0.5, null],\n[2, "y", null, null, null]]\n',
            id="rows",
        ),
        pytest.param(
            '{"columns": ["a"], "data": [[1], [2]]}',
            '[{"a": 1, "prediction": "1", "low": 0.5, "codes": null},\n{"a": 2, "prediction": null, "low": null, "codes": null}]\n',
            id="as pandas splits it",
        ),
        pytest.param(
            '[{"a": NaN}]', '[{"a": null, "prediction": "1", "low": 0.5, "codes": null}]\n', id="what JSON does not have"
        ),
    ],
)  # fmt: skip
def test_a_file_comes_back_in_its_form(text, wanted):
    assert answered(text) == wanted
    parts = answered(text).splitlines() if text.count("\n") > 1 else [answered(text)]
    assert all(json.loads(part) is not None for part in parts)


def test_classes_are_what_predict_says_they_are():
    found = json.loads(answered('[{"a": 1}]', {"1": json_of(1), "0": json_of(0)}))

    assert found[0]["prediction"] == 1 and json_of(True) == "true" and json_of("yes") == '"yes"'


@pytest.mark.parametrize(
    ("content", "media_type", "extension"),
    [
        (json.dumps([PERSON, PERSON | {"age": "old"}]), "application/json", "json"),
        (f"{json.dumps(PERSON)}\n{json.dumps(PERSON | {'age': 'old'})}\n", "application/x-ndjson", "jsonl"),
    ],
    ids=["records", "lines"],
)
def test_predict_csv_answers_json_with_json(insurance_server, content, media_type, extension):
    expected = insurance_server.post("/predict", json={"records": [PERSON]}).json()["predictions"][0]["prediction"]

    response = post(insurance_server, content.encode())

    assert response.headers["content-type"].startswith(media_type)
    assert f'filename="predictions.{extension}"' in response.headers["content-disposition"]
    lines = response.text.splitlines() if extension == "jsonl" else None
    first, second = map(json.loads, lines) if lines else response.json()
    assert first["prediction"] == expected and first["age"] == 40 and first["codes"] is None
    assert second["prediction"] is None and second["age"] == "old" and second["codes"] == "wrong_type"
