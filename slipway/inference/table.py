"""A table with predictions: checked, predicted and written block by block, column by column.

While the model works on a block, on a thread of its own, the next one is checked and the one before is written: graphs are
evaluated without Python's lock.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from slipway.errors import Fault, RecordsError, RequestCode
from slipway.i18n import faults
from slipway.inference.decision import threshold_of
from slipway.inference.equality import Answers
from slipway.inference.predictor import Predictor
from slipway.schema.arrays import Columns
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

    `matched` has the field of each column that was taken for it although its name is another. `faults` counts
    them by code and field, `warnings` by code.
    """

    content: bytes
    faulty: int
    matched: dict[str, str]
    faults: Counter[tuple[str, str | None]]
    warnings: Counter[str]


def predict_table(
    predictor: Predictor,
    table: TextTable,
    writer: TableWriter,
    reasons: Reasons | None = None,
    most: Bound | None = None,
    language: str = "en",
    matched: dict[str, str] | None = None,
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
    matched : dict of str to str, optional
        The field of each column that has another name; found by spelling if it is not given.

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
    writer.begin(with_names(table.header, added_names(predictor, reasons is not None)))
    if matched is None:
        matched = match_columns(predictor.schema.names, table.header)
    table = table.renamed(matched)
    faulty = start = 0
    faults_of: Counter[tuple[str, str | None]] = Counter()
    warnings: Counter[str] = Counter()
    # Block by block: the values, faults and texts of 200,000 rows take many times the memory of the file.
    with ThreadPoolExecutor(1) as beside:
        for block in _one_ahead(_begun(predictor, table, reasons, beside)):
            checked, added = block.checked, _added(predictor, block, language, start)
            size = writer.add(checked.table.rows, added.columns())
            if most and size > most.limit:
                raise most.passed("the answer", size, "bytes", RequestCode.RESULT_TOO_LARGE)
            faulty += len(checked.faults)
            faults_of.update((fault.code.value, fault.field) for row in checked.faults.values() for fault in row)
            warnings.update(fault.code.value for row in added.warnings for fault in row)
            start += len(checked.table.rows)
    return TableAnswer(writer.finish(), faulty, matched, faults_of, warnings)


def _added(predictor: Predictor, block: "_Block", language: str, start: int) -> "_Added":
    """The columns of a block, which begins at the row `start`: an error names the row of the table."""
    try:
        return _Added(predictor, block, language)
    except RecordsError as exc:
        moved = [replace(fault, record=start + block.checked.good[fault.record or 0]) for fault in exc.details]
        raise RecordsError(moved, str(exc), exc.code, **exc.values) from None


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


def prediction_columns(predictor: Predictor, answers: Answers, columns: Columns) -> list[npt.NDArray[Any]]:
    """The predictions of n rows and the numbers beside them, in the order of `added_names`.

    Parameters
    ----------
    predictor : Predictor
    answers : Answers
        Of n rows, as `Predictor.predict_arrays` returns them.
    columns : Columns
        The inputs of these rows.

    Returns
    -------
    list of arrays of shape (n,)
        The first has numbers, or the positions of classes in `Target.classes`; NaN stands for what the estimator does not give.
    """
    target = predictor.schema.target
    if not target.classes:
        return [answers.values, *(predictor.ends(answers.values, columns) or ())]
    scores = answers.probabilities
    if scores is None:
        scores = np.full((len(answers.values), len(target.classes)), np.nan)
    threshold = threshold_of(target, answers.probabilities is not None)
    limit = np.full(len(answers.values), np.nan if threshold is None else threshold)
    return [answers.values, *scores.T, *([limit] if len(target.classes) == 2 else [])]


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
        self._answers = block.answers.result()
        self.warnings = predictor.warnings(self._answers, block.checked.checked)

    def columns(self) -> list[Column]:
        explained = self._block.explained
        return [*self._predictions(), *([] if explained is None else self._shares(explained)), *self._texts()]

    def _predictions(self) -> list[Column]:
        target = self._predictor.schema.target
        first, *others = prediction_columns(self._predictor, self._answers, self._checked.checked.columns)
        if not target.classes:
            return [self._spread(values) for values in (first, *others)]
        names = [*map(str, target.classes), ""]
        positions = np.full(self._rows, -1)
        positions[self._good] = first
        return [[names[position] for position in positions.tolist()], *map(self._spread, others)]

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
        for row, warned in zip(self._checked.good, self.warnings, strict=True):
            if warned:
                codes[row], warnings[row] = codes_of(warned), faults.join(map(self._described, warned), self._language)
        for row, found in self._checked.faults.items():
            line = self._checked.table.lines[row]
            codes[row], problems[row] = codes_of(found), faults.join(map(self._described, found), self._language, line)
        return [codes, warnings, problems]

    def _spread(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values of the valid rows over all rows, of shape (n_rows,)."""
        column = np.full(self._rows, np.nan)
        column[self._good] = values
        return column

    def _described(self, fault: Fault) -> str:
        """Its sentence. Equal cells of a column share their fault, so each is made once."""
        if (text := self._said.get(id(fault))) is None:
            text = self._said[id(fault)] = faults.describe(fault, self._language)
        return text


def codes_of(found: Iterable[Fault]) -> str:
    """The codes of faults or warnings in one text."""
    return "; ".join(fault.code for fault in found)


def with_names(header: Sequence[str], added: Sequence[str]) -> list[str]:
    """The header with names added, each different from all before it.

    Parameters
    ----------
    header, added : sequence of str

    Returns
    -------
    list of str
    """
    names = list(header)
    for name in added:
        numbered = (f"{name}.{i}" if i else name for i in itertools.count())
        names.append(next(candidate for candidate in numbered if candidate not in names))
    return names
