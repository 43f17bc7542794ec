"""The contribution of each field to one prediction: Shapley values on the raw fields.

The value of a field is the average change in the prediction when the record's own value
replaces that of a background row, over all orders in which the fields may be replaced. The
values add up: base + contributions = prediction, where the base is the mean prediction for the
background, whatever the record. For up to `EXACT_FIELDS` fields every subset is evaluated; for
more, orders are sampled. Where a graph ends in trees, no mixture is evaluated (`tree_shapley`).

The methods, and where they are from, are in `shapley_methods`.
"""

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.errors import ExplanationError, Fault, FaultCode, RecordsError, RequestCode
from slipway.inference.equality import Answers
from slipway.inference.forest import NoForestError
from slipway.inference.predictor import Predictor
from slipway.inference.shapley_methods import (
    EXACT_FIELDS,
    SAMPLED_ROWS,
    Attribution,
    Exact,
    Flags,
    Floats,
    Method,
    Own,
    Positions,
    Sampled,
)
from slipway.inference.tree_shapley import TreeShapley
from slipway.schema.arrays import Columns
from slipway.schema.fields import json_equal, truncated
from slipway.schema.schema import Checked, Target

FAST_CELLS = 1_500_000
"""Leaves times background rows of trees that are explained within some 10 ms."""
LEAST_ROWS = 16
"""Background rows that very many trees are explained with all the same, in more time."""

_BLOCK_ROWS = 16_384
_BLOCK_CELLS = 2**21

DEFAULT_CLASS: Any = object()
"""Means that no class was requested; None or any other value could come from a client."""


