"""A loaded version: checked records in, predictions with probabilities and warnings out.

The API, the batch and the page call the same `Predictor`, so their numbers cannot differ.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from slipway.errors import Fault, FaultCode, GoldenMismatchError, RecordsError, WarningCode
from slipway.inference.decision import decide, threshold_of
from slipway.inference.equality import TOLERANCE, Answers, Prediction, difference
from slipway.inference.golden import Golden, GoldenInterval, GoldenPrediction
from slipway.inference.interval import Interval
from slipway.inference.support import Support
from slipway.schema.arrays import Columns
from slipway.schema.sampling import draw_records
from slipway.schema.schema import Checked, Schema


class Engine(Protocol):
    """What predicts from columns: a compiled graph (`CompiledEngine`) or a fitted pipeline (`NativeEngine`)."""

    name: str

    def predict(self, columns: Columns, /) -> Answers:
        """Answers for n rows, given as columns of shape (n,); may be called by several threads at once."""


class Predictor:
    """Answers records with a schema and an engine. `tag` names the version in every answer.

    `interval` is put around predicted numbers, and `support` says what an answer rests on; without one, answers have null in its place.
    """

    def __init__(
        self, tag: str, schema: Schema, engine: Engine, interval: Interval | None = None, support: Support | None = None
    ) -> None:
        self.tag = tag
        self.schema = schema
        self.engine = engine
        self.interval = interval
        self.support = support
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
            `probabilities` by class, `threshold` and `prediction_set`. Both: `support`, `abstain` and `warnings`.

        Raises
        ------
        RecordsError
            If the pipeline has no finite answer for a value far outside the training range.
        """
        answers = self.predict_arrays(checked)
        predictions = (
            self._classes(answers) if self.schema.target.classes else self._numbers(answers.values, checked.columns)
        )
        supports = self._supports(checked)
        warnings = self.warnings(answers, checked)
        for prediction, support, warned in zip(predictions, supports, warnings, strict=True):
            abstain = self.support is not None and self.support.abstains(warned)
            prediction |= {"support": support, "abstain": abstain, "warnings": warned}
        return predictions

    def predict_arrays(self, checked: Checked) -> Answers:
        """What `predict` says, as arrays: numbers within the target's bounds, or the classes decided.

        Parameters
        ----------
        checked : Checked
            Of n records.

        Returns
        -------
        Answers
            Of n rows.

        Raises
        ------
        RecordsError
            As of `predict`.
        """
        target = self.schema.target
        if not checked.warnings:
            return Answers(np.empty(0), np.empty((0, len(target.classes))) if target.classes else None)
        try:
            answers = self.engine.predict(checked.columns)
        except (ValueError, OverflowError, FloatingPointError):
            if far_out := self._far_out(checked):
                raise RecordsError(far_out) from None
            raise
        figures = answers.values[:, None] if answers.probabilities is None else answers.probabilities
        finite = np.isfinite(figures)
        if not finite.all():
            odd = np.flatnonzero(~finite.all(axis=1)).tolist()
            raise RecordsError(
                self._far_out(checked, odd) or [Fault(FaultCode.NO_FINITE_PREDICTION, record=i) for i in odd]
            )
        return self.decided(answers)

    def decided(self, answers: Answers) -> Answers:
        """The engine's answers as `predict_arrays` returns them: numbers within the target's bounds, or the classes decided.

        Parameters
        ----------
        answers : Answers
            Of n rows, all finite.
        """
        target = self.schema.target
        return decide(answers, target) if target.classes else Answers(self.bounded(answers.values))

    def at_threshold(self, threshold: float) -> "Predictor":
        """The same for two classes that are decided by another threshold than the version's: a what-if.

        Parameters
        ----------
        threshold : float
            The probability from which a case is positive, from 0 to 1.
        """
        target = replace(self.schema.target, threshold=threshold, costs=())
        return Predictor(self.tag, replace(self.schema, target=target), self.engine, self.interval, self.support)

    def warnings(self, answers: Answers, checked: Checked) -> list[list[Fault]]:
        """What a reader of each answer should know: of its values, of their combination, and why to ask a person.

        Parameters
        ----------
        answers : Answers
            As `predict_arrays` returns them.
        checked : Checked
            Of the same n records.

        Returns
        -------
        list of n lists of Fault
        """
        if self.support is None or not checked.warnings:
            return checked.warnings
        ends = None if self.support.abstain.width is None else self.ends(answers.values, checked.columns)
        widths = None if ends is None else ends[1] - ends[0]
        found = self.support.warnings(answers, widths, checked, self.schema.by_name)
        if not found:
            return checked.warnings
        return [[*warned, *found[row]] if row in found else warned for row, warned in enumerate(checked.warnings)]

    def _supports(self, checked: Checked) -> Sequence[dict[str, Any] | None]:
        if not checked.warnings or self.support is None or self.support.similar is None:
            return [None] * len(checked.warnings)
        cases, errors = self.support.similar.like(checked, self.schema.by_name)
        return [
            {"cases": count, "error": None if error < 0 else error}
            for count, error in zip(cases.tolist(), errors.tolist(), strict=True)
        ]

    def _numbers(self, values: npt.NDArray[np.float64], columns: Columns) -> list[Prediction]:
        intervals = self._intervals(values, columns)
        return [
            {"prediction": value, "interval": interval}
            for value, interval in zip(values.tolist(), intervals, strict=True)
        ]

    def _intervals(self, values: npt.NDArray[np.float64], columns: Columns) -> Sequence[dict[str, float] | None]:
        ends = self.ends(values, columns)
        if self.interval is None or ends is None:
            return [None] * len(values)
        coverages = self.interval.coverages(columns, self.schema.by_name, len(values))
        return [
            {"low": low, "high": high, "coverage": coverage}
            for low, high, coverage in zip(*(part.tolist() for part in (*ends, coverages)), strict=True)
        ]

    def ends(
        self, values: npt.NDArray[np.float64], columns: Columns
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """The lower and upper ends of the intervals around n predictions, each of shape (n,); None without intervals.

        Parameters
        ----------
        values : array of shape (n,)
        columns : Columns
            The inputs that they are predicted from.
        """
        return None if self.interval is None else self.interval.ends(values, columns, self.schema)

    def _classes(self, answers: Answers) -> list[Prediction]:
        target = self.schema.target
        threshold = threshold_of(target, answers.probabilities is not None)
        scores: Sequence[Any] = [None] * len(answers.values)
        if answers.probabilities is not None:
            scores = [dict(zip(self._keys, row, strict=True)) for row in answers.probabilities.tolist()]
        return [
            {
                "prediction": target.classes[position],
                "probabilities": score,
                "threshold": threshold,
                "prediction_set": possible,
            }
            for position, score, possible in zip(answers.values.tolist(), scores, self._sets(answers), strict=True)
        ]

    def _sets(self, answers: Answers) -> Sequence[dict[str, Any] | None]:
        sets = self.support.sets if self.support else None
        if sets is None or answers.probabilities is None or not len(answers.values):
            return [None] * len(answers.values)
        classes = self.schema.target.classes
        return [
            {"classes": [one for one, inside in zip(classes, row, strict=True) if inside], "coverage": sets.coverage}
            for row in sets.sets(answers.probabilities, answers.values).tolist()
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
        # `np.clip` takes several times as long for a few values.
        values = values if low is None else np.maximum(values, low)
        return values if high is None else np.minimum(values, high)

    def _far_out(self, checked: Checked, records: Sequence[int] | None = None) -> list[Fault]:
        return [
            replace(warning, code=FaultCode.NO_FINITE_PREDICTION, record=position)
            for position in (range(len(checked.warnings)) if records is None else records)
            for warning in checked.warnings[position]
            if warning.code is WarningCode.OUT_OF_RANGE
        ]

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
