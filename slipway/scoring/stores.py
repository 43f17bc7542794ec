"""Files in object stores by their URLs, such as `s3://bucket/rows.parquet`: obstore is imported here, where there is one.

An object is read by ranges, so that it is never on this machine as a whole, and has its name only once all of it was sent.
"""

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path, PurePosixPath
from typing import IO, Any

from slipway.errors import ScoringError, first_line, nearest

STORES = ("s3", "gs", "abfs")
_SAME = {"s3a": "s3", "gcs": "gs", "abfss": "abfs"}
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)/*(.*)", re.S)
_GLOB = re.compile(r"[*?[]")
_BUFFER = 1 << 20
"""Bytes that are read at once where a reader wants few."""
_PIECE, _PIECES, _TOGETHER = 16 << 20, 9_000, 2
"""Bytes of a piece that is sent, how many there may be (S3 takes 10,000), and how many are in memory."""
_GLANCE = 0.2
"""Seconds after which Ctrl-C is heeded."""
_RETRIES: dict[str, Any] = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}


def is_url(text: str) -> bool:
    """Whether a text names something in a store, and not a path."""
    return _URL.match(text) is not None


@dataclass(frozen=True)
class StoredFile:
    """An object of a store; it has what is used here of a `Path`."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def scheme(self) -> str:
        """The store that it is in, one of `STORES`."""
        scheme = self._parts[0].lower()
        return _SAME.get(scheme, scheme)

    @property
    def bucket(self) -> str:
        """Its bucket, with the account where the URL has it: `rows@account.dfs.core.windows.net`."""
        return self._parts[1]

    @property
    def key(self) -> str:
        """Its name in the bucket."""
        return self._parts[2]

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """The end of its name, as `.csv`."""
        return PurePosixPath(self.name).suffix

    @property
    def _parts(self) -> tuple[str, ...]:
        match = _URL.match(self.url)
        return match.groups() if match else ("", "", "")

    def with_key(self, key: str) -> "StoredFile":
        """Another object of the bucket."""
        return StoredFile(f"{self._parts[0]}://{self.bucket}/{key}")

    def with_name(self, name: str) -> "StoredFile":
        """Another object beside it."""
        folder, slash, _ = self.key.rpartition("/")
        return self.with_key(f"{folder}{slash}{name}")

    def absolute(self) -> "StoredFile":
        """Itself: a URL is the same everywhere."""
        return self

    def open(self, mode: str = "rb") -> IO[bytes]:
        """A file of its bytes, of which some are read ahead."""
        return io.BufferedReader(Ranges(self), _BUFFER)


Place = Path | StoredFile
"""Where a file is."""


def place_of(text: str) -> Place:
    """The path or the object that a text names.

    Raises
    ------
    ScoringError
        If it names an object that nothing can be, or of a store that is not known here.
    """
    if not is_url(text):
        return Path(text)
    place = StoredFile(text)
    _store(place)
    return place


class Ranges(io.RawIOBase):
    """The bytes of an object, each read one request, all of the object as it is now.

    Parameters
    ----------
    place : StoredFile
    """

    def __init__(self, place: StoredFile) -> None:
        self._place = place
        self._store = _store(place)
        meta = _head(place)
        if meta is None:
            raise ScoringError(_missing(place))
        self._size: int = meta["size"]
        self._same = {"if_match": meta["e_tag"]} if meta["e_tag"] else {}
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        with _translated(self._place, "read"):
            got = self._store.get(self._place.key, options={"range": (self._at, end), **self._same})
            found = got.bytes()
        buffer[: len(found)] = memoryview(found)
        self._at += len(found)
        return len(found)


def stamp_of(place: Place) -> tuple[int, int | str]:
    """The size of a file in bytes, and what is another once it has changed: a time in ns, or the ETag of an object.

    Raises
    ------
    OSError
        If a path is not there.
    ScoringError
        If an object is not there, or may not be read.
    """
    if isinstance(place, Path):
        stat = place.stat()
        return stat.st_size, stat.st_mtime_ns
    meta = _head(place)
    if meta is None:
        raise ScoringError(_missing(place))
    return meta["size"], meta["e_tag"] or meta["last_modified"].isoformat()


def find_stored(text: str) -> list[Place]:
    """The objects that a URL, a folder or a pattern of one names, sorted.

    Raises
    ------
    ScoringError
        If there is none, or they may not be listed.
    """
    place = StoredFile(text)
    key = place.key.rstrip("/")
    glob = _GLOB.search(key)
    if not glob and key and _head(place) is not None:
        return [place]
    above = key[: glob.start()].rpartition("/")[0] if glob else key
    with _translated(place, "listed"):
        keys = [meta["path"] for chunk in _store(place).list(prefix=above or None) for meta in chunk if meta["size"]]
    if glob:
        matches = re.compile(f"(?:{_regex(key)})(?=/|$)")
        ends = {one: match.end() for one in keys if (match := matches.match(one))}
        if "/." not in f"/{key}":
            ends = {one: end for one, end in ends.items() if "/." not in f"/{one[len(above) :]}"}
    else:
        ends = {one: len(key) for one in keys}
    found: list[Place] = [place.with_key(one) for one, end in sorted(ends.items()) if not _is_hidden(one[end:])]
    if not found and not glob:
        raise ScoringError(f"--in {_missing(place)}")
    return found


def exists(place: Place) -> bool:
    """Whether there is a file, or such an object."""
    return place.exists() if isinstance(place, Path) else _head(place) is not None


def check_bucket(place: StoredFile) -> None:
    """Refuse an object of which the bucket is not there.

    Raises
    ------
    ScoringError
    """
    if not _has_bucket(place):
        raise ScoringError(_missing(place))


def send(local: Path, place: StoredFile) -> None:
    """Make a file an object, in place of one that is there, and remove the file.

    Raises
    ------
    ScoringError
        If the store does not take all of it; the object is then as it was.
    """
    size = local.stat().st_size
    failed: list[BaseException] = []

    def put() -> None:
        try:
            piece = max(_PIECE, size // _PIECES + 1)
            _store(place).put(place.key, local, chunk_size=piece, max_concurrency=_TOGETHER)
        except BaseException as exc:
            failed.append(exc)

    # It heeds no Ctrl-C. When this process ends, what was sent of an object ends with it, and is none.
    thread = threading.Thread(target=put, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(_GLANCE)
    with _translated(place, "written"):
        if failed:
            raise failed[0]
    if (sent := stamp_of(place)[0]) != size:
        raise ScoringError(f"{place}: has {sent:,} bytes, and {size:,} were sent; run the same command again")
    local.unlink()


def remove(place: Place) -> None:
    """Remove a file, or an object, if it is there."""
    if isinstance(place, Path):
        place.unlink(missing_ok=True)
    elif exists(place):
        with _translated(place, "removed"):
            _store(place).delete(place.key)


def _store(place: StoredFile) -> Any:
    if place.scheme not in STORES:
        raise ScoringError(
            f"{place}: no store is known by {place.scheme}://{nearest(place.scheme, STORES)}; expected a path, or a URL with "
            f"{', '.join(f'{name}://' for name in STORES)}"
        )
    if not place.bucket:
        raise ScoringError(f"{place}: names no bucket; expected {place.scheme}://BUCKET/NAME")
    try:
        return _connected(f"{place.scheme}://{place.bucket}")
    except ImportError as exc:
        raise ScoringError(f"{place}: needs obstore: `pip install 'slipway-ml[score,stores]'`") from exc
    except Exception as exc:
        raise ScoringError(f"{place}: is not a valid URL: {_line(exc)}") from exc


@cache
def _connected(url: str) -> Any:
    """A bucket; keys, endpoint and region are those of the variables that the store's own tools read."""
    from obstore.store import from_url

    # Only an endpoint that somebody has set begins with http://.
    return from_url(url, client_options={"allow_http": True}, retry_config=_RETRIES)


def _head(place: StoredFile) -> dict[str, Any] | None:
    """What a store says of an object; None if there is none."""
    with _translated(place, "read"):
        try:
            meta: dict[str, Any] = _store(place).head(place.key)
        except FileNotFoundError:
            return None
    return meta


def _has_bucket(place: StoredFile) -> bool:
    with _translated(place, "read"):
        try:
            next(iter(_store(place).list(prefix=place.key or None, chunk_size=1)), None)
        except Exception as exc:
            if _is_no_bucket(exc):
                return False
            if type(exc).__name__ == "PermissionDeniedError":
                return True  # whoever may write an object need not be allowed to list others
            raise
    return True


def _is_no_bucket(exc: Exception) -> bool:
    return isinstance(exc, FileNotFoundError) or bool(re.search("NoSuchBucket|ContainerNotFound", str(exc)))


def _missing(place: StoredFile) -> str:
    if not _has_bucket(place):
        return f"{place}: there is no bucket {place.bucket!r}"
    return f"{place}: there is no such object or folder in the bucket {place.bucket!r}"


def _is_hidden(name: str) -> bool:
    return any(part[0] in "._" for part in name.split("/") if part)


def _regex(pattern: str) -> str:
    """A regular expression of a pattern, in which `*` stays in one folder and `**` does not."""
    tokens = re.findall(r"\*\*/?|\*|\?|\[[^\]]+\]|.", pattern, re.S)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        known.get(token) or (token.replace("[!", "[^") if len(token) > 1 else re.escape(token)) for token in tokens
    )


@contextmanager
def _translated(place: StoredFile, done: str) -> Iterator[None]:
    """One line for whatever a store has to say."""
    try:
        yield
    except (ScoringError, KeyboardInterrupt):
        raise
    except Exception as exc:
        kind, text = type(exc).__name__, str(exc)
        if _is_no_bucket(exc):
            raise ScoringError(f"{place}: there is no bucket {place.bucket!r}") from exc
        if kind == "PreconditionError":
            why = "it was changed while it was scored; start again when nothing writes to it"
        elif kind == "PermissionDeniedError":
            why = f"the credentials do not allow it ({_line(exc)})"
        elif kind == "UnauthenticatedError" or "/latest/api/token" in text or "credential" in text.lower():
            why = (
                f"no credentials were found for {place.scheme}:// ({_line(exc)}); docs/scale.md says where they may be"
            )
        else:
            why = _line(exc)
        raise ScoringError(f"{place}: cannot be {done}: {why}") from exc


def _line(exc: BaseException) -> str:
    """What went wrong, without the store's XML."""
    text = str(exc)
    if code := re.search(r"<Code>(\w+)</Code>", text):
        message = re.search(r"<Message>([^<]*)</Message>", text)
        return f"{code[1]}: {message[1]}" if message else code[1]
    return first_line(text) or type(exc).__name__
