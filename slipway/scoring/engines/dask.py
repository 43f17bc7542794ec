"""Dask: `map_partitions` of a bag, one part to a partition. The scheduler gives the part of a worker that is lost to another."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import dask
import dask.bag
import pyarrow as pa
from distributed import Client, LocalCluster

from slipway.scoring.engines import Cluster, Make


def run(make: Make, count: int, cluster: Cluster) -> list[tuple[int, ...]]:
    """See `Engine.run`; Dask's own setting is `DASK_SCHEDULER_ADDRESS`."""
    with connected(cluster):
        parts = dask.bag.range(count, npartitions=count).map_partitions(partial(_made, make))
        return [tuple(row) for row in parts.compute()]


@contextmanager
def connected(cluster: Cluster) -> Iterator[Client]:
    """A client of a cluster, or of one that is started on this machine and ended afterwards."""
    with ExitStack() as stack:
        address: Any = cluster.address or dask.config.get("scheduler-address", None)
        if address is None:
            # No dashboard: its port may be taken. One thread each: the graph alone keeps a core busy.
            local = LocalCluster(
                cluster.workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
            )
            address = stack.enter_context(local)
        yield stack.enter_context(Client(address))


def _made(make: Make, numbers: Iterable[int]) -> list[tuple[int, ...]]:
    batch = pa.record_batch({"id": pa.array(numbers, pa.int64())})
    return [tuple(row.values()) for made in make([batch]) for row in made.to_pylist()]
