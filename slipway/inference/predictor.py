"""A loaded version: checked records in, predictions with probabilities and warnings out.

The API, the batch and the page call the same `Predictor`, so their numbers cannot differ.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from slipway.errors import Fault, FaultCode, GoldenMismatchError, RecordsError, RequestCode, WarningCode
from slipway.i18n import faults
from slipway.inference.decision import decide, threshold_of
from slipway.inference.equality import TOLERANCE, Answers, Prediction, difference
from slipway.inference.golden import Golden, GoldenInterval, GoldenPrediction
from slipway.inference.interval import Interval
from slipway.schema.arrays import Columns
from slipway.schema.sampling import draw_records
from slipway.schema.schema import Checked, CheckedTable, Schema
from slipway.tables.bounds import Bound
from slipway.tables.cells import TextTable, write_rows

BLOCK_ROWS = 20_000
"""Rows of a file that are checked, predicted and written together."""

Reasons = Callable[[Checked], Iterable[Sequence[float] | None]]
"""For each of n checked rows the base and every field's contribution, or None if it cannot be explained."""


@dataclass(frozen=True)
class CsvAnswer:
    """A table as UTF-8 CSV with our columns added, and the number of invalid rows, which have no prediction.

    `matched` has the field of each column that was taken for it although its name is spelt otherwise.
    """

    content: bytes
    faulty: int
    matched: dict[str, str]


class Engine(Protocol):
    """What predicts from columns: a compiled graph (`CompiledEngine`) or a fitted pipeline (`NativeEngine`)."""

    name: str

    def predict(self, columns: Columns, /) -> Answers:
        """Answers for n rows, given as columns of shape (n,); may be called by several threads at once."""


