"""Slipway: from a trained tabular model to something people use.

`slipway.save(experiment, "insurance")` puts a PyCaret experiment into the BentoML model
store, ready to be served. Importing this package imports none of the libraries behind it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slipway.experiment import save

__all__ = ["save"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "save":
        from slipway.experiment import save

        return save
    raise AttributeError(f"module 'slipway' has no attribute {name!r}")
