"""Files scored by Dask, Spark or Ray: each engine is given one function from record batches to record batches, and moves them.

Such a batch has numbers of parts, not rows: a worker reads the rows of a part and writes them scored, as on one machine, and answers
with how many there were. docs/decisions/engines.md says why.
"""

import importlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, cast

from slipway.errors import ScoringError

LOCAL = "local"
"""The engine of `slipway.scoring.run`: this machine alone."""
ENGINES = {"dask": "distributed", "spark": "pyspark", "ray": "ray.data"}
"""The other engines, and what each is imported as."""
DONE = ("part", "rows", "faulty")
"""The columns of the answers: whole numbers."""
Make = Callable[[Iterable[Any]], Iterator[Any]]
"""Makes the parts whose numbers are in the first column of record batches."""


@dataclass(frozen=True)
class Cluster:
    """An engine, and where it runs: at an address, or with some workers on this machine."""

    engine: str
    address: str | None = None
    workers: int = 1


def cores() -> int:
    """Of this machine, as many as this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine(Protocol):
    """What a module of this folder has."""

    def run(self, make: Make, count: int, cluster: Cluster) -> list[tuple[int, ...]]:
        """Make parts in any order, each at least once.

        Parameters
        ----------
        make : callable
            Can be pickled.
        count : int
            The parts have the numbers from 0 to `count - 1`.
        cluster : Cluster
            Without an address, the one that the engine's own settings name, or one that is started on this machine.

        Returns
        -------
        list of tuple of int
            The values of `DONE` for each part that was made.
        """


def load(name: str) -> Engine:
    """An engine.

    Parameters
    ----------
    name : str
        One of `ENGINES`.

    Returns
    -------
    Engine

    Raises
    ------
    ScoringError
        If it is not installed.
    """
    try:
        for module in (ENGINES[name], "pyarrow"):
            importlib.import_module(module)
    except ImportError as exc:
        raise ScoringError(
            f"--engine {name}: {exc.name} is not installed; `pip install 'slipway-ml[score,{name}]'`, "
            "on this machine and on each worker"
        ) from exc
    return cast(Engine, importlib.import_module(f"slipway.scoring.engines.{name}"))
