"""A request log in a folder: files of JSON lines, which only one process writes each. Several servers may use one folder, on a shared disk as well."""

import datetime as dt
import os
import stat
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from slipway.errors import RequestLogError
from slipway.store.requestlog.lines import (
    KINDS,
    Kind,
    day_of,
    find_keys,
    joined,
    new_name,
    of_kind,
    outcome_lines,
    parsed,
)
from slipway.store.requestlog.rows import Key, Outcome, Row, now

FILE_BYTES = 64 * 1024 * 1024
"""From so many bytes on a file is followed by another."""


class FolderLog:
    """A request log in a folder.

    Parameters
    ----------
    folder : Path
        It is made by `check`, for its owner alone; the folder above must be there.
    """

    seconds, largest, starts_threads = 0.0, 0, False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rows = _Appender(folder, "requests")
        self._outcomes = _Appender(folder, "outcomes")

    def check(self) -> None:
        """Make the folder if it is not there, and write to it once.

        Raises
        ------
        RequestLogError
            If that is not possible, or others may read what is in it.
        """
        try:
            if not self.folder.parent.is_dir():
                raise RequestLogError(self.folder, f"there is no folder {self.folder.parent}; make it, or take another")
            self.folder.mkdir(0o700, exist_ok=True)
            mode = stat.S_IMODE(self.folder.stat().st_mode)
            if os.name == "posix" and mode & 0o077:
                raise RequestLogError(
                    self.folder,
                    f"it has the mode {mode:04o}, so that others may read what is in it; expected 0700: `chmod 700` it, or "
                    "name a folder in it that is not there yet",
                )
            with tempfile.TemporaryFile(dir=self.folder):
                pass
        except OSError as exc:
            raise self._error(exc) from exc

    def append(self, rows: bytes) -> None:
        """Add rows, all of them or none.

        Raises
        ------
        RequestLogError
            If they cannot be written.
        """
        try:
            self._rows.append(rows)
        except OSError as exc:
            raise self._error(exc) from exc

    def add_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        """Add outcomes, all of them or none; they are on the disk once this returns.

        Raises
        ------
        RequestLogError
            If they cannot be written.
        """
        try:
            self._outcomes.append(outcome_lines(outcomes), durable=True)
        except OSError as exc:
            raise self._error(exc) from exc

    def known(self, keys: Collection[Key], name: str) -> set[Key]:
        """Those that are in the log, of requests to models of a name: reads the files, the newest first, until all are found.

        Raises
        ------
        RequestLogError
            If a file cannot be read.
        """
        newest_first = reversed(self._files("requests"))
        return find_keys(map(self._content, newest_first), keys, name)

    def delete_before(self, day: dt.date) -> None:
        """Delete the files of earlier days.

        Raises
        ------
        RequestLogError
            If one cannot be deleted.
        """
        try:
            for path in [path for kind in KINDS for path in self._files(kind)]:
                if day_of(path.name) < day:
                    path.unlink(missing_ok=True)  # another process may have been quicker
        except OSError as exc:
            raise self._error(exc) from exc

    def read(self, since: dt.datetime | None = None) -> Iterator[Row]:
        """The rows from a time on, in no certain order; outcomes are kept in memory meanwhile.

        Raises
        ------
        RequestLogError
            If there is no folder, or a file cannot be read.
        """
        return joined(self._entries("requests", since), self._entries("outcomes", since), since)

    def _entries(self, kind: Kind, since: dt.datetime | None) -> Iterator[dict[str, Any]]:
        for path in self._files(kind):
            if since and day_of(path.name) < since.astimezone(dt.UTC).date():
                continue
            for number, line in self._lines(path):
                yield parsed(self.folder, path.name, number, line)

    def _files(self, kind: Kind) -> list[Path]:
        """The files of a kind, the oldest first."""
        try:
            return [self.folder / name for name in of_kind(os.listdir(self.folder), kind)]
        except OSError as exc:
            raise self._error(exc) from exc

    def _content(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:  # it was too old meanwhile
            return b""
        except OSError as exc:
            raise self._error(exc) from exc

    def _lines(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """The lines of a file by their numbers, but for one at its end that is still being written."""
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if line.endswith(b"\n"):
                        yield number, line
        except FileNotFoundError:  # it was too old meanwhile
            return
        except OSError as exc:
            raise self._error(exc) from exc

    def _error(self, exc: OSError) -> RequestLogError:
        return RequestLogError(self.folder, f"{exc.strerror or exc}; expected a folder that can be read and written")


class _Appender:
    """Adds lines to the newest file of this process of one kind.

    Parameters
    ----------
    folder : Path
    kind : str
    """

    def __init__(self, folder: Path, kind: Kind) -> None:
        self._folder = folder
        self._kind = kind
        self._lock = Lock()  # several outcomes may come at once
        self._file: int | None = None
        self._day = dt.date.min
        self._size = 0

    def append(self, lines: bytes, durable: bool = False) -> None:
        """Add lines, all of them or none; if it is to be durable, they are on the disk once this returns."""
        with self._lock:
            file = self._open()
            try:
                rest = memoryview(lines)
                while rest:
                    rest = rest[os.write(file, rest) :]
                if durable:
                    os.fsync(file)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file, self._size)
                raise
            self._size += len(lines)

    def _open(self) -> int:
        """The file to write to: a new one each day, when the last is large enough, or if somebody has removed it."""
        time = now()
        if self._file is not None:
            if self._day == time.date() and self._size < FILE_BYTES and os.fstat(self._file).st_nlink:
                return self._file
            os.close(self._file)
            self._file = None
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(self._folder / new_name(self._kind), flags, 0o600)
        self._day, self._size = time.date(), 0
        return self._file
