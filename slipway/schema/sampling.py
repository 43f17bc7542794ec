"""Random records like those in training: for golden predictions, the parity check and benchmarks."""

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
