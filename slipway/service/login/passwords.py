"""The password file of a small team: a line for each person, `name:scrypt$cost$block$parallel$salt$hash:scope,scope`.

`slipway passwords` writes it. A server reads it again when it has changed, so that somebody who was removed is out at the
next request.
"""

import base64
import hashlib
import hmac
import logging
import secrets
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import SlipwayError, nearest
from slipway.service import private_file
from slipway.service.access.callers import Scope
from slipway.service.login.secrets import read_private

log = logging.getLogger("bentoml")

VARIABLE = "SLIPWAY_PASSWORD_FILE"
COST, BLOCK, PARALLEL = 2**15, 8, 3
"""32 MB and some 0.2 s of a core. Source: OWASP Password Storage Cheat Sheet, scrypt."""
MOST_COST = 2**20
SHORTEST, LONGEST = 10, 1000
"""Characters of a password."""
LONGEST_NAME = 64
_HEAD = "# Written by `slipway passwords`: name, hash and scopes. Keep it private (mode 0600).\n"
PREDICT = frozenset({Scope.PREDICT})


@dataclass(frozen=True)
class Person:
    """What the file has of somebody: the hash of their password, and what they may do."""

    hashed: str
    scopes: frozenset[Scope] = PREDICT

    @classmethod
    def of(cls, text: str) -> "Person":
        """What stands after a name, or a ValueError; without scopes it is `predict`."""
        hashed, _, scopes = text.partition(":")
        _parts(hashed)
        return cls(hashed, frozenset(map(Scope, scopes.split(","))) if scopes else PREDICT)

    def __str__(self) -> str:
        return self.hashed if self.scopes == PREDICT else f"{self.hashed}:{','.join(sorted(self.scopes))}"


def hash_password(password: str) -> str:
    """What the file keeps of a password.

    Parameters
    ----------
    password : str

    Returns
    -------
    str
    """
    salt = secrets.token_bytes(16)
    parts = (_text(salt), _text(_digest(password, salt, COST, BLOCK, PARALLEL)))
    return "$".join(("scrypt", str(COST), str(BLOCK), str(PARALLEL), *parts))


def is_password(password: str, hashed: str) -> bool:
    """Whether a password is the one that was hashed; takes as long as hashing.

    Parameters
    ----------
    password : str
    hashed : str
        As `hash_password` made it.

    Returns
    -------
    bool
    """
    cost, block, parallel, salt, wanted = _parts(hashed)
    return hmac.compare_digest(_digest(password, salt, cost, block, parallel), wanted)


