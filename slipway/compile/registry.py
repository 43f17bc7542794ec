"""Which converter makes the graph for which fitted class.

A converter is registered for the classes for which it is exact, by the exact class and not by
inheritance: a subclass may predict differently. To add one, write a function and a decorator:

    @regressor(Lasso, Ridge)
    def linear(model, inputs): ...
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from spox import Var

from slipway.compile.errors import CannotCompileError
from slipway.compile.table import Column, Table


@dataclass(frozen=True)
class Classes:
    """What a classifier returns for n rows.

    `label` is int64 of shape (n,): positions in the estimator's `classes_`. `probabilities`
    is double of shape (n, n_classes), or None for an estimator without them. `scores` is its
    `decision_function`, double, of shape (n,) for two classes and (n, n_classes) for more.
    """

    label: Var
    probabilities: Var | None = None
    scores: Var | None = None


C = TypeVar("C")

StepConverter = Callable[[Any, Table, list[str]], dict[str, Column]]
Positions = npt.NDArray[np.int64]
ColumnConverter = Callable[[Any, Positions, Var], Var]
MatrixConverter = Callable[[Any, Var], Var]
Regressor = Callable[[Any, Var], Var]
Classifier = Callable[[Any, Var], Classes]

STEPS: dict[str, StepConverter] = {}
COLUMN_STEPS: dict[str, ColumnConverter] = {}
MATRIX_STEPS: dict[str, MatrixConverter] = {}
TABULATED: set[str] = set()
REGRESSORS: dict[str, Regressor] = {}
CLASSIFIERS: dict[str, Classifier] = {}


def name_of(kind: type | str) -> str:
    """The name under which a class is registered.

    Parameters
    ----------
    kind : type or str
        A str where the package of the class may not be installed.

    Returns
    -------
    str
        Module and qualified name.
    """
    return kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"


def step(*kinds: type | str) -> Callable[[StepConverter], StepConverter]:
    """Registers `convert(transformer, table, include) -> columns`, for steps that need names or categories.

    `include` holds the names of the columns that the step is given; the columns that it makes
    replace them.
    """
    return _into(STEPS, kinds)


def column_step(*kinds: type | str) -> Callable[[ColumnConverter], ColumnConverter]:
    """Registers `convert(transformer, positions, matrix) -> matrix`, for steps that treat each number on its own.

    Column i of the matrix is the one that the transformer was fitted on at `positions[i]`;
    categorical columns are tabulated instead and are not part of it. Names do not change.
    """
    return _into(COLUMN_STEPS, kinds)


def matrix_step(*kinds: type | str) -> Callable[[MatrixConverter], MatrixConverter]:
    """Registers `convert(transformer, matrix) -> matrix`, for steps that compute new numbers from all of theirs."""
    return _into(MATRIX_STEPS, kinds)


def tabulated(*kinds: type | str) -> None:
    """Registers steps that treat each category on its own: their outputs are tabulated."""
    TABULATED.update(map(name_of, kinds))


def regressor(*kinds: type | str) -> Callable[[Regressor], Regressor]:
    """Registers `convert(model, matrix) -> values`, double of shape (n,)."""
    return _into(REGRESSORS, kinds)


def classifier(*kinds: type | str) -> Callable[[Classifier], Classifier]:
    """Registers `convert(model, matrix) -> Classes`."""
    return _into(CLASSIFIERS, kinds)


def _into(register: dict[str, C], kinds: tuple[type | str, ...]) -> Callable[[C], C]:
    def add(convert: C) -> C:
        register.update({name_of(kind): convert for kind in kinds})
        return convert

    return add


def regression(model: Any, matrix: Var) -> Var:
    """The predictions of a fitted regressor.

    Parameters
    ----------
    model : fitted regressor
    matrix : Var of shape (n, n_features), double

    Returns
    -------
    Var of shape (n,), double

    Raises
    ------
    CannotCompileError
        If no converter is registered for the class of the model.
    """
    return _found(REGRESSORS, model, "regressor")(model, matrix)


def classification(model: Any, matrix: Var) -> Classes:
    """The classes and probabilities of a fitted classifier.

    Parameters
    ----------
    model : fitted classifier
    matrix : Var of shape (n, n_features), double

    Returns
    -------
    Classes

    Raises
    ------
    CannotCompileError
        If no converter is registered for the class of the model.
    """
    return _found(CLASSIFIERS, model, "classifier")(model, matrix)


def _found(register: dict[str, C], model: Any, what: str) -> C:
    kind = type(model)
    if name_of(kind) not in register:
        raise CannotCompileError(f"no converter for the {what} {kind.__name__}")
    return register[name_of(kind)]