class Explainer:
    """Explains records with a predictor and a background; safe to use from any number of threads.

    Parameters
    ----------
    predictor : Predictor
    background : Columns
        Rows to compare with, as `read_background` returns them; at least one.
    rows : int, default=4,096
        Rows that the model answers for one record, where orders of fields are sampled.
    use_trees : bool, default=True
        Whether a graph that ends in trees is explained by its leaves; the others are explained by mixed rows.
    """

    def __init__(
        self, predictor: Predictor, background: Columns, rows: int = SAMPLED_ROWS, use_trees: bool = True
    ) -> None:
        self._predictor = predictor
        self._background = [background[name] for name in predictor.schema.names]
        count, size = len(self._background), len(self._background[0])
        self._method: Method = Exact(self._background) if count <= EXACT_FIELDS else Sampled(count, size, rows)
        self._trees: TreeShapley | None = None
        if use_trees:
            with suppress(NoForestError):
                self._trees = TreeShapley(predictor, background)

    @property
    def is_fast(self) -> bool:
        """Whether a record takes milliseconds: the leaves of not too many trees are explained, and no mixed rows are evaluated."""
        return self._trees is not None and self._trees.cells <= FAST_CELLS

    def rows_in_time(self, most: int) -> int:
        """How many background rows this model is explained with in some 10 ms: at least 16 and at most `most`, which is also for no trees."""
        return min(max(FAST_CELLS // self._trees.leaves, LEAST_ROWS), most) if self._trees else most

    def explain(self, record: Any, wanted: Any = DEFAULT_CLASS) -> dict[str, Any]:
        """The API's answer: base, prediction and one contribution for each field, in order.

        For numbers the prediction is that of `Predictor`, in the unit of the target; for classes
        it is the probability of the class `wanted`.

        Parameters
        ----------
        record : JSON value
            As a client sends it, not yet checked.
        wanted : value of a class, optional
            With the value it has in the data. By default the positive class of two classes, and
            the predicted class of more.

        Returns
        -------
        dict
            `model`, `base`, `prediction`, for classes `class`, `contributions` and `warnings`.

        Raises
        ------
        RecordsError
            With every fault of the record and of the class; or if the model has no finite answer.
        ExplanationError
            If a class is requested of a model that predicts numbers, or the estimator has no probabilities.
        """
        schema = self._predictor.schema
        values, warnings, faults = schema.check_record(record)
        if wanted is not DEFAULT_CLASS:
            _check_class(schema.target, wanted, faults)
        if faults:
            raise RecordsError(faults)
        checked = Checked(schema.columns([values]), [warnings])
        run, shares = self._shares(checked, wanted)
        (warnings,) = self._predictor.warnings(self._predictor.decided(run.answers), checked)
        added = {"contribution": shares.contributions}
        if shares.errors is not None:
            added["standard_error"] = shares.errors
        return {
            "model": self._predictor.tag,
            "base": shares.base,
            "prediction": run.prediction,
            **({"class": schema.target.classes[run.position]} if run.position is not None else {}),
            "contributions": [
                {"field": name, "value": truncated(record[name]), **{key: float(added[key][i]) for key in added}}
                for i, name in enumerate(schema.names)
            ],
            "warnings": warnings,
        }

    def shares(self, checked: Checked) -> Iterator[list[float] | None]:
        """The base and contributions of each record, as `explain` returns them without a class.

        Parameters
        ----------
        checked : Checked
            Of n records.

        Yields
        ------
        list of 1 + n_fields floats, or None
            None where the model has no finite answer to some mixture of record and background.

        Raises
        ------
        ExplanationError
            If the estimator has no probabilities.
        """
        for row, warned in enumerate(checked.warnings):
            one = {name: column[row : row + 1] for name, column in checked.columns.items()}
            try:
                _, shares = self._shares(Checked(one, [warned]), DEFAULT_CLASS)
            except RecordsError:
                yield None
            else:
                yield [shares.base, *shares.contributions.tolist()]

    def _shares(self, checked: Checked, wanted: Any) -> tuple["_Run", Attribution]:
        run = _Run(self._predictor, checked, self._background, wanted)
        if self._trees is not None and (found := self._by_trees(self._trees, run, checked.columns)) is not None:
            return run, found
        return run, self._method.shares(run.differs(), run.ask)

    def _by_trees(self, trees: TreeShapley, run: "_Run", columns: Columns) -> Attribution | None:
        """None where a mixture of record and background has no finite answer, which `_Run.ask` reports."""
        run.predict()
        each = trees.contributions(columns, run.position)
        return each if each is None else Attribution.of(trees.base(run.position), each).adding_up_to(run.prediction)


def _check_class(target: Target, wanted: Any, faults: list[Fault]) -> None:
    if not target.classes:
        text = f"`class` is for models that predict classes; {target.name!r} is a number: leave it out"
        raise ExplanationError(text, RequestCode.NOT_A_CLASSIFIER, target=target.name)
    if _position(target, wanted) is None:
        faults.append(Fault(FaultCode.UNKNOWN_CLASS, "class", truncated(wanted), list(target.classes)))


def _position(target: Target, wanted: Any) -> int | None:
    return next((position for position, value in enumerate(target.classes) if json_equal(value, wanted)), None)


class _Run:
    """The rows of one record, evaluated block by block; the first row is the record itself.

    `answers` (of the record alone), `prediction` and, for classes, the `position` of the explained class are known after `ask` or
    `predict`.
    """

    def __init__(self, predictor: Predictor, checked: Checked, background: list[npt.NDArray[Any]], wanted: Any) -> None:
        self._predictor = predictor
        self._checked = checked
        self._background = background
        self._wanted = wanted
        self.answers = Answers(np.empty(0))
        self.prediction = math.nan
        self.position: int | None = None

    def differs(self) -> Flags:
        """Where the record differs from a background row; two missing values count as equal."""
        own = self._checked.columns.values()
        return np.array(
            [
                (theirs != ours) & ((theirs == theirs) | (ours == ours))
                for ours, theirs in zip(own, self._background, strict=True)
            ],
            dtype=bool,
        )

    def predict(self) -> None:
        """Evaluate the record alone."""
        self.prediction = float(self._values(self._checked.columns)[0])

    def ask(self, background_index: Positions, own: Own) -> Floats:
        """A `ValueFunction`: the model's values for rows mixed from the record and background rows."""
        values = np.empty(len(background_index))
        height = max(1, min(_BLOCK_ROWS, _BLOCK_CELLS // len(self._background)))
        for start in range(0, len(background_index), height):
            block = slice(start, start + height)
            columns = {
                name: np.where(own(field, block), ours, self._background[field][background_index[block]])
                for field, (name, ours) in enumerate(self._checked.columns.items())
            }
            values[block] = self._values(columns)
        self.prediction = float(values[0])
        return values

    def _values(self, columns: Columns) -> Floats:
        try:
            answers = self._predictor.engine.predict(columns)
        except (ValueError, OverflowError, FloatingPointError):
            self._predictor.predict(self._checked)  # raises with the record's value far out of range, if it has one
            raise
        values = self._number(answers)
        if not np.isfinite(values).all():
            self._predictor.predict(self._checked)
            raise RecordsError([Fault(FaultCode.NO_FINITE_PREDICTION, record=0)])
        if not len(self.answers.values):
            own = answers.probabilities
            self.answers = Answers(answers.values[:1], None if own is None else own[:1])
        return values if self.position is not None else self._predictor.bounded(values)

    def _number(self, answers: Answers) -> Floats:
        target = self._predictor.schema.target
        if not target.classes:
            return np.asarray(answers.values, dtype="float64")
        if answers.probabilities is None:
            raise ExplanationError(
                "the estimator gives classes without probabilities, so there is no number to explain; "
                "train one that has them, such as lr or rf",
                RequestCode.NO_PROBABILITIES,
            )
        if self.position is None:
            wanted = target.positive if len(target.classes) == 2 else target.classes[answers.values[0]]
            self.position = _position(target, wanted if self._wanted is DEFAULT_CLASS else self._wanted)
        return np.asarray(answers.probabilities[:, self.position], dtype="float64")
