"""The file of API keys: their names, scopes and hashes, never the keys.

A key is 256 random bits, so nobody finds one by trying, however fast its hash is. scrypt is for whoever gets hold of the
file. An unknown key must not cost a server as much as that: the file also has a fingerprint, 64 bits of the key's
SHA-256, by which a server finds the one hash to compare with, and without which it computes none.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from slipway.errors import SlipwayError, nearest
from slipway.service import private_file
from slipway.service.access.callers import Scope

PREFIX = "slipway_"
"""What a key starts with, so that people, and programs that look for leaked secrets, know one."""
FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCRYPT = {"n": 2**12, "r": 8, "p": 1}  # 10 ms and 4 MB, once for each key and worker
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


@dataclass(frozen=True)
class Key:
    """What the file has of a key; `expires` is the last day on which it is valid, in UTC."""

    name: str
    scopes: frozenset[Scope]
    created: date
    expires: date | None
    fingerprint: str
    salt: str
    scrypt: str

    def is_expired(self, today: date) -> bool:
        """Whether the key is not valid any more."""
        return self.expires is not None and today > self.expires

    def matches(self, secret: bytes) -> bool:
        """Whether this is the hash of a key; takes as long as scrypt does."""
        return hmac.compare_digest(_hash(secret, bytes.fromhex(self.salt)), self.scrypt)


def today() -> date:
    """The day, in UTC."""
    return datetime.now(UTC).date()


def fingerprint(secret: bytes) -> str:
    """What a key is found by."""
    return hashlib.sha256(secret).hexdigest()[:16]


def _hash(secret: bytes, salt: bytes) -> str:
    return hashlib.scrypt(secret, salt=salt, **_SCRYPT).hex()


def read_keys(path: Path) -> list[Key]:
    """The keys in a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Key

    Raises
    ------
    SlipwayError
        If the file is not there, is no file of keys, or may be read by others.
    """
    try:
        with path.open(encoding="utf-8") as file:
            _check_mode(path, os.fstat(file.fileno()))
            content = json.load(file)
        return _parsed(content)
    except OSError as exc:
        raise SlipwayError(
            f"the key file {path} cannot be read ({exc.strerror}); `slipway keys add NAME --file {path}` makes one"
        ) from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise SlipwayError(
            f"{path} is not a file of API keys ({type(exc).__name__}: {str(exc)[:100]}); "
            f"take it from a backup, or make another with `slipway keys add NAME --file {path}`"
        ) from exc


def _check_mode(path: Path, found: os.stat_result) -> None:
    """Refuse a file that others may read or change."""
    if os.name == "posix" and private_file.is_open_to_others(found):
        raise SlipwayError(
            f"the key file {path} has the mode {stat.S_IMODE(found.st_mode):04o}, so that others may read or change it; "
            f"expected 0600: `chmod 600 {path}`"
        )


def _parsed(content: Any) -> list[Key]:
    if content["format"] != FORMAT:
        raise ValueError(f"format {content['format']!r}, expected {FORMAT}")
    keys = [_key(entry) for entry in content["keys"]]
    for unique in ("name", "fingerprint"):
        if len({getattr(key, unique) for key in keys}) != len(keys):
            raise ValueError(f"two keys with the same {unique}")
    return keys


def _key(entry: dict[str, Any]) -> Key:
    name, hashes = entry["name"], {part: entry[part] for part in ("fingerprint", "salt", "scrypt")}
    if not _NAME.fullmatch(name):
        raise ValueError(f"the name {name[:70]!r}")
    if wrong := [part for part, text in hashes.items() if not _HEX.fullmatch(text)]:
        raise ValueError(f"the {wrong[0]} of {name}")
    expires = entry["expires"]
    return Key(
        name=name,
        scopes=frozenset(map(Scope, entry["scopes"])),
        created=date.fromisoformat(entry["created"]),
        expires=None if expires is None else date.fromisoformat(expires),
        **hashes,
    )


def add_key(path: Path, name: str, scopes: frozenset[Scope], expires: date | None = None) -> str:
    """Add a key to a file, which is made if it is not there.

    Parameters
    ----------
    path : Path
    name : str
    scopes : frozenset of Scope
    expires : date, optional
        The last day on which it is valid, in UTC.

    Returns
    -------
    str
        The key, which is kept nowhere.

    Raises
    ------
    SlipwayError
        If the name is taken or none, or the date has passed.
    """
    if not _NAME.fullmatch(name):
        raise SlipwayError(
            f"{name[:70]!r} cannot be the name of a key; expected letters, digits, `.`, `_` and `-`, at most 64, "
            "starting with a letter or digit"
        )
    if expires is not None and expires < today():
        raise SlipwayError(f"a key that expires on {expires} would not be valid; today is {today()} in UTC")
    secret = PREFIX + secrets.token_urlsafe(32)
    salt = secrets.token_bytes(16)
    hashes = fingerprint(secret.encode()), salt.hex(), _hash(secret.encode(), salt)
    key = Key(name, scopes, today(), expires, *hashes)
    with _changing(path, must_exist=False) as keys:
        if any(known.name == name for known in keys):
            raise SlipwayError(
                f"{path} has a key {name!r}; revoke it first (`slipway keys revoke {name}`), or take another name"
            )
        keys.append(key)
    return secret


def revoke_key(path: Path, name: str) -> None:
    """Take a key out of a file.

    Raises
    ------
    SlipwayError
        If there is none of this name.
    """
    with _changing(path) as keys:
        left = [key for key in keys if key.name != name]
        if len(left) == len(keys):
            raise SlipwayError(f"{path} has no key {name!r}{nearest(name, [key.name for key in keys])}")
        keys[:] = left


@contextmanager
def _changing(path: Path, must_exist: bool = True) -> Iterator[list[Key]]:
    """The keys of a file, which is replaced at the end by one with what has become of them."""
    with private_file.changing(path, "the key file"):
        keys = read_keys(path) if must_exist or path.exists() else []
        yield keys
        _write(path, keys)


def _write(path: Path, keys: list[Key]) -> None:
    content = {"format": FORMAT, "keys": [_as_json(key) for key in keys]}
    private_file.replace(path, json.dumps(content, indent=1) + "\n")


def _as_json(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": key.created.isoformat(),
        "expires": None if key.expires is None else key.expires.isoformat(),
        "fingerprint": key.fingerprint,
        "salt": key.salt,
        "scrypt": key.scrypt,
    }
