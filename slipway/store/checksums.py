"""`SHA256SUMS`, in the format of `sha256sum -c`: of every file of a version, including BentoML's model.yaml."""

import hashlib
from pathlib import Path

from slipway.errors import ModelDamagedError

SUMS = "SHA256SUMS"


def sums(path: Path) -> str:
    """The content of `SHA256SUMS` for the files in a folder."""
    files = sorted(file for file in path.rglob("*") if file.is_file() and file != path / SUMS)
    return "".join(f"{_sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_files(tag: str, path: Path) -> None:
    """Check that every file is unchanged since it was saved, that none is missing and none was added.

    Parameters
    ----------
    tag : str
        Of the version, for messages.
    path : Path
        Its folder.

    Raises
    ------
    ModelDamagedError
        With the first file that differs.
    """
    try:
        saved = (path / SUMS).read_bytes().decode("utf-8")
    except (OSError, ValueError) as exc:
        raise ModelDamagedError(tag, f"{SUMS} is missing or unreadable") from exc
    actual = sums(path)
    if actual == saved:
        return
    was, now = by_name(saved), by_name(actual)
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            raise ModelDamagedError(tag, f"{name} is missing")
        if name not in was:
            raise ModelDamagedError(tag, f"{name} was not there when it was saved")
        if was[name] != now[name]:
            raise ModelDamagedError(tag, f"{name} is not what was saved (its SHA-256 differs)")
    raise ModelDamagedError(tag, f"{SUMS} is not what was saved")


def by_name(sums: str) -> dict[str, str]:
    """SHA-256 by file.

    Parameters
    ----------
    sums : str
        As `sums` returns it.

    Returns
    -------
    dict of str to str
    """
    lines = (line.partition("  ") for line in sums.split("\n") if line)
    return {name: digest for digest, _, name in lines}
