"""Which cells stand in quotes: `TextTable.quoted` is asked where `NA` may be a value and `"NA"` a missing one, or the other way."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slipway.tables.files import read_file

TEXTS = st.sampled_from([
    "NA", "NA", "NA", "null", "-", "?", "", "France", "a b", "a, b", "a; b", 'the "old" one', '"', "two\nlines", "two\r\nlines", "ends\n", "\nNA\n", "é",
])  # fmt: skip
CELLS = st.tuples(TEXTS, st.booleans())


@st.composite
def files(draw):
    """A file, its rows, and which cells are in quotes: of a text, and of a second one that ends the line."""
    separator = draw(st.sampled_from(",;\t|"))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    backslash = draw(st.booleans())
    rows = draw(st.lists(st.tuples(CELLS, st.booleans(), CELLS), min_size=4, max_size=12))
    lines, read, flags = [separator.join(["land", "n", "note"])], [], {"land": set(), "n": set(), "note": set()}
    for place, (land, number_quoted, note) in enumerate(rows):
        cells = [land, (str(place * 37), number_quoted), note]
        for name, cell in zip(flags, cells, strict=True):
            if needs_quotes(*cell, separator):
                flags[name].add(place)
        lines.append(separator.join(written(cell, separator, backslash) for cell in cells))
        read.append([text for text, _ in cells])
    return end.join(lines) + end, read, flags


def needs_quotes(text, wanted, separator):
    return wanted or any(mark in text for mark in (separator, '"', "\n", "\r"))


def written(cell, separator, backslash):
    if not needs_quotes(*cell, separator):
        return cell[0]
    return '"' + cell[0].replace('"', '\\"' if backslash else '""') + '"'


def unified(rows):
    return [["\n".join(cell.split("\r\n")) for cell in row] for row in rows]


@settings(max_examples=100, deadline=None)
@given(files())
def test_what_is_said_of_quotes_is_true(file):
    text, rows, flags = file
    table = read_file(text.encode())
    assume(table.header == ["land", "n", "note"] and unified(table.rows) == unified(rows))

    for name, expected in flags.items():
        assert {*table.quoted(name, np.arange(len(rows)))} == expected
        of_na = [place for place, cell in enumerate(table.column(name)) if cell.strip() == "NA"]
        assert {*table.quoted(name, np.array(of_na, int))} == expected & {*of_na}
