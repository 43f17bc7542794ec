"""Files that are packed: gzip, bzip2, xz, Zstandard, and a ZIP archive of one file.

A few kilobytes may unpack to terabytes, so no more is unpacked than a table of that size can have.
"""

import bz2
import gzip
import lzma
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import IO, Any

from slipway.errors import CsvError, RequestCode
from slipway.tables.bounds import Bounds
from slipway.tables.content import BLOCK, Content

RATIO, ALWAYS = 200, 256 * 1024 * 1024
"""What is unpacked may be so many times larger than what is packed, or have so many bytes."""
_IN_MEMORY = 64 * 1024 * 1024
"""Bytes that are unpacked into memory; more go to a temporary file."""
_LEVELS = 3
"""A packed file may be inside of another one."""


def _zstd(file: IO[bytes]) -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdFile(file)


_OPENERS: dict[bytes, tuple[str, Callable[[IO[bytes]], Any]]] = {
    b"\x1f\x8b": ("gzip", lambda file: gzip.GzipFile(fileobj=file, mode="rb")),
    b"BZh": ("bzip2", bz2.BZ2File),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
    b"\x28\xb5\x2f\xfd": ("Zstandard", _zstd),
}
WORKBOOK_PARTS = ("[Content_Types].xml", "mimetype")
"""Files in a ZIP archive that is a workbook of Excel or LibreOffice."""


def unpack(content: Content, source: str, bounds: Bounds) -> tuple[Content, str | None]:
    """What a packed file holds, and what it was packed with; any other file as it is.

    What is large once unpacked goes to a temporary file.

    Parameters
    ----------
    content : Content
    source : str
        The name of the file, for messages.
    bounds : Bounds

    Returns
    -------
    content : Content
    compression : str or None

    Raises
    ------
    CsvError
        If it is damaged or encrypted, or is an archive of several files.
    TableTooLargeError
        If it unpacks to more than a table of its size can have.
    """
    used = []
    most = min(bounds.unpacked.limit, max(ALWAYS, RATIO * content.size))
    for _ in range(_LEVELS):
        name, opener = next((item for start, item in _OPENERS.items() if content.head.startswith(start)), ("", None))
        if opener is None and _is_archive(content):
            name, opener = "ZIP", lambda file: _member(file, source)
        if opener is None:
            break
        content = _read(opener, name, content, source, most, bounds)
        used.append(name)
    return content, " in ".join(reversed(used)) or None


def is_packed(head: bytes) -> bool:
    """Whether a file is packed, or a workbook, by its first bytes."""
    return head.startswith((*_OPENERS, b"PK\x03\x04", b"PK\x05\x06"))


def _is_archive(content: Content) -> bool:
    """Whether a file is a ZIP archive, and not a workbook, which is one as well."""
    if not content.head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return False
    try:
        with zipfile.ZipFile(content.open()) as archive:
            return not any(part in archive.namelist() for part in WORKBOOK_PARTS)
    except (zipfile.BadZipFile, OSError, ValueError):
        return True


def _read(
    opener: Callable[[IO[bytes]], Any], name: str, content: Content, source: str, most: int, bounds: Bounds
) -> Content:
    size, unpacked = 0, tempfile.SpooledTemporaryFile(_IN_MEMORY)
    try:
        with opener(content.open()) as file:
            while size <= most and (block := file.read(min(BLOCK, most + 1 - size))):
                unpacked.write(block)
                size += len(block)
    except CsvError:
        raise
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ValueError, NotImplementedError) as exc:
        problem = f"is not a complete {name} file ({exc}); pack it again, or unpack it first"
        raise CsvError(source, problem, RequestCode.UNREADABLE_FILE, kind=name) from exc
    except RuntimeError as exc:  # zipfile says so of an encrypted file
        problem = f"is encrypted ({name}); unpack it first"
        raise CsvError(source, problem, RequestCode.UNREADABLE_FILE, kind=name) from exc
    except Exception as exc:  # Zstandard's own class, which is imported with it
        if type(exc).__name__ != "ZstdError":
            raise
        problem = f"is not a complete {name} file ({exc}); pack it again, or unpack it first"
        raise CsvError(source, problem, RequestCode.UNREADABLE_FILE, kind=name) from exc
    if size > most:
        bound = bounds.unpacked if bounds.unpacked.limit == most else None
        if bound is not None:
            raise bound.passed(source, size, "bytes once unpacked", RequestCode.UNPACKED_TOO_LARGE)
        problem = (
            f"unpacks from {content.size:,} to more than {most:,} bytes, as no table does; unpack it first if it is one"
        )
        raise CsvError(source, problem, RequestCode.UNREADABLE_FILE, kind=name)
    unpacked.seek(0)
    return Content(unpacked, size)


def _member(file: IO[bytes], source: str) -> IO[bytes]:
    """The one file in an archive; what macOS adds does not count."""
    archive = zipfile.ZipFile(file)
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not name.startswith("__MACOSX/") and not PurePosixPath(name).name.startswith(".")
    ]
    if len(names) != 1:
        listed = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
        problem = f"is a ZIP archive of {len(names)} files ({listed or 'none'}); unpack it, and name one of them"
        raise CsvError(source, problem, RequestCode.UNREADABLE_FILE, kind="ZIP")
    return archive.open(names[0])
