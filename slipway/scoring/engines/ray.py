"""Ray Data: `map_batches` of a range, one part to a block. Ray makes the block of a node that is lost on another."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa
import ray
import ray.data

from slipway.scoring.engines import Cluster, Make


def run(make: Make, count: int, cluster: Cluster) -> list[tuple[int, ...]]:
    """See `Engine.run`; Ray's own setting is `RAY_ADDRESS`."""
    with connected(cluster):
        ray.data.DataContext.get_current().enable_progress_bars = False
        numbers = ray.data.range(count, override_num_blocks=count)
        made = numbers.map_batches(partial(_made, make), batch_size=None, batch_format="pyarrow")
        return [tuple(row.values()) for row in made.take_all()]


@contextmanager
def connected(cluster: Cluster) -> Iterator[None]:
    """Within it `ray` is connected with a cluster, or with one that is started on this machine and ended afterwards."""
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it warns of what a later version does
    logging.disable()  # Ray Data configures its loggers anew for each data set; what failed is said in one line
    # Without an address Ray would take whatever cluster was started on this machine last.
    address = cluster.address or os.environ.get("RAY_ADDRESS") or "local"
    local: dict[str, Any] = {"num_cpus": cluster.workers, "include_dashboard": False} if address == "local" else {}
    ray.init(address, log_to_driver=False, **local)
    try:
        yield
    finally:
        ray.shutdown()
        logging.disable(logging.NOTSET)


def _made(make: Make, table: pa.Table) -> pa.Table:
    return pa.Table.from_batches(make(table.to_batches()))
