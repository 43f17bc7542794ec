"""`history.json`: which version of a name is in use, and who decided so, when and why.

One small file beside the versions of a name, in a folder where BentoML has nothing but their folders and its `latest`. It
lists what was done, and what is promoted follows from that: the two cannot contradict each other. It is replaced as
a whole, under a lock. A name without this file has no promoted version.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from filelock import FileLock
from pydantic import AwareDatetime, TypeAdapter, ValidationError

from slipway.errors import HistoryError, StoreError
from slipway.store._bentoml import store_folder

HISTORY = "history.json"
FORMAT = 1
LOCK_SECONDS = 10

Action = Literal["promoted", "rolled_back", "retired"]


@dataclass(frozen=True)
class Entry:
    """What was done with a version: `time` is in UTC, `who` the name of an account.

    A promotion names the version that is in use from then on, a rollback the one that is in use again.
    """

    action: Action
    version: str
    time: AwareDatetime
    who: str
    why: str


@dataclass(frozen=True)
class History:
    """What was done with the versions of a name, oldest first."""

    entries: tuple[Entry, ...] = ()
    format: int = FORMAT

    @cached_property
    def _promotions(self) -> list[str]:
        """Versions that were promoted and neither rolled back nor retired since; the last is in use."""
        versions: list[str] = []
        for entry in self.entries:
            if entry.action == "promoted":
                versions.append(entry.version)
            elif entry.action == "rolled_back":
                versions.pop()
                if versions[-1:] != [entry.version]:
                    versions.append(entry.version)
            else:
                kept = [version for version in versions if version != entry.version]
                versions = [version for i, version in enumerate(kept) if kept[i - 1 : i] != [version]]
        return versions

    @property
    def promoted(self) -> str | None:
        """The version that the name means; None if none was ever promoted."""
        return self._promotions[-1] if self._promotions else None

    @property
    def before(self) -> str | None:
        """The version that a rollback takes back into use; None if there is none."""
        return self._promotions[-2] if len(self._promotions) > 1 else None

    @cached_property
    def retired(self) -> dict[str, Entry]:
        """The versions that are retired, each with the entry that says so. Whatever is promoted later is not."""
        retired: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.action == "retired":
                retired[entry.version] = entry
            else:
                retired.pop(entry.version, None)
        return retired

    def status(self, version: str) -> Literal["promoted", "retired"] | None:
        """What a version is; None for one that is neither."""
        if version == self.promoted:
            return "promoted"
        return "retired" if version in self.retired else None


def read_history(name: str) -> History:
    """What was done with the versions of a name; nothing if there is no record.

    Raises
    ------
    HistoryError
        If the file is unreadable, damaged, or of a later format.
    """
    path = store_folder() / name / HISTORY
    if not os.path.exists(path):
        return History()
    try:
        content = json.loads(path.read_bytes())
        if isinstance(content, dict) and isinstance(later := content.get("format"), int) and later > FORMAT:
            raise HistoryError(name, path, f"format {later} is later than this Slipway reads (up to {FORMAT})")
        history: History = _adapter().validate_python(content)
        if history.entries and history.promoted is None:
            raise HistoryError(name, path, "no version is promoted in it")
    except OSError as exc:
        raise HistoryError(name, path, exc.strerror or str(exc)) from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        raise HistoryError(name, path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from exc
    except IndexError as exc:
        raise HistoryError(name, path, "a rollback without a promotion before it") from exc
    except ValueError as exc:
        raise HistoryError(name, path, str(exc)) from exc
    return history


@contextmanager
def changing(name: str) -> Iterator[list[Entry]]:
    """While inside, nobody else changes the history of a name; what is appended to the list is written at the end.

    Parameters
    ----------
    name : str
        Of a model that has a version in the store.

    Yields
    ------
    list of Entry
        Empty.

    Raises
    ------
    HistoryError
        If the history is damaged.
    StoreError
        If it cannot be written; it is as it was then.
    """
    path = store_folder() / name / HISTORY
    try:
        with FileLock(f"{path}.lock", timeout=LOCK_SECONDS):
            added: list[Entry] = []
            yield added
            if added:
                _replace(path, History((*read_history(name).entries, *added)))
    except OSError as exc:  # of which filelock's Timeout is one
        raise StoreError(f"the history of model {name} ({path}) cannot be written: {exc.strerror or exc}") from exc


def _replace(path: Path, history: History) -> None:
    temporary = path.with_name(f".{path.name}")  # one name is enough under the lock, and nothing is left after a kill
    with temporary.open("wb") as file:
        file.write(_adapter().dump_json(history, indent=1))
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


@cache
def _adapter() -> TypeAdapter[History]:
    return TypeAdapter(History)
