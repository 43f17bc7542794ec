"""A table with predictions: checked, predicted and written block by block, column by column.

While the model works on a block, on a thread of its own, the next one is checked and the one before is written: graphs are
evaluated without Python's lock.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from slipway.errors import Fault, RecordsError, RequestCode
from slipway.i18n import faults
from slipway.inference.decision import threshold_of
from slipway.inference.equality import Answers
from slipway.inference.predictor import Predictor
from slipway.schema.matching import match_columns
from slipway.schema.schema import Checked
from slipway.schema.table import CheckedTable, TableChecker
from slipway.tables.bounds import Bound
from slipway.tables.cells import TextTable
from slipway.tables.writers import Column, TableWriter

BLOCK_ROWS = 8_192
"""Rows of a file that are checked, predicted and written together."""

Reasons = Callable[[Checked], Iterable[Sequence[float] | None]]
"""For each of n checked rows the base and every field's contribution, or None if it cannot be explained."""


@dataclass(frozen=True)
class TableAnswer:
    """A table with our columns added, and the number of invalid rows, which have no prediction.

    `matched` has the field of each column that was taken for it although its name is spelt otherwise.
    """

    content: bytes
    faulty: int
    matched: dict[str, str]


def predict_table(
    predictor: Predictor,
    table: TextTable,
    writer: TableWriter,
    reasons: Reasons | None = None,
    most: Bound | None = None,
    language: str = "en",
) -> TableAnswer:
    """The table with our columns added.

    Every row is kept, in order. In an invalid row our columns are empty except for `codes` and `problems`,
    which say why. Existing columns are kept: where names coincide, ours get a number.

    Parameters
    ----------
    predictor : Predictor
    table : TextTable
    writer : TableWriter
        Makes a file of it.
    reasons : callable, optional
        Gives the base and contributions of checked rows; they become columns, too.
    most : Bound, optional
        The largest answer, in bytes.
    language : str, default="en"
        Of the columns `warnings` and `problems`.

    Returns
    -------
    TableAnswer

    Raises
    ------
    RecordsError
        If columns are missing.
    TableTooLargeError
        If the answer is longer than `most`.
    """
    writer.begin(_with_names(table.header, added_names(predictor, reasons is not None)))
    matched = match_columns(predictor.schema.names, table.header)
    table = replace(table, header=[matched.get(name, name) for name in table.header])
    faulty = start = 0
    # Block by block: the values, faults and texts of 200,000 rows take many times the memory of the file.
    with ThreadPoolExecutor(1) as beside:
        for block in _one_ahead(_begun(predictor, table, reasons, beside)):
            checked = block.checked
            try:
                added = _Added(predictor, block, language).columns()
            except RecordsError as exc:
                moved = [replace(fault, record=start + checked.good[fault.record or 0]) for fault in exc.details]
                raise RecordsError(moved, str(exc), exc.code, **exc.values) from None
            size = writer.add(checked.table.rows, added)
            if most and size > most.limit:
                raise most.passed("the answer", size, "bytes", RequestCode.RESULT_TOO_LARGE)
            faulty += len(checked.faults)
            start += len(checked.table.rows)
    return TableAnswer(writer.finish(), faulty, matched)


class _Block(NamedTuple):
    """A checked part of a table, the reasons of its valid rows if they are wanted, and what will be their predictions."""

    checked: CheckedTable
    explained: Sequence[Sequence[float] | None] | None
    answers: Future[Answers]


def _begun(
    predictor: Predictor, table: TextTable, reasons: Reasons | None, beside: ThreadPoolExecutor
) -> Iterator[_Block]:
    """The parts of a table, each checked and given to the model."""
    checker = TableChecker(predictor.schema, table)
    for part in table.blocks(BLOCK_ROWS):
        checked = checker.check(part)
        explained = list(reasons(checked.checked)) if reasons else None
        yield _Block(checked, explained, beside.submit(predictor.predict_arrays, checked.checked))