def _digest(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    # The same letters may be typed in more than one way.
    text = unicodedata.normalize("NFC", password).encode("utf-8", "replace")
    memory = 129 * cost * block + 2**20
    return hashlib.scrypt(text, salt=salt, n=cost, r=block, p=parallel, maxmem=memory, dklen=32)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _parts(hashed: str) -> tuple[int, int, int, bytes, bytes]:
    """The parts of a hash, or a ValueError."""
    method, cost, block, parallel, salt, digest = hashed.split("$")
    numbers = int(cost), int(block), int(parallel)
    if method != "scrypt" or not 2 <= numbers[0] <= MOST_COST or numbers[0] & (numbers[0] - 1):
        raise ValueError
    if not (1 <= numbers[1] <= 16 and 1 <= numbers[2] <= 16):
        raise ValueError
    return *numbers, base64.b64decode(salt, validate=True), base64.b64decode(digest, validate=True)


def clean_name(name: str) -> str:
    """A name as the file has it: the same letters are the same name however they were typed."""
    return unicodedata.normalize("NFC", name.strip())


def parse(text: str, where: str) -> dict[str, Person]:
    """The people of a password file, by name.

    Parameters
    ----------
    text : str
    where : str
        The file, for the message.

    Returns
    -------
    dict of str to Person

    Raises
    ------
    SlipwayError
        With the first line that is neither a comment nor a name with a hash.
    """
    found: dict[str, Person] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.rstrip().partition(":")
        try:
            person = Person.of(rest)
        except ValueError:
            raise SlipwayError(
                f"{where}, line {number}: expected a name, a colon and a hash; write it with `slipway passwords add NAME`"
            ) from None
        if name in found:
            raise SlipwayError(f"{where}, line {number}: {name!r} is there twice; remove one of the lines")
        found[name] = person
    return found


def add(path: Path, name: str, password: str, scopes: frozenset[Scope] = frozenset()) -> bool:
    """Write a person's password to the file, which is made if there is none; whether they were in it before.

    Parameters
    ----------
    path : Path
    name : str
    password : str
    scopes : frozenset of Scope, optional
        What they may do from now on; without any, what they could do before, and somebody new may predict.

    Raises
    ------
    SlipwayError
        If name or password cannot be used, or the file not be read or written.
    """
    name = clean_name(name)
    if not name or len(name) > LONGEST_NAME or ":" in name or name.startswith("#") or not name.isprintable():
        raise SlipwayError(
            f"{name[:80]!r} is not a name for the password file: expected 1 to {LONGEST_NAME} printable characters, "
            "without a colon and not beginning with #"
        )
    if not SHORTEST <= len(password) <= LONGEST:
        raise SlipwayError(f"the password has {len(password)} characters; expected {SHORTEST} to {LONGEST}")
    hashed = hash_password(password)
    with private_file.changing(path, "the password file"):
        people = _people(path)
        before = people[name].scopes if name in people else PREDICT
        _write(path, {**people, name: Person(hashed, scopes or before)})
    return name in people


def remove(path: Path, name: str) -> None:
    """Take a person out of the file.

    Raises
    ------
    SlipwayError
        If they are not in it.
    """
    with private_file.changing(path, "the password file"):
        people = names(path)
        if clean_name(name) not in people:
            raise SlipwayError(f"{path} has no {name!r}{nearest(name, people)}; `slipway passwords list` names all")
        _write(path, {known: person for known, person in people.items() if known != clean_name(name)})


def names(path: Path) -> dict[str, Person]:
    """Who is in the file.

    Raises
    ------
    SlipwayError
        If it cannot be used.
    """
    return parse(read_private(path, VARIABLE), str(path))


def _people(path: Path) -> dict[str, Person]:
    return names(path) if path.exists() else {}


def _write(path: Path, people: Mapping[str, Person]) -> None:
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else 0o600
    private_file.replace(target, _HEAD + "".join(f"{name}:{person}\n" for name, person in people.items()), mode)


class PasswordFile:
    """The people of a password file, as it is now.

    Parameters
    ----------
    path : Path

    Raises
    ------
    SlipwayError
        If the file cannot be used when the server starts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = private_file.stamp(self.path)
        self._people = names(path)
        self._nobody = hash_password(secrets.token_urlsafe(16))

    def mark(self, name: str) -> str | None:
        """What a session of this person carries: another one after their password has changed; None for nobody."""
        person = self._now().get(name)
        return hashlib.sha256(person.hashed.encode()).hexdigest()[:16] if person else None

    def scopes(self, name: str) -> frozenset[Scope]:
        """What this person may do."""
        person = self._now().get(name)
        return person.scopes if person else frozenset()

    def is_right(self, name: str, password: str) -> bool:
        """Whether this is the person's password; takes as long for a name that is not in the file."""
        person = self._now().get(clean_name(name))
        right = is_password(password, person.hashed if person else self._nobody)
        return right and person is not None

    def _now(self) -> dict[str, Person]:
        stamp = private_file.stamp(self.path)
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._people = names(self.path)
                log.info("%s has changed: %d people may log in", self.path, len(self._people))
            except SlipwayError as exc:
                # Whoever was to be kept out must not stay in because a line is wrong.
                self._people = {}
                log.error("nobody can log in until this is put right: %s", exc)
        return self._people
