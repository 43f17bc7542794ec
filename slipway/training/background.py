"""The rows that explanations compare a record with, drawn so that nobody of the training table is among them.

Each cell of a drawn row comes from another of ten people who are alike, and no number is one person's own, see
`draw_background`. Far more rows are drawn than are kept: those that are kept stand for all (`thin`), so that 64 of
them explain as well as several hundred that are taken at random. `python -m bench.explanations` measures it. This is
not differential privacy: what many people have in common is kept, and meant to be.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.inference import frames
from slipway.inference.equality import Answers
from slipway.schema.fields import Field
from slipway.schema.sampling import draw_records
from slipway.schema.types import LEAST_PEOPLE
from slipway.training.schema_inference import InferredDataset

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]

BACKGROUND_ROWS = 64
"""Rows that are kept at most."""
POOL_ROWS = 600
"""Rows that are drawn, of which some are kept."""
NEIGHBOURS = 10
"""People who are alike, each cell of a row from another one of them."""
DONORS = 5_000
"""Rows of a large table among which neighbours are looked for."""
ROUNDS = 10
"""How often rows are drawn anew that happen to be a person's."""
LEAST_WEIGHT = 0.02
"""What a field without influence counts in a distance, where all fields together count about 1."""
_BLOCK = 64


@dataclass(frozen=True)
class _Column:
    """A field's cells: `codes` are numbers, or positions in `values`; NaN where missing. `allowed` may be drawn from."""

    field: Field
    codes: Floats
    values: npt.NDArray[Any] | None
    allowed: Flags
    steps: Floats

    @property
    def ordered(self) -> bool:
        return self.values is None


def draw_background(learnt: InferredDataset, importance: dict[str, float], seed: int = 0) -> pd.DataFrame:
    """Rows like those of training, none of which is one person's.

    For each row somebody is picked at random, and each cell comes from a random one of the ten people who are most
    like this one, by the fields that matter most. A category, a missing value or a number of fewer than five people is
    never drawn: a number that fewer share is drawn between neighbours two ranks away, and the four lowest and highest
    are left out. A free text has the field's default. A row that fewer than five people have is drawn again.

    Parameters
    ----------
    learnt : InferredDataset
    importance : dict of str to float
        How much each field matters; others count next to nothing.
    seed : int, default=0

    Returns
    -------
    DataFrame of shape (600, n_fields)
        Fewer rows where nearly every row that can be drawn is somebody's; at least one.
    """
    rng = np.random.default_rng(seed)
    columns = [_column(field, learnt.inputs[field.name]) for field in learnt.schema.fields]
    size = len(learnt.inputs)
    donors = np.arange(size) if size <= DONORS else np.sort(rng.choice(size, DONORS, replace=False))
    weights = _weights(columns, importance)
    near = _nearest(columns, weights, donors, rng)
    people = _Rare(np.column_stack([_rounded(column.field, column.codes) for column in columns]))
    drawn = np.empty((0, len(columns)))
    for _ in range(ROUNDS):
        cells = np.column_stack([_cells(column, near, rng) for column in columns])
        drawn = np.concatenate([drawn, cells[~people.has(cells)]])
        if len(drawn) >= POOL_ROWS:
            break
    if not len(drawn):  # one field, say: its values are in the schema, and say nothing of a person
        return frames.of_records(learnt.schema, draw_records(learnt.schema, BACKGROUND_ROWS, seed))
    return pd.DataFrame(
        {column.field.name: _series(column, drawn[:POOL_ROWS, at], learnt) for at, column in enumerate(columns)}
    )


