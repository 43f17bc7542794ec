"""The contribution of each field to one prediction: Shapley values on the raw fields.

The value of a field is the average change in the prediction when the record's own value
replaces that of a background row, over all orders in which the fields may be replaced. The
values add up: base + contributions = prediction, where the base is the mean prediction for the
background, whatever the record. For up to `EXACT_FIELDS` fields every subset is evaluated; for
more, orders are sampled.

Sources: L. S. Shapley, A value for n-person games, 1953. Sampling of orders, one background row
at a time: E. Štrumbelj and I. Kononenko, Explaining prediction models and individual predictions
with feature contributions, Knowledge and Information Systems 41, 2014; of a background:
S. M. Lundberg and S.-I. Lee, A unified approach to interpreting model predictions, NIPS 2017;
each order together with its reverse: R. Mitchell et al., Sampling permutations for Shapley value
estimation, Journal of Machine Learning Research 23, 2022.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from slipway.errors import ExplanationError, Fault, FaultCode, RecordsError, RequestCode
from slipway.inference.equality import Answers
from slipway.inference.predictor import Predictor
from slipway.schema.arrays import Columns
from slipway.schema.fields import json_equal, truncated
from slipway.schema.schema import Checked, Target

EXACT_FIELDS = 8
"""Up to this many fields all 2**n subsets are evaluated; 2**8 subsets of 64 background rows are 16,384 rows."""

SAMPLED_ROWS = 32_768
"""Rows that sampling may evaluate; more only if two pairs of orders for each background row need more."""

_BLOCK_ROWS = 16_384
_BLOCK_CELLS = 2**21

DEFAULT_CLASS: Any = object()
"""Means that no class was requested; None or any other value could come from a client."""

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Own = Callable[[int, slice], Flags]
"""For a field (by position) and a slice of rows: which rows have the record's own value."""

ValueFunction = Callable[[Positions, Own], Floats]
"""From each row's background row, of shape (n_rows,), and `Own` to the model's values for these rows.

The first row is always the record itself.
"""


@dataclass(frozen=True)
class Attribution:
    """The result of a method: `contributions` and, if sampled, their standard `errors`, of shape (n_fields,)."""

    base: float
    contributions: Floats
    errors: Floats | None = None


class Method(Protocol):
    """Exact or sampled: decides which rows to evaluate, and divides their values among the fields."""

    def shares(self, differs: Flags, ask: ValueFunction) -> Attribution:
        """Base and contributions of one record.

        Parameters
        ----------
        differs : array of bool, of shape (n_fields, n_background)
            Where the record's value is different from a background row's.
        ask : ValueFunction
            Evaluates the model on rows mixed from the record and the background.

        Returns
        -------
        Attribution
        """


class Exact:
    """All subsets of fields; no two equal rows are evaluated.

    Parameters
    ----------
    background : list of n_fields arrays of shape (n_background,)
    """

    def __init__(self, background: list[npt.NDArray[Any]]) -> None:
        count = len(background)
        subsets = np.arange(2**count)
        self._others = subsets[::-1]  # for each subset, the fields not in it
        self._first_alike = _first_alike(background)
        sizes = ((subsets[:, None] >> np.arange(count)) & 1).sum(axis=1)
        orders = [math.factorial(k) * math.factorial(count - k - 1) / math.factorial(count) for k in range(count)]
        self._without = np.array([subsets[(subsets >> field) & 1 == 0] for field in range(count)])
        self._with = self._without | (1 << np.arange(count))[:, None]
        self._weights = np.array(orders)[sizes[self._without]]

    def shares(self, differs: Flags, ask: ValueFunction) -> Attribution:
        """Shapley's formula, with the mean over the background as the value of a subset."""
        size = differs.shape[1]
        different = (differs * (1 << np.arange(len(differs)))[:, None]).sum(axis=0)
        # A row is identified by the fields it has from the background, and the first background row equal in these.
        foreign = self._others[:, None] & different
        rows = foreign * size + self._first_alike[foreign, np.arange(size)]
        wanted = np.zeros(len(self._others) * size, dtype=bool)
        wanted[rows] = True
        foreign, background_index = np.divmod(np.flatnonzero(wanted), size)
        evaluated = ask(background_index, lambda field, block: (foreign[block] >> field) & 1 == 0)
        values = evaluated[(np.cumsum(wanted) - 1)[rows]].mean(axis=1)
        # Single differences instead of a matrix product: a field without effect gets 0 and not 1e-17.
        added = (self._weights * (values[self._with] - values[self._without])).sum(axis=1)
        return Attribution(float(values[0]), added)


