"""What would have to change for another prediction: the smallest changes of the fields that can be changed.

A search over one, two and then three fields at once, each over values that occurred in training: few changes come before small
ones. All values are the model's own; whether a change in the world would have this effect is not for a model to say.

Source: Wachter, Mittelstadt, Russell, Counterfactual explanations without opening the black box, Harvard Journal of Law &
Technology 31 (2018), for the question; Mothilal, Sharma, Tan, Explaining machine learning classifiers through diverse
counterfactual explanations, FAT* (2020), for several different answers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway.errors import ExpectedType, Fault, FaultCode, RecordsError, RequestCode
from slipway.inference.decision import decide
from slipway.inference.predictor import Predictor
from slipway.schema import arrays
from slipway.schema.fields import Field, Record, Value, json_equal, truncated
from slipway.schema.schema import Schema, Target

ALTERNATIVES = 3
"""More are not looked for."""
POINTS = 24
"""Values of a number that are tried, evenly over the range of training; two or three fields at once have fewer."""
FINER = 32
"""Values between the record's own and one that is enough, of which the nearest that is enough is taken."""
CATEGORIES = 24
AT_ONCE = {2: 10, 3: 5}
"""Fields that change together → values of each."""
FIELDS = {2: 6, 3: 5}
"""Fields that change together → how many of the fields that promise most are tried."""
CATEGORY_COST = 0.5
"""A change of category counts as much as one of a number by half of its range."""

OTHER_CLASS: Any = object()
"""Means that no prediction is named: of two classes, the one that is not predicted. Any value could come from a client."""

Floats = npt.NDArray[np.float64]


def changeable(schema: Schema) -> list[Field]:
    """The fields that the use case says can be changed."""
    return [field for field in schema.fields if field.changeable]


@dataclass(frozen=True)
class _Goal:
    """The class wanted, by its position, or the number that it may be at least or at most."""

    target: Target
    position: int | None = None
    minimum: float = -np.inf
    maximum: float = np.inf

    @classmethod
    def of(cls, target: Target, wanted: Any) -> "_Goal":
        if target.classes:
            position = next((place for place, value in enumerate(target.classes) if json_equal(value, wanted)), None)
            if position is None:
                raise RecordsError(
                    [Fault(FaultCode.UNKNOWN_CLASS, "wanted", truncated(wanted), list(target.classes), 0)]
                )
            return cls(target, position)
        ends = wanted if isinstance(wanted, dict) else {}
        numbers = [value for value in ends.values() if isinstance(value, (int, float)) and not isinstance(value, bool)]
        if len(ends) != 1 or not ends.keys() <= {"minimum", "maximum"} or not numbers:
            raise RecordsError([Fault(FaultCode.WRONG_TYPE, "wanted", truncated(wanted), ExpectedType.BOUNDS, 0)])
        return cls(target, minimum=ends.get("minimum", -np.inf), maximum=ends.get("maximum", np.inf))

    def distances(self, predictor: Predictor, columns: arrays.Columns) -> Floats:
        """How far each row is from the goal, of shape (n_rows,): 0 where it is reached, infinite without an answer."""
        answers = predictor.engine.predict(columns)
        if self.position is None:
            values = predictor.bounded(answers.values)
            off = np.maximum(self.minimum - values, 0) + np.maximum(values - self.maximum, 0)
            return np.where(np.isfinite(values), off, np.inf)
        reached = decide(answers, self.target).values == self.position
        if answers.probabilities is None:
            return np.where(reached, 0.0, 1.0)
        missing = 1.0 - answers.probabilities[:, self.position]
        return np.where(reached, 0.0, np.where(np.isfinite(missing), np.maximum(missing, 1e-9), np.inf))


@dataclass(frozen=True)
class _Change:
    """New values of some fields, what they cost, and how far from the goal they lead."""

    values: dict[str, Value]
    cost: float
    distance: float