def thin(
    pool: pd.DataFrame,
    learnt: InferredDataset,
    importance: dict[str, float],
    answers: Answers | None,
    rows: int,
) -> pd.DataFrame:
    """The rows that stand for all: each is chosen to fill what those before it leave open.

    Source: Y. Chen, M. Welling and A. Smola, Super-samples from kernel herding, UAI 2010.

    Parameters
    ----------
    pool : DataFrame of shape (n_rows, n_fields)
    learnt : InferredDataset
    importance : dict of str to float
        As for `draw_background`.
    answers : Answers or None
        The model's to these rows, which are spread as well; None where it has no finite ones.
    rows : int

    Returns
    -------
    DataFrame of shape (at most `rows`, n_fields)
    """
    if len(pool) <= rows:
        return pool
    columns = [_column(field, pool[field.name]) for field in learnt.schema.fields]
    apart = np.zeros((len(pool), len(pool)))
    for column, weight in zip(columns, _weights(columns, importance), strict=True):
        apart += weight * _distances(column, np.arange(len(pool)), np.arange(len(pool)), squared=True)
    for figure in _figures(answers):
        apart += (2 * (figure[:, None] - figure[None])) ** 2
    alike = np.exp(-apart / (np.median(apart) or 1.0))
    wanted, filled, chosen = alike.mean(axis=1), np.zeros(len(pool)), np.zeros(len(pool), dtype=bool)
    for count in range(rows):
        best = int(np.argmax(np.where(chosen, -np.inf, wanted - filled / (count + 1))))
        chosen[best] = True
        filled += alike[best]
    return pool[chosen]


def _figures(answers: Answers | None) -> list[Floats]:
    """The answers as figures from 0 to 1: ranks of numbers, probabilities, or 0 and 1 for each class."""
    if answers is None:
        return []
    if answers.probabilities is not None:
        return list(answers.probabilities.T[1:])
    if answers.values.dtype.kind == "i":
        return [(answers.values == value).astype("float64") for value in np.unique(answers.values)]
    return [pd.Series(answers.values).rank(pct=True).to_numpy()]


def _column(field: Field, column: pd.Series) -> _Column:
    values: npt.NDArray[Any] | None = None
    if field.kind == "text":
        codes = np.zeros(len(column))
    elif field.categories:
        positions, values = pd.factorize(column)
        codes = np.where(positions < 0, np.nan, positions.astype("float64"))
    elif field.kind in ("date", "datetime"):
        codes = column.to_numpy("datetime64[s]").astype("float64")
        codes[column.isna().to_numpy()] = np.nan
    else:
        codes = column.to_numpy("float64", na_value=np.nan)
    missing = np.isnan(codes)
    allowed = ~missing | (missing.sum() >= LEAST_PEOPLE)
    if values is not None:
        counts = np.bincount(codes[~missing].astype("int64"), minlength=len(values))
        allowed[~missing] = counts[codes[~missing].astype("int64")] >= LEAST_PEOPLE
    ranks = pd.Series(codes).rank(pct=True).to_numpy()
    return _Column(field, codes, values, allowed, ranks)


def _weights(columns: list[_Column], importance: dict[str, float]) -> Floats:
    counted = np.array([max(0.0, importance.get(column.field.name, 0.0)) for column in columns])
    return counted / (counted.sum() or 1.0) + LEAST_WEIGHT


def _distances(column: _Column, these: Positions, those: Positions, squared: bool = False) -> Floats:
    """From 0 to 1 for each pair: of ranks for numbers, 0 or 1 for categories and for missing values; or four times the square."""
    cells = column.steps if column.ordered else column.codes
    one, other = cells[these][:, None], cells[those][None]
    if column.ordered:
        apart = (2 * (one - other)) ** 2 if squared else np.abs(one - other)
    else:
        apart = (one != other).astype("float64")
    neither = np.isnan(one) & np.isnan(other)
    return np.where(neither, 0.0, np.where(np.isnan(one) | np.isnan(other), 1.0, apart))


