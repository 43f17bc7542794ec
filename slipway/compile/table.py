"""A batch of rows inside the graph: named columns, as the steps of a pipeline hand them on.

A column is either plain numbers, or coded: a position among the values that a category can
have. What a step makes of a category is then a matter of the values alone: they are
tabulated once, when compiling, and the graph only looks them up.
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
class Plain:
    """Column `position` of `matrix`, which is double of shape (n, k)."""

    matrix: Var
    position: int = 0


@dataclass(frozen=True, eq=False)
class Coded:
    """`domain[codes]`: `codes` is int64 of shape (n,), positions among the values of the domain.

    The last value of the domain stands for every value that is not in it.
    """

    codes: Var
    domain: tuple[Any, ...]

    def numbers(self) -> npt.NDArray[np.float64]:
        """The domain as float64, if its values are numbers."""
        return np.array(self.domain, dtype="float64")


Column = Plain | Coded


class Table:
    """Columns by name, in order."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = dict(columns)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.columns)

    def select(self, names: Iterable[str]) -> "Table":
        """These columns alone, in this order."""
        return Table({name: self.columns[name] for name in names})

    def coded(self, names: Iterable[str]) -> bool:
        """Whether all of these columns are coded."""
        return all(isinstance(self.columns[name], Coded) for name in names)

    def matrix(self, names: Sequence[str] | None = None) -> Var:
        """These columns (all of them by default) as one double matrix of shape (n, len(names))."""
        wanted = [self.columns[name] for name in (self.names if names is None else names)]
        parts = [_run(run) for run in _runs(wanted)]
        return parts[0] if len(parts) == 1 else op.concat(parts, axis=1)


def split(matrix: Var, names: Sequence[str]) -> dict[str, Column]:
    """The columns of a double matrix of shape (n, len(names)), by name."""
    return {name: Plain(matrix, position) for position, name in enumerate(names)}


def _runs(columns: Sequence[Column]) -> Iterable[list[Column]]:
    """Neighbours that come from one matrix, or from one column of codes."""
    run: list[Column] = []
    for column in columns:
        if run and _source(run[-1]) is not _source(column):
            yield run
            run = []
        run.append(column)
    yield run


def _source(column: Column) -> Var:
    return column.matrix if isinstance(column, Plain) else column.codes


def _run(run: Sequence[Column]) -> Var:
    first = run[0]
    if isinstance(first, Coded):
        try:
            table = np.stack([column.numbers() for column in run if isinstance(column, Coded)], axis=1)
        except (TypeError, ValueError) as exc:
            raise CannotCompileError(f"a category reaches the estimator as text ({exc})") from exc
        return op.gather(op.const(table), first.codes, axis=0)
    positions = [column.position for column in run if isinstance(column, Plain)]
    width = _width(first.matrix)
    if positions == list(range(width)):
        return first.matrix
    return op.gather(first.matrix, op.const(np.array(positions, dtype="int64")), axis=1)


def _width(matrix: Var) -> int:
    shape = matrix.unwrap_tensor().shape
    if shape is None or len(shape) != 2 or not isinstance(shape[1], int):
        raise AssertionError(f"a matrix of the graph has no known width: {shape}")
    return shape[1]


def const(values: Any, dtype: str = "float64") -> Var:
    """A constant of the graph, double unless told."""
    return op.const(np.asarray(values, dtype=dtype))
