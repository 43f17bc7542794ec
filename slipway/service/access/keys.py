"""API keys of calls: `Authorization: Bearer KEY`, or `X-API-Key: KEY`."""

import hashlib
import hmac
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from starlette import types

from slipway.errors import RequestCode, SlipwayError
from slipway.service.access.callers import Caller
from slipway.service.access.key_file import Key, fingerprint, read_keys, today
from slipway.service.private_file import stamp
from slipway.service.requests import RequestError

log = logging.getLogger("bentoml")

WATCHED = 1.0
"""Seconds after which a key that was added can be used, and one that was revoked cannot."""
LONGEST = 200
"""Bytes that are looked at as a key."""


@dataclass
class _Entry:
    """A key of the file, and its SHA-256 once its scrypt has been computed."""

    key: Key
    caller: Caller
    digest: bytes | None = None


class ApiKeys:
    """Knows callers by the keys in a file, which is read again when it changes.

    scrypt is computed once for each key; from then on its SHA-256 is kept in memory and compared in constant time. A file
    that cannot be read any more changes nothing: the keys that were read last stay valid, and the log says so.

    Parameters
    ----------
    path : Path

    Raises
    ------
    SlipwayError
        If the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp = stamp(self.path)
        self._entries = {key.fingerprint: _entry(key) for key in read_keys(path)}
        self._looked = time.monotonic()
        self._today = today()

    def __len__(self) -> int:
        """How many keys there are."""
        return len(self._entries)

    def caller(self, scope: types.Scope) -> Caller | None:
        """Who calls; see `Authenticator`."""
        sent = _sent(scope)
        if sent is None:
            return None
        self._watch()
        entry = self._entries.get(fingerprint(sent))
        if entry is None or not _matches(entry, sent):
            raise RequestError(401, RequestCode.INVALID_KEY)
        if entry.key.is_expired(self._today):
            raise RequestError(401, RequestCode.EXPIRED_KEY, caller=entry.key.name, date=str(entry.key.expires))
        return entry.caller

    def _watch(self) -> None:
        now = time.monotonic()
        if now - self._looked < WATCHED:
            return
        self._looked = now
        self._today = today()
        found = stamp(self.path)
        if found == self._stamp:
            return
        self._stamp = found
        try:
            keys = read_keys(self.path)
        except SlipwayError as exc:
            log.error("API keys stay as they were: %s", exc)
            return
        known = self._entries
        self._entries = {
            key.fingerprint: known[key.fingerprint]
            if key.fingerprint in known and known[key.fingerprint].key == key
            else _entry(key)
            for key in keys
        }
        log.info("API keys were read again: there are %d", len(keys))


def _entry(key: Key) -> _Entry:
    return _Entry(key, Caller(key.name, key.scopes, "key"))


def _matches(entry: _Entry, sent: bytes) -> bool:
    digest = hashlib.sha256(sent).digest()
    if entry.digest is not None:
        return hmac.compare_digest(entry.digest, digest)
    if not entry.key.matches(sent):
        return False
    entry.digest = digest
    return True


def _sent(scope: types.Scope) -> bytes | None:
    """The key in a request; None if there is none. Of two, a proxy might have checked the other."""
    found = {bytes(value[:LONGEST]) for name, value in scope["headers"] if name == b"x-api-key"}
    found |= {
        bytes(value[7 : 7 + LONGEST].strip())
        for name, value in scope["headers"]
        if name == b"authorization" and value[:7].lower() == b"bearer "
    }
    if len(found) > 1:
        raise RequestError(401, RequestCode.SEVERAL_KEYS, count=len(found))
    return found.pop() if found else None
