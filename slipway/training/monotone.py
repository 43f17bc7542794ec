"""Whether predictions move with an input as somebody who knows the subject expects them to."""

from typing import Any

import numpy as np
import pandas as pd

from slipway.inference.frames import of_records, records
from slipway.inference.pipeline_engine import NativeEngine
from slipway.schema.fields import Field
from slipway.schema.metrics import MonotoneCheck
from slipway.schema.schema import Schema

ROWS = 300
POINTS = 25
LEAST = 1e-6
"""Smaller steps back, in standard deviations of the target or as a probability, are rounding."""


def check_monotone(pipeline: Any, schema: Schema, inputs: pd.DataFrame) -> tuple[MonotoneCheck, ...]:
    """For each field with an expected direction: how often, and how far at most, predictions go the other way.

    Rows of training get values over the whole range of the field, all else unchanged; of two classes the probability of the positive
    one is looked at.

    Parameters
    ----------
    pipeline : fitted pipeline
        The one that is to be served.
    schema : Schema
    inputs : DataFrame of shape (n_rows, n_fields)
        Of training.

    Returns
    -------
    tuple of MonotoneCheck
        One for each field with `monotone`, in their order.
    """
    fields = [field for field in schema.fields if field.monotone]
    if not fields:
        return ()
    engine = NativeEngine(pipeline, schema)
    rows = inputs.sample(min(ROWS, len(inputs)), random_state=0)
    times = [field.name for field in schema.fields if field.kind == "time"]
    people = records(rows, times)
    return tuple(_checked(engine, schema, people, field) for field in fields)


def _checked(engine: NativeEngine, schema: Schema, people: list[dict[str, Any]], field: Field) -> MonotoneCheck:
    values = field.spaced(POINTS)
    asked = [person | {field.name: value} for person in people for value in values]
    answers = engine.predict_frame(of_records(schema, asked))
    if answers.probabilities is None:
        found = answers.values.astype("float64")
        unit = schema.target.std or 1.0
        if schema.target.classes:
            found, unit = (answers.values == schema.target.classes.index(schema.target.positive)).astype("float64"), 1.0
    else:
        found, unit = answers.probabilities[:, schema.target.classes.index(schema.target.positive)], 1.0
    curves = found.reshape(len(people), len(values)) * (1 if field.monotone == "up" else -1)
    back = (np.maximum.accumulate(curves, axis=1) - curves).max(axis=1)
    return MonotoneCheck(
        field=field.name,
        direction="up" if field.monotone == "up" else "down",
        rows=len(people),
        violated=float(np.mean(back > LEAST * unit)),
        largest=float(back.max()),
    )
