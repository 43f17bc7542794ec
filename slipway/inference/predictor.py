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
        answers = self.predict_arrays(checked)
        if self.schema.target.classes:
            return self._classes(answers, checked.warnings)
        return self._numbers(answers, checked.warnings)

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
        return decide(answers, target) if target.classes else Answers(self.bounded(answers.values))

    def _numbers(self, answers: Answers, warnings: list[list[Fault]]) -> list[Prediction]:
        intervals = self._intervals(answers.values)
        return [
            {"prediction": value, "interval": interval, "warnings": warned}
            for value, interval, warned in zip(answers.values.tolist(), intervals, warnings, strict=True)
        ]

    def _intervals(self, values: npt.NDArray[np.float64]) -> Sequence[dict[str, float] | None]:
        ends = self.ends(values)
        if self.interval is None or ends is None:
            return [None] * len(values)
        coverage = self.interval.coverage
        return [
            {"low": low, "high": high, "coverage": coverage}
            for low, high in zip(*(end.tolist() for end in ends), strict=True)
        ]

    def ends(self, values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """The lower and upper ends of the intervals around n predictions, each of shape (n,); None without intervals."""
        if self.interval is None:
            return None
        return self.interval.around(values, self.schema.target.minimum, self.schema.target.maximum)

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
            for position, score, warned in zip(answers.values.tolist(), scores, warnings, strict=True)
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
