"""Which columns of whole numbers are codes for categories, and which count or measure something.

A number that is a code cannot be added or compared, and a model that treats it as a number learns an order that does
not exist. A count that becomes a category loses little, except that values not seen in training are refused later. So
the evidence is the column's name first, and then its values; docs/tables.md has the rule for people.
"""

import re
from typing import Literal

import numpy as np
import pandas as pd

FEW = 10
"""So many different values, and no more, are codes by their values alone."""
ROWS_OF_EACH = 5
"""Rows for each value, on average, that codes without a telling name need: a short table has few values of anything."""
LARGEST = 20
"""Codes without a telling name are small: levels such as 50, 100 and 200 are amounts."""
UNKNOWN = (88, 98, 99, 888, 998, 999)
"""Larger codes that surveys use for "unknown" and "refused"."""
ROUND = 5
"""Values that are all multiples of this or of a larger number are amounts."""
BULK = 0.95
"""Share of the rows for which a count must become rarer from value to value."""
NAMED_LIMIT = 1000
"""A code by its name may have so many different values, each in two rows on average."""

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CODE = frozenset(
    "code codes id key type class kind category cat group grp zip zipcode postcode postal plz sector region district "
    "state province county country city zone department dept division branch store shop status gender sex race ethnicity "
    "religion language weekday brand sku cluster segment".split()
)
_IDENTIFIER = frozenset({"id", "key", "uuid", "guid"})
_COUNT = frozenset(
    "n num number count counts cnt total sum qty quantity amount times frequency freq children kids dependents siblings "
    "persons people members employees rooms bedrooms bathrooms baths floors doors visits orders purchases pregnancies "
    "years months weeks days hours minutes".split()
)

Evidence = Literal["name", "values"]


def head_noun(name: str) -> tuple[str, ...]:
    """What a column's name says that it holds, in lower case: the last word, or the one before "of" or "for".

    Parameters
    ----------
    name : str
        `store_id`, `ZipCode`, `Type of car`, `n_rooms`.

    Returns
    -------
    tuple of str
        That word, and a first word such as `n` or `num`; empty for a name without words.
    """
    words = [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", name))]
    before = next((place for place, word in enumerate(words) if word in ("of", "for") and place), len(words))
    words = words[:before]
    return tuple(dict.fromkeys([*words[-1:], *(word for word in words[:1] if word in ("n", "num", "number", "count"))]))


def names_identifier(name: str) -> bool:
    """Whether a column's name says that it identifies something."""
    return bool(_IDENTIFIER.intersection(head_noun(name)))


def evidence(name: str, present: pd.Series) -> Evidence | None:
    """Why whole numbers are taken for codes.

    Parameters
    ----------
    name : str
    present : Series of shape (n_present,)
        Whole numbers, none missing.

    Returns
    -------
    {"name", "values"} or None
        None if they are numbers.
    """
    counts = present.value_counts().sort_index()
    said, different, rows = set(head_noun(name)), len(counts), len(present)
    if said & _COUNT or different < 2:
        return None
    if said & _CODE and (different <= FEW or different <= min(NAMED_LIMIT, rows // 2)):
        return "name"
    few = different <= FEW and different * ROWS_OF_EACH <= rows
    return "values" if few and _small(counts) and not _counted(counts) else None


def _small(counts: pd.Series) -> bool:
    """Whether the values are those of codes: small, and not all multiples of five, ten or more."""
    values = counts.index.to_numpy("int64")
    values = values[:-1] if values[-1] in UNKNOWN and len(values) > 2 else values
    divisor = int(np.gcd.reduce(values))
    return bool(-1 <= values[0] and values[-1] <= LARGEST and divisor < ROUND)


def _counted(counts: pd.Series) -> bool:
    """Whether it looks like a count: from zero on, each value rarer than the one before, for nearly all rows."""
    rows, values = counts.to_numpy(), counts.index.to_numpy()
    if len(rows) < 4 or values[0] != 0 or values[1] != 1:
        return False
    bulk = int(np.searchsorted(np.cumsum(rows), BULK * rows.sum())) + 1
    return bool((np.diff(rows[: max(2, bulk)]) < 0).all())
