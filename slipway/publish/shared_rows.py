"""Rows that two versions are asked, as each takes them: of a table, of records, or of a request log."""

import datetime as dt
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.errors import DataError, FaultCode, RecordsError
from slipway.i18n import faults
from slipway.inference import frames
from slipway.inference.equality import Answers
from slipway.inference.predictor import Predictor
from slipway.schema.fields import Field, FieldError, Record
from slipway.schema.schema import Checked, Schema, Target
from slipway.schema.table import CheckedTable, check_table
from slipway.schema.types import Kind
from slipway.store.requestlog import Row, read
from slipway.tables.arrow import is_arrow, read_arrow
from slipway.tables.cells import TextTable
from slipway.tables.csv_file import check_rows
from slipway.tables.files import read_file
from slipway.tables.readers import locate, opened
from slipway.tables.source import DataSource

MOST_ROWS = 200_000
"""Of a request log, which are in memory."""


@dataclass(frozen=True)
class SharedRows:
    """Rows that both versions accept, as each is given them.

    `inputs` has the rows with the fields of the first. `actual` has values of the target, or positions in the first's
    classes, of the rows at the positions `known`. `kept` are the positions of the rows among the `given` ones.
    """

    first: Checked
    second: Checked
    inputs: pd.DataFrame
    actual: npt.NDArray[Any]
    known: npt.NDArray[np.int64]
    kept: npt.NDArray[np.int64]
    given: int


def of_records(first: Schema, second: Schema, records: Sequence[Record]) -> SharedRows:
    """The records that both accept; each is given the fields that it has.

    Parameters
    ----------
    first, second : Schema
    records : sequence of n dicts
        With the fields of both.

    Returns
    -------
    SharedRows
    """
    kept = []
    for position, record in enumerate(records):
        if not any(schema.check_record(_own(schema, record))[2] for schema in (first, second)):
            kept.append(position)
    rows = [records[position] for position in kept]
    one, other = (schema.check_records([_own(schema, row) for row in rows]) for schema in (first, second))
    places = np.array(kept, dtype="int64")
    return SharedRows(one, other, frames.frame(first, one.columns), np.zeros(0), places[:0], places, len(records))


def _own(schema: Schema, record: Record) -> Record:
    return {name: value for name, value in record.items() if name in schema.by_name}


def of_table(first: Schema, second: Schema, file: str) -> SharedRows:
    """The rows of a table that both accept and that have the target.

    Parameters
    ----------
    first, second : Schema
        With the same target.
    file : str
        Any form of table that training reads.

    Returns
    -------
    SharedRows

    Raises
    ------
    DataError
        If it cannot be read, lacks columns, or has no row that both accept.
    """
    table = read_rows(file)
    targets = target_schema(first.target)
    try:
        checked = [check_table(schema, table) for schema in (first, second, targets)]
    except RecordsError as exc:
        raise DataError(file, f"{exc}; both versions and the comparison need their columns there") from exc
    # A target that is missing is a fault of none, and no row to compare on.
    values = checked[2].checked.columns[first.target.name]
    known = np.array([value is not None and value == value for value in values.tolist()], dtype=bool)
    good = [np.array(one.good, dtype="int64") for one in checked]
    good[2] = good[2][known]
    kept = np.intersect1d(np.intersect1d(good[0], good[1]), good[2])
    if not len(kept):
        raise DataError(file, f"has no row that both versions accept{_first_fault(checked)}")
    one, other = (_rows(part, kept) for part in checked[:2])
    actual = _rows(checked[2], kept).columns[first.target.name]
    actual, known = _actual(actual.tolist(), first.target), np.arange(len(kept))
    return SharedRows(one, other, frames.frame(first, one.columns), actual, known, kept, len(table.rows))


def of_log(
    first: Schema, second: Schema, names: Collection[str], where: str, since: dt.datetime | None = None
) -> SharedRows:
    """What servers were asked, with the outcomes that were told.

    Parameters
    ----------
    first, second : Schema
        With the same target.
    names : collection of str
        Of models: requests to others are left out.
    where : str
        As `SLIPWAY_REQUEST_LOG` has it.
    since : datetime with a time zone, optional
        Requests before it are left out.

    Returns
    -------
    SharedRows
        Of `MOST_ROWS` requests at most, drawn from all of them.

    Raises
    ------
    RequestLogError
        If there is no log, or it cannot be read.
    DataError
        If it has no request that both versions accept.
    """
    rows = _drawn((row for row in read(where, since) if row["model"].partition(":")[0] in names), MOST_ROWS)
    shared = of_records(first, second, [row["inputs"] for row in rows])
    if not len(shared.kept):
        raise DataError(
            where,
            f"of its {len(rows):,} requests to {' and '.join(sorted(names))}, none is accepted by both versions; a request log has "
            "no private fields and no free text",
        )
    outcomes = [rows[place]["outcome"] for place in shared.kept.tolist()]
    (field,) = target_schema(first.target).fields
    known = [place for place, outcome in enumerate(outcomes) if outcome is not None and _is_valid(field, outcome)]
    actual = _actual([outcomes[place] for place in known], first.target)
    return replace(shared, actual=actual, known=np.array(known, dtype="int64"))


