"""A batch of rows inside the graph: named columns, as the steps of a pipeline pass them on.

A column is either numeric, or categorical: a position among the values that a category can
have. What a step makes of a category then depends only on these values: they are tabulated
once, when compiling, and the graph only looks them up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import spox.opset.ai.onnx.v20 as op
from spox import Var

from slipway.compile.errors import CannotCompileError


@dataclass(frozen=True)
class NumericColumn:
    """Column `position` of `matrix`, which is double of shape (n, k); it may contain NaN if it is `nullable`."""

    matrix: Var
    position: int = 0
    nullable: bool = True


@dataclass(frozen=True, eq=False)
class CategoricalColumn:
    """`domain[codes]`: `codes` is int64 of shape (n,), positions among the values of the domain.

    One more code stands for every value outside the domain, which no checked record has; its
    number is NaN.
    """

    codes: Var
    domain: tuple[Any, ...]

    def numbers(self) -> npt.NDArray[np.float64]:
        """A number for each code, if the values of the domain are numbers."""
        return np.array([*self.domain, np.nan], dtype="float64")

    @property
    def nullable(self) -> bool:
        """Whether one of the values is missing."""
        return any(map(is_missing, self.domain))


Column = NumericColumn | CategoricalColumn


class Table:
    """Columns by name, in order."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = dict(columns)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.columns)

    def select(self, names: Iterable[str]) -> "Table":
        """Only these columns, in this order.

        Parameters
        ----------
        names : iterable of str

        Returns
        -------
        Table
        """
        return Table({name: self.columns[name] for name in names})

    def coded(self, names: Iterable[str]) -> bool:
        """Whether all of these columns are categorical."""
        return all(isinstance(self.columns[name], CategoricalColumn) for name in names)

    def nullable(self, names: Iterable[str]) -> bool:
        """Whether a value may be missing in any of these columns."""
        return any(self.columns[name].nullable for name in names)

    def matrix(self, names: Sequence[str] | None = None) -> Var:
        """Columns as one matrix.

        Parameters
        ----------
        names : sequence of str, optional
            All columns by default.

        Returns
        -------
        Var of shape (n, len(names)), double

        Raises
        ------
        CannotCompileError
            If a column holds texts.
        """
        wanted = [self.columns[name] for name in (self.names if names is None else names)]
        by_source: dict[Var, list[int]] = {}
        for position, column in enumerate(wanted):
            by_source.setdefault(_source(column), []).append(position)
        parts = [_part([wanted[position] for position in positions]) for positions in by_source.values()]
        joined = parts[0] if len(parts) == 1 else op.concat(parts, axis=1)
        order = np.argsort([position for positions in by_source.values() for position in positions])
        return take(joined, order)


def is_missing(value: Any) -> bool:
    """Whether a value of a domain stands for a missing one: None or NaN."""
    return value is None or value != value


def split(matrix: Var, names: Sequence[str], nullable: Sequence[bool] | None = None) -> dict[str, Column]:
    """The columns of a matrix, by name.

    Parameters
    ----------
    matrix : Var of shape (n, len(names)), double
    names : sequence of str
    nullable : sequence of bool, optional
        Whether each column may contain NaN; all by default.

    Returns
    -------
    dict of str to Column
    """
    flags = [True] * len(names) if nullable is None else nullable
    return {name: NumericColumn(matrix, position, flags[position]) for position, name in enumerate(names)}


def take(matrix: Var, positions: Sequence[int] | npt.NDArray[np.int64]) -> Var:
    """Some columns of a matrix.

    Parameters
    ----------
    matrix : Var of shape (n, k)
    positions : sequence of int
        In the order wanted.

    Returns
    -------
    Var of shape (n, len(positions))
    """
    if list(positions) == list(range(width(matrix))):
        return matrix
    return op.gather(matrix, const(positions, "int64"), axis=1)


def _source(column: Column) -> Var:
    return column.matrix if isinstance(column, NumericColumn) else column.codes


def _part(columns: Sequence[Column]) -> Var:
    """Columns from the same source as a matrix."""
    first = columns[0]
    if isinstance(first, NumericColumn):
        return take(first.matrix, [column.position for column in columns if isinstance(column, NumericColumn)])
    try:
        table = np.stack([column.numbers() for column in columns if isinstance(column, CategoricalColumn)], axis=1)
    except (TypeError, ValueError) as exc:
        raise CannotCompileError(f"a category reaches the estimator as text ({exc})") from exc
    return op.gather(op.const(table), first.codes, axis=0)


def width(matrix: Var) -> int:
    """The number of columns of a matrix of the graph."""
    shape = matrix.unwrap_tensor().shape
    if shape is None or len(shape) != 2 or not isinstance(shape[1], int):
        raise AssertionError(f"a matrix of the graph has no known width: {shape}")
    return shape[1]


def const(values: Any, dtype: str = "float64") -> Var:
    """A constant of the graph.

    Parameters
    ----------
    values : array-like
    dtype : str, default="float64"
        A NumPy dtype.

    Returns
    -------
    Var
    """
    return op.const(np.asarray(values, dtype=dtype))
