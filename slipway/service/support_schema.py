"""The JSON schemas of what an answer rests on."""

from typing import Any

from slipway.schema.metrics import FEW
from slipway.schema.schema import Target

ABSTAIN: dict[str, Any] = {
    "type": "boolean",
    "description": "Whether a person is to be asked, as the use case says (`abstain:`); `warnings` say why.",
}


def prediction_set(target: Target) -> dict[str, Any]:
    """The JSON schema of the classes that remain possible."""
    return {
        "type": "object",
        "nullable": True,
        "description": "The classes that remain possible: of the cases of each class, a share of `coverage` has its own class in the set. "
        "`prediction` is always one of them. Null for a model with too few training rows to tell.",
        "required": ["classes", "coverage"],
        "properties": {
            "classes": {"type": "array", "items": {"enum": list(target.classes)}},
            "coverage": {"type": "number", "description": "The share meant: 0.9."},
        },
    }


def support(target: Target) -> dict[str, Any]:
    """The JSON schema of the cases that an answer rests on."""
    error = "the share of them whose class was wrong" if target.classes else "the mean absolute error for them"
    return {
        "type": "object",
        "nullable": True,
        "description": "The training cases that are like this one, in the fields that `GET /model` names; null for a model with too few rows to tell.",
        "required": ["cases", "error"],
        "properties": {
            "cases": {"type": "integer", "description": f"How many there are; 0 stands for fewer than {FEW}."},
            "error": {
                "type": "number",
                "nullable": True,
                "description": f"How far off the model was when it had not seen them: {error}; null for too few cases.",
            },
        },
    }