class _Search:
    """The search for one record."""

    def __init__(self, predictor: Predictor, record: Record, goal: _Goal) -> None:
        self._predictor = predictor
        self._record = record
        self._goal = goal
        self._fields = [field for field in changeable(predictor.schema) if record[field.name] is not None]
        self._alone: dict[str, list[_Change]] = {}
        """Of each field: its values alone, that which leads nearest to the goal first."""
        self._costs: dict[tuple[str, Value], float] = {}
        self.best: _Change | None = None
        """That which leads nearest to the goal, whether it is reached or not."""

    def changes(self) -> list[_Change]:
        """At most three that reach the goal, each of other fields, the fewest and smallest first."""
        found: list[_Change] = []
        for field in self._fields:
            tried = self._judged([{field.name: one} for one in candidates(field, self._record[field.name], POINTS)])
            if tried:
                self._alone[field.name] = sorted(tried, key=lambda one: (one.distance, one.cost))
                found += self._nearest(tried)
        promising = sorted(self._alone, key=lambda name: self._alone[name][0].distance)
        for together, count in AT_ONCE.items():
            if len(found) >= ALTERNATIVES:
                break
            sets = combinations(promising[: FIELDS[together]], together)
            open_sets = [names for names in sets if not any(one.values.keys() <= set(names) for one in found)]
            for tried in self._together(open_sets, count):
                found += self._nearest(tried)
        return sorted(found, key=lambda one: (len(one.values), one.cost))[:ALTERNATIVES]

    def _nearest(self, tried: Sequence[_Change]) -> list[_Change]:
        """The smallest of the changes that reach the goal, if there is one."""
        enough = [one for one in tried if one.distance == 0]
        return [self._refined(min(enough, key=lambda one: one.cost))] if enough else []

    def _together(self, sets: Sequence[tuple[str, ...]], count: int) -> Iterator[list[_Change]]:
        """Of each set of fields the changes of all of them."""
        choices = {name: self._choices(name, count) for names in sets for name in names}
        tried = [
            [dict(zip(names, values, strict=True)) for values in product(*map(choices.__getitem__, names))]
            for names in sets
        ]
        judged = iter(self._judged([one for each in tried for one in each]))
        return (list(islice(judged, len(each))) for each in tried)

    def _choices(self, name: str, count: int) -> list[Value]:
        field = self._predictor.schema.by_name[name]
        if field.categories:  # those that promise most
            return [one.values[name] for one in self._alone[name][:count]]
        return candidates(field, self._record[name], count)

    def _judged(self, tried: list[dict[str, Value]]) -> list[_Change]:
        if not tried:
            return []
        distances = self._goal.distances(self._predictor, self._columns(tried))
        found = [
            _Change(values, self._cost(values), distance)
            for values, distance in zip(tried, distances.tolist(), strict=True)
        ]
        self.best = min(filter(None, [self.best, *found]), key=lambda one: (one.distance, len(one.values), one.cost))
        return found

    def _columns(self, tried: list[dict[str, Value]]) -> arrays.Columns:
        """The record with each of the changes."""
        changed = set().union(*tried)
        found = {}
        for field in self._predictor.schema.fields:
            own = self._record[field.name]
            if field.name in changed:
                found[field.name] = arrays.array(field, [one.get(field.name, own) for one in tried])
            else:
                found[field.name] = np.repeat(arrays.array(field, [own]), len(tried))
        return found

    def _cost(self, values: dict[str, Value]) -> float:
        total = 0.0
        for name, value in values.items():
            # A value stands in many of the combinations that are tried.
            if (name, value) not in self._costs:
                self._costs[name, value] = _cost(self._predictor.schema.by_name[name], self._record[name], value)
            total += self._costs[name, value]
        return total

    def _refined(self, change: _Change) -> _Change:
        """The same fields, each number as near to the record's own as is still enough."""
        for name in change.values:
            field = self._predictor.schema.by_name[name]
            if field.categories:
                continue
            between = _between(field, self._record[name], change.values[name])
            tried = self._judged([change.values | {name: value} for value in between])
            change = min([change, *(one for one in tried if one.distance == 0)], key=lambda one: one.cost)
        return change


