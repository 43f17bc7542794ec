"""What a worker of an engine does: it tries one estimator with an experiment that it was sent."""

import copy
import logging
import platform
from importlib.metadata import version
from threading import Lock
from typing import Any

import cloudpickle

from slipway import __version__
from slipway.errors import TrainingError
from slipway.schema.schema import Schema
from slipway.training.comparison import Tried, try_estimator
from slipway.training.selection import quiet

log = logging.getLogger(__name__)

_PACKAGES = ("pycaret-core", "scikit-learn", "lightgbm", "numpy", "pandas", "scipy")
"""What the figures of an estimator depend on."""
_ONE = Lock()
"""A worker may have several threads; seed, warnings and threads of linear algebra are those of a process."""


class Trial:
    """An experiment on its way to a worker, and what came of an estimator on its way back."""

    @staticmethod
    def packed(experiment: Any, schema: Schema) -> bytes:
        """An experiment after `setup()`, with the metrics that it has at the moment."""
        data, experiment = experiment.data, copy.copy(experiment)  # which leaves the data out, as a pickle does
        experiment.logger = log  # its own is known to this process alone
        return _packed((packages(), _packed((experiment, data, schema))))

    @staticmethod
    def run(packed: bytes, identifier: str) -> bytes:
        """Try an estimator; on a worker.

        Parameters
        ----------
        packed : bytes
        identifier : str
            PyCaret's.

        Returns
        -------
        bytes
            For `unpacked`.
        """
        wanted, content = cloudpickle.loads(packed)
        if (found := packages()) != wanted:
            differing = ", ".join(
                f"{name} {found[name]} instead of {wanted[name]}" for name in wanted if found[name] != wanted[name]
            )
            return _packed(differing)
        with _ONE, quiet():
            # A copy for each estimator: none sees what another has left in it.
            experiment, data, schema = cloudpickle.loads(content)
            experiment.data = data
            return _packed(try_estimator(experiment, identifier, schema))

    @staticmethod
    def unpacked(answer: bytes) -> Tried:
        """What came of an estimator.

        Raises
        ------
        TrainingError
            If the worker has other packages: what it finds may differ.
        """
        found: Tried | str = cloudpickle.loads(answer)
        if isinstance(found, str):
            raise TrainingError(
                f"a worker has {found}; install the same versions on each worker, `requirements/dask.txt` or `ray.txt` locks them"
            )
        return found


def packages() -> dict[str, str]:
    """The versions that results depend on."""
    found = {"Python": platform.python_version(), "slipway": __version__}
    return found | {name: version(name) for name in _PACKAGES}


def _packed(content: Any) -> bytes:
    packed: bytes = cloudpickle.dumps(content)
    return packed
