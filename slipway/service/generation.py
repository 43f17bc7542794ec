"""The version that the workers of a server have, and how another takes its place while the server runs."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slipway import store
from slipway.errors import SlipwayError
from slipway.service.helper import Helpers
from slipway.service.served import decide
from slipway.store._bentoml import replace_service

log = logging.getLogger("bentoml")


@dataclass(frozen=True, eq=False)
class Generation:
    """The workers of one version.

    Parameters
    ----------
    tag : str
    forks : bool
        Whether they are forks of the supervisor.
    helpers : Helpers, optional
        What as many other forks are, for workers that are forks.
    service : BentoML service, optional
        What they serve, if it is not what BentoML was told to.
    """

    tag: str
    forks: bool
    helpers: Helpers | None = None
    service: Any = None

    def begin(self) -> None:
        """In a process that the supervisor has started: be a worker of this generation."""
        if self.service is not None:
            replace_service(self.service)
            decide(self.tag, os.getppid())
        if self.helpers:
            self.helpers.use()

    def close(self) -> None:
        """In a process that has nothing to do with its helpers, or no more."""
        if self.helpers:
            self.helpers.close()


class Successors:
    """Finds out which version a name means by now.

    Parameters
    ----------
    name : str
        That the server was started with.
    interval : float
        Seconds between two looks.
    make : callable
        Makes the generation of a tag, which is loaded and repeats its golden answers.
    """

    def __init__(self, name: str, interval: float, make: Callable[[str], Generation]) -> None:
        self.interval = interval
        self._name = name
        self._make = make
        self._tried = ""
        self._problem = ""

    def look(self, serving: str, again: bool = False) -> Generation | None:
        """The generation that is to be served instead.

        Parameters
        ----------
        serving : str
            The tag that is served.
        again : bool
            Whether to try a version that could not be served before.

        Returns
        -------
        Generation or None
            None if nothing is to be changed, or cannot be; the log then says why, once.
        """
        try:
            version = store.in_use(self._name)
            tag = f"{self._name}:{version}"
            if version is None or tag == serving:
                self._tried = ""
                return None
            if tag == self._tried and not again:
                return None
            self._tried = tag
            log.info("%s is promoted; it is loaded while %s is served", tag, serving)
            generation = self._make(tag)
            self._problem = ""
            return generation
        except SlipwayError as exc:
            self._report(str(exc), serving)
        except Exception:
            log.exception("what is promoted cannot be loaded; %s is served as before", serving)
        return None

    def _report(self, problem: str, serving: str) -> None:
        if problem != self._problem:
            log.error("%s; %s is served as before", problem, serving)
        self._problem = problem
