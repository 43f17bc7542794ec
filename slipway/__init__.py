"""Slipway: from a trained tabular model to something people use.

`slipway.save(experiment, "insurance")` puts a PyCaret experiment into the BentoML model
store, ready to be served. Importing this package imports none of the libraries behind it.
"""

import os
from typing import TYPE_CHECKING, Any

# Each is read when its package is imported: no library reports home, and PyCaret writes no
# logs.log into the working directory.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)

if TYPE_CHECKING:
    from slipway.publish.save import save

__all__ = ["save"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "save":
        from slipway.publish.save import save

        return save
    raise AttributeError(f"module 'slipway' has no attribute {name!r}")
