"""For whom the model is worse: its errors by subgroup, for each category and for bands of each number.

Only answers for rows that the model had not seen are compared. Training only.
"""

from dataclasses import replace
from math import floor, log10
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.schema.fields import Field
from slipway.schema.figures import FieldGroups, Group, Groups, Measure
from slipway.schema.schema import Schema
from slipway.schema.types import LEAST_PEOPLE
from slipway.tables.dates import time_text
from slipway.training.calibration import losses
from slipway.training.conformal import usable
from slipway.training.evaluation import HeldOut

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]

EPOCH = pd.Timestamp(1970, 1, 1)

MOST_FIELDS = 50
MOST_CATEGORIES = 12
LEAST_ROWS = 20
"""A group with fewer rows has its count and no figure: chance alone would make one."""
CLEARLY = 3.0
"""Standard errors by which a group must be worse than all others."""
WORTHWHILE = 0.1
"""And by how much, as a share, worse than the whole: of many rows, trifles are beyond chance too."""


def groups(unseen: HeldOut, schema: Schema, covered: Floats | None, names: list[str]) -> Groups:
    """How good the answers are, for the whole and for each group of each field.

    Parameters
    ----------
    covered : array of shape (n_rows,), optional
        1 where the interval holds the true value, 0 where not, NaN where there is none.
    names
        The fields in the order in which they count; groups are made of the first 50.

    Returns
    -------
    Groups
        With measures from 20 rows on.
    """
    measures = _measures(unseen, schema, covered)
    fields = {field.name: field for field in schema.fields if field.kind != "text"}
    found = []
    for name in [name for name in names if name in fields][:MOST_FIELDS]:
        parts, group = group_rows(unseen.inputs[name], fields[name])
        measured = tuple(part for part in _measured(parts, group, measures) if part.rows)
        found.append(FieldGroups(name, measured))
    (whole,) = _measured([Group(0)], np.zeros(len(unseen.actual), dtype="int64"), measures)
    return Groups(whole, tuple(found))


def _measures(unseen: HeldOut, schema: Schema, covered: Floats | None) -> dict[Measure, tuple[Floats, bool]]:
    """A measure's name, its part of each row (NaN where a row has none), and whether more of it is worse."""
    actual, answered, scores = unseen.actual, unseen.answers.values, unseen.answers.probabilities
    if not schema.target.classes:
        errors = np.where(usable(answered, actual), answered - actual, np.nan)
        found: dict[Measure, tuple[Floats, bool]] = {"mae": (np.abs(errors), True), "bias": (errors, True)}
        return found if covered is None else found | {"covered": (covered, False)}
    right = (answered == actual).astype("float64")
    found = {} if scores is None else {"brier": (losses(scores, actual), True)}
    found["accuracy"] = right, False
    if len(schema.target.classes) == 2:
        positive = schema.target.classes.index(schema.target.positive)
        found["recall"] = np.where(actual == positive, right, np.nan), False
    return found


def _measured(parts: list[Group], group: Positions, measures: dict[Measure, tuple[Floats, bool]]) -> list[Group]:
    """The groups with their rows and measures; `group`, of shape (n_rows,), is each row's position in `parts`."""
    found: list[dict[str, Any]] = [{"rows": int(rows)} for rows in _sums(group, len(parts))]
    worse: list[list[Measure]] = [[] for _ in parts]
    for name, (measure, more_is_worse) in measures.items():
        known = ~np.isnan(measure)
        values, of = measure[known], group[known]
        rows = _sums(of, len(parts))
        means = _sums(of, len(parts), values) / np.maximum(rows, 1)
        for position in np.flatnonzero(rows >= LEAST_ROWS):
            found[position][name] = float(means[position])
        # A bias has two directions; the error says whether it does harm.
        if name != "bias":
            losses = values if more_is_worse else 1 - values
            for position in np.flatnonzero(are_worse(losses, of, len(parts))):
                worse[position].append(name)
    return [
        replace(part, worse=tuple(names), **values) for part, values, names in zip(parts, found, worse, strict=True)
    ]


def _sums(group: Positions, count: int, values: npt.NDArray[Any] | None = None) -> Floats:
    return np.bincount(group, weights=values, minlength=count).astype("float64")


