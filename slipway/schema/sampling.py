"""Random records: like those in training, for golden predictions and benchmarks, and far outside, for the parity check."""

import math
import random
from datetime import date, datetime, timedelta
from typing import Any

from slipway.schema.fields import Field, Record
from slipway.schema.schema import Schema
from slipway.tables.dates import minutes, time_text


def draw_records(schema: Schema, count: int, seed: int) -> list[Record]:
    """Random records within what training saw: ranges, categories, and some values missing.

    Parameters
    ----------
    schema : Schema
    count : int
    seed : int
        The same seed draws the same records.

    Returns
    -------
    list of `count` records
        All of them valid.
    """
    rng = random.Random(seed)
    return [{field.name: _draw(field, rng) for field in schema.fields} for _ in range(count)]


FARTHEST = 4
"""Powers of ten over which the distances of `draw_outside` are spread, the largest being that of the bound."""
FIRST_DAY, LAST_DAY = date(1678, 1, 1), date(2261, 12, 31)
"""The dates that a schema allows."""


def draw_outside(schema: Schema, count: int, seed: int) -> list[Record]:
    """Random records that lie outside of what training saw, as far as the hard bounds let through.

    Parameters
    ----------
    schema : Schema
    count : int
    seed : int
        The same seed draws the same records.

    Returns
    -------
    list of `count` records
        All of them valid, the first half with one value outside, the others with about half of them; none if no
        value can be outside.
    """
    rng = random.Random(seed)
    able = [field.name for field in schema.fields if _can_be_outside(field)]
    records: list[Record] = []
    for position in range(count if able else 0):
        some = [rng.choice(able)] if position < count // 2 else [name for name in able if rng.random() < 0.5]
        outside = {name: _draw_outside(schema.by_name[name], rng) for name in some}
        records.append({field.name: _draw(field, rng) for field in schema.fields} | outside)
    return records


def _can_be_outside(field: Field) -> bool:
    return field.kind in ("number", "integer", "date", "datetime") and not field.categories


def _draw_outside(field: Field, rng: random.Random) -> Any:
    share = 10 ** -rng.uniform(0, FARTHEST)
    below = rng.random() < 0.5
    if isinstance(field.observed_min, str) and isinstance(field.observed_max, str):
        end = datetime.fromisoformat(field.observed_min if below else field.observed_max)
        days = share * ((FIRST_DAY if below else LAST_DAY) - end.date()).days
        moment = end + timedelta(days=math.trunc(days))
        return (moment.date() if field.kind == "date" else moment).isoformat()
    end_number = float((field.observed_min if below else field.observed_max) or 0)
    bound = field.minimum if below else field.maximum
    number = end_number if bound is None else end_number + share * (bound - end_number)
    return math.trunc(number) if field.kind == "integer" else number


def _draw(field: Field, rng: random.Random) -> Any:
    if field.nullable and rng.random() < 0.1:
        return None
    if field.kind == "text":
        return field.default  # what people wrote in training is not to be repeated
    if field.categories:
        return rng.choice(field.categories)
    if isinstance(field.observed_min, str) and isinstance(field.observed_max, str):
        if field.kind == "time":
            low, high = minutes(field.observed_min), minutes(field.observed_max)
            return time_text(rng.randint(math.ceil(low), math.floor(high)) if math.ceil(low) <= high else low)
        if field.kind == "datetime":
            start, end = datetime.fromisoformat(field.observed_min), datetime.fromisoformat(field.observed_max)
            return (start + timedelta(seconds=rng.randint(0, int((end - start).total_seconds())))).isoformat()
        first, last = date.fromisoformat(field.observed_min), date.fromisoformat(field.observed_max)
        return (first + timedelta(days=rng.randint(0, (last - first).days))).isoformat()
    low, high = float(field.observed_min or 0), float(field.observed_max or 0)
    if field.kind == "integer":
        return rng.randint(int(low), int(high))
    return min(max(round(rng.uniform(low, high), field.decimals), low), high)
