"""How a text is cut into cells: separator, quotes, escapes. Decided on its first lines.

For each separator the lines are cut, and what comes out is judged: rows should have the same number of cells, and each
cell should look like one.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from operator import itemgetter

from slipway.tables.patterns import plausibility

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
RARE_SEPARATORS = {":": "colon", "^": "caret", "~": "tilde", "§": "section sign", "¦": "broken bar"}
"""Considered only where none of `SEPARATORS` gives rows of one length."""
QUOTES = "\"'"

_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
_SEP_LINE = re.compile(r'"?sep=(\\t|[^\r\n"])"?[ \t]*(?:[,;\t]*)(?:\r\n?|\n)', re.I)
_SAMPLE_LINES, _SAMPLE_CHARACTERS = 200, 256 * 1024
_JUDGED_ROWS, _JUDGED_CELLS = 100, 40

_Judged = tuple[float, int, "Dialect"]


def separator_name(separator: str) -> str:
    """What a separator is called; one that is not among those looked for is itself."""
    return (SEPARATORS | RARE_SEPARATORS).get(separator, separator)


@dataclass(frozen=True)
class Dialect:
    """How the cells of a text are separated.

    `quote` is None where nothing is quoted. With `backslash`, a quote inside a quoted cell has a backslash before it, else it
    is doubled. With `spaced`, spaces after a separator do not belong to the cell.
    """

    separator: str = ","
    quote: str | None = '"'
    backslash: bool = False
    spaced: bool = False

    def reader_options(self) -> dict[str, object]:
        """The keyword arguments of `csv.reader`, strict: else a quote that is never closed swallows the rest."""
        options: dict[str, object] = {"delimiter": self.separator, "skipinitialspace": self.spaced, "strict": True}
        if self.quote is None:
            return options | {"quoting": csv.QUOTE_NONE}
        return options | {"quotechar": self.quote}


@dataclass(frozen=True)
class Detected:
    """A dialect, and how many cells most rows have in it; `start` is where the text begins after a line `sep=;`."""

    dialect: Dialect
    width: int
    start: int = 0


def detect(text: str, separator: str | None = None) -> Detected:
    """The dialect of a text.

    Parameters
    ----------
    text : str
    separator : str, optional
        The separator, where it is known.

    Returns
    -------
    Detected
    """
    declared = _SEP_LINE.match(text)
    start = declared.end() if declared else 0
    if declared and separator is None:
        separator = declared[1].replace("\\t", "\t")
    lines = _sample(text, start)
    if separator is not None:
        best = max((_judged(lines, dialect) for dialect in _variants(lines, separator)), key=itemgetter(0))
    else:
        best = _best(lines)
    _, width, dialect = best
    return Detected(_with_backslash(dialect, lines), width, start)


def _sample(text: str, start: int) -> list[str]:
    """The first lines that are not empty; the last one is left out if it is cut off."""
    begin = re.compile(r"\S").search(text, start)
    if begin is None:
        return []
    start = text.rfind("\n", start, begin.start()) + 1 or start
    head = text[start : start + _SAMPLE_CHARACTERS]
    lines = [line[0] for line in islice(_LINE.finditer(head), _SAMPLE_LINES + 1)]
    if len(lines) > 1 and (len(lines) > _SAMPLE_LINES or start + len(head) < len(text)):
        lines.pop()
    return [line for line in lines if line.strip()]


def _best(lines: list[str]) -> _Judged:
    likely = [_judged(lines, dialect) for mark in SEPARATORS for dialect in _variants(lines, mark)]
    best = max(likely, key=itemgetter(0), default=(0.0, 1, Dialect()))
    if best[0] < 0.5:
        rare = [_judged(lines, dialect) for mark in RARE_SEPARATORS for dialect in _variants(lines, mark)]
        other = max(rare, key=itemgetter(0), default=best)
        if other[0] > max(best[0], 0.6):
            return other
    if best[1] < 2 or (
        best[0] < 0.35 and _is_scattered(lines, best[2].separator)
    ):  # one column: whatever does not occur separates it
        mark = next((mark for mark in SEPARATORS if not any(mark in line for line in lines)), ",")
        return 0.0, 1, Dialect(mark, _quote(lines, mark))
    return best


def _is_scattered(lines: list[str], separator: str) -> bool:
    """Whether a separator is here and there in texts: not in the first line, and not as often in most others."""
    counts = Counter(line.count(separator) for line in lines)
    return separator not in lines[0] and max(counts[count] for count in counts if count) * 2 < len(lines)


def _variants(lines: list[str], separator: str) -> list[Dialect]:
    """The dialects with this separator that the lines allow."""
    text = "".join(lines)
    if separator not in text:
        return [Dialect(separator, _quote(lines, separator))]
    quote = _quote(lines, separator)
    plain = Dialect(separator, quote)
    doubled = separator * 2 if separator == " " else f"{separator} "
    return [plain, replace(plain, spaced=True)] if doubled in text else [plain]


def _quote(lines: list[str], separator: str) -> str:
    """The quote that stands at the edges of most cells."""
    mark = re.escape(separator)

    def edges(quote: str) -> int:
        opening = re.compile(rf"(?:^|{mark}) ?{quote}")
        closing = re.compile(rf"{quote} ?(?:{mark}|\s*$)")
        return min(sum(len(found.findall(line)) for line in lines) for found in (opening, closing))

    single, double = edges("'"), edges('"')
    return "'" if single > 1 and single > double else '"'


def _with_backslash(dialect: Dialect, lines: list[str]) -> Dialect:
    """The dialect with escapes by a backslash, if most quotes inside of cells have one before them."""
    quote, mark = dialect.quote, re.escape(dialect.separator)
    escaped = sum(len(re.findall(rf"(?<!\\)\\{quote}", line)) for line in lines)
    if not escaped:
        return dialect
    inside = re.compile(rf"(?<=[^{mark}{quote}\\\s]){quote}(?![{mark}\s])")
    # C:\data\ at the end of a quoted cell is no escape: then the rows are worse with it.
    with_escape = replace(dialect, backslash=True)
    better = _judged(lines, with_escape)[0] >= _judged(lines, dialect)[0]
    return with_escape if better and escaped > sum(len(inside.findall(line)) for line in lines) else dialect


def _judged(lines: list[str], dialect: Dialect) -> _Judged:
    """How well the lines fit a dialect, from 0 to about 1, and the number of cells that most rows have."""
    options = dialect.reader_options() | {"strict": False, "doublequote": not dialect.backslash}
    if dialect.backslash:
        options["escapechar"] = "\\"
    try:
        rows = [row for row in csv.reader(lines, **options) if any(map(str.strip, row))]  # type: ignore[arg-type]
    except csv.Error:
        return 0.0, 1, dialect
    widths = Counter(map(len, rows))
    width, count = max(widths.items(), key=lambda item: (item[1] * (item[0] > 1), item[0]), default=(1, 0))
    if width < 2:
        return 0.0, 1, dialect
    judged = [cell for row in rows[:_JUDGED_ROWS] for cell in row[:_JUDGED_CELLS]]
    # What holds a separator was quoted, or it would have been cut.
    scores = [1.0 if dialect.separator in cell else plausibility(cell) for cell in judged]
    evenness = count / len(rows)
    # A swallowed line is no row: what a lone quote takes in must not count as a fit.
    kept = min(1.0, (len(rows) + sum(cell.count("\n") for cell in judged)) / max(1, len(lines)))
    score = evenness * kept * sum(scores) / len(scores) * (1 - 0.5 / width)
    unlikely = (0.9 if dialect.separator == " " else 1.0) * (0.95 if dialect.spaced else 1.0)
    return score * unlikely, width, dialect
