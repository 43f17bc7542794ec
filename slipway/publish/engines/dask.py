"""Dask: a task for each estimator. The scheduler gives the task of a worker that is lost to another, three times."""

from collections.abc import Callable, Iterator, Sequence

import dask
from distributed import KilledWorker

from slipway.scoring.engines import Cluster
from slipway.scoring.engines.dask import connected

# One task at a time for each worker, or those that only wait on a worker that is lost count as lost, too.
_CONFIG = {"distributed.scheduler.worker-saturation": 1.0}


def run(
    trial: Callable[[bytes, str], bytes], packed: bytes, ids: Sequence[str], cluster: Cluster
) -> Iterator[bytes | str]:
    """See `Engine.run`; Dask's own setting is `DASK_SCHEDULER_ADDRESS`."""
    with dask.config.set(_CONFIG), connected(cluster) as client:
        # Not by `scatter`: what is scattered is gone with the workers that have it, and this the scheduler keeps.
        experiment = client.submit(_same, packed, pure=False)
        futures = [client.submit(trial, experiment, identifier, pure=False) for identifier in ids]
        for future in futures:
            try:
                yield future.result()
            except KilledWorker:
                yield "each worker that tried it was lost, as one is that has too little memory"


def _same(packed: bytes) -> bytes:
    return packed
