"""Partial dependence: the average prediction as one input changes and the others stay what they are. Training only.

It is asked of the model that is served, not of one of the folds, and its averages are over hundreds of rows: no row of
the training table can be read from them.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.errors import RecordsError
from slipway.inference import frames
from slipway.inference.predictor import Predictor
from slipway.schema.arrays import Columns
from slipway.schema.fields import Field, Value
from slipway.schema.figures import Dependence, FieldDependence
from slipway.schema.schema import Checked, Schema
from slipway.tables.dates import time_text
from slipway.training.schema_inference import InferredDataset
from slipway.training.subgroups import digits_of

Floats = npt.NDArray[np.float64]

POINTS = 25
"""Values of a number or date."""
CATEGORIES = 20
"""The most frequent ones; a value of each of thousands would be no picture."""
CLASSES = 4
"""More lines cannot be told apart."""
FIELDS = 60
"""Of a wide table, the most important ones."""
ROWS = (50, 300)
"""The fewest and the most rows that are averaged."""
PREDICTIONS = 60_000
"""What is asked of the model at most, unless even the fewest rows are more."""
TAIL = 0.025
"""The share of rows at each end of a number that are not reached: there, a curve would be about next to nobody."""


def partial_dependence(
    learnt: InferredDataset, importance: Mapping[str, float], predictor: Predictor, seed: int = 0
) -> Dependence | None:
    """The average prediction of a sample of training rows, as each field takes values of its range.

    Where fields are related this includes combinations that do not occur, and it does not say what causes what.
    Source: J. Friedman, Greedy function approximation, Annals of Statistics 29 (2001), section 8.2.

    Parameters
    ----------
    learnt : InferredDataset
    importance : mapping of str to float
        Most important first; free texts have no values to try and are left out.
    predictor : Predictor
        Of the served model.
    seed : int, default=0
        Of the sample.

    Returns
    -------
    Dependence or None
        None for classes without probabilities, and where the model has no finite answer to the sample. A field is left
        out where the model has no finite answer to one of its values.
    """
    schema = learnt.schema
    chosen = [schema.by_name[name] for name in importance if schema.by_name[name].kind != "text"][:FIELDS]
    tried = {field.name: _values(field, learnt.inputs[field.name]) for field in chosen}
    fewest, most = ROWS
    size = max(fewest, min(most, PREDICTIONS // max(1, sum(map(len, tried.values())))))
    times = [field.name for field in schema.fields if field.kind == "time"]
    sample = learnt.inputs.sample(min(size, len(learnt.inputs)), random_state=seed)
    records = frames.records(sample, times)
    columns = schema.columns(records)
    asked = _Asked(predictor, schema, len(sample))
    if (whole := asked.means(columns, 1)) is None:
        return None
    found = []
    for field in chosen:
        values = tried[field.name]
        cells = schema.columns([records[0] | {field.name: value} for value in values])[field.name]
        rows = {name: np.tile(column, len(values)) for name, column in columns.items()}
        rows[field.name] = np.repeat(cells, len(sample))
        if (means := asked.means(rows, len(values))) is not None:
            found.append(FieldDependence(field.name, tuple(values), means))
    classes = tuple(schema.target.classes[position] for position in asked.positions)
    return Dependence(len(sample), tuple(line[0] for line in whole), classes, tuple(found))


class _Asked:
    """Averages of the model's answers, over `size` rows each.

    `positions` are the classes that are shown: the positive one of two, or the first ones.
    """

    def __init__(self, predictor: Predictor, schema: Schema, size: int) -> None:
        classes = schema.target.classes
        two = len(classes) == 2
        self.positions = [classes.index(schema.target.positive)] if two else list(range(len(classes)))[:CLASSES]
        self._predictor, self._size = predictor, size

    def means(self, rows: Columns, count: int) -> tuple[tuple[float, ...], ...] | None:
        """For `count` times `size` rows the averages, in lines of `count`; None if there is no finite answer."""
        try:
            answers = self._predictor.predict_arrays(Checked(rows, [[] for _ in range(count * self._size)]))
        except RecordsError:
            return None
        if self.positions and answers.probabilities is None:
            return None
        lines = (
            [answers.probabilities[:, position] for position in self.positions]
            if answers.probabilities is not None
            else [answers.values.astype("float64")]
        )
        averages = [line.reshape(count, self._size).mean(axis=1) for line in lines]
        digits = 4 if self.positions else digits_of(float(np.ptp(answers.values))) + 1
        return tuple(tuple(round(float(one), digits) for one in line) for line in averages)


def _values(field: Field, column: pd.Series) -> list[Value]:
    """The values that a field is given: in order, or the most frequent ones; at last a missing value, if there are any."""
    missing: list[Value] = [None] if field.nullable and column.isna().any() else []
    if field.categories:
        order = {str(value): at for at, value in enumerate(column.value_counts().index.tolist())}
        ranked = sorted(field.categories, key=lambda value: order.get(str(value), len(order)))
        return [*ranked[:CATEGORIES], *missing]
    if field.kind in ("date", "datetime"):
        return [*_moments(field), *missing]
    known = column.dropna().to_numpy("float64")
    return [*_numbers(field, known), *missing] if len(known) else missing


def _numbers(field: Field, known: Floats) -> list[Any]:
    """Evenly between the ends of what nearly all rows have; rounded, so that no end is a person's own value."""
    low, high = np.quantile(known, (TAIL, 1 - TAIL))
    if low == high:
        low, high = known.min(), known.max()
    if field.kind == "time":
        return list(dict.fromkeys(time_text(round(place)) for place in np.linspace(low, high, POINTS)))
    digits = 0 if field.kind == "integer" else min(field.decimals, digits_of(float(high - low)))
    points = [round(float(point), digits) + 0.0 for point in np.linspace(low, high, POINTS)]
    return sorted({int(point) if field.kind == "integer" else point for point in points})


def _moments(field: Field) -> list[Any]:
    """Days evenly over those of training; times of day are the field's usual one."""
    first, last = (dt.datetime.fromisoformat(str(end)) for end in (field.observed_min, field.observed_max))
    time = dt.datetime.fromisoformat(str(field.default or field.observed_min)).time()
    places = np.linspace(first.toordinal(), last.toordinal(), POINTS)
    days = sorted({dt.date.fromordinal(round(place)) for place in places})
    if field.kind == "date":
        return [day.isoformat() for day in days]
    moments = [dt.datetime.combine(day, time) for day in days]
    return [moment.isoformat() for moment in moments if first <= moment <= last] or [first.isoformat()]
