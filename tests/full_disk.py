"""`slipway score` on a disk of its own that fills, again and again: tests/test_score_kills.py runs it where it has mounted one.

It is told the model, the input, the output on that disk, what an undisturbed run has written elsewhere, how often, and a seed.
"""

import contextlib
import io
import os
import random
import sys
from pathlib import Path

from slipway.cli.main import main
from slipway.tables import content


def room(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def fill(path: Path, left: int) -> None:
    """A file that leaves so many bytes of a disk."""
    with path.open("wb", buffering=0) as file:
        while (size := room(path.parent) - left) > 0:
            file.write(bytes(min(size, 1 << 20)))


def scored(tag: str, inputs: str, out: Path, workers: int) -> int:
    """The code of a run; what it says must be one line."""
    error = io.StringIO()
    with contextlib.redirect_stderr(error), contextlib.redirect_stdout(io.StringIO()):
        code = main(["score", tag, "--in", inputs, "--out", str(out), "--workers", str(workers)])
    said = [
        line for line in error.getvalue().splitlines() if "rows scored" not in line
    ]  # a slow run says how far it is
    if code == 1:
        assert len(said) == 1 and "there is no space left to write it" in said[0], said
        assert not out.exists()
        assert not [*out.parent.rglob("*.partial")]
    else:
        assert (code, said) == (3, []), (code, said)
    return code


def check_whole(out: Path, whole: Path) -> None:
    for name in ("", ".faults.csv"):
        assert Path(f"{out}{name}").read_bytes() == Path(f"{whole}{name}").read_bytes()
        Path(f"{out}{name}").unlink()
    assert [path.name for path in out.parent.iterdir()] == []


def run(tag: str, inputs: str, out: Path, whole: Path, times: int, seed: int) -> None:
    content.BLOCK = 100_000
    rng, full, wholes = random.Random(seed), 0, 0
    needed = 3 * whole.stat().st_size
    while full < times or wholes < 2:
        filler = out.parent / "filler"
        if full < times:
            fill(filler, rng.randrange(needed))
        code = scored(tag, inputs, out, 2 if full % 10 == 9 else 1)
        full += code == 1
        filler.unlink(missing_ok=True)
        if code == 3 or rng.random() < 0.2:
            if code != 3:
                assert scored(tag, inputs, out, 1) == 3
            check_whole(out, whole)
            wholes += 1
    print(f"{full} times full, {wholes} times whole")


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6]))
