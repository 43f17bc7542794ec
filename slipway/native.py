"""The fitted PyCaret pipeline as an engine: frames in, values or classes and probabilities out."""

import importlib.metadata
import os
import pickle
import platform
import warnings
from pathlib import Path
from typing import IO, Any

import cloudpickle
import numpy as np
import pandas as pd

from slipway.schema import Schema

# PyCaret writes a logs.log into the working directory as soon as it is imported.
os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)


class _Names(pickle.Unpickler):
    """Reads a pickle and remembers the modules that it names."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module.partition(".")[0])
        return super().find_class(module, name)


def save(pipeline: Any, path: Path) -> dict[str, str]:
    """Pickle the pipeline, and say which packages, in which versions, it cannot be read without."""
    with path.open("wb") as file:
        cloudpickle.dump(pipeline, file)
    with path.open("rb") as file:
        names = _Names(file)
        names.load()
    distributions = importlib.metadata.packages_distributions()
    needed = {found for module in names.modules for found in distributions.get(module, [])}
    versions = {package: importlib.metadata.version(package) for package in sorted(needed)}
    return {"python": platform.python_version(), **versions}


class NativeEngine:
    """Answers frames with the fitted pipeline itself.

    A pickle runs code when it is read: `load` is for files whose SHA-256 the store has checked.
    """

    name = "native"

    def __init__(self, pipeline: Any, schema: Schema) -> None:
        self._pipeline = pipeline
        self._classes = {value: value for value in schema.target.classes}
        self._order: list[Any] = []
        if self._classes and hasattr(pipeline.steps[-1][1], "predict_proba"):
            encoder = dict(pipeline.steps).get("label_encoding")
            encoded = pipeline.steps[-1][1].classes_
            found = encoder.transformer.inverse_transform(encoded) if encoder is not None else encoded
            self._order = [self._classes[value] for value in found]

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "NativeEngine":
        """The engine whose pipeline was pickled to `path`."""
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            return cls(cloudpickle.load(file), schema)

    def predict(self, frame: pd.DataFrame) -> tuple[list[Any], list[dict[str, float]] | None]:
        """Predictions, and for classes their probabilities.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_fields)
            As `Schema.frame` makes it.

        Returns
        -------
        predictions : list of n_rows values of the target, or classes as they stand in the data
        probabilities : list of n_rows dicts {class as text: probability}; None for numbers, and
            for estimators that have none
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of steps that were fitted on another dtype of the same numbers
            answers = np.asarray(self._pipeline.predict(frame))
            if not self._classes:
                return answers.astype("float64").tolist(), None
            labels = [self._classes[label] for label in answers.tolist()]
            if not self._order:
                return labels, None
            scores = np.asarray(self._pipeline.predict_proba(frame), dtype="float64")
        keys = [str(value) for value in self._order]
        return labels, [dict(zip(keys, row, strict=True)) for row in scores.tolist()]
