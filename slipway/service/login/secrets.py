"""Secrets of a server: where they come from, and who else may read their files."""

import os
import secrets
import stat
from pathlib import Path

from slipway.errors import SlipwayError
from slipway.service.private_file import is_open_to_others

LEAST = 32
"""Characters of a secret that signs sessions."""
SESSION_SECRET = "SLIPWAY_SESSION_SECRET"  # noqa: S105 (the name of a setting)


def read_private(path: Path, variable: str) -> str:
    """The text of a file that nobody else may read.

    Parameters
    ----------
    path : Path
    variable : str
        The setting that names it, for the message.

    Returns
    -------
    str

    Raises
    ------
    SlipwayError
        If it cannot be read, is not UTF-8, or if others may read or change it.
    """
    try:
        with path.open(encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            text = file.read()
    except (OSError, UnicodeDecodeError) as exc:
        reason = getattr(exc, "strerror", None) or "it is not UTF-8 text"
        raise SlipwayError(f"{variable} names {path}, which cannot be read: {reason}") from exc
    if os.name == "posix" and is_open_to_others(found):
        raise SlipwayError(
            f"{path}, which {variable} names, has mode {stat.S_IMODE(found.st_mode):04o}, so that others may read or change it; "
            f"expected 0600: `chmod 600 {path}`"
        )
    return text


def session_secrets(value: str, file: str) -> list[str]:
    """The secrets that sign sessions, oldest first; the last one signs, all are accepted.

    Parameters
    ----------
    value, file : str
        The settings: the secret itself, or a file with one secret in each line, the newest first.

    Returns
    -------
    list of str
        Empty if neither is set.

    Raises
    ------
    SlipwayError
        If both are set, the file cannot be used, or a secret is short.
    """
    if value and file:
        raise SlipwayError(f"{SESSION_SECRET} and {SESSION_SECRET}_FILE are both set; leave one of them out")
    variable = f"{SESSION_SECRET}_FILE" if file else SESSION_SECRET
    text = read_private(Path(file), variable) if file else value
    found = [line.strip() for line in text.splitlines() if line.strip()]
    if (file or value) and (not found or min(map(len, found)) < LEAST):
        raise SlipwayError(
            f"{variable} has a secret of fewer than {LEAST} characters; make one with `openssl rand -hex 32`"
        )
    return found[::-1]


def new_secret() -> str:
    """A secret that nobody has seen."""
    return secrets.token_urlsafe(32)
