"""The folder of a run: its parts, each written as a whole, and what they are parts of.

A part is done when its `.json` is there. A run that was stopped is taken up again by the same command: a part that is done is not
made again. Only when all are done do the output and its faults get their names.
"""

import csv
import errno
import io
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from slipway.errors import ScoringError
from slipway.scoring.rows import FaultyCell
from slipway.scoring.stores import Place, StoredFile, remove, send

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FAULT_COLUMNS = ("file", "row", "code", "field", "value", "problem")


@dataclass(frozen=True)
class Done:
    """How many rows of a part, or of all, have a prediction, and how many are faulty."""

    rows: int
    faulty: int


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file that has its name once it is whole, and is not there otherwise.

    Raises
    ------
    ScoringError
        If it cannot be written.
    """
    # Not by the process: two machines may make the same part, as one of them seems to be lost, and give processes the same number.
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        try:
            with partial.open("wb") as file:
                yield file
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as exc:
        raise cannot_write(path, exc) from exc


def cannot_write(path: Place, exc: OSError) -> ScoringError:
    """What is said of a file that cannot be written."""
    again = "run the same command again: it goes on where it was"
    if exc.errno in FULL:
        return ScoringError(f"{path}: there is no space left to write it ({exc.strerror}); make some, and {again}")
    return ScoringError(f"{path}: cannot be written: {exc.strerror or exc}; when that is put right, {again}")


class Parts:
    """The parts of an output, in the folder beside it; those of an object in a folder of this machine.

    Parameters
    ----------
    out : Path or StoredFile
    within : Path, optional
        Where the folder of an object's parts lies; here, if not given.
    """

    def __init__(self, out: Place, within: Path | None = None) -> None:
        self.out = out
        self.faults = out.with_name(f"{out.name}.faults.csv")
        if isinstance(out, StoredFile):
            self.folder = (within or Path()).absolute() / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', out.url)}.parts"
        else:
            self.folder = out.absolute().with_name(f"{out.name}.parts")
        self.whole = self.folder / "whole"
        self.whole_faults = self.folder / "whole.faults"
        self._replaced = self.folder / "replaced"
        self._finished = self.folder / "finished.json"
        self._manifest = self.folder / "manifest.json"

    @contextmanager
    def opened(self, manifest: dict[str, Any]) -> Iterator[None]:
        """Hold the folder for this run alone.

        Parameters
        ----------
        manifest : dict
            What the parts are parts of.

        Raises
        ------
        ScoringError
            If another run has the folder, or it has parts of something else.
        """
        try:
            self.folder.mkdir(exist_ok=True)
            lock = FileLock(self.folder / "lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise ScoringError(f"{self.out}: another run is writing it; wait for it, or give another --out") from None
        except OSError as exc:
            raise cannot_write(self.folder, exc) from exc
        try:
            self._check_manifest(manifest)
            # What a run that was killed had begun takes room, the half of an output most of all.
            for kind in ("*.partial", "*.task"):
                for path in self.folder.glob(kind):
                    path.unlink(missing_ok=True)
            yield
        finally:
            if self._is_empty():
                shutil.rmtree(self.folder, ignore_errors=True)
            lock.release()

    def _is_empty(self) -> bool:
        """Whether there is nothing to go on with."""
        return not self._finished.exists() and not any(self.folder.glob("[0-9]*.json"))

    def _check_manifest(self, manifest: dict[str, Any]) -> None:
        if not self._manifest.exists() or self._is_empty():
            with written(self._manifest) as file:
                file.write(json.dumps(manifest, indent=1).encode())
            return
        try:
            before = json.loads(self._manifest.read_bytes())
        except ValueError:
            before = {}
        for name, now in json.loads(json.dumps(manifest)).items():
            if before.get(name) != now:
                raise ScoringError(
                    f"{self.folder}: holds a run that was stopped, with another {name}: {_difference(before.get(name), now)}; "
                    "run the same command as then, or remove the folder"
                )

    def path(self, index: int) -> Path:
        """The rows of a part."""
        return self.folder / f"{index:06}.rows"

    def done(self, index: int) -> Done | None:
        """What a part has, if it is there."""
        try:
            return Done(**json.loads(self.path(index).with_suffix(".json").read_bytes()))
        except FileNotFoundError:
            return None

    def finish_part(self, index: int, rows: int, source: Place, faulty: Sequence[FaultyCell]) -> Done:
        """Write the faults of a part, and that it is done.

        Parameters
        ----------
        index : int
        rows : int
            Those that were written.
        source : Path or StoredFile
            The file that they are from.
        faulty : sequence of FaultyCell

        Returns
        -------
        Done
        """
        if faulty:
            with written(self.path(index).with_suffix(".faults")) as file:
                file.write(_csv([(str(source), *cell) for cell in faulty]))
        done = Done(rows, len({cell.row for cell in faulty}))
        with written(self.path(index).with_suffix(".json")) as file:
            file.write(json.dumps(asdict(done)).encode())
        return done

    def finished(self) -> Done | None:
        """What the output has, if it is whole already and only its name is missing, or the folder still there."""
        try:
            return Done(**json.loads(self._finished.read_bytes()))
        except FileNotFoundError:
            return None

    def finish(self, count: int, total: Done) -> None:
        """Join the faults of all parts, and give the output and them their names.

        Parameters
        ----------
        count : int
            Of parts.
        total : Done
            Of all of them together.
        """
        if total.faulty:
            with written(self.whole_faults) as file:
                file.write(_csv([FAULT_COLUMNS]))
                for index in range(count):
                    path = self.path(index).with_suffix(".faults")
                    if path.exists():
                        with path.open("rb") as part:
                            shutil.copyfileobj(part, file)
        with written(self._finished) as file:
            file.write(json.dumps(asdict(total)).encode())
        self.name(total)

    def name(self, total: Done) -> None:
        """Give the whole output its name, in place of one that is there, and remove the parts.

        Parameters
        ----------
        total : Done
            What the output has.
        """
        try:
            if self.whole_faults.exists():
                _put(self.whole_faults, self.faults)
            if not total.faulty:
                remove(self.faults)
            if self.whole.exists():
                if isinstance(self.out, Path) and self.out.exists() and (self.whole.is_dir() or self.out.is_dir()):
                    os.replace(self.out, self._replaced)  # a folder has no other put in its place
                _put(self.whole, self.out)
        except OSError as exc:
            raise cannot_write(self.out, exc) from exc
        # What says that the output is whole goes when nothing else is left, and what it is made of after that: whenever this
        # is stopped, the next run knows what it finds.
        last = [self._finished, self._manifest]
        for path in [*(path for path in self.folder.iterdir() if path not in last), *last]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _put(local: Path, place: Place) -> None:
    """Give a file its name, or make it an object."""
    if isinstance(place, Path):
        os.replace(local, place)
    else:
        send(local, place)


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def _difference(before: Any, now: Any) -> str:
    """What differs, in few words."""
    if isinstance(before, dict) and isinstance(now, dict):
        for path in {**before, **now}:
            if path not in now or path not in before:
                return f"{path} was {'not' if path in now else 'one'} of its files"
            if before[path] != now[path]:
                return f"{path} has changed since"
    return f"{before} then, {now} now"
