"""The bytes of a file, which can be read more than once, a block at a time: a large one is never in memory as a whole."""

import hashlib
import io
import time
from collections.abc import Callable, Iterator
from typing import IO

BLOCK = 4 * 1024 * 1024
"""Bytes that are read at once."""
_HEAD = 64 * 1024
_EVERY = 5.0
"""Seconds between two lines of progress."""


class Content:
    """What a file holds.

    Parameters
    ----------
    data : bytes or binary file
        A file must be one that can go back to its start, and stay open.
    size : int, optional
        How many bytes a file has.
    """

    def __init__(self, data: bytes | IO[bytes], size: int | None = None) -> None:
        self._file = io.BytesIO(data) if isinstance(data, bytes) else data
        self._data = data if isinstance(data, bytes) else None
        self.size = len(data) if isinstance(data, bytes) else size or 0
        self.head = self._file.read(_HEAD)
        self.read_so_far: Callable[[int], None] = lambda size: None  # is told how many bytes of the file were read

    def blocks(self) -> Iterator[bytes]:
        """All of it, from the start, whoever else reads meanwhile."""
        so_far = 0
        while block := self._block(so_far):
            yield block
            so_far += len(block)
            self.read_so_far(so_far)

    def _block(self, start: int) -> bytes:
        self._file.seek(start)
        return self._file.read(BLOCK)

    def open(self) -> IO[bytes]:
        """A file of it, at its start."""
        self._file.seek(0)
        return self._file

    def read(self) -> bytes:
        """All of it at once."""
        return self._data if self._data is not None else self.open().read()

    def sha256(self) -> str:
        """Its SHA-256, in hexadecimal digits."""
        found = hashlib.sha256()
        for block in self.blocks():
            found.update(block)
        return found.hexdigest()


class Progress:
    """Says now and then how much of a file was read: `people.csv: 35 % of 1,024 MB`."""

    def __init__(self, say: Callable[[str], None] | None, source: str, size: int) -> None:
        self._say = say
        self._source = source
        self._size = size
        self._last = time.monotonic()

    def __call__(self, so_far: int) -> None:
        """Told how many bytes were read."""
        if self._say is not None and time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            self._say(f"{self._source}: {so_far * 100 // max(1, self._size)} % of {self._size // 10**6:,} MB read …")
