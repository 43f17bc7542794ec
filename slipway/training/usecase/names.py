"""Names and pairs that a person types, in a use case or on the command line."""

import re
from collections.abc import Iterable
from pathlib import Path

from slipway.errors import UseCaseError

NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")


def name_problem(name: str) -> str | None:
    """Why the BentoML store would not take a model name; None if it would."""
    if not NAME.fullmatch(name) or len(name) > 50:
        return (
            f"{name!r} is not a valid model name; use up to 50 lower-case letters, digits, '-', '_' and '.', "
            "with a letter or digit at both ends"
        )
    if name.endswith("-pipeline"):
        return f"{name!r} is not a valid model name; '-pipeline' is for the fitted pipelines of others"
    return None


def check_name(name: str, where: str | Path) -> str:
    """`name`, if the BentoML store takes it as a model name.

    Raises
    ------
    UseCaseError
        If it does not; `where` is the file or option to name in the message.
    """
    if problem := name_problem(name):
        raise UseCaseError(where, problem)
    return name


def pairs(option: str, texts: Iterable[str]) -> dict[str, str]:
    """What a repeated option such as `--format COLUMN=%d/%m/%Y` says of each column.

    Raises
    ------
    UseCaseError
        If one of `texts` is not `COLUMN=VALUE`.
    """
    values = {}
    for text in texts:
        name, equals, value = text.rpartition("=")
        if not equals or not name:
            raise UseCaseError(option, f"{text!r} is not COLUMN=VALUE")
        values[name] = value
    return values
