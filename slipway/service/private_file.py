"""Files that nobody but their owner may read: those of keys, passwords and secrets."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from slipway.errors import SlipwayError


def is_open_to_others(found: os.stat_result) -> bool:
    """Whether others may read or change a file. A group may read one that is not ours: so Kubernetes mounts a Secret."""
    forbidden = stat.S_IRWXO | stat.S_IWGRP
    if found.st_uid == os.geteuid():
        forbidden |= stat.S_IRWXG
    return bool(found.st_mode & forbidden)


def stamp(path: Path) -> tuple[int, ...]:
    """What changes with a file; empty if it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_size


@contextmanager
def changing(path: Path, what: str) -> Iterator[None]:
    """While inside, nobody else changes a file: two who do so at once would lose what one of them wrote.

    Parameters
    ----------
    path : Path
    what : str
        The file, for the message.

    Raises
    ------
    SlipwayError
        If its folder is not there, or the file cannot be written.
    """
    target = path.resolve()
    if not target.parent.is_dir():  # the lock would make it
        raise SlipwayError(f"there is no folder {target.parent} for {what} {path.name}; make it, or take another")
    try:
        with FileLock(f"{target}.lock", timeout=10, mode=0o600):
            yield
    except OSError as exc:  # of which filelock's Timeout is one
        raise SlipwayError(f"{what} {path} cannot be written ({exc.strerror or exc})") from exc


def replace(path: Path, text: str, mode: int = 0o600) -> None:
    """Write all of a file or nothing, and never readable by others, however briefly.

    Parameters
    ----------
    path : Path
    text : str
    mode : int, default=0o600
        Of the file once it is written.

    Raises
    ------
    OSError
    """
    number, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # which makes it 0600
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if mode != 0o600:
            os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
