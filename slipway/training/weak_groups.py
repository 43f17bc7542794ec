"""The groups of which fewer true values lie in the interval than it says, so that their answers say less."""

from math import floor

import numpy as np

from slipway.inference.interval import WeakGroup
from slipway.schema.cells import CellTerm
from slipway.schema.fields import Field
from slipway.schema.figures import Group, Groups
from slipway.schema.schema import Schema
from slipway.tables.dates import minutes
from slipway.training.conformal import COVERAGE


def weak_groups(groups: Groups, schema: Schema) -> tuple[WeakGroup, ...]:
    """The groups whose share of covered true values is clearly lower than that of all others.

    Parameters
    ----------
    groups : Groups
        As `slipway.training.subgroups.groups` measured them on rows that the model had not seen.
    schema : Schema

    Returns
    -------
    tuple of WeakGroup
        Their shares are rounded down to whole percentages.
    """
    found = []
    for item in groups.fields:
        for part in item.groups:
            if "covered" in part.worse and part.covered is not None and part.covered < COVERAGE:
                term, cell = _cell(schema.by_name[item.field], item.groups, part)
                found.append(WeakGroup(term, cell, floor(100 * part.covered) / 100))
    return tuple(found)


def _cell(field: Field, groups: tuple[Group, ...], part: Group) -> tuple[CellTerm, int]:
    """The term with a cell that is the group, and the position of that cell."""
    if part.missing:
        return CellTerm(field.name), 1
    if part.low is None:
        listed = tuple(one.value for one in groups if not one.missing and one.others is None)
        return CellTerm(field.name, values=listed), len(listed) if part.others else listed.index(part.value)
    lows = [_number(one.low, field) for one in groups if one.low is not None]
    return CellTerm(field.name, edges=tuple(lows[1:])), lows.index(_number(part.low, field))


def _number(end: float | int | str, field: Field) -> float:
    """The lower end of a band in the unit of the profile."""
    if isinstance(end, str):
        return float(minutes(end) if field.kind == "time" else np.datetime64(end, "D").astype("int64"))
    return float(end)