class Predictor:
    """Answers records with a schema and an engine. `tag` names the version in every answer.

    `interval` is put around predicted numbers; without one, answers have null in its place.
    """

    def __init__(self, tag: str, schema: Schema, engine: Engine, interval: Interval | None = None) -> None:
        self.tag = tag
        self.schema = schema
        self.engine = engine
        self.interval = interval
        self._keys = [str(value) for value in schema.target.classes]

    def answer(self, records: Sequence[Any]) -> dict[str, Any]:
        """The API's answer to a list of records.

        Parameters
        ----------
        records : sequence of JSON values
            As a client sends them, not yet checked.

        Returns
        -------
        dict
            `model` (the tag) and `predictions`, one per record.

        Raises
        ------
        RecordsError
            With every fault of every record.
        """
        return {"model": self.tag, "predictions": self.predict(self.schema.check_records(records))}

    def predict(self, checked: Checked) -> list[Prediction]:
        """One prediction for each checked record, in the same order.

        Parameters
        ----------
        checked : Checked
            Of n records, as the schema returns them.

        Returns
        -------
        list of n dicts
            Numbers: `prediction` and `interval`, in the target's unit. Classes: `prediction`,
            `probabilities` by class and `threshold`. Both: `warnings`.

        Raises
        ------
        RecordsError
            If the pipeline has no finite answer for a value far outside the training range.
        """
        if not checked.warnings:
            return []
        try:
            answers = self.engine.predict(checked.columns)
        except (ValueError, OverflowError, FloatingPointError):
            if far_out := self._far_out(checked):
                raise RecordsError(far_out) from None
            raise
        figures = answers.values[:, None] if answers.probabilities is None else answers.probabilities
        odd = np.flatnonzero(~np.isfinite(figures).all(axis=1)).tolist()
        if odd:
            raise RecordsError(
                self._far_out(checked, odd) or [Fault(FaultCode.NO_FINITE_PREDICTION, record=i) for i in odd]
            )
        if self.schema.target.classes:
            return self._classes(answers, checked.warnings)
        return self._numbers(answers, checked.warnings)

    def _numbers(self, answers: Answers, warnings: list[list[Fault]]) -> list[Prediction]:
        values = self.bounded(answers.values)
        return [
            {"prediction": value, "interval": interval, "warnings": warned}
            for value, interval, warned in zip(values.tolist(), self._intervals(values), warnings, strict=True)
        ]

    def _intervals(self, values: npt.NDArray[np.float64]) -> Sequence[dict[str, float] | None]:
        if self.interval is None:
            return [None] * len(values)
        target, coverage = self.schema.target, self.interval.coverage
        ends = self.interval.around(values, target.minimum, target.maximum)
        return [
            {"low": low, "high": high, "coverage": coverage}
            for low, high in zip(*(end.tolist() for end in ends), strict=True)
        ]

    def _classes(self, answers: Answers, warnings: list[list[Fault]]) -> list[Prediction]:
        target = self.schema.target
        threshold = threshold_of(target, answers.probabilities is not None)
        scores: Sequence[Any] = [None] * len(warnings)
        if answers.probabilities is not None:
            scores = [dict(zip(self._keys, row, strict=True)) for row in answers.probabilities.tolist()]
        return [
            {
                "prediction": target.classes[position],
                "probabilities": score,
                "threshold": threshold,
                "warnings": warned,
            }
            for position, score, warned in zip(decide(answers, target).values.tolist(), scores, warnings, strict=True)
        ]

    def bounded(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The values limited to the target's hard bounds: a bill, for example, is not negative.

        Parameters
        ----------
        values : array of shape (n,)
            In the target's unit.

        Returns
        -------
        array of shape (n,)
        """
        low, high = self.schema.target.minimum, self.schema.target.maximum
        return values if low is None and high is None else np.clip(values, low, high)

    def _far_out(self, checked: Checked, records: Sequence[int] | None = None) -> list[Fault]:
        return [
            replace(warning, code=FaultCode.NO_FINITE_PREDICTION, record=position)
            for position in (range(len(checked.warnings)) if records is None else records)
            for warning in checked.warnings[position]
            if warning.code is WarningCode.OUT_OF_RANGE
        ]

    def predict_csv(
        self, table: TextTable, reasons: Reasons | None = None, most: Bound | None = None, language: str = "en"
    ) -> CsvAnswer:
        """The table as CSV with our columns added, and the number of invalid rows.

        Every row is kept, in order. In an invalid row our columns are empty except for `problems`,
        which says why. Existing columns are kept: where names coincide, ours get a number.

        Parameters
        ----------
        table : TextTable
            The file as text cells.
        reasons : callable, optional
            Gives the base and contributions of checked rows; they become columns, too.
        most : Bound, optional
            The largest answer, in bytes.

        Returns
        -------
        CsvAnswer

        Raises
        ------
        RecordsError
            If columns are missing.
        TableTooLargeError
            If the answer is longer than `most`.
        """
        names = self.added(reasons is not None)
        header = _with_names(table.header, names)
        written = [write_rows([header], table.separator)]
        matched = self.schema.match_columns(table.header)
        table = replace(table, header=[matched.get(name, name) for name in table.header])
        size = faulty = start = 0
        marks = self.schema.decimal_marks(table)
        # Block by block: the values, faults and texts of 200,000 rows take many times the memory of the file.
        for block in table.blocks(BLOCK_ROWS):
            read = self.schema.check_table(block, marks)
            try:
                added = self._added_cells(read, reasons, language)
            except RecordsError as exc:
                moved = [replace(fault, record=start + read.good[fault.record or 0]) for fault in exc.details]
                raise RecordsError(moved, str(exc), exc.code, **exc.values) from None
            rows = [cells + more for cells, more in zip(block.rows, added, strict=True)]
            written.append(write_rows(rows, table.separator))
            faulty += len(read.faults)
            size += len(written[-1])
            start += BLOCK_ROWS
            if most and size > most.limit:
                raise most.passed("the answer", size, "bytes", RequestCode.RESULT_TOO_LARGE)
        return CsvAnswer(b"".join(written), faulty, matched)

    def _added_cells(self, read: CheckedTable, reasons: Reasons | None, language: str) -> list[list[str]]:
        """The cells of our columns for each row of a table."""
        rows = [[""] * len(self.added(reasons is not None)) for _ in read.table.rows]
        said = _Described(language)
        explained = reasons(read.checked) if reasons else itertools.repeat(None)
        for row, prediction, shares in zip(read.good, self.predict(read.checked), explained, strict=False):
            cells = self._cells(prediction) + list(map(str, shares or ()))
            rows[row][: len(cells)] = cells
            if warnings := prediction["warnings"]:
                rows[row][-3], rows[row][-2] = _codes(warnings), faults.join(map(said, warnings), language)
        for row, found in read.faults.items():
            rows[row][-3] = _codes(found)
            rows[row][-1] = faults.join(map(said, found), language, read.table.lines[row])
        return rows

    def added(self, reasons: bool) -> list[str]:
        """The columns that are added to a CSV, in order.

        Parameters
        ----------
        reasons : bool
            Whether the contributions are among them.

        Returns
        -------
        list of str
        """
        ends = ["low", "high"] if self.interval else []
        probabilities = [f"probability_{key}" for key in self._keys]
        shares = ["base", *(f"contribution_{name}" for name in self.schema.names)] if reasons else []
        threshold = ["threshold"] if len(self._keys) == 2 else []
        return ["prediction", *ends, *probabilities, *threshold, *shares, "codes", "warnings", "problems"]

    def _cells(self, prediction: Prediction) -> list[str]:
        cells = [str(prediction["prediction"])]
        if self.interval:
            cells += [str(prediction["interval"][end]) for end in ("low", "high")]
        if self._keys:
            scores = prediction["probabilities"] or {}
            cells += [str(scores.get(key, "")) for key in self._keys]
        if len(self._keys) == 2:
            cells.append("" if prediction["threshold"] is None else str(prediction["threshold"]))
        return cells

    def golden(self, count: int = 32, seed: int = 0) -> Golden:
        """Records drawn from the schema with this predictor's answers, to be stored with the version.

        Parameters
        ----------
        count : int, default=32
            The number of records.
        seed : int, default=0
            Of the random draws.

        Returns
        -------
        Golden
            With `count` records and their predictions.
        """
        records = draw_records(self.schema, count, seed)
        predictions = []
        for answer in self.answer(records)["predictions"]:
            ends = answer.get("interval")
            interval = GoldenInterval(ends["low"], ends["high"]) if ends else None
            predictions.append(GoldenPrediction(answer["prediction"], answer.get("probabilities"), interval))
        return Golden(tuple(records), tuple(predictions))

    def check_golden(self, golden: Golden) -> None:
        """Predict the golden records again and compare.

        Parameters
        ----------
        golden : Golden
            As `golden` returned it.

        Raises
        ------
        GoldenMismatchError
            With the rows that differ, and by how much.
        """
        target = self.schema.target
        answers = self.answer(golden.records)["predictions"]
        saved = [{"prediction": one.prediction, "probabilities": one.probabilities} for one in golden.predictions]
        # Older versions stored the most probable class, without the threshold; their probabilities are still valid.
        wanted = decide(Answers.of(saved, target), target)
        wrong = np.flatnonzero(difference(Answers.of(answers, target), wanted, target) > TOLERANCE).tolist()
        if wrong:
            answer, was = (of[wrong[0]]["prediction"] for of in (answers, saved))
            rows = ", ".join(map(str, wrong[:5])) + (", …" if len(wrong) > 5 else "")
            raise GoldenMismatchError(
                self.tag,
                f"{len(wrong)} of {len(saved)} golden rows differ (rows {rows}; row {wrong[0]}: {answer!r}, saved {was!r})",
            )


class _Described:
    """The sentences of the faults of a table: equal cells of a column share their fault, so each is made once."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._known: dict[int, str] = {}

    def __call__(self, fault: Fault) -> str:
        if (text := self._known.get(id(fault))) is None:
            text = self._known[id(fault)] = faults.describe(fault, self._language)
        return text


def _codes(found: Iterable[Fault]) -> str:
    return "; ".join(fault.code for fault in found)


def _with_names(header: Sequence[str], added: Sequence[str]) -> list[str]:
    """The header with names added, each different from all before it."""
    names = list(header)
    for name in added:
        names.append(_unused(name, names))
    return names


def _unused(name: str, names: Sequence[str]) -> str:
    numbered = (f"{name}.{i}" if i else name for i in range(len(names) + 1))
    return next(candidate for candidate in numbered if candidate not in names)
