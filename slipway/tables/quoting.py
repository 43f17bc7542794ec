"""Which cells of a text stand in quotes, for whoever has to tell `NA` from `"NA"`."""

import re
from collections.abc import Iterable, Iterator

from slipway.tables.dialect import Dialect

_LONGEST = 64 * 1024
"""Characters of a row that are looked at."""
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


def quoted_cells(
    blocks: Iterable[str], dialect: Dialect, lines: Iterable[int], most: int | None = None
) -> Iterator[tuple[int, list[bool]]]:
    """Which cells of the rows that begin on certain lines are quoted.

    Parameters
    ----------
    blocks : iterable of str
        A text.
    dialect : Dialect
    lines : iterable of int
        Counted from 1, in ascending order.
    most : int, optional
        No more cells of a row are looked at.

    Yields
    ------
    line : int
    quoted : list of bool
        For each cell of the row that is looked at; none where the line has no quote at all.
    """
    quote, cell, wanted = dialect.quote or "\0", _cell(dialect), iter(lines)
    line, number, text, rest = next(wanted, None), 0, "", iter(blocks)
    is_last, at = False, 0
    while line is not None:
        found = _LINE.match(text, at)
        end, flags = found.end() if found else len(text), list[bool]()
        is_wanted = number + 1 == line and text.find(quote, at, end) >= 0
        if not is_last and len(text) < (at + _LONGEST if is_wanted else end + 1):  # how it goes on is in the next block
            block = next(rest, None)
            is_last, text, at = block is None, text[at:] + (block or ""), 0
            continue
        if found is None:
            return
        if is_wanted:
            flags = _flags(text, at, cell, dialect, most)
        number, at = number + 1, found.end()
        if number == line:
            yield number, flags
            line = next(wanted, None)


def _cell(dialect: Dialect) -> re.Pattern[str]:
    quote = re.escape(dialect.quote or "")
    separator, space = re.escape(dialect.separator), " *" if dialect.spaced else ""
    inner = rf"(?:[^{quote}\\]|\\.|{quote}{quote})*" if dialect.backslash else rf"(?:[^{quote}]|{quote}{quote})*"
    after = "" if dialect.separator == " " else " *"
    closed = rf"{quote}{inner}{quote}(?={after}(?:{separator}|[\r\n]|\Z)){after}"
    return re.compile(rf"{space}({closed}|[^{separator}\r\n]*)(\Z|[\r\n]|{separator})")


def _flags(text: str, at: int, cell: re.Pattern[str], dialect: Dialect, most: int | None) -> list[bool]:
    """Which cells of the row that begins at a place are quoted."""
    flags: list[bool] = []
    end = at + _LONGEST
    while (most is None or len(flags) < most) and (match := cell.match(text, at, end)):
        flags.append(match[1].startswith(dialect.quote or "\0"))
        at = match.end()
        if match[2] != dialect.separator:
            break
    return flags
