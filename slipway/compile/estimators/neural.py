"""Multi-layer perceptrons."""

from collections.abc import Callable
from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.neural_network import MLPClassifier, MLPRegressor
from spox import Var

from slipway.compile.estimators.ops import above, column, expit, most_probable, two_classes
from slipway.compile.registry import Classes, classifier, regressor
from slipway.compile.table import const
from slipway.training import _pycaret

ACTIVATIONS: dict[str, Callable[[Var], Var]] = {
    "identity": lambda values: values,
    "logistic": expit,
    "tanh": op.tanh,
    "relu": op.relu,
    "softmax": lambda values: op.softmax(values, axis=1),
}


@regressor(MLPRegressor, _pycaret.TUNABLE_MLP_REGRESSOR)
def perceptron_regressor(model: Any, matrix: Var) -> Var:
    return column(_forward(model, matrix))


@classifier(MLPClassifier, _pycaret.TUNABLE_MLP_CLASSIFIER)
def perceptron_classifier(model: Any, matrix: Var) -> Classes:
    """Two classes are told by whether the output is above a half; see `LabelBinarizer.inverse_transform`."""
    shares = _forward(model, matrix)
    if len(model.classes_) > 2:
        return most_probable(shares)
    return Classes(above(column(shares), 0.5), two_classes(shares))


def _forward(model: Any, matrix: Var) -> Var:
    """The output layer, of shape (n, n_outputs)."""
    activations = [model.activation] * (len(model.coefs_) - 1) + [model.out_activation_]
    for coefficients, intercepts, activation in zip(model.coefs_, model.intercepts_, activations, strict=True):
        matrix = ACTIVATIONS[activation](
            op.add(op.matmul(matrix, const(coefficients)), const(np.reshape(intercepts, (1, -1))))
        )
    return matrix
