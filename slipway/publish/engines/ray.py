"""Ray: a task for each estimator. Ray gives the task of a worker or node that is lost to another, three times."""

from collections.abc import Callable, Iterator, Sequence

import ray
from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError

from slipway.scoring.engines import Cluster
from slipway.scoring.engines.ray import connected


def run(
    trial: Callable[[bytes, str], bytes], packed: bytes, ids: Sequence[str], cluster: Cluster
) -> Iterator[bytes | str]:
    """See `Engine.run`; Ray's own setting is `RAY_ADDRESS`."""
    with connected(cluster):
        task = ray.remote(num_cpus=1, max_retries=3)(trial)
        experiment = ray.put(packed)
        answers = [task.remote(experiment, identifier) for identifier in ids]
        for answer in answers:
            try:
                yield ray.get(answer)
            except (NodeDiedError, OutOfMemoryError, WorkerCrashedError):
                yield "each worker that tried it was lost, as one is that has too little memory"
