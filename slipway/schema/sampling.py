"""Records at random, as training saw them: for golden answers, the gate and benchmarks."""

import random
from datetime import date, timedelta
from typing import Any

from slipway.schema.fields import Field, Record
from slipway.schema.schema import Schema


def draw_records(schema: Schema, count: int, seed: int) -> list[Record]:
    """Records at random from what training saw: ranges, categories, and some values missing."""
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
        first, last = date.fromisoformat(field.observed_min), date.fromisoformat(field.observed_max)
        return (first + timedelta(days=rng.randint(0, (last - first).days))).isoformat()
    low, high = float(field.observed_min or 0), float(field.observed_max or 0)
    if field.kind == "integer":
        return rng.randint(int(low), int(high))
    return min(max(round(rng.uniform(low, high), field.decimals), low), high)
