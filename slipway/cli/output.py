"""A file that a command writes: there as a whole, or not at all."""

from pathlib import Path

from slipway.errors import DataError


def write(path: Path, content: bytes) -> None:
    """Write a file, in place of one that is there.

    Raises
    ------
    DataError
        If it cannot be written; then nothing is left behind.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as exc:
        beside.unlink(missing_ok=True)
        raise DataError(path, f"cannot be written: {exc.strerror or exc}; name a file in a folder that exists") from exc
