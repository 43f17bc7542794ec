"""Taking versions into use and out of it: each change is an entry of the name's history.

Servers read the history when they start. `in_use` is what one would serve that is started now.
"""

import datetime as dt
import getpass
import os
from dataclasses import dataclass

from slipway.errors import StoreError
from slipway.store.history import Action, Entry, changing, read_history
from slipway.store.versions import newest_version, open_version, resolve, version_names

LONGEST = 1000
"""Characters of a reason."""
BEGAN = "in use as the newest version when this history began"


@dataclass(frozen=True)
class Change:
    """A name has another version in use; `before` is the one that it had, None if there was none."""

    name: str
    version: str
    before: str | None


def in_use(name: str) -> str | None:
    """The version that a name means: the promoted one, or without any promotion the newest; None if there is none.

    Raises
    ------
    HistoryError
        If the name's history is damaged.
    """
    return read_history(name).promoted or newest_version(name)


def promote(tag: str, why: str, instead_of: str | None = None) -> Change:
    """Take a version into use; one that was retired is not any more.

    Parameters
    ----------
    tag : str
        `name:version`; with `name` alone, the newest version.
    why : str
    instead_of : str, optional
        Only if this version is in use, which was looked at to decide.

    Returns
    -------
    Change

    Raises
    ------
    StoreError
        If there is no such version, it is damaged, or is in use already.
    """
    name, version = resolve(tag)
    open_version(f"{name}:{version}")  # nothing damaged is taken into use
    why = _reason(why)
    with changing(name) as entries:
        history, before = read_history(name), in_use(name)
        if version == history.promoted:
            raise StoreError(f"{name}:{version} is promoted already; `slipway models` shows what is in use")
        if instead_of is not None and before != instead_of:
            raise StoreError(f"{name}:{before} has been promoted meanwhile, instead of {name}:{instead_of}")
        if history.promoted is None and before not in (None, version):
            entries.append(_entry("promoted", str(before), BEGAN))
        entries.append(_entry("promoted", version, why))
    return Change(name, version, before if before != version else None)


def roll_back(tag: str, why: str) -> Change:
    """Take the version that was promoted before into use again; one that was retired since does not count.

    Parameters
    ----------
    tag : str
        The name.
    why : str

    Returns
    -------
    Change

    Raises
    ------
    StoreError
        If there is no version to go back to.
    """
    name, _, version = tag.partition(":")
    if version:
        raise StoreError(
            f"{tag!r} names a version; a rollback takes the one that was promoted before: `slipway rollback {name}`, "
            f"or `slipway promote {tag}` for one of your choice"
        )
    name, _ = resolve(name)
    why = _reason(why)
    with changing(name) as entries:
        history = read_history(name)
        if history.before is None:
            is_in_use = f"{name}:{history.promoted}" if history.promoted else "none"
            raise StoreError(
                f"no version of {name} was promoted before the one in use ({is_in_use}); take one into use by its tag: "
                f"`slipway promote {name}:VERSION`"
            )
        open_version(f"{name}:{history.before}")
        entries.append(_entry("rolled_back", history.before, why))
    return Change(name, history.before, history.promoted)


def retire(tag: str, why: str) -> Change:
    """Take a version out of use: it is not served any more, not by its tag either. Its files stay.

    Parameters
    ----------
    tag : str
        `name:version`.
    why : str

    Returns
    -------
    Change
        `version` is the one that is in use, `before` the one that is retired.

    Raises
    ------
    StoreError
        If there is no such version, it is in use, the only one, or retired already.
    """
    if not tag.partition(":")[2]:
        raise StoreError(f"{tag!r} names no version; name the one to retire: `slipway retire {tag}:VERSION`")
    name, version = resolve(tag)
    why = _reason(why)
    with changing(name) as entries:
        history, used = read_history(name), in_use(name)
        if version in history.retired:
            raise StoreError(f"{name}:{version} is retired already")
        if len(set(version_names(name)) - history.retired.keys()) == 1:
            raise StoreError(
                f"{name}:{version} is the only version of {name} that is not retired, and stays; train another first"
            )
        if version == used:
            how = "promoted" if history.promoted else "in use, as the newest version,"
            raise StoreError(
                f"{name}:{version} is {how} and cannot be retired; take another into use first: "
                f"`slipway promote {name}:VERSION` or `slipway rollback {name}`"
            )
        if history.promoted is None:
            entries.append(_entry("promoted", str(used), BEGAN))
        entries.append(_entry("retired", version, why))
    return Change(name, str(used), version)


def _entry(action: Action, version: str, why: str) -> Entry:
    return Entry(action, version, dt.datetime.now(dt.UTC).replace(microsecond=0), _account(), why)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def _reason(why: str) -> str:
    reason = " ".join(why.split())
    if not reason or len(reason) > LONGEST:
        raise StoreError(f"--why has {len(reason):,} characters; expected a reason of 1 to {LONGEST:,}")
    return reason