def _drawn(rows: Iterable[Row], most: int) -> list[Row]:
    """All rows or, of more, so many of which each is as likely as any other (Vitter, Random sampling with a reservoir, 1985)."""
    kept: list[Row] = []
    chance = random.Random(0)  # noqa: S311 (no secret)
    for position, row in enumerate(rows):
        if position < most:
            kept.append(row)
        elif (place := chance.randrange(position + 1)) < most:
            kept[place] = row
    return kept


def _is_valid(field: Field, outcome: Any) -> bool:
    try:
        field.check(outcome)
    except FieldError:
        return False
    return True


def _actual(values: Sequence[Any], target: Target) -> npt.NDArray[Any]:
    """Numbers, or the positions of classes."""
    if not target.classes:
        return np.array(values, dtype="float64")
    positions = {key(value): place for place, value in enumerate(target.classes)}
    return np.array([positions[key(value)] for value in values], dtype="int64")


def key(value: Any) -> str:
    """A class, whether it is a number, a boolean or the float that stands for one."""
    return str(float(value)) if isinstance(value, (bool, int, float)) else str(value)


def read_rows(file: str) -> TextTable:
    """A table in any form that training reads, as texts.

    Parameters
    ----------
    file : str

    Returns
    -------
    TextTable
        With at least one row.

    Raises
    ------
    DataError
    """
    path = locate(DataSource(file))
    with opened(Path(path)) as (content, _):
        if is_arrow(path, content.head):
            frame = read_arrow(path, content.read())
            table = read_file(frame.to_csv(index=False).encode("utf-8", "surrogatepass"), f"{path}.csv")
        else:
            table = read_file(content, str(path))
    check_rows(table, str(path))
    return table


def target_schema(target: Target) -> Schema:
    """A schema whose only field is the target, so that its cells are read as those of any input.

    Parameters
    ----------
    target : Target

    Returns
    -------
    Schema
        Of a field that may be missing.
    """
    kind: Kind = "number" if not target.classes else "boolean" if isinstance(target.classes[0], bool) else "category"
    texts = bool(target.classes) and isinstance(target.classes[0], str)
    field = Field(
        name=target.name,
        kind=kind,
        dtype="object" if texts else "float64",
        label=target.label,
        default=None,
        nullable=True,
        categories=target.classes,
        decimal=target.decimal,
    )
    return Schema(target.name, "regression", (field,), target)


def _rows(table: CheckedTable, kept: npt.NDArray[np.int64]) -> Checked:
    places = np.searchsorted(np.array(table.good, dtype="int64"), kept)
    columns = {name: column[places] for name, column in table.checked.columns.items()}
    return Checked(columns, [table.checked.warnings[place] for place in places.tolist()])


def _first_fault(tables: Sequence[CheckedTable]) -> str:
    for table in tables:
        for row, found in table.faults.items():
            if found[0].code is not FaultCode.MISSING_COLUMN:
                return f"; in row {row + 1}, {found[0].field}: {faults.problem(found[0], 'en')}"
    return ""


def answers_of(predictor: Predictor, checked: Checked, target: Target) -> Answers:
    """A version's answers, with its classes in the order of another target that has the same ones."""
    answers, own = predictor.predict_arrays(checked), predictor.schema.target
    if not own.classes or own.classes == target.classes:
        return answers
    order = np.array([target.classes.index(value) for value in own.classes])
    probabilities = answers.probabilities
    moved = None if probabilities is None else probabilities[:, np.argsort(order)]
    return Answers(order[answers.values], moved)


def not_comparable(first: Schema, second: Schema) -> str | None:
    """Why the answers of two versions cannot be compared; None if they can."""
    one, other = first.target, second.target
    if first.task != second.task:
        return f"one is a {first.task}, the other a {second.task}"
    if one.name != other.name:
        return f"one predicts {one.name!r}, the other {other.name!r}"
    if set(map(key, one.classes)) != set(map(key, other.classes)):
        return f"the classes of one are {list(one.classes)}, those of the other {list(other.classes)}"
    return None