def are_worse(losses: Floats, group: Positions, count: int) -> npt.NDArray[np.bool_]:
    """Whether a group's losses exceed all others' by more than chance, and by enough to matter.

    Chance is the standard error of the difference of two means. Source: Welch, The generalization
    of "Student's" problem when several different population variances are involved, Biometrika 34 (1947).

    Parameters
    ----------
    losses : array of shape (n_rows,)
        The larger, the worse.
    group : array of int, of shape (n_rows,)
        The position of each row's group.
    count : int
        The number of groups.

    Returns
    -------
    array of bool, of shape (count,)
    """
    whole = losses.mean() if len(losses) else 0.0
    off = losses - whole
    here = np.array([_sums(group, count), _sums(group, count, off), _sums(group, count, off**2)])
    elsewhere = here.sum(axis=1, keepdims=True) - here
    enough = np.minimum(here[0], elsewhere[0]) >= LEAST_ROWS
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        gap = here[1] / here[0] - elsewhere[1] / elsewhere[0]
        chance = np.sqrt(_variance_of_mean(*here) + _variance_of_mean(*elsewhere))
        return np.asarray(enough & (gap > CLEARLY * chance) & (here[1] / here[0] > WORTHWHILE * whole))


def _variance_of_mean(rows: Floats, total: Floats, squares: Floats) -> Floats:
    return np.asarray((squares - total**2 / rows).clip(0) / (rows - 1) / rows)


def group_rows(column: pd.Series, field: Field) -> tuple[list[Group], Positions]:
    """The groups of a field, and each row's position among them."""
    missing = column.isna().to_numpy()
    parts, group = _categories(column, field, missing) if field.categories else _bands(column, field, missing)
    if missing.any():
        group[missing] = len(parts)
        parts.append(Group(0, missing=True))
    return parts, group


def _categories(column: pd.Series, field: Field, missing: Mask) -> tuple[list[Group], Positions]:
    group = np.zeros(len(column), dtype="int64")
    for position, value in enumerate(field.categories):
        group[(column == value).fillna(False).to_numpy(dtype=bool)] = position
    parts = [Group(0, value=value) for value in field.categories]
    counts = _sums(group[~missing], len(parts))
    if len(parts) <= MOST_CATEGORIES and not np.any((counts > 0) & (counts < LEAST_PEOPLE)):
        return parts, group
    order = np.argsort(-counts, kind="stable")
    most = min(MOST_CATEGORIES - 1, int((counts >= LEAST_PEOPLE).sum()))
    shown = sorted(order[:most].tolist())
    place = np.full(len(parts), len(shown))
    place[shown] = np.arange(len(shown))
    return [*(parts[position] for position in shown), Group(0, others=len(parts) - len(shown))], place[group]


def _bands(column: pd.Series, field: Field, missing: Mask) -> tuple[list[Group], Positions]:
    """Quartiles, at round values; fewer where many rows share a value."""
    if field.kind in ("date", "datetime"):
        column = (column - EPOCH).dt.days
    known = column[~missing]
    if known.empty:
        return [], np.zeros(len(column), dtype="int64")
    values, whole = known.to_numpy("float64"), field.kind != "number"
    low, high = values.min(), values.max()
    digits = 0 if whole else min(digits_of(float(high - low)), field.decimals)
    edges = np.unique(np.round(np.quantile(values, [0.25, 0.5, 0.75]), digits))
    edges = edges[(edges > low) & (edges <= high)]
    ordered = np.sort(values)
    while len(edges):
        counts = np.diff([0, *np.searchsorted(ordered, edges), len(ordered)])
        if counts.min() >= LEAST_PEOPLE:
            break
        edges = np.delete(edges, max(0, int(counts.argmin()) - 1))
    group = np.zeros(len(column), dtype="int64")
    # A value of PyCaret's narrow dtype lies on an edge only where the edge is as narrow.
    group[~missing] = np.searchsorted(edges.astype(known.dtype), known.to_numpy(), side="right")
    lows, highs = [low, *edges], [*(edges - 1 if whole else edges), high]
    ends = zip(lows, highs, strict=True)
    return [Group(0, low=_end(first, field), high=_end(last, field)) for first, last in ends], group


def _end(value: float, field: Field) -> float | int | str:
    if field.kind == "time":
        return time_text(value)
    if field.kind in ("date", "datetime"):
        return str((EPOCH + pd.Timedelta(days=int(value))).date())
    return int(value) if field.kind == "integer" else round(float(value), field.decimals)


def digits_of(spread: float) -> int:
    """Decimals that give a range of this size three digits; negative for thousands."""
    return 2 - floor(log10(spread)) if spread > 0 else 6
