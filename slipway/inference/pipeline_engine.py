"""The fitted PyCaret pipeline as an engine: columns in, values or classes and probabilities out.

It serves only what could not be compiled, and it is what a compiled graph is compared with.
"""

import importlib.metadata
import pickle
import platform
import warnings
from pathlib import Path
from threading import Lock
from typing import IO, Any

import cloudpickle
import numpy as np
import pandas as pd

from slipway.inference import frames
from slipway.inference.equality import Answers
from slipway.schema.arrays import Columns
from slipway.schema.schema import Schema


class _Names(pickle.Unpickler):
    """Reads a pickle and records the modules that it refers to."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module.partition(".")[0])
        return super().find_class(module, name)


def save(pipeline: Any, path: Path) -> dict[str, str]:
    """Pickle a pipeline.

    Parameters
    ----------
    pipeline : fitted PyCaret pipeline
    path : Path
        The file to write.

    Returns
    -------
    dict of str to str
        The versions of Python and of the packages without which the pickle cannot be read.
    """
    with path.open("wb") as file:
        cloudpickle.dump(pipeline, file)
    with path.open("rb") as file:
        names = _Names(file)
        names.load()
    distributions = importlib.metadata.packages_distributions()
    needed = {name for module in names.modules for name in distributions.get(module, [])}
    versions = {package: importlib.metadata.version(package) for package in sorted(needed)}
    return {"python": platform.python_version(), **versions}


def classes_of(pipeline: Any) -> list[Any]:
    """The classes of a fitted pipeline's estimator, in the estimator's order, with the values in the data."""
    encoder = dict(pipeline.steps).get("label_encoding")
    encoded = pipeline.steps[-1][1].classes_
    classes = encoded if encoder is None else encoder.transformer.inverse_transform(encoded)
    return classes.tolist()  # type: ignore[no-any-return]


class NativeEngine:
    """Predicts with the fitted pipeline itself.

    A pickle runs code when it is read: `load` is only for files whose SHA-256 the store has
    checked. PyCaret's pipelines do not promise to be thread-safe, so calls run one at a time.
    `order` has the positions in `Target.classes` of the estimator's classes, in the estimator's
    order; it is empty for numbers and for estimators without probabilities.
    """

    name = "native"

    def __init__(self, pipeline: Any, schema: Schema) -> None:
        self.pipeline = pipeline
        self._schema = schema
        self._one_at_a_time = Lock()
        self._positions = {value: position for position, value in enumerate(schema.target.classes)}
        self.order: list[int] = []
        if self._positions and hasattr(pipeline.steps[-1][1], "predict_proba"):
            self.order = [self._positions[value] for value in classes_of(pipeline)]

    @classmethod
    def load(cls, path: Path, schema: Schema) -> "NativeEngine":
        """The engine for the pipeline that was pickled to `path`."""
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            return cls(cloudpickle.load(file), schema)

    def predict(self, columns: Columns) -> Answers:
        """Answers for n rows.

        Parameters
        ----------
        columns : Columns
            One array of shape (n,) per field, as `Schema.columns` makes them.

        Returns
        -------
        Answers
            Of n rows.
        """
        return self.predict_frame(frames.frame(self._schema, columns))

    def predict_frame(self, frame: pd.DataFrame) -> Answers:
        """Answers for the rows of a frame.

        Parameters
        ----------
        frame : DataFrame of shape (n_rows, n_fields)
            As `frames.frame` makes it.

        Returns
        -------
        Answers
            Of n_rows rows.
        """
        with self._one_at_a_time, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from steps fitted on a different dtype of the same numbers
            frame = frames.for_pipeline(self._schema, frame)
            answers = np.ravel(self.pipeline.predict(frame))  # CatBoost returns a column
            if not self._positions:
                return Answers(answers.astype("float64"))
            values = np.array([self._positions[label] for label in answers.tolist()], dtype="int64")
            if not self.order:
                return Answers(values)
            scores = np.asarray(self.pipeline.predict_proba(frame), dtype="float64")
        return Answers(values, scores[:, np.argsort(self.order)])