def candidates(field: Field, own: Value, count: int) -> list[Value]:
    """Other values of a field that occurred in training, or lie between such, in the direction it can be changed.

    Parameters
    ----------
    field : Field
    own : Value
        Of the record; not None.
    count : int
        How many of a number.

    Returns
    -------
    list of Value
        Nearest to the record's own first, for numbers.
    """
    if field.categories:
        return [value for value in field.categories if not json_equal(value, own)][:CATEGORIES]
    grid = {_rounded(field, value) for value in field.spaced(count)}
    allowed = [
        value
        for value in grid
        if value != own and not (field.changeable == "up" and value < own or field.changeable == "down" and value > own)  # type: ignore[operator]
    ]
    return sorted(allowed, key=lambda value: abs(value - own))  # type: ignore[operator]


def _between(field: Field, own: Any, value: Any) -> set[float | int]:
    return {_rounded(field, one) for one in np.linspace(own, value, FINER + 2)} - {own, value}


def _rounded(field: Field, value: float) -> float | int:
    """As it is shown, inside the range of training: a record may lie outside of it, and so may its rounded ends."""
    low, high = float(field.observed_min or 0), float(field.observed_max or 0)
    inside = min(max(float(value), low), high)
    return round(inside) if field.kind == "integer" else min(max(round(inside, field.decimals), low), high)


def _cost(field: Field, own: Any, value: Any) -> float:
    if field.categories:
        return CATEGORY_COST
    width = float(field.observed_max or 0) - float(field.observed_min or 0)
    return abs(float(value) - float(own)) / (width or 1.0)


def counterfactual(predictor: Predictor, record: Any, wanted: Any) -> dict[str, Any]:
    """The smallest changes of a record that lead to another prediction.

    Parameters
    ----------
    predictor : Predictor
    record : JSON value
        As a client sends it, not yet checked.
    wanted : JSON value
        A class, or for numbers `{"minimum": …}` or `{"maximum": …}`; of two classes also `OTHER_CLASS`.

    Returns
    -------
    dict
        `model`, `prediction` (that of the record as it is), `reached` (whether that is wanted already), `alternatives` (at most
        three, each with `changes` and the `prediction` with them) and `closest`: the nearest to it where there is no alternative,
        or None.

    Raises
    ------
    RecordsError
        With every fault of the record, or of `wanted`; with the code `nothing_changeable` if no field can be changed.
    """
    schema = predictor.schema
    if not changeable(schema):
        text = "no field of this model can be changed; mark them with `changeable:` in the use case, and train again"
        raise RecordsError([], text, RequestCode.NOTHING_CHANGEABLE)
    checked = schema.check_records([record])
    (now,) = predictor.predict(checked)
    if wanted is OTHER_CLASS:
        wanted = next(value for value in schema.target.classes if not json_equal(value, now["prediction"]))
    goal = _Goal.of(schema.target, wanted)
    given = {name: _checked_value(schema.by_name[name], record[name]) for name in schema.names}
    reached = float(goal.distances(predictor, checked.columns)[0]) == 0
    search = _Search(predictor, given, goal)
    found = [] if reached else search.changes()
    closest = None if found or reached else search.best
    return {
        "model": predictor.tag,
        "prediction": now,
        "reached": reached,
        "alternatives": [_described(predictor, given, one) for one in found],
        "closest": closest and _described(predictor, given, closest),
    }


def _checked_value(field: Field, value: Any) -> Value:
    return field.check(value)[0]


def _described(predictor: Predictor, record: Record, change: _Change) -> dict[str, Any]:
    (prediction,) = predictor.answer([record | change.values])["predictions"]
    changes = [{"field": name, "from": record[name], "to": value} for name, value in change.values.items()]
    return {"changes": changes, "prediction": prediction}
