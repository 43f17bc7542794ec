"""Who calls: a name, what it may do, and how it showed who it is."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from starlette import types


class Scope(StrEnum):
    """What a caller may do; neither contains the other."""

    PREDICT = "predict"
    OPERATE = "operate"


@dataclass(frozen=True)
class Caller:
    """Somebody who showed who they are.

    Parameters
    ----------
    name : str
        As the log has it: of a key, or of a person.
    scopes : frozenset of Scope
    kind : str
        How they showed it: `key`, `login` or `proxy`.
    """

    name: str
    scopes: frozenset[Scope]
    kind: str


class Authenticator(Protocol):
    """One way to show who calls: API keys, the cookie of the page's login, the header of a trusted proxy."""

    def caller(self, scope: types.Scope) -> Caller | None:
        """Who calls; None if the request says nothing about it in this way.

        Called for every request that is not open to anybody, on the event loop: it must take microseconds, and neither
        read the body nor wait.

        Parameters
        ----------
        scope : ASGI scope
            Of type `http`, without what a proxy has put in front of its path.

        Returns
        -------
        Caller or None

        Raises
        ------
        RequestError
            401 if what the request says is wrong: an unknown or expired key, a cookie that was tampered with.
        """
        ...


def caller_of(scope: types.Scope) -> Caller | None:
    """Who sent a request that `Access` has let through; None where nobody is asked, or anybody may call.

    Parameters
    ----------
    scope : ASGI scope

    Returns
    -------
    Caller or None
    """
    found: Caller | None = scope.get("state", {}).get("caller")
    return found
