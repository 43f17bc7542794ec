"""Words for no and yes, in the languages in which tables are written."""

from collections import Counter
from collections.abc import Collection, Mapping

YES_NO = [
    ("no", "yes"),
    ("n", "y"),
    ("false", "true"),
    ("f", "t"),
    ("0", "1"),
    ("off", "on"),
    ("nein", "ja"),
    ("falsch", "wahr"),
    ("nee", "ja"),
    ("nej", "ja"),
    ("nei", "ja"),
    ("n", "j"),
    ("non", "oui"),
    ("n", "o"),
    ("faux", "vrai"),
    ("no", "sí"),
    ("no", "si"),
    ("no", "sì"),
    ("n", "s"),
    ("falso", "verdadero"),
    ("falso", "vero"),
    ("falso", "verdadeiro"),
    ("não", "sim"),
    ("nao", "sim"),
    ("nie", "tak"),
    ("ne", "ano"),
    ("ei", "kyllä"),
    ("nem", "igen"),
    ("hayır", "evet"),
    ("нет", "да"),
    ("ні", "так"),
    ("いいえ", "はい"),
    ("아니요", "예"),
    ("否", "是"),
    ("لا", "نعم"),
]
"""Pairs in lower case, the negative one first."""
_PAIRS = {frozenset(pair): pair for pair in YES_NO}


def yes_no(cells: Collection[str]) -> tuple[str, str] | None:
    """The pair of words, in lower case and the negative one first, that cells are; None for any others."""
    lower: set[str] = set()
    for cell in cells:
        lower.add(cell.lower())
        if len(lower) > 2:
            return None
    return _PAIRS.get(frozenset(lower))


def spelling(counts: Mapping[str, int]) -> dict[str, str]:
    """For each spelling of a word the most frequent one: `YES` and `yes` are one value."""
    most: dict[str, str] = {}
    for cell, _ in Counter(counts).most_common():
        most.setdefault(cell.lower(), cell)
    return {cell: most[cell.lower()] for cell in counts}
