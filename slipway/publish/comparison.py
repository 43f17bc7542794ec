"""What differs between two versions: schema, training data, metrics, and predictions for the same rows.

A version keeps no training rows that could be asked again, so rows with a target have to be given, or a request log: a version answers
what servers were asked as if it had been served. Without, predictions are compared for records drawn from the schema, of which nobody knows the truth.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from slipway import store
from slipway.inference.equality import TOLERANCE, Answers
from slipway.publish.paired import Difference, Evidence, evidence, losses, paired_difference
from slipway.publish.shared_rows import SharedRows, answers_of, not_comparable, of_log, of_records, of_table
from slipway.schema.changes import SchemaChange, schema_changes
from slipway.schema.figures import Group
from slipway.schema.metrics import FoldScore
from slipway.schema.sampling import draw_records
from slipway.schema.schema import Schema, Target
from slipway.store import Version
from slipway.training.subgroups import LEAST_ROWS, are_worse, group_rows

DRAWN = 2000
MOST_GROUPS = 10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class DataChange:
    """The training data of both versions, as (first, second): where it came from, its SHA-256, and rows of all and of the hold-out.

    `same` is whether it was the same file, byte for byte; None if one version does not know.
    """

    sources: tuple[str, str]
    sha256: tuple[str, str]
    rows: tuple[int, int]
    holdout: tuple[int, int]
    same: bool | None


@dataclass(frozen=True)
class SavedMetric:
    """A metric that both versions were saved with: over the folds and on the hold-out of their own training."""

    name: str
    folds: tuple[FoldScore, FoldScore]
    holdout: tuple[float, float]


@dataclass(frozen=True)
class MovedGroup:
    """A group of a field whose predictions moved: by `moved` on average whatever the direction, by `shift` with its sign.

    `clearly` is whether by more than those of all other rows, beyond chance.
    """

    field: str
    group: Group
    rows: int
    moved: float
    shift: float
    clearly: bool


@dataclass(frozen=True)
class PredictionChange:
    """How predictions differ from the first version to the second.

    Numbers move by the difference, classes by the difference of the probability of the true or positive class that `of` names; without
    probabilities, by 1 if the class is another. `quantiles` are the 5th, 50th and 95th percentile and the largest of the
    absolute movement. `flipped` is the share of rows with another class. `accepted` of `given` rows are accepted by both.
    """

    rows: str
    given: int
    accepted: int
    of: Any
    changed: float
    mean: float
    quantiles: tuple[float, float, float, float]
    flipped: float | None
    groups: tuple[MovedGroup, ...]


@dataclass(frozen=True)
class Comparison:
    """Two versions side by side. `differences` are of rows with a target; `missing` says what could not be compared, and why.

    `evidence` is there for rows of a request log, of which there are more at each look.
    """

    first: str
    second: str
    schema: tuple[SchemaChange, ...]
    data: DataChange
    saved: tuple[SavedMetric, ...]
    differences: tuple[Difference, ...]
    predictions: PredictionChange | None
    missing: tuple[str, ...]
    evidence: tuple[Evidence, ...] = ()


def compare(
    first: Version,
    second: Version,
    data: str | None = None,
    log: str | None = None,
    since: dt.datetime | None = None,
) -> Comparison:
    """Compare two versions.

    Parameters
    ----------
    first, second : Version
    data : str, optional
        The path of a table with the fields of both and the target.
    log : str, optional
        Instead: a request log, as `SLIPWAY_REQUEST_LOG` has it, of servers of one of them.
    since : datetime with a time zone, optional
        Requests before it are left out.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError, RequestLogError, StoreError
        If the rows cannot be read, there is none that both accept, or a version cannot be loaded.
    """
    one, other = first.schema(), second.schema()
    differences: tuple[Difference, ...] = ()
    proof: tuple[Evidence, ...] = ()
    predictions, missing = None, []
    if reason := not_comparable(one, other):
        missing.append(f"predictions: {reason}")
    else:
        rows, which = _rows(first, second, data, log, since)
        if len(rows.kept):
            answers = _answers(first, second, rows, one.target)
            predictions = _predictions(one, rows, *answers, which)
            differences, proof = _differences(rows, *answers, one.target)
        else:
            missing.append(f"predictions: of {rows.given:,} records drawn from the schemas, none is accepted by both")
        if log and not differences:
            missing.append("errors on the same rows: no outcome of these requests was told (`POST /outcome`)")
        elif not differences:
            missing.append("errors on the same rows: versions keep no rows with a target; give some with --data TABLE")
    return Comparison(
        first.tag,
        second.tag,
        tuple(schema_changes(one, other)),
        _data(first, second),
        tuple(_saved(first, second)),
        differences,
        predictions,
        tuple(missing),
        proof if log else (),
    )


def _rows(
    first: Version, second: Version, data: str | None, log: str | None, since: dt.datetime | None
) -> tuple[SharedRows, str]:
    """The rows, and what they are called."""
    schemas = first.schema(), second.schema()
    if data:
        return of_table(*schemas, data), f"rows of {data}"
    if log:
        return of_log(*schemas, {first.name, second.name}, log, since), f"requests of {log}"
    return _drawn(*schemas), "records drawn from the schema"


def _data(first: Version, second: Version) -> DataChange:
    one, other = first.metrics(), second.metrics()
    sha256 = one.data.sha256, other.data.sha256
    return DataChange(
        (one.data.source, other.data.source),
        sha256,
        (one.rows.all, other.rows.all),
        (one.rows.holdout, other.rows.holdout),
        sha256[0] == sha256[1] if all(sha256) else None,
    )


def _saved(first: Version, second: Version) -> list[SavedMetric]:
    one, other = first.metrics(), second.metrics()
    if one.averaged != other.averaged:  # the same names mean other figures
        return []
    return [
        SavedMetric(name, (one.folds[name], other.folds[name]), (one.holdout[name], other.holdout[name]))
        for name in one.folds
        if name in other.folds and name in one.holdout and name in other.holdout
    ]


def _drawn(first: Schema, second: Schema) -> SharedRows:
    """Records within what the first saw; fields that only the second has are drawn from what that saw."""
    drawn = zip(draw_records(second, DRAWN, seed=1), draw_records(first, DRAWN, seed=0), strict=True)
    return of_records(first, second, [other | one for other, one in drawn])


def _answers(first: Version, second: Version, rows: SharedRows, target: Target) -> tuple[Answers, Answers]:
    one, other = (store.load_predictor(version) for version in (first, second))
    return answers_of(one, rows.first, target), answers_of(other, rows.second, target)


def _differences(
    rows: SharedRows, first: Answers, second: Answers, target: Target
) -> tuple[tuple[Difference, ...], tuple[Evidence, ...]]:
    if not len(rows.known):
        return (), ()
    one, other = (losses(_at(answers, rows.known), rows.actual, target) for answers in (first, second))
    both = [name for name in one if name in other]
    proof = [evidence(name, one[name], other[name]) for name in both]
    return tuple(paired_difference(name, one[name], other[name]) for name in both), tuple(filter(None, proof))


def _at(answers: Answers, places: npt.NDArray[np.int64]) -> Answers:
    probabilities = None if answers.probabilities is None else answers.probabilities[places]
    return Answers(answers.values[places], probabilities)


def _predictions(schema: Schema, rows: SharedRows, first: Answers, second: Answers, which: str) -> PredictionChange:
    target = schema.target
    of, shift = None, np.asarray(second.values - first.values, dtype="float64")
    flipped = None
    if target.classes:
        changed = first.values != second.values
        flipped, shift = float(changed.mean()), changed.astype("float64")
        if first.probabilities is not None and second.probabilities is not None:
            place = (
                target.classes.index(target.positive) if target.positive in target.classes else len(target.classes) - 1
            )
            of, shift = target.classes[place], second.probabilities[:, place] - first.probabilities[:, place]
    moved = np.abs(shift)
    low, middle, high, most = np.quantile(moved, [0.05, 0.5, 0.95, 1]).tolist()
    # As of two engines of one model: what floating point does is no movement.
    scale = 1.0 if target.classes else np.maximum(np.abs(first.values), target.std or 0.0)
    return PredictionChange(
        rows=which,
        given=rows.given,
        accepted=len(rows.kept),
        of=of,
        changed=float(np.mean(moved > TOLERANCE * scale)),
        mean=float(shift.mean()),
        quantiles=(low, middle, high, most),
        flipped=flipped,
        groups=_groups(schema, rows, shift),
    )


def _groups(schema: Schema, rows: SharedRows, shift: Floats) -> tuple[MovedGroup, ...]:
    """The groups that moved most; those first that moved clearly more than all other rows."""
    moved, found = np.abs(shift), []
    for field in schema.fields:
        if field.kind == "text" or not moved.any():
            continue
        parts, place = group_rows(rows.inputs[field.name], field)
        clearly = are_worse(moved, place, len(parts))
        for position, part in enumerate(parts):
            here = place == position
            if (count := int(here.sum())) >= LEAST_ROWS:
                moves = float(moved[here].mean()), float(shift[here].mean())
                found.append(MovedGroup(field.name, part, count, *moves, bool(clearly[position])))
    found.sort(key=lambda one: (not one.clearly, -one.moved))
    return tuple(found[:MOST_GROUPS])
