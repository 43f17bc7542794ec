"""The text of a file: which encoding it is in, by its bytes alone.

A byte order mark and UTF-8 are certain; of the others chardet tells the likeliest, and cp1252, which Excel writes in the west,
is taken where it is not sure.
"""

import codecs
import re
from collections.abc import Iterator

from slipway.tables.content import Content

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
_SAMPLE, _BEFORE = 200_000, 1_000


class Decoded:
    """The text of a file: in which encoding it is, and how many bytes could not be read in it or were NUL.

    The text itself is decoded as often as it is asked for, block by block; one of a single block is kept.
    """

    def __init__(self, content: Content, encoding: str, errors: str, name: str = "", odd_bytes: int = 0) -> None:
        self.encoding = name or encoding
        self.odd_bytes = odd_bytes
        self.nuls = 0
        self._content = content
        self._decoder = codecs.getincrementaldecoder(encoding), errors
        self._single: str | None = None
        self._count()

    def _count(self) -> None:
        """Look at all of the text once."""
        self.length, blocks = 0, 0
        for block in self._decoded():
            blocks += 1
            self.nuls += block.count("\0")
            self.length += len(block)
        self._single = block.replace("\0", "") if blocks == 1 else None

    def _decoded(self) -> Iterator[str]:
        """The text as it was decoded, without the end of a file as DOS wrote it."""
        (decoder, errors), held = self._decoder, ""
        decode = decoder(errors)
        for data in self._content.blocks():
            block = held + decode.decode(data)
            held = "\x1a" if block.endswith("\x1a") else ""
            if block := block.removesuffix("\x1a") if held else block:
                yield block
        if block := (held + rest if (rest := decode.decode(b"", True)) else ""):
            yield block

    def blocks(self) -> Iterator[str]:
        """The text in blocks, none of them empty."""
        if self._single is not None:
            yield from filter(None, [self._single])
            return
        for block in self._decoded():
            if block := block.replace("\0", "") if self.nuls else block:
                yield block

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.blocks())

    def head(self, least: int) -> str:
        """The beginning of the text: so many characters from the first on that is no space, or all."""
        parts: list[str] = []
        length, is_filled = 0, False
        for block in self.blocks():
            parts.append(block)
            is_filled = is_filled or not block.isspace()
            length += len(block) if is_filled else 0
            # The first block with a text may begin with many spaces.
            if is_filled and length >= 2 * least and len("".join(parts).lstrip()) >= least:
                break
        return "".join(parts)


def decode(data: bytes | Content, encoding: str | None = None) -> Decoded | None:
    """The text of a file.

    Parameters
    ----------
    data : bytes or Content
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
    found = _decoded(data if isinstance(data, Content) else Content(data), encoding)
    if found.nuls > (found.length - found.nuls) * 0.3:
        return None
    sample = found.head(_SAMPLE)[:_SAMPLE]
    if len(_CONTROL.findall(sample)) > len(sample) / 500 + 0.5:
        return None
    return found


def _decoded(content: Content, encoding: str | None) -> Decoded:
    mark = next((name for mark, name in _MARKS if content.head.startswith(mark)), None)
    if encoding is not None:
        name = mark if mark and mark.removesuffix("-sig") == codecs.lookup(encoding).name else encoding
        return Decoded(content, name, "strict", encoding)
    if mark or (mark := _wide(content)):
        return Decoded(content, mark, "replace")
    try:
        return Decoded(content, "utf-8", "strict")
    except UnicodeDecodeError:
        pass
    odd = _odd_bytes(content)
    if odd is not None:
        return Decoded(content, "utf-8", "slipway.cp1252", odd_bytes=odd)
    return Decoded(content, _legacy(content), "replace")


def _wide(content: Content) -> str | None:
    """UTF-16 or UTF-32 without a mark: most texts have many characters whose upper bytes are zero."""
    data, size = content.head, content.size
    head = data[: 4 * (min(len(data), 4096) // 4)]
    zeros = [head[start::4].count(0) / max(1, len(head) // 4) for start in range(4)]
    if not head:
        head = data
    if min(zeros[2:]) > 0.9 and zeros[0] < 0.1 and size % 4 == 0:
        return "utf-32-le"
    if min(zeros[:2]) > 0.9 and zeros[3] < 0.1 and size % 4 == 0:
        return "utf-32-be"
    even, odd = head[::2].count(0), head[1::2].count(0)
    # Lines and separators are ASCII in any script.
    if odd > max(1, len(head) / 20) and odd > 10 * even:
        return "utf-16-le"
    if even > max(1, len(head) / 20) and even > 10 * odd:
        return "utf-16-be"
    return None


def _odd_bytes(content: Content) -> int | None:
    """How many places of a text are not UTF-8, if it is but for a few bytes of another encoding, or for its end."""
    decode = codecs.getincrementaldecoder("utf-8")("replace")
    odd = beyond = 0
    for data in (*content.blocks(), b""):
        text = decode.decode(data, not data)
        found = text.count("\ufffd")
        odd += found
        beyond += len(text) - found - len(text.encode("ascii", "ignore"))
    return odd if beyond >= 10 * odd else None


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("slipway.cp1252", _as_cp1252)


def _legacy(content: Content) -> str:
    """The encoding of bytes that are not UTF-8."""
    import chardet  # only now: most files do not need it

    found = chardet.detect(_beyond_ascii(content))
    name, confidence = str(found["encoding"] or "").lower(), found["confidence"]
    if confidence >= next(least for start, least in _LEAST if name.startswith(start)):
        name = "gb18030" if name in ("gb2312", "gbk") else name
        if _is_in(content, name):
            return "cp1252" if name in ("windows-1252", "iso-8859-1", "iso-8859-15") else name
    return "cp1252" if _is_in(content, "cp1252") else "latin-1"


def _beyond_ascii(content: Content) -> bytes:
    """Bytes around the first one beyond ASCII, which decides; a large file may have it at its end only."""
    before = found = b""
    for block in content.blocks():
        if not found and block.isascii():
            before = block[-_BEFORE:]
            continue
        if not found:
            block = before + block
            first = next(place for place, byte in enumerate(block) if byte > 127)
            block = block[max(0, first - _BEFORE) :]
            wanted = min(first, _BEFORE) + _SAMPLE
        found += block
        if len(found) >= wanted:
            break
    return found[:wanted]


def _is_in(content: Content, encoding: str) -> bool:
    """Whether all of a file is in an encoding."""
    try:
        decode = codecs.getincrementaldecoder(encoding)("strict")
        for data in (*content.blocks(), b""):
            decode.decode(data, not data)
    except (UnicodeDecodeError, LookupError):
        return False
    return True
