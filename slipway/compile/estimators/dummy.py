"""Estimators that ignore their inputs, as a baseline for the others."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.dummy import DummyClassifier, DummyRegressor
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import column, repeated
from slipway.compile.registry import Classes, classifier, regressor


@regressor(DummyRegressor)
def dummy_regressor(model: Any, matrix: Var) -> Var:
    return column(repeated(np.ravel(model.constant_), matrix))


@classifier(DummyClassifier)
def dummy_classifier(model: Any, matrix: Var) -> Classes:
    """Taken from the model's own prediction, if that is the same for every row."""
    if model.strategy in ("stratified", "uniform"):
        raise CannotCompileError(f"DummyClassifier with strategy={model.strategy!r} answers at random")
    row = np.zeros((1, 1))
    label = int(np.flatnonzero(model.classes_ == model.predict(row)[0])[0])
    return Classes(
        op.cast(column(repeated([float(label)], matrix)), to=np.int64),
        repeated(np.asarray(model.predict_proba(row), dtype="float64")[0], matrix),
    )
