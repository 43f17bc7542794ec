"""Classes as normal distributions: naive Bayes and quadratic discriminants."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.naive_bayes import GaussianNB
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.ops import column, largest
from slipway.compile.registry import Classes, classifier
from slipway.compile.table import const

NOTHING = (1e3 * np.finfo("float64").eps) ** 2
"""A variance that is no more than rounding, as a share of the largest in any direction."""


@classifier(GaussianNB)
def naive_bayes(model: Any, matrix: Var) -> Classes:
    """`GaussianNB._joint_log_likelihood`."""
    centred = op.sub(op.unsqueeze(matrix, const([1], "int64")), const(model.theta_[None]))
    distance = op.reduce_sum(op.div(op.mul(centred, centred), const(model.var_[None])), const([2], "int64"), keepdims=0)
    start = np.log(model.class_prior_) - 0.5 * np.log(2.0 * np.pi * model.var_).sum(axis=1)
    scores = op.add(op.mul(distance, const(-0.5)), const(start[None]))
    return Classes(largest(scores), op.softmax(scores, axis=1))


@classifier(QuadraticDiscriminantAnalysis)
def quadratic(model: Any, matrix: Var) -> Classes:
    """`QuadraticDiscriminantAnalysis._decision_function`: one rotated and scaled space per class."""
    # Squares of singular values: how near to 0 one comes that should be 0 depends on the processor.
    if any((scaling <= NOTHING * scaling.max()).any() for scaling in model.scalings_):
        raise CannotCompileError(
            "QuadraticDiscriminantAnalysis returns NaN or meaningless values: a class has columns that do not vary"
        )
    distances = []
    for center, rotation, scaling in zip(model.means_, model.rotations_, model.scalings_, strict=True):
        turned = op.matmul(op.sub(matrix, const(center[None])), const(rotation * scaling**-0.5))
        distances.append(op.reduce_sum_square(turned, const([1], "int64")))
    spread = np.array([np.log(scaling).sum() for scaling in model.scalings_])
    scores = op.add(
        op.mul(op.add(op.concat(distances, axis=1), const(spread[None])), const(-0.5)),
        const(np.log(model.priors_)[None]),
    )
    difference = op.sub(*op.split(scores, num_outputs=2, axis=1)[::-1]) if len(model.classes_) == 2 else None
    return Classes(largest(scores), op.softmax(scores, axis=1), scores if difference is None else column(difference))