def _first_alike(background: list[npt.NDArray[Any]]) -> Positions:
    """The first row with the same values in a subset of fields, of shape (2**n_fields, n_background)."""
    size = len(background[0])
    codes = [_codes(column) for column in background]
    alike = np.zeros((2 ** len(codes), size), dtype="int64")
    for subset in range(1, len(alike)):
        lowest = (subset & -subset).bit_length() - 1
        _, first, group = np.unique(
            alike[subset & (subset - 1)] * size + codes[lowest], return_index=True, return_inverse=True
        )
        alike[subset] = first[group]
    return alike


def _codes(column: npt.NDArray[Any]) -> Positions:
    """An integer for each distinct value, of shape (n_background,)."""
    if column.dtype == object:  # texts, which cannot be sorted if one is missing
        place = {value: code for code, value in enumerate(dict.fromkeys(column.tolist()))}
        return np.array([place[value] for value in column.tolist()], dtype="int64")
    codes: Positions = np.unique(column, return_inverse=True)[1]
    return codes


class Sampled:
    """Orders drawn at random together with their reverses, equally many for each background row.

    Starting from a background row, the record's values are filled in one field at a time, and each
    field is credited with the change in the prediction at its step: the steps of an order add up,
    and so do their means. Together with its reverse, an order is exact if at most two fields
    interact. The seed is fixed: the same record always gets the same answer.
    """

    def __init__(self, fields: int, size: int, rows: int = SAMPLED_ROWS) -> None:
        self._pairs = max(2, rows // (2 * (fields - 1) * size))
        drawn = np.tile(np.arange(fields), (size * self._pairs, 1))
        drawn = np.random.default_rng(0).permuted(drawn, axis=1)
        self._orders = np.concatenate([drawn, drawn[:, ::-1]])
        self._starts = np.tile(np.repeat(np.arange(size), self._pairs), 2)
        self._step_of = np.ascontiguousarray(np.argsort(self._orders, axis=1).T)

    def shares(self, differs: Flags, ask: ValueFunction) -> Attribution:
        """Means over orders, with the standard error estimated from the pairs of each background row."""
        fields, size = differs.shape
        changes = differs[self._orders, self._starts[:, None]]
        ahead = np.cumsum(changes[:, ::-1], axis=1)[:, ::-1]
        paths, steps = np.nonzero(changes & (ahead > 1))  # after its last change, a row is the record itself
        # Rows to evaluate: the record, the background, then each step that makes a new row.
        first = np.arange(size) * self._pairs
        path = np.concatenate([[0], first, paths])
        filled = np.concatenate([[fields], np.zeros(size, dtype="int64"), steps + 1])
        evaluated = ask(self._starts[path], lambda field, block: self._step_of[field][path[block]] < filled[block])
        origin = np.where(differs.any(axis=0), 1 + np.arange(size), 0)
        row = np.zeros((len(changes), fields + 1), dtype="int64")
        row[:, 0] = origin[self._starts]
        row[paths, steps + 1] = 1 + size + np.arange(len(paths))
        # A step that changes nothing stays at the row before it.
        moved = np.where(changes, np.arange(1, fields + 1), 0)
        latest = np.maximum.accumulate(np.pad(moved, ((0, 0), (1, 0))), axis=1)
        values = evaluated[np.take_along_axis(row, latest, axis=1)]
        added = np.empty(changes.shape)
        np.put_along_axis(added, self._orders, np.diff(values, axis=1), axis=1)
        pairs = added.reshape(2, size, self._pairs, fields).mean(axis=0)
        errors = np.sqrt((pairs.var(axis=1, ddof=1) / self._pairs).sum(axis=0)) / size
        return Attribution(float(evaluated[origin].mean()), pairs.mean(axis=(0, 1)), errors)


class Explainer:
    """Explains records with a predictor and a background; safe to use from any number of threads.

    Parameters
    ----------
    predictor : Predictor
    background : Columns
        Rows to compare with, as `read_background` returns them; at least one.
    rows : int, default=32,768
        Rows that the model answers for one record, where orders of fields are sampled.
    """

    def __init__(self, predictor: Predictor, background: Columns, rows: int = SAMPLED_ROWS) -> None:
        self._predictor = predictor
        self._background = [background[name] for name in predictor.schema.names]
        count, size = len(self._background), len(self._background[0])
        self._method: Method = Exact(self._background) if count <= EXACT_FIELDS else Sampled(count, size, rows)

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
        run, shares = self._shares(Checked(schema.columns([values]), [warnings]), wanted)
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
        return run, self._method.shares(run.differs(), run.ask)


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

    `prediction` and, for classes, the `position` of the explained class are known after `ask`.
    """

    def __init__(self, predictor: Predictor, checked: Checked, background: list[npt.NDArray[Any]], wanted: Any) -> None:
        self._predictor = predictor
        self._checked = checked
        self._background = background
        self._wanted = wanted
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
