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
from slipway.compile.table import Column, Table, split, width


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

Given = Var | Table
"""What an estimator is given: numbers as a matrix, or columns that a pipeline inside it still has to turn into numbers."""

StepConverter = Callable[[Any, Table, list[str]], dict[str, Column]]
TableConverter = Callable[[Any, Table], Table]
Positions = npt.NDArray[np.int64]
ColumnConverter = Callable[[Any, Positions, Var], Var]
MatrixConverter = Callable[[Any, Var], Var]
Regressor = Callable[[Any, Any], Var]
Classifier = Callable[[Any, Any], Classes]

STEPS: dict[str, StepConverter] = {}
COLUMN_STEPS: dict[str, ColumnConverter] = {}
MATRIX_STEPS: dict[str, MatrixConverter] = {}
TABLE_STEPS: dict[str, TableConverter] = {}
TABULATED: set[str] = set()
REGRESSORS: dict[str, Regressor] = {}
CLASSIFIERS: dict[str, Classifier] = {}
OF_TABLES: set[str] = set()
"""Estimators whose converters take columns: those made of others, and those that know categories."""


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


def table_step(*kinds: type | str) -> Callable[[TableConverter], TableConverter]:
    """Registers `convert(transformer, table) -> table`, for steps of scikit-learn that choose, join or drop columns by their places."""
    return _into(TABLE_STEPS, kinds)


def tabulated(*kinds: type | str) -> None:
    """Registers steps that treat each category on its own: their outputs are tabulated."""
    TABULATED.update(map(name_of, kinds))


def regressor(*kinds: type | str, tables: bool = False) -> Callable[[Regressor], Regressor]:
    """Registers `convert(model, matrix) -> values`, double of shape (n,); with `tables` it is given what there is, see `Given`."""
    OF_TABLES.update(map(name_of, kinds) if tables else ())
    return _into(REGRESSORS, kinds)


def classifier(*kinds: type | str, tables: bool = False) -> Callable[[Classifier], Classifier]:
    """Registers `convert(model, matrix) -> Classes`; with `tables` it is given what there is, see `Given`."""
    OF_TABLES.update(map(name_of, kinds) if tables else ())
    return _into(CLASSIFIERS, kinds)


def _into(register: dict[str, C], kinds: tuple[type | str, ...]) -> Callable[[C], C]:
    def add(convert: C) -> C:
        register.update({name_of(kind): convert for kind in kinds})
        return convert

    return add


def regression(model: Any, given: Given) -> Var:
    """The predictions of a fitted regressor.

    Parameters
    ----------
    model : fitted regressor
    given : Var of shape (n, n_features), double, or Table

    Returns
    -------
    Var of shape (n,), double

    Raises
    ------
    CannotCompileError
        If no converter is registered for the class of the model, or a category reaches it as text.
    """
    return _found(REGRESSORS, model, "regressor")(model, _suited(model, given))


def classification(model: Any, given: Given) -> Classes:
    """The classes and probabilities of a fitted classifier.

    Parameters
    ----------
    model : fitted classifier
    given : Var of shape (n, n_features), double, or Table

    Returns
    -------
    Classes

    Raises
    ------
    CannotCompileError
        If no converter is registered for the class of the model, or a category reaches it as text.
    """
    return _found(CLASSIFIERS, model, "classifier")(model, _suited(model, given))


def _found(register: dict[str, C], model: Any, what: str) -> C:
    kind = type(model)
    if name_of(kind) not in register:
        raise CannotCompileError(f"no converter for the {what} {kind.__name__}")
    return register[name_of(kind)]


def _suited(model: Any, given: Given) -> Given:
    return given if name_of(type(model)) in OF_TABLES else as_matrix(given)


def as_matrix(given: Given) -> Var:
    """What an estimator is given, as one matrix of shape (n, n_features), double."""
    return given.matrix() if isinstance(given, Table) else given


def as_table(given: Given) -> Table:
    """What an estimator is given, as columns, which are called by their places if it was a matrix."""
    return given if isinstance(given, Table) else Table(split(given, [str(place) for place in range(width(given))]))
