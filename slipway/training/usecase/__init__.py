"""Use cases: what a YAML file says about a table and its model.

`models` has every key, `values` the kinds of values, `file` reads one, `names` checks what is typed.
"""

from slipway.training.usecase.card import CardSpec
from slipway.training.usecase.file import read
from slipway.training.usecase.models import Band, Example, FieldSpec, TargetSpec, TrainingSpec, UseCase
from slipway.training.usecase.names import check_name, pairs

__all__ = [
    "Band",
    "CardSpec",
    "Example",
    "FieldSpec",
    "TargetSpec",
    "TrainingSpec",
    "UseCase",
    "check_name",
    "pairs",
    "read",
]