def _one_ahead(blocks: Iterable[_Block]) -> Iterator[_Block]:
    """The blocks, each after the next one has been begun."""
    before = None
    for block in blocks:
        if before is not None:
            yield before
        before = block
    if before is not None:
        yield before


def added_names(predictor: Predictor, reasons: bool) -> list[str]:
    """The columns that are added to a table, in order.

    Parameters
    ----------
    predictor : Predictor
    reasons : bool
        Whether the contributions are among them.

    Returns
    -------
    list of str
    """
    keys = [str(value) for value in predictor.schema.target.classes]
    ends = ["low", "high"] if predictor.interval else []
    probabilities = [f"probability_{key}" for key in keys]
    shares = ["base", *(f"contribution_{name}" for name in predictor.schema.names)] if reasons else []
    threshold = ["threshold"] if len(keys) == 2 else []
    return ["prediction", *ends, *probabilities, *threshold, *shares, "codes", "warnings", "problems"]


class _Added:
    """Our columns for a checked table, in the order of `added_names`: texts, or numbers with NaN in invalid rows."""

    def __init__(self, predictor: Predictor, block: _Block, language: str) -> None:
        self._predictor = predictor
        self._block = block
        self._checked = block.checked
        self._language = language
        self._rows = len(block.checked.table.rows)
        self._good = np.array(block.checked.good, dtype=np.intp)
        self._said: dict[int, str] = {}

    def columns(self) -> list[Column]:
        explained = self._block.explained
        return [*self._predictions(), *([] if explained is None else self._shares(explained)), *self._texts()]

    def _predictions(self) -> list[Column]:
        target = self._predictor.schema.target
        answers = self._block.answers.result()
        if not target.classes:
            ends = self._predictor.ends(answers.values)
            return [self._spread(values) for values in (answers.values, *(ends or ()))]
        names = [*map(str, target.classes), ""]
        positions = np.full(self._rows, -1)
        positions[self._good] = answers.values
        scores = answers.probabilities
        threshold = threshold_of(target, scores is not None)
        return [
            [names[position] for position in positions.tolist()],
            *(self._spread(None if scores is None else scores[:, i]) for i in range(len(target.classes))),
            *([self._spread(threshold)] if len(target.classes) == 2 else []),
        ]

    def _shares(self, explained: Sequence[Sequence[float] | None]) -> list[Column]:
        count = 1 + len(self._predictor.schema.names)
        shares = np.full((len(self._good), count), np.nan)
        for row, found in enumerate(explained):
            if found is not None:
                shares[row] = found
        return [self._spread(column) for column in shares.T]

    def _texts(self) -> list[Column]:
        """The codes, warnings and problems."""
        codes, warnings, problems = ([""] * self._rows for _ in range(3))
        for row, warned in zip(self._checked.good, self._checked.checked.warnings, strict=True):
            if warned:
                codes[row], warnings[row] = _codes(warned), faults.join(map(self._described, warned), self._language)
        for row, found in self._checked.faults.items():
            line = self._checked.table.lines[row]
            codes[row], problems[row] = _codes(found), faults.join(map(self._described, found), self._language, line)
        return [codes, warnings, problems]

    def _spread(self, values: npt.NDArray[np.float64] | float | None) -> npt.NDArray[np.float64]:
        """Values of the valid rows over all rows, of shape (n_rows,)."""
        column = np.full(self._rows, np.nan)
        if values is not None:
            column[self._good] = values
        return column

    def _described(self, fault: Fault) -> str:
        """Its sentence. Equal cells of a column share their fault, so each is made once."""
        if (text := self._said.get(id(fault))) is None:
            text = self._said[id(fault)] = faults.describe(fault, self._language)
        return text


def _codes(found: Iterable[Fault]) -> str:
    return "; ".join(fault.code for fault in found)


def _with_names(header: Sequence[str], added: Sequence[str]) -> list[str]:
    """The header with names added, each different from all before it."""
    names = list(header)
    for name in added:
        numbered = (f"{name}.{i}" if i else name for i in itertools.count())
        names.append(next(candidate for candidate in numbered if candidate not in names))
    return names
