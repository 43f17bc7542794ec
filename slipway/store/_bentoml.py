"""What of BentoML's model store has no public name."""

from pathlib import Path

from bentoml._internal.configuration.containers import BentoMLContainer


def store_folder() -> Path:
    """The folder of the model store; `bentoml.models` gives the models in it, not where it is."""
    return Path(BentoMLContainer.model_store.get()._path)
