"""Tables and the same ones polluted, each with what should be read of it: made, seeded, of every kind of fault in CSV files.

The kinds follow "Pollock: A Data Loading Benchmark" (Vitagliano and others, VLDB 2023).
"""

import csv
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Cells = list[list[str]]
WORDS = [
    "river",
    "stone house",
    "Müller & Sons",
    "red, green",
    "don't",
    'the "old" mill',
    "café",
    "north-west",
    "x",
    "Ångström",
]


@dataclass
class Polluted:
    """A file, and the cells that should be read of it; `names` is None where it has none."""

    name: str
    data: bytes
    names: list[str] | None
    rows: Cells


def sales(draw: random.Random, rows: int) -> Cells:
    """Dates, amounts, codes and texts with commas and quotes."""
    body = [
        [
            f"{draw.randint(1, 28):02d}/{draw.randint(1, 12):02d}/2023",
            f"{draw.randint(0, 23):02d}:{draw.choice((0, 15, 30)):02d}",
            str(draw.randint(0, 40)),
            f"{draw.choice('ABC')}-{draw.randint(100, 999)}",
            f"${draw.uniform(1, 99):.2f}",
            draw.choice(WORDS),
            f"https://example.com/{draw.randint(1, 99)}.html",
            draw.choice(["", "ok", "late"]),
        ]
        for _ in range(rows)
    ]
    return [["day", "time", "count", "code", "price", "item", "address", "remark"], *body]


def measured(draw: random.Random, rows: int) -> Cells:
    """Numbers throughout, some of them missing."""
    body = [[str(draw.randint(18, 90)), f"{draw.uniform(15, 40):.1f}", draw.choice(["", "0", "1"]), f"{draw.gauss(0, 9):.3f}"] for _ in range(rows)]  # fmt: skip
    return [["age", "bmi", "smoker", "change"], *body]


def answers(draw: random.Random, rows: int) -> Cells:
    """Texts of few different values."""
    body = [[draw.choice(["usual", "pretentious"]), draw.choice(["less", "very much"]), draw.choice(["yes", "no"])] for _ in range(rows)]  # fmt: skip
    return [["parents", "has nurse", "accepted"], *body]


TABLES: tuple[Callable[[random.Random, int], Cells], ...] = (sales, measured, answers)


def write(table: Cells, separator: str = ",", quote: str = '"', end: str = "\n", backslash: bool = False, every: bool = False) -> str:  # fmt: skip
    """A table as text in some dialect."""
    out = io.StringIO(newline="")
    csv.writer(
        out,
        delimiter=separator,
        quotechar=quote,
        lineterminator=end,
        doublequote=not backslash,
        escapechar="\\" if backslash else None,
        quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL,
    ).writerows(table)
    return out.getvalue()


def dialects(table: Cells) -> Iterator[tuple[str, str]]:
    """A table in every dialect, with its name."""
    for name, mark in (("comma", ","), ("semicolon", ";"), ("tab", "\t"), ("bar", "|"), ("space", " ")):
        yield name, write(table, mark)
        yield f"{name}, all quoted", write(table, mark, every=True)
    yield "apostrophes", write(table, quote="'", every=True)
    yield "backslash", write(table, backslash=True, every=True)
    yield "CRLF", write(table, end="\r\n")
    yield "CR", write(table, end="\r")
    yield (
        "mixed ends",
        "".join(line + ("\r\n" if at % 2 else "\n") for at, line in enumerate(write(table).split("\n")[:-1])),
    )
    yield "no last line end", write(table).rstrip("\n")
    yield "two last line ends", write(table) + "\n"
    yield "spaces after commas", write(table, every=True).replace('","', '", "')
    yield "sep line", "sep=;\n" + write(table, ";")
    yield "semicolons and blank lines", write(table, ";").replace("\n", "\n\n")


def encodings(table: Cells) -> Iterator[tuple[str, bytes]]:
    """A table in every encoding that has its characters."""
    text = write(table)
    for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "cp1252"):
        yield name, text.encode(name)


def around(table: Cells) -> Iterator[tuple[str, Cells]]:
    """A table with lines above, below and between that do not belong to it."""
    width = len(table[0])
    wide = [[""] * width]
    title = ["Report of the year"]
    yield "title", [title, *table]
    yield "title and blank", [title, [""], *table]
    yield "padded title", [[*title, *[""] * (width - 1)], *wide, *table]
    yield "two titles", [title, ["made by the office, 2024"], [], *table]
    yield "source below", [*table, [], ["Source: the office of numbers"]]
    yield "padded source below", [*table, *wide, ["Source: the office", *[""] * (width - 1)]]
    yield "notes below", [*table, [], ["Notes"], ["1) not all were counted"], ["2) some were counted twice"]]
    yield "both", [title, [], *table, [], ["Source: the office of numbers"]]
    yield "empty rows between", [*table[:5], *wide, *table[5:9], *wide, *table[9:]]
    yield "header again", [*table[:20], table[0], *table[20:]]


def lines_of(table: Cells) -> list[str]:
    """A table without line breaks in its cells, as lines."""
    return write(table).split("\n")[:-1]


def stray_quotes(table: Cells, draw: random.Random) -> Iterator[tuple[str, str, Cells]]:
    """A table with one quote too many, and the cells that should be read."""
    for _ in range(12):
        row, column = draw.randrange(1, len(table)), draw.randrange(len(table[0]))
        lines = lines_of(table)
        cells = [write([[cell]]).rstrip("\n") if cell else "" for cell in table[row]]
        cells[column] = '"' + cells[column]
        lines[row] = ",".join(cells)
        wanted = [list(line) for line in table]
        wanted[row][column] = '"' + wanted[row][column]
        yield f"row {row}, column {column}", "\n".join(lines) + "\n", wanted
