"""Column names and categories as people write them again: in other letter case, with other spaces, without accents.

Only a name that can mean nothing else is matched, and whoever sent the file is told.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

_BETWEEN_WORDS = re.compile(r"[\s_.-]+")


def simplified(name: str) -> str:
    """A name without what people change when they write it again: letter case, accents, and what is between words."""
    return "".join(words_of(name))


def words_of(name: str) -> list[str]:
    """The words of a name, without letter case and accents."""
    letters = (letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    return _BETWEEN_WORDS.sub(" ", "".join(letters).casefold()).split()


def match_columns(names: Sequence[str], header: Sequence[str]) -> dict[str, str]:
    """Columns of a file that have an expected name but for its spelling.

    Parameters
    ----------
    names : sequence of str
        The expected names.
    header : sequence of str
        The names in the file.

    Returns
    -------
    dict
        The expected name of each such column, by its name in the file. A column is left out if two expected names,
        or two columns of the file, differ in nothing else; a column that has an expected name is that one and no other.
    """
    exact = set(names).intersection(header)
    wanted = _by_simplified(name for name in names if name not in exact)
    given = _by_simplified(name for name in header if name not in exact)
    matched = {}
    for simple, (name, *others) in wanted.items():
        columns = given[simple]
        if simple and not others and len(columns) == 1:
            matched[columns[0]] = name
    return matched


def match_category(cell: str, categories: Iterable[str]) -> str | None:
    """The only category that differs from a cell in letter case alone; None if there is none, or more than one."""
    folded = cell.casefold()
    same = [category for category in categories if category.casefold() == folded]
    return same[0] if len(same) == 1 else None


def _by_simplified(names: Iterable[str]) -> defaultdict[str, list[str]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[simplified(name)].append(name)
    return groups
