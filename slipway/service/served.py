"""Which version a server serves: the process that starts the workers decides, and they have the same.

A worker that is no fork imports the service anew. Without this it would ask the store again, and serve what was
promoted meanwhile beside workers that do not.
"""

import os
from collections.abc import MutableMapping

DECIDED = "SLIPWAY_SERVED"
"""In the environment of the workers: `<process id of the one that started them>:<tag>`."""


def decided(environment: MutableMapping[str, str] = os.environ) -> str | None:
    """The tag that the process that started this one serves; None if this one is the first.

    Parameters
    ----------
    environment : mapping of str to str

    Returns
    -------
    str or None
    """
    starter, _, tag = environment.get(DECIDED, "").partition(":")
    return tag if starter == str(os.getppid()) else None


def decide(tag: str, starter: int, environment: MutableMapping[str, str] = os.environ) -> None:
    """Have workers serve a version.

    Parameters
    ----------
    tag : str
    starter : int
        The process that starts them.
    environment : mapping of str to str
    """
    environment[DECIDED] = f"{starter}:{tag}"
