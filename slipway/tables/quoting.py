"""Which cells of a text stand in quotes, for whoever has to tell `NA` from `"NA"`."""

import re
from collections.abc import Container, Iterator

from slipway.tables.dialect import Dialect

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


def quoted_cells(text: str, dialect: Dialect, lines: Container[int]) -> Iterator[tuple[int, list[bool]]]:
    """Which cells of the rows that begin on certain lines are quoted.

    Parameters
    ----------
    text : str
    dialect : Dialect
    lines : container of int
        Counted from 1.

    Yields
    ------
    line : int
    quoted : list of bool
        For each cell of the row.
    """
    quote = re.escape(dialect.quote or "")
    separator, space = re.escape(dialect.separator), " *" if dialect.spaced else ""
    inner = rf"(?:[^{quote}\\]|\\.|{quote}{quote})*" if dialect.backslash else rf"(?:[^{quote}]|{quote}{quote})*"
    after = "" if dialect.separator == " " else " *"
    closed = rf"{quote}{inner}{quote}(?={after}(?:{separator}|[\r\n]|\Z)){after}"
    cell = re.compile(rf"{space}({closed}|[^{separator}\r\n]*)(\Z|[\r\n]|{separator})")
    for number, found in enumerate(_LINE.finditer(text), 1):
        if number in lines:
            flags, at = [], found.start()
            while match := cell.match(text, at):
                flags.append(match[1].startswith(dialect.quote or "\0"))
                at = match.end()
                if match[2] != dialect.separator:
                    break
            yield number, flags
