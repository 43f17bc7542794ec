"""Parts of a page that a script writes: they stand between two marks, `<!-- NAME: … -->` and `<!-- end of NAME -->`."""

import re
from collections.abc import Iterable


def with_part(page: str, name: str, lines: Iterable[str]) -> str:
    """A page with its part of that name as it should be.

    Parameters
    ----------
    page : str
    name : str
    lines : iterable of str

    Returns
    -------
    str
    """
    place = re.compile(rf"(<!-- {name}: .*? -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    text = "\n".join(lines).strip()
    return place.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", page, count=1)
