"""Large files: read block by block and kept in little memory, to the same table as a small one."""

import bz2
import gzip
import random
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from slipway.cli.main import main
from slipway.errors import DataError
from slipway.tables import compact, content, evidence, quoting, rows
from slipway.tables.compact import CompactRows
from slipway.tables.files import read_file
from slipway.tables.readers import read_table
from slipway.tables.source import DataSource, ReadingOptions
from tests import polluted

TABLES = [(table.__name__, table(random.Random(5), 40)) for table in polluted.TABLES]


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 50 bytes, of which a row is looked at for no more than 60 characters."""

    def use(block):
        monkeypatch.setattr(content, "BLOCK", block)
        monkeypatch.setattr(rows, "_LONGEST", 60)
        monkeypatch.setattr(quoting, "_LONGEST", 200)
        monkeypatch.setattr(compact, "_BLOCK_ROWS", 7)

    return use


def read(data):
    found = read_file(data)
    quoted = [[*found.quoted(name, np.arange(len(found.rows)))] for name in found.header]
    return found, [*found.rows], found.read, found.surplus, quoted


def awkward():
    """Texts whose rows depend on what follows them."""
    lines = [f"{i},text {i},{i / 7:.3f}" for i in range(60)]
    yield "cells of several lines", "\n".join(f'{i},"a\nb ""{i}"" c",{i}' for i in range(60))
    yield "a stray quote", "\n".join([*lines[:20], '20,"never closed,3.5', *lines[21:]])
    stray = ['"open', '5" pipe', '5" pipe']
    yield "many stray quotes", "\n".join(f"{i},{stray[i % 3]},{i}" for i in range(60))
    yield "CR, LF and both", "".join(f"{line}{end}" for line, end in zip(lines, ["\r", "\n", "\r\n"] * 20, strict=True))
    yield "backslashes", "\n".join(f'{i},"a \\"b\\" \\\\",{i}' for i in range(60))
    yield "a footer", "\n".join(["a,b,c", *lines, "", "Source: somewhere else"])
    yield "the header again", "\n".join(["a,b,c", *lines[:30], "a,b,c", *lines[30:]])
    yield "rows of other lengths", "\n".join([*lines[:30], "1,2", *lines[30:], "1,2,3,4"])
    yield "a line sep", "sep=;\n" + "\n".join(lines).replace(",", ";")
    yield "a long cell", "\n".join([*lines[:30], f'30,"{"long, " * 60}",1', *lines[30:]])


MADE = [
    *((f"{table} {name}", text) for table, made in TABLES for name, text in polluted.dialects(made)),
    *((f"{table} {name}", text) for table, made in TABLES for name, text in polluted.encodings(made)),
    *awkward(),
    ("the end of DOS", "a,b\n1,2\n3,4\n\x1a"),
    ("an odd byte at the end", ("näme,b\n" * 90).encode() + b"\xe9,1\n"),
    ("a western letter at the end", b"name,b\n" * 90 + b"Andr\xe9,1\n"),
    ("NUL", b"a,b\n1\x00,2\n" * 30),
    ("nothing", b""),
    ("spaces", b" \n" * 100),
]


@pytest.mark.parametrize("data", [data for _, data in MADE], ids=[name for name, _ in MADE])
def test_a_table_does_not_depend_on_the_blocks_in_which_it_is_read(data, small_blocks):
    data = data.encode() if isinstance(data, str) else data
    small_blocks(10**6)
    whole = read(data)

    for block in (50, 333):
        small_blocks(block)
        assert read(data) == whole, block


def columns(count=400):
    """Columns with many different cells of each kind, and what is wrong with some of them."""
    made, numbers = random.Random(3), range(count)
    value = [made.lognormvariate(5, 2) for _ in numbers]
    comma = [f"{v:,.2f}".translate(str.maketrans(",.", ".,")) for v in value]
    yield "numbers", [f"{v:.4f}" for v in value]
    yield "whole numbers", [str(int(v * 1000)) for v in value]
    yield "numbers and gaps", ["" if i % 9 == 0 else "?" if i % 31 == 0 else f"{v:.4f}" for i, v in enumerate(value)]
    yield "decimal commas", comma
    yield "money", [f"${v:,.2f}" for v in value]
    yield "two units", [f"{v:.3f} {'kg' if i % 9 else 'lb'}" for i, v in enumerate(value)]
    yield "percent", [f"{v:.3f}%" for v in value]
    yield "brackets", [f"({v:.2f})" if i % 5 == 0 else f"{v:.2f}" for i, v in enumerate(value)]
    yield "strays", [{100: "n/k", 250: "broken"}.get(i, f"{v:.4f}") for i, v in enumerate(value)]
    yield "leading zeros", [f"{i * 37 % 100000:06d}" for i in numbers]
    yield "beyond 2^53", [str(9007199254740000 + i * 5) for i in numbers]
    yield "1E2 beside 100", [f"{i}E2" if i % 7 == 0 else str(i) for i in numbers]
    yield (
        "days first",
        [f"{i % 28 + 1:02d}/{i % 12 + 1:02d}/{2000 + i % 20} {i % 24:02d}:{i % 60:02d}" for i in numbers],
    )
    yield "day first at the end", [*(f"0{i % 9 + 1}.0{i % 9 + 1}.{1600 + i}" for i in numbers), "31.01.2001", "NA"]
    yield "moments and gaps", [f"2020-01-01T{i % 24:02d}:{i % 60:02d}:{i % 59:02d}" if i % 50 else "-" for i in numbers]
    yield "times and gaps", [f"{i % 24:02d}:{i % 60:02d}:{i % 59:02d}" if i % 50 else "NA" for i in numbers]
    yield "texts", [f"  word {i} and {i * i}" for i in numbers]
    yield "texts and gaps", ["NA" if i % 40 == 0 else "" if i % 17 == 0 else f"text {i}" for i in numbers]
    yield "texts among numbers", [f"x{i}" if i % 3 == 0 else str(i) for i in numbers]
    yield "few texts among numbers", [f"x{i}" if i % 20 == 0 else f"{v:.2f}" for i, v in enumerate(value)]
    yield "declared missing", ["none yet" if i % 30 == 0 else f"{v:.2f}" for i, v in enumerate(value)]


COLUMNS = list(columns())


@pytest.mark.parametrize("separator", ";,")
@pytest.mark.parametrize(("kind", "cells"), COLUMNS, ids=[kind for kind, _ in COLUMNS])
def test_a_column_of_many_different_cells_is_read_as_one_of_few(kind, cells, separator, tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    quoted = [f'"{cell}"' if separator in cell else cell for cell in cells]
    path.write_text(f"x{separator}other\n" + "".join(f"{c}{separator}{i % 7}\n" for i, c in enumerate(quoted)))
    options = ReadingOptions(missing={"x": ("none yet",)} if kind == "declared missing" else {})

    def found():
        try:
            table = read_table(DataSource(str(path)), options)
        except DataError as exc:
            return str(exc), None
        return [table.reading.notes, table.reading.numbers, table.reading.missing], table.frame

    told, frame = found()
    monkeypatch.setattr(compact, "FEW", 30)
    monkeypatch.setattr(compact, "_FEWEST", 30)
    monkeypatch.setattr(compact, "_BLOCK_ROWS", 64)
    monkeypatch.setattr(evidence, "FEW_SHAPES", 3)
    again, other = found()

    assert again == told
    if frame is not None:
        texts = other.select_dtypes("string").columns
        other[texts] = other[texts].astype(object).where(other[texts].notna(), None)
        pd.testing.assert_frame_equal(other, frame, check_exact=True)


def test_a_file_can_be_read_twice_at_once(small_blocks):
    small_blocks(50)
    data = bytes(range(256))
    found = content.Content(data)
    first = found.blocks()

    assert next(first) + b"".join(found.blocks()) + b"".join(first) == data[:50] + data + data[50:]


def test_rows_are_added_replaced_and_left_out(monkeypatch):
    monkeypatch.setattr(compact, "_BLOCK_ROWS", 3)
    made = [[str(i), "ab"[i % 2]] for i in range(10)]
    found = CompactRows(2)
    for row in made:
        found.append(row)
    found[4] = made[4] = ["four", "c"]
    left = found.without([0, 8]).without([0])

    assert found == made and found[-1] == made[-1] and found[2:5] == made[2:5]
    assert left == [*made[2:8], made[9]] and left[2] == ["four", "c"] and left[-1] == made[9]
    assert [cell for part in left.column(1) for cell in part] == [row[1] for row in left]
    assert found.places(1, "c") == [4] and left.places(1, "c") == [2]


@pytest.mark.parametrize("pack", ["gzip", "bzip2", "zip"])
def test_what_is_large_once_unpacked_goes_to_a_temporary_file(pack, tmp_path, monkeypatch):
    monkeypatch.setattr("slipway.tables.compressed._IN_MEMORY", 100)
    text = "a,b\n" + "".join(f"{i},{i % 7}\n" for i in range(500))
    path = tmp_path / "packed"
    if pack == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.csv", text)
    else:
        path.write_bytes({"gzip": gzip, "bzip2": bz2}[pack].compress(text.encode()))

    table = read_table(DataSource(str(path)))

    assert [*table.frame["a"]] == [*range(500)]


def test_all_of_a_large_file_is_looked_at_on_request_with_progress(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("slipway.tables.readers._SAMPLE", 1000)
    monkeypatch.setattr("slipway.tables.readers._LARGE", 1000)
    monkeypatch.setattr(content, "_EVERY", 0)
    path = tmp_path / "large.csv"
    path.write_text("a,b\n" + "".join(f"{i % 50},{i % 7}\n" for i in range(5000)))

    assert main(["look", str(path), "--all"]) == 0

    told = capsys.readouterr()
    assert "5,000 rows, 2 columns" in told.out and f"{path}: 100 % of 0 MB read" in told.err


@pytest.mark.slow
def test_a_file_of_100_mb_takes_less_than_four_times_as_much_memory(tmp_path):
    """Of which 130 MB are Python's and pandas' own, and more is for blocks than grows with the file."""
    path, made, size = tmp_path / "large.csv", np.random.default_rng(0), 0
    with path.open("w", encoding="utf-8") as file:
        file.write("day,city,area,price,lat,lon,energy,note\n")
        while size < 10**8:
            area, price, lat, lon = made.random((4, 10_000)) * 1000
            size += file.write(
                "".join(
                    f"20{i % 24:02d}-0{i % 9 + 1}-1{i % 10},City {i % 50},{area[i]:.1f},{price[i] * 999:.2f},{lat[i]:.6f},"
                    f'{lon[i]:.6f},{"ABCDEFG"[i % 7]},"{"quiet" if i % 3 else "bright"}, ""{lat[i]:.3f}"""\n'
                    for i in range(10_000)
                )
            )
    code = (
        "import sys; from slipway.tables.readers import read_table; from slipway.tables.source import DataSource\n"
        "read_table(DataSource(sys.argv[1]))\n"
        "print(next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )

    peak = int(
        subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, check=True, text=True).stdout
    )

    assert peak * 1024 < 4 * size
