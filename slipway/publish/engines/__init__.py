"""Estimators tried by other processes, of this machine or workers of Dask or Ray, with the results of this one: same figures, same
choice, same failures.

An engine is given one function, which tries one estimator, and moves the experiment to its workers and fitted models back.
docs/decisions/training-engines.md says why it is not PyCaret's own way.
"""

import importlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, cast

from slipway.errors import SlipwayError, TrainingError, first_line
from slipway.publish.engines.trial import Trial
from slipway.schema.schema import Schema
from slipway.scoring.engines import ENGINES as IMPORTED
from slipway.scoring.engines import LOCAL, Cluster
from slipway.training.comparison import Runner, Tried

Answers = Iterator[bytes | str]
"""For each estimator, in order: what a worker packed, or how its workers were lost."""


class Engine(Protocol):
    """What a module of this folder has."""

    def run(self, trial: Callable[[bytes, str], bytes], packed: bytes, ids: Sequence[str], cluster: Cluster) -> Answers:
        """Call `trial(packed, identifier)` for each id, each on a worker.

        A worker that is lost is replaced, and what it was at is tried again; an estimator whose workers are lost again and again is given up.
        """


def on(cluster: Cluster) -> Runner:
    """A runner that has estimators tried by an engine.

    Parameters
    ----------
    cluster : Cluster

    Returns
    -------
    Runner

    Raises
    ------
    TrainingError
        If the engine is not installed. From the runner: if the engine fails, or its workers have other packages.
    """
    return partial(_tried, _load(cluster.engine), cluster)


def _load(name: str) -> Engine:
    try:
        if name != LOCAL:
            importlib.import_module(IMPORTED[name].partition(".")[0])
        return cast(Engine, importlib.import_module(f"slipway.publish.engines.{name}"))
    except ImportError as exc:
        raise TrainingError(
            f"--engine {name}: {exc.name} is not installed; `pip install 'slipway-ml[train,score,{name}]'`, "
            "on this machine and on each worker"
        ) from exc


def _tried(engine: Engine, cluster: Cluster, experiment: Any, ids: Sequence[str], schema: Schema) -> Iterator[Tried]:
    try:
        for answer in engine.run(Trial.run, Trial.packed(experiment, schema), ids, cluster):
            yield Tried(0.0, failed=answer) if isinstance(answer, str) else Trial.unpacked(answer)
    except SlipwayError:
        raise
    except Exception as exc:
        why = first_line(str(exc)) or type(exc).__name__
        otherwise = "with --workers 1" if cluster.engine == LOCAL else "without --engine"
        raise TrainingError(
            f"--engine {cluster.engine}: {why}; put that right, or train {otherwise}: the result is the same"
        ) from exc
