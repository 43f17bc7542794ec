"""The words that a schema, a use case and a text have in common."""

from typing import Literal

Text = dict[str, str]
"""One text in each language: `{"en": …, "zh": …}`; `en` is always there."""

Task = Literal["regression", "classification"]
Kind = Literal["number", "integer", "boolean", "category", "date", "datetime", "time", "text"]

TASKS: tuple[Task, ...] = ("regression", "classification")
KINDS: tuple[Kind, ...] = ("number", "integer", "boolean", "category", "date", "datetime", "time", "text")

LEAST_PEOPLE = 5
"""Nothing is kept with a version that tells something of fewer rows of its table than these, but what the schema needs."""
