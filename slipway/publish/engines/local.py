"""Processes of this machine, each with an estimator at a time."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool

from joblib import Parallel, delayed

from slipway.scoring.engines import Cluster

log = logging.getLogger(__name__)

_IDLE = 1
"""Seconds after which a process without work ends: it would keep its memory until the version is saved."""


def run(
    trial: Callable[[bytes, str], bytes], packed: bytes, ids: Sequence[str], cluster: Cluster
) -> Iterator[bytes | str]:
    """See `Engine.run`. Where a process is killed, joblib ends them all: what is left is tried by this process."""
    workers = min(cluster.workers, len(ids))
    tries = Parallel(workers, "loky", return_as="generator", batch_size=1, max_nbytes=None, idle_worker_timeout=_IDLE)
    given = 0
    try:
        for answer in tries(delayed(trial)(packed, identifier) for identifier in ids):
            yield answer
            given += 1
    except BrokenProcessPool:
        log.warning(
            "a process that tried estimators was killed, as for lack of memory; those left are tried one by one"
        )
        for identifier in ids[given:]:
            yield trial(packed, identifier)
