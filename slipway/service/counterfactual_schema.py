"""The JSON schemas of `POST /counterfactual`."""

from typing import Any

from slipway.inference.counterfactual import ALTERNATIVES, changeable
from slipway.schema.schema import Schema


def body_schema(schema: Schema) -> dict[str, Any]:
    """The JSON schema of the body."""
    target = schema.target
    if target.classes:
        wanted: dict[str, Any] = {"enum": list(target.classes), "description": "The class that is wanted"}
        wanted["description"] += "; without one, the other one." if len(target.classes) == 2 else "."
        example: Any = next(value for value in target.classes if value != target.positive)
    else:
        ends = {"minimum": {"type": "number"}, "maximum": {"type": "number"}}
        wanted = {"type": "object", "properties": ends, "additionalProperties": False}
        wanted |= {"minProperties": 1, "maxProperties": 1}
        wanted["description"] = "What the prediction should be at least, or at most."
        example = {"maximum": target.maximum or 0}
    return {
        "type": "object",
        "properties": {"record": schema.json_schema(), "wanted": wanted},
        "required": ["record"] if len(target.classes) == 2 else ["record", "wanted"],
        "additionalProperties": False,
        "example": {"record": schema.example(), "wanted": example},
    }


def answer_schema(schema: Schema, prediction: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of the answer; `prediction` is that of one prediction of `/predict`."""
    names = [field.name for field in changeable(schema)]
    value = {"description": "A value of the field."}
    change = {
        "type": "object",
        "required": ["field", "from", "to"],
        "properties": {"field": {"enum": names}, "from": value, "to": value},
    }
    alternative = {
        "type": "object",
        "required": ["changes", "prediction"],
        "properties": {"changes": {"type": "array", "minItems": 1, "items": change}, "prediction": prediction},
    }
    nearest = "Where there is no alternative: what leads nearest to the wanted prediction; else null."
    properties = {
        "model": {"type": "string"},
        "prediction": prediction | {"description": "That of the record as it is."},
        "reached": {"type": "boolean", "description": "Whether it is the wanted one already."},
        "alternatives": {
            "type": "array",
            "maxItems": ALTERNATIVES,
            "items": alternative,
            "description": "Each of other fields; the fewest and smallest changes first.",
        },
        "closest": {"nullable": True, "allOf": [alternative], "description": nearest},
    }
    return {"type": "object", "required": list(properties), "properties": properties}
