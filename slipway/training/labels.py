"""Names of columns as people read them: `loan_outcome_after_24_months` is "Loan outcome after 24 months" on page and card."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from slipway.schema.fields import Field

_ABBREVIATIONS = {
    name.casefold(): name for name in ("BMI", "EUR", "GBP", "GDP", "GPS", "ID", "IP", "IQ", "pH", "URL", "USD", "VAT")
}
_NAME = re.compile(r"[\w.-]+", re.ASCII)
_BETWEEN = re.compile(r"_+|(?<=[a-z])[.-](?=[a-z])", re.IGNORECASE)
_CAPITAL = re.compile(r"(?<=[a-z\d])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a word begins in `DiabetesPedigreeFunction` and in `serumHDLLevel`."""


def readable(name: str) -> str:
    """A column's name in words: without underscores and capitals in the middle, with a capital at its start.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        The name itself if it consists of anything but one ASCII name, such as words that are words already.
    """
    if not _NAME.fullmatch(name) or not re.search("[A-Za-z]{2}", name):
        return name
    words = [word for part in _BETWEEN.split(name) for word in _CAPITAL.split(part) if word]
    words = [_ABBREVIATIONS.get(word.casefold(), word) for word in words]
    # What is all capitals is an abbreviation, unless the whole name is.
    shouted = name.isupper() and len(words) > 1
    words = [word if _is_abbreviation(word, shouted) else word.lower() for word in words]
    text = " ".join(words)
    return text if words[0] in _ABBREVIATIONS.values() else text[:1].upper() + text[1:]


def _is_abbreviation(word: str, shouted: bool) -> bool:
    return word in _ABBREVIATIONS.values() or (word.isupper() and not shouted)


def with_distinct_labels(fields: Sequence[Field]) -> list[Field]:
    """The fields, with the names of their columns for labels that were made of them and are not the only ones."""
    times = Counter(field.label["en"] for field in fields)
    return [
        replace(field, label={"en": field.name})
        if times[field.label["en"]] > 1 and field.label["en"] == readable(field.name)
        else field
        for field in fields
    ]
