"""JSON that others have kept for us, read so that a changed byte cannot hide: no duplicate keys, no NaN, nothing after the end."""

import base64
import binascii
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slipway.errors import ProofError


def parsed(content: bytes, where: str | Path) -> Any:
    """The JSON in a file.

    Parameters
    ----------
    content : bytes
    where : str or Path
        The file, for messages.

    Returns
    -------
    JSON value

    Raises
    ------
    ProofError
        If it is not valid JSON.
    """
    try:
        return json.loads(content.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError as exc:
        raise ProofError(where, "is not valid JSON: nested too deeply") from exc
    except ValueError as exc:
        raise ProofError(where, f"is not valid JSON: {str(exc)[:200]}") from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def keys(
    value: Any, expected: Iterable[str], where: str | Path, what: str, optional: Iterable[str] = ()
) -> dict[str, Any]:
    """An object with these keys and no others.

    Parameters
    ----------
    value : JSON value
    expected : iterable of str
    where : str or Path
    what : str
        The object, for the message.
    optional : iterable of str

    Returns
    -------
    dict

    Raises
    ------
    ProofError
        With the first key that is missing or unknown.
    """
    if not isinstance(value, dict):
        raise ProofError(where, f"{what} is no object")
    expected = list(expected)
    for name in expected:
        if name not in value:
            raise ProofError(where, f"{what} has no {name!r}")
    for name in value:
        if name not in expected and name not in optional:
            raise ProofError(where, f"{what} has {name[:60]!r}, which does not belong there")
    return value


def text(value: Any, where: str | Path, what: str) -> str:
    """A text.

    Raises
    ------
    ProofError
        If it is anything else.
    """
    if not isinstance(value, str):
        raise ProofError(where, f"{what} is no text")
    return value


def decoded(value: Any, where: str | Path, what: str) -> bytes:
    """The bytes of a base64 text, of which there is one way to write it.

    Raises
    ------
    ProofError
        If it is anything else.
    """
    try:
        content = base64.b64decode(text(value, where, what), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ProofError(where, f"{what} is not base64") from exc
    if base64.b64encode(content).decode("ascii") != value:  # the last character may have bits that count for nothing
        raise ProofError(where, f"{what} is not base64 as it is written")
    return content
