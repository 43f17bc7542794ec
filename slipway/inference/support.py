"""How much an answer rests on: similar training cases, combinations of inputs, classes that remain possible; and when to abstain.

Serving needs this module, which needs only NumPy; how it is learnt and measured is in `slipway.training.support`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.errors import Fault, WarningCode
from slipway.inference.equality import Answers
from slipway.schema.arrays import Columns
from slipway.schema.cells import CellTerm, Floats, Positions
from slipway.schema.fields import Field
from slipway.schema.schema import Checked

MOST_PAIRS = 3
"""Unusual combinations of a row that are told."""

Flags = npt.NDArray[np.bool_]
Fields = Mapping[str, Field]


@dataclass(frozen=True)
class SimilarCases:
    """How many training cases are like a row: in the same cell of each of these terms.

    `cases` and `errors` have an entry for each combination of cells, those of the last term next to each other: how many of the `rows`
    training cases are in it, 0 for fewer than `FEW`; and how far off the model was for them, out of fold: the mean absolute error in
    the target's unit, or the share of wrong classes, -1 for fewer.
    """

    terms: tuple[CellTerm, ...]
    cases: tuple[int, ...]
    errors: tuple[float, ...]
    rows: int

    @cached_property
    def _tables(self) -> tuple[Positions, Floats]:
        return np.array(self.cases, dtype="int64"), np.array(self.errors, dtype="float64")

    def like(self, checked: Checked, fields: Fields) -> tuple[Positions, Floats]:
        """The number of training cases like each row, and their error; none are like a row with a value outside the training range.

        Parameters
        ----------
        checked : Checked
            Of n rows.
        fields : mapping of str to Field

        Returns
        -------
        cases, errors : arrays of shape (n,)
        """
        place = np.zeros(len(checked.warnings), dtype="int64")
        names = [term.field or "" for term in self.terms]
        for name, term in zip(names, self.terms, strict=True):
            place = place * term.cells + term.positions(fields[name], checked.columns[name])
        cases, errors = (table[place] for table in self._tables)
        for row, warned in enumerate(checked.warnings):
            if any(one.code is WarningCode.OUT_OF_RANGE and one.field in names for one in warned):
                cases[row], errors[row] = 0, -1
        return cases, errors


@dataclass(frozen=True)
class Combinations:
    """The combinations of two inputs that training does not have although each of the two is common.

    `unusual` has the first term, its cell, the second term and its cell: all positions.
    """

    terms: tuple[CellTerm, ...]
    unusual: tuple[tuple[int, int, int, int], ...]

    @cached_property
    def _lookup(self) -> tuple[Positions, Positions, Positions, Positions, Flags]:
        """Of each pair its first and second term, and as columns the cells of the second and where its table begins; all tables, one after the other."""
        pairs = sorted({(one, two) for one, _, two, _ in self.unusual})
        cells = [term.cells for term in self.terms]
        starts = dict(
            zip(pairs, np.cumsum([0, *(cells[one] * cells[two] for one, two in pairs)]).tolist(), strict=False)
        )
        table = np.zeros(sum(cells[one] * cells[two] for one, two in pairs), dtype=bool)
        for one, cell, two, other in self.unusual:
            table[starts[one, two] + cell * cells[two] + other] = True
        first, second = (np.array([pair[side] for pair in pairs], dtype="int64") for side in (0, 1))
        width, start = np.array(cells, dtype="int64")[second], np.array([*starts.values()], dtype="int64")
        return first, second, width[:, None], start[:, None], table

    def found(self, columns: Columns, fields: Fields, rows: int) -> dict[int, list[tuple[str, str]]]:
        """The fields of the unusual combinations of the rows that have any.

        Parameters
        ----------
        columns : Columns
            Of n checked rows.
        fields : mapping of str to Field
        rows : int
            n

        Returns
        -------
        dict
            By the position of the row.
        """
        if not self.unusual or not rows:
            return {}
        first, second, width, start, table = self._lookup
        cells = np.array([term.positions(fields[term.field or ""], columns[term.field or ""]) for term in self.terms])
        hits = table[start + cells[first] * width + cells[second]]
        found: dict[int, list[tuple[str, str]]] = {}
        if not hits.any():
            return found
        for row, pair in zip(*(places.tolist() for places in np.nonzero(hits.T)), strict=True):
            names = self.terms[first[pair]].field, self.terms[second[pair]].field
            found.setdefault(row, []).append((names[0] or "", names[1] or ""))
        return found


@dataclass(frozen=True)
class PredictionSets:
    """The classes that remain possible: those with at least this probability, of each class its own.

    Of the cases of each class, its probability is at least that in a share of `coverage`. Source: Sadinle, Lei and Wasserman, Least ambiguous
    set-valued classifiers with bounded error levels, JASA 114 (2019).
    """

    coverage: float
    least: tuple[float, ...]

    def sets(self, probabilities: Floats, decided: Positions) -> Flags:
        """Which classes are in the set of each row; the most probable one and the one that is predicted always are.

        Parameters
        ----------
        probabilities : array of shape (n, n_classes)
        decided : array of int, of shape (n,)

        Returns
        -------
        array of bool, of shape (n, n_classes)
        """
        found = probabilities >= np.array(self.least)
        rows = np.arange(len(found))
        found[rows, probabilities.argmax(axis=1)] = found[rows, decided] = True
        return np.asarray(found)


@dataclass(frozen=True)
class Abstention:
    """When a person is to be asked: with fewer similar `cases`, an interval wider than `width`, more than so many `classes` that
    remain possible, or an `unusual` combination. None for what does not matter."""

    cases: int | None = None
    width: float | None = None
    classes: int | None = None
    unusual: bool = False


@dataclass(frozen=True)
class Support:
    """What a version knows of the support of its answers; None for what it cannot tell."""

    similar: SimilarCases | None = None
    combinations: Combinations | None = None
    sets: PredictionSets | None = None
    abstain: Abstention = Abstention()

    def warnings(
        self, answers: Answers, widths: Floats | None, checked: Checked, fields: Fields
    ) -> dict[int, list[Fault]]:
        """What a reader of the answers should know: unusual combinations of inputs, and what the version abstains for.

        Parameters
        ----------
        answers : Answers
            To n rows.
        widths : array of shape (n,), optional
            Of their intervals.
        checked : Checked
            Of these rows.
        fields : mapping of str to Field

        Returns
        -------
        dict
            By the position of the row, for those that have any.
        """
        rows, rules = len(answers.values), self.abstain
        found: dict[int, list[Fault]] = {}
        for row, pairs in self.combinations.found(checked.columns, fields, rows).items() if self.combinations else ():
            found[row] = [
                Fault(WarningCode.UNUSUAL_COMBINATION, one, expected={"field": two}) for one, two in pairs[:MOST_PAIRS]
            ]
        if rules.cases is not None and self.similar:
            cases, _ = self.similar.like(checked, fields)
            _note(found, WarningCode.FEW_SIMILAR_CASES, cases, cases < rules.cases, {"minimum": rules.cases})
        if rules.width is not None and widths is not None:
            _note(found, WarningCode.WIDE_INTERVAL, widths, widths > rules.width, {"maximum": rules.width})
        if rules.classes is not None and self.sets and answers.probabilities is not None:
            sizes = self.sets.sets(answers.probabilities, answers.values).sum(axis=1)
            _note(found, WarningCode.SEVERAL_CLASSES, sizes, sizes > rules.classes, {"maximum": rules.classes})
        return found

    def abstains(self, warnings: Sequence[Fault]) -> bool:
        """Whether these warnings of a row say that a person is to be asked."""
        return any(
            one.code in ASKING or (self.abstain.unusual and one.code is WarningCode.UNUSUAL_COMBINATION)
            for one in warnings
        )


def _note(
    found: dict[int, list[Fault]], code: WarningCode, figures: npt.NDArray[Any], rows: Flags, expected: dict[str, Any]
) -> None:
    for row in np.flatnonzero(rows).tolist() if rows.any() else ():
        found.setdefault(row, []).append(Fault(code, value=figures[row].item(), expected=expected))


ASKING = frozenset({WarningCode.FEW_SIMILAR_CASES, WarningCode.WIDE_INTERVAL, WarningCode.SEVERAL_CLASSES})
"""Warnings that are given only where a use case asks for them."""
