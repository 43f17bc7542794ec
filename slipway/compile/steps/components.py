"""Principal components: PyCaret's `pca`."""

from typing import Any

import numpy as np
import spox.opset.ai.onnx.v20 as op
from sklearn.decomposition import PCA, IncrementalPCA, KernelPCA
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.estimators.kernels import rbf
from slipway.compile.registry import matrix_step
from slipway.compile.table import const
from slipway.training import _sklearn


@matrix_step(PCA, IncrementalPCA)
def linear(pca: Any, matrix: Var) -> Var:
    components = np.asarray(pca.components_, dtype="float64").T
    if pca.whiten:
        components = components / np.sqrt(pca.explained_variance_)
    return op.matmul(op.sub(matrix, const(np.asarray(pca.mean_)[None])), const(components))


@matrix_step(KernelPCA)
def kernel(pca: Any, matrix: Var) -> Var:
    """The likeness to every training row, less that row's mean likeness, times the components.

    Centring also takes away the mean likeness of the row itself, and adds that of all: both are
    the same for every training row, and the components, being centred, have sums of zero.
    """
    if pca.kernel != "rbf":
        raise CannotCompileError(f"KernelPCA with kernel={pca.kernel!r}")
    likeness = rbf(matrix, np.asarray(pca.X_fit_, dtype="float64"), float(pca.gamma_))
    scaled = np.zeros_like(pca.eigenvectors_, dtype="float64")
    there = pca.eigenvalues_ > 0
    scaled[:, there] = pca.eigenvectors_[:, there] / np.sqrt(pca.eigenvalues_[there])
    shift = _sklearn.mean_likeness(pca) @ scaled
    return op.sub(op.matmul(likeness, const(scaled)), const(shift[None]))