def _nearest(columns: list[_Column], weights: Floats, donors: Positions, rng: np.random.Generator) -> Positions:
    """For as many people as rows are drawn, those who are most like each, of shape (600, 10)."""
    picked = rng.choice(donors, POOL_ROWS, replace=len(donors) < POOL_ROWS)
    count = min(NEIGHBOURS, len(donors))
    near = []
    for start in range(0, POOL_ROWS, _BLOCK):
        block = picked[start : start + _BLOCK]
        apart = rng.random((len(block), len(donors))) * 1e-9  # of equals, any
        for column, weight in zip(columns, weights, strict=True):
            apart += weight * _distances(column, block, donors)
        near.append(donors[np.argpartition(apart, count - 1, axis=1)[:, :count]])
    return np.concatenate(near)


def _cells(column: _Column, near: Positions, rng: np.random.Generator) -> Floats:
    """A cell for each row of neighbours, as codes, of shape (n_rows,)."""
    order = rng.permuted(near, axis=1)
    allowed = column.allowed[order]
    donor = order[np.arange(len(order)), allowed.argmax(axis=1)]
    lone = ~allowed.any(axis=1)
    if column.allowed.any():
        donor[lone] = rng.choice(np.flatnonzero(column.allowed), int(lone.sum()))
    elif column.values is not None:  # every category is one of few people: any one that the schema lists
        return rng.integers(0, len(column.values), len(donor)).astype("float64")
    cells = column.codes[donor]
    return _blurred(column, cells, rng) if column.ordered and column.field.kind != "text" else cells


def _blurred(column: _Column, cells: Floats, rng: np.random.Generator) -> Floats:
    """Numbers of which none is the value of fewer than five people, unless it is so by chance."""
    # + 0.0 turns -0.0 into 0.0: NumPy refuses to draw between both.
    known = np.sort(column.codes[~np.isnan(column.codes)]) + 0.0
    last = len(known) - 1
    outer = min(LEAST_PEOPLE - 1, last // 2)
    first, past = np.searchsorted(known, cells, "left"), np.searchsorted(known, cells, "right")
    place = np.clip(rng.integers(first, np.maximum(past, first + 1)), 0, last)
    reach = LEAST_PEOPLE // 2
    low, high = (known[np.clip(place + step, outer, last - outer)] for step in (-reach, reach))
    blurred = _rounded(column.field, rng.uniform(low, high))
    return np.where(np.isnan(cells) | (past - first >= LEAST_PEOPLE), cells, blurred)


def _rounded(field: Field, cells: Floats) -> Floats:
    """Cells with as many digits as the table's."""
    if field.kind == "date":
        return np.asarray(np.round(cells / 86_400) * 86_400)
    return np.asarray(np.round(cells, field.decimals if field.kind == "number" else 0))


def _series(column: _Column, cells: Floats, learnt: InferredDataset) -> pd.Series:
    """Codes as a column of the table has them."""
    field, missing = column.field, np.isnan(cells)
    if field.kind == "text":
        return pd.Series([field.default] * len(cells), dtype=object)
    if column.values is not None:
        found = np.asarray(column.values, dtype=object)[np.where(missing, 0, cells).astype("int64")]
        found[missing] = None
        return pd.Series(found, dtype=object) if missing.any() else pd.Series(found).infer_objects()
    if field.kind in ("date", "datetime"):
        return pd.Series(pd.to_datetime(cells, unit="s")).astype("datetime64[ns]")
    return pd.Series(cells) if missing.any() else pd.Series(cells).astype(learnt.inputs[field.name].dtype)


class _Rare:
    """The rows that fewer than five people have, of shape (n_rows, n_fields)."""

    def __init__(self, rows: Floats) -> None:
        found, counts = np.unique(self._keys(rows), return_counts=True)
        self._rare = found[counts < LEAST_PEOPLE]

    def has(self, rows: Floats) -> Flags:
        """Which rows are among them, of shape (n_rows,)."""
        return np.isin(self._keys(rows), self._rare)

    @staticmethod
    def _keys(rows: Floats) -> npt.NDArray[Any]:
        """Each row as bytes: -0.0 is 0.0, and a missing value equals another."""
        plain = np.ascontiguousarray(np.where(np.isnan(rows), np.inf, rows) + 0.0)
        return plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()
