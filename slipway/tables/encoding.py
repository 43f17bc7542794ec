"""The text of a file: which encoding it is in, by its bytes alone.

A byte order mark and UTF-8 are certain; of the others chardet tells the likeliest, and cp1252, which Excel writes in the west,
is taken where it is not sure.
"""

import codecs
import re
from dataclasses import dataclass

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_EAST_ASIAN = ("gb", "big5", "cp932", "shift", "euc", "cp949", "johab", "iso-2022", "hz")
_LEAST = (("windows-", 0.05), ("iso-8859-", 0.05), ("koi8", 0.05), *((name, 0.015) for name in _EAST_ASIAN), ("", 0.5))
"""chardet's confidence from which its word is taken, by how the name begins. (Its figures are low for short texts.)"""
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x19\x1b-\x1f\x7f-\x84\x86-\x9f]")
_SAMPLE = 200_000


@dataclass(frozen=True)
class Decoded:
    """A text, the encoding it was in, and how many bytes could not be read in it or were NUL."""

    text: str
    encoding: str
    odd_bytes: int = 0
    nuls: int = 0


def decode(data: bytes, encoding: str | None = None) -> Decoded | None:
    """The text of a file.

    Parameters
    ----------
    data : bytes
    encoding : str, optional
        The encoding, where it is known.

    Returns
    -------
    Decoded or None
        None if it is not text.

    Raises
    ------
    UnicodeDecodeError
        If the file is not in the encoding that was given.
    """
    found = _decoded(data, encoding)
    text = found.text.removesuffix("\x1a")  # the end of a file, as DOS wrote it
    nuls = text.count("\0")
    if nuls:
        text = text.replace("\0", "")
        if nuls > len(text) * 0.3:
            return None
    sample = text[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > len(sample) / 500 + 0.5:
        return None
    return Decoded(text, found.encoding, found.odd_bytes, nuls)


def _decoded(data: bytes, encoding: str | None) -> Decoded:
    mark = next((name for mark, name in _MARKS if data.startswith(mark)), None)
    if encoding is not None:
        name = mark if mark and mark.removesuffix("-sig") == codecs.lookup(encoding).name else encoding
        return Decoded(data.decode(name), encoding)
    if mark or (mark := _wide(data)):
        return Decoded(data.decode(mark, "replace"), mark)
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        pass
    if (damaged := _damaged_utf8(data)) is not None:
        return damaged
    name = _legacy(data)
    return Decoded(data.decode(name, "replace"), name)


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark: most texts have many characters whose upper bytes are zero."""
    head = data[: 4 * (min(len(data), 4096) // 4)]
    zeros = [head[start::4].count(0) / max(1, len(head) // 4) for start in range(4)]
    if not head:
        head = data
    if min(zeros[2:]) > 0.9 and zeros[0] < 0.1 and len(data) % 4 == 0:
        return "utf-32-le"
    if min(zeros[:2]) > 0.9 and zeros[3] < 0.1 and len(data) % 4 == 0:
        return "utf-32-be"
    even, odd = head[::2].count(0), head[1::2].count(0)
    # Lines and separators are ASCII in any script.
    if odd > max(1, len(head) / 20) and odd > 10 * even:
        return "utf-16-le"
    if even > max(1, len(head) / 20) and even > 10 * odd:
        return "utf-16-be"
    return None


def _damaged_utf8(data: bytes) -> Decoded | None:
    """UTF-8 with a few bytes of another encoding in it, or one that is cut off."""
    text = data.decode("utf-8", "replace")
    odd = text.count("\ufffd")
    beyond = len(re.findall(r"[^\x00-\x7f\ufffd]", text))
    if beyond < 10 * odd:
        return None
    return Decoded(data.decode("utf-8", "slipway.cp1252"), "utf-8", odd)


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("slipway.cp1252", _as_cp1252)


def _legacy(data: bytes) -> str:
    """The encoding of bytes that are not UTF-8."""
    import chardet  # only now: most files do not need it

    # What is beyond ASCII decides; a large file may have it at its end only.
    first = next(place for place, byte in enumerate(data) if byte > 127)
    found = chardet.detect(data[max(0, first - 1000) : first + _SAMPLE])
    name, confidence = str(found["encoding"] or "").lower(), found["confidence"]
    if confidence >= next(least for start, least in _LEAST if name.startswith(start)):
        name = "gb18030" if name in ("gb2312", "gbk") else name
        try:
            data.decode(name)
            return "cp1252" if name in ("windows-1252", "iso-8859-1", "iso-8859-15") else name
        except (UnicodeDecodeError, LookupError):
            pass
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
